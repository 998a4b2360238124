//! Questions 4 and 5: how the grid is searched, why so, and what the search found over time.

use super::super::page::{Block, Conclusion};
use super::super::sample::Trial;
use super::{Assignment, Searched};
use crate::created::{Created, created};
use crate::words::{count, grouped};
use handloom_store::Status;

/// Configurations of the assignment's grid: 2 numbers of epochs, 3 of layers, 3 widths, 3 decays, 2 rates, 6 optimizers, 3
/// batch sizes, 2 inits and 3 activations.
pub(super) const GRID: u64 = 2 * 3 * 3 * 3 * 2 * 6 * 3 * 2 * 3;

/// Measurements of searches on a table of trainings; docs/search.md has the same table.
const REGRET: &str = include_str!("../../../../../docs/regret/summary.csv");

/// Seconds that a run trained and validated.
fn seconds(trial: &Trial) -> f64 {
    trial.epochs.iter().map(|epoch| epoch.row.seconds + epoch.row.val_seconds).sum()
}

fn mean_seconds(searched: &Searched) -> Option<f64> {
    let whole: Vec<f64> =
        searched.trials.iter().filter(|trial| trial.run.status == Status::Finished).map(seconds).collect();
    (!whole.is_empty()).then(|| whole.iter().sum::<f64>() / whole.len() as f64)
}

/// Question 4.
pub(super) fn strategy(of: &Assignment<'_>) -> Vec<Block> {
    let (survey, search) = (&of.survey, &of.search);
    let cost = match mean_seconds(survey) {
        Some(mean) => format!(
            "a run of it took {mean:.2} s on average here, so the whole grid would take {:.1} hours of one core",
            mean * GRID as f64 / 3600.0
        ),
        None => "no run of it has finished here".into(),
    };
    let mut blocks = vec![
        Block::Heading("Question 4: the strategy".into()),
        Block::Words(format!(
            "The grid has {} configurations; {cost}. Two searches share the time, since two questions are asked of it.",
            grouped(GRID)
        )),
        Block::Points(vec![
            format!(
                "What matters? needs a fair sample: {} drawn at random from the whole grid, {:.1} % of it. Each value of a setting meets the others as often as any other value does, so that they can be compared. (`{}`)",
                count(survey.trials.len() as u64, "run", "runs"),
                100.0 * survey.trials.len() as f64 / GRID as f64,
                survey.id
            ),
            format!(
                "What is best? needs a search that learns: {} chosen by a Gaussian process (`{}`), with learning rate and weight decay as ranges in place of two and three guesses; hyperband ends early what does not learn, here {} of them. (`{}`)",
                count(search.trials.len() as u64, "run", "runs"),
                search.method,
                search.trials.iter().filter(|trial| trial.run.status == Status::Pruned).count(),
                search.id
            ),
        ]),
    ];
    blocks.extend(evidence());
    blocks.push(Block::Commands(vec![
        "handloom sweep configs/studies/survey.yaml".into(),
        "handloom sweep configs/assignment-bayes.yaml".into(),
    ]));
    blocks
}

/// Advantage of a search that learns over a random one, on a table of trainings that any search can be replayed on.
fn evidence() -> Vec<Block> {
    let lines: Vec<Vec<String>> =
        REGRET.lines().map(|line| line.split(',').map(|cell| cell.trim().to_owned()).collect()).collect();
    let Some((head, rows)) = lines.split_first() else { return Vec::new() };
    vec![
        Block::Words(
            "Why a Gaussian process and not random search: both were replayed on a table of trainings of this very grid. Points of accuracy that a search still misses after so many runs, with the 95 % interval of the mean:".into(),
        ),
        Block::Table { head: head.clone(), rows: rows.to_vec() },
        Block::Commands(vec!["cargo run --release -p handloom --example regret -- replay".into()]),
    ]
}

