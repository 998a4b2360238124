//! Exit codes, and how a failure is told.

use std::process::ExitCode;

use anyhow::Error;

use crate::output::Output;

/// What a process ends with.
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

/// Tells of a failure, a line for each cause, and gives its exit code.
pub(crate) fn report(error: &Error, output: &Output) -> ExitCode {
    output.error(&told(error));
    code(error).into()
}

/// A failure in words, a line for each cause.
pub(crate) fn told(error: &Error) -> String {
    error.chain().map(ToString::to_string).collect::<Vec<_>>().join("\ncaused by: ")
}

/// Help and version are done; anything else the parser says is wrong usage.
pub(crate) fn of_clap(error: &clap::Error) -> ExitCode {
    // Nothing can be told where neither stream takes it.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage.into() } else { Exit::Done.into() }
}
