//! Downloads: mirrors in order, resumed after an interruption, verified, and put in place by a rename.
//!
//! A file grows as `NAME.gz.part`, locked against other processes, and gets its name only once its SHA-256 is
//! right. An incomplete part is kept for the next attempt; one with wrong bytes is removed.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use ureq::Agent;
use ureq::http::header::CONTENT_RANGE;

use crate::catalog::{self, Set};
use crate::{Error, checksum};

/// Time limit for connecting to a mirror.
const CONNECT: Duration = Duration::from_secs(3);

/// Time limit for the first answer of any mirror.
const PATIENCE: Duration = Duration::from_secs(9);

/// Time for one piece of a file: a transfer that takes longer is resumed if it got on by a thousandth
/// of the file or a quarter of what was missing, else given up.
const PIECE: Duration = Duration::from_secs(20);

/// Progress of one file's download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress<'a> {
    /// Name of the file.
    pub file: &'a str,
    /// Bytes downloaded, those of earlier attempts included.
    pub done: u64,
    /// Bytes of the whole file.
    pub total: u64,
}

/// Downloads the files of `set` that `into` does not have yet from the base addresses `mirrors`, in that order.
pub fn download(set: &Set, mirrors: &[&str], into: &Path, progress: &mut dyn FnMut(Progress<'_>)) -> Result<(), Error> {
    Transfer::new(mirrors, into, progress, PIECE).all(set)
}

/// Failure of a download from a mirror.
enum Failure {
    /// This mirror cannot be reached, or no longer: other files need not be asked for.
    Unreachable(String),
    /// It answered, but not with this file.
    Wrong(String),
    /// Nothing can be written here, whatever the mirror.
    Disk(Error),
}

struct Transfer<'a> {
    into: &'a Path,
    progress: &'a mut dyn FnMut(Progress<'_>),
    piece: Duration,
    /// Mirrors that can still be reached.
    mirrors: Vec<&'a str>,
    started: Instant,
    answered: bool,
}

impl<'a> Transfer<'a> {
    fn new(mirrors: &[&'a str], into: &'a Path, progress: &'a mut dyn FnMut(Progress<'_>), piece: Duration) -> Self {
        Self { into, progress, piece, mirrors: mirrors.to_vec(), started: Instant::now(), answered: false }
    }

    fn all(&mut self, set: &Set) -> Result<(), Error> {
        fs::create_dir_all(self.into).map_err(|cause| Error::write(self.into, cause))?;
        let mut reasons = Vec::new();
        for file in &set.files {
            if !self.file(file, &mut reasons)? {
                reasons.dedup();
                return Err(set.unavailable(reasons.join("; ")));
            }
        }
        Ok(())
    }

