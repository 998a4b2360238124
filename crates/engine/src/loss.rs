//! Losses: a value and the gradient of the scores, in one pass over a row.
//!
//! `C` is the number of classes. The softmax is the head's; a loss turns its probabilities into a value and
//! into the gradient of the *scores*, the softmax's Jacobian included.

use serde::{Deserialize, Serialize};

registry! {
    /// Loss function that training minimizes.
    pub enum LossKind: Loss {
        "cross_entropy" | "crossentropy" | "ce" => CrossEntropy(CrossEntropy),
        "mean_squared_error" | "mse" | "squared_error" => MeanSquaredError(MeanSquaredError),
    }
}

/// A loss of one row.
pub trait Loss: Send + Sync {
    /// The loss of probabilities `p` (C) for `label`, of which `surprise = −ln p[label]` is given exactly;
    /// writes the gradient of the scores to `d` (C).
    fn row(&self, p: &[f32], surprise: f32, label: usize, d: &mut [f32]) -> f32;
}

/// `−ln p[label]`. Its gradient is `p`, minus one at the label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CrossEntropy {}

impl Loss for CrossEntropy {
    fn row(&self, p: &[f32], surprise: f32, label: usize, d: &mut [f32]) -> f32 {
        d.copy_from_slice(p);
        d[label] -= 1.0;
        surprise
    }
}

/// `Σ_j (p_j − y_j)² / C`, with `y` 1 at the label and 0 elsewhere.
///
/// Through the whole Jacobian of the softmax: `d_j = 2/C · p_j · (e_j − Σ_k p_k e_k)` with `e = p − y`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeanSquaredError {}

impl Loss for MeanSquaredError {
    fn row(&self, p: &[f32], _surprise: f32, label: usize, d: &mut [f32]) -> f32 {
        let scale = 1.0 / p.len() as f32;
        d.copy_from_slice(p);
        d[label] -= 1.0;
        let squares: f32 = d.iter().map(|e| e * e).sum();
        let mean: f32 = d.iter().zip(p).map(|(e, p)| e * p).sum();
        for (d, p) in d.iter_mut().zip(p) {
            *d = 2.0 * scale * p * (*d - mean);
        }
        scale * squares
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::head::softmax;

    /// Every gradient agrees with central differences through the softmax, for every label.
    #[test]
    fn gradients_match_finite_differences() {
        const H: f32 = 5e-3;
        let scores = [0.3, -1.2, 0.8, 2.0];
        for loss in LossKind::all() {
            for label in 0..4 {
                let value = |class: usize, h: f32, d: &mut [f32]| {
                    let mut p = scores;
                    p[class] += h;
                    let score = p[label] - p.iter().copied().fold(f32::MIN, f32::max);
                    let (_, log_total, _) = softmax(&mut p);
                    loss.row(&p, log_total - score, label, d)
                };
                let mut d = [0.0; 4];
                value(0, 0.0, &mut d);
                for (class, &d) in d.iter().enumerate() {
                    let difference = (value(class, H, &mut [0.0; 4]) - value(class, -H, &mut [0.0; 4])) / (2.0 * H);
                    assert!((d - difference).abs() < 2e-4, "{} {label} {class}: {d} {difference}", loss.name());
                }
            }
        }
    }

    #[test]
    fn huge_scores_give_finite_losses() {
        for loss in LossKind::all() {
            let mut p = [1000.0, -1000.0, 0.0];
            let (_, log_total, best) = softmax(&mut p);
            let mut d = [0.0; 3];
            let value = loss.row(&p, log_total + 2000.0, 1, &mut d);
            assert!(value.is_finite() && d.iter().all(|d| d.is_finite()) && best == 0, "{}: {value}", loss.name());
        }
    }
}
