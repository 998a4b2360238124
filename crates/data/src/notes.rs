//! Notes on images that were read: files left out, conversions, and signs that the data is wrong.
//!
//! A note is information; no dataset is refused because of one. `of_train` and `of_test` look at the images
//! only, so that they apply to IDX files and image folders alike.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use handloom_engine::dataset::Dataset;

/// A note about a dataset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The sentence, without a full stop.
    pub text: String,
    /// True if the data is probably wrong; false for mere information, such as a conversion.
    pub is_doubtful: bool,
}

impl Note {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_doubtful: false }
    }

    fn doubt(text: impl Into<String>) -> Self {
        Self { text: text.into(), is_doubtful: true }
    }
}

/// Images whose lightest pixel is below this are called nearly black.
const DIM: u8 = 32;
/// Images whose lightest and darkest pixel differ by less than this are called nearly constant.
const CONTRAST: u8 = 16;
/// Ratio of the sizes of the largest and the smallest class from which there is a note.
const UNEQUAL: u64 = 10;
/// Maximum number of pairs of classes with equal images that are named.
const PAIRS: usize = 3;

/// Notes on training images. `deepest` is the lightest value of images of 16 bits, if all of them have so many.
pub(crate) fn of_train(data: &Dataset, deepest: Option<u16>) -> Vec<Note> {
    let mut notes = Vec::new();
    let n = data.len();
    if n == 0 {
        return notes;
    }
    let (least, most) = range(data);
    // Values below 128 of 65,535 are all 0 in 8 bits: then the images only look the same.
    let is_lost = most == 0 && deepest.is_some_and(|lightest| lightest > 0);
    let is_same = n > 1 && !is_lost && (1..n).all(|i| data.image(i) == data.image(0));
    if is_same {
        let all = format!("all {} training images are the same", grouped(n));
        let single = if least == most { format!(": every pixel is {most}") } else { String::new() };
        notes.push(Note::doubt(all + &single));
    } else {
        notes.extend(dark(data, deepest, least, most));
        notes.extend((!is_lost).then(|| shared(data)).flatten());
    }
    notes.extend(unequal(data));
    notes
}

/// Note on a suspicious range of pixel values: images that are nearly black, nearly constant, or scaled already.
fn dark(data: &Dataset, deepest: Option<u16>, least: u8, most: u8) -> Option<Note> {
    let n = data.len();
    let blank = (0..n).filter(|&i| data.image(i).iter().all(|&pixel| pixel == data.image(i)[0])).count();
    Some(Note::doubt(match deepest {
        Some(1) => "the lightest pixel is 1 of 65,535: were the images scaled already?".into(),
        Some(lightest @ 1..=0x3fff) if most < u8::MAX / 2 => format!(
            "the lightest pixel is {} of 65,535: are these {}-bit values in 16-bit files?",
            grouped(lightest.into()),
            u16::BITS - lightest.leading_zeros()
        ),
        _ if most == 0 => "every pixel is 0: the images are black".into(),
        _ if most == 1 => "the lightest pixel is 1 of 255: were the images scaled already?".into(),
        _ if most < DIM => format!("the lightest pixel is {most} of 255: the images are nearly black"),
        _ if most - least < CONTRAST => {
            format!("all pixels lie between {least} and {most} of 255: the images are nearly constant")
        }
        // An image of one pixel always has a single value.
        _ if data.pixels() < 2 || blank == 0 => return None,
        _ if blank == n => format!("each of the {} training images has a single value", grouped(n)),
        _ => format!("{} of {} training images are blank: they have a single value", grouped(blank), grouped(n)),
    }))
}

/// Equal images that are in several classes.
fn shared(data: &Dataset) -> Option<Note> {
    let mut order: Vec<(u64, u32)> = (0..data.len()).map(|i| (hash(data.image(i)), i as u32)).collect();
    order.sort_unstable();
    // Images of the first class that are in the second, too.
    let mut pairs: BTreeMap<(u8, u8), usize> = BTreeMap::new();
    for equal in order.chunk_by(|a, b| a.0 == b.0).filter(|equal| equal.len() > 1) {
        let first = data.image(equal[0].1 as usize);
        let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
        for &(_, row) in equal.iter().filter(|(_, row)| data.image(*row as usize) == first) {
            *counts.entry(data.labels[row as usize]).or_default() += 1;
        }
        for (&a, &count) in &counts {
            for (&b, _) in counts.range(a..).skip(1) {
                *pairs.entry((a, b)).or_default() += count;
            }
        }
    }
    let mut pairs: Vec<_> = pairs.into_iter().collect();
    pairs.sort_by_key(|&(pair, count)| (std::cmp::Reverse(count), pair));
    let class = |label: u8| &data.classes[usize::from(label)];
    let mut words: Vec<String> = pairs
        .iter()
        .take(PAIRS)
        .map(|&((a, b), count)| {
            let images = if count == 1 { "image" } else { "images" };
            let are = if count == 1 { "is" } else { "are" };
            format!("{} {images} of class {} {are} also in class {}", grouped(count), class(a), class(b))
        })
        .collect();
    if pairs.len() > PAIRS {
        words.push(format!("{} more pairs of classes share images", grouped(pairs.len() - PAIRS)));
    }
    (!words.is_empty()).then(|| Note::doubt(words.join("; ")))
}

