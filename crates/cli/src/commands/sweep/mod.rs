//! `sweep`: W&B sweep files run on this machine, resumably, in parallel, and together with other machines.
//!
//! - `handle`: a sweep of the store with its state; `repair`: completes records that a killed process left behind
//! - `start`: makes a sweep; `dry`, `check`: read a sweep file alone
//! - `work`: an agent; `trial`: one training of it; `data`: the data sets of trials; `pending_uploads`: final records of
//!   runs on their way to the store; `preflight`: checks before an agent joins; `fault`: faults of a trial or a machine
//! - `events`, `progress_view`, `finish`: what is printed while a sweep runs, and at its end
//! - `reuse`: results of identical trainings
//! - `embedded`: a sweep that another command needs
//! - `removal`: trials whose run is removed, and whole sweeps
//! - `show`, `why`, `best`, `ls`, `stop`: the subcommands of these names; `importance_report`: importance of parameters

mod best;
mod check;
mod data;
mod dry;
pub(super) mod embedded;
mod events;
mod fault;
mod finish;
mod handle;
mod importance_report;
mod ls;
mod pending_uploads;
mod preflight;
mod progress_view;
pub(super) mod removal;
mod repair;
mod reuse;
mod show;
mod start;
mod stop;
mod trial;
mod why;
mod work;

use anyhow::Result;
use clap::ArgMatches;

pub(super) use self::start::whole;
pub(super) use self::work::{minutes, workers};
use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let Some((name, matches)) = matches.subcommand() else { return start::run(matches, output) };
    match name {
        "create" => start::create(matches, output),
        "check" => check::run(matches, output),
        "agent" => work::join(matches, output),
        "resume" => work::resume(matches, output),
        "ls" => ls::run(matches, output),
        "show" => show::run(matches, output),
        "best" => best::run(matches, output),
        "stop" => stop::run(matches, output),
        "rm" => removal::run(matches, output),
        name => unreachable!("`{name}` is on the command line but not here"),
    }
}
