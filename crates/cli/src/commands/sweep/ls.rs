//! `sweep ls`: the sweeps so far, the newest first.

use anyhow::Result;
use clap::ArgMatches;
use clap::builder::styling::Style;
use handloom_sweep::SweepSummary;
use serde_json::json;

use super::handle::SweepHandle;
use crate::commands::readable_runs;
use crate::exit::{Exit, told};
use crate::fields::moment;
use crate::output::{BOLD, DIM, GOOD, Output};
use crate::runs::now_ms;
use crate::table::{grid, one_line};
use handloom_view::format::ago;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let runs = readable_runs(matches, output)?;
    let sweeps = runs.store.sweeps()?;
    let mut rows = vec![
        ["sweep", "name", "method", "status", "trials", "best", "made"].map(|head| (head.to_owned(), DIM)).to_vec(),
    ];
    let last = sweeps.last().map(|sweep| sweep.id.clone());
    for sweep in sweeps.into_iter().rev() {
        let (id, name, created_ms) = (sweep.id.clone(), sweep.name.clone(), sweep.created_ms);
        let opened = match SweepHandle::new(sweep, &runs) {
            Ok(opened) => opened,
            // One that cannot be read hides no other.
            Err(error) => {
                output.warn(format!("sweep {id}: {}", told(&error)));
                continue;
            }
        };
        let state = opened.state(&runs)?;
        let (standing, status, total) = (SweepSummary::of(&state), opened.status(&state), opened.total(&state));
        let best = standing.best.as_ref().map(|(number, _, cost)| (*number, opened.goal.cost(*cost)));
        output.event(&json!({
            "v": 1, "event": "sweep", "sweep": id, "name": name, "status": status, "method": opened.spec.method.name(),
            "metric": opened.metric.name, "goal": opened.goal.name(), "planned": total,
            "trials": standing.trials(), "counts": standing.object(), "created": moment(created_ms),
            "best": best.map(|(number, value)| json!({"number": number, opened.metric.name: value})),
        }));
        let plain = |text: String| (text, Style::new());
        rows.push(vec![
            (id, BOLD),
            plain(one_line(name.as_deref().unwrap_or_default())),
            plain(opened.spec.method.name().into()),
            (status.to_owned(), if status == "running" { GOOD } else { Style::new() }),
            plain(match total {
                Some(total) => format!("{} of {total}", standing.ended()),
                None => standing.ended().to_string(),
            }),
            plain(best.map_or_else(|| "-".into(), |(_, value)| opened.metric.text(value))),
            (ago(now_ms().saturating_sub(created_ms)), DIM),
        ]);
    }
    match last {
        None => {
            output.note(format!("no sweeps in {} yet", runs.at()));
            output.next(&["handloom sweep FILE.yaml"]);
        }
        Some(last) => {
            let right = [false, false, false, false, true, true, true];
            let flexible = [false, true, false, false, false, false, false];
            output.result(grid(&rows, &right, &flexible, output.width()).join("\n"));
            output.next(&[&format!("handloom sweep show {last}")]);
        }
    }
    Ok(Exit::Done)
}
