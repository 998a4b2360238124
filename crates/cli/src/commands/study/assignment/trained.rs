//! Single runs of the study, which open a test set: trained as if typed, or found where they were trained before.

use anyhow::{Context as _, Result};
use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::metric::{Confusion, first_maximum};
use handloom_view::Mistake;

use super::super::super::train;
use super::super::context::StudyContext;
use super::NAME;
use crate::exit::Exit;
use crate::runs::{Run, Status};
use crate::test_set_log::{self, Openings};

/// Name under which this command opens a test set.
const BY: &str = "study";

/// The finished run of `config` in the group of this study; how training ended if it did not finish.
pub(super) fn run(bench: &StudyContext<'_>, config: &Config) -> Result<Result<Run, Exit>> {
    let group = format!("study-{NAME}");
    let known = || -> Result<Option<Run>> {
        let is_it = |run: &Run| {
            run.record.group.as_deref() == Some(&group)
                && run.record.status == Status::Finished
                && run.record.test_accuracy.is_some()
                && run.record.config == config.to_map()
        };
        Ok(bench.runs.all()?.into_iter().rev().find(is_it))
    };
    if let Some(run) = known()? {
        return Ok(Ok(run));
    }
    let mut words = crate::command::train(config);
    words.push(format!("--group={group}"));
    let exit = train::typed(words, bench.matches, bench.output)?;
    if exit != Exit::Done {
        return Ok(Err(exit));
    }
    Ok(Ok(known()?.context("a run that was just trained is not in the store")?))
}

/// Results of the model of `run` on the test images: confusion matrix, mistakes with the most confident first, and the
/// number of times the test set was opened.
pub(super) fn tested(bench: &StudyContext<'_>, run: &Run, test: &Dataset) -> Result<(Confusion, Vec<Mistake>, u64)> {
    let model = bench.runs.kept_model(run)?;
    let machine = Machine::new(bench.workers as usize);
    let (classes, rows) = (test.classes.len(), (0..test.len() as u32).collect::<Vec<_>>());
    let probabilities = model.network.predict(test, &rows, &machine);
    let mut outcomes = Vec::with_capacity(test.len());
    let mut mistakes = Vec::new();
    for (row, of) in probabilities.chunks(classes).enumerate() {
        let (label, predicted) = (usize::from(test.labels[row]), first_maximum(of));
        outcomes.push((label, predicted));
        if label != predicted {
            mistakes.push(Mistake { row, predicted, confidence: f64::from(of[predicted]) });
        }
    }
    mistakes.sort_by(|a, b| b.confidence.total_cmp(&a.confidence).then(a.row.cmp(&b.row)));
    let confusion = Confusion::new(classes, outcomes);
    let accuracy = confusion.accuracy().unwrap_or(0.0);
    let opening = test_set_log::opening(&run.record.id, Some(run), &bench.source.located, test, BY, accuracy);
    let known = bench.runs.store.openings()?;
    // A page that is only written again has learned nothing new from the test set.
    let is_again =
        known.iter().any(|one| one.by == BY && one.run == opening.run && one.data_sha256 == opening.data_sha256);
    let openings = if is_again {
        Openings::of(run, known).total
    } else {
        test_set_log::count(&bench.runs, &opening, bench.output).unwrap_or(0)
    };
    Ok((confusion, mistakes, openings))
}
