//! The keys of a sweep file: one table for reading, for suggestions and for editors.

/// Kind of value that a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    /// Text.
    Text,
    /// One of these words.
    Word(&'static [&'static str]),
    /// A whole number of at least so much.
    Whole(u64),
    /// A number.
    Number,
    /// `true` or `false`.
    Truth,
    /// A list.
    List,
    /// A map, which is read elsewhere.
    Map,
}

/// A key and what it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) takes: Takes,
    pub(super) about: &'static str,
    /// Why it changes nothing here, if that is so.
    pub(super) ignored: Option<&'static str>,
}

const fn field(name: &'static str, takes: Takes, about: &'static str) -> Field {
    Field { name, takes, about, ignored: None }
}

const fn ignored(name: &'static str, takes: Takes, about: &'static str, why: &'static str) -> Field {
    Field { name, takes, about, ignored: Some(why) }
}

const LAUNCH: &str = "trials run in this process, not by W&B Launch";
const ITSELF: &str = "trials run in this process; `wandb agent` still uses it";

/// Keys of the file.
pub(super) const FILE: &[Field] = &[
    field("method", Takes::Word(METHODS), "How configurations are chosen"),
    field("parameters", Takes::Map, "What is tried: settings by name, each with its values"),
    field("metric", Takes::Map, "What is best"),
    field("early_terminate", Takes::Map, "Which trials end early"),
    field("run_cap", Takes::Whole(1), "Most trials"),
    field("name", Takes::Text, "Name of the sweep"),
    field("description", Takes::Text, "Notes on the sweep"),
    field("project", Takes::Text, "W&B project"),
    field("entity", Takes::Text, "W&B user or team"),
    ignored("program", Takes::Text, "Training script that `wandb agent` starts", ITSELF),
    ignored("command", Takes::List, "How `wandb agent` starts the program", ITSELF),
    ignored("controller", Takes::Map, "Who chooses at W&B", "the choice is made here"),
    ignored("scheduler", Takes::Map, "Which engine chooses at W&B", "the choice is made here"),
    field("metrics", Takes::List, "Several metrics at once, which W&B takes for `method: custom` alone"),
    ignored("job", Takes::Text, "W&B Launch job", LAUNCH),
    ignored("image_uri", Takes::Text, "Image of W&B Launch", LAUNCH),
    ignored("apiVersion", Takes::Text, "Version of the file's form", "there is one form"),
    ignored("kind", Takes::Word(&["sweep"]), "What the file is", "it is a sweep"),
];

/// Methods that this program knows.
pub(super) const METHODS: &[&str] = &["grid", "random", "bayes"];

/// Keys of `metric`.
pub(super) const METRIC: &[Field] = &[
    field("name", Takes::Text, "Name of the metric"),
    field("goal", Takes::Word(&["minimize", "maximize"]), "Which way is better [default: minimize]"),
    field("target", Takes::Number, "The sweep ends once a trial reaches this"),
    ignored(
        "impute",
        Takes::Word(&["latest", "best", "worst"]),
        "What W&B's Bayesian search takes for a failed trial",
        "a failed trial counts as the worst one",
    ),
    ignored(
        "impute_while_running",
        Takes::Word(&["latest", "best", "worst", "false"]),
        "What W&B's Bayesian search takes for a running trial",
        "a running trial counts with what is expected of it",
    ),
];

/// Keys of `early_terminate`.
pub(super) const STOPPING: &[Field] = &[
    field("type", Takes::Word(&["hyperband", "median"]), "Rule; `median` is Handloom's own"),
    field("min_iter", Takes::Whole(1), "Epoch of the first comparison"),
    field("max_iter", Takes::Whole(1), "Epochs from which earlier comparisons are counted back, together with `s`"),
    field("s", Takes::Whole(1), "Number of comparisons before `max_iter`"),
    field("eta", Takes::Number, "At each comparison one in `eta` goes on; above 1 [default: 3]"),
    field("strict", Takes::Truth, "Whether the value at the comparison counts, not the best so far [default: true]"),
];

/// Keys of `scheduler`.
pub(super) const SCHEDULER: &[Field] = &[
    field("engine", Takes::Word(&["wandb", "optuna", "ax"]), "Who chooses"),
    field("source", Takes::Text, "File with the functions below"),
    field("optimizer", Takes::Text, "Function that makes the study"),
    field("search_space", Takes::Text, "Function that defines the space"),
];

/// Keys of a parameter.
pub(super) const PARAMETER: &[&str] =
    &["value", "values", "probabilities", "distribution", "min", "max", "q", "mu", "sigma", "a", "b", "parameters"];

/// A distribution as a file spells it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Keys that it needs.
    pub(super) needs: &'static [&'static str],
    /// Keys that it may have, with the numbers that hold without them.
    pub(super) may: &'static [(&'static str, f64)],
    /// Replacement of a key that W&B calls deprecated.
    pub(super) instead: Option<&'static str>,
    pub(super) about: &'static str,
}

const fn shape(
    name: &'static str,
    needs: &'static [&'static str],
    may: &'static [(&'static str, f64)],
    about: &'static str,
) -> Shape {
    Shape { name, needs, may, instead: None, about }
}

const fn deprecated(
    name: &'static str,
    may: &'static [(&'static str, f64)],
    instead: &'static str,
    about: &'static str,
) -> Shape {
    Shape { name, needs: BOUNDS, may, instead: Some(instead), about }
}

const BOUNDS: &[&str] = &["min", "max"];
const Q: &[(&str, f64)] = &[("q", 1.0)];

/// Every distribution.
pub(super) const SHAPES: &[Shape] = &[
    shape("constant", &["value"], &[], "One value"),
    shape("categorical", &["values"], &[], "One of several values, equally likely"),
    shape("categorical_w_probabilities", &["values", "probabilities"], &[], "One of several values"),
    shape("int_uniform", BOUNDS, &[], "A whole number, both bounds included"),
    shape("uniform", BOUNDS, &[], "A number"),
    shape("q_uniform", BOUNDS, Q, "A multiple of `q`"),
    shape("log_uniform_values", BOUNDS, &[], "A number whose logarithm is uniform"),
    shape("q_log_uniform_values", BOUNDS, Q, "The same, rounded to a multiple of `q`"),
    shape("inv_log_uniform_values", BOUNDS, &[], "A number whose reciprocal has a uniform logarithm"),
    deprecated("log_uniform", &[], "log_uniform_values", "`exp` of a uniform number: the bounds are exponents"),
    deprecated("q_log_uniform", Q, "q_log_uniform_values", "The same, rounded to a multiple of `q`"),
    deprecated("inv_log_uniform", &[], "inv_log_uniform_values", "`exp` of a uniform number, negated"),
    shape("normal", &[], &[("mu", 0.0), ("sigma", 1.0)], "A normal number"),
    shape("q_normal", &[], &[("mu", 0.0), ("sigma", 1.0), ("q", 1.0)], "The same, rounded to a multiple of `q`"),
    shape("log_normal", &[], &[("mu", 0.0), ("sigma", 1.0)], "`exp` of a normal number"),
    shape("q_log_normal", &[], &[("mu", 0.0), ("sigma", 1.0), ("q", 1.0)], "The same, rounded to a multiple of `q`"),
    shape("beta", &[], &[("a", 1.0), ("b", 1.0)], "A beta-distributed number in `[0, 1]`"),
    shape("q_beta", &[], &[("a", 1.0), ("b", 1.0), ("q", 1.0)], "The same, rounded to a multiple of `q`"),
];