/// Classes without images, or with far fewer than others.
fn unequal(data: &Dataset) -> Option<Note> {
    let mut counts = vec![0_u64; data.classes.len()];
    for &label in data.labels.iter() {
        counts[usize::from(label)] += 1;
    }
    let classes = || data.classes.iter().zip(&counts);
    let empty: Vec<&str> = classes().filter(|(_, n)| **n == 0).map(|(name, _)| name.as_str()).collect();
    match empty[..] {
        [] => {}
        [one] => return Some(Note::doubt(format!("class {one} has no training image"))),
        _ => {
            let more = if empty.len() > 5 { " ..." } else { "" };
            let named = empty[..empty.len().min(5)].join(", ");
            return Some(Note::doubt(format!("{} classes have no training image: {named}{more}", empty.len())));
        }
    }
    let (largest, most) = classes().max_by_key(|(_, n)| **n)?;
    let (smallest, least) = classes().min_by_key(|(_, n)| **n)?;
    if counts.len() == 1 {
        return Some(Note::doubt(format!("all training images are of one class, {largest}")));
    }
    (*most >= UNEQUAL * least).then(|| {
        Note::doubt(format!(
            "classes are of very unequal size: {} of {largest}, {} of {smallest}",
            images(*most as usize),
            images(*least as usize)
        ))
    })
}

/// Hashes and statistics of training images, to find duplicates among the test images.
#[derive(Clone, Debug)]
pub struct Fingerprints {
    images: HashSet<u64>,
    count: usize,
    lightest: u8,
    mean: f64,
}

impl Fingerprints {
    /// Those of training images.
    pub fn of(data: &Dataset) -> Self {
        Self {
            images: (0..data.len()).map(|i| hash(data.image(i))).collect(),
            count: data.len(),
            lightest: range(data).1,
            mean: mean(data),
        }
    }
}

/// Notes on test images next to the training images.
pub fn of_test(train: &Fingerprints, test: &Dataset) -> Vec<Note> {
    /// Least difference of the mean brightness at which one part may be the negative of the other.
    const NEGATIVE: f64 = 100.0;
    let mut notes = Vec::new();
    let n = test.len();
    if n == 0 {
        return notes;
    }
    let known = (0..n).filter(|&i| train.images.contains(&hash(test.image(i)))).count();
    if known == n {
        let set = if n == train.count { "the test set is the training set: " } else { "" };
        notes.push(Note::doubt(format!("{set}all {} test images are also training images", grouped(n))));
    } else if known > 0 {
        let are = if known == 1 { "is also a training image" } else { "are also training images" };
        notes.push(Note::doubt(format!("{} of {} test images {are}", grouped(known), grouped(n))));
    }
    let (lightest, mean) = (range(test).1, mean(test));
    if u16::from(lightest) * 4 < u16::from(train.lightest) {
        notes.push(Note::doubt(format!(
            "the lightest pixel of the test images is {lightest} of 255, that of the training images {}",
            train.lightest
        )));
    } else if (mean - train.mean).abs() > NEGATIVE {
        notes.push(Note::doubt(format!(
            "test images have a mean brightness of {mean:.0} of 255, training images of {:.0}: is one the negative of the other?",
            train.mean
        )));
    }
    notes
}

fn range(data: &Dataset) -> (u8, u8) {
    data.images.iter().fold((u8::MAX, 0), |(least, most), &pixel| (least.min(pixel), most.max(pixel)))
}

fn mean(data: &Dataset) -> f64 {
    data.images.iter().map(|&pixel| u64::from(pixel)).sum::<u64>() as f64 / data.images.len().max(1) as f64
}

fn hash(image: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    image.hash(&mut hasher);
    hasher.finish()
}

