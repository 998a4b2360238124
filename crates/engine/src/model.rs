//! Model files: safetensors with the weights, and what is needed to use them in the metadata.
//!
//! Tensors `layers.{i}.weight` with shape `[out, in]` and `layers.{i}.bias` `[out]`, i from 0, little-endian
//! float32, as `torch.nn.Linear` takes them. The metadata key `handloom` holds JSON:
//! `{"version": 1, "sizes": [784, 64, 10], "activation": "relu", "classes": [...], "input_shape": [28, 28],
//! "scale": 0.00392..., "config": {...}}`. Pixels times `scale` are the inputs.
//!
//! A file is written beside its place and renamed, so it is whole or not there at all.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use crate::activation::Activation;
use crate::damage;
use crate::kernel::head::MAX_CLASSES;
use crate::network::{Network, Tensors};

/// Metadata key of the description.
const KEY: &str = "handloom";

/// Version of the description that this program writes, and the newest that it reads.
const VERSION: u32 = 1;

/// Largest model file that is read, 4 GiB.
const MAX_BYTES: u64 = 4 << 30;

/// Most hidden layers, and the widest: enough for any network that a CPU trains, and no sum of them overflows.
pub(crate) const MAX_LAYERS: usize = 1_000;
const MAX_WIDTH: usize = 1 << 24;

/// A network with what is needed to use it on images.
#[derive(Clone, Debug)]
pub struct Model {
    /// The network.
    pub network: Network,
    /// Name of each class.
    pub classes: Vec<String>,
    /// Shape of one image, such as `[28, 28]`.
    pub input_shape: Vec<usize>,
    /// The configuration that trained it, flat.
    pub config: Map<String, Value>,
}

/// A model file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read or written.
    #[error("{} `{}`: {source}", if *.writing { "cannot write" } else { "cannot read" }, path.display())]
    Io {
        /// Path of the file.
        path: PathBuf,
        /// True if writing failed, false if reading did.
        writing: bool,
        /// Error of the operating system.
        source: io::Error,
    },
    /// The file is not a model file, or a damaged one.
    #[error("`{}` is not a model file that can be used: {why}\nhint: {hint}", path.display())]
    Format {
        /// Path of the file.
        path: PathBuf,
        /// Problem found in the file.
        why: String,
        /// Suggested remedy.
        hint: &'static str,
    },
    /// The tensors do not fit the network they are to begin.
    #[error("`{}` holds a network of {found:?}, but the configuration describes {expected:?}\nhint: set `-sz` to the hidden sizes of the file, or begin without `--init-from`", path.display())]
    Shape {
        /// Path of the file.
        path: PathBuf,
        /// Widths in the file.
        found: Vec<usize>,
        /// Widths asked for.
        expected: Vec<usize>,
    },
}

/// Metadata of a model file.
#[derive(Serialize, Deserialize)]
struct Description {
    version: u32,
    sizes: Vec<usize>,
    activation: String,
    classes: Vec<String>,
    input_shape: Vec<usize>,
    scale: f64,
    #[serde(default)]
    config: Map<String, Value>,
}

impl Model {
    /// Reads a model file that Handloom wrote.
    pub fn load(path: &Path) -> Result<Self, Error> {
        Self::parse(&read(path)?).map_err(|why| format(path, why))
    }

    /// Reads the bytes of a model file; `Err` says what is wrong with them.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let (tensors, metadata) = named_tensors(bytes)?;
        let text =
            metadata.get(KEY).ok_or("its metadata has no key `handloom`, so its activation and classes are unknown")?;
        let about: Description =
            serde_json::from_str(text).map_err(|error| format!("its description: {}", damage::of_json(&error)))?;
        if about.version > VERSION {
            return Err(format!(
                "it was written by a newer Handloom (format {}, this one reads {VERSION})",
                about.version
            ));
        }
        let activation = Activation::named(&about.activation);
        let activation = activation.ok_or_else(|| format!("its activation `{}` is unknown", about.activation))?;
        let (sizes, layers) = layers(&tensors, "")?;
        let pixels = about.input_shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
        if sizes != about.sizes || about.classes.len() != sizes[sizes.len() - 1] || pixels != Some(sizes[0]) {
            return Err(format!("its tensors are those of {sizes:?}, but its description says {:?}", about.sizes));
        }
        let network = Network::from_tensors(&sizes, activation, &layers);
        Ok(Self { network, classes: about.classes, input_shape: about.input_shape, config: about.config })
    }

    /// Writes the model file, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        write_atomically(path, &self.to_bytes())
    }

    /// The bytes of the model file: the same for the same model, so that their checksum identifies it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let about = Description {
            version: VERSION,
            sizes: self.network.sizes(),
            activation: self.network.activation().name().into(),
            classes: self.classes.clone(),
            input_shape: self.input_shape.clone(),
            scale: 1.0 / 255.0,
            config: self.config.clone(),
        };
        let about = serde_json::to_string(&about).expect("names and numbers make JSON");
        let mut tensors = NamedTensors::default();
        tensors.push("", &self.network.sizes(), &self.network.tensors());
        tensors.to_bytes(KEY, about)
    }
}

