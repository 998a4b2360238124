//! `/api/data`.

use serde_json::Value;

use super::{Site, Trouble};

pub(super) fn answer(site: &Site, name: Option<&str>) -> Result<Value, Trouble> {
    let (train, ..) = site.desk.data(name.unwrap_or_default())?;
    Ok(Value::from(train.len()))
}
