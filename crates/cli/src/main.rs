//! Handloom's program: one file for each command, one module for output, one table of exit codes.

mod args;
mod checkpointer;
mod closed;
mod command;
mod commands;
mod destination;
mod exit;
mod fields;
mod host;
mod interrupt;
mod kept;
mod literal;
mod memory;
mod nested;
mod output;
mod pictures;
mod progress;
mod provenance;
mod runs;
mod settings;
mod source;
mod table;
mod test_set_log;
mod training;
mod wandb;

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: memory::Allocator = memory::Allocator;

fn main() -> ExitCode {
    let swept = std::env::var_os("WANDB_SWEEP_ID").is_some_and(|id| !id.is_empty());
    let words = if swept { args::named(std::env::args_os()) } else { std::env::args_os().collect() };
    let words = args::rewrite(words);
    if let Some(error) = args::unknown_subcommand(&words) {
        return exit::of_clap(&error).into();
    }
    let matches = match args::command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => return exit::of_clap(&error).into(),
    };
    let (name, matches) = matches.subcommand().expect("clap asks for a command");
    // The flags of output are those of the innermost command: `data ls --json`.
    let innermost = std::iter::successors(Some(matches), |matches| Some(matches.subcommand()?.1)).last();
    let output = output::Output::new(innermost.unwrap_or(matches));
    let exit = commands::run(name, matches, &output).unwrap_or_else(|error| exit::report(&error, &output));
    output.finish(exit).into()
}
