//! Verdict of a comparison of two runs, in the same words in the terminal and on pages. A difference is B minus A.

use handloom_engine::compare::{Difference, independent_difference, mcnemar, paired_difference};
use handloom_engine::metric::Confusion;
use handloom_store::{Run, Store};

use crate::words::grouped;

/// Verdict of a comparison: settled (statistically significant) or not, and the sentence about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// True if the difference is significant; none if nothing could be compared.
    pub settled: Option<bool>,
    /// `settled: ...` or `not settled: ...`.
    pub words: String,
    /// The side that is ahead, settled or not: 0 for A.
    pub ahead: Option<usize>,
}

impl Verdict {
    /// Verdict on a difference of accuracies on or over `what`; `agrees` is true if a second test finds it settled too.
    pub fn of(difference: Option<Difference>, agrees: bool, what: &str) -> Self {
        let Some(Difference { value, low, high, settled }) = difference else {
            return Self::none(&format!("there is too little to judge by {what}"));
        };
        let settled = settled && agrees;
        let (better, [low, high]) = if value < 0.0 { ("A", [-high, -low]) } else { ("B", [low, high]) };
        let by = format!("{:.2}", 100.0 * value.abs());
        let interval = format!("[{}, {}]", signed(low), signed(high));
        let words = if settled {
            format!("settled: {better} is better by {by} points {interval} {what}")
        } else if value == 0.0 {
            format!("not settled: A and B are equal, give or take {interval} points, {what}")
        } else {
            format!("not settled: {better} is ahead by {by} points, which may be chance {interval} {what}")
        };
        let ahead = (value != 0.0).then(|| usize::from(value > 0.0));
        Self { settled: Some(settled), words, ahead }
    }

    /// Verdict of a comparison that was not possible, for the reason `why`.
    pub fn none(why: &str) -> Self {
        Self { settled: None, words: format!("not settled: {why}"), ahead: None }
    }

    /// Verdict on two runs: by their predictions on the same images (`paired`) if there are any, else by the `recorded`
    /// accuracies.
    pub fn of_pair(
        [a, b]: [&Run; 2],
        paired: Option<(&Paired, &str)>,
        recorded: Option<Difference>,
        why_not: Option<&str>,
    ) -> Self {
        if a.weights_sha256.is_some() && a.weights_sha256 == b.weights_sha256 {
            let words = "settled: A and B have the same weights, bit for bit".into();
            return Self { settled: Some(true), words, ahead: None };
        }
        match (paired, recorded, why_not) {
            (Some((paired, which)), ..) => {
                let what = format!("on the same {} {which} images", grouped(paired.images));
                Self::of(paired.difference(), paired.p() < 0.05, &what)
            }
            (None, None, Some(why)) => Self::none(why),
            (None, recorded, _) => Self::of(recorded, true, "on validation images, by the recorded accuracies alone"),
        }
    }
}

/// Paired counts: images that both, one or none of two networks classified correctly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    /// All images.
    pub images: u64,
    /// Number that A and that B classified correctly.
    pub right: [u64; 2],
    /// Images that only B classified correctly.
    pub fixes: u64,
    /// Images that only A classified correctly.
    pub breaks: u64,
}

impl Paired {
    /// Counts from the correctness of A and B on each image.
    pub fn new(outcomes: impl IntoIterator<Item = (bool, bool)>) -> Self {
        let mut paired = Self::default();
        for (a, b) in outcomes {
            paired.images += 1;
            paired.right[0] += u64::from(a);
            paired.right[1] += u64::from(b);
            paired.fixes += u64::from(b && !a);
            paired.breaks += u64::from(a && !b);
        }
        paired
    }

    /// Difference of the accuracies, B minus A, with its interval.
    pub fn difference(&self) -> Option<Difference> {
        paired_difference(self.images, self.fixes, self.breaks)
    }

    /// p-value of `McNemar`'s test: probability that two equally good networks differ as much.
    pub fn p(&self) -> f64 {
        mcnemar(self.fixes, self.breaks)
    }

    /// Accuracy of side 0, which is A, or 1.
    pub fn accuracy(&self, side: usize) -> Option<f64> {
        (self.images > 0).then(|| self.right[side] as f64 / self.images as f64)
    }
}

/// Difference of the recorded validation accuracies, treated as from independent images; none if the data differs or
/// the number of images is unknown.
pub fn recorded(pair: [&Run; 2], store: &dyn Store) -> handloom_store::Result<Option<Difference>> {
    if pair[0].data_sha256 != pair[1].data_sha256 {
        return Ok(None);
    }
    let mut counts = [[0; 2]; 2];
    for (run, counts) in pair.into_iter().zip(&mut counts) {
        let epochs = store.epochs(&run.id)?;
        let images = epochs.iter().rev().find_map(|epoch| epoch.evidence.confusion.as_ref()).map(Confusion::total);
        let (Some(images), Some(accuracy)) = (images, run.val_accuracy) else { return Ok(None) };
        *counts = [((accuracy * images as f64).round() as u64).min(images), images];
    }
    Ok(independent_difference(counts[1], counts[0]))
}

/// `+0.60`, `-0.20`: percentage points.
pub fn signed(share: f64) -> String {
    // A negative difference that rounds to zero is written as `+0.00`.
    let text = format!("{:+.2}", 100.0 * share);
    if text == "-0.00" { "+0.00".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_is_better_is_named_with_an_interval_in_its_favor() {
        let difference = |value, low, high| Some(Difference { value, low, high, settled: low > 0.0 || high < 0.0 });
        let verdict = |d| Verdict::of(d, true, "on 100 images");
        let a = verdict(difference(-0.006, -0.010, -0.002));
        assert_eq!(
            (a.settled, a.words.as_str()),
            (Some(true), "settled: A is better by 0.60 points [+0.20, +1.00] on 100 images")
        );
        let b = verdict(difference(0.006, -0.002, 0.014));
        assert_eq!(b.words, "not settled: B is ahead by 0.60 points, which may be chance [-0.20, +1.40] on 100 images");
        assert_eq!(Verdict::of(difference(0.006, 0.001, 0.011), false, "").settled, Some(false));
        assert!(verdict(difference(0.0, -0.01, 0.01)).words.contains("A and B are equal"));
        assert_eq!(verdict(None).settled, None);
    }

    #[test]
    fn images_are_counted_by_who_got_them_right() {
        let outcomes = [(true, true), (true, false), (false, true), (false, true), (false, false)];
        let paired = Paired::new(outcomes);
        assert_eq!(paired, Paired { images: 5, right: [2, 3], fixes: 2, breaks: 1 });
        assert_eq!((paired.accuracy(0), paired.difference().unwrap().value), (Some(0.4), 0.2));
        assert_eq!(Paired::default().accuracy(0), None);
    }

    #[test]
    fn a_pair_is_judged_by_the_best_evidence_there_is() {
        let run = |weights: &str| Run { weights_sha256: Some(weights.into()), ..Run::default() };
        let (a, b) = (run("1"), run("2"));
        let paired = Paired::new([(false, true); 40]);
        let of = |pair, paired, why| Verdict::of_pair(pair, paired, None, why);
        assert!(of([&a, &a], Some((&paired, "test")), None).words.contains("bit for bit"));
        assert!(of([&a, &b], Some((&paired, "test")), None).words.ends_with("on the same 40 test images"));
        assert_eq!(of([&a, &b], None, Some("no data")), Verdict::none("no data"));
        assert!(of([&a, &b], None, None).words.contains("recorded accuracies alone"));
    }
}
