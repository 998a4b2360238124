//! W&B settings from the environment variables, and the logging mode that follows from them.

use std::path::PathBuf;
use std::str::FromStr;

use crate::error::{Error, Result};

/// W&B logging mode of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all.
    Off,
    /// Into files that `wandb sync` uploads.
    Offline,
    /// Into the same files, uploaded while the run goes on.
    Online,
}

/// In any case; `disabled`, `dryrun` and `run` are W&B's own words for `off`, `offline` and `online`.
impl FromStr for Mode {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "off" | "disabled" => Ok(Self::Off),
            "offline" | "dryrun" => Ok(Self::Offline),
            "online" | "run" => Ok(Self::Online),
            _ => Err(Error::Mode(text.to_owned())),
        }
    }
}

/// The variables that W&B's own client and `wandb agent` use. An empty one counts as not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `WANDB_MODE`.
    pub mode: Option<Mode>,
    /// `WANDB_PROJECT`.
    pub project: Option<String>,
    /// `WANDB_ENTITY`.
    pub entity: Option<String>,
    /// `WANDB_RUN_ID`.
    pub run_id: Option<String>,
    /// `WANDB_NAME`.
    pub name: Option<String>,
    /// `WANDB_RUN_GROUP`.
    pub group: Option<String>,
    /// `WANDB_TAGS`, separated by commas.
    pub tags: Vec<String>,
    /// `WANDB_NOTES`.
    pub notes: Option<String>,
    /// `WANDB_DIR`: where the folder `wandb` is.
    pub dir: Option<PathBuf>,
    /// `WANDB_SWEEP_ID`, which `wandb agent` sets.
    pub sweep_id: Option<String>,
    /// `WANDB_JOB_TYPE`.
    pub job_type: Option<String>,
    /// `WANDB_SILENT`: nothing but trouble is told of W&B.
    pub silent: bool,
}

impl Environment {
    /// Reads the variables through `lookup`, such as `|name| std::env::var(name).ok()`.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let text = |name| lookup(name).filter(|value| !value.trim().is_empty());
        let tags = text("WANDB_TAGS").unwrap_or_default();
        let tags = tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        Ok(Self {
            mode: text("WANDB_MODE").map(|mode| mode.parse()).transpose()?,
            project: text("WANDB_PROJECT"),
            entity: text("WANDB_ENTITY"),
            run_id: text("WANDB_RUN_ID"),
            name: text("WANDB_NAME"),
            group: text("WANDB_RUN_GROUP"),
            tags: tags.map(str::to_owned).collect(),
            notes: text("WANDB_NOTES"),
            dir: text("WANDB_DIR").map(PathBuf::from),
            sweep_id: text("WANDB_SWEEP_ID"),
            job_type: text("WANDB_JOB_TYPE"),
            silent: text("WANDB_SILENT").is_some_and(|text| ["true", "1", "yes"].contains(&&*text.to_lowercase())),
        })
    }

    /// The mode of a run: `flag` (`--wandb`), else `WANDB_MODE`, else online in a W&B sweep, else offline if a project
    /// or an entity is `named` by flags or `WANDB_PROJECT` is set, else off.
    pub fn decide(&self, flag: Option<Mode>, named: bool) -> Mode {
        let implied = if self.sweep_id.is_some() {
            Mode::Online
        } else if named || self.project.is_some() {
            Mode::Offline
        } else {
            Mode::Off
        };
        flag.or(self.mode).unwrap_or(implied)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Environment> {
        Environment::read(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_first_source_that_says_something_decides() {
        let agent = ("WANDB_SWEEP_ID", "abc");
        let project = ("WANDB_PROJECT", "p");
        let none: &[(&str, &str)] = &[];
        let cases = [
            (none, None, false, Mode::Off),
            (&[], None, true, Mode::Offline),
            (&[project], None, false, Mode::Offline),
            (&[("WANDB_PROJECT", "")], None, false, Mode::Off),
            (&[("WANDB_ENTITY", "e")], None, false, Mode::Off),
            (&[agent], None, false, Mode::Online),
            (&[agent, project], None, true, Mode::Online),
            (&[agent, ("WANDB_MODE", "disabled")], None, true, Mode::Off),
            (&[("WANDB_MODE", "Offline"), agent], None, false, Mode::Offline),
            (&[("WANDB_MODE", "online")], None, false, Mode::Online),
            (&[("WANDB_MODE", "online"), agent], Some(Mode::Off), true, Mode::Off),
            (&[("WANDB_MODE", "disabled")], Some(Mode::Online), false, Mode::Online),
        ];
        for (variables, flag, named, expected) in cases {
            assert_eq!(read(variables).unwrap().decide(flag, named), expected, "{variables:?} {flag:?} {named}");
        }
    }

    #[test]
    fn tags_are_separated_by_commas_and_everything_is_read() {
        let names = ["PROJECT", "ENTITY", "RUN_ID", "NAME", "RUN_GROUP", "NOTES", "DIR", "SWEEP_ID", "JOB_TYPE"];
        let all = Environment::read(|name| match name {
            "WANDB_TAGS" => Some(" a, b c,,".into()),
            "WANDB_MODE" => None,
            "WANDB_SILENT" => Some("True".into()),
            other => names.iter().find(|known| other == format!("WANDB_{known}")).map(|name| name.to_lowercase()),
        });
        let expected = Environment {
            mode: None,
            project: Some("project".into()),
            entity: Some("entity".into()),
            run_id: Some("run_id".into()),
            name: Some("name".into()),
            group: Some("run_group".into()),
            tags: vec!["a".into(), "b c".into()],
            notes: Some("notes".into()),
            dir: Some("dir".into()),
            sweep_id: Some("sweep_id".into()),
            job_type: Some("job_type".into()),
            silent: true,
        };
        assert_eq!(all.unwrap(), expected);
    }

    #[test]
    fn an_unknown_mode_is_an_error_that_names_the_known_ones() {
        let error = read(&[("WANDB_MODE", "onlin")]).unwrap_err().to_string();
        assert!(error.contains("`onlin`") && error.contains("`offline`"), "{error}");
    }
}
