//! Pictures of datasets, runs and predictions, as PNG and SVG; and the dashboard, in [`site`].
//!
//! A picture is a pure function of its data. It is drawn once, as SVG; a PNG is that SVG rasterized with
//! a font that is part of the program, so that both look the same on every machine.
//!
//! Lengths are in units of one CSS pixel; a PNG has two pixels per unit unless that makes it huge.
//!
//! ```
//! let classes = ["cat".to_owned(), "dog".to_owned()];
//! let picture = handloom_view::confusion("Pets", &classes, &[vec![9, 1], vec![3, 7]]);
//! assert!(picture.caption.starts_with("accuracy 80.0"));
//! assert!(picture.to_svg().starts_with("<svg"));
//! ```

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests compare within bounds"))]

mod axis;
mod bands;
mod canvas;
mod color;
mod compared;
mod confusion;
mod created;
mod curves;
pub mod format;
mod gap;
pub mod harmless;
pub mod insight;
mod intervals;
mod label;
mod matrix;
mod mistakes;
mod panel;
mod parallel;
mod picture;
mod run;
mod samples;
pub mod site;
mod slopes;
pub mod study;
mod text;
pub mod verdict;
pub mod words;

pub use bands::{Band, Chart, Scale, bands};
pub use compared::{Group, compared};
pub use confusion::confusion;
pub use created::{Created, Ending, created};
pub use curves::curves;
pub use intervals::{Interval, intervals};
pub use mistakes::{Mistake, mistakes};
pub use parallel::{Dimension, parallel};
pub use picture::{Error, Picture};
pub use run::{Run, Series};
pub use samples::sample_grid;
pub use slopes::{Slope, slopes};
