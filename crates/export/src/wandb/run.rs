//! A run on its way into a folder: the log, and the files that it names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use handloom_engine::model::write_atomically;
use prost::Message as _;
use serde_json::{Map, Value, json};

use super::identity::Identity;
use super::log::Log;
use super::record::{
    Exit, FileItem, Files, Header, History, Item, Kind, Metric, MetricOptions, Output, Record, Step, Telemetry,
    Timestamp, Update, VersionInfo,
};
use crate::error::{Error, Result};

/// The axis that metrics are drawn over, in rows that have it.
const AXIS: &str = "epoch";

/// A run as W&B's client would write it offline. If it is dropped without [`finish`](Self::finish), as in a crash,
/// what was logged can still be uploaded, as a failed run.
#[derive(Debug)]
pub struct OfflineRun {
    pub(super) folder: PathBuf,
    pub(super) id: String,
    pub(super) project: String,
    pub(super) entity: String,
    pub(super) started_ms: u64,
    /// `_step` of the next row.
    pub(super) step: u64,
    log: Log,
    records: i64,
    /// `_step`, `_timestamp` and `_runtime` of the last row.
    last: Map<String, Value>,
    /// True if the last row came with its own time, as a row of an earlier run does.
    replayed: bool,
    /// Metrics whose axis was declared.
    defined: BTreeSet<String>,
}

impl OfflineRun {
    /// Begins a run in `parent/wandb/`, or in `parent/.wandb/` if that is there. `parent` is `WANDB_DIR`, or `.`.
    pub fn create(parent: &Path, identity: &Identity) -> Result<Self> {
        identity.check_id()?;
        let hidden = parent.join(".wandb");
        let root = if hidden.is_dir() { hidden } else { parent.join("wandb") };
        let folder = new_folder(&root, &identity.id, identity.started_ms)?;
        point_to_latest(&root, &folder);
        let log = Log::create(&folder.join(format!("run-{}.wandb", identity.id)))?;
        let mut run = Self {
            folder,
            id: identity.id.clone(),
            project: identity.project.clone(),
            entity: identity.entity.clone(),
            started_ms: identity.started_ms,
            step: identity.first_step,
            log,
            records: 0,
            last: Map::new(),
            replayed: false,
            defined: BTreeSet::new(),
        };
        let producer = format!("handloom {}", identity.version);
        run.record(Kind::Header(Header { version_info: Some(VersionInfo { producer }) }))?;
        run.record(Kind::Run(Box::new(identity.to_record())))?;
        // wandb 0.28 sends the configuration only once a telemetry or metric record follows.
        let platform = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        run.record(Kind::Telemetry(Telemetry { platform }))?;
        let metadata = identity.to_metadata().to_string();
        run.file("wandb-metadata.json", metadata.as_bytes(), FileItem::WANDB)?;
        Ok(run)
    }

    /// The run's folder, which `wandb sync` takes.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Adds a row. `_step`, `_timestamp` and `_runtime` are added; the latter two are kept if the row has them, such
    /// as a row of an interrupted run that is written again. Nulls are left out. Tables also go into the summary,
    /// where W&B's charts look for them.
    pub fn history(&mut self, row: &Map<String, Value>) -> Result<()> {
        self.define(row)?;
        let now_ms = now_ms();
        let mut last = Map::from_iter([("_step".to_owned(), json!(self.step))]);
        let runtime = now_ms.saturating_sub(self.started_ms) as f64 / 1e3;
        for (key, value) in [("_timestamp", now_ms as f64 / 1e3), ("_runtime", runtime)] {
            last.insert(key.into(), row.get(key).cloned().unwrap_or_else(|| json!(value)));
        }
        let given = row.iter().filter(|(key, value)| !value.is_null() && !last.contains_key(*key));
        let item = given.chain(&last).map(|(key, value)| Item::new(key.clone(), value)).collect();
        let step = Some(Step { num: self.step as i64 });
        self.record(Kind::History(History { item, step }))?;
        self.step += 1;
        self.replayed = row.contains_key("_runtime");
        self.last = last;
        let tables = row.iter().filter(|(_, value)| value["_type"] == "table-file");
        let tables: Vec<_> = tables.map(|(key, value)| Item::new(key.clone(), value)).collect();
        if tables.is_empty() { Ok(()) } else { self.record(Kind::Summary(Update { update: tables })) }
    }

