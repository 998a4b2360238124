//! `verify`: trains what a report shows again, and says whether the same comes out.
//!
//! The report is somebody else's file: only the element that says how it was made is read, and the store is left alone.
//! The test set stays closed.

use std::fs::File;
use std::io::Read as _;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_data::checksum;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::{Event, Observer, Outcome};
use handloom_engine::session::Session;
use handloom_engine::{Isa, Machine};
use handloom_view::site::report::{Made, Provenance};
use indicatif::ProgressStyle;
use serde_json::{Value, json};

use super::{data_dirs, text};
use crate::exit::{Exit, Failure};
use crate::fields::share;
use crate::interrupt::Interrupt;
use crate::output::{BAD, GOOD, Output};
use crate::progress::bar;
use crate::runs::Status;
use crate::settings::threads;
use crate::source;
use crate::table::one_line;
use crate::training::{Training, begin, fits};

/// Longest file that is read: one byte more is one too many.
const MOST_BYTES: u64 = (64 << 20) + 1;
/// Accuracies that differ by no more than this agree, on another processor or by another version.
const AGREES: f64 = 0.005;

/// What came of training a run again.
struct Found {
    weights_sha256: String,
    val_accuracy: Option<f64>,
}

/// Whether a report says the truth of a run.
#[derive(Debug, PartialEq)]
struct Judgment {
    holds: bool,
    /// `weights` or `accuracy`: what was compared.
    checked: &'static str,
    words: String,
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let file = PathBuf::from(text(matches, "file").unwrap_or_default());
    let machine = Machine::new(threads(text(matches, "threads"))?);
    let provenance = read(&file)?;
    let wanted = wanted(&provenance, text(matches, "run"), matches.get_flag("all"), &file)?;
    let interrupt = Interrupt::listen()?;
    let data_dirs = data_dirs(matches);
    let mut loaded: Option<((String, String), Dataset)> = None;
    let mut holds = true;
    for made in wanted {
        let config = config(made)?;
        let key = (made.dataset.clone(), made.data_sha256.clone());
        if loaded.as_ref().is_none_or(|(known, _)| *known != key) {
            loaded = Some((key, data(made, &config, &data_dirs, output)?));
        }
        let data = &loaded.as_ref().expect("was just loaded").1;
        let Some(found) = again(made, &config, data, &machine, &interrupt, output)? else {
            return Ok(interrupt.exit().unwrap_or(Exit::Failed));
        };
        let judgment = judgment(made, &found, (env!("CARGO_PKG_VERSION"), machine.isa().name()));
        output.event(&event(made, &found, &judgment));
        let style = if judgment.holds { GOOD } else { BAD };
        let called = format!("{}  {}", one_line(&made.id), one_line(&made.name));
        output.result(format!("{style}{}{style:#}  {called}: {}", mark(&judgment), judgment.words));
        holds &= judgment.holds;
    }
    Ok(if holds { Exit::Done } else { Exit::Check })
}

fn mark(judgment: &Judgment) -> &'static str {
    if judgment.holds { "verified" } else { "DIFFERS" }
}

fn read(file: &Path) -> Result<Provenance> {
    let at = || format!("reading `{}`", file.display());
    let missing = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::data(format!("there is no file `{}`\nhint: `handloom report` writes one", file.display()))
        }
        _ => anyhow::Error::from(error).context(at()),
    };
    let mut bytes = Vec::new();
    File::open(file).map_err(missing)?.take(MOST_BYTES).read_to_end(&mut bytes).with_context(at)?;
    Provenance::read(&bytes).map_err(|error| {
        let hint = "`handloom report` writes files that can be verified";
        Failure::data(format!("`{}` is not a report that can be verified: {error}\nhint: {hint}", file.display()))
    })
}

/// The runs to train again: the one that was named, or every run on its own and the best trial of each sweep.
fn wanted<'p>(provenance: &'p Provenance, name: Option<&str>, all: bool, file: &Path) -> Result<Vec<&'p Made>> {
    let runs = || provenance.runs.iter();
    if let Some(name) = name {
        let exact = runs().find(|made| made.id == name);
        let like: Vec<&Made> = match exact {
            Some(made) => vec![made],
            None => runs().filter(|made| made.id.starts_with(name) || made.name.contains(name)).collect(),
        };
        return match like[..] {
            [made] => can_be(made).map(|()| vec![made]),
            [] => Err(Failure::usage(format!("there is no run `{name}` in `{}`{}", file.display(), known(provenance)))),
            _ => Err(Failure::usage(format!("`{name}` may be any of {} runs{}", like.len(), known(provenance)))),
        };
    }
    let wins = |made: &Made| provenance.sweeps.iter().any(|sweep| sweep.winner.as_deref() == Some(&made.id));
    let wanted: Vec<&Made> = runs()
        .filter(|made| all || made.sweep.is_none() || wins(made) || provenance.sweeps.is_empty())
        .filter(|made| can_be(made).is_ok())
        .collect();
    if wanted.is_empty() {
        return Err(Failure::data(format!(
            "no run in `{}` was trained to its end, so that none can be verified",
            file.display()
        )));
    }
    Ok(wanted)
}

