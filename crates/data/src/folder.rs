//! Data sets of image files: `train/CLASS/*.png|jpg|jpeg` and `test/CLASS/*`, read as grey, all of one size.
//!
//! Classes are the folders of `train` in the order of their names; images come class by class, in the order of theirs.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handloom_engine::dataset::Dataset;
use image::{ImageReader, Limits};

use crate::Error;

/// The most pixels that an image may be wide or high.
pub const MOST_SIDE: u32 = 8192;

/// The most bytes that decoding one image may take, 256 MiB.
const MOST_BYTES: u64 = 1 << 28;

/// One image in grey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grey {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// All pixels row by row, 0 to 255.
    pub pixels: Vec<u8>,
}

/// Decodes the bytes of a PNG or JPEG file to grey; errors call it `name`.
pub fn decode_image(name: &str, bytes: &[u8]) -> Result<Grey, Error> {
    let damaged = |found: String| {
        unfit(Path::new(name), format!("a PNG or JPEG image of at most {MOST_SIDE} pixels a side"), found)
    };
    let mut reader =
        ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|cause| damaged(cause.to_string()))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let image = reader.decode().map_err(|cause| damaged(cause.to_string()))?.into_luma8();
    Ok(Grey { width: image.width() as usize, height: image.height() as usize, pixels: image.into_raw() })
}

/// The training images below `folder`.
pub(crate) fn train(folder: &Path) -> Result<Dataset, Error> {
    read(folder, "train")
}

/// The test images below `folder`, of the training images' size and classes.
pub(crate) fn test(folder: &Path) -> Result<Dataset, Error> {
    read(folder, "test")
}

fn read(folder: &Path, part: &str) -> Result<Dataset, Error> {
    let trained = classes(&folder.join("train"))?;
    // The first training image sets the size of all, those of the test set too.
    let first = images(&trained[0].1)?.swap_remove(0);
    let size = decode_file(&first)?;
    let mut data = (Vec::new(), Vec::new());
    for (class, path) in classes(&folder.join(part))? {
        let Some(label) = trained.iter().position(|(name, _)| *name == class) else {
            return Err(unfit(&path, "a class that `train` has too", format!("`{class}`")));
        };
        for file in images(&path)? {
            let image = decode_file(&file)?;
            if (image.width, image.height) != (size.width, size.height) {
                let expected = format!("{}x{} pixels as in `{}`", size.width, size.height, first.display());
                return Err(unfit(&file, expected, format!("{}x{}", image.width, image.height)));
            }
            if (data.0.len() + image.pixels.len()) as u64 > crate::idx::MOST_VALUES {
                return Err(unfit(&file, format!("at most {} pixels in all", crate::idx::MOST_VALUES), "more"));
            }
            data.0.extend(image.pixels);
            data.1.push(label as u8);
        }
    }
    let classes = trained.into_iter().map(|(name, _)| name).collect();
    Ok(Dataset { images: Arc::new(data.0), labels: Arc::new(data.1), shape: vec![size.height, size.width], classes })
}

fn decode_file(path: &Path) -> Result<Grey, Error> {
    decode_image(&path.display().to_string(), &fs::read(path).map_err(|cause| Error::read(path, cause))?)
}

/// Names and folders of the classes of one part, sorted; 1 to 256.
fn classes(part: &Path) -> Result<Vec<(String, PathBuf)>, Error> {
    let folders = entries(part)?.into_iter().filter(|path| path.is_dir());
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let all: Vec<_> = folders.map(|path| (name(&path), path)).collect();
    match all.len() {
        1..=256 => Ok(all),
        n => Err(unfit(part, "1 to 256 folders, one for each class", format!("{n}"))),
    }
}

/// Image files of one class, sorted; at least one.
fn images(class: &Path) -> Result<Vec<PathBuf>, Error> {
    let image = |path: &PathBuf| {
        let end = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        ["png", "jpg", "jpeg"].contains(&end.as_str()) && path.is_file()
    };
    let all: Vec<_> = entries(class)?.into_iter().filter(image).collect();
    if all.is_empty() { Err(unfit(class, "at least one `.png`, `.jpg` or `.jpeg`", "none")) } else { Ok(all) }
}

/// What is in a folder, sorted by name, without hidden files.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let all = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut all: Vec<_> =
        all.map_err(|cause| Error::read(folder, cause))?.into_iter().map(|entry| entry.path()).collect();
    all.retain(|path| !path.file_name().unwrap_or_default().as_encoded_bytes().starts_with(b"."));
    all.sort();
    Ok(all)
}

/// The error that a file or folder does not hold what it should.
pub(crate) fn unfit(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Damaged {
        file: path.display().to_string(),
        expected: expected.into(),
        found: found.into(),
        hint: "a folder is four IDX files, or `train/CLASS/*.png` and `test/CLASS/*.png`, all images of one size",
    }
}
