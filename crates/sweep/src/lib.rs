//! Sweeps: which configurations to try next, which trials are worth going on with, and what was learned.
//!
//! A W&B sweep file is read as a [`Spec`]: a method, a metric and a [`SearchSpace`]. What happened
//! is a list of [`Entry`] in a [`Journal`], which many processes append to; the
//! [`State`] of a sweep is a fold of that list and nothing else. Samplers and pruners are pure
//! functions of (space, history, seed). This crate knows no database, no W&B server and no terminal.

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests compare within bounds"))]

pub mod best;
pub mod importance;
pub mod journal;
pub mod pruner;
pub mod sampler;
pub mod space;
pub mod spec;
pub mod state;
pub mod summary;
pub mod trainings;
pub mod trial;
pub mod worker;
pub mod yaml;

pub use importance::importance;
pub use journal::{Entry, Journal, Page, Seq, Stamped};
pub use space::{Distribution, Parameter, Params, SearchSpace};
pub use spec::Spec;
pub use state::State;
pub use summary::SweepSummary;
pub use trainings::Trainings;
pub use trial::{Goal, Status, Trial};
pub use worker::Work;
