//! Reading images, activations, and the head.

use super::*;
use crate::activation::Activation;
use crate::gradcheck::reference::{Complex, activate, slope};
use crate::kernel::Isa;
use crate::kernel::gather::Gather;
use crate::kernel::head::{BatchStats, MAX_CLASSES, SoftmaxLoss};
use crate::loss::{Loss, LossKind};

#[test]
fn a_batch_is_read_in_its_order_and_padded_with_zeros() {
    let mut rng = Rng::stream(1, "test", 0);
    for pixels in [1, 15, 16, 17, 32, 50] {
        let images: Vec<u8> = (0..9 * pixels).map(|_| rng.below(256) as u8).collect();
        let rows = [8, 0, 3, 3, 7];
        for isa in Isa::supported() {
            let mut out = vec![Lanes([f32::NAN; LANES]); panels(pixels) * rows.len()];
            isa.run(Gather { images: &images, pixels, rows: &rows, out: &mut out });
            for (b, &row) in rows.iter().enumerate() {
                for feature in 0..pixels {
                    let exact = f64::from(images[row as usize * pixels + feature]) / 255.0;
                    assert!((f64::from(get(&out, feature, b, rows.len())) - exact).abs() < 1e-7, "{pixels}");
                }
            }
            assert!(is_padded(&out, pixels, rows.len()), "{pixels}");
        }
    }
}

#[test]
fn activations_and_their_slopes_follow_the_definitions_on_every_instruction_set() {
    let xs: Vec<f32> = (0..8_000).map(|i| (i as f32 - 4_000.0) / 200.0 + 1e-3).collect();
    for (isa, f) in Isa::supported().flat_map(|isa| Activation::all().map(move |f| (isa, f))) {
        let mut y: Vec<Lanes> = xs.as_chunks().0.iter().map(|&lanes| Lanes(lanes)).collect();
        let mut z = vec![Lanes::ZERO; if f.needs_input() { y.len() } else { 0 }];
        f.forward(isa, &mut y, &mut z);
        let mut d = vec![Lanes([2.0; LANES]); y.len()];
        f.backward(isa, &y, &z, &mut d);
        for (i, &x) in xs.iter().enumerate() {
            let (y, d) = (f64::from(y[i / LANES].0[i % LANES]), f64::from(d[i / LANES].0[i % LANES]));
            let (exact, slope) = (activate(&f, Complex::real(f64::from(x))).re, 2.0 * slope(&f, f64::from(x)));
            // Absolute, but relative for what is larger than 1; x · Φ(x) multiplies the error of Φ by x.
            let bound = 6e-7 * exact.abs().max(1.0);
            assert!((y - exact).abs() < bound, "{} {} at {x}: {y} {exact}", isa.name(), f.name());
            assert!((d - slope).abs() < 3e-6, "{} {} at {x}: slope {d} {slope}", isa.name(), f.name());
        }
    }
}

#[test]
fn small_values_keep_their_relative_precision() {
    for f in Activation::all().filter(|f| f.value(0.0) == 0.0) {
        for x in [1e-6_f32, -1e-6, 3e-4, -3e-4, 0.02, -0.02] {
            let (y, exact) = (f64::from(f.value(x)), activate(&f, Complex::real(f64::from(x))).re);
            assert!((y - exact).abs() <= 1e-6 * exact.abs(), "{} at {x}: {y} {exact}", f.name());
        }
    }
}

