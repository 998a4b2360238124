//! `rm`: removes runs with their files, and sweeps with their runs. Openings of test sets stay counted.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_store::{ByRun, Error, Sweep};
use handloom_view::words::count;
use serde_json::json;

use super::ls::filter::Filter;
use super::runs;
use super::sweep::removal::{self, Uses};
use crate::exit::{Exit, Failure};
use crate::fields::accuracy_text;
use crate::output::Output;
use crate::runs::{Run, Runs, Status};
use crate::table::one_line;

/// Runs that a question lists.
const LISTED: usize = 20;

/// A run that is to go.
struct Target {
    id: String,
    /// None if its record cannot be understood.
    run: Option<Run>,
}

/// Everything that is to go.
#[derive(Default)]
pub(super) struct Removal {
    targets: Vec<Target>,
    sweeps: Vec<Sweep>,
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = runs(matches)?;
    runs.check()?;
    let typed: Vec<&str> = matches.get_many::<String>("run").into_iter().flatten().map(String::as_str).collect();
    let mut removal = Removal::default();
    match filters(&typed, &runs)? {
        Some(filters) => removal.add_filtered(&filters, &runs)?,
        None => typed.iter().try_for_each(|name| removal.add_named(name, &runs))?,
    }
    if removal.targets.is_empty() && removal.sweeps.is_empty() {
        output.note(format!("no run matches in {}: nothing was removed", runs.at()));
        output.next(&["handloom ls"]);
        return Ok(Exit::Done);
    }
    removal.carry_out(&runs, matches.get_flag("yes"), output)
}

/// Typed filters, as in `ls`, which must all hold; none if names were typed. The name of a run may look like a filter.
fn filters(typed: &[&str], runs: &Runs) -> Result<Option<Vec<Filter>>> {
    let is_filter = |text: &&&str| text.contains(['=', '!', '<', '>']) || Filter::is_comparison(text);
    if typed.iter().filter(is_filter).count() == 0 {
        return Ok(None);
    }
    // A damaged record stands in the way of filters, which look at every run.
    let all = runs.all()?;
    let is_name = |text: &&&str| all.iter().any(|run| run.record.name == **text);
    if typed.iter().filter(is_filter).all(|text| is_name(&text)) {
        return Ok(None);
    }
    if let Some(name) = typed.iter().find(|text| text.starts_with('@')) {
        return Err(Failure::usage(format!(
            "`{name}` cannot stand beside filters\nhint: name runs, or give filters as `handloom ls` takes them"
        )));
    }
    let mut filters = Vec::new();
    for argument in typed {
        filters.extend(Filter::parse(argument)?);
    }
    Ok(Some(filters))
}

impl Removal {
    /// Adds the run, or the sweep, that `name` means; a run whose record is damaged is still known by its id.
    fn add_named(&mut self, name: &str, runs: &Runs) -> Result<()> {
        let run = match runs.find(name) {
            Ok(run) => Target { id: run.record.id.clone(), run: Some(run) },
            Err(error) => match error.downcast_ref::<Error>() {
                Some(Error::Damaged { run, .. }) if run == name => Target { id: name.into(), run: None },
                Some(_) => return Err(error),
                None => {
                    let Some(sweep) = runs.store.sweep(name)? else { return Err(error) };
                    return self.add_sweep(sweep, runs);
                }
            },
        };
        self.add(run);
        Ok(())
    }

    fn add_filtered(&mut self, filters: &[Filter], runs: &Runs) -> Result<()> {
        let needs_last = filters.iter().any(Filter::needs_last);
        let last = if needs_last { runs.store.last_rows()? } else { ByRun::new() };
        for run in runs.all()? {
            if filters.iter().all(|filter| filter.passes(&run, last.get(&run.record.id))) {
                self.add(Target { id: run.record.id.clone(), run: Some(run) });
            }
        }
        Ok(())
    }

    /// Adds a sweep with the runs of its trials.
    pub(super) fn add_sweep(&mut self, sweep: Sweep, runs: &Runs) -> Result<()> {
        if self.sweeps.iter().any(|known| known.id == sweep.id) {
            return Ok(());
        }
        for run in runs.all()?.into_iter().filter(|run| run.record.sweep.as_ref() == Some(&sweep.id)) {
            self.add(Target { id: run.record.id.clone(), run: Some(run) });
        }
        self.sweeps.push(sweep);
        Ok(())
    }

    fn add(&mut self, target: Target) {
        if self.targets.iter().all(|known| known.id != target.id) {
            self.targets.push(target);
        }
    }

    /// True if a run is removed with its sweep.
    fn goes_with_sweep(&self, target: &Target) -> bool {
        let sweep = target.run.as_ref().and_then(|run| run.record.sweep.as_ref());
        self.sweeps.iter().any(|one| Some(&one.id) == sweep)
    }

