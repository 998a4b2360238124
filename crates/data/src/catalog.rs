//! The datasets that Handloom knows: their files, the folders to look in, and the mirrors to download from.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use handloom_engine::config::DATASETS;

use crate::Error;

/// One of the four files of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its unpacked name; `.gz` is added for the packed one.
    pub name: &'static str,
    /// Bytes of the packed file.
    pub size: u64,
    /// Bytes of the unpacked file.
    pub unpacked: u64,
    /// SHA-256 of the packed file.
    pub packed_sha256: &'static str,
    /// SHA-256 of the unpacked file.
    pub sha256: &'static str,
}

impl File {
    /// The name of the packed file.
    pub fn packed_name(&self) -> String {
        format!("{}.gz", self.name)
    }
}

/// A dataset with files of its own.
#[derive(Clone, Copy, Debug)]
pub struct Set {
    /// The name it has in commands and configurations.
    pub name: &'static str,
    /// Other names, in lower case with `_`.
    pub aliases: &'static [&'static str],
    /// The folder below a data directory in which its files lie.
    pub folder: &'static str,
    /// The folder that torchvision gives it.
    pub torchvision: &'static str,
    /// Base addresses of its mirrors, ending in `/`, in the order of trying.
    pub mirrors: &'static [&'static str],
    /// Training images, training labels, test images, test labels.
    pub files: [File; 4],
    /// Name of each class.
    pub classes: [&'static str; 10],
}

/// The name of the dataset that Handloom draws itself.
pub const GARMENTS: &str = "garments";

/// Classes of Fashion-MNIST, and of the garments that resemble it.
pub const FASHION_CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Unpacked names of the four files of MNIST and of everything modelled on it.
pub(crate) const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

/// Bytes of the unpacked files: headers of 16 and 8 bytes, 60,000 and 10,000 images of 784.
const UNPACKED: [u64; 4] = [47_040_016, 60_008, 7_840_016, 10_008];

const fn file(number: usize, size: u64, packed_sha256: &'static str, sha256: &'static str) -> File {
    File { name: NAMES[number], size, unpacked: UNPACKED[number], packed_sha256, sha256 }
}

/// The datasets with files; `garments` needs none.
pub static SETS: [Set; 2] = [
    Set {
        name: DATASETS[0].0,
        aliases: DATASETS[0].1,
        folder: "fashion-mnist",
        torchvision: "FashionMNIST",
        mirrors: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ],
        files: [
            file(
                0,
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            file(
                1,
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            file(
                2,
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            file(
                3,
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ],
        classes: FASHION_CLASSES,
    },
    Set {
        name: DATASETS[1].0,
        aliases: DATASETS[1].1,
        folder: "mnist",
        torchvision: "MNIST",
        mirrors: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ],
        files: [
            file(
                0,
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            file(
                1,
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            file(
                2,
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            file(
                3,
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ],
        classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    },
];

/// Names of all datasets, the built-in one last.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|set| set.name).chain([GARMENTS])
}

/// The dataset of that name or alias; case is ignored, and `-` is `_`.
pub fn find(name: &str) -> Option<&'static Set> {
    let name = plain(name);
    SETS.iter().find(|set| set.name == name || set.aliases.contains(&name.as_str()))
}

/// `name` in lower case with `_` for `-`.
pub fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

impl Set {
    /// Folders in which its files may lie, in the order of looking: below each of `data_dirs` and in it, in the cache,
    /// and where Keras and torchvision put them.
    pub fn folders(&self, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
        let torchvision = |dir: &Path| dir.join(self.torchvision).join("raw");
        let below = |dir: &PathBuf| {
            // Files may lie at any level of what was given to Keras or torchvision.
            let keras = dir.join("datasets").join(self.folder);
            let named =
                [dir.join(self.folder), torchvision(dir), dir.join(self.torchvision), dir.join(self.name), keras];
            named.into_iter().chain([dir.join("raw"), dir.clone()])
        };
        let mut all: Vec<PathBuf> = Vec::new();
        for folder in data_dirs.iter().flat_map(below) {
            if !all.contains(&folder) {
                all.push(folder);
            }
        }
        all.extend(self.cache());
        let home = etcetera::home_dir().ok();
        all.extend(home.iter().map(|home| home.join(".keras/datasets").join(self.folder)));
        all.push(torchvision(Path::new("data")));
        all.extend(home.iter().flat_map(|home| ["data", ".cache/torchvision"].map(|dir| torchvision(&home.join(dir)))));
        all
    }

    /// True if a folder is named after the dataset, as `mnist`, `MNIST/raw` and `Fashion-MNIST` are.
    pub(crate) fn names(&self, folder: &Path) -> bool {
        let folder = std::fs::canonicalize(folder).unwrap_or_else(|_| folder.into());
        let is_raw = folder.file_name().is_some_and(|name| name == "raw");
        let named = if is_raw { folder.parent().and_then(Path::file_name) } else { folder.file_name() };
        named.and_then(|name| find(name.to_str()?)).is_some_and(|set| set.name == self.name)
    }

    /// The folder into which it is downloaded.
    pub fn cache(&self) -> Option<PathBuf> {
        Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("handloom").join(self.folder))
    }

    /// The error that it is unavailable, for `reason`.
    pub(crate) fn unavailable(&self, reason: impl Into<String>) -> Error {
        let describe = |file: &File| {
            let addresses: Vec<String> = self.mirrors.iter().map(|base| format!("{base}{}.gz", file.name)).collect();
            format!("  {}\n    sha256 {}", addresses.join("\n    or "), file.packed_sha256)
        };
        let files = self.files.iter().map(describe).collect::<Vec<_>>().join("\n");
        Error::Unavailable { name: self.name, folder: self.folder, reason: reason.into(), files }
    }
}

/// Data directories in the order of looking: the flag's, then `HANDLOOM_DATA_DIR`.
pub fn data_dirs(flag: Option<PathBuf>) -> Vec<PathBuf> {
    let variable = std::env::var("HANDLOOM_DATA_DIR").ok().filter(|dir| !dir.is_empty());
    let mut dirs: Vec<PathBuf> =
        flag.into_iter().chain(variable.and_then(|dir| crate::home::expand(&dir).ok())).collect();
    dirs.dedup();
    dirs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_in_any_case_and_with_either_dash() {
        for name in ["fashion_mnist", "Fashion-MNIST", "FASHION", "fashion_MNIST"] {
            assert_eq!(find(name).unwrap().name, "fashion_mnist");
        }
        assert_eq!(find("MNIST").unwrap().name, "mnist");
        assert!(find("mnist2").is_none() && find(GARMENTS).is_none());
    }

    #[test]
    fn the_data_directories_come_first() {
        let folders = find("mnist").unwrap().folders(&["a".into(), "b".into()]);
        let below = ["a/mnist", "a/MNIST/raw", "a/MNIST", "a/datasets/mnist", "a/raw", "a", "b/mnist"];
        assert_eq!(folders[..7], below.map(PathBuf::from));
        assert!(folders[12].ends_with("handloom/mnist"));
        assert!(folders.contains(&PathBuf::from("data/MNIST/raw")));
    }

    #[test]
    fn what_cannot_be_had_is_named_with_addresses_and_checksums() {
        let message = SETS[0].unavailable("no network").to_string();
        for file in &SETS[0].files {
            assert!(message.contains(file.packed_sha256), "{message}");
            assert!(SETS[0].mirrors.iter().all(|base| message.contains(&format!("{base}{}.gz", file.name))));
        }
    }
}
