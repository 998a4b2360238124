//! The server, asked as a browser and as others would.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use handloom_store::{Run, Status};
use serde_json::{Value, json};

use super::super::server::{Guard, serve};
use super::{Place, epoch, put, run};

/// A server until it is dropped.
struct Server {
    at: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

/// Reply of the server.
struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Server {
    fn new(place: &Place, token: Option<&str>, may_edit: bool) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let (mut site, watched, stopped) = (place.site(), place.store(), Arc::clone(&stop));
        site.may_edit = may_edit;
        let guard = Guard::new(at.ip(), at.port(), token.map(str::to_owned), &[]);
        let thread =
            thread::spawn(move || serve(listener, Arc::new(site), watched, guard, || stopped.load(Ordering::SeqCst)));
        Self { at, stop, thread: Some(thread) }
    }

    /// Sends `head`, the lines of a request without the last, empty one.
    fn send(&self, head: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(5))).unwrap();
        write!(stream, "{}\r\nContent-Length: {}\r\n\r\n{body}", head.replace('\n', "\r\n"), body.len()).unwrap();
        stream
    }

    fn ask(&self, line: &str, headers: &[&str], body: &str) -> Reply {
        let host = format!("Host: {}", self.at);
        let host = if headers.iter().any(|header| header.starts_with("Host:")) { "" } else { &host };
        let lines: Vec<&str> = [line, host, "Connection: close"]
            .into_iter()
            .chain(headers.iter().copied())
            .filter(|line| !line.is_empty())
            .collect();
        let mut all = Vec::new();
        self.send(&lines.join("\n"), body).read_to_end(&mut all).unwrap();
        let end = all.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(all[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = all[end + 4..].to_vec();
        if head.contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        Reply { status, head, body }
    }

    fn get(&self, path: &str) -> Reply {
        self.ask(&format!("GET {path} HTTP/1.1"), &[], "")
    }

    fn post(&self, path: &str, headers: &[&str], body: &str) -> Reply {
        self.ask(&format!("POST {path} HTTP/1.1"), &[&["Content-Type: application/json"], headers].concat(), body)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        let ended = self.thread.take().unwrap().join();
        if !thread::panicking() {
            ended.unwrap().unwrap();
        }
    }
}

impl Reply {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = rest.windows(2).position(|bytes| bytes == b"\r\n") {
        let length = usize::from_str_radix(std::str::from_utf8(&rest[..end]).unwrap(), 16).unwrap();
        whole.extend(&rest[end + 2..][..length]);
        rest = &rest[end + 2 + length + 2..];
    }
    whole
}

const EVIL: &str = "<script>alert(1)</script>";

#[test]
fn one_request_paints_and_nothing_in_it_runs_but_our_own_script() {
    let place = Place::new();
    put(
        &*place.store(),
        &Run { name: EVIL.into(), notes: Some(EVIL.into()), ..run("a", 1, json!({"optimizer": EVIL})) },
    );
    let server = Server::new(&place, None, false);
    let page = server.get("/");
    assert_eq!(page.status, 200);
    let own = super::super::assets::INDEX.matches("<script").count();
    assert_eq!(page.text().matches("<script").count(), own + 1, "{}", page.text());
    assert!(page.text().contains("Best: 75.0%") && page.text().contains("&lt;script&gt;alert(1)"), "{}", page.text());
    let data = page.text().split_once("id=\"first\">").unwrap().1.split_once("</script>").unwrap().0;
    let data: Value = serde_json::from_str(data).unwrap();
    assert_eq!((&data["project"]["best"], &data["runs"]["rows"]), (&json!("a"), &json!(1)));
    for said in [
        "content-security-policy: default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:",
        "x-content-type-options: nosniff",
        "referrer-policy: no-referrer",
    ] {
        assert!(page.head.contains(said), "{}", page.head);
    }
    assert!(!page.head.contains("unsafe-eval") && !page.head.contains("access-control"));
}

#[test]
fn answers_and_troubles_are_json_with_their_status() {
    let place = Place::new();
    put(&*place.store(), &run("a", 1, json!({})));
    let server = Server::new(&place, None, false);
    assert_eq!(server.get("/api/runs/a").json()["id"], "a");
    for (path, status) in [
        ("/api/runs/nowhere", 404),
        ("/api/runs/../../etc/passwd", 404),
        ("/../../etc/passwd", 404),
        ("/web/app.js", 404),
        ("/api/runs/%ff", 400),
    ] {
        let reply = server.get(path);
        assert_eq!(reply.status, status, "{path}");
        assert!(reply.json()["error"].is_string() && reply.head.contains("content-security-policy"), "{path}");
    }
    assert_eq!(server.ask("DELETE /api/runs/a HTTP/1.1", &[], "").status, 405);
    assert_eq!(server.ask("HEAD /api/runs/a HTTP/1.1", &[], "").body.len(), 0);
}

#[test]
fn other_names_and_other_pages_are_turned_away() {
    let place = Place::new();
    put(&*place.store(), &run("a", 1, json!({})));
    let server = Server::new(&place, None, true);
    let port = server.at.port();
    let host = |host: &str| server.ask("GET /api/runs HTTP/1.1", &[&format!("Host: {host}")], "").status;
    assert_eq!(
        [host(&format!("localhost:{port}")), host("evil.example"), host(&format!("evil.example:{port}"))],
        [200, 403, 403]
    );
    let twice = [&*format!("Host: localhost:{port}"), "Host: evil.example"];
    assert!(server.ask("GET /api/runs HTTP/1.1", &twice, "").status >= 400);

    let post =
        |origin: &str| server.post("/api/runs/a/labels", &[&format!("Origin: {origin}")], r#"{"name": "b"}"#).status;
    assert_eq!([post("http://evil.example"), post("null"), post("http://127.0.0.1:1"), post("http://évil")], [403; 4]);
    // Of two, nobody knows which counts; and an address that names another host is that host's.
    let (own, theirs) = (format!("Origin: http://{}", server.at), "Origin: http://evil.example".to_owned());
    for origins in [[&*own, &theirs], [&theirs, &own], [&own, &own]] {
        assert_eq!(server.post("/api/runs/a/labels", &origins, r#"{"name": "b"}"#).status, 403, "{origins:?}");
    }
    assert_eq!(server.ask("GET http://evil.example/api/runs HTTP/1.1", &[], "").status, 403);
    assert_eq!(place.store().run("a").unwrap().unwrap().name, "name of a");
    assert_eq!(post(&format!("http://127.0.0.1:{port}")), 200);
    assert_eq!(place.store().run("a").unwrap().unwrap().name, "b");
    // A form on another page could send this without being asked about.
    let form = server.ask("POST /api/runs/a/labels HTTP/1.1", &["Content-Type: text/plain"], r#"{"name": "c"}"#);
    assert_eq!(form.status, 415);
    assert_eq!(server.post("/api/runs/a/labels", &[], "{").status, 400);
    assert_eq!(
        server.post("/api/runs/a/labels", &[], &format!("{{\"notes\": \"{}\"}}", "x".repeat(200_000))).status,
        400
    );
}

#[test]
fn with_a_token_nobody_else_is_answered() {
    let place = Place::new();
    let server = Server::new(&place, Some("s3cret"), false);
    for path in ["/", "/api/project", "/api/events", "/app.js", "/?token=wrong"] {
        assert_eq!(server.get(path).status, 401, "{path}");
    }
    let entered = server.get("/?token=s3cret");
    assert_eq!(entered.status, 303);
    assert!(entered.head.contains("location: ./\r") && entered.head.contains("httponly"), "{}", entered.head);
    let cookie = entered.head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
    assert_eq!(server.ask("GET /api/project HTTP/1.1", &[&cookie], "").status, 200);
    assert_eq!(server.ask("GET /api/project HTTP/1.1", &["Authorization: Bearer s3cret"], "").status, 200);
    assert!(!server.get("/api/project").head.contains("set-cookie"));
}

#[test]
fn files_are_packed_and_not_sent_twice() {
    let place = Place::new();
    let server = Server::new(&place, None, false);
    let plain = server.get("/app.js");
    assert!(plain.head.contains("text/javascript") && plain.text().contains("'use strict'"));
    let packed = server.ask("GET /plotly.js HTTP/1.1", &["Accept-Encoding: gzip, br"], "");
    assert!(packed.head.contains("content-encoding: gzip") && packed.body.len() < 2_000_000, "{}", packed.body.len());
    let tag = packed.head.lines().find_map(|line| line.strip_prefix("etag: ")).unwrap().to_owned();
    let again = server.ask("GET /plotly.js HTTP/1.1", &[&format!("If-None-Match: {tag}")], "");
    assert_eq!((again.status, again.body.len()), (304, 0));
}

/// The next event of a stream, and its data.
fn next(lines: &mut impl Iterator<Item = std::io::Result<String>>) -> (String, Value) {
    let kind = lines.find_map(|line| line.unwrap().strip_prefix("event: ").map(str::to_owned)).unwrap();
    let data = lines.find_map(|line| line.unwrap().strip_prefix("data: ").map(str::to_owned)).unwrap();
    (kind, serde_json::from_str(&data).unwrap())
}

#[test]
fn what_another_process_logs_arrives_at_once() {
    let place = Place::new();
    let store = place.store();
    let living = Run {
        status: Status::Running,
        ended_ms: None,
        epochs: 1,
        ..run("a", 1, json!({"epochs": 9, "optimizer": "sgd"}))
    };
    store.put(&living).unwrap();
    store.log("a", &[epoch(1)]).unwrap();
    let server = Server::new(&place, None, false);
    let stream = server.send(&format!("GET /api/events HTTP/1.1\nHost: {}", server.at), "");
    let mut lines = BufReader::new(stream).lines();
    // A new listener is told the present state of living runs.
    let (kind, data) = next(&mut lines);
    assert_eq!((kind.as_str(), &data["id"], &data["epochs"]), ("run", &json!("a"), &json!(1)));

    for n in 2..=6 {
        store.log("a", &[epoch(n)]).unwrap();
        store.put(&Run { epochs: n, best_epoch: Some(n), ..living.clone() }).unwrap();
        // Between the two writes it may hear of the first alone.
        let data = loop {
            let (_, data) = next(&mut lines);
            if data["epochs"] == json!(n) {
                break data;
            }
        };
        assert_eq!((&data["epochs"], &data["planned"], &data["status"]), (&json!(n), &json!(9), &json!("running")));
        assert_eq!((&data["row"]["val_loss"], &data["row"]["optimizer"]), (&json!(1.1 / n as f64), &json!("sgd")));
    }

    // A trial of a sweep is news of the sweep too, at once and once more when its journal is written.
    store.put(&Run { sweep: Some("s".into()), ..run("b", 2, json!({})) }).unwrap();
    assert_eq!(next(&mut lines).1["id"], "b");
    for _ in 0..2 {
        assert_eq!(next(&mut lines), ("sweep".to_owned(), json!({"id": "s"})));
    }
}

#[test]
fn removed_runs_and_sweeps_and_longer_journals_are_told_at_once() {
    let place = Place::new();
    let store = place.store();
    for id in ["a", "b"] {
        store.put(&run(id, 1, json!({}))).unwrap();
    }
    let sweep = handloom_store::Sweep {
        id: "s".into(),
        yaml: "method: grid\nparameters: {epochs: {values: [1, 2]}}\n".into(),
        ..Default::default()
    };
    store.add_sweep(&sweep, &[]).unwrap();
    let server = Server::new(&place, None, false);
    let stream = server.send(&format!("GET /api/events HTTP/1.1\nHost: {}", server.at), "");
    stream.set_read_timeout(Some(Duration::from_mins(5))).unwrap();
    let mut lines = BufReader::new(stream).lines();
    // A new listener is told of recent runs, after the first reading of the store.
    assert_eq!(next(&mut lines).1["id"], "a");
    let mut until = |kind: &str, data: Value| while next(&mut lines) != (kind.to_owned(), data.clone()) {};
    store.append("s", &[handloom_sweep::Entry::Capped { trials: 1 }]).unwrap();
    until("sweep", json!({"id": "s"}));
    assert!(store.remove("a").unwrap());
    until("run", json!({"id": "a", "status": "removed"}));
    assert_eq!(server.get("/api/runs").json()["rows"], json!(1));
    assert_eq!(server.get("/api/runs/a").status, 404);
    assert!(store.remove_sweep("s").unwrap());
    until("sweep", json!({"id": "s", "status": "removed"}));
    assert_eq!(server.get("/api/sweeps/s").status, 404);
}

#[test]
fn opening_the_test_set_is_counted_once() {
    let place = Place::new();
    put(&*place.store(), &run("a", 1, json!({})));
    let server = Server::new(&place, None, false);
    for _ in 0..2 {
        server.post("/api/runs/a/test", &[], "{}");
    }
    let openings = place.store().openings().unwrap();
    assert_eq!((openings.len(), openings[0].run.as_deref()), (1, Some("a")));
    assert_eq!(server.post("/api/runs/bare/test", &[], "{}").status, 404);
}

#[test]
fn a_store_that_is_removed_or_replaced_is_told_to_pages_and_read_anew() {
    let place = Place::new();
    put(&*place.store(), &run("a", 1, json!({})));
    let server = Server::new(&place, None, false);
    let stream = server.send(&format!("GET /api/events HTTP/1.1\nHost: {}", server.at), "");
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut next = |state: &str| {
        assert!(lines.any(|line| line == "event: store"), "{state} was not told");
        assert_eq!(lines.next().unwrap(), format!("data: {{\"state\":\"{state}\"}}"));
    };
    let ids = || server.get("/api/runs").json()["columns"][0]["values"].clone();
    assert_eq!(ids(), json!(["a"]));
    place.rename("store", "elsewhere");
    next("removed");
    let gone = server.get("/api/runs");
    assert!(gone.status == 503 && gone.text().contains("was removed"), "{}", gone.text());
    assert_eq!(server.get("/api/sweeps").status, 503);
    assert!(server.get("/").text().contains("was removed"));
    put(&*place.store(), &run("b", 1, json!({})));
    next("replaced");
    assert_eq!(ids(), json!(["b"]));
    place.rename("store", "third");
    next("removed");
    place.rename("third", "store");
    next("back");
    assert_eq!(ids(), json!(["b"]));
}
