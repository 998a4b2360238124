//! Roughly the nearest orthogonal matrix, by five steps of a Newton-Schulz iteration of products.

use super::product::{Product, Transpose};
use super::share::Units;
use super::{LANES, Lanes};
use crate::pass::Machine;

/// Coefficients of the iteration `X ← aX + (bA + cA²)X` with `A = X·Xᵀ` (Jordan et al., 2024).
const COEFFICIENTS: [f32; 3] = [3.4445, -4.7750, 2.0315];

/// Steps of the iteration.
const STEPS: usize = 5;

/// The least that a matrix is divided by, instead of its norm.
const LEAST: f64 = 1e-7;

/// Replaces `g`, in panels of `rows` rows (a multiple of 16), by `U·S·Vᵀ`, where `U` and `V` are those of its singular value
/// decomposition and `S` is between about 0.7 and 1.2 for all but its smallest singular values.
pub(crate) fn orthogonalize(machine: &Machine, g: &mut [Lanes], rows: usize) {
    let columns = g.len() / rows * LANES;
    // The square is that of the shorter side.
    if rows > columns {
        let mut wide = transposed(machine, g, rows);
        iterate(machine, &mut wide, columns);
        g.copy_from_slice(&transposed(machine, &wide, columns));
    } else {
        iterate(machine, g, rows);
    }
}

fn iterate(machine: &Machine, x: &mut [Lanes], rows: usize) {
    let [a, b, c] = COEFFICIENTS;
    let scale = (1.0 / norm(x).max(LEAST)) as f32;
    x.iter_mut().flat_map(|lanes| &mut lanes.0).for_each(|x| *x *= scale);
    let mut gram = vec![Lanes::ZERO; rows / LANES * rows];
    let mut polynomial = gram.clone();
    let mut product = x.to_vec();
    for _ in 0..STEPS {
        multiply(machine, x, &transposed(machine, x, rows), rows, &mut gram);
        // The square is symmetric: it serves as either factor.
        multiply(machine, &gram, &gram, rows, &mut polynomial);
        combine(&mut polynomial, c, &gram, b);
        multiply(machine, &polynomial, x, rows, &mut product);
        combine(x, a, &product, 1.0);
    }
}

/// `out ← a · b` with `rows` rows, split between threads by columns of `b`.
fn multiply(machine: &Machine, a: &[Lanes], b: &[Lanes], rows: usize, out: &mut [Lanes]) {
    let (depth, columns) = (a.len() / rows * LANES, out.len() / rows);
    let isa = machine.isa();
    machine.team.run(rows * depth * columns * LANES, Units::new(out, columns), |_, out| {
        let b = &b[out.range.start * depth..];
        isa.run(Product { a, b, stride: depth, depth, bias: false, rows, out: out.data });
    });
}

fn transposed(machine: &Machine, x: &[Lanes], rows: usize) -> Vec<Lanes> {
    let mut out = vec![Lanes::ZERO; x.len()];
    let outputs = x.len() / rows * LANES;
    machine.isa().run(Transpose { w: x, stride: rows, outputs, first: 0, out: &mut out });
    out
}

/// `x ← a·x + b·y`.
fn combine(x: &mut [Lanes], a: f32, y: &[Lanes], b: f32) {
    for (x, y) in x.iter_mut().zip(y) {
        *x = Lanes(std::array::from_fn(|lane| a * x.0[lane] + b * y.0[lane]));
    }
}

/// Root of the summed squares.
fn norm(x: &[Lanes]) -> f64 {
    let mut sums = [0.0; LANES];
    for lanes in x {
        for (sum, &x) in sums.iter_mut().zip(&lanes.0) {
            *sum += f64::from(x) * f64::from(x);
        }
    }
    sums.iter().sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Isa, panels, place};
    use crate::rng::Rng;

    /// Newton-Schulz in double precision on a row-major (I, O) matrix, always with the square of the first side.
    fn reference(g: &[f64], (rows, columns): (usize, usize)) -> Vec<f64> {
        let [a, b, c] = COEFFICIENTS.map(f64::from);
        let norm = g.iter().map(|x| x * x).sum::<f64>().sqrt().max(LEAST);
        let mut x: Vec<f64> = g.iter().map(|x| x / norm).collect();
        let product = |a: &dyn Fn(usize, usize) -> f64, b: &dyn Fn(usize, usize) -> f64, n: usize, m: usize, k| {
            let at = |i: usize| (0..k).map(|k| a(i / m, k) * b(k, i % m)).sum::<f64>();
            (0..n * m).map(at).collect::<Vec<f64>>()
        };
        for _ in 0..STEPS {
            let at = |i: usize, j: usize| x[i * columns + j];
            let gram = product(&at, &|i, j| at(j, i), rows, rows, columns);
            let of_gram = |i: usize, j: usize| gram[i * rows + j];
            let square = product(&of_gram, &of_gram, rows, rows, rows);
            let polynomial = |i: usize, j: usize| b * of_gram(i, j) + c * square[i * rows + j];
            let moved = product(&polynomial, &at, rows, columns, rows);
            x = x.iter().zip(moved).map(|(x, moved)| a * x + moved).collect();
        }
        x
    }

    #[test]
    fn it_is_the_iteration_of_double_precision_for_any_shape_set_and_number_of_threads() {
        let mut rng = Rng::stream(1, "test", 0);
        for (inputs, outputs) in [(1, 1), (5, 3), (16, 16), (20, 70), (70, 20), (130, 90)] {
            let g: Vec<f64> = (0..inputs * outputs).map(|_| f64::from(rng.normal() as f32)).collect();
            let exact = reference(&g, (inputs, outputs));
            let rows = panels(inputs) * LANES;
            for isa in Isa::supported() {
                let run = |threads| {
                    let mut lanes = vec![Lanes::ZERO; panels(outputs) * rows];
                    for (at, &g) in g.iter().enumerate() {
                        let (place, lane) = place(at % outputs, at / outputs, rows);
                        lanes[place].0[lane] = g as f32;
                    }
                    orthogonalize(&Machine::with_isa(threads, isa), &mut lanes, rows);
                    lanes
                };
                let ours = run(1);
                assert!(run(2) == ours && run(3) == ours, "{inputs} x {outputs}: the same bits");
                for (at, exact) in exact.iter().enumerate() {
                    let (place, lane) = place(at % outputs, at / outputs, rows);
                    let off = (f64::from(ours[place].0[lane]) - exact).abs();
                    assert!(off < 1e-4, "{inputs} x {outputs}, {}: off by {off}", isa.name());
                }
            }
        }
    }

    #[test]
    fn nothing_stays_nothing() {
        let mut g = vec![Lanes::ZERO; 32];
        orthogonalize(&Machine::new(1), &mut g, 16);
        assert_eq!(g, vec![Lanes::ZERO; 32]);
    }
}