    /// Sets values of the summary, besides step and time of the last row. W&B computes none on its own. Nulls are
    /// left out.
    pub fn summary(&mut self, values: &Map<String, Value>) -> Result<()> {
        let given = values.iter().filter(|(key, value)| !value.is_null() && !self.last.contains_key(*key));
        let update = given.chain(&self.last).map(|(key, value)| Item::new(key.clone(), value)).collect();
        self.record(Kind::Summary(Update { update }))
    }

    /// Adds a line of what the program said; W&B shows it with the time of the upload.
    pub fn output(&mut self, stderr: bool, line: &str) -> Result<()> {
        let line = if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") };
        let timestamp = Some(Timestamp::from_ms(now_ms()));
        self.record(Kind::Output(Output { stream: i32::from(!stderr), timestamp, line }))
    }

    /// Ends the run; 0 is success. It has lasted until now, or until its last row if that came with its own time.
    /// Returns its folder.
    pub fn finish(mut self, exit_code: i32) -> Result<PathBuf> {
        let replayed = self.last.get("_runtime").and_then(Value::as_f64).filter(|_| self.replayed);
        let seconds =
            replayed.map_or_else(|| now_ms().saturating_sub(self.started_ms) / 1000, |runtime| runtime as u64);
        let runtime = Item::nested(&["_wandb", "runtime"], &json!(seconds));
        self.record(Kind::Summary(Update { update: vec![runtime] }))?;
        self.record(Kind::Exit(Exit { exit_code, runtime: i32::try_from(seconds).unwrap_or(i32::MAX) }))?;
        Ok(self.folder)
    }

    /// Says of each new metric of a row with an epoch that it is drawn over epochs, not over steps.
    fn define(&mut self, row: &Map<String, Value>) -> Result<()> {
        if !row.get(AXIS).is_some_and(Value::is_number) {
            return Ok(());
        }
        let numbers = row.iter().filter(|(key, value)| value.is_number() && !key.starts_with('_'));
        let axis_first = std::iter::once(AXIS).chain(numbers.map(|(key, _)| key.as_str()));
        for name in axis_first {
            if self.defined.insert(name.to_owned()) {
                let is_axis = name == AXIS;
                self.record(Kind::Metric(Metric {
                    name: name.to_owned(),
                    axis: if is_axis { String::new() } else { AXIS.into() },
                    options: Some(MetricOptions { step_sync: !is_axis, defined: true }),
                }))?;
            }
        }
        Ok(())
    }

    /// Writes a file under `files/` and has it uploaded.
    pub(super) fn file(&mut self, path: &str, bytes: &[u8], kind: i32) -> Result<()> {
        write_atomically(&self.folder.join("files").join(path), bytes)?;
        let file = FileItem { path: path.to_owned(), policy: 0, kind };
        self.record(Kind::Files(Files { files: vec![file] }))
    }

    pub(super) fn record(&mut self, kind: Kind) -> Result<()> {
        let record = Record { num: self.records + 1, kind: Some(kind) };
        self.log.append(&record.encode_to_vec())?;
        self.records += 1;
        Ok(())
    }
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Makes the run's folder, named after the second it started in, or a later one if that is taken.
fn new_folder(root: &Path, id: &str, started_ms: u64) -> Result<PathBuf> {
    fs::create_dir_all(root).map_err(Error::io(root))?;
    let zone = jiff::tz::TimeZone::system();
    for second in started_ms / 1000.. {
        let time = jiff::Timestamp::from_second(second as i64).unwrap_or_default().to_zoned(zone.clone());
        let folder = root.join(format!("offline-run-{}-{id}", time.strftime("%Y%m%d_%H%M%S")));
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => {
                made.map_err(Error::io(&folder))?;
                let files = folder.join("files");
                fs::create_dir(&files).map_err(Error::io(&files))?;
                return Ok(folder);
            }
        }
    }
    unreachable!("seconds do not end")
}

/// `latest-run`, which `wandb leet` opens. A convenience: where it cannot be made, nothing is missing.
fn point_to_latest(root: &Path, folder: &Path) {
    #[cfg(unix)]
    if let Some(name) = folder.file_name() {
        let beside = root.join(format!(".latest-run-{}", std::process::id()));
        if std::os::unix::fs::symlink(name, &beside).is_ok() && fs::rename(&beside, root.join("latest-run")).is_err() {
            let _ = fs::remove_file(beside);
        }
    }
    #[cfg(not(unix))]
    let _ = (root, folder);
}

#[cfg(test)]
mod tests {
    use super::super::log::tests::read;
    use super::super::{Chart, Image, confusion_rows};
    use super::*;
    use handloom_engine::metric::Confusion;

