//! Stores as large as wanted, for tests of the dashboard and its budgets: `cargo run --example stores -- DIR --runs 142`.
//!
//! DIR gets a dozen runs of their own and a sweep with as many trials as were asked for: plausible curves and evidence
//! without any training, the same for every call. Some diverged, were pruned or failed, the last ones are running, and
//! one run and the sweep have names with markup in them, which pages must show and not obey.

#![allow(clippy::disallowed_methods, reason = "nobody compares the bits of these figures")]

mod curve;

use std::error::Error;
use std::path::Path;

use handloom_engine::config::Config;
use handloom_engine::rng::Rng;
use handloom_store::{Epoch, Run, Status, Store, Sweep, open};
use handloom_sweep::{Entry, Params, Spec};
use serde_json::json;

use self::curve::{Curve, End};

/// The sweep's file: the assignment's grid with ranges for the rates, and widths that are lists, too.
const FILE: &str = include_str!("sweep.yaml");
/// Seed of everything.
const SEED: u64 = 20;
/// Runs of their own.
const ALONE: u64 = 12;
/// When the first run began: 2026-11-20, 12:00 UTC, in Unix milliseconds.
const BEGAN_MS: u64 = 1_795_176_000_000;
/// Entries appended at once.
const AT_ONCE: usize = 5_000;
/// Trials at the end that are still running.
const RUNNING: u64 = 2;

fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (folder, trials) = match &words[..] {
        [folder, flag, count] if flag == "--runs" => (folder, count.parse::<u64>()?),
        _ => return Err("DIR --runs N".into()),
    };
    if Path::new(folder).join("handloom.db").exists() {
        return Err(format!("`{folder}` has a store already").into());
    }
    let store = open(folder)?;
    alone(&*store)?;
    sweep(&*store, trials)
}

/// Record that all runs here have in common.
fn record(id: String, config: &Config, started_ms: u64) -> Run {
    let name = format!(
        "hl_{}_bs_{}_ac_{}_op_{}_lr_{:.2e}",
        config.hidden_size.len(),
        config.batch_size,
        config.activation.name(),
        config.optimizer.name(),
        config.rate()
    );
    Run {
        id,
        name,
        started_ms,
        version: env!("CARGO_PKG_VERSION").into(),
        isa: "avx2".into(),
        host: "generated".into(),
        dataset: "fashion_mnist".into(),
        data_sha256: "809e53fab1896cbf6b6a706cef1955156d33ad2dc18e168a8584e4e944c2ace8".into(),
        no_test: true,
        seed: config.seed,
        config: config.to_map(),
        ..Run::default()
    }
}

/// Writes a run with its epochs as `curve` has them, and says when it ended.
fn put(store: &dyn Store, mut run: Run, curve: &Curve) -> Result<u64, Box<dyn Error>> {
    let seconds: f64 = curve.epochs.iter().map(|epoch| epoch.row.seconds + epoch.row.val_seconds).sum();
    let ended_ms = run.started_ms + (1e3 * seconds) as u64;
    let best = curve.best();
    run.status = curve.end.status();
    run.ended_ms = (run.status != Status::Running).then_some(ended_ms);
    run.epochs = curve.epochs.len() as u64;
    run.best_epoch = best.map(|row| row.epoch);
    run.val_accuracy = best.and_then(|row| row.val_accuracy);
    // Of no weights, but as varied as a real one: the size of a report depends on it.
    run.weights_sha256 = best.map(|_| digits(16, 64, &run.id, 0));
    store.put(&run)?;
    store.log(&run.id, &curve.epochs)?;
    Ok(ended_ms)
}

/// An id that is the same in every store.
fn id(purpose: &str, number: u64) -> String {
    digits(36, 8, purpose, number)
}

/// So many digits of chance to a base, the same in every store.
fn digits(base: u32, count: usize, purpose: &str, number: u64) -> String {
    let mut rng = Rng::stream(SEED, purpose, number);
    (0..count).map(|_| char::from_digit(rng.below(u64::from(base)) as u32, base).unwrap_or('0')).collect()
}

