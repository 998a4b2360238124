//! `show`: everything that is known of a run.

mod epochs;

use std::fs;

use anyhow::Result;
use clap::ArgMatches;
use clap::builder::styling::Style;
use handloom_engine::event::EpochMetrics;
use handloom_store::{Epoch, Status};
use handloom_view::insight::health::{self, Check, State};
use handloom_view::words::{grouped, line, times};
use serde_json::{Value, json};

use super::ls::{look, tagged};
use super::{picture, readable_runs, text};
use crate::command;
use crate::exit::{Exit, told};
use crate::fields::{self, moment, plain, seconds};
use crate::output::{BAD, BOLD, DIM, Output};
use crate::pictures::Curve;
use crate::runs::{Run, Runs, now_ms};
use crate::settings::usual;
use crate::table::{grid, harmless, one_line};
use crate::test_set_log::Openings;
use handloom_view::format::{ago, duration};

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let plot = picture(matches, "plot")?;
    let runs = readable_runs(matches, output)?;
    let run = runs.find(text(matches, "run").unwrap_or("@last"))?;
    let epochs = runs.store.epochs(&run.record.id)?;
    let openings = Openings::of(&run, runs.store.openings()?);
    let files = files(&run);
    let kept = runs.kept_if_any(&run);
    let classes = kept.as_ref().ok().and_then(Option::as_ref).map(|model| model.classes.clone()).unwrap_or_default();
    let checks = health::examine(&run.record, &epochs, &classes);
    if output.json {
        output.event(&event(&run, &epochs, &openings, &checks, &files));
    } else {
        let all = matches.get_flag("all");
        head(&run, output);
        settings(&run, all, output);
        about(&run, &runs, output)?;
        epochs::print(&run, &epochs, all, output);
        condition(&checks, output);
        opened(&openings, output);
        let files = files.iter().map(|(name, bytes)| format!("{name} {} kB", grouped(bytes.div_ceil(1000))));
        let files = files.collect::<Vec<_>>().join(" · ");
        output.result(format!("{BOLD}files in {}{BOLD:#}", run.folder.display()));
        output.result(format!("  {}", if files.is_empty() { "none".into() } else { one_line(&files) }));
    }
    if let Some(file) = &plot {
        let rows: Vec<EpochMetrics> = epochs.iter().map(|epoch| epoch.row.clone()).collect();
        let curve = Curve::new(&run, &rows);
        let title = format!("{} on {}", one_line(&run.record.name), one_line(&run.record.dataset));
        handloom_view::curves(&title, &[curve.view()]).save(file)?;
        output.note(format!("learning curves: {}", file.display()));
    }
    // The record can be shown without the model, but a file that is not the run's own is not passed over.
    if let Err(error) = &kept {
        output.note(format!("note: {}", told(error)));
    }
    next(&run, matches!(kept, Ok(Some(_))), plot.is_some(), output);
    Ok(Exit::Done)
}

fn next(run: &Run, has_model: bool, plotted: bool, output: &Output) {
    let id = &run.record.id;
    let plot = format!("handloom show {id} --plot curves.png");
    let act = match run.record.status {
        Status::Finished if has_model => format!("handloom evaluate {id}"),
        // Its weights can be had again, to the same bits.
        Status::Finished => run.config().map_or_else(|_| "handloom ls".into(), |config| line(&command::train(&config))),
        _ if run.record.sweep.is_some() => {
            format!("handloom sweep show {}", run.record.sweep.as_deref().unwrap_or_default())
        }
        Status::Stopped | Status::Killed => format!("handloom train --resume {id}"),
        _ => "handloom ls".into(),
    };
    let both = [act.as_str(), &plot];
    output.next(if plotted { &both[..1] } else { &both });
}

