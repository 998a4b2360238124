//! `tag`: what users call a run and say of it.

use anyhow::Result;
use clap::ArgMatches;
use handloom_view::harmless;
use handloom_view::words::{listed, quoted};
use serde_json::json;

use super::{runs, text};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, Output};
use crate::settings::tags_of;
use crate::table::{elided, one_line};

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let typed = matches.get_many::<String>("tag").into_iter().flatten();
    let tags: Vec<String> = typed.flat_map(|tags| tags_of(tags)).collect();
    let tags: Vec<String> = tags.iter().map(|tag| label("tag", tag)).collect::<Result<_>>()?;
    let name = matches.get_one::<String>("name").map(|name| label("name", name)).transpose()?;
    let note = matches.get_one::<String>("note").map(|note| notes(note)).transpose()?;
    let runs = runs(matches)?;
    runs.check()?;
    let mut run = runs.find(text(matches, "run").unwrap_or_default())?;
    let id = run.record.id.clone();
    let remove = matches.get_flag("remove");
    let absent: Vec<String> = tags.iter().filter(|tag| !run.record.tags.contains(tag)).cloned().collect();
    if remove && !absent.is_empty() {
        let has: Vec<String> = run.record.tags.iter().map(|tag| format!("`{}`", one_line(tag))).collect();
        let has = if has.is_empty() { "it has no tags".into() } else { format!("it has {}", listed(&has)) };
        return Err(Failure::usage(format!("run `{id}` has no tag `{}`\nhint: {has}", absent.join("`, `"))));
    }
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
        output.line(format!("  {}", harmless::harmless(notes).replace('\n', "\n  ")));
    }
    match record.tags.last() {
        Some(tag) => output.next(&[&format!("handloom ls {}", quoted(&format!("tag={tag}")))]),
        None => output.next(&[&format!("handloom show {id}")]),
    }
    Ok(Exit::Done)
}

/// A name, tag or group that was given, by the rule of the dashboard; refuses what a terminal or a filter could not show.
pub(in crate::commands) fn label(what: &str, text: &str) -> Result<String> {
    harmless::label(text).map_err(|why| {
        Failure::usage(format!("the {what} `{}` {why}\nhint: write a short text on one line", elided(text, 60)))
    })
}

/// Notes that were given, by the rule of the dashboard.
pub(in crate::commands) fn notes(text: &str) -> Result<String> {
    harmless::notes(text).map_err(|why| Failure::usage(format!("the notes {why}\nhint: write them as plain text")))
}
