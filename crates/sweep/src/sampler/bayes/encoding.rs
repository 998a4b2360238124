//! A space as a Gaussian process sees it: one coordinate for each parameter that can vary.

use std::collections::HashMap;

use handloom_engine::config::find;
use handloom_engine::rng::Rng;
use serde_json::Value;

use super::process::Kind;
use super::rates::Rates;
use crate::space::{Distribution, Parameter, Params, SearchSpace};

/// Most values of a numeric parameter that are listed; what has more is a line.
const MOST_LISTED: u64 = 1000;
/// Most values of a listed parameter that are all neighbors of each other.
const MOST_NEAR: usize = 12;
/// Distances to the neighbors of a value on a line.
const REACHES: [f64; 3] = [0.2, 0.05, 0.01];

/// Coordinates (d) of a point.
pub(crate) type Point = Vec<f64>;

/// A space as a Gaussian process sees it. Constants are no coordinate.
pub(crate) struct Encoding<'a> {
    axes: Vec<Axis<'a>>,
    constants: Vec<&'a Parameter>,
    rates: Option<RateAxes>,
}

/// Axes of the learning rate and the optimizer, if both vary.
struct RateAxes {
    rate: usize,
    optimizer: usize,
    rates: Rates,
}

struct Axis<'a> {
    parameter: &'a Parameter,
    kind: Kind,
    /// Every value that may be drawn, with its coordinate and the sum of the shares up to it; none for a line.
    listed: Option<Listed>,
}

struct Listed {
    values: Vec<Value>,
    coordinates: Vec<f64>,
    sums: Vec<f64>,
    index: HashMap<String, usize>,
}

impl<'a> Encoding<'a> {
    pub(crate) fn new(space: &'a SearchSpace) -> Self {
        let constant = |parameter: &&Parameter| matches!(parameter.distribution, Distribution::Constant(_));
        let (constants, others): (Vec<_>, Vec<_>) = space.parameters.iter().partition(constant);
        let axes: Vec<Axis<'a>> = others.into_iter().map(Axis::new).collect();
        let rates = RateAxes::new(&axes);
        Self { axes, constants, rates }
    }

    /// A point as a process compares it with others.
    pub(crate) fn seen(&self, point: &[f64]) -> Point {
        let mut seen = point.to_vec();
        if let Some(RateAxes { rate, optimizer, rates }) = &self.rates {
            seen[*rate] = rates.place(&self.axes[*rate].value(point[*rate]), point[*optimizer] as usize);
        }
        seen
    }

    /// Kind of each coordinate (d).
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.axes.iter().map(|axis| axis.kind).collect()
    }

    /// Number of points, if they can be counted.
    pub(crate) fn count(&self) -> Option<u64> {
        self.axes
            .iter()
            .try_fold(1, |product: u64, axis| Some(product.saturating_mul(axis.listed.as_ref()?.values.len() as u64)))
    }

    /// Point number `index` of those that can be counted.
    pub(crate) fn counted(&self, mut index: u64) -> Option<Point> {
        let mut point = vec![0.0; self.axes.len()];
        for (axis, coordinate) in self.axes.iter().zip(&mut point).rev() {
            let coordinates = &axis.listed.as_ref()?.coordinates;
            *coordinate = coordinates[(index % coordinates.len() as u64) as usize];
            index /= coordinates.len() as u64;
        }
        Some(point)
    }

    /// Coordinates of a configuration; none if it lacks a parameter or has a value that cannot be drawn.
    pub(crate) fn point(&self, choice: &Params) -> Option<Point> {
        self.axes.iter().map(|axis| axis.coordinate(choice.get(&axis.parameter.name)?)).collect()
    }

    /// The configuration at a point.
    pub(crate) fn choice(&self, point: &[f64]) -> Params {
        let varied = self.axes.iter().zip(point).map(|(axis, &at)| (axis.parameter.name.clone(), axis.value(at)));
        let constants = self.constants.iter().map(|parameter| (parameter.name.clone(), parameter.distribution.at(0.0)));
        varied.chain(constants).collect()
    }

    /// The point at positions in `[0, 1)` (d), each a share of what its parameter may be.
    pub(crate) fn at(&self, positions: &[f64]) -> Point {
        self.axes.iter().zip(positions).map(|(axis, &u)| axis.at(u)).collect()
    }

    /// A point drawn at random.
    pub(crate) fn drawn(&self, rng: &mut Rng) -> Point {
        self.axes.iter().map(|axis| axis.at(rng.unit())).collect()
    }

    /// `point` with another value of one to three parameters.
    pub(crate) fn changed(&self, point: &[f64], rng: &mut Rng) -> Point {
        let mut point = point.to_vec();
        for _ in 0..=rng.below(3) {
            let k = rng.below(self.axes.len() as u64) as usize;
            let near = self.axes[k].near(point[k], rng);
            if !near.is_empty() {
                point[k] = near[rng.below(near.len() as u64) as usize];
            }
        }
        point
    }

    /// Points that differ from `point` in one parameter.
    pub(crate) fn near(&self, point: &[f64], rng: &mut Rng) -> Vec<Point> {
        let mut all = Vec::new();
        for (k, axis) in self.axes.iter().enumerate() {
            for coordinate in axis.near(point[k], rng) {
                let mut point = point.to_vec();
                point[k] = coordinate;
                all.push(point);
            }
        }
        all
    }
}

