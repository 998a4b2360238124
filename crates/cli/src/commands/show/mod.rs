//! `show`: everything that is known of a run.

mod epochs;

use std::fs;

use anyhow::Result;
use clap::ArgMatches;
use clap::builder::styling::Style;
use handloom_engine::config::Config;
use handloom_engine::event::Row;
use handloom_store::{Epoch, Opening, Status};
use serde_json::{Map, Value, json};

use super::ls::{ago, look, tagged};
use super::{picture, runs, text};
use crate::exit::Exit;
use crate::fields::{self, moment, plain, seconds, share};
use crate::output::{BOLD, DIM, Output};
use crate::pictures::Curve;
use crate::progress::duration;
use crate::runs::{Run, now_ms};
use crate::table::{grid, grouped, harmless, one_line, times};

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let plot = picture(matches, "plot")?;
    let runs = runs(matches)?;
    let run = runs.find(text(matches, "run").unwrap_or("@last"))?;
    let epochs = runs.store.epochs(&run.record.id)?;
    let openings = Openings::of(&run, runs.store.openings()?);
    let files = files(&run);
    if output.json {
        output.event(&event(&run, &epochs, &openings, &files));
    } else {
        let all = matches.get_flag("all");
        head(&run, output);
        settings(&run, all, output);
        about(&run, output);
        epochs::print(&run, &epochs, all, output);
        openings.print(output);
        let files = files.iter().map(|(name, bytes)| format!("{name} {} kB", grouped(bytes.div_ceil(1000))));
        let files = files.collect::<Vec<_>>().join(" · ");
        output.result(format!("{BOLD}files in {}{BOLD:#}", run.folder.display()));
        output.result(format!("  {}", if files.is_empty() { "none".into() } else { one_line(&files) }));
    }
    if let Some(file) = &plot {
        let rows: Vec<Row> = epochs.iter().map(|epoch| epoch.row.clone()).collect();
        let curve = Curve::new(&run, &rows);
        let title = format!("{} on {}", one_line(&run.record.name), one_line(&run.record.dataset));
        handloom_view::curves(&title, &[curve.view()]).save(file)?;
        output.note(format!("learning curves: {}", file.display()));
    }
    next(&run, plot.is_some(), output);
    Ok(Exit::Done)
}

fn next(run: &Run, plotted: bool, output: &Output) {
    let id = &run.record.id;
    let plot = format!("handloom show {id} --plot curves.png");
    let act = match run.record.status {
        Status::Finished => format!("handloom evaluate {id}"),
        _ if run.record.sweep.is_some() => {
            format!("handloom sweep show {}", run.record.sweep.as_deref().unwrap_or_default())
        }
        Status::Stopped | Status::Killed => format!("handloom train --resume {id}"),
        _ => "handloom ls".into(),
    };
    let both = [act.as_str(), &plot];
    output.next(if plotted { &both[..1] } else { &both });
}

/// Which run it is and what it came to.
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
            format!("validation {BOLD}{}{BOLD:#} at epoch {best} of {planned}", share(accuracy))
        }
        _ => format!("epoch {} of {planned}", record.epochs),
    });
    if record.epochs < planned && record.val_accuracy.is_some() {
        said.push(format!("{} epochs done", record.epochs));
    }
    if let Some(accuracy) = record.test_accuracy {
        let loss = record.test_loss.map(|loss| format!(", loss {loss:.4}")).unwrap_or_default();
        said.push(format!("test {BOLD}{}{BOLD:#}{loss}", share(accuracy)));
    } else {
        said.push(if record.no_test { "test set left closed".into() } else { "not tested".into() });
    }
    output.result(format!("  {}", said.join("   ")));
    if let Some(notes) = &record.notes {
        output.result(format!("  {}", harmless(notes).replace('\n', "\n  ")));
    }
}

/// What the settings would be if only dataset and optimizer had been named: each optimizer has its own learning rate.
fn defaults(config: &Map<String, Value>) -> Map<String, Value> {
    let mut usual = Config::default();
    let optimizer = config.get("optimizer").map(|name| ("optimizer".to_owned(), name.clone()));
    let own = match usual.merge(&optimizer.into_iter().collect()) {
        Ok(()) => usual.to_map().get("learning_rate").cloned(),
        Err(_) => None,
    };
    let mut defaults = Config::default().to_map();
    defaults.extend(own.map(|rate| ("learning_rate".to_owned(), rate)));
    defaults
}

