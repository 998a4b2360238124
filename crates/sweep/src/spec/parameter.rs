//! Parameters: what a file says of the values of each.

use handloom_engine::config::neighbors;
use serde_json::Value;

use super::finding::Findings;
use super::keys;
use super::node::{Kind, Name, Node, Place, shortened};
use super::schema::{PARAMETER, SHAPES, Shape};
use crate::space::Distribution;

/// A parameter as read.
#[derive(Debug)]
pub(super) struct Read {
    /// Its name and those of the parameters around it, the outermost first.
    pub(super) path: Vec<String>,
    /// Place of its name.
    pub(super) at: Place,
    pub(super) distribution: Distribution,
    /// Places of the values of a list, or of both bounds; empty if there are none.
    pub(super) places: Vec<Place>,
}

impl Read {
    /// Its name with those around it, joined with `.`.
    pub(super) fn name(&self) -> String {
        self.path.join(".")
    }
}

/// Reads the parameters of a map, nested ones after their place in it, sorted by name as W&B does.
pub(super) fn read(node: &Node, path: &[String], findings: &mut Findings, parameters: &mut Vec<Read>) {
    let Some(entries) = node.entries() else {
        let hint = "it has a line for each setting, such as `learning_rate: {values: [0.001, 0.01]}`";
        findings.wrong(node.at, format!("`parameters` is {}, not a map", node.described()), hint);
        return;
    };
    if entries.is_empty() {
        findings.wrong(node.at, "`parameters` is empty", "name what to try, such as `epochs: {values: [5, 10]}`");
    }
    keys::twice(entries, findings);
    let mut sorted: Vec<&(Name, Node)> = entries.iter().collect();
    sorted.sort_by(|(a, _), (b, _)| a.text.cmp(&b.text));
    for (name, value) in sorted {
        let wrong = |c: char| !(c.is_ascii_alphanumeric() || "_.-".contains(c));
        let first = name.text.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if !first || name.text.contains(wrong) {
            let hint = "letters, digits, `_`, `-` and `.`, beginning with a letter or `_`";
            findings.wrong(name.at, format!("`{}` cannot be the name of a parameter", shortened(&name.text)), hint);
            continue;
        }
        let path = [path, std::slice::from_ref(&name.text)].concat();
        if let Some(inner) = value.get("parameters") {
            for (other, _) in value.entries().into_iter().flatten().filter(|(other, _)| other.text != "parameters") {
                let message = format!("`{}` cannot stand beside `parameters`", shortened(&other.text));
                findings.wrong(other.at, message, "a parameter has values or parameters of its own");
            }
            read(inner, &path, findings, parameters);
        } else if let Some((distribution, places)) = values(name, value, findings) {
            parameters.push(Read { path, at: name.at, distribution, places });
        }
    }
}

/// The values of one parameter, and where they stand.
fn values(name: &Name, node: &Node, findings: &mut Findings) -> Option<(Distribution, Vec<Place>)> {
    let Some(entries) = node.entries() else {
        let key = if matches!(node.kind, Kind::List(_)) { "values" } else { "value" };
        let message = format!("`{}` is {}, not a map", name.text, node.described());
        findings.wrong(node.at, message, format!("write `{}: {{{key}: ...}}`", name.text));
        return None;
    };
    keys::twice(entries, findings);
    let before = findings.violations.len();
    for (key, _) in entries.iter().filter(|(key, _)| !PARAMETER.contains(&key.text.as_str())) {
        keys::unknown(key, "a parameter", PARAMETER.iter().copied(), findings);
    }
    if findings.violations.len() > before {
        return None;
    }
    let shape = shape(name, node, findings)?;
    for (key, _) in entries {
        let known = |name| shape.needs.contains(&name) || shape.may.iter().any(|(may, _)| *may == name);
        if key.text != "distribution" && !known(key.text.as_str()) {
            let hint = match SHAPES.iter().find(|other| other.name == format!("q_{}", shape.name)) {
                Some(other) if key.text == "q" => format!("`{}` takes it", other.name),
                _ if key.text == "probabilities" => "leave out `distribution`".into(),
                _ => format!("it takes {}", takes(shape).join(" ")),
            };
            findings.wrong(key.at, format!("`{}` is no key of `{}`", key.text, shape.name), hint);
        }
    }
    for need in shape.needs.iter().filter(|need| node.get(need).is_none()) {
        let message = format!("`{}` has no `{need}`, which `{}` needs", name.text, shape.name);
        findings.wrong(name.at, message, format!("it takes {}", takes(shape).join(" ")));
    }
    if findings.violations.len() > before {
        return None;
    }
    if let Some(instead) = shape.instead {
        let message = format!("`{}` is deprecated: its bounds are exponents of e, not values", shape.name);
        findings.warn(node.get("distribution").map_or(name.at, |node| node.at), message, told(node, instead));
    }
    distribution(name, node, shape, findings)
}

