//! Provenance of a report: enough to train everything in it again, and to make every page of it again.
//!
//! It is one element of the file, with the id `provenance`. Form 2 holds all that pages are made of and that training does
//! not give: the words of the author, times, and the facts of a sweep's journal. It also holds the figures of every epoch,
//! so that the pages can be made again from what was trained again, with the rest taken from here. Bytes of others are
//! read: no size or nesting is taken on trust.

use std::collections::BTreeSet;

use handloom_engine::damage::of_json;
use handloom_engine::event::EpochMetrics;
use handloom_engine::{Isa, Numerics};
use handloom_store::Status;
use handloom_sweep::{Params, Status as TrialStatus};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Chosen, element};

/// Longest file.
const MOST_BYTES: usize = 64 << 20;
/// Most runs, which is more than any page shows.
const MOST_RUNS: usize = 100_000;
/// The form that is written. Form 1 has no figures of epochs and no facts of journals, and is read, too.
pub const FORM: u64 = 2;
/// The names of processor architectures that Rust programs have, as runs record them.
const ARCHITECTURES: [&str; 13] = [
    "x86_64",
    "x86",
    "aarch64",
    "arm",
    "riscv64",
    "riscv32",
    "powerpc64",
    "powerpc",
    "s390x",
    "loongarch64",
    "mips64",
    "mips",
    "sparc64",
];

/// The identity of the code that makes pages: a hash of its sources. Two builds with the same value make the same pages.
pub const BUILD: &str = env!("HANDLOOM_PAGES");

/// Provenance of a report.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this form.
    pub v: u64,
    /// Version of the program that wrote it.
    pub version: String,
    /// [`BUILD`] of the program that wrote it; none in form 1.
    #[serde(default)]
    pub build: Option<String>,
    /// Instruction set of the machine that wrote it.
    pub isa: String,
    /// Git commit of the folder that it was written in.
    pub git_commit: Option<String>,
    /// When it was written: Unix time in milliseconds.
    #[serde(default)]
    pub now_ms: u64,
    /// The runs and sweeps that it was asked to show.
    #[serde(default)]
    pub chosen: Chosen,
    /// Models and data sets that could not be read when it was written, such as `model k3v9x0aa`.
    #[serde(default)]
    pub missing: BTreeSet<String>,
    /// Every run in it, trials too.
    pub runs: Vec<Made>,
    /// Every sweep in it.
    pub sweeps: Vec<Searched>,
}

/// Settings, data and results of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Its status.
    pub status: Status,
    /// The sweep that it is a trial of.
    pub sweep: Option<String>,
    /// Its group.
    #[serde(default)]
    pub group: Option<String>,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Its notes.
    #[serde(default)]
    pub notes: Option<String>,
    /// When it began: Unix time in milliseconds.
    #[serde(default)]
    pub started_ms: u64,
    /// When it ended.
    #[serde(default)]
    pub ended_ms: Option<u64>,
    /// Version of the program that trained it.
    pub version: String,
    /// Instruction set that trained it: bits are the same only within one.
    pub isa: String,
    /// Version of the arithmetic that trained it, if it was recorded.
    #[serde(default)]
    pub numerics: Option<u32>,
    /// Architecture of the processor that trained it, if it was recorded.
    #[serde(default)]
    pub arch: Option<String>,
    /// Git commit of the folder that it was trained in.
    pub git_commit: Option<String>,
    /// The flat configuration.
    pub config: Map<String, Value>,
    /// Seed.
    pub seed: u64,
    /// The data set.
    pub dataset: String,
    /// SHA-256 of its training images and labels.
    pub data_sha256: String,
    /// SHA-256 of its test images and labels, if they were opened for this run.
    pub test_sha256: Option<String>,
    /// SHA-256 of the saved weights.
    pub weights_sha256: Option<String>,
    /// Accuracy of the saved weights on validation images.
    pub val_accuracy: Option<f64>,
    /// Epoch of the saved weights.
    pub best_epoch: Option<u64>,
    /// Norm of each layer's gradient before the first step, if it was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub initial_norms: Vec<f64>,
    /// The reason of its end in words, if it diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Finished epochs.
    pub epochs: u64,
    /// Accuracy of the saved weights on the test set, if the training opened it.
    pub test_accuracy: Option<f64>,
    /// Their loss on the test set.
    #[serde(default)]
    pub test_loss: Option<f64>,
    /// Their accuracy at the latest opening of the test set for this run.
    #[serde(default)]
    pub opening_accuracy: Option<f64>,
    /// Number of times that the author opened the test set of these data, if it was opened for this run.
    #[serde(default)]
    pub openings: Option<u64>,
    /// The figures of its epochs; none in form 1.
    #[serde(default)]
    pub figures: Option<Figures>,
}

