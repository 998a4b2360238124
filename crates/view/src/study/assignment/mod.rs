//! The assignment, questions 1 to 10, as a page: what was trained comes in, what can be said of it goes out.
//!
//! - `network`: questions 1 to 3; `search`: 4 and 5; `insight`: 6; `best`: 7; question 8 is [`super::loss`]; `carried`: 10
//!
//! Question 9 is the program itself.

mod best;
mod carried;
mod insight;
mod network;
mod search;

use std::collections::BTreeMap;

use handloom_engine::dataset::Dataset;
use handloom_sweep::importance::Importance;

pub use self::best::Best;
pub use self::carried::{Picked, Reason, pick};
pub use self::network::Gradcheck;
use super::page::{Block, Page};
use super::sample::Trial;
use super::{Origin, again, loss};
use crate::site::sweep::table::Table;

/// A sweep of the assignment's grid.
pub struct Searched {
    /// Its id.
    pub id: String,
    /// Search method.
    pub method: &'static str,
    /// Its runs.
    pub trials: Vec<Trial>,
    /// The same as rules see them.
    pub table: Table,
    /// Importance of its parameters.
    pub importance: Importance,
}

/// Everything that the page is made of.
pub struct Assignment<'a> {
    /// The data set.
    pub dataset: &'a str,
    /// Its training images.
    pub data: &'a Dataset,
    /// Its test images, if they were opened.
    pub test: Option<&'a Dataset>,
    /// Result of the gradient check.
    pub gradcheck: Gradcheck,
    /// A random sample of the whole grid, for comparing settings.
    pub survey: Searched,
    /// A search for the best.
    pub search: Searched,
    /// The best configuration with other optimizers, several seeds each.
    pub optimizers: Vec<Trial>,
    /// The best configuration with other activations, several seeds each.
    pub activations: Vec<Trial>,
    /// The best configuration with both losses at several learning rates.
    pub losses: Vec<Trial>,
    /// Calibration errors of the latter, by run.
    pub calibration: BTreeMap<String, f64>,
    /// The best model.
    pub best: Option<Best>,
    /// Data set that three configurations are carried over to.
    pub to: &'a str,
    /// The three with what they came to, or why there is nothing.
    pub carried: Result<Vec<Picked>, String>,
}

/// The page.
pub fn page(of: &Assignment<'_>, origin: &Origin) -> Page {
    let mut blocks = vec![Block::Words(format!(
        "A feed-forward network, written by hand, on {}: the questions of the assignment, each answered with what was trained for it. Sentences marked settled or not settled are made by rules from the figures, not written beforehand.",
        of.dataset
    ))];
    blocks.extend(network::samples(of));
    blocks.extend(network::network(of));
    blocks.extend(search::strategy(of));
    blocks.extend(search::best_so_far(of));
    blocks.extend(insight::blocks(of));
    blocks.extend(best::blocks(of));
    blocks.push(Block::Heading("Question 8: cross-entropy against squared error".into()));
    blocks.extend(loss::blocks(&of.losses, &of.calibration));
    blocks.extend(carried::blocks(of));
    blocks.extend(again(origin));
    Page { title: format!("The assignment on {}", of.dataset), blocks }
}