/// Prints the run's id, name and status, and its results.
fn head(run: &Run, output: &Output) {
    let record = &run.record;
    let style = look(record.status);
    output.result(format!(
        "{BOLD}{}{BOLD:#}  {}   {style}{}{style:#}",
        record.id,
        one_line(&tagged(record)),
        record.status.name()
    ));
    let mut said = Vec::new();
    let planned = record.config.get("epochs").and_then(Value::as_u64).unwrap_or(record.epochs);
    said.push(match (record.val_accuracy, record.best_epoch) {
        (Some(accuracy), Some(best)) => {
            format!("validation {BOLD}{}{BOLD:#} at epoch {best} of {planned}", fields::accuracy_text(accuracy))
        }
        _ => format!("epoch {} of {planned}", record.epochs),
    });
    if record.epochs < planned && record.val_accuracy.is_some() {
        said.push(format!("{} epochs done", record.epochs));
    }
    if let Some(accuracy) = record.test_accuracy {
        let loss = record.test_loss.map(|loss| format!(", loss {loss:.4}")).unwrap_or_default();
        said.push(format!("test {BOLD}{}{BOLD:#}{loss}", fields::accuracy_text(accuracy)));
    } else {
        said.push(if record.no_test { "test set left closed".into() } else { "not tested".into() });
    }
    output.result(format!("  {}", said.join("   ")));
    if let Some(notes) = &record.notes {
        output.result(format!("  {}", harmless(notes).replace('\n', "\n  ")));
    }
}

/// The settings, first those that are not the defaults.
fn settings(run: &Run, all: bool, output: &Output) {
    let defaults = usual(&run.record.config);
    let usual = |name: &str| defaults.get(name).map_or_else(|| "-".into(), plain);
    let (same, other): (Vec<_>, Vec<_>) =
        run.record.config.iter().partition(|(name, value)| defaults.get(name.as_str()) == Some(*value));
    if !other.is_empty() {
        output.result(format!("{BOLD}settings that differ from the defaults{BOLD:#}"));
        let rows: Vec<[String; 3]> = other
            .iter()
            .map(|(name, value)| [(*name).clone(), one_line(&plain(value)), format!("(default {})", usual(name))])
            .collect();
        table(&rows, output);
    }
    if all {
        output.result(format!("{BOLD}settings that are the defaults{BOLD:#}"));
        let rows: Vec<[String; 2]> = same.iter().map(|(name, value)| [(*name).clone(), plain(value)]).collect();
        table(&rows, output);
    } else if !same.is_empty() {
        output.result(format!("  {DIM}the other {} are the defaults (--all){DIM:#}", same.len()));
    }
}

/// Prints a table without a heading, every column to the left.
fn table<const N: usize>(rows: &[[String; N]], output: &Output) {
    let cell = |text: &String| (text.clone(), Style::new());
    let rows: Vec<Vec<_>> = rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    for line in grid(&rows, &[false; N], &[false; N], None) {
        output.result(line);
    }
}

/// Provenance of the run.
fn about(run: &Run, runs: &Runs, output: &Output) -> Result<()> {
    let record = &run.record;
    let mut rows: Vec<[String; 2]> = Vec::new();
    let mut add = |what: &str, text: Option<String>| rows.extend(text.map(|text| [what.into(), one_line(&text)]));
    let started =
        moment(record.started_ms).map(|at| format!("{at} ({})", ago(now_ms().saturating_sub(record.started_ms))));
    add("started", started);
    add("ended", record.ended_ms.and_then(moment));
    add("took", seconds(run).map(duration));
    let place = record.data_path.as_ref().map_or_else(|| "built in".into(), |path| path.display().to_string());
    add("data", Some(format!("{} ({place}), sha256 {}", record.dataset, record.data_sha256)));
    for note in &record.data_notes {
        add("data note", Some(note.clone()));
    }
    add("instead", record.fallback.clone());
    add("group", record.group.clone());
    add("sweep", record.sweep.clone());
    if let Some(parent) = &record.parent {
        let removed = if runs.store.run(parent)?.is_some() { "" } else { ", which was removed" };
        add("parent", Some(format!("continues run {parent}{removed}")));
    }
    add("command", Some(line(&record.command)).filter(|command| !command.is_empty()));
    add("version", Some(format!("{}, instructions {}", record.version, record.isa)));
    add("machine", Some(format!("{}, process {}", record.host, record.process)));
    add("git commit", record.git_commit.clone());
    add("weights", record.weights_sha256.as_ref().map(|sha| format!("sha256 {sha}")));
    add("model file", record.model_sha256.as_ref().map(|sha| format!("sha256 {sha}")));
    let wandb = record.wandb.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>();
    let used = record.wandb.get("mode").is_some_and(|mode| mode != "off");
    add("W&B", used.then(|| wandb.join(", ")));
    output.result(format!("{BOLD}provenance{BOLD:#}"));
    table(&rows, output);
    Ok(())
}

