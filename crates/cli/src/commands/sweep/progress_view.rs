//! Live view of a sweep: a line per trial on stdout, and a moving summary on stderr.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use handloom_engine::event::EpochMetrics;
use handloom_sweep::spec::Metric;
use handloom_sweep::{Goal, Params, Status, SweepSummary};
use handloom_view::format::{parameters, plain};
use handloom_view::words::count;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::events::TrialEvent;
use crate::output::{BAD, BOLD, DIM, GOOD, Output};
use crate::progress::bar;
use crate::table::{one_line, squeezed};
use handloom_view::format::duration;

/// Result of a run: the metrics of its kept epoch, its number of epochs, and the seconds of its training.
type Figures = (Option<EpochMetrics>, u64, f64);

/// Shows a sweep as it goes.
pub(super) struct ProgressView<'a> {
    output: &'a Output,
    bar: ProgressBar,
    sweep: String,
    metric: Metric,
    goal: Goal,
    /// Parameters that differ between trials.
    varying: Vec<String>,
    /// Trials that there are to be, if there is an end to them.
    total: Option<u64>,
    started: Instant,
    /// Trials that run here.
    own: u64,
    /// Trials that were over when this began.
    before: Option<u64>,
    pub(super) standing: SweepSummary,
    /// The most important parameters so far, in words.
    pub(super) matters: Option<String>,
    figures: HashMap<String, Figures>,
    drawn: Option<Instant>,
}

/// Between two drawings of the summary.
const FRAME: Duration = Duration::from_millis(100);

impl<'a> ProgressView<'a> {
    /// For a sweep of `total` trials, if that is known.
    pub(super) fn new(
        output: &'a Output,
        sweep: &str,
        (metric, goal): (Metric, Goal),
        varying: Vec<String>,
        total: Option<u64>,
    ) -> Self {
        let moving = bar(output, total.unwrap_or(0));
        let template = if total.is_some() { "  {prefix}  {bar:20.cyan/dim}  {msg}" } else { "  {prefix}  {msg}" };
        let style = ProgressStyle::with_template(template).expect("the template is right");
        moving.set_style(style.progress_chars("█▉▊▋▌▍▎▏░"));
        Self {
            output,
            bar: moving,
            sweep: sweep.into(),
            metric,
            goal,
            varying,
            total,
            started: Instant::now(),
            own: 0,
            before: None,
            standing: SweepSummary::default(),
            matters: None,
            figures: HashMap::new(),
            drawn: None,
        }
    }

    /// Seconds since this began.
    pub(super) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Keeps what a run came to until its end is told.
    pub(super) fn figures(&mut self, run: String, figures: Figures) {
        self.figures.insert(run, figures);
    }

    /// Takes note of what happened to a trial, and of where the sweep stands since.
    pub(super) fn happened(&mut self, what: TrialEvent, standing: SweepSummary) {
        let ends = matches!(what, TrialEvent::Ended { .. } | TrialEvent::Killed { .. });
        self.before.get_or_insert(standing.ended() - u64::from(ends));
        let better = standing.best.as_ref().map(|best| best.0) != self.standing.best.as_ref().map(|best| best.0);
        self.standing = standing;
        match what {
            TrialEvent::Claimed => self.own += 1,
            TrialEvent::Ended { .. } | TrialEvent::Released | TrialEvent::Faulted { .. } | TrialEvent::Lost { .. } => {
                self.own = self.own.saturating_sub(1);
            }
            _ => {}
        }
        match what {
            TrialEvent::Ended { number, run, choice, status, reused, why } => {
                self.ended(number, &run, &choice, (status, reused), why.as_deref(), better);
            }
            TrialEvent::Killed { number, run, choice, why } => {
                self.ended(number, &run, &choice, (Status::Failed, false), Some(&why), false);
            }
            TrialEvent::Faulted { number, why } => {
                self.warn(&format!("trial {number} is given back, and this agent takes no further one: {why}"));
            }
            TrialEvent::TakenOver { number, host } => {
                self.note(&format!("trial {number} goes on here: its process on {} is gone", one_line(&host)));
            }
            TrialEvent::Lost { number } => {
                self.warn(&format!("trial {number} was taken over by others, who had not heard of this process"));
            }
            TrialEvent::Waiting { running } if running > self.own => {
                let others = running - self.own;
                self.note(&format!(
                    "nothing is left to begin; waiting for {} that others run",
                    count(others, "trial", "trials")
                ));
            }
            TrialEvent::Claimed | TrialEvent::Reported | TrialEvent::Released | TrialEvent::Waiting { .. } => {}
        }
        self.draw();
    }

