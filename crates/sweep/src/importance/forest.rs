//! A random forest for a few hundred rows: what a cost depends on, without asking in which way.
//!
//! Breiman (2001), *Random Forests*. Trees are grown until their leaves are pure, every column is looked at in every
//! split and each tree sees a bootstrap sample, as in scikit-learn's `RandomForestRegressor`. Everything is a pure
//! function of the rows and the seed.

use handloom_engine::rng::Rng;

/// Rows with a target: `rows` rows, each column holding a rank for each, which is all that a tree looks at.
#[derive(Clone, Debug, Default)]
pub(super) struct Data {
    /// Ranks of each column's values (columns · rows).
    pub columns: Vec<Vec<u32>>,
    /// For each parameter its columns.
    pub groups: Vec<Vec<usize>>,
    /// (rows)
    pub target: Vec<f64>,
}

/// Result of a forest.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// For each group, how much the squared error of rows that a tree has not seen rises when the group's values are
    /// shuffled among them, over the target's variance.
    pub permutation: Vec<f64>,
    /// For each column its share of all that splits took off the squared error; they sum to 1, or are all 0.
    pub impurity: Vec<f64>,
    /// Share of the variance that is explained of rows by the trees that have not seen them; below 0 if none is.
    pub explained: f64,
}

enum Node {
    Leaf(f64),
    /// Rows of rank at most `rank` in the column go to the next node, others to `right`.
    Split {
        column: usize,
        rank: u32,
        right: usize,
    },
}

struct Tree<'a> {
    data: &'a Data,
    /// Number of different ranks of each column.
    levels: &'a [usize],
    nodes: Vec<Node>,
}

/// Grows a forest of `trees` trees on the rows `among`.
pub(super) fn grow(data: &Data, among: &[usize], trees: u64, seed: u64) -> Found {
    let n = among.len();
    let mut found =
        Found { permutation: vec![0.0; data.groups.len()], impurity: vec![0.0; data.columns.len()], explained: 0.0 };
    let mut guesses = vec![(0.0, 0_u32); data.target.len()];
    let levels: Vec<usize> =
        data.columns.iter().map(|ranks| ranks.iter().max().map_or(0, |&rank| rank as usize + 1)).collect();
    let mut counted = 0_u32;
    for number in 0..trees {
        let mut rng = Rng::stream(seed, "forest", number);
        let mut seen = vec![false; data.target.len()];
        let mut sample: Vec<usize> = (0..n).map(|_| among[rng.below(n as u64) as usize]).collect();
        for &row in &sample {
            seen[row] = true;
        }
        let tree = Tree::grown(data, &levels, &mut sample, &mut rng, &mut found.impurity);
        let unseen: Vec<usize> = among.iter().copied().filter(|&row| !seen[row]).collect();
        if unseen.is_empty() {
            continue;
        }
        counted += 1;
        let mut error = 0.0;
        for &row in &unseen {
            let guess = tree.guess(row, row, &[]);
            error += square(guess - data.target[row]);
            guesses[row].0 += guess;
            guesses[row].1 += 1;
        }
        for (group, sum) in data.groups.iter().zip(&mut found.permutation) {
            let mut others = unseen.clone();
            rng.shuffle(&mut others);
            let pairs = unseen.iter().zip(&others);
            let shuffled: f64 =
                pairs.map(|(&row, &other)| square(tree.guess(row, other, group) - data.target[row])).sum();
            *sum += (shuffled - error) / unseen.len() as f64;
        }
    }
    let mean = among.iter().map(|&row| data.target[row]).sum::<f64>() / n as f64;
    let variance = among.iter().map(|&row| square(data.target[row] - mean)).sum::<f64>() / n as f64;
    let scale = variance * f64::from(counted);
    for sum in &mut found.permutation {
        *sum = if scale > 0.0 { *sum / scale } else { 0.0 };
    }
    let total: f64 = found.impurity.iter().sum();
    for sum in &mut found.impurity {
        *sum = if total > 0.0 { *sum / total } else { 0.0 };
    }
    let guessed = among.iter().filter(|&&row| guesses[row].1 > 0);
    let errors = guessed.clone().map(|&row| square(guesses[row].0 / f64::from(guesses[row].1) - data.target[row]));
    let spread: f64 = guessed.map(|&row| square(data.target[row] - mean)).sum();
    found.explained = if spread > 0.0 { 1.0 - errors.sum::<f64>() / spread } else { 0.0 };
    found
}

impl<'a> Tree<'a> {
    /// Adds to `impurity` what each column's splits take off the squared error, over the number of rows.
    fn grown(data: &'a Data, levels: &'a [usize], rows: &mut [usize], rng: &mut Rng, impurity: &mut [f64]) -> Self {
        let mut tree = Self { data, levels, nodes: Vec::new() };
        let all = rows.len() as f64;
        tree.grow(rows, rng, &mut |column, gain| impurity[column] += gain / all);
        tree
    }

