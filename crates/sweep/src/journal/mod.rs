//! The sweep's one source of truth: an append-only list that every machine reads in one order.

mod memory;

use std::fmt;

use handloom_engine::damage::of_json;
use serde::{Deserialize, Serialize};

use crate::space::Params;
use crate::trial::Status;

pub use memory::Memory;

/// Position of an entry in the journal. Later entries have larger numbers, and a reader that asks for the entries after
/// `seq` never misses one.
pub type Seq = i64;

/// Something that happened. An agent is one process on one machine, which may run several trials at once.
///
/// A trial's attempts are counted from 0: an entry that names another attempt than the present one is of no effect, so
/// that an agent which was cut off, and whose trial another one took over, cannot change what became of it. An entry
/// that is appended twice has the effect of one: whoever does not know whether it got there appends it again.
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
        /// Number of trials that it runs at once.
        workers: u32,
    },
    /// `agent` is alive, which its other entries say as well.
    Beat {
        /// Id of the agent.
        agent: String,
    },
    /// `agent` takes the trial: a new one if `number` is the number of trials so far. Of two claims of one attempt the
    /// earlier entry has it.
    Claimed {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Id of the agent.
        agent: String,
        /// Id of the run that records this attempt.
        run: String,
        /// Parameters to try: those of the first valid claim hold for every attempt.
        choice: Params,
    },
    /// The trial takes the result of a recorded run with the same training instead of training. What it reports and
    /// how it ended follow, as for any other trial.
    Reused {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Id of the agent that owns the trial.
        agent: String,
        /// Id of the recorded run.
        run: String,
    },
    /// The metric after an epoch.
    Reported {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Id of the agent that owns the trial.
        agent: String,
        /// From 1; the first report of an epoch counts.
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
        /// Id of the agent that owns the trial.
        agent: String,
        /// Status at its end.
        status: Status,
        /// Why, if it failed or diverged.
        why: Option<String>,
    },
    /// Nobody works on this attempt any more: the trial is pending again, and its next attempt may be claimed.
    Released {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Id of the agent that says so: the trial's own, which was asked to stop or whose machine cannot run it, or
        /// another one, which found it gone.
        agent: String,
        /// Fault of its agent's machine, if that is the reason. It is no fault of the trial.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// The process that ran this attempt is gone, as `agent` found. The trial is pending again, or failed if this
    /// happened too often: see [`State::apply`](crate::State::apply).
    Died {
        /// Trial.
        number: u64,
        /// Attempt.
        attempt: u32,
        /// Id of the agent that says so.
        agent: String,
    },
    /// A failed trial is pending again, and what happened to its attempts no longer counts against it.
    Retried {
        /// Trial.
        number: u64,
        /// The attempt that failed.
        attempt: u32,
    },
    /// A run was removed from the store: trials whose result it holds are removed.
    Removed {
        /// Id of the run.
        run: String,
    },
    /// The process ends in an orderly way.
    Left {
        /// Id of the agent.
        agent: String,
    },
    /// No trial is to begin, be it new or pending; those that run may end.
    Stopped,
    /// Trials may begin again.
    Resumed,
    /// The sweep is to have so many trials in all; the last of these entries counts.
    Capped {
        /// Trials.
        trials: u64,
    },
}

/// Why a text is no entry.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unread {
    /// A kind that this program does not know.
    #[error("a newer program wrote the entry: its kind is `{kind}`\nhint: use that program here, too")]
    Newer {
        /// The kind.
        kind: String,
    },
    /// Not what was written.
    #[error("the entry is damaged: {why}")]
    Damaged {
        /// Reason.
        why: String,
    },
}

impl Entry {
    /// Every kind, as it is written.
    pub const KINDS: [&str; 14] = [
        "joined", "beat", "claimed", "reused", "reported", "ended", "released", "died", "retried", "removed", "left",
        "stopped", "resumed", "capped",
    ];

    /// The entry as JSON.
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("an entry has no keys but strings")
    }

    /// The entry that `text` is.
    pub fn parse(text: &str) -> Result<Self, Unread> {
        #[derive(Deserialize)]
        struct Kind {
            kind: String,
        }
        serde_json::from_str(text).map_err(|error| match serde_json::from_str(text) {
            Ok(Kind { kind }) if !Self::KINDS.contains(&kind.as_str()) => Unread::Newer { kind },
            _ => Unread::Damaged { why: of_json(&error) },
        })
    }

    /// Id of the agent that appended it, if it was an agent.
    pub fn agent(&self) -> Option<&str> {
        match self {
            Self::Joined { agent, .. }
            | Self::Beat { agent }
            | Self::Claimed { agent, .. }
            | Self::Reused { agent, .. }
            | Self::Reported { agent, .. }
            | Self::Ended { agent, .. }
            | Self::Released { agent, .. }
            | Self::Died { agent, .. }
            | Self::Left { agent } => Some(agent),
            Self::Retried { .. } | Self::Removed { .. } | Self::Stopped | Self::Resumed | Self::Capped { .. } => None,
        }
    }
}

