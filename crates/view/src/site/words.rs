//! Numbers and settings as people read them.

use handloom_store::Run;
use serde_json::{Map, Value};

use crate::format;
use crate::words::hidden;

/// Summary of a run's main settings: `nadam · lr 0.001 · 3×128 · tanh`.
pub(crate) fn recipe(run: &Run) -> String {
    let config = &run.config;
    let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
    let rate = config.get("learning_rate").and_then(Value::as_f64).map(|rate| format!("lr {}", format::rate(rate)));
    let parts = [text("optimizer"), rate, Some(layers(config)), text("activation")];
    let parts: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { run.name.clone() } else { parts.join(" · ") }
}

/// Hidden layers: `3×128`, `256-128`.
fn layers(config: &Map<String, Value>) -> String {
    match &hidden(config)[..] {
        [] => "no hidden layer".into(),
        [width] => width.to_string(),
        [width, others @ ..] if others.iter().all(|other| other == width) => format!("{}×{width}", others.len() + 1),
        widths => widths.iter().map(ToString::to_string).collect::<Vec<_>>().join("-"),
    }
}

/// Epochs that a run is to have.
pub(crate) fn planned(run: &Run) -> u64 {
    run.config.get("epochs").and_then(Value::as_u64).unwrap_or(run.epochs)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recipe_says_what_sets_a_run_apart() {
        let recipe = |config: Value| {
            recipe(&Run { name: "name".into(), config: config.as_object().unwrap().clone(), ..Run::default() })
        };
        let full = json!({"optimizer": "nadam", "learning_rate": 0.001, "num_layers": 3, "hidden_size": 128, "activation": "tanh"});
        assert_eq!(recipe(full), "nadam · lr 0.001 · 3×128 · tanh");
        assert_eq!(recipe(json!({"num_layers": 2, "hidden_size": [256, 128]})), "256-128");
        assert_eq!(recipe(json!({"num_layers": 1, "hidden_size": 64})), "64");
        assert_eq!(recipe(json!({"hidden_size": [], "optimizer": "sgd"})), "sgd · no hidden layer");
        assert_eq!(recipe(json!({})), "no hidden layer");
    }
}
