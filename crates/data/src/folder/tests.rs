use std::fs;
use std::io::Cursor;

use image::{DynamicImage, GrayAlphaImage, GrayImage, ImageFormat, Luma, LumaA, RgbImage, RgbaImage};
use proptest::prelude::*;

use super::*;

/// Reads as the present rules have it.
fn train(folder: &Path) -> Result<Dataset, Error> {
    Ok(super::train(folder, Reading::default())?.data)
}

fn test(folder: &Path) -> Result<Dataset, Error> {
    Ok(super::test(folder, Reading::default())?.data)
}

/// Texts of the notes on the training images.
fn noted(root: &tempfile::TempDir) -> Vec<String> {
    let images = super::train(root.path(), Reading::default()).unwrap();
    images.notes.into_iter().map(|note| note.text).collect()
}

/// Writes an image in the format of its name.
fn save(root: &tempfile::TempDir, name: &str, image: impl Into<DynamicImage>) {
    let path = root.path().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image.into().save(path).unwrap();
}

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
    assert!(
        message.contains("`DATA/train/b/3.png`")
            && message.contains("3x3 pixels (width x height) as in `DATA/train/a/x.PNG`")
    );
    assert!(message.contains("hint: `--image-size HxW`"), "{message}");

    let root = good();
    fs::write(root.path().join("test/a/broken.jpg"), b"\xff\xd8\xff nonsense").unwrap();
    assert!(complaint(&root, test(root.path())).contains("`DATA/test/a/broken.jpg`"));
    train(root.path()).unwrap();

    let root = good();
    put(root.path(), "test/c/1.png", 3, 1);
    assert!(complaint(&root, test(root.path())).contains("`DATA/test/c` is damaged or not understood"));

    let root = good();
    fs::create_dir(root.path().join("train/c")).unwrap();
    fs::write(root.path().join("train/c/a.heic"), "").unwrap();
    let message = complaint(&root, train(root.path()));
    assert!(message.contains("`DATA/train/c`") && message.contains("found none (1 other files)"), "{message}");

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

#[test]
fn transparency_is_drawn_on_a_background_in_every_form_and_as_predict_does() {
    let root = tempfile::tempdir().unwrap();
    // A black bar of alpha, as drawing programs save it: dark, so that it is put on white.
    let alpha = |x: u32| if x == 1 { 255 } else { 0 };
    save(&root, "train/a/1.png", RgbaImage::from_fn(4, 2, |x, _| image::Rgba([0, 0, 0, alpha(x)])));
    save(&root, "train/a/2.png", GrayAlphaImage::from_fn(4, 2, |x, _| LumaA([0, alpha(x)])));
    save(&root, "train/a/3.webp", RgbaImage::from_fn(4, 2, |x, _| image::Rgba([0, 0, 0, alpha(x)])));
    save(&root, "train/a/4.tiff", RgbaImage::from_fn(4, 2, |x, _| image::Rgba([0, 0, 0, alpha(x)])));
    let deep = |x: u32| LumaA([0_u16, u16::from(alpha(x)) * 257]);
    save(&root, "train/a/5.png", image::ImageBuffer::from_fn(4, 2, |x, _| deep(x)));
    // Transparency in the header (`tRNS`): a gray value, a color, and an entry of the palette.
    let rows = |row: &[u8]| [&[0][..], row, &[0], row].concat();
    let files = [
        ("train/a/6.png", png(0, &rows(&[9, 0, 9, 9]), &[(b"tRNS", &[0, 9])])),
        ("train/a/7.png", png(2, &rows(&[9, 9, 9, 0, 0, 0, 9, 9, 9, 9, 9, 9]), &[(b"tRNS", &[0, 9, 0, 9, 0, 9])])),
        ("train/a/8.png", png(3, &rows(&[0, 1, 0, 0]), &[(b"PLTE", &[9, 9, 9, 0, 0, 0]), (b"tRNS", &[0])])),
    ];
    for (name, bytes) in files {
        fs::write(root.path().join(name), bytes).unwrap();
    }
    let data = train(root.path()).unwrap();
    for i in 0..data.len() {
        assert_eq!(data.image(i), [255, 0, 255, 255, 255, 0, 255, 255], "image {}", i + 1);
    }
    let notes = noted(&root);
    assert!(
        notes.contains(&"8 images of train are transparent and were drawn on a background: 8 on white".into()),
        "{notes:?}"
    );
    for entry in fs::read_dir(root.path().join("train/a")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let photo = photo::read("x", &bytes, [2, 4], photo::Invert::Auto, photo::Framing::Whole).unwrap();
        assert_eq!(photo.pixels, data.image(0));
    }
    let first = Reading { rules: Rules::First, image_size: None };
    let old = super::train(root.path(), first).unwrap();
    assert_eq!((old.data.len(), old.data.image(0), old.notes.len()), (6, &[0; 8][..], 0));
}

