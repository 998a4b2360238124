//! The open database of a store: read and written where that is allowed, else only read, without writing any file.
//!
//! SQLite in WAL mode writes even when it reads: the process that opens the database first creates the index of the
//! log (`-shm`). A reader without permission to write uses the index of a process that has the store open. If there is
//! none, it reads a private copy of the database and its log. `immutable=1` is no alternative: it ignores the log, and
//! tables could change during a read.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};
use tempfile::TempDir;

use super::connect::{self, Failure, MIGRATIONS, is_busy};
use crate::error::Error;

/// Suffixes that SQLite appends to the name of a database for its companion files: write-ahead log, index of the log,
/// rollback journal.
const BESIDE: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A file system may stamp two changes within a few milliseconds with the same time.
const CLOCK_TICK: Duration = Duration::from_millis(40);

/// A database as it is open now.
pub(super) struct Opened {
    pub(super) connection: Connection,
    /// The version of its schema: an older one lacks tables, which are then empty.
    pub(super) version: usize,
    /// The file on disk that was opened.
    pub(super) identity: Identity,
    access: Access,
}

/// The way in which a database is open.
enum Access {
    ReadWrite,
    /// Beside a process that has it open to write.
    ReadOnly,
    /// A copy, good until one of the original files changes.
    Copy {
        original: [Option<FileState>; 3],
        /// Removed with the copy; where files can be removed while they are open, they are gone already.
        _folder: Option<TempDir>,
    },
}

/// Identifies a file, so that one put in its place is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Identity {
    device_and_inode: (u64, u64),
    created: Option<SystemTime>,
}

/// Detects changes of a file.
#[derive(Clone, Copy, PartialEq, Eq)]
struct FileState {
    identity: Identity,
    length: u64,
    modified: Option<SystemTime>,
}

impl Opened {
    /// Opens the database in `file`; `busy` is how long it waits for other processes.
    pub(super) fn open(file: &Path, at: &str, write: bool, busy: Duration) -> Result<Self, Failure> {
        let writable = match connect::connect(file, at, write, busy, MIGRATIONS) {
            Ok(connection) => {
                let version = MIGRATIONS.len();
                return Ok(Self { connection, version, identity: identity(file)?, access: Access::ReadWrite });
            }
            Err(failure) => failure,
        };
        match writable {
            Failure::Sql(error) if !write && is_forbidden(&error) => Self::read_only(file, at, busy),
            failure => Err(failure),
        }
    }

    fn read_only(file: &Path, at: &str, busy: Duration) -> Result<Self, Failure> {
        let identity = identity(file)?;
        let [log, index, _] = BESIDE.map(|end| beside(file, end));
        // If they were missing, SQLite would create them as files of this user, which the owner could not write.
        if log.exists() && index.exists() {
            match beside_a_writer(file, at, busy) {
                Ok((connection, version)) => {
                    return Ok(Self { connection, version, identity, access: Access::ReadOnly });
                }
                Err(Failure::Sql(error)) if is_forbidden(&error) => {}
                Err(failure) => return Err(failure),
            }
        }
        let (folder, original) = copied(file, at, busy)?;
        let copy = folder.path().join("handloom.db");
        let mut connection =
            Connection::open_with_flags(&copy, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        let version = connect::checked_version(&mut connection, at, MIGRATIONS.len())?;
        if version > 0 {
            // The log goes into the database, so that one file is left, which a process that is killed leaves nowhere.
            connection.pragma_update(None, "journal_mode", "DELETE")?;
        }
        let mut folder = Some(folder);
        if cfg!(unix) {
            // An open file lives on without its name.
            drop(folder.take());
        }
        Ok(Self { connection, version, identity, access: Access::Copy { original, _folder: folder } })
    }

    /// True if the database may be written.
    pub(super) fn is_writable(&self) -> bool {
        matches!(self.access, Access::ReadWrite)
    }

    /// True if `file` is still the file that was opened and, for a copy, has not changed since.
    pub(super) fn is_current(&self, file: &Path) -> bool {
        match &self.access {
            Access::Copy { original, .. } => states(file).is_ok_and(|states| states == *original),
            _ => identity(file).is_ok_and(|identity| identity == self.identity),
        }
    }

    /// Reason why this process cannot write, if it cannot.
    pub(super) fn obstacle(&self) -> Option<String> {
        if !self.is_writable() {
            return Some("this user may only read it".into());
        }
        // The index of the log may belong to another user, which SQLite reports only at the first write.
        let _ = self.connection.busy_timeout(Duration::ZERO);
        let begun = self.connection.execute_batch("BEGIN IMMEDIATE; ROLLBACK");
        begun.err().filter(is_forbidden).map(|error| error.to_string())
    }
}

/// The database beside a process that has it open, and its version.
fn beside_a_writer(file: &Path, at: &str, busy: Duration) -> Result<(Connection, usize), Failure> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(file, flags)?;
    connection.busy_timeout(busy)?;
    let version = connect::checked_version(&mut connection, at, MIGRATIONS.len())?;
    Ok((connection, version))
}

