//! Bayesian search: where a Gaussian process expects the most improvement.

mod encoding;
mod evidence;
mod improvement;
mod matrix;
mod process;
mod rates;

use std::collections::HashSet;

use handloom_engine::rng::Rng;
use serde::{Deserialize, Serialize};

use self::encoding::{Encoding, Point};
use self::evidence::Evidence;
use self::improvement::log_expected;
use self::process::Process;
use super::Sampler;
use crate::space::{Params, SearchSpace};
use crate::trial::Trial;

/// Trials before the first one that is chosen by what others came to; these fill the space evenly.
const FIRST: usize = 10;
/// Most points of a space that are all looked at.
const MOST_COUNTED: u64 = 1500;
/// Candidates drawn at random, changed from good trials, and how many of the best are climbed from and how far.
const DRAWN: usize = 400;
const CHANGED: usize = 200;
const CLIMBED: usize = 3;
const ROUNDS: usize = 3;

/// Bayesian search: where a Gaussian process of the costs expects the most improvement on the best.
///
/// The first ten trials fill the space evenly. Trials that failed or diverged count as the worst; those still running as
/// what is believed of them, so that many at once do not try the same. No configuration is tried twice, and a space of
/// which all are known is exhausted.
///
/// Jones, Schonlau & Welch (1998), *Efficient Global Optimization of Expensive Black-Box Functions*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bayes {}

impl Sampler for Bayes {
    fn suggest(&self, space: &SearchSpace, history: &[Trial], seed: u64) -> Option<Params> {
        let encoding = Encoding::new(space);
        let mut tried = Tried::new(&encoding, history);
        let count = encoding.count();
        if count.is_some_and(|count| tried.0.len() as u64 >= count) {
            return None;
        }
        let mut rng = Rng::stream(seed, "bayes", history.len() as u64);
        let point = match Surrogate::new(&encoding, history) {
            None => first(&encoding, &tried, history.len(), seed),
            Some(surrogate) if count.is_some_and(|count| count <= MOST_COUNTED) => {
                let all = (0..count.unwrap_or(0)).filter_map(|index| encoding.counted(index));
                surrogate.best(&all.filter(|point| tried.is_new(point)).collect::<Vec<_>>())
            }
            Some(surrogate) => searched(&encoding, &mut tried, &surrogate, &mut rng),
        };
        let point = point.or_else(|| unseen(&encoding, &tried, &mut rng))?;
        Some(encoding.choice(&point))
    }
}

impl Bayes {
    /// The candidate to try next, where not every point of the space can be tried; none if all were.
    pub fn pick(&self, space: &SearchSpace, history: &[Trial], candidates: &[Params], seed: u64) -> Option<usize> {
        let encoding = Encoding::new(space);
        let tried = Tried::new(&encoding, history);
        let points = candidates.iter().map(|choice| encoding.point(choice)).enumerate();
        let (numbers, points): (Vec<usize>, Vec<Point>) =
            points.filter_map(|(i, point)| Some((i, point?))).filter(|(_, point)| tried.is_new(point)).unzip();
        if points.is_empty() {
            return None;
        }
        let best = Surrogate::new(&encoding, history).and_then(|surrogate| surrogate.best_index(&points));
        let at = best
            .unwrap_or_else(|| Rng::stream(seed, "bayes", history.len() as u64).below(points.len() as u64) as usize);
        Some(numbers[at])
    }
}

/// The points of a history.
struct Tried(HashSet<Vec<u64>>);

impl Tried {
    fn new(encoding: &Encoding<'_>, history: &[Trial]) -> Self {
        let points = history.iter().filter_map(|trial| encoding.point(&trial.choice));
        Self(points.map(|point| bits(&point)).collect())
    }

    fn is_new(&self, point: &[f64]) -> bool {
        !self.0.contains(&bits(point))
    }
}

fn bits(point: &[f64]) -> Vec<u64> {
    point.iter().map(|coordinate| coordinate.to_bits()).collect()
}

/// Surrogate model: predictions for every point, and the best value so far.
struct Surrogate<'a> {
    encoding: &'a Encoding<'a>,
    process: Process,
    /// The lowest cost that is believed of a point that was tried or runs.
    best: f64,
    /// The points with known costs, those believed to be the best first.
    known: Vec<Point>,
}

