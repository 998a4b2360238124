//! `/api/compare`.

use serde_json::Value;

use super::route::Query;
use super::{Site, Trouble};

pub(super) fn answer(_site: &Site, query: &Query) -> Result<Value, Trouble> {
    query.must("a")?;
    Err(Trouble::new(404, "not in this build", ""))
}
