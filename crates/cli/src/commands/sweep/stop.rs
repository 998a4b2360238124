//! `sweep stop`: no further trial begins, wherever the sweep's agents are.

use anyhow::Result;
use clap::ArgMatches;
use handloom_sweep::{Entry, Journal as _, Status};
use handloom_view::words::count;
use serde_json::json;

use super::handle::SweepHandle;
use crate::commands::{runs, text};
use crate::exit::Exit;
use crate::output::Output;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = runs(matches)?;
    runs.check()?;
    let opened = SweepHandle::find(&runs, text(matches, "sweep"))?;
    opened.journal.append(&[Entry::Stopped])?;
    let state = opened.state(&runs)?;
    let (id, running) = (&opened.sweep.id, state.count(Status::Running));
    output.event(&json!({"v": 1, "event": "stop", "sweep": id, "status": opened.status(&state), "running": running}));
    let rest = if running == 0 {
        String::new()
    } else {
        format!("; {} to their end", count(running, "trial still runs", "trials still run"))
    };
    output.line(format!("sweep {id} is stopped: no further trial begins{rest}"));
    output.next(&[&format!("handloom sweep show {id}"), &format!("handloom sweep resume {id}")]);
    Ok(Exit::Done)
}
