//! Reasons why trials of a sweep failed, diverged or are pending again, in words.

use handloom_sweep::{State, Status, Trial};
use handloom_view::words::count;

use crate::table::one_line;

/// Numbers that are named of trials that share a reason.
const NAMED: usize = 5;

/// A line for each reason for which trials failed or diverged: `trials 3 and 5 failed: REASON`.
pub(super) fn ended(state: &State) -> Vec<String> {
    let bad = |trial: &&Trial| matches!(trial.status, Status::Failed | Status::Diverged);
    let mut reasons: Vec<(Status, String, Vec<u64>)> = Vec::new();
    for trial in state.trials.iter().filter(bad) {
        let why = of(state, trial).unwrap_or("nothing was recorded of why");
        // That the trial diverged is said before it.
        let why = match why.strip_prefix("training diverged ") {
            Some(reason) => reason.replacen(": ", ", ", 1),
            None => why.replace("\ncaused by: ", ": ").replace("\nhint: ", "; hint: "),
        };
        let why = one_line(&why);
        match reasons.iter_mut().find(|(status, known, _)| *status == trial.status && *known == why) {
            Some((.., numbers)) => numbers.push(trial.number),
            None => reasons.push((trial.status, why, vec![trial.number])),
        }
    }
    reasons.iter().map(|(status, why, numbers)| format!("{} {}: {why}", named(numbers), status.name())).collect()
}

/// A line for each trial that is pending since something happened to it.
pub(super) fn pending(state: &State) -> Vec<String> {
    let line = |trial: &Trial| {
        let number = trial.number;
        if state.runs_alone(number) {
            let deaths = state.deaths(number).0;
            return Some(format!(
                "trial {number} is to be run alone: its process died {deaths} times while others ran beside it"
            ));
        }
        let last = state.attempts.get(number as usize)?.last()?;
        let why = one_line(&last.why.as_ref()?.replace('\n', " "));
        Some(if last.retried {
            format!("trial {number} is to be tried again; it failed: {why}")
        } else {
            format!("trial {number} was given back, since its machine could not run it: {why}")
        })
    };
    state.pending().filter_map(line).collect()
}

/// Reason why a trial failed, diverged or is pending again.
pub(super) fn of<'s>(state: &'s State, trial: &Trial) -> Option<&'s str> {
    state.attempts.get(trial.number as usize)?.last()?.why.as_deref()
}

fn named(numbers: &[u64]) -> String {
    let shown: Vec<String> = numbers.iter().take(NAMED).map(ToString::to_string).collect();
    match numbers {
        [one] => format!("trial {one}"),
        _ if numbers.len() <= NAMED => {
            let (last, rest) = shown.split_last().expect("a reason has a trial");
            format!("trials {} and {last}", rest.join(", "))
        }
        _ => {
            let more = count((numbers.len() - NAMED) as u64, "other", "others");
            format!("trials {} and {more}", shown.join(", "))
        }
    }
}
