//! `study`: experiments with their reports. Runs are trials of sweeps whose files are in `configs/studies`; what was
//! trained already is not trained again, so that a study goes on where it was interrupted.
//!
//! - [`LIST`]: every study of one question; `bench`: its sweeps carried out; `write`: its page on disk
//! - `init`, `loss`, `vanishing`: what these measure besides training; `assignment`: questions 1 to 10

mod assignment;
mod context;
mod init;
mod loss;
mod vanishing;
mod write;

use anyhow::Result;
use clap::ArgMatches;
use handloom_view::study::page::Page;
use handloom_view::study::sample::Trial;
use handloom_view::study::{Origin, dead, optimizers, overfit, transfer};
use serde_json::json;

use self::context::StudyContext;
use super::text;
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, DIM, GOOD, Output, WARN};

/// A study whose runs are one sweep.
struct Study {
    name: &'static str,
    /// The sweep's file, with five seeds.
    file: &'static str,
    /// Makes the page from its trials.
    page: fn(&StudyContext<'_>, &[Trial], &Origin) -> Result<Page>,
}

/// Every study but the assignment, in the order of the help.
const LIST: [Study; 7] = [
    Study {
        name: "optimizers",
        file: include_str!("../../../../../configs/studies/optimizers.yaml"),
        page: |_, trials, origin| Ok(optimizers::page(trials, origin)),
    },
    Study {
        name: "vanishing",
        file: include_str!("../../../../../configs/studies/vanishing.yaml"),
        page: vanishing::page,
    },
    Study {
        name: "dead",
        file: include_str!("../../../../../configs/studies/dead.yaml"),
        page: |_, trials, origin| Ok(dead::page(trials, origin)),
    },
    Study { name: "loss", file: include_str!("../../../../../configs/studies/loss.yaml"), page: loss::page },
    Study { name: "init", file: include_str!("../../../../../configs/studies/init.yaml"), page: init::page },
    Study {
        name: "transfer",
        file: include_str!("../../../../../configs/studies/transfer.yaml"),
        page: |bench, trials, origin| Ok(transfer::page(trials, bench.sets(), origin)),
    },
    Study {
        name: "overfit",
        file: include_str!("../../../../../configs/studies/overfit.yaml"),
        page: |_, trials, origin| Ok(overfit::page(trials, origin)),
    },
];

/// The name of every study.
pub(crate) fn names() -> Vec<&'static str> {
    std::iter::once(assignment::NAME).chain(LIST.iter().map(|study| study.name)).collect()
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let name = text(matches, "name").expect("clap asks for a name");
    if ![assignment::NAME, "transfer"].contains(&name) && text(matches, "to").is_some() {
        return Err(Failure::usage(format!("`--to` is for `assignment` and `transfer`, not for `{name}`")));
    }
    let folder = write::folder(name, matches)?;
    let bench = StudyContext::new(matches, output)?;
    let Some(study) = LIST.iter().find(|study| study.name == name) else {
        return assignment::run(&bench, &folder);
    };
    output.hints(false);
    let carried = bench.sweep(name, study.file, bench.minutes()?)?;
    output.hints(true);
    if carried.exit != Exit::Done {
        output.next(&[&bench.command(name)]);
        return Ok(carried.exit);
    }
    let trials = carried.trials(&bench.runs)?;
    let origin = Origin { command: bench.command(name), sweeps: vec![carried.id().to_owned()] };
    let page = bench.noted((study.page)(&bench, &trials, &origin)?);
    write::page(&folder, &page, &trials)?;
    tell(name, &page, &folder, &origin, output);
    Ok(Exit::Done)
}

/// Says what a study concludes, and where its page is.
fn tell(name: &str, page: &Page, folder: &std::path::Path, origin: &Origin, output: &Output) {
    let conclusions: Vec<_> = page.conclusions().map(|one| json!({"settled": one.settled, "text": one.text})).collect();
    output.event(&json!({
        "v": 1, "event": "study", "study": name, "page": folder.join(write::MARKDOWN), "html": folder.join(write::HTML),
        "sweeps": origin.sweeps, "conclusions": conclusions,
    }));
    output.result(format!("{BOLD}{}{BOLD:#}", page.title));
    for one in page.conclusions() {
        let (style, mark) = if one.settled { (GOOD, "✔ settled") } else { (WARN, "○ not settled") };
        output.result(format!("{style}{mark}{style:#}  {}", one.text.replace('`', "")));
    }
    output.note(format!(
        "{DIM}page:{DIM:#} {}  {DIM}and{DIM:#} {}",
        folder.join(write::MARKDOWN).display(),
        folder.join(write::HTML).display()
    ));
    let report = format!("handloom report {}", origin.sweeps.join(" "));
    output.next(&["handloom ui", &report]);
}
