//! `compare`: what two runs differ in, and whether one of them is better; the same for groups of runs with several seeds.
//!
//! Two networks are compared on the same images, so that a small difference can be settled. Whether a setting is better
//! is another question, which takes several seeds on each side. Validation decides; `--test` also opens the test set.
//! Differences are B minus A.

mod groups;
mod images;
mod pair;
mod settings;
mod side;
mod words;

use anyhow::Result;
use clap::ArgMatches;

use self::side::Side;
use super::{picture, readable_runs, text};
use crate::exit::{Exit, Failure};
use crate::output::Output;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let plot = picture(matches, "plot")?;
    let runs = readable_runs(matches, output)?;
    let all = runs.all()?;
    let [a, b] = ["a", "b"].map(|side| Side::named(text(matches, side).unwrap_or_default(), &all, &runs));
    let (a, b) = (a?, b?);
    if let Some(both) = a.runs.iter().find(|run| b.runs.iter().any(|other| other.record.id == run.record.id)) {
        let id = &both.record.id;
        return Err(Failure::usage(format!(
            "run `{id}` is on both sides\nhint: `handloom ls` shows what else there is to compare it with"
        )));
    }
    if let ([a], [b]) = (a.runs.as_slice(), b.runs.as_slice()) {
        pair::run([a, b], &runs, plot.as_deref(), matches, output)?;
    } else {
        if matches.get_flag("test") {
            output
                .note("of groups, the recorded test accuracies are compared: `--test` opens the test set for two runs");
        }
        groups::run([&a, &b], &runs, plot.as_deref(), output)?;
    }
    Ok(Exit::Done)
}