    fn grow(&mut self, rows: &mut [usize], rng: &mut Rng, gained: &mut dyn FnMut(usize, f64)) {
        let mean = rows.iter().map(|&row| self.data.target[row]).sum::<f64>() / rows.len() as f64;
        let Some(Cut { column, rank, gain }) = self.cut(rows, mean, rng) else {
            self.nodes.push(Node::Leaf(mean));
            return;
        };
        gained(column, gain);
        let place = self.nodes.len();
        self.nodes.push(Node::Split { column, rank, right: 0 });
        // A stable order, so that the sums are those of any machine.
        let ranks = &self.data.columns[column];
        rows.sort_by_key(|&row| ranks[row] > rank);
        let middle = rows.partition_point(|&row| ranks[row] <= rank);
        let (left, right) = rows.split_at_mut(middle);
        self.grow(left, rng, gained);
        self.nodes[place] = Node::Split { column, rank, right: self.nodes.len() };
        self.grow(right, rng, gained);
    }

    /// The cut that takes the most off the squared error, if any takes something; of equals that of a column chosen at
    /// random.
    fn cut(&self, rows: &[usize], mean: f64, rng: &mut Rng) -> Option<Cut> {
        /// A share of the squared error below this is rounding.
        const NOTHING: f64 = 1e-12;
        let target = &self.data.target;
        let total: f64 = rows.iter().map(|&row| square(target[row] - mean)).sum();
        if rows.len() < 2 || total <= 0.0 {
            return None;
        }
        let mut order: Vec<usize> = (0..self.data.columns.len()).collect();
        rng.shuffle(&mut order);
        let mut best: Option<Cut> = None;
        let mut least = NOTHING * total;
        let mut groups: Vec<Group> = Vec::new();
        for column in order {
            let values = rows.iter().map(|&row| (self.data.columns[column][row], target[row] - mean));
            if self.levels[column] <= rows.len() {
                group_by_level(values, self.levels[column], &mut groups);
            } else {
                group_by_order(values, &mut groups);
            }
            let (mut sum, mut count) = (0.0, 0.0);
            for group in &groups[..groups.len() - 1] {
                sum += group.sum;
                count += group.count;
                let gain = sum * sum / count + sum * sum / (rows.len() as f64 - count);
                if gain > least * (1.0 + 1e-9) {
                    least = gain;
                    best = Some(Cut { column, rank: group.rank, gain });
                }
            }
        }
        best
    }

    /// The guess for `row` with the values of `other` in the columns `group`.
    fn guess(&self, row: usize, other: usize, group: &[usize]) -> f64 {
        let mut at = 0;
        loop {
            match self.nodes[at] {
                Node::Leaf(mean) => return mean,
                Node::Split { column, rank, right } => {
                    let row = if group.contains(&column) { other } else { row };
                    at = if self.data.columns[column][row] <= rank { at + 1 } else { right };
                }
            }
        }
    }
}

struct Cut {
    column: usize,
    rank: u32,
    gain: f64,
}

/// Rows of equal rank: their number and the sum of their targets.
#[derive(Clone, Copy, Default)]
struct Group {
    rank: u32,
    sum: f64,
    count: f64,
}

/// Groups by counting, for few levels.
fn group_by_level(values: impl Iterator<Item = (u32, f64)>, levels: usize, groups: &mut Vec<Group>) {
    groups.clear();
    groups.extend((0..levels as u32).map(|rank| Group { rank, ..Group::default() }));
    for (rank, target) in values {
        let group = &mut groups[rank as usize];
        group.sum += target;
        group.count += 1.0;
    }
    groups.retain(|group| group.count > 0.0);
}

/// Groups by sorting, for many.
fn group_by_order(values: impl Iterator<Item = (u32, f64)>, groups: &mut Vec<Group>) {
    let mut sorted: Vec<(u32, f64)> = values.collect();
    sorted.sort_by_key(|&(rank, _)| rank);
    groups.clear();
    for (rank, target) in sorted {
        match groups.last_mut().filter(|group| group.rank == rank) {
            Some(group) => {
                group.sum += target;
                group.count += 1.0;
            }
            None => groups.push(Group { rank, sum: target, count: 1.0 }),
        }
    }
}

fn square(x: f64) -> f64 {
    x * x
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    /// `goldens/models.py` says what these are.
    #[test]
    fn what_is_found_is_what_scikit_learn_finds() {
        let goldens: Value = serde_json::from_str(include_str!("../../goldens/models.json")).unwrap();
        let cases = goldens["forest"].as_array().unwrap();
        assert!(cases.len() >= 2);
        for case in cases {
            let numbers = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
            let columns: Vec<Vec<f64>> = serde_json::from_value(case["columns"].clone()).unwrap();
            let data = Data {
                groups: (0..columns.len()).map(|column| vec![column]).collect(),
                columns: columns.iter().map(|column| super::super::ranks(column)).collect(),
                target: numbers("target"),
            };
            let found = grow(&data, &(0..data.target.len()).collect::<Vec<_>>(), 1500, 3);
            assert!((found.explained - case["explained"].as_f64().unwrap()).abs() < 0.02, "{found:?}");
            for (key, found) in [("importances", &found.impurity), ("permutation", &found.permutation)] {
                for (found, expected) in found.iter().zip(numbers(key)) {
                    assert!((found - expected).abs() < 0.02 + 0.06 * expected.abs(), "{key}: {found} {expected}");
                }
            }
        }
    }

    #[test]
    fn equal_targets_explain_nothing() {
        let data = Data { columns: vec![vec![0, 1, 2, 3]], groups: vec![vec![0]], target: vec![2.0; 4] };
        let found = grow(&data, &[0, 1, 2, 3], 10, 1);
        assert_eq!(found, Found { permutation: vec![0.0], impurity: vec![0.0], explained: 0.0 });
    }
}
