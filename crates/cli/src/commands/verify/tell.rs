//! Output of `verify`: a line for each run, the differences, and the runs that were not checked.

use handloom_view::site::report::{AUTHOR, BUILD, Comparison, Made, Provenance, UNCHECKABLE};
use handloom_view::words::count;
use serde_json::{Value, json};

use super::file::Read;
use super::found::{Found, event};
use super::verdict::{Outcome, Verdict};
use super::{NOT_ASKED, Unchecked};
use crate::output::Output;
use crate::table::one_line;

/// Most differences that are listed for people; programs are given more of them.
const LISTED: usize = 20;
/// Most runs that are listed by their ids.
const IDS: usize = 10;

/// Everything there is to say at the end.
pub(super) struct Told<'a> {
    pub(super) provenance: &'a Provenance,
    pub(super) found: &'a Found<'a>,
    pub(super) unchecked: &'a [Unchecked<'a>],
    pub(super) comparison: &'a Comparison,
    pub(super) outcome: Outcome,
    pub(super) file: &'a Read,
}

/// Says what came of one run.
pub(super) fn run(made: &Made, again: &Made, verdict: &Verdict, is_old: bool, output: &Output) {
    output.event(&event(made, again, verdict));
    // The weights of an old report are checked, but its pages are not.
    let outcome = if is_old { verdict.outcome.max(Outcome::Unsure) } else { verdict.outcome };
    let mark = if is_old && verdict.outcome == Outcome::Verified { "weights" } else { outcome.name() };
    let style = outcome.style();
    let called = format!("{}  {}", one_line(&made.id), one_line(&made.name));
    output.result(format!("{style}{mark}{style:#}  {called}: {}", verdict.words));
}

/// Says what came of all.
pub(super) fn all(told: &Told<'_>, output: &Output) {
    let Told { provenance, found, unchecked, comparison, outcome, .. } = told;
    let reasons = reasons(told);
    let untested: Vec<&String> = found.untested.iter().collect();
    output.event(&json!({
        "v": 1, "event": "done", "outcome": outcome.name(), "verified": found.verified(), "of": provenance.runs.len(),
        "unchecked": unchecked.iter().map(|one| &one.made.id).collect::<Vec<_>>(), "untested": untested,
        "different": comparison.count,
        "differences": comparison.differences.iter().map(|one| {
            json!({"place": one.place, "reported": one.reported, "found": one.found})
        }).collect::<Vec<Value>>(),
        "reasons": reasons, "author": AUTHOR, "uncheckable": UNCHECKABLE,
    }));
    for one in comparison.differences.iter().take(LISTED) {
        let text = |value: &Value| match value {
            Value::Null => "nothing".to_owned(),
            value => one_line(&value.to_string()),
        };
        let (reported, is) = (text(&one.reported), text(&one.found));
        output.result(format!("  {}: the report says {reported}, training again gives {is}", one_line(&one.place)));
    }
    if comparison.count > LISTED {
        output.result(format!("  and {} more", count((comparison.count - LISTED) as u64, "difference", "differences")));
    }
    let style = outcome.style();
    let scope = scope(provenance, found);
    output.result(match outcome {
        Outcome::Verified => format!("{style}verified{style:#}: {scope}"),
        Outcome::Differs => format!("{style}differs{style:#}: the report does not show what training again gives"),
        Outcome::Unsure => format!("{style}{}{style:#}: {}", outcome.name(), reasons.join("; ")),
    });
    let ids = |ids: &[&str]| {
        let more = ids.len().saturating_sub(IDS);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!("{}{more}", ids.iter().take(IDS).map(|id| one_line(id)).collect::<Vec<_>>().join(" "))
    };
    let mut whys: Vec<&str> = unchecked.iter().map(|one| one.why.as_str()).collect();
    whys.dedup();
    whys.sort_unstable();
    whys.dedup();
    for why in whys {
        let runs: Vec<&str> = unchecked.iter().filter(|one| one.why == why).map(|one| one.made.id.as_str()).collect();
        let number = count(runs.len() as u64, "run", "runs");
        let first = why.lines().next().unwrap_or_default();
        output.line(format!("unchecked: {number}: {first} ({})", ids(&runs)));
        for line in why.lines().skip(1) {
            output.line(format!("  {line}"));
        }
        if why == NOT_ASKED {
            output.line("  hint: `--all` trains every trial again");
        }
    }
    if !untested.is_empty() {
        let untested: Vec<&str> = untested.into_iter().map(String::as_str).collect();
        output.line(format!("unchecked: figures about the test set, which is not at hand ({})", ids(&untested)));
    }
    output.line(format!("the author's words, not checked: {}", AUTHOR.join(", ")));
    output.line(format!("not checkable: {}", UNCHECKABLE.join(", ")));
}

/// The trials of a report's sweeps, each with its sweep and its run, which several may share.
pub(super) fn trials(provenance: &Provenance) -> impl Iterator<Item = (&str, &str)> {
    provenance.sweeps.iter().flat_map(|sweep| {
        // Form 1 has no trials but runs.
        let old = provenance.runs.iter().filter(|made| made.sweep.as_ref() == Some(&sweep.id));
        let old = old.filter(|_| sweep.trials.is_empty()).map(|made| made.id.as_str());
        sweep.trials.iter().map(|trial| trial.run.as_str()).chain(old).map(|run| (sweep.id.as_str(), run))
    })
}

/// `1 of 80 trials`, `2 of 2 runs and 1 of 80 trials`.
fn scope(provenance: &Provenance, found: &Found<'_>) -> String {
    let fine =
        |run: &str| found.verdicts.iter().any(|(made, verdict)| made.id == run && verdict.outcome == Outcome::Verified);
    let trials: Vec<&str> = trials(provenance).map(|(_, run)| run).collect();
    let runs = provenance.runs.iter().map(|made| made.id.as_str());
    let runs: Vec<&str> = runs.filter(|run| !trials.contains(run)).collect();
    let part = |runs: &[&str], one: &str, many: &str| {
        let verified = runs.iter().filter(|run| fine(run)).count();
        (!runs.is_empty()).then(|| format!("{verified} of {}", count(runs.len() as u64, one, many)))
    };
    let parts = [part(&runs, "run", "runs"), part(&trials, "trial", "trials")];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" and ")
}

/// Reasons why results could not be compared bit for bit.
fn reasons(told: &Told<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    if told.found.verdicts.is_empty() {
        reasons.push("nothing was trained again before the time was up".into());
    }
    let unsure = told.found.verdicts.iter().filter(|(_, verdict)| verdict.outcome == Outcome::Unsure);
    let number = unsure.count();
    if number > 0 {
        reasons.push(format!(
            "{} trained by other arithmetic, or by one that is not recorded",
            count(number as u64, "run was", "runs were")
        ));
    }
    if let Read::Old(provenance) = told.file {
        let version = one_line(&provenance.version);
        reasons.push(format!(
            "an older build wrote the report (form 1, handloom {version}), so its pages were not made again"
        ));
    }
    if let Some(build) = told.comparison.other_build.as_ref().filter(|_| told.comparison.count > 0) {
        reasons.push(format!("another build made the pages ({}, this is {BUILD})", one_line(build)));
    }
    reasons
}