/// A PNG file of 4x2 pixels of 8 bits.
fn png(color: u8, rows: &[u8], chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut put = |name: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(name);
        crc.update(data);
        file.extend((data.len() as u32).to_be_bytes());
        file.extend(name.iter().chain(data));
        file.extend(crc.sum().to_be_bytes());
    };
    put(b"IHDR", &[0, 0, 0, 4, 0, 0, 0, 2, 8, color, 0, 0, 0]);
    for (name, data) in chunks {
        put(name, data);
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, rows).unwrap();
    put(b"IDAT", &packed.finish().unwrap());
    put(b"IEND", &[]);
    file
}

#[test]
fn every_format_and_every_subfolder_is_read_and_the_rest_is_counted() {
    let root = good();
    for (at, end) in ["jpg", "webp", "bmp", "gif", "tif", "tiff", "pgm", "ppm", "pnm"].into_iter().enumerate() {
        let light = 100 + at as u8;
        if ["ppm", "webp", "gif"].contains(&end) {
            save(&root, &format!("train/a/more/{at}.{end}"), RgbImage::from_pixel(3, 3, image::Rgb([light, light, 0])));
        } else {
            put(root.path(), &format!("train/a/more/deep/{at}.{end}"), 3, light);
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    GrayImage::from_pixel(3, 3, Luma([50])).write_to(&mut bytes, ImageFormat::Png).unwrap();
    fs::write(root.path().join("train/a/no_ending"), bytes.get_ref()).unwrap();
    for silent in ["Thumbs.db", "desktop.ini", ".DS_Store", "._1.png"] {
        fs::write(root.path().join("train/a").join(silent), "").unwrap();
    }
    assert_eq!(train(root.path()).unwrap().labels[..], [[0; 11].as_slice(), &[1; 2]].concat());
    let told = [
        "9 images of train are in subfolders of classes",
        "9 images of train are no PNG or JPEG by name (no ending, bmp, gif, pgm, pnm, ppm, tif, tiff, webp)",
        "3 images of train have colors and were turned to gray",
    ];
    assert_eq!(noted(&root), told);
    for (name, bytes) in
        [("train/a/2.heic", ""), ("train/a/more/3.avif", ""), ("train/b/notes.txt", "P5"), ("train/x.png", "")]
    {
        fs::write(root.path().join(name), bytes).unwrap();
    }
    fs::create_dir(root.path().join("valid")).unwrap();
    let notes = noted(&root);
    for told in [
        "2 files of train/a are no image that can be read and were left out, such as 2.heic",
        "1 file of train/b is no image that can be read and was left out: notes.txt",
        "1 file of train is in no folder of a class and was left out: x.png",
        "valid/ was not read: validation images are taken from train/ (`--val-fraction`)",
    ] {
        assert!(notes.contains(&told.to_owned()), "{told}: {notes:?}");
    }
    for class in ["c", "d", "e"] {
        put(root.path(), &format!("train/{class}/1.png"), 3, 1);
        fs::write(root.path().join(format!("train/{class}/1.svg")), "").unwrap();
    }
    let told = "6 files of 5 classes of train are no image that can be read and were left out, such as train/a/2.heic";
    assert!(noted(&root).contains(&told.to_owned()), "{:?}", noted(&root));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_end_and_pipes_are_not_opened() {
    use std::os::unix::fs::symlink;
    let root = good();
    let a = root.path().join("train/a");
    symlink(&a, a.join("loop")).unwrap();
    symlink(root.path().join("train"), a.join("up")).unwrap();
    symlink("nowhere.png", a.join("broken.png")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(a.join("pipe.png")).status().unwrap().success());
    // `up` leads to both classes, of which only `a` was read already.
    assert_eq!(*train(root.path()).unwrap().labels, [0, 0, 0, 1, 1]);
    let notes = noted(&root);
    let told = "2 files of train/a are no image that can be read and were left out, such as broken.png";
    assert!(notes.contains(&told.to_owned()), "{notes:?}");
    assert!(notes.contains(&"2 folders are links to what was read already and left out of train".into()), "{notes:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf_8_stay_two_classes() {
    use std::os::unix::ffi::OsStrExt as _;
    let root = tempfile::tempdir().unwrap();
    for (part, light) in [("train", 1), ("test", 2)] {
        for name in [b"caf\xe9", b"caf\xe8"] {
            let class = root.path().join(part).join(std::ffi::OsStr::from_bytes(name));
            fs::create_dir_all(&class).unwrap();
            GrayImage::from_pixel(2, 2, Luma([light])).save(class.join("1.png")).unwrap();
        }
    }
    assert_eq!(train(root.path()).unwrap().classes, ["caf\\xe8", "caf\\xe9"]);
    assert_eq!(*test(root.path()).unwrap().labels, [0, 1]);
}

#[test]
fn images_of_different_sizes_are_converted_as_predict_does() {
    let root = good();
    let odd = GrayImage::from_fn(9, 5, |x, y| Luma([(x * 20 + y) as u8]));
    save(&root, "train/b/odd.png", odd.clone());
    save(&root, "test/a/odd.png", odd.clone());
    assert!(train(root.path()).is_err() && test(root.path()).is_err());
    let reading = Reading { image_size: Some([4, 3]), ..Reading::default() };
    let images = super::train(root.path(), reading).unwrap();
    assert_eq!((images.data.shape.as_slice(), images.data.len()), (&[4, 3][..], 4));
    let photo = photo::convert(&odd.into(), [4, 3], photo::Invert::Auto, photo::Framing::Whole);
    assert_eq!(images.data.image(3), photo.pixels);
    assert_eq!(super::test(root.path(), reading).unwrap().data.image(0), photo.pixels);
    assert!(images.notes.iter().any(|note| note.text == "4 images of train were of other sizes and were converted"));
}

/// A TIFF file of one-pixel gray pages, each in one strip behind its directory.
fn tiff(lights: &[u8]) -> Vec<u8> {
    let number = |value: u64, size: usize| value.to_le_bytes()[..size].to_vec();
    let mut bytes = b"II\x2a\0\x08\0\0\0".to_vec();
    for (page, light) in lights.iter().enumerate() {
        // Width, height, bits, compression, black is 0, place of the strip, rows in it, its bytes.
        let entries = [(256, 1), (257, 1), (258, 8), (259, 1), (262, 1), (273, 0), (278, 1), (279, 1)];
        let strip = bytes.len() + 2 + entries.len() * 12 + 4;
        bytes.extend(number(entries.len() as u64, 2));
        for (tag, value) in entries {
            let value = if tag == 273 { strip as u64 } else { value };
            bytes.extend([number(tag, 2), number(4, 2), number(1, 4), number(value, 4)].concat());
        }
        // Directories begin at even places.
        let next = if page + 1 < lights.len() { strip as u64 + 2 } else { 0 };
        bytes.extend(number(next, 4));
        bytes.extend([*light, 0]);
    }
    bytes
}

#[test]
fn the_first_page_of_a_document_is_taken_and_said() {
    for (pages, told, converted) in [
        (&[200][..], None, "unchanged"),
        (&[200, 10][..], Some("1 image of train has several pages: its first one was taken"), "first page"),
    ] {
        let root = tempfile::tempdir().unwrap();
        for class in ["a", "b"] {
            put(root.path(), &format!("train/{class}/x.png"), 1, 9);
        }
        let bytes = tiff(pages);
        fs::write(root.path().join("train/a/a.tif"), &bytes).unwrap();
        assert_eq!(train(root.path()).unwrap().images[0], 200);
        let notes = noted(&root);
        assert_eq!(notes.iter().find(|note| note.contains("pages")).map(String::as_str), told);
        let photo = photo::read("x", &bytes, [1, 1], photo::Invert::No, photo::Framing::Whole).unwrap();
        assert!(photo.converted.starts_with(converted), "{}", photo.converted);
        // A file that ends anywhere is no reason to panic.
        for end in 0..bytes.len() {
            let _ = crate::decode::decode(&bytes[..end]);
        }
    }
}

#[test]
fn the_first_frame_of_an_animation_is_taken_and_said() {
    let root = good();
    let mut bytes = Vec::new();
    let mut gif = image::codecs::gif::GifEncoder::new(&mut bytes);
    for light in [200, 10] {
        gif.encode_frame(image::Frame::new(RgbaImage::from_pixel(3, 3, image::Rgba([light, light, light, 255]))))
            .unwrap();
    }
    drop(gif);
    fs::write(root.path().join("train/a/a.gif"), &bytes).unwrap();
    assert_eq!(train(root.path()).unwrap().images[0], 200);
    let told = "1 image of train is animated: its first frame was taken";
    assert!(noted(&root).contains(&told.to_owned()), "{:?}", noted(&root));
    let photo = photo::read("x", &bytes, [3, 3], photo::Invert::No, photo::Framing::Whole).unwrap();
    assert!(photo.converted.starts_with("first frame"), "{}", photo.converted);
}

#[test]
fn the_test_part_is_checked_without_decoding_an_image() {
    let check = |root: &tempfile::TempDir| super::check_test(root.path(), Reading::default());
    let root = good();
    // The header is whole, the pixels are not.
    let path = root.path().join("test/a/z.png");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() - 20]).unwrap();
    assert_eq!(check(&root).unwrap(), TestPart::Present);
    put(root.path(), "test/b/other.png", 4, 1);
    assert!(check(&root).unwrap_err().to_string().contains("test/b/other.png"));
    let root = good();
    put(root.path(), "test/c/1.png", 3, 1);
    assert!(check(&root).unwrap_err().to_string().contains("a class that `train` has too, found `c`"));
    fs::remove_dir_all(root.path().join("test")).unwrap();
    assert_eq!(check(&root).unwrap(), TestPart::Missing("test/ is missing".into()));
    fs::create_dir(root.path().join("test")).unwrap();
    assert!(check(&root).is_err());
}

#[test]
fn twelve_bits_in_sixteen_are_noticed() {
    let root = tempfile::tempdir().unwrap();
    for (class, at) in [("a", 0_u32), ("b", 1)] {
        let image = image::ImageBuffer::from_fn(2, 2, |x, _| Luma([if x == at { 4080_u16 } else { 0 }]));
        save(&root, &format!("train/{class}/1.png"), DynamicImage::ImageLuma16(image));
    }
    let images = super::train(root.path(), Reading::default()).unwrap();
    assert_eq!(images.deepest, Some(4080));
    let notes = notes::of_train(&images.data, images.deepest);
    assert_eq!(notes[0].text, "the lightest pixel is 4,080 of 65,535: are these 12-bit values in 16-bit files?");
}
