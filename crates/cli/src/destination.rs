//! Files that a command is to write: looked at before its work begins, so that hours of it are not lost for a wrong name.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::exit::Failure;

/// Fails if the file `path`, which `flag` names, could not be written: a folder is wrong usage, a place where nothing can
/// be made is a failure of this machine.
pub(crate) fn check(path: &Path, flag: &str) -> Result<()> {
    let shown = path.display();
    if path.is_dir() || path.as_os_str().to_string_lossy().ends_with(['/', std::path::MAIN_SEPARATOR]) {
        return Err(Failure::usage(format!(
            "`{flag}` is `{shown}`, which is a folder\nhint: name a file in it, such as `{}`",
            path.join("FILE").display()
        )));
    }
    // A device or pipe is written to, not replaced; a link leads to the file that is replaced.
    if fs::metadata(path).is_ok_and(|about| !about.is_file()) {
        return Ok(());
    }
    writable(path, path, flag)
}

/// Fails if the file `file` could not be made; the message names `shown`. Folders that are missing are made with the file.
fn writable(shown: &Path, file: &Path, flag: &str) -> Result<()> {
    let cannot = || format!("cannot write `{}` (`{flag}`)", shown.display());
    let whole = file.canonicalize().or_else(|_| std::path::absolute(file)).with_context(cannot)?;
    let folder = whole.ancestors().skip(1).find(|folder| folder.symlink_metadata().is_ok());
    let folder = folder.unwrap_or(Path::new("/"));
    if !folder.is_dir() {
        let error = std::io::Error::from(std::io::ErrorKind::NotADirectory);
        return Err(error).with_context(|| format!("{}: `{}` is not a folder", cannot(), folder.display()));
    }
    probe(folder).with_context(cannot)
}

/// Fails if the folder `path`, which `flag` names, could not be written: a file of that name is wrong usage. Folders that
/// are missing are made with it, later.
pub(crate) fn check_folder(path: &Path, flag: &str) -> Result<()> {
    let shown = path.display();
    if fs::metadata(path).is_ok_and(|about| !about.is_dir()) {
        return Err(Failure::usage(format!("`{flag}` is `{shown}`, which is not a folder\nhint: name a folder")));
    }
    writable(path, &path.join("FILE"), flag)
}

/// Makes a file in `folder` and removes it. The error is the system's alone, without the name of that file.
fn probe(folder: &Path) -> std::io::Result<()> {
    let made = tempfile::Builder::new().prefix(".partial-").tempfile_in(folder);
    made.map(drop).map_err(handloom_engine::model::without_path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::{Exit, code};

    #[test]
    fn what_cannot_be_written_is_told_before_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "kept").unwrap();
        for fine in ["new.png", "file", "a/b/new.png"] {
            check(&at(fine), "--out").unwrap();
        }
        for (wrong, exit) in [(".", Exit::Usage), ("new/", Exit::Usage), ("file/new.png", Exit::Failed)] {
            let error = check(&at(wrong), "--out").unwrap_err();
            assert_eq!(code(&error), exit, "{error:#}");
            assert!(format!("{error:#}").contains("--out"), "{error:#}");
        }
        for fine in [".", "new", "a/b"] {
            check_folder(&at(fine), "-o").unwrap();
        }
        for (wrong, exit) in [("file", Exit::Usage), ("file/new", Exit::Failed)] {
            let error = check_folder(&at(wrong), "-o").unwrap_err();
            assert_eq!(code(&error), exit, "{error:#}");
        }
        #[cfg(unix)]
        check(Path::new("/dev/null"), "--out").unwrap();
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!((left.len(), fs::read_to_string(at("file")).unwrap()), (1, "kept".into()));
    }
}
