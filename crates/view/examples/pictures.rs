//! Draws every picture of runs from made-up data: `cargo run -p handloom-view --example pictures -- FOLDER`.

use std::error::Error;
use std::path::{Path, PathBuf};

use handloom_view::{Created, Ending, Group, Picture, Run, compared, created, curves};

/// Numbers in [0, 1) that look random and are the same every time.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / f64::from(1_u32 << 31)
    }

    fn about_zero(&mut self) -> f64 {
        (0..6).map(|_| self.next() - 0.5).sum::<f64>() / 1.2
    }
}

/// A run that owns its values.
struct Owned {
    label: String,
    series: [Vec<(u32, Option<f64>)>; 4],
    diverged: bool,
}

impl Owned {
    /// `top` is where the validation accuracy comes to, `speed` how fast.
    fn new(label: &str, epochs: u32, top: f64, speed: f64, seed: u64) -> Self {
        let mut noise = Noise(seed);
        let mut series = [const { Vec::new() }; 4];
        for epoch in 1..=epochs {
            let t = f64::from(epoch) * speed;
            let gained = 1.0 - libm::exp(-t);
            let val_accuracy = top - 0.12 * libm::exp(-t) - 0.002 * (t - 3.0).max(0.0) + 0.003 * noise.about_zero();
            let train_accuracy = top - 0.14 * libm::exp(-t) + 0.012 * t * gained;
            let val_loss = 0.33 + 0.45 * libm::exp(-1.3 * t) + 0.018 * (t - 2.0).max(0.0) + 0.006 * noise.about_zero();
            let train_loss = 0.14 + 0.62 * libm::exp(-0.7 * t);
            let values = [train_loss, val_loss + (0.89 - top), train_accuracy.min(0.999), val_accuracy];
            for (series, value) in series.iter_mut().zip(values) {
                series.push((epoch, Some(value)));
            }
        }
        Self { label: label.to_owned(), series, diverged: false }
    }

    /// Explodes after `epoch`.
    fn diverging(mut self, epoch: usize) -> Self {
        for (i, series) in self.series.iter_mut().enumerate() {
            series.truncate(epoch + 1);
            if let [.., before, last] = &mut series[..] {
                before.1 = before.1.map(|v| if i < 2 { v + 0.3 } else { v - 0.2 });
                last.1 = if i < 2 { Some(1e12) } else { None };
            }
        }
        self.diverged = true;
        self
    }

    fn run(&self) -> Run<'_> {
        let [train_loss, val_loss, train_accuracy, val_accuracy] = &self.series;
        Run { label: &self.label, train_loss, val_loss, train_accuracy, val_accuracy, diverged: self.diverged }
    }
}

fn drawn(title: &str, runs: &[Owned]) -> Picture {
    curves(title, &runs.iter().map(Owned::run).collect::<Vec<_>>())
}

fn some(n: usize, epochs: u32) -> Vec<Owned> {
    let mut noise = Noise(n as u64);
    let run = |i: usize| {
        let optimizer = ["nadam", "adam", "rmsprop", "momentum", "nag", "sgd"][i % 6];
        let label = format!("{optimizer} · lr {} · {}×128 · relu", ["1e-3", "3e-4", "0.01"][i % 3], 1 + i % 5);
        let top = 0.845 + 0.05 * noise.next();
        Owned::new(&label, epochs, top, 0.25 + 0.5 * noise.next(), i as u64)
    };
    (0..n).map(run).collect()
}

fn all_curves(save: &mut impl FnMut(&str, &Picture)) {
    save("curves-one", &drawn("hl_3_sz_128_bs_64_ac_tanh_op_nadam", &[Owned::new("one", 10, 0.894, 0.6, 3)]));
    save("curves-one-epoch", &drawn("One epoch", &[Owned::new("one", 1, 0.894, 0.6, 3)]));
    save("curves-one-long", &drawn("300 epochs", &[Owned::new("one", 300, 0.894, 0.02, 3)]));
    let mut gaps = Owned::new("gaps", 30, 0.89, 0.2, 5);
    for series in &mut gaps.series {
        for i in [4, 5, 12, 14] {
            series[i].1 = Some(f64::NAN);
        }
        series[20].1 = None;
    }
    save("curves-gaps", &drawn("Missing values", &[gaps]));
    save("curves-diverged", &drawn("Diverged", &[Owned::new("one", 9, 0.89, 0.6, 3).diverging(6)]));
    let mut bare = Owned::new("bare", 10, 0.89, 0.6, 3);
    bare.series[1].clear();
    bare.series[3].clear();
    save("curves-no-validation", &drawn("Trained on all images", &[bare]));
    save("curves-none", &curves("Nothing yet", &[]));
    save("curves-two", &drawn("Cross-entropy and squared error", &some(2, 10)));
    let mut five = some(5, 10);
    five.push(Owned::new("sgd · lr 10 · 3×128 · relu", 10, 0.87, 0.5, 9).diverging(4));
    save("curves-six", &drawn("Six runs, one of them diverged", &five));
    save("curves-twenty", &drawn("Twenty runs", &some(20, 20)));
    let mut sixty = some(60, 15);
    sixty[7] = Owned::new("wild", 15, 0.87, 0.5, 9).diverging(5);
    save("curves-sixty", &drawn("Sixty runs", &sixty));
    let names = [
        "<script>alert(\"hello\")</script> & <b>",
        "$\\frac{a}{b}$ Überläufer ärgerlich größer 网络 с длинным именем и ещё одним хвостом, который не помещается",
        "",
        "a_very_long_name_without_any_space_hl_3_sz_128_bs_64_ac_tanh_op_nadam_lr_0.001_wd_0.0005_wi_xavier",
    ];
    let hostile: Vec<_> =
        (0..).zip(names).map(|(i, name)| Owned::new(name, 8, 0.88 + 0.002 * i as f64, 0.5, i)).collect();
    save("curves-names", &drawn("Names: <b>bold</b> & “quoted” — длинное имя", &hostile));
}