impl RateAxes {
    fn new(axes: &[Axis<'_>]) -> Option<Self> {
        let is_called = |axis: &Axis<'_>, name| find(&axis.parameter.name).is_some_and(|key| key.name == name);
        let place = |name| axes.iter().position(|axis| is_called(axis, name));
        let (rate, optimizer) = (place("learning_rate")?, place("optimizer")?);
        let values = |axis: &Axis<'_>| axis.listed.as_ref().map(|listed| listed.values.clone());
        let ends = || [0.001, 0.999].map(|u| axes[rate].parameter.distribution.at(u)).to_vec();
        let rates = Rates::new(&values(&axes[optimizer])?, &values(&axes[rate]).unwrap_or_else(ends))?;
        Some(Self { rate, optimizer, rates })
    }
}

impl<'a> Axis<'a> {
    fn new(parameter: &'a Parameter) -> Self {
        let distribution = &parameter.distribution;
        let listed = Listed::new(distribution);
        let numeric = |listed: &Listed| listed.values.iter().all(Value::is_number);
        let kind = if listed.as_ref().is_none_or(numeric) { Kind::Ordered } else { Kind::Category };
        Self { parameter, kind, listed }
    }

    fn coordinate(&self, value: &Value) -> Option<f64> {
        match &self.listed {
            Some(listed) => listed.index.get(&key(value)).map(|&i| listed.coordinates[i]),
            None => self.parameter.distribution.cdf(value),
        }
    }

    fn value(&self, coordinate: f64) -> Value {
        match &self.listed {
            Some(listed) => {
                let at = listed.coordinates.iter().position(|&known| known == coordinate).unwrap_or(0);
                listed.values[at].clone()
            }
            None => self.parameter.distribution.at(coordinate),
        }
    }

    fn at(&self, u: f64) -> f64 {
        match &self.listed {
            Some(listed) => {
                let at = listed.sums.iter().position(|&sum| u < sum).unwrap_or(listed.sums.len() - 1);
                listed.coordinates[at]
            }
            // A value that is rounded lies elsewhere than where it was drawn.
            None => self.parameter.distribution.cdf(&self.parameter.distribution.at(u)).unwrap_or(u),
        }
    }

