//! `/api/runs/ID`: everything about one run.

use handloom_engine::event::{EpochMetrics, LayerStats};
use handloom_engine::metric::wilson;
use handloom_store::{Epoch, Run, Status};
use serde_json::{Value, json};

use super::columns::number;
use super::curves::trained;
use super::project::{pairs, progress};
use super::runs::seconds;
use super::sentence::{Sentence, run_page, values};
use super::words::planned;
use super::{ApiError, Site, line};
use crate::insight::health;
use crate::words::{hidden, percent, times};

pub(super) fn answer(site: &Site, id: &str) -> Result<Value, ApiError> {
    let mut run = site.run(id)?;
    run.status = site.host.effective_status(&run);
    let epochs = site.store.epochs(id)?;
    let rows: Vec<EpochMetrics> = epochs.iter().map(|epoch| epoch.row.clone()).collect();
    let Shape { sizes, parameters, classes, has_model } = Shape::of(site, &run);
    let checks = health::examine(&run, &epochs, &classes);
    let test = Test::of(site, &run)?;
    let headline = headline(&run, &epochs, &classes, &checks, test.as_ref());
    let mut answer = json!({
        "id": run.id, "name": run.name, "status": run.status.name(), "sweep": run.sweep, "group": run.group,
        "tags": run.tags, "notes": run.notes, "dataset": run.dataset, "data_sha256": run.data_sha256,
        "started_ms": run.started_ms, "ended_ms": run.ended_ms, "seconds": number(seconds(&run, site.now_ms())),
        "epochs": run.epochs, "planned": planned(&run), "best_epoch": run.best_epoch,
        "val_accuracy": number(run.val_accuracy), "parameters": parameters, "layers": sizes, "config": run.config,
        "initial_norms": run.initial_norms, "reason": run.reason,
        "differs": differs(site, &run), "command": site.host.command(&run), "typed": line(&run.command),
        "version": run.version, "isa": run.isa, "host": run.host, "git_commit": run.git_commit,
        "weights_sha256": run.weights_sha256, "parent": run.parent, "headline": values(&headline), "health": health::values(&checks),
    });
    answer["curves"] = curves(&rows);
    answer["evidence"] = evidence(&epochs);
    answer["may_open_test"] = json!(test.is_none() && has_model);
    answer["test"] = test.map_or(Value::Null, |test| test.to_value());
    Ok(answer)
}

/// Shape of the network, as far as it is known.
struct Shape {
    sizes: Vec<u64>,
    parameters: Option<u64>,
    classes: Vec<String>,
    has_model: bool,
}

impl Shape {
    /// As the model has it, or before there is one as it follows from settings and data.
    fn of(site: &Site, run: &Run) -> Self {
        if let Ok(model) = site.host.model(run) {
            let sizes = model.network.sizes().into_iter().map(|size| size as u64).collect();
            let parameters = Some(model.network.parameters() as u64);
            return Self { sizes, parameters, classes: model.classes, has_model: true };
        }
        let Ok(data) = site.host.train(run) else {
            return Self { sizes: Vec::new(), parameters: None, classes: Vec::new(), has_model: false };
        };
        let ends = [data.pixels() as u64, data.classes.len() as u64];
        let sizes: Vec<u64> = [ends[0]].into_iter().chain(hidden(&run.config)).chain([ends[1]]).collect();
        let parameters = sizes.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
        let parameters = parameters.fold(0, u64::saturating_add);
        Self { sizes, parameters: Some(parameters), classes: data.classes.clone(), has_model: false }
    }
}

/// Result of opening the test set for a run.
struct Test {
    accuracy: f64,
    loss: Option<f64>,
    interval: Option<[f64; 2]>,
    openings: u64,
}

impl Test {
    /// None before it was opened for this run.
    fn of(site: &Site, run: &Run) -> Result<Option<Self>, ApiError> {
        let (opened, openings) = site.host.test_openings(run)?;
        if !opened {
            return Ok(None);
        }
        let found = if let Some(accuracy) = run.test_accuracy {
            Some((accuracy, run.test_loss))
        } else {
            let all = site.store.openings()?;
            let mut own = all.into_iter().rev().filter(|opening| opening.run.as_ref() == Some(&run.id));
            own.find_map(|opening| opening.accuracy).map(|accuracy| (accuracy, None))
        };
        let Some((accuracy, loss)) = found else { return Ok(None) };
        // The number of its images is known only where the data are.
        let images = site.host.test(run).ok().map(|test| test.len() as u64);
        let interval = images.map(|images| wilson((accuracy * images as f64).round() as u64, images));
        Ok(Some(Self { accuracy, loss, interval, openings }))
    }

    fn to_value(&self) -> Value {
        json!({
            "accuracy": number(Some(self.accuracy)), "low": self.interval.map(|interval| interval[0]),
            "high": self.interval.map(|interval| interval[1]), "loss": number(self.loss), "openings": self.openings,
        })
    }

