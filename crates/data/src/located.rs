//! A data set that was found, and how it is found: by name, by folder, or by downloading it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handloom_engine::dataset::Dataset;

use crate::catalog::{self, GARMENTS, NAMES, Set};
use crate::checksum::{self, Checksum};
use crate::fetch::{self, Progress};
use crate::{Error, folder, garments, idx};

/// A data set that can be read. Nothing of it was opened yet.
#[derive(Clone, Debug)]
pub struct Located {
    name: String,
    place: Place,
}

#[derive(Clone, Debug)]
enum Place {
    /// Training images, training labels, test images and test labels in a folder.
    Idx {
        folder: PathBuf,
        files: [PathBuf; 4],
        set: Option<&'static Set>,
    },
    /// A folder with `train/CLASS/` and `test/CLASS/`.
    Images(PathBuf),
    BuiltIn,
}

#[derive(Clone, Copy)]
enum Part {
    Train,
    Test,
}

/// Finds a data set on this disk, without the network: a known name below `data_dirs` (see
/// [`catalog::data_dirs`]) and the usual places, or else a folder. `./mnist` is the folder of that name.
pub fn locate(name: &str, data_dirs: &[PathBuf]) -> Result<Located, Error> {
    if catalog::plain(name) == GARMENTS {
        return Ok(Located { name: GARMENTS.into(), place: Place::BuiltIn });
    }
    if let Some(set) = catalog::find(name) {
        let folders = set.folders(data_dirs);
        return folders.iter().find_map(|folder| Located::known(set, folder)).ok_or_else(|| {
            let tried: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
            set.unavailable(format!("all four files are in none of {}", tried.join(", ")))
        });
    }
    let folder = Path::new(name);
    if !folder.is_dir() {
        return Err(Error::Unknown { name: name.into() });
    }
    Located::in_folder(name, folder)
}

/// Finds a data set as [`locate`] does; a known one that is not on this disk is downloaded into the cache.
pub fn obtain(name: &str, data_dirs: &[PathBuf], progress: &mut dyn FnMut(Progress<'_>)) -> Result<Located, Error> {
    let found = locate(name, data_dirs);
    let (Some(set), Err(Error::Unavailable { .. })) = (catalog::find(name), &found) else { return found };
    let Some(cache) = set.cache() else { return found };
    fetch::download(set, set.mirrors, &cache, progress)?;
    Located::known(set, &cache).ok_or_else(|| set.unavailable(format!("`{}` does not keep its files", cache.display())))
}

impl Located {
    /// The known set in `folder`, if all four files are there, each packed or not.
    pub(crate) fn known(set: &'static Set, folder: &Path) -> Option<Self> {
        let files = set.files.map(|file| existing(folder, &[file.name.into()]));
        let [Some(a), Some(b), Some(c), Some(d)] = files else { return None };
        let place = Place::Idx { folder: folder.into(), files: [a, b, c, d], set: Some(set) };
        Some(Self { name: set.name.into(), place })
    }

    fn in_folder(name: &str, folder: &Path) -> Result<Self, Error> {
        let files = NAMES.map(|name| {
            // Some copies write `train-images.idx3-ubyte`, and images need not have two dimensions.
            let dimensions = if name.contains("images") { 2..=4 } else { 1..=1 };
            let stem = name.rsplit_once("-idx").map_or(name, |(stem, _)| stem);
            existing(
                folder,
                &dimensions.flat_map(|n| ["-", "."].map(|dot| format!("{stem}{dot}idx{n}-ubyte"))).collect::<Vec<_>>(),
            )
        });
        let place = match files {
            [Some(a), Some(b), Some(c), Some(d)] => {
                Place::Idx { folder: folder.into(), files: [a, b, c, d], set: None }
            }
            files if files.iter().any(Option::is_some) => {
                let missing: Vec<&str> =
                    NAMES.iter().zip(&files).filter(|(_, file)| file.is_none()).map(|(n, _)| *n).collect();
                let found = format!("no `{}`", missing.join("` and no `"));
                return Err(folder::unfit(folder, "four IDX files", found));
            }
            _ if folder.join("train").is_dir() => Place::Images(folder.into()),
            _ => return Err(folder::unfit(folder, "four IDX files, or folders `train` and `test`", "neither")),
        };
        Ok(Self { name: name.into(), place })
    }

    /// Its name in the catalog, or the folder as it was given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder of its files; none for `garments`.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::Idx { folder, .. } | Place::Images(folder) => Some(folder),
            Place::BuiltIn => None,
        }
    }

    /// The training images; the test set is not opened.
    pub fn train(&self) -> Result<Dataset, Error> {
        self.part(Part::Train)
    }

    /// The test images, of the training images' shape and classes.
    pub fn test(&self) -> Result<Dataset, Error> {
        self.part(Part::Test)
    }

    fn part(&self, part: Part) -> Result<Dataset, Error> {
        match (&self.place, part) {
            (Place::BuiltIn, Part::Train) => Ok(garments::train()),
            (Place::BuiltIn, Part::Test) => Ok(garments::test()),
            (Place::Images(folder), Part::Train) => folder::train(folder),
            (Place::Images(folder), Part::Test) => folder::test(folder),
            (Place::Idx { files, set, .. }, part) => read_part(files, *set, part),
        }
    }

    /// SHA-256 of each of its files, training files first; of images in folders and of `garments`, of each part.
    pub fn checksums(&self) -> Result<Vec<Checksum>, Error> {
        let Place::Idx { files, set, .. } = &self.place else {
            let parts = [("train", Part::Train), ("test", Part::Test)];
            return parts
                .into_iter()
                .map(|(name, part)| {
                    let sha256 = checksum::of_dataset(&self.part(part)?);
                    Ok(Checksum { file: self.path().unwrap_or(Path::new("")).join(name), sha256, expected: None })
                })
                .collect();
        };
        let expected = |i: usize| {
            let file = &set.as_ref()?.files[i];
            Some(if files[i].extension().is_some_and(|end| end == "gz") { file.packed_sha256 } else { file.sha256 })
        };
        let sum = |(i, file): (usize, &PathBuf)| {
            Ok(Checksum { file: file.clone(), sha256: checksum::of_file(file)?, expected: expected(i) })
        };
        files.iter().enumerate().map(sum).collect()
    }

    /// Reads both parts and compares every checksum with the catalog's; the first file that is not right is an error.
    pub fn check(&self) -> Result<Vec<Checksum>, Error> {
        let checksums = self.checksums()?;
        for sum in &checksums {
            if let Some(expected) = sum.expected.filter(|&expected| expected != sum.sha256) {
                return Err(Error::Damaged {
                    file: sum.file.display().to_string(),
                    expected: format!("SHA-256 {expected}"),
                    found: sum.sha256.clone(),
                    hint: "remove the file and run `handloom data get`",
                });
            }
        }
        self.train()?;
        self.test()?;
        Ok(checksums)
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path() {
            Some(path) if path != Path::new(&self.name) => write!(f, "{} ({})", self.name, path.display()),
            Some(_) => f.write_str(&self.name),
            None => write!(f, "{} (built in)", self.name),
        }
    }
}

