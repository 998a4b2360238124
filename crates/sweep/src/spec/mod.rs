//! Sweep files: W&B's schema, read with every mistake told at its place.
//!
//! [`Spec::read`] gives what a sweep needs; [`check`] says what is in a file and what is wrong with it, all at once.
//! The keys stand in one table (`schema.rs`), which reading, suggestions and the schema for editors share.
//!
//! A parameter is a setting of `train`: its name is a flag's long name or alias, in any case, with `-` or `_`. Names of
//! nested parameters are joined with `.` and mean what [`find_nested`](handloom_engine::config::find_nested) says:
//! `optimizer.learning_rate` is the learning rate, `optimizer.name` the optimizer.

mod editor;
mod finding;
mod keys;
mod metric;
mod node;
mod parameter;
mod report;
mod schema;
mod setting;
mod stopping;
#[cfg(test)]
mod tests;
mod validation;

use serde_json::{Map, Value};

pub use self::editor::json_schema;
pub use self::finding::Finding;
pub use self::metric::{METRICS, Metric, metric};
pub use self::report::{Counted, Report, check};
pub use self::setting::setting;
pub use self::stopping::Stopping;
pub use self::validation::largest_validation_share;

use self::finding::Findings;
use self::node::{Node, Place, START};
use crate::space::{Parameter, Params, SearchSpace};

/// Advice for a sweep whose metric needs validation images that no trial has.
pub const VALIDATION_HINT: &str =
    "set `val_fraction` to a larger share such as 0.1, or choose `metric: {name: train_loss, goal: minimize}`";

/// Search method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Every point of the grid, in W&B's order.
    Grid,
    /// Independent draws.
    Random,
    /// By what was learned so far.
    Bayes,
}

impl Method {
    /// Its name in a sweep file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Random => "random",
            Self::Bayes => "bayes",
        }
    }
}

/// A sweep file that can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// Search method.
    pub method: Method,
    /// Metric; the highest `val_accuracy` if the file does not say.
    pub metric: Metric,
    /// Search space. Every parameter is a setting of `train`.
    pub space: SearchSpace,
    /// Early termination, if any.
    pub stopping: Option<Stopping>,
    /// Most trials.
    pub run_cap: Option<u64>,
    /// Name of the sweep.
    pub name: Option<String>,
    /// Notes on the sweep.
    pub description: Option<String>,
    /// W&B project.
    pub project: Option<String>,
    /// W&B user or team.
    pub entity: Option<String>,
}

/// A sweep file that cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It does not follow the schema, or has values that a setting cannot have.
    #[error("the sweep file cannot be used\n{}\nhint: `handloom sweep check FILE` shows each at its place", lines(.0))]
    Violations(Vec<Finding>),
    /// It has parameters that are no settings.
    #[error("the sweep file has parameters that are no settings\n{}", lines(.0))]
    Unknown(Vec<Finding>),
}

