//! Output of `train`: before the first epoch, after the last, and for programs.

use handloom_engine::BatchStats;
use handloom_engine::config::Config;
use handloom_engine::event::Outcome;
use handloom_engine::session::Session;
use handloom_engine::train::Trained;
use handloom_view::format::rate;
use handloom_view::words::{count, grouped, times};
use serde_json::{Value, json};

use crate::output::{BOLD, DIM, GOOD, Output};
use crate::runs::Run;
use crate::source::Source;
use handloom_view::format::duration;

/// Says what is about to be trained, on how many images, and on how many it is validated.
pub(super) fn announce(
    run: &Run,
    config: &Config,
    source: &Source,
    (train, val): (usize, usize),
    session: &Session,
    threads: usize,
    output: &Output,
) {
    let (sizes, parameters) = (session.sizes(), session.parameters());
    output.event(&json!({
        "v": 1, "event": "start", "run": run.record.id, "name": run.record.name, "dataset": run.record.dataset,
        "fallback": source.fallback, "train_images": train, "val_images": val, "sizes": sizes,
        "parameters": parameters, "config": config.to_map(), "threads": threads, "isa": run.record.isa,
        "finished_epochs": session.epoch, "parent": run.record.parent, "data_notes": run.record.data_notes,
    }));
    let widths = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ");
    output.line(format!(
        "{BOLD}{}{BOLD:#}  {} train · {} validation · test closed   {DIM}{}{DIM:#}",
        run.record.dataset,
        grouped(train as u64),
        grouped(val as u64),
        source.located.path().map_or_else(|| "built in".into(), |path| path.display().to_string()),
    ));
    let decay =
        if config.weight_decay > 0.0 { format!(" · weight decay {}", config.weight_decay) } else { String::new() };
    output.line(format!(
        "{widths} · {} · {} parameters · {} lr {} · batch {}{decay}",
        config.activation.name(),
        grouped(parameters as u64),
        config.optimizer.name(),
        rate(config.rate()),
        config.batch_size,
    ));
    output.line(format!(
        "run  {BOLD}{}{BOLD:#}  {} · seed {} · {}",
        run.record.id,
        run.record.name,
        config.seed,
        count(threads as u64, "thread", "threads"),
    ));
    if session.epoch > 0 {
        let parent = run.record.parent.as_ref().map(|parent| format!(" of run {parent}")).unwrap_or_default();
        output.line(format!("going on after epoch {}{parent}, up to epoch {}", session.epoch, config.epochs));
    }
}

/// Says what came of it, and what to do next.
pub(super) fn tell(
    run: &Run,
    trained: &Trained,
    config: &Config,
    test: Option<(BatchStats, Option<u64>)>,
    seconds: f64,
    output: &Output,
) {
    let id = &run.record.id;
    match trained.outcome {
        Outcome::Diverged { .. } => diverged(run, trained, config, output),
        Outcome::Stopped(_) => {
            output.note(format!(
                "stopped after epoch {} of {}; the checkpoint is saved",
                trained.rows.len(),
                config.epochs
            ));
            output.next(&[&format!("handloom train --resume {id}")]);
        }
        Outcome::Finished => {
            finished(run, trained, config, seconds, output);
            if let Some((test, openings)) = test {
                let images = grouped(test.rows);
                let opened =
                    openings.map(|count| format!("   {DIM}opened {}{DIM:#}", times(count))).unwrap_or_default();
                output.line(format!(
                    "  test accuracy {BOLD}{:.2}%{BOLD:#}   loss {:.4}   {images} images{opened}",
                    100.0 * test.accuracy(),
                    test.mean_loss()
                ));
            }
            output.next(&["handloom evaluate @last", "handloom ls"]);
        }
    }
}

