//! Groups of runs that differ in their seeds: mean, spread, and whether the difference is settled.

use std::path::Path;

use anyhow::Result;
use handloom_engine::compare::{Difference, paired_means, welch};
use handloom_engine::event::EpochMetrics;
use handloom_store::{ByRun, Status};
use handloom_view::Group;
use handloom_view::verdict::Verdict;
use handloom_view::words::count;
use serde_json::{Value, json};

use super::settings::{self, Setting};
use super::side::Side;
use super::words;
use crate::fields::accuracy_text;
use crate::output::Output;
use crate::pictures::Curve;
use crate::runs::{Run, Runs};
use crate::table::one_line;

/// A figure of every run that counts on one side.
struct Sample {
    /// With the runs' seeds.
    values: Vec<(u64, f64)>,
}

impl Sample {
    fn of(side: &Side, figure: fn(&Run) -> Option<f64>) -> Self {
        let counts = side.runs.iter().filter(|run| run.record.status == Status::Finished);
        let mut values: Vec<_> = counts.filter_map(|run| Some((run.record.seed, figure(run)?))).collect();
        values.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        Self { values }
    }

    fn figures(&self) -> Vec<f64> {
        self.values.iter().map(|(_, value)| *value).collect()
    }

    fn mean(&self) -> Option<f64> {
        let n = self.values.len();
        (n > 0).then(|| self.figures().iter().sum::<f64>() / n as f64)
    }

    /// Standard deviation from run to run; none of fewer than two.
    fn spread(&self) -> Option<f64> {
        let (n, mean) = (self.values.len(), self.mean()?);
        let squares: f64 = self.figures().iter().map(|value| (value - mean).powi(2)).sum();
        (n > 1).then(|| (squares / (n as f64 - 1.0)).sqrt())
    }

    /// `88.12% ± 0.20`.
    fn text(&self) -> String {
        let spread = self.spread().map(|spread| format!(" ± {:.2}", 100.0 * spread)).unwrap_or_default();
        self.mean().map_or_else(|| "-".into(), |mean| format!("{}{spread}", accuracy_text(mean)))
    }

    fn event(&self) -> Value {
        json!({
            "runs": self.values.len(), "mean": self.mean(), "spread": self.spread(), "values": self.figures(),
            "seeds": self.values.iter().map(|(seed, _)| seed).collect::<Vec<_>>(),
        })
    }
}

/// Mean difference B − A; and true if runs were paired by their seeds.
fn difference([a, b]: [&Sample; 2]) -> (Option<Difference>, bool) {
    let seeds = |sample: &Sample| sample.values.iter().map(|(seed, _)| *seed).collect::<Vec<_>>();
    let (of_a, of_b) = (seeds(a), seeds(b));
    let paired = of_a == of_b && of_a.windows(2).all(|pair| pair[0] != pair[1]);
    let (a, b) = (a.figures(), b.figures());
    (if paired { paired_means(&b, &a) } else { welch(&b, &a) }, paired)
}

pub(super) fn run(sides: [&Side; 2], runs: &Runs, plot: Option<&Path>, output: &Output) -> Result<()> {
    let settings = settings::differing(sides.map(|side| side.runs.as_slice()));
    let labels = labels(sides, &settings);
    let validation = sides.map(|side| Sample::of(side, |run| run.record.val_accuracy));
    let test = sides.map(|side| Sample::of(side, |run| run.record.test_accuracy));
    let same_data = same_data(sides);
    let (on_validation, paired) = if same_data { difference([&validation[0], &validation[1]]) } else { (None, false) };
    let (on_test, _) = if same_data { difference([&test[0], &test[1]]) } else { (None, false) };
    let verdict = if same_data {
        verdict(&validation, on_validation, paired)
    } else {
        Verdict::none("the runs were trained on different data, so their accuracies cannot be compared")
    };
    let remarks = remarks(sides, &settings);
    output.event(&json!({
        "v": 1, "event": "compare", "a": side(sides[0]), "b": side(sides[1]), "settings": settings::event(&settings),
        "validation": {
            "a": validation[0].event(), "b": validation[1].event(), "paired_by_seed": paired,
            "difference": words::event(on_validation),
        },
        "test": {"a": test[0].event(), "b": test[1].event(), "difference": words::event(on_test)},
        "remarks": remarks, "settled": verdict.settled, "verdict": verdict.words,
    }));
    settings::print(&settings, [&one_line(&sides[0].label), &one_line(&sides[1].label)], output);
    let runs_of = |at: usize| count(validation[at].values.len() as u64, "finished run", "finished runs");
    let mut rows = vec![[String::new(), format!("A, {}", runs_of(0)), format!("B, {}", runs_of(1)), String::new()]];
    let row = |what: &str, [a, b]: &[Sample; 2], d| {
        [what.to_owned(), a.text(), b.text(), format!(" {}", words::difference(d))]
    };
    rows.push(row("validation", &validation, on_validation));
    if test.iter().any(|sample| !sample.values.is_empty()) {
        rows.push(row("test, as recorded", &test, on_test));
    }
    output.table(&rows);
    for remark in &remarks {
        output.result(remark);
    }
    output.result(words::line(&verdict));
    if let Some(file) = plot {
        draw(sides, &labels, runs, &verdict, &settings, file)?;
        output.note(format!("means and spread: {}", file.display()));
    }
    let again = format!(
        "handloom compare {} {} --plot groups.png",
        handloom_view::words::quoted(&sides[0].label),
        handloom_view::words::quoted(&sides[1].label)
    );
    output.next(&[if plot.is_some() { "handloom ls --sort -val_accuracy" } else { &again }]);
    Ok(())
}

