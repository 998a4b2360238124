//! Faults that keep a trial from its end: its own, or those of the machine that it was to run on.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Error, Result};
use handloom_engine::model;
use handloom_sweep::worker::{Ending, MachineFault};

use crate::exit::told;

/// Fault that kept a trial from its end.
#[derive(Debug)]
pub(super) enum Fault {
    /// It would not on any machine: an impossible configuration, or a panic while it was trained. It is failed.
    Trial(Error),
    /// Another machine may well run it: a folder that cannot be written, a file that is missing here, or too few
    /// descriptors, threads or bytes. It is pending again, and this machine takes no further one.
    Machine(Error),
}

impl Fault {
    /// The weights that training was to begin with cannot be had. A network of another shape is the trial's fault, and
    /// a file that is missing or damaged the machine's: the next one may have it.
    pub(super) fn of_start(error: Error) -> Self {
        let cause = error.chain().find_map(|cause| cause.downcast_ref::<model::Error>());
        match cause {
            Some(model::Error::Shape { .. }) | None => Self::Trial(error),
            Some(_) => Self::Machine(error),
        }
    }

    fn of_panic(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let error = anyhow::anyhow!("training panicked: {}", text.unwrap_or("no message"));
        // The standard library panics with these words where a thread cannot be had.
        if text.is_some_and(|text| text.starts_with("failed to spawn thread")) {
            Self::Machine(error)
        } else {
            Self::Trial(error)
        }
    }

    /// The end of a trial that this happened to.
    pub(super) fn ending(&self) -> Ending {
        match self {
            Self::Trial(error) => Ending::Failed(told(error)),
            Self::Machine(error) => Ending::Faulted(MachineFault(told(error))),
        }
    }
}

/// Turns a panic into a fault.
pub(super) fn caught<T>(what: impl FnOnce() -> T) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(what)).map_err(|panic| Fault::of_panic(&*panic))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_panic_is_the_trials_fault_unless_a_thread_could_not_be_had() {
        let failed = caught(|| -> u8 { panic!("rows {}", 7) }).unwrap_err();
        assert_eq!(failed.ending(), Ending::Failed("training panicked: rows 7".into()));
        let failed = caught(|| -> u8 { panic!("failed to spawn thread: Os {{ code: 11 }}") }).unwrap_err();
        assert!(matches!(failed.ending(), Ending::Faulted(_)));
        assert_eq!(caught(|| 3).unwrap(), 3);
    }

    #[test]
    fn a_file_that_is_missing_here_is_the_machines_fault_and_a_shape_that_does_not_fit_the_trials() {
        let missing = model::Error::Io {
            path: "start.safetensors".into(),
            writing: false,
            source: io::ErrorKind::NotFound.into(),
        };
        let shape = model::Error::Shape { path: "start.safetensors".into(), found: vec![1], expected: vec![2] };
        assert!(matches!(Fault::of_start(missing.into()).ending(), Ending::Faulted(_)));
        assert!(matches!(Fault::of_start(shape.into()).ending(), Ending::Failed(_)));
        assert!(matches!(Fault::of_start(anyhow::anyhow!("too large")).ending(), Ending::Failed(_)));
        let many = anyhow::Error::from(io::Error::from_raw_os_error(24)).context("opening `lock`");
        let Ending::Faulted(fault) = Fault::Machine(many).ending() else { panic!("the trial would fail") };
        assert!(fault.to_string().starts_with("opening `lock`\ncaused by: "), "{fault}");
    }
}
