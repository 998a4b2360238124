//! The test-set ledger: whoever opens a test set is counted, because every look at it wears it out.

use handloom_data::{Located, checksum};
use handloom_engine::dataset::Dataset;
use handloom_store::Opening;

use crate::output::Output;
use crate::runs::{Run, Runs, now_ms};

/// The opening of `images`, the test set of `located`, by the command `by`, which measured `accuracy` of `model` there.
pub(crate) fn opening(
    model: &str,
    run: Option<&Run>,
    located: &Located,
    images: &Dataset,
    by: &str,
    accuracy: f64,
) -> Opening {
    Opening {
        run: run.map(|run| run.record.id.clone()),
        model: model.into(),
        dataset: located.name().into(),
        data_sha256: checksum::of_dataset(images),
        at_ms: now_ms(),
        by: by.into(),
        accuracy: Some(accuracy),
    }
}

/// Records `opening`, and says how often these images were opened. A store that cannot be written is told of.
pub(crate) fn count(runs: &Runs, opening: &Opening, output: &Output) -> Option<u64> {
    match runs.store.open_test(opening) {
        Ok(count) => Some(count),
        Err(error) => {
            output.warn(format!("this opening of the test set of `{}` is not recorded: {error}", opening.dataset));
            None
        }
    }
}
