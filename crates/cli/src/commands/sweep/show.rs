//! `sweep show`: trials of a sweep, the best of them, and which parameters matter.

use std::collections::{HashMap, HashSet};

use anyhow::Result;
use clap::ArgMatches;
use clap::builder::styling::Style;
use handloom_engine::event::EpochMetrics;
use handloom_store::ByRun;
use handloom_sweep::summary::{SweepSummary, best, forget, run_of};
use handloom_sweep::{State, Status, Trial};
use handloom_view::format::{self, parameters};
use serde_json::{Value, json};

use super::handle::{SweepHandle, called};
use super::importance_report;
use super::progress_view::metrics;
use super::why;
use crate::commands::{picture, readable_runs, text};
use crate::exit::Exit;
use crate::output::{BAD, BOLD, DIM, GOOD, Output};
use crate::pictures;
use crate::runs::{Run, Runs};
use crate::table::{grid, one_line};

/// Trials in the table without `--all`.
const ROWS: usize = 20;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let plot = picture(matches, "plot")?;
    let runs = readable_runs(matches, output)?;
    let opened = SweepHandle::find(&runs, text(matches, "sweep"))?;
    let shown = Shown::of(&opened, &runs)?;
    if output.json {
        output.event(&shown.event());
    } else {
        shown.head(output);
        shown.table(matches.get_flag("all"), output);
        shown.reasons(matches.get_flag("all"), output);
        importance_report::print(&opened.space, &shown.state.trials, opened.goal, output);
    }
    if let Some(file) = &plot {
        let title = format!("Sweep {} {}", opened.sweep.id, one_line(called(&opened.sweep)));
        let all: Vec<Run> = shown.state.trials.iter().filter_map(|trial| shown.run(trial).cloned()).collect();
        pictures::created(title.trim_end(), &all).save(file)?;
        output.note(format!("validation accuracy by time of creation: {}", file.display()));
    }
    shown.next(output);
    Ok(Exit::Done)
}

/// A sweep with the runs of its trials.
struct Shown<'a> {
    opened: &'a SweepHandle,
    state: State,
    status: &'static str,
    standing: SweepSummary,
    runs: HashMap<String, Run>,
    rows: ByRun<Vec<EpochMetrics>>,
}

impl<'a> Shown<'a> {
    fn of(opened: &'a SweepHandle, runs: &Runs) -> Result<Self> {
        let mut state = opened.state(runs)?;
        let everything = runs.all()?;
        let there: HashSet<&str> = everything.iter().map(|run| run.record.id.as_str()).collect();
        forget(&mut state, |run| there.contains(run));
        let ids: Vec<&str> = state.trials.iter().filter_map(|trial| run_of(&state, trial.number)).collect();
        let own: HashSet<&str> = ids.iter().copied().collect();
        let all = everything.into_iter().filter(|run| own.contains(run.record.id.as_str()));
        let all: HashMap<String, Run> = all.map(|run| (run.record.id.clone(), run)).collect();
        let rows = runs.store.rows(&ids)?;
        let (status, standing) = (opened.status(&state), SweepSummary::of(&state));
        Ok(Self { opened, state, status, standing, runs: all, rows })
    }

    fn run_id(&self, trial: &Trial) -> Option<&str> {
        run_of(&self.state, trial.number)
    }

    fn run(&self, trial: &Trial) -> Option<&Run> {
        self.runs.get(self.run_id(trial)?)
    }

    /// The epoch whose weights a trial kept, or its last so far.
    fn row(&self, trial: &Trial) -> Option<&EpochMetrics> {
        let rows = self.rows.get(self.run_id(trial)?)?;
        let kept = self.run(trial).and_then(|run| run.record.best_epoch);
        rows.iter().find(|row| Some(row.epoch) == kept).or(rows.last())
    }

    /// A trial's metric, as the search sees it.
    fn metric(&self, trial: &Trial) -> Option<f64> {
        trial.best().map(|cost| self.opened.goal.cost(cost))
    }

    fn event(&self) -> Value {
        let SweepHandle { sweep, space, metric, goal, .. } = self.opened;
        let best = best(&self.state.trials).map(|(trial, _)| self.trial(trial));
        let trials: Vec<Value> = self.state.trials.iter().map(|trial| self.trial(trial)).collect();
        let mut event = json!({
            "v": 1, "event": "sweep", "sweep": sweep.id, "name": sweep.name, "status": self.status,
            "method": self.opened.spec.method.name(), "metric": metric.name, "goal": goal,
            "planned": self.opened.total(&self.state), "counts": self.standing.object(), "trials": trials, "best": best,
        });
        if let Value::Object(event) = &mut event {
            event.extend(importance_report::object(space, &self.state.trials, *goal));
        }
        event
    }

    fn trial(&self, trial: &Trial) -> Value {
        let attempts = &self.state.attempts[trial.number as usize];
        let mut object = json!({
            "number": trial.number, "run": self.run_id(trial), "status": trial.status.name(), "parameters": trial.choice,
            "reused": trial.reused, "attempts": attempts.len(), "deaths": self.deaths(trial), "why": why::of(&self.state, trial),
            "epochs": trial.costs.len(), "best_epoch": self.run(trial).and_then(|run| run.record.best_epoch),
        });
        if let Value::Object(object) = &mut object {
            object.extend(metrics(self.row(trial)));
            // The value that the search uses, even where the run is gone.
            let value = self.metric(trial).map(|value| json!(value));
            if let Some(value) = value {
                object.insert(self.opened.metric.name.into(), value);
            }
        }
        object
    }

