//! Every kernel on every instruction set of this machine, against plain sums in double precision.

mod passes;
mod products;
mod steps;

use super::{LANES, Lanes, panels, place};
use crate::rng::Rng;

/// A matrix of random numbers in [−1, 1).
fn random(rows: usize, columns: usize, rng: &mut Rng) -> Vec<Vec<f32>> {
    (0..rows).map(|_| (0..columns).map(|_| rng.uniform(-1.0, 1.0) as f32).collect()).collect()
}

/// A matrix (B, features) in panels.
fn pack(matrix: &[Vec<f32>]) -> Vec<Lanes> {
    let mut packed = vec![Lanes::ZERO; panels(matrix[0].len()) * matrix.len()];
    for (b, row) in matrix.iter().enumerate() {
        for (feature, &x) in row.iter().enumerate() {
            let (at, lane) = place(feature, b, matrix.len());
            packed[at].0[lane] = x;
        }
    }
    packed
}

/// Feature `feature` of row `row`.
fn get(packed: &[Lanes], feature: usize, row: usize, rows: usize) -> f32 {
    let (at, lane) = place(feature, row, rows);
    packed[at].0[lane]
}

/// True if every lane past feature `width` is exactly 0.
fn is_padded(packed: &[Lanes], width: usize, rows: usize) -> bool {
    (width..panels(width) * LANES).all(|feature| (0..rows).all(|row| get(packed, feature, row, rows) == 0.0))
}

/// True if `got` is the sum of `terms` up to the rounding of single precision.
fn is_sum(got: f32, terms: impl Iterator<Item = f64>) -> bool {
    let (mut sum, mut size) = (0.0, 0.0);
    for term in terms {
        sum += term;
        size += term.abs();
    }
    (f64::from(got) - sum).abs() <= 2e-6 * size
}