/// Question 5.
pub(super) fn best_so_far(of: &Assignment<'_>) -> Vec<Block> {
    let all: Vec<&Trial> = of.survey.trials.iter().chain(&of.search.trials).collect();
    let runs: Vec<Created<'_>> = all
        .iter()
        .map(|trial| Created {
            label: &trial.run.name,
            at: trial.run.started_ms as f64 / 1e3,
            val_accuracy: trial.accuracy(),
            ending: trial.run.status.into(),
            dataset: &trial.run.dataset,
        })
        .collect();
    let picture = created("Validation accuracy against time of creation", &runs);
    vec![
        Block::Heading("Question 5: the best validation accuracy".into()),
        Block::Picture { name: "created".into(), picture },
        Block::Conclusion(plateau(&of.search.trials)),
        Block::Commands(vec![
            format!("handloom sweep show {} --plot created.svg", of.survey.id),
            format!("handloom sweep show {} --plot created.svg", of.search.id),
        ]),
    ]
}

/// Conclusion about the last third of a search: it improved on the best, or not.
fn plateau(all: &[Trial]) -> Conclusion {
    let mut finished: Vec<&Trial> =
        all.iter().filter(|trial| trial.run.status == Status::Finished && trial.accuracy().is_some()).collect();
    finished.sort_by_key(|trial| trial.run.started_ms);
    let best = |among: &[&Trial]| among.iter().filter_map(|trial| trial.accuracy()).fold(f64::NAN, f64::max);
    if finished.len() < 10 {
        return Conclusion::open(format!(
            "{} are too few to say whether more would help",
            count(finished.len() as u64, "finished run", "finished runs")
        ));
    }
    let (before, whole) = (best(&finished[..finished.len() * 2 / 3]), best(&finished));
    let top = finished.iter().find(|trial| trial.accuracy() == Some(whole)).map_or("", |trial| trial.run.id.as_str());
    let gained = 100.0 * (whole - before);
    let said = format!(
        "the best of {} of the search has {:.2} % (run `{top}`); the last third of them added {gained:.2} points",
        count(finished.len() as u64, "finished run", "finished runs"),
        100.0 * whole
    );
    // Chance in one run: the standard error of an accuracy on the validation images.
    let images = finished[0]
        .last()
        .and_then(|epoch| epoch.evidence.confusion.as_ref())
        .map_or(0, handloom_engine::metric::Confusion::total);
    let chance = if images > 0 { 100.0 * (whole * (1.0 - whole) / images as f64).sqrt() } else { f64::NAN };
    if gained < chance {
        Conclusion::settled(format!(
            "{said}, less than the {chance:.2} that chance moves one run by: more runs are not what is missing"
        ))
    } else {
        Conclusion::open(format!("{said}, so that more runs may still help"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::sample::tests::trial;
    use super::*;

    fn trials(accuracy: impl Fn(u64) -> f64) -> Vec<Trial> {
        let of = |number: u64| {
            let mut one = trial(json!({}), number, &[accuracy(number)]);
            one.run.started_ms = number * 1000;
            one.epochs[0].evidence.confusion = Some(handloom_engine::metric::Confusion { counts: vec![vec![6000]] });
            one
        };
        (0..30).map(of).collect()
    }

    #[test]
    fn a_search_that_found_its_best_early_is_said_to_have_ended() {
        let flat = trials(|number| if number == 3 { 0.89 } else { 0.8 });
        let said = plateau(&flat);
        assert!(said.settled && said.text.contains("has 89.00 % (run `run3`)"), "{said:?}");
        let rising = trials(|number| 0.6 + 0.01 * number as f64);
        let said = plateau(&rising);
        assert!(!said.settled && said.text.contains("more runs may still help"), "{said:?}");
        assert!(!plateau(&[]).settled);
    }

    #[test]
    fn the_evidence_is_a_table_of_figures() {
        let blocks = evidence();
        let Block::Table { head, rows } = &blocks[1] else { panic!("{blocks:?}") };
        assert!(rows.len() >= 4 && rows.iter().all(|row| row.len() == head.len()), "{rows:?}");
        assert!(rows.iter().any(|row| row[0].contains("bayes")));
    }
}
