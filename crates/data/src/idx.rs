//! IDX, the format of MNIST: a header, then bytes.
//!
//! Two zero bytes, the type (8: unsigned bytes, the only one read here), the number of dimensions (1 to 4), each
//! dimension as four big-endian bytes, then one byte a value, the last dimension running fastest. Plain or
//! gzip is seen from the first two bytes, not from the name.
//!
//! A header is never trusted: nothing is allocated beyond what a file of this length can hold, and no more is
//! decompressed than the header announces, plus one byte to see that nothing follows.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::Error;

/// Maximum number of values in one file, 2 GiB.
pub const MOST_VALUES: u64 = 1 << 31;

/// Maximum expansion of deflate, in bytes per byte.
const DEFLATE_RATIO: u64 = 1032;

/// An array of bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idx {
    /// Length of each dimension, one to four of them.
    pub shape: Vec<usize>,
    /// All values, the last dimension running fastest.
    pub values: Vec<u8>,
}

/// Reads an IDX file, plain or gzip.
pub fn read(path: &Path) -> Result<Idx, Error> {
    open(path, |name, reader, length| Stream::new(name, reader, length)?.array())
}

/// The shape that an IDX file's header announces; the values are not read.
pub fn read_shape(path: &Path) -> Result<Vec<usize>, Error> {
    open(path, |name, reader, length| Ok(Stream::new(name, reader, length)?.header()?.0))
}

/// Parses the bytes of an IDX file, plain or gzip; errors call it `name`.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Idx, Error> {
    let mut bytes = bytes;
    let length = bytes.len() as u64;
    Stream::new(name, &mut bytes, length)?.array()
}

fn open<T>(path: &Path, f: impl FnOnce(&str, &mut dyn BufRead, u64) -> Result<T, Error>) -> Result<T, Error> {
    let file = File::open(path).map_err(|cause| Error::read(path, cause))?;
    let length = file.metadata().map_err(|cause| Error::read(path, cause))?.len();
    f(&path.display().to_string(), &mut BufReader::with_capacity(1 << 17, file), length)
}

/// The uncompressed bytes of a file.
struct Stream<'a> {
    name: &'a str,
    reader: Box<dyn Read + 'a>,
    /// Upper bound of the bytes that `reader` can yield.
    most: u64,
}

impl<'a> Stream<'a> {
    fn new(name: &'a str, reader: &'a mut dyn BufRead, length: u64) -> Result<Self, Error> {
        let start = reader.fill_buf().map_err(|cause| Error::read(Path::new(name), cause))?;
        let gzip = start.starts_with(&[0x1f, 0x8b]);
        let most = if gzip { length.saturating_mul(DEFLATE_RATIO) } else { length };
        Ok(Self { name, reader: if gzip { Box::new(MultiGzDecoder::new(reader)) } else { Box::new(reader) }, most })
    }

    /// Shape, number of values, and bytes of the header.
    fn header(&mut self) -> Result<(Vec<usize>, u64, u64), Error> {
        let mut magic = [0; 4];
        self.exactly(&mut magic, "an IDX header of 4 bytes")?;
        let [0, 0, 8, dimensions @ 1..=4] = magic else {
            let found = format!("`{}`", crate::checksum::hex(&magic));
            return Err(
                self.damaged("the IDX start `00000801` to `00000804` (unsigned bytes, 1 to 4 dimensions)", found)
            );
        };
        let mut sizes = vec![0; 4 * usize::from(dimensions)];
        self.exactly(&mut sizes, &format!("{dimensions} dimensions of 4 bytes each"))?;
        let shape: Vec<usize> =
            sizes.chunks_exact(4).map(|s| u32::from_be_bytes([s[0], s[1], s[2], s[3]]) as usize).collect();
        let count = shape.iter().try_fold(1_u64, |n, &size| n.checked_mul(size as u64).filter(|&n| n <= MOST_VALUES));
        let Some(count) = count else {
            return Err(self.damaged(format!("at most {MOST_VALUES} values"), format!("{shape:?}")));
        };
        Ok((shape, count, 4 + sizes.len() as u64))
    }

    fn array(mut self) -> Result<Idx, Error> {
        let (shape, count, header) = self.header()?;
        let expected = format!("{count} values of shape {shape:?}");
        if self.most < header + count {
            let found = format!("at most {} bytes after the header", self.most.saturating_sub(header));
            return Err(self.damaged(expected, found));
        }
        let mut values = Vec::with_capacity(count as usize);
        if let Err(cause) = (&mut self.reader).take(count + 1).read_to_end(&mut values) {
            return Err(self.damaged(expected, format!("{} values, then: {cause}", values.len())));
        }
        match values.len() as u64 {
            n if n == count => Ok(Idx { shape, values }),
            n if n < count => Err(self.damaged(expected, format!("{n} values"))),
            _ => Err(self.damaged(expected, "more bytes after them")),
        }
    }

