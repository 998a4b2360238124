//! Events that a running sweep sends to the thread that prints: threads that train never wait for a terminal.

use std::sync::mpsc::Sender;

use handloom_engine::event::EpochMetrics;
use handloom_sweep::worker::SweepEvent;
use handloom_sweep::{Params, State, Status, SweepSummary, Trial};

/// Event of a sweep for the thread that prints.
pub(super) enum ProgressEvent {
    /// Something happened to a trial of this process; `standing` is the sweep's summary since then.
    Trial { what: TrialEvent, standing: SweepSummary, trials: Option<Vec<Trial>> },
    /// Result of a run of this process: the metrics of its kept epoch, and its number of epochs.
    Figures { run: String, row: Option<EpochMetrics>, epochs: u64, seconds: f64 },
    /// The journal cannot be written for now, or can again.
    Trouble(Option<String>),
    /// Something needs attention.
    Warning(String),
}

/// Kind of an event of a trial.
pub(super) enum TrialEvent {
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
        choice: Params,
        why: String,
    },
    Ended {
        number: u64,
        run: String,
        choice: Params,
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

/// Sends the events of an agent to the thread that prints. Trials wait for it, so it copies and no more.
pub(super) struct EventSender {
    sender: Sender<ProgressEvent>,
    /// Numbers of ended trials after which all trials are copied, for statements about importance; none without these.
    pub(super) copies: Option<fn(u64) -> bool>,
}

impl EventSender {
    pub(super) fn new(sender: Sender<ProgressEvent>) -> Self {
        Self { sender, copies: None }
    }

    /// Sends an event on.
    pub(super) fn notice(&self, notice: &SweepEvent<'_>, state: &State) {
        let told = match notice {
            SweepEvent::Trouble(error) => ProgressEvent::Trouble(Some(error.to_string())),
            SweepEvent::Recovered => ProgressEvent::Trouble(None),
            notice => {
                let Some(what) = what(notice, state) else { return };
                let standing = SweepSummary::of(state);
                let wanted = matches!(what, TrialEvent::Ended { .. })
                    && self.copies.is_some_and(|wants| wants(standing.ended()));
                ProgressEvent::Trial { what, trials: wanted.then(|| state.trials.clone()), standing }
            }
        };
        // Nobody listens once everything is told.
        let _ = self.sender.send(told);
    }
}

fn what(notice: &SweepEvent<'_>, state: &State) -> Option<TrialEvent> {
    let choice = |number: u64| state.trials.get(number as usize).map(|trial| trial.choice.clone()).unwrap_or_default();
    Some(match notice {
        SweepEvent::Claimed(_) => TrialEvent::Claimed,
        SweepEvent::Reported { .. } => TrialEvent::Reported,
        SweepEvent::Released(_) => TrialEvent::Released,
        SweepEvent::Faulted { trial, fault } => TrialEvent::Faulted { number: trial.number, why: fault.to_string() },
        SweepEvent::Killed { number, run, why } => {
            TrialEvent::Killed { number: *number, run: (*run).into(), choice: choice(*number), why: (*why).into() }
        }
        SweepEvent::Ended { number, run, status, why } => TrialEvent::Ended {
            number: *number,
            run: (*run).into(),
            choice: choice(*number),
            status: *status,
            reused: state.trials.get(*number as usize).is_some_and(|trial| trial.reused),
            why: why.map(Into::into),
        },
        SweepEvent::Lost(trial) => TrialEvent::Lost { number: trial.number },
        SweepEvent::TakenOver { number, from } => TrialEvent::TakenOver { number: *number, host: from.host.clone() },
        SweepEvent::Waiting { running } => TrialEvent::Waiting { running: *running },
        _ => return None,
    })
}
