//! Checkpoints: everything that a training restores, as one safetensors file.
//!
//! Beside the weights (`layers.{i}...`) stand what the optimizer remembers (`memory.{n}.layers.{i}...`) and
//! the best weights so far (`best.layers.{i}...`). The metadata key `checkpoint` holds the rest as JSON;
//! numbers that must come back bit for bit are there as the integers of their bits.
//!
//! Since version 2 it also has the configuration, the arithmetic of the steps, and the SHA-256 of the whole file, taken with
//! zeros in the place of its 64 digits: a single flipped bit anywhere makes the file unusable. Version 1 is still read.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::config::Config;
use crate::event::EpochMetrics;
use crate::model::{self, Error, NamedTensors};
use crate::network::Network;
use crate::numerics::Numerics;
use crate::session::{Best, Session};

const KEY: &str = "checkpoint";
/// Version of the format that is written, and the newest that is read.
const VERSION: u32 = 2;
/// The first version with a checksum.
const CHECKED: u32 = 2;
/// Stands where the checksum will be.
const NO_DIGITS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    epoch: u64,
    step: u64,
    scalars: Vec<u64>,
    first_loss: Option<u64>,
    best: Option<(u64, u64)>,
    rows: Vec<EpochMetrics>,
    #[serde(default)]
    arithmetic: Numerics,
    #[serde(default)]
    config: Map<String, Value>,
    #[serde(default)]
    sha256: Option<String>,
}

impl Session {
    /// The bytes of a checkpoint.
    pub fn to_checkpoint(&self) -> Vec<u8> {
        let sizes = self.network.sizes();
        let mut tensors = NamedTensors::default();
        let plane = |plane| self.network.layers.iter().map(|layer| layer.tensors(plane)).collect::<Vec<_>>();
        tensors.push("", &sizes, &plane(0));
        for slot in 1..self.network.layers[0].planes() {
            tensors.push(&format!("memory.{slot}."), &sizes, &plane(slot));
        }
        if let Some(best) = &self.best {
            tensors.push("best.", &sizes, &best.network.tensors());
        }
        let state = State {
            version: VERSION,
            epoch: self.epoch,
            step: self.step,
            scalars: self.scalars.iter().map(|x| x.to_bits()).collect(),
            first_loss: self.first_loss.map(f64::to_bits),
            best: self.best.as_ref().map(|best| (best.epoch, best.val_accuracy.to_bits())),
            rows: self.rows.clone(),
            arithmetic: self.arithmetic.clone().unwrap_or_default(),
            config: self.config.clone(),
            sha256: Some(NO_DIGITS.into()),
        };
        let mut bytes = tensors.to_bytes(KEY, serde_json::to_string(&state).expect("numbers make JSON"));
        let digits = model::sha256(&bytes);
        let at = place(&bytes, NO_DIGITS).expect("the header was written with it");
        bytes[at..at + digits.len()].copy_from_slice(digits.as_bytes());
        bytes
    }

    /// Reads the checkpoint of a run with this configuration. Only the number of epochs may be another, and the rules by which
    /// images are read, as their checksum is compared.
    pub fn load(path: &Path, config: &Config) -> Result<Self, Error> {
        let unusable = |why| Error::Format {
            path: path.into(),
            why,
            hint: "the checkpoint cannot be continued; put the run's own file back, or train anew",
        };
        let session = Self::from_checkpoint(&model::read(path)?, config).map_err(unusable)?;
        let asked = config.to_map();
        let differs = |(name, value): &(&String, &Value)| {
            !["epochs", "data_rules"].contains(&name.as_str())
                && asked.get(name.as_str()).is_some_and(|asked| asked != *value)
        };
        match session.config.iter().find(differs) {
            Some((name, value)) => {
                let why = format!("it is of another training: `{name}` is {value} there and {} here", asked[name]);
                Err(unusable(why))
            }
            None => Ok(Self { config: asked, ..session }),
        }
    }

    /// Reads the bytes of a checkpoint; `Err` says what is wrong with them.
    pub fn from_checkpoint(bytes: &[u8], config: &Config) -> Result<Self, String> {
        let (tensors, metadata) = model::named_tensors(bytes)?;
        let text = metadata.get(KEY).ok_or("its metadata has no key `checkpoint`")?;
        let state: State =
            serde_json::from_str(text).map_err(|error| format!("its state: {}", crate::damage::of_json(&error)))?;
        if state.version == 0 || state.version > VERSION {
            return Err(format!("it has format {}, and this Handloom reads 1 to {VERSION}", state.version));
        }
        if state.version >= CHECKED {
            check(bytes, state.sha256.as_deref().unwrap_or_default())?;
        }
        let (sizes, layers) = model::layers(&tensors, "")?;
        let mut session = Self::new(config, &Network::from_tensors(&sizes, config.activation.clone(), &layers));
        if state.scalars.len() != session.scalars.len() {
            return Err("it was written with another optimizer".into());
        }
        for slot in 1..session.network.layers[0].planes() {
            let (found, layers) = model::layers(&tensors, &format!("memory.{slot}."))?;
            if found != sizes {
                return Err(format!("its memory is of {found:?}, its weights of {sizes:?}"));
            }
            for (layer, tensors) in session.network.layers.iter_mut().zip(&layers) {
                layer.set(slot, tensors);
            }
        }
        session.best = match state.best {
            Some((epoch, accuracy)) => {
                let (found, layers) = model::layers(&tensors, "best.")?;
                if found != sizes {
                    return Err(format!("its best weights are of {found:?}, its weights of {sizes:?}"));
                }
                let network = Network::from_tensors(&sizes, config.activation.clone(), &layers);
                Some(Best { epoch, val_accuracy: f64::from_bits(accuracy), network })
            }
            None => None,
        };
        session.scalars = state.scalars.into_iter().map(f64::from_bits).collect();
        session.first_loss = state.first_loss.map(f64::from_bits);
        session.step = state.step;
        session.epoch = state.epoch;
        session.rows = state.rows;
        session.arithmetic = Some(state.arithmetic);
        session.config = state.config;
        session.is_checked = state.version >= CHECKED;
        Ok(session)
    }
}

/// Position of `digits` in the header of a file.
fn place(bytes: &[u8], digits: &str) -> Option<usize> {
    let length = u64::from_le_bytes(*bytes.first_chunk()?);
    let header = &bytes[..usize::try_from(length).ok()?.checked_add(8).filter(|&end| end <= bytes.len())?];
    header.windows(digits.len()).rposition(|window| window == digits.as_bytes())
}

/// Fails unless `digits` are the SHA-256 of `bytes` with zeros in their place.
fn check(bytes: &[u8], digits: &str) -> Result<(), String> {
    let known = Some(digits).filter(|digits| digits.len() == NO_DIGITS.len());
    let at = known.and_then(|digits| place(bytes, digits)).ok_or("it has no checksum")?;
    let mut zeroed = bytes.to_vec();
    zeroed[at..at + digits.len()].copy_from_slice(NO_DIGITS.as_bytes());
    let found = model::sha256(&zeroed);
    if found == digits { Ok(()) } else { Err(format!("it is damaged: its SHA-256 is {found}, recorded {digits}")) }
}
