//! `evaluate`: what a model makes of a test set, class by class, and how far the figures can be trusted.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_data::DataSource;
use handloom_engine::Machine;
use handloom_engine::dataset::Dataset;
use handloom_engine::loss::LossKind;
use handloom_engine::metric::{self, Class, Confusion, Errors};
use handloom_engine::model::Model;
use handloom_view::words::{count, grouped, times};
use serde_json::{Value, json};

use super::{data_dirs, finite, picture, readable_runs, reading, reading_flags, text};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, DIM, Output};
use crate::runs::{Run, Runs};
use crate::settings::{fraction, threads};
use crate::source::search::{Lost, Places, Sought};
use crate::table::{elided, percent};
use crate::{exit, source, test_set_log};

/// Most classes whose rows are all shown without `--all`.
const ROWS: usize = 10;
/// Widest name of a class in the table.
const NAME: usize = 20;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let least = text(matches, "min-accuracy").map(|text| fraction("min-accuracy", text)).transpose()?;
    let plot = picture(matches, "plot")?;
    let machine = Machine::new(threads(text(matches, "threads"))?);
    let name = text(matches, "model").unwrap_or("@last");
    let runs = readable_runs(matches, output)?;
    let (model, path, run) = match text(matches, "model-path") {
        Some(file) => (runs.file_model(Path::new(file))?, PathBuf::from(file), None),
        None => runs.model(name)?,
    };
    runs.tell_unchecked(output);
    finite(&model, &path)?;
    let located = data_of(matches, &model, &path, run.as_ref().map(|run| (run, &runs)), output)?;
    let test = located.test()?;
    fits(&model, &test, &located, text(matches, "dataset").is_some())?;
    if model.classes != test.classes {
        output.warn(format!(
            "the classes differ: `{}` knows {}, `{}` has {}",
            path.display(),
            named(&model.classes),
            located.name(),
            named(&test.classes)
        ));
    }

    let figures = Figures::new(&model, &test, &machine);
    let opening = test_set_log::opening(
        &path.display().to_string(),
        run.as_ref(),
        &located,
        &test,
        "evaluate",
        figures.accuracy(),
    );
    let openings = test_set_log::count(&runs, &opening, output);
    output.event(&figures.event(&path, run.as_ref(), &located, openings));
    figures.print(matches.get_flag("all"), output);
    if let Some(openings) = openings {
        output.line(format!("{DIM}This test set was opened {} in {}.{DIM:#}", times(openings), runs.at()));
    }
    let called = run.as_ref().map_or_else(|| path.display().to_string(), |run| run.record.id.clone());
    if let Some(file) = &plot {
        let title = format!("{called} on the test set of {}", located.name());
        handloom_view::confusion(&title, &model.classes, &figures.confusion.counts).save(file)?;
        output.note(format!("confusion matrix: {}", file.display()));
    }
    if openings.is_none()
        && let Err(gone @ handloom_store::Error::Removed { .. }) = runs.store.pulse()
    {
        return Err(anyhow::Error::from(gone).context("the test set was opened, and the opening is not counted"));
    }
    if let Some(least) = least
        && figures.accuracy() < least
    {
        let message = format!("the test accuracy is {:.4}, below {least} (`--min-accuracy`)", figures.accuracy());
        return Err(exit::Failure { exit: Exit::Check, message }.into());
    }
    let called = handloom_view::words::quoted(&called);
    let plots = format!("handloom evaluate {called} --plot confusion.png");
    let predicts = format!("handloom predict {called} IMAGE...");
    let next = [plots.as_str(), &predicts];
    output.next(if plot.is_some() { &next[1..] } else { &next });
    Ok(Exit::Done)
}