    fn exactly(&mut self, bytes: &mut [u8], expected: &str) -> Result<(), Error> {
        self.reader.read_exact(bytes).map_err(|cause| match cause.kind() {
            io::ErrorKind::UnexpectedEof => self.damaged(expected, "the end of the file"),
            _ => self.damaged(expected, cause.to_string()),
        })
    }

    fn damaged(&self, expected: impl Into<String>, found: impl Into<String>) -> Error {
        Error::Damaged {
            file: self.name.into(),
            expected: expected.into(),
            found: found.into(),
            hint: "get the file again; where it is one of a known data set, remove it: `handloom data ls` says how to get it",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use proptest::prelude::*;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn file(shape: &[u32], values: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 8, shape.len() as u8];
        bytes.extend(shape.iter().flat_map(|size| size.to_be_bytes()));
        bytes.extend(values);
        bytes
    }

    fn complaint(bytes: &[u8]) -> String {
        parse("x.idx", bytes).unwrap_err().to_string()
    }

    #[test]
    fn plain_and_gzip_read_alike() {
        let plain = file(&[2, 3], &[1, 2, 3, 4, 5, 6]);
        let expected = Idx { shape: vec![2, 3], values: vec![1, 2, 3, 4, 5, 6] };
        assert_eq!(parse("x", &plain).unwrap(), expected);
        assert_eq!(parse("x", &gzip(&plain)).unwrap(), expected);
        assert!(parse("x", &file(&[0, 28, 28], &[])).unwrap().values.is_empty());
    }

    #[test]
    fn a_file_cut_at_any_byte_is_an_error() {
        let plain = file(&[2, 2, 2, 2], &[7; 16]);
        for bytes in [gzip(&plain), plain] {
            for cut in 0..bytes.len() {
                assert!(complaint(&bytes[..cut]).contains("`x.idx`"), "cut at {cut}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let plain = file(&[4], &[1, 2, 3]);
        assert!(complaint(&plain).contains("expected 4 values of shape [4], found at most 3 bytes"));
        assert!(complaint(&gzip(&plain)).contains("expected 4 values of shape [4], found 3 values"));
        assert!(complaint(&file(&[2], &[1, 2, 3])).contains("more bytes after them"));
        assert!(complaint(&[gzip(&file(&[1], &[1])), vec![9]].concat()).contains("x.idx"));
        assert!(complaint(&file(&[1; 5], &[1])).contains("found `00000805`"));
        assert!(complaint(&[0, 0, 13, 1, 0, 0, 0, 0]).contains("found `00000d01`"));
        assert!(complaint(&file(&[u32::MAX; 4], &[])).contains("at most 2147483648 values"));
    }

    #[test]
    fn a_wrong_gzip_checksum_is_an_error() {
        let mut bytes = gzip(&file(&[3], &[1, 2, 3]));
        let crc = bytes.len() - 8;
        bytes[crc] ^= 1;
        assert!(complaint(&bytes).contains("3 values, then"));
    }

    #[test]
    fn a_bomb_costs_no_more_than_its_header_says() {
        let bomb = gzip(&file(&[10], &vec![0; 50_000_000]));
        assert!(complaint(&bomb).contains("more bytes after them"));
        let liar = gzip(&file(&[2_000_000_000], &[0; 100]));
        assert!(complaint(&liar).contains("at most"));
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            start in prop::sample::select(vec![&[][..], &[0, 0, 8, 2], &[0, 0, 8, 1, 0, 0], &[0x1f, 0x8b, 8, 0]]),
            rest in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let bytes = [start, &rest].concat();
            if let Ok(idx) = parse("x", &bytes) {
                prop_assert_eq!(idx.values.len(), idx.shape.iter().product::<usize>());
            }
            let _ = parse("x", &gzip(&bytes));
        }

        #[test]
        fn a_flipped_bit_never_panics(bit in 0_usize..8 * 60) {
            let mut bytes = gzip(&file(&[4, 5], &[3; 20]));
            if let Some(byte) = bytes.get_mut(bit / 8) {
                *byte ^= 1 << (bit % 8);
            }
            let _ = parse("x", &bytes);
        }
    }
}
