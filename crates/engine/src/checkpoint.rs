//! Checkpoints: everything that a training restores, as one safetensors file.
//!
//! Beside the weights (`layers.{i}...`) stand what the optimizer remembers (`memory.{n}.layers.{i}...`) and
//! the best weights so far (`best.layers.{i}...`). The metadata key `checkpoint` holds the rest as JSON;
//! numbers that must come back bit for bit are there as the integers of their bits.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::event::Row;
use crate::model::{self, Error, NamedTensors};
use crate::network::Network;
use crate::session::{Best, Session};

const KEY: &str = "checkpoint";
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct State {
    version: u32,
    epoch: u64,
    step: u64,
    scalars: Vec<u64>,
    first_loss: Option<u64>,
    best: Option<(u64, u64)>,
    rows: Vec<Row>,
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
        };
        tensors.to_bytes(KEY, serde_json::to_string(&state).expect("numbers make JSON"))
    }

    /// Reads the checkpoint of a run with this configuration.
    pub fn load(path: &Path, config: &Config) -> Result<Self, Error> {
        Self::from_checkpoint(&model::read(path)?, config).map_err(|why| Error::Format {
            path: path.into(),
            why,
            hint: "the checkpoint cannot be continued; train anew",
        })
    }

    /// Reads the bytes of a checkpoint; `Err` says what is wrong with them.
    pub fn from_checkpoint(bytes: &[u8], config: &Config) -> Result<Self, String> {
        let (tensors, metadata) = model::named_tensors(bytes)?;
        let text = metadata.get(KEY).ok_or("its metadata has no key `checkpoint`")?;
        let state: State = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if state.version != VERSION {
            return Err(format!("it has format {}, and this Handloom reads {VERSION}", state.version));
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
        Ok(session)
    }
}