/// The data set that was named, or the one that trained the model; read as the model's training images were, unless
/// flags say otherwise.
fn data_of(
    matches: &ArgMatches,
    model: &Model,
    path: &Path,
    run: Option<(&Run, &Runs)>,
    output: &Output,
) -> Result<DataSource> {
    let data_dirs = data_dirs(matches);
    let flags = reading_flags(matches);
    let mut read = model.config.clone();
    read.extend(flags.clone());
    let reading = reading(&read)?;
    if let Some(name) = text(matches, "dataset") {
        return Ok(source::fetch_or_locate(name, &data_dirs, output)?.read_as(reading));
    }
    let Some(run) = run else {
        let name = model.config.get("dataset").and_then(Value::as_str).ok_or_else(|| {
            Failure::usage(format!(
                "`{}` does not say which data set trained it\nhint: name one with `-d`, such as `-d fashion_mnist`",
                path.display()
            ))
        })?;
        return Ok(source::fetch_or_locate(name, &data_dirs, output)?.read_as(reading));
    };
    let (run, runs) = run;
    let mut sought = Sought::of_run(&run.record);
    if !flags.is_empty() {
        (sought.reading, sought.are_rules_known) = (reading, true);
    }
    let found = sought.find(&Places::new(runs, data_dirs), false, Some(output)).map_err(|lost| match lost {
        Lost::Differs { .. } => Failure::data(format!(
            "{lost}\n  `-d FOLDER` evaluates on the test set of a folder whatever its training images are"
        )),
        lost => lost.into(),
    })?;
    if let Some(note) = found.note {
        output.note(format!("note: {note}"));
    }
    Ok(found.located)
}

fn fits(model: &Model, test: &Dataset, located: &DataSource, named: bool) -> Result<()> {
    let (inputs, pixels) = (model.network.inputs(), test.pixels());
    let (known, classes) = (model.network.classes(), test.classes.len());
    let message = if inputs != pixels {
        format!(
            "the model takes {} inputs, but `{}` has {} per image",
            grouped(inputs as u64),
            located.name(),
            grouped(pixels as u64)
        )
    } else if known != classes {
        format!("the model knows {known} classes, but `{}` has {classes}", located.name())
    } else {
        return Ok(());
    };
    let hint = format!("`handloom train -d {}` trains a model for it", located.name());
    let message = format!("{message}\nhint: {hint}, or name another data set with `-d`");
    Err(if named { Failure::usage(message) } else { Failure::data(message) })
}

fn named(classes: &[String]) -> String {
    elided(&classes.join(" "), 60)
}

/// Results of a model on a test set.
struct Figures {
    classes: Vec<String>,
    confusion: Confusion,
    /// Figures of each class.
    of: Vec<Class>,
    errors: Errors,
    loss: f64,
    interval: [f64; 2],
    calibration_error: Option<f64>,
}

impl Figures {
    fn new(model: &Model, test: &Dataset, machine: &Machine) -> Self {
        let classes = model.classes.len();
        let rows: Vec<u32> = (0..test.len() as u32).collect();
        let probabilities = model.network.predict(test, &rows, machine);
        let predicted = probabilities.chunks(classes).map(metric::first_maximum);
        let confusion = Confusion::new(classes, test.labels.iter().map(|&label| usize::from(label)).zip(predicted));
        let loss = model.config.get("loss").and_then(Value::as_str).unwrap_or("cross_entropy");
        let loss = LossKind::named(loss).or_else(|| LossKind::named("cross_entropy")).expect("is in the list");
        Self {
            of: (0..classes).map(|class| confusion.class(class)).collect(),
            errors: Errors::new(&probabilities, &test.labels, classes),
            loss: model.network.evaluate(test, &rows, &loss, machine).mean_loss(),
            interval: metric::wilson(confusion.correct(), confusion.total()),
            calibration_error: metric::calibration_error(&probabilities, &test.labels, classes),
            classes: model.classes.clone(),
            confusion,
        }
    }

    fn accuracy(&self) -> f64 {
        self.confusion.accuracy().unwrap_or(0.0)
    }

