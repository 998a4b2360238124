//! The pair ledger: which classes are taken for each other, and which way.

use handloom_engine::metric::{Confusion, Pair};
use serde_json::{Value, json};

/// A direction of fewer mistakes may be one by chance.
const FEWEST: u64 = 10;

/// Pairs of classes, those with the most mistakes first; each once, `a` taken for `b` more often than the other way round.
pub(super) fn both_ways(confusion: &Confusion) -> Vec<Pair> {
    let larger = |pair: &Pair| pair.count > pair.reverse || (pair.count == pair.reverse && pair.truth < pair.predicted);
    let mut pairs: Vec<Pair> = confusion.pairs().into_iter().filter(larger).collect();
    pairs.sort_by_key(|pair| std::cmp::Reverse(pair.count + pair.reverse));
    pairs
}

/// True if a pair goes one way, and often enough not to be chance.
pub(super) fn is_one_way(pair: Pair) -> bool {
    pair.count >= FEWEST && pair.is_one_way()
}

/// The ledger as it is answered.
pub(super) fn ledger(confusion: &Confusion) -> Value {
    let line = |pair: Pair| {
        let Pair { truth, predicted, count, reverse } = pair;
        json!({"a": truth, "b": predicted, "ab": count, "ba": reverse, "one_way": is_one_way(pair)})
    };
    both_ways(confusion).into_iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_is_one_line_that_knows_its_direction() {
        let counts = vec![vec![9, 3, 2], vec![30, 9, 2], vec![0, 0, 9]];
        assert_eq!(
            ledger(&Confusion { counts }),
            json!([
                {"a": 1, "b": 0, "ab": 30, "ba": 3, "one_way": true},
                {"a": 0, "b": 2, "ab": 2, "ba": 0, "one_way": false},
                {"a": 1, "b": 2, "ab": 2, "ba": 0, "one_way": false},
            ])
        );
        assert_eq!(ledger(&Confusion { counts: vec![vec![1, 2], vec![2, 1]] })[0]["a"], 0);
        assert_eq!(ledger(&Confusion { counts: vec![vec![1, 0], vec![0, 1]] }), json!([]));
    }
}
