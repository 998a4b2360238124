//! `ui`: the dashboard in the browser.

use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{ErrorKind, IsTerminal as _, Read as _, stdout};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_view::site::Site;
use handloom_view::site::server::{Guard, host_name, serve};
use serde_json::json;

use super::{data_dirs, readable_runs, text};
use crate::exit::{Exit, Failure};
use crate::host::Host;
use crate::interrupt::Interrupt;
use crate::output::{BOLD, Output};
use crate::provenance;

/// The port where none is named.
const PORT: u16 = 7878;

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let (host, port) = (host(text(matches, "host"))?, port(text(matches, "port"))?);
    let allowed = allowed(matches.get_many::<String>("allow-host").into_iter().flatten())?;
    let interrupt = Interrupt::listen()?;
    // Before the store is opened: who waits for the address waits for nothing else.
    let listener = TcpListener::bind((host, port)).map_err(|error| taken(&error, host, port))?;
    let at = listener.local_addr().context("asking for the address of the server")?;
    let token = (!host.is_loopback()).then(secret);
    let url = url(at, token.as_deref());
    output.event(&json!({"v": 1, "event": "ui", "url": url}));
    output.result(&url);
    if token.is_some() {
        output.warn("whoever has this address sees every run in the store; it is not encrypted on its way");
    }
    if let Some(line) = tunnel(at) {
        output.note(format!("  from your own machine:  {BOLD}{line}{BOLD:#}  and open the address there"));
    }
    if !matches.get_flag("no-open") && !output.json && stdout().is_terminal() && has_display() {
        open(&url);
    }
    let runs = readable_runs(matches, output)?;
    let (store, watched) = (Arc::clone(&runs.store), runs.again()?);
    output.note(format!("  runs in {}; Ctrl-C ends this", runs.at()));
    let mut site = Site::new(store, Box::new(Host::new(runs, data_dirs(matches))));
    if matches.get_flag("allow-edit") {
        if let Ok(Some(why)) = site.store.read_only() {
            let refused =
                format!("names, tags and notes cannot be changed: `{}` can only be read ({why})", site.store.at());
            output.warn(format!("`--allow-edit` has no effect: {refused}"));
            site.edit_refused = Some(refused);
        } else {
            site.may_edit = true;
        }
    }
    let guard = Guard::new(at.ip(), at.port(), token, &allowed);
    serve(listener, Arc::new(site), watched, guard, || interrupt.exit().is_some()).context("serving the dashboard")?;
    Ok(interrupt.exit().unwrap_or(Exit::Done))
}

fn host(given: Option<&str>) -> Result<IpAddr> {
    match given {
        None | Some("localhost") => Ok(Ipv4Addr::LOCALHOST.into()),
        Some(text) => text.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| {
            Failure::usage(format!(
                "`--host {text}` is no address\nhint: such as `127.0.0.1`, or `0.0.0.0` for all networks"
            ))
        }),
    }
}

/// The further names by which the dashboard may be opened.
fn allowed<'a>(given: impl Iterator<Item = &'a String>) -> Result<Vec<String>> {
    let name = |text: &String| {
        host_name(text.trim()).ok_or_else(|| {
            Failure::usage(format!(
                "`--allow-host {text}` is no host name\nhint: the name alone, such as `lab.example.org`, without `http://`, \
                 port, path or `*`"
            ))
        })
    };
    given.map(name).collect()
}

fn port(given: Option<&str>) -> Result<u16> {
    let Some(text) = given else { return Ok(PORT) };
    text.parse().map_err(|_| {
        Failure::usage(format!("`--port {text}` is no port\nhint: a number from 0 to 65535; 0 is any that is free"))
    })
}

