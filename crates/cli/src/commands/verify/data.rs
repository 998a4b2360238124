//! The data sets of a report's runs. Its file names none of this machine's folders: a data set that is not known by name is
//! looked for only in the folders that the command names, and is told by its checksum.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use handloom_data::{DataSource, catalog, checksum};
use handloom_engine::dataset::Dataset;
use handloom_view::site::report::Made;

use crate::exit::Failure;
use crate::output::Output;
use crate::source::search::{Found, Places, Sought};
use crate::table::one_line;

/// A data set that was read.
#[derive(Clone)]
pub(super) struct Loaded {
    pub(super) located: DataSource,
    pub(super) sha256: String,
    pub(super) train: Arc<Dataset>,
    test: Option<Arc<Dataset>>,
}

impl Loaded {
    /// True if it is a data set that every Handloom knows by its name.
    pub(super) fn is_known(&self) -> bool {
        let name = self.located.name();
        catalog::find(name).is_some() || name == catalog::GARMENTS
    }

    /// The test images, if they are at hand.
    pub(super) fn test(&mut self) -> Option<Arc<Dataset>> {
        if self.test.is_none() {
            self.test = self.located.test().ok().map(Arc::new);
        }
        self.test.clone()
    }
}

/// The data sets that were read, by name and checksum of the training images.
pub(super) struct DataSets<'a> {
    dirs: Vec<PathBuf>,
    output: &'a Output,
    loaded: Vec<(String, Loaded)>,
}

impl<'a> DataSets<'a> {
    /// None yet; data sets are looked for below `dirs`.
    pub(super) fn new(dirs: Vec<PathBuf>, output: &'a Output) -> Self {
        Self { dirs, output, loaded: Vec::new() }
    }

    /// The data set that a run was trained on, if it was read before.
    pub(super) fn get(&self, dataset: &str, sha256: &str) -> Option<&Loaded> {
        let is_it = |(name, loaded): &&(String, Loaded)| name == dataset && loaded.sha256 == sha256;
        self.loaded.iter().find(is_it).map(|(_, loaded)| loaded)
    }

    /// The data set that runs name so, if one was read before.
    pub(super) fn named(&mut self, dataset: &str) -> Option<&mut Loaded> {
        self.loaded.iter_mut().rev().find(|(name, _)| name == dataset).map(|(_, loaded)| loaded)
    }

    /// The data set that `made` was trained on.
    pub(super) fn of(&mut self, made: &Made) -> Result<&mut Loaded> {
        if self.get(&made.dataset, &made.data_sha256).is_none() {
            let loaded = self.load(made)?;
            self.loaded.push((made.dataset.clone(), loaded));
        }
        let is_it = |(name, loaded): &&mut (String, Loaded)| *name == made.dataset && loaded.sha256 == made.data_sha256;
        let (_, loaded) = self.loaded.iter_mut().find(is_it).expect("was just loaded");
        Ok(loaded)
    }

    fn load(&self, made: &Made) -> Result<Loaded> {
        let of = format!("run `{}`", one_line(&made.id));
        let sought = Sought::recorded(of.clone(), &one_line(&made.dataset), &made.data_sha256, &made.config);
        let places = Places { data_dirs: self.dirs.clone(), beside_store: None };
        // A name that cannot be had is a lack of data, not a mistake in the command.
        let found = sought.of_stranger().find(&places, true, Some(self.output));
        let Found { located, train, note } = found.map_err(|lost| Failure::data(lost.to_string()))?;
        if let Some(note) = note {
            self.output.note(format!("note: {note}"));
        }
        let train = train.map_or_else(|| located.train(), Ok)?;
        let sha256 = checksum::of_dataset(&train);
        if sha256 != made.data_sha256 {
            let message = format!("the report does not say by SHA-256 which data {of} was trained on");
            return Err(Failure::data(message));
        }
        Ok(Loaded { located, sha256, train: Arc::new(train), test: None })
    }
}