/// The settings, first those that are not the defaults.
fn settings(run: &Run, all: bool, output: &Output) {
    let defaults = defaults(&run.record.config);
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

/// Where it comes from.
fn about(run: &Run, output: &Output) {
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
    add("instead", record.fallback.clone());
    add("group", record.group.clone());
    add("sweep", record.sweep.clone());
    add("command", Some(record.command.join(" ")).filter(|command| !command.is_empty()));
    add("version", Some(format!("{}, instructions {}", record.version, record.isa)));
    add("machine", Some(format!("{}, process {}", record.host, record.process)));
    add("git commit", record.git_commit.clone());
    add("weights", record.weights_sha256.as_ref().map(|sha| format!("sha256 {sha}")));
    let wandb = record.wandb.iter().map(|(name, value)| format!("{name} {}", plain(value))).collect::<Vec<_>>();
    let used = record.wandb.get("mode").is_some_and(|mode| mode != "off");
    add("W&B", used.then(|| wandb.join(", ")));
    output.result(format!("{BOLD}where it comes from{BOLD:#}"));
    table(&rows, output);
}

/// Openings of the test set of a run's data.
struct Openings {
    dataset: String,
    /// With this run's model.
    own: Vec<Opening>,
    /// Of the same test set, with any model.
    total: u64,
}

impl Openings {
    fn of(run: &Run, all: Vec<Opening>) -> Self {
        let (id, dataset) = (&run.record.id, run.record.dataset.clone());
        // `compare` opens it for two runs at once.
        let is_own = |opening: &Opening| {
            opening.run.as_ref() == Some(id) || opening.by == "compare" && opening.model.split(' ').any(|one| one == id)
        };
        let data = all.iter().rev().find(|opening| is_own(opening) && opening.dataset == dataset);
        let data = data.map(|opening| opening.data_sha256.clone());
        // A run that opened nothing knows its test set by name alone.
        let same = |opening: &&Opening| match &data {
            Some(data) => opening.data_sha256 == *data,
            None => opening.dataset == dataset,
        };
        let total = all.iter().filter(same).count() as u64;
        Self { dataset, own: all.into_iter().filter(is_own).collect(), total }
    }

    fn print(&self, output: &Output) {
        output.result(format!("{BOLD}test set{BOLD:#}"));
        let total = if self.total == 0 { "never".into() } else { times(self.total) };
        output.result(format!("  {} was opened {total} in this store", one_line(&self.dataset)));
        let rows: Vec<[String; 3]> = self
            .own
            .iter()
            .map(|opening| {
                let accuracy = opening.accuracy.map(share).unwrap_or_default();
                [moment(opening.at_ms).unwrap_or_default(), accuracy, format!("by {}", one_line(&opening.by))]
            })
            .collect();
        table(&rows, output);
    }
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

fn event(run: &Run, epochs: &[Epoch], openings: &Openings, files: &[(String, u64)]) -> Value {
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
    event.insert("test_openings".into(), json!({"total": openings.total, "of_this_run": openings.own}));
    let files = files.iter().map(|(name, bytes)| json!({"path": run.folder.join(name), "bytes": bytes}));
    event.insert("files".into(), files.collect());
    event.insert("model".into(), json!(Some(run.model()).filter(|path| path.exists())));
    Value::Object(event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_optimizers_own_learning_rate_is_its_default() {
        let mut config = Config::default();
        config.merge(json!({"optimizer": "sgd"}).as_object().unwrap()).unwrap();
        let defaults = defaults(&config.to_map());
        assert_eq!((&defaults["learning_rate"], &defaults["optimizer"]), (&json!(0.1), &json!("adam")));
    }

    #[test]
    fn openings_are_counted_by_what_was_opened() {
        let run = |id: &str| Run {
            folder: id.into(),
            record: crate::runs::Record { id: id.into(), dataset: "mnist".into(), ..Default::default() },
        };
        let opening = |run: Option<&str>, data: &str| Opening {
            run: run.map(Into::into),
            dataset: "mnist".into(),
            data_sha256: data.into(),
            ..Opening::default()
        };
        let all =
            || vec![opening(Some("a"), "1"), opening(None, "1"), opening(Some("b"), "2"), opening(Some("a"), "1")];
        let (a, b, c) =
            (Openings::of(&run("a"), all()), Openings::of(&run("b"), all()), Openings::of(&run("c"), all()));
        assert_eq!([(a.own.len(), a.total), (b.own.len(), b.total), (c.own.len(), c.total)], [(2, 3), (1, 1), (0, 4)]);
    }
}
