//! Read-only stores: another user's, or on a disk that is mounted read-only.
#![cfg(unix)]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use handloom_store::{Run, Status, open};

/// A process without the right to write the store in a folder, which answers questions about it.
struct Reader {
    child: Child,
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reader {
    /// Starts the process. None, with a printed notice, if tests run as root and cannot switch to another user.
    fn start(folder: &Path) -> Option<Self> {
        let exe = std::env::current_exe().unwrap();
        let arguments = ["--exact", "answers_questions", "--ignored", "--nocapture"];
        let begin = |mut command: Command| {
            command.env("HANDLOOM_TEST_FOLDER", folder).stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = command.spawn().ok()?;
            let ask = child.stdin.take().unwrap();
            let answers = BufReader::new(child.stdout.take().unwrap());
            let mut reader = Self { child, ask, answers };
            (reader.ask("hello")? == "hello").then_some(reader)
        };
        let reader = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]).arg(exe).args(arguments);
            begin(command)
        } else {
            let mut command = Command::new(exe);
            command.args(arguments);
            begin(command)
        };
        if reader.is_none() {
            let _ =
                writeln!(std::io::stderr(), "SKIPPED: reading without the right to write, as no other user can be had");
        }
        reader
    }

    fn ask(&mut self, question: &str) -> Option<String> {
        writeln!(self.ask, "{question}").ok()?;
        let mut line = String::new();
        while self.answers.read_line(&mut line).ok()? > 0 {
            if let Some((_, answer)) = line.trim_end().split_once("answer ") {
                return Some(answer.to_owned());
            }
            line.clear();
        }
        None
    }

    #[track_caller]
    fn says(&mut self, question: &str, answer: &str) {
        assert_eq!(self.ask(question).as_deref(), Some(answer), "{question}");
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process of a reader.
#[test]
#[ignore = "started by the tests below"]
fn answers_questions() {
    let store = open(std::env::var("HANDLOOM_TEST_FOLDER").unwrap()).unwrap();
    for question in std::io::stdin().lines().map(Result::unwrap) {
        let answer = match question.as_str() {
            "hello" => question.clone(),
            "runs" => told(store.runs().map(|runs| runs.len())),
            "names" => told(store.runs().map(|runs| runs.iter().map(|run| run.name.clone()).collect::<String>())),
            "sweeps" => told(store.sweeps().map(|sweeps| sweeps.len())),
            "openings" => told(store.openings().map(|openings| openings.len())),
            "read_only" => told(store.read_only().map(|why| why.is_some())),
            "pulse" => told(store.pulse()),
            "replacements" => told(store.replacements()),
            "put" => told(store.put(&run("another")).map(|()| "done")),
            "count" => told(store.open_test(&handloom_store::TestSetAccess::default())),
            "entries" => told(store.entries("s", 0).map(|page| page.entries.len())),
            other => panic!("{other}"),
        };
        writeln!(std::io::stdout(), "\nanswer {answer}").unwrap();
    }
}

fn told(answer: handloom_store::Result<impl ToString>) -> String {
    answer.map_or_else(|error| error.to_string().replace('\n', " "), |answer| answer.to_string())
}

fn run(id: &str) -> Run {
    Run { id: id.into(), name: format!("name {id}"), status: Status::Finished, ..Run::default() }
}

fn is_root() -> bool {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o555)).unwrap();
    fs::write(folder.path().join("probe"), "").is_ok()
}

/// A folder that everyone may read, and a store in it.
fn store() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let place = folder.path().join("store");
    (folder, place)
}

/// Revokes or grants the permission to write the folder and its files.
fn writable(place: &Path, is: bool) {
    let mode = |file: bool| fs::Permissions::from_mode(if is { 0o644 } else { 0o444 } | if file { 0 } else { 0o111 });
    fs::set_permissions(place, fs::Permissions::from_mode(0o755)).unwrap();
    for entry in fs::read_dir(place).unwrap().map(Result::unwrap) {
        fs::set_permissions(entry.path(), mode(entry.path().is_file())).unwrap();
    }
    fs::set_permissions(place, mode(false)).unwrap();
}

