//! Results of training again, put in place of those in the report.

use std::collections::BTreeMap;
use std::path::Path;

use clap::ArgMatches;
use handloom_data::checksum;
use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
use handloom_engine::model::Model;
use handloom_sweep::Status as TrialStatus;
use handloom_sweep::spec::{Metric, Spec};
use handloom_view::site::report::{Again, Comparison, Made, Provenance, Searched};
use serde_json::{Value, json};

use super::Ids;
use super::again::Retrained;
use super::data::{DataSets, Loaded};
use super::host::VerifyHost;
use super::verdict::{Outcome, Verdict};
use crate::output::Output;
use crate::runs::Status;
use crate::settings::Settings;
use crate::table::one_line;
use crate::test_set_log;

/// Figures about the test set, measured again.
pub(super) struct Tested {
    accuracy: f64,
    loss: f64,
    sha256: String,
}

/// Opens test sets for the runs whose figures about them are shown.
pub(super) struct Tests<'a> {
    pub(super) path: &'a Path,
    pub(super) matches: &'a ArgMatches,
    pub(super) output: &'a Output,
    pub(super) machine: &'a Machine,
}

impl Tests<'_> {
    /// Measures the model on the test set, which is counted in the reader's store; none if that test set is not at hand.
    pub(super) fn of(
        &mut self,
        made: &Made,
        config: &Config,
        retrained: &Retrained,
        loaded: &mut Loaded,
    ) -> Option<Tested> {
        let test = loaded.test()?;
        let sha256 = checksum::of_dataset(&test);
        let network = &retrained.model.network;
        if network.inputs() != test.pixels() || network.classes() != test.classes.len() {
            return None;
        }
        let rows: Vec<u32> = (0..test.len() as u32).collect();
        let tally = network.evaluate(&test, &rows, &config.loss, self.machine);
        let model = format!("run {} of {}", made.id, self.path.display());
        let opening = test_set_log::opening(&model, None, &loaded.located, &test, "verify", tally.accuracy());
        match super::super::runs(self.matches) {
            // A store that cannot be written is reported.
            Ok(runs) => _ = test_set_log::count(&runs, &opening, self.output),
            Err(error) => self.output.warn(format!("this opening of a test set is not recorded: {error}")),
        }
        let tested = Tested { accuracy: tally.accuracy(), loss: tally.mean_loss(), sha256 };
        // A folder may have got another test part. A data set with a name has one, and figures that agree are of this one.
        let is_other = made.test_sha256.as_ref().is_some_and(|reported| *reported != tested.sha256);
        let agrees = made.test_accuracy.or(made.opening_accuracy) == Some(tested.accuracy);
        if is_other && !agrees && !loaded.is_known() {
            let id = one_line(&made.id);
            self.output.warn(format!("the test set at hand is not the one that run `{id}` was tested on"));
            return None;
        }
        Some(tested)
    }
}

/// A run as the report should have it.
pub(super) fn of_run(made: &Made, retrained: &Retrained, tested: Option<&Tested>) -> Made {
    let mut found = made.clone();
    found.status = retrained.status;
    found.epochs = retrained.rows.len() as u64;
    found.best_epoch = retrained.best_epoch;
    // Programs that record the version of the arithmetic record these, too.
    if made.numerics.is_some() {
        found.reason.clone_from(&retrained.why);
        found.initial_norms.clone_from(&retrained.initial_norms);
    }
    found.val_accuracy = retrained.val_accuracy;
    found.weights_sha256 = Some(retrained.weights_sha256.clone());
    found.figures = made.figures.as_ref().map(|figures| figures.again(&retrained.rows));
    // A setting that means nothing, or is written as no program writes it, decided nothing.
    let mut config = retrained.model.config.clone();
    config.extend(made.config.get("init_from").map(|path| ("init_from".to_owned(), path.clone())));
    for (name, value) in &mut found.config {
        *value = config.get(name).cloned().unwrap_or(Value::Null);
    }
    if let Some(Tested { accuracy, loss, sha256 }) = tested {
        found.test_accuracy = made.test_accuracy.map(|_| *accuracy);
        found.test_loss = made.test_loss.map(|_| *loss);
        found.opening_accuracy = made.opening_accuracy.map(|_| *accuracy);
        found.test_sha256 = made.test_sha256.as_ref().map(|_| sha256.clone());
    }
    found
}

