//! Exit codes, and how a failure is told.

use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::Error;

use crate::closed;
use crate::output::{Output, unwritten};

/// Exit code of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Done.
    Done = 0,
    /// A run-time failure.
    Failed = 1,
    /// Wrong usage, configuration or name.
    Usage = 2,
    /// A data set or model file is missing, damaged or not understood.
    Data = 3,
    /// Training diverged.
    Diverged = 4,
    /// A check that was asked for failed.
    Check = 5,
    /// Stopped by Ctrl-C.
    Interrupted = 130,
    /// Stopped by TERM.
    Terminated = 143,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A failure of a command with its exit code. The message may have a second line, `hint: ...`.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    pub(crate) message: String,
}

impl Failure {
    /// Wrong usage.
    pub(crate) fn usage(message: impl Into<String>) -> Error {
        Self { exit: Exit::Usage, message: message.into() }.into()
    }

    /// A file that cannot be used.
    pub(crate) fn data(message: impl Into<String>) -> Error {
        Self { exit: Exit::Data, message: message.into() }.into()
    }
}

/// The exit code of a failure, by the first cause that knows one.
pub(crate) fn code(error: &Error) -> Exit {
    use handloom_engine::{config, model};
    for cause in error.chain() {
        if let Some(failure) = cause.downcast_ref::<Failure>() {
            return failure.exit;
        }
        if cause.is::<crate::source::search::Lost>() {
            return Exit::Data;
        }
        if cause.is::<handloom_data::home::PathError>() {
            return Exit::Usage;
        }
        if cause.is::<config::Error>() || cause.is::<handloom_sweep::spec::Error>() {
            return Exit::Usage;
        }
        match cause.downcast_ref::<model::Error>() {
            Some(model::Error::Shape { .. }) => return Exit::Usage,
            Some(model::Error::Io { writing: true, .. }) => return Exit::Failed,
            Some(_) => return Exit::Data,
            None => {}
        }
        match cause.downcast_ref::<handloom_data::Error>() {
            Some(handloom_data::Error::Unknown { .. }) => return Exit::Usage,
            Some(_) => return Exit::Data,
            None => {}
        }
        if let Some(handloom_export::Error::Mode(_) | handloom_export::Error::RunId(_)) = cause.downcast_ref() {
            return Exit::Usage;
        }
        if let Some(handloom_store::Error::Place { .. }) = cause.downcast_ref() {
            return Exit::Usage;
        }
        if cause.is::<handloom_view::Error>() {
            return if matches!(cause.downcast_ref(), Some(handloom_view::Error::Extension { .. })) {
                Exit::Usage
            } else {
                Exit::Failed
            };
        }
    }
    Exit::Failed
}

/// Prints a failure, a line for each cause, and returns its exit code.
pub(crate) fn report(error: &Error, output: &Output) -> Exit {
    output.error(&told(error));
    code(error)
}

/// A failure in words, a line for each cause, with a hint. A cause that the message before it has told is left out.
pub(crate) fn told(error: &Error) -> String {
    let mut causes: Vec<String> = Vec::new();
    for cause in error.chain().map(ToString::to_string) {
        if causes.last().is_none_or(|last| !last.contains(&cause)) {
            causes.push(cause);
        }
    }
    let mut text = causes.join("\ncaused by: ");
    if !text.contains("hint:")
        && let Some(hint) = error.chain().find_map(|cause| of_machine(&cause.to_string()))
    {
        text = format!("{text}\nhint: {hint}");
    }
    text
}

/// Hint for an error of the system. It is recognized by its text, as wrapped errors keep nothing else.
fn of_machine(said: &str) -> Option<&'static str> {
    const HINTS: [(&str, &str); 9] = [
        ("Too many open files", "raise the limit of open files (`ulimit -n`), or end other programs"),
        ("Resource temporarily unavailable", "raise the limit of processes (`ulimit -u`), or end other programs"),
        ("No space left on device", "make room on the disk, or write elsewhere"),
        ("Disk quota exceeded", "make room in your quota, or write elsewhere"),
        ("Permission denied", "ask its owner for the right, or name another place"),
        ("Read-only file system", "name a place on another file system"),
        ("Not a directory", "a part of the path is a file: name a folder"),
        ("not a directory", "a part of the path is a file: name a folder"),
        ("Cannot allocate memory", "end other programs, or take fewer `--threads` or `--workers`"),
    ];
    HINTS.iter().find(|(text, _)| said.contains(text)).map(|(_, hint)| *hint)
}

/// Prints the help, the version or what is wrong with the command line. Help that cannot be written is a failure.
pub(crate) fn of_clap(error: &clap::Error) -> Exit {
    let open = if error.use_stderr() { Ok(()) } else { closed::stdout() };
    let printed = open.and_then(|()| error.print()).and_then(|()| io::stdout().flush());
    match printed {
        // Nothing can be said where stderr itself cannot be written.
        _ if error.use_stderr() => Exit::Usage,
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let _ = writeln!(io::stderr(), "error: {}", unwritten(&error));
            Exit::Failed
        }
        _ => Exit::Done,
    }
}

#[cfg(test)]
mod tests {
    use anyhow::Context as _;

    use super::*;

    #[test]
    fn an_error_of_the_system_has_a_hint_unless_the_message_brings_one() {
        let many = |context: &'static str| Err::<(), _>(io::Error::from_raw_os_error(24)).context(context).unwrap_err();
        let expected = "starting\ncaused by: Too many open files (os error 24)\nhint: raise the limit of open files";
        #[cfg(unix)]
        assert!(told(&many("starting")).starts_with(expected), "{}", told(&many("starting")));
        assert_eq!(told(&many("starting\nhint: other")).matches("hint:").count(), 1);
        assert!(!told(&anyhow::anyhow!("of another kind")).contains("hint:"));
    }
}