/// Error for an address that cannot be listened on.
fn taken(error: &std::io::Error, host: IpAddr, port: u16) -> anyhow::Error {
    let at = SocketAddr::new(host, port);
    let (message, hint) = match error.kind() {
        ErrorKind::AddrInUse => (
            format!("port {} is already in use", at.port()),
            format!(
                "a dashboard may be open there; or take another port: `--port {}`, or `--port 0`",
                port.wrapping_add(1).max(1024)
            ),
        ),
        ErrorKind::PermissionDenied => {
            (format!("you may not listen on {at}"), "ports below 1024 are the system's; leave out `--port`".into())
        }
        ErrorKind::AddrNotAvailable => {
            (format!("this machine has no address {host}"), "`--host 0.0.0.0` is all of its addresses".into())
        }
        _ => (format!("cannot listen on {at}: {error}"), "leave out `--host` and `--port`".into()),
    };
    Failure { exit: Exit::Failed, message: format!("{message}\nhint: {hint}") }.into()
}

/// URL to open in a browser.
fn url(at: SocketAddr, token: Option<&str>) -> String {
    // A server that listens everywhere is asked by the machine's name.
    let name = if at.ip().is_unspecified() { format!("{}:{}", provenance::host(), at.port()) } else { at.to_string() };
    let query = token.map(|token| format!("?token={token}")).unwrap_or_default();
    format!("http://{name}/{query}")
}

/// Random access token: 128 bits, in decimal.
fn secret() -> String {
    let mut bytes = [0; 16];
    if File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).is_err() {
        // The standard library's hashers have keys from the system.
        for (place, chunk) in bytes.chunks_mut(8).enumerate() {
            chunk.copy_from_slice(&RandomState::new().hash_one(place).to_le_bytes());
        }
    }
    u128::from_le_bytes(bytes).to_string()
}

/// The command that makes this server's port one of the machine that the user sits at, if that is another one.
fn tunnel(at: SocketAddr) -> Option<String> {
    std::env::var_os("SSH_CONNECTION").filter(|_| at.ip().is_loopback())?;
    let user = std::env::var("USER").map(|user| format!("{user}@")).unwrap_or_default();
    let (port, host) = (at.port(), provenance::host());
    Some(format!("ssh -L {port}:127.0.0.1:{port} {user}{host}"))
}

/// True if a browser opened on this machine would be seen by the user.
fn has_display() -> bool {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    !set("SSH_CONNECTION") && (cfg!(any(target_os = "macos", windows)) || set("DISPLAY") || set("WAYLAND_DISPLAY"))
}

/// Opens a browser. Without one, the address is on the screen.
fn open(url: &str) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let browser =
        Command::new(program).arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if let Ok(mut browser) = browser {
        // So that it leaves nothing behind when it is done.
        thread::spawn(move || browser.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        assert_eq!(host(Some("::1")).unwrap().to_string(), "::1");
        assert_eq!([host(None).unwrap(), host(Some("localhost")).unwrap()], [IpAddr::from(Ipv4Addr::LOCALHOST); 2]);
        assert!(host(Some("everywhere")).is_err() && port(Some("70000")).is_err());
        assert_eq!((port(None).unwrap(), port(Some("0")).unwrap()), (7878, 0));
        let at = |text: &str| text.parse::<SocketAddr>().unwrap();
        assert_eq!(url(at("127.0.0.1:7878"), None), "http://127.0.0.1:7878/");
        assert_eq!(url(at("[fd00::1]:80"), Some("x")), "http://[fd00::1]:80/?token=x");
        assert!(!url(at("0.0.0.0:1"), Some("x")).contains("0.0.0.0"));
        assert_ne!(secret(), secret());
        let names = ["Lab.example.org".to_owned(), "fd00::1".into()];
        assert_eq!(allowed(names.iter()).unwrap(), ["lab.example.org", "[fd00::1]"]);
        let error = allowed(["https://lab.example.org".to_owned()].iter()).unwrap_err().to_string();
        assert!(error.contains("`--allow-host https://lab.example.org`") && error.contains("hint:"), "{error}");
    }
}
