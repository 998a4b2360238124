//! `report`: the pages of runs and sweeps as one file, which opens anywhere and can be verified.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::model::write_atomically;
use handloom_store::Sweep;
use handloom_view::site::report::Chosen;
use handloom_view::site::{ApiError, Site};
use handloom_view::words::count;
use serde_json::json;

use super::{data_dirs, readable_runs, text};
use crate::destination;
use crate::exit::{Exit, Failure};
use crate::host::Host;
use crate::output::{BOLD, Output};
use crate::provenance;
use crate::runs::{Run, Runs};
use crate::table::one_line;
use handloom_view::format::bytes as file_size;

/// Default file of the report.
const FILE: &str = "report.html";

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let file = PathBuf::from(text(matches, "out").unwrap_or(FILE));
    let is_stdout = file == Path::new("-");
    if !is_stdout {
        destination::check(&file, "-o")?;
    } else if output.json {
        return Err(Failure::usage("stdout cannot take both the report and JSON\nhint: name a file by `-o FILE`"));
    }
    let runs = readable_runs(matches, output)?;
    let names: Vec<&str> = matches.get_many::<String>("target").into_iter().flatten().map(String::as_str).collect();
    let chosen = chosen(if names.is_empty() { &["@best"] } else { &names }, &runs)?;
    // Pages leave out what cannot be read; a model that is not the run's is not left out silently.
    let is_chosen = |run: &Run| {
        chosen.runs.contains(&run.record.id) || run.record.sweep.as_ref().is_some_and(|id| chosen.sweeps.contains(id))
    };
    for run in runs.all()?.iter().filter(|run| is_chosen(run)) {
        runs.kept_if_any(run)?;
    }
    runs.tell_unchecked(output);
    let store = Arc::clone(&runs.store);
    let site = Site::new(store, Box::new(Host::new(runs, data_dirs(matches))));
    let report = site.report(&chosen, provenance::commit()).map_err(|trouble| failure(&trouble))?;
    if is_stdout {
        output.bytes(report.html.as_bytes());
    } else {
        write_atomically(&file, report.html.as_bytes())?;
    }
    let made = &report.provenance;
    output.event(&json!({
        "v": 1, "event": "report", "file": file, "bytes": report.html.len(), "runs": chosen.runs, "sweeps": chosen.sweeps,
        "all_runs": made.runs.len(), "left_out": report.left_out,
    }));
    for what in &report.left_out {
        output.note(format!("not in it: {}", one_line(what)));
    }
    if is_stdout {
        return Ok(Exit::Done);
    }
    output.result(format!(
        "{BOLD}{}{BOLD:#}  {} · {} · {}",
        file.display(),
        file_size(report.html.len() as u64),
        count(made.runs.len() as u64, "run", "runs"),
        count(made.sweeps.len() as u64, "sweep", "sweeps"),
    ));
    output.next(&[&format!("handloom verify {}", shown(&file))]);
    Ok(Exit::Done)
}

/// The runs and sweeps that `names` mean. A name may be that of a run or, where no run has it, of a sweep.
fn chosen(names: &[&str], runs: &Runs) -> Result<Chosen> {
    let (all, sweeps) = (runs.all()?, runs.store.sweeps()?);
    let mut chosen = Chosen::default();
    for name in names {
        match one(name, &all, &sweeps, runs)? {
            (id, true) if !chosen.sweeps.contains(&id) => chosen.sweeps.push(id),
            (id, false) if !chosen.runs.contains(&id) => chosen.runs.push(id),
            _ => {}
        }
    }
    Ok(chosen)
}

/// The id that `name` means, and whether it is a sweep's.
fn one(name: &str, all: &[Run], sweeps: &[Sweep], runs: &Runs) -> Result<(String, bool)> {
    if sweeps.iter().any(|sweep| sweep.id == name) {
        return Ok((name.into(), true));
    }
    let found = runs.find_in(all, name);
    let like = |sweep: &&Sweep| sweep.id.starts_with(name) || sweep.name.as_deref().unwrap_or_default().contains(name);
    match (found, &sweeps.iter().filter(like).collect::<Vec<_>>()[..]) {
        (Ok(run), _) => Ok((run.record.id, false)),
        (Err(_), [sweep]) => Ok((sweep.id.clone(), true)),
        (Err(error), _) => Err(error),
    }
}

/// A file as a command names it.
fn shown(file: &Path) -> String {
    handloom_view::words::line(&[file.display().to_string()])
}

fn failure(trouble: &ApiError) -> anyhow::Error {
    let exit = if trouble.status == 500 { Exit::Failed } else { Exit::Data };
    Failure { exit, message: trouble.to_string() }.into()
}
