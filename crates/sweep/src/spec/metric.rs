//! The metric of a sweep.

use handloom_engine::config::neighbors;
use handloom_engine::event::EpochMetrics;

use super::finding::Findings;
use super::keys;
use super::node::Node;
use super::schema::METRIC;
use crate::trial::Goal;

/// Metrics that a trial has after every epoch.
pub const METRICS: &[&str] =
    &["train_loss", "train_accuracy", "val_loss", "val_accuracy", "learning_rate", "epoch", "samples_per_second"];

/// Names that notebooks use, and the metric that each means.
const ALIASES: &[(&str, &str)] = &[
    ("val_acc", "val_accuracy"),
    ("validation_accuracy", "val_accuracy"),
    ("accuracy", "val_accuracy"),
    ("best_val_accuracy", "val_accuracy"),
    ("validation_loss", "val_loss"),
];

/// The metric of a sweep: its name, goal and target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// One of [`METRICS`].
    pub name: &'static str,
    /// Maximize or minimize.
    pub goal: Goal,
    /// The sweep ends once a trial reaches this value.
    pub target: Option<f64>,
}

impl Default for Metric {
    fn default() -> Self {
        Self { name: "val_accuracy", goal: Goal::Maximize, target: None }
    }
}

impl Metric {
    /// True if `value` reaches the target.
    pub fn reached(&self, value: f64) -> bool {
        self.target.is_some_and(|target| self.goal.cost(value) <= self.goal.cost(target))
    }

    /// Its value after an epoch; NaN if the epoch has none.
    pub fn of(&self, row: &EpochMetrics) -> f64 {
        match self.name {
            "val_accuracy" => row.val_accuracy.unwrap_or(f64::NAN),
            "val_loss" => row.val_loss.unwrap_or(f64::NAN),
            "train_accuracy" => row.train_accuracy,
            "train_loss" => row.train_loss,
            "learning_rate" => row.learning_rate,
            "samples_per_second" => row.samples_per_second,
            _ => row.epoch as f64,
        }
    }

    /// True if it is measured on validation images.
    pub fn needs_validation(&self) -> bool {
        self.name.starts_with("val_")
    }

    /// True if its values are fractions of images.
    pub fn is_share(&self) -> bool {
        self.name.ends_with("_accuracy")
    }

    /// A value of it for people: accuracies in percent.
    pub fn text(&self, value: f64) -> String {
        if self.is_share() { format!("{:.2}%", 100.0 * value) } else { format!("{value:.4}") }
    }
}

/// The metric that `name` means, in any case.
pub fn metric(name: &str) -> Option<&'static str> {
    let name = name.to_lowercase().replace('-', "_");
    let alias = ALIASES.iter().find(|(alias, _)| *alias == name).map(|(_, metric)| *metric);
    METRICS.iter().copied().find(|metric| *metric == name).or(alias)
}

pub(super) fn read(node: &Node, findings: &mut Findings) -> Option<Metric> {
    if !keys::check(node, "`metric`", METRIC, findings) {
        return None;
    }
    let Some(given) = node.get("name") else {
        findings.wrong(node.at, "`metric` has no `name`", format!("metrics: {}", METRICS.join(" ")));
        return None;
    };
    let text = given.text()?;
    let Some(name) = metric(text) else {
        let lower = text.to_lowercase();
        let test = lower.starts_with("test");
        let known = METRICS.iter().copied().chain(ALIASES.iter().map(|(alias, _)| *alias));
        let hint = match neighbors(text, known).first() {
            _ if test => "choose by `val_accuracy` or `val_loss`; `sweep best --train` tests the winner once".into(),
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("metrics: {}", METRICS.join(" ")),
        };
        let message = if test {
            format!("`{text}` cannot be the metric: a sweep never opens the test set")
        } else {
            format!("unknown metric {}", given.quoted())
        };
        findings.wrong(given.at, message, hint);
        return None;
    };
    if text != name {
        findings.note(given.at, format!("`{text}` is read as `{name}`"));
    }
    let goal = match node.get("goal") {
        None => Goal::Minimize,
        Some(goal) => match goal.text()? {
            "minimize" => Goal::Minimize,
            "maximize" => Goal::Maximize,
            _ => return None,
        },
    };
    let better = if name.ends_with("accuracy") { Goal::Maximize } else { Goal::Minimize };
    if goal != better && (name.ends_with("accuracy") || name.ends_with("loss")) {
        let (word, best) = if goal == Goal::Minimize { ("minimized", "lowest") } else { ("maximized", "highest") };
        let default = if node.get("goal").is_none() { ", as it is without a `goal`" } else { "" };
        findings.warn(
            node.get("goal").unwrap_or(given).at,
            format!("`{name}` is {word}{default}: the {best} one wins"),
            format!("write `goal: {}`", if better == Goal::Maximize { "maximize" } else { "minimize" }),
        );
    }
    Some(Metric { name, goal, target: node.get("target").and_then(Node::number) })
}
