//! `sweep --dry-run`: the train commands of a sweep, as far as they are known before anything is trained.

use clap::ArgMatches;
use handloom_sweep::spec::{Counted, Method};
use handloom_sweep::{Status, Trainings, Trial};
use handloom_view::words::{count, line};
use serde_json::json;

use super::start::SweepRequest;
use super::work::sampler;
use crate::command;
use crate::commands::text;
use crate::exit::{Exit, told};
use crate::output::Output;
use crate::settings::Settings;

/// Commands of a search that knows no end.
const SOME: u64 = 10;

pub(super) fn run(asked: &SweepRequest, matches: &ArgMatches, output: &Output) -> Exit {
    let space = asked.spec.space.without(&asked.settings);
    let sampler = sampler(&asked.spec);
    let depends = asked.spec.method == Method::Bayes;
    let grid = asked.spec.method == Method::Grid;
    let most = asked.cap.unwrap_or(if grid { u64::MAX } else { SOME });
    let most = if depends { most.min(SOME) } else { most };
    let mut trials: Vec<Trial> = Vec::new();
    while (trials.len() as u64) < most {
        let Some(choice) = sampler.suggest(&space, &trials, asked.seed) else { break };
        let number = trials.len() as u64;
        match Settings::of_maps([&asked.settings, &asked.spec.settings(&choice)]) {
            Ok(settings) => {
                let mut words = command::train(&settings.config);
                for (id, flag) in [("data-dir", "--data-dir"), ("store", "--store")] {
                    let typed = matches.value_source(id) == Some(clap::parser::ValueSource::CommandLine);
                    words.extend(text(matches, id).filter(|_| typed).map(|value| format!("{flag}={value}")));
                }
                let line = line(&words);
                output.event(&json!({
                    "v": 1, "event": "command", "number": number, "command": line, "parameters": choice,
                }));
                output.result(line);
            }
            Err(error) => output.warn(format!("trial {number} cannot be trained: {}", told(&error))),
        }
        // As if they all ran at once.
        trials.push(Trial { number, choice, status: Status::Running, ..Trial::default() });
    }
    let shown = count(trials.len() as u64, "command", "commands");
    let trainings = Trainings::of(&asked.spec, &space, &asked.settings);
    let counted = Counted::of(trainings.as_ref());
    output.event(&json!({
        "v": 1, "event": "trainings", "commands": trials.len(), "points": counted.points,
        "different_trainings": counted.different_trainings,
    }));
    if let Some(words) = counted.words() {
        output.note(format!("  {words}"));
    }
    if depends {
        output.note(format!("  {shown}: how the search begins; what it tries next depends on what they come to"));
    } else if asked.cap.is_none() && !grid && trainings.is_some() {
        output.note(format!("  {shown} of a search that ends once every training was tried; `--trials N` prints N"));
    } else if asked.cap.is_none() && !grid {
        output.note(format!("  {shown} of a search without end; `--trials N` prints N"));
    } else {
        output.note(format!("  {shown}, and all that the sweep trains"));
    }
    Exit::Done
}
