//! The figures and the picture of `docs/search.md`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use handloom_sweep::pruner::Hyperband;
use handloom_view::{Band, Chart, Scale, bands};

use crate::replay::{Course, Field, Mean, Search};
use crate::table::Row;

/// Trials of each search.
const TRIALS: usize = 100;
/// Numbers of trials for which the tables have columns.
const AFTER_TRIALS: [usize; 5] = [10, 20, 40, 70, 100];
const AFTER_EPOCHS: [usize; 5] = [75, 150, 225, 300, 500];
/// The compute of the picture ends here, and is drawn so many epochs apart.
const MOST_EPOCHS: usize = 500;
const APART: usize = 10;
/// First trial of the lines in the picture: before, luck decides.
const BEGIN: usize = 5;

/// Searches the table with every method and writes what comes out.
pub(crate) fn write(docs: &Path, rows: &[Row], seeds: u64) -> Result<(), Box<dyn Error>> {
    let field = Field::new(rows);
    let hyperband = Hyperband { bands: Hyperband::rising(2, 3.0), eta: 3.0, strict: true };
    let courses = |search| (0..seeds).map(|seed| field.search(search, &hyperband, TRIALS, seed)).collect();
    let found: Vec<(Search, Vec<Course>)> = Search::ALL.into_iter().map(|search| (search, courses(search))).collect();
    let by_trial = |course: &Course| course.by_trial.clone();
    let by_epoch = |course: &Course| course.by_epoch.clone();
    let trials: Vec<_> = (BEGIN..=TRIALS).collect();
    let epochs: Vec<_> = (BEGIN * APART..=MOST_EPOCHS).step_by(APART).collect();
    let chart = |name: &str, of: &dyn Fn(&Course) -> Vec<f64>, at: &[usize]| Chart {
        heading: "still missed, percentage points".into(),
        x: name.into(),
        scale: Scale::Log,
        bands: found.iter().map(|(search, courses)| line(*search, courses, of, at)).collect(),
    };
    let charts = [chart("trials", &by_trial, &trials), chart("epochs trained", &by_epoch, &epochs)];
    let (key, picture) = ("mean of all searches, and its 95 % interval", docs.join("regret/regret.svg"));
    bands("What a search still misses", caption(&charts[0].bands), key, &charts).save(&picture)?;

    let mut text = format!(
        "{} trainings, {} configurations; the best has {:.2} % validation accuracy. {seeds} searches of each method, {TRIALS} trials each.\n",
        rows.len(),
        field.len(),
        -100.0 * field.best
    );
    for (name, of, at) in [
        ("trials", &by_trial as &dyn Fn(&Course) -> Vec<f64>, AFTER_TRIALS),
        ("epochs trained", &by_epoch, AFTER_EPOCHS),
    ] {
        write!(
            text,
            "\n| points missed after ... {name} | {} |\n|---|{}\n",
            at.map(|n| n.to_string()).join(" | "),
            "--:|".repeat(at.len())
        )?;
        for (search, courses) in &found {
            let cell = |n: &usize| {
                let Mean { value, interval: [low, high] } = mean(courses, of, *n);
                format!("{value:.2} ({low:.2} to {high:.2})")
            };
            writeln!(text, "| {} | {} |", search.name(), at.iter().map(cell).collect::<Vec<_>>().join(" | "))?;
        }
    }
    text += "\n| method | epochs trained in a search | better than random at the end |\n|---|--:|--:|\n";
    for (search, courses) in &found {
        let epochs = courses.iter().map(|course| course.epochs).sum::<usize>() / courses.len();
        let wins = courses.iter().zip(&found[0].1).filter(|(own, random)| last(own) < last(random)).count();
        let wins = if *search == Search::Random { "–".into() } else { format!("{wins} of {seeds}") };
        writeln!(text, "| {} | {epochs} | {wins} |", search.name())?;
    }
    fs::write(docs.join("regret/summary.csv"), summary(&found))?;
    put(docs, "replay", &text)
}

/// The first table for programs: the study of the assignment has it in it.
fn summary(found: &[(Search, Vec<Course>)]) -> String {
    let mut text = String::from("points missed after ... runs");
    text.extend(AFTER_TRIALS.iter().map(|n| format!(",{n}")));
    for (search, courses) in found {
        write!(text, "\n{}", search.name()).expect("a string takes all");
        for n in AFTER_TRIALS {
            let Mean { value, interval: [low, high] } = mean(courses, &|course| course.by_trial.clone(), n);
            write!(text, ",{value:.2} ({low:.2} to {high:.2})").expect("a string takes all");
        }
    }
    text + "\n"
}

/// Puts `text` into its place in `docs/search.md`.
pub(crate) fn put(docs: &Path, place: &str, text: &str) -> Result<(), Box<dyn Error>> {
    let page = docs.join("search.md");
    let old = fs::read_to_string(&page)?;
    let [begin, end] = ["", "/"].map(|slash| format!("<!-- {slash}{place} -->"));
    let parts = old.split_once(&begin).and_then(|(before, rest)| Some((before, rest.split_once(&end)?.1)));
    let (before, after) = parts.ok_or_else(|| format!("docs/search.md has no `{begin}` and `{end}`"))?;
    Ok(fs::write(&page, format!("{before}{begin}\n{text}{end}{after}"))?)
}

fn last(course: &Course) -> f64 {
    course.by_trial.last().copied().unwrap_or(f64::INFINITY)
}

/// Mean regret of `courses` in percentage points after `n` trials or epochs; a search that has ended stays where it is.
fn mean(courses: &[Course], of: &dyn Fn(&Course) -> Vec<f64>, n: usize) -> Mean {
    let at = |course: &Course| {
        let regret = of(course);
        100.0 * regret[n.min(regret.len()) - 1]
    };
    Mean::of(&courses.iter().map(at).collect::<Vec<_>>())
}

fn caption(searches: &[Band]) -> String {
    let said = searches.iter().filter_map(|band| Some(format!("{} {:.2}", band.label, band.points.last()?[1])));
    format!("points still missed after {TRIALS} trials: {}", said.collect::<Vec<_>>().join("; "))
}

fn line(search: Search, courses: &[Course], of: &dyn Fn(&Course) -> Vec<f64>, at: &[usize]) -> Band {
    let point = |&n: &usize| {
        let Mean { value, interval: [low, high] } = mean(courses, of, n);
        [n as f64, value, low, high]
    };
    Band { label: search.name().into(), points: at.iter().map(point).collect() }
}
