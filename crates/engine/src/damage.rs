//! Errors of parsers in words for the person whose file is damaged.

use safetensors::SafeTensorError;
use serde_json::error::Category;

/// A mistake in JSON that this program wrote itself: names of missing fields, else only that it is damaged.
pub fn of_json(error: &serde_json::Error) -> String {
    let said = error.to_string();
    let said = said.split(" at line ").next().unwrap_or_default();
    if let Some((name, _)) = said.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected")) {
        return format!("{name} in column {} is not a known value", error.column());
    }
    match (error.classify(), said.strip_prefix("missing field ")) {
        (_, Some(field)) => format!("it has no {field}"),
        (Category::Eof, _) => "it ends too soon".into(),
        (Category::Data, _) => format!("a value in column {} is of the wrong kind", error.column()),
        _ => format!("it is damaged in column {}", error.column()),
    }
}

/// A mistake in the bytes of a safetensors file.
pub(crate) fn of_tensors(error: &SafeTensorError) -> String {
    match error {
        SafeTensorError::HeaderTooSmall => "it is too short".into(),
        SafeTensorError::HeaderTooLarge | SafeTensorError::InvalidHeaderLength => {
            "its header is longer than the file".into()
        }
        SafeTensorError::InvalidHeader(_) => "its header is not text in UTF-8".into(),
        SafeTensorError::InvalidHeaderDeserialization(error) | SafeTensorError::JsonError(error) => {
            format!("its header: {}", of_json(error))
        }
        SafeTensorError::MetadataIncompleteBuffer => "its tensors do not fill it: it is cut off or damaged".into(),
        SafeTensorError::InvalidOffset(name) => format!("tensor `{name}` is not where the header says"),
        SafeTensorError::TensorInvalidInfo => "the shape of a tensor does not fit its bytes".into(),
        _ => "its header is damaged".into(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Sample {
        #[expect(dead_code, reason = "only reading it is tested")]
        version: u32,
    }

    #[test]
    fn json_is_told_without_names_of_types() {
        for (text, expected) in [
            ("{}", "it has no `version`"),
            ("{\"version\": \"x\"}", "a value in column 15 is of the wrong kind"),
            ("{\"version\": -1}", "a value in column 14 is of the wrong kind"),
            ("{\"version\"", "it ends too soon"),
            ("{{", "it is damaged in column 2"),
        ] {
            assert_eq!(of_json(&serde_json::from_str::<Sample>(text).unwrap_err()), expected, "{text}");
        }
    }
}
