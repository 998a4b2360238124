//! `verify`: trains what a report shows again, makes the report anew from that, and says whether the same comes out.
//!
//! The report is somebody else's file: it names no file of ours, and what it says is compared, never believed. Pages are
//! made by the code that `report` uses, with nothing taken from the file but the words of its author and times. The store
//! is left alone, but for its count of openings of test sets: one is opened where the report shows figures about it.

mod again;
mod data;
mod file;
mod found;
mod host;
mod tell;
mod verdict;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Result;
use clap::ArgMatches;
use handloom_engine::config::Config;
use handloom_engine::{Machine, Numerics};
use handloom_view::site::report::{Comparison, Made, Provenance};

use self::again::{Ended, RetrainContext};
use self::data::DataSets;
use self::file::Read;
use self::found::{Found, Tests};
use self::verdict::{Outcome, verdict};
use super::{data_dirs, text};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::runs::Status;
use crate::settings::threads;
use crate::table::one_line;

/// Reason given for runs that were not chosen to be trained again.
const NOT_ASKED: &str = "not trained again";

/// A run that is not trained again, and why.
struct Unchecked<'p> {
    made: &'p Made,
    why: String,
}

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let path = PathBuf::from(text(matches, "file").unwrap_or_default());
    let machine = Machine::new(threads(text(matches, "threads"))?);
    let minutes = text(matches, "minutes").map(minutes).transpose()?;
    let deadline = minutes.and_then(|minutes| Instant::now().checked_add(minutes));
    let file = file::read(&path)?;
    let provenance = file.provenance();
    let init_from = text(matches, "init-from");
    let (wanted, mut unchecked) = wanted(provenance, text(matches, "run"), matches.get_flag("all"), init_from, &path)?;
    let interrupt = Interrupt::listen()?;
    let mut data = DataSets::new(data_dirs(matches), output);
    let bench = RetrainContext { machine: &machine, interrupt: &interrupt, output, deadline };
    let here = Numerics::of(machine.isa());
    let mut tests = Tests { path: &path, matches, output, machine: &machine };
    let mut found = Found::new(provenance);
    for made in wanted {
        let mut config = config(made)?;
        if let Some(path) = init_from.filter(|_| config.init_from.is_some()) {
            config.init_from = Some(path.into());
        }
        let loaded = data.of(made)?;
        let retrained = match bench.train(made, &config, &loaded.train)? {
            Ended::Retrained(retrained) => retrained,
            Ended::OutOfTime => {
                let why = "the time was up before it was trained again".into();
                unchecked.push(Unchecked { made, why });
                continue;
            }
            Ended::Interrupted(exit) => return Ok(exit),
        };
        let tested = if made.is_tested() { tests.of(made, &config, &retrained, loaded) } else { None };
        let again = found::of_run(made, &retrained, tested.as_ref());
        let verdict = verdict(made, &again, &here);
        tell::run(made, &again, &verdict, matches!(file, Read::Old(_)), output);
        found.add(made, again, *retrained, verdict, tested.is_some());
    }
    let comparison = match &file {
        Read::Whole(file) => {
            let (again, host) = found.assemble(&mut data);
            let mut comparison = file.compare(again, Box::new(host)).map_err(|trouble| {
                Failure::data(format!("the pages of `{}` cannot be made again: {trouble}", path.display()))
            })?;
            found.compare_choices(provenance, &mut comparison);
            comparison
        }
        Read::Old(_) => Comparison::default(),
    };
    let outcome = outcome(&found, &comparison, &file);
    let allow = matches.get_flag("allow-accuracy");
    tell::all(
        &tell::Told { provenance, found: &found, unchecked: &unchecked, comparison: &comparison, outcome, file: &file },
        output,
    );
    Ok(match outcome {
        Outcome::Verified => Exit::Done,
        Outcome::Unsure if allow && !found.verdicts.is_empty() => Exit::Done,
        Outcome::Unsure | Outcome::Differs => Exit::Check,
    })
}

/// A limit of time.
fn minutes(text: &str) -> Result<Duration> {
    let wrong = || Failure::usage(format!("`--minutes {text}` is no number above 0\nhint: such as `--minutes 10`"));
    let minutes: f64 = text.parse().map_err(|_| wrong())?;
    Duration::try_from_secs_f64(60.0 * minutes).ok().filter(|limit| !limit.is_zero()).ok_or_else(wrong)
}

/// Outcome of the whole check. Facts of training must agree whoever made the pages; pages made by another build may
/// differ legitimately.
fn outcome(found: &Found, comparison: &Comparison, file: &Read) -> Outcome {
    let worst = found.verdicts.iter().map(|(_, verdict)| verdict.outcome).max();
    let pages = match (comparison.count, &comparison.other_build, file) {
        (0, _, Read::Whole(_)) => Outcome::Verified,
        (_, Some(_), _) if !comparison.differences.iter().any(|one| one.place.starts_with("provenance ")) => {
            Outcome::Unsure
        }
        (0, _, Read::Old(_)) => Outcome::Unsure,
        _ => Outcome::Differs,
    };
    // Nothing that was trained again proves nothing.
    worst.map_or(Outcome::Unsure, |worst| worst.max(pages))
}