/// Everything that was found.
pub(super) struct Found<'p> {
    /// The runs that were trained again, with what to say of them.
    pub(super) verdicts: Vec<(&'p Made, Verdict)>,
    /// The runs whose pages can be made again: with the reported weights, or where these should have come out.
    pub(super) exact: Ids,
    /// Runs that were trained again and whose test set is not at hand.
    pub(super) untested: Ids,
    reported: &'p Provenance,
    provenance: Provenance,
    detailed: Ids,
    models: BTreeMap<String, Model>,
    diagnostics: BTreeMap<String, Vec<(u64, EpochDiagnostics)>>,
    rows: BTreeMap<String, Course>,
}

/// The figures of a run's epochs, how it ended, and how it diverged, if it did.
type Course = (Vec<EpochMetrics>, Status, Option<String>);

impl<'p> Found<'p> {
    /// Nothing yet of the runs of `provenance`.
    pub(super) fn new(provenance: &'p Provenance) -> Self {
        let winners = provenance.sweeps.iter().filter_map(|sweep| sweep.winner.clone());
        Self {
            verdicts: Vec::new(),
            exact: Ids::new(),
            untested: Ids::new(),
            reported: provenance,
            provenance: provenance.clone(),
            detailed: provenance.chosen.runs.iter().cloned().chain(winners).collect(),
            models: BTreeMap::new(),
            diagnostics: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// Takes what came of a run.
    pub(super) fn add(&mut self, made: &'p Made, again: Made, retrained: Retrained, verdict: Verdict, is_tested: bool) {
        let id = made.id.clone();
        if made.is_tested() && !is_tested {
            self.untested.insert(id.clone());
        }
        if verdict.checked == "weights" {
            self.exact.insert(id.clone());
            if let Some(own) = self.provenance.runs.iter_mut().find(|run| run.id == id) {
                *own = again;
            }
            let Retrained { rows, diagnostics, status, why, model, .. } = retrained;
            self.diagnostics.insert(id.clone(), diagnostics);
            self.rows.insert(id.clone(), (rows, status, why));
            // Of other runs nothing is shown but the shape of the network.
            if self.detailed.contains(&id) {
                self.models.insert(id, model);
            }
        }
        self.verdicts.push((made, verdict));
    }

    /// Runs that agree in all that was compared, bit for bit.
    pub(super) fn verified(&self) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| verdict.outcome == Outcome::Verified).count()
    }

    /// Inputs for making the pages again.
    pub(super) fn assemble(&mut self, data: &mut DataSets<'_>) -> (Again, VerifyHost) {
        for sweep in &mut self.provenance.sweeps {
            of_sweep(sweep, &self.rows);
        }
        let mut host = VerifyHost { models: std::mem::take(&mut self.models), ..VerifyHost::default() };
        let mut no_data = Ids::new();
        for made in &self.reported.runs {
            let key = (made.dataset.clone(), made.data_sha256.clone());
            if let Some(loaded) = data.get(&made.dataset, &made.data_sha256) {
                host.train.entry(key.clone()).or_insert_with(|| loaded.train.clone());
            }
            // The latest run of a name comes last, and its data are those that are shown.
            match data.named(&made.dataset).and_then(|loaded| Some((loaded.test()?, loaded.train.clone()))) {
                Some((test, train)) => {
                    host.data.insert(made.dataset.clone(), (train, test.len()));
                    if made.is_tested() && self.exact.contains(&made.id) && !self.untested.contains(&made.id) {
                        host.test.insert(key, test);
                    }
                }
                None => _ = no_data.insert(made.dataset.clone()),
            }
        }
        let unchecked = self.reported.runs.iter().filter(|made| !self.exact.contains(&made.id));
        let again = Again {
            provenance: self.provenance.clone(),
            diagnostics: std::mem::take(&mut self.diagnostics),
            unchecked: unchecked.map(|made| made.id.clone()).collect(),
            untested: self.untested.clone(),
            no_data,
        };
        (again, host)
    }