    /// Downloads a file. False if no mirror delivered it; `reasons` then has an error for each.
    fn file(&mut self, file: &catalog::File, reasons: &mut Vec<String>) -> Result<bool, Error> {
        let path = self.into.join(file.packed_name());
        let part_path = self.into.join(file.packed_name() + ".part");
        let mut part = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&part_path)
            .and_then(|part| part.lock().map(|()| part))
            .map_err(|cause| Error::write(&part_path, cause))?;
        let mut here = path.is_file() && checksum::of_file(&path)? == file.packed_sha256;
        if here {
            remove(&part_path)?;
            return Ok(true);
        }
        for mirror in self.mirrors.clone() {
            match self.try_mirror(mirror, file, &mut part, &part_path) {
                Ok(()) => {
                    part.sync_all()
                        .and_then(|()| fs::rename(&part_path, &path))
                        .map_err(|cause| Error::write(&path, cause))?;
                    here = true;
                    break;
                }
                Err(Failure::Disk(error)) => return Err(error),
                Err(Failure::Wrong(reason)) => reasons.push(format!("`{mirror}{}`: {reason}", file.packed_name())),
                Err(Failure::Unreachable(reason)) => {
                    self.mirrors.retain(|other| *other != mirror);
                    reasons.push(format!("`{mirror}`: {reason}"));
                }
            }
        }
        if !here && part.metadata().is_ok_and(|data| data.len() == 0) {
            remove(&part_path)?;
        }
        Ok(here)
    }

    fn try_mirror(&mut self, mirror: &str, file: &catalog::File, part: &mut File, path: &Path) -> Result<(), Failure> {
        let disk = |cause| Failure::Disk(Error::write(path, cause));
        let length = |part: &File| part.metadata().map(|data| data.len()).map_err(disk);
        let mut foreign = length(part)? > 0;
        loop {
            let before = length(part)?;
            let outcome = if before < file.size { self.piece(mirror, file, part, before) } else { Ok(()) };
            let after = length(part)?;
            if after >= file.size {
                if checksum::of_file(path).map_err(Failure::Disk)? == file.packed_sha256 {
                    return Ok(());
                }
                part.set_len(0).map_err(disk)?;
                if !foreign {
                    return Err(Failure::Wrong("wrong bytes: the SHA-256 is not the catalog's".into()));
                }
                // The part from an earlier attempt or another mirror may be wrong.
                foreign = false;
            } else if outcome.is_ok() {
                part.set_len(0).map_err(disk)?;
                return Err(Failure::Wrong(format!("{after} bytes instead of {}", file.size)));
            } else if after <= before + (file.size / 1000).min((file.size - before) / 4) {
                return outcome;
            }
        }
    }

    /// One request: appends the response to the part, up to one byte more than the file should have.
    fn piece(&mut self, mirror: &str, file: &catalog::File, part: &mut File, from: u64) -> Result<(), Failure> {
        let left = PATIENCE.saturating_sub(self.started.elapsed());
        if left.is_zero() && !self.answered {
            return Err(Failure::Unreachable("no time left to try it".into()));
        }
        // Before the first answer, the three steps share the remaining time.
        let (resolve, connect) = if self.answered { (CONNECT, CONNECT) } else { (left / 4, CONNECT.min(left / 2)) };
        let answer = if self.answered { self.piece } else { left.saturating_sub(resolve + connect) };
        let mut config = Agent::config_builder()
            .timeout_resolve(Some(resolve))
            .timeout_connect(Some(connect))
            .timeout_recv_response(Some(answer))
            .timeout_recv_body(Some(self.piece))
            .user_agent(concat!("handloom/", env!("CARGO_PKG_VERSION")));
        if mirror.starts_with("http://127.0.0.1") {
            config = config.proxy(None);
        }
        let mut request = config.build().new_agent().get(format!("{mirror}{}", file.packed_name()));
        if from > 0 {
            request = request.header("Range", format!("bytes={from}-"));
        }
        let response = request.call().map_err(|cause| match cause {
            ureq::Error::StatusCode(status) => Failure::Wrong(format!("status {status}")),
            cause => Failure::Unreachable(cause.to_string()),
        });
        self.answered |= !matches!(response, Err(Failure::Unreachable(_)));
        let mut response = response?;
        let resumed = response.status() == 206
            && response
                .headers()
                .get(CONTENT_RANGE)
                .and_then(|range| range.to_str().ok())
                .is_some_and(|range| range.starts_with(&format!("bytes {from}-")));
        let whole = response.body().content_length().map(|length| length + if resumed { from } else { 0 });
        if let Some(whole) = whole.filter(|&whole| whole != file.size) {
            return Err(Failure::Wrong(format!("{whole} bytes instead of {}", file.size)));
        }
        let broken = |cause: std::io::Error| Failure::Unreachable(cause.to_string());
        let disk = |cause| Failure::Disk(Error::write(self.into, cause));
        let mut done = from;
        if !resumed {
            part.set_len(0).map_err(disk)?;
            done = 0;
        }
        let mut body = response.body_mut().as_reader().take(file.size + 1 - done);
        let mut chunk = vec![0; 1 << 16];
        loop {
            let n = body.read(&mut chunk).map_err(broken)?;
            if n == 0 {
                return Ok(());
            }
            part.write_all(&chunk[..n]).map_err(disk)?;
            done += n as u64;
            (self.progress)(Progress { file: file.name, done: done.min(file.size), total: file.size });
        }
    }
}

/// Removes a file; it is no error if another process removed it first.
fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != ErrorKind::NotFound => Err(Error::write(path, cause)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
