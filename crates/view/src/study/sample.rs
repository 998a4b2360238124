//! Runs of one setting with several seeds, and what they come to.

use handloom_engine::compare::{Difference, paired_means, welch};
use handloom_engine::event::EpochMetrics;
use handloom_store::{Epoch, Run, Status};
use serde_json::Value;

/// A run of a study, with its epochs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trial {
    /// Its record.
    pub run: Run,
    /// Its epochs, the first one first.
    pub epochs: Vec<Epoch>,
}

impl Trial {
    /// A setting as people write it; empty if it has none of this name.
    pub fn text(&self, setting: &str) -> String {
        match self.run.config.get(setting) {
            Some(value) => crate::format::plain(value),
            None => String::new(),
        }
    }

    /// A setting that is a number.
    pub fn number(&self, setting: &str) -> Option<f64> {
        self.run.config.get(setting).and_then(Value::as_f64)
    }

    /// Number of hidden layers.
    pub fn depth(&self) -> usize {
        match self.run.config.get("hidden_size") {
            Some(Value::Array(widths)) if !widths.is_empty() => widths.len(),
            _ => self.number("num_layers").unwrap_or(0.0) as usize,
        }
    }

    /// True if it trained its last epoch, or diverged: a run that has a result.
    pub fn is_over(&self) -> bool {
        matches!(self.run.status, Status::Finished | Status::Diverged)
    }

    /// True if it diverged.
    pub fn is_diverged(&self) -> bool {
        self.run.status == Status::Diverged
    }

    /// The epoch whose weights were kept.
    pub fn kept(&self) -> Option<&EpochMetrics> {
        let best = self.run.best_epoch?;
        self.epochs.iter().map(|epoch| &epoch.row).find(|row| row.epoch == best)
    }

    /// The last epoch.
    pub fn last(&self) -> Option<&Epoch> {
        self.epochs.last()
    }

    /// Validation accuracy of the kept weights.
    pub fn accuracy(&self) -> Option<f64> {
        self.run.val_accuracy
    }
}

/// The runs of one setting, a seed each.
#[derive(Clone, Debug)]
pub struct Arm<'a> {
    /// The setting, for people.
    pub label: String,
    /// Its runs that are over, by their seeds.
    pub trials: Vec<&'a Trial>,
}

/// The trials that are over, by what `label` calls their setting, in the order in which labels first appear.
pub fn arms<'a>(trials: impl IntoIterator<Item = &'a Trial>, label: impl Fn(&Trial) -> String) -> Vec<Arm<'a>> {
    let mut found: Vec<Arm<'a>> = Vec::new();
    for trial in trials.into_iter().filter(|trial| trial.is_over()) {
        let label = label(trial);
        match found.iter_mut().find(|arm| arm.label == label) {
            Some(arm) => arm.trials.push(trial),
            None => found.push(Arm { label, trials: vec![trial] }),
        }
    }
    for arm in &mut found {
        arm.trials.sort_by_key(|trial| trial.run.seed);
    }
    found
}

impl Arm<'_> {
    /// A figure of each run that has it.
    pub fn sample(&self, figure: impl Fn(&Trial) -> Option<f64>) -> Sample {
        let with_seed = |trial: &&Trial| Some((trial.run.seed, figure(trial).filter(|value| value.is_finite())?));
        Sample(self.trials.iter().filter_map(with_seed).collect())
    }

    /// Number of its runs that diverged.
    pub fn diverged(&self) -> usize {
        self.trials.iter().filter(|trial| trial.is_diverged()).count()
    }
}

/// A figure for each seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample(pub Vec<(u64, f64)>);

impl Sample {
    /// The figures alone.
    pub fn values(&self) -> Vec<f64> {
        self.0.iter().map(|(_, value)| *value).collect()
    }

    /// Their mean; none of none.
    pub fn mean(&self) -> Option<f64> {
        (!self.0.is_empty()).then(|| self.0.iter().map(|(_, value)| value).sum::<f64>() / self.0.len() as f64)
    }

    /// The mean over all seeds with its 95 % confidence interval; none for fewer than two figures, or equal ones.
    pub fn estimate(&self) -> Option<Difference> {
        paired_means(&self.values(), &vec![0.0; self.0.len()])
    }

