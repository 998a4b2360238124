//! `/api/runs/ID/errors`.

use serde_json::Value;

use super::route::Query;
use super::{Site, Trouble};

pub(super) fn answer(site: &Site, id: &str, _query: &Query) -> Result<Value, Trouble> {
    site.run(id)?;
    Err(Trouble::new(404, "not in this build", ""))
}

pub(super) fn cell(site: &Site, id: &str, query: &Query) -> Result<Value, Trouble> {
    answer(site, id, query)
}
