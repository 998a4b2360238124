//! Writes a W&B run with everything a run can have, for the scripts in `tests/external`:
//! `wandb_run FOLDER [ROWS [PAUSE_MS [crash|live]]]`.
//!
//! On standard output: the run's folder as soon as it is there, then what a reader must find, as JSON. With `crash`
//! the run ends without its end; with `live` it is uploaded while it goes on, by the `wandb` in `PATH`.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use std::{env, io, thread};

use handloom_engine::metric::Confusion;
use handloom_export::wandb::{
    Chart, Git, Identity, Image, Live, OfflineRun, confusion_rows, precision_recall_rows, roc_rows,
};
use serde_json::{Map, Value, json};

/// A grey PNG of 2x2 pixels.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x02\0\0\0\x02\x08\0\0\0\0W\xddR\xf8\0\0\0\x0cIDATx\xdac`h\0B\0\x03\x06\x01\x01\xda\x03]\x0f\0\0\0\0IEND\xaeB`\x82";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = env::args().skip(1).collect();
    let folder = args.first().ok_or("usage: wandb_run FOLDER [ROWS [PAUSE_MS [crash|live]]]")?;
    let rows: u64 = args.get(1).map_or(Ok(20), |text| text.parse())?;
    let pause = Duration::from_millis(args.get(2).map_or(Ok(0), |text| text.parse())?);
    let is = |mode: &str| args.get(3).is_some_and(|word| word == mode);
    let crash = is("crash");

    let charts = vec![
        Chart::confusion("confusion_matrix", "Confusion matrix"),
        Chart::roc("roc", "ROC curves"),
        Chart::precision_recall("precision_recall", "Precision-recall curves"),
    ];
    let config = json!({
        "learning_rate": 1e-3, "hidden_size": [64, 32], "optimizer": "nadam", "dataset": "garments", "notes.odd": "ä \"b\"\n",
        "long": "x".repeat(70_000), "nothing": null, "nested": {"a": [1, {"b": true}]},
    });
    let identity = Identity {
        id: "hl0test1".into(),
        project: "handloom-test".into(),
        name: "hl_2_sz_64".into(),
        group: "a group".into(),
        job_type: "train".into(),
        tags: vec!["first".into(), "second tag".into()],
        notes: "written by an example".into(),
        host: "somewhere".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        command: ["handloom", "train", "-e", "20"].map(String::from).to_vec(),
        git: Some(Git { remote: "https://example.org/x.git".into(), commit: "0f".repeat(20) }),
        started_ms: SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64,
        config: object(&config),
        charts: charts.clone(),
        ..Identity::default()
    };
    let mut run = OfflineRun::create(Path::new(folder), &identity)?;
    say(&run.folder().display())?;
    let path = env::var_os("PATH").unwrap_or_default();
    let live = is("live").then(|| Live::start(run.folder(), &path)).transpose()?;
    let (mut history, mut summary) = (Vec::new(), Map::new());
    for epoch in 1..=rows {
        let t = epoch as f64 / rows as f64;
        let row = object(
            &json!({"epoch": epoch, "train_loss": 1.0 / (1.0 + t), "val_accuracy": t.sqrt(), "learning_rate": 1e-3}),
        );
        run.output(epoch % 5 == 0, &format!("epoch {epoch}: {t:.3}"))?;
        run.history(&row)?;
        summary.clone_from(&row);
        summary.extend([
            ("best_val_accuracy".to_owned(), row["val_accuracy"].clone()),
            ("best_epoch".to_owned(), json!(epoch)),
        ]);
        run.summary(&summary)?;
        history.push(row);
        thread::sleep(pause);
    }
    if !crash {
        let last = evaluation(&mut run, &charts)?;
        run.history(&last)?;
        summary.insert("test_accuracy".into(), last["test_accuracy"].clone());
        run.summary(&summary)?;
        history.push(last);
        run.finish(0)?;
    }
    if let Some(live) = live {
        live.wait(Duration::from_mins(2))?;
    }
    say(&json!({
        "id": identity.id, "project": identity.project, "name": identity.name, "group": identity.group,
        "job_type": identity.job_type, "tags": identity.tags, "notes": identity.notes, "config": identity.config,
        "history": history, "summary": summary, "exit_code": i32::from(crash),
    }))?;
    Ok(())
}

/// The row after the last epoch: figures, images, a table and the charts.
fn evaluation(run: &mut OfflineRun, charts: &[Chart]) -> handloom_export::Result<Map<String, Value>> {
    let classes = ["shirt", "coat", "bag"].map(String::from);
    let labels: Vec<u8> = (0..300_u32).map(|i| (i * 7 % 3) as u8).collect();
    let mut probabilities = Vec::new();
    for (i, &label) in (0..300_u32).zip(&labels) {
        let weights = [0, 1, 2]
            .map(|class| ((i * 37 + class * 53) % 100) as f32 + if class == u32::from(label) { 45.0 } else { 1.0 });
        probabilities.extend(weights.map(|weight| weight / weights.iter().sum::<f32>()));
    }
    let taken = probabilities.chunks(3).map(handloom_engine::metric::first_maximum);
    let confusion = Confusion::new(3, labels.iter().map(|&label| usize::from(label)).zip(taken));
    let mut row = Map::from_iter([("test_accuracy".to_owned(), json!(confusion.accuracy()))]);
    row.insert("sample".into(), run.image("sample", Image { png: PNG, caption: Some("a coat") })?);
    let pair = [Image { png: PNG, caption: Some("one") }, Image { png: PNG, caption: None }];
    row.insert("errors/worst".into(), run.images("errors/worst", &pair)?);
    let figures = [vec![json!("coat"), json!(0.5)], vec![json!("bag"), Value::Null]];
    row.insert("per_class".into(), run.table("per_class", &["class", "recall"], &figures)?);
    let rows = [
        confusion_rows(&classes, &confusion),
        roc_rows(&classes, &probabilities, &labels),
        precision_recall_rows(&classes, &probabilities, &labels),
    ];
    for (chart, rows) in charts.iter().zip(&rows) {
        row.extend([run.chart(chart, rows)?]);
    }
    Ok(row)
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn say(line: &dyn std::fmt::Display) -> io::Result<()> {
    use io::Write as _;
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
