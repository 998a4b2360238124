//! `/api/data`: what a data set looks like, and which of its classes look alike before anything is learned.

use handloom_engine::dataset::Dataset;
use serde_json::{Value, json};

use super::errors::{add, mean, rounded};
use super::sentence::{Sentence, values};
use super::sprite_sheet::sheet_of;
use super::{ApiError, Site};
use crate::words::{count, grouped};

/// Sample images of each class.
const SAMPLES: usize = 5;
/// Pairs of classes that are told to look alike.
const ALIKE: usize = 5;
/// Pixels of a mean image that are compared; of larger images every second, third ... counts.
const COMPARED: usize = 4_096;

pub(super) fn answer(site: &Site, name: Option<&str>) -> Result<Value, ApiError> {
    let Some(name) = name else {
        let seen = site.seen()?;
        let mut used: Vec<(&str, u64)> = Vec::new();
        for run in seen.runs.iter().rev() {
            match used.iter_mut().find(|(known, _)| *known == run.dataset) {
                Some((_, runs)) => *runs += 1,
                None => used.push((&run.dataset, 1)),
            }
        }
        return Ok(used.into_iter().map(|(name, runs)| json!({"name": name, "runs": runs})).collect());
    };
    let (train, test, path) = site.host.data(name)?;
    let mut answer = shown(&train);
    answer["name"] = Value::from(name);
    answer["path"] = path.map_or(Value::Null, |path| Value::from(path.display().to_string()));
    answer["test"] = json!({"images": test});
    Ok(answer)
}

fn shown(data: &Dataset) -> Value {
    let (classes, pixels) = (data.classes.len(), data.pixels());
    let mut per_class = vec![0_u64; classes];
    let mut sums = vec![0_u32; classes * pixels];
    let mut samples: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (row, &label) in data.labels.iter().enumerate() {
        let class = usize::from(label);
        per_class[class] += 1;
        add(&mut sums[class * pixels..][..pixels], data.image(row));
        if samples[class].len() < SAMPLES {
            samples[class].push(row);
        }
    }
    let sums: Vec<&[u32]> = sums.chunks(pixels.max(1)).collect();
    let means: Vec<u8> = sums.iter().zip(&per_class).flat_map(|(sums, &count)| mean(sums, count)).collect();
    let blank = vec![0; pixels];
    let tile = |row: Option<&usize>| row.map_or(blank.as_slice(), |&row| data.image(row));
    // Classes with fewer images keep their places.
    let tiles: Vec<&[u8]> = samples.iter().flat_map(|rows| (0..SAMPLES).map(|at| tile(rows.get(at)))).collect();
    let distances = distances(&sums, &per_class);
    let alike = alike(&distances, &per_class);
    let pair = |&(a, b): &(usize, usize)| json!({"a": a, "b": b, "distance": distances[a][b]});
    let pairs: Vec<Value> = alike.iter().take(ALIKE).map(pair).collect();
    json!({
        "name": null, "path": null, "classes": data.classes,
        "train": {"images": data.len(), "per_class": per_class}, "test": null,
        "samples": sheet_of(&tiles, &data.shape),
        "means": sheet_of(&means.chunks(pixels.max(1)).collect::<Vec<_>>(), &data.shape),
        "distances": distances, "alike": pairs,
        "sentences": values(&said(&data.classes, &per_class, &distances, &alike)),
    })
}

/// Root of the mean squared difference of a pixel, in `[0, 1]`, between the mean images of all classes.
fn distances(sums: &[&[u32]], per_class: &[u64]) -> Vec<Vec<f64>> {
    let step = sums.first().map_or(1, |sums| sums.len().div_ceil(COMPARED).max(1));
    let mean = |(sums, count): (&&[u32], &u64)| -> Vec<f64> {
        let scale = 255.0 * (*count).max(1) as f64;
        sums.iter().step_by(step).map(|&sum| f64::from(sum) / scale).collect()
    };
    let means: Vec<Vec<f64>> = sums.iter().zip(per_class).map(mean).collect();
    let distance = |a: &Vec<f64>, b: &Vec<f64>| {
        let squares: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
        rounded((squares / a.len().max(1) as f64).sqrt())
    };
    means.iter().map(|a| means.iter().map(|b| distance(a, b)).collect()).collect()
}

/// Pairs of classes that have images, the nearest first.
fn alike(distances: &[Vec<f64>], per_class: &[u64]) -> Vec<(usize, usize)> {
    let classes = 0..distances.len();
    let pairs = classes.flat_map(|a| (a + 1..distances.len()).map(move |b| (a, b)));
    let mut pairs: Vec<_> = pairs.filter(|&(a, b)| per_class[a] > 0 && per_class[b] > 0).collect();
    pairs.sort_by(|&(a, b), &(c, d)| distances[a][b].total_cmp(&distances[c][d]));
    pairs
}

