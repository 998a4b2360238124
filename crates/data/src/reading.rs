//! Options of reading a dataset: the rules, and the size of its images.

use handloom_engine::config::{Config, DATA_RULES};
use handloom_engine::dataset::Dataset;

use crate::notes::Note;

/// The rules by which files become images. They are recorded with a run, since other rules make other images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rules {
    /// `--data-rules 1`, for runs of programs before there was a choice: PNG and JPEG files directly in the folder of a
    /// class, transparency dropped, and known sets identified by name only.
    First,
    /// `--data-rules 2`: every supported format, subfolders of classes, transparency on a background, and known sets
    /// identified by their checksums.
    #[default]
    Present,
}

impl Rules {
    /// The number of the rules in configurations.
    pub fn number(self) -> u64 {
        match self {
            Self::First => 1,
            Self::Present => DATA_RULES,
        }
    }
}

/// Options of reading a dataset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Reading {
    /// The rules.
    pub rules: Rules,
    /// Height and width that every image is converted to; without them all must have one size.
    pub image_size: Option<[usize; 2]>,
}

impl Reading {
    /// The options in a configuration.
    pub fn of(config: &Config) -> Self {
        let rules = if config.data_rules == 1 { Rules::First } else { Rules::Present };
        Self { rules, image_size: config.image_size }
    }
}

/// Presence of a test set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TestPart {
    /// There is one that fits the training images, as far as a check without decoding images can tell.
    Present,
    /// There is none; the text says which files or folders are missing.
    Missing(String),
}

/// One part of a dataset as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Images {
    pub(crate) data: Dataset,
    /// Notes on files left out and images converted.
    pub(crate) notes: Vec<Note>,
    /// The lightest value of images of 16 bits, if all images have so many.
    pub(crate) deepest: Option<u16>,
}

impl Images {
    /// Images without notes.
    pub(crate) fn plain(data: Dataset) -> Self {
        Self { data, notes: Vec::new(), deepest: None }
    }
}
