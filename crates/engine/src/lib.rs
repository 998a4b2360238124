//! A feed-forward network for classification and its training, written by hand: every forward and backward
//! pass, every optimizer and every kernel, without a matrix library and without automatic differentiation.
//!
//! The crate knows no network, no database and no terminal, and needs nothing else of Handloom:
//!
//! ```
//! use std::ops::ControlFlow;
//! use std::sync::Arc;
//!
//! use handloom_engine::Machine;
//! use handloom_engine::config::Config;
//! use handloom_engine::dataset::Dataset;
//! use handloom_engine::event::{Event, Outcome};
//! use handloom_engine::train::train;
//!
//! // 400 images of 2x2 pixels: the left half is lit in one class, the right half in the other.
//! let labels: Vec<u8> = (0..400).map(|i| (i % 2) as u8).collect();
//! let image = |(i, &label): (usize, &u8)| {
//!     let (lit, dark) = (120 + (i * 37 % 100) as u8, (i * 53 % 90) as u8);
//!     if label == 0 { [lit, dark, lit, dark] } else { [dark, lit, dark, lit] }
//! };
//! let data = Dataset {
//!     images: Arc::new(labels.iter().enumerate().flat_map(image).collect()),
//!     labels: Arc::new(labels),
//!     shape: vec![2, 2],
//!     classes: vec!["left".into(), "right".into()],
//! };
//!
//! // Settings by field, or by name from JSON as the command line has them: `config.merge(...)`.
//! let config = Config { hidden_size: vec![8], epochs: 10, batch_size: 16, learning_rate: Some(0.01), ..Config::default() };
//! let machine = Machine::new(1);
//! let trained = train(&config, &data, &machine, &mut |event: &Event<'_>| {
//!     if let Event::Epoch { row, .. } = event {
//!         println!("epoch {}: loss {:.4}, accuracy {:?}", row.epoch, row.train_loss, row.val_accuracy);
//!     }
//!     ControlFlow::Continue(())
//! });
//! assert_eq!(trained.outcome, Outcome::Finished);
//!
//! let rows: Vec<u32> = (0..data.len() as u32).collect();
//! let tally = trained.network.evaluate(&data, &rows, &config.loss, &machine);
//! assert!(tally.accuracy() > 0.95);
//!
//! let probabilities = trained.network.predict(&data, &[0, 1], &machine);
//! assert!(probabilities[0] > 0.5 && probabilities[3] > 0.5, "image 0 is left, image 1 is right");
//! ```
//!
//! # Modules
//!
//! - [`config`]: everything that determines a run, as one flat set of named settings
//! - [`dataset`]: labelled images as bytes, split and ordered by seeded streams of [`rng`]
//! - [`network`]: dense layers, predictions, gradients; [`init`], [`activation`] and [`loss`] are its parts
//! - [`optim`]: one file for each update rule, and how to add one
//! - [`train`](mod@train): the loop; [`session`]: what it has come to, which a checkpoint holds; [`event`]: who is told
//! - [`model`]: model files
//!
//! Parts that are chosen by name stand in closed lists (`registry!`): an optimizer in its list is in
//! configurations, `--help`, checkpoints and tests.
//!
//! The same seed gives the same bits for any number of threads: work is split by outputs, never within a sum.
//! [`Machine`] holds the threads and the instruction set.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests compare within bounds"))]

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

#[macro_use]
mod registry;
pub mod activation;
mod checkpoint;
pub mod compare;
pub mod config;
pub mod damage;
pub mod dataset;
pub mod event;
mod evidence;
mod governor;
pub mod gradcheck;
pub mod init;
mod kernel;
mod layer;
pub mod loss;
pub mod metric;
pub mod model;
pub mod nearest;
pub mod network;
mod numerics;
pub mod optim;
mod parallel;
mod pass;
pub mod rng;
pub mod session;
pub mod train;

pub use kernel::Isa;
pub use kernel::head::BatchStats;
pub use numerics::{NUMERICS, Numerics};
pub use parallel::parallel;
pub use pass::Machine;
