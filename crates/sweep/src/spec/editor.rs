//! The schema of sweep files for editors, from the tables that files are read by.

use handloom_engine::config::KEYS;
use serde_json::{Map, Value, json};

use super::metric::METRICS;
use super::schema::{FILE, Field, METRIC, SCHEDULER, SHAPES, STOPPING, Shape, Takes};

/// The JSON schema (draft 7) of a sweep file.
pub fn json_schema() -> Value {
    let mut file = object(FILE, &["method", "parameters"]);
    file["properties"]["parameters"] = json!({"$ref": "#/definitions/parameters"});
    file["properties"]["metric"] = object(METRIC, &["name"]);
    file["properties"]["metric"]["properties"]["name"]["examples"] = json!(METRICS);
    file["properties"]["early_terminate"] = object(STOPPING, &["type"]);
    file["properties"]["early_terminate"]["anyOf"] = json!([
        {"required": ["min_iter"]},
        {"required": ["max_iter", "s"]},
        {"properties": {"type": {"const": "median"}}},
    ]);
    file["properties"]["early_terminate"]["properties"]["eta"]["exclusiveMinimum"] = json!(1);
    file["properties"]["scheduler"] = object(SCHEDULER, &["engine"]);
    file["properties"]["controller"]["properties"] = json!({"type": {"enum": ["local", "cloud"]}});
    file["properties"]["controller"]["required"] = json!(["type"]);
    // There is no method that takes several metrics.
    file["properties"]["metrics"] = json!(false);
    let settings: Map<String, Value> = KEYS
        .iter()
        .flat_map(|key| std::iter::once(&key.name).chain(key.aliases).map(move |name| (*name, key)))
        .map(|(name, key)| {
            let entry = json!({"description": key.help, "allOf": [{"$ref": "#/definitions/parameter"}]});
            (name.to_owned(), entry)
        })
        .collect();
    let shapes: Vec<Value> = SHAPES
        .iter()
        .map(named)
        .chain([json!({
            "type": "object",
            "description": "Parameters of their own",
            "properties": {"parameters": {"$ref": "#/definitions/parameters"}},
            "required": ["parameters"],
            "additionalProperties": false,
        })])
        .collect();
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Handloom sweep",
        "description": "A W&B sweep file whose parameters are settings of `handloom train`.",
    });
    if let (Value::Object(schema), Value::Object(file)) = (&mut schema, file) {
        schema.extend(file);
    }
    schema["definitions"] = json!({
        "parameters": {
            "type": "object",
            "description": "Settings by name, each with its values",
            "minProperties": 1,
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_.-]*$"},
            "properties": settings,
            "additionalProperties": {"$ref": "#/definitions/parameter"},
        },
        "parameter": {"anyOf": shapes},
    });
    schema
}

fn object(fields: &[Field], required: &[&str]) -> Value {
    let property = |field: &Field| {
        let mut value = match field.takes {
            Takes::Text => json!({"type": "string"}),
            Takes::Word(words) => json!({"enum": words}),
            Takes::Whole(least) => json!({"type": "integer", "minimum": least}),
            Takes::Number => json!({"type": "number"}),
            Takes::Truth => json!({"type": "boolean"}),
            Takes::List => json!({"type": "array"}),
            Takes::Map => json!({"type": "object"}),
        };
        let ignored = field.ignored.map(|why| format!(" (ignored: {why})")).unwrap_or_default();
        value["description"] = json!(format!("{}{ignored}", field.about));
        (field.name.to_owned(), value)
    };
    json!({
        "type": "object",
        "properties": fields.iter().map(property).collect::<Map<_, _>>(),
        "required": required,
        "additionalProperties": false,
    })
}

/// The forms of a distribution: named, and where its keys say it all also unnamed.
fn named(shape: &Shape) -> Value {
    let inferred = ["constant", "categorical", "categorical_w_probabilities", "int_uniform", "uniform"];
    let keys = shape.needs.iter().copied().map(|key| (key, None));
    let keys = keys.chain(shape.may.iter().map(|(key, default)| (*key, Some(*default))));
    let mut properties: Map<String, Value> =
        keys.map(|(key, default)| (key.to_owned(), number(shape, key, default))).collect();
    properties.insert("distribution".into(), json!({"const": shape.name}));
    let mut required: Vec<&str> = shape.needs.to_vec();
    if !inferred.contains(&shape.name) {
        required.push("distribution");
    }
    let about = match shape.instead {
        Some(instead) => format!("{}; deprecated, use `{instead}`", shape.about),
        None => shape.about.to_owned(),
    };
    json!({
        "type": "object", "description": about, "properties": properties, "required": required,
        "additionalProperties": false,
    })
}

/// Schema of the values that a key of a distribution takes.
fn number(shape: &Shape, key: &str, default: Option<f64>) -> Value {
    let mut value = match key {
        "value" => return json!({}),
        "values" => return json!({"type": "array", "minItems": 1}),
        "probabilities" => return json!({"type": "array", "minItems": 1, "items": {"type": "number", "minimum": 0}}),
        "min" | "max" if shape.name == "int_uniform" => json!({"type": "integer"}),
        "sigma" => json!({"type": "number", "minimum": 0}),
        "q" | "a" | "b" => json!({"type": "number", "exclusiveMinimum": 0}),
        "min" if shape.name.ends_with("_values") => json!({"type": "number", "exclusiveMinimum": 0}),
        _ => json!({"type": "number"}),
    };
    if let Some(default) = default {
        value["default"] = json!(default);
    }
    value
}