/// Reads the tensors of a model file, with or without metadata, for a network of widths `expected`.
pub fn load_tensors(path: &Path, expected: &[usize]) -> Result<Vec<Tensors>, Error> {
    let bytes = read(path)?;
    let read = named_tensors(&bytes).and_then(|(tensors, _)| layers(&tensors, ""));
    let (found, tensors) = read.map_err(|why| format(path, why))?;
    if found == expected {
        Ok(tensors)
    } else {
        Err(Error::Shape { path: path.into(), found, expected: expected.into() })
    }
}

/// Tensors on their way into a file.
#[derive(Default)]
pub(crate) struct NamedTensors(Vec<(String, Vec<usize>, Vec<u8>)>);

impl NamedTensors {
    /// Adds the weights and biases of a network of widths `sizes`, with `prefix` before their names.
    pub(crate) fn push(&mut self, prefix: &str, sizes: &[usize], layers: &[Tensors]) {
        let bytes = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect();
        for (number, (pair, layer)) in sizes.windows(2).zip(layers).enumerate() {
            let name = |part| format!("{prefix}layers.{number}.{part}");
            self.0.push((name("weight"), vec![pair[1], pair[0]], bytes(&layer.weight)));
            self.0.push((name("bias"), vec![pair[1]], bytes(&layer.bias)));
        }
    }

    /// The file's bytes, with `value` as metadata `key`.
    pub(crate) fn to_bytes(&self, key: &str, value: String) -> Vec<u8> {
        let views = self.0.iter().map(|(name, shape, bytes)| {
            (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("four bytes for each number"))
        });
        serialize(views, Some(HashMap::from([(key.to_owned(), value)]))).expect("names are unique")
    }
}

/// Tensors of a file by name: shape and values.
pub(crate) type TensorMap = HashMap<String, (Vec<usize>, Vec<f32>)>;

/// All tensors and the metadata in the bytes of a safetensors file.
pub(crate) fn named_tensors(bytes: &[u8]) -> Result<(TensorMap, HashMap<String, String>), String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| damage::of_tensors(&error))?;
    let metadata = header.metadata().clone().unwrap_or_default();
    let file = SafeTensors::deserialize(bytes).map_err(|error| damage::of_tensors(&error))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(format!("tensor `{name}` is {:?}, not F32", view.dtype()));
        }
        let values = view.data().as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes));
        tensors.insert(name.to_owned(), (view.shape().to_vec(), values.collect()));
    }
    Ok((tensors, metadata))
}

/// The layers whose names begin with `prefix`, and the widths of their network.
pub(crate) fn layers(tensors: &TensorMap, prefix: &str) -> Result<(Vec<usize>, Vec<Tensors>), String> {
    let (mut sizes, mut layers) = (Vec::new(), Vec::new());
    for number in 0..=MAX_LAYERS {
        let name = format!("{prefix}layers.{number}.weight");
        let Some((shape, weight)) = tensors.get(&name) else { break };
        let &[outputs, inputs] = shape.as_slice() else {
            return Err(format!("tensor `{name}` has shape {shape:?}, not [out, in]"));
        };
        if !(1..=MAX_WIDTH).contains(&inputs) || !(1..=MAX_WIDTH).contains(&outputs) {
            return Err(format!("tensor `{name}` has shape {shape:?}"));
        }
        let bias_name = format!("{prefix}layers.{number}.bias");
        let (bias_shape, bias) = tensors.get(&bias_name).ok_or_else(|| format!("tensor `{bias_name}` is missing"))?;
        if *bias_shape != [outputs] {
            return Err(format!("tensor `{bias_name}` has shape {bias_shape:?}, not [{outputs}]"));
        }
        if number == 0 {
            sizes.push(inputs);
        } else if sizes[number] != inputs {
            return Err(format!("tensor `{name}` takes {inputs} inputs, but the layer below has {}", sizes[number]));
        }
        sizes.push(outputs);
        layers.push(Tensors { weight: weight.clone(), bias: bias.clone() });
    }
    match sizes.last() {
        None => Err(format!("it has no tensor `{prefix}layers.0.weight`")),
        Some(&classes) if classes > MAX_CLASSES => Err(format!("it has {classes} classes, more than {MAX_CLASSES}")),
        Some(_) => Ok((sizes, layers)),
    }
}