fn side(side: &Side) -> Value {
    json!({"name": side.label, "runs": side.runs.iter().map(|run| &run.record.id).collect::<Vec<_>>()})
}

fn same_data(sides: [&Side; 2]) -> bool {
    let all = || sides.iter().flat_map(|side| &side.runs);
    let first = all().next().map(|run| (&run.record.data_sha256, run.record.config.get("val_fraction")));
    all().all(|run| Some((&run.record.data_sha256, run.record.config.get("val_fraction"))) == first)
}

fn verdict([a, b]: &[Sample; 2], difference: Option<Difference>, paired: bool) -> Verdict {
    let least = a.values.len().min(b.values.len());
    if least < 2 {
        return Verdict::none("it takes at least two finished runs with different seeds on each side");
    }
    if difference.is_none() {
        return Verdict::none("the runs do not scatter, so that chance cannot be judged");
    }
    let over = if paired {
        format!("on average over the same {least} seeds")
    } else {
        format!("on average over {} and {} runs", a.values.len(), b.values.len())
    };
    Verdict::of(difference, true, &over)
}

/// Remarks beside the figures.
fn remarks(sides: [&Side; 2], settings: &[Setting]) -> Vec<String> {
    let mut remarks = Vec::new();
    for (side, letter) in sides.iter().zip(["A", "B"]) {
        let left: Vec<String> = Status::ALL
            .into_iter()
            .filter(|status| *status != Status::Finished)
            .filter_map(|status| {
                let n = side.runs.iter().filter(|run| run.record.status == status).count();
                (n > 0).then(|| format!("{n} {status}"))
            })
            .collect();
        if !left.is_empty() {
            let all = count(side.runs.len() as u64, "run", "runs");
            remarks.push(format!("{letter}: of {all} {} are left out, which flatters the rest", left.join(" and ")));
        }
        let mixed = settings::mixed(&side.runs);
        if !mixed.is_empty() {
            remarks.push(format!("{letter} is not one setting: its runs differ in {}", mixed.join(", ")));
        }
    }
    if settings.iter().any(|setting| setting.name == "loss") {
        remarks.push("The losses have different units: only accuracies are compared.".into());
    }
    remarks
}

/// The sides as a picture names them: by the one setting that differs, or as typed.
fn labels(sides: [&Side; 2], settings: &[Setting]) -> [String; 2] {
    let mut differing = settings.iter().filter(|setting| setting.name != "seed");
    match (differing.next(), differing.next()) {
        (Some(one), None) => [format!("A {}", one.text(0)), format!("B {}", one.text(1))],
        _ => [format!("A {}", one_line(&sides[0].label)), format!("B {}", one_line(&sides[1].label))],
    }
}

fn draw(
    sides: [&Side; 2],
    labels: &[String; 2],
    runs: &Runs,
    verdict: &Verdict,
    settings: &[Setting],
    file: &Path,
) -> Result<()> {
    let ids: Vec<&str> = sides.iter().flat_map(|side| &side.runs).map(|run| run.record.id.as_str()).collect();
    let rows: ByRun<Vec<EpochMetrics>> = runs.store.rows(&ids)?;
    let counts = |run: &&Run| [Status::Finished, Status::Diverged].contains(&run.record.status);
    let curves = sides.map(|side| {
        let curve = |run: &Run| Curve::new(run, rows.get(&run.record.id).map_or(&[], Vec::as_slice));
        side.runs.iter().filter(counts).map(curve).collect::<Vec<_>>()
    });
    let mut views = curves.each_ref().map(|curves| curves.iter().map(Curve::view).collect::<Vec<_>>());
    let mut said = verdict.words.clone();
    if settings.iter().any(|setting| setting.name == "loss") {
        said.push_str("; the losses have different units");
        // On one axis the smaller would be a flat line.
        for view in views.iter_mut().flatten() {
            (view.train_loss, view.val_loss) = (&[], &[]);
        }
    }
    let differing = settings.iter().filter(|setting| setting.name != "seed").map(|setting| setting.name.as_str());
    let what = differing.collect::<Vec<_>>().join(", ");
    let title = format!("{}{}{} against {}", what, if what.is_empty() { "" } else { ": " }, labels[0], labels[1]);
    let groups = [0, 1].map(|side| Group { label: &labels[side], runs: &views[side] });
    handloom_view::compared(&title, &groups, &said).save(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[(u64, f64)]) -> Sample {
        Sample { values: values.to_vec() }
    }

    #[test]
    fn the_same_seeds_are_paired_and_others_are_not() {
        let a = sample(&[(1, 0.80), (2, 0.81), (3, 0.82)]);
        let b = sample(&[(1, 0.811), (2, 0.82), (3, 0.831)]);
        let (paired, by_seed) = difference([&a, &b]);
        assert!(by_seed && paired.is_some_and(|d| d.settled && d.value > 0.0));
        let other = sample(&[(1, 0.811), (2, 0.82), (4, 0.831)]);
        let (welch, by_seed) = difference([&a, &other]);
        assert!(!by_seed && welch.is_some_and(|d| !d.settled));
        assert_eq!(a.text(), "81.00% ± 1.00");
        assert_eq!(sample(&[(1, 0.5)]).text(), "50.00%");
        assert!(verdict(&[sample(&[(1, 0.5)]), sample(&[])], None, false).words.contains("at least two"));
    }
}
