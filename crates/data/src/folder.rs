//! Data sets of image files: `train/CLASS/*.png|jpg|jpeg` and `test/CLASS/*`, read as gray, all of one size.
//!
//! Classes are the folders of `train` in the order of their names; images come class by class, in the order of theirs.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use handloom_engine::dataset::Dataset;
use image::{DynamicImage, ImageDecoder as _, ImageReader, ImageResult, Limits};

use crate::Error;

/// The most pixels that an image may be wide or high.
pub const MOST_SIDE: u32 = 8192;

/// The most bytes that decoding one image may take, 256 MiB.
const MOST_BYTES: u64 = 1 << 28;

/// One image in gray.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gray {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// All pixels row by row, 0 to 255.
    pub pixels: Vec<u8>,
    /// Whether the file had colors, which were averaged by their brightness (ITU-R BT.709).
    pub had_color: bool,
}

/// Decodes the bytes of a PNG or JPEG file to gray; errors call it `name`.
pub fn decode_image(name: &str, bytes: &[u8]) -> Result<Gray, Error> {
    let image = decode(bytes).map_err(|found| {
        unfit(Path::new(name), format!("a PNG or JPEG image of at most {MOST_SIDE} pixels a side"), found)
    })?;
    let (width, height, had_color) = (image.width() as usize, image.height() as usize, image.color().has_color());
    Ok(Gray { width, height, pixels: image.into_luma8().into_raw(), had_color })
}

/// Decodes the bytes of a PNG or JPEG file, turned as its camera was held; `Err` says what is wrong with them.
pub(crate) fn decode(bytes: &[u8]) -> Result<DynamicImage, String> {
    let decode = || -> ImageResult<DynamicImage> {
        let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
        let mut limits = Limits::default();
        limits.max_image_width = Some(MOST_SIDE);
        limits.max_image_height = Some(MOST_SIDE);
        limits.max_alloc = Some(MOST_BYTES);
        reader.limits(limits.clone());
        let mut decoder = reader.into_decoder()?;
        limits.reserve(decoder.total_bytes())?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    decode().map_err(|cause| cause.to_string())
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

fn decode_file(path: &Path) -> Result<Gray, Error> {
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

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, RgbImage};
    use proptest::prelude::*;

    use super::*;

    /// Writes a gray image whose pixels are all `light`.
    fn put(root: &Path, name: &str, side: u32, light: u8) {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        GrayImage::from_pixel(side, side, Luma([light])).save(path).unwrap();
    }

    /// Two classes with two and one training images, one test image each.
    fn good() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, light) in [("train/b/2.png", 20), ("train/b/10.png", 10), ("train/a/x.PNG", 1)] {
            put(root.path(), name, 3, light);
        }
        put(root.path(), "test/b/y.png", 3, 30);
        put(root.path(), "test/a/z.png", 3, 40);
        root
    }

    #[track_caller]
    fn complaint(root: &tempfile::TempDir, result: Result<Dataset, Error>) -> String {
        let message = result.unwrap_err().to_string();
        assert!(message.starts_with(&format!("`{}/", root.path().display())), "{message}");
        message.replace(&root.path().display().to_string(), "DATA")
    }

    #[test]
    fn images_come_in_the_order_of_classes_and_names() {
        let root = good();
        fs::write(root.path().join("train/a/notes.txt"), "no image").unwrap();
        fs::write(root.path().join("train/a/.hidden.png"), "no image").unwrap();
        let train = train(root.path()).unwrap();
        assert_eq!((train.classes, train.shape), (vec!["a".to_string(), "b".into()], vec![3, 3]));
        assert_eq!(*train.labels, [0, 1, 1]);
        assert_eq!([train.images[0], train.images[9], train.images[18]], [1, 10, 20]);
        let test = test(root.path()).unwrap();
        assert_eq!((&test.labels[..], test.images[0], test.classes.len()), (&[0, 1][..], 40, 2));
    }

    #[test]
    fn color_becomes_gray_from_png_and_jpeg() {
        for format in [image::ImageFormat::Png, image::ImageFormat::Jpeg] {
            let mut bytes = Cursor::new(Vec::new());
            RgbImage::from_pixel(4, 2, image::Rgb([0, 255, 0])).write_to(&mut bytes, format).unwrap();
            let gray = decode_image("x", bytes.get_ref()).unwrap();
            assert_eq!((gray.width, gray.height, gray.pixels.len(), gray.had_color), (4, 2, 8, true));
            assert!(gray.pixels.iter().all(|&pixel| (178..188).contains(&pixel)), "{:?}", gray.pixels);
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let root = good();
        put(root.path(), "train/b/3.png", 4, 1);
        let message = complaint(&root, train(root.path()));
        assert!(message.contains("`DATA/train/b/3.png`") && message.contains("3x3 pixels as in `DATA/train/a/x.PNG`"));

        let root = good();
        fs::write(root.path().join("test/a/broken.jpg"), b"\xff\xd8\xff nonsense").unwrap();
        assert!(complaint(&root, test(root.path())).contains("`DATA/test/a/broken.jpg`"));
        train(root.path()).unwrap();

        let root = good();
        put(root.path(), "test/c/1.png", 3, 1);
        assert!(complaint(&root, test(root.path())).contains("`DATA/test/c` is damaged or not understood"));

        let root = good();
        fs::create_dir(root.path().join("train/c")).unwrap();
        assert!(complaint(&root, train(root.path())).contains("`DATA/train/c`"));

        let root = good();
        fs::remove_dir_all(root.path().join("train")).unwrap();
        fs::create_dir(root.path().join("train")).unwrap();
        assert!(complaint(&root, train(root.path())).contains("expected 1 to 256 folders"));
    }

    #[test]
    fn an_image_cut_at_any_byte_or_too_large_never_panics() {
        let mut bytes = Cursor::new(Vec::new());
        GrayImage::from_pixel(5, 5, Luma([7])).write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        let mut bytes = bytes.into_inner();
        for cut in 0..bytes.len() {
            let _ = decode_image("x", &bytes[..cut]);
        }
        assert!(decode_image("x", &bytes[..40]).is_err());
        // The width in the header, which has a checksum of its own.
        bytes[16..20].copy_from_slice(&100_000_u32.to_be_bytes());
        assert!(decode_image("x", &bytes).is_err());
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(jpeg in any::<bool>(), rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let start: &[u8] = if jpeg { b"\xff\xd8\xff\xe0" } else { b"\x89PNG\r\n\x1a\n" };
            let _ = decode_image("x", &[start, &rest].concat());
            let _ = decode_image("x", &rest);
        }
    }
}