/// SHA-256 of `bytes` in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    digits(Sha256::new_with_prefix(bytes))
}

/// Hexadecimal digits of a SHA-256 hash.
pub(crate) fn digits(hash: Sha256) -> String {
    let mut digits = String::with_capacity(64);
    for byte in hash.finalize() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

/// The bytes of a model file, which are at most 4 GiB.
pub fn read(path: &Path) -> Result<Vec<u8>, Error> {
    let io = |source| Error::Io { path: path.into(), writing: false, source };
    let length = fs::metadata(path).map_err(io)?.len();
    if length > MAX_BYTES {
        return Err(format(path, format!("{length} bytes are more than {MAX_BYTES}")));
    }
    fs::read(path).map_err(io)
}

/// Writes the file `path`: a reader sees the old file or the new one, and a full disk leaves no half file.
///
/// The bytes are written beside the file, which is then replaced. A link keeps its place, and the file that it leads
/// to is replaced. A device, a pipe or a FIFO (`-o /dev/stdout`) is written to and never replaced: renaming over
/// `/dev/full` would remove it from the machine. A reader of a pipe that stops reading is not an error.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let io = |source| Error::Io { path: path.into(), writing: true, source };
    let place = if path.is_symlink() { fs::canonicalize(path).unwrap_or_else(|_| path.into()) } else { path.into() };
    if fs::metadata(&place).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        let written = fs::OpenOptions::new().write(true).open(&place).and_then(|mut file| file.write_all(bytes));
        return written
            .or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(io(error)) });
    }
    let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(io)?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".partial-");
    // A temporary file is private; a file that a user asked for has the permissions of any new file.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(|error| io(without_path(error)))?;
    // Through the file itself, whose errors do not name the temporary file.
    file.as_file_mut().write_all(bytes).map_err(io)?;
    file.persist(&place).map_err(|error| io(error.error))?;
    Ok(())
}

/// The operating system's error without the name of a temporary file.
pub fn without_path(error: io::Error) -> io::Error {
    let text = error.to_string();
    match text.split_once(" at path \"") {
        Some((said, _)) => io::Error::new(error.kind(), said),
        None => error,
    }
}

/// The error of a file at `path` that cannot be used because of `why`, which [`Model::parse`] says.
pub fn format(path: &Path, why: String) -> Error {
    let hint = "model files are written by `handloom train --out FILE`";
    Error::Format { path: path.into(), why, hint }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::init::Init;

    fn model() -> Model {
        let network = Network::new(&[6, 5, 3], Activation::named("tanh").unwrap(), &Init::named("xavier").unwrap(), 7);
        let classes = ["a", "b", "c"].map(String::from).to_vec();
        Model { network, classes, input_shape: vec![2, 3], config: Map::from_iter([("seed".into(), 7.into())]) }
    }

    fn bytes() -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        model().save(&path).unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn a_model_survives_its_file() {
        let (saved, read) = (model(), Model::parse(&bytes()).unwrap());
        assert_eq!(read.network.tensors(), saved.network.tensors());
        assert_eq!(read.network.weights_sha256(), saved.network.weights_sha256());
        assert_eq!((read.classes, read.input_shape, read.config), (saved.classes, saved.input_shape, saved.config));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_keeps_its_place_and_a_device_is_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("file"), "old").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        write_atomically(&path("link"), b"new").unwrap();
        assert_eq!(fs::read(path("file")).unwrap(), b"new");
        assert!(path("link").is_symlink());
        if Path::new("/dev/full").exists() {
            std::os::unix::fs::symlink("/dev/full", path("full")).unwrap();
            let error = write_atomically(&path("full"), b"new").unwrap_err().to_string();
            assert!(error.contains("No space left"), "{error}");
            assert!(path("full").is_symlink());
        }
        let names = fs::read_dir(folder.path()).unwrap().count();
        assert!(names <= 3, "no temporary file is left");
    }

    #[test]
    fn a_file_cut_off_anywhere_is_an_error() {
        let bytes = bytes();
        for length in 0..bytes.len() {
            assert!(Model::parse(&bytes[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn a_changed_byte_never_panics() {
        let bytes = bytes();
        for at in 0..bytes.len() {
            for change in [1, 0x80] {
                let mut bytes = bytes.clone();
                bytes[at] ^= change;
                let _ = Model::parse(&bytes);
            }
        }
    }

    #[test]
    fn tensors_of_another_network_are_refused_with_both_shapes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("m.safetensors");
        model().save(&path).unwrap();
        assert!(load_tensors(&path, &[6, 5, 3]).is_ok());
        let error = load_tensors(&path, &[6, 4, 3]).unwrap_err().to_string();
        assert!(error.contains("[6, 5, 3]") && error.contains("[6, 4, 3]"), "{error}");
    }
}
