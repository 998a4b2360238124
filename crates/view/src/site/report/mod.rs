//! The report: the pages of some runs and sweeps as one file, which needs nothing else and no network.
//!
//! It is the same page as the dashboard's with style, scripts and every answer in it, so that it opens from disk. Where it
//! came from is in it too, in a form that `handloom verify` reads and trains again: see [`Provenance`]. All pages are made
//! from that provenance and what follows from training, so that `verify` makes them again by the same code.

mod answers;
mod check;
mod collect;
mod element;
mod host;
mod html;
mod provenance;
mod snapshot;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use handloom_store::{Run, Store};
use serde::{Deserialize, Serialize};

use self::answers::{Answers, Given};
pub use self::check::{Again, Comparison, Difference, ReportFile};
use self::element::Form;
use self::host::{Missing, ReportHost};
pub use self::provenance::{BUILD, FORM, Figures, Made, Provenance, Searched, Tried, Unreadable};
use self::snapshot::{Diagnostics, Snapshot};
use super::{ApiError, Host, Site};

/// Most bytes of a report, unless what must be in it takes more.
const MOST: usize = 8_000_000;

/// Words of the author, which nothing can check.
pub const AUTHOR: [&str; 8] = [
    "ids",
    "names",
    "tags and groups",
    "notes",
    "titles",
    "Git commits",
    "commands as typed",
    "comments and descriptions in sweep files",
];

/// Facts that training again does not give.
pub const UNCHECKABLE: [&str; 8] = [
    "times and durations",
    "samples per second",
    "host, paths and processes",
    "the program and processor that wrote the file",
    "the order in which trials began",
    "how often the author opened the test set",
    "why a run was stopped or pruned where it was",
    "the seed of a sweep's sampler",
];

/// Runs and sweeps of a report, by ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// Runs, each with all its pages.
    pub runs: Vec<String>,
    /// Sweeps, with all their trials and the pages of the best.
    pub sweeps: Vec<String>,
}

/// A report.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file.
    pub html: String,
    /// Provenance of the report.
    pub provenance: Provenance,
    /// Parts that were left out, with reasons.
    pub left_out: Vec<String>,
}

/// Runs as a store has them, by id.
type Originals = BTreeMap<String, Run>;

impl Site {
    /// The report of what is chosen, made in a folder with this commit checked out. No test set is opened for it.
    pub fn report(self, chosen: &Chosen, git_commit: Option<String>) -> Result<Report, ApiError> {
        let (provenance, originals) = collect::collect(&self, chosen, git_commit)?;
        let Self { store, host, .. } = self;
        let mut provenance = with_undiagnosed(provenance, &*store)?;
        let diagnostics: Diagnostics = Box::new(move |id| {
            let epochs = store.epochs(id)?;
            Ok(epochs.into_iter().map(|epoch| (epoch.row.epoch, epoch.evidence)).collect())
        });
        let pages = pages(&provenance, diagnostics, (host, originals), None)?;
        provenance.missing = pages.missing;
        let Pages { answers, form, left_out, title, first, frame, .. } = pages;
        let elements = [form.element("answers", &answers), form.element("provenance", &provenance.to_value())];
        let [answers, origin] = &elements;
        let pieces = frame.pieces(&title, &first, [answers, origin]);
        let html = pieces.into_iter().map(|(_, text)| text).collect();
        Ok(Report { html, provenance, left_out })
    }
}

/// Notes which epochs the store has no diagnostics of, in the few runs where some are missing.
fn with_undiagnosed(mut provenance: Provenance, store: &dyn Store) -> Result<Provenance, ApiError> {
    let shown = |made: &Made| provenance.chosen.runs.contains(&made.id);
    let ids: Vec<usize> = (0..provenance.runs.len()).filter(|&at| shown(&provenance.runs[at])).collect();
    for at in ids {
        let epochs = store.epochs(&provenance.runs[at].id)?;
        let bare = epochs.iter().filter(|epoch| epoch.evidence.layers.is_empty()).map(|epoch| epoch.row.epoch);
        if let Some(figures) = &mut provenance.runs[at].figures {
            figures.undiagnosed = bare.filter(|epoch| figures.epoch.contains(epoch)).collect();
        }
    }
    Ok(provenance)
}

/// Everything that the file of a report is made of.
struct Pages {
    answers: serde_json::Value,
    winners: Vec<Option<String>>,
    form: Form,
    left_out: Vec<String>,
    title: String,
    /// The page before its script runs.
    first: String,
    missing: std::collections::BTreeSet<String>,
    frame: html::Frame,
}

/// Makes the pages of a report from its provenance, the diagnostics of its runs, and their models and data.
fn pages(
    provenance: &Provenance,
    diagnostics: Diagnostics,
    (inner, originals): (Box<dyn Host>, Originals),
    given: Option<Given<'_>>,
) -> Result<Pages, ApiError> {
    let missing: Missing = Arc::new(Mutex::new(provenance.missing.clone()));
    let host = ReportHost::new(inner, originals, provenance, Arc::clone(&missing));
    let store = Arc::new(Snapshot::new(provenance, diagnostics));
    let mut site = Site::new(store, Box::new(host));
    site.fixed_ms = Some(provenance.now_ms);
    let chosen = &provenance.chosen;
    let frame = html::Frame::new();
    let mut answers = Answers::new(&site, MOST.saturating_sub(frame.len()), given);
    let winners = answers.needed(chosen)?;
    answers.settle(&provenance.to_value());
    answers.pages(&detailed(chosen, &winners))?;
    let title = title(&site, chosen)?;
    let (answers, form, left_out) = answers.done();
    let first = super::first::shown(&answers["/api/project"], &answers["/api/runs"]);
    let missing = missing.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(Pages { answers: answers.into(), winners, form, left_out, title, first, missing, frame })
}

/// Runs whose pages are all in the report: those chosen, and the best trials.
fn detailed(chosen: &Chosen, winners: &[Option<String>]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in chosen.runs.iter().chain(winners.iter().flatten()) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

fn title(site: &Site, chosen: &Chosen) -> Result<String, ApiError> {
    let seen = site.seen()?;
    let name = |run: &Run| if run.name.is_empty() { run.id.clone() } else { run.name.clone() };
    let mut names: Vec<String> = seen.runs.iter().filter(|run| chosen.runs.contains(&run.id)).map(name).collect();
    for id in &chosen.sweeps {
        let sweep = site.store.sweep(id)?;
        names.push(sweep.and_then(|sweep| sweep.name).unwrap_or_else(|| format!("sweep {id}")));
    }
    Ok(match &names[..] {
        [] => "Handloom".into(),
        [one] => format!("{one} · Handloom"),
        [one, two] => format!("{one} and {two} · Handloom"),
        [one, rest @ ..] => format!("{one} and {} others · Handloom", rest.len()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_winner_that_was_chosen_too_is_there_once() {
        let chosen = Chosen { runs: vec!["a".into(), "b".into()], sweeps: vec!["s".into(), "t".into()] };
        let winners = [Some("b".to_owned()), None];
        assert_eq!(detailed(&chosen, &winners), ["a", "b"]);
        assert_eq!(detailed(&Chosen::default(), &[Some("c".into())]), ["c"]);
    }
}
