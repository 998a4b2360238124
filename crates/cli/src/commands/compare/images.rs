//! Two models on the same images.

use std::path::PathBuf;

use anyhow::Result;
use handloom_data::DataSource;
use handloom_engine::Machine;
use handloom_engine::dataset::Dataset;
use handloom_engine::metric::first_maximum;
use handloom_engine::model::Model;
use handloom_view::verdict::Paired;
use handloom_view::words::grouped;
use serde_json::{Value, json};

use super::words;
use crate::fields::accuracy_text;
use crate::runs::{Run, Runs};
use crate::source::search::{Places, Sought};

/// Predictions of both `models` for the images `rows` of `data`, compared image by image.
pub(super) fn judged(models: [&Model; 2], data: &Dataset, rows: &[u32], machine: &Machine) -> Paired {
    let [a, b] = models.map(|model| {
        let probabilities = model.network.predict(data, rows, machine);
        let predicted = probabilities.chunks(model.network.classes()).map(first_maximum);
        let pairs = predicted.zip(rows).map(|(class, &row)| class == usize::from(data.labels[row as usize]));
        pairs.collect::<Vec<bool>>()
    });
    Paired::new(a.into_iter().zip(b))
}

/// Both accuracies and their difference, for a table.
pub(super) fn row(paired: &Paired, what: &str) -> [String; 4] {
    let [a, b] = [0, 1].map(|side| paired.accuracy(side).map_or_else(|| "-".into(), accuracy_text));
    [what.into(), a, b, format!(" {}", words::difference(paired.difference()))]
}

/// `of the same 10,000 test images B fixes 212 and breaks 148 · McNemar p < 0.001`.
pub(super) fn sentence(paired: &Paired, which: &str) -> String {
    format!(
        "of the same {} {which} images B fixes {} and breaks {} · McNemar {}",
        grouped(paired.images),
        grouped(paired.fixes),
        grouped(paired.breaks),
        words::p_value(paired.p())
    )
}

/// The comparison as a JSON object.
pub(super) fn event(paired: &Paired) -> Value {
    json!({
        "images": paired.images, "a_accuracy": paired.accuracy(0), "b_accuracy": paired.accuracy(1),
        "fixes": paired.fixes, "breaks": paired.breaks, "mcnemar_p": paired.p(),
        "difference": words::event(paired.difference()),
    })
}

/// Models and images for the comparison of two runs that have the same data.
pub(super) struct Common {
    pub(super) models: [Model; 2],
    pub(super) located: DataSource,
    /// Training and validation images.
    pub(super) data: Dataset,
    /// Images that neither was trained on, and both were validated on; none without.
    pub(super) validation: Vec<u32>,
}

impl Common {
    /// Models and data of two runs, or why they cannot be had. The data is looked for on this machine alone.
    pub(super) fn find(pair: [&Run; 2], runs: &Runs, data_dirs: Vec<PathBuf>) -> Result<Self> {
        let [a, b] = pair;
        if a.record.data_sha256 != b.record.data_sha256 {
            anyhow::bail!("they were trained on different data, `{}` and `{}`", a.record.dataset, b.record.dataset);
        }
        let (first, second) = (runs.kept_model(a)?, runs.kept_model(b)?);
        let found = Sought::of_run(&a.record).find(&Places::new(runs, data_dirs), true, None)?;
        let located = found.located;
        let data = found.train.map_or_else(|| located.train(), Ok)?;
        for (run, model) in [(a, &first), (b, &second)] {
            if !model.network.is_finite() {
                anyhow::bail!("run `{}` has weights that are not finite numbers", run.record.id);
            }
            if model.network.inputs() != data.pixels() || model.network.classes() != data.classes.len() {
                anyhow::bail!("the model of run `{}` does not fit `{located}`", run.record.id);
            }
        }
        let shares = [a.config()?.val_fraction, b.config()?.val_fraction];
        // Another share keeps other images, which the other run may have been trained on.
        let validation = if shares[0] == shares[1] { data.split(shares[0]).1 } else { Vec::new() };
        Ok(Self { models: [first, second], located, data, validation })
    }

    /// Both models on the validation images; none without.
    pub(super) fn on_validation(&self, machine: &Machine) -> Option<Paired> {
        let [a, b] = &self.models;
        (!self.validation.is_empty()).then(|| judged([a, b], &self.data, &self.validation, machine))
    }
}
