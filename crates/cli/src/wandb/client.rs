//! Search path for W&B's own client: `PATH`, then the folder of the `wandb agent` that started this program, which may
//! be in a virtual environment that is not activated.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Folders, as `PATH` has them.
pub(super) fn search() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    match agent() {
        Some(folder) => {
            std::env::join_paths(std::env::split_paths(&path).chain([folder])).unwrap_or_else(|_| path.clone())
        }
        None => path,
    }
}

/// The folder of the `wandb agent` among the processes above this one.
fn agent() -> Option<PathBuf> {
    /// The agent, `env`, a shell or two, `train.py`.
    const ABOVE: usize = 6;
    let above = std::iter::successors(parent("self"), |process| parent(process));
    above.take(ABOVE).find_map(|process| {
        let line = std::fs::read(Path::new("/proc").join(process).join("cmdline")).ok()?;
        folder(&line, Path::is_file)
    })
}

/// The process that started another; none where there is no `/proc`.
fn parent(process: &str) -> Option<String> {
    let status = std::fs::read_to_string(Path::new("/proc").join(process).join("status")).ok()?;
    let parent = status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().to_owned();
    (parent != "0").then_some(parent)
}

/// The folder of the client in a command line such as `/venv/bin/python /venv/bin/wandb agent ID`, whose words end with a zero.
fn folder(line: &[u8], is_file: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split('\0').collect();
    if !words.contains(&"agent") {
        return None;
    }
    let folders = words.iter().take(2).filter_map(|word| Path::new(word).parent());
    let mut folders = folders.filter(|folder| folder.as_os_str() != OsStr::new("") && is_file(&folder.join("wandb")));
    folders.next().map(Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_known_by_its_command_line() {
        let there = |program: &Path| program == Path::new("/venv/bin/wandb");
        let found = |line: &str| folder(line.replace(' ', "\0").as_bytes(), there);
        let venv = Some(PathBuf::from("/venv/bin"));
        assert_eq!(found("/venv/bin/python /venv/bin/wandb agent e/p/id"), venv);
        assert_eq!(found("/venv/bin/python3 -m wandb agent --count 1 id"), venv);
        assert_eq!(found("/venv/bin/python /venv/bin/wandb sync x"), None);
        assert_eq!(found("/usr/bin/ssh-agent agent"), None);
        assert_eq!(found("python agent"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_above_is_found() {
        assert_eq!(parent("self"), Some(std::os::unix::process::parent_id().to_string()));
    }
}