/// Runs of their own: the first with markup for a name, some with tags, notes, a group of three seeds, and the test set opened.
fn alone(store: &dyn Store) -> Result<(), Box<dyn Error>> {
    for number in 0..ALONE {
        let mut config = Config::default();
        let optimizers = ["adam", "nadam", "sgd", "momentum"];
        config.merge(&serde_json::from_value(json!({
            "optimizer": optimizers[number as usize / 3 % 4], "seed": 1 + number % 3, "epochs": 15,
            "hidden_size": [128, 64], "learning_rate": if number / 3 < 2 { 0.001 } else { 0.05 },
        }))?)?;
        let mut run = record(id("alone", number), &config, BEGAN_MS + 600_000 * number);
        run.command = ["handloom", "train", "-o", config.optimizer.name()].map(String::from).to_vec();
        run.group = Some(format!("seeds of {}", config.optimizer.name()));
        let end = if number == 7 { End::Stopped } else { End::Finished };
        let curve = Curve::new(&config, number, "alone", end);
        match number {
            0 => {
                run.name = "<script>window.owned = true</script><img src=x onerror='window.owned = true'>".into();
                run.notes = Some("<b onclick=\"window.owned = true\">notes</b> & more".into());
                run.tags = vec!["<i>baseline</i>".into(), "first".into()];
            }
            1 => run.tags = vec!["baseline".into()],
            5 => {
                run.no_test = false;
                run.test_accuracy = curve.best().and_then(|row| Some(row.val_accuracy? - 0.007));
                run.test_loss = Some(0.37);
            }
            _ => {}
        }
        put(store, run, &curve)?;
    }
    Ok(())
}

/// A sweep with this many trials, two at a time.
fn sweep(store: &dyn Store, trials: u64) -> Result<(), Box<dyn Error>> {
    let spec = Spec::read(FILE)?;
    let sweep_id = id("sweep", 0);
    let sweep = Sweep {
        id: sweep_id.clone(),
        name: Some("<b>search</b> & \"quotes\"".into()),
        created_ms: BEGAN_MS + 600_000 * ALONE,
        command: ["handloom", "sweep", "sweep.yaml"].map(String::from).to_vec(),
        version: env!("CARGO_PKG_VERSION").into(),
        host: "generated".into(),
        yaml: FILE.into(),
        seed: 1,
        dataset: "fashion_mnist".into(),
        ..Sweep::default()
    };
    let agent = "generated".to_owned();
    let joined = Entry::Joined { agent: agent.clone(), host: "generated".into(), process: 1, workers: 2 };
    store.add_sweep(&sweep, &[Entry::Capped { trials }, joined])?;
    let mut entries = Vec::new();
    let mut clock_ms = [sweep.created_ms; 2];
    for number in 0..trials {
        let mut rng = Rng::stream(SEED, "choice", number);
        let choice: Params = (spec.space.parameters.iter())
            .map(|parameter| (parameter.name.clone(), parameter.distribution.at(rng.unit())))
            .collect();
        let mut config = Config::default();
        config.merge(&spec.settings(&choice))?;
        let clock = &mut clock_ms[(number % 2) as usize];
        let (run_id, attempt) = (id("trial", number), 0);
        let mut run = record(run_id.clone(), &config, *clock);
        run.sweep = Some(sweep_id.clone());
        let end = if number + RUNNING >= trials { End::Running } else { End::of_trial(&config, number) };
        let curve = Curve::new(&config, number, "trial", end);
        *clock = put(store, run, &curve)? + 5;
        entries.push(Entry::Claimed { number, attempt, agent: agent.clone(), run: run_id, choice });
        entries.extend(curve.epochs.iter().map(|Epoch { row, .. }| Entry::Reported {
            number,
            attempt,
            agent: agent.clone(),
            epoch: row.epoch,
            value: row.val_accuracy,
        }));
        if let Some((status, why)) = curve.end.ended() {
            entries.push(Entry::Ended { number, attempt, agent: agent.clone(), status, why });
        }
        if entries.len() > AT_ONCE {
            store.append(&sweep_id, &std::mem::take(&mut entries))?;
        }
    }
    store.append(&sweep_id, &entries)?;
    Ok(())
}