/// Names and bytes of the files in a folder.
fn files(place: &Path) -> Vec<(std::ffi::OsString, Vec<u8>)> {
    let mut files: Vec<_> = fs::read_dir(place)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap_or_default()))
        .collect();
    files.sort();
    files
}

#[test]
fn a_store_is_read_without_the_right_to_write_and_left_as_it_was() {
    let (_folder, place) = store();
    let owner = open(&place).unwrap();
    owner.put(&run("a")).unwrap();
    owner.put(&run("b")).unwrap();
    drop(owner);
    writable(&place, false);
    let before = files(&place);
    let Some(mut reader) = Reader::start(&place) else { return };
    for (question, answer) in [("runs", "2"), ("names", "name aname b"), ("sweeps", "0"), ("read_only", "true")] {
        reader.says(question, answer);
    }
    for question in ["put", "count"] {
        let error = reader.ask(question).unwrap();
        assert!(error.contains("cannot write") && error.contains("handloom.db") && error.contains("hint:"), "{error}");
    }
    let pulse = reader.ask("pulse").unwrap();
    reader.says("pulse", &pulse);
    reader.says("runs", "2");
    assert_eq!(files(&place), before);
    writable(&place, true);
}

#[test]
fn a_file_that_may_not_be_written_gets_no_neighbors_of_another_user() {
    let (_folder, place) = store();
    open(&place).unwrap().put(&run("a")).unwrap();
    writable(&place, false);
    // The reader may create files here: its own index of the log would lock out the owner.
    fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
    let before = files(&place);
    let Some(mut reader) = Reader::start(&place) else { return };
    reader.says("runs", "1");
    reader.says("read_only", "true");
    assert_eq!(files(&place), before);
}

#[test]
fn what_the_owner_writes_meanwhile_is_seen_at_once() {
    let (_folder, place) = store();
    open(&place).unwrap().put(&run("r0")).unwrap();
    let Some(mut reader) = Reader::start(&place) else { return };
    // No process has it open: a copy is read.
    reader.says("runs", "1");
    let mut count = 1;
    let mut pulse = reader.ask("pulse").unwrap();
    for _ in 0..4 {
        let owner = open(&place).unwrap();
        for _ in 0..10 {
            owner.put(&run(&format!("r{count}"))).unwrap();
            count += 1;
            reader.says("runs", &count.to_string());
            let next = reader.ask("pulse").unwrap();
            assert_ne!(next, pulse);
            pulse = next;
        }
        let mut late = Reader::start(&place).unwrap();
        late.says("runs", &count.to_string());
        // The last process that has it open moves the log into the database.
        drop(late);
        drop(owner);
        reader.says("runs", &count.to_string());
    }
    assert_eq!(open(&place).unwrap().runs().unwrap().len(), count);
}

