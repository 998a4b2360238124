//! Datasets of image files: `train/CLASS/**` and `test/CLASS/**`, read as gray, all of one size.
//!
//! Classes are the folders of `train` in the order of their names. Images come class by class, in the order of their
//! paths below the class; subfolders of a class belong to it. Files left out and images converted are counted and
//! reported as a [`Note`]. The first rules of reading ([`Rules::First`]) left files out and dropped transparency
//! silently; they are kept for runs that were trained with them.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handloom_engine::dataset::Dataset;
use image::DynamicImage;

use crate::decode::{self, ENDINGS, MOST_SIDE, More};
use crate::notes::{self, Note, grouped};
use crate::photo::{self, Opaque};
use crate::walk::{self, Files, Folder};
use crate::{Error, Images, Reading, Rules, TestPart, idx};

/// Maximum size of an image file, 256 MiB.
const MOST_BYTES: u64 = 1 << 28;

/// Maximum number of classes with a note of their own on files left out; beyond it one note has the total.
const NAMED: usize = 3;

/// One image in gray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gray {
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// All pixels row by row, 0 to 255.
    pub pixels: Vec<u8>,
    /// True if the file had colors, which were converted to luma (ITU-R BT.709).
    pub had_color: bool,
}

/// Decodes the bytes of an image file to gray, with a background where it is transparent; errors call it `name`.
pub fn decode_image(name: &str, bytes: &[u8]) -> Result<Gray, Error> {
    let decoded = decode::decode(bytes).map_err(|found| undecodable(name, found))?;
    let Opaque { gray, had_color, .. } = photo::opaque(&decoded.image);
    let (width, height) = (gray.width() as usize, gray.height() as usize);
    Ok(Gray { width, height, pixels: gray.into_raw(), had_color })
}

fn undecodable(name: &str, found: String) -> Error {
    Error::Damaged {
        file: name.into(),
        expected: format!("an image of at most {MOST_SIDE} pixels a side"),
        found,
        hint: "remove the file, or convert it to PNG or JPEG with any image program",
    }
}

/// The training images below `folder`.
pub(crate) fn train(folder: &Path, reading: Reading) -> Result<Images, Error> {
    let classes = classes(&folder.join("train"), reading)?;
    let mut images = read(folder, "train", &classes, &classes, reading)?;
    if reading.rules != Rules::First {
        for name in ["val", "valid", "validation"].into_iter().filter(|name| folder.join(name).is_dir()) {
            let why = "validation images are taken from train/ (`--val-fraction`)";
            images.notes.push(Note::plain(format!("{name}/ was not read: {why}")));
        }
    }
    Ok(images)
}

/// The test images below `folder`, of the training images' size and classes.
pub(crate) fn test(folder: &Path, reading: Reading) -> Result<Images, Error> {
    let trained = classes(&folder.join("train"), reading)?;
    read(folder, "test", &trained, &classes(&folder.join("test"), reading)?, reading)
}

/// Checks the test part without decoding an image: its classes, its files, and the sizes in their headers.
pub(crate) fn check_test(folder: &Path, reading: Reading) -> Result<TestPart, Error> {
    let part = folder.join("test");
    if !part.is_dir() {
        return match part.symlink_metadata() {
            Ok(_) => Err(unfit(&part, "a folder", "something else")),
            Err(_) => Ok(TestPart::Missing("test/ is missing".into())),
        };
    }
    let trained = classes(&folder.join("train"), reading)?;
    let size = common_size(&trained, reading)?;
    for class in classes(&part, reading)? {
        label(&trained, &class)?;
        for file in images(&class, reading)?.images {
            let found = size_of(&file)?;
            if reading.image_size.is_none() && found != size.1 {
                return Err(other_size(&file, found, &size));
            }
        }
    }
    Ok(TestPart::Present)
}

/// Label of a test class: its number among the classes of `train`.
fn label(trained: &[Folder], class: &Folder) -> Result<u8, Error> {
    let found = trained.iter().position(|known| known.name == class.name);
    let found =
        found.ok_or_else(|| unfit(&class.path, "a class that `train` has too", format!("`{}`", class.shown())))?;
    Ok(found as u8)
}

/// First training image and its size (height, width), which all images must have, unless a size is configured.
fn common_size(trained: &[Folder], reading: Reading) -> Result<(PathBuf, [usize; 2]), Error> {
    let first = images(&trained[0], reading)?.images.swap_remove(0);
    let size = reading.image_size.map_or_else(|| size_of(&first), Ok)?;
    Ok((first, size))
}

fn size_of(file: &Path) -> Result<[usize; 2], Error> {
    let opened = File::open(file).map_err(|cause| Error::read(file, cause))?;
    decode::size(BufReader::new(opened)).map_err(|found| undecodable(&file.display().to_string(), found))
}

