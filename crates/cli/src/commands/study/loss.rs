//! Measurements of `study loss` besides training: calibration, the confidence of models against their accuracy.

use std::collections::BTreeMap;

use anyhow::Result;
use handloom_engine::Machine;
use handloom_engine::metric::calibration_error;
use handloom_view::study::page::Page;
use handloom_view::study::sample::Trial;
use handloom_view::study::{Origin, loss};

use super::context::StudyContext;

pub(super) fn page(bench: &StudyContext<'_>, trials: &[Trial], origin: &Origin) -> Result<Page> {
    Ok(loss::page(trials, &calibration(bench, trials)?, origin))
}

/// The calibration error on validation data of each run that has a model, by its id.
pub(super) fn calibration(bench: &StudyContext<'_>, trials: &[Trial]) -> Result<BTreeMap<String, f64>> {
    let (data, machine) = (&bench.data, Machine::new(bench.workers as usize));
    let mut found = BTreeMap::new();
    for trial in trials.iter().filter(|trial| trial.is_over() && !trial.is_diverged()) {
        let run = bench.runs.of(trial.run.clone());
        let model = bench.runs.kept_model(&run)?;
        let (_, rows) = data.split(run.config()?.val_fraction);
        let labels: Vec<u8> = rows.iter().map(|&row| data.labels[row as usize]).collect();
        let probabilities = model.network.predict(data, &rows, &machine);
        found.extend(
            calibration_error(&probabilities, &labels, data.classes.len()).map(|error| (trial.run.id.clone(), error)),
        );
    }
    Ok(found)
}