/// The first of `names` in `folder`, unpacked (faster to read) or packed.
fn existing(folder: &Path, names: &[String]) -> Option<PathBuf> {
    let paths = names.iter().flat_map(|name| [folder.join(name), folder.join(format!("{name}.gz"))]);
    paths.into_iter().find(|path| path.is_file())
}

fn read_part(files: &[PathBuf; 4], set: Option<&Set>, part: Part) -> Result<Dataset, Error> {
    let [images_path, labels_path] = match part {
        Part::Train => [&files[0], &files[1]],
        Part::Test => [&files[2], &files[3]],
    };
    let images = idx::read(images_path)?;
    let labels = idx::read(labels_path)?;
    if images.shape.len() < 2 || images.values.is_empty() {
        return Err(folder::unfit(
            images_path,
            "images: 2 to 4 dimensions, none of them 0",
            format!("{:?}", images.shape),
        ));
    }
    if labels.shape != images.shape[..1] {
        let expected = format!("one label for each of the {} images", images.shape[0]);
        return Err(folder::unfit(labels_path, expected, format!("shape {:?}", labels.shape)));
    }
    let classes: Vec<String> = match (set, part) {
        (Some(set), _) => set.classes.map(String::from).to_vec(),
        (None, Part::Train) => numbered(&labels.values),
        (None, Part::Test) => numbered(&idx::read(&files[1])?.values),
    };
    if let Some(row) = labels.values.iter().position(|&label| usize::from(label) >= classes.len()) {
        let found = format!("{} as label {row} (from 0)", labels.values[row]);
        return Err(folder::unfit(labels_path, format!("labels below {}", classes.len()), found));
    }
    let shape = images.shape[1..].to_vec();
    if let Part::Test = part {
        let train = idx::read_shape(&files[0])?;
        if train.get(1..) != Some(&shape[..]) {
            return Err(folder::unfit(
                images_path,
                format!("the training images' shape {train:?}"),
                format!("{shape:?}"),
            ));
        }
    }
    Ok(Dataset { images: Arc::new(images.values), labels: Arc::new(labels.values), shape, classes })
}

/// Classes called by their numbers, up to the largest label.
fn numbered(labels: &[u8]) -> Vec<String> {
    labels.iter().max().map_or_else(Vec::new, |&most| (0..=most).map(|class| class.to_string()).collect())
}

#[cfg(test)]
mod tests;
