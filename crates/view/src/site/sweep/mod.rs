//! `/api/sweeps`.

use serde_json::Value;

use super::{Site, Trouble};

#[derive(Default)]
pub(crate) struct Sweeps;

pub(super) fn answer(site: &Site, _id: Option<&str>) -> Result<Value, Trouble> {
    let _ = &site.sweeps;
    lines(site).map(Value::Array)
}

pub(super) fn lines(_site: &Site) -> Result<Vec<Value>, Trouble> {
    Ok(Vec::new())
}
