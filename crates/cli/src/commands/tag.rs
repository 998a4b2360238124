//! `tag`: what users call a run and say of it.

use anyhow::Result;
use clap::ArgMatches;
use serde_json::json;

use super::{runs, text};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, Output};
use crate::table::{harmless, one_line};

/// Longest tag or name, in characters.
const LONGEST: usize = 200;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let typed = matches.get_many::<String>("tag").into_iter().flatten();
    let tags: Vec<String> =
        typed.flat_map(|tags| tags.split(',')).map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
    let name = matches.get_one::<String>("name").map(|name| name.trim().to_owned());
    let note = matches.get_one::<String>("note").cloned();
    for tag in &tags {
        check("tag", tag)?;
    }
    if let Some(name) = &name {
        check("name", name)?;
    }
    let runs = runs(matches)?;
    let mut run = runs.find(text(matches, "run").unwrap_or_default())?;
    let id = run.record.id.clone();
    let remove = matches.get_flag("remove");
    let changed = runs.store.relabel(&id, &|labels| {
        if remove {
            labels.tags.retain(|tag| !tags.contains(tag));
        } else {
            for tag in &tags {
                if !labels.tags.contains(tag) {
                    labels.tags.push(tag.clone());
                }
            }
        }
        if let Some(name) = &name {
            labels.name.clone_from(name);
        }
        if let Some(note) = &note {
            labels.notes = Some(note.clone()).filter(|note| !note.trim().is_empty());
        }
    })?;
    let missing = || Failure::usage(format!("run `{id}` is gone\nhint: `handloom ls` shows what is there"));
    run.record = runs.store.run(&id)?.filter(|_| changed).ok_or_else(missing)?;
    let record = &run.record;
    output.event(&json!({
        "v": 1, "event": "tag", "run": id, "name": record.name, "tags": record.tags, "notes": record.notes,
    }));
    let tags = record.tags.iter().map(|tag| format!("#{}", one_line(tag))).collect::<Vec<_>>().join(" ");
    let tags = if tags.is_empty() { "no tags".into() } else { tags };
    output.line(format!("{BOLD}{id}{BOLD:#}  {}  {tags}", one_line(&record.name)));
    if let Some(notes) = &record.notes {
        output.line(format!("  {}", harmless(notes).replace('\n', "\n  ")));
    }
    match record.tags.last().filter(|tag| tag.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))) {
        Some(tag) => output.next(&[&format!("handloom ls tag={tag}")]),
        None => output.next(&[&format!("handloom show {id}")]),
    }
    Ok(Exit::Done)
}

/// Refuses what a terminal or a filter could not show.
fn check(what: &str, text: &str) -> Result<()> {
    let why = if text.is_empty() {
        "is empty"
    } else if text.chars().count() > LONGEST {
        "is longer than 200 characters"
    } else if one_line(text) != text {
        "has control characters or line breaks in it"
    } else {
        return Ok(());
    };
    Err(Failure::usage(format!("the {what} `{}` {why}\nhint: write a short text on one line", one_line(text))))
}