impl<'a> Surrogate<'a> {
    /// None before there is enough to go by.
    fn new(encoding: &'a Encoding<'a>, history: &[Trial]) -> Option<Self> {
        let kinds = encoding.kinds();
        if kinds.is_empty() || history.len() < FIRST {
            return None;
        }
        let evidence = Evidence::new(encoding, history);
        if evidence.measured < FIRST / 2 {
            return None;
        }
        let seen = |points: &[Point]| points.iter().flat_map(|point| encoding.seen(point)).collect::<Vec<_>>();
        let process = Process::fitted(&kinds, &seen(&evidence.points), &evidence.costs)?;
        let mut known: Vec<_> = process.known().into_iter().map(|belief| belief.mean).zip(evidence.points).collect();
        known.sort_by(|a, b| a.0.total_cmp(&b.0));
        let process = process.believing(&seen(&evidence.running))?;
        // The best may be a trial that runs: improvement is measured against its predicted value.
        let best = process.known().into_iter().map(|belief| belief.mean).reduce(f64::min)?;
        Some(Self { encoding, process, best, known: known.into_iter().map(|(_, point)| point).collect() })
    }

    /// Logarithms of the improvements that are expected at `points`.
    fn improvements(&self, points: &[Point]) -> Vec<f64> {
        let seen: Vec<f64> = points.iter().flat_map(|point| self.encoding.seen(point)).collect();
        let beliefs = self.process.beliefs(&seen);
        beliefs.into_iter().map(|belief| log_expected(belief, self.best)).collect()
    }

    fn best_index(&self, points: &[Point]) -> Option<usize> {
        let scores = self.improvements(points);
        // The first of equals.
        (0..scores.len()).reduce(|best, i| if scores[i] > scores[best] { i } else { best })
    }

    fn best(&self, points: &[Point]) -> Option<Point> {
        self.best_index(points).map(|index| points[index].clone())
    }
}

/// Point `number` of a sequence that fills the space evenly from any point on.
///
/// Roberts (2018), *The Unreasonable Effectiveness of Quasirandom Sequences*: multiples of powers of the root of
/// `x^(d+1) = x + 1`, moved by the seed.
fn first(encoding: &Encoding<'_>, tried: &Tried, number: usize, seed: u64) -> Option<Point> {
    let d = encoding.kinds().len();
    let root = (0..64).fold(1.5_f64, |x, _| libm::pow(1.0 + x, 1.0 / (d as f64 + 1.0)));
    let mut rng = Rng::stream(seed, "bayes first", 0);
    let shifts: Vec<f64> = (0..d).map(|_| rng.unit()).collect();
    let point = |number: usize| {
        let step = |k: usize| libm::pow(root, -(k as f64 + 1.0)) * (number as f64 + 1.0);
        encoding.at(&shifts.iter().enumerate().map(|(k, shift)| (shift + step(k)).fract()).collect::<Vec<_>>())
    };
    // Later numbers are those of later trials, which go on from theirs where it was taken.
    (0..50).map(|round| point(number + 1000 * round)).find(|point| tried.is_new(point))
}

/// The best of random candidates, of changed good ones, and of what is found by climbing from these.
fn searched(encoding: &Encoding<'_>, tried: &mut Tried, surrogate: &Surrogate<'_>, rng: &mut Rng) -> Option<Point> {
    let good = &surrogate.known[..surrogate.known.len().min(8)];
    let drawn: Vec<Point> = (0..DRAWN).map(|_| encoding.drawn(rng)).collect();
    let changed = (0..CHANGED).map(|i| encoding.changed(&good[i % good.len()], rng)).collect();
    let near = good.iter().take(2).flat_map(|point| encoding.near(point, rng)).collect();
    let mut new =
        |points: Vec<Point>| -> Vec<Point> { points.into_iter().filter(|point| tried.0.insert(bits(point))).collect() };
    let scored = |points: Vec<Point>| surrogate.improvements(&points).into_iter().zip(points).collect::<Vec<_>>();
    let mut top = scored(new([drawn, changed, near].concat()));
    for _ in 0..ROUNDS {
        top.sort_by(|a, b| b.0.total_cmp(&a.0));
        top.truncate(CLIMBED);
        let near = top.iter().flat_map(|(_, point)| encoding.near(point, rng)).collect();
        top.extend(scored(new(near)));
    }
    top.into_iter().reduce(|best, other| if other.0 > best.0 { other } else { best }).map(|(_, point)| point)
}

/// A point that was not tried, if one is found.
fn unseen(encoding: &Encoding<'_>, tried: &Tried, rng: &mut Rng) -> Option<Point> {
    let drawn = (0..200).map(|_| encoding.drawn(rng)).find(|point| tried.is_new(point));
    drawn.or_else(|| {
        let count = encoding.count()?;
        let start = rng.below(count);
        (0..count).filter_map(|i| encoding.counted((start + i) % count)).find(|point| tried.is_new(point))
    })
}
