//! Context of a study: its data sets, its seeds and its place in the store.

use std::fs;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_data::catalog::{self, GARMENTS};
use handloom_data::checksum;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_view::study::page::{Block, Page};
use handloom_view::study::sample::Trial;
use handloom_view::words::line;
use serde_json::{Map, Value};

use super::super::sweep::embedded::{EmbeddedSweep, SweepResult, carry_out};
use super::super::sweep::{minutes, whole, workers};
use super::super::{data_dirs, runs, text};
use crate::exit::Failure;
use crate::output::Output;
use crate::runs::Runs;
use crate::source::{self, Source};

/// The seeds that the files of studies list, as they stand there.
const SEEDS: &str = "[1, 2, 3, 4, 5]";
/// The data sets between which settings are carried over, as the file of that study has them.
const SETS: &str = "[fashion_mnist, mnist]";

/// A study's bench.
pub(super) struct StudyContext<'a> {
    pub(super) runs: Runs,
    pub(super) matches: &'a ArgMatches,
    pub(super) output: &'a Output,
    pub(super) source: Source,
    /// Its training images, and their checksum.
    pub(super) data: Dataset,
    data_sha256: String,
    /// The data set as configurations name it.
    dataset: String,
    /// The data set that settings are carried over to.
    to: String,
    pub(super) seeds: u64,
    seed: u64,
    pub(super) workers: u32,
}

impl<'a> StudyContext<'a> {
    /// As the flags say. The data set is looked for, or downloaded, now.
    pub(super) fn new(matches: &'a ArgMatches, output: &'a Output) -> Result<Self> {
        const MOST: u64 = 1000;
        let runs = runs(matches)?;
        runs.check()?;
        let dirs = data_dirs(matches);
        let typed = text(matches, "dataset");
        let source = match typed {
            Some(name) => source::fetch_or_locate(name, &dirs, output)?.into(),
            None => source::obtain_or_garments(&Config::default().dataset, &dirs, output)?,
        };
        let data = source.located.train()?;
        let is_built_in = source.located.path().is_none();
        let known = catalog::find(source.located.name()).is_some() || is_built_in;
        // A known set goes by its name, so that `fashion` and `fashion_mnist` are one study.
        let dataset = if known { source.located.name().into() } else { typed.unwrap_or_default().to_owned() };
        let seeds = whole(matches, "seeds")?.unwrap_or(5);
        if seeds > MOST {
            return Err(Failure::usage(format!("`--seeds {seeds}` are more than {MOST}")));
        }
        Ok(Self {
            runs,
            matches,
            output,
            source,
            data_sha256: checksum::of_dataset(&data),
            data,
            dataset,
            to: text(matches, "to").unwrap_or("mnist").to_owned(),
            seeds,
            seed: whole(matches, "seed")?.unwrap_or(1),
            workers: workers(matches)?,
        })
    }

    /// Minutes after which no run begins, if the user set an end.
    pub(super) fn minutes(&self) -> Result<Option<f64>> {
        minutes(self.matches)
    }

    /// The data set and the one that settings are carried over to.
    pub(super) fn sets(&self) -> [&str; 2] {
        [&self.dataset, &self.to]
    }

    /// Carries out the sweep of `file`, with the bench's seeds in the place of five.
    pub(super) fn sweep(&self, name: &str, file: &str, minutes: Option<f64>) -> Result<SweepResult> {
        let seeds: Vec<u64> = (1..=self.seeds).collect();
        let sets = serde_json::to_string(&self.sets())?;
        let text = file.replace(SEEDS, &serde_json::to_string(&seeds)?);
        let mut settings = Map::new();
        let mut data_sha256 = None;
        if text.contains(SETS) {
            if self.dataset == self.to {
                return Err(Failure::usage(format!(
                    "`{}` cannot be carried over to itself\nhint: `--to` names another data set",
                    self.to
                )));
            }
        } else {
            settings.insert("dataset".into(), Value::String(self.dataset.clone()));
            data_sha256 = Some(self.data_sha256.clone());
        }
        let (name, text) = (format!("study-{name}"), text.replace(SETS, &sets));
        let wanted = EmbeddedSweep { name, text, settings, data_sha256, seed: self.seed, minutes };
        carry_out(wanted, self.workers, &self.runs, self.matches, self.output)
    }

    /// The configuration of a run.
    pub(super) fn config(&self, trial: &Trial) -> Result<Config> {
        self.runs.of(trial.run.clone()).config()
    }

    /// The command that makes this study again.
    pub(super) fn command(&self, name: &str) -> String {
        let mut words = vec!["handloom".to_owned(), "study".into(), name.into(), "-d".into(), self.dataset.clone()];
        let defaults = [("to", "mnist"), ("seeds", "5"), ("seed", "1"), ("minutes", "")];
        for (flag, default) in defaults {
            if let Some(value) = text(self.matches, flag).filter(|value| *value != default) {
                words.extend([format!("--{flag}"), value.to_owned()]);
            }
        }
        line(&words)
    }

    /// The page, which says so if its data are not those that were to be had.
    pub(super) fn noted(&self, mut page: Page) -> Page {
        let why = match &self.source.fallback {
            Some(why) => format!("{why}. "),
            None if self.dataset == GARMENTS => String::new(),
            None => return page,
        };
        page.blocks.insert(0, Block::Words(format!(
            "{why}These are the figures of `{GARMENTS}`, a look-alike that Handloom draws itself, and not those of Fashion-MNIST: a demonstration."
        )));
        page
    }
}

/// Makes a folder, unless it is there.
pub(super) fn made(folder: &std::path::Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))
}
