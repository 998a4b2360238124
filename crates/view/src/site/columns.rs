//! Tables with many rows, by column: a tenth of the bytes of rows, and read without making an object for each.

use std::collections::HashMap;

use serde_json::{Value, json};

/// Columns of equal length, in the order in which a table shows them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Columns {
    rows: Option<usize>,
    columns: Vec<Value>,
}

impl Columns {
    /// No column yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A column of numbers on a `linear` or `log` scale; what is missing or not finite is `null`.
    pub(crate) fn number(self, name: &str, scale: &str, values: Vec<Option<f64>>) -> Self {
        let rows = values.len();
        self.add(rows, json!({"name": name, "kind": "number", "scale": scale, "values": numbers(values)}))
    }

    /// A column of times, Unix milliseconds.
    pub(crate) fn time(self, name: &str, values: Vec<Option<f64>>) -> Self {
        let rows = values.len();
        self.add(rows, json!({"name": name, "kind": "time", "scale": "linear", "values": numbers(values)}))
    }

    /// A column of texts.
    pub(crate) fn text(self, name: &str, values: Vec<Option<String>>) -> Self {
        let rows = values.len();
        let values: Vec<Value> = values.into_iter().map(|text| text.map_or(Value::Null, Value::String)).collect();
        self.add(rows, json!({"name": name, "kind": "text", "values": values}))
    }

    /// A column of any values, each counted among those that there are; the levels come in order.
    pub(crate) fn category(self, name: &str, values: Vec<Option<Value>>) -> Self {
        let rows = values.len();
        let mut levels: Vec<Value> = Vec::new();
        let mut known: HashMap<String, usize> = HashMap::new();
        let seen: Vec<Option<usize>> = values
            .into_iter()
            .map(|value| {
                let value = value.filter(|value| !value.is_null())?;
                let next = levels.len();
                let at = *known.entry(value.to_string()).or_insert(next);
                if at == next {
                    levels.push(value);
                }
                Some(at)
            })
            .collect();
        let mut order: Vec<usize> = (0..levels.len()).collect();
        order.sort_by(|&a, &b| compare(&levels[a], &levels[b]));
        let mut place = vec![0; levels.len()];
        for (to, &from) in order.iter().enumerate() {
            place[from] = to as i64;
        }
        let codes: Vec<i64> = seen.into_iter().map(|at| at.map_or(-1, |at| place[at])).collect();
        let levels: Vec<Value> = order.into_iter().map(|from| std::mem::take(&mut levels[from])).collect();
        self.add(rows, json!({"name": name, "kind": "category", "levels": levels, "codes": codes}))
    }

    /// As it is answered.
    #[expect(
        clippy::wrong_self_convention,
        reason = "an answer is called so everywhere, and this one is too large to copy"
    )]
    pub(crate) fn to_value(self) -> Value {
        json!({"rows": self.rows.unwrap_or(0), "columns": self.columns})
    }

    fn add(mut self, rows: usize, column: Value) -> Self {
        assert_eq!(
            *self.rows.get_or_insert(rows),
            rows,
            "columns of one table are of equal length: {}",
            column["name"]
        );
        self.columns.push(column);
        self
    }
}

fn numbers(values: Vec<Option<f64>>) -> Vec<Value> {
    values.into_iter().map(number).collect()
}

/// A number as it is answered: whole ones without a fraction, which halves what they take.
pub(crate) fn number(value: Option<f64>) -> Value {
    match value {
        Some(value) if value.fract() == 0.0 && value.abs() < 9e15 => Value::from(value as i64),
        Some(value) if value.is_finite() => Value::from(value),
        _ => Value::Null,
    }
}

/// Numbers by size, lists of numbers by their items, all else by its text.
fn compare(a: &Value, b: &Value) -> std::cmp::Ordering {
    match (a, b) {
        (Value::Number(_), Value::Number(_)) => {
            a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
        }
        (Value::Array(one), Value::Array(other)) => {
            let items = one.iter().zip(other).map(|(a, b)| compare(a, b));
            items.fold(one.len().cmp(&other.len()), std::cmp::Ordering::then)
        }
        // A single width comes before lists of several.
        (Value::Number(_), _) => std::cmp::Ordering::Less,
        (_, Value::Number(_)) => std::cmp::Ordering::Greater,
        _ => a.to_string().cmp(&b.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_values_in_order_and_what_is_missing_has_none() {
        let values = [json!([256, 128]), json!(64), Value::Null, json!(8), json!([64, 32]), json!(64)];
        let table = Columns::new().category("hidden_size", values.into_iter().map(Some).collect()).to_value();
        assert_eq!(
            table,
            json!({"rows": 6, "columns": [{
                "name": "hidden_size", "kind": "category", "levels": [8, 64, [64, 32], [256, 128]],
                "codes": [3, 1, -1, 0, 2, 1],
            }]})
        );
    }

    #[test]
    fn what_is_not_finite_is_missing_and_whole_numbers_are_whole() {
        let table = Columns::new()
            .number("x", "log", vec![Some(f64::NAN), Some(2.0), Some(0.5), None, Some(f64::INFINITY)])
            .text("t", vec![None, Some("a".into()), None, None, None])
            .time("at", vec![Some(1_700_000_000_000.0); 5])
            .to_value();
        assert_eq!(
            table["columns"][0].to_string(),
            r#"{"name":"x","kind":"number","scale":"log","values":[null,2,0.5,null,null]}"#
        );
        assert_eq!(table["columns"][1]["values"], json!([null, "a", null, null, null]));
        assert_eq!(table["columns"][2]["values"][4], json!(1_700_000_000_000_u64));
        assert_eq!(Columns::new().to_value(), json!({"rows": 0, "columns": []}));
    }

    #[test]
    #[should_panic(expected = "of equal length")]
    fn columns_of_other_lengths_are_refused() {
        let _ = Columns::new().number("a", "linear", vec![None]).number("b", "linear", vec![]);
    }
}
