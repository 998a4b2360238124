//! Two runs: their figures side by side, and both networks on the same images.

use std::path::Path;

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::Machine;
use handloom_engine::compare::{Difference, independent_difference};
use handloom_engine::metric::Confusion;
use handloom_store::Opening;
use serde_json::{Value, json};

use super::images::{Common, Paired};
use super::settings;
use super::words::{self, Verdict};
use crate::commands::{data_dirs, text};
use crate::fields::share;
use crate::ledger;
use crate::output::{DIM, Output};
use crate::pictures::Curve;
use crate::runs::{Record, Run, Runs};
use crate::settings::threads;
use crate::table::{one_line, times};

/// What came of comparing them.
struct Compared {
    /// On the validation images, if models and data are there.
    validation: Option<Paired>,
    /// From the recorded accuracies otherwise.
    recorded: Option<Difference>,
    test: Option<Paired>,
    openings: Option<u64>,
    /// Why not everything could be compared.
    why_not: Option<String>,
    verdict: Verdict,
}

pub(super) fn run(
    pair: [&Run; 2],
    runs: &Runs,
    plot: Option<&Path>,
    matches: &ArgMatches,
    output: &Output,
) -> Result<()> {
    let machine = Machine::new(threads(text(matches, "threads"))?);
    let settings = settings::differing(pair.map(std::slice::from_ref));
    let compared = compared(pair, runs, matches, &machine, output)?;
    output.event(&json!({
        "v": 1, "event": "compare", "a": side(pair[0]), "b": side(pair[1]), "settings": settings::event(&settings),
        "validation": match (&compared.validation, compared.recorded) {
            (Some(paired), _) => paired.event(),
            (None, recorded) => json!({
                "a_accuracy": pair[0].record.val_accuracy, "b_accuracy": pair[1].record.val_accuracy,
                "difference": words::event(recorded),
            }),
        },
        "test": compared.test.map(|paired| {
            let mut test = paired.event();
            test["openings"] = json!(compared.openings);
            test
        }),
        "not_compared": compared.why_not, "settled": compared.verdict.settled, "verdict": compared.verdict.words,
    }));
    settings::print(&settings, pair.map(|run| run.record.id.as_str()), output);
    print(pair, &compared, runs, output);
    if let Some(file) = plot {
        let [a, b] = pair.map(|run| run.record.id.as_str());
        let rows = runs.store.rows(&[a, b])?;
        let curve = |side: usize| {
            let Record { id, name, .. } = &pair[side].record;
            // Of two runs with the same name, what sets them apart says more than the name.
            let what = match settings.as_slice() {
                [one] => format!("{} {}", one.name, one.text(side)),
                _ => name.clone(),
            };
            let label = format!("{} {id} {what}", ["A", "B"][side]);
            Curve::new(pair[side], rows.get(id).map_or(&[], Vec::as_slice)).labelled(&label)
        };
        let curves = [curve(0), curve(1)];
        let title = format!("A {a} and B {b}");
        handloom_view::curves(&title, &[curves[0].view(), curves[1].view()]).save(file)?;
        output.note(format!("learning curves: {}", file.display()));
    }
    let better = compared.verdict.ahead.unwrap_or(0);
    let plotting = format!("handloom compare {} {} --no-test --plot curves.png", pair[0].record.id, pair[1].record.id);
    let showing = format!("handloom show {}", pair[better].record.id);
    let next = [showing.as_str(), &plotting];
    output.next(if plot.is_some() { &next[..1] } else { &next });
    Ok(())
}

fn side(run: &Run) -> Value {
    let record = &run.record;
    json!({
        "run": record.id, "name": record.name, "status": record.status.name(), "dataset": record.dataset,
        "epochs": record.epochs, "best_epoch": record.best_epoch, "val_accuracy": record.val_accuracy,
        "test_accuracy": record.test_accuracy, "weights_sha256": record.weights_sha256,
    })
}

