//! A run of the store as a W&B offline run.

use std::path::PathBuf;

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::model::Model;
use handloom_export::wandb::OfflineRun;
use handloom_store::Epoch;
use serde_json::Map;

use super::{one, text, written};
use crate::destination;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::runs::{Run, Runs, Status};
use crate::wandb::rows::{Summary, tested, timed};
use crate::wandb::{Flags, WandbOptions, pictures, sync};

pub(super) fn run(runs: &Runs, names: &[&str], matches: &ArgMatches, output: &Output) -> Result<()> {
    let run = runs.find(one(names, "wandb")?)?;
    let record = &run.record;
    let Some(exit) = exit(record.status) else {
        return Err(Failure::usage(format!(
            "run `{}` is still under way\nhint: export it when it has ended",
            record.id
        )));
    };
    let flag = |name| text(matches, name).map(str::to_owned);
    // An export is asked for, whatever the environment says about runs that are trained.
    let flags = Flags { mode: Some("offline".into()), project: flag("wandb_project"), entity: flag("wandb_entity") };
    let asked = WandbOptions::of(flags, &record.wandb, output)?;
    let asked = if matches.get_flag("no-sweep") { asked.without_sweep() } else { asked };
    let parent = flag("out").map_or_else(|| asked.parent(), PathBuf::from);
    destination::check_folder(&parent, if flag("out").is_some() { "--out" } else { "WANDB_DIR" })?;

    let epochs = runs.store.epochs(&record.id)?;
    let model = runs.kept_if_any(&run)?;
    runs.tell_unchecked(output);
    let matrix = matrix(model, &run, &epochs);
    let charts = matrix.as_ref().and_then(|(_, classes, _)| pictures::matrix_chart(classes.len()));
    let mut files = OfflineRun::create(&parent, &asked.identity(record, None, charts.into_iter().collect()))?;
    let rows: Vec<_> = epochs.iter().map(|epoch| epoch.row.clone()).collect();
    let mut summary = Summary::default();
    let mut times = Map::new();
    for (epoch, row) in rows.iter().zip(timed(&rows, record.started_ms)) {
        files.history(&row)?;
        summary.add(epoch);
        times = row;
        times.retain(|name, _| name.starts_with('_'));
    }
    let figures = tested(record.test_loss, record.test_accuracy);
    let mut last = figures.clone();
    if let Some((what, classes, counts)) = &matrix {
        last.extend(pictures::confusion(&mut files, what, classes, counts)?);
    }
    if !last.is_empty() {
        last.extend(times);
        files.history(&last)?;
    }
    let mut values = summary.values();
    values.extend(figures);
    files.summary(&values)?;
    let folder = files.finish(exit)?;
    written(&folder, output);
    output.next(&[&sync(&folder)]);
    Ok(())
}

/// The confusion matrix of the saved weights on validation data, if the store has it and the model names the classes.
fn matrix(
    model: Option<Model>,
    run: &Run,
    epochs: &[Epoch],
) -> Option<(&'static str, Vec<String>, handloom_engine::metric::Confusion)> {
    let best = epochs.iter().find(|epoch| Some(epoch.row.epoch) == run.record.best_epoch)?;
    let counts = best.evidence.confusion.clone()?;
    let model = model?;
    (model.classes.len() == counts.counts.len()).then_some(("validation", model.classes, counts))
}

/// Exit code of a run with this status, or none if it has not ended.
fn exit(status: Status) -> Option<i32> {
    /// Of a process that KILL ended, as shells count.
    const KILLED: i32 = 137;
    Some(match status {
        Status::Running => return None,
        Status::Finished | Status::Pruned => Exit::Done as i32,
        Status::Stopped => Exit::Interrupted as i32,
        Status::Failed => Exit::Failed as i32,
        Status::Diverged => Exit::Diverged as i32,
        Status::Killed => KILLED,
    })
}
