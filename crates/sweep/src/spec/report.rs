//! Report of `sweep check` on a file.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::finding::Finding;
use super::{Draft, Method, Spec, Stopping, setting};
use crate::space::{Distribution, Params};
use crate::trainings::Trainings;

/// Points of a grid, and bands, that a report lists.
const POINTS: u64 = 10;
const BANDS: usize = 6;

/// Contents of a sweep file and the findings about it.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Search method; none if it is not known.
    pub method: Option<&'static str>,
    /// Distribution of each parameter, by its name.
    pub parameters: Map<String, Value>,
    /// Points of the grid before `run_cap`; none if they cannot be counted.
    pub grid_points: Option<u64>,
    /// Points of the space and different trainings among them, which grid and random searches go through; none if they
    /// are too many to compare.
    #[serde(flatten)]
    pub trainings: Counted,
    /// The first ten points in W&B's order, if the method is grid.
    pub first_points: Vec<Params>,
    /// Epochs at which trials are compared, at most six.
    pub bands: Vec<u64>,
    /// Errors.
    pub violations: Vec<Finding>,
    /// Warnings: parts that work but should be changed.
    pub warnings: Vec<Finding>,
    /// Notes.
    pub notes: Vec<Finding>,
    /// Parameters that are no settings: a sweep refuses them.
    pub unknown_parameters: Vec<String>,
    #[serde(skip)]
    unknown: Vec<Finding>,
    #[serde(skip)]
    told: Vec<[String; 3]>,
    #[serde(skip)]
    summary: Vec<String>,
}

/// Points of a space, and different trainings among them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Points.
    pub points: Option<u64>,
    /// Points that differ in something of influence.
    pub different_trainings: Option<u64>,
}

impl Counted {
    /// As far as `trainings` are known.
    pub fn of(trainings: Option<&Trainings>) -> Self {
        Self { points: trainings.map(Trainings::points), different_trainings: trainings.map(Trainings::different) }
    }

    /// `18 points, 3 different trainings`; nothing if that is not known.
    pub fn words(self) -> Option<String> {
        let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (points, different) = self.points.zip(self.different_trainings)?;
        Some(format!("{}, {}", counted(points, "point"), counted(different, "different training")))
    }
}

/// Reads a sweep file and says what is in it and what is wrong with it.
pub fn check(text: &str) -> Report {
    let mut draft = Draft::read(text);
    let metric = draft.metric.unwrap_or_default();
    // Not a violation for `Spec::read`: flags may give every trial another share.
    if let Some(at) = draft.unvalidated.filter(|_| metric.needs_validation()) {
        let message = format!("`{}` is measured on validation images, and there are none", metric.name);
        draft.findings.wrong(at, message, format!("{}; or pass `--set val_fraction=0.1`", super::VALIDATION_HINT));
    }
    let grid = draft.method == Some(Method::Grid);
    let grid_points = if draft.space.parameters.is_empty() { None } else { draft.space.points() };
    let first_points = match grid_points {
        Some(points) if grid => (0..points.min(POINTS)).map_while(|index| draft.space.point(index)).collect(),
        _ => Vec::new(),
    };
    let bands = match &draft.stopping {
        Some(Stopping::Hyperband { bands, .. }) => bands.iter().copied().take(BANDS).collect(),
        _ => Vec::new(),
    };
    let spec = Spec::read(text).ok().filter(|_| draft.findings.violations.is_empty());
    let found = spec.and_then(|spec| Trainings::of(&spec, &spec.space, &Map::new()));
    let trainings = Counted::of(found.as_ref());
    let told = |parameter: &crate::space::Parameter| {
        let meaning = match setting(&parameter.name) {
            Some(key) if key.name != parameter.name => format!("  → {}", key.name),
            _ => String::new(),
        };
        let distribution = &parameter.distribution;
        [parameter.name.clone(), distribution.name().into(), words(distribution) + &meaning]
    };
    Report {
        method: draft.method.map(Method::name),
        parameters: draft
            .space
            .parameters
            .iter()
            .map(|parameter| (parameter.name.clone(), parameter.distribution.name().into()))
            .collect(),
        grid_points,
        trainings,
        first_points,
        bands,
        told: draft.space.parameters.iter().map(told).collect(),
        summary: summary(&draft, trainings),
        violations: draft.findings.violations,
        warnings: draft.findings.warnings,
        notes: draft.findings.notes,
        unknown_parameters: draft.unknown.iter().map(|(name, _)| name.clone()).collect(),
        unknown: draft.unknown.into_iter().map(|(_, finding)| finding).collect(),
    }
}

