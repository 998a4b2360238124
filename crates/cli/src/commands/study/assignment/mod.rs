//! `study assignment`: questions 1 to 10. Everything that is trained is a sweep or a run of the store, found again by its
//! settings when the study goes on.
//!
//! - `grids`: the sweeps around the best configuration; `trained`: single runs that open a test set; `checked`: the check of gradients

mod checked;
mod grids;
mod trained;

use std::path::Path;

use anyhow::Result;
use handloom_data::catalog::GARMENTS;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_view::site::sweep::table::weights;
use handloom_view::study::Origin;
use handloom_view::study::assignment::{Assignment, Best, Picked, Searched, page, pick};
use handloom_view::study::sample::Trial;
use handloom_view::words::line;

use super::super::data_dirs;
use super::super::sweep::embedded::SweepResult;
use super::context::StudyContext;
use super::{loss, tell, write};
use crate::command;
use crate::exit::Exit;
use crate::output::BOLD;
use crate::source;

/// The name of the study.
pub(super) const NAME: &str = "assignment";
/// The sweeps of the grid.
const SURVEY: &str = include_str!("../../../../../../configs/studies/survey.yaml");
const SEARCH: &str = include_str!("../../../../../../configs/assignment-bayes.yaml");
/// Minutes, unless the user sets them: on files, and on the small built-in set.
const MINUTES: f64 = 15.0;
const SOON: f64 = 1.0;
/// Shares of these for survey, search, and each of the sweeps around the best; the rest is for the runs that are tested.
const SHARES: [f64; 5] = [0.25, 0.25, 0.15, 0.1, 0.15];

/// A sweep file around a configuration, for so many seeds.
type File = fn(&Config, u64) -> String;

/// Exit code of the part that was interrupted, so that the study is not over.
type Broken = Exit;

pub(super) fn run(bench: &StudyContext<'_>, folder: &Path) -> Result<Exit> {
    bench.output.hints(false);
    let made = make(bench, folder)?;
    bench.output.hints(true);
    match made {
        Ok((page, origin)) => {
            tell(NAME, &page, folder, &origin, bench.output);
            Ok(Exit::Done)
        }
        Err(exit) => {
            bench.output.note("what was trained is kept");
            bench.output.next(&[&bench.command(NAME)]);
            Ok(exit)
        }
    }
}

type Made = (handloom_view::study::page::Page, Origin);

fn make(bench: &StudyContext<'_>, folder: &Path) -> Result<Result<Made, Broken>> {
    let default = if bench.source.located.path().is_none() { SOON } else { MINUTES };
    let minutes = bench.minutes()?.unwrap_or(default);
    let [for_survey, for_search, for_optimizers, for_activations, for_losses] = SHARES.map(|share| share * minutes);
    stage(bench, 1, "gradients");
    let gradcheck = checked::gradients();

    stage(bench, 2, "a survey of the grid");
    let survey = bench.sweep("survey", SURVEY, Some(for_survey))?;
    if survey.exit != Exit::Done {
        return Ok(Err(survey.exit));
    }
    stage(bench, 3, "a search for the best");
    let search = bench.sweep("search", SEARCH, Some(for_search))?;
    if search.exit != Exit::Done {
        return Ok(Err(search.exit));
    }
    let (survey, search) = (searched(bench, &survey, "random")?, searched(bench, &search, "bayes")?);
    let all: Vec<&Trial> = survey.trials.iter().chain(&search.trials).collect();
    let widths = (bench.data.pixels(), bench.data.classes.len());
    let picked = pick(&all, |trial| bench.config(trial).map_or(0, |config| weights(&config.hidden_size, widths)));
    let mut origin = Origin { command: bench.command(NAME), sweeps: vec![survey.id.clone(), search.id.clone()] };
    let Some(&(_, winner)) = picked.first() else {
        return Err(anyhow::anyhow!(
            "no run of the searches came to anything\nhint: `handloom sweep show {}`",
            search.id
        ));
    };

    let config = bench.config(winner)?;
    let mut around = Vec::new();
    let sweeps: [(&str, &str, File, f64); 3] = [
        ("optimizers of the best", "best-optimizers", grids::optimizers, for_optimizers),
        ("activations of the best", "best-activations", grids::activations, for_activations),
        ("losses of the best", "best-losses", grids::losses, for_losses),
    ];
    for (at, (what, name, file, minutes)) in sweeps.into_iter().enumerate() {
        stage(bench, 4 + at as u32, what);
        let seeds = affordable(winner, minutes, grids::SIZES[at], bench);
        let carried = bench.sweep(name, &file(&config, seeds), None)?;
        if carried.exit != Exit::Done {
            return Ok(Err(carried.exit));
        }
        origin.sweeps.push(carried.id().to_owned());
        around.push(carried.trials(&bench.runs)?);
    }
    let [optimizers, activations, losses]: [Vec<Trial>; 3] = around.try_into().expect("there are three");
    let calibration = loss::calibration(bench, &losses)?;

    stage(bench, 7, "the best on all training images, and its test");
    let test = bench.source.located.test()?;
    let best = match best(bench, winner, &test)? {
        Ok(best) => best,
        Err(exit) => return Ok(Err(exit)),
    };
    let [dataset, to] = bench.sets();
    stage(bench, 8, &format!("three configurations on {to}"));
    let carried = match carried(bench, &picked)? {
        Ok(carried) => carried,
        Err(exit) => return Ok(Err(exit)),
    };
    let trials: Vec<Trial> =
        [&survey.trials, &search.trials, &optimizers, &activations, &losses].into_iter().flatten().cloned().collect();
    let of = Assignment {
        dataset,
        data: &bench.data,
        test: Some(&test),
        gradcheck,
        survey,
        search,
        optimizers,
        activations,
        losses,
        calibration,
        best: Some(best),
        to,
        carried,
    };
    let page = bench.noted(page(&of, &origin));
    write::page(folder, &page, &trials)?;
    Ok(Ok((page, origin)))
}