/// Fails for a run that was not trained to its end: training it again ends elsewhere.
fn can_be(made: &Made) -> Result<()> {
    if made.status == Status::Finished && made.weights_sha256.is_some() {
        return Ok(());
    }
    Err(Failure::data(format!(
        "run `{}` ({}) was not trained to its end, so that it cannot be verified",
        one_line(&made.id),
        made.status
    )))
}

fn known(provenance: &Provenance) -> String {
    let lines = provenance.runs.iter().take(10);
    let lines: Vec<String> = lines.map(|made| format!("  {}  {}", one_line(&made.id), one_line(&made.name))).collect();
    format!("\nhint: it has\n{}", lines.join("\n"))
}

fn config(made: &Made) -> Result<Config> {
    let mut config = Config::default();
    config.merge(&made.config).map_err(|error| {
        Failure::data(format!("the settings of run `{}` are not understood: {error}", one_line(&made.id)))
    })?;
    // What counts is the seed that stands in the report, whatever its settings say.
    if config.seed != made.seed {
        return Err(Failure::data(format!(
            "run `{}` has two seeds, {} and {}",
            one_line(&made.id),
            config.seed,
            made.seed
        )));
    }
    Ok(config)
}

/// The training images, if they are those that the run was trained on.
fn data(made: &Made, config: &Config, data_dirs: &[PathBuf], output: &Output) -> Result<Dataset> {
    let known = handloom_data::locate(&made.dataset, data_dirs).is_ok();
    let name = if known { &made.dataset } else { &config.dataset };
    // A name that is not known here is a lack of data, not a mistake in the command.
    let located = source::obtain(name, data_dirs, output).map_err(|error| Failure::data(error.to_string()))?;
    let data = located.train()?;
    let found = checksum::of_dataset(&data);
    if found == made.data_sha256 {
        return Ok(data);
    }
    Err(Failure::data(format!(
        "`{located}` is not the data that run `{}` was trained on: SHA-256 {found}, expected {}\nhint: name the folder with the same data by `--data-dir`",
        one_line(&made.id),
        one_line(&made.data_sha256)
    )))
}

/// Trains a run again; none if that was interrupted.
fn again(
    made: &Made,
    config: &Config,
    data: &Dataset,
    machine: &Machine,
    interrupt: &Interrupt,
    output: &Output,
) -> Result<Option<Found>> {
    let (train, val) = data.split(config.val_fraction);
    fits(config, data, (train.len(), val.len()))?;
    let session = Session::new(config, &begin(config, data)?);
    let bar = bar(output, config.epochs);
    let style = ProgressStyle::with_template("{msg}  {bar:24.cyan/dim}  epoch {pos} of {len}  {eta}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.set_message(one_line(&made.id));
    output.note(format!(
        "training {} again, {} epochs on {}",
        one_line(&made.id),
        config.epochs,
        one_line(&made.dataset)
    ));
    let watch = |event: &Event<'_>| {
        if let Event::Epoch { row, .. } = event {
            bar.set_position(row.epoch);
        }
        ControlFlow::Continue(())
    };
    let observers: Vec<Box<dyn Observer + '_>> = vec![Box::new(watch), Box::new(interrupt.clone())];
    let done = Training { config, data, session, machine }.alone(observers);
    bar.finish_and_clear();
    let trained = done.trained;
    if matches!(trained.outcome, Outcome::Stopped(_)) {
        return Ok(None);
    }
    let val_accuracy = trained.rows.iter().find(|row| row.epoch == trained.epoch).and_then(|row| row.val_accuracy);
    Ok(Some(Found { weights_sha256: trained.network.weights_sha256(), val_accuracy }))
}