/// The same bounds in the form that took the place of a deprecated one.
fn told(node: &Node, instead: &str) -> String {
    let bound = |key| node.get(key).and_then(Node::number);
    match bound("min").zip(bound("max")) {
        Some((min, max)) if instead.starts_with("inv") => {
            format!("`{instead}` with `min: {:.4e}` and `max: {:.4e}` is the same", libm::exp(-max), libm::exp(-min))
        }
        Some((min, max)) => {
            format!("`{instead}` with `min: {:.4e}` and `max: {:.4e}` is the same", libm::exp(min), libm::exp(max))
        }
        None => format!("use `{instead}`"),
    }
}

fn takes(shape: &Shape) -> Vec<&'static str> {
    shape.needs.iter().copied().chain(shape.may.iter().map(|(name, _)| *name)).collect()
}

/// Distribution of a parameter: the one named, or the one that its keys imply.
fn shape(name: &Name, node: &Node, findings: &mut Findings) -> Option<&'static Shape> {
    let known = |wanted: &str| SHAPES.iter().find(|shape| shape.name == wanted);
    if let Some(given) = node.get("distribution") {
        let text = given.text().unwrap_or_default();
        let shape = known(text);
        if shape.is_none() {
            let names = || SHAPES.iter().map(|shape| shape.name);
            let hint = match neighbors(text, names()).first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("distributions: {}", names().collect::<Vec<_>>().join(" ")),
            };
            findings.wrong(given.at, format!("`distribution` cannot be {}", given.quoted()), hint);
        }
        return shape;
    }
    let has = |key| node.get(key).is_some();
    let whole = |key| node.get(key).is_some_and(|node| node.whole().is_some());
    let meant = if has("value") {
        "constant"
    } else if has("values") && has("probabilities") {
        "categorical_w_probabilities"
    } else if has("values") {
        "categorical"
    } else if has("min") && has("max") && has("q") {
        let hint = "`q` goes with `distribution: q_uniform` and others that begin with `q_`";
        findings.wrong(name.at, format!("`{}` has `q` and no `distribution`", name.text), hint);
        return None;
    } else if whole("min") && whole("max") {
        "int_uniform"
    } else if has("min") && has("max") {
        "uniform"
    } else {
        let hint = "a parameter has `value`, `values`, or `min` and `max`, or a `distribution`";
        findings.wrong(name.at, format!("it is not said which values `{}` may take", name.text), hint);
        return None;
    };
    known(meant)
}

