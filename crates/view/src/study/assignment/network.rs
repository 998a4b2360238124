//! Questions 1 to 3: the data, the network, and back-propagation with its optimizers.

use handloom_engine::optim::Optimizer;

use super::super::page::{Block, Conclusion};
use super::Assignment;
use crate::sample_grid;
use crate::words::{grouped, listed};

/// Result of comparing every analytic gradient with a numeric one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gradcheck {
    /// Networks that were checked: activation, loss, init and depth.
    pub combinations: usize,
    /// Those whose every gradient agrees.
    pub agree: usize,
    /// The largest relative error.
    pub worst: f64,
    /// Place of the largest difference.
    pub at: String,
    /// Largest difference that counts as agreement.
    pub tolerance: f64,
}

/// Question 1.
pub(super) fn samples(of: &Assignment<'_>) -> Vec<Block> {
    vec![
        Block::Heading("Question 1: one image of each class".into()),
        Block::Picture { name: "samples".into(), picture: sample_grid(of.dataset, of.data, 1) },
        Block::Commands(vec![format!("handloom data show {} --out samples.svg", crate::words::quoted(of.dataset))]),
    ]
}

/// Questions 2 and 3.
pub(super) fn network(of: &Assignment<'_>) -> Vec<Block> {
    let check = &of.gradcheck;
    let said = format!(
        "{} of {} networks agree within {:.0e}: the largest error of any weight or bias is {:.1e}, in {}",
        grouped(check.agree as u64),
        grouped(check.combinations as u64),
        check.tolerance,
        check.worst,
        check.at
    );
    let agrees = check.agree == check.combinations && check.combinations > 0;
    let names: Vec<String> = Optimizer::NAMES.iter().map(|name| format!("`{name}`")).collect();
    vec![
        Block::Heading("Questions 2 and 3: the network, back-propagation and optimizers".into()),
        Block::Words(format!(
            "{} inputs, any number of hidden layers of any width, and a softmax over {} classes; depth, widths, activation, loss, init and optimizer are settings. The backward pass is written by hand. Optimizers: {}. An optimizer is one file with one function for a weight; a new one needs that file and two lines.",
            of.data.pixels(),
            of.data.classes.len(),
            listed(&names)
        )),
        Block::Words(
            "Is the backward pass right? Every gradient of every combination of activation, loss, init and depth is compared with a numeric one, by a complex step in double precision.".into(),
        ),
        Block::Conclusion(if agrees { Conclusion::settled(said) } else { Conclusion::open(said) }),
        Block::Commands(vec!["handloom gradcheck".into(), "handloom train -nhl 3 -sz 128 -a tanh -o nadam".into()]),
    ]
}
