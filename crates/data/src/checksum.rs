//! SHA-256 of files and of datasets.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use handloom_engine::dataset::Dataset;
use sha2::{Digest, Sha256};

use crate::{Error, catalog};

/// SHA-256 of one file of a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// The file; of images in folders and of `garments` the part (`train`, `test`).
    pub file: PathBuf,
    /// SHA-256 of the content, in hexadecimal digits.
    pub sha256: String,
    /// SHA-256 in the catalog, if the dataset is one of the catalog's.
    pub expected: Option<&'static str>,
}

/// SHA-256 of a file's bytes, in hexadecimal digits.
pub fn of_file(path: &Path) -> Result<String, Error> {
    let mut file = File::open(path).map_err(|cause| Error::read(path, cause))?;
    of_bytes(&mut file).map_err(|cause| Error::read(path, cause))
}

fn of_bytes(bytes: &mut impl Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut chunk = vec![0; 1 << 16];
    loop {
        match bytes.read(&mut chunk)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&chunk[..n]),
        }
    }
}

/// True if a file has the content published in the catalog: packed, unpacked, or packed in another way.
pub fn is_published(path: &Path, known: &catalog::File) -> Result<bool, Error> {
    let packed = path.extension().is_some_and(|end| end == "gz");
    let length = path.metadata().map_err(|cause| Error::read(path, cause))?.len();
    if packed && length == known.size && of_file(path)? == known.packed_sha256 {
        return Ok(true);
    }
    // Deflate makes a file at most a thousandth longer, and 1,032 times shorter.
    let fits = if packed { length <= known.unpacked + known.unpacked / 100 + 100 } else { length == known.unpacked };
    if !fits {
        return Ok(false);
    }
    if !packed {
        return Ok(of_file(path)? == known.sha256);
    }
    let file = BufReader::new(File::open(path).map_err(|cause| Error::read(path, cause))?);
    let mut content = MultiGzDecoder::new(file).take(known.unpacked + 1);
    // A file that cannot be unpacked is not the published one.
    Ok(of_bytes(&mut content).is_ok_and(|sha256| sha256 == known.sha256))
}

/// SHA-256 of a dataset's shape, labels and pixels, in hexadecimal digits: the same however its files are packed.
pub fn of_dataset(data: &Dataset) -> String {
    let mut hash = Sha256::new();
    hash.update(format!("{} {:?} {:?}\n", data.len(), data.shape, data.classes));
    hash.update(data.labels.as_slice());
    hash.update(data.images.as_slice());
    hex(&hash.finalize())
}

/// SHA-256 of a text, in hexadecimal digits.
pub fn of_text(text: &str) -> String {
    hex(&Sha256::digest(text))
}

/// Hexadecimal digits of `bytes`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).expect("half a byte");
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