    /// Other coordinates that are close to this one.
    fn near(&self, coordinate: f64, rng: &mut Rng) -> Vec<f64> {
        let all = match &self.listed {
            Some(Listed { coordinates, .. }) if coordinates.len() <= MOST_NEAR => coordinates.clone(),
            Some(Listed { coordinates, .. }) => {
                let at = coordinates.iter().position(|&known| known == coordinate).unwrap_or(0);
                let beside = coordinates[at.saturating_sub(2)..].iter().take(5).copied();
                let far = (0..3).map(|_| coordinates[rng.below(coordinates.len() as u64) as usize]);
                beside.chain(far).collect()
            }
            None => {
                let moved = |reach: f64| [-reach, reach].map(|reach| coordinate + reach * (0.5 + rng.unit()));
                let moved = REACHES.into_iter().flat_map(moved).collect::<Vec<_>>();
                moved.into_iter().filter(|u| (0.0..=1.0).contains(u)).map(|u| self.at(u)).collect()
            }
        };
        all.into_iter().filter(|&other| other != coordinate).collect()
    }
}

impl Listed {
    /// None for a parameter with too many values.
    fn new(distribution: &Distribution) -> Option<Self> {
        let (values, shares) = if let Distribution::Categorical(values, shares) = distribution {
            (values.clone(), shares.clone())
        } else {
            (numbers(distribution)?, None)
        };
        let shares = shares.unwrap_or_else(|| vec![1.0; values.len()]);
        let mut listed = Self { values: vec![], coordinates: vec![], sums: vec![], index: HashMap::new() };
        let total: f64 = shares.iter().sum();
        let mut sum = 0.0;
        for (value, share) in values.into_iter().zip(shares).filter(|(_, share)| *share > 0.0) {
            sum += share / total;
            let next = listed.values.len();
            let at = *listed.index.entry(key(&value)).or_insert(next);
            if at == next {
                listed.values.push(value);
                listed.sums.push(sum);
            } else {
                // A value that is listed twice is drawn as often as at W&B only if its shares are joined.
                for later in &mut listed.sums[at..] {
                    *later += share / total;
                }
            }
        }
        listed.coordinates = coordinates(distribution, &listed.values);
        (!listed.values.is_empty()).then_some(listed)
    }
}

/// The place of a category in its list, of a number in their order, of what is rounded on its line.
fn coordinates(distribution: &Distribution, values: &[Value]) -> Vec<f64> {
    let numbers: Option<Vec<f64>> = values.iter().map(Value::as_f64).collect();
    match (distribution, numbers) {
        (Distribution::Categorical(..), None) => (0..values.len()).map(|i| i as f64).collect(),
        (Distribution::Categorical(..) | Distribution::IntUniform(..), Some(numbers)) => {
            let mut sorted = numbers.clone();
            sorted.sort_by(f64::total_cmp);
            let last = (sorted.len().max(2) - 1) as f64;
            numbers.iter().map(|x| sorted.partition_point(|y| y < x) as f64 / last).collect()
        }
        _ => values.iter().map(|value| distribution.cdf(value).unwrap_or(0.0)).collect(),
    }
}

/// Every number that a distribution of bounded whole numbers or multiples gives, if they are few.
fn numbers(distribution: &Distribution) -> Option<Vec<Value>> {
    let q = match distribution {
        Distribution::IntUniform(..) => 1.0,
        Distribution::QUniform(.., q)
        | Distribution::QLogUniform(.., q)
        | Distribution::QLogUniformValues(.., q)
        | Distribution::QBeta(.., q) => *q,
        _ => return None,
    };
    let [low, high] = [0.0, 1.0].map(|u| distribution.at(u));
    let steps = ((high.as_f64()? - low.as_f64()?) / q).round();
    if !(0.0..MOST_LISTED as f64).contains(&steps) {
        return None;
    }
    if let Distribution::IntUniform(min, max) = distribution {
        return Some((*min..=*max).map(Value::from).collect());
    }
    let first = (low.as_f64()? / q).round();
    let mut values: Vec<Value> = vec![low];
    for step in 1..steps as u64 {
        let multiple = Value::from((first + step as f64) * q);
        values.push(distribution.at(distribution.cdf(&multiple)?));
    }
    values.push(high);
    values.dedup();
    Some(values)
}

/// Equal for values that are the same to W&B: 3 and 3.0 are.
fn key(value: &Value) -> String {
    match value.as_f64() {
        Some(number) => number.to_string(),
        None => value.to_string(),
    }
}