/// An entry as the journal keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Stamped {
    /// Its place.
    pub seq: Seq,
    /// When it was appended: Unix time in milliseconds by the clock of the database, the same for every machine.
    pub at_ms: i64,
    /// The entry.
    pub entry: Entry,
}

/// Entries of a journal from some position on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// The time now, by the clock of the database.
    pub now_ms: i64,
    /// Every entry after the one asked for, oldest first.
    pub entries: Vec<Stamped>,
}

/// An append-only list shared by agents.
///
/// Two that append at once do so one after the other: a reader never sees an entry before one that comes earlier.
pub trait Journal: Send + Sync {
    /// Appends `entries` in one transaction.
    fn append(&self, entries: &[Entry]) -> Result<(), Error>;

    /// Every entry after `seq`, 0 being the beginning.
    fn read(&self, after: Seq) -> Result<Page, Error>;
}

/// The journal could not be read or written.
#[derive(Debug)]
pub struct Error {
    /// True if a later attempt may succeed: a lock, a full disk, a lost connection.
    pub temporary: bool,
    /// Error of the store.
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// An entry of every kind.
    fn all() -> Vec<Entry> {
        let (number, attempt) = (u64::MAX, u32::MAX);
        let agent = || "a \"ü\" \u{0}".to_owned();
        let choice =
            json!({"optimizer": "nadam", "learning_rate": 0.1 + 0.2, "hidden_size": [64, 32], "shuffle": true});
        let choice: Params = serde_json::from_value(choice).unwrap();
        let ended =
            Entry::Ended { number, attempt, agent: agent(), status: Status::Failed, why: Some("two\nlines".into()) };
        vec![
            Entry::Joined { agent: agent(), host: "höst".into(), process: u32::MAX, workers: 8 },
            Entry::Beat { agent: agent() },
            Entry::Claimed { number, attempt, agent: agent(), run: "r".into(), choice },
            Entry::Reused { number, attempt, agent: agent(), run: "r".into() },
            Entry::Reported { number, attempt, agent: agent(), epoch: 1, value: Some(f64::MIN_POSITIVE) },
            ended,
            Entry::Released { number, attempt, agent: agent(), why: Some("no space left".into()) },
            Entry::Died { number, attempt, agent: agent() },
            Entry::Retried { number, attempt },
            Entry::Removed { run: "r".into() },
            Entry::Left { agent: agent() },
            Entry::Stopped,
            Entry::Resumed,
            Entry::Capped { trials: u64::MAX },
        ]
    }

    #[test]
    fn every_kind_is_read_as_it_is_written() {
        let kinds: Vec<String> = all()
            .iter()
            .map(|entry| {
                assert_eq!(Entry::parse(&entry.text()).as_ref(), Ok(entry));
                serde_json::to_value(entry).unwrap()["kind"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(kinds, Entry::KINDS);
    }

    #[test]
    fn what_a_newer_program_wrote_is_told_from_what_is_damaged() {
        let newer = Entry::parse(r#"{"kind":"paused","agent":"a"}"#).unwrap_err();
        assert!(matches!(&newer, Unread::Newer { kind } if kind == "paused") && newer.to_string().contains("hint:"));
        for text in ["", "{", "[]", r#"{"kind":"beat"}"#, r#"{"kind":7}"#, r#"{"agent":"a"}"#] {
            let error = Entry::parse(text).unwrap_err();
            assert!(matches!(error, Unread::Damaged { .. }), "{text}: {error}");
        }
        // Further fields of an entry are ignored.
        assert!(Entry::parse(r#"{"kind":"beat","agent":"a","load":0.5}"#).is_ok());
    }

    #[test]
    fn what_an_older_program_wrote_is_read_and_what_it_knows_is_written_as_it_wrote_it() {
        let text = r#"{"kind":"released","number":3,"attempt":1,"agent":"a"}"#;
        let released = Entry::Released { number: 3, attempt: 1, agent: "a".into(), why: None };
        assert_eq!((Entry::parse(text), released.text().as_str()), (Ok(released), text));
    }
}
