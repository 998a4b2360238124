//! Output before the first trial of a sweep and after the last.

use anyhow::Result;
use handloom_sweep::spec::Counted;
use handloom_sweep::summary::{SweepSummary, run_of};
use handloom_sweep::worker::{Done, Reason};
use handloom_sweep::{State, Status};
use handloom_view::format::parameters;
use handloom_view::words::{self, count, grouped};
use serde_json::{Value, json};

use super::best::config_of;
use super::data::DataSets;
use super::handle::{SweepHandle, called};
use super::progress_view::metrics;
use super::why;
use crate::command;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::output::{BOLD, DIM, GOOD, Output};
use crate::runs::Runs;
use crate::table::one_line;
use handloom_view::format::duration;

/// Reasons for which trials failed that the end names; `sweep show` has all.
const REASONS: usize = 5;

/// Says what is about to be tried.
pub(super) fn announce(opened: &SweepHandle, total: Option<u64>, workers: u32, data: &DataSets, output: &Output) {
    let SweepHandle { sweep, spec, space, metric, goal, .. } = opened;
    let sets: Vec<_> = data
        .all()
        .map(|loaded| json!({"dataset": loaded.source.located.name(), "images": loaded.train.len(), "fallback": loaded.source.fallback}))
        .collect();
    output.event(&json!({
        "v": 1, "event": "start", "sweep": sweep.id, "name": sweep.name, "method": spec.method.name(),
        "metric": metric.name, "goal": goal.name(), "trials": total, "workers": workers, "seed": sweep.seed,
        "parameters": space.parameters.iter().map(|parameter| &parameter.name).collect::<Vec<_>>(), "data": sets,
        "settings": sweep.settings, "isa": super::work::instructions(),
    }));
    let sets: Vec<_> = data
        .all()
        .map(|loaded| {
            format!("{BOLD}{}{BOLD:#} {} images", loaded.source.located.name(), grouped(loaded.train.len() as u64))
        })
        .collect();
    output.line(format!(
        "sweep  {BOLD}{}{BOLD:#}  {} · {} · {} {}",
        sweep.id,
        one_line(called(sweep)),
        spec.method.name(),
        metric.name,
        goal.name()
    ));
    let counted = Counted::of(opened.trainings());
    let until = counted.words().filter(|_| total.is_none());
    let planned = match (total, until) {
        (Some(total), _) => count(total, "trial", "trials"),
        (None, Some(counted)) => format!("until every training was tried: {counted}"),
        (None, None) => "no end".into(),
    };
    if total.is_some() && counted.points > counted.different_trainings {
        output
            .note(format!("note: {}; an identical training is not trained again", counted.words().unwrap_or_default()));
    }
    output.line(format!(
        "{} · test closed · {planned} · {} at once, a thread each",
        sets.join(", "),
        count(u64::from(workers), "trial", "trials")
    ));
    if total.is_none() && counted.points.is_none() {
        output.warn(format!(
            "this search HAS NO END: it goes on until Ctrl-C\n  hint: `--trials N`, `--minutes M` or `run_cap` in the file sets one; `handloom sweep stop {}` ends it from elsewhere",
            sweep.id
        ));
    }
}

/// Says that nothing is left to do, or that nothing may be done.
pub(super) fn nothing_to_do(opened: &SweepHandle, state: &State, status: &str, output: &Output) -> Exit {
    let id = &opened.sweep.id;
    output.event(&json!({
        "v": 1, "event": "done", "sweep": id, "name": opened.sweep.name, "status": status, "reason": status,
        "trials": state.trials.len(), "counts": SweepSummary::of(state).object(), "seconds": 0.0,
    }));
    output.note(format!("sweep {id} is {status}: {}", SweepSummary::of(state).words()));
    if status == "stopped" {
        output.next(&[&format!("handloom sweep resume {id}")]);
    } else {
        output.next(&after(opened, &SweepSummary::of(state)).iter().map(String::as_str).collect::<Vec<_>>());
    }
    Exit::Done
}

