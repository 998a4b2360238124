use anyhow::Result;
use clap::ArgMatches;

use crate::exit::Exit;

pub(super) fn run(_matches: &ArgMatches) -> Result<Exit> {
    Ok(Exit::Done)
}
