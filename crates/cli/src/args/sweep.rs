//! The command `sweep` with everything below it.

use clap::{Arg, ArgAction, Command, ValueHint};

use super::{dataset, output_flags, place_flags, reading_flags, setting, store, switch, value};
use crate::settings::{OPTIONS, path};

pub(super) fn sweep() -> Command {
    Command::new("sweep")
        .about("Run a W&B sweep file on this machine, resumably and in parallel")
        .infer_long_args(true)
        .args_conflicts_with_subcommands(true)
        .arg_required_else_help(true)
        .arg(file().required(false))
        .args(fixed())
        .args(reading_flags())
        .args(work())
        .arg(no_reuse())
        .arg(switch("dry-run", "Print the train commands and run nothing"))
        .args(logging())
        .args(place_flags())
        .args(output_flags())
        .subcommands([create(), check(), agent(), resume(), ls(), show(), best(), stop(), rm()])
        .after_help("Examples:\n  handloom sweep configs/sweep.yaml --trials 50\n  handloom sweep configs/sweep.yaml --dry-run\n  handloom sweep show @last")
}

fn create() -> Command {
    Command::new("create")
        .about("Make a sweep that agents on any machine can join, and print its id")
        .infer_long_args(true)
        .arg(file())
        .args(fixed())
        .args(reading_flags())
        .arg(no_reuse())
        .arg(value("trials", "N", "The sweep ends after so many trials"))
        .args(logging())
        .args(place_flags())
        .args(output_flags())
}

fn check() -> Command {
    Command::new("check")
        .about("Read a sweep file and say what is in it and what is wrong with it")
        .infer_long_args(true)
        .arg(file())
        .args(output_flags())
}

fn agent() -> Command {
    Command::new("agent")
        .about("Work on a sweep together with others, on this or another machine")
        .infer_long_args(true)
        .arg(sweep_id())
        .args(work())
        .arg(no_reuse())
        .args(logging())
        .args(place_flags())
        .args(output_flags())
}

fn resume() -> Command {
    Command::new("resume")
        .about("Go on with a sweep that was interrupted, killed or stopped")
        .infer_long_args(true)
        .arg(sweep_id())
        .arg(switch("retry-failed", "Try failed trials again, those whose process was killed too often among them"))
        .args(work())
        .arg(no_reuse())
        .args(logging())
        .args(place_flags())
        .args(output_flags())
}

fn ls() -> Command {
    Command::new("ls")
        .about("The sweeps so far, the newest first")
        .infer_long_args(true)
        .arg(store())
        .args(output_flags())
}

fn show() -> Command {
    Command::new("show")
        .about("Trials of a sweep, the best of them, and which parameters matter")
        .infer_long_args(true)
        .arg(sweep_id())
        .arg(switch("all", "Every trial in the table, not only the best"))
        .arg(
            value("plot", "FILE", "Draw accuracy by time of creation with the best so far, as PNG or SVG")
                .value_hint(ValueHint::FilePath),
        )
        .arg(store())
        .args(output_flags())
}

fn best() -> Command {
    Command::new("best")
        .about("The train command of a sweep's best trial")
        .infer_long_args(true)
        .arg(sweep_id())
        .arg(switch("train", "Train it on all training data, and evaluate it once on the test set"))
        .arg(value("threads", "N", "With --train: threads [default: all cores]"))
        .args(logging())
        .args(place_flags())
        .args(output_flags())
}

fn stop() -> Command {
    Command::new("stop")
        .about("Let no further trial of a sweep begin, wherever its agents are")
        .infer_long_args(true)
        .arg(sweep_id())
        .arg(store())
        .args(output_flags())
}

fn rm() -> Command {
    Command::new("rm")
        .about("Remove sweeps with the runs of their trials; asks first")
        .infer_long_args(true)
        .arg(sweep_id().required(true).num_args(1..).help("Sweeps: ids, parts of an id or name, or @last"))
        .arg(switch("yes", "Do not ask"))
        .arg(store())
        .args(output_flags())
}

fn file() -> Arg {
    Arg::new("file")
        .value_name("FILE.yaml")
        .required(true)
        .value_parser(path)
        .value_hint(ValueHint::FilePath)
        .help("W&B sweep file")
}

fn sweep_id() -> Arg {
    Arg::new("sweep").value_name("ID").help("Sweep: its id, a part of its id or name, or @last [default: @last]")
}

/// Flags that belong to the sweep and not to the call.
fn fixed() -> [Arg; 4] {
    [
        dataset("Data set [default: the file's, else fashion_mnist]"),
        value("set", "KEY=VALUE", "One setting for every trial, over the file's").action(ArgAction::Append),
        value("seed", "N", "Seed of the search; that of training is a setting [default: 1]"),
        value("name", "NAME", "Name of the sweep [default: the file's]"),
    ]
}

/// Limits of a call: trials at once, trials in all, minutes.
fn work() -> [Arg; 3] {
    [
        value("workers", "N", "Trials at once, a thread each [default: all cores]"),
        value("trials", "N", "Stop after N trials"),
        value("minutes", "M", "Start no trial after M minutes"),
    ]
}

fn no_reuse() -> Arg {
    switch("no-reuse", "Train every trial, even if an identical training is recorded already")
}

/// The flags of `train` for W&B.
pub(super) fn logging() -> impl Iterator<Item = Arg> {
    let wandb = OPTIONS.iter().filter(|key| key.name.starts_with("wandb"));
    wandb.enumerate().map(|(order, key)| setting(key, "", 100 + order))
}