    fn head(&self, output: &Output) {
        let SweepHandle { sweep, metric, goal, .. } = self.opened;
        let style = if self.status == "running" { GOOD } else { Style::new() };
        output.result(format!(
            "{BOLD}{}{BOLD:#}  {}   {style}{}{style:#}",
            sweep.id,
            one_line(called(sweep)),
            self.status
        ));
        let planned = self.opened.total(&self.state).map(|total| format!("{total} trials planned")).unwrap_or_default();
        let about = [
            self.opened.spec.method.name().to_owned(),
            format!("{} {}", metric.name, goal.name()),
            self.standing.words(),
            planned,
        ];
        output
            .result(format!("  {}", about.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" · ")));
        if let Some((trial, cost)) = best(&self.state.trials) {
            output.result(format!(
                "  best {BOLD}{}{BOLD:#}  trial {}, run {}   {}",
                metric.text(goal.cost(cost)),
                trial.number,
                self.run_id(trial).unwrap_or_default(),
                one_line(&parameters(&trial.choice, &self.opened.space.varying()))
            ));
        }
    }

    /// The trials, the best first; those without a metric last, in the order of their numbers.
    fn table(&self, all: bool, output: &Output) {
        let mut trials: Vec<&Trial> = self.state.trials.iter().collect();
        trials.sort_by(|a, b| {
            let cost = |trial: &Trial| trial.best().unwrap_or(f64::INFINITY);
            cost(a).total_cmp(&cost(b)).then(a.number.cmp(&b.number))
        });
        let hidden = if all { 0 } else { trials.len().saturating_sub(ROWS) };
        trials.truncate(trials.len() - hidden);
        let varying = self.opened.space.varying();
        let heads = ["trial", "run", "status", self.opened.metric.name, "epochs"].map(str::to_owned);
        let heads = heads.into_iter().chain(varying.iter().cloned());
        let mut rows: Vec<Vec<(String, Style)>> = vec![heads.map(|name| (one_line(&name), DIM)).collect()];
        rows.extend(trials.iter().map(|trial| {
            let plain = |text: String| (text, Style::new());
            let metric = self.metric(trial).map_or_else(|| "-".into(), |value| self.opened.metric.text(value));
            let fixed = [
                plain(trial.number.to_string()),
                (self.run_id(trial).unwrap_or("-").to_owned(), BOLD),
                (if trial.reused { "reused" } else { trial.status.name() }.to_owned(), look(trial.status)),
                plain(metric),
                plain(trial.costs.len().to_string()),
            ];
            let own = varying
                .iter()
                .map(|name| plain(trial.choice.get(name).map_or_else(|| "-".into(), |x| one_line(&format::plain(x)))));
            fixed.into_iter().chain(own).collect()
        }));
        if rows.len() > 1 {
            let columns = rows[0].len();
            let right: Vec<bool> = (0..columns).map(|at| at != 1 && at != 2).collect();
            let flexible: Vec<bool> = (0..columns).map(|at| at >= 5).collect();
            output.result(grid(&rows, &right, &flexible, output.width()).join("\n"));
        }
        if hidden > 0 {
            output.note(format!("{DIM}  ... {hidden} more: `--all`{DIM:#}"));
        }
    }

    /// Number of times that the process of a trial died.
    fn deaths(&self, trial: &Trial) -> usize {
        let (in_company, alone) = self.state.deaths(trial.number);
        in_company + alone
    }

    /// Prints the reasons why trials failed, diverged or are pending again.
    fn reasons(&self, all: bool, output: &Output) {
        let lines = [why::ended(&self.state), why::pending(&self.state)].concat();
        let shown = if all { lines.len() } else { ROWS.min(lines.len()) };
        for line in &lines[..shown] {
            output.result(format!("  {line}"));
        }
        if lines.len() > shown {
            output.note(format!("{DIM}  ... {} more: `--all`{DIM:#}", lines.len() - shown));
        }
    }

    fn next(&self, output: &Output) {
        let id = &self.opened.sweep.id;
        let (best, train) = (format!("handloom sweep best {id}"), format!("handloom sweep best {id} --train"));
        let resume = format!("handloom sweep resume {id}");
        let retry = format!("{resume} --retry-failed");
        let failed = self.standing.count(Status::Failed) > 0;
        match (self.status, self.standing.best.is_some()) {
            ("pending" | "stopped", true) => output.next(&[&resume, &best]),
            ("pending" | "stopped", false) => output.next(&[&resume]),
            ("finished", true) if failed => output.next(&[&best, &train, &retry]),
            ("finished", false) if failed => output.next(&[&retry]),
            (_, true) => output.next(&[&best, &train]),
            _ => output.next(&["handloom sweep ls"]),
        }
    }
}

/// The color of a status.
fn look(status: Status) -> Style {
    match status {
        Status::Finished => Style::new(),
        Status::Running => GOOD,
        Status::Pruned | Status::Pending | Status::Removed => DIM,
        Status::Failed | Status::Diverged => BAD,
    }
}
