//! Numbers and settings as people read them.

use handloom_store::Run;
use serde_json::{Map, Value};

/// `88.9%`.
pub(crate) fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// `8 s`, `2 min`, `1 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds.max(0.0).round() as u64 {
        whole @ 0..=99 => format!("{whole} s"),
        whole @ 100..=3599 => format!("{} min", (whole + 30) / 60),
        whole => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A number of any size in few characters: `0.001`, `2e-6`, `240`.
pub(crate) fn short(x: f64) -> String {
    match x.abs() {
        0.0 => "0".into(),
        size if !(1e-3..1e5).contains(&size) => {
            let text = format!("{x:.1e}");
            text.replace(".0e", "e")
        }
        size if size >= 100.0 => format!("{x:.0}"),
        size => {
            // Three digits that count.
            let places = (2 - size.log10().floor() as i32).max(0) as usize;
            let text = format!("{x:.places$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').into() } else { text }
        }
    }
}

/// What sets a run apart, as people say it: `nadam · lr 0.001 · 3×128 · tanh`.
pub(crate) fn recipe(run: &Run) -> String {
    let config = &run.config;
    let text = |name: &str| config.get(name).and_then(Value::as_str).map(str::to_owned);
    let rate = config.get("learning_rate").and_then(Value::as_f64).map(|rate| format!("lr {}", short(rate)));
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

/// Widths of the hidden layers that a configuration describes.
pub(crate) fn hidden(config: &Map<String, Value>) -> Vec<u64> {
    let count = config.get("num_layers").and_then(Value::as_u64);
    match config.get("hidden_size") {
        Some(Value::Array(widths)) => widths.iter().filter_map(Value::as_u64).collect(),
        Some(width) => vec![width.as_u64().unwrap_or(0); count.unwrap_or(1).min(10_000) as usize],
        None => Vec::new(),
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
    fn numbers_read_well() {
        let numbers = [0.0, 0.001, 0.000_8, 2e-6, 0.333_333, 1.5, 12.34, 239.6, 1e6, -0.25];
        assert_eq!(numbers.map(short), ["0", "0.001", "8e-4", "2e-6", "0.333", "1.5", "12.3", "240", "1e6", "-0.25"]);
        assert_eq!([7.6, 61.0, 130.0, 3_900.0].map(duration), ["8 s", "61 s", "2 min", "1 h 5 min"]);
        assert_eq!(percent(0.8886), "88.9%");
    }

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
