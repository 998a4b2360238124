//! The data sets of a sweep: read once, before the first trial, and shared by all.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::slice;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use handloom_data::{Reading, catalog, checksum};
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_store::Sweep;
use handloom_sweep::spec::{Metric, VALIDATION_HINT};
use handloom_view::words::count;
use serde_json::Value;

use crate::commands::reading;
use crate::exit::Failure;
use crate::output::Output;
use crate::runs::{Record, Runs};
use crate::settings::path;
use crate::source::search::{Places, Sought};
use crate::source::{self, Source};

/// A data set in memory.
pub(super) struct Loaded {
    pub(super) source: Source,
    pub(super) train: Dataset,
    /// SHA-256 of images and labels.
    pub(super) sha256: String,
    /// Remarks about the images, for the user.
    pub(super) notes: Vec<String>,
    /// Images for training and for validation, by the bits of the share that is kept.
    splits: Mutex<HashMap<u64, (usize, usize)>>,
}

impl Loaded {
    /// Images for training and for validation if `share` is kept for the latter.
    pub(super) fn split(&self, share: f64) -> (usize, usize) {
        let mut splits = self.splits.lock().unwrap_or_else(PoisonError::into_inner);
        *splits.entry(share.to_bits()).or_insert_with(|| {
            let (train, val) = self.train.split(share);
            (train.len(), val.len())
        })
    }
}

/// Data sets that trials may name, and the ways in which they may be read.
pub(super) struct DataSetNames {
    /// None if the usual data set is meant.
    pub(super) names: Vec<String>,
    readings: Vec<Reading>,
}

impl DataSetNames {
    /// Every name with every way of reading. A value that no trial can have is left to the trial that has it.
    pub(super) fn new(names: Vec<String>, image_sizes: &[Value], data_rules: &[Value]) -> Self {
        let or_default = |values: &[Value]| if values.is_empty() { vec![Value::Null] } else { values.to_vec() };
        let mut readings = Vec::new();
        for size in or_default(image_sizes) {
            for rules in or_default(data_rules) {
                let settings = [("image_size", size.clone()), ("data_rules", rules)].into_iter();
                let settings = settings.filter(|(_, value)| !value.is_null()).map(|(key, value)| (key.into(), value));
                if let Ok(reading) = reading(&settings.collect())
                    && !readings.contains(&reading)
                {
                    readings.push(reading);
                }
            }
        }
        Self { names, readings }
    }
}

/// The data sets of a sweep, by the name and the reading that configurations have.
pub(super) struct DataSets(BTreeMap<String, Vec<(Reading, Loaded)>>);

impl DataSets {
    /// Reads the data sets `wanted`; if none is named, the usual one, or the built-in one if that cannot be had. Those of
    /// a `sweep` that began earlier, perhaps elsewhere, are searched for.
    pub(super) fn load(
        wanted: &DataSetNames,
        sweep: Option<(&Sweep, &Runs)>,
        places: &Places,
        output: &Output,
    ) -> Result<Self> {
        let mut sets: BTreeMap<String, Vec<(Reading, Loaded)>> = BTreeMap::new();
        let is_one = wanted.names.len() * wanted.readings.len() == 1;
        let usual = Config::default().dataset;
        let names = if wanted.names.is_empty() { slice::from_ref(&usual) } else { &wanted.names };
        // As trials have them: paths may begin with `~`.
        let names = names.iter().map(|name| path(name)).collect::<Result<Vec<_>, _>>()?;
        for name in names.iter().collect::<BTreeSet<_>>() {
            let mut source: Option<Source> = None;
            for &reading in &wanted.readings {
                let loaded = if let Some((sweep, runs)) = sweep.filter(|_| !wanted.names.is_empty()) {
                    let sha256 = if is_one { sweep.data_sha256.clone() } else { String::new() };
                    let sha256 = if sha256.is_empty() { known(sweep, runs, name, reading)? } else { sha256 };
                    again(sweep, name, reading, &sha256, places, output)?
                } else {
                    let found = match source.take() {
                        Some(found) => found,
                        None if wanted.names.is_empty() => source::obtain_or_garments(name, &places.data_dirs, output)?,
                        None => source::fetch_or_locate(name, &places.data_dirs, output)?.into(),
                    };
                    source = Some(found.clone());
                    loaded(found.read_as(reading), output)?
                };
                sets.entry(name.clone()).or_default().push((reading, loaded));
            }
        }
        Ok(Self(sets))
    }

    /// The data set that a configuration names.
    pub(super) fn of(&self, config: &Config) -> Option<&Loaded> {
        let reading = Reading::of(config);
        self.0.get(&config.dataset)?.iter().find(|(known, _)| *known == reading).map(|(_, loaded)| loaded)
    }