fn distribution(
    name: &Name,
    node: &Node,
    shape: &'static Shape,
    findings: &mut Findings,
) -> Option<(Distribution, Vec<Place>)> {
    match shape.name {
        "constant" => {
            let value = node.get("value")?;
            return Some((Distribution::Constant(plain(value, findings)), vec![value.at]));
        }
        "categorical" | "categorical_w_probabilities" => return categorical(node, findings),
        "int_uniform" => {
            let bound = |key, findings: &mut Findings| {
                let node = node.get(key)?;
                if node.whole().is_none() {
                    let message = format!("`{key}` of `int_uniform` cannot be {}", node.described());
                    findings.wrong(node.at, message, "it takes a whole number, written without a point");
                }
                node.whole().map(|whole| (whole, node.at))
            };
            let ((min, min_at), (max, max_at)) = bound("min", findings).zip(bound("max", findings))?;
            ordered(name, (min, max), min_at, findings)?;
            return Some((Distribution::IntUniform(min, max), vec![min_at, max_at]));
        }
        _ => {}
    }
    let mut number = |key: &str| {
        let least = match key {
            "sigma" | "a" | "b" => Some((0.0, key == "sigma")),
            "q" => Some((0.0, false)),
            "min" if shape.name.ends_with("_values") => Some((0.0, false)),
            _ => None,
        };
        let Some(given) = node.get(key) else {
            return shape.may.iter().find(|(name, _)| *name == key).map(|(_, default)| *default);
        };
        let number = given.number();
        let fits = |x: f64| least.is_none_or(|(least, itself)| x > least || itself && x == least);
        if !number.is_some_and(fits) {
            let expected = match least {
                None => "a number",
                Some((_, true)) => "a number of at least 0",
                Some((_, false)) => "a number above 0",
            };
            let message = format!("`{key}` of `{}` cannot be {}", shape.name, given.described());
            findings.wrong(given.at, message, format!("it takes {expected}"));
        }
        number.filter(|&x| fits(x))
    };
    let mut pair = |a, b| number(a).zip(number(b));
    let bounds = shape.needs.contains(&"min");
    let first = match (bounds, shape.name.ends_with("beta")) {
        (true, _) => pair("min", "max"),
        (false, true) => pair("a", "b"),
        (false, false) => pair("mu", "sigma"),
    };
    let q = if shape.may.iter().any(|(may, _)| *may == "q") { number("q") } else { Some(1.0) };
    let ((a, b), q) = first.zip(q)?;
    if bounds {
        ordered(name, (a, b), node.get("min")?.at, findings)?;
    }
    let places = ["min", "max"].iter().filter_map(|key| node.get(key)).map(|node| node.at).collect();
    let distribution = match shape.name {
        "uniform" => Distribution::Uniform(a, b),
        "q_uniform" => Distribution::QUniform(a, b, q),
        "log_uniform" => Distribution::LogUniform(a, b),
        "q_log_uniform" => Distribution::QLogUniform(a, b, q),
        "inv_log_uniform" => Distribution::InvLogUniform(a, b),
        "log_uniform_values" => Distribution::LogUniformValues(a, b),
        "q_log_uniform_values" => Distribution::QLogUniformValues(a, b, q),
        "inv_log_uniform_values" => Distribution::InvLogUniformValues(a, b),
        "normal" => Distribution::Normal(a, b),
        "q_normal" => Distribution::QNormal(a, b, q),
        "log_normal" => Distribution::LogNormal(a, b),
        "q_log_normal" => Distribution::QLogNormal(a, b, q),
        "beta" => Distribution::Beta(a, b),
        "q_beta" => Distribution::QBeta(a, b, q),
        name => unreachable!("`{name}` is in the table of distributions but not here"),
    };
    Some((distribution, places))
}

fn ordered<T: PartialOrd + std::fmt::Debug>(
    name: &Name,
    (min, max): (T, T),
    at: Place,
    findings: &mut Findings,
) -> Option<()> {
    if min < max {
        return Some(());
    }
    let hint = if min > max { "swap them" } else { "for a single value write `value: ...`" };
    findings.wrong(at, format!("`min` of `{}` is {min:?}, which is not less than `max`, {max:?}", name.text), hint);
    None
}

