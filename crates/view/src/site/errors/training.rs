//! Confusion over training: a model may move a boundary between two classes while its accuracy stands still.

use handloom_engine::metric::Confusion;
use handloom_store::Epoch;
use serde_json::{Value, json};

/// Most kinds of mistakes that are followed.
const MOST: usize = 12;
/// Accuracies that differ by less are the same to the eye.
const SAME: f64 = 0.002;
/// Mistakes that have to come or go for it to be told of, and as a share of all images.
const FEWEST: u64 = 20;
const SHARE: f64 = 0.005;

/// Confusion matrices of validation images, of the epochs that recorded one.
fn recorded(epochs: &[Epoch]) -> Vec<(u64, &Confusion)> {
    let of = |epoch: &'_ Epoch| epoch.row.epoch;
    let found = epochs.iter().filter_map(|epoch| Some((of(epoch), epoch.evidence.confusion.as_ref()?)));
    let found: Vec<_> = found.collect();
    // All of one size: a record that is not is not this run's.
    let classes = found.last().map_or(0, |(_, confusion)| confusion.counts.len());
    let square = |confusion: &Confusion| {
        confusion.counts.len() == classes && confusion.counts.iter().all(|row| row.len() == classes)
    };
    found.into_iter().filter(|(_, confusion)| square(confusion)).collect()
}

/// The kinds of mistakes whose number moved most from the second epoch on, with their numbers.
pub(super) fn moved(epochs: &[Epoch]) -> Value {
    let recorded = recorded(epochs);
    let classes = recorded.last().map_or(0, |(_, confusion)| confusion.counts.len());
    // In the first epoch everything moves.
    let settled = if recorded.len() > 2 { &recorded[1..] } else { &recorded[..] };
    let range = |t: usize, p: usize| {
        let counts = || settled.iter().map(|(_, confusion)| confusion.counts[t][p]);
        counts().max().unwrap_or(0) - counts().min().unwrap_or(0)
    };
    let cells = (0..classes).flat_map(|t| (0..classes).map(move |p| (t, p))).filter(|(t, p)| t != p);
    let mut cells: Vec<(u64, usize, usize)> = cells.map(|(t, p)| (range(t, p), t, p)).collect();
    cells.sort_by_key(|&(range, ..)| std::cmp::Reverse(range));
    let followed = cells.into_iter().take(MOST).filter(|&(range, ..)| range > 0).map(|(_, t, p)| {
        let counts: Vec<u64> = recorded.iter().map(|(_, confusion)| confusion.counts[t][p]).collect();
        json!({"true": t, "predicted": p, "counts": counts})
    });
    let pairs: Vec<Value> = followed.collect();
    json!({"epoch": recorded.iter().map(|(epoch, _)| epoch).collect::<Vec<_>>(), "pairs": pairs})
}

/// Two epochs of the same accuracy between which one kind of mistake came or went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    pub(super) truth: usize,
    pub(super) predicted: usize,
    pub(super) epochs: [u64; 2],
    pub(super) counts: [u64; 2],
    pub(super) accuracy: f64,
}

/// The largest shift, if there is one.
pub(super) fn shift(epochs: &[Epoch]) -> Option<Shift> {
    let recorded = recorded(epochs);
    let mut largest: Option<Shift> = None;
    for (from, (first, before)) in recorded.iter().enumerate().skip(1) {
        for (second, after) in &recorded[from + 1..] {
            let [Some(was), Some(is)] = [before.accuracy(), after.accuracy()] else { continue };
            if (was - is).abs() > SAME {
                continue;
            }
            let enough = FEWEST.max((SHARE * after.total() as f64) as u64);
            for (truth, (before, after)) in before.counts.iter().zip(&after.counts).enumerate() {
                for (predicted, (&was_there, &is_there)) in before.iter().zip(after).enumerate() {
                    let change = was_there.abs_diff(is_there);
                    let most = largest.map_or(0, |shift| shift.counts[0].abs_diff(shift.counts[1]));
                    if truth != predicted && change >= enough && change > most {
                        let (epochs, counts) = ([*first, *second], [was_there, is_there]);
                        largest = Some(Shift { truth, predicted, epochs, counts, accuracy: is });
                    }
                }
            }
        }
    }
    largest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::site::errors::tests::epoch;

    #[test]
    fn what_moved_most_after_the_first_epoch_comes_first() {
        let epochs = [
            epoch(1, &[[10, 90, 0], [0, 100, 0], [0, 0, 100]]),
            epoch(2, &[[80, 15, 5], [10, 90, 0], [2, 0, 98]]),
            epoch(3, &[[80, 15, 5], [30, 70, 0], [3, 0, 97]]),
        ];
        let found = moved(&epochs);
        assert_eq!(found["epoch"], json!([1, 2, 3]));
        assert_eq!(
            found["pairs"],
            json!([
                {"true": 1, "predicted": 0, "counts": [0, 10, 30]},
                {"true": 2, "predicted": 0, "counts": [0, 2, 3]},
            ])
        );
        assert_eq!(moved(&[]), json!({"epoch": [], "pairs": []}));
    }

    #[test]
    fn a_boundary_that_moves_at_the_same_accuracy_is_found_and_nothing_else_is() {
        let epochs = [
            epoch(1, &[[100, 0, 0], [0, 100, 0], [0, 0, 100]]),
            epoch(2, &[[90, 10, 0], [50, 50, 0], [0, 0, 100]]),
            epoch(3, &[[55, 45, 0], [15, 85, 0], [0, 0, 100]]),
        ];
        let found = shift(&epochs).unwrap();
        assert_eq!((found.truth, found.predicted, found.epochs, found.counts), (0, 1, [2, 3], [10, 45]));
        assert_eq!(found.accuracy, 0.8);
        // The first epoch does not count; with another accuracy it is no news; neither is a small move.
        assert_eq!(shift(&epochs[..2]), None);
        let better = epoch(3, &[[60, 40, 0], [15, 85, 0], [0, 0, 100]]);
        assert_eq!(shift(&[epochs[0].clone(), epochs[1].clone(), better]), None);
        let small = epoch(3, &[[75, 25, 0], [35, 65, 0], [0, 0, 100]]);
        assert_eq!(shift(&[epochs[0].clone(), epochs[1].clone(), small]), None);
    }
}
