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
use handloom_data::catalog;
use handloom_engine::model::Model;

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
        "data" => data::run(matches),
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

/// Where data sets are looked for first.
fn data_dirs(matches: &ArgMatches) -> Vec<PathBuf> {
    catalog::data_dirs(text(matches, "data-dir").map(PathBuf::from))
}

/// The picture that the flag `name` asks for; its ending is checked before any work is done.
fn picture(matches: &ArgMatches, name: &str) -> Result<Option<PathBuf>> {
    let Some(path) = text(matches, name).map(PathBuf::from) else { return Ok(None) };
    let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
    if ending == "png" || ending == "svg" {
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
