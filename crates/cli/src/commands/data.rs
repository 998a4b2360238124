//! `data`: which data sets are there, getting one, verifying one, looking at one.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_data::catalog::{self, GARMENTS, SETS, Set};
use handloom_data::notes::{Fingerprints, Note};
use handloom_data::{DataSource, Error, TestPart, fetch, locate};
use handloom_view::words::{count, grouped, quoted};
use serde_json::{Value, json};

use super::{data_dirs, picture, reading, reading_flags, text};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, GOOD, Output};
use crate::source::{self, Bar, Source};
use crate::table::{elided, lines};
use handloom_view::format::bytes as file_size;

/// Images for training and test in every known data set with files: MNIST's numbers.
const IMAGES: [u64; 2] = [60_000, 10_000];
/// Images for training and test of the built-in one.
const DRAWN: [u64; 2] = [12_000, 2_000];

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let (name, matches) = matches.subcommand().expect("clap asks for a command");
    match name {
        "ls" => {
            ls(matches, output);
            Ok(())
        }
        "get" => get(matches, output),
        "check" => check(matches, output),
        "show" => show(matches, output),
        name => unreachable!("`data {name}` is on the command line but not here"),
    }
    .map(|()| Exit::Done)
}

fn ls(matches: &ArgMatches, output: &Output) {
    let data_dirs = data_dirs(matches);
    let mut rows = vec![["name", "train", "test", "download", " where"].map(String::from)];
    let mut missing = None;
    for set in &SETS {
        let place = locate(set.name, &data_dirs).ok().and_then(|found| found.path().map(Path::to_owned));
        let bytes = size(set);
        let way = format!("handloom data get {}", set.name);
        output.event(&entry(set.name, IMAGES, Some(bytes), place.as_deref(), false));
        let place = place.map_or_else(|| format!("missing: {way}"), |path| path.display().to_string());
        if place.starts_with("missing") {
            missing.get_or_insert(way);
        }
        rows.push(row(set.name, IMAGES, &file_size(bytes), &place));
    }
    output.event(&entry(GARMENTS, DRAWN, None, None, true));
    rows.push(row(GARMENTS, DRAWN, "-", "built in"));
    output.table(&rows);
    let show = "handloom data show --out samples.png";
    output.next(&[missing.as_deref().unwrap_or(show), "handloom train"]);
}

fn row(name: &str, images: [u64; 2], bytes: &str, place: &str) -> [String; 5] {
    [name.into(), grouped(images[0]), grouped(images[1]), bytes.into(), format!(" {place}")]
}

fn entry(name: &str, images: [u64; 2], bytes: Option<u64>, path: Option<&Path>, built_in: bool) -> Value {
    json!({
        "v": 1,
        "event": "dataset",
        "name": name,
        "train_images": images[0],
        "test_images": images[1],
        "classes": 10,
        "download_bytes": bytes,
        "found": built_in || path.is_some(),
        "built_in": built_in,
        "path": path.map(|path| path.display().to_string()),
    })
}

/// Bytes to download.
fn size(set: &Set) -> u64 {
    set.files.iter().map(|file| file.size).sum()
}

