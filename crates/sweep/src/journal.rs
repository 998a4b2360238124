//! The sweep's one source of truth: an append-only list that every machine reads in one order.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::space::Choice;
use crate::trial::Status;

/// Where an entry stands in the journal: later entries have larger numbers, and a reader that asks for what is after
/// `seq` never misses one.
pub type Seq = i64;

/// Something that happened. An agent is one process on one machine, which may run several trials at once.
///
/// A trial's attempts are counted from 0: an entry that names another attempt than the present one is of no effect, so
/// that an agent which was cut off, and whose trial another one took over, cannot change what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entry {
    /// A process begins to work.
    Joined {
        /// Its id, which no other process has.
        agent: String,
        /// Its machine.
        host: String,
        /// Its process id.
        process: u32,
        /// How many trials it runs at once.
        workers: u32,
    },
    /// `agent` is alive, which its other entries say as well.
    Beat {
        /// Who.
        agent: String,
    },
    /// `agent` takes the trial: a new one if `number` is the number of trials so far. Of two claims of one attempt the
    /// earlier entry has it.
    Claimed {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Who.
        agent: String,
        /// Id of the run that records this attempt.
        run: String,
        /// What is tried: that of the first valid claim holds for every attempt.
        choice: Choice,
    },
    /// The metric after an epoch.
    Reported {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// From 1.
        epoch: u64,
        /// The metric as measured; none if it is not finite.
        value: Option<f64>,
    },
    /// The trial is over: `status` is finished, pruned, failed or diverged.
    Ended {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// What became of it.
        status: Status,
        /// Why, if it failed.
        why: Option<String>,
    },
    /// Nobody works on this attempt any more: the trial is pending again, and its next attempt may be claimed.
    Released {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Who says so: its agent, which was asked to stop, or another one, which found that it died.
        agent: String,
    },
    /// The process ends in an orderly way.
    Left {
        /// Who.
        agent: String,
    },
    /// No new trial is to begin.
    Stopped,
    /// New trials may begin again.
    Resumed,
    /// The sweep is to have so many trials in all.
    Capped {
        /// Trials.
        trials: u64,
    },
}

/// An entry as the journal keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// Its place.
    pub seq: Seq,
    /// When it was appended: Unix time in milliseconds by the clock of the database, the same for every machine.
    pub at_ms: i64,
    /// What happened.
    pub entry: Entry,
}

/// What a journal answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The time now, by the clock of the database.
    pub now_ms: i64,
    /// Every entry after the one asked for, oldest first.
    pub entries: Vec<Stamped>,
}

/// An append-only list shared by agents.
pub trait Journal: Send + Sync {
    /// Appends `entries` in one transaction.
    fn append(&self, entries: &[Entry]) -> Result<(), Error>;

    /// Every entry after `seq`, 0 being the beginning.
    fn read(&self, after: Seq) -> Result<Page, Error>;
}

/// The journal could not be read or written.
#[derive(Debug)]
pub struct Error {
    /// Whether it may work later: a lock, a full disk, a lost connection.
    pub temporary: bool,
    /// What the store said.
    pub cause: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(to)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.source()
    }
}