#[test]
fn the_head_gives_loss_hits_and_gradient_for_any_number_of_classes() {
    let mut rng = Rng::stream(2, "test", 0);
    for (loss, classes) in LossKind::all().flat_map(|l| [1, 2, 3, 16, 17, 20, 255, 256].map(move |n| (l.clone(), n))) {
        let (rows, batch) = (7, 10);
        let scores = random(rows, classes, &mut rng);
        let labels: Vec<u8> = (0..rows).map(|_| rng.below(classes as u64) as u8).collect();
        // As after a batch of other length: whatever was here must not stay in the padding.
        let mut d = vec![Lanes([9.0; LANES]); panels(classes) * rows];
        let tally = evaluate(&*loss, classes, &pack(&scores), &labels, batch, &mut d);
        let (mut total, mut hits) = (0.0, 0);
        for (b, (scores, &label)) in scores.iter().zip(&labels).enumerate() {
            let exponents: Vec<f64> = scores.iter().map(|&s| f64::from(s).exp()).collect();
            let sum: f64 = exponents.iter().sum();
            let p: Vec<f64> = exponents.iter().map(|e| e / sum).collect();
            let y = |class| f64::from(u8::from(class == usize::from(label)));
            let error = |class: usize| p[class] - y(class);
            let mean: f64 = (0..classes).map(|class| p[class] * error(class)).sum();
            hits += u64::from(scores.iter().all(|s| *s <= scores[usize::from(label)]));
            total += match loss {
                LossKind::CrossEntropy(_) => -p[usize::from(label)].ln(),
                LossKind::MeanSquaredError(_) => (0..classes).map(|c| error(c).powi(2)).sum::<f64>() / classes as f64,
            };
            for (class, p) in p.iter().enumerate() {
                let exact = match loss {
                    LossKind::CrossEntropy(_) => error(class),
                    LossKind::MeanSquaredError(_) => 2.0 / classes as f64 * p * (error(class) - mean),
                } / batch as f64;
                let got = f64::from(get(&d, class, b, rows));
                assert!(
                    (got - exact).abs() < 1e-6 * exact.abs() + 1e-9,
                    "{} {classes} classes: {got} {exact}",
                    loss.name()
                );
            }
        }
        assert!((tally.loss - total).abs() < 1e-5 * total.max(1.0), "{} {classes}: {tally:?} {total}", loss.name());
        assert_eq!((tally.correct, tally.rows), (hits, rows as u64));
        assert!(is_padded(&d, classes, rows), "{} {classes}: padding", loss.name());
    }
    assert_eq!(MAX_CLASSES, 256);
}

/// A softmax that is not shifted by each row's own maximum overflows, or loses rows whose scores are far below others.
#[test]
fn huge_scores_in_one_row_leave_every_row_exact() {
    let scores = [vec![1000.0, -1000.0, 0.0], vec![-1000.0, -1001.0, -1002.0], vec![0.5, 0.25, 0.0]];
    let cross_entropy = LossKind::named("ce").unwrap();
    let mut d = vec![Lanes::ZERO; 3];
    let tally = evaluate(&*cross_entropy, 3, &pack(&scores), &[1, 0, 2], 3, &mut d);
    let log_sum = |row: &[f64]| row.iter().map(|s| s.exp()).sum::<f64>().ln();
    let exact = 2000.0 + log_sum(&[0.0, -1.0, -2.0]) + log_sum(&[0.5, 0.25, 0.0]);
    assert!((tally.loss - exact).abs() < 1e-3, "{tally:?} {exact}");
    assert!(d.iter().flat_map(|d| d.0).all(f32::is_finite));
    assert!((d[0].0[0] - 1.0 / 3.0).abs() < 1e-6 && (d[0].0[1] + 1.0 / 3.0).abs() < 1e-6);
}

/// The first of equal scores counts, and no number is never right.
#[test]
fn ties_go_to_the_first_class() {
    let loss = LossKind::named("ce").unwrap();
    let hits = |scores: [f32; 3], label| evaluate(&*loss, 3, &pack(&[scores.to_vec()]), &[label], 1, &mut []).correct;
    assert_eq!((hits([1.0; 3], 0), hits([1.0; 3], 1), hits([0.0, 2.0, 2.0], 1)), (1, 0, 1));
    assert_eq!(hits([f32::NAN; 3], 0), 0);
}

/// The head over rows that are a whole data set, with every instruction set: all agree.
fn evaluate(
    loss: &dyn Loss,
    classes: usize,
    scores: &[Lanes],
    labels: &[u8],
    batch: usize,
    d: &mut [Lanes],
) -> BatchStats {
    let rows: Vec<u32> = (0..labels.len() as u32).collect();
    let mut tallies = Isa::supported().map(|isa| {
        isa.run(SoftmaxLoss { loss, classes, scores, labels, rows: &rows, batch, d: &mut *d, confusion: &mut [] })
    });
    let first = tallies.next().expect("the baseline is always there");
    for tally in tallies {
        assert_eq!((tally.correct, tally.rows), (first.correct, first.rows));
        assert!((tally.loss - first.loss).abs() <= 1e-6 * first.loss.abs() || first.loss.is_nan());
    }
    first
}
