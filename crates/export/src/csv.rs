//! Runs as CSV (RFC 4180), for spreadsheets and data frames.
//!
//! A null is an empty cell, a list is its values with spaces between, as `--hidden-size` takes them.
//!
//! A text that a spreadsheet would take for a formula gets `'` before it: those that begin with `=`, `+`, `-`, `@`,
//! a tab or a line break and are not numbers. Names, notes and tags come from users, and tables are passed on
//! (<https://owasp.org/www-community/attacks/CSV_Injection>).

use std::path::Path;

use handloom_engine::model::write_atomically;
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Writes the table, whole or not at all.
pub fn save(columns: &[String], rows: &[Map<String, Value>], path: &Path) -> Result<()> {
    write_atomically(path, &to_bytes(columns, rows)?)?;
    Ok(())
}

/// The bytes of the file: a line of names, then one for each of `rows`, which may lack columns.
pub fn to_bytes(columns: &[String], rows: &[Map<String, Value>]) -> Result<Vec<u8>> {
    // A line without any comma would be read as no line if it were empty: the writer quotes it then.
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    writer.write_record(columns.iter().map(|name| harmless(name.clone())))?;
    for row in rows {
        writer.write_record(columns.iter().map(|name| row.get(name).map_or_else(String::new, cell)))?;
    }
    writer.into_inner().map_err(|error| Error::Csv(error.into_error().into()))
}

fn cell(value: &Value) -> String {
    match value {
        // A number cannot be a formula.
        Value::Number(number) => number.to_string(),
        other => harmless(text(other)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

fn harmless(text: String) -> String {
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    if !is_number && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(columns: &[&str], rows: &[Value]) -> String {
        let columns: Vec<_> = columns.iter().map(ToString::to_string).collect();
        let rows: Vec<_> = rows.iter().map(|row| row.as_object().unwrap().clone()).collect();
        String::from_utf8(to_bytes(&columns, &rows).unwrap()).unwrap()
    }

    #[test]
    fn lists_are_joined_and_nulls_and_missing_values_are_empty() {
        let rows = [
            json!({"run": "a1", "hidden_size": [256, 128], "val_accuracy": 0.9, "tags": ["x", "y z"], "done": true}),
            json!({"val_accuracy": null, "run": "b2", "extra": 1, "tags": []}),
        ];
        let expected = "run,hidden_size,val_accuracy,tags,done\na1,256 128,0.9,x y z,true\nb2,,,,\n";
        assert_eq!(lines(&["run", "hidden_size", "val_accuracy", "tags", "done"], &rows), expected);
    }

    #[test]
    fn texts_survive_commas_quotes_and_line_breaks() {
        let text = "a, \"b\"\nc";
        let bytes = lines(&["notes"], &[json!({"notes": text})]);
        let mut reader = ::csv::Reader::from_reader(bytes.as_bytes());
        assert_eq!(reader.records().next().unwrap().unwrap().get(0), Some(text));
    }

    #[test]
    fn formulas_become_texts_and_numbers_stay_numbers() {
        // The dashboard's own CSV passes the same cases: crates/view/web/tests/format.test.js.
        let cases: Vec<Value> = serde_json::from_str(include_str!("../goldens/csv.json")).unwrap();
        for case in &cases {
            assert_eq!(cell(&case["value"]), case["cell"], "{case}");
        }
        assert_eq!(cell(&json!(-1e-7)), "-1e-7");
        assert_eq!(lines(&["=A1"], &[]), "'=A1\n");
    }
}
