//! `ls`: the runs so far, chosen, sorted, and in the columns that were asked for.
//!
//! The newest run is first. A terminal shows the first rows and says how many there are; a pipe gets all of them.

pub(super) mod filter;

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use clap::ArgMatches;
use clap::builder::styling::Style;
use handloom_engine::event::EpochMetrics;
use handloom_store::{ByRun, Status, TestSetAccess, best};
use handloom_view::format::ago;
use handloom_view::words::{count, grouped, times};
use serde_json::{Map, Value, json};

use self::filter::Filter;
use super::{picture, readable_runs, text};
use crate::exit::{Exit, Failure};
use crate::fields::{self, Field};
use crate::output::{BAD, BOLD, DIM, GOOD, Output, WARN};
use crate::pictures;
use crate::runs::{Record, Run, Runs, now_ms};
use crate::table::{grid, one_line};

/// Most rows on a terminal without `--limit`.
const ROWS: usize = 50;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let mut filters = Vec::new();
    for argument in matches.get_many::<String>("filter").into_iter().flatten() {
        filters.extend(Filter::parse(argument)?);
    }
    let sort = text(matches, "sort").map(sorting).transpose()?;
    let columns: Option<Vec<Field>> = text(matches, "columns")
        .map(|names| names.split(',').filter(|name| !name.trim().is_empty()).map(Field::named).collect())
        .transpose()?;
    let limit = text(matches, "limit").map(limit).transpose()?;
    let plot = picture(matches, "plot")?;
    let csv = matches.get_flag("csv");

    let runs = readable_runs(matches, output)?;
    let mut chosen = runs.all()?;
    let total = chosen.len();
    let needs_last = (output.json || csv) && columns.is_none()
        || filters.iter().any(Filter::needs_last)
        || sort
            .iter()
            .map(|(field, _)| field)
            .chain(columns.iter().flatten())
            .any(|field| matches!(field, Field::Last(_)));
    let last = if needs_last { runs.store.last_rows()? } else { ByRun::new() };
    chosen.retain(|run| filters.iter().all(|filter| filter.passes(run, last.get(&run.record.id))));
    // The newest first, and so among equals.
    chosen.reverse();
    if let Some((field, descending)) = sort {
        sort_by(&mut chosen, &last, field, descending != matches.get_flag("reverse"));
    } else if matches.get_flag("reverse") {
        chosen.reverse();
    }
    let matching = chosen.len();
    chosen.truncate(limit.unwrap_or(usize::MAX));

    if csv {
        let columns = columns.unwrap_or_else(|| Field::all().collect());
        output.data(to_csv(&chosen, &last, &columns)?.trim_end_matches('\n'));
    } else if output.json {
        let events = chosen.iter().map(|run| event(run, last.get(&run.record.id), columns.as_deref()).to_string());
        let events = events.collect::<Vec<_>>();
        if !events.is_empty() {
            output.data(events.join("\n"));
        }
    } else if chosen.is_empty() {
        output.note(if total == 0 {
            format!("no runs in {} yet", runs.at())
        } else {
            format!("no run matches ({} in {})", count(total as u64, "run", "runs"), runs.at())
        });
    } else {
        let most = if limit.is_none() && output.is_terminal() { ROWS } else { usize::MAX };
        let shown = &chosen[..chosen.len().min(most)];
        let lines = match &columns {
            Some(columns) => table(shown, &last, columns, output.width()),
            None => overview(shown, output.width()),
        };
        output.result(lines.join("\n"));
        if matching > shown.len() {
            let more = grouped((matching - shown.len()) as u64);
            output.note(format!(
                "{DIM}  ... {more} more: `--limit {matching}`, or filters such as `optimizer=adam`{DIM:#}"
            ));
        }
        footer(&runs, total, output)?;
    }
    if let Some(file) = &plot {
        draw(&chosen, &runs, file)?;
        output.note(format!("validation accuracy by time of creation: {}", file.display()));
    }
    next(&chosen, total, output);
    Ok(Exit::Done)
}

