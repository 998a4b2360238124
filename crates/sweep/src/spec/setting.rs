//! The setting of `train` that each parameter stands for, and checks of its values.

use std::collections::HashMap;

use handloom_engine::config::{Config, KEYS, Key, find_nested, neighbors};
use serde_json::{Map, Value};

use super::finding::Findings;
use super::node::shortened;
use super::parameter::Read;
use crate::space::Distribution;

/// The setting that the parameter `name` means, nested names being joined with `.`: as `train` takes nested settings.
pub fn setting(name: &str) -> Option<&'static Key> {
    find_nested(&name.split('.').collect::<Vec<_>>())
}

/// Likely intended names of an unknown parameter.
pub(super) fn suggestion(name: &str) -> String {
    let last = name.rsplit('.').next().unwrap_or(name);
    let names = KEYS.iter().flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
    match neighbors(last, names).first() {
        Some(near) => format!("did you mean `{near}`?"),
        None => "take it out; `handloom train --help` lists the settings".into(),
    }
}

/// Finds parameters that mean one setting, and values that a setting cannot have.
pub(super) fn check(parameters: &[Read], findings: &mut Findings) {
    let mut seen: HashMap<&str, &Read> = HashMap::new();
    for parameter in parameters {
        let Some(key) = setting(&parameter.name()) else { continue };
        if let Some(other) = seen.insert(key.name, parameter) {
            findings.wrong(
                parameter.at,
                format!("`{}` and `{}` both mean `{}`", other.name(), parameter.name(), key.name),
                "keep one of the two",
            );
        }
        match &parameter.distribution {
            Distribution::Constant(value) => listed(key, std::slice::from_ref(value), parameter, findings),
            Distribution::Categorical(values, _) => listed(key, values, parameter, findings),
            distribution => ranged(key, distribution, parameter, findings),
        }
    }
    if let (Some(layers), Some(sizes)) = (seen.get("num_layers"), seen.get("hidden_size")) {
        contradiction(layers, sizes, findings);
    }
}

/// Why a setting cannot have a value, and what it takes.
fn refused(key: &Key, value: &Value) -> Option<(String, String)> {
    let error = Config::default().merge(&Map::from_iter([(key.name.to_owned(), value.clone())])).err()?.to_string();
    let (message, hint) = error.split_once("\nhint: ").unwrap_or((&error, ""));
    Some((message.to_owned(), hint.to_owned()))
}

fn listed(key: &Key, values: &[Value], parameter: &Read, findings: &mut Findings) {
    for (value, &at) in values.iter().zip(&parameter.places) {
        if let Some((message, hint)) = refused(key, value) {
            findings.wrong(at, shortened_message(&message), hint);
        }
    }
}

fn ranged(key: &Key, distribution: &Distribution, parameter: &Read, findings: &mut Findings) {
    // Both ends, and positions between them whose values are whole only if all are.
    const BETWEEN: [f64; 4] = [0.236_068, 0.414_214, 0.618_034, 0.732_051];
    let bounded =
        !parameter.places.is_empty() || matches!(distribution, Distribution::Beta(..) | Distribution::QBeta(..));
    let at = |last: bool| {
        let place = if last { parameter.places.last() } else { parameter.places.first() };
        place.copied().unwrap_or(parameter.at)
    };
    let refused_at = |u| refused(key, &distribution.at(u));
    if let Some((message, hint)) = BETWEEN.into_iter().find_map(refused_at) {
        let whole = refused(key, &Value::from(1)).is_none() && refused(key, &Value::from(1.5)).is_some();
        let hint = match distribution {
            Distribution::Uniform(..) if whole => {
                format!("{hint}; write `distribution: int_uniform` and bounds without a point")
            }
            Distribution::LogUniformValues(..) if whole => {
                format!("{hint}; write `distribution: q_log_uniform_values`")
            }
            Distribution::Normal(..) | Distribution::LogNormal(..) if whole => {
                format!("{hint}; write `distribution: q_{}`", distribution.name())
            }
            _ => hint,
        };
        findings.wrong(
            at(false),
            format!("{}, which `{}` may give", shortened_message(&message), distribution.name()),
            hint,
        );
        return;
    }
    // Distributions without bounds are checked at the values beyond which one in a thousand lies.
    let ends = if bounded { [0.0, 1.0] } else { [0.001, 0.999] };
    for u in ends {
        let Some((message, hint)) = refused_at(u) else { continue };
        let message = format!("{}, which `{}` may give", shortened_message(&message), distribution.name());
        if bounded {
            findings.wrong(at(u > 0.5), message, hint);
        } else {
            findings.warn(parameter.at, message, format!("{hint}; such a trial fails"));
        }
    }
}

/// Most pairs of a number of layers and widths that are tried.
const MOST_PAIRS: usize = 10_000;

/// Lists of widths that no number of layers fits.
fn contradiction(layers: &Read, sizes: &Read, findings: &mut Findings) {
    let (Some(counts), Some(widths)) = (layers.distribution.grid(), sizes.distribution.grid()) else { return };
    if counts.len().saturating_mul(widths.len()) > MOST_PAIRS {
        return;
    }
    let mut wrong = 0;
    for count in &counts {
        for width in &widths {
            let both =
                Map::from_iter([("num_layers".to_owned(), count.clone()), ("hidden_size".to_owned(), width.clone())]);
            wrong += usize::from(Config::default().merge(&both).is_err());
        }
    }
    if wrong > 0 {
        findings.warn(
            sizes.at,
            format!(
                "{wrong} of {} pairs of `{}` and `{}` contradict each other; such a trial fails",
                counts.len() * widths.len(),
                layers.name(),
                sizes.name()
            ),
            format!("a list of widths sets the number of layers: take out `{}`, or give single widths", layers.name()),
        );
    }
}

fn shortened_message(message: &str) -> String {
    if message.len() > 200 { shortened(message) } else { message.to_owned() }
}
