//! The test-set ledger: whoever opens a test set is counted, because every look at it wears it out.

use handloom_data::{DataSource, checksum};
use handloom_engine::dataset::Dataset;
use handloom_store::TestSetAccess;

use crate::output::Output;
use crate::runs::{Run, Runs, now_ms};

/// The opening of `images`, the test set of `located`, by the command `by`, which measured `accuracy` of `model` there.
pub(crate) fn opening(
    model: &str,
    run: Option<&Run>,
    located: &DataSource,
    images: &Dataset,
    by: &str,
    accuracy: f64,
) -> TestSetAccess {
    TestSetAccess {
        run: run.map(|run| run.record.id.clone()),
        model: model.into(),
        dataset: located.name().into(),
        data_sha256: checksum::of_dataset(images),
        at_ms: now_ms(),
        by: by.into(),
        accuracy: Some(accuracy),
    }
}

/// Records `opening`, and says how often these images were opened. A store that cannot be written is reported.
pub(crate) fn count(runs: &Runs, opening: &TestSetAccess, output: &Output) -> Option<u64> {
    match runs.store.open_test(opening) {
        Ok(count) => Some(count),
        Err(error) => {
            output.warn(format!("this opening of the test set of `{}` could not be counted: {error}", opening.dataset));
            None
        }
    }
}

/// Openings of the test set of a run's data.
pub(crate) struct Openings {
    pub(crate) dataset: String,
    /// With this run's model.
    pub(crate) own: Vec<TestSetAccess>,
    /// Of the same test set, with any model.
    pub(crate) total: u64,
}

impl Openings {
    /// Those among `all`, the whole ledger.
    pub(crate) fn of(run: &Run, all: Vec<TestSetAccess>) -> Self {
        let (id, dataset) = (&run.record.id, run.record.dataset.clone());
        // `compare` opens it for two runs at once.
        let is_own = |opening: &TestSetAccess| {
            opening.run.as_ref() == Some(id) || opening.by == "compare" && opening.model.split(' ').any(|one| one == id)
        };
        let data = all.iter().rev().find(|opening| is_own(opening) && opening.dataset == dataset);
        let data = data.map(|opening| opening.data_sha256.clone());
        // A run that opened nothing knows its test set by name alone.
        let same = |opening: &&TestSetAccess| match &data {
            Some(data) => opening.data_sha256 == *data,
            None => opening.dataset == dataset,
        };
        let total = all.iter().filter(same).count() as u64;
        Self { dataset, own: all.into_iter().filter(is_own).collect(), total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn openings_are_counted_by_what_was_opened() {
        let run = |id: &str| Run {
            folder: id.into(),
            record: crate::runs::Record { id: id.into(), dataset: "mnist".into(), ..Default::default() },
        };
        let opening = |run: Option<&str>, data: &str| TestSetAccess {
            run: run.map(Into::into),
            dataset: "mnist".into(),
            data_sha256: data.into(),
            ..TestSetAccess::default()
        };
        let all =
            || vec![opening(Some("a"), "1"), opening(None, "1"), opening(Some("b"), "2"), opening(Some("a"), "1")];
        let (a, b, c) =
            (Openings::of(&run("a"), all()), Openings::of(&run("b"), all()), Openings::of(&run("c"), all()));
        assert_eq!([(a.own.len(), a.total), (b.own.len(), b.total), (c.own.len(), c.total)], [(2, 3), (1, 1), (0, 4)]);
    }
}
