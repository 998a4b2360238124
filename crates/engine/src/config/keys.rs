//! The names of settings: one table for flags, `--config`, `--set`, `config.json`, W&B and sweeps.

/// A setting that determines a run.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name, with `_`; the long flag has `-` instead.
    pub name: &'static str,
    /// Names that other tools and notebooks use.
    pub aliases: &'static [&'static str],
    /// Short flags, as typed.
    pub flags: &'static [&'static str],
    /// Value syntax, shown in help.
    pub values: &'static str,
    /// Description, shown in help.
    pub help: &'static str,
}

impl Key {
    /// A setting with all its names.
    pub const fn new(
        name: &'static str,
        aliases: &'static [&'static str],
        flags: &'static [&'static str],
        values: &'static str,
        help: &'static str,
    ) -> Self {
        Self { name, aliases, flags, values, help }
    }

    /// True if `name` is this setting's name or an alias, with `-` or `_`, in any case.
    pub fn is_called(&self, name: &str) -> bool {
        let name = name.to_lowercase().replace('-', "_");
        self.name == name || self.aliases.contains(&name.as_str())
    }
}

/// Data sets that are known by name, with their aliases. The data crate knows where their files are.
pub const DATASETS: [(&str, &[&str]); 3] =
    [("fashion_mnist", &["fashion", "fashionmnist"]), ("mnist", &["digits"]), ("garments", &[])];

/// The name of the data set that `name` means, in any case and with `-` or `_`; a folder stays as it is.
pub fn dataset_name(name: &str) -> &str {
    let plain = name.to_lowercase().replace('-', "_");
    let known = DATASETS.iter().find(|(known, aliases)| *known == plain || aliases.contains(&plain.as_str()));
    known.map_or(name, |(known, _)| *known)
}

/// Every setting, in the order of the documentation.
pub const KEYS: &[Key] = &[
    Key::new("dataset", &[], &["-d"], "NAME|DIR", "Data set: fashion_mnist, mnist, garments (built in), or a folder"),
    Key::new(
        "image_size",
        &[],
        &[],
        "HxW",
        "Convert every image to this height and width [default: all have one size]",
    ),
    Key::new(
        "data_rules",
        &[],
        &[],
        "N",
        "Rules of reading images: 1 reads as older versions did, which dropped transparency",
    ),
    Key::new("epochs", &["num_epochs", "n_epochs"], &["-e"], "N", "Passes over the training data"),
    Key::new("batch_size", &[], &["-b"], "N", "Images in an optimizer step"),
    Key::new("loss", &[], &["-l"], "NAME", "Loss function"),
    Key::new("optimizer", &["optimiser"], &["-o"], "NAME", "Update rule"),
    Key::new("learning_rate", &["lr"], &["-lr"], "X", "Learning rate [default: the optimizer's own]"),
    Key::new("momentum", &[], &["-m"], "X", "Momentum of momentum, nag and muon"),
    Key::new("beta", &[], &["-beta"], "X", "Decay of rmsprop and adadelta"),
    Key::new("beta1", &[], &["-beta1"], "X", "Decay of the mean gradient: adam, nadam and relatives"),
    Key::new("beta2", &[], &["-beta2"], "X", "Decay of the mean square: adam, nadam and relatives"),
    Key::new("epsilon", &["eps"], &["-eps"], "X", "Added to denominators"),
    Key::new("weight_decay", &["l2"], &["-w_d", "-wd"], "X", "L2 coefficient; weights only, never biases"),
    Key::new(
        "weight_init",
        &["weights_init", "initialization", "initialisation"],
        &["-w_i", "-wi"],
        "NAME",
        "Weight initialization",
    ),
    Key::new(
        "num_layers",
        &["hidden_layers", "n_layers", "num_hidden_layers"],
        &["-nhl"],
        "N",
        "Hidden layers; 0 is softmax regression",
    ),
    Key::new(
        "hidden_size",
        &["hidden_sizes", "layer_size", "hidden_layer_size", "hidden_layer_sizes"],
        &["-sz"],
        "N...",
        "Width of every hidden layer, or a list with one width each: 256 128 64 or 256,128,64",
    ),
    Key::new("activation", &[], &["-a"], "NAME", "Activation of hidden layers"),
    Key::new("val_fraction", &[], &[], "X", "Share of the training data kept for validation; 0 trains on all"),
    Key::new("seed", &[], &[], "N", "Seed of weights and order; same seed, same bits"),
    Key::new("shuffle", &[], &[], "BOOL", "Shuffle the images in every epoch"),
    Key::new("weights", &[], &[], "NAME", "Weights to save: of the best epoch on validation data, or of the last"),
    Key::new("init_from", &[], &[], "FILE", "Begin with the tensors of this model file"),
];