    fn ended(
        &mut self,
        number: u64,
        run: &str,
        choice: &Params,
        (status, reused): (Status, bool),
        why: Option<&str>,
        better: bool,
    ) {
        let figures = self.figures.remove(run);
        if self.output.json {
            self.output.event(&self.event(number, run, choice, (status, reused), why, figures.as_ref()));
            return;
        }
        let value = figures.as_ref().and_then(|(row, ..)| row.as_ref()).map(|row| self.metric.of(row));
        let value = value.filter(|value| value.is_finite());
        let tried = one_line(&parameters(choice, &self.varying));
        let line = if self.output.is_terminal() {
            let (mark, style) = match status {
                Status::Finished if better => ("●", GOOD),
                Status::Finished => (" ", GOOD),
                Status::Failed | Status::Diverged => (" ", BAD),
                _ => (" ", DIM),
            };
            let took = figures.map(|(.., seconds)| duration(seconds)).unwrap_or_default();
            let word = if reused { "reused" } else { status.name() };
            let value = value.map_or_else(|| "-".into(), |value| self.metric.text(value));
            format!(
                "{number:>5}  {value:>8} {GOOD}{mark}{GOOD:#} {style}{word:<8}{style:#}  {run}  {took:>7}  {DIM}{tried}{DIM:#}"
            )
        } else {
            let second = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
            let parameters =
                self.varying.iter().filter_map(|name| Some(format!(" {name}={}", plain(choice.get(name)?))));
            let parameters = one_line(&parameters.collect::<String>());
            // A log is for programs, too: fractions, as in those of `train`.
            let value = value.map_or_else(|| "-".into(), |value| format!("{value:.4}"));
            format!(
                "{second} trial={number} run={run} status={}{} {}={value}{parameters}",
                status.name(),
                if reused { " reused=true" } else { "" },
                self.metric.name
            )
        };
        self.bar.suspend(|| self.output.line(line));
        if let Some(why) = why {
            self.note(&format!("  trial {number} {}: {}", status.name(), one_line(why)));
        }
    }

    fn event(
        &self,
        number: u64,
        run: &str,
        choice: &Params,
        (status, reused): (Status, bool),
        why: Option<&str>,
        figures: Option<&Figures>,
    ) -> Value {
        let mut event = json!({
            "v": 1, "event": "trial", "sweep": self.sweep, "number": number, "run": run, "status": status.name(),
            "reused": reused, "why": why, "parameters": choice, "epochs": figures.map(|(_, epochs, _)| epochs),
            "seconds": figures.map(|(.., seconds)| seconds),
        });
        let row = figures.and_then(|(row, ..)| row.as_ref());
        if let Value::Object(event) = &mut event {
            event.extend(metrics(row));
        }
        event
    }

    /// Says something on stderr, above what moves.
    pub(super) fn note(&self, text: &str) {
        self.bar.suspend(|| self.output.note(text));
    }

    /// Says what needs attention.
    pub(super) fn warn(&self, text: &str) {
        self.bar.suspend(|| self.output.warn(text));
    }

    /// True if the summary is drawn at all.
    pub(super) fn is_drawn(&self) -> bool {
        !self.bar.is_hidden()
    }

    /// Draws the summary, unless it was drawn a moment ago.
    pub(super) fn draw(&mut self) {
        if self.bar.is_hidden() || self.drawn.is_some_and(|drawn| drawn.elapsed() < FRAME) {
            return;
        }
        self.drawn = Some(Instant::now());
        let standing = &self.standing;
        let ended = standing.ended();
        self.bar.set_prefix(match self.total {
            Some(total) => format!("{ended} of {total}"),
            None => format!("{ended} done, no end set: Ctrl-C stops"),
        });
        self.bar.set_position(ended);
        let here = ended - self.before.unwrap_or(0).min(ended);
        let rate = here as f64 / self.seconds();
        let mut first = vec![format!("{} running", standing.count(Status::Running))];
        for status in [Status::Pruned, Status::Diverged, Status::Failed, Status::Removed, Status::Pending] {
            let count = standing.count(status);
            if count > 0 {
                first.push(format!("{count} {}", status.name()));
            }
        }
        if here > 0 {
            first.push(format!("{:.1} a minute", 60.0 * rate));
            first
                .extend(self.total.map(|total| format!("ETA {}", duration(total.saturating_sub(ended) as f64 / rate))));
        }
        let mut lines = vec![first.join(" · ")];
        if let Some((number, choice, cost)) = &standing.best {
            let (value, ago) = (self.metric.text(self.goal.cost(*cost)), ended.saturating_sub(number + 1));
            let what = squeezed(&one_line(&parameters(choice, &self.varying)), 70);
            lines.push(format!("  best  {BOLD}{value}{BOLD:#}  {what}   {DIM}trial {number}, {ago} trials ago{DIM:#}"));
        }
        lines.extend(self.matters.as_ref().map(|matters| format!("  {matters}")));
        self.bar.set_message(lines.join("\n"));
    }

    /// Takes the summary down.
    pub(super) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for ProgressView<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The metrics of an epoch under their names; null where there is none.
pub(super) fn metrics(row: Option<&EpochMetrics>) -> impl Iterator<Item = (String, Value)> {
    let finite = |x: f64| if x.is_finite() { json!(x) } else { Value::Null };
    let figures = [
        ("epoch", row.map(|row| json!(row.epoch))),
        ("train_loss", row.map(|row| finite(row.train_loss))),
        ("train_accuracy", row.map(|row| finite(row.train_accuracy))),
        ("val_loss", row.and_then(|row| row.val_loss).map(finite)),
        ("val_accuracy", row.and_then(|row| row.val_accuracy).map(finite)),
        ("learning_rate", row.map(|row| finite(row.learning_rate))),
        ("samples_per_second", row.map(|row| finite(row.samples_per_second))),
    ];
    figures.into_iter().map(|(name, value)| (name.to_owned(), value.unwrap_or_default()))
}