fn categorical(node: &Node, findings: &mut Findings) -> Option<(Distribution, Vec<Place>)> {
    let list = node.get("values")?;
    let Kind::List(items) = &list.kind else {
        let hint = "it takes a list, such as `[1, 2]`; one value is `value: ...`";
        findings.wrong(list.at, format!("`values` cannot be {}", list.described()), hint);
        return None;
    };
    if items.is_empty() {
        findings.wrong(list.at, "`values` is empty", "it takes a list of at least one value");
        return None;
    }
    let (mut values, mut places): (Vec<Value>, Vec<Place>) = (Vec::new(), Vec::new());
    for item in joined(items, findings) {
        values.push(plain(&item, findings));
        places.push(item.at);
    }
    let Some(given) = node.get("probabilities") else { return Some((Distribution::Categorical(values, None), places)) };
    let Kind::List(shares) = &given.kind else {
        let message = format!("`probabilities` cannot be {}", given.described());
        findings.wrong(given.at, message, "it takes a list of numbers, one for each value");
        return Some((Distribution::Categorical(values, None), places));
    };
    let before = findings.violations.len();
    for share in shares.iter().filter(|share| !share.number().is_some_and(|x| x >= 0.0)) {
        findings.wrong(
            share.at,
            format!("a probability cannot be {}", share.described()),
            "it takes a number of at least 0",
        );
    }
    if shares.len() != values.len() {
        let message = format!("{} probabilities for {} values", shares.len(), values.len());
        findings.wrong(given.at, message, "each value has one");
    }
    if findings.violations.len() > before {
        // The values can be looked at nonetheless.
        return Some((Distribution::Categorical(values, None), places));
    }
    let shares: Vec<f64> = shares.iter().filter_map(Node::number).collect();
    let sum: f64 = shares.iter().sum();
    // As near to 1 as W&B wants it.
    if (sum - 1.0).abs() > 1e-8 + 1e-5 {
        findings.wrong(given.at, format!("the probabilities sum to {sum}"), "they sum to 1");
    }
    Some((Distribution::Categorical(values, Some(shares)), places))
}

/// Items of a list, where a Python tuple, which YAML takes apart at its commas, is one item again.
fn joined(items: &[Node], findings: &mut Findings) -> Vec<Node> {
    let opens = |node: &Node| node.text().is_some_and(|text| text.starts_with('(') && !text.ends_with(')'));
    let closes = |node: &Node| node.text().is_some_and(|text| text.ends_with(')') && !text.starts_with('('));
    let mut joined = Vec::new();
    let mut rest = items;
    while let Some((item, after)) = rest.split_first() {
        let end = if opens(item) { after.iter().position(closes) } else { None };
        let flat = |node: &Node| matches!(node.kind, Kind::Text(_) | Kind::Number(_) | Kind::Bool(_));
        let Some(end) = end.filter(|&end| after[..end].iter().all(flat)) else {
            joined.push(item.clone());
            rest = after;
            continue;
        };
        let words = rest[..=end + 1].iter().map(|node| match &node.kind {
            Kind::Text(text) => text.clone(),
            _ => node.value().to_string(),
        });
        let text = words.collect::<Vec<_>>().join(", ");
        if tuple(&text).is_none() {
            let message = format!("`{}` is a Python tuple, which YAML takes apart", shortened(&text));
            findings.warn(item.at, message, "write a list in brackets: `[...]`");
        }
        joined.push(Node { kind: Kind::Text(text), at: item.at });
        rest = &after[end + 1..];
    }
    joined
}

/// A value, where Python's `None` and tuples are what they mean.
fn plain(node: &Node, findings: &mut Findings) -> Value {
    let Some(text) = node.text().map(str::trim) else { return node.value() };
    if text == "None" {
        findings.warn(node.at, "`None` is text in YAML; it is read as `null`", "write `null`");
        return Value::Null;
    }
    let Some(items) = tuple(text) else { return node.value() };
    let list = Value::Array(items);
    let message = format!("`{}` is text in YAML; it is read as a list", shortened(text));
    findings.warn(node.at, message, format!("write `{}`", shortened(&list.to_string())));
    list
}

/// The numbers of a Python tuple.
fn tuple(text: &str) -> Option<Vec<Value>> {
    let inside = text.strip_prefix('(')?.strip_suffix(')')?;
    let items = inside.split(',').map(str::trim).filter(|item| !item.is_empty());
    let number = |item| serde_json::from_str::<serde_json::Number>(item).ok().map(Value::Number);
    items.map(number).collect::<Option<Vec<_>>>().filter(|items| !items.is_empty())
}
