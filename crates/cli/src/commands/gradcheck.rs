//! `gradcheck`: every analytic gradient against a numeric one, and a table of how far they differ.

use std::str::FromStr;
use std::time::Instant;

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::Machine;
use handloom_engine::gradcheck::{Combination, HIDDEN, TOLERANCE, combinations};
use serde_json::{Map, Value, json};

use crate::exit::{Exit, Failure};
use crate::output::{BOLD, DIM, GOOD, Output};

/// A combination with the relative errors of each layer's weight and bias in turn.
type Checked = (Combination, Vec<f64>);

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let seed = number(matches, "seed", "a whole number of at least 0")?.unwrap_or(1);
    let tolerance = number(matches, "tolerance", "a number above 0")?.unwrap_or(TOLERANCE);
    if !(tolerance > 0.0 && f64::is_finite(tolerance)) {
        return Err(Failure::usage(format!("`--tolerance` cannot be {tolerance}\nhint: it takes a number above 0")));
    }
    let started = Instant::now();
    let machine = Machine::new(1);
    let checked: Vec<Checked> = combinations()
        .into_iter()
        .map(|combination| {
            let errors = combination.check(seed, &machine);
            (combination, errors)
        })
        .collect();
    let seconds = started.elapsed().as_secs_f64();
    let fails = |errors: &[f64]| errors.iter().any(|&error| error > tolerance);
    let failed: Vec<&Checked> = checked.iter().filter(|(_, errors)| fails(errors)).collect();
    let (worst, place) = worst(&checked);

    output.line(format!(
        "analytic: the passes of training, in single precision ({})\n\
         numeric:  a complex step on a plain forward pass, in double precision\n\
         {DIM}each tensor's largest difference / its largest gradient, seed {seed}{DIM:#}",
        machine.isa().name()
    ));
    for (title, rows) in tables(&checked, matches.get_flag("all")) {
        output.line(format!("\n{}", table(&title, &rows, tolerance)));
    }
    for (combination, errors) in &checked {
        output.event(&json!({
            "v": 1, "event": "combination", "activation": combination.activation.name(), "loss": combination.loss.name(),
            "weight_init": combination.init.name(), "num_layers": combination.depth, "errors": by_tensor(errors),
            "passed": !fails(errors),
        }));
    }
    output.event(&json!({
        "v": 1, "event": "done", "combinations": checked.len(), "failed": failed.len(), "passed": failed.is_empty(),
        "worst": finite(worst), "worst_at": place, "tolerance": tolerance, "seed": seed,
        "isa": machine.isa().name(), "seconds": seconds,
    }));
    let share = format!("{} of {}", checked.len() - failed.len(), checked.len());
    if let Some((combination, errors)) = failed.first() {
        return Err(Failure {
            exit: Exit::Check,
            message: format!(
                "gradients differ by more than {tolerance:.0e}: {share} combinations agree; the worst is {worst:.1e} in {place}\n\
                 hint: the first is {combination} in {}; see all with `handloom gradcheck --all`",
                names(errors).zip(errors).find(|(_, error)| **error > tolerance).map_or_else(String::new, |(name, _)| name)
            ),
        }
        .into());
    }
    output.line(format!(
        "\n{GOOD}{share} combinations agree{GOOD:#} within {tolerance:.0e}, {seconds:.1} s\nworst: {worst:.1e} in {place}"
    ));
    output.next(&["handloom train"]);
    Ok(Exit::Done)
}

/// The value of flag `name`, if it was given.
fn number<T: FromStr>(matches: &ArgMatches, name: &str, expected: &str) -> Result<Option<T>> {
    let parse = |text: &String| {
        text.parse().map_err(|_| Failure::usage(format!("`--{name}` cannot be `{text}`\nhint: it takes {expected}")))
    };
    matches.get_one::<String>(name).map(parse).transpose()
}

/// The largest error, and where it is.
fn worst(checked: &[Checked]) -> (f64, String) {
    let mut worst = (-1.0, String::new());
    for (combination, errors) in checked {
        for (name, &error) in names(errors).zip(errors) {
            if error > worst.0 {
                worst = (error, format!("{name} of {combination}"));
            }
        }
    }
    worst
}

/// Names of tensors in a table: W1, b1, W2 ...
fn names(errors: &[f64]) -> impl Iterator<Item = String> {
    (0..errors.len()).map(|n| format!("{}{}", if n % 2 == 0 { 'W' } else { 'b' }, n / 2 + 1))
}

fn by_tensor(errors: &[f64]) -> Map<String, Value> {
    let name = |n: usize| format!("layers.{}.{}", n / 2, if n.is_multiple_of(2) { "weight" } else { "bias" });
    errors.iter().enumerate().map(|(n, &error)| (name(n), finite(error))).collect()
}

fn finite(error: f64) -> Value {
    if error.is_finite() { json!(error) } else { Value::Null }
}

/// A table's title and its rows with their labels.
type Table = (String, Vec<(String, Vec<f64>)>);

/// A table for each loss with a row for each activation, or for each of both with a row for every combination.
fn tables(checked: &[Checked], all: bool) -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for (Combination { activation, loss, init, depth }, errors) in checked {
        let (title, label) = if all {
            (format!("{}, {}", activation.name(), loss.name()), format!("{} {depth}", init.name()))
        } else {
            (loss.name().to_owned(), activation.name().to_owned())
        };
        let table = tables.iter().position(|table| table.0 == title).unwrap_or_else(|| {
            tables.push((title, Vec::new()));
            tables.len() - 1
        });
        let rows = &mut tables[table].1;
        let row = rows.iter().position(|row| row.0 == label).unwrap_or_else(|| {
            rows.push((label, Vec::new()));
            rows.len() - 1
        });
        let row = &mut rows[row].1;
        row.resize(row.len().max(errors.len()), 0.0);
        for (worst, &error) in row.iter_mut().zip(errors) {
            *worst = worst.max(error);
        }
    }
    tables
}

/// Errors in columns; `!` marks those above the tolerance.
fn table(title: &str, rows: &[(String, Vec<f64>)], tolerance: f64) -> String {
    let tensors: Vec<String> = names(&vec![0.0; 2 * (HIDDEN.len() + 1)]).map(|name| format!("{name:>7}")).collect();
    let tensors = tensors.join(" ");
    // A long title stands on a line of its own.
    let gap = if title.len() > LABEL { format!("\n{:LABEL$}", "") } else { " ".repeat(LABEL - title.len()) };
    let mut text = format!("{BOLD}{title}{BOLD:#}{gap}{}", tensors.trim_end());
    for (label, errors) in rows {
        let cells = errors.iter().map(|&error| {
            let number = if error == 0.0 { "0".to_owned() } else { format!("{error:.1e}") };
            format!("{number:>7}{}", if error > tolerance { '!' } else { ' ' })
        });
        text.extend(["\n", &format!("{label:LABEL$}"), cells.collect::<String>().trim_end()]);
    }
    text
}

/// Width of a table's first column.
const LABEL: usize = 18;