#[test]
fn what_stands_in_a_log_alone_is_read() {
    let (folder, place) = store();
    let owner = open(&place).unwrap();
    owner.put(&run("a")).unwrap();
    let log = place.join("handloom.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0);
    // A backup of a store at work, or what a killed process left, without the index that can be made anew.
    let backup = folder.path().join("backup");
    fs::create_dir(&backup).unwrap();
    for name in ["handloom.db", "handloom.db-wal"] {
        fs::copy(place.join(name), backup.join(name)).unwrap();
    }
    writable(&backup, false);
    let before = files(&backup);
    let Some(mut reader) = Reader::start(&backup) else { return };
    reader.says("names", "name a");
    assert_eq!(files(&backup), before);
    writable(&backup, true);
}

#[test]
fn what_a_killed_process_did_not_finish_is_not_read() {
    let (folder, place) = store();
    open(&place).unwrap().put(&run("a")).unwrap();
    let file = rusqlite::Connection::open(place.join("handloom.db")).unwrap();
    // With a rollback journal, the database itself holds what is not finished.
    file.execute_batch("PRAGMA journal_mode = DELETE; PRAGMA cache_size = 5; BEGIN; UPDATE runs SET labels = '{}'")
        .unwrap();
    for n in 0..500 {
        file.execute("INSERT INTO openings (data_sha256, record) VALUES (?1, hex(zeroblob(2000)))", [n.to_string()])
            .unwrap();
    }
    let backup = folder.path().join("backup");
    fs::create_dir(&backup).unwrap();
    for name in ["handloom.db", "handloom.db-journal"] {
        fs::copy(place.join(name), backup.join(name)).unwrap();
    }
    assert!(fs::metadata(backup.join("handloom.db")).unwrap().len() > 500 * 2000, "nothing went to the disk yet");
    writable(&backup, false);
    let Some(mut reader) = Reader::start(&backup) else { return };
    reader.says("openings", "0");
    reader.says("names", "name a");
    writable(&backup, true);
}

#[test]
fn an_older_schema_is_read_as_it_is() {
    let (_folder, place) = store();
    open(&place).unwrap().put(&run("a")).unwrap();
    let file = rusqlite::Connection::open(place.join("handloom.db")).unwrap();
    // A database of a version without sweeps.
    file.execute_batch("DROP TABLE journal; DROP TABLE sweeps; DROP INDEX runs_by_heartbeat; PRAGMA user_version = 1")
        .unwrap();
    drop(file);
    writable(&place, false);
    let before = files(&place);
    let Some(mut reader) = Reader::start(&place) else { return };
    reader.says("names", "name a");
    reader.says("sweeps", "0");
    assert!(reader.ask("entries").unwrap().contains("there is no sweep `s`"));
    assert_eq!(files(&place), before);
    writable(&place, true);
    // A process with write permission migrates it.
    assert_eq!(open(&place).unwrap().sweeps().unwrap().len(), 0);
    let version = "PRAGMA user_version";
    let file = rusqlite::Connection::open(place.join("handloom.db")).unwrap();
    assert_eq!(file.query_row(version, [], |row| row.get::<_, i64>(0)).unwrap(), 3);
}

#[test]
fn nothing_is_made_where_nothing_is() {
    let (folder, place) = store();
    let Some(mut reader) = Reader::start(&place) else { return };
    for (question, answer) in [("runs", "0"), ("sweeps", "0"), ("read_only", "false")] {
        reader.says(question, answer);
    }
    assert!(reader.ask("put").unwrap().contains("cannot write"));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_store_that_was_removed_or_replaced_is_noticed() {
    let (folder, place) = store();
    let store = open(&place).unwrap();
    assert_eq!(store.replacements().unwrap(), 0);
    store.put(&run("a")).unwrap();
    let (watch, pulse) = (open(&place).unwrap(), store.pulse().unwrap());
    assert_eq!(watch.runs().unwrap().len(), 1);
    fs::rename(&place, folder.path().join("elsewhere")).unwrap();
    for error in [
        store.runs().unwrap_err(),
        store.put(&run("b")).unwrap_err(),
        store.pulse().unwrap_err(),
        store.heartbeat("a").unwrap_err(),
        watch.replacements().unwrap_err(),
    ] {
        let told = error.to_string();
        assert!(told.contains("handloom.db` was removed") && told.contains("hint:") && !error.is_temporary(), "{told}");
    }
    assert!(!place.exists(), "writing began a new store");
    let other = open(&place).unwrap();
    other.put(&run("b")).unwrap();
    other.put(&run("c")).unwrap();
    assert_eq!(store.runs().unwrap().len(), 2);
    assert_eq!((store.replacements().unwrap(), watch.replacements().unwrap()), (1, 1));
    assert_ne!(store.pulse().unwrap(), pulse);
    // Renamed over the one that is open.
    fs::remove_dir_all(&place).unwrap();
    fs::rename(folder.path().join("elsewhere"), &place).unwrap();
    assert_eq!(store.runs().unwrap()[0].id, "a");
    assert_eq!(store.replacements().unwrap(), 2);
}
