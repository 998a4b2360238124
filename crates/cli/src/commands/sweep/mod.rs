//! `sweep`: W&B sweep files run on this machine, resumably, in parallel, and together with other machines.
//!
//! - `opened`, `mend`: a sweep as the store has it; `start`: one that is made; `dry`, `check`: one that is only read
//! - `work`: an agent at work, with its `trial`s, their `data`, their `ending`s; `preflight`: whether it can; `fault`: why
//!   a trial did not end well, by its own fault or the machine's; `told`, `live`, `finish`: what is seen of it
//! - `reuse`: results of identical trainings
//! - `embedded`: one that another command needs
//! - `removal`: trials whose run is removed, and whole sweeps
//! - `show`, `why`, `best`, `ls`, `stop`: what became of it; `standing`, `matters`, `words`: the same in figures and words

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
