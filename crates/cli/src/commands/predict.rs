//! `predict`: what a model sees in pictures of any size and color.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_data::photo::{self, Framing, Invert, Photo};
use handloom_data::{IMAGE_ENDINGS, catalog};
use handloom_engine::Machine;
use handloom_engine::dataset::Dataset;
use handloom_engine::model::Model;
use handloom_view::words::count;
use serde_json::{Value, json};

use super::{finite, readable_runs, text};
use crate::exit::{Exit, Failure};
use crate::output::{BOLD, DIM, Output};
use crate::runs::Run;
use crate::table::{elided, one_line};

/// Largest picture file that is read, 64 MiB.
const MOST_BYTES: u64 = 64 << 20;
/// Probabilities below are not worth a place in the text unless `--top` was given.
const LEAST: f32 = 0.005;
/// Widest name of a file or class in the text.
const NAME: usize = 32;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let name = text(matches, "model").unwrap_or("@last");
    let ending = Path::new(name).extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if IMAGE_ENDINGS.contains(&ending.as_str()) {
        return Err(Failure::usage(format!(
            "`{name}` is a picture, not a model\nhint: name the model first: `handloom predict @last {} ...`",
            handloom_view::words::quoted(name)
        )));
    }
    let top = text(matches, "top").map(top).transpose()?;
    let invert = match text(matches, "invert") {
        Some("yes") => Invert::Yes,
        Some("no") => Invert::No,
        _ => Invert::Auto,
    };
    let runs = readable_runs(matches, output)?;
    let (model, path, run) = runs.model(name)?;
    runs.tell_unchecked(output);
    finite(&model, &path)?;
    let size = sides(&model.input_shape).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` takes inputs of shape {:?}, which no picture has\nhint: `predict` is for models of images",
            path.display(),
            model.input_shape
        ))
    })?;
    let framing = framing(&model, run.as_ref());
    let files: Vec<&String> = matches.get_many("image").into_iter().flatten().collect();
    let longest = |names: &mut dyn Iterator<Item = usize>| names.max().unwrap_or(0).min(NAME);
    let widths = [
        longest(&mut files.iter().map(|file| file.chars().count())),
        longest(&mut model.classes.iter().map(|class| class.chars().count())) + " >99%".len(),
    ];
    // One image is too little work for more threads than this one.
    let machine = Machine::new(1);

    let mut failed = 0;
    for file in &files {
        let answer = read(Path::new(file), size, invert, framing).map(|photo| {
            let ranked = ranked(&model, &photo, &machine);
            (photo, ranked)
        });
        match answer {
            Ok((photo, ranked)) => {
                output.event(&event(file, &photo, &ranked[..top.unwrap_or(3).min(ranked.len())]));
                output.result(line(&elided(file, NAME), widths, &photo, &ranked, top));
            }
            Err(error) => {
                failed += 1;
                let message = format!("{error:#}");
                output.event(&json!({"v": 1, "event": "error", "file": file, "message": message}));
                output.error(&message);
            }
        }
    }
    if failed > 0 {
        let all = count(files.len() as u64, "picture", "pictures");
        return Err(Failure::data(format!("{failed} of {all} could not be read")));
    }
    let called = handloom_view::words::quoted(&path.display().to_string());
    output.next(&[&format!("handloom evaluate {}", if name.starts_with('@') { name } else { &called })]);
    Ok(Exit::Done)
}

fn top(text: &str) -> Result<usize> {
    text.parse()
        .ok()
        .filter(|&top| top > 0)
        .ok_or_else(|| Failure::usage(format!("`top` cannot be `{text}`\nhint: it takes a whole number of at least 1")))
}

/// Height and width of the pictures that a model was trained on.
fn sides(shape: &[usize]) -> Option<[usize; 2]> {
    let wide: Vec<usize> = shape.iter().copied().filter(|&side| side > 1).collect();
    match (shape, wide.as_slice()) {
        (&[height, width], _) | (_, &[height, width]) => Some([height, width]),
        (_, &[pixels]) => Some([pixels.isqrt(); 2]).filter(|[side, _]| side * side == pixels),
        (_, []) => Some([1, 1]),
        _ => None,
    }
}

/// Framing of the pictures that the model was trained on, as far as it is known.
fn framing(model: &Model, run: Option<&Run>) -> Framing {
    let typed = model.config.get("dataset").and_then(Value::as_str).unwrap_or_default();
    // A run knows which set its files are, whatever their folder is called.
    let trained = run.map(|run| run.record.dataset.as_str()).filter(|name| !name.is_empty()).unwrap_or(typed);
    match catalog::find(trained).map(|set| set.name) {
        Some("mnist") => Framing::Digit,
        Some(_) => Framing::Full,
        None if trained.eq_ignore_ascii_case(catalog::GARMENTS) => Framing::Margin,
        None => Framing::Whole,
    }
}

fn read(path: &Path, size: [usize; 2], invert: Invert, framing: Framing) -> Result<Photo> {
    let context = || format!("cannot read `{}`", path.display());
    let about = std::fs::metadata(path).with_context(context)?;
    if about.len() > MOST_BYTES {
        return Err(Failure::data(format!("`{}` has {} bytes, more than {MOST_BYTES}", path.display(), about.len())));
    }
    let bytes = std::fs::read(path).with_context(context)?;
    Ok(photo::read(&path.display().to_string(), &bytes, size, invert, framing)?)
}

/// Classes with their probabilities, the most probable first.
fn ranked<'a>(model: &'a Model, photo: &Photo, machine: &Machine) -> Vec<(&'a str, f32)> {
    let data = Dataset {
        images: Arc::new(photo.pixels.clone()),
        labels: Arc::new(vec![0]),
        shape: model.input_shape.clone(),
        classes: model.classes.clone(),
    };
    let probabilities = model.network.predict(&data, &[0], machine);
    let mut ranked: Vec<_> = model.classes.iter().map(String::as_str).zip(probabilities).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked
}

fn event(file: &str, photo: &Photo, top: &[(&str, f32)]) -> Value {
    let named = |(class, probability): &(&str, f32)| json!({"class": class, "probability": probability});
    json!({
        "v": 1,
        "event": "predict",
        "file": file,
        "class": top[0].0,
        "probability": top[0].1,
        "top": top.iter().map(named).collect::<Vec<_>>(),
        "converted": photo.converted,
    })
}

fn line(
    file: &str,
    [file_width, best_width]: [usize; 2],
    photo: &Photo,
    ranked: &[(&str, f32)],
    top: Option<usize>,
) -> String {
    let share = |probability: f32| match probability * 100.0 {
        percent if percent < 0.5 => "<1%".into(),
        percent if percent > 99.5 && probability < 1.0 => ">99%".into(),
        percent => format!("{percent:.0}%"),
    };
    let others = ranked[1..].iter().take(top.unwrap_or(3) - 1);
    let others: Vec<String> = others
        .filter(|(_, probability)| top.is_some() || *probability >= LEAST)
        .map(|(class, probability)| format!("{} {}", one_line(class), share(*probability)))
        .collect();
    let best = format!("{} {}", elided(ranked[0].0, NAME), share(ranked[0].1));
    let others = if others.is_empty() { String::new() } else { format!("({})", others.join(", ")) };
    let converted = &photo.converted;
    format!("{file:<file_width$}    {BOLD}{best:<best_width$}{BOLD:#}  {others:<30}  {DIM}{converted}{DIM:#}")
}
