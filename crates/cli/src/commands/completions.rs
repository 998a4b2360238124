//! `completions SHELL`: what a shell needs to complete our commands.

use anyhow::Result;
use clap::ArgMatches;
use clap_complete::Shell;

use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let shell: Shell = matches.get_one::<String>("shell").expect("is required").parse().map_err(anyhow::Error::msg)?;
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut crate::args::command(), "handloom", &mut script);
    output.data(String::from_utf8(script)?.trim_end());
    Ok(Exit::Done)
}