/// Says what came of this process's work, and how it ends.
pub(super) fn tell(
    opened: &SweepHandle,
    done: &Done,
    runs: &Runs,
    (seconds, wandb): (f64, Value),
    interrupt: &Interrupt,
    output: &Output,
) -> Result<Exit> {
    let (id, state) = (&opened.sweep.id, &done.state);
    let (standing, status) = (SweepSummary::of(state), opened.status(state));
    let mut best = Value::Null;
    let mut line = None;
    if let Some((number, choice, cost)) = &standing.best {
        let value = opened.goal.cost(*cost);
        let run = run_of(state, *number).unwrap_or_default().to_owned();
        let rows = runs.store.rows(&[&run])?.remove(&run).unwrap_or_default();
        best = json!({"number": number, "run": run, "parameters": choice});
        if let Value::Object(best) = &mut best {
            best.extend(metrics(rows.iter().find(|row| opened.goal.cost(opened.metric.of(row)) == *cost)));
            best.insert(opened.metric.name.into(), json!(value));
        }
        let config = config_of(opened, choice, runs.store.run(&run)?.as_ref())?;
        line = Some(words::line(&command::train(&config)));
        output.line(format!(
            "{GOOD}✔{GOOD:#} best {BOLD}{}{BOLD:#}  trial {number}, run {run}   {}   {DIM}{}, {}{DIM:#}",
            opened.metric.text(value),
            one_line(&parameters(choice, &opened.space.varying())),
            standing.words(),
            duration(seconds)
        ));
        output.line(format!("  {}", line.as_deref().unwrap_or_default()));
    }
    output.event(&json!({
        "v": 1, "event": "done", "sweep": id, "name": opened.sweep.name, "status": status, "reason": reason(done.reason),
        "why": done.fault.as_ref().map(ToString::to_string), "trials": state.trials.len(), "counts": standing.object(),
        "reused": standing.reused, "best": best, "command": line, "seconds": seconds, "wandb": wandb,
    }));
    reuse(opened, state, &standing, output);
    for line in why::ended(state).iter().take(REASONS) {
        output.note(format!("  {line}"));
    }
    let resume = format!("handloom sweep resume {id}");
    let show = format!("handloom sweep show {id}");
    match done.reason {
        Reason::Faulted => {
            let fault = done.fault.as_ref().map(ToString::to_string).unwrap_or_default();
            output.error(&format!(
                "this machine cannot run trials: {fault}\nhint: mend that and go on with `{resume}`; other agents are not affected, and what this one gave back is pending"
            ));
            return Ok(Exit::Failed);
        }
        Reason::Complete => output.next(&after(opened, &standing).iter().map(String::as_str).collect::<Vec<_>>()),
        Reason::Stopped => {
            output.note("stopped; what ran is pending again, and nothing that ended is lost");
            output.next(&[&resume]);
            return Ok(interrupt.exit().unwrap_or(Exit::Failed));
        }
        Reason::Halted => {
            output.note(format!("sweep {id} was stopped: no further trial begins"));
            output.next(&[&resume, &show]);
        }
        Reason::Trials | Reason::Time => {
            let what = if done.reason == Reason::Time { "the time is over" } else { "this call took its trials" };
            output.note(format!("{what}; the sweep may go on"));
            output.next(&[&resume, &show]);
        }
    }
    Ok(if standing.ended() > 0 && standing.count(Status::Finished) + standing.count(Status::Pruned) == 0 {
        let said =
            [Status::Failed, Status::Diverged].map(|status| format!("{} {}", standing.count(status), status.name()));
        output.error(&format!("no trial came to anything: {}\nhint: `{show}` says why", said.join(", ")));
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// Commands after a sweep that is over: the winner's only if there is one.
fn after(opened: &SweepHandle, standing: &SweepSummary) -> Vec<String> {
    let id = &opened.sweep.id;
    let mut commands = vec![format!("handloom sweep show {id}")];
    commands.extend(standing.best.as_ref().map(|_| format!("handloom sweep best {id} --train")));
    if standing.count(Status::Failed) > 0 {
        commands.push(format!("handloom sweep resume {id} --retry-failed"));
    }
    commands
}

/// Says how many trials were not trained, and whether a search ended because nothing is left to try.
fn reuse(opened: &SweepHandle, state: &State, standing: &SweepSummary, output: &Output) {
    if standing.reused > 0 {
        let trials = count(standing.reused, "trial", "trials");
        output.note(format!(
            "  reused: {trials} took the result of an identical training (`--no-reuse` trains all the same)"
        ));
    }
    if let Some(trainings) = opened.trainings().filter(|trainings| trainings.all_tried(&opened.spec, &state.trials)) {
        let words = Counted::of(Some(trainings)).words().unwrap_or_default();
        output.note(format!("  every training of this space was tried: {words}"));
    }
}

fn reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Faulted => "faulted",
        Reason::Complete => "complete",
        Reason::Trials => "trials",
        Reason::Time => "time",
        Reason::Stopped => "interrupted",
        Reason::Halted => "stopped",
    }
}
