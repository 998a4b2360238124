//! Provenance of a run: the machine, and the version of the code around it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use handloom_store::masked;

/// Provenance in the record of a run.
pub(crate) struct Origin {
    /// The command, without passwords.
    pub(crate) command: Vec<String>,
    /// This machine.
    pub(crate) host: String,
    /// The commit that is checked out here, if any.
    pub(crate) git_commit: Option<String>,
}

impl Origin {
    /// This process, as it was started.
    pub(crate) fn here() -> Self {
        Self { command: std::env::args().map(|word| masked(&word)).collect(), host: host(), git_commit: commit() }
    }
}

/// This machine's name.
pub(crate) fn host() -> String {
    whoami::hostname().unwrap_or_else(|_| "localhost".into())
}

/// The commit that is checked out in the current folder, if it is in a git repository.
pub(crate) fn commit() -> Option<String> {
    git(&["rev-parse", "HEAD"])
}

/// URL of that repository's remote `origin`; read once, for all trials of a sweep.
pub(crate) fn remote() -> Option<String> {
    static REMOTE: OnceLock<Option<String>> = OnceLock::new();
    REMOTE.get_or_init(|| git(&["config", "--get", "remote.origin.url"])).clone()
}

/// `path` from the root, wherever it is read.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.into())
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