/// The figures of a run's epochs, as lists of equal length. A figure that is not finite is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Numbers of the epochs, from 1.
    pub epoch: Vec<u64>,
    /// Mean loss in training.
    pub train_loss: Vec<Option<f64>>,
    /// Accuracy in training.
    pub train_accuracy: Vec<Option<f64>>,
    /// Mean loss on validation images.
    pub val_loss: Vec<Option<f64>>,
    /// Accuracy on validation images.
    pub val_accuracy: Vec<Option<f64>>,
    /// Learning rate.
    pub learning_rate: Vec<Option<f64>>,
    /// Training images a second, rounded.
    pub samples_per_second: Vec<Option<f64>>,
    /// Seconds of training, to a tenth of a millisecond.
    pub seconds: Vec<Option<f64>>,
    /// Seconds of validation, to a tenth of a millisecond.
    pub val_seconds: Vec<Option<f64>>,
    /// Epochs of which the store has no diagnostics: it could not be written when they were trained.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub undiagnosed: BTreeSet<u64>,
}

/// Settings, trials and results of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The sweep file.
    pub yaml: String,
    /// The seed of its sampler.
    pub seed: u64,
    /// Settings of every trial.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Id of the best trial's run.
    pub winner: Option<String>,
    /// When it was made: Unix time in milliseconds.
    #[serde(default)]
    pub created_ms: u64,
    /// The command that made it, as typed.
    #[serde(default)]
    pub command: Vec<String>,
    /// Most trials, where that limits it.
    #[serde(default)]
    pub cap: Option<u64>,
    /// True if it was stopped before it was complete.
    #[serde(default)]
    pub stopped: bool,
    /// Its trials, in the order of their numbers; none in form 1.
    #[serde(default)]
    pub trials: Vec<Tried>,
}

/// A trial of a sweep, as the journal has it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The run of its latest attempt.
    pub run: String,
    /// Its parameters.
    pub choice: Params,
    /// Its status.
    pub status: TrialStatus,
    /// The metric after each epoch.
    pub values: Vec<Option<f64>>,
    /// True if it took the result of a run with the same training.
    #[serde(default)]
    pub reused: bool,
    /// The reason of its divergence, if it diverged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When its latest attempt began: Unix time in milliseconds.
    pub claimed_ms: i64,
    /// When that ended.
    pub ended_ms: Option<i64>,
}

/// Why a file is not read as a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(super) String);

