//! Early termination of trials.

use super::finding::Findings;
use super::keys;
use super::node::{Kind, Node};
use super::schema::STOPPING;
use crate::pruner::Hyperband;

/// Rule of early termination.
#[derive(Clone, Debug, PartialEq)]
pub enum Stopping {
    /// W&B's `hyperband`.
    Hyperband {
        /// Epochs at which trials are compared, rising.
        bands: Vec<u64>,
        /// At each band one in so many goes on; above 1.
        eta: f64,
        /// True if the value at the band counts, and not the best up to it.
        strict: bool,
    },
    /// Handloom's own: a trial ends if its best value is worse than the median of the others' means.
    Median {
        /// Epochs before which no trial ends.
        min_iter: u64,
    },
}

/// More bands than this are none: each is a smaller whole number.
const MOST: u64 = 10_000;

pub(super) fn read(node: &Node, findings: &mut Findings) -> Option<Stopping> {
    let before = findings.violations.len();
    if !keys::check(node, "`early_terminate`", STOPPING, findings) {
        return None;
    }
    let whole = |key| node.get(key).and_then(Node::whole).and_then(|whole| u64::try_from(whole).ok());
    let Some(kind) = node.get("type") else {
        findings.wrong(node.at, "`early_terminate` has no `type`", "write `type: hyperband`");
        return None;
    };
    if kind.text() == Some("median") {
        findings.warn(kind.at, "`median` is Handloom's own rule; W&B refuses it", "");
        for (name, _) in node.entries().into_iter().flatten() {
            if !["type", "min_iter"].contains(&name.text.as_str())
                && STOPPING.iter().any(|field| field.name == name.text)
            {
                findings.wrong(name.at, format!("`{}` is no key of `median`", name.text), "it takes min_iter");
            }
        }
        return Some(Stopping::Median { min_iter: whole("min_iter").unwrap_or(1) });
    }
    let has = |key| node.get(key).is_some();
    if !(has("min_iter") || has("max_iter") && has("s")) {
        findings.wrong(
            node.at,
            "`hyperband` has neither `min_iter` nor `max_iter` and `s`",
            "write `min_iter: 3` to compare trials after 3, 9, 27 ... epochs",
        );
    }
    let eta = node.get("eta").map_or(Some(3.0), Node::number);
    if eta.is_some_and(|eta| eta <= 1.0) {
        let at = node.get("eta").unwrap_or(node).at;
        findings.wrong(at, "`eta` is not above 1", "one trial in `eta` goes on, such as `eta: 3`");
    }
    let strict = match node.get("strict").map(|node| &node.kind) {
        None | Some(Kind::Bool(true)) => true,
        Some(_) => false,
    };
    if findings.violations.len() > before {
        return None;
    }
    let eta = eta?;
    let bands = match whole("max_iter").zip(whole("s")) {
        Some((max_iter, count)) => Hyperband::falling(max_iter, count.min(MOST) as u32, eta),
        None => Hyperband::rising(whole("min_iter")?, eta),
    };
    if bands.is_empty() {
        let message = "`max_iter` divided by `eta` is less than 1: trials are never compared";
        findings.wrong(node.at, message, "a larger `max_iter`, or a smaller `eta`");
        return None;
    }
    Some(Stopping::Hyperband { bands, eta, strict })
}
