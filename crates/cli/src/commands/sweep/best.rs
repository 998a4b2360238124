//! `sweep best`: the train command of the best trial, or that trial trained on everything.

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::config::Config;
use handloom_sweep::Choice;
use handloom_sweep::standing::{best, run_of};
use handloom_sweep::words::tried;
use handloom_view::words::line;
use serde_json::{Value, json};

use super::live::metrics;
use super::opened::Opened;
use crate::command;
use crate::commands::{runs, text, train};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, Output};
use crate::runs::Record;
use crate::settings::Settings;
use crate::table::one_line;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = runs(matches)?;
    let opened = Opened::find(&runs, text(matches, "sweep"))?;
    let state = opened.state(&runs)?;
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
    let mut config = config_of(&opened, &trial.choice, runs.store.run(&run)?.as_ref())?;
    if matches.get_flag("train") {
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
        one_line(&tried(&trial.choice, &opened.space.varying()))
    ));
    output.next(&[&format!("handloom sweep best {} --train", opened.sweep.id), &format!("handloom show {run}")]);
    Ok(Exit::Done)
}

/// The configuration of a trial: as its run recorded it, since a default may have changed, or as the sweep has it.
pub(super) fn config_of(opened: &Opened, choice: &Choice, run: Option<&Record>) -> Result<Config> {
    match run {
        Some(run) => {
            let mut config = Config::default();
            config.merge(&run.config)?;
            Ok(config)
        }
        None => Ok(Settings::of_maps([&opened.sweep.settings, &opened.spec.settings(choice)])?.config),
    }
}