fn next(chosen: &[Run], total: usize, output: &Output) {
    let mut finished = chosen.iter().filter(|run| run.record.status == Status::Finished);
    let shows = |run: &Run| format!("handloom show {}", run.record.id);
    match (chosen.first(), finished.next(), finished.next()) {
        _ if total == 0 => output.next(&["handloom train -d garments"]),
        (None, ..) => output.next(&["handloom ls"]),
        (_, Some(a), Some(b)) => {
            output.next(&[&shows(a), &format!("handloom compare {} {}", a.record.id, b.record.id)]);
        }
        (Some(first), ..) => output.next(&[&shows(first)]),
    }
}

/// The field to sort by, and whether the greatest is first.
fn sorting(text: &str) -> Result<(Field, bool)> {
    let name = text.trim_start_matches('-');
    Ok((Field::named(name)?, name.len() < text.len()))
}

fn limit(text: &str) -> Result<usize> {
    text.parse().ok().filter(|&limit| limit > 0).ok_or_else(|| {
        Failure::usage(format!("`limit` cannot be `{text}`\nhint: it takes a whole number of at least 1"))
    })
}

/// Sorts by a field; runs that lack it are last either way.
fn sort_by(runs: &mut Vec<Run>, last: &ByRun<EpochMetrics>, field: Field, descending: bool) {
    let mut keyed: Vec<(Value, Run)> =
        runs.drain(..).map(|run| (field.of(&run, last.get(&run.record.id)), run)).collect();
    keyed.sort_by(|(a, _), (b, _)| {
        let order = match (a, b) {
            (a, b) if a.is_null() || b.is_null() => return a.is_null().cmp(&b.is_null()),
            (a, b) => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => fields::plain(a).to_lowercase().cmp(&fields::plain(b).to_lowercase()),
            },
        };
        if descending { order.reverse() } else { order }
    });
    runs.extend(keyed.into_iter().map(|(_, run)| run));
}

/// A run as an object: everything, or the run and the columns.
fn event(run: &Run, last: Option<&EpochMetrics>, columns: Option<&[Field]>) -> Value {
    let Some(columns) = columns else { return Value::Object(fields::event(run, last)) };
    let mut event = json!({"v": 1, "event": "run", "run": run.record.id});
    for field in columns {
        event[field.name()] = field.of(run, last);
    }
    event
}

fn to_csv(runs: &[Run], last: &ByRun<EpochMetrics>, columns: &[Field]) -> Result<String> {
    let names: Vec<String> = columns.iter().map(|field| field.name()).collect();
    // A list is read on a terminal too, where a line is a run; `export --format csv` keeps line breaks of notes.
    let cell = |field: &Field, run: &Run| match field.cell(run, last.get(&run.record.id)) {
        Value::String(text) => Value::from(one_line(&text)),
        Value::Array(values) => {
            values.iter().map(|value| value.as_str().map_or(value.clone(), |text| one_line(text).into())).collect()
        }
        value => value,
    };
    let row = |run: &Run| -> Map<String, Value> {
        columns.iter().zip(&names).map(|(field, name)| (name.clone(), cell(field, run))).collect()
    };
    let rows: Vec<_> = runs.iter().map(row).collect();
    let bytes = handloom_export::csv::to_bytes(&names, &rows)?;
    Ok(crate::table::harmless(&String::from_utf8_lossy(&bytes)).into_owned())
}

/// The columns that were asked for.
fn table(runs: &[Run], last: &ByRun<EpochMetrics>, columns: &[Field], width: Option<usize>) -> Vec<String> {
    let mut rows = vec![columns.iter().map(|field| (field.name(), DIM)).collect::<Vec<_>>()];
    rows.extend(runs.iter().map(|run| {
        let cell = |field: &Field| {
            let style = if *field == Field::Record("status") { look(run.record.status) } else { Style::new() };
            (field.text(run, last.get(&run.record.id)), style)
        };
        columns.iter().map(cell).collect()
    }));
    let right: Vec<bool> = columns.iter().map(|field| field.is_number()).collect();
    let flexible: Vec<bool> = right.iter().map(|right| !right).collect();
    grid(&rows, &right, &flexible, width)
}

