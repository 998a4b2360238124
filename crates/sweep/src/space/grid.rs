//! The points of a grid, in W&B's order and never all at once.

use std::collections::HashSet;

use serde_json::Value;

use super::quantile::count;
use super::{Distribution, Params, SearchSpace, identity};

/// Most values that [`Distribution::grid`] lists.
const MOST_LISTED: u64 = 1 << 20;

impl Distribution {
    /// Number of values in a grid; none if W&B's grid search does not take this distribution. It takes constants, lists
    /// without probabilities, `int_uniform` and `q_uniform`.
    pub fn levels(&self) -> Option<u64> {
        match self {
            Self::Constant(_) => Some(1),
            Self::Categorical(values, None) => Some(distinct(values).count() as u64),
            Self::IntUniform(min, max) => Some(count(*min, *max)),
            // The upper bound is not in it.
            Self::QUniform(min, max, q) => Some(((max - min) / q).ceil() as u64),
            _ => None,
        }
    }

    /// The value at `index` of a grid, from 0; none if there is no such value.
    pub fn level(&self, index: u64) -> Option<Value> {
        if index >= self.levels()? {
            return None;
        }
        match self {
            Self::Constant(value) => Some(value.clone()),
            Self::Categorical(values, _) => distinct(values).nth(index as usize).cloned(),
            Self::IntUniform(min, _) => Some(min.saturating_add_unsigned(index).into()),
            Self::QUniform(min, _, q) => {
                // NumPy's `arange` steps by what the first step comes to after rounding.
                let x = min + index as f64 * ((min + q) - min);
                Some(if min.fract() == 0.0 && q.fract() == 0.0 { (x as i64).into() } else { x.into() })
            }
            _ => None,
        }
    }

    /// The values that a grid goes through, equal ones once; none if it does not take this distribution, or if they are
    /// too many to list (over a million).
    pub fn grid(&self) -> Option<Vec<Value>> {
        let levels = self.levels().filter(|&levels| levels <= MOST_LISTED)?;
        match self {
            Self::Categorical(values, _) => Some(distinct(values).cloned().collect()),
            _ => (0..levels).map(|index| self.level(index)).collect(),
        }
    }
}

impl SearchSpace {
    /// Number of points of the grid, at most [`u64::MAX`]; none if a grid cannot go through every parameter.
    pub fn points(&self) -> Option<u64> {
        self.parameters
            .iter()
            .map(|parameter| parameter.distribution.levels())
            .try_fold(1, |product: u64, levels| Some(product.saturating_mul(levels?)))
    }

    /// Point number `index` of the grid, from 0, in W&B's order: the last parameter changes fastest. None if there is no
    /// such point.
    pub fn point(&self, mut index: u64) -> Option<Params> {
        if index >= self.points()? {
            return None;
        }
        let mut choice = Params::new();
        for parameter in self.parameters.iter().rev() {
            let levels = parameter.distribution.levels()?;
            choice.insert(parameter.name.clone(), parameter.distribution.level(index % levels)?);
            index /= levels;
        }
        Some(choice)
    }
}

/// Values in their order, equal ones once: W&B skips a point that it has tried.
fn distinct(values: &[Value]) -> impl Iterator<Item = &Value> {
    let mut seen = HashSet::new();
    values.iter().filter(move |value| seen.insert(identity(value)))
}
