//! Tests of the downloader against a local HTTP server with configurable faults.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use super::*;
use crate::catalog::SETS;

/// Behavior of the test server on a request for a file.
#[derive(Clone, Copy)]
enum Habit {
    Good,
    /// Ten bytes at a time, with pauses.
    Slow,
    /// Half of the requested bytes, then the connection breaks.
    Broken,
    /// Half of the file, then silence, and silence again where one would go on.
    Stalled,
    WrongBytes,
    /// A body of another length, like the login page of a public network.
    WrongPage,
    Missing,
    Redirect,
    /// Never answers.
    Silent,
}

struct Server {
    base: String,
    /// First line and `Range` of each request.
    asked: Arc<Mutex<Vec<String>>>,
}

/// Serves every file as `content`.
fn server(habit: Habit, content: &[u8]) -> Server {
    let content = content.to_vec();
    server_of(habit, move |_| content.clone())
}

/// Serves `content` of each path.
fn server_of(habit: Habit, content: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (content, log) = (Arc::new(content), Arc::clone(&asked));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (content, log) = (Arc::clone(&content), Arc::clone(&log));
            thread::spawn(move || answer(habit, &*content, stream.unwrap(), &log));
        }
    });
    Server { base, asked }
}

/// Errors are ignored: the client may close the connection.
fn answer(
    mut habit: Habit,
    content: &dyn Fn(&str) -> Vec<u8>,
    mut stream: TcpStream,
    log: &Mutex<Vec<String>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let first = lines.next()?;
    let head: Vec<String> = lines.take_while(|line| !line.is_empty()).collect();
    let range = head.iter().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(String::from));
    let start: usize = range.as_ref().map_or(0, |range| range.trim_end_matches('-').parse().unwrap());
    log.lock().unwrap().push(format!("{first} {}", range.unwrap_or_default()));
    if matches!(habit, Habit::Redirect) {
        if !first.contains("/elsewhere/") {
            let path = first.split(' ').nth(1)?;
            let head = format!(
                "HTTP/1.1 302 Found\r\nLocation: /elsewhere{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            return stream.write_all(head.as_bytes()).ok();
        }
        habit = Habit::Good;
    }
    let content = content(first.split(' ').nth(1)?);
    let body: Vec<u8> = match habit {
        Habit::Silent => {
            // Longer than any test takes.
            thread::sleep(Duration::from_hours(1));
            return None;
        }
        Habit::Missing => {
            return stream
                .write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\nConnection: close\r\n\r\nnone")
                .ok();
        }
        Habit::WrongBytes => content.iter().map(|byte| byte ^ 1).collect(),
        Habit::WrongPage => b"<html>please log in</html>".to_vec(),
        _ => content,
    };
    let status = match start {
        0 => "200 OK".to_string(),
        _ => format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{}", body.len() - 1, body.len()),
    };
    let rest = &body[start..];
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", rest.len());
    stream.write_all(head.as_bytes()).ok()?;
    match habit {
        Habit::Broken => stream.write_all(&rest[..rest.len().div_ceil(2)]).ok(),
        Habit::Stalled => {
            stream.write_all(&rest[..if start == 0 { rest.len() / 2 } else { 0 }]).ok()?;
            thread::sleep(Duration::from_hours(1));
            None
        }
        Habit::Slow => rest.chunks(10).try_for_each(|bytes| {
            thread::sleep(Duration::from_millis(75));
            stream.write_all(bytes).ok()
        }),
        _ => stream.write_all(rest).ok(),
    }
}

fn content() -> Vec<u8> {
    (0..200_u8).collect()
}

/// Fashion-MNIST's entry with four files of these bytes.
fn set(content: &[u8]) -> Set {
    use sha2::Digest;
    let sha256: &str = checksum::hex(&sha2::Sha256::digest(content)).leak();
    let files = SETS[0].files.map(|file| catalog::File { size: content.len() as u64, packed_sha256: sha256, ..file });
    Set { files, ..SETS[0] }
}

struct Attempt {
    folder: tempfile::TempDir,
    result: Result<(), Error>,
    /// Bytes that were reported of the first file.
    reports: Vec<u64>,
}

impl Attempt {
    fn new(mirrors: &[&Server], before: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let set = set(&content());
        if !before.is_empty() {
            fs::write(folder.path().join(format!("{}.part", set.files[0].packed_name())), before).unwrap();
        }
        let bases: Vec<&str> = mirrors.iter().map(|server| server.base.as_str()).collect();
        let mut reports = Vec::new();
        let mut progress = |progress: Progress<'_>| {
            assert_eq!(progress.total, 200);
            if progress.file == SETS[0].files[0].name {
                reports.push(progress.done);
            }
        };
        let result = Transfer::new(&bases, folder.path(), &mut progress, Duration::from_secs(1)).all(&set);
        Self { folder, result, reports }
    }

    fn left(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[track_caller]
    fn has_all(&self) {
        self.result.as_ref().unwrap();
        assert_eq!(self.left().len(), 4, "{:?}", self.left());
        for file in SETS[0].files {
            assert_eq!(fs::read(self.folder.path().join(file.packed_name())).unwrap(), content());
        }
    }

    #[track_caller]
    fn failed(&self, words: &str) {
        let message = self.result.as_ref().unwrap_err().to_string();
        assert!(message.contains(words) && message.contains("sha256"), "{message}");
    }
}