    /// Removes everything, once that was confirmed.
    pub(super) fn carry_out(self, runs: &Runs, yes: bool, output: &Output) -> Result<Exit> {
        if let Some(target) = self.targets.iter().find(|target| target.is_running() && !self.goes_with_sweep(target)) {
            let hint = "stop it first, with Ctrl-C where it runs";
            return Err(Failure::usage(format!("run `{}` is running\nhint: {hint}", target.id)));
        }
        let ids: BTreeSet<&str> = self.targets.iter().map(|target| target.id.as_str()).collect();
        let stays = |uses: &Uses| self.sweeps.iter().all(|sweep| sweep.id != uses.sweep);
        let uses: Vec<Uses> = removal::uses(runs, &ids)?.into_iter().filter(stays).collect();
        let users: Vec<String> = uses.iter().filter(|uses| !uses.reused.is_empty()).map(Uses::words).collect();
        if !yes && !self.confirmed(&users, output)? {
            output.note("nothing was removed");
            return Ok(Exit::Done);
        }
        for sweep in &self.sweeps {
            removal::close(sweep, runs)?;
        }
        for target in &self.targets {
            let held = hold(target)?;
            removal::tell(uses.iter().filter(|uses| uses.run == target.id), runs)?;
            runs.store.remove(&target.id)?;
            if let Some(run) = target.run.as_ref().filter(|run| run.folder.exists()) {
                // With a database for a store, the folder here is only a copy.
                fs::remove_dir_all(&run.folder).with_context(|| format!("removing `{}`", run.folder.display()))?;
            }
            drop(held);
            output.event(&json!({"v": 1, "event": "rm", "run": target.id, "name": target.name()}));
            if !self.goes_with_sweep(target) {
                output.line(format!("removed {}  {}", target.id, one_line(target.name().unwrap_or_default())));
            }
        }
        for sweep in &self.sweeps {
            runs.store.remove_sweep(&sweep.id)?;
            let own = self.targets.iter().filter_map(|target| target.run.as_ref()?.record.sweep.as_ref());
            let own = own.filter(|id| **id == sweep.id).count() as u64;
            output.event(&json!({"v": 1, "event": "rm", "sweep": sweep.id, "name": sweep.name, "runs": own}));
            let name = one_line(sweep.name.as_deref().unwrap_or_default());
            output.line(format!("removed sweep {}  {name}  with {}", sweep.id, count(own, "run", "runs")));
        }
        self.tell_what_stays(&uses, &users, runs, output)?;
        output.next(&[if self.sweeps.is_empty() { "handloom ls" } else { "handloom sweep ls" }]);
        Ok(Exit::Done)
    }

    /// Says what else the removal changed, and what it did not.
    fn tell_what_stays(&self, uses: &[Uses], users: &[String], runs: &Runs, output: &Output) -> Result<()> {
        for words in users {
            output.note(format!("note: {words}: counted as removed there"));
        }
        let sweeps: BTreeSet<&str> =
            uses.iter().filter(|uses| uses.reused.is_empty()).map(|uses| uses.sweep.as_str()).collect();
        for sweep in sweeps {
            output.note(format!("note: in sweep {sweep}, trials of removed runs count as removed"));
        }
        let is_gone = |run: &String| self.targets.iter().any(|target| target.id == *run);
        // A damaged record that stays is no reason to fail once everything was removed.
        for child in runs.store.runs().unwrap_or_default() {
            if let Some(parent) = child.parent.as_ref().filter(|parent| is_gone(parent)) {
                output.note(format!("note: run {} continues run {parent}, and keeps its epochs", child.id));
            }
        }
        let openings = runs.store.openings()?;
        let openings = openings.iter().filter(|opening| opening.run.as_ref().is_some_and(is_gone)).count();
        if openings > 0 {
            let openings = count(openings as u64, "opening", "openings");
            output.note(format!("note: {openings} of a test set by what was removed stay counted"));
        }
        Ok(())
    }

    fn confirmed(&self, users: &[String], output: &Output) -> Result<bool> {
        let runs = count(self.targets.len() as u64, "run", "runs");
        let sweeps = count(self.sweeps.len() as u64, "sweep", "sweeps");
        let what = match (self.sweeps.is_empty(), self.targets.is_empty()) {
            (true, _) => runs,
            (false, true) => sweeps,
            (false, false) => format!("{sweeps} and {runs}"),
        };
        let sweep =
            |sweep: &Sweep| format!("  sweep {}  {}", sweep.id, one_line(sweep.name.as_deref().unwrap_or_default()));
        let mut lines: Vec<String> = self.sweeps.iter().map(sweep).collect();
        lines.extend(self.targets.iter().take(LISTED).map(Target::line));
        let more = self.targets.len().saturating_sub(LISTED);
        if more > 0 {
            lines.push(format!("  ... {more} more"));
        }
        lines.extend(users.iter().map(|words| format!("  {words}")));
        let list = lines.join("\n");
        output.ask(&format!("{list}\nRemove {what} with all files?")).ok_or_else(|| {
            Failure::usage(format!(
                "cannot ask whether to remove {what}: not a terminal\n{list}\nhint: `--yes` removes without asking"
            ))
        })
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
        let accuracy = record.val_accuracy.map(|accuracy| format!(", validation {}", accuracy_text(accuracy)));
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
