//! Weights for `NumPy`: `numpy.load(FILE)` gives `layers.{i}.weight` with shape `(out, in)` and `layers.{i}.bias`
//! `(out,)`, float32, i from 0.
//!
//! An `.npz` file is a ZIP archive of `.npy` files, here not compressed. An `.npy` file of version 1.0 is the magic
//! `\x93NUMPY`, the version, the length of the header (u16, little-endian), the header (a Python dictionary, filled
//! with spaces so that the data begin at a multiple of 64 bytes), and the values in C order.
//!
//! Format: <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>.

use std::io::{Cursor, Write as _};
use std::path::Path;

use handloom_engine::model::{Model, write_atomically};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::{Error, Result};

/// Bytes from which an entry needs ZIP64.
const LARGE: usize = u32::MAX as usize;

/// Writes the weights and biases of `model`, whole or not at all.
pub fn save(model: &Model, path: &Path) -> Result<()> {
    write_atomically(path, &to_bytes(model)?)?;
    Ok(())
}

/// The bytes of the file; the same for the same weights.
pub fn to_bytes(model: &Model) -> Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(model.network.parameters() * 4 + 4096)));
    let sizes = model.network.sizes();
    for (number, (pair, layer)) in sizes.windows(2).zip(model.network.tensors()).enumerate() {
        let arrays = [
            ("weight", &layer.weight, format!("({}, {})", pair[1], pair[0])),
            ("bias", &layer.bias, format!("({},)", pair[1])),
        ];
        for (part, values, shape) in arrays {
            let npy = npy(values, &shape);
            let options = SimpleFileOptions::default()
                .compression_method(CompressionMethod::Stored)
                .last_modified_time(DateTime::DEFAULT)
                .large_file(npy.len() >= LARGE);
            zip.start_file(format!("layers.{number}.{part}.npy"), options)?;
            zip.write_all(&npy).map_err(|error| Error::Zip(error.into()))?;
        }
    }
    Ok(zip.finish()?.into_inner())
}

/// `values` as an `.npy` file; `shape` is a Python tuple.
fn npy(values: &[f32], shape: &str) -> Vec<u8> {
    const BEFORE: usize = 10;
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    let length = (BEFORE + header.len() + 1).next_multiple_of(64) - BEFORE;
    header.push_str(&" ".repeat(length - header.len() - 1));
    header.push('\n');
    let mut out = Vec::with_capacity(BEFORE + length + 4 * values.len());
    out.extend(b"\x93NUMPY\x01\x00");
    out.extend((length as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;
    use crate::onnx::tests::model;

    #[test]
    fn every_array_survives_its_file() {
        let model = model("tanh");
        let bytes = to_bytes(&model).unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(&bytes)).unwrap();
        let names: Vec<_> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, ["layers.0.weight.npy", "layers.0.bias.npy", "layers.1.weight.npy", "layers.1.bias.npy"]);
        let tensors = model.network.tensors();
        let expected = [
            ("(5, 6)", &tensors[0].weight),
            ("(5,)", &tensors[0].bias),
            ("(3, 5)", &tensors[1].weight),
            ("(3,)", &tensors[1].bias),
        ];
        for (name, (shape, values)) in names.iter().zip(expected) {
            let mut npy = Vec::new();
            zip.by_name(name).unwrap().read_to_end(&mut npy).unwrap();
            assert_eq!(npy[..8], *b"\x93NUMPY\x01\x00");
            let data = 10 + usize::from(u16::from_le_bytes([npy[8], npy[9]]));
            let header = std::str::from_utf8(&npy[10..data]).unwrap();
            assert!(data % 64 == 0 && header.ends_with('\n'), "{header:?}");
            assert!(header.contains(&format!("'descr': '<f4', 'fortran_order': False, 'shape': {shape},")), "{header}");
            let found: Vec<f32> = npy[data..].as_chunks().0.iter().map(|&four| f32::from_le_bytes(four)).collect();
            assert_eq!(found, *values, "{name}");
        }
    }

    #[test]
    fn the_same_weights_make_the_same_bytes() {
        assert_eq!(to_bytes(&model("relu")).unwrap(), to_bytes(&model("relu")).unwrap());
    }
}
