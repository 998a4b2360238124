//! Two runs: their figures side by side, and both networks on the same images.

use std::path::Path;

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::Machine;
use handloom_engine::compare::Difference;
use handloom_store::TestSetAccess;
use handloom_view::verdict::{Paired, Verdict, recorded};
use handloom_view::words::times;
use serde_json::{Value, json};

use super::images::{self, Common};
use super::{settings, words};
use crate::commands::{data_dirs, text};
use crate::fields::accuracy_text;
use crate::output::{DIM, Output};
use crate::pictures::Curve;
use crate::runs::{Record, Run, Runs};
use crate::settings::threads;
use crate::table::one_line;
use crate::test_set_log;

/// Result of comparing two runs.
struct Compared {
    /// On the validation images, if models and data are there.
    validation: Option<Paired>,
    /// From the recorded accuracies otherwise.
    recorded: Option<Difference>,
    /// On the test images, if they were asked for, with the verdict on them.
    test: Option<(Paired, Verdict)>,
    openings: Option<u64>,
    /// True if the test set was not asked for and would show more than the recorded accuracies.
    could_test: bool,
    /// Reason why the comparison is incomplete, if it is.
    why_not: Option<String>,
    /// By validation; by the test set only where there are no validation images in common.
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
            (Some(paired), _) => images::event(paired),
            (None, recorded) => json!({
                "a_accuracy": pair[0].record.val_accuracy, "b_accuracy": pair[1].record.val_accuracy,
                "difference": words::event(recorded),
            }),
        },
        "test": compared.test.as_ref().map(|(paired, verdict)| {
            let mut test = images::event(paired);
            test["openings"] = json!(compared.openings);
            test["settled"] = json!(verdict.settled);
            test["verdict"] = json!(verdict.words);
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
    let plotting = format!("handloom compare {} {} --plot curves.png", pair[0].record.id, pair[1].record.id);
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
    let records = [&a.record, &b.record];
    // A model that is not the run's is an error; one that is missing only narrows what can be compared.
    pair.into_iter().try_for_each(|run| runs.kept_if_any(run).map(drop))?;
    runs.tell_unchecked(output);
    let common = match Common::find(pair, runs, data_dirs(matches)) {
        Ok(common) => common,
        Err(error) => {
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            let recorded = recorded(records, &*runs.store)?;
            if matches.get_flag("test") {
                output.warn(format!("the test set stays closed: {}", one_line(&why)));
            }
            let why_not = recorded.is_none().then_some(why.as_str());
            let verdict = Verdict::of_pair(records, None, recorded, why_not);
            return Ok(Compared {
                validation: None,
                recorded,
                test: None,
                openings: None,
                could_test: false,
                why_not: Some(why),
                verdict,
            });
        }
    };
    let validation = common.on_validation(machine);
    let recorded = if validation.is_none() { recorded(records, &*runs.store)? } else { None };
    let (mut test, mut openings) = (None, None);
    if matches.get_flag("test") {
        let opened = common.located.test()?;
        let rows: Vec<u32> = (0..opened.len() as u32).collect();
        let [first, second] = &common.models;
        let paired = images::judged([first, second], &opened, &rows, machine);
        test = Some((paired, Verdict::of_pair(records, Some((&paired, "test")), None, None)));
        let both = format!("{} {}", a.record.id, b.record.id);
        let opening = test_set_log::opening(&both, None, &common.located, &opened, "compare", 0.0);
        openings = test_set_log::count(runs, &TestSetAccess { accuracy: None, ..opening }, output);
    }
    let verdict = match (&validation, &test) {
        (None, Some((_, verdict))) => verdict.clone(),
        (validation, _) => {
            let paired = validation.as_ref().map(|paired| (paired, "validation"));
            Verdict::of_pair(records, paired, recorded, None)
        }
    };
    let why_not = validation.is_none().then(|| "they have no validation images in common".to_owned());
    let could_test = validation.is_none() && test.is_none();
    Ok(Compared { validation, recorded, test, openings, could_test, why_not, verdict })
}

fn print(pair: [&Run; 2], compared: &Compared, runs: &Runs, output: &Output) {
    let column = |value: fn(&Run) -> Option<f64>| pair.map(|run| value(run).map_or_else(|| "-".into(), accuracy_text));
    let mut rows = vec![[String::new(), "A".into(), "B".into(), String::new()]];
    rows.push(if let Some(paired) = &compared.validation {
        images::row(paired, "validation")
    } else {
        let [a, b] = column(|run| run.record.val_accuracy);
        ["validation".into(), a, b, format!(" {}", words::difference(compared.recorded))]
    });
    match &compared.test {
        Some((paired, _)) => rows.push(images::row(paired, "test")),
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
    let test = compared.test.as_ref().map(|(paired, _)| paired);
    for (paired, which) in [(compared.validation.as_ref(), "validation"), (test, "test")] {
        if let Some(paired) = paired {
            output.result(images::sentence(paired, which));
        }
    }
    if let Some(why) = &compared.why_not {
        output.result(format!("not on the same images: {}", one_line(why)));
        if compared.could_test {
            output.result("`--test` compares them on the test set");
        }
    }
    output.result(words::line(&compared.verdict));
    if let (Some(_), Some((_, verdict))) = (&compared.validation, &compared.test) {
        output.result(format!("on the test set, {}", words::line(verdict)));
    }
    output.line(format!(
        "{DIM}This is about these two networks; whether a setting is better takes several seeds: `handloom compare group:A group:B`.{DIM:#}"
    ));
    if let Some(openings) = compared.openings {
        output.line(format!("{DIM}This test set was opened {} in {}.{DIM:#}", times(openings), runs.at()));
    }
}