    fn sentence(&self, run: &Run) -> Sentence {
        let interval =
            self.interval.map_or_else(String::new, |[low, high]| format!(" [{:.1}, {:.1}]", 100.0 * low, 100.0 * high));
        let opened = if self.openings > 0 { format!(", opened {}", times(self.openings)) } else { String::new() };
        let text = format!("Test: {}{interval}{opened}.", percent(self.accuracy));
        Sentence::new("test", text).at(run_page(&run.id, "/errors?set=test"))
    }
}

fn headline(
    run: &Run,
    epochs: &[Epoch],
    classes: &[String],
    checks: &[health::Check],
    test: Option<&Test>,
) -> Vec<Sentence> {
    let mut said = vec![];
    said.extend(result(run, epochs));
    said.extend(stands(run, epochs));
    said.extend(health::verdict(checks).map(|verdict| Sentence::new("health", verdict).at(run_page(&run.id, ""))));
    said.extend(test.map(|test| test.sentence(run)));
    said.extend(pairs(run, epochs, classes));
    said
}

fn result(run: &Run, epochs: &[Epoch]) -> Option<Sentence> {
    let (best, accuracy) = (run.best_epoch?, run.val_accuracy?);
    let row = epochs.iter().find(|epoch| epoch.row.epoch == best).map(|epoch| &epoch.row);
    let fitted = row
        .map(|row| row.train_accuracy)
        .filter(|fitted| fitted.is_finite())
        .map(|fitted| format!("; training {}, gap {:.1} points", percent(fitted), 100.0 * (fitted - accuracy)));
    let text =
        format!("{} of validation images right at epoch {best}{}.", percent(accuracy), fitted.unwrap_or_default());
    Some(Sentence::new("result", text).at(run_page(&run.id, "")))
}

fn stands(run: &Run, epochs: &[Epoch]) -> Option<Sentence> {
    let (done, planned) = (run.epochs, planned(run));
    let goes_on = || match &run.sweep {
        Some(sweep) => format!("`handloom sweep resume {sweep}` goes on."),
        None => format!("`handloom train --resume {}` goes on.", run.id),
    };
    let text = match run.status {
        // For a diverged run, the statement about its health has the reason.
        Status::Finished | Status::Diverged => return None,
        Status::Running => format!("Running: {}.", progress(run, epochs.last().map(|epoch| &epoch.row))),
        Status::Stopped => format!("Stopped after epoch {done} of {planned}: {}", goes_on()),
        Status::Killed => format!("Its process ended after epoch {done} of {planned}: {}", goes_on()),
        Status::Pruned => format!("Given up by its sweep after epoch {done} of {planned}, since others did better."),
        Status::Failed => format!("Failed after epoch {done} of {planned}."),
    };
    Some(Sentence::new("stands", text))
}

/// Settings that are not the defaults.
fn differs(site: &Site, run: &Run) -> Value {
    let defaults = site.host.defaults(run);
    let others = run.config.iter().filter(|(name, value)| defaults.get(name.as_str()) != Some(*value));
    others.map(|(name, value)| json!({"name": name, "value": value, "default": defaults.get(name)})).collect()
}

/// The figures of epochs, as arrays of equal length.
pub(super) fn curves(rows: &[EpochMetrics]) -> Value {
    let of = |figure: fn(&EpochMetrics) -> Option<f64>| -> Vec<Value> {
        rows.iter().map(|row| number(figure(row))).collect()
    };
    json!({
        "epoch": rows.iter().map(|row| row.epoch).collect::<Vec<_>>(),
        "train_loss": of(|row| Some(row.train_loss)), "train_accuracy": of(|row| Some(row.train_accuracy)),
        "val_loss": of(|row| row.val_loss), "val_accuracy": of(|row| row.val_accuracy),
        "learning_rate": of(|row| Some(row.learning_rate)),
        "samples_per_second": of(|row| Some(row.samples_per_second)), "seconds": trained(rows),
    })
}

/// A list for each layer, with a value for each epoch.
fn evidence(epochs: &[Epoch]) -> Value {
    let layers = epochs.iter().map(|epoch| epoch.evidence.layers.len()).max().unwrap_or(0);
    let of = |figure: fn(&LayerStats) -> Option<f64>| -> Value {
        let layer = |layer: usize| -> Vec<Value> {
            epochs.iter().map(|epoch| number(epoch.evidence.layers.get(layer).and_then(figure))).collect()
        };
        (0..layers).map(layer).collect()
    };
    json!({
        "gradient_norm": of(|health| Some(health.gradient_norm)), "dead": of(|health| health.dead),
        "saturated": of(|health| health.saturated), "step": of(|health| health.step),
    })
}
