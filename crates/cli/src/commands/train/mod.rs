//! `train`: one network, from data to a saved model.

mod plan;
mod summary;

use std::fs;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_data::notes::Fingerprints;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{Event, Observer, Outcome};
use handloom_engine::train::{self, Trained};
use handloom_engine::{Machine, Numerics};
use handloom_store as store;
use serde_json::Value;

use self::plan::Plan;
use crate::args;
use crate::checkpointer::Checkpointer;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::kept::keep;
use crate::memory;
use crate::output::Output;
use crate::progress::Display;
use crate::runs::{Run, Status};
use crate::source;
use crate::test_set_log;
use crate::training::{Done, Recording, Training, begin, recordable};
use crate::wandb::{WandbLogger, rows};

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let interrupt = Interrupt::listen()?;
    match plan::of(matches, output)? {
        Some(plan) => train(plan, &interrupt, output),
        None => Ok(Exit::Done),
    }
}

/// Trains as if `words` had been typed, with the flags of this call that `train` has, too.
pub(super) fn typed(mut words: Vec<String>, matches: &ArgMatches, output: &Output) -> Result<Exit> {
    for (id, flag) in [
        ("store", "--store"),
        ("data-dir", "--data-dir"),
        ("threads", "--threads"),
        ("wandb", "--wandb"),
        ("wandb_project", "--wandb-project"),
        ("wandb_entity", "--wandb-entity"),
    ] {
        let value = matches.try_get_one::<String>(id).ok().flatten().filter(|value| !value.is_empty());
        words.extend(value.map(|value| format!("{flag}={value}")));
    }
    let line = args::rewrite(words.into_iter().map(Into::into));
    let matches = args::command().try_get_matches_from(line)?;
    let (_, matches) = matches.subcommand().expect("the words name a command");
    run(matches, output)
}

fn train(mut plan: Plan, interrupt: &Interrupt, output: &Output) -> Result<Exit> {
    let shows = plan.has_test || plan.images.1 > 0;
    let classes = plan.data.classes.len();
    let mut journal = WandbLogger::begin(&plan.wandb, &mut plan.run, &plan.session, classes, shows, output);
    let mut done = None;
    let outcome = work(plan, &mut journal, interrupt, output, &mut done);
    let (outcome, wandb) = journal.end(outcome);
    if let Some(mut done) = done {
        done["wandb"] = wandb;
        output.event(&done);
    }
    outcome
}

/// A machine of so many threads, or of as many as the system has room for, with a warning.
fn machine(threads: usize, output: &Output) -> Machine {
    let machine = Machine::new(memory::threads(threads));
    if machine.threads() < threads {
        output.warn(format!(
            "the system has room for {} of {threads} threads: training takes longer and comes to the same result",
            machine.threads()
        ));
    }
    machine
}

/// Norm of each layer's gradient before the first step of a training that goes on, for a run of an older program that did
/// not record it. None for one that began with a model file, which may have changed since.
fn initial_norms(config: &Config, data: &Dataset, machine: &Machine) -> Result<Vec<f64>> {
    if config.init_from.is_some() {
        return Ok(Vec::new());
    }
    let network = begin(config, data)?;
    Ok(recordable(&train::initial_norms(config, data, &network, machine)))
}

