//! Where a report comes from: enough to train everything in it again, and to say whether the same comes out.
//!
//! It is one element of the file, with the id `provenance`. Bytes of others are read: nothing else in the file is looked
//! at, and no size or nesting is taken on trust.

use handloom_engine::Isa;
use handloom_store::{Run, Status};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::super::{Site, Trouble};
use super::{Chosen, element};

/// Longest file.
const MOST_BYTES: usize = 64 << 20;
/// Most runs, which is more than any page shows.
const MOST_RUNS: usize = 100_000;

/// Where a report comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Version of this form.
    pub v: u64,
    /// Version of the program that wrote it.
    pub version: String,
    /// Instruction set of the machine that wrote it.
    pub isa: String,
    /// Git commit of the folder that it was written in.
    pub git_commit: Option<String>,
    /// Every run in it, trials too.
    pub runs: Vec<Made>,
    /// Every sweep in it.
    pub sweeps: Vec<Searched>,
}

/// How a run was made, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Made {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default)]
    pub name: String,
    /// Where it stood.
    pub status: Status,
    /// The sweep that it is a trial of.
    pub sweep: Option<String>,
    /// Version of the program that trained it.
    pub version: String,
    /// Instruction set that trained it: bits are the same only within one.
    pub isa: String,
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
    /// Finished epochs.
    pub epochs: u64,
    /// Accuracy of the saved weights on the test set, if it was opened.
    pub test_accuracy: Option<f64>,
}

/// How a sweep was made, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Searched {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: Option<String>,
    /// The sweep file.
    pub yaml: String,
    /// What samplers drew from.
    pub seed: u64,
    /// Settings of every trial.
    #[serde(default)]
    pub settings: Map<String, Value>,
    /// Id of the best trial's run.
    pub winner: Option<String>,
}

/// Why a file is not read as a report.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub(super) String);

impl Provenance {
    pub(super) fn of(
        site: &Site,
        chosen: &Chosen,
        winners: &[Option<String>],
        git_commit: Option<String>,
    ) -> Result<Self, Trouble> {
        let (seen, openings) = (site.seen()?, site.store.openings()?);
        let tested = |id: &str| {
            let own = openings.iter().rev().find(|opening| opening.run.as_deref() == Some(id));
            own.map(|opening| opening.data_sha256.clone())
        };
        let runs = seen.runs.iter().map(|run| Made::of(run, tested(&run.id))).collect();
        let mut sweeps = Vec::new();
        for (id, winner) in chosen.sweeps.iter().zip(winners) {
            let Some(sweep) = site.store.sweep(id)? else { continue };
            sweeps.push(Searched {
                id: sweep.id,
                name: sweep.name,
                yaml: sweep.yaml,
                seed: sweep.seed,
                settings: sweep.settings,
                winner: winner.clone(),
            });
        }
        let (version, isa) = (env!("CARGO_PKG_VERSION").into(), Isa::best().name().into());
        Ok(Self { v: 1, version, isa, git_commit, runs, sweeps })
    }

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
            .map_err(|error| Unreadable(format!("what it says of how it was made is damaged: {error}")))?;
        if read.v != 1 {
            return Err(Unreadable(format!("it is of form {}, and this program knows form 1", read.v)));
        }
        if read.runs.len() > MOST_RUNS {
            return Err(Unreadable(format!("it has {} runs", read.runs.len())));
        }
        Ok(read)
    }
}

impl Made {
    fn of(run: &Run, test_sha256: Option<String>) -> Self {
        let run = run.clone();
        Self {
            id: run.id,
            name: run.name,
            status: run.status,
            sweep: run.sweep,
            version: run.version,
            isa: run.isa,
            git_commit: run.git_commit,
            config: run.config,
            seed: run.seed,
            dataset: run.dataset,
            data_sha256: run.data_sha256,
            test_sha256,
            weights_sha256: run.weights_sha256,
            val_accuracy: run.val_accuracy,
            best_epoch: run.best_epoch,
            epochs: run.epochs,
            test_accuracy: run.test_accuracy,
        }
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
        Provenance { v: 1, version: "1".into(), isa: "avx2".into(), git_commit: None, runs, sweeps: vec![] }
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
        assert!(told(&format!("{MARK}{{}}</script></html>")).contains("missing field"));
        let nested = format!("{MARK}{{\"runs\":[{{\"config\":{{\"x\":{}</script></html>", "[".repeat(100_000));
        assert!(told(&nested).contains("recursion limit"));
        let later = Provenance { v: 2, ..provenance() };
        assert!(told(&file(&later)).contains("form 2"));
        assert!(Provenance::read(&vec![b' '; MOST_BYTES + 1]).is_err());
    }
}