#[test]
fn a_good_mirror_delivers_and_what_is_there_is_not_fetched_again() {
    let good = server(Habit::Good, &content());
    let attempt = Attempt::new(&[&good], &[]);
    attempt.has_all();
    assert_eq!(attempt.reports.last(), Some(&200));
    let asked = good.asked.lock().unwrap().len();
    download(&set(&content()), &[&good.base], attempt.folder.path(), &mut |_| ()).unwrap();
    assert_eq!((asked, good.asked.lock().unwrap().len()), (4, 4));
}

#[test]
fn a_slow_mirror_is_waited_for_and_a_redirect_is_followed() {
    let slow = Attempt::new(&[&server(Habit::Slow, &content())], &[]);
    slow.has_all();
    assert!(slow.reports.is_sorted() && slow.reports.len() > 5);
    Attempt::new(&[&server(Habit::Redirect, &content())], &[]).has_all();
}

#[test]
fn a_broken_transfer_goes_on_where_it_stopped() {
    let broken = server(Habit::Broken, &content());
    Attempt::new(&[&broken], &[]).has_all();
    assert!(broken.asked.lock().unwrap()[1].ends_with("100-"), "{:?}", broken.asked);
    let good = server(Habit::Good, &content());
    Attempt::new(&[&good], &content()[..70]).has_all();
    assert!(good.asked.lock().unwrap()[0].ends_with("70-"));
}

#[test]
fn two_downloads_into_one_folder_share_the_work() {
    let (slow, folder) = (server(Habit::Slow, &content()), tempfile::tempdir().unwrap());
    let fetch = || download(&set(&content()), &[&slow.base], folder.path(), &mut |_| ());
    thread::scope(|scope| {
        let both = [scope.spawn(fetch), scope.spawn(fetch)];
        for one in both {
            one.join().unwrap().unwrap();
        }
    });
    assert_eq!((fs::read_dir(folder.path()).unwrap().count(), slow.asked.lock().unwrap().len()), (4, 4));
}

#[test]
fn a_wrong_beginning_is_thrown_away() {
    Attempt::new(&[&server(Habit::Good, &content())], &[9; 70]).has_all();
    Attempt::new(&[&server(Habit::Good, &content())], &[9; 700]).has_all();
}

#[test]
fn wrong_bytes_and_missing_files_send_us_to_the_next_mirror_and_leave_nothing() {
    for (habit, words) in [
        (Habit::WrongBytes, "wrong bytes"),
        (Habit::WrongPage, "26 bytes instead of 200"),
        (Habit::Missing, "status 404"),
    ] {
        let (bad, good) = (server(habit, &content()), server(Habit::Good, &content()));
        Attempt::new(&[&bad, &good], &[]).has_all();
        let alone = Attempt::new(&[&bad], &[]);
        alone.failed(words);
        assert!(alone.left().is_empty(), "{:?}", alone.left());
    }
}

#[test]
fn a_stalled_transfer_is_given_up_and_its_part_kept() {
    let (stalled, good) = (server(Habit::Stalled, &content()), server(Habit::Good, &content()));
    let alone = Attempt::new(&[&stalled], &[]);
    alone.failed("timeout");
    assert_eq!(fs::read(alone.folder.path().join(&alone.left()[0])).unwrap(), content()[..100]);
    Attempt::new(&[&stalled, &good], &[]).has_all();
}

#[test]
fn when_nobody_answers_we_give_up() {
    // This time limit is documented for users.
    const { assert!(PATIENCE.as_secs() < 10 && CONNECT.as_secs() == 3) };
    let closed = Server { base: "http://127.0.0.1:9/".into(), asked: Arc::default() };
    let silent = [server(Habit::Silent, &[]), server(Habit::Silent, &[])];
    let attempt = Attempt::new(&[&closed, &silent[0], &silent[1]], &[]);
    attempt.failed("not on this disk");
    assert!(attempt.left().is_empty());
}

#[test]
fn the_real_files_arrive_whole_from_a_server_that_breaks_off() {
    let Some(dir) = catalog::data_dirs(None).into_iter().next() else {
        // Not `eprintln`, which the test runner would swallow.
        writeln!(std::io::stderr(), "SKIPPED: HANDLOOM_DATA_DIR is not set, the real files were not served").unwrap();
        return;
    };
    let set = &SETS[1];
    let real = dir.join(set.folder);
    let server = server_of(Habit::Broken, move |path| fs::read(real.join(path.trim_start_matches('/'))).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut last = 0;
    download(set, &[&server.base], folder.path(), &mut |progress| last = progress.done).unwrap();
    assert_eq!(last, set.files[3].size);
    crate::DataSource::known(set, folder.path()).unwrap().check().unwrap();
}
