//! The network and its training.
#[macro_use]
mod registry;
pub mod activation;
mod checkpoint;
pub mod config;
pub mod dataset;
pub mod event;
pub mod gradcheck;
pub mod init;
mod kernel;
mod layer;
pub mod loss;
pub mod metric;
pub mod model;
pub mod network;
pub mod optim;
mod pass;
pub mod rng;
pub mod session;
pub mod train;

pub use kernel::Isa;
pub use kernel::head::Tally;
pub use pass::Machine;
