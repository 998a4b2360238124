//! A sweep as the store has it, ready to be worked on or looked at.

use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use handloom_store::{Sweep, liveness};
use handloom_sweep::spec::{Method, Metric, Spec, setting};
use handloom_sweep::state::{Agent, SILENCE_MS};
use handloom_sweep::{Distribution, Goal, Journal, Parameter, SearchSpace, State, Status, Trainings};
use serde_json::{Map, Value};

use super::data::DataSetNames;
use crate::exit::Failure;
use crate::provenance;
use crate::runs::Runs;
use crate::table::one_line;

/// A sweep.
pub(super) struct SweepHandle {
    pub(super) sweep: Sweep,
    pub(super) spec: Spec,
    /// Search space: the file's parameters without those that are fixed for all trials.
    pub(super) space: SearchSpace,
    pub(super) metric: Metric,
    pub(super) goal: Goal,
    pub(super) journal: handloom_store::Journal,
    trainings: OnceLock<Option<Trainings>>,
}

impl SweepHandle {
    /// A sweep of the store `runs`.
    pub(super) fn new(sweep: Sweep, runs: &Runs) -> Result<Self> {
        let spec = Spec::read(&sweep.yaml).with_context(|| format!("in the file of sweep `{}`", sweep.id))?;
        // A store of its own: no upload of a model stands between the journal and the database.
        let journal = handloom_store::Journal::new(runs.again()?, &sweep.id);
        let (space, metric) = (spec.space.without(&sweep.settings), spec.metric);
        Ok(Self { sweep, spec, space, metric, goal: metric.goal, journal, trainings: OnceLock::new() })
    }

    /// The sweep that `name` means: an id, a part of an id or name that only one has, or `@last`.
    pub(super) fn find(runs: &Runs, name: Option<&str>) -> Result<Self> {
        let name = name.unwrap_or("@last");
        let all = runs.store.sweeps()?;
        let like =
            |sweep: &&Sweep| sweep.id.starts_with(name) || sweep.name.as_deref().unwrap_or_default().contains(name);
        let list = |sweeps: &[&Sweep]| {
            let lines =
                sweeps.iter().rev().take(10).map(|sweep| format!("\n  {}  {}", sweep.id, one_line(called(sweep))));
            lines.collect::<String>()
        };
        let found: Vec<&Sweep> = match name {
            "@last" => all.last().into_iter().collect(),
            name => match all.iter().find(|sweep| sweep.id == name) {
                Some(sweep) => vec![sweep],
                None => all.iter().filter(like).collect(),
            },
        };
        match found[..] {
            [sweep] => Self::new(sweep.clone(), runs),
            [] => {
                let hint = match &all[..] {
                    [] => "`handloom sweep FILE.yaml` makes one".to_owned(),
                    all => format!("the latest are{}", list(&all.iter().collect::<Vec<_>>())),
                };
                Err(Failure::usage(format!("no sweep `{name}` in `{}`\nhint: {hint}", runs.at())))
            }
            ref several => Err(Failure::usage(format!(
                "`{name}` may be any of {} sweeps\nhint: name one by its id{}",
                several.len(),
                list(several)
            ))),
        }
    }

    /// State of the sweep, from its journal. A trial whose process is gone is pending.
    pub(super) fn state(&self, runs: &Runs) -> Result<State> {
        let mut state = State::new(self.goal);
        let page = self.journal.read(0)?;
        for stamped in &page.entries {
            state.apply(stamped);
        }
        let here = provenance::host();
        let liveness = |agent: &Agent| liveness(&*runs.store, &here, agent);
        let gone: Vec<u64> = state.stale(page.now_ms, SILENCE_MS, liveness).iter().map(|stale| stale.number).collect();
        for number in gone {
            state.trials[number as usize].status = Status::Pending;
        }
        Ok(state)
    }

    /// Number of trials in all, if it is limited.
    pub(super) fn total(&self, state: &State) -> Option<u64> {
        self.spec.total(&self.space, state)
    }

    /// Status of the sweep, in a word.
    pub(super) fn status(&self, state: &State) -> &'static str {
        let counts = self.spec.method != Method::Grid;
        self.spec.status(&self.space, self.trainings().filter(|_| counts), state)
    }

    /// The different trainings of its space, if they are few enough to be counted.
    pub(super) fn trainings(&self) -> Option<&Trainings> {
        self.trainings.get_or_init(|| Trainings::of(&self.spec, &self.space, &self.sweep.settings)).as_ref()
    }

    /// The data sets that trials may have.
    pub(super) fn data_sets(&self) -> DataSetNames {
        data_sets(&self.space, &self.sweep.settings)
    }
}

/// The data sets that trials over `space` may have.
pub(super) fn data_sets(space: &SearchSpace, settings: &Map<String, Value>) -> DataSetNames {
    let tried = |name: &str| -> Vec<Value> {
        let is_named = |one: &&Parameter| setting(&one.name).is_some_and(|key| key.name == name);
        let tried = space.parameters.iter().filter(is_named).flat_map(|parameter| match &parameter.distribution {
            Distribution::Constant(value) => vec![value.clone()],
            Distribution::Categorical(values, _) => values.clone(),
            _ => Vec::new(),
        });
        settings.get(name).cloned().into_iter().chain(tried).collect()
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    DataSetNames::new(tried("dataset").iter().map(text).collect(), &tried("image_size"), &tried("data_rules"))
}

/// Name of a sweep; empty if it has none.
pub(super) fn called(sweep: &Sweep) -> &str {
    sweep.name.as_deref().unwrap_or_default()
}