    /// Fails unless the data of a sweep of one data set are those that its first agent had, if that is known.
    pub(super) fn check(&self, sha256: &str) -> Result<()> {
        match self.all().next() {
            Some(loaded) if !sha256.is_empty() && self.all().count() == 1 && loaded.sha256 != sha256 => {
                Err(Failure::data(format!(
                    "`{}` is not the data that the sweep began with: SHA-256 {}, expected {sha256}\nhint: name the folder with the same data by `--data-dir`",
                    loaded.source.located, loaded.sha256
                )))
            }
            _ => Ok(()),
        }
    }

    /// Fails if `metric` is measured on validation images and no trial has any: `share` is the largest share of the
    /// training data that a trial keeps for validation.
    pub(super) fn validates(&self, metric: Metric, share: f64) -> Result<()> {
        let validated = |loaded: &Loaded| loaded.split(share).1 > 0;
        if !metric.needs_validation() || share > 0.0 && self.all().any(validated) {
            return Ok(());
        }
        Err(unvalidated(metric, share, self.all().next().map(|loaded| loaded.train.len())))
    }

    /// Every data set.
    pub(super) fn all(&self) -> impl Iterator<Item = &Loaded> {
        self.0.values().flatten().map(|(_, loaded)| loaded)
    }
}

/// The same where no data were read: they are if they may decide, and are here to be read.
pub(super) fn validates_unread(metric: Metric, share: f64, named: &[String], data_dirs: &[PathBuf]) -> Result<()> {
    /// With a share of this or more, every data set in the catalog has validation images.
    const ENOUGH: f64 = 0.01;
    if !metric.needs_validation() {
        return Ok(());
    }
    if share <= 0.0 {
        return Err(unvalidated(metric, share, None));
    }
    let usual = [Config::default().dataset];
    let named = if named.is_empty() { &usual } else { named };
    let mut most = None;
    for name in named {
        if share >= ENOUGH && catalog::find(name).is_some() {
            return Ok(());
        }
        // Data that are not here, or damaged, are reported where they are needed.
        let Ok(train) = handloom_data::locate(name, data_dirs).and_then(|located| located.train()) else {
            return Ok(());
        };
        if !train.split(share).1.is_empty() {
            return Ok(());
        }
        most = most.max(Some(train.len()));
    }
    Err(unvalidated(metric, share, most))
}

/// The refusal of a sweep or trial whose metric is measured on validation images that it does not have.
pub(super) fn unvalidated(metric: Metric, share: f64, images: Option<usize>) -> anyhow::Error {
    let of = images.filter(|_| share > 0.0).map(|images| {
        let images = count(images as u64, "image", "images");
        format!(": {share} of each class of {images} rounds to none")
    });
    Failure::usage(format!(
        "the metric `{}` is measured on validation images, and `val_fraction` {share} leaves none{}\nhint: {VALIDATION_HINT}",
        metric.name,
        of.unwrap_or_default()
    ))
}

fn loaded(source: Source, output: &Output) -> Result<Loaded> {
    let (train, notes) = source.located.train_with_notes()?;
    source::tell(&notes, output);
    let notes = notes.into_iter().map(|note| note.text).collect();
    Ok(Loaded { sha256: checksum::of_dataset(&train), source, train, notes, splits: Mutex::default() })
}

/// The checksum of a data set of a sweep by its first trial that was trained on it; empty if there is none.
fn known(sweep: &Sweep, runs: &Runs, name: &str, wanted: Reading) -> Result<String> {
    let is_on = |run: &Record| {
        let has_name = run.config.get("dataset").and_then(Value::as_str) == Some(name);
        let has_size = reading(&run.config).is_ok_and(|reading| reading.image_size == wanted.image_size);
        run.sweep.as_ref() == Some(&sweep.id) && has_name && has_size
    };
    let all = runs.store.runs()?;
    Ok(all.into_iter().find(is_on).map(|run| run.data_sha256).unwrap_or_default())
}

/// A data set of a sweep that began earlier, with its checksum, if that is known.
fn again(
    sweep: &Sweep,
    name: &str,
    reading: Reading,
    sha256: &str,
    places: &Places,
    output: &Output,
) -> Result<Loaded> {
    let config = [("dataset".to_owned(), Value::from(name))].into_iter().collect();
    let known = catalog::find(name).map_or(name, |set| set.name);
    let sought = Sought {
        reading,
        are_rules_known: sweep.settings.contains_key("data_rules"),
        ..Sought::recorded(format!("sweep `{}`", sweep.id), known, sha256, &config)
    };
    let found = sought.find(places, false, Some(output))?;
    if let Some(note) = found.note {
        output.note(format!("note: {note}"));
    }
    loaded(found.located.into(), output)
}