/// Table of the columns that most users want.
fn overview(runs: &[Run], width: Option<usize>) -> Vec<String> {
    const HEAD: [&str; 8] = ["run", "name", "data", "status", "epochs", "val", "test", "started"];
    const RIGHT: [bool; 8] = [false, false, false, false, true, true, true, true];
    const FLEXIBLE: [bool; 8] = [false, true, true, false, false, false, false, false];
    let mut rows = vec![HEAD.map(|name| (name.to_owned(), DIM)).to_vec()];
    let now = now_ms();
    let best = best_of_each(runs);
    rows.extend(runs.iter().map(|run| {
        let plain = |text: String| (text, Style::new());
        let record = &run.record;
        let is_best = best.contains(&record.id.as_str());
        vec![
            (record.id.clone(), BOLD),
            plain(one_line(&tagged(record))),
            plain(one_line(&record.dataset)),
            (record.status.name().into(), look(record.status)),
            plain(Field::Record("epochs").text(run, None)),
            (Field::Record("val_accuracy").text(run, None), if is_best { GOOD } else { Style::new() }),
            plain(Field::Record("test_accuracy").text(run, None)),
            (ago(now.saturating_sub(record.started_ms)), DIM),
        ]
    }));
    grid(&rows, &RIGHT, &FLEXIBLE, width)
}

/// Ids of the best finished runs, one for each data set with several runs.
fn best_of_each(runs: &[Run]) -> Vec<&str> {
    let mut sets: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    // Of equal runs the earliest is the best, however they are listed.
    let mut records: Vec<&Record> = runs.iter().map(|run| &run.record).collect();
    records.sort_by(|a, b| (a.started_ms, &a.id).cmp(&(b.started_ms, &b.id)));
    for record in records {
        sets.entry(record.dataset.as_str()).or_default().push(record);
    }
    let several = sets.into_values().filter(|runs| runs.len() > 1);
    several.filter_map(|runs| Some(best(&runs, &[&[Status::Finished]])?.id.as_str())).collect()
}

/// The name with the tags.
pub(super) fn tagged(record: &Record) -> String {
    std::iter::once(record.name.clone())
        .chain(record.tags.iter().map(|tag| format!("#{tag}")))
        .collect::<Vec<_>>()
        .join(" ")
}

/// The color of a status, whose word is there anyway.
pub(super) fn look(status: Status) -> Style {
    match status {
        Status::Finished => Style::new(),
        Status::Running => GOOD,
        Status::Stopped | Status::Pruned => DIM,
        Status::Killed => WARN,
        Status::Failed | Status::Diverged => BAD,
    }
}

/// Prints the number of runs, and the number of times that each test set was opened.
fn footer(runs: &Runs, total: usize, output: &Output) -> Result<()> {
    let mut sets: Vec<(String, String, u64)> = Vec::new();
    for TestSetAccess { dataset, data_sha256, .. } in runs.store.openings()? {
        match sets.iter_mut().find(|(_, data, _)| *data == data_sha256) {
            Some((.., count)) => *count += 1,
            None => sets.push((dataset, data_sha256, 1)),
        }
    }
    let opened = sets.iter().map(|(set, _, count)| format!("{} {}", one_line(set), times(*count)));
    let opened = opened.collect::<Vec<_>>().join(", ");
    let opened = if opened.is_empty() { "no test set was opened".into() } else { format!("test set opened: {opened}") };
    output.note(format!("{DIM}  {} in {} · {opened}{DIM:#}", count(total as u64, "run", "runs"), runs.at()));
    Ok(())
}

fn draw(chosen: &[Run], runs: &Runs, file: &Path) -> Result<()> {
    let title = format!("{} in {}", count(chosen.len() as u64, "run", "runs"), runs.at());
    pictures::created(&title, chosen).save(file)?;
    Ok(())
}