    /// Ends of the interval of [`estimate`](Self::estimate), or the mean twice without one; none of no figures.
    pub fn interval(&self) -> Option<[f64; 2]> {
        let mean = self.mean()?;
        Some(self.estimate().map_or([mean; 2], |found| [found.low, found.high]))
    }

    /// The mean of this sample minus that of `other`: by pairs where both have the same seeds, unless all pairs differ by
    /// the same, which leaves nothing to estimate their spread from.
    pub fn over(&self, other: &Self) -> Option<Difference> {
        let seeds = |sample: &Self| sample.0.iter().map(|(seed, _)| *seed).collect::<Vec<_>>();
        let (own, others) = (seeds(self), seeds(other));
        let is_paired = own == others && own.windows(2).all(|pair| pair[0] != pair[1]);
        let paired = is_paired.then(|| paired_means(&self.values(), &other.values())).flatten();
        paired.or_else(|| welch(&self.values(), &other.values()))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use handloom_engine::event::EpochDiagnostics;
    use serde_json::json;

    use super::*;

    /// A finished trial with these settings, and a row for each validation accuracy.
    pub(crate) fn trial(settings: Value, seed: u64, accuracies: &[f64]) -> Trial {
        let row = |(at, &accuracy): (usize, &f64)| EpochMetrics {
            epoch: at as u64 + 1,
            train_loss: 1.0 - accuracy,
            train_accuracy: accuracy,
            val_loss: Some(1.1 - accuracy),
            val_accuracy: Some(accuracy),
            learning_rate: 0.001,
            samples_per_second: 1e5,
            seconds: 0.5,
            val_seconds: 0.1,
        };
        let epochs: Vec<Epoch> = accuracies
            .iter()
            .enumerate()
            .map(row)
            .map(|row| Epoch { row, evidence: EpochDiagnostics::default() })
            .collect();
        let best = accuracies.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1).then(b.0.cmp(&a.0)));
        let Value::Object(config) = settings else { panic!("settings are a map") };
        let run = Run {
            id: format!("run{seed}"),
            status: Status::Finished,
            config,
            seed,
            epochs: accuracies.len() as u64,
            best_epoch: best.map(|(at, _)| at as u64 + 1),
            val_accuracy: best.map(|(_, value)| value),
            ..Run::default()
        };
        Trial { run, epochs }
    }

    #[test]
    fn runs_of_a_setting_are_an_arm_by_seed_and_what_is_not_over_is_left_out() {
        let mut trials = vec![
            trial(json!({"optimizer": "sgd", "hidden_size": [64, 32]}), 2, &[0.5]),
            trial(json!({"optimizer": "adam", "num_layers": 3}), 1, &[0.8, 0.7]),
            trial(json!({"optimizer": "sgd"}), 1, &[0.6]),
            trial(json!({"optimizer": "sgd"}), 3, &[0.1]),
        ];
        trials[3].run.status = Status::Running;
        let found = arms(&trials, |trial| trial.text("optimizer"));
        let labels: Vec<_> = found.iter().map(|arm| (arm.label.as_str(), arm.trials.len())).collect();
        assert_eq!(labels, [("sgd", 2), ("adam", 1)]);
        assert_eq!(found[0].sample(Trial::accuracy), Sample(vec![(1, 0.6), (2, 0.5)]));
        assert_eq!((trials[0].depth(), trials[1].depth()), (2, 3));
        assert_eq!(found[1].trials[0].kept().unwrap().epoch, 1);
    }

    #[test]
    fn a_mean_has_an_interval_where_runs_scatter() {
        let sample = |values: &[f64]| Sample((1..).zip(values.iter().copied()).collect());
        let [low, high] = sample(&[0.80, 0.82, 0.84]).interval().unwrap();
        assert!(
            (0.5 * (low + high) - 0.82).abs() < 1e-12 && (high - 0.82 - 4.302_65 * 0.02 / 3_f64.sqrt()).abs() < 1e-4
        );
        assert_eq!((sample(&[0.8]).interval(), sample(&[]).interval()), (Some([0.8; 2]), None));
        let ahead = sample(&[0.85, 0.86, 0.88]).over(&sample(&[0.80, 0.82, 0.83])).unwrap();
        assert!(ahead.settled && ahead.value > 0.04);
    }
}
