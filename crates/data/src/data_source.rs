//! A dataset that was found: by name, by folder, or by downloading it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handloom_engine::dataset::Dataset;

use crate::catalog::{self, GARMENTS, NAMES, SETS, Set};
use crate::checksum::{self, Checksum};
use crate::fetch::{self, Progress};
use crate::notes::{self, Fingerprints, Note};
use crate::{Error, Images, Reading, Rules, TestPart, folder, garments, home, idx, photo};

/// A dataset that can be read. None of its images was opened yet.
#[derive(Clone, Debug)]
pub struct DataSource {
    name: String,
    place: Place,
    reading: Reading,
    /// The folder as it was named, if its files turned out to be those of a known set.
    typed: Option<String>,
}

#[derive(Clone, Debug)]
enum Place {
    /// Files in a folder; either of the test set's may be missing.
    Idx {
        folder: PathBuf,
        /// Training images and training labels.
        train: [PathBuf; 2],
        /// Test images and test labels.
        test: [Option<PathBuf>; 2],
        set: Option<&'static Set>,
    },
    /// A folder with `train/CLASS/` and `test/CLASS/`.
    Images(PathBuf),
    BuiltIn,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Train,
    Test,
}

/// Finds a dataset on this disk, without the network: a known name below `data_dirs` (see
/// [`catalog::data_dirs`]) and the usual places, or else a folder. `./mnist` is the folder of that name.
pub fn locate(name: &str, data_dirs: &[PathBuf]) -> Result<DataSource, Error> {
    if catalog::plain(name) == GARMENTS {
        return Ok(DataSource::new(GARMENTS, Place::BuiltIn));
    }
    if let Some(set) = catalog::find(name) {
        let folders = set.folders(data_dirs);
        return folders.iter().find_map(|folder| DataSource::known(set, folder)).ok_or_else(|| {
            let tried: Vec<String> = folders.iter().map(|folder| format!("`{}`", folder.display())).collect();
            set.unavailable(format!("all four files are in none of {}", tried.join(", ")))
        });
    }
    in_folder(name, Path::new(name))
}

/// The dataset in a folder, called `name` unless its files are those of a known set.
pub fn in_folder(name: &str, folder: &Path) -> Result<DataSource, Error> {
    if folder.is_dir() {
        return DataSource::in_folder(name, folder);
    }
    Err(match folder.symlink_metadata() {
        Ok(_) => folder::unfit(folder, "a folder", "something else"),
        Err(_) if home::looks_like_path(name) => Error::NoFolder { name: name.into() },
        Err(_) => Error::Unknown { name: name.into() },
    })
}

/// Finds a dataset as [`locate`] does; a known one that is not on this disk is downloaded into the cache.
///
/// If the cache cannot be written, the dataset is unavailable and the caller may fall back to another one.
pub fn fetch_or_locate(
    name: &str,
    data_dirs: &[PathBuf],
    progress: &mut dyn FnMut(Progress<'_>),
) -> Result<DataSource, Error> {
    let found = locate(name, data_dirs);
    let (Some(set), Err(Error::Unavailable { .. })) = (catalog::find(name), &found) else { return found };
    let Some(cache) = set.cache() else {
        return Err(set.unavailable("there is no home folder, so no cache to download it into"));
    };
    match fetch::download(set, set.mirrors, &cache, progress) {
        Err(Error::Io { path, action: "write", cause }) => {
            return Err(set.unavailable(format!("the cache cannot be written: `{}`: {cause}", path.display())));
        }
        other => other?,
    }
    DataSource::known(set, &cache)
        .ok_or_else(|| set.unavailable(format!("`{}` does not keep its files", cache.display())))
}

/// The set whose training files these are, by their checksums. Of a set's four files these two are enough to tell,
/// and the test set stays closed.
fn identified(train: &[PathBuf; 2]) -> Option<&'static Set> {
    SETS.iter().find(|set| {
        // Labels first: they are small.
        [1, 0].into_iter().all(|i| checksum::is_published(&train[i], &set.files[i]).unwrap_or(false))
    })
}

impl DataSource {
    fn new(name: &str, place: Place) -> Self {
        Self { name: name.into(), place, reading: Reading::default(), typed: None }
    }