impl Report {
    /// True if `sweep` runs this file.
    pub fn runs(&self) -> bool {
        self.violations.is_empty() && self.unknown.is_empty()
    }

    /// For people: what was found, each at its line, then what the file holds. `file` is the name of the file whose
    /// content is `text`.
    pub fn rendered(&self, file: &str, text: &str) -> String {
        let mut parts = Vec::new();
        let levels: [(&str, &[Finding]); 4] =
            [("error", &self.violations), ("error", &self.unknown), ("warning", &self.warnings), ("note", &self.notes)];
        for (level, findings) in levels {
            parts.extend(findings.iter().map(|finding| finding.rendered(level, file, text)));
        }
        let mut lines = self.summary.clone();
        let widths = [0, 1].map(|column| self.told.iter().map(|row| row[column].len()).max().unwrap_or(0));
        for [name, distribution, values] in &self.told {
            lines.push(format!("  {name:0$}  {distribution:1$}  {values}", widths[0], widths[1]));
        }
        for (index, point) in self.first_points.iter().enumerate() {
            let values: Vec<String> = point.iter().map(|(name, value)| format!("{name}={}", shown(value))).collect();
            lines.push(format!("{index:>4}  {}", values.join(" ")));
        }
        if self.method.is_some() || !self.told.is_empty() {
            parts.push(lines.join("\n") + "\n");
        }
        parts.join("\n")
    }
}

/// Lines about the search and about early termination.
fn summary(draft: &Draft, trainings: Counted) -> Vec<String> {
    let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let count = draft.space.parameters.len() as u64;
    let method = draft.method.map_or("no method", Method::name);
    let mut parts = vec![format!("{method} over {}", counted(count, "parameter"))];
    parts.extend(draft.metric.map(|metric| {
        format!("{} {}", if metric.goal == crate::Goal::Maximize { "highest" } else { "lowest" }, metric.name)
    }));
    let points = draft.space.points().filter(|_| count > 0);
    parts.extend(trainings.words().or_else(|| points.map(|points| counted(points, "point"))));
    parts.extend(draft.run_cap.map(|cap| format!("at most {}", counted(cap, "trial"))));
    let mut lines = vec![parts.join(", ")];
    lines.extend(draft.stopping.as_ref().map(|rule| match rule {
        Stopping::Hyperband { bands, eta, .. } => {
            let listed: Vec<String> = bands.iter().take(BANDS).map(ToString::to_string).collect();
            let more = if bands.len() > BANDS { " ..." } else { "" };
            format!("  trials are compared after {}{more} epochs; one in {eta} goes on", listed.join(", "))
        }
        Stopping::Median { min_iter } => format!("  trials worse than the median end from epoch {min_iter} on"),
    }));
    lines
}

/// The values of a distribution in a few words.
fn words(distribution: &Distribution) -> String {
    const MOST: usize = 8;
    match distribution {
        Distribution::Constant(value) => shown(value),
        Distribution::Categorical(values, shares) => {
            let mut words: Vec<String> = values.iter().take(MOST).map(shown).collect();
            if let Some(shares) = shares {
                words = words.iter().zip(shares).map(|(word, share)| format!("{word} ({share})")).collect();
            }
            if values.len() > MOST {
                words.push(format!("... {} in all", values.len()));
            }
            words.join(", ")
        }
        Distribution::Normal(..)
        | Distribution::QNormal(..)
        | Distribution::LogNormal(..)
        | Distribution::QLogNormal(..) => {
            format!("around {}", shown(&distribution.at(0.5)))
        }
        other => format!("{} to {}", shown(&other.at(0.0)), shown(&other.at(1.0))),
    }
}

fn shown(value: &Value) -> String {
    const MOST: usize = 40;
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) if number.is_f64() => {
            // Bounds that were given as exponents have digits that mean nothing.
            let x = number.as_f64().unwrap_or_default();
            format!("{x:.4e}").parse::<f64>().map_or_else(|_| x.to_string(), |rounded| json!(rounded).to_string())
        }
        other => other.to_string(),
    };
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST).chain(['…']).collect() }
}