/// The setting that `name` means.
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.is_called(name))
}

/// Last names that say nothing by themselves: `optimizer.name` is the optimizer.
const ITSELF: [&str; 4] = ["name", "type", "kind", "value"];

/// The setting that nested names mean, the outermost first.
///
/// It is what the longest end of them names, joined by `_`: `batch.size` and `model.batch_size` are `batch_size`,
/// `adam.beta1` is `beta1`. A last name that says only "the thing itself" belongs to the one before it, which may be
/// shortened: `opt.name` is `optimizer`.
pub fn find_nested(names: &[&str]) -> Option<&'static Key> {
    let (last, outer) = names.split_last()?;
    let ends = || (0..names.len()).find_map(|start| find(&names[start..].join("_")));
    let itself = || ITSELF.contains(&last.to_lowercase().as_str()).then(|| find_nested(outer).or_else(|| begun(outer)));
    ends().or_else(|| itself().flatten())
}

/// The one setting that the last of `names` is the beginning of.
fn begun(names: &[&str]) -> Option<&'static Key> {
    let name = names.last()?.to_lowercase();
    let begins = |known: &str| name.len() >= 3 && known.starts_with(&name);
    let mut keys = KEYS.iter().filter(|key| std::iter::once(&key.name).chain(key.aliases).any(|known| begins(known)));
    keys.next().filter(|_| keys.next().is_none())
}

/// Names of `known` that `name` may have been meant to be, the nearest first.
pub fn neighbors<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let name = name.to_lowercase().replace('-', "_");
    let most = |known: &str| 1 + known.len().min(name.len()) / 4;
    let mut near: Vec<(usize, &str)> = known
        .into_iter()
        // A foreign name may be as long as a file.
        .filter(|known| known.len().abs_diff(name.len()) <= 4 * most(known))
        .map(|known| (distance(&name, &known.to_lowercase()), known))
        .filter(|(distance, known)| *distance <= most(known))
        .collect();
    near.sort_by_key(|(distance, _)| *distance);
    near.into_iter().map(|(_, known)| known).take(3).collect()
}

/// Insertions, deletions, changes and swaps of neighbors that turn `a` into `b` (Damerau, 1964).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_alias_or_flag_stands_twice() {
        let mut names: Vec<&str> = KEYS.iter().flat_map(|key| [&[key.name], key.aliases, key.flags].concat()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
    }

    #[test]
    fn slips_find_what_was_meant() {
        let all = || KEYS.iter().map(|key| key.name);
        assert_eq!(neighbors("batchsize", all()), ["batch_size"]);
        assert_eq!(neighbors("adma", ["sgd", "adam", "adamw"])[0], "adam");
        assert!(neighbors("colour", all()).is_empty());
        assert!(neighbors(&"x".repeat(1 << 20), all()).is_empty());
        assert_eq!(find("Hidden-Layers").unwrap().name, "num_layers");
    }

    #[test]
    fn nested_names_mean_what_their_longest_end_names() {
        let name = |path: &str| find_nested(&path.split('.').collect::<Vec<_>>()).map(|key| key.name);
        for (path, meant) in [
            ("lr", "learning_rate"),
            ("optimizer.lr", "learning_rate"),
            ("hidden.layers", "num_layers"),
            ("model.Batch-Size", "batch_size"),
            ("optimizer.name", "optimizer"),
            ("model.opt.type", "optimizer"),
            ("weight_decay.value", "weight_decay"),
        ] {
            assert_eq!(name(path), Some(meant), "{path}");
        }
        for path in ["", "name", "dropout", "model.dropout", "b.name", "beta.x"] {
            assert_eq!(name(path), None, "{path}");
        }
    }
}
