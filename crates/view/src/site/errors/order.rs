//! An order of classes in which those that are taken for each other are neighbors, so that a matrix shows blocks.

/// Classes, times classes from each of which a path is begun, at most: of few classes each is one.
const STARTS: usize = 2_000;
/// Most rounds of turning parts round; each makes a path better, so that there are far fewer.
const ROUNDS: usize = 200;

/// Classes in an order of many confusions between neighbors: a path by the nearest neighbor from each class, made better by
/// turning parts of it round and by moving single classes, and the best of these.
///
/// Croes (1958), *A Method for Solving Traveling-Salesman Problems*.
pub(super) fn of(counts: &[Vec<u64>]) -> Vec<usize> {
    let classes = counts.len();
    let both = |a: usize, b: usize| if a == b { 0 } else { counts[a][b] + counts[b][a] };
    let mut best: Option<(u64, Vec<usize>)> = None;
    for start in 0..classes.min(STARTS / classes.max(1)) {
        let mut path = greedy(start, classes, &both);
        improve(&mut path, &both);
        let gained = gain(&path, &both);
        if best.as_ref().is_none_or(|(most, _)| gained > *most) {
            best = Some((gained, path));
        }
    }
    let mut path = best.map_or_else(Vec::new, |(_, path)| path);
    // A path and its reverse are the same: the one that begins with the lower class is shown.
    if path.first() > path.last() {
        path.reverse();
    }
    path
}

/// Confusions between neighbors.
fn gain(path: &[usize], both: &impl Fn(usize, usize) -> u64) -> u64 {
    path.windows(2).map(|pair| both(pair[0], pair[1])).sum()
}

/// From `start` on always to the class confused most with the last one, of equals to the lowest.
fn greedy(start: usize, classes: usize, both: &impl Fn(usize, usize) -> u64) -> Vec<usize> {
    let mut path = vec![start];
    let mut left: Vec<usize> = (0..classes).filter(|class| *class != start).collect();
    while let Some(last) = path.last().copied().filter(|_| !left.is_empty()) {
        let at = (0..left.len()).max_by_key(|&at| (both(last, left[at]), std::cmp::Reverse(at))).expect("one is left");
        path.push(left.remove(at));
    }
    path
}

fn improve(path: &mut Vec<usize>, both: &impl Fn(usize, usize) -> u64) {
    for _ in 0..ROUNDS {
        if !turned(path, both) && !moved(path, both) {
            break;
        }
    }
}

/// Number of confusions between the classes at two places; 0 beyond the ends of the path.
fn joint(path: &[usize], a: Option<usize>, b: Option<usize>, both: &impl Fn(usize, usize) -> u64) -> u64 {
    match (a.and_then(|a| path.get(a)), b.and_then(|b| path.get(b))) {
        (Some(&a), Some(&b)) => both(a, b),
        _ => 0,
    }
}

/// Turns parts of the path round wherever that makes it better.
fn turned(path: &mut [usize], both: &impl Fn(usize, usize) -> u64) -> bool {
    let mut better = false;
    for first in 0..path.len() {
        for last in first + 1..path.len() {
            let (before, after) = (first.checked_sub(1), Some(last + 1));
            let is = joint(path, before, Some(first), both) + joint(path, Some(last), after, both);
            let would_be = joint(path, before, Some(last), both) + joint(path, Some(first), after, both);
            if would_be > is {
                path[first..=last].reverse();
                better = true;
            }
        }
    }
    better
}

/// Moves the first class for which another place makes the path better.
fn moved(path: &mut Vec<usize>, both: &impl Fn(usize, usize) -> u64) -> bool {
    for from in 0..path.len() {
        let class = path.remove(from);
        let joins = |path: &[usize], at: usize| {
            let (before, after) = (at.checked_sub(1).map(|at| path[at]), path.get(at).copied());
            let own = before.map_or(0, |other| both(other, class)) + after.map_or(0, |other| both(class, other));
            let without = before.zip(after).map_or(0, |(before, after)| both(before, after));
            // Gain of placing the class here, which may be negative.
            own as i64 - without as i64
        };
        let is = joins(path, from);
        if let Some(to) = (0..=path.len()).find(|&to| joins(path, to) > is) {
            path.insert(to, class);
            return true;
        }
        path.insert(from, class);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(classes: usize, pairs: &[(usize, usize, u64)]) -> Vec<Vec<u64>> {
        let mut counts = vec![vec![0; classes]; classes];
        for &(a, b, count) in pairs {
            counts[a][b] = count;
        }
        counts
    }

    #[test]
    fn look_alikes_become_neighbors() {
        // Fashion-MNIST: tops 0 2 3 4 6, shoes 5 7 9, trousers 1 and bags 8.
        let pairs = [(0, 6, 117), (6, 0, 61), (2, 4, 80), (4, 2, 90), (2, 6, 50), (4, 6, 60), (6, 3, 30), (0, 3, 20)];
        let shoes = [(5, 7, 30), (7, 9, 40), (9, 5, 8), (1, 3, 6), (8, 0, 5)];
        let path = of(&counts(10, &[&pairs[..], &shoes].concat()));
        let mut sorted = path.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..10).collect::<Vec<_>>());
        let apart = |a: usize, b: usize| {
            let place = |class| path.iter().position(|other| *other == class).unwrap();
            place(a).abs_diff(place(b))
        };
        assert_eq!([apart(0, 6), apart(2, 4), apart(5, 7), apart(7, 9)], [1, 1, 1, 1], "{path:?}");
        assert!(path[0] < path[9]);
    }

    #[test]
    fn the_order_is_the_best_there_is_where_that_can_be_tried() {
        let mut rng = handloom_engine::rng::Rng::stream(3, "order", 0);
        for _ in 0..20 {
            let counts: Vec<Vec<u64>> = (0..6).map(|_| (0..6).map(|_| rng.below(9).pow(2)).collect()).collect();
            let both = |a: usize, b: usize| if a == b { 0 } else { counts[a][b] + counts[b][a] };
            let most = permutations(6).iter().map(|path| gain(path, &both)).max().unwrap();
            let found = gain(&of(&counts), &both);
            assert!(100 * found >= 97 * most, "{found} of {most}");
        }
    }

    fn permutations(n: usize) -> Vec<Vec<usize>> {
        if n == 0 {
            return vec![vec![]];
        }
        let shorter = permutations(n - 1);
        let longer = shorter.iter().flat_map(|path| {
            (0..n).map(|at| {
                let mut path = path.clone();
                path.insert(at, n - 1);
                path
            })
        });
        longer.collect()
    }

    #[test]
    fn without_confusions_classes_stay_in_order() {
        assert_eq!(of(&counts(5, &[])), [0, 1, 2, 3, 4]);
        assert_eq!(of(&counts(1, &[])), [0]);
        assert!(of(&[]).is_empty());
        assert_eq!(of(&counts(256, &[(7, 200, 3)])).len(), 256);
    }
}
