//! Handloom's program: one file for each command, one door for output, one table of exit codes.

mod args;
mod checkpointer;
mod command;
mod commands;
mod desk;
mod exit;
mod fields;
mod interrupt;
mod ledger;
mod literal;
mod nested;
mod output;
mod pictures;
mod progress;
mod provenance;
mod runs;
mod settings;
mod source;
mod table;
mod training;
mod wandb;

use std::process::ExitCode;

fn main() -> ExitCode {
    let swept = std::env::var_os("WANDB_SWEEP_ID").is_some_and(|id| !id.is_empty());
    let words = if swept { args::named(std::env::args_os()) } else { std::env::args_os().collect() };
    let matches = match args::command().try_get_matches_from(args::rewrite(words)) {
        Ok(matches) => matches,
        Err(error) => return exit::of_clap(&error),
    };
    let (name, matches) = matches.subcommand().expect("clap asks for a command");
    let output = output::Output::new(matches);
    match commands::run(name, matches, &output) {
        Ok(code) => code.into(),
        Err(error) => exit::report(&error, &output),
    }
}