/// True if an error means that the permission to write is missing.
fn is_forbidden(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied))
}

/// Copies of the database, its log and its journal, all of one moment, and the state of the originals then.
fn copied(file: &Path, at: &str, busy: Duration) -> Result<(TempDir, [Option<FileState>; 3]), Failure> {
    let start = Instant::now();
    loop {
        let before = states(file)?;
        let newest = before.iter().flatten().filter_map(|state| state.modified).max();
        // A time in the future is that of another clock.
        let is_settled = newest.is_none_or(|newest| newest.elapsed().map_or(true, |age| age > CLOCK_TICK));
        if is_settled {
            let temporary = std::env::temp_dir();
            let folder = tempfile::Builder::new().prefix("handloom-").tempdir();
            let folder = folder.map_err(Error::io(&temporary, "write"))?;
            // Closing a file gives up the locks that SQLite holds on it for this process. There are none to lose: where
            // another connection has the database open, its log and index are there, and no copy is made.
            let done = files(file).into_iter().zip(&before).filter(|(_, state)| state.is_some()).try_for_each(
                |(original, _)| {
                    let end = original.to_string_lossy()[file.to_string_lossy().len()..].to_owned();
                    copy(&original, &folder.path().join(format!("handloom.db{end}"))).map_err(|error| {
                        if error.kind() == io::ErrorKind::StorageFull {
                            Error::Full { at: temporary.display().to_string(), why: error.to_string() }
                        } else {
                            Error::io(&original, "read")(error)
                        }
                    })
                },
            );
            if states(file)? == before {
                done?;
                return Ok((folder, before));
            }
        }
        if start.elapsed() > busy {
            return Err(Error::Busy { at: at.into(), why: "it changes while it is copied to be read".into() }.into());
        }
        thread::sleep(CLOCK_TICK / 2);
    }
}

/// Copies a file's bytes and not its mode, which may forbid to write.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    io::copy(&mut File::open(from)?, &mut File::create(to)?).map(drop)
}

/// The files that make up a database: its own, its log and its rollback journal.
fn files(file: &Path) -> [PathBuf; 3] {
    [file.to_owned(), beside(file, BESIDE[0]), beside(file, BESIDE[2])]
}

fn states(file: &Path) -> Result<[Option<FileState>; 3], Error> {
    let mut states = [None; 3];
    for (state, path) in states.iter_mut().zip(files(file)) {
        *state = match fs::metadata(&path) {
            Ok(metadata) => Some(FileState {
                identity: identity_of(&metadata),
                length: metadata.len(),
                modified: metadata.modified().ok(),
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(Error::io(path, "read")(error)),
        };
    }
    Ok(states)
}

/// The identity of the file at `path`.
pub(super) fn identity(path: &Path) -> Result<Identity, Error> {
    fs::metadata(path).map(|metadata| identity_of(&metadata)).map_err(Error::io(path, "read"))
}

fn identity_of(metadata: &fs::Metadata) -> Identity {
    #[cfg(unix)]
    let device_and_inode = {
        use std::os::unix::fs::MetadataExt as _;
        (metadata.dev(), metadata.ino())
    };
    #[cfg(not(unix))]
    let device_and_inode = (0, 0);
    Identity { device_and_inode, created: metadata.created().ok() }
}

fn beside(file: &Path, end: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(end);
    name.into()
}

/// True if a statement failed because the older schema of a database lacks the table.
pub(super) fn is_missing_table(error: &rusqlite::Error) -> bool {
    !is_busy(error) && error.to_string().contains("no such table")
}
