//! What is there before the first step: the network, the rows it is trained on, and the run's record.

use std::fs::File;
use std::path::Path;

use anyhow::Result;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::model::load_tensors;
use handloom_engine::network::Network;
use handloom_engine::{Isa, train};

use crate::exit::Failure;
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

/// Fails if the network is too large, or if of `split`, numbers of images for training and for validation, none is left to train on.
pub(crate) fn fits(config: &Config, data: &Dataset, split: (usize, usize)) -> Result<()> {
    let sizes = train::sizes(config, data);
    let layers = sizes.windows(2).map(|pair| pair[0].saturating_add(1).saturating_mul(pair[1]));
    let parameters = layers.fold(0, usize::saturating_add);
    if parameters > MOST_PARAMETERS {
        return Err(Failure::usage(format!(
            "a network of {sizes:?} has {parameters} parameters, more than {MOST_PARAMETERS}\nhint: take a smaller `-sz` or `-nhl`"
        )));
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

/// The record of a run of `config` on `source`, whose training data have this checksum. Names and tags are the caller's.
pub(crate) fn record(config: &Config, source: &Source, data_sha256: &str, origin: &Origin) -> Record {
    Record {
        started_ms: now_ms(),
        command: origin.command.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        isa: Isa::best().name().into(),
        host: origin.host.clone(),
        process: std::process::id(),
        git_commit: origin.git_commit.clone(),
        dataset: source.located.name().into(),
        data_path: source.located.path().map(absolute),
        data_sha256: data_sha256.into(),
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