/// Compares what was found by `here`, a version and an instruction set, with what the report says.
fn judgment(made: &Made, found: &Found, here: (&str, &str)) -> Judgment {
    if made.weights_sha256.as_deref() == Some(&found.weights_sha256) {
        return match (made.val_accuracy, found.val_accuracy) {
            // The accuracy that is shown must be that of the weights.
            (Some(told), Some(is)) if (told - is).abs() > 1e-9 => Judgment {
                holds: false,
                checked: "weights",
                words: format!("the same weights, but their validation accuracy is {}, not {}", share(is), share(told)),
            },
            (_, is) => Judgment {
                holds: true,
                checked: "weights",
                words: format!("the same weights, bit for bit{}", accuracy(is)),
            },
        };
    }
    if (made.version.as_str(), made.isa.as_str()) == here {
        let words = format!(
            "other weights, though it was trained by the same version on the same instruction set ({} {})",
            here.0, here.1
        );
        return Judgment { holds: false, checked: "weights", words };
    }
    let place = format!(
        "bits could not be compared: it was trained by {} on {}, this is {} on {}",
        one_line(&made.version),
        one_line(&made.isa),
        here.0,
        here.1
    );
    let (Some(told), Some(is)) = (made.val_accuracy, found.val_accuracy) else {
        let words = format!("without validation images no accuracy could be compared; {place}");
        return Judgment { holds: false, checked: "accuracy", words };
    };
    let (told_text, is_text) = (share(told), share(is));
    // Of floating-point numbers, half a point is a little more or less.
    if (told - is).abs() <= AGREES + 1e-12 {
        let words = format!("the same accuracy within 0.5 points ({is_text}, reported {told_text}); {place}");
        return Judgment { holds: true, checked: "accuracy", words };
    }
    Judgment {
        holds: false,
        checked: "accuracy",
        words: format!("validation accuracy {is_text}, reported {told_text}; {place}"),
    }
}

fn accuracy(accuracy: Option<f64>) -> String {
    accuracy.map_or_else(String::new, |accuracy| format!(", validation accuracy {}", share(accuracy)))
}

fn event(made: &Made, found: &Found, judgment: &Judgment) -> Value {
    json!({
        "v": 1, "event": "verify", "run": made.id, "name": made.name, "holds": judgment.holds,
        "checked": judgment.checked, "weights_sha256": found.weights_sha256,
        "reported_weights_sha256": made.weights_sha256, "val_accuracy": found.val_accuracy,
        "reported_val_accuracy": made.val_accuracy, "version": env!("CARGO_PKG_VERSION"), "isa": Isa::best().name(),
        "reported_version": made.version, "reported_isa": made.isa, "verdict": judgment.words,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(isa: &str, weights: &str, val_accuracy: f64) -> Made {
        Made {
            id: "a".into(),
            status: Status::Finished,
            version: "1".into(),
            isa: isa.into(),
            weights_sha256: Some(weights.into()),
            val_accuracy: Some(val_accuracy),
            ..Made::default()
        }
    }

    #[test]
    fn bits_count_where_they_can_and_half_a_point_elsewhere() {
        let found = Found { weights_sha256: "w".into(), val_accuracy: Some(0.88) };
        let of = |made: &Made| {
            let Judgment { holds, checked, .. } = judgment(made, &found, ("1", "avx2"));
            (holds, checked)
        };
        assert_eq!(of(&made("avx2", "w", 0.88)), (true, "weights"));
        // An accuracy that is not that of the weights is a lie.
        assert_eq!(of(&made("avx2", "w", 0.98)), (false, "weights"));
        assert_eq!(of(&made("avx2", "x", 0.88)), (false, "weights"));
        assert_eq!(of(&made("neon", "w", 0.88)), (true, "weights"));
        assert_eq!(of(&made("neon", "x", 0.885)), (true, "accuracy"));
        assert_eq!(of(&made("neon", "x", 0.8851)), (false, "accuracy"));
        let unknown = Made { val_accuracy: None, ..made("neon", "x", 0.0) };
        assert_eq!(of(&unknown), (false, "accuracy"));
    }

    #[test]
    fn runs_on_their_own_and_the_best_trials_are_trained_again() {
        let trial =
            |id: &str, sweep: Option<&str>| Made { id: id.into(), sweep: sweep.map(Into::into), ..made("", "w", 0.5) };
        let mut provenance = Provenance {
            v: 1,
            version: String::new(),
            isa: String::new(),
            git_commit: None,
            runs: vec![trial("alone", None), trial("t1", Some("s")), trial("t2", Some("s"))],
            sweeps: vec![handloom_view::site::report::Searched { winner: Some("t2".into()), ..Default::default() }],
        };
        let ids = |provenance: &Provenance, name: Option<&str>, all: bool| -> Vec<String> {
            let wanted = wanted(provenance, name, all, Path::new("x")).unwrap();
            wanted.into_iter().map(|made| made.id.clone()).collect()
        };
        assert_eq!(ids(&provenance, None, false), ["alone", "t2"]);
        assert_eq!(ids(&provenance, None, true), ["alone", "t1", "t2"]);
        assert_eq!(ids(&provenance, Some("t1"), false), ["t1"]);
        assert!(wanted(&provenance, Some("t"), false, Path::new("x")).is_err());
        provenance.runs[0].status = Status::Stopped;
        assert_eq!(ids(&provenance, None, false), ["t2"]);
        assert!(wanted(&provenance, Some("alone"), false, Path::new("x")).is_err());
    }
}