    /// The known set in `folder`, if all four files are there, each packed or not.
    ///
    /// If the folder's name does not tell which set it is, the checksums of its files do.
    pub fn known(set: &'static Set, folder: &Path) -> Option<Self> {
        let files = set.files.map(|file| existing(folder, &[file.name.into()]));
        let [Some(a), Some(b), Some(c), Some(d)] = files else { return None };
        let train = [a, b];
        // A folder of the right name may hold damaged files, which `check` reports, but not files of another set.
        let is_other = |other: &&Set| {
            other.name != set.name && checksum::is_published(&train[1], &other.files[1]).unwrap_or(false)
        };
        let is_this = if set.names(folder) {
            !SETS.iter().any(|other| is_other(&other))
        } else {
            identified(&train).is_some_and(|found| found.name == set.name)
        };
        let place = Place::Idx { folder: folder.into(), train, test: [Some(c), Some(d)], set: Some(set) };
        is_this.then(|| Self::new(set.name, place))
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
            [Some(a), Some(b), c, d] => {
                let train = [a, b];
                let set = identified(&train);
                let place = Place::Idx { folder: folder.into(), train, test: [c, d], set };
                let Some(set) = set else { return Ok(Self::new(name, place)) };
                return Ok(Self { typed: Some(name.into()), ..Self::new(set.name, place) });
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
        Ok(Self::new(name, place))
    }

    /// The same dataset with these options of reading.
    #[must_use]
    pub fn read_as(mut self, reading: Reading) -> Self {
        self.reading = reading;
        if reading.rules == Rules::First
            && let (Some(typed), Place::Idx { set, .. }) = (self.typed.take(), &mut self.place)
        {
            // The first rules identified datasets by name only.
            (self.name, *set) = (typed, None);
        }
        self
    }

    /// The same dataset under another name, as recorded with a run.
    #[must_use]
    pub fn called(mut self, name: &str) -> Self {
        self.name = name.into();
        self
    }

    /// Rules and image size with which it is read.
    pub fn reading(&self) -> Reading {
        self.reading
    }

    /// True if it is a dataset of the catalog, by name or by the checksums of its files.
    pub fn is_known(&self) -> bool {
        matches!(self.place, Place::Idx { set: Some(_), .. })
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
        Ok(self.part(Part::Train)?.data)
    }

    /// The training images, with notes on them.
    pub fn train_with_notes(&self) -> Result<(Dataset, Vec<Note>), Error> {
        let Images { data, mut notes, deepest } = self.part(Part::Train)?;
        notes.extend(notes::of_train(&data, deepest));
        Ok((data, notes))
    }

    /// The test images, of the training images' shape and classes.
    pub fn test(&self) -> Result<Dataset, Error> {
        Ok(self.part(Part::Test)?.data)
    }

    /// The test images, with notes that compare them with the training images.
    pub fn test_with_notes(&self, train: &Fingerprints) -> Result<(Dataset, Vec<Note>), Error> {
        let Images { data, mut notes, .. } = self.part(Part::Test)?;
        notes.extend(notes::of_test(train, &data));
        Ok((data, notes))
    }

    /// Looks for the test set. One that exists but does not fit the training images is an error.
    ///
    /// No test image is decoded: files and headers are looked at, and of IDX files the labels.
    pub fn check_test(&self) -> Result<TestPart, Error> {
        match &self.place {
            Place::BuiltIn => Ok(TestPart::Present),
            Place::Images(folder) => folder::check_test(folder, self.reading),
            Place::Idx { train, test: [Some(images), Some(labels)], set, .. } => {
                let shape = idx::read_shape(images)?;
                let labelled = idx::read(labels)?;
                let trained = idx::read_shape(&train[0])?;
                check_shapes([images, labels], &shape, &labelled.shape)?;
                check_trained_shape(images, &trained, &shape[1..])?;
                let classes = match set {
                    Some(set) => set.classes.len(),
                    None => numbered(&idx::read(&train[1])?.values).len(),
                };
                check_labels(labels, &labelled.values, classes)?;
                Ok(TestPart::Present)
            }
            Place::Idx { folder, test, .. } => {
                let missing: Vec<String> = NAMES[2..]
                    .iter()
                    .zip(test)
                    .filter(|(_, file)| file.is_none())
                    .map(|(name, _)| format!("`{name}`"))
                    .collect();
                if missing.len() == 1 {
                    return Err(folder::unfit(folder, "test images with their labels", format!("no {}", missing[0])));
                }
                Ok(TestPart::Missing(format!("{} are missing", missing.join(" and "))))
            }
        }
    }

    fn part(&self, part: Part) -> Result<Images, Error> {
        if part == Part::Test
            && let TestPart::Missing(why) = self.quick_test()
        {
            return Err(Error::NoTest { name: self.name.clone(), why });
        }
        let read = match (&self.place, part) {
            (Place::BuiltIn, Part::Train) => Images::plain(garments::train()),
            (Place::BuiltIn, Part::Test) => Images::plain(garments::test()),
            (Place::Images(folder), Part::Train) => return folder::train(folder, self.reading),
            (Place::Images(folder), Part::Test) => return folder::test(folder, self.reading),
            (Place::Idx { train, test, set, .. }, part) => Images::plain(read_part(train, test, *set, part)?),
        };
        match self.reading.image_size {
            Some(size) => resized(read, size, self.path().unwrap_or(Path::new(&self.name))),
            None => Ok(read),
        }
    }

    /// As [`Self::check_test`], but without listing a folder of images: missing only if there is no test set at all.
    fn quick_test(&self) -> TestPart {
        match &self.place {
            Place::Images(folder) if !folder.join("test").exists() => TestPart::Missing("test/ is missing".into()),
            Place::Idx { test: [None, None], .. } => self.check_test().unwrap_or(TestPart::Present),
            _ => TestPart::Present,
        }
    }

    /// SHA-256 of each of its files, training files first; of images in folders and of `garments`, of each part.
    pub fn checksums(&self) -> Result<Vec<Checksum>, Error> {
        let Place::Idx { train, test, set, .. } = &self.place else {
            let has_test = matches!(self.quick_test(), TestPart::Present);
            let parts = [("train", Part::Train)].into_iter().chain(has_test.then_some(("test", Part::Test)));
            return parts
                .map(|(name, part)| {
                    let sha256 = checksum::of_dataset(&self.part(part)?.data);
                    Ok(Checksum { file: self.path().unwrap_or(Path::new("")).join(name), sha256, expected: None })
                })
                .collect();
        };
        let expected = |i: usize, file: &Path| {
            let known = &set.as_ref()?.files[i];
            Some(if file.extension().is_some_and(|end| end == "gz") { known.packed_sha256 } else { known.sha256 })
        };
        let files = train.iter().map(Some).chain(test.iter().map(Option::as_ref)).enumerate();
        let files = files.filter_map(|(i, file)| Some((i, file?)));
        files
            .map(|(i, file)| {
                let (sha256, expected) = (checksum::of_file(file)?, expected(i, file));
                // A file that was packed again has other bytes and the same content, whose checksum is known too.
                let known = set.as_ref().map(|set| &set.files[i]);
                let is_same = expected.is_some_and(|expected| expected != sha256)
                    && known.is_some_and(|known| checksum::is_published(file, known).unwrap_or(false));
                Ok(match known.filter(|_| is_same) {
                    Some(known) => {
                        let (sha256, expected) = (known.sha256.into(), Some(known.sha256));
                        Checksum { file: file.clone(), sha256, expected }
                    }
                    None => Checksum { file: file.clone(), sha256, expected },
                })
            })
            .collect()
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
                    hint: "remove the file: `handloom data ls` says how to get it again",
                });
            }
        }
        self.train()?;
        if let TestPart::Present = self.check_test()? {
            self.test()?;
        }
        Ok(checksums)
    }
}

