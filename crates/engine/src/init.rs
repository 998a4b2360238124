//! Weight initialization. Biases start at 0.
//!
//! To add one, implement [`Initialize`] for a struct and name it in the list.

use serde::{Deserialize, Serialize};

use crate::rng::Rng;

registry! {
    /// Weight initialization.
    pub enum Init: Initialize {
        "random" | "normal" => Random(Random),
        "xavier" | "glorot" => Xavier(Xavier),
        "he" | "kaiming" => He(He),
        "lecun" => Lecun(Lecun),
        "orthogonal" => Orthogonal(Orthogonal),
        "zeros" | "zero" => Zeros(Zeros),
    }
}

/// Draws the weights of a layer.
pub trait Initialize: Send + Sync {
    /// Weights (`outputs`, `inputs`), row-major.
    fn draw(&self, inputs: usize, outputs: usize, rng: &mut Rng) -> Vec<f32>;
}

macro_rules! normal {
    ($($(#[$doc:meta])* $Name:ident: |$inputs:ident| $deviation:expr)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
        pub struct $Name {}

        impl Initialize for $Name {
            fn draw(&self, $inputs: usize, outputs: usize, rng: &mut Rng) -> Vec<f32> {
                let (count, deviation) = (outputs * $inputs, $deviation);
                (0..count).map(|_| (deviation * rng.normal()) as f32).collect()
            }
        }
    )+};
}

normal! {
    /// Normal with standard deviation 0.01, whatever the layer.
    Random: |inputs| 0.01

    /// Normal with variance 2 / inputs. He et al. (2015), *Delving Deep into Rectifiers*, equation 10.
    He: |inputs| (2.0 / inputs as f64).sqrt()

    /// Normal with variance 1 / inputs. LeCun et al. (1998), *Efficient BackProp*, §4.6.
    Lecun: |inputs| (1.0 / inputs as f64).sqrt()
}

/// Uniform in `±√(6 / (inputs + outputs))`. Glorot & Bengio (2010), *Understanding the Difficulty of Training Deep Feedforward Neural Networks*, equation 16.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Xavier {}

impl Initialize for Xavier {
    fn draw(&self, inputs: usize, outputs: usize, rng: &mut Rng) -> Vec<f32> {
        let limit = (6.0 / (inputs + outputs) as f64).sqrt();
        (0..inputs * outputs).map(|_| rng.uniform(-limit, limit) as f32).collect()
    }
}

/// Rows (or columns, where they are fewer) of length 1 at right angles. Saxe, McClelland & Ganguli (2014), *Exact Solutions to the Nonlinear Dynamics of Learning in Deep Linear Networks*.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Orthogonal {}

impl Initialize for Orthogonal {
    fn draw(&self, inputs: usize, outputs: usize, rng: &mut Rng) -> Vec<f32> {
        let (count, length) = (inputs.min(outputs), inputs.max(outputs));
        let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
        while vectors.len() < count {
            let mut v: Vec<f64> = (0..length).map(|_| rng.normal()).collect();
            // Gram-Schmidt, twice: once leaves rounding errors where a vector was nearly in the span.
            for _ in 0..2 {
                for u in &vectors {
                    let along: f64 = u.iter().zip(&v).map(|(u, v)| u * v).sum();
                    for (v, u) in v.iter_mut().zip(u) {
                        *v -= along * u;
                    }
                }
            }
            let norm = v.iter().map(|v| v * v).sum::<f64>().sqrt();
            if norm > 1e-6 {
                for v in &mut v {
                    *v /= norm;
                }
                vectors.push(v);
            }
        }
        let at = |o: usize, i: usize| if outputs <= inputs { vectors[o][i] } else { vectors[i][o] };
        (0..outputs * inputs).map(|n| at(n / inputs, n % inputs) as f32).collect()
    }
}

/// All 0: every unit of a layer stays equal to its neighbours. For the experiment that shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Zeros {}

impl Initialize for Zeros {
    fn draw(&self, inputs: usize, outputs: usize, _rng: &mut Rng) -> Vec<f32> {
        vec![0.0; inputs * outputs]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(init: &str, inputs: usize, outputs: usize) -> Vec<f32> {
        Init::named(init).unwrap().draw(inputs, outputs, &mut Rng::stream(1, "init", 0))
    }

    #[test]
    fn every_init_has_the_spread_it_promises() {
        let (inputs, outputs) = (300, 200);
        for (name, variance) in [
            ("random", 1e-4),
            ("xavier", 2.0 / 500.0),
            ("he", 2.0 / 300.0),
            ("lecun", 1.0 / 300.0),
            ("orthogonal", 1.0 / 300.0),
            ("zeros", 0.0),
        ] {
            let w = drawn(name, inputs, outputs);
            let mean = w.iter().map(|&w| f64::from(w)).sum::<f64>() / w.len() as f64;
            let square = w.iter().map(|&w| f64::from(w).powi(2)).sum::<f64>() / w.len() as f64;
            assert!(mean.abs() < 1e-3 && (square - variance).abs() <= 0.02 * variance, "{name}: {mean} {square}");
        }
        assert_eq!(Init::NAMES.len(), 6, "a new init belongs into this table");
    }

    #[test]
    fn xavier_stays_within_its_limit() {
        let limit = (6.0_f32 / 500.0).sqrt();
        assert!(drawn("xavier", 300, 200).iter().all(|w| w.abs() <= limit));
    }

    #[test]
    fn orthogonal_rows_or_columns_are_orthonormal() {
        for (inputs, outputs) in [(7, 4), (4, 7), (5, 5)] {
            let w = drawn("orthogonal", inputs, outputs);
            let at = |o: usize, i: usize| w[o * inputs + i];
            let (count, length) = (inputs.min(outputs), inputs.max(outputs));
            let item = |v: usize, n: usize| if outputs <= inputs { at(v, n) } else { at(n, v) };
            for a in 0..count {
                for b in 0..count {
                    let dot: f32 = (0..length).map(|n| item(a, n) * item(b, n)).sum();
                    assert!((dot - f32::from(a == b)).abs() < 1e-5, "{a} {b}: {dot}");
                }
            }
        }
    }
}
