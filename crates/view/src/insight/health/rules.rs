//! The rules of health, one function each.

use handloom_engine::config::Config;
use handloom_engine::metric::wilson;
use handloom_store::{Epoch, Run, Status};

use super::{Check, State};
use crate::format::{self, number};
use crate::words::{grouped, hidden, percent};

/// A run to be examined.
pub(super) struct Case<'a> {
    pub(super) run: &'a Run,
    pub(super) epochs: &'a [Epoch],
    pub(super) classes: &'a [String],
}

/// Every rule, the gravest illness first.
pub(super) const ALL: [fn(&Case<'_>) -> Check; 7] =
    [divergence, chance, vanishing, step, dead, saturation, overfitting];

/// Name of a rule's problem, in a word or two.
pub(super) fn ailment(rule: &str) -> &'static str {
    match rule {
        "divergence" => "divergence",
        "chance" => "nothing learned",
        "vanishing" => "vanishing gradients",
        "step" => "steps of the wrong size",
        "dead" => "dead units",
        "saturation" => "saturation",
        _ => "overfitting",
    }
}

/// A training loss that ends at this many times its first value is a divergence, not a bad epoch.
const WORSE: f64 = 2.0;

fn divergence(case: &Case<'_>) -> Check {
    const RULE: &str = "divergence";
    let fix = case.slower();
    if case.run.status == Status::Diverged {
        return Check::bad(RULE, reason(case.run), fix);
    }
    let losses = || case.epochs.iter().map(|epoch| (epoch.row.epoch, epoch.row.train_loss));
    if let Some((epoch, _)) = losses().find(|(_, loss)| !loss.is_finite()) {
        return Check::bad(RULE, format!("The loss was not a finite number in epoch {epoch}."), fix);
    }
    let Some((_, first)) = losses().next() else { return unknown(RULE, "No epoch is finished yet.") };
    let last = losses().next_back().map_or(first, |(_, loss)| loss);
    if last > WORSE * first {
        return Check::bad(RULE, format!("The training loss rose from {} to {}.", number(first), number(last)), fix);
    }
    Check::new(RULE, State::Good, format!("The training loss went from {} to {}.", number(first), number(last)))
}

/// The recorded reason of a divergence as a sentence; the epoch alone where an older program recorded none.
fn reason(run: &Run) -> String {
    let reason = run.reason.clone().unwrap_or_else(|| format!("training diverged in epoch {}", run.epochs + 1));
    let mut letters = reason.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

fn chance(case: &Case<'_>) -> Check {
    const RULE: &str = "chance";
    let Some(confusion) = case.shown().and_then(|epoch| epoch.evidence.confusion.as_ref()) else {
        return unknown(RULE, "There are no validation images to judge by.");
    };
    let support: Vec<u64> = confusion.counts.iter().map(|row| row.iter().sum()).collect();
    // Of equals the first.
    let Some((class, &most)) = support.iter().enumerate().rev().max_by_key(|(_, n)| **n).filter(|(_, n)| **n > 0)
    else {
        return unknown(RULE, "There are no validation images to judge by.");
    };
    let (correct, total) = (confusion.correct(), confusion.total());
    let (right, always) = (correct as f64 / total as f64, most as f64 / total as f64);
    let name = case.classes.get(class).map_or_else(|| format!("class {class}"), |name| format!("'{name}'"));
    if wilson(correct, total)[0] <= always {
        let fix = "Nothing is learned: check the learning rate, the init and the data.";
        let text = format!(
            "{} right is not better than always answering {name}, which is {} right.",
            percent(right),
            percent(always)
        );
        return Check::bad(RULE, text, fix);
    }
    Check::new(
        RULE,
        State::Good,
        format!("{} right; always answering {name} would be {} right.", percent(right), percent(always)),
    )
}

/// Gradients vanish where the first layer's norm is below this share of the last hidden layer's. Of 200 real trials, those
/// that learned anything to speak of were above 0.4 at the ends of epochs; those below 0.05 stayed within a third right,
/// most of them at chance.
pub(crate) const VANISHED: f64 = 0.05;

/// Gradient norm of the first layer over that of the last hidden layer, of `norms` of all layers, the output layer last.
///
/// None for fewer than two hidden layers, and where the last hidden layer has no gradient or one is not finite.
pub(crate) fn gradient_ratio(norms: &[f64]) -> Option<f64> {
    // The output layer is left out, as its gradient is large whatever the depth.
    let [first, .., last, _] = *norms else { return None };
    (first.is_finite() && last.is_finite() && last > 0.0).then_some(first / last)
}

/// Judges the gradients before the first step, where depth shows: a network that gets past them has other ones later.
fn vanishing(case: &Case<'_>) -> Check {
    const RULE: &str = "vanishing";
    let initial = &case.run.initial_norms;
    let layers = case.layers().max(initial.len());
    let Some(deep) = layers.checked_sub(1).filter(|hidden| *hidden > 1) else {
        return unknown(
            RULE,
            if layers == 0 { "No gradients were recorded." } else { "There are no two hidden layers to compare." },
        );
    };
    let norms = |epoch: &Epoch| epoch.evidence.layers.iter().map(|layer| layer.gradient_norm).collect::<Vec<f64>>();
    let before = gradient_ratio(initial);
    // The median, as a single epoch may be odd.
    let later = middle(case.epochs.iter().filter_map(|epoch| gradient_ratio(&norms(epoch))));
    let Some(ratio) = before.or(later) else {
        // Zeros in every layer: nothing gets anywhere, which is the same illness.
        let is_zero =
            initial.first() == Some(&0.0) || case.epochs.iter().any(|epoch| norms(epoch).first() == Some(&0.0));
        return if is_zero {
            Check::bad(
                RULE,
                "Hidden layers get no gradient at all.",
                "Weights that begin equal stay equal, and dead units stay dead: try -w_i he or -w_i xavier, and a lower learning rate.",
            )
            .of_layer(1)
        } else {
            unknown(RULE, "No gradients were recorded.")
        };
    };
    let vanished = |ratio: f64| ratio < VANISHED;
    let text = match (before, later) {
        (Some(before), Some(later)) if vanished(before) => format!(
            "Gradients vanish: before the first step, layer 1 gets {} layer {deep}; at the ends of epochs, {} layer {deep}.",
            share(before),
            share(later)
        ),
        (Some(before), None) if vanished(before) => {
            format!("Gradients vanish: before the first step, layer 1 gets {} layer {deep}.", share(before))
        }
        (_, Some(later)) if vanished(later) => {
            format!("Gradients vanish: at the ends of epochs, layer 1 gets {} layer {deep}.", share(later))
        }
        _ => {
            return Check::new(
                RULE,
                State::Good,
                format!("Gradients reach layer 1: it gets {} layer {deep}.", share(ratio)),
            );
        }
    };
    let activation = case.run.config.get("activation").and_then(serde_json::Value::as_str).unwrap_or_default();
    let fix = match activation {
        "sigmoid" => "Typical of sigmoid in deep networks: try -a relu or -a tanh, with -w_i xavier.",
        "relu" => "Try -w_i he, or fewer layers.",
        _ => "Try -a relu, -w_i xavier, or fewer layers.",
    };
    Check::bad(RULE, text, fix).of_layer(1)
}

/// A ratio of gradients in words that end before the layer compared with: `240 times less gradient than`.
fn share(ratio: f64) -> String {
    if ratio == 0.0 {
        return "no gradient at all, unlike".into();
    }
    if ratio >= 0.5 {
        return format!("{} times the gradient of", number(ratio));
    }
    let times = 1.0 / ratio;
    if times < 1e6 {
        let digits = 10_f64.powi((libm::log10(times).floor() as i32 - 2).max(0));
        format!("{} times less gradient than", grouped(((times / digits).round() * digits) as u64))
    } else {
        format!("{times:.1e} times less gradient than")
    }
}

/// A step may be this much of the weights that it moves. Of 293 real trials with rates from 1e-6 to 2, none with larger
/// steps in any layer had 80 % right, and most answered a constant.
const LARGE: f64 = 0.1;
/// And it must be this much of those of one layer: of the same trials, none with smaller steps had 80 % right.
const TINY: f64 = 3e-5;

fn step(case: &Case<'_>) -> Check {
    const RULE: &str = "step";
    // Of each layer the middle one, as a single step may be odd.
    let usual = |layer: usize| {
        let steps = case.epochs.iter().filter_map(|epoch| epoch.evidence.layers.get(layer)?.step);
        Some((layer + 1, middle(steps.filter(|step| step.is_finite()))?))
    };
    let largest =
        (0..case.layers()).filter_map(usual).reduce(|largest, next| if next.1 > largest.1 { next } else { largest });
    let Some((layer, step)) = largest else { return unknown(RULE, "The size of steps was not recorded.") };
    if step > LARGE {
        let text = format!("Steps are large: each changes the weights of layer {layer} by {}.", percent(step));
        return Check::bad(RULE, text, case.slower()).of_layer(layer);
    }
    if step < TINY {
        let text = format!("Steps are tiny: none changes a layer's weights by more than {}.", small(step));
        return Check::bad(RULE, text, case.try_rate("a ten times larger", |config| 10.0 * config.rate()));
    }
    Check::new(RULE, State::Good, format!("Each step changes a layer's weights by at most {}.", small(step)))
}

/// A small share as a percentage with two significant digits, which one decimal would show as 0.0%.
fn small(share: f64) -> String {
    format!("{}%", number(format!("{:.1e}", 100.0 * share).parse().unwrap_or(f64::NAN)))
}

/// Share of a layer's units that may be dead. Of 200 real trials, good ones lost up to a fifth of a layer; beyond a quarter,
/// width is paid for and not used, and most are worse for it.
const DEAD: f64 = 0.25;

fn dead(case: &Case<'_>) -> Check {
    const RULE: &str = "dead";
    let Some((layer, share)) = case.worst(|health| health.dead) else {
        return unknown(RULE, "Dead units do not apply to this activation, or were not recorded.");
    };
    let number = layer + 1;
    let width = hidden(&case.run.config).get(layer).copied().filter(|width| *width > 0);
    let units = width.map_or_else(|| percent(share), |width| format!("{} of {width}", (share * width as f64).round()));
    if share > DEAD {
        let text = format!("{units} units in layer {number} are dead: their output is 0 for every validation image.");
        return Check::bad(RULE, text, "Lower the learning rate, or try -w_i he or -a leaky_relu.").of_layer(number);
    }
    let text = if share == 0.0 {
        "No unit is dead.".into()
    } else {
        format!("Only {units} units in layer {number} are dead.")
    };
    Check::new(RULE, State::Good, text)
}

/// Share of a layer's outputs that may be at a flat end. Of 200 real trials, the best of tanh had half of a layer there and
/// some as much as 0.85; above 0.9 none was among the good ones.
const SATURATED: f64 = 0.9;

fn saturation(case: &Case<'_>) -> Check {
    const RULE: &str = "saturation";
    let Some((layer, share)) = case.worst(|health| health.saturated) else {
        return unknown(RULE, "Saturation does not apply to this activation, or was not recorded.");
    };
    let number = layer + 1;
    if share > SATURATED {
        let fix = "Lower the learning rate, or try -w_i xavier and smaller weights by -w_d.";
        return Check::bad(RULE, format!("{} of layer {number} is saturated.", percent(share)), fix).of_layer(number);
    }
    Check::new(RULE, State::Good, format!("At most {} of a layer is saturated.", percent(share)))
}

/// Epochs in a row for which the validation loss must have been above its least: one or two are chance.
const RISING: usize = 3;
/// And by how much of it at the end: less is noise, and still as good a model.
const RISEN: f64 = 1.05;

fn overfitting(case: &Case<'_>) -> Check {
    const RULE: &str = "overfitting";
    let losses: Vec<(u64, f64, f64)> = case
        .epochs
        .iter()
        .filter_map(|epoch| Some((epoch.row.epoch, epoch.row.val_loss?, epoch.row.train_loss)))
        .filter(|(_, val, train)| val.is_finite() && train.is_finite())
        .collect();
    let [.., (_, end, fitted)] = losses[..] else { return unknown(RULE, "There is no validation loss to judge by.") };
    let (at, &(epoch, least, then)) =
        losses.iter().enumerate().min_by(|(_, a), (_, b)| a.1.total_cmp(&b.1)).expect("there is a last one");
    let later = losses.len() - 1 - at;
    if later >= RISING && end > RISEN * least && fitted < then {
        let text = format!(
            "Since epoch {epoch} the validation loss rose from {} to {} while the training loss fell.",
            number(least),
            number(end)
        );
        let kept = match case.run.best_epoch {
            Some(best) => format!("The saved model is from epoch {best}. "),
            None => String::new(),
        };
        return Check::bad(RULE, text, format!("{kept}Try fewer epochs, a larger -w_d, or a smaller network."));
    }
    let text = match later {
        0 => "The validation loss still falls.".to_owned(),
        _ => format!("The validation loss was least at epoch {epoch} and stayed near it."),
    };
    Check::new(RULE, State::Good, text)
}

fn unknown(rule: &'static str, why: &str) -> Check {
    Check::new(rule, State::Unknown, why)
}

/// The middle one of `values`, of two the larger.
fn middle(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

impl Case<'_> {
    /// Layers that any epoch has evidence of.
    fn layers(&self) -> usize {
        self.epochs.iter().map(|epoch| epoch.evidence.layers.len()).max().unwrap_or(0)
    }

    /// Advice against steps that are too large.
    fn slower(&self) -> String {
        self.try_rate("a smaller", Config::smaller_rate)
    }

    /// Advice to train with `which` learning rate, with its value where the run's own is known.
    fn try_rate(&self, which: &str, changed: impl Fn(&Config) -> f64) -> String {
        let mut config = Config::default();
        let is_known = self.run.config.contains_key("learning_rate") && config.merge(&self.run.config).is_ok();
        let value = if is_known { format!(": -lr {}", format::rate(changed(&config))) } else { String::new() };
        format!("Try {which} learning rate{value}.")
    }

    /// The epoch whose weights are kept, or the last.
    fn shown(&self) -> Option<&Epoch> {
        let kept = self.epochs.iter().find(|epoch| Some(epoch.row.epoch) == self.run.best_epoch);
        kept.or(self.epochs.last())
    }

    /// The layer with the most of something in the last epoch that recorded it, and how much.
    fn worst(&self, of: impl Fn(&handloom_engine::event::LayerStats) -> Option<f64>) -> Option<(usize, f64)> {
        let shares = |epoch: &Epoch| -> Vec<(usize, f64)> {
            epoch.evidence.layers.iter().enumerate().filter_map(|(layer, health)| Some((layer, of(health)?))).collect()
        };
        let last = self.epochs.iter().rev().map(shares).find(|shares| !shares.is_empty())?;
        last.into_iter().reduce(|worst, next| if next.1 > worst.1 { next } else { worst })
    }
}