fn other_size(file: &Path, [height, width]: [usize; 2], (first, size): &(PathBuf, [usize; 2])) -> Error {
    Error::Damaged {
        file: file.display().to_string(),
        expected: format!("{}x{} pixels (width x height) as in `{}`", size[1], size[0], first.display()),
        found: format!("{width}x{height}"),
        hint: "`--image-size HxW`, such as `--image-size 28x28`, converts images of different sizes",
    }
}

/// Counts of the conversions applied while reading images.
#[derive(Default)]
struct Conversions {
    color: usize,
    on_white: usize,
    on_black: usize,
    animated: usize,
    paged: usize,
    fitted: usize,
    /// The lightest value of images of 16 bits.
    deepest: u16,
    /// Images of 8 bits, or of floating-point numbers.
    shallow: usize,
}

impl Conversions {
    fn notes(&self, part: &str) -> Vec<Note> {
        let of = |count: usize, one: &str, many: &str| {
            (count > 0).then(|| format!("{} of {part} {}", notes::images(count), if count == 1 { one } else { many }))
        };
        let backgrounds = [(self.on_white, "white"), (self.on_black, "black")];
        let backgrounds = backgrounds.into_iter().filter(|(count, _)| *count > 0);
        let backgrounds = backgrounds.map(|(count, on)| format!("{} on {on}", grouped(count))).collect::<Vec<_>>();
        let transparent = of(self.on_white + self.on_black, "is transparent and was", "are transparent and were");
        [
            of(self.color, "has colors and was turned to gray", "have colors and were turned to gray"),
            transparent.map(|text| format!("{text} drawn on a background: {}", backgrounds.join(", "))),
            of(self.animated, "is animated: its first frame was taken", "are animated: their first frames were taken"),
            of(
                self.paged,
                "has several pages: its first one was taken",
                "have several pages: their first ones were taken",
            ),
            of(self.fitted, "was of another size and was converted", "were of other sizes and were converted"),
        ]
        .into_iter()
        .flatten()
        .map(Note::plain)
        .collect()
    }
}

fn read(folder: &Path, part: &str, trained: &[Folder], classes: &[Folder], reading: Reading) -> Result<Images, Error> {
    let size = common_size(trained, reading)?;
    let [height, width] = size.1;
    let mut listed = Vec::new();
    for class in classes {
        listed.push((label(trained, class)?, class, images(class, reading)?));
    }
    // Checked before the first image is decoded, so that no memory is wasted.
    let count: usize = listed.iter().map(|(.., files)| files.images.len()).sum();
    if count as u64 * (height * width) as u64 > idx::MOST_VALUES {
        let found = format!("{} of {height}x{width}", notes::images(count));
        return Err(unfit(&folder.join(part), format!("at most {} pixels in all", idx::MOST_VALUES), found));
    }
    let (mut pixels, mut labels, mut done) = (Vec::new(), Vec::new(), Conversions::default());
    for (label, _, files) in &listed {
        for file in &files.images {
            let image = gray(file, reading, &mut done)?;
            if (image.height, image.width) != (height, width) {
                return Err(other_size(file, [image.height, image.width], &size));
            }
            pixels.extend(image.pixels);
            labels.push(*label);
        }
    }
    let names = trained.iter().map(Folder::shown).collect();
    let data =
        Dataset { images: Arc::new(pixels), labels: Arc::new(labels), shape: vec![height, width], classes: names };
    let mut notes = Vec::new();
    if reading.rules != Rules::First {
        notes.extend(left_out(part, listed.iter().map(|(_, class, files)| (*class, files))));
        notes.extend(stray(&folder.join(part), part)?);
        notes.extend(elsewhere(part, listed.iter().map(|(_, class, files)| (*class, files))));
        notes.extend(done.notes(part));
    }
    let deepest = Some(done.deepest).filter(|_| done.shallow == 0 && reading.rules != Rules::First);
    Ok(Images { data, notes, deepest })
}

/// One image, converted by the rules.
fn gray(path: &Path, reading: Reading, done: &mut Conversions) -> Result<Gray, Error> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|cause| Error::read(path, cause))?;
    file.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|cause| Error::read(path, cause))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(unfit(path, format!("at most {MOST_BYTES} bytes"), "more"));
    }
    let decoded = decode::decode(&bytes).map_err(|found| undecodable(&path.display().to_string(), found))?;
    let image = decoded.image;
    match &image {
        DynamicImage::ImageLuma16(image) => done.deepest = image.iter().copied().fold(done.deepest, u16::max),
        DynamicImage::ImageLumaA16(_) | DynamicImage::ImageRgb16(_) | DynamicImage::ImageRgba16(_) => {
            done.deepest = image.to_luma16().iter().copied().fold(done.deepest, u16::max);
        }
        _ => done.shallow += 1,
    }
    let (gray, had_color) = if reading.rules == Rules::First {
        (image.to_luma8(), false)
    } else {
        let Opaque { gray, had_color, background } = photo::opaque(&image);
        done.on_white += usize::from(background == Some(255));
        done.on_black += usize::from(background == Some(0));
        done.animated += usize::from(decoded.more == More::Frames);
        done.paged += usize::from(decoded.more == More::Pages);
        (gray, had_color)
    };
    done.color += usize::from(had_color);
    let gray = match reading.image_size {
        Some(size) if [gray.height() as usize, gray.width() as usize] != size => {
            done.fitted += 1;
            photo::whole(gray, size)
        }
        _ => gray,
    };
    let (width, height) = (gray.width() as usize, gray.height() as usize);
    Ok(Gray { width, height, pixels: gray.into_raw(), had_color })
}

