//! The data sets of a sweep: read once, before the first trial, and shared by all.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use handloom_data::checksum;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;

use crate::exit::Failure;
use crate::output::Output;
use crate::source::{self, Source};

/// A data set in memory.
pub(super) struct Loaded {
    pub(super) source: Source,
    pub(super) train: Dataset,
    /// SHA-256 of images and labels.
    pub(super) sha256: String,
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

/// The data sets of a sweep, by the name that configurations have.
pub(super) struct DataSets(BTreeMap<String, Loaded>);

impl DataSets {
    /// Reads the data sets `named`; if none is named, the usual one, or the built-in one if that cannot be had.
    pub(super) fn load(named: &[String], data_dirs: &[PathBuf], output: &Output) -> Result<Self> {
        let mut sets = BTreeMap::new();
        for name in named {
            if !sets.contains_key(name) {
                sets.insert(name.clone(), loaded(source::obtain(name, data_dirs, output)?.into())?);
            }
        }
        if named.is_empty() {
            let usual = Config::default().dataset;
            let source = source::obtain_or_garments(&usual, data_dirs, output)?;
            sets.insert(usual, loaded(source)?);
        }
        Ok(Self(sets))
    }

    /// The data set that a configuration names.
    pub(super) fn of(&self, name: &str) -> Option<&Loaded> {
        self.0.get(name)
    }

    /// Fails unless the data of a sweep of one data set are those that its first agent had, if that is known.
    pub(super) fn check(&self, sha256: &str) -> Result<()> {
        match self.0.values().next() {
            Some(loaded) if !sha256.is_empty() && self.0.len() == 1 && loaded.sha256 != sha256 => {
                Err(Failure::data(format!(
                    "`{}` is not the data that the sweep began with: SHA-256 {}, expected {sha256}\nhint: name the folder with the same data by `--data-dir`",
                    loaded.source.located, loaded.sha256
                )))
            }
            _ => Ok(()),
        }
    }

    /// Every data set.
    pub(super) fn all(&self) -> impl Iterator<Item = &Loaded> {
        self.0.values()
    }
}

fn loaded(source: Source) -> Result<Loaded> {
    let train = source.located.train()?;
    Ok(Loaded { sha256: checksum::of_dataset(&train), source, train, splits: Mutex::default() })
}
