//! Live view of a training: a line an epoch on stdout, a moving bar on stderr.

use std::ops::ControlFlow;
use std::time::Instant;

use handloom_engine::event::{EpochMetrics, Event, Observer};
use handloom_view::format::duration;
use handloom_view::words::grouped;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::output::{DIM, GOOD, Output};

/// Shows a training as it goes.
pub(crate) struct Display<'a> {
    output: &'a Output,
    bar: ProgressBar,
    epochs: u64,
    images: u64,
    first_epoch: u64,
    started: Instant,
    /// Accuracies so far, for the little curve.
    curve: Vec<f64>,
}

impl<'a> Display<'a> {
    /// For a training of this many epochs.
    pub(crate) fn new(output: &'a Output, epochs: u64) -> Self {
        Self {
            output,
            bar: ProgressBar::hidden(),
            epochs,
            images: 0,
            first_epoch: 0,
            started: Instant::now(),
            curve: Vec::new(),
        }
    }

    fn epoch(&mut self, row: &EpochMetrics, best: bool) {
        self.curve.extend(row.val_accuracy.or(Some(row.train_accuracy)));
        if self.output.json {
            self.bar.suspend(|| self.output.event(&epoch_event(row)));
        } else if self.output.is_terminal() {
            let line = self.table_line(row, best);
            self.bar.suspend(|| self.output.line(line));
        } else {
            self.bar.suspend(|| self.output.line(log_line(row, self.epochs)));
        }
        if row.epoch == self.epochs {
            self.bar.finish_and_clear();
        }
    }

    fn table_line(&self, row: &EpochMetrics, best: bool) -> String {
        let number = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.4}"));
        let percent = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{:.1}%", 100.0 * x));
        let mark = if best { format!("{GOOD}●{GOOD:#}") } else { " ".into() };
        format!(
            "{:>5}   {:>10}  {:>9}  {:>8}  {:>7} {mark} {DIM}{}{DIM:#}  {:>7.2} s",
            row.epoch,
            number(Some(row.train_loss)),
            percent(Some(row.train_accuracy)),
            number(row.val_loss),
            percent(row.val_accuracy),
            sparkline(&self.curve),
            row.seconds + row.val_seconds,
        )
    }
}

/// A bar on stderr, hidden where none may be drawn.
pub(crate) fn bar(output: &Output, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length);
    bar.set_draw_target(if output.shows_progress() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    });
    bar
}

impl Observer for Display<'_> {
    fn on(&mut self, event: &Event<'_>) -> ControlFlow<&'static str> {
        match event {
            Event::Started { session, images, .. } => {
                self.first_epoch = session.epoch;
                self.images = *images;
                self.started = Instant::now();
                self.curve.extend(session.rows.iter().map(|row| row.val_accuracy.unwrap_or(row.train_accuracy)));
                if self.output.is_terminal() && !self.output.json {
                    self.output.line(format!("{DIM}epoch   train loss  train acc  val loss  val acc{DIM:#}"));
                }
                let style = ProgressStyle::with_template("{prefix:>5}  {bar:24.cyan/dim}  {msg}");
                self.bar = bar(self.output, *images);
                self.bar.set_style(style.expect("the template is right").progress_chars("█▉▊▋▌▍▎▏░"));
            }
            Event::Stepped { epoch, images } if !self.bar.is_hidden() => {
                self.bar.set_prefix(epoch.to_string());
                self.bar.set_position(*images);
                let done = (epoch - 1 - self.first_epoch) * self.images + images;
                let total = (self.epochs - self.first_epoch) * self.images;
                let rate = done as f64 / self.started.elapsed().as_secs_f64();
                let left = (total - done) as f64 / rate;
                let share = 100 * images / self.images.max(1);
                self.bar.set_message(format!("{share:>3}%  {} img/s  ETA {}", grouped(rate as u64), duration(left)));
            }
            Event::Epoch { row, best, .. } => self.epoch(row, *best),
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Display<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// The `epoch` object of `--json`.
fn epoch_event(row: &EpochMetrics) -> Value {
    let mut event = json!({ "v": 1, "event": "epoch" });
    if let (Some(event), Ok(Value::Object(row))) = (event.as_object_mut(), serde_json::to_value(row)) {
        event.extend(row);
    }
    event
}

/// An epoch where nobody watches: one line with names, for logs.
fn log_line(row: &EpochMetrics, epochs: u64) -> String {
    let number = |x: Option<f64>| x.map_or_else(|| "-".into(), |x| format!("{x:.4}"));
    let second = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap_or_default();
    format!(
        "{second} epoch={}/{epochs} train_loss={:.4} train_accuracy={:.4} val_loss={} val_accuracy={} samples_per_second={:.0}",
        row.epoch,
        row.train_loss,
        row.train_accuracy,
        number(row.val_loss),
        number(row.val_accuracy),
        row.samples_per_second
    )
}

/// The latest values as bars of eight heights, the lowest to the highest of them.
fn sparkline(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const LATEST: usize = 16;
    let values = &values[values.len().saturating_sub(LATEST)..];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let height = |x: f64| if high > low { ((x - low) / (high - low) * 7.0).round() as usize } else { 3 };
    let bars: String = values.iter().map(|&x| BARS[height(x).min(7)]).collect();
    format!("{bars:<LATEST$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_runs_from_its_lowest_to_its_highest_bar() {
        assert_eq!(sparkline(&[0.1, 0.2, 0.9]).trim_end(), "▁▂█");
        assert_eq!(sparkline(&[0.5]).trim_end(), "▄");
    }
}
