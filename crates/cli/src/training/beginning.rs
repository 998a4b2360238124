//! Beginning of a training: the network, the rows it is trained on, and the run's record.

use std::fs::File;
use std::path::Path;

use anyhow::Result;
use handloom_data::checksum;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::model::load_tensors;
use handloom_engine::network::Network;
use handloom_engine::{Isa, NUMERICS, train};
use handloom_view::format;
use handloom_view::words::grouped;
use serde_json::json;

use crate::exit::{Exit, Failure};
use crate::memory;
use crate::provenance::{Origin, absolute};
use crate::runs::{Record, Run, now_ms};
use crate::source::Source;

/// The network that training begins with.
pub(crate) fn begin(config: &Config, data: &Dataset) -> Result<Network> {
    let sizes = train::sizes(config, data);
    Ok(match &config.init_from {
        Some(path) => Network::from_tensors(&sizes, config.activation.clone(), &load_tensors(Path::new(path), &sizes)?),
        None => Network::new(&sizes, config.activation.clone(), &config.weight_init, config.seed),
    })
}

/// Most weights and biases of a network: with an optimizer's memory these are 16 GiB.
const MOST_PARAMETERS: usize = 1 << 30;

/// Fails if the network is too large for any machine or for what this one has left, or if of `split`, numbers of images for
/// training and for validation, none is left to train on.
pub(crate) fn fits(config: &Config, data: &Dataset, split: (usize, usize)) -> Result<()> {
    let sizes = train::sizes(config, data);
    let sum = |of: fn(usize, usize) -> usize| {
        sizes.windows(2).map(|pair| of(pair[0], pair[1])).fold(0, usize::saturating_add)
    };
    let parameters = sum(|inputs, outputs| inputs.saturating_add(1).saturating_mul(outputs));
    // In memory, inputs and outputs are padded to multiples of 16.
    let padded = sum(|inputs, outputs| {
        inputs
            .checked_next_multiple_of(16)
            .map_or(usize::MAX, |inputs| inputs.saturating_add(1))
            .saturating_mul(outputs.checked_next_multiple_of(16).unwrap_or(usize::MAX))
    });
    // The weights, what the optimizer remembers, the weights of the last epoch and those of the best one.
    let copies = 2 + config.rule().slots() + usize::from(split.1 > 0);
    let bytes = padded.saturating_mul(4).saturating_mul(copies) as u64;
    let takes = || {
        let network = sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ");
        format!(
            "a network of {network} has {} parameters, and training it takes {}",
            grouped(parameters as u64),
            format::bytes(bytes)
        )
    };
    if parameters > MOST_PARAMETERS {
        return Err(Failure::usage(format!(
            "{}: more than {} parameters are never trained\nhint: take a smaller `-sz` or `-nhl`",
            takes(),
            grouped(MOST_PARAMETERS as u64)
        )));
    }
    if let Some(available) = memory::available().filter(|&available| available < bytes) {
        let message = format!(
            "{}, but this machine has {} left\nhint: take a smaller `-sz` or `-nhl`, an optimizer that remembers less, or another machine",
            takes(),
            format::bytes(available)
        );
        return Err(Failure { exit: Exit::Failed, message }.into());
    }
    if split.0 == 0 {
        return Err(Failure::usage(format!(
            "`val_fraction` {} leaves none of {} images to train on\nhint: take a smaller share",
            config.val_fraction,
            data.len()
        )));
    }
    Ok(())
}

/// SHA-256 of everything that decides the weights of a training: its effective configuration, the bytes of its data and
/// of the file that it begins with, and the arithmetic. None if that file cannot be read.
///
/// Two runs with the same one have the same weights, so the one stands for the other: a new setting or file that changes
/// what is trained must be in here.
pub(crate) fn training_sha256(config: &Config, data_sha256: &str) -> Option<String> {
    let mut effective = config.effective();
    // The data are known by their checksum, whatever they are called.
    effective.remove("dataset");
    if let Some(path) = &config.init_from {
        effective.insert("init_from".into(), checksum::of_file(Path::new(path)).ok()?.into());
    }
    let training = json!({
        "arch": std::env::consts::ARCH, "config": effective, "data": data_sha256, "isa": Isa::best().name(),
        "numerics": NUMERICS,
    });
    Some(checksum::of_text(&training.to_string()))
}

/// The record of a run of `config` on `source`, whose training data have this checksum. Names and tags are the caller's.
pub(crate) fn record(config: &Config, source: &Source, data_sha256: &str, origin: &Origin) -> Record {
    Record {
        started_ms: now_ms(),
        command: origin.command.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        isa: Isa::best().name().into(),
        numerics: Some(NUMERICS),
        arch: Some(std::env::consts::ARCH.into()),
        host: origin.host.clone(),
        process: std::process::id(),
        git_commit: origin.git_commit.clone(),
        dataset: source.located.name().into(),
        data_path: source.located.path().map(absolute),
        data_sha256: data_sha256.into(),
        training_sha256: training_sha256(config, data_sha256),
        fallback: source.fallback.clone(),
        seed: config.seed,
        config: config.to_map(),
        ..Record::default()
    }
}

/// The lock on a run's folder, which no other process may hold.
pub(crate) fn locked(run: &Run) -> Result<File> {
    run.lock()?.ok_or_else(|| {
        Failure::usage(format!(
            "another process is training run `{}`\nhint: wait for it, or stop it first",
            run.record.id
        ))
    })
}