fn all_created(save: &mut impl FnMut(&str, &Picture)) {
    for (name, n, apart) in [
        ("created-one", 1, 0.0),
        ("created-seconds", 6, 4.0),
        ("created-minutes", 60, 25.0),
        ("created-hours", 142, 420.0),
        ("created-days", 400, 7_000.0),
        ("created-months", 2_000, 20_000.0),
        ("created-ten-thousand", 10_000, 9.0),
    ] {
        let mut noise = Noise(n as u64);
        let names: Vec<_> = (0..n).map(|i| format!("nadam · lr 1e-3 · {}×128 · tanh · {i}", 1 + i % 5)).collect();
        let mut at = 1_795_448_395.0;
        let runs: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(i, label)| {
                at += apart * (0.2 + 1.6 * noise.next());
                let learned = 0.03 * (i as f64 / f64::from(n)).sqrt();
                let value =
                    if noise.next() < 0.12 { 0.1 + 0.5 * noise.next() } else { 0.86 - 0.06 * noise.next().powi(3) };
                let ending = match noise.next() {
                    x if x < 0.03 && n > 10 => Ending::Diverged,
                    x if x < 0.05 && n > 10 => Ending::Failed,
                    x if x < 0.15 && n > 10 => Ending::Unfinished,
                    _ => Ending::Finished,
                };
                let val_accuracy =
                    (noise.next() > 0.01 || n < 10).then_some(value + learned + 0.008 * noise.about_zero());
                Created { label, at, val_accuracy, ending, dataset: "mnist" }
            })
            .collect();
        save(name, &created("Validation accuracy by time of creation", &runs));
    }
    save("created-none", &created("Nothing yet", &[]));
    let lost = Created { label: "lost", at: 1.8e9, val_accuracy: None, ending: Ending::Diverged, dataset: "mnist" };
    save("created-lost", &created("All lost", &[lost, Created { at: 1.8e9 + 5.0, ending: Ending::Failed, ..lost }]));
}

fn all_compared(save: &mut impl FnMut(&str, &Picture)) {
    let group = |top: f64, speed: f64, seeds: u64, salt: u64| -> Vec<Owned> {
        let run = |seed| {
            Owned::new(&format!("seed {seed}"), 10, top + 0.006 * Noise(seed + salt).about_zero(), speed, seed + salt)
        };
        (1..=seeds).map(run).collect()
    };
    let mut save_groups = |name: &str, title: &str, groups: &[(&str, Vec<Owned>)], verdict: &str| {
        let runs: Vec<Vec<_>> = groups.iter().map(|(_, runs)| runs.iter().map(Owned::run).collect()).collect();
        let groups: Vec<_> = groups.iter().zip(&runs).map(|((label, _), runs)| Group { label, runs }).collect();
        save(name, &compared(title, &groups, verdict));
    };
    let settled = "A is better by 0.9 points (95 % interval 0.5 to 1.3): settled.";
    save_groups(
        "compared-two",
        "Cross-entropy against squared error",
        &[("cross-entropy", group(0.894, 0.6, 5, 10)), ("squared error", group(0.885, 0.4, 5, 90))],
        settled,
    );
    let mut bad = group(0.882, 0.6, 4, 40);
    bad.push(Owned::new("seed 5", 10, 0.88, 0.6, 44).diverging(3));
    save_groups(
        "compared-four",
        "Optimizers, five seeds each",
        &[
            ("nadam", group(0.893, 0.7, 5, 7)),
            ("adam", group(0.892, 0.65, 5, 70)),
            ("rmsprop", bad),
            ("sgd", group(0.865, 0.25, 5, 33)),
        ],
        "nadam and adam differ by 0.1 points (95 % interval -0.4 to 0.6): not settled.",
    );
    save_groups(
        "compared-single",
        "One seed each",
        &[("a", group(0.894, 0.6, 1, 1)), ("<script>b</script>", group(0.885, 0.5, 1, 2))],
        "",
    );
    save_groups("compared-none", "Nothing yet", &[], "");
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("which folder shall the pictures go to?")?);
    std::fs::create_dir_all(&folder)?;
    let mut failed = None;
    let mut save = |name: &str, picture: &Picture| {
        for ending in ["png", "svg"] {
            if let Err(error) = picture.save(&Path::new(&folder).join(format!("{name}.{ending}"))) {
                failed.get_or_insert(error);
            }
        }
    };
    all_curves(&mut save);
    all_created(&mut save);
    all_compared(&mut save);
    failed.map_or(Ok(()), |error| Err(error.into()))
}
