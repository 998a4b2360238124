//! The transaction log: records in blocks, as in `LevelDB`'s log, with a header and another checksum.
//!
//! The file begins with 7 bytes: `:W&B`, the magic number 0xBEE1 and the version 0. They count as part of the
//! first block of 32 768 bytes. A record is one chunk, or is split where a block ends; a chunk is
//! `crc: u32`, `length: u16`, `kind: u8`, data, little-endian. The checksum is plain CRC-32 over kind and data
//! (`LevelDB`'s is a masked CRC-32C). Where fewer than 7 bytes are left in a block, they are zeros; where exactly 7
//! are left, the record begins with an empty chunk.
//!
//! `LevelDB`: <https://github.com/google/leveldb/blob/main/doc/log_format.md>; the changes: `wandb`'s datastore.

use std::fs::{File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Bytes of a block.
pub(crate) const BLOCK: usize = 32_768;

/// Bytes of a chunk before its data.
pub(crate) const HEADER: usize = 7;

/// Magic bytes at the start of the file.
pub(crate) const START: [u8; 7] = [b':', b'W', b'&', b'B', 0xE1, 0xBE, 0];

/// Kinds of chunks: a whole record, or a part of one.
const FULL: u8 = 1;
const FIRST: u8 = 2;
const MIDDLE: u8 = 3;
const LAST: u8 = 4;

/// A log under way. Each record is one write, so that whoever reads along sees whole records.
#[derive(Debug)]
pub(crate) struct Log {
    path: PathBuf,
    file: File,
    /// Bytes so far: all of them header and whole records.
    length: u64,
}

impl Log {
    /// Begins a log where no file is yet.
    pub(crate) fn create(path: &Path) -> Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(Error::io(path))?;
        let mut log = Self { path: path.into(), file, length: 0 };
        log.write(&START)?;
        Ok(log)
    }

    /// Appends a record. After an error the log is as before, and takes further records.
    pub(crate) fn append(&mut self, record: &[u8]) -> Result<()> {
        let bytes = frame(record, (self.length % BLOCK as u64) as usize);
        self.write(&bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        if let Err(error) = self.file.write_all(bytes) {
            // Part of a record would make all that follows unreadable. If this fails too, nothing is lost that was not.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            return Err(Error::io(&self.path)(error));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }
}

/// The bytes of `record` for a file that ends `at` bytes into a block.
fn frame(record: &[u8], at: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.len() + (record.len() / BLOCK + 2) * HEADER);
    let (mut at, mut rest, mut begun) = (at, record, false);
    loop {
        let mut left = BLOCK - at;
        if left < HEADER {
            out.resize(out.len() + left, 0);
            left = BLOCK;
        }
        let (data, after) = rest.split_at(rest.len().min(left - HEADER));
        let kind = match (begun, after.is_empty()) {
            (false, true) => FULL,
            (false, false) => FIRST,
            (true, false) => MIDDLE,
            (true, true) => LAST,
        };
        let mut crc = crc32fast::Hasher::new();
        crc.update(&[kind]);
        crc.update(data);
        out.extend(crc.finalize().to_le_bytes());
        out.extend((data.len() as u16).to_le_bytes());
        out.push(kind);
        out.extend(data);
        if after.is_empty() {
            return out;
        }
        // A record that goes on has filled its block.
        (at, rest, begun) = (0, after, true);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The whole records of a log, and whether the file ends with the last of them. Panics at a wrong checksum.
    pub(crate) fn read(bytes: &[u8]) -> (Vec<Vec<u8>>, bool) {
        let (mut records, mut partial, mut whole) = (Vec::new(), Vec::new(), true);
        if bytes.len() < START.len() {
            return (records, false);
        }
        assert_eq!(bytes[..START.len()], START);
        let mut at = START.len();
        while at < bytes.len() {
            let left = BLOCK - at % BLOCK;
            if left < HEADER {
                assert!(bytes[at..].iter().take(left).all(|&byte| byte == 0), "padding is zeros");
                at += left;
                continue;
            }
            let Some((header, data)) = bytes[at..].split_at_checked(HEADER) else { return (records, false) };
            let length = usize::from(u16::from_le_bytes([header[4], header[5]]));
            assert!(length + HEADER <= left, "a chunk stays in its block");
            let Some(data) = data.get(..length) else { return (records, false) };
            let crc = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
            assert_eq!(crc, crc32fast::hash(&[&header[6..], data].concat()), "checksum at {at}");
            assert_eq!(partial.is_empty() && whole, matches!(header[6], FULL | FIRST), "kind {} at {at}", header[6]);
            partial.extend(data);
            whole = matches!(header[6], FULL | LAST);
            if whole {
                records.push(std::mem::take(&mut partial));
            }
            at += HEADER + length;
        }
        (records, whole)
    }

    fn record(length: usize, seed: usize) -> Vec<u8> {
        (0..length).map(|i| (i * 31 + seed * 7 + i / 251) as u8).collect()
    }

    #[test]
    fn records_survive_wherever_they_meet_the_end_of_a_block() {
        let folder = tempfile::tempdir().unwrap();
        // The first record ends at every place from 40 bytes before the end of the block to 10 after it.
        let fits = BLOCK - START.len() - HEADER;
        for first in fits - 40..fits + 10 {
            for second in [0, 1, 25, 33] {
                let path = folder.path().join(format!("{first}-{second}.wandb"));
                let records = [record(first, 1), record(second, 2), record(9, 3)];
                let mut log = Log::create(&path).unwrap();
                for record in &records {
                    log.append(record).unwrap();
                }
                let (found, whole) = read(&std::fs::read(&path).unwrap());
                assert!(whole && found == records, "{first} and {second}");
                std::fs::remove_file(&path).unwrap();
            }
        }
    }

    #[test]
    fn records_longer_than_blocks_survive() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("long.wandb");
        let records: Vec<_> = [3, 2 * BLOCK, BLOCK - HEADER, 5 * BLOCK + 17, 0].map(|n| record(n, n)).into();
        let mut log = Log::create(&path).unwrap();
        for record in &records {
            log.append(record).unwrap();
        }
        assert_eq!(read(&std::fs::read(&path).unwrap()), (records, true));
    }

    #[test]
    fn exactly_a_header_before_the_end_of_a_block_begins_an_empty_chunk() {
        let bytes = frame(b"abc", BLOCK - HEADER);
        assert_eq!((bytes[4..7].to_vec(), bytes.len()), (vec![0, 0, FIRST], 2 * HEADER + 3));
        assert_eq!(bytes[HEADER + 4..HEADER + 7], [3, 0, LAST]);
        let padded = frame(b"abc", BLOCK - HEADER + 1);
        assert_eq!((&padded[..6], padded[6 + 6]), (&[0; 6][..], FULL));
    }

    #[test]
    fn a_file_cut_anywhere_holds_its_whole_records() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cut.wandb");
        let records = [record(BLOCK - 60, 1), record(40, 2), record(5, 3)];
        let mut log = Log::create(&path).unwrap();
        let mut ends = Vec::new();
        for record in &records {
            log.append(record).unwrap();
            ends.push(log.length as usize);
        }
        let bytes = std::fs::read(&path).unwrap();
        for length in ends[0] - 3..bytes.len() {
            let count = ends.iter().filter(|&&end| end <= length).count();
            let (found, _) = read(&bytes[..length]);
            assert_eq!(found, records[..count], "cut after {length}");
        }
    }

    #[test]
    fn a_failed_write_leaves_a_log_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("full.wandb");
        let mut log = Log::create(&path).unwrap();
        log.append(b"one").unwrap();
        // A file that is only read refuses every write.
        let writable = std::mem::replace(&mut log.file, File::open(&path).unwrap());
        let error = log.append(b"lost").unwrap_err().to_string();
        assert!(error.contains("full.wandb"), "{error}");
        log.file = writable;
        log.append(b"two").unwrap();
        assert_eq!(read(&std::fs::read(&path).unwrap()), (vec![b"one".to_vec(), b"two".to_vec()], true));
    }

    #[test]
    fn a_file_that_is_there_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("there.wandb");
        std::fs::write(&path, "mine").unwrap();
        assert!(Log::create(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }
}