/// Seeds for a grid of `size` configurations like that of `winner` in so many minutes: at most the bench's, and at least
/// three, of which one may choose and two are compared.
fn affordable(winner: &Trial, minutes: f64, size: u64, bench: &StudyContext<'_>) -> u64 {
    const LEAST: u64 = 3;
    let seconds: f64 = winner.epochs.iter().map(|epoch| epoch.row.seconds + epoch.row.val_seconds).sum();
    // A grid in rounds, a seed each.
    let round = seconds * size as f64 / f64::from(bench.workers.max(1));
    ((60.0 * minutes / round.max(1e-3)) as u64).clamp(LEAST.min(bench.seeds), bench.seeds)
}

/// Says what comes next.
fn stage(bench: &StudyContext<'_>, number: u32, what: &str) {
    const STAGES: u32 = 8;
    bench.output.note(format!("{BOLD}{number} of {STAGES}: {what}{BOLD:#}"));
}

fn searched(bench: &StudyContext<'_>, carried: &SweepResult, method: &'static str) -> Result<Searched> {
    let trials = carried.trials(&bench.runs)?;
    Ok(Searched {
        id: carried.id().to_owned(),
        method,
        table: carried.table(&trials, &bench.data),
        importance: carried.importance(),
        trials,
    })
}

/// The configuration of `winner` on all training images, tested.
fn best(bench: &StudyContext<'_>, winner: &Trial, test: &Dataset) -> Result<Result<Best, Broken>> {
    let mut config = bench.config(winner)?;
    (config.epochs, config.val_fraction) = (winner.run.best_epoch.unwrap_or(config.epochs), 0.0);
    let run = match trained::run(bench, &config)? {
        Ok(run) => run,
        Err(exit) => return Ok(Err(exit)),
    };
    let (confusion, mistakes, openings) = trained::tested(bench, &run, test)?;
    Ok(Ok(Best {
        won: winner.run.id.clone(),
        val_accuracy: winner.accuracy().unwrap_or(f64::NAN),
        command: line(&command::train(&config)),
        run: run.record.id,
        confusion,
        mistakes,
        openings,
    }))
}

/// Results of the chosen configurations on the other data set, or the reason why that is unavailable.
fn carried(
    bench: &StudyContext<'_>,
    picked: &[(handloom_view::study::assignment::Reason, &Trial)],
) -> Result<Result<Result<Vec<Picked>, String>, Broken>> {
    let [dataset, to] = bench.sets();
    let dirs = data_dirs(bench.matches);
    // A demonstration downloads nothing.
    let found = if dataset == GARMENTS {
        handloom_data::locate(to, &dirs)
    } else {
        source::fetch_or_locate(to, &dirs, bench.output)
    };
    let located = match found {
        Ok(located) => located,
        Err(error @ handloom_data::Error::Unavailable { .. }) => {
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            bench.output.warn(format!(
                "{why}: question 10 stays open\n  hint: `handloom data get {to}`, then the same command again"
            ));
            return Ok(Ok(Err(format!("{why}. `handloom data get {to}`, then the same command again."))));
        }
        Err(error) => return Err(error.into()),
    };
    let test = located.test()?;
    let mut all = Vec::new();
    for (reason, trial) in picked {
        let mut config = bench.config(trial)?;
        config.dataset = to.into();
        let run = match trained::run(bench, &config)? {
            Ok(run) => run,
            Err(exit) => return Ok(Err(exit)),
        };
        let accuracy = run.record.test_accuracy.unwrap_or(f64::NAN);
        all.push(Picked {
            reason: *reason,
            from: (trial.run.id.clone(), trial.accuracy().unwrap_or(f64::NAN)),
            command: line(&command::train(&config)),
            val_accuracy: run.record.val_accuracy.unwrap_or(f64::NAN),
            test: [(accuracy * test.len() as f64).round() as u64, test.len() as u64],
            run: run.record.id,
        });
    }
    Ok(Ok(Ok(all)))
}
