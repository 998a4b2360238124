//! One side of a comparison: a run, or several.

use anyhow::Result;

use crate::exit::Failure;
use crate::runs::{Run, Runs};

/// The runs on one side.
pub(super) struct Side {
    /// As typed.
    pub(super) label: String,
    /// At least one, each once, the earliest started first.
    pub(super) runs: Vec<Run>,
}

impl Side {
    /// The side that `name` means: `group:NAME`, `tag:NAME`, runs with commas between, or a run.
    pub(super) fn named(name: &str, all: &[Run], runs: &Runs) -> Result<Self> {
        let of = |keep: &dyn Fn(&Run) -> bool| all.iter().filter(|run| keep(run)).cloned().collect::<Vec<_>>();
        let found = if let Some(group) = name.strip_prefix("group:") {
            of(&|run| run.record.group.as_deref() == Some(group))
        } else if let Some(tag) = name.strip_prefix("tag:") {
            of(&|run| run.record.tags.iter().any(|known| known == tag))
        } else {
            runs.find_each(all, name.split(',').map(str::trim).filter(|name| !name.is_empty()))?
        };
        if found.is_empty() {
            let mut known: Vec<String> = all.iter().filter_map(|run| run.record.group.clone()).collect();
            known.sort();
            known.dedup();
            known.truncate(10);
            let hint = if known.is_empty() {
                "`handloom train --group NAME` or `handloom tag RUN TAG` makes one".into()
            } else {
                format!("groups: {}", known.join(" "))
            };
            return Err(Failure::usage(format!("there is no run in `{name}`\nhint: {hint}")));
        }
        Ok(Self { label: name.into(), runs: found })
    }
}
