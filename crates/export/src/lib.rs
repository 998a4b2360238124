//! Runs and models in other programs' formats.
//!
//! - [`wandb`]: a run as Weights & Biases' own client writes it offline, and its upload while the run goes on
//! - [`onnx`]: a model for ONNX Runtime and whatever else reads ONNX
//! - [`npz`]: a model's weights for `NumPy`
//! - [`csv`]: runs for spreadsheets and data frames
//!
//! Nothing here opens a network connection. Model and table files are written beside their place and renamed, so
//! each is whole or not there at all; a W&B log grows record by record, and is readable up to its last whole one.
//!
//! `tests/external/` holds scripts that read all of it with the real `wandb`, `onnxruntime` and `numpy`.

#![forbid(unsafe_code)]

pub mod csv;
mod error;
pub mod npz;
pub mod onnx;
pub mod wandb;

pub use error::{Error, Result};
