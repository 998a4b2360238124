//! `ui`: the dashboard as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;

use crate::support::Place;

/// A dashboard, and where it is.
struct Ui {
    process: Child,
    lines: BufReader<std::process::ChildStdout>,
    port: u16,
    url: String,
}

impl Ui {
    fn start(place: &Place, flags: &str) -> Self {
        let mut process = place.spawn(&format!("ui --port 0 --no-open {flags}"));
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let mut url = String::new();
        lines.read_line(&mut url).unwrap();
        let url = match serde_json::from_str::<Value>(&url) {
            Ok(event) => {
                assert_eq!((&event["v"], &event["event"]), (&1.into(), &"ui".into()));
                event["url"].as_str().unwrap().to_owned()
            }
            Err(_) => url.trim_end().to_owned(),
        };
        let after = url.rsplit_once(':').unwrap().1;
        let port = after[..after.find('/').unwrap()].parse().unwrap();
        Self { process, lines, port, url }
    }

    /// The whole reply to a request for `path`.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(5))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n", self.port).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    fn json(&self, path: &str) -> Value {
        let reply = self.get(path);
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).expect(&reply)
    }

    /// Ends the process by a signal; how it ended, and what else it had printed.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        assert!(Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap().success());
        let status = self.process.wait().unwrap();
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).unwrap();
        (status.code(), rest)
    }
}

#[test]
fn a_dashboard_shows_what_is_trained_and_ends_by_a_signal() {
    let place = Place::new();
    let ui = Ui::start(&place, "");
    assert_eq!(ui.url, format!("http://127.0.0.1:{}/", ui.port));
    assert_eq!(ui.json("/api/project")["headline"][0]["rule"], "empty");
    // Looking made nothing.
    assert!(!place.path(".handloom").exists());
    place.run("train -d garments -e 1 -nhl 1 -sz 8 --name <b>mine</b> --no-test").code(0);
    let runs = ui.json("/api/runs");
    let id = runs["columns"][0]["values"][0].as_str().unwrap();
    let run = ui.json(&format!("/api/runs/{id}"));
    assert_eq!((&run["name"], &run["status"]), (&"<b>mine</b>".into(), &"finished".into()));
    assert_eq!((run["layers"].to_string(), run["test"].is_null()), ("[784,8,10]".into(), true));
    assert!(run["command"].as_str().unwrap().starts_with("handloom train -d garments -e 1"), "{}", run["command"]);
    let page = ui.get("/");
    assert!(page.contains("&lt;b&gt;mine&lt;/b&gt;") && !page.contains("<b>mine"), "{page}");
    assert!(ui.get("/plotly.js").len() > 4_000_000);
    let (code, rest) = ui.end("-TERM");
    assert_eq!((code, rest.as_str()), (Some(143), ""));
}

#[test]
fn its_address_is_one_json_object_and_ctrl_c_ends_it_while_a_page_listens() {
    let place = Place::new();
    let ui = Ui::start(&place, "--json");
    let mut listening = TcpStream::connect(("127.0.0.1", ui.port)).unwrap();
    write!(listening, "GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", ui.port).unwrap();
    let mut first = [0; 12];
    listening.read_exact(&mut first).unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    let (code, rest) = ui.end("-INT");
    assert_eq!((code, rest.as_str()), (Some(130), ""));
}

#[test]
fn a_port_that_is_taken_and_addresses_that_are_none_are_told() {
    let place = Place::new();
    let ui = Ui::start(&place, "");
    let told = place.run(&format!("ui --no-open --port {}", ui.port)).code(1);
    assert!(
        told.stderr.contains("already") && told.stderr.contains("hint:") && told.stdout.is_empty(),
        "{}",
        told.stderr
    );
    for flags in ["--port x", "--port 70000", "--host everywhere"] {
        let told = place.run(&format!("ui --no-open {flags}")).code(2);
        assert!(told.stderr.contains("hint:"), "{}", told.stderr);
    }
    ui.end("-INT");
}

#[test]
fn from_elsewhere_it_asks_for_the_token_that_it_printed() {
    let place = Place::new();
    let ui = Ui::start(&place, "--host 0.0.0.0");
    let token = ui.url.split_once("/?token=").unwrap().1;
    assert!(token.len() > 30, "{}", ui.url);
    assert!(ui.get("/api/project").starts_with("HTTP/1.1 401"));
    assert!(ui.get(&format!("/api/project?token={token}")).starts_with("HTTP/1.1 200"));
    ui.end("-INT");
}
