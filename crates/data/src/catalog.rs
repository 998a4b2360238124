//! The data sets that Handloom knows: their files, where they may lie, and where they can be had.

use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;

use crate::Error;

/// One of the four files of a data set.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its unpacked name; `.gz` is added for the packed one.
    pub name: &'static str,
    /// Bytes of the packed file.
    pub size: u64,
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

/// A data set with files of its own.
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
    /// Base addresses of the places that offer it, ending in `/`, in the order of trying.
    pub mirrors: &'static [&'static str],
    /// Training images, training labels, test images, test labels.
    pub files: [File; 4],
    /// Name of each class.
    pub classes: [&'static str; 10],
}

/// The name of the data set that Handloom draws itself.
pub const GARMENTS: &str = "garments";

/// Classes of Fashion-MNIST, and of the garments that resemble it.
pub const FASHION_CLASSES: [&str; 10] =
    ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"];

/// Unpacked names of the four files of MNIST and of everything modelled on it.
pub(crate) const NAMES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

const fn file(name: &'static str, size: u64, packed_sha256: &'static str, sha256: &'static str) -> File {
    File { name, size, packed_sha256, sha256 }
}

/// The data sets with files; `garments` needs none.
pub static SETS: [Set; 2] = [
    Set {
        name: "fashion_mnist",
        aliases: &["fashion", "fashionmnist"],
        folder: "fashion-mnist",
        torchvision: "FashionMNIST",
        mirrors: &[
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ],
        files: [
            file(
                NAMES[0],
                26_421_880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
                "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            ),
            file(
                NAMES[1],
                29_515,
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
                "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            ),
            file(
                NAMES[2],
                4_422_102,
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
                "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            ),
            file(
                NAMES[3],
                5_148,
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
                "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
            ),
        ],
        classes: FASHION_CLASSES,
    },
    Set {
        name: "mnist",
        aliases: &["digits"],
        folder: "mnist",
        torchvision: "MNIST",
        mirrors: &[
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ],
        files: [
            file(
                NAMES[0],
                9_912_422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
                "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            ),
            file(
                NAMES[1],
                28_881,
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
                "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            ),
            file(
                NAMES[2],
                1_648_877,
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
                "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            ),
            file(
                NAMES[3],
                4_542,
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
                "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
            ),
        ],
        classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
    },
];

/// Names of all data sets, the built-in one last.
pub fn names() -> impl Iterator<Item = &'static str> {
    SETS.iter().map(|set| set.name).chain([GARMENTS])
}

/// The data set of that name or alias; case does not count, and `-` is `_`.
pub fn find(name: &str) -> Option<&'static Set> {
    let name = plain(name);
    SETS.iter().find(|set| set.name == name || set.aliases.contains(&name.as_str()))
}

/// `name` in lower case with `_` for `-`.
pub fn plain(name: &str) -> String {
    name.to_lowercase().replace('-', "_")
}

impl Set {
    /// Folders in which its files may lie, in the order of looking: below each of `data_dirs`, in the cache, and
    /// where Keras and torchvision put them.
    pub fn folders(&self, data_dirs: &[PathBuf]) -> Vec<PathBuf> {
        let mut all: Vec<PathBuf> = data_dirs.iter().map(|dir| dir.join(self.folder)).collect();
        all.extend(self.cache());
        let torchvision = |dir: &Path| dir.join(self.torchvision).join("raw");
        let home = etcetera::home_dir().ok();
        all.extend(home.iter().map(|home| home.join(".keras/datasets").join(self.folder)));
        all.push(torchvision(Path::new("data")));
        all.extend(home.iter().flat_map(|home| ["data", ".cache/torchvision"].map(|dir| torchvision(&home.join(dir)))));
        all
    }

    /// The folder into which it is downloaded.
    pub fn cache(&self) -> Option<PathBuf> {
        Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("handloom").join(self.folder))
    }

    /// The error that it cannot be had, for `reason`.
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
    let variable = std::env::var_os("HANDLOOM_DATA_DIR").filter(|dir| !dir.is_empty());
    let mut dirs: Vec<PathBuf> = flag.into_iter().chain(variable.map(PathBuf::from)).collect();
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
        assert_eq!(folders[..2], [PathBuf::from("a/mnist"), PathBuf::from("b/mnist")]);
        assert!(folders[2].ends_with("handloom/mnist"));
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
