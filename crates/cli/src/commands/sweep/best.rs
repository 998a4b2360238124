//! `sweep best`: the train command of the best trial, or that trial trained on everything.

use std::collections::HashSet;
use std::path::Path;

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::catalog::{self, GARMENTS};
use handloom_engine::config::Config;
use handloom_sweep::Params;
use handloom_sweep::summary::{best, forget, run_of};
use handloom_view::format::parameters;
use handloom_view::words::line;
use serde_json::{Map, Value, json};

use super::handle::SweepHandle;
use super::progress_view::metrics;
use crate::command;
use crate::commands::{data_dirs, readable_runs, text, train};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, Output};
use crate::provenance::absolute;
use crate::runs::{Record, Runs};
use crate::settings::Settings;
use crate::source::search::{Found, Places, Sought};
use crate::table::one_line;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = readable_runs(matches, output)?;
    if matches.get_flag("train") {
        runs.check()?;
    }
    let opened = SweepHandle::find(&runs, text(matches, "sweep"))?;
    let mut state = opened.state(&runs)?;
    let records = runs.store.runs()?;
    let there: HashSet<&str> = records.iter().map(|run| run.id.as_str()).collect();
    forget(&mut state, |run| there.contains(run));
    let Some((trial, cost)) = best(&state.trials) else {
        let id = &opened.sweep.id;
        return Err(Failure {
            exit: Exit::Failed,
            message: format!(
                "no trial of sweep `{id}` has a `{}` yet\nhint: `handloom sweep show {id}`",
                opened.metric.name
            ),
        }
        .into());
    };
    let run = run_of(&state, trial.number).unwrap_or_default().to_owned();
    let record = runs.store.run(&run)?;
    let mut config = config_of(&opened, &trial.choice, record.as_ref())?;
    if matches.get_flag("train") {
        record.as_ref().map_or(Ok(()), |record| find_data(&mut config, record, &runs, matches, output))?;
        let epochs = trial.costs.iter().position(|epoch| *epoch == cost).map_or(config.epochs, |at| at as u64 + 1);
        output.note(format!(
            "trial {} was best at epoch {epochs} of {}: trained on all training data for {epochs} epochs, then tested once",
            trial.number, config.epochs
        ));
        (config.epochs, config.val_fraction) = (epochs, 0.0);
        let mut words = command::train(&config);
        words
            .push(format!("--notes=winner of sweep {}, trial {}, on all training data", opened.sweep.id, trial.number));
        return train::typed(words, matches, output);
    }
    let rows = runs.store.rows(&[&run])?.remove(&run).unwrap_or_default();
    let kept = rows.iter().find(|row| opened.goal.cost(opened.metric.of(row)) == cost);
    let line = line(&command::train(&config));
    let mut event = json!({
        "v": 1, "event": "best", "sweep": opened.sweep.id, "number": trial.number, "run": run, "command": line,
        "parameters": trial.choice,
    });
    if let Value::Object(event) = &mut event {
        event.extend(metrics(kept));
        event.insert(opened.metric.name.into(), json!(opened.goal.cost(cost)));
    }
    output.event(&event);
    output.result(&line);
    output.note(format!(
        "  {BOLD}{} {}{BOLD:#}  trial {} of {}, run {run}: {}",
        opened.metric.name,
        opened.metric.text(opened.goal.cost(cost)),
        trial.number,
        state.trials.len(),
        one_line(&parameters(&trial.choice, &opened.space.varying()))
    ));
    output.next(&[&format!("handloom sweep best {} --train", opened.sweep.id), &format!("handloom show {run}")]);
    Ok(Exit::Done)
}

/// Names the data of `run` in `config` by the folder that they are in now. Known data sets are found by their names.
fn find_data(config: &mut Config, run: &Record, runs: &Runs, matches: &ArgMatches, output: &Output) -> Result<()> {
    if catalog::find(&run.dataset).is_some() || run.dataset == GARMENTS {
        return Ok(());
    }
    let places = Places::new(runs, data_dirs(matches));
    let Found { located, note, .. } = Sought::of_run(run).find(&places, true, None)?;
    if let Some(note) = note {
        output.note(format!("note: {note}"));
    }
    let rules = located.reading().rules.number();
    config.merge(&Map::from_iter([("data_rules".to_owned(), rules.into())]))?;
    if let Some(path) = located.path().filter(|path| absolute(path) != absolute(Path::new(&config.dataset))) {
        config.dataset = path.display().to_string();
    }
    Ok(())
}

/// The configuration of a trial: as its run recorded it, since a default may have changed, or as the sweep has it.
pub(super) fn config_of(opened: &SweepHandle, choice: &Params, run: Option<&Record>) -> Result<Config> {
    match run {
        Some(run) => {
            let mut config = Config::default();
            config.merge(&run.config)?;
            Ok(config)
        }
        None => Ok(Settings::of_maps([&opened.sweep.settings, &opened.spec.settings(choice)])?.config),
    }
}