impl Provenance {
    /// As it stands in the file.
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("plain values under text keys")
    }

    /// Reads it from a report.
    pub fn read(html: &[u8]) -> Result<Self, Unreadable> {
        if html.len() > MOST_BYTES {
            return Err(Unreadable(format!("it has more than {} MiB", MOST_BYTES >> 20)));
        }
        let text = element::read(html, "provenance")?;
        let read: Self = serde_json::from_slice(&text)
            .map_err(|error| Unreadable(format!("what it says of how it was made is damaged: {}", of_json(&error))))?;
        if !(1..=FORM).contains(&read.v) {
            return Err(Unreadable(format!("it is of form {}, and this program knows forms up to {FORM}", read.v)));
        }
        read.check().map_err(Unreadable)?;
        Ok(read)
    }

    /// The run with this id.
    pub fn run(&self, id: &str) -> Option<&Made> {
        self.runs.iter().find(|made| made.id == id)
    }

    /// Fails if no program can have written this.
    fn check(&self) -> Result<(), String> {
        let trials = self.sweeps.iter().map(|sweep| sweep.trials.len()).sum::<usize>();
        if self.runs.len().max(trials) > MOST_RUNS {
            return Err(format!("it has {} runs and {trials} trials", self.runs.len()));
        }
        known_isa(&self.isa)?;
        let (mut runs, mut sweeps) = (BTreeSet::new(), BTreeSet::new());
        let is_id = |id: &str| {
            (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let ids = self.runs.iter().map(|made| &made.id).chain(self.sweeps.iter().map(|sweep| &sweep.id));
        if let Some(id) = ids.clone().find(|id| !is_id(id)) {
            return Err(format!("`{}` is no id", id.escape_debug()));
        }
        for made in &self.runs {
            let wrong = |why: String| Err(format!("run `{}` {why}", made.id.escape_debug()));
            made.check().or_else(wrong)?;
            if self.v > 1 && made.figures.is_none() {
                return wrong("has no figures of epochs".into());
            }
            if self.v > 1 && made.openings.is_some() != made.is_tested() {
                return wrong("has openings of the test set without figures, or figures without openings".into());
            }
            if !runs.insert(&made.id) {
                return wrong("is there twice".into());
            }
        }
        for sweep in &self.sweeps {
            if !sweeps.insert(&sweep.id) {
                return Err(format!("sweep `{}` is there twice", sweep.id.escape_debug()));
            }
        }
        let unknown = |id: &&String| format!("it has no `{}`, which it was asked to show", id.escape_debug());
        let absent = self.chosen.runs.iter().find(|id| !runs.contains(id));
        let absent = absent.or_else(|| self.chosen.sweeps.iter().find(|id| !sweeps.contains(id)));
        absent.map_or(Ok(()), |id| Err(unknown(&id)))
    }
}

impl Made {
    /// The arithmetic that trained it.
    pub fn arithmetic(&self) -> Numerics {
        let isa = Some(self.isa.clone()).filter(|isa| !isa.is_empty());
        Numerics { numerics: self.numerics, arch: self.arch.clone(), isa }
    }

    /// True if the report shows how its model does on the test set.
    pub fn is_tested(&self) -> bool {
        self.test_accuracy.is_some() || self.opening_accuracy.is_some()
    }

    fn check(&self) -> Result<(), String> {
        known_isa(&self.isa)?;
        if let Some(arch) = self.arch.as_deref() {
            if !ARCHITECTURES.contains(&arch) {
                return Err(format!("names the architecture `{}`, which does not exist", arch.escape_debug()));
            }
            if !["", "baseline"].contains(&self.isa.as_str()) && !["x86_64", "x86"].contains(&arch) {
                return Err(format!("names the instruction set `{}`, which no `{arch}` has", self.isa));
            }
        }
        if self.numerics == Some(0) {
            return Err("names version 0 of the arithmetic, which does not exist".into());
        }
        match &self.figures {
            Some(figures) if !figures.is_even() => Err("has figures of other numbers of epochs".into()),
            _ => Ok(()),
        }
    }
}

/// Fails for the name of an instruction set that does not exist; an old record may have none.
fn known_isa(isa: &str) -> Result<(), String> {
    if isa.is_empty() || Isa::NAMES.contains(&isa) {
        return Ok(());
    }
    Err(format!("names the instruction set `{}`, which does not exist", isa.escape_debug()))
}

impl Figures {
    /// Those of `rows`, with times as exact as people need them.
    pub fn of(rows: &[EpochMetrics]) -> Self {
        let of = |figure: fn(&EpochMetrics) -> Option<f64>| -> Vec<Option<f64>> {
            rows.iter().map(|row| figure(row).filter(|figure| figure.is_finite())).collect()
        };
        let short = |seconds: f64| (seconds * 1e4).round() / 1e4;
        Self {
            epoch: rows.iter().map(|row| row.epoch).collect(),
            train_loss: of(|row| Some(row.train_loss)),
            train_accuracy: of(|row| Some(row.train_accuracy)),
            val_loss: of(|row| row.val_loss),
            val_accuracy: of(|row| row.val_accuracy),
            learning_rate: of(|row| Some(row.learning_rate)),
            samples_per_second: of(|row| Some(row.samples_per_second.round())),
            seconds: of(|row| Some(row.seconds)).into_iter().map(|seconds| seconds.map(short)).collect(),
            val_seconds: of(|row| Some(row.val_seconds)).into_iter().map(|seconds| seconds.map(short)).collect(),
            undiagnosed: BTreeSet::new(),
        }
    }

    /// The figures of the same epochs by `rows`, with the times that are here.
    #[must_use]
    pub fn again(&self, rows: &[EpochMetrics]) -> Self {
        let same: Vec<EpochMetrics> = rows.iter().filter(|row| self.epoch.contains(&row.epoch)).cloned().collect();
        let timed = Self { undiagnosed: self.undiagnosed.clone(), ..Self::of(&same) };
        let (samples_per_second, seconds) = (self.samples_per_second.clone(), self.seconds.clone());
        // With fewer epochs than there should be, times would stand at the wrong ones.
        let fit = |times: Vec<Option<f64>>| -> Vec<Option<f64>> { times.into_iter().take(timed.epoch.len()).collect() };
        Self {
            samples_per_second: fit(samples_per_second),
            seconds: fit(seconds),
            val_seconds: fit(self.val_seconds.clone()),
            ..timed
        }
    }

    /// Epoch by epoch, as a store gives them.
    pub(super) fn rows(&self) -> Vec<EpochMetrics> {
        let number = |list: &[Option<f64>], at: usize| list[at].unwrap_or(f64::NAN);
        let row = |at: usize| EpochMetrics {
            epoch: self.epoch[at],
            train_loss: number(&self.train_loss, at),
            train_accuracy: number(&self.train_accuracy, at),
            val_loss: self.val_loss[at],
            val_accuracy: self.val_accuracy[at],
            learning_rate: number(&self.learning_rate, at),
            samples_per_second: number(&self.samples_per_second, at),
            seconds: number(&self.seconds, at),
            val_seconds: number(&self.val_seconds, at),
        };
        (0..self.epoch.len()).map(row).collect()
    }

    fn is_even(&self) -> bool {
        let Self { epoch, train_loss, train_accuracy, val_loss, val_accuracy, .. } = self;
        let Self { learning_rate, samples_per_second, seconds, val_seconds, .. } = self;
        let others = [train_loss, train_accuracy, val_loss, val_accuracy, learning_rate];
        let others = others.into_iter().chain([samples_per_second, seconds, val_seconds]);
        others.into_iter().all(|list| list.len() == epoch.len()) && epoch.windows(2).all(|pair| pair[0] < pair[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(provenance: &Provenance) -> String {
        let element = element::Form::Plain.element("provenance", &provenance.to_value());
        format!("<html><title>x</title>{element}<body>...</body>\n</html>\n")
    }

    fn provenance() -> Provenance {
        let name = "</script><script>alert(1)</script>".to_owned();
        let runs = vec![Made { id: "a".into(), name, val_accuracy: Some(0.875), ..Made::default() }];
        Provenance { v: 1, version: "1".into(), isa: "avx2+fma".into(), runs, ..Provenance::default() }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Provenance::read(file(&provenance()).as_bytes()), Ok(provenance()));
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused() {
        let whole = file(&provenance());
        let bytes = whole.as_bytes();
        for end in 0..bytes.len() - 2 {
            assert!(Provenance::read(&bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn what_is_no_report_says_so() {
        const MARK: &str = "<script type=\"application/json\" id=\"provenance\">";
        let told = |html: &str| Provenance::read(html.as_bytes()).unwrap_err().to_string();
        assert_eq!(told("<html></html>"), "it says nothing of how it was made");
        assert!(told(&format!("{MARK}{{}}</script></html>")).contains("it has no `"));
        let nested = format!("{MARK}{{\"runs\":[{{\"config\":{{\"x\":{}</script></html>", "[".repeat(100_000));
        assert!(told(&nested).contains("it is damaged in column"));
        let later = Provenance { v: 3, ..provenance() };
        assert!(told(&file(&later)).contains("form 3"));
        assert!(Provenance::read(&vec![b' '; MOST_BYTES + 1]).is_err());
    }

    #[test]
    fn what_no_program_can_have_written_is_damaged() {
        let told = |change: fn(&mut Provenance)| {
            let mut changed = provenance();
            change(&mut changed);
            Provenance::read(file(&changed).as_bytes()).unwrap_err().to_string()
        };
        assert!(told(|p| p.isa = "neon".into()).contains("`neon`, which does not exist"));
        assert!(told(|p| p.runs[0].isa = "neon".into()).contains("run `a` names the instruction set"));
        assert!(told(|p| p.runs[0].arch = Some("abacus".into())).contains("`abacus`, which does not exist"));
        assert!(told(|p| p.runs[0].numerics = Some(0)).contains("version 0"));
        let both = |p: &mut Provenance| {
            (p.runs[0].isa, p.runs[0].arch) = ("avx512".into(), Some("aarch64".into()));
        };
        assert!(told(both).contains("which no `aarch64` has"));
        assert!(told(|p| p.runs.push(p.runs[0].clone())).contains("twice"));
        assert!(told(|p| p.chosen.runs = vec!["b".into()]).contains("no `b`"));
        assert!(told(|p| p.v = 2).contains("no figures"));
        let uneven = |p: &mut Provenance| {
            p.runs[0].figures = Some(Figures { epoch: vec![1], ..Figures::default() });
        };
        assert!(told(uneven).contains("other numbers of epochs"));
    }

    #[test]
    fn figures_are_those_of_the_rows_and_times_stay() {
        let row = |epoch: u64, x: f64| EpochMetrics {
            epoch,
            train_loss: x,
            train_accuracy: 0.5,
            val_loss: Some(f64::INFINITY),
            val_accuracy: None,
            learning_rate: 0.1,
            samples_per_second: 1234.56,
            seconds: 0.123_456,
            val_seconds: f64::NAN,
        };
        let figures = Figures::of(&[row(1, 2.0), row(3, 1.0)]);
        assert_eq!((figures.samples_per_second[0], figures.seconds[1]), (Some(1235.0), Some(0.1235)));
        assert!(figures.rows()[0].val_seconds.is_nan() && figures.rows()[1].val_loss.is_none());
        let again = EpochMetrics { seconds: 9.0, ..row(3, 1.5) };
        let found = figures.again(&[row(1, 2.0), row(2, 7.0), again]);
        assert_eq!((&found.epoch, found.seconds[1], found.train_loss[1]), (&vec![1, 3], Some(0.1235), Some(1.5)));
        assert!(figures.again(&[]).is_even());
    }
}