impl fmt::Display for DataSource {
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

fn read_part(
    train: &[PathBuf; 2],
    test: &[Option<PathBuf>; 2],
    set: Option<&Set>,
    part: Part,
) -> Result<Dataset, Error> {
    let [images_path, labels_path] = match (part, test) {
        (Part::Train, _) => [&train[0], &train[1]],
        (Part::Test, [Some(images), Some(labels)]) => [images, labels],
        (Part::Test, _) => {
            let folder = train[0].parent().unwrap_or(&train[0]);
            return Err(folder::unfit(folder, "test images with their labels", "one of the two files"));
        }
    };
    let images = idx::read(images_path)?;
    let labels = idx::read(labels_path)?;
    if images.values.is_empty() {
        return Err(no_images(images_path, &images.shape));
    }
    check_shapes([images_path, labels_path], &images.shape, &labels.shape)?;
    let classes: Vec<String> = match (set, part) {
        (Some(set), _) => set.classes.map(String::from).to_vec(),
        (None, Part::Train) => numbered(&labels.values),
        (None, Part::Test) => numbered(&idx::read(&train[1])?.values),
    };
    check_labels(labels_path, &labels.values, classes.len())?;
    let shape = images.shape[1..].to_vec();
    if let Part::Test = part {
        check_trained_shape(images_path, &idx::read_shape(&train[0])?, &shape)?;
    }
    Ok(Dataset { images: Arc::new(images.values), labels: Arc::new(labels.values), shape, classes })
}

fn no_images(path: &Path, shape: &[usize]) -> Error {
    folder::unfit(path, "images: 2 to 4 dimensions, none of them 0", format!("{shape:?}"))
}

/// Fails unless these are images with a label each.
fn check_shapes([images_path, labels_path]: [&Path; 2], images: &[usize], labels: &[usize]) -> Result<(), Error> {
    if images.len() < 2 || images.contains(&0) {
        return Err(no_images(images_path, images));
    }
    if labels != &images[..1] {
        let expected = format!("one label for each of the {} images", images[0]);
        return Err(folder::unfit(labels_path, expected, format!("shape {labels:?}")));
    }
    Ok(())
}

/// Fails unless test images have the shape of those of a training file whose shape is `train`.
fn check_trained_shape(path: &Path, train: &[usize], shape: &[usize]) -> Result<(), Error> {
    if train.get(1..) == Some(shape) {
        return Ok(());
    }
    Err(folder::unfit(path, format!("the training images' shape {train:?}"), format!("{shape:?}")))
}

fn check_labels(path: &Path, labels: &[u8], classes: usize) -> Result<(), Error> {
    let Some(row) = labels.iter().position(|&label| usize::from(label) >= classes) else { return Ok(()) };
    let found = format!("{} as label {row} (from 0)", labels[row]);
    Err(folder::unfit(path, format!("labels below {classes}"), found))
}

/// The images in another size, as `predict` converts them.
fn resized(read: Images, size: [usize; 2], path: &Path) -> Result<Images, Error> {
    let Images { data, mut notes, deepest } = read;
    let sides: Vec<usize> = data.shape.iter().copied().filter(|&side| side > 1).collect();
    let old = match (&data.shape[..], &sides[..]) {
        (&[height, width], _) | (_, &[height, width]) => [height, width],
        (shape, _) => {
            return Err(folder::unfit(path, "images of two dimensions for `--image-size`", format!("{shape:?}")));
        }
    };
    if data.shape == size {
        return Ok(Images { data, notes, deepest });
    }
    if data.len() as u64 * (size[0] * size[1]) as u64 > idx::MOST_VALUES {
        let found = format!("{} of {}x{}", notes::images(data.len()), size[0], size[1]);
        return Err(folder::unfit(path, format!("at most {} pixels in all", idx::MOST_VALUES), found));
    }
    let mut pixels = Vec::with_capacity(data.len() * size[0] * size[1]);
    for i in 0..data.len() {
        let gray = image::GrayImage::from_raw(old[1] as u32, old[0] as u32, data.image(i).to_vec());
        pixels.extend(photo::whole(gray.expect("one value for each pixel"), size).into_raw());
    }
    let count = notes::images(data.len());
    notes.push(Note::plain(format!(
        "{count} of {}x{} pixels were converted to {}x{}",
        old[0], old[1], size[0], size[1]
    )));
    Ok(Images { data: Dataset { images: Arc::new(pixels), shape: size.to_vec(), ..data }, notes, deepest })
}

/// Classes called by their numbers, up to the largest label.
fn numbered(labels: &[u8]) -> Vec<String> {
    labels.iter().max().map_or_else(Vec::new, |&most| (0..=most).map(|class| class.to_string()).collect())
}

#[cfg(test)]
mod tests;
