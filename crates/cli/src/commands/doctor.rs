//! `doctor`: what is installed, where things are, what is missing, and the command that mends it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::catalog::{GARMENTS, SETS, Set};
use handloom_data::locate;
use handloom_engine::Isa;
use handloom_view::words::count;
use serde_json::{Value, json};

use super::{data_dirs, runs};
use crate::exit::Exit;
use crate::output::{BAD, BOLD, DIM, GOOD, Output};
use crate::settings::threads;
use handloom_view::format::bytes as file_size;

/// A known data set and where it is.
struct Found {
    set: &'static Set,
    path: Option<PathBuf>,
    looked_in: Vec<PathBuf>,
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let data_dirs = data_dirs(matches);
    let sets = SETS.iter().map(|set| {
        let path = locate(set.name, &data_dirs).ok().and_then(|found| found.path().map(Path::to_owned));
        Found { set, path, looked_in: set.folders(&data_dirs) }
    });
    let sets: Vec<Found> = sets.collect();
    // A store that cannot be read is a finding, not a failure.
    let store = runs(matches).and_then(|runs| Ok((runs.at(), runs.all()?.len())));
    let cache = SETS[0].cache().and_then(|folder| folder.parent().map(Path::to_owned));
    let (isa, cores) = (Isa::best().name(), threads(None)?);
    let terminal = output.is_terminal();
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());

    let missing = sets.iter().filter(|found| found.path.is_none()).map(|found| get(found.set));
    let missing: Vec<String> = missing.collect();
    output.event(&json!({
        "v": 1,
        "event": "doctor",
        "version": env!("CARGO_PKG_VERSION"),
        "isa": isa,
        "instruction_sets": Isa::supported().map(Isa::name).collect::<Vec<_>>(),
        "cores": cores,
        "datasets": sets.iter().map(Found::event).collect::<Vec<_>>(),
        "cache": cache.as_deref().map(shown),
        "store": store.as_ref().map_or_else(ToString::to_string, |(at, _)| at.clone()),
        "runs": store.as_ref().ok().map(|(_, runs)| runs),
        "terminal": terminal,
        "no_color": plain,
        "fixes": missing,
    }));

    let line = |what: &str, text: String| output.result(format!("  {BOLD}{what:<14}{BOLD:#} {text}"));
    line(
        "handloom",
        format!("{} · instructions {isa} · {}", env!("CARGO_PKG_VERSION"), count(cores as u64, "core", "cores")),
    );
    for found in &sets {
        if let Some(path) = &found.path {
            line(found.set.name, format!("{GOOD}ok{GOOD:#}  {}", shown(path)));
            continue;
        }
        let bytes = file_size(found.set.files.iter().map(|file| file.size).sum());
        line(found.set.name, format!("missing  {} downloads {bytes}; looked in", get(found.set)));
        for place in &found.looked_in {
            output.result(format!("  {:<14} {DIM}{}{DIM:#}", "", shown(place)));
        }
    }
    line(GARMENTS, format!("{GOOD}ok{GOOD:#}  built in, no file and no network needed"));
    line("cache", cache.as_deref().map_or_else(|| "none: HOME is not set".into(), described));
    line(
        "store",
        match &store {
            Ok((at, runs)) => {
                let made = at.contains("://") || Path::new(at).exists();
                let later = if made { "" } else { " (made when needed)" };
                format!("{at}{later} · {}", count(*runs as u64, "run", "runs"))
            }
            Err(error) => format!("{BAD}cannot be read{BAD:#}  {error}"),
        },
    );
    let colors = if plain {
        "off (NO_COLOR)"
    } else if terminal {
        "on"
    } else {
        "off (not a terminal)"
    };
    line("output", format!("{} · colors {colors}", if terminal { "terminal" } else { "file or pipe" }));
    line("network", "used to download a data set that is asked for and missing, for nothing else".into());
    let train = if store.is_ok_and(|(_, runs)| runs == 0) { "handloom train" } else { "handloom evaluate @last" };
    output.next(&missing.iter().map(String::as_str).chain([train]).collect::<Vec<_>>());
    Ok(Exit::Done)
}

impl Found {
    fn event(&self) -> Value {
        json!({
            "name": self.set.name,
            "found": self.path.is_some(),
            "path": self.path.as_deref().map(shown),
            "looked_in": self.looked_in.iter().map(|place| shown(place)).collect::<Vec<_>>(),
            "fix": self.path.is_none().then(|| get(self.set)),
        })
    }
}

/// The command that downloads a data set.
fn get(set: &Set) -> String {
    format!("handloom data get {}", set.name)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn described(folder: &Path) -> String {
    if folder.is_dir() { shown(folder) } else { format!("{} (made when needed)", shown(folder)) }
}
