//! `sweep check`: what is in a sweep file and what is wrong with it. Nothing is run.

use anyhow::Result;
use clap::ArgMatches;
use handloom_sweep::spec;
use handloom_view::words::quoted;
use serde_json::json;

use super::start::read;
use crate::commands::text;
use crate::exit::Exit;
use crate::output::Output;
use crate::table::harmless;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let path = text(matches, "file").unwrap_or_default();
    let file = read(path)?;
    let report = spec::check(&file);
    output.event(&json!(report));
    output.result(harmless(report.rendered(path, &file).trim_end()));
    if report.runs() {
        let path = quoted(path);
        output.next(&[&format!("handloom sweep {path} --dry-run"), &format!("handloom sweep {path}")]);
    }
    Ok(if report.violations.is_empty() { Exit::Done } else { Exit::Usage })
}