/// The runs to train again: the one that was named, or every run on its own and the best trial of each sweep; and the
/// others.
fn wanted<'p>(
    provenance: &'p Provenance,
    name: Option<&str>,
    all: bool,
    init_from: Option<&str>,
    file: &Path,
) -> Result<(Vec<&'p Made>, Vec<Unchecked<'p>>)> {
    let named = name.map(|name| named(provenance, name, file)).transpose()?;
    let wins = |made: &Made| provenance.sweeps.iter().any(|sweep| sweep.winner.as_deref() == Some(&made.id));
    let chosen = |made: &Made| provenance.chosen.runs.contains(&made.id);
    let trials: BTreeSet<&str> = tell::trials(provenance).map(|(_, run)| run).collect();
    let is_alone = |made: &Made| made.sweep.is_none() && !trials.contains(made.id.as_str());
    let (mut wanted, mut unchecked) = (Vec::new(), Vec::new());
    for made in &provenance.runs {
        let is_wanted = match named {
            Some(named) => named.id == made.id,
            None => all || is_alone(made) || wins(made) || chosen(made) || provenance.sweeps.is_empty(),
        };
        match cannot_be(made, init_from) {
            Some(why) if named.is_some_and(|named| named.id == made.id) => {
                return Err(Failure::data(format!("run `{}` cannot be verified: {why}", one_line(&made.id))));
            }
            Some(why) => unchecked.push(Unchecked { made, why }),
            None if is_wanted => wanted.push(made),
            None => unchecked.push(Unchecked { made, why: NOT_ASKED.into() }),
        }
    }
    if wanted.is_empty() {
        let why = unchecked.first().map(|one| format!(": {}", one.why)).unwrap_or_default();
        return Err(Failure::data(format!("no run in `{}` can be trained again{why}", file.display())));
    }
    Ok((wanted, unchecked))
}

/// The run that `name` means.
fn named<'p>(provenance: &'p Provenance, name: &str, file: &Path) -> Result<&'p Made> {
    if let Some(made) = provenance.run(name) {
        return Ok(made);
    }
    let like = |made: &&Made| made.id.starts_with(name) || made.name.contains(name);
    match provenance.runs.iter().filter(like).collect::<Vec<_>>()[..] {
        [made] => Ok(made),
        [] => Err(Failure::usage(format!("there is no run `{name}` in `{}`{}", file.display(), known(provenance)))),
        ref several => {
            Err(Failure::usage(format!("`{name}` may be any of {} runs{}", several.len(), known(provenance))))
        }
    }
}

/// Reason why a run cannot be trained again, if there is one.
fn cannot_be(made: &Made, init_from: Option<&str>) -> Option<String> {
    let ended = matches!(made.status, Status::Finished | Status::Diverged | Status::Stopped | Status::Pruned);
    if !ended || made.weights_sha256.is_none() {
        return Some(format!("{} runs are not trained again", made.status));
    }
    let begins = made.config.get("init_from").is_some_and(|path| !path.is_null());
    if begins && init_from.is_none() {
        let hint = "name that file by `--init-from FILE`";
        return Some(format!("began with the weights of a file, and a report opens none\nhint: {hint}"));
    }
    None
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
    // The seed that the report states must be the seed of its settings.
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

/// Ids of runs.
type Ids = BTreeSet<String>;

#[cfg(test)]
mod tests {
    use handloom_view::site::report::Searched;

    use super::*;

    fn made(id: &str, sweep: Option<&str>) -> Made {
        let weights_sha256 = Some("w".into());
        Made {
            id: id.into(),
            sweep: sweep.map(Into::into),
            status: Status::Finished,
            weights_sha256,
            ..Made::default()
        }
    }

    #[test]
    fn runs_on_their_own_and_the_best_trials_are_trained_again() {
        let sweep = Searched { winner: Some("t2".into()), ..Searched::default() };
        let runs = vec![made("alone", None), made("t1", Some("s")), made("t2", Some("s"))];
        let mut provenance = Provenance { runs, sweeps: vec![sweep], ..Provenance::default() };
        let ids = |provenance: &Provenance, name: Option<&str>, all: bool| -> Vec<String> {
            let (wanted, unchecked) = wanted(provenance, name, all, None, Path::new("x")).unwrap();
            assert_eq!(wanted.len() + unchecked.len(), provenance.runs.len());
            wanted.into_iter().map(|made| made.id.clone()).collect()
        };
        assert_eq!(ids(&provenance, None, false), ["alone", "t2"]);
        assert_eq!(ids(&provenance, None, true), ["alone", "t1", "t2"]);
        assert_eq!(ids(&provenance, Some("t1"), false), ["t1"]);
        assert!(wanted(&provenance, Some("t"), false, None, Path::new("x")).is_err());
        for status in [Status::Stopped, Status::Diverged, Status::Pruned] {
            provenance.runs[0].status = status;
            assert_eq!(ids(&provenance, None, false), ["alone", "t2"], "{status}");
        }
        for status in [Status::Killed, Status::Running, Status::Failed] {
            provenance.runs[0].status = status;
            assert_eq!(ids(&provenance, None, false), ["t2"], "{status}");
            assert!(wanted(&provenance, Some("alone"), false, None, Path::new("x")).is_err());
        }
    }

    #[test]
    fn a_file_that_a_run_began_with_is_opened_only_if_the_command_names_it() {
        let mut run = made("a", None);
        run.config.insert("init_from".into(), "/etc/passwd".into());
        let provenance = Provenance { runs: vec![run], ..Provenance::default() };
        let error = wanted(&provenance, None, false, None, Path::new("x")).err().unwrap().to_string();
        assert!(error.contains("hint: name that file by `--init-from FILE`"), "{error}");
        assert_eq!(wanted(&provenance, None, false, Some("m"), Path::new("x")).unwrap().0.len(), 1);
    }

    #[test]
    fn a_limit_of_time_is_a_number_above_nothing() {
        assert_eq!(minutes("0.5").unwrap(), Duration::from_secs(30));
        for text in ["0", "-1", "x", "NaN", "inf", "1e300"] {
            minutes(text).unwrap_err();
        }
    }
}
