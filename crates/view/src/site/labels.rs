//! `POST /api/runs/ID/labels`: name, tags and notes of a run.

use serde_json::{Value, json};

use super::{ApiError, Site};
use crate::harmless;

/// Labels as they are to be; none of them is what stays as it is.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    name: Option<String>,
    tags: Option<Vec<String>>,
    notes: Option<String>,
}

pub(super) fn act(site: &Site, id: &str, body: &Value) -> Result<Value, ApiError> {
    if let Some(why) = &site.edit_refused {
        return Err(ApiError::new(403, why, "ask its owner for the right to write"));
    }
    if !site.may_edit {
        return Err(ApiError::new(403, "this server only shows", "start it with `handloom ui --allow-edit`"));
    }
    let Wanted { name, tags, notes } = Wanted::read(body)?;
    let found = site.store.relabel(id, &|labels| {
        if let Some(name) = &name {
            labels.name.clone_from(name);
        }
        if let Some(tags) = &tags {
            labels.tags.clone_from(tags);
        }
        if let Some(notes) = &notes {
            labels.notes = Some(notes.clone()).filter(|notes| !notes.trim().is_empty());
        }
    })?;
    // A run that is not there gets the same error as everywhere.
    let run = site.run(id)?;
    debug_assert!(found, "a run that is read was there to be changed");
    Ok(json!({"name": run.name, "tags": run.tags, "notes": run.notes}))
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, ApiError> {
        let wrong =
            |what: &str| ApiError::new(400, format!("labels are wrong: {what}"), "send `name`, `tags`, `notes`");
        let object = body.as_object().ok_or_else(|| wrong("not an object"))?;
        let mut wanted = Self::default();
        for (key, value) in object {
            match key.as_str() {
                "name" => wanted.name = Some(short("name", value)?),
                "tags" => {
                    let tags = value
                        .as_array()
                        .filter(|tags| tags.len() <= harmless::MOST_TAGS)
                        .ok_or_else(|| wrong("`tags` is no short list"))?;
                    let mut distinct: Vec<String> = Vec::new();
                    // A comma stands between tags wherever they are typed, so it cannot stand in one.
                    let split = |tag: &Value| match tag.as_str() {
                        Some(text) => text.split(',').map(Value::from).collect(),
                        None => vec![tag.clone()],
                    };
                    for tag in tags.iter().flat_map(split) {
                        let tag = short("tag", &tag)?;
                        if !distinct.contains(&tag) {
                            distinct.push(tag);
                        }
                    }
                    wanted.tags = Some(distinct);
                }
                "notes" => {
                    let notes = value.as_str().or(value.is_null().then_some(""));
                    let notes = notes.ok_or_else(|| wrong("`notes` is no text"))?;
                    wanted.notes = Some(harmless::notes(notes).map_err(|why| wrong(&format!("the notes {why}")))?);
                }
                other => return Err(wrong(&format!("there is no `{other}`"))),
            }
        }
        Ok(wanted)
    }
}

/// A text that fits into one line.
fn short(what: &str, value: &Value) -> Result<String, ApiError> {
    harmless::label(value.as_str().unwrap_or_default())
        .map_err(|why| ApiError::new(400, format!("the {what} {why}"), "write a short text on one line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_texts_and_what_is_not_named_stays() {
        let wanted = Wanted::read(&json!({"name": " a <b> ", "tags": ["x", "x, y z"]})).unwrap();
        let tags = Some(vec!["x".to_owned(), "y z".to_owned()]);
        assert_eq!(wanted, Wanted { name: Some("a <b>".into()), tags, notes: None });
        assert_eq!(Wanted::read(&json!({"notes": null})).unwrap().notes.as_deref(), Some(""));
        for wrong in [
            json!([]),
            json!({"name": ""}),
            json!({"name": 1}),
            json!({"name": "a\nb"}),
            json!({"name": "a\u{202e}b"}),
            json!({"notes": "a\u{1b}[2J"}),
            json!({"tags": "x"}),
            json!({"tags": ["x".repeat(201)]}),
            json!({"notes": ["x"]}),
            json!({"id": "b"}),
        ] {
            assert_eq!(Wanted::read(&wrong).unwrap_err().status, 400, "{wrong}");
        }
    }
}
