//! Axes: their range, ticks and tick labels.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::text::width;

/// Font size of tick labels.
pub(crate) const TICK: f64 = 12.0;
/// Seconds of a minute, an hour and a day.
const MINUTE: f64 = 60.0;
const HOUR: f64 = 3600.0;
const DAY: f64 = 86_400.0;

/// One axis: from `low` to `high` with a tick at every multiple of `step`.
#[derive(Clone)]
pub(crate) struct Axis {
    pub low: f64,
    pub high: f64,
    pub step: f64,
    /// Formats the label of a tick.
    pub format: Arc<dyn Fn(f64) -> String + Send + Sync>,
    /// Name of the axis.
    pub name: String,
    /// True if there was no value to span.
    pub empty: bool,
}

impl Axis {
    /// Numbers: all of `values` and a little room on both sides, as far as `limits` allow, with three to nine ticks.
    ///
    /// `unit` is written behind the numbers, which are multiplied by `times`.
    pub(crate) fn numbers(values: impl Iterator<Item = f64>, limits: [f64; 2], times: f64, unit: &'static str) -> Self {
        // Ticks beyond 1e100 could not be told apart, so such values do not set the range.
        let values = values.filter(|value| value.abs() < 1e100);
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let empty = low > high;
        let (low, high) = if empty { (0.0, 1.0) } else { (low, high) };
        // Equal values get an axis too, one on which rounding does not show.
        // If all values are small, a fixed margin would be large next to them.
        let least = if high > low && high.abs().max(low.abs()) < 0.02 { 0.0 } else { 0.002 };
        let room = (0.06 * (high - low)).max(0.005 * high.abs()).max(least);
        let (low, high) = ((low - room).max(limits[0]), (high + room).min(limits[1]));
        let step = round_step((high - low) / 8.0);
        let decimals = -libm::log10(step * times * (1.0 + 1e-9)).floor();
        let decimals = decimals.clamp(0.0, 9.0) as usize;
        let digits = libm::log10(low.abs().max(high.abs()) / step).ceil().clamp(1.0, 9.0) as usize;
        Self {
            low,
            high,
            step,
            format: Arc::new(move |v| match v * times {
                v if v.abs().max(step * times) < 1e5 => format!("{v:.decimals$}{unit}"),
                v => format!("{v:.digits$e}{unit}"),
            }),
            name: String::new(),
            empty,
        }
    }

    /// Shares in [0, 1], written as percentages.
    pub(crate) fn shares(values: impl Iterator<Item = f64>) -> Self {
        // Room beyond the limits, so that a line at 0 or 100 % is whole.
        Self::numbers(values, [-0.02, 1.02], 100.0, "%")
    }

    /// As [`Self::shares`], but cut off below a floor if a few low outliers would flatten the rest of `values`.
    ///
    /// The floor is two and a half times as far below the lower quartile as the highest value is above it, so that at
    /// most a quarter of the values is lower.
    pub(crate) fn shares_of_most(mut values: Vec<f64>) -> (Self, Option<f64>) {
        values.sort_by(f64::total_cmp);
        let Some(&highest) = values.last().filter(|_| values.len() >= 8) else {
            return (Self::shares(values.into_iter()), None);
        };
        let quartile = values[values.len() / 4];
        let floor = quartile - 2.5 * (highest - quartile).max(0.01);
        let cut = values[0] < floor;
        let mut axis = Self::shares(values.into_iter().filter(|&value| value >= floor));
        if cut {
            axis.low = (axis.low / axis.step).floor() * axis.step;
        }
        let floor = cut.then_some(axis.low);
        (axis, floor)
    }

    /// Epochs 1 to `last`, for an axis `length` units long.
    pub(crate) fn epochs(last: u32, length: f64) -> Self {
        let label = width(&last.to_string(), TICK, false) + 14.0;
        let last = f64::from(last.max(1));
        let room = (0.015 * (last - 1.0)).max(0.25);
        let step = round_step((last - 1.0) * label / length).max(1.0).round();
        // With a step above 1, only its multiples have a tick. Epochs start at 1, so 0 has no label.
        let format = |v: f64| if v < 0.5 { String::new() } else { format!("{v:.0}") };
        Self { low: 1.0 - room, high: last + room, step, format: Arc::new(format), name: "epoch".into(), empty: false }
    }