/// `1 image`, `12,000 images`.
pub(crate) fn images(n: usize) -> String {
    format!("{} {}", grouped(n), if n == 1 { "image" } else { "images" })
}

/// A number with a comma every three digits.
pub(crate) fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Two pixels and a label.
    type Image = ([u8; 2], u8);

    /// Images in classes `a`, `b` and so on.
    fn data(images: &[Image]) -> Dataset {
        let classes = images.iter().map(|image| image.1).max().unwrap_or(0) + 1;
        Dataset {
            images: Arc::new(images.iter().flat_map(|image| image.0).collect()),
            labels: Arc::new(images.iter().map(|image| image.1).collect()),
            shape: vec![1, 2],
            classes: (0..classes).map(|class| char::from(b'a' + class).to_string()).collect(),
        }
    }

    fn texts(images: &[Image]) -> Vec<String> {
        of_train(&data(images), None).into_iter().map(|note| note.text).collect()
    }

    #[test]
    fn good_images_bring_no_note() {
        assert!(texts(&[([0, 255], 0), ([255, 0], 1), ([9, 200], 0)]).is_empty());
        assert!(of_train(&data(&[]), None).is_empty());
    }

    #[test]
    fn each_fault_brings_one_note() {
        let cases: [(&[Image], &str); 10] = [
            (&[([0, 1], 0), ([1, 0], 1)], "the lightest pixel is 1 of 255: were the images scaled already?"),
            (&[([0, 0], 0), ([0, 0], 1)], "all 2 training images are the same: every pixel is 0"),
            (&[([7, 90], 0), ([7, 90], 1)], "all 2 training images are the same"),
            (&[([0, 16], 0), ([16, 0], 1)], "the lightest pixel is 16 of 255: the images are nearly black"),
            (
                &[([120, 125], 0), ([125, 120], 1)],
                "all pixels lie between 120 and 125 of 255: the images are nearly constant",
            ),
            (&[([0, 0], 0), ([255, 255], 1)], "each of the 2 training images has a single value"),
            (&[([0, 255], 0), ([255, 255], 1)], "1 of 2 training images are blank: they have a single value"),
            (&[([0, 255], 0), ([0, 255], 1), ([0, 255], 0), ([255, 0], 1)], "2 images of class a are also in class b"),
            (&[([0, 255], 0), ([255, 0], 2)], "class b has no training image"),
            (&[([0, 255], 0), ([255, 0], 0)], "all training images are of one class, a"),
        ];
        for (images, words) in cases {
            assert_eq!(texts(images), [words]);
        }
        let mut many = vec![([0, 255], 0); 20];
        many.extend([([255, 0], 1), ([254, 0], 1)]);
        assert_eq!(texts(&many), ["classes are of very unequal size: 20 images of a, 2 images of b"]);
        let deep = of_train(&data(&[([0, 16], 0), ([16, 0], 1)]), Some(4080));
        assert_eq!(deep[0].text, "the lightest pixel is 4,080 of 65,535: are these 12-bit values in 16-bit files?");
        for (lightest, words) in [
            (1, "1 of 65,535: were the images scaled already?"),
            (100, "100 of 65,535: are these 7-bit values in 16-bit files?"),
        ] {
            let lost = of_train(&data(&[([0, 0], 0), ([0, 0], 1)]), Some(lightest));
            assert_eq!(lost.len(), 1);
            assert_eq!(lost[0].text, format!("the lightest pixel is {words}"));
        }
    }

    #[test]
    fn test_images_are_compared_with_training_images() {
        let train = data(&[([0, 255], 0), ([255, 0], 1)]);
        let of = |images| {
            let notes = of_test(&Fingerprints::of(&train), &data(images));
            notes.into_iter().map(|note| note.text).collect::<Vec<_>>()
        };
        assert!(of(&[([3, 255], 0), ([255, 9], 1)]).is_empty());
        assert_eq!(of(&[([0, 255], 1)]), ["all 1 test images are also training images"]);
        assert_eq!(
            of(&[([0, 255], 0), ([255, 0], 1)]),
            ["the test set is the training set: all 2 test images are also training images"]
        );
        assert_eq!(of(&[([0, 255], 0), ([255, 9], 1)]), ["1 of 2 test images is also a training image"]);
        assert!(of(&[([0, 1], 0)])[0].starts_with("the lightest pixel of the test images is 1 of 255"));
        assert!(of(&[([255, 254], 0)])[0].ends_with("is one the negative of the other?"));
    }
}
