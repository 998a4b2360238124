//! A study's page on disk: Markdown with its pictures, the same as one HTML file, and its runs as CSV.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_engine::event::EpochMetrics;
use handloom_engine::model::write_atomically;
use handloom_view::study::page::{PICTURES, Page};
use handloom_view::study::sample::Trial;

use super::super::export::spreadsheet;
use super::super::text;
use super::context::made;
use crate::destination;
use crate::runs::Record;

/// The page as Markdown.
pub(super) const MARKDOWN: &str = "README.md";
/// The page as one HTML file.
pub(super) const HTML: &str = "index.html";

/// Folder of the page. Fails before any work is done if nothing can be written there.
pub(super) fn folder(name: &str, matches: &ArgMatches) -> Result<PathBuf> {
    let folder = PathBuf::from(text(matches, "out").map_or_else(|| format!("study-{name}"), str::to_owned));
    destination::check_folder(&folder, "--out")?;
    made(&folder.join(PICTURES))?;
    Ok(folder)
}

/// Writes the page with its pictures and its runs.
pub(super) fn page(folder: &Path, page: &Page, trials: &[Trial]) -> Result<()> {
    for (name, picture) in page.pictures() {
        picture.save(&folder.join(PICTURES).join(format!("{name}.svg")))?;
    }
    let rows = |trial: &Trial| trial.epochs.iter().map(|epoch| epoch.row.clone()).collect::<Vec<EpochMetrics>>();
    let runs: Vec<(&Record, Vec<EpochMetrics>)> = trials.iter().map(|trial| (&trial.run, rows(trial))).collect();
    spreadsheet::save(&runs, &folder.join("runs.csv"))?;
    write_atomically(&folder.join(HTML), page.to_html().as_bytes())?;
    // The last one: where it is, everything is.
    write_atomically(&folder.join(MARKDOWN), page.to_markdown().as_bytes()).context("writing the page")
}