/// Rules over a data set.
fn said(classes: &[String], per_class: &[u64], distances: &[Vec<f64>], alike: &[(usize, usize)]) -> Vec<Sentence> {
    let mut said = Vec::new();
    let (least, most) = (per_class.iter().min().copied().unwrap_or(0), per_class.iter().max().copied().unwrap_or(0));
    let name = |images: u64| &classes[per_class.iter().position(|&count| count == images).unwrap_or(0)];
    if most > 0 && least == most {
        said.push(Sentence::new(
            "even",
            format!("Every class has {}.", count(most, "training image", "training images")),
        ));
    } else if 2 * least <= most && most > 0 {
        let text = format!(
            "{} has {} training images and {} only {}: accuracy alone says little of the rare classes.",
            name(most),
            grouped(most),
            name(least),
            grouped(least)
        );
        said.push(Sentence::new("uneven", text));
    }
    // The nearest pairs stand out if they are well below the middle.
    let of = |&(a, b): &(usize, usize)| distances[a][b];
    if let (Some(first), Some(middle)) = (alike.first(), alike.get(alike.len() / 2))
        && alike.len() >= 6
        && of(first) <= 0.7 * of(middle)
    {
        let text = format!(
            "{} and {} look most alike: their mean images differ by {:.3} a pixel, those of other classes by {:.3} (median).",
            classes[first.0],
            classes[first.1],
            of(first),
            of(middle)
        );
        said.push(Sentence::new("alike", text));
    }
    // A class whose nearest one is far.
    let nearest = |class: usize| Some((alike.iter().find(|(a, b)| *a == class || *b == class).map(of)?, class));
    let mut nearest: Vec<(f64, usize)> = (0..classes.len()).filter_map(nearest).collect();
    nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
    if let (Some(last), Some(middle)) = (nearest.last(), nearest.get(nearest.len() / 2))
        && nearest.len() >= 4
        && last.0 >= 1.5 * middle.0
    {
        let text = format!("{} looks like no other class.", classes[last.1]);
        said.push(Sentence::new("apart", text));
    }
    said
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::sprite_sheet::tests::picture;
    use super::*;

    /// Images of two pixels, each with its class.
    fn data(images: &[(u8, [u8; 2])], classes: usize) -> Dataset {
        Dataset {
            images: Arc::new(images.iter().flat_map(|(_, pixels)| *pixels).collect()),
            labels: Arc::new(images.iter().map(|(label, _)| *label).collect()),
            shape: vec![1, 2],
            classes: (0..classes).map(|class| format!("class {class}")).collect(),
        }
    }

    fn rules(answer: &Value) -> Vec<&str> {
        answer["sentences"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect()
    }

    #[test]
    fn means_samples_and_distances_are_those_of_each_class() {
        let answer = shown(&data(&[(0, [0, 0]), (1, [255, 255]), (0, [0, 20]), (1, [255, 255])], 3));
        assert_eq!(answer["train"], json!({"images": 4, "per_class": [2, 2, 0]}));
        assert_eq!(picture(&answer["means"]).into_raw(), [0, 10, 255, 255, 0, 0, 0, 0]);
        assert_eq!(answer["samples"]["count"], 15);
        let samples = picture(&answer["samples"]).into_raw();
        // Five places a class, four tiles a line.
        assert_eq!(samples[..8], [0, 0, 0, 20, 0, 0, 0, 0]);
        let squares = f64::midpoint(1.0, (245.0_f64 / 255.0).powi(2));
        assert_eq!(answer["distances"][0][1], json!(rounded(squares.sqrt())));
        assert_eq!(answer["alike"].as_array().unwrap().len(), 1);
        // A class without images is rare.
        assert_eq!(rules(&answer), ["uneven"]);
    }

    #[test]
    fn classes_that_stand_out_are_told_of_and_others_are_not() {
        let answer = shown(&data(&[(0, [0, 0]), (1, [8, 0]), (2, [90, 90]), (3, [255, 255])], 4));
        assert_eq!(rules(&answer), ["even", "alike", "apart"]);
        let text = |at: usize| answer["sentences"][at]["text"].as_str().unwrap();
        assert_eq!(text(0), "Every class has 1 training image.");
        assert!(text(1).starts_with("class 0 and class 1 look most alike"));
        assert!(text(2).starts_with("class 3 looks like no other"));
        let alike = shown(&data(&[(0, [0, 0]), (1, [100, 0]), (2, [0, 100]), (3, [100, 100]), (3, [100, 100])], 4));
        assert_eq!(rules(&alike), ["uneven"]);
    }
}