fn compared(
    pair: [&Run; 2],
    runs: &Runs,
    matches: &ArgMatches,
    machine: &Machine,
    output: &Output,
) -> Result<Compared> {
    let [a, b] = pair;
    let common = match Common::find(pair, runs, data_dirs(matches)) {
        Ok(common) => common,
        Err(error) => {
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            let recorded = recorded(pair, runs)?;
            let verdict = match recorded {
                Some(_) => Verdict::of(recorded, true, "on validation images, by the recorded accuracies alone"),
                None => Verdict::none(&why),
            };
            return Ok(Compared {
                validation: None,
                recorded,
                test: None,
                openings: None,
                why_not: Some(why),
                verdict,
            });
        }
    };
    let validation = common.on_validation(machine);
    let recorded = if validation.is_none() { recorded(pair, runs)? } else { None };
    let (mut test, mut openings) = (None, None);
    if !matches.get_flag("no-test") {
        let images = common.located.test()?;
        let rows: Vec<u32> = (0..images.len() as u32).collect();
        let [first, second] = &common.models;
        test = Some(Paired::of([first, second], &images, &rows, machine));
        let both = format!("{} {}", a.record.id, b.record.id);
        let opening = ledger::opening(&both, None, &common.located, &images, "compare", 0.0);
        openings = ledger::count(runs, &Opening { accuracy: None, ..opening }, output);
    }
    let verdict = match (&test, &validation) {
        _ if a.record.weights_sha256.is_some() && a.record.weights_sha256 == b.record.weights_sha256 => {
            let words = "settled: A and B have the same weights, bit for bit".into();
            Verdict { settled: Some(true), words, ahead: None }
        }
        (Some(paired), _) => verdict(paired, "test"),
        (None, Some(paired)) => verdict(paired, "validation"),
        (None, None) => Verdict::of(recorded, true, "on validation images, by the recorded accuracies alone"),
    };
    let why_not = validation.is_none().then(|| "they have no validation images in common".to_owned());
    Ok(Compared { validation, recorded, test, openings, why_not, verdict })
}

fn verdict(paired: &Paired, which: &str) -> Verdict {
    let what = format!("on the same {} {which} images", crate::table::grouped(paired.images));
    Verdict::of(paired.difference(), paired.p() < 0.05, &what)
}

/// The difference of the recorded accuracies on validation data, as if of different images; none if the data differs or
/// nobody knows how many images there were.
fn recorded(pair: [&Run; 2], runs: &Runs) -> Result<Option<Difference>> {
    if pair[0].record.data_sha256 != pair[1].record.data_sha256 {
        return Ok(None);
    }
    let mut counts = [[0; 2]; 2];
    for (run, counts) in pair.into_iter().zip(&mut counts) {
        let epochs = runs.store.epochs(&run.record.id)?;
        let images = epochs.iter().rev().find_map(|epoch| epoch.evidence.confusion.as_ref()).map(Confusion::total);
        let (Some(images), Some(accuracy)) = (images, run.record.val_accuracy) else { return Ok(None) };
        *counts = [((accuracy * images as f64).round() as u64).min(images), images];
    }
    Ok(independent_difference(counts[1], counts[0]))
}

fn print(pair: [&Run; 2], compared: &Compared, runs: &Runs, output: &Output) {
    let column = |value: fn(&Run) -> Option<f64>| pair.map(|run| value(run).map_or_else(|| "-".into(), share));
    let mut rows = vec![[String::new(), "A".into(), "B".into(), String::new()]];
    rows.push(if let Some(paired) = &compared.validation {
        paired.row("validation")
    } else {
        let [a, b] = column(|run| run.record.val_accuracy);
        ["validation".into(), a, b, format!(" {}", words::difference(compared.recorded))]
    });
    match &compared.test {
        Some(paired) => rows.push(paired.row("test")),
        None if pair.iter().any(|run| run.record.test_accuracy.is_some()) => {
            let [a, b] = column(|run| run.record.test_accuracy);
            rows.push(["test, as recorded".into(), a, b, String::new()]);
        }
        None => {}
    }
    let epochs = pair.map(|run| match run.record.best_epoch {
        Some(best) => format!("{best} of {}", run.record.epochs),
        None => run.record.epochs.to_string(),
    });
    let [a, b] = epochs;
    rows.push(["best epoch".into(), a, b, String::new()]);
    let statuses = pair.map(|run| run.record.status.name().to_owned());
    if statuses.iter().any(|status| status != "finished") {
        let [a, b] = statuses;
        rows.push(["status".into(), a, b, String::new()]);
    }
    output.table(&rows);
    for (paired, which) in [(&compared.validation, "validation"), (&compared.test, "test")] {
        if let Some(paired) = paired {
            output.result(paired.sentence(which));
        }
    }
    if let Some(why) = &compared.why_not {
        output.result(format!("not on the same images: {}", one_line(why)));
    }
    output.result(compared.verdict.line());
    output.line(format!(
        "{DIM}This is about these two networks; whether a setting is better takes several seeds: `handloom compare group:A group:B`.{DIM:#}"
    ));
    if let Some(openings) = compared.openings {
        output.line(format!("{DIM}This test set was opened {} in {}.{DIM:#}", times(openings), runs.at()));
    }
}