fn lines(findings: &[Finding]) -> String {
    findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

impl Spec {
    /// Reads a sweep file in YAML or JSON.
    pub fn read(text: &str) -> Result<Self, Error> {
        let draft = Draft::read(text);
        if !draft.findings.violations.is_empty() {
            return Err(Error::Violations(draft.findings.violations));
        }
        if !draft.unknown.is_empty() {
            return Err(Error::Unknown(draft.unknown.into_iter().map(|(_, finding)| finding).collect()));
        }
        let Draft { method, metric, space, stopping, .. } = draft;
        let method = method.expect("a file without a method has a violation");
        let [name, description, project, entity] = draft.texts;
        let metric = metric.unwrap_or_default();
        Ok(Self { method, metric, space, stopping, run_cap: draft.run_cap, name, description, project, entity })
    }

    /// The settings of a configuration, as [`Config::merge`](handloom_engine::config::Config::merge) takes them.
    pub fn settings(&self, choice: &Params) -> Map<String, Value> {
        let named = |(name, value): (&String, &Value)| Some((setting(name)?.name.to_owned(), value.clone()));
        choice.iter().filter_map(named).collect()
    }
}

/// Contents of a file as far as they could be read, with all findings.
#[derive(Debug, Default)]
struct Draft {
    method: Option<Method>,
    metric: Option<Metric>,
    space: SearchSpace,
    stopping: Option<Stopping>,
    run_cap: Option<u64>,
    /// Name, description, project and entity.
    texts: [Option<String>; 4],
    findings: Findings,
    /// Parameters that are no settings, and where they stand.
    unknown: Vec<(String, Finding)>,
    /// Place at which the file turns validation off for every trial.
    unvalidated: Option<Place>,
}

impl Draft {
    fn read(text: &str) -> Self {
        let mut draft = Self::default();
        match Node::read(text) {
            Ok(node) => draft.file(node, text),
            Err((at, message)) => draft.findings.wrong(at, message, "the file is YAML or JSON"),
        }
        draft.findings = std::mem::take(&mut draft.findings).sorted();
        draft
    }

    fn file(&mut self, node: Node, text: &str) {
        let node = self.unwrapped(node);
        if matches!(node.kind, node::Kind::Null) {
            self.findings.wrong(START, "the file is empty", "a sweep file has `method` and `parameters`");
            return;
        }
        if !keys::check(&node, "a sweep file", schema::FILE, &mut self.findings) {
            return;
        }
        exponents(&node, text, &mut self.findings);
        self.method(&node);
        self.metric = node.get("metric").and_then(|metric| metric::read(metric, &mut self.findings));
        self.stopping = node.get("early_terminate").and_then(|rule| stopping::read(rule, &mut self.findings));
        self.run_cap = node.get("run_cap").and_then(Node::whole).and_then(|cap| u64::try_from(cap).ok());
        self.texts = ["name", "description", "project", "entity"].map(|key| node.get(key)?.text().map(Into::into));
        self.engine(&node);
        self.parameters(&node);
    }

    /// The map within a key `sweep` that wraps the whole file, with what stands beside it.
    fn unwrapped(&mut self, node: Node) -> Node {
        const WRAPPERS: [&str; 4] = ["sweep", "sweep_config", "sweep_configuration", "sweep_configs"];
        let Node { kind: node::Kind::Map(mut entries), at } = node else { return node };
        let wraps = |(name, inner): &(node::Name, Node)| {
            WRAPPERS.contains(&name.text.as_str())
                && ["method", "parameters"].iter().any(|key| inner.get(key).is_some())
        };
        let found = entries.iter().position(wraps);
        if let (Some(index), false) = (found, entries.iter().any(|(name, _)| name.text == "method")) {
            let (name, inner) = entries.remove(index);
            self.findings.warn(
                name.at,
                format!("the sweep stands within `{}`, where W&B does not look", name.text),
                "take that line out and the indentation back",
            );
            if let node::Kind::Map(inner) = inner.kind {
                entries.extend(inner);
            }
        }
        Node { kind: node::Kind::Map(entries), at }
    }

    fn method(&mut self, node: &Node) {
        let Some(given) = node.get("method") else {
            self.findings.wrong(START, "the file has no `method`", "write `method: bayes`, `random` or `grid`");
            return;
        };
        self.method =
            [Method::Grid, Method::Random, Method::Bayes].into_iter().find(|m| given.text() == Some(m.name()));
        let needs = match (node.get("metric"), self.method, node.get("early_terminate")) {
            (None, Some(Method::Bayes), _) => Some((given.at, "`method: bayes`")),
            (None, _, Some(rule)) => Some((rule.at, "`early_terminate`")),
            _ => None,
        };
        if let Some((at, what)) = needs {
            let hint = "write `metric: {name: val_accuracy, goal: maximize}`";
            self.findings.wrong(at, format!("{what} needs a `metric`"), hint);
        }
    }

    /// Other programs that may choose in W&B's stead.
    fn engine(&mut self, node: &Node) {
        if let Some(metrics) = node.get("metrics") {
            self.findings.wrong(metrics.at, "several metrics cannot be best at once", "write one `metric`");
        }
        if let Some(kind) = node.get("controller") {
            let known = kind.get("type").and_then(Node::text).is_some_and(|kind| ["local", "cloud"].contains(&kind));
            if kind.entries().is_some() && !known {
                self.findings.wrong(kind.at, "`controller` has no known `type`", "choices: local cloud");
            }
        }
        let Some(scheduler) = node.get("scheduler").filter(|node| node.entries().is_some()) else { return };
        keys::check(scheduler, "`scheduler`", schema::SCHEDULER, &mut self.findings);
        match scheduler.get("engine") {
            None => self.findings.wrong(scheduler.at, "`scheduler` has no `engine`", "take it out"),
            Some(engine) if ["optuna", "ax"].iter().any(|name| engine.text() == Some(name)) => {
                self.findings.wrong(engine.at, "another program's search cannot be run here", "take `scheduler` out");
            }
            Some(_) => {}
        }
    }

    /// Warns of a first comparison that no trial lives to see.
    fn never_compared(&mut self, rule: &Node, parameters: &[parameter::Read]) {
        let first = match &self.stopping {
            Some(Stopping::Hyperband { bands, .. }) => bands.first().copied(),
            Some(Stopping::Median { min_iter }) => Some(*min_iter),
            None => None,
        };
        let means_epochs = |one: &&parameter::Read| setting(&one.name()).is_some_and(|key| key.name == "epochs");
        let longest = parameters.iter().find(means_epochs).and_then(|epochs| match &epochs.distribution {
            crate::Distribution::Constant(value) => value.as_u64(),
            crate::Distribution::Categorical(values, _) => values.iter().filter_map(Value::as_u64).max(),
            other => other.at(1.0).as_u64(),
        });
        if let Some((first, longest)) = first.zip(longest).filter(|(first, longest)| first >= longest) {
            let message = format!("no trial ends early: the first comparison is after {first} epochs of {longest}");
            self.findings.warn(rule.at, message, "a smaller `min_iter`");
        }
    }

    fn parameters(&mut self, node: &Node) {
        let Some(given) = node.get("parameters") else {
            let hint = "name what to try, such as `parameters: {learning_rate: {values: [0.001, 0.01]}}`";
            self.findings.wrong(START, "the file has no `parameters`", hint);
            return;
        };
        let mut parameters = Vec::new();
        parameter::read(given, &[], &mut self.findings, &mut parameters);
        let mut names = std::collections::HashSet::new();
        for parameter in &parameters {
            let name = parameter.name();
            if !names.insert(name.clone()) {
                let message = format!("`{name}` stands twice, once nested");
                self.findings.wrong(parameter.at, message, "keep one of the two");
            }
            if self.method == Some(Method::Grid) && parameter.distribution.levels().is_none() {
                self.findings.wrong(
                    parameter.at,
                    format!("a grid cannot go through `{name}`, which is `{}`", parameter.distribution.name()),
                    "a grid takes `value`, `values`, whole `min` and `max`, or `q_uniform`; others go with `method: random`",
                );
            }
            if setting(&name).is_none() {
                let message = format!("unknown parameter `{name}`");
                let hint = setting::suggestion(&name);
                self.unknown.push((name, Finding::new(parameter.at, message, Some(hint))));
            }
        }
        setting::check(&parameters, &mut self.findings);
        if let Some(rule) = node.get("early_terminate") {
            self.never_compared(rule, &parameters);
        }
        let means_share = |one: &&parameter::Read| setting(&one.name()).is_some_and(|key| key.name == "val_fraction");
        let share_at = parameters.iter().find(means_share).map(|one| one.at);
        let kept = |read: parameter::Read| Parameter { name: read.name(), distribution: read.distribution };
        self.space = SearchSpace { parameters: parameters.into_iter().map(kept).collect() };
        let none = largest_validation_share(&self.space, &Map::new()) <= 0.0;
        self.unvalidated = share_at.filter(|_| none);
    }
}

/// Notes the first number that W&B, which reads YAML 1.1, takes for text.
fn exponents(node: &Node, text: &str, findings: &mut Findings) {
    fn first(node: &Node, text: &str) -> Option<(Place, String, String)> {
        match &node.kind {
            node::Kind::List(items) => items.iter().find_map(|item| first(item, text)),
            node::Kind::Map(entries) => entries.iter().find_map(|(_, value)| first(value, text)),
            node::Kind::Number(_) => {
                let (from, length) = node.at.bytes?;
                let written = text.get(from as usize..(from + length) as usize)?;
                // An alias is a number as well, and so is a number in base 16.
                written.parse::<f64>().ok()?;
                let (mantissa, exponent) = written.split_once(['e', 'E'])?;
                let (point, sign) = (mantissa.contains('.'), exponent.starts_with(['+', '-']));
                let safe =
                    format!("{mantissa}{}e{}{exponent}", if point { "" } else { ".0" }, if sign { "" } else { "+" });
                (!point || !sign).then(|| (node.at, written.to_owned(), safe))
            }
            _ => None,
        }
    }
    // JSON has no such trap.
    if text.trim_start().starts_with('{') {
        return;
    }
    if let Some((at, written, safe)) = first(node, text) {
        findings.note(at, format!("`{written}` is a number here, but text to W&B: `{safe}` is a number to both"));
    }
}
