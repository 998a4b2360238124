//! Liveness of agents: each process locks a file of its own, and the operating system releases the lock when it dies.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use handloom_sweep::state::{Agent, Liveness};

use crate::Store;
use crate::error::{Error, Result, plain};

/// Age from which lock files of dead agents are removed.
const KEPT: Duration = Duration::from_hours(24);

/// Liveness lock of an agent, visible to other processes on this machine, held until it is dropped.
#[derive(Debug)]
pub struct LivenessLock {
    path: PathBuf,
    _file: File,
}

impl LivenessLock {
    /// Takes the lock of `agent`, an id that no other process has. To be called before the agent appears in a journal.
    pub fn of(store: &dyn Store, agent: &str) -> Result<Self> {
        plain(agent)?;
        let folder = folder(store).ok_or_else(|| {
            Error::io("~/.cache", "write")(io::Error::new(io::ErrorKind::NotFound, "there is no home folder"))
        })?;
        Self::within(&folder, agent)
    }

    fn within(folder: &Path, agent: &str) -> Result<Self> {
        fs::create_dir_all(folder).map_err(Error::io(folder, "write"))?;
        tidy(folder);
        let path = file(folder, agent);
        let opened = File::create(&path).map_err(Error::io(&path, "write"))?;
        opened.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::io(&path, "write")(io::Error::other("another process has this id")),
            TryLockError::Error(error) => Error::io(&path, "write")(error),
        })?;
        Ok(Self { path, _file: opened })
    }
}

impl Drop for LivenessLock {
    fn drop(&mut self) {
        // Without a file, other processes rely on the agent's heartbeats, which is right as well.
        let _ = fs::remove_file(&self.path);
    }
}

/// Liveness of the process of `agent` by its lock, as seen from the machine `here`.
///
/// A held lock proves that a process of this machine lives, even without heartbeats: it may be suspended, or a clock
/// may have jumped. A file without a lock belongs to a dead process. For an agent on another machine it is unknown:
/// not every file system shows the locks of other machines, and the trials of an agent that is cut off must be taken
/// over.
pub fn liveness(store: &dyn Store, here: &str, agent: &Agent) -> Liveness {
    let Some(folder) = folder(store).filter(|_| plain(&agent.id).is_ok()) else { return Liveness::Unknown };
    match is_free(&file(&folder, &agent.id)) {
        Some(false) if agent.host == here => Liveness::Alive,
        Some(true) if agent.host == here => Liveness::Dead,
        _ => Liveness::Unknown,
    }
}

/// True if nobody holds the lock of a file; none if there is no file, or it cannot be opened.
fn is_free(path: &Path) -> Option<bool> {
    match File::open(path).ok()?.try_lock_shared() {
        Ok(()) => Some(true),
        Err(TryLockError::WouldBlock) => Some(false),
        Err(TryLockError::Error(_)) => None,
    }
}

fn file(folder: &Path, agent: &str) -> PathBuf {
    folder.join(format!("{agent}.lock"))
}

/// Folder of lock files: in the store's folder, or in the user's cache if the store is a database server.
fn folder(store: &dyn Store) -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    match store.folder() {
        Some(folder) => Some(folder.join("agents")),
        None => Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("handloom").join("agents")),
    }
}

/// Removes old lock files of dead agents.
fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > KEPT)
            && path.extension().is_some_and(|end| end == "lock")
            && is_free(&path) == Some(true)
        {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    #[test]
    fn a_lock_that_is_held_proves_life_and_one_that_is_not_proves_death_on_this_machine_only() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path().join("store")).unwrap();
        let agent = |id: &str, host: &str| Agent { id: id.into(), host: host.into(), ..Agent::default() };
        let of = |id: &str, host: &str| liveness(&*store, "here", &agent(id, host));
        assert_eq!(of("a", "here"), Liveness::Unknown);
        let presence = LivenessLock::of(&*store, "a").unwrap();
        assert_eq!([of("a", "here"), of("a", "there")], [Liveness::Alive, Liveness::Unknown]);
        assert!(matches!(LivenessLock::of(&*store, "a"), Err(Error::Io { .. })));
        let path = folder.path().join("store/agents/a.lock");
        // A killed process leaves its file without a lock.
        fs::copy(&path, path.with_file_name("b.lock")).unwrap();
        assert_eq!([of("b", "here"), of("b", "there")], [Liveness::Dead, Liveness::Unknown]);
        assert_eq!(of("../agents/b", "here"), Liveness::Unknown);
        // A check does not keep another process from taking the lock.
        assert!(LivenessLock::of(&*store, "b").is_ok());
        drop(presence);
        assert!(!path.exists());
        assert_eq!(of("a", "here"), Liveness::Unknown);
    }

    #[test]
    fn what_the_dead_of_long_ago_left_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let old = |name: &str| {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(std::time::SystemTime::now() - 2 * KEPT).unwrap();
            file
        };
        let (alive, _dead, _other) = (old("alive.lock"), old("dead.lock"), old("notes.txt"));
        alive.lock().unwrap();
        File::create(folder.path().join("recent.lock")).unwrap();
        let _presence = LivenessLock::within(folder.path(), "new").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["alive.lock", "new.lock", "notes.txt", "recent.lock"]);
    }
}
