//! Finds the files of a dataset of images: folders of classes, image files, and the files left out.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::decode::{self, ENDINGS};
use crate::{Error, Rules, folder};

/// Maximum number of files listed of one class.
const MOST_FILES: usize = 1 << 24;

/// A folder of a class.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    /// Name in the encoding of the system, so that names that are not UTF-8 stay distinct.
    pub(crate) name: OsString,
    pub(crate) path: PathBuf,
}

impl Folder {
    /// The name of the class. Bytes that are not UTF-8 are written `\xff`, so that two such names are two names.
    pub(crate) fn shown(&self) -> String {
        let mut text = String::new();
        for chunk in self.name.as_encoded_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
        }
        text
    }
}

/// The files of a class.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// Images, sorted by path.
    pub(crate) images: Vec<PathBuf>,
    /// Everything else, below the folder of the class, sorted.
    pub(crate) left_out: Vec<PathBuf>,
    /// Folders that are links to folders which were read already.
    pub(crate) links: usize,
}

/// The folders in `part`, sorted by name.
pub(crate) fn folders(part: &Path, rules: Rules) -> Result<Vec<Folder>, Error> {
    let all = entries(part, rules)?.into_iter().filter(|path| path.is_dir());
    Ok(all.map(|path| Folder { name: path.file_name().unwrap_or_default().to_owned(), path }).collect())
}

/// The files directly in `part`, below it.
pub(crate) fn strays(part: &Path) -> Result<Vec<PathBuf>, Error> {
    let all = entries(part, Rules::Present)?.into_iter().filter(|path| !path.is_dir());
    Ok(all.map(|path| path.file_name().unwrap_or_default().into()).collect())
}

/// The files of the class in `class`. Each folder is read once, so that links in a circle end.
pub(crate) fn files(class: &Path, rules: Rules) -> Result<Files, Error> {
    let mut found = Files::default();
    if rules == Rules::First {
        let image = |path: &PathBuf| ["png", "jpg", "jpeg"].contains(&ending(path).as_str()) && path.is_file();
        found.images = entries(class, rules)?.into_iter().filter(image).collect();
        return Ok(found);
    }
    let mut known = HashSet::new();
    let mut folders = vec![class.to_owned()];
    while let Some(folder) = folders.pop() {
        let place = fs::canonicalize(&folder).map_err(|cause| Error::read(&folder, cause))?;
        if !known.insert(place) {
            found.links += 1;
            continue;
        }
        for path in entries(&folder, rules)? {
            if path.is_dir() {
                folders.push(path);
            } else if is_image(&path)? {
                found.images.push(path);
            } else {
                found.left_out.push(path.strip_prefix(class).unwrap_or(&path).to_owned());
            }
            if found.images.len() + found.left_out.len() > MOST_FILES {
                return Err(folder::unfit(class, format!("at most {MOST_FILES} files"), "more"));
            }
        }
    }
    found.images.sort();
    found.left_out.sort();
    Ok(found)
}

/// True if a file is an image that is read: by its extension, or without one by its first bytes.
fn is_image(path: &Path) -> Result<bool, Error> {
    // Pipes and devices are never opened.
    if !path.is_file() {
        return Ok(false);
    }
    let ending = ending(path);
    if ending.is_empty() {
        let mut start = Vec::new();
        let file = File::open(path).map_err(|cause| Error::read(path, cause))?;
        file.take(16).read_to_end(&mut start).map_err(|cause| Error::read(path, cause))?;
        return Ok(decode::is_image(&start));
    }
    Ok(ENDINGS.contains(&ending.as_str()))
}

/// Extension of a file name, in lower case.
pub(crate) fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// Entries of a folder, sorted by name, without hidden files and the metadata of file managers.
fn entries(folder: &Path, rules: Rules) -> Result<Vec<PathBuf>, Error> {
    const LEFT_BEHIND: [&str; 5] = ["thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx", "@eadir"];
    let all = fs::read_dir(folder).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let mut all: Vec<_> =
        all.map_err(|cause| Error::read(folder, cause))?.into_iter().map(|entry| entry.path()).collect();
    all.retain(|path| {
        let name = path.file_name().unwrap_or_default();
        let is_hidden = name.as_encoded_bytes().starts_with(b".");
        let is_left_behind = LEFT_BEHIND.contains(&name.to_string_lossy().to_lowercase().as_str());
        !(is_hidden || is_left_behind && rules != Rules::First)
    });
    all.sort();
    Ok(all)
}
