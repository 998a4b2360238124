//! The best of several settings, its lead, and the probability that chance made it.

use super::page::Conclusion;
use super::sample::Sample;
use crate::words::listed;

/// Format of a figure, with the direction that is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// A share in [0, 1], the more the better; differences are percentage points.
    Accuracy,
    /// A number, the less the better.
    Loss,
}

impl Figure {
    /// A value, for people.
    pub fn text(self, value: f64) -> String {
        match self {
            Self::Accuracy => format!("{:.2} %", 100.0 * value),
            Self::Loss => format!("{value:.4}"),
        }
    }

    /// A difference with its interval, both in favor of whoever is ahead.
    fn lead(self, value: f64, [low, high]: [f64; 2]) -> String {
        match self {
            Self::Accuracy => {
                format!("{:.2} points [{:+.2}, {:+.2}]", 100.0 * value, 100.0 * low, 100.0 * high)
            }
            Self::Loss => format!("{value:.4} [{low:+.4}, {high:+.4}]"),
        }
    }

    /// Advantage of `a` over `b`: at least 0 if `a` is better.
    fn gain(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Accuracy => a - b,
            Self::Loss => b - a,
        }
    }
}

/// The mean of a sample with its interval, for people: `88.12 % (87.90 to 88.34)`.
pub fn told(sample: &Sample, figure: Figure) -> String {
    let (Some(mean), Some([low, high])) = (sample.mean(), sample.interval()) else { return "–".into() };
    // No share is below nothing or above everything, whatever the arithmetic of intervals says.
    let bounded = |value: f64| if figure == Figure::Accuracy { value.clamp(0.0, 1.0) } else { value };
    let [low, high] = [low, high].map(bounded);
    let bare = |value: f64| figure.text(value).trim_end_matches(" %").to_owned();
    if low == high { figure.text(mean) } else { format!("{} ({} to {})", figure.text(mean), bare(low), bare(high)) }
}

/// The one of `contenders`, each a setting with its runs, with the best mean. It is settled if each other one is behind
/// with 95 % confidence; else the sentence names those that may be as good.
///
/// `what` is what they are, such as `optimizer`; `of` what is compared, such as `validation accuracy`.
pub fn leader(what: &str, of: &str, contenders: &[(String, Sample)], figure: Figure) -> Conclusion {
    let mut ranked: Vec<(&str, &Sample, f64)> =
        contenders.iter().filter_map(|(label, sample)| Some((label.as_str(), sample, sample.mean()?))).collect();
    // Of equals the first that was named.
    ranked.sort_by(|a, b| figure.gain(b.2, a.2).total_cmp(&0.0));
    let [(first, sample, mean), others @ ..] = &ranked[..] else {
        return Conclusion::open(format!("no {what} has a {of} yet"));
    };
    let [(second, ..), ..] = others else {
        return Conclusion::open(format!("{first} is the only {what} with a {of}"));
    };
    let lead = |other: &(&str, &Sample, f64)| {
        let found = sample.over(other.1)?;
        let [low, high] = if figure == Figure::Loss { [-found.high, -found.low] } else { [found.low, found.high] };
        Some((found.value.abs(), [low, high]))
    };
    let rivals: Vec<&(&str, &Sample, f64)> =
        others.iter().filter(|other| lead(other).is_none_or(|(_, [low, _])| low <= 0.0)).collect();
    let seeds = ranked.iter().map(|(_, sample, _)| sample.0.len()).min().unwrap_or(0);
    if rivals.is_empty() {
        let (value, interval) = lead(&others[0]).expect("it is no rival");
        return Conclusion::settled(format!(
            "{first} is the best {what} by {of}, {} on average: {} ahead of {second}, the next, over {seeds} seeds",
            figure.text(*mean),
            figure.lead(value, interval)
        ));
    }
    if seeds < 2 {
        return Conclusion::open(format!(
            "{first} is ahead by {of} with {}, but a setting with one seed cannot be told from luck",
            figure.text(*mean)
        ));
    }
    let names: Vec<String> = rivals.iter().map(|(label, ..)| (*label).to_owned()).collect();
    let by = match lead(rivals[0]) {
        Some((value, interval)) => format!(", by {} over the nearest", figure.lead(value, interval)),
        None => String::new(),
    };
    let behind: Vec<String> = others
        .iter()
        .filter(|other| !rivals.iter().any(|rival| rival.0 == other.0))
        .map(|(label, ..)| (*label).to_owned())
        .collect();
    let rest = match &behind[..] {
        [] => String::new(),
        names => format!("; {} {} behind", listed(names), if names.len() > 1 { "are" } else { "is" }),
    };
    Conclusion::open(format!(
        "{first} is ahead by {of}, {} on average{by}, but over {seeds} seeds {} may be as good{rest}",
        figure.text(*mean),
        listed(&names)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(values: &[f64]) -> Sample {
        Sample((1..).zip(values.iter().copied()).collect())
    }

    fn of(contenders: &[(&str, &[f64])], figure: Figure) -> Conclusion {
        let contenders: Vec<_> =
            contenders.iter().map(|(label, values)| ((*label).to_owned(), sample(values))).collect();
        leader("optimizer", "validation accuracy", &contenders, figure)
    }

    #[test]
    fn a_clear_leader_is_settled_with_its_margin() {
        let said = of(
            &[("sgd", &[0.80, 0.81, 0.80]), ("nadam", &[0.88, 0.89, 0.885]), ("adam", &[0.86, 0.868, 0.865])],
            Figure::Accuracy,
        );
        assert!(said.settled, "{said:?}");
        assert!(
            said.text
                .starts_with("nadam is the best optimizer by validation accuracy, 88.50 % on average: 2.07 points ["),
            "{said:?}"
        );
        assert!(said.text.ends_with("ahead of adam, the next, over 3 seeds"), "{said:?}");
    }

    #[test]
    fn level_settings_are_named_and_nothing_is_settled() {
        let said = of(
            &[("adam", &[0.88, 0.87, 0.89]), ("nadam", &[0.87, 0.89, 0.885]), ("sgd", &[0.5, 0.51, 0.52])],
            Figure::Accuracy,
        );
        assert!(!said.settled && said.text.contains("adam may be as good; sgd is behind"), "{said:?}");
        assert!(!of(&[("a", &[0.9]), ("b", &[0.1])], Figure::Accuracy).settled);
        assert!(!of(&[("a", &[0.9, 0.9])], Figure::Accuracy).settled && !of(&[], Figure::Accuracy).settled);
    }

    #[test]
    fn no_share_is_told_to_be_above_everything() {
        assert_eq!(told(&sample(&[1.0, 0.9]), Figure::Accuracy), "95.00 % (31.47 to 100.00)");
        assert_eq!(told(&sample(&[0.5]), Figure::Loss), "0.5000");
        assert_eq!(told(&sample(&[]), Figure::Loss), "–");
    }

    #[test]
    fn the_least_loss_is_best() {
        let said = of(&[("a", &[0.50, 0.52]), ("b", &[0.30, 0.31])], Figure::Loss);
        assert!(said.settled && said.text.starts_with("b is the best"), "{said:?}");
        assert!(said.text.contains("0.2050 [+"), "{said:?}");
    }
}
