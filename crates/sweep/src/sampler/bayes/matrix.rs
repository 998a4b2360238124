//! Just enough linear algebra for a Gaussian process: a Cholesky factor and what is solved with it.

/// The lower triangle `L` of a positive definite matrix `L · Lᵀ`.
#[derive(Clone, Debug)]
pub(crate) struct Factor {
    n: usize,
    /// Row-major (n · n); above the diagonal is rubbish.
    rows: Vec<f64>,
}

impl Factor {
    /// The factor of `matrix` (n · n), of which the lower triangle is read; none if it is not positive definite.
    pub(crate) fn new(mut matrix: Vec<f64>, n: usize) -> Option<Self> {
        for i in 0..n {
            let (above, from_i) = matrix.split_at_mut(i * n);
            let row = &mut from_i[..n];
            for j in 0..i {
                let other = &above[j * n..][..=j];
                row[j] = (row[j] - dot(&row[..j], &other[..j])) / other[j];
            }
            let square = row[i] - dot(&row[..i], &row[..i]);
            if square.is_nan() || square <= 0.0 {
                return None;
            }
            row[i] = square.sqrt();
        }
        Some(Self { n, rows: matrix })
    }

    fn row(&self, i: usize) -> &[f64] {
        &self.rows[i * self.n..][..=i]
    }

    /// The `x` of `L · Lᵀ · x = b`.
    pub(crate) fn solve(&self, b: &[f64]) -> Vec<f64> {
        let mut x = b.to_vec();
        for i in 0..self.n {
            let row = self.row(i);
            x[i] = (x[i] - dot(&row[..i], &x[..i])) / row[i];
        }
        for i in (0..self.n).rev() {
            let row = self.row(i);
            x[i] /= row[i];
            let known = x[i];
            for (x, l) in x[..i].iter_mut().zip(row) {
                *x -= l * known;
            }
        }
        x
    }

    /// Replaces each column of `b` by the `x` of `L · x = b`.
    pub(crate) fn solve_lanes<const W: usize>(&self, b: &mut [[f64; W]]) {
        for i in 0..self.n {
            let row = self.row(i);
            let (known, rest) = b.split_at_mut(i);
            let mut sums = rest[0];
            for (l, known) in row.iter().zip(&*known) {
                for (sum, x) in sums.iter_mut().zip(known) {
                    *sum -= l * x;
                }
            }
            rest[0] = sums.map(|sum| sum / row[i]);
        }
    }

    /// Logarithm of the determinant of `L · Lᵀ`.
    pub(crate) fn log_determinant(&self) -> f64 {
        (0..self.n).map(|i| 2.0 * libm::log(self.rows[i * self.n + i])).sum()
    }

    /// The inverse of `L · Lᵀ` (n · n); only its lower triangle is filled.
    pub(crate) fn inverse(&self) -> Vec<f64> {
        let n = self.n;
        // Column `j` of `L⁻¹`, as a row.
        let mut columns = vec![0.0; n * n];
        for (j, column) in columns.chunks_exact_mut(n).enumerate() {
            column[j] = 1.0 / self.rows[j * n + j];
            for i in j + 1..n {
                let row = self.row(i);
                column[i] = -dot(&row[j..i], &column[j..i]) / row[i];
            }
        }
        let mut inverse = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                inverse[i * n + j] = dot(&columns[i * n..][i..n], &columns[j * n..][i..n]);
            }
        }
        inverse
    }
}

/// The sum of products, in eight parts side by side.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (left, right) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = left.remainder().iter().zip(right.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in left.zip(right) {
        for k in 0..8 {
            sums[k] += a[k] * b[k];
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + rest
}

#[cfg(test)]
mod tests {
    use handloom_engine::rng::Rng;

    use super::*;

    /// `A · Aᵀ + I` for a random `A`.
    fn positive(n: usize) -> Vec<f64> {
        let mut rng = Rng::stream(1, "matrix", n as u64);
        let a: Vec<f64> = (0..n * n).map(|_| rng.normal()).collect();
        let entry = |i: usize, j: usize| dot(&a[i * n..][..n], &a[j * n..][..n]) + f64::from(u8::from(i == j));
        (0..n * n).map(|at| entry(at / n, at % n)).collect()
    }

    #[test]
    fn what_is_solved_fits_and_the_inverse_undoes() {
        for n in [1, 2, 7, 8, 9, 40] {
            let matrix = positive(n);
            let factor = Factor::new(matrix.clone(), n).unwrap();
            let b: Vec<f64> = (0..n).map(|i| (i as f64).sin()).collect();
            let x = factor.solve(&b);
            let inverse = factor.inverse();
            for i in 0..n {
                assert!((dot(&matrix[i * n..][..n], &x) - b[i]).abs() < 1e-8);
                let whole: Vec<f64> = (0..n).map(|j| inverse[i.max(j) * n + i.min(j)]).collect();
                assert!((dot(&whole, &b) - x[i]).abs() < 1e-8);
            }
            let mut lanes: Vec<[f64; 2]> = b.iter().map(|&b| [b, 2.0 * b]).collect();
            factor.solve_lanes(&mut lanes);
            let squares = [0, 1].map(|lane| lanes.iter().map(|row| row[lane] * row[lane]).sum::<f64>());
            assert!((squares[0] - dot(&b, &x)).abs() < 1e-8 && (squares[1] - 4.0 * squares[0]).abs() < 1e-7);
        }
    }

    #[test]
    fn what_is_not_positive_definite_has_no_factor() {
        assert!(Factor::new(vec![1.0, 0.0, 2.0, 1.0], 2).is_none());
        assert!(Factor::new(vec![f64::NAN], 1).is_none());
    }
}
