//! One file for each command.

mod completions;
mod data;
mod doctor;
mod evaluate;
mod gradcheck;
mod predict;
mod train;

use anyhow::Result;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::output::Output;

/// Runs the command `name`.
pub(crate) fn run(name: &str, matches: &ArgMatches, output: &Output) -> Result<Exit> {
    match name {
        "train" => train::run(matches, output),
        "evaluate" => evaluate::run(matches, output),
        "predict" => predict::run(matches, output),
        "data" => data::run(matches),
        "gradcheck" => gradcheck::run(matches, output),
        "completions" => completions::run(matches, output),
        "doctor" => doctor::run(matches, output),
        name => unreachable!("`{name}` is on the command line but not here"),
    }
}
