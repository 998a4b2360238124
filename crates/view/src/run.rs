//! A run as input of a picture, and its summary in words.

use crate::text::share;

/// Values by epoch, counted from 1 and in that order; a value that is missing or not finite leaves a gap.
pub type Series<'a> = &'a [(u32, Option<f64>)];

/// A run as input of pictures. Series that were not recorded are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run<'a> {
    /// Name of the run.
    pub label: &'a str,
    /// Training loss by epoch.
    pub train_loss: Series<'a>,
    /// Validation loss by epoch.
    pub val_loss: Series<'a>,
    /// Training accuracy by epoch, a share in [0, 1].
    pub train_accuracy: Series<'a>,
    /// Validation accuracy by epoch, a share in [0, 1].
    pub val_accuracy: Series<'a>,
    /// True if training diverged: the loss or the weights overflowed or became NaN.
    pub diverged: bool,
}

impl<'a> Run<'a> {
    /// All four series.
    pub(crate) fn series(&self) -> [Series<'a>; 4] {
        [self.train_loss, self.val_loss, self.train_accuracy, self.val_accuracy]
    }

    /// The epoch with the highest validation accuracy, the earliest on ties.
    pub(crate) fn best(&self) -> Option<(u32, f64)> {
        finite(self.val_accuracy).fold(None, |best, (epoch, value)| match best {
            Some((_, highest)) if highest >= value => best,
            _ => Some((epoch, value)),
        })
    }

    /// Course of the validation accuracy, in words.
    pub(crate) fn story(&self) -> String {
        let all: Vec<_> = finite(self.val_accuracy).collect();
        let end = if self.diverged { ", then the run diverged" } else { "" };
        let ([(first, from), ..], [.., (last, to)]) = (&all[..], &all[..]) else {
            let loss: Vec<_> = finite(self.train_loss).collect();
            let ([(_, from), ..], [.., (last, to)]) = (&loss[..], &loss[..]) else {
                return format!("no values, without validation accuracy{end}");
            };
            let way = if to < from { "falls" } else { "goes" };
            return format!(
                "training loss {way} from {from:.3} to {to:.3} at epoch {last}, without validation accuracy{end}"
            );
        };
        let (epoch, best) = self.best().expect("at least one value");
        if first == last {
            return format!("validation accuracy {} after epoch {last}{end}", share(best));
        }
        if all.iter().all(|(_, value)| share(*value) == share(best)) {
            return format!("validation accuracy stays at {} up to epoch {last}{end}", share(best));
        }
        let before = if epoch == *first {
            format!("validation accuracy is highest at epoch {epoch}, {}", share(best))
        } else {
            format!("validation accuracy rises from {} to {} at epoch {epoch}", share(*from), share(best))
        };
        // Not mentioned if the two percentages are equal after rounding.
        let after = match (epoch == *last, share(*to) == share(best)) {
            (true, _) if self.diverged => String::new(),
            (true, _) => ", the last".to_owned(),
            (false, true) => format!(" and ends there at epoch {last}"),
            (false, false) => format!(", then falls to {} at epoch {last}", share(*to)),
        };
        format!("{before}{after}{end}")
    }
}

/// The finite values of a series.
pub(crate) fn finite(series: Series<'_>) -> impl Iterator<Item = (u32, f64)> {
    series.iter().filter_map(|&(epoch, value)| Some((epoch, value.filter(|value| value.is_finite())?)))
}

/// The pieces of a series between its gaps.
pub(crate) fn pieces(series: Series<'_>) -> Vec<Vec<[f64; 2]>> {
    let value = |entry: &(u32, Option<f64>)| entry.1.filter(|value| value.is_finite());
    let pieces = series.split(|entry| value(entry).is_none()).filter(|piece| !piece.is_empty());
    pieces.map(|piece| piece.iter().filter_map(|entry| Some([f64::from(entry.0), value(entry)?])).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(values: &[Option<f64>], diverged: bool) -> String {
        let series: Vec<_> = (1..).zip(values.iter().copied()).collect();
        Run { val_accuracy: &series, diverged, ..Run::default() }.story().replace('\u{a0}', " ")
    }

    #[test]
    fn the_words_follow_the_values() {
        let a = Some;
        for (values, diverged, words) in [
            (
                &[a(0.852), a(0.894), a(0.887)][..],
                false,
                "validation accuracy rises from 85.2% to 89.4% at epoch 2, then falls to 88.7% at epoch 3",
            ),
            (&[a(0.5), a(0.6)], false, "validation accuracy rises from 50.0% to 60.0% at epoch 2, the last"),
            (
                &[a(0.5), a(0.6), a(0.6)],
                false,
                "validation accuracy rises from 50.0% to 60.0% at epoch 2 and ends there at epoch 3",
            ),
            (
                &[a(0.6), a(0.1), None],
                true,
                "validation accuracy is highest at epoch 1, 60.0%, then falls to 10.0% at epoch 2, then the run diverged",
            ),
            (&[a(0.1), a(0.1)], false, "validation accuracy stays at 10.0% up to epoch 2"),
            (&[a(0.8)], false, "validation accuracy 80.0% after epoch 1"),
            (&[None, a(f64::NAN)], true, "no values, without validation accuracy, then the run diverged"),
            (&[], false, "no values, without validation accuracy"),
        ] {
            assert_eq!(story(values, diverged), words);
        }
    }

    #[test]
    fn the_earliest_of_equal_epochs_is_the_best_and_gaps_split() {
        let series = [(1, Some(0.5)), (2, Some(0.7)), (3, None), (4, Some(0.7)), (5, Some(f64::INFINITY))];
        let run = Run { val_accuracy: &series, ..Run::default() };
        assert_eq!(run.best(), Some((2, 0.7)));
        assert_eq!(pieces(&series), [vec![[1.0, 0.5], [2.0, 0.7]], vec![[4.0, 0.7]]]);
    }
}
