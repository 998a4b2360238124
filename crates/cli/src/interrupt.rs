//! Ctrl-C and TERM: the first asks training to stop after its batch, the second drops everything.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Result;
use handloom_engine::event::{Event, Observer};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::exit::Exit;

/// Listens for signals from its making on.
#[derive(Clone)]
pub(crate) struct Interrupt {
    interrupted: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
}

impl Interrupt {
    /// Begins to listen.
    pub(crate) fn listen() -> Result<Self> {
        let new = || Arc::new(AtomicBool::new(false));
        let interrupt = Self { interrupted: new(), terminated: new() };
        for (signal, exit, asked) in
            [(SIGINT, Exit::Interrupted, &interrupt.interrupted), (SIGTERM, Exit::Terminated, &interrupt.terminated)]
        {
            // The order matters: the flag is still down when the first signal looks at it here.
            flag::register_conditional_shutdown(signal, exit as i32, Arc::clone(asked))?;
            flag::register(signal, Arc::clone(asked))?;
        }
        Ok(interrupt)
    }

    /// Exit code to end with, if the process was asked to end.
    pub(crate) fn exit(&self) -> Option<Exit> {
        if self.terminated.load(Ordering::Relaxed) {
            Some(Exit::Terminated)
        } else {
            self.interrupted.load(Ordering::Relaxed).then_some(Exit::Interrupted)
        }
    }
}

impl Observer for Interrupt {
    fn on(&mut self, _event: &Event<'_>) -> ControlFlow<&'static str> {
        if self.exit().is_some() { ControlFlow::Break("signal") } else { ControlFlow::Continue(()) }
    }
}
