//! Tests specific to folders: files that are missing, foreign, locked or forbidden, and processes that are killed.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::Barrier;
use std::thread;

use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
use handloom_store::{Error, Recorder, Run, Status, open};

fn row(epoch: u64) -> EpochMetrics {
    EpochMetrics {
        epoch,
        train_loss: 1.0 / epoch as f64,
        train_accuracy: 0.5,
        val_loss: None,
        val_accuracy: None,
        learning_rate: 0.001,
        samples_per_second: 1e5,
        seconds: 0.6,
        val_seconds: 0.0,
    }
}

fn run() -> Run {
    Run { id: "killed".into(), host: "here".into(), ..Run::default() }
}

/// The child of the test below: records epochs, and tells of each, until it is killed.
#[test]
#[ignore = "started by a_killed_process_leaves_what_it_wrote"]
fn writes_until_it_is_killed() {
    let store = open(std::env::var("HANDLOOM_TEST_FOLDER").unwrap()).unwrap();
    store.put(&run()).unwrap();
    let recorder = Recorder::new(store.clone(), run()).unwrap();
    for epoch in 1.. {
        recorder.epoch(&row(epoch), &EpochDiagnostics::default());
        while store.last_rows().unwrap().get("killed").is_none_or(|last| last.epoch < epoch) {
            thread::yield_now();
        }
        writeln!(std::io::stdout(), "wrote {epoch}").unwrap();
    }
}

#[test]
fn a_killed_process_leaves_what_it_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "writes_until_it_is_killed", "--ignored", "--nocapture"])
        .env("HANDLOOM_TEST_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "wrote 20"), "the child ended by itself");
    child.kill().unwrap();
    child.wait().unwrap();
    let told = lines.filter_map(|line| line.strip_prefix("wrote ").map(|epoch| epoch.parse().unwrap())).last();
    let told: u64 = told.unwrap_or(20);

    let store = open(folder.path()).unwrap();
    let epochs: Vec<u64> = store.epochs("killed").unwrap().iter().map(|epoch| epoch.row.epoch).collect();
    assert_eq!(epochs, (1..=epochs.len() as u64).collect::<Vec<_>>());
    assert!(epochs.len() as u64 >= told, "{} of {told} epochs", epochs.len());
    let read = store.run("killed").unwrap().unwrap();
    assert_eq!((read.status, read.effective_status("here", |_| Some(false))), (Status::Running, Status::Killed));
    // Nothing stays locked.
    store.log("killed", &[]).unwrap();
    store.put(&Run { status: Status::Killed, ..run() }).unwrap();
    let file = rusqlite::Connection::open(folder.path().join("handloom.db")).unwrap();
    let sound: String = file.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn what_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("handloom.db");
    let garbage = b"garbage \xff\x00".repeat(1000);
    fs::write(&file, &garbage).unwrap();
    let store = open(folder.path()).unwrap();
    for error in [store.runs().unwrap_err(), store.put(&run()).unwrap_err(), store.remove("killed").unwrap_err()] {
        let told = error.to_string();
        assert!(matches!(error, Error::Foreign { .. }) && !error.is_temporary(), "{told}");
        assert!(told.contains("handloom.db` is not Handloom's") && told.contains("hint:"), "{told}");
    }
    assert_eq!(fs::read(&file).unwrap(), garbage);
}

#[test]
fn a_database_cut_off_anywhere_is_an_error_or_readable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("handloom.db");
    let store = open(folder.path()).unwrap();
    for n in 0..40 {
        store.put(&Run { id: format!("r{n}"), notes: Some("x".repeat(900)), ..Run::default() }).unwrap();
    }
    drop(store);
    let whole = fs::read(&file).unwrap();
    for length in (0..whole.len()).step_by(whole.len() / 97) {
        fs::write(&file, &whole[..length]).unwrap();
        let _ = fs::remove_file(folder.path().join("handloom.db-wal"));
        let _ = fs::remove_file(folder.path().join("handloom.db-shm"));
        match open(folder.path()).unwrap().runs() {
            Ok(runs) => assert!(runs.is_empty() && length < 4096 || runs.len() == 40, "{length}: {} runs", runs.len()),
            Err(Error::Foreign { .. } | Error::Damaged { .. }) => {}
            Err(error) => panic!("{length}: {error}"),
        }
    }
}

