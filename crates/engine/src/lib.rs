//! The network and its training.
pub mod dataset;
pub mod rng;
