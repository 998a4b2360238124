//! `POST /api/runs/ID/labels`: name, tags and notes of a run.

use serde_json::{Value, json};

use super::{Site, Trouble};

/// Longest name or tag, in characters; a line of a terminal has room for less.
const LONGEST: usize = 200;
/// Longest notes, in characters.
const NOTES: usize = 20_000;
/// Most tags.
const TAGS: usize = 100;

/// Labels as they are to be; none of them is what stays as it is.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    name: Option<String>,
    tags: Option<Vec<String>>,
    notes: Option<String>,
}

pub(super) fn act(site: &Site, id: &str, body: &Value) -> Result<Value, Trouble> {
    if !site.may_edit {
        return Err(Trouble::new(403, "this server only shows", "start it with `handloom ui --allow-edit`"));
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
    // A run that is not there is told of in the same words as everywhere.
    let run = site.run(id)?;
    debug_assert!(found, "a run that is read was there to be changed");
    Ok(json!({"name": run.name, "tags": run.tags, "notes": run.notes}))
}

impl Wanted {
    fn read(body: &Value) -> Result<Self, Trouble> {
        let wrong = |what: &str| Trouble::new(400, format!("labels are wrong: {what}"), "send `name`, `tags`, `notes`");
        let object = body.as_object().ok_or_else(|| wrong("not an object"))?;
        let mut wanted = Self::default();
        for (key, value) in object {
            match key.as_str() {
                "name" => wanted.name = Some(short("name", value)?),
                "tags" => {
                    let tags = value
                        .as_array()
                        .filter(|tags| tags.len() <= TAGS)
                        .ok_or_else(|| wrong("`tags` is no short list"))?;
                    let mut distinct: Vec<String> = Vec::new();
                    for tag in tags {
                        let tag = short("tag", tag)?;
                        if !distinct.contains(&tag) {
                            distinct.push(tag);
                        }
                    }
                    wanted.tags = Some(distinct);
                }
                "notes" => {
                    let notes =
                        value.as_str().or(value.is_null().then_some("")).filter(|notes| notes.chars().count() <= NOTES);
                    wanted.notes =
                        Some(notes.ok_or_else(|| wrong("`notes` is no text of a reasonable length"))?.into());
                }
                other => return Err(wrong(&format!("there is no `{other}`"))),
            }
        }
        Ok(wanted)
    }
}

/// A text that fits into one line.
fn short(what: &str, value: &Value) -> Result<String, Trouble> {
    let text = value.as_str().unwrap_or_default().trim();
    let why = if text.is_empty() {
        "is empty"
    } else if text.chars().count() > LONGEST {
        "is longer than 200 characters"
    } else if text.chars().any(char::is_control) {
        "has control characters or line breaks in it"
    } else {
        return Ok(text.into());
    };
    Err(Trouble::new(400, format!("the {what} {why}"), "write a short text on one line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_short_texts_and_what_is_not_named_stays() {
        let wanted = Wanted::read(&json!({"name": " a <b> ", "tags": ["x", "x", "y z"]})).unwrap();
        let tags = Some(vec!["x".to_owned(), "y z".to_owned()]);
        assert_eq!(wanted, Wanted { name: Some("a <b>".into()), tags, notes: None });
        assert_eq!(Wanted::read(&json!({"notes": null})).unwrap().notes.as_deref(), Some(""));
        for wrong in [
            json!([]),
            json!({"name": ""}),
            json!({"name": 1}),
            json!({"name": "a\nb"}),
            json!({"tags": "x"}),
            json!({"tags": ["x".repeat(201)]}),
            json!({"notes": ["x"]}),
            json!({"id": "b"}),
        ] {
            assert_eq!(Wanted::read(&wrong).unwrap_err().status, 400, "{wrong}");
        }
    }
}