#[test]
fn a_folder_that_cannot_be_made_or_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let store = open(file.join("store")).unwrap();
    let told = store.put(&run()).unwrap_err().to_string();
    assert!(told.contains("cannot write") && told.contains("file/store") && told.contains("hint:"), "{told}");
    // A folder where the database should be.
    fs::create_dir_all(folder.path().join("handloom.db")).unwrap();
    let store = open(folder.path()).unwrap();
    for error in [store.runs().unwrap_err(), store.put(&run()).unwrap_err()] {
        assert!(matches!(error, Error::Io { .. }) && error.to_string().contains("handloom.db"), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("store");
    open(&place).unwrap().put(&run()).unwrap();
    let locked = |mode| fs::set_permissions(&place, fs::Permissions::from_mode(mode)).unwrap();
    locked(0o555);
    if fs::write(place.join("probe"), "").is_ok() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: a folder that may not be written, as root may write all of them");
        return;
    }
    let error = open(&place).unwrap().put(&run()).unwrap_err();
    locked(0o755);
    let told = error.to_string();
    assert!(told.contains("cannot write") && told.contains("handloom.db") && told.contains("hint:"), "{told}");
}

#[test]
fn of_many_that_begin_a_store_none_meets_half_a_database() {
    for _ in 0..50 {
        let folder = tempfile::tempdir().unwrap();
        let start = Barrier::new(8);
        let begin = &|n: usize| {
            start.wait();
            let store = open(folder.path()).unwrap();
            // The read may happen before, during or after the creation.
            store.runs()?;
            store.put(&Run { id: format!("r{n}"), ..Run::default() })
        };
        thread::scope(|scope| {
            let all: Vec<_> = (0..8).map(|n| scope.spawn(move || begin(n))).collect();
            for one in all {
                one.join().unwrap().unwrap();
            }
        });
        assert_eq!(open(folder.path()).unwrap().runs().unwrap().len(), 8);
    }
}

#[test]
fn a_removed_run_takes_its_folder_along() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.put(&run()).unwrap();
    store.put_file("killed", "model.safetensors", b"model").unwrap();
    fs::write(folder.path().join("runs/killed/checkpoint.safetensors"), b"not by the store").unwrap();
    fs::write(folder.path().join("runs/other"), b"not of the run").unwrap();
    assert!(store.remove("killed").unwrap());
    let left: Vec<_> =
        fs::read_dir(folder.path().join("runs")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["other"]);
}

#[test]
fn a_damaged_record_is_named_and_can_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    for id in ["whole", "broken"] {
        store.put(&Run { id: id.into(), ..Run::default() }).unwrap();
    }
    let file = rusqlite::Connection::open(folder.path().join("handloom.db")).unwrap();
    file.execute("UPDATE runs SET record = '{\"status\": \"asleep\"}' WHERE id = 'broken'", []).unwrap();
    let told = store.runs().unwrap_err().to_string();
    assert!(told.contains("`broken`") && told.contains("asleep") && told.contains("`handloom rm broken`"), "{told}");
    assert_eq!(store.run("whole").unwrap().unwrap().id, "whole");
    assert!(store.remove("broken").unwrap());
    assert_eq!(store.runs().unwrap().len(), 1);
}

#[test]
fn an_older_program_at_work_is_refused_once_a_newer_one_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path()).unwrap();
    store.put(&run()).unwrap();
    let file = rusqlite::Connection::open(folder.path().join("handloom.db")).unwrap();
    file.execute_batch("PRAGMA user_version = 99").unwrap();
    for error in [store.runs().unwrap_err(), store.heartbeat("killed").unwrap_err(), store.pulse().unwrap_err()] {
        assert!(matches!(error, Error::Newer { found: 99, .. }) && !error.is_temporary(), "{error}");
        assert!(error.to_string().contains("of a newer Handloom") && error.to_string().contains("hint:"), "{error}");
    }
}
