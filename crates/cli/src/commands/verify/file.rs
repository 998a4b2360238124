//! The file of a report: somebody else's, so that nothing about it is taken on trust.

use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use handloom_view::site::report::{Provenance, ReportFile, Unreadable};

use crate::exit::Failure;

/// Longest file that is read: one byte more is one too many.
const MOST_BYTES: u64 = (64 << 20) + 1;

/// A report as far as its form can be checked.
pub(super) enum Read {
    /// With everything that its pages are made of.
    Whole(Box<ReportFile>),
    /// Of form 1, of which only the runs can be trained again.
    Old(Box<Provenance>),
}

impl Read {
    pub(super) fn provenance(&self) -> &Provenance {
        match self {
            Self::Whole(file) => &file.provenance,
            Self::Old(provenance) => provenance,
        }
    }
}

/// Reads a report.
pub(super) fn read(path: &Path) -> Result<Read> {
    let bytes = bytes(path)?;
    let unreadable = |error: Unreadable| {
        let hint = "`handloom report` writes files that can be verified";
        Failure::data(format!("`{}` is not a report that can be verified: {error}\nhint: {hint}", path.display()))
    };
    let provenance = Provenance::read(&bytes).map_err(unreadable)?;
    if provenance.v == 1 {
        return Ok(Read::Old(Box::new(provenance)));
    }
    Ok(Read::Whole(Box::new(ReportFile::read(bytes).map_err(unreadable)?)))
}

/// The bytes of a regular file. A pipe or a device could keep its reader waiting for ever, and is not opened.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    let at = || format!("reading `{}`", path.display());
    let missing = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => {
            Failure::data(format!("there is no file `{}`\nhint: `handloom report` writes one", path.display()))
        }
        _ => anyhow::Error::from(error).context(at()),
    };
    let known = fs::metadata(path).map_err(missing)?;
    if !known.is_file() {
        let what = if known.is_dir() { "a folder" } else { "a pipe or a device" };
        let hint = "name the file that `handloom report` wrote";
        return Err(Failure::data(format!("`{}` is {what}, not a file\nhint: {hint}", path.display())));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(missing)?.take(MOST_BYTES).read_to_end(&mut bytes).with_context(at)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let told = |path: &Path| read(path).err().unwrap().to_string();
        assert!(told(folder.path()).contains("is a folder, not a file"));
        assert!(told(&folder.path().join("none")).contains("there is no file"));
        #[cfg(unix)]
        assert!(told(Path::new("/dev/zero")).contains("is a pipe or a device"));
        let empty = folder.path().join("empty");
        fs::write(&empty, "").unwrap();
        assert!(told(&empty).contains("is not a report"));
    }
}
