//! SHA-256 of files and of data sets.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use handloom_engine::dataset::Dataset;
use sha2::{Digest, Sha256};

use crate::Error;

/// SHA-256 of one file of a data set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The file; of images in folders and of `garments` the part (`train`, `test`).
    pub file: PathBuf,
    /// What it is, in hexadecimal digits.
    pub sha256: String,
    /// What the catalog says it should be, if the data set is one of the catalog's.
    pub expected: Option<&'static str>,
}

/// SHA-256 of a file's bytes, in hexadecimal digits.
pub fn of_file(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|cause| Error::read(path, cause))?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match file.read(&mut chunk).map_err(|cause| Error::read(path, cause))? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&chunk[..n]),
        }
    }
}

/// SHA-256 of a data set's shape, labels and pixels, in hexadecimal digits: the same however its files are packed.
pub fn of_dataset(data: &Dataset) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {:?} {:?}\n", data.len(), data.shape, data.classes));
    hash.update(data.labels.as_slice());
    hash.update(data.images.as_slice());
    hex(&hash.finalize())
}

/// Hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
