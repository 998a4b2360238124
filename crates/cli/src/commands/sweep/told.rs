//! Events that a running sweep sends to the thread that prints: threads that train never wait for a terminal.

use std::sync::mpsc::Sender;

use handloom_engine::event::Row;
use handloom_sweep::worker::Notice;
use handloom_sweep::{Choice, Standing, State, Status, Trial};

/// Something to tell.
pub(super) enum Told {
    /// Something happened to a trial of this process; `standing` is the sweep's summary since then.
    Trial { what: What, standing: Standing, trials: Option<Vec<Trial>> },
    /// Result of a run of this process: the metrics of its kept epoch, and its number of epochs.
    Figures { run: String, row: Option<Row>, epochs: u64, seconds: f64 },
    /// The journal cannot be written for now, or can again.
    Trouble(Option<String>),
    /// Something needs attention.
    Warning(String),
}

/// Kind of an event of a trial.
pub(super) enum What {
    /// It begins here.
    Claimed,
    Reported,
    /// It was broken off here.
    Released,
    /// This machine could not run it.
    Faulted {
        number: u64,
        why: String,
    },
    /// Its process was killed once too often.
    Killed {
        number: u64,
        run: String,
        choice: Choice,
        why: String,
    },
    Ended {
        number: u64,
        run: String,
        choice: Choice,
        status: Status,
        reused: bool,
        why: Option<String>,
    },
    Lost {
        number: u64,
    },
    TakenOver {
        number: u64,
        host: String,
    },
    Waiting {
        running: u64,
    },
}

/// Hands on what an agent notices. It is called where trials wait for it, so it copies and no more.
pub(super) struct Teller {
    sender: Sender<Told>,
    /// After how many ended trials all are copied, for whoever asks what mattered in them; none if nobody does.
    pub(super) copies: Option<fn(u64) -> bool>,
}

impl Teller {
    pub(super) fn new(sender: Sender<Told>) -> Self {
        Self { sender, copies: None }
    }

    /// Hands on.
    pub(super) fn notice(&self, notice: &Notice<'_>, state: &State) {
        let told = match notice {
            Notice::Trouble(error) => Told::Trouble(Some(error.to_string())),
            Notice::Recovered => Told::Trouble(None),
            notice => {
                let Some(what) = what(notice, state) else { return };
                let standing = Standing::of(state);
                let wanted =
                    matches!(what, What::Ended { .. }) && self.copies.is_some_and(|wants| wants(standing.ended()));
                Told::Trial { what, trials: wanted.then(|| state.trials.clone()), standing }
            }
        };
        // Nobody listens once everything is told.
        let _ = self.sender.send(told);
    }
}

fn what(notice: &Notice<'_>, state: &State) -> Option<What> {
    let choice = |number: u64| state.trials.get(number as usize).map(|trial| trial.choice.clone()).unwrap_or_default();
    Some(match notice {
        Notice::Claimed(_) => What::Claimed,
        Notice::Reported { .. } => What::Reported,
        Notice::Released(_) => What::Released,
        Notice::Faulted { trial, fault } => What::Faulted { number: trial.number, why: fault.to_string() },
        Notice::Killed { number, run, why } => {
            What::Killed { number: *number, run: (*run).into(), choice: choice(*number), why: (*why).into() }
        }
        Notice::Ended { number, run, status, why } => What::Ended {
            number: *number,
            run: (*run).into(),
            choice: choice(*number),
            status: *status,
            reused: state.trials.get(*number as usize).is_some_and(|trial| trial.reused),
            why: why.map(Into::into),
        },
        Notice::Lost(trial) => What::Lost { number: trial.number },
        Notice::TakenOver { number, from } => What::TakenOver { number: *number, host: from.host.clone() },
        Notice::Waiting { running } => What::Waiting { running: *running },
        _ => return None,
    })
}
