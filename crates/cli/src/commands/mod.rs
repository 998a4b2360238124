//! One file for each command.

mod compare;
mod completions;
mod data;
mod doctor;
mod evaluate;
pub(crate) mod export;
mod gradcheck;
mod ls;
mod predict;
mod report;
mod rm;
mod show;
pub(crate) mod study;
mod sweep;
mod tag;
mod train;
mod ui;
mod verify;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::{Reading, catalog};
use handloom_engine::config::Config;
use handloom_engine::model::Model;
use serde_json::{Map, Value};

use crate::destination;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::runs::Runs;

/// Runs the command `name`.
pub(crate) fn run(name: &str, matches: &ArgMatches, output: &Output) -> Result<Exit> {
    match name {
        "train" => train::run(matches, output),
        "evaluate" => evaluate::run(matches, output),
        "predict" => predict::run(matches, output),
        "sweep" => sweep::run(matches, output),
        "study" => study::run(matches, output),
        "ls" => ls::run(matches, output),
        "show" => show::run(matches, output),
        "compare" => compare::run(matches, output),
        "report" => report::run(matches, output),
        "verify" => verify::run(matches, output),
        "ui" => ui::run(matches, output),
        "tag" => tag::run(matches, output),
        "rm" => rm::run(matches, output),
        "data" => data::run(matches, output),
        "export" => export::run(matches, output),
        "gradcheck" => gradcheck::run(matches, output),
        "completions" => completions::run(matches, output),
        "doctor" => doctor::run(matches, output),
        name => unreachable!("`{name}` is on the command line but not here"),
    }
}

/// A flag's value, unless it is empty.
fn text<'a>(matches: &'a ArgMatches, name: &str) -> Option<&'a str> {
    matches.get_one::<String>(name).map(String::as_str).filter(|text| !text.is_empty())
}

/// The runs in the store that the flags name.
fn runs(matches: &ArgMatches) -> Result<Runs> {
    Runs::open(text(matches, "store").map(PathBuf::from))
}

/// The same, for a command that only reads: notes that the store cannot be written, if that is so.
fn readable_runs(matches: &ArgMatches, output: &Output) -> Result<Runs> {
    let runs = runs(matches)?;
    // A store that cannot be opened at all is reported by the command that needs it.
    if let Ok(Some(why)) = runs.store.read_only() {
        output.note(format!("note: `{}` is opened read-only: {why}", runs.at()));
    }
    Ok(runs)
}

/// Folders in which data sets are searched first.
fn data_dirs(matches: &ArgMatches) -> Vec<PathBuf> {
    catalog::data_dirs(text(matches, "data-dir").map(PathBuf::from))
}

/// Flags about reading images, under the names of settings.
fn reading_flags(matches: &ArgMatches) -> Map<String, Value> {
    let flags = ["image_size", "data_rules"].into_iter();
    flags.filter_map(|name| Some((name.to_owned(), text(matches, name)?.into()))).collect()
}

/// Image size and rules of reading in `settings`; other settings do not matter.
fn reading(settings: &Map<String, Value>) -> Result<Reading> {
    let named = ["image_size", "data_rules"].into_iter();
    let named = named.filter_map(|name| Some((name.to_owned(), settings.get(name)?.clone()))).collect();
    let mut config = Config::default();
    config.merge(&named)?;
    Ok(Reading::of(&config))
}

/// The picture that the flag `name` asks for; its ending and its place are checked before any work is done.
fn picture(matches: &ArgMatches, name: &str) -> Result<Option<PathBuf>> {
    let Some(path) = text(matches, name).map(PathBuf::from) else { return Ok(None) };
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if ending == "png" || ending == "svg" {
        destination::check(&path, &format!("--{name}"))?;
        Ok(Some(path))
    } else {
        Err(handloom_view::Error::Extension { path }.into())
    }
}

/// Refuses a model that answers nothing but NaN.
fn finite(model: &Model, path: &Path) -> Result<()> {
    if model.network.is_finite() {
        return Ok(());
    }
    Err(Failure::data(format!(
        "`{}` has weights that are not finite numbers\nhint: train again, with a smaller `-lr`",
        path.display()
    )))
}