    /// Adds the trials whose run was trained with other settings than the trial's parameters give.
    pub(super) fn compare_choices(&self, provenance: &Provenance, comparison: &mut Comparison) {
        for sweep in &provenance.sweeps {
            let Ok(spec) = Spec::read(&sweep.yaml) else { continue };
            for (number, trial) in sweep.trials.iter().enumerate() {
                let Some(made) = provenance.run(&trial.run).filter(|made| self.exact.contains(&made.id)) else {
                    continue;
                };
                let tried = Settings::of_maps([&sweep.settings, &spec.settings(&trial.choice)]);
                let mut config = Config::default();
                if config.merge(&made.config).is_err() {
                    continue;
                }
                // Of a trial that took over a result, only what decides it need be the same.
                let form = |config: &Config| {
                    if trial.reused { config.effective() } else { config.to_map().into_iter().collect() }
                };
                let (own, tried) = (form(&config), tried.map(|settings| form(&settings.config)).unwrap_or_default());
                // The locations of data and of initial weights do not affect training.
                let decides = |name: &&String| !["dataset", "init_from"].contains(&name.as_str());
                if let Some(name) = own.keys().filter(decides).find(|name| tried.get(*name) != own.get(*name)) {
                    let place = format!("provenance sweeps {} trials[{number}] choice {name}", sweep.id);
                    comparison.add(&place, tried.get(name), own.get(name));
                }
            }
        }
    }
}

/// Puts into the trials of a sweep what came of their runs.
fn of_sweep(sweep: &mut Searched, rows: &BTreeMap<String, Course>) {
    let metric: Option<Metric> = Spec::read(&sweep.yaml).ok().map(|spec| spec.metric);
    for trial in &mut sweep.trials {
        let Some((rows, status, why)) = rows.get(&trial.run) else { continue };
        trial.status = match status {
            // A pruner may have ended it in the midst of what it took over.
            Status::Finished if trial.reused && trial.status == TrialStatus::Pruned => trial.status,
            Status::Finished => TrialStatus::Finished,
            Status::Diverged => TrialStatus::Diverged,
            _ => trial.status,
        };
        trial.why.clone_from(why);
        let Some(metric) = metric.filter(|metric| metric.name != "samples_per_second") else { continue };
        let value = |row: &EpochMetrics| Some(metric.of(row)).filter(|value| value.is_finite());
        // Values that a trial has reported are forgotten if it is to begin again.
        let most = match trial.status {
            TrialStatus::Pending => 0,
            TrialStatus::Pruned if trial.reused => trial.values.len(),
            _ => rows.len(),
        };
        trial.values = rows.iter().take(most).map(value).collect();
    }
}

/// The figures of a run for programs.
pub(super) fn event(made: &Made, again: &Made, verdict: &Verdict) -> Value {
    json!({
        "v": 1, "event": "verify", "run": made.id, "name": made.name, "outcome": verdict.outcome.name(),
        "holds": verdict.outcome != Outcome::Differs, "checked": verdict.checked,
        "weights_sha256": again.weights_sha256, "reported_weights_sha256": made.weights_sha256,
        "val_accuracy": again.val_accuracy, "reported_val_accuracy": made.val_accuracy,
        "test_accuracy": again.test_accuracy, "reported_test_accuracy": made.test_accuracy,
        "numerics": handloom_engine::NUMERICS, "reported_numerics": made.numerics,
        "arch": std::env::consts::ARCH, "reported_arch": made.arch,
        "version": env!("CARGO_PKG_VERSION"), "isa": handloom_engine::Isa::best().name(),
        "reported_version": made.version, "reported_isa": made.isa, "verdict": verdict.words,
    })
}
