//! Trials that diverged, and at which learning rates.

use std::cmp::Reverse;
use std::fmt::Write as _;

use crate::format::{self, plain};
use handloom_sweep::Status;
use handloom_sweep::importance::Importance;
use serde_json::json;

use super::super::table::Table;
use super::{Observation, Part};
use crate::words::listed;

/// Number of trials that diverged, the learning rates from which on, and the optimizers; nothing if none did.
pub(super) fn diverged(table: &Table, _: &Importance) -> Vec<Observation> {
    let is = |at: usize| table.trials[at].status == Status::Diverged;
    let counted = table.counted();
    let gone: Vec<usize> = counted.iter().copied().filter(|&at| is(at)).collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let of = |count: usize| if count == 1 { "trial" } else { "trials" };
    let mut text = format!("{} of {} {} diverged", gone.len(), counted.len(), of(counted.len()));
    if let Some(rate) = table.parameter("learning_rate")
        && let Some(least) = gone.iter().filter_map(|&at| rate.number(at)).reduce(f64::min)
    {
        let above = counted.iter().filter(|&&at| rate.number(at) >= Some(least)).count();
        let all = if gone.len() > 1 { ", all with" } else { ", with" };
        let _ = write!(text, "{all} a learning rate of at least {}, as {above} {} had", format::rate(least), of(above));
    }
    if let Some(optimizer) = table.parameter("optimizer") {
        let count = |level: &serde_json::Value| gone.iter().filter(|&&at| optimizer.values[at] == *level).count();
        let mut counts: Vec<(usize, String)> = optimizer
            .levels()
            .iter()
            .map(|level| (count(level), plain(level)))
            .filter(|(count, _)| *count > 0)
            .collect();
        counts.sort_by_key(|(count, _)| Reverse(*count));
        let said: Vec<String> = counts.into_iter().map(|(count, name)| format!("{count} with {name}")).collect();
        let _ = write!(text, ": {}", listed(&said));
    }
    let brush = vec![("status".to_owned(), Part::Levels(vec![json!(Status::Diverged.name())]))];
    vec![Observation::new("diverged", true, text + ".", brush)]
}

#[cfg(test)]
mod tests {
    use super::super::trials::Trials;
    use super::*;

    fn trials() -> Trials {
        Trials::new(50).listed("optimizer", &json!(["sgd", "adam"])).rates("learning_rate", 1e-4, 1e-1)
    }

    #[test]
    fn divergence_is_told_with_rate_and_optimizer() {
        let table = trials().status(|one| {
            let far = one.number("learning_rate") > 0.03 && one.is("optimizer", "sgd");
            if far { Status::Diverged } else { Status::Finished }
        });
        let found = diverged(&table.table(), &Importance::default());
        let text = &found[0].text;
        assert!(text.contains(" of 50 trials diverged, all with a learning rate of at least 0.03"), "{text}");
        assert!(text.ends_with(" with sgd.") && !text.contains("adam"), "{text}");
    }

    #[test]
    fn where_none_diverged_nothing_is_said() {
        assert_eq!(diverged(&trials().table(), &Importance::default()), []);
    }
}