fn get(matches: &ArgMatches, output: &Output) -> Result<()> {
    let name = text(matches, "name").unwrap_or_default();
    let told = |path: Option<&Path>, downloaded| {
        let path = path.map(|path| path.display().to_string());
        output.event(&json!({"v": 1, "event": "get", "dataset": name, "path": path, "downloaded": downloaded}));
        let shown = quoted(name);
        output.next(&[&format!("handloom data show {shown}"), &format!("handloom train -d {shown}")]);
    };
    let Some(set) = catalog::find(name) else {
        // Both a folder and `garments` are there already; anything else is an error.
        let found = locate(name, &[])?;
        output.result(format!("{found} needs no download"));
        told(found.path(), false);
        return Ok(());
    };
    let cache = set.cache().ok_or_else(|| {
        Failure::data("there is no home folder, so no cache\nhint: set HOME, or put the files into a `--data-dir`")
    })?;
    if !matches.get_flag("force") {
        match locate(name, &data_dirs(matches)).and_then(|found| found.check().map(|_| found)) {
            Ok(found) => {
                output.result(format!("{found} is already there: all four checksums are right"));
                told(found.path(), false);
                return Ok(());
            }
            // Missing files, and damaged ones in the cache, are downloaded next.
            Err(Error::Unavailable { .. }) => {}
            Err(Error::Damaged { file, .. }) if Path::new(&file).starts_with(&cache) => {
                output.warn(format!("`{file}` is damaged: downloading it again"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    renew(set, &cache, matches.get_flag("force"), output)?;
    output.result(format!("{BOLD}{name}{BOLD:#} {GOOD}ok{GOOD:#}: {}", cache.display()));
    told(Some(&cache), true);
    Ok(())
}

/// Downloads into the cache. What is there is replaced only once the new files are whole.
fn renew(set: &Set, cache: &Path, all: bool, output: &Output) -> Result<()> {
    let mut bar = Bar::new(output);
    let fresh = if all { cache.join("again") } else { cache.to_owned() };
    fetch::download(set, set.mirrors, &fresh, &mut |at| bar.show(at))?;
    for file in &set.files {
        let replaced = || -> std::io::Result<()> {
            // An unpacked file is read before a packed one.
            let unpacked = cache.join(file.name);
            if unpacked.exists() {
                fs::remove_file(unpacked)?;
            }
            if all { fs::rename(fresh.join(file.packed_name()), cache.join(file.packed_name())) } else { Ok(()) }
        };
        replaced().with_context(|| format!("replacing `{}`", cache.join(file.name).display()))?;
    }
    if all {
        fs::remove_dir_all(&fresh).with_context(|| format!("removing `{}`", fresh.display()))?;
    }
    Ok(())
}

fn check(matches: &ArgMatches, output: &Output) -> Result<()> {
    let name = text(matches, "name").unwrap_or_default();
    let found = locate(name, &data_dirs(matches))?.read_as(reading(&reading_flags(matches))?);
    let sums = found.checksums()?;
    let wrong = |sum: &handloom_data::checksum::Checksum| sum.expected.is_some_and(|expected| expected != sum.sha256);
    for sum in &sums {
        let verdict = match sum.expected {
            Some(_) if wrong(sum) => "WRONG",
            Some(_) => "ok",
            None => "-",
        };
        let file = sum.file.file_name().unwrap_or(sum.file.as_os_str()).to_string_lossy();
        output.result(format!("  {verdict:<5}  {}  {file}", sum.sha256));
    }
    let failed: Vec<_> = sums.iter().filter(|sum| wrong(sum)).collect();
    let files = sums.iter().map(|sum| {
        json!({"file": sum.file.display().to_string(), "sha256": sum.sha256, "expected": sum.expected, "ok": !wrong(sum)})
    });
    let files: Vec<Value> = files.collect();
    // Reading both parts is the check where no checksum is known.
    let read = if failed.is_empty() { whole(&found).map(Some) } else { Ok(None) };
    let notes: Vec<&str> = match &read {
        Ok(Some(read)) => read.notes.iter().map(|note| note.text.as_str()).collect(),
        _ => Vec::new(),
    };
    let ok = matches!(read, Ok(Some(_)));
    output.event(&json!({"v": 1, "event": "check", "dataset": found.name(), "files": files, "ok": ok, "notes": notes}));
    if let Some(sum) = failed.first() {
        return Err(Failure::data(format!(
            "{} not as published, the first is `{}`\nhint: remove it and run `handloom data get {}`",
            count(failed.len() as u64, &format!("file of {name} is"), &format!("files of {name} are")),
            sum.file.display(),
            found.name()
        )));
    }
    let Some(Whole { train, test, notes }) = read? else { return Ok(()) };
    source::tell(&notes, output);
    let test = test.map_or_else(|| "none for test".into(), |test| format!("{} for test", grouped(test as u64)));
    output.result(format!(
        "{BOLD}{}{BOLD:#} {GOOD}ok{GOOD:#}: {}, {} for training and {test}",
        found,
        if found.is_known() { "every file is as published" } else { "readable; no checksums are known for it" },
        count(train as u64, "image", "images"),
    ));
    let shown = quoted(name);
    output.next(&[&format!("handloom data show {shown}"), &format!("handloom train -d {shown}")]);
    Ok(())
}

/// Size of a data set that was read completely, and notes about it.
struct Whole {
    /// Training images.
    train: usize,
    /// Test images, if there is a test set.
    test: Option<usize>,
    notes: Vec<Note>,
}

fn whole(found: &DataSource) -> Result<Whole, Error> {
    let (train, mut notes) = found.train_with_notes()?;
    let test = match found.check_test()? {
        TestPart::Present => {
            let (test, more) = found.test_with_notes(&Fingerprints::of(&train))?;
            notes.extend(more);
            Some(test.len())
        }
        TestPart::Missing(why) => {
            notes.push(Note { text: format!("no test set: {why}"), is_doubtful: false });
            None
        }
    };
    Ok(Whole { train: train.len(), test, notes })
}

fn show(matches: &ArgMatches, output: &Output) -> Result<()> {
    let picture = picture(matches, "out")?;
    let per_class = match text(matches, "per-class") {
        None => 1,
        Some(text) => text.parse().ok().filter(|n| (1..=1000).contains(n)).ok_or_else(|| {
            Failure::usage(format!("`per-class` cannot be `{text}`\nhint: it takes a whole number from 1 to 1000"))
        })?,
    };
    let data_dirs = data_dirs(matches);
    let named = match (text(matches, "name"), text(matches, "dataset")) {
        (Some(a), Some(b)) if a != b => {
            return Err(Failure::usage(format!("both `{a}` and `{b}` are named\nhint: name one data set")));
        }
        (a, b) => a.or(b),
    };
    let Source { located: found, fallback } = match named {
        Some(name) => source::fetch_or_locate(name, &data_dirs, output)?.into(),
        None => source::obtain_or_garments(SETS[0].name, &data_dirs, output)?,
    };
    let found = found.read_as(reading(&reading_flags(matches))?);
    let (train, notes) = found.train_with_notes()?;
    let mut counts = vec![0_u64; train.classes.len()];
    for &label in train.labels.iter() {
        counts[usize::from(label)] += 1;
    }
    let shape = train.shape.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
    output.event(&json!({
        "v": 1,
        "event": "show",
        "dataset": found.name(),
        "path": found.path().map(|path| path.display().to_string()),
        "fallback": fallback,
        "part": "train",
        "images": train.len(),
        "shape": train.shape,
        "notes": notes.iter().map(|note| &note.text).collect::<Vec<_>>(),
        "classes": train.classes.iter().zip(&counts).map(|(name, n)| json!({"name": name, "images": n})).collect::<Vec<_>>(),
    }));
    source::tell(&notes, output);
    output.result(format!(
        "{BOLD}{found}{BOLD:#}: {} for training, {shape} pixels, {}",
        count(train.len() as u64, "image", "images"),
        count(counts.len() as u64, "class", "classes")
    ));
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let rows: Vec<[String; 3]> = train
        .classes
        .iter()
        .zip(&counts)
        .enumerate()
        .map(|(class, (name, &n))| {
            let bar = "#".repeat((n * 30).div_ceil(most) as usize);
            [format!("{class:>3}  {}", elided(name, 30)), grouped(n), bar]
        })
        .collect();
    for line in lines(&rows) {
        output.result(line);
    }
    let called = quoted(named.unwrap_or(found.name()));
    let train_it = format!("handloom train -d {called}");
    match picture {
        Some(path) => {
            handloom_view::sample_grid(found.name(), &train, per_class).save(&path)?;
            output.note(format!("samples: {}", path.display()));
            output.next(&[&train_it]);
        }
        None => output.next(&[&format!("handloom data show {called} --out samples.png"), &train_it]),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_the_built_in_set_are_right() {
        let garments = locate(GARMENTS, &[]).unwrap();
        assert_eq!([garments.train().unwrap().len() as u64, garments.test().unwrap().len() as u64], DRAWN);
    }
}
