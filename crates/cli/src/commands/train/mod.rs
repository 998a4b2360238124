//! `train`: one network, from data to a saved model.

mod plan;
mod summary;

use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_engine::Machine;
use handloom_engine::event::{Event, Observer, Outcome};
use handloom_engine::model::Model;
use handloom_engine::train::{Trained, resume};

use self::plan::Plan;
use crate::checkpointer::Checkpointer;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::progress::Display;
use crate::runs::{Run, Status, now_ms};

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let interrupt = Interrupt::listen()?;
    match plan::of(matches, output)? {
        Some(plan) => train(plan, &interrupt, output),
        None => Ok(Exit::Done),
    }
}

fn train(plan: Plan, interrupt: &Interrupt, output: &Output) -> Result<Exit> {
    let Plan { mut run, config, source, data, images, session, threads, min_accuracy, lock: _lock } = plan;
    let machine = Machine::new(threads);
    run.record.isa = machine.isa().name().into();
    run.record.status = Status::Running;
    run.save()?;
    summary::announce(&run, &config, &source, images, &session, threads, output);

    let started = Instant::now();
    let mut checkpointer = Checkpointer::new(run.checkpoint())?;
    let trained = {
        let mut observers: Vec<Box<dyn Observer + '_>> = vec![
            Box::new(|event: &Event<'_>| checkpointer.on(event)),
            Box::new(Display::new(output, config.epochs)),
            Box::new(interrupt.clone()),
        ];
        resume(&config, &data, session, &machine, &mut observers)
    };
    let seconds = started.elapsed().as_secs_f64();
    let checkpoint = checkpointer.finish();

    let model = Model {
        network: trained.network.clone(),
        classes: data.classes.clone(),
        input_shape: data.shape.clone(),
        config: config.to_map(),
    };
    record(&mut run, &trained);
    model.save(&run.model())?;
    if let Some(out) = &run.record.out {
        model.save(out)?;
    }
    drop(data);

    let finished = trained.outcome == Outcome::Finished;
    let test = if finished && !run.record.no_test {
        let test = source
            .located
            .test()
            .context("training is done and the model is saved, but the test set cannot be opened")?;
        let rows: Vec<u32> = (0..test.len() as u32).collect();
        Some(model.network.evaluate(&test, &rows, &config.loss, &machine))
    } else {
        None
    };
    run.record.test_accuracy = test.map(handloom_engine::Tally::accuracy);
    run.save()?;
    summary::tell(&run, &trained, &config, test, seconds, output);
    output.event(&summary::done_event(&run, &trained, seconds));
    checkpoint?;
    Ok(exit(&trained, &run, min_accuracy, interrupt, output))
}

/// Writes what the training came to into the run's record.
fn record(run: &mut Run, trained: &Trained) {
    run.record.status = match trained.outcome {
        Outcome::Finished => Status::Finished,
        Outcome::Stopped(_) => Status::Stopped,
        Outcome::Diverged { .. } => Status::Diverged,
    };
    run.record.ended_ms = Some(now_ms());
    run.record.epochs = trained.rows.len() as u64;
    run.record.best_epoch = Some(trained.epoch).filter(|&epoch| epoch > 0);
    run.record.val_accuracy =
        trained.rows.iter().find(|row| row.epoch == trained.epoch).and_then(|row| row.val_accuracy);
    run.record.weights_sha256 = Some(trained.network.weights_sha256());
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
