//! Where a run comes from: the machine, and the version of the code around it.

use std::process::{Command, Stdio};

/// This machine's name.
pub(crate) fn host() -> String {
    whoami::hostname().unwrap_or_else(|_| "localhost".into())
}

/// The commit that is checked out in the current folder, if it is in a git repository.
pub(crate) fn commit() -> Option<String> {
    git(&["rev-parse", "HEAD"])
}

/// Where that repository comes from.
pub(crate) fn remote() -> Option<String> {
    git(&["config", "--get", "remote.origin.url"])
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.trim();
    (output.status.success() && !line.is_empty()).then(|| line.to_owned())
}