    /// Bytes that begin as a PNG of 3x2 pixels does.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x03\0\0\0\x02";

    fn identity() -> Identity {
        let charts = vec![Chart::confusion("confusion", "Confusion")];
        let config = map(&json!({"learning_rate": 0.1, "hidden_size": [64, 32]}));
        let tags = vec!["a".into(), "b".into()];
        let (id, project) = ("7f3kabcd".into(), "p".into());
        Identity { id, project, tags, config, charts, started_ms: now_ms(), ..Identity::default() }
    }

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn records(folder: &Path) -> Vec<Kind> {
        let (records, whole) = read(&fs::read(folder.join("run-7f3kabcd.wandb")).unwrap());
        assert!(whole);
        let decoded = records.iter().zip(1..).map(|(record, num)| {
            let record = Record::decode(&**record).unwrap();
            assert_eq!(record.num, num);
            record.kind.unwrap()
        });
        decoded.collect()
    }

    fn items(items: &[Item]) -> Map<String, Value> {
        let path = |item: &Item| if item.key.is_empty() { item.nested_key.join(".") } else { item.key.clone() };
        items.iter().map(|item| (path(item), serde_json::from_str(&item.value_json).unwrap())).collect()
    }

    #[test]
    fn a_run_begins_with_its_whole_configuration_and_ends_with_its_exit_code() {
        let parent = tempfile::tempdir().unwrap();
        let run = OfflineRun::create(parent.path(), &identity()).unwrap();
        let folder = run.finish(3).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("offline-run-2") && name.ends_with("-7f3kabcd") && name.len() == 36, "{name}");
        assert_eq!(folder.parent().unwrap(), parent.path().join("wandb"));
        #[cfg(unix)]
        assert_eq!(fs::read_link(parent.path().join("wandb/latest-run")).unwrap(), Path::new(name));
        let records = records(&folder);
        let Kind::Run(run) = &records[1] else { panic!("{records:?}") };
        assert_eq!(
            (run.id.as_str(), run.project.as_str(), &run.tags[..]),
            ("7f3kabcd", "p", &["a".into(), "b".into()][..])
        );
        let config = items(&run.config.as_ref().unwrap().update);
        assert_eq!((&config["learning_rate"], &config["hidden_size"]), (&json!(0.1), &json!([64, 32])));
        let panel = &config["_wandb.visualize.confusion"]["panel_config"];
        assert_eq!(panel["panelDefId"], "wandb/confusion_matrix/v1");
        assert_eq!(panel["userQuery"]["queryFields"][0]["fields"][3]["args"][0]["value"], "confusion_table");
        assert!(matches!(records.last(), Some(Kind::Exit(Exit { exit_code: 3, .. }))), "{records:?}");
        let metadata = fs::read(folder.join("files/wandb-metadata.json")).unwrap();
        assert!(serde_json::from_slice::<Value>(&metadata).unwrap()["cpu_count_logical"].is_u64());
    }

    #[test]
    fn rows_count_steps_and_metrics_are_drawn_over_epochs() {
        let parent = tempfile::tempdir().unwrap();
        let mut run = OfflineRun::create(parent.path(), &Identity { first_step: 4, ..identity() }).unwrap();
        run.history(&map(&json!({"epoch": 5, "val_loss": 0.5, "val_accuracy": null, "_runtime": 1.5}))).unwrap();
        run.history(&map(&json!({"test_accuracy": 0.9}))).unwrap();
        run.summary(&map(&json!({"val_loss": 0.5, "best_epoch": 5}))).unwrap();
        let records = records(run.folder());
        let rows: Vec<_> =
            records.iter().filter_map(|kind| if let Kind::History(row) = kind { Some(row) } else { None }).collect();
        let first = items(&rows[0].item);
        assert_eq!((&first["_step"], &first["_runtime"], &first["val_loss"]), (&json!(4), &json!(1.5), &json!(0.5)));
        assert!(
            !first.contains_key("val_accuracy")
                && first["_timestamp"].is_f64()
                && rows[0].step == Some(Step { num: 4 })
        );
        assert_eq!((rows.len(), &items(&rows[1].item)["_step"]), (2, &json!(5)));
        let axes: Vec<_> = records
            .iter()
            .filter_map(|kind| if let Kind::Metric(m) = kind { Some((&*m.name, &*m.axis)) } else { None })
            .collect();
        assert_eq!(axes, [("epoch", ""), ("val_loss", "epoch")]);
        let Some(Kind::Summary(summary)) = records.last() else { panic!("{records:?}") };
        let summary = items(&summary.update);
        assert_eq!((&summary["best_epoch"], &summary["_step"]), (&json!(5), &json!(5)));
    }

    #[test]
    fn a_run_written_later_lasted_as_long_as_its_rows_say() {
        let parent = tempfile::tempdir().unwrap();
        let mut run = OfflineRun::create(parent.path(), &Identity { started_ms: 1000, ..identity() }).unwrap();
        run.history(&map(&json!({"epoch": 1, "_timestamp": 8.5, "_runtime": 7.5}))).unwrap();
        let records = records(&run.finish(0).unwrap());
        assert_eq!(records.last(), Some(&Kind::Exit(Exit { exit_code: 0, runtime: 7 })));
    }

    #[test]
    fn media_are_on_disk_before_the_record_that_names_them() {
        let parent = tempfile::tempdir().unwrap();
        let mut run = OfflineRun::create(parent.path(), &identity()).unwrap();
        let image = run.image("test/samples", Image { png: PNG, caption: Some("six") }).unwrap();
        let pair = [Image { png: PNG, caption: None }, Image { png: PNG, caption: Some("b") }];
        let images = run.images("errors", &pair).unwrap();
        let confusion = Confusion::new(2, [(0, 0), (1, 0)]);
        let rows = confusion_rows(&["x".into(), "y".into()], &confusion);
        let (key, table) = run.chart(&Chart::confusion("confusion", "C"), &rows).unwrap();
        assert!(matches!(run.image("no", Image { png: b"GIF8", caption: None }), Err(Error::Png(key)) if key == "no"));
        run.history(&Map::from_iter([(key.clone(), table.clone()), ("image".into(), image.clone())])).unwrap();
        assert_eq!((&image["width"], &image["height"], &image["caption"]), (&json!(3), &json!(2), &json!("six")));
        assert_eq!((&images["count"], &images["captions"]), (&json!(2), &json!([null, "b"])));
        assert_eq!((key.as_str(), &table["nrows"], &table["ncols"]), ("confusion_table", &json!(4), &json!(3)));

        let (folder, records) = (run.folder(), records(run.folder()));
        for kind in &records {
            if let Kind::Files(files) = kind {
                assert!(folder.join("files").join(&files.files[0].path).is_file(), "{files:?}");
            }
        }
        let path = folder.join("files").join(table["path"].as_str().unwrap());
        let stored: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        assert_eq!(stored["data"][2], json!(["y", "x", 1]));
        let artifact =
            records.iter().find_map(|kind| if let Kind::Artifact(artifact) = kind { Some(artifact) } else { None });
        let entry = &artifact.unwrap().manifest.as_ref().unwrap().contents[0];
        assert!(Path::new(&entry.local_path).is_absolute());
        assert_eq!(fs::metadata(&entry.local_path).unwrap().len(), entry.size as u64);
        assert_eq!(artifact.unwrap().client_id.len(), 128);
        assert_ne!(artifact.unwrap().client_id, artifact.unwrap().sequence_client_id);
        // W&B's charts read their table from the summary.
        let Some(Kind::Summary(summary)) = records.last() else { panic!("{records:?}") };
        assert_eq!(items(&summary.update), Map::from_iter([(key, table)]));
    }

    #[test]
    fn runs_of_one_second_have_folders_of_their_own_and_a_hidden_folder_is_used() {
        let parent = tempfile::tempdir().unwrap();
        fs::create_dir(parent.path().join(".wandb")).unwrap();
        let identity = identity();
        let first = OfflineRun::create(parent.path(), &identity).unwrap();
        let second = OfflineRun::create(parent.path(), &identity).unwrap();
        assert_ne!(first.folder(), second.folder());
        assert!(first.folder().starts_with(parent.path().join(".wandb")));
        assert!(OfflineRun::create(parent.path(), &Identity { id: "../x".into(), ..identity }).is_err());
    }

    #[test]
    fn output_keeps_its_stream_and_ends_its_lines() {
        let parent = tempfile::tempdir().unwrap();
        let mut run = OfflineRun::create(parent.path(), &identity()).unwrap();
        run.output(false, "epoch 1").unwrap();
        run.output(true, "note: x\n").unwrap();
        let records = records(run.folder());
        let lines: Vec<_> = records
            .iter()
            .filter_map(|kind| if let Kind::Output(o) = kind { Some((o.stream, &*o.line)) } else { None })
            .collect();
        assert_eq!(lines, [(1, "epoch 1\n"), (0, "note: x\n")]);
    }
}
