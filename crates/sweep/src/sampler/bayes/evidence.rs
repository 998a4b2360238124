//! Costs of the points that a sweep has tried, as its trials tell them.

use super::encoding::{Encoding, Point};
use crate::trial::{Status, Trial};

/// Most points that are looked at: the time for a suggestion grows with their cube.
const MOST: usize = 112;
/// Of these, how many are the best and how many the latest; the others are spread over the rest.
const BEST: usize = 48;
const LATEST: usize = 32;

/// Points with their costs, and points whose costs are not known yet.
#[derive(Debug, Default)]
pub(crate) struct Evidence {
    /// (n)
    pub points: Vec<Point>,
    /// Mean 0 and variance 1 (n).
    pub costs: Vec<f64>,
    /// Number of costs that were measured; failed trials are taken to be as bad as the worst.
    pub measured: usize,
    /// Points of trials that somebody works on, or will.
    pub running: Vec<Point>,
}

impl Evidence {
    pub(crate) fn new(encoding: &Encoding<'_>, history: &[Trial]) -> Self {
        let mut evidence = Self::default();
        let mut costs: Vec<Option<f64>> = Vec::new();
        for trial in history {
            let Some(point) = encoding.point(&trial.choice) else { continue };
            let cost = match trial.status {
                Status::Pending | Status::Running => {
                    evidence.running.push(point);
                    continue;
                }
                // Known to be tried, which keeps it from being tried again, and nothing else.
                Status::Removed => continue,
                Status::Failed | Status::Diverged => None,
                Status::Finished => trial.best(),
                Status::Pruned => trial.best().map(|best| best - still_to_come(trial, history)),
            };
            evidence.points.push(point);
            costs.push(cost);
        }
        evidence.measured = costs.iter().flatten().count();
        let worst = costs.iter().flatten().copied().fold(f64::NEG_INFINITY, f64::max);
        let costs: Vec<f64> = costs.into_iter().map(|cost| cost.unwrap_or(worst)).collect();
        let kept = kept(&costs);
        evidence.points = kept.iter().map(|&i| evidence.points[i].clone()).collect();
        evidence.costs = standard(kept.iter().map(|&i| costs[i]).collect());
        let latest = evidence.running.len().saturating_sub(MOST / 2);
        evidence.running.drain(..latest);
        evidence
    }
}

/// Expected further improvement of a pruned trial: the median of what finished trials gained after as many epochs.
fn still_to_come(trial: &Trial, history: &[Trial]) -> f64 {
    let epochs = trial.costs.len();
    let least = |costs: &[f64]| costs.iter().copied().filter(|cost| cost.is_finite()).reduce(f64::min);
    let finished = history.iter().filter(|other| other.status == Status::Finished && other.costs.len() > epochs);
    let mut gains: Vec<f64> =
        finished.filter_map(|other| Some(least(&other.costs[..epochs])? - other.best()?)).collect();
    gains.sort_by(f64::total_cmp);
    gains.get(gains.len() / 2).copied().unwrap_or(0.0)
}

/// Positions of the costs to keep, in their order: all, or the best, the latest and some of the others.
fn kept(costs: &[f64]) -> Vec<usize> {
    let n = costs.len();
    if n <= MOST {
        return (0..n).collect();
    }
    let mut order: Vec<usize> = (0..n - LATEST).collect();
    order.sort_by(|&a, &b| costs[a].total_cmp(&costs[b]));
    let rest = &order[BEST..];
    let spread = MOST - BEST - LATEST;
    let others = (0..spread).map(|i| rest[i * rest.len() / spread]);
    let mut kept: Vec<usize> = order[..BEST].iter().copied().chain(others).chain(n - LATEST..n).collect();
    kept.sort_unstable();
    kept
}

/// Costs with mean 0 and variance 1, after those far worse than most were drawn closer.
fn standard(mut costs: Vec<f64>) -> Vec<f64> {
    if costs.is_empty() {
        return costs;
    }
    let mut sorted = costs.clone();
    sorted.sort_by(f64::total_cmp);
    let (best, middle) = (sorted[0], sorted[sorted.len() / 2]);
    let limit = middle + WINSOR * (middle - best);
    if limit > best {
        for cost in &mut costs {
            *cost = cost.min(limit);
        }
    }
    let n = costs.len() as f64;
    let mean = costs.iter().sum::<f64>() / n;
    let variance = costs.iter().map(|cost| (cost - mean) * (cost - mean)).sum::<f64>() / n;
    let deviation = if variance > 0.0 && variance.is_finite() { variance.sqrt() } else { 1.0 };
    costs.iter().map(|cost| (cost - mean) / deviation).collect()
}

/// Costs are cut off so many times as far above the median as the best is below it.
const WINSOR: f64 = 2.0;