fn finished(run: &Run, trained: &Trained, config: &Config, seconds: f64, output: &Output) {
    let rate = trained.rows.iter().map(|row| row.samples_per_second).sum::<f64>() / trained.rows.len().max(1) as f64;
    let time = format!("{DIM}{} · {} img/s{DIM:#}", duration(seconds), grouped(rate as u64));
    let row = trained.rows.iter().find(|row| row.epoch == trained.epoch);
    let what = match row {
        Some(row) => match row.val_accuracy {
            Some(accuracy) => format!(
                "epoch {} of {}: validation {BOLD}{:.2}%{BOLD:#}  (train {:.2}%, gap {:.2})",
                row.epoch,
                config.epochs,
                100.0 * accuracy,
                100.0 * row.train_accuracy,
                100.0 * (row.train_accuracy - accuracy),
            ),
            None => format!(
                "epoch {} of {}: train {:.2}%, no validation data",
                row.epoch,
                config.epochs,
                100.0 * row.train_accuracy
            ),
        },
        None => "nothing left to train".into(),
    };
    let kept = match config.weights {
        handloom_engine::config::Weights::Best if row.is_some_and(|row| row.val_accuracy.is_some()) => "best",
        _ => "last",
    };
    output.line(format!("{GOOD}✔{GOOD:#} {kept} {what}   {time}"));
    let also = run.record.out.as_ref().map(|out| format!(" and {}", out.display())).unwrap_or_default();
    output.line(format!("  saved: the weights of epoch {} in {}{also}", trained.epoch, run.model().display()));
}

fn diverged(run: &Run, trained: &Trained, config: &Config, output: &Output) {
    let reason = trained.outcome.divergence().unwrap_or_default();
    let (used, smaller) = (rate(config.rate()), rate(config.smaller_rate()));
    output.error(&format!(
        "{reason} ({} lr {used})\nhint: try a smaller learning rate, such as `-lr {smaller}`\n  kept: the weights after epoch {} in {}",
        config.optimizer.name(),
        trained.epoch,
        run.model().display()
    ));
}

/// Says that there is nothing to resume.
pub(super) fn already_finished(run: &Run, output: &Output) {
    let id = &run.record.id;
    output.line(format!(
        "run {id} is finished: {} epochs{}",
        run.record.epochs,
        accuracy(run.record.val_accuracy, "validation")
    ));
    output.event(&json!({
        "v": 1, "event": "done", "run": id, "name": run.record.name, "status": run.record.status.name(),
        "model": run.model(), "val_accuracy": run.record.val_accuracy, "test_accuracy": run.record.test_accuracy,
        "epochs": run.record.epochs, "seconds": 0.0, "parameters": null, "weights_sha256": run.record.weights_sha256,
        "model_sha256": run.record.model_sha256,
    }));
    output.next(&[&format!("handloom evaluate {id}")]);
}

/// The `done` object of `--json`.
pub(super) fn done_event(run: &Run, trained: &Trained, seconds: f64) -> Value {
    json!({
        "v": 1, "event": "done", "run": run.record.id, "name": run.record.name, "status": run.record.status.name(),
        "model": run.model(), "val_accuracy": run.record.val_accuracy, "test_accuracy": run.record.test_accuracy,
        "epochs": trained.rows.len(), "best_epoch": run.record.best_epoch, "seconds": seconds,
        "parameters": trained.network.parameters(), "weights_sha256": run.record.weights_sha256,
        "model_sha256": run.record.model_sha256, "reason": run.record.reason,
    })
}

/// Message about a run that the store did not record completely.
pub(super) fn unrecorded(run: &Run, trained: &Trained) -> String {
    format!(
        "{} of run `{}` were trained{}, but the store does not have all of it; the model is in `{}`",
        count(trained.rows.len() as u64, "epoch", "epochs"),
        run.record.id,
        accuracy(run.record.val_accuracy, "validation"),
        run.model().display()
    )
}

fn accuracy(accuracy: Option<f64>, which: &str) -> String {
    accuracy.map(|accuracy| format!(", {which} {:.2}%", 100.0 * accuracy)).unwrap_or_default()
}