/// Names and folders of the classes of one part, sorted; 1 to 256.
fn classes(part: &Path, reading: Reading) -> Result<Vec<Folder>, Error> {
    let all = walk::folders(part, reading.rules)?;
    match all.len() {
        1..=256 => Ok(all),
        n => Err(unfit(part, "1 to 256 folders, one for each class", format!("{n}"))),
    }
}

/// Image files of one class, sorted; at least one.
fn images(class: &Folder, reading: Reading) -> Result<Files, Error> {
    let files = walk::files(&class.path, reading.rules)?;
    if files.images.is_empty() {
        let found = match files.left_out.len() {
            0 => "none".into(),
            n => format!("none ({n} other files)"),
        };
        return Err(unfit(&class.path, format!("at least one image ({})", ENDINGS.join(" ")), found));
    }
    Ok(files)
}

/// Notes on files in the folders of classes that are no images.
fn left_out<'a>(part: &str, classes: impl Iterator<Item = (&'a Folder, &'a Files)>) -> Vec<Note> {
    let mut found: BTreeMap<usize, (String, &Files)> = BTreeMap::new();
    let mut links = 0;
    for (number, (class, files)) in classes.enumerate() {
        links += files.links;
        if !files.left_out.is_empty() {
            found.insert(number, (format!("{part}/{}", class.shown()), files));
        }
    }
    let words = |count: usize, place: &str, example: &str| {
        let text = if count == 1 {
            format!("1 file of {place} is no image that can be read and was left out: {example}")
        } else {
            let count = grouped(count);
            format!("{count} files of {place} are no image that can be read and were left out, such as {example}")
        };
        Note::plain(text)
    };
    let example = |files: &Files| files.left_out[0].display().to_string();
    let mut notes: Vec<Note> = if found.len() > NAMED {
        let count = found.values().map(|(_, files)| files.left_out.len()).sum();
        let (place, files) = found.values().next().expect("there are some");
        vec![words(count, &format!("{} classes of {part}", found.len()), &format!("{place}/{}", example(files)))]
    } else {
        found.values().map(|(place, files)| words(files.left_out.len(), place, &example(files))).collect()
    };
    if links > 0 {
        let folders = if links == 1 { "folder is a link" } else { "folders are links" };
        notes.push(Note::plain(format!("{links} {folders} to what was read already and left out of {part}")));
    }
    notes
}

/// Note on images that the first rules leave out: those in subfolders, and formats other than PNG and JPEG.
fn elsewhere<'a>(part: &str, classes: impl Iterator<Item = (&'a Folder, &'a Files)>) -> Vec<Note> {
    let (mut deeper, mut endings) = (0, BTreeMap::<String, usize>::new());
    for (class, files) in classes {
        for image in &files.images {
            deeper += usize::from(image.parent() != Some(&class.path));
            let ending = walk::ending(image);
            if !["png", "jpg", "jpeg"].contains(&ending.as_str()) {
                *endings.entry(ending).or_default() += 1;
            }
        }
    }
    let are = |count: usize| format!("{} of {part} {}", notes::images(count), if count == 1 { "is" } else { "are" });
    let other: usize = endings.values().sum();
    let named: Vec<&str> = endings.keys().map(|ending| if ending.is_empty() { "no ending" } else { ending }).collect();
    let told = [
        (deeper, "in subfolders of classes".to_owned()),
        (other, format!("no PNG or JPEG by name ({})", named.join(", "))),
    ];
    told.into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(n, what)| Note::plain(format!("{} {what}", are(n))))
        .collect()
}

/// Files of a part that are in no class.
fn stray(folder: &Path, part: &str) -> Result<Option<Note>, Error> {
    let stray = walk::strays(folder)?;
    Ok(stray.first().map(|first| {
        let example = first.display();
        Note::plain(match stray.len() {
            1 => format!("1 file of {part} is in no folder of a class and was left out: {example}"),
            n => format!(
                "{} files of {part} are in no folder of a class and were left out, such as {example}",
                grouped(n)
            ),
        })
    }))
}

/// The error for a file or folder with the wrong content.
pub(crate) fn unfit(path: &Path, expected: impl Into<String>, found: impl Into<String>) -> Error {
    Error::Damaged {
        file: path.display().to_string(),
        expected: expected.into(),
        found: found.into(),
        hint: "a folder is four IDX files, or `train/CLASS/*.png` and `test/CLASS/*.png`, all images of one size",
    }
}

#[cfg(test)]
mod tests;
