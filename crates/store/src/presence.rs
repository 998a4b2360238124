//! Whether the process of an agent lives: it holds a lock on a file of its own, which the system takes from the dead.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use handloom_sweep::state::Agent;

use crate::Store;
use crate::error::{Error, Result, plain};

/// Files of agents that died longer ago than this are removed by later ones.
const KEPT: Duration = Duration::from_hours(24);

/// Shows others on this machine that an agent lives, until it is dropped.
#[derive(Debug)]
pub struct Presence {
    path: PathBuf,
    _file: File,
}

impl Presence {
    /// Shows that `agent`, an id that no other process has, lives. To be done before it appears in a journal.
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

impl Drop for Presence {
    fn drop(&mut self) {
        // Whoever finds no file waits for silence, which is right as well.
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the process of `agent` is known to be dead: it ran on the machine `here`, and its file is there without its
/// lock. Of an agent elsewhere nothing is known, nor of one without a file.
pub fn is_dead(store: &dyn Store, here: &str, agent: &Agent) -> bool {
    agent.host == here
        && plain(&agent.id).is_ok()
        && folder(store).is_some_and(|folder| is_free(&file(&folder, &agent.id)))
}

fn is_free(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock_shared().is_ok())
}

fn file(folder: &Path, agent: &str) -> PathBuf {
    folder.join(format!("{agent}.lock"))
}

/// Where agents of this store show themselves: in its folder, or in the user's cache if it is a database.
fn folder(store: &dyn Store) -> Option<PathBuf> {
    use etcetera::BaseStrategy as _;
    match store.folder() {
        Some(folder) => Some(folder.join("agents")),
        None => Some(etcetera::choose_base_strategy().ok()?.cache_dir().join("handloom").join("agents")),
    }
}

/// Removes what the dead of long ago left.
fn tidy(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let age = entry.metadata().and_then(|data| data.modified()).ok().and_then(|time| time.elapsed().ok());
        if age.is_some_and(|age| age > KEPT) && path.extension().is_some_and(|end| end == "lock") && is_free(&path) {
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open;

    #[test]
    fn only_an_agent_of_this_machine_with_a_file_and_no_lock_is_known_to_be_dead() {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path().join("store")).unwrap();
        let agent = |id: &str, host: &str| Agent { id: id.into(), host: host.into(), ..Agent::default() };
        let dead = |id: &str, host: &str| is_dead(&*store, "here", &agent(id, host));
        assert!(!dead("a", "here"));
        let presence = Presence::of(&*store, "a").unwrap();
        assert!(!dead("a", "here"));
        assert!(matches!(Presence::of(&*store, "a"), Err(Error::Io { .. })));
        let path = folder.path().join("store/agents/a.lock");
        // What a kill leaves is the file alone.
        fs::copy(&path, path.with_file_name("b.lock")).unwrap();
        assert!(dead("b", "here") && !dead("b", "there") && !dead("../agents/b", "here"));
        // Somebody who looks keeps nobody from having the lock.
        assert!(Presence::of(&*store, "b").is_ok());
        drop(presence);
        assert!(!path.exists() && !dead("a", "here"));
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
        let _presence = Presence::within(folder.path(), "new").unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort_unstable();
        assert_eq!(left, ["alive.lock", "new.lock", "notes.txt", "recent.lock"]);
    }
}
