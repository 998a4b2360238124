//! `rm`: removes runs with their files. Openings of test sets stay counted.

use std::fs;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_store::Error;
use handloom_view::words::count;
use serde_json::json;

use super::runs;
use crate::exit::{Exit, Failure};
use crate::fields::share;
use crate::output::Output;
use crate::runs::{Run, Runs, Status};
use crate::table::one_line;

/// A run that is to go.
struct Target {
    id: String,
    /// None if its record cannot be understood.
    run: Option<Run>,
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = runs(matches)?;
    let mut targets: Vec<Target> = Vec::new();
    for name in matches.get_many::<String>("run").into_iter().flatten() {
        let target = target(&runs, name)?;
        if targets.iter().all(|known| known.id != target.id) {
            targets.push(target);
        }
    }
    if let Some(id) = targets.iter().find(|target| target.is_running()).map(|target| &target.id) {
        return Err(Failure::usage(format!("run `{id}` is running\nhint: stop it first, with Ctrl-C where it runs")));
    }
    if !matches.get_flag("yes") && !confirmed(&targets, output)? {
        output.note("nothing was removed");
        return Ok(Exit::Done);
    }
    for target in &targets {
        let held = hold(target)?;
        runs.store.remove(&target.id)?;
        if let Some(run) = target.run.as_ref().filter(|run| run.folder.exists()) {
            // Where the store is a database, the folder here is only a copy.
            fs::remove_dir_all(&run.folder).with_context(|| format!("removing `{}`", run.folder.display()))?;
        }
        drop(held);
        output.event(&json!({"v": 1, "event": "rm", "run": target.id, "name": target.name()}));
        output.line(format!("removed {}  {}", target.id, one_line(target.name().unwrap_or_default())));
    }
    output.next(&["handloom ls"]);
    Ok(Exit::Done)
}

/// The run that `name` means; one whose record is damaged is still known by its id.
fn target(runs: &Runs, name: &str) -> Result<Target> {
    match runs.find(name) {
        Ok(run) => Ok(Target { id: run.record.id.clone(), run: Some(run) }),
        Err(error) => match error.downcast_ref::<Error>() {
            Some(Error::Damaged { run, .. }) if run == name => Ok(Target { id: name.into(), run: None }),
            _ => Err(error),
        },
    }
}

impl Target {
    fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.record.status == Status::Running)
    }

    fn name(&self) -> Option<&str> {
        self.run.as_ref().map(|run| run.record.name.as_str())
    }

    fn line(&self) -> String {
        let Some(Run { record, folder }) = &self.run else { return format!("  {}  (damaged record)", self.id) };
        let accuracy = record.val_accuracy.map(|accuracy| format!(", validation {}", share(accuracy)));
        let files = if folder.exists() { format!("   {}", folder.display()) } else { String::new() };
        format!(
            "  {}  {}  ({}, {}{}){files}",
            self.id,
            one_line(&record.name),
            record.status,
            count(record.epochs, "epoch", "epochs"),
            accuracy.unwrap_or_default()
        )
    }
}

/// Keeps others from going on with a run that is about to be removed.
fn hold(target: &Target) -> Result<Option<fs::File>> {
    let Some(run) = target.run.as_ref().filter(|run| run.folder.exists()) else { return Ok(None) };
    let taken = || Failure::usage(format!("run `{}` is running\nhint: stop it first", target.id));
    run.lock()?.ok_or_else(taken).map(Some)
}

fn confirmed(targets: &[Target], output: &Output) -> Result<bool> {
    let what = count(targets.len() as u64, "run", "runs");
    let list = targets.iter().map(Target::line).collect::<Vec<_>>().join("\n");
    output.ask(&format!("{list}\nRemove {what} with all files?")).ok_or_else(|| {
        Failure::usage(format!(
            "nobody can be asked whether to remove {what}\n{list}\nhint: `--yes` removes without asking"
        ))
    })
}