    fn event(&self, path: &Path, run: Option<&Run>, located: &DataSource, openings: Option<u64>) -> Value {
        let classes = self.classes.iter().zip(&self.of).map(|(name, class)| {
            json!({
                "name": name, "precision": class.precision, "recall": class.recall, "f1": class.f1,
                "support": class.support,
            })
        });
        let pairs = self.confusion.pairs().into_iter().map(|pair| {
            json!({
                "true": self.classes[pair.truth], "predicted": self.classes[pair.predicted],
                "count": pair.count, "reverse": pair.reverse,
            })
        });
        json!({
            "v": 1,
            "event": "evaluate",
            "model": path.display().to_string(),
            "run": run.map(|run| &run.record.id),
            "dataset": located.name(),
            "images": self.confusion.total(),
            "openings": openings,
            "test_accuracy": self.confusion.accuracy(),
            "interval": self.interval,
            "test_loss": self.loss,
            "calibration_error": self.calibration_error,
            "errors": self.errors.count,
            "three_largest_pairs": self.confusion.three_largest(),
            "true_second": self.errors.true_second,
            "over_95_sure": self.errors.sure,
            "classes": classes.collect::<Vec<_>>(),
            "confusion": self.confusion.counts,
            "pairs": pairs.collect::<Vec<_>>(),
        })
    }

    fn print(&self, all: bool, output: &Output) {
        let [low, high] = self.interval.map(|bound| bound * 100.0);
        output.result(format!(
            "{BOLD}test {:.1}%{BOLD:#}  [{low:.1}, {high:.1}]   loss {:.3}   calibration error {}   {}",
            self.accuracy() * 100.0,
            self.loss,
            self.calibration_error.map_or_else(|| "-".into(), |error| format!("{error:.3}")),
            count(self.confusion.total(), "image", "images"),
        ));
        let mut order: Vec<usize> = (0..self.classes.len()).collect();
        // Undefined figures go last: there is nothing to be hard about.
        let hardness = |class: usize| self.of[class].f1.unwrap_or(2.0);
        order.sort_by(|&a, &b| hardness(a).total_cmp(&hardness(b)));
        let shown = if all { order.len() } else { order.len().min(ROWS) };
        let mut rows = vec![["", "precision", "recall", "F1", "n", " most often taken for"].map(String::from)];
        rows.extend(order[..shown].iter().map(|&class| {
            let of = self.of[class];
            [
                elided(&self.classes[class], NAME),
                percent(of.precision),
                percent(of.recall),
                percent(of.f1),
                grouped(of.support),
                format!(" {}", self.taken_for(class)),
            ]
        }));
        output.table(&rows);
        if shown < order.len() {
            output.result(format!("  ... {} more (--all)", order.len() - shown));
        }
        output.result(self.sentence());
    }

    /// The two classes that a class is most often taken for.
    fn taken_for(&self, class: usize) -> String {
        let short = |class: usize| elided(&self.classes[class], 14);
        let pairs: Vec<_> = self.confusion.pairs().into_iter().filter(|pair| pair.truth == class).take(2).collect();
        let named = pairs.iter().map(|pair| {
            let name = short(pair.predicted);
            // `7: 4` and not `7 4`, which would be two numbers.
            let colon = if name.ends_with(|last: char| last.is_ascii_digit()) { ":" } else { "" };
            format!("{name}{colon} {}", grouped(pair.count))
        });
        let mut text = named.collect::<Vec<_>>().join(" · ");
        if let Some(pair) = pairs.first().filter(|pair| pair.is_one_way() && self.is_frequent(pair.count)) {
            text = format!("{text} ◀ one-way: {} back", grouped(pair.reverse));
        }
        text
    }

    /// True if this many mistakes are worth a remark: at least a twentieth of all.
    fn is_frequent(&self, mistakes: u64) -> bool {
        mistakes * 20 >= self.errors.count
    }

    fn sentence(&self) -> String {
        let Errors { count: errors, true_second, sure } = self.errors;
        let Some(three) = self.confusion.three_largest() else { return "No errors.".into() };
        let pairs =
            self.confusion.pairs().iter().filter(|pair| pair.reverse == 0 || pair.truth < pair.predicted).count();
        let largest = if pairs > 3 {
            format!("{} of the {} are three pairs.", percent(Some(three)), count(errors, "error", "errors"))
        } else {
            format!("{}.", count(errors, "error", "errors"))
        };
        format!(
            "{largest} In {} the true class came second. {} over 95% sure.",
            percent(Some(true_second as f64 / errors as f64)),
            count(sure, "was", "were")
        )
    }
}
