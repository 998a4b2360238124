//! The report: the pages of some runs and sweeps as one file, which needs nothing else and no network.
//!
//! It is the same page as the dashboard's with style, scripts and every answer in it, so that it opens from disk. Where it
//! came from is in it too, in a form that `handloom verify` reads and trains again: see [`Provenance`].

mod answers;
mod element;
mod html;
mod provenance;

use std::collections::BTreeSet;

use handloom_store::Run;

use self::answers::Answers;
pub use self::provenance::{Made, Provenance, Searched, Unreadable};
use super::{Site, Trouble};

/// Most bytes of a report, unless what must be in it takes more.
const MOST: usize = 8_000_000;

/// What a report is made of, by ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Where it comes from.
    pub provenance: Provenance,
    /// What is not in it, and why.
    pub left_out: Vec<String>,
}

impl Site {
    /// The report of what is chosen, made in a folder with this commit checked out. No test set is opened for it.
    pub fn report(mut self, chosen: &Chosen, git_commit: Option<String>) -> Result<Report, Trouble> {
        let mut ids: BTreeSet<String> = chosen.runs.iter().cloned().collect();
        for run in self.store.runs()? {
            if run.sweep.as_ref().is_some_and(|sweep| chosen.sweeps.contains(sweep)) {
                ids.insert(run.id);
            }
        }
        for id in &chosen.runs {
            self.run(id)?;
        }
        self.only = Some(ids);
        let frame = html::Frame::new();
        let mut answers = Answers::new(&self, MOST.saturating_sub(frame.len()));
        let winners = answers.needed(chosen)?;
        let provenance = Provenance::of(&self, chosen, &winners, git_commit)?;
        let origin = provenance.to_value();
        answers.settle(&origin);
        answers.pages(&detailed(chosen, &winners))?;
        let title = title(&self, chosen)?;
        let (answers, form, left_out) = answers.done();
        let first = super::first::shown(&answers["/api/project"], &answers["/api/runs"]);
        let html = frame.filled(&title, &first, (&answers.into(), &origin), form);
        Ok(Report { html, provenance, left_out })
    }
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

fn title(site: &Site, chosen: &Chosen) -> Result<String, Trouble> {
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
