//! Identity of a run at W&B: id, project, name, group and tags.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::chart::Chart;
use super::record::{GitRepo, Item, Run, Timestamp, Update};
use crate::error::{Error, Result};

/// Longest id that W&B takes, in characters.
const MAX_ID: usize = 128;

/// Description of a run, sent to W&B at its start. Empty texts are left out.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The run's id in its project; W&B's own are 8 characters `[a-z0-9]`.
    pub id: String,
    /// Project; W&B calls a missing one `uncategorized`.
    pub project: String,
    /// User or team; W&B takes the default of whoever uploads if it is empty.
    pub entity: String,
    /// Name to show.
    pub name: String,
    /// Group of runs.
    pub group: String,
    /// Job type, such as `train`.
    pub job_type: String,
    /// Tags.
    pub tags: Vec<String>,
    /// Notes.
    pub notes: String,
    /// Id of the W&B sweep that the run is a trial of.
    pub sweep_id: String,
    /// Name of the machine.
    pub host: String,
    /// Version of the program.
    pub version: String,
    /// The command line, the program first.
    pub command: Vec<String>,
    /// The code, if it is under version control.
    pub git: Option<Git>,
    /// Start, in milliseconds since 1970.
    pub started_ms: u64,
    /// The whole configuration, flat. Old clients upload no later addition.
    pub config: Map<String, Value>,
    /// The charts that will be drawn; W&B wants their definitions beforehand.
    pub charts: Vec<Chart>,
    /// `_step` of the first row. Rows of a resumed run go on after those that were written before.
    pub first_step: u64,
}

/// Git remote and commit of the code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Git {
    /// Address of the repository.
    pub remote: String,
    /// Commit.
    pub commit: String,
}

impl Identity {
    /// Checks that W&B accepts the id and that a folder can be named after it.
    pub fn check_id(&self) -> Result<()> {
        let forbidden = |c: char| matches!(c, '/' | '\\' | '#' | '?' | '%' | ':') || c.is_control();
        let id = &self.id;
        let length = id.chars().count();
        if id.trim() != id || !(1..=MAX_ID).contains(&length) || id.contains(forbidden) {
            return Err(Error::RunId(id.clone()));
        }
        Ok(())
    }

    /// The run record.
    pub(super) fn to_record(&self) -> Run {
        let plain = self.config.iter().map(|(key, value)| Item::new(key.clone(), value));
        // At their paths, so that what the clients themselves keep under `_wandb` stays.
        let charts =
            self.charts.iter().map(|chart| Item::nested(&["_wandb", "visualize", chart.key()], &chart.definition()));
        let git = self.git.as_ref();
        Run {
            id: self.id.clone(),
            entity: self.entity.clone(),
            project: self.project.clone(),
            config: Some(Update { update: plain.chain(charts).collect() }),
            group: self.group.clone(),
            job_type: self.job_type.clone(),
            display_name: self.name.clone(),
            notes: self.notes.clone(),
            tags: self.tags.clone(),
            sweep_id: self.sweep_id.clone(),
            host: self.host.clone(),
            starting_step: self.first_step as i64,
            start_time: Some(Timestamp::from_ms(self.started_ms)),
            git: git.map(|git| GitRepo { remote_url: git.remote.clone(), commit: git.commit.clone() }),
        }
    }

    /// `wandb-metadata.json`: what the run's overview shows of program, command and machine.
    pub(super) fn to_metadata(&self) -> Value {
        let started = jiff::Timestamp::from_millisecond(self.started_ms as i64).unwrap_or_default();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let (program, args) = self.command.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
        let mut metadata = BTreeMap::from([
            ("os", json!(std::env::consts::OS)),
            ("startedAt", json!(started.to_string())),
            ("program", json!(program)),
            ("args", json!(args)),
            ("host", json!(self.host)),
            ("cpu_count_logical", json!(threads)),
            ("handloom", json!(self.version)),
        ]);
        if let Some(git) = &self.git {
            metadata.insert("git", json!({"remote": git.remote, "commit": git.commit}));
        }
        json!(metadata)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_leave_their_folder_or_that_wandb_refuses_are_errors() {
        let check = |id: &str| Identity { id: id.into(), ..Identity::default() }.check_id();
        let long = "x".repeat(129);
        for id in ["", "a/b", "..\\b", " a", "a\n", "a:b", "50%", &long] {
            assert!(check(id).is_err(), "{id:?}");
        }
        for id in ["7f3kabcd", "my run 3", "größe", &long[1..]] {
            assert!(check(id).is_ok(), "{id:?}");
        }
    }

    #[test]
    fn metadata_names_program_and_arguments_apart() {
        let command = ["handloom", "train", "-e", "3"].map(String::from).to_vec();
        let git = Some(Git { remote: "https://example.org/x.git".into(), commit: "0f".into() });
        let identity = Identity { command, git, started_ms: 1_500, ..Identity::default() };
        let metadata = identity.to_metadata();
        assert_eq!((&metadata["program"], &metadata["args"]), (&json!("handloom"), &json!(["train", "-e", "3"])));
        assert_eq!(
            (&metadata["startedAt"], &metadata["git"]["commit"]),
            (&json!("1970-01-01T00:00:01.5Z"), &json!("0f"))
        );
        assert_eq!(Identity::default().to_metadata()["args"], json!([]));
    }
}
