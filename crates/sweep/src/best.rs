//! The rule by which the best of several trials or runs is chosen, and the best so far.
//!
//! `web/best.js` of the view is its twin for pages; the tests of both read `best.json` there.

use crate::trial::Status;

/// Statuses of the trials of a sweep that can be its best: finished ones, or without any the pruned ones.
pub const TRIALS: [&[Status]; 2] = [&[Status::Finished], &[Status::Pruned]];

/// Positions of the candidates that were better than all before them; the last of these is the best.
///
/// A candidate is a status and a cost, of which the lowest is best; without a finite cost it never counts. `tiers` are
/// lists of statuses: those of the first list count of which any candidate is. Of equal costs the earliest is the best.
pub fn improvements<S: PartialEq>(candidates: &[(S, Option<f64>)], tiers: &[&[S]]) -> Vec<usize> {
    for tier in tiers {
        let mut found: Vec<usize> = Vec::new();
        let mut least = f64::INFINITY;
        for (position, (status, cost)) in candidates.iter().enumerate() {
            if let Some(cost) = cost.filter(|&cost| cost.is_finite() && cost < least && tier.contains(status)) {
                least = cost;
                found.push(position);
            }
        }
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

/// Position of the best candidate, by the rule of [`improvements`].
pub fn best<S: PartialEq>(candidates: &[(S, Option<f64>)], tiers: &[&[S]]) -> Option<usize> {
    improvements(candidates, tiers).pop()
}