    /// Times from `first` to `last`, in seconds since 1970 (UTC), for an axis `length` units long.
    ///
    /// Its values are seconds since the midnight before `first`, which `origin` returns.
    pub(crate) fn times(first: f64, last: f64, length: f64) -> (Self, f64) {
        let origin = (first / DAY).floor() * DAY;
        let span = (last - first).max(1.0);
        let room = 0.03 * span;
        let (low, high) = (first - origin - room, last - origin + room);
        let steps = [1.0, 2.0, 5.0, 10.0, 15.0, 30.0]
            .into_iter()
            .chain([1.0, 2.0, 5.0, 10.0, 15.0, 30.0].map(|n| n * MINUTE))
            .chain([1.0, 2.0, 3.0, 6.0, 12.0].map(|n| n * HOUR))
            .chain([1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 5000.0].map(|n| n * DAY));
        let fits = |step: f64| {
            let widest = ["%H:%M:%S", "%H:%M", "%Y-%m-%d"].map(|f| width(&moment(origin, f), TICK, false));
            let label = if step < MINUTE {
                widest[0]
            } else if step < DAY {
                widest[1]
            } else {
                widest[2]
            };
            length * step / (high - low) >= label + 24.0
        };
        let step = steps.clone().find(|&step| fits(step)).unwrap_or(50_000.0 * DAY);
        let format = move |v: f64| {
            let pattern = match step {
                step if step >= DAY => "%Y-%m-%d",
                // A tick at midnight shows the day.
                _ if v.rem_euclid(DAY) < 0.5 && low < v - 1.0 => "%b %-d",
                step if step >= MINUTE => "%H:%M",
                _ => "%H:%M:%S",
            };
            moment(origin + v, pattern)
        };
        let day = |t: f64| moment(t, "%Y-%m-%d");
        let (from, to) = (day(first), day(last));
        let name = if from == to { format!("created (UTC), {from}") } else { format!("created (UTC), {from} to {to}") };
        (Self { low, high, step, format: Arc::new(format), name, empty: false }, origin)
    }
}

/// Seconds since 1970 as UTC in a form of `strftime`; empty for times that no calendar has.
pub(crate) fn moment(seconds: f64, pattern: &str) -> String {
    // A cast would turn NaN into 1970.
    let time = seconds.is_finite().then(|| Timestamp::from_second(seconds.round() as i64).ok()).flatten();
    time.map(|time| time.to_zoned(TimeZone::UTC).strftime(pattern).to_string()).unwrap_or_default()
}

/// The least of 1, 2 and 5 times a power of ten that is not below `least`.
fn round_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::log10(least.max(1e-9)).floor());
    let factor = [1.0, 2.0, 5.0].into_iter().find(|factor| factor * power >= least * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Labels of all ticks of an axis.
    fn labels(axis: &Axis) -> Vec<String> {
        let first = (axis.low / axis.step).ceil() as i64;
        let last = (axis.high / axis.step).floor() as i64;
        (first..=last).map(|i| (axis.format)(i as f64 * axis.step)).collect()
    }

    #[test]
    fn numbers_are_round_and_differ() {
        let axis = Axis::shares([0.852, 0.894].into_iter());
        assert_eq!(labels(&axis).join(" ").replace('\u{a0}', ""), "85% 86% 87% 88% 89%");
        for (low, high) in [(0.0, 0.0), (0.5, 0.5001), (1e-4, 2.3), (0.1, 1.0), (90.0, 4000.0), (1e6, 1e6), (0.1, 1e38)]
        {
            let labels = labels(&Axis::numbers([low, high].into_iter(), [f64::MIN, f64::MAX], 1.0, ""));
            assert!((3..=9).contains(&labels.len()), "{low} {high}: {labels:?}");
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1]), "{labels:?}");
        }
    }

    #[test]
    fn a_few_values_far_below_do_not_flatten_the_others() {
        let most: Vec<f64> = (0..20).map(|i| 0.86 + 0.0015 * f64::from(i)).collect();
        let (axis, floor) = Axis::shares_of_most([&most[..], &[0.1, 0.3]].concat());
        assert_eq!(floor, Some(axis.low));
        assert!(axis.low > 0.8 && axis.low < 0.86, "{}", axis.low);
        for all in [most.clone(), vec![0.1, 0.9, 0.91], [&most[..], &[0.1; 10]].concat()] {
            let lowest = all.iter().copied().fold(1.0, f64::min);
            let (axis, floor) = Axis::shares_of_most(all);
            assert!(floor.is_none() && axis.low < lowest);
        }
    }

    #[test]
    fn epochs_are_whole_numbers_from_one() {
        let labels = |last| labels(&Axis::epochs(last, 290.0)).join(" ");
        assert_eq!(labels(1), "1");
        assert_eq!(labels(10), "1 2 3 4 5 6 7 8 9 10");
        assert_eq!(labels(100), " 20 40 60 80 100");
        assert_eq!(labels(100_000), " 50000 100000");
    }

    #[test]
    fn times_have_labels_that_differ_and_fit_at_every_distance() {
        let start = 1_795_448_395.0; // 2026-11-23 15:39:55 UTC
        for span in [0.0, 3.0, 90.0, 600.0, 7200.0, 40_000.0, 3e5, 2e6, 4e7, 1e9] {
            let (axis, origin) = Axis::times(start, start + span, 700.0);
            assert!(axis.low + origin <= start && start + span <= axis.high + origin);
            let labels = labels(&axis);
            assert!(!labels.is_empty() && labels.len() <= 12, "{span}: {labels:?}");
            assert!(labels.windows(2).all(|pair| pair[0] != pair[1] && !pair[0].is_empty()), "{labels:?}");
            let all: f64 = labels.iter().map(|label| width(label, TICK, false) + 10.0).sum();
            assert!(all < 760.0, "{span}: {labels:?}");
        }
        let (axis, _) = Axis::times(start, start + 40_000.0, 700.0);
        assert_eq!(labels(&axis)[..3], ["16:00", "17:00", "18:00"]);
        assert_eq!(labels(&axis)[7..10], ["23:00", "Nov 24", "01:00"]);
        assert_eq!(axis.name, "created (UTC), 2026-11-23 to 2026-11-24");
    }
}
