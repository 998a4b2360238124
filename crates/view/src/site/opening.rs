//! `POST /api/runs/ID/test`: opens the test set for a run, which the ledger counts.

use std::thread::available_parallelism;

use handloom_engine::Machine;
use handloom_engine::loss::LossKind;
use serde_json::Value;

use super::route::Query;
use super::{ApiError, Site, errors};

pub(super) fn act(site: &Site, id: &str) -> Result<Value, ApiError> {
    let run = site.run(id)?;
    // A second click opens it once all the same.
    let (opened, _) = site.host.test_openings(&run)?;
    if !opened {
        let (model, test) = (site.host.model(&run)?, site.host.test(&run)?);
        if model.network.inputs() != test.pixels() || model.network.classes() != test.classes.len() {
            let error = format!("the model of run `{id}` does not fit the images of `{}`", run.dataset);
            return Err(ApiError::new(409, error, "the data set is not the one that trained it"));
        }
        let rows: Vec<u32> = (0..test.len() as u32).collect();
        let machine = Machine::new(available_parallelism().map_or(1, usize::from));
        let loss = LossKind::named("cross_entropy").expect("is in the list");
        let tally = model.network.evaluate(&test, &rows, &loss, &machine);
        site.host.open_test(&run, tally.accuracy())?;
    }
    errors::answer(site, id, &Query::read("set=test")?)
}