/// Trains and records. `done` becomes what programs are told of it once its upload is over.
fn work(
    plan: Plan,
    journal: &mut WandbLogger<'_>,
    interrupt: &Interrupt,
    output: &Output,
    done: &mut Option<Value>,
) -> Result<Exit> {
    let Plan {
        runs,
        mut run,
        config,
        source,
        data,
        images,
        has_test,
        session,
        threads,
        min_accuracy,
        is_new,
        wandb: _,
        lock: _lock,
    } = plan;
    let machine = machine(threads, output);
    run.record.isa = machine.isa().name().into();
    run.record.arch = Some(std::env::consts::ARCH.into());
    // Of two versions of the arithmetic, neither trained this run.
    run.record.numerics = session.arithmetic_with(&Numerics::of(machine.isa())).numerics;
    if run.record.numerics.is_none() {
        run.record.training_sha256 = None;
    }
    run.record.status = Status::Running;
    run.record.ended_ms = None;
    run.record.reason = None;
    if session.epoch > 0 && run.record.initial_norms.is_empty() {
        run.record.initial_norms = initial_norms(&config, &data, &machine)?;
    }
    // Those of the model that is there belong to it until it is replaced, at a moment that nobody can record.
    (run.record.weights_sha256, run.record.model_sha256) = (None, None);
    let recording = Recording::begin(&runs, &run, &session)?;
    if let Some(trouble @ (store::Error::Io { .. } | store::Error::Removed { .. } | store::Error::ReadOnly { .. })) =
        recording.trouble()
    {
        drop(recording);
        if is_new {
            // Nothing is in it yet but the configuration.
            let _ = fs::remove_dir_all(&run.folder);
        }
        return Err(trouble.into());
    }
    summary::announce(&run, &config, &source, images, &session, machine.threads(), output);

    let mut checkpointer = Checkpointer::new(run.checkpoint())?;
    let others: Vec<Box<dyn Observer + '_>> = vec![
        Box::new(|event: &Event<'_>| checkpointer.on(event)),
        Box::new(Display::new(output, config.epochs)),
        Box::new(interrupt.clone()),
    ];
    let training = Training { config: &config, data: &data, session, machine: &machine };
    let Done { trained, model, seconds } = training.carry_out(&mut run, &recording, others, journal);
    let checkpoint = checkpointer.finish();

    let kept = keep(&mut run, &model);
    let copied = run.record.out.as_ref().map_or(Ok(()), |out| model.save(out));
    let finished = trained.outcome == Outcome::Finished;
    if finished {
        journal.samples(source.located.name(), &data);
        if !has_test && journal.is_open() {
            journal.seen("validation", &model.network, (&data, &data.split(config.val_fraction).1), &machine);
        }
    }
    let known = has_test.then(|| Fingerprints::of(&data));
    drop(data);

    let mut test = None;
    if let (true, Some(known)) = (finished, known) {
        let opened = source
            .located
            .test_with_notes(&known)
            .context("training is done and the model is saved, but the test set cannot be opened");
        // The training is recorded, whatever becomes of the test.
        let images = match opened {
            Ok((images, notes)) => {
                run.record.data_notes.extend(source::tell(&notes, output));
                images
            }
            Err(error) => {
                recording.end(&run, kept.is_ok())?;
                return Err(error);
            }
        };
        let rows: Vec<u32> = (0..images.len() as u32).collect();
        let tally = model.network.evaluate(&images, &rows, &config.loss, &machine);
        run.record.test_accuracy = Some(tally.accuracy());
        run.record.test_loss = Some(tally.mean_loss());
        journal.tested(rows::of_tally(&tally));
        journal.seen("test", &model.network, (&images, &rows), &machine);
        let opening =
            test_set_log::opening(&run.record.id, Some(&run), &source.located, &images, "train", tally.accuracy());
        test = Some((tally, test_set_log::count(&runs, &opening, output)));
    }
    let recorded = recording.end(&run, finished && kept.is_ok());
    if recorded.is_ok() && kept.is_ok() {
        summary::tell(&run, &trained, &config, test, seconds, output);
    } else {
        // A reader finds the run unfinished, or not at all.
        run.record.status = Status::Failed;
    }
    *done = Some(summary::done_event(&run, &trained, seconds));
    kept.context("training is over, but its model cannot be saved")?;
    recorded.with_context(|| summary::unrecorded(&run, &trained))?;
    copied?;
    checkpoint?;
    Ok(exit(&trained, &run, min_accuracy, interrupt, output))
}

fn exit(trained: &Trained, run: &Run, min_accuracy: Option<f64>, interrupt: &Interrupt, output: &Output) -> Exit {
    match trained.outcome {
        Outcome::Diverged { .. } => return Exit::Diverged,
        Outcome::Stopped(_) => return interrupt.exit().unwrap_or(Exit::Failed),
        Outcome::Finished => {}
    }
    let (which, accuracy) = match run.record.test_accuracy {
        Some(accuracy) => ("test", Some(accuracy)),
        None => ("validation", run.record.val_accuracy),
    };
    match (min_accuracy, accuracy) {
        (Some(least), Some(accuracy)) if accuracy < least => {
            output.error(&format!("the {which} accuracy {accuracy:.4} is below --min-accuracy {least}"));
            Exit::Check
        }
        (Some(least), None) => {
            output.error(&format!("there is no accuracy to compare with --min-accuracy {least}\nhint: leave out `--no-test`, or keep validation data"));
            Exit::Check
        }
        _ => Exit::Done,
    }
}
