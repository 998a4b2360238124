//! Decoding of one image file: supported formats, and limits of size and memory.
//!
//! The format is detected by the first bytes, never by the name. [`decode`] serves datasets and `predict` alike, so
//! that a file is the same image for both.

use std::io::{BufRead, Cursor, Seek};

use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::error::ImageFormatHint;
use image::metadata::Orientation;
use image::{
    AnimationDecoder as _, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
};

/// The most pixels that an image may be wide or high.
pub(crate) const MOST_SIDE: u32 = 8192;

/// The most bytes that decoding one image may take, 256 MiB.
const MOST_BYTES: u64 = 1 << 28;

/// Extensions of image files that are read, in lower case.
pub const ENDINGS: [&str; 17] = [
    "png", "apng", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "gif", "tif", "tiff", "pgm", "ppm", "pbm",
    "pnm", "pam",
];

/// A decoded image.
pub(crate) struct Decoded {
    pub(crate) image: DynamicImage,
    /// Kind of further images in the file; only the first is read.
    pub(crate) more: More,
}

/// Images of a file after its first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum More {
    None,
    /// Frames of an animation.
    Frames,
    /// Pages of a document, as scanners put them into one TIFF file.
    Pages,
}

/// Decodes the bytes of an image file and applies its EXIF orientation; `Err` describes the fault.
pub(crate) fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    let decode = || -> ImageResult<Decoded> {
        let reader = reader(Cursor::new(bytes))?;
        let format = reader.format();
        let mut decoder = reader.into_decoder()?;
        limits().reserve(decoder.total_bytes())?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(Decoded { image, more: more(format, bytes) })
    };
    decode().map_err(|cause| wrong(&cause))
}

/// Height and width of an image after its EXIF orientation, from the headers of its file; no pixel is decoded.
pub(crate) fn size(file: impl BufRead + Seek) -> Result<[usize; 2], String> {
    let size = || -> ImageResult<[usize; 2]> {
        let mut decoder = reader(file)?.into_decoder()?;
        limits().reserve(decoder.total_bytes())?;
        let (width, height) = decoder.dimensions();
        let turned = matches!(
            decoder.orientation()?,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        let (height, width) = if turned { (width, height) } else { (height, width) };
        Ok([height as usize, width as usize])
    };
    size().map_err(|cause| wrong(&cause))
}

/// The fault of an image file, in words for the user.
fn wrong(error: &ImageError) -> String {
    let named = |format: String, else_: &str| match format.as_str() {
        "" => else_.to_owned(),
        name => format!("{name} that is damaged"),
    };
    let name = |hint: &ImageFormatHint| match hint {
        ImageFormatHint::Exact(format) => format!("a {format:?} image").replace("Png", "PNG").replace("Jpeg", "JPEG"),
        ImageFormatHint::Name(name) => format!("a {name} image"),
        _ => String::new(),
    };
    match error {
        ImageError::Decoding(error) => named(name(&error.format_hint()), "a damaged image"),
        ImageError::Unsupported(error) => match name(&error.format_hint()) {
            format if format.is_empty() => "a file of no known image format".into(),
            format => format!("{format} of a kind that is not read"),
        },
        ImageError::Limits(_) => format!("an image of more than {MOST_SIDE} pixels a side"),
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            "an image that ends too soon".into()
        }
        ImageError::IoError(error) => error.to_string(),
        _ => "a damaged image".into(),
    }
}

/// True if these are the first bytes of an image file in a format with an unmistakable signature.
pub(crate) fn is_image(start: &[u8]) -> bool {
    let formats = [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Tiff];
    image::guess_format(start).is_ok_and(|format| formats.contains(&format))
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_BYTES);
    limits
}

fn reader<R: BufRead + Seek>(file: R) -> ImageResult<ImageReader<R>> {
    let mut reader = ImageReader::new(file).with_guessed_format()?;
    reader.limits(limits());
    Ok(reader)
}

/// Further images of a file whose first one was decoded; none if that cannot be determined.
fn more(format: Option<ImageFormat>, bytes: &[u8]) -> More {
    let file = Cursor::new(bytes);
    let is_animated = match format {
        Some(ImageFormat::Png) => {
            PngDecoder::with_limits(file, limits()).is_ok_and(|png| png.is_apng().unwrap_or(false))
        }
        Some(ImageFormat::WebP) => WebPDecoder::new(file).is_ok_and(|webp| webp.has_animation()),
        Some(ImageFormat::Gif) => GifDecoder::new(file).is_ok_and(|mut gif| {
            gif.set_limits(limits()).is_ok() && gif.into_frames().nth(1).is_some_and(|frame| frame.is_ok())
        }),
        Some(ImageFormat::Tiff) if has_pages(bytes) == Some(true) => return More::Pages,
        _ => false,
    };
    if is_animated { More::Frames } else { More::None }
}

/// True if a TIFF file has a second directory, which is that of its second page. None if the file is cut off.
///
/// A directory is the number of its entries, the entries, and the place of the next directory, or 0 after the last.
/// `II` and `MM` are the orders of bytes, and 42 is TIFF. The image library does not take `BigTIFF`, which has 43.
fn has_pages(bytes: &[u8]) -> Option<bool> {
    let is_little = bytes.starts_with(b"II");
    let number = |at: u64, size: u64| -> Option<u64> {
        let at = usize::try_from(at).ok()?;
        let digits = bytes.get(at..at.checked_add(size as usize)?)?;
        let join = |number: u64, digit: &u8| number << 8 | u64::from(*digit);
        Some(if is_little { digits.iter().rev().fold(0, join) } else { digits.iter().fold(0, join) })
    };
    if number(2, 2)? != 42 {
        return None;
    }
    let first = number(4, 4)?;
    let entries = number(first, 2)?.checked_mul(12)?;
    let next = first.checked_add(2)?.checked_add(entries)?;
    Some(number(next, 4)? != 0)
}
