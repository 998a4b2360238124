use anyhow::Result;
use clap::ArgMatches;

use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(_matches: &ArgMatches, _output: &Output) -> Result<Exit> {
    Ok(Exit::Done)
}