/// Prints the problems that the rules of health find, with advice.
fn condition(checks: &[Check], output: &Output) {
    output.result(format!("{BOLD}health{BOLD:#}"));
    let bad: Vec<&Check> = checks.iter().filter(|check| check.state == State::Bad).collect();
    for check in &bad {
        output.result(format!("  {BAD}✗{BAD:#} {}", one_line(&check.text)));
        output.result(format!("    {}", one_line(&check.fix)));
    }
    if bad.is_empty() {
        output.result(format!("  {}", health::verdict(checks).unwrap_or_else(|| "nothing can be said yet".into())));
    }
}

/// Prints the number of times the test set was opened, and the openings with this run's model.
fn opened(openings: &Openings, output: &Output) {
    output.result(format!("{BOLD}test set{BOLD:#}"));
    let total = if openings.total == 0 { "never".into() } else { times(openings.total) };
    output.result(format!("  {} was opened {total} in this store", one_line(&openings.dataset)));
    let rows: Vec<[String; 3]> = openings
        .own
        .iter()
        .map(|opening| {
            let accuracy = opening.accuracy.map(fields::accuracy_text).unwrap_or_default();
            [moment(opening.at_ms).unwrap_or_default(), accuracy, format!("by {}", one_line(&opening.by))]
        })
        .collect();
    table(&rows, output);
}

/// Names and sizes of the files in the run's folder.
fn files(run: &Run) -> Vec<(String, u64)> {
    let mut files: Vec<(String, u64)> = fs::read_dir(&run.folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let about = entry.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((entry.file_name().to_string_lossy().into_owned(), about.len()))
        })
        .filter(|(name, _)| name != "lock")
        .collect();
    files.sort();
    files
}

fn event(run: &Run, epochs: &[Epoch], openings: &Openings, checks: &[Check], files: &[(String, u64)]) -> Value {
    let mut event = fields::event(run, epochs.last().map(|epoch| &epoch.row));
    event.insert("event".into(), json!("show"));
    let epochs = epochs.iter().map(|Epoch { row, evidence }| {
        let mut epoch = json!(row);
        epoch["confusion"] = json!(evidence.confusion);
        epoch["layers"] = json!(evidence.layers);
        epoch
    });
    // `epochs` alone would say how many there are; here it says what they came to.
    event.insert("finished_epochs".into(), json!(run.record.epochs));
    event.insert("epochs".into(), epochs.collect());
    event.insert("initial_norms".into(), json!(run.record.initial_norms));
    event.insert("health".into(), health::values(checks));
    event.insert("reason".into(), json!(run.record.reason));
    event.insert("test_openings".into(), json!({"total": openings.total, "of_this_run": openings.own}));
    let files = files.iter().map(|(name, bytes)| json!({"path": run.folder.join(name), "bytes": bytes}));
    event.insert("files".into(), files.collect());
    event.insert("model".into(), json!(Some(run.model()).filter(|path| path.exists())));
    Value::Object(event)
}
