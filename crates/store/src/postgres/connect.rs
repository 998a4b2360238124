//! A connection to a server: its address, its time-outs, and the translation of PostgreSQL's errors.

use std::error::Error as _;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use postgres::config::{Host, SslMode};
use postgres::{Client, Config};

use super::tls::Mode;
use crate::error::{Error, Result};

/// Time limit for a server's answer to a connection attempt.
const ANSWER: Duration = Duration::from_secs(5);
/// Time after which a connection counts as broken if sent bytes stay unacknowledged or nothing is received.
const SILENCE: Duration = Duration::from_secs(15);
/// Time-outs on the server: for waiting for a lock, and for a transaction that is idle. The latter is long enough for
/// the slow upload of a model.
const LIMITS: &str = "SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '300s'";

/// A server as its URL names it.
#[derive(Clone)]
pub(super) struct Server {
    config: Config,
    mode: Mode,
    /// The URL without the password.
    pub(super) at: String,
}

impl Server {
    /// The server that `url` names.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let at = masked(url);
        let wrong = |why: String| Error::Place { at: at.clone(), why };
        // The driver knows fewer values of `sslmode` than libpq.
        let (base, parameters) = url.split_at(url.rfind('@').map_or(0, |at| at + 1));
        let (base, parameters) = match parameters.split_once('?') {
            Some((path, parameters)) => (format!("{base}{path}"), parameters),
            None => (url.into(), ""),
        };
        let (modes, others): (Vec<&str>, Vec<&str>) = parameters
            .split('&')
            .filter(|parameter| !parameter.is_empty())
            .partition(|parameter| parameter.starts_with("sslmode="));
        let mode = modes.last().map_or("prefer", |mode| &mode["sslmode=".len()..]);
        let mode = Mode::named(mode).ok_or_else(|| {
            wrong(format!("`sslmode={mode}` is none of `disable`, `prefer`, `require`, `verify-full`"))
        })?;
        let mut config: Config = format!("{base}?{}", others.join("&")).parse().map_err(|error: postgres::Error| {
            let why = causes(&error);
            // A password that was not escaped may end up in the name of an option.
            let leaks = why.split('`').nth(1).is_some_and(|option| why.contains("unknown") && !at.contains(option));
            let said = why.strip_prefix("invalid connection string: ").filter(|_| !leaks);
            wrong(said.unwrap_or("it is not the address of a database").into())
        })?;
        if config.get_hosts().is_empty() {
            return Err(wrong("it names no host".into()));
        }
        let local = config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_)));
        let mode = if local { Mode::Disable } else { mode };
        config.ssl_mode(match mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyFull => SslMode::Require,
        });
        if config.get_password().is_none()
            && let Some(password) = std::env::var_os("PGPASSWORD")
        {
            config.password(password.as_encoded_bytes());
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(ANSWER);
        }
        if config.get_application_name().is_none() {
            config.application_name("handloom");
        }
        config.tcp_user_timeout(SILENCE).keepalives_idle(SILENCE).keepalives_interval(SILENCE / 3);
        Ok(Self { config, mode, at })
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Result<Client> {
        // The driver's own limit ends with the handshake of TCP, after which a server may still be silent for ever.
        let each = self.config.get_connect_timeout().copied().unwrap_or(ANSWER);
        let limit = each * self.config.get_hosts().len().max(1) as u32;
        let (send, receive) = mpsc::channel();
        let (config, mode) = (self.config.clone(), self.mode);
        let attempt = move || drop(send.send(connected(config, mode)));
        thread::Builder::new()
            .name("postgres".into())
            .spawn(attempt)
            .map_err(|error| Error::Unreachable { at: self.at.clone(), why: error.to_string() })?;
        let Ok(client) = receive.recv_timeout(limit) else {
            let why = format!("no answer within {} s", limit.as_secs());
            return Err(Error::Unreachable { at: self.at.clone(), why });
        };
        client.map_err(|error| self.explain(&error, true))
    }

    /// Translates an error of PostgreSQL for a user.
    pub(super) fn explain(&self, error: &postgres::Error, connecting: bool) -> Error {
        let (at, why) = (self.at.clone(), causes(error));
        let code = error.code().map(|code| code.code().to_owned());
        match code.as_deref() {
            Some("53100") => Error::Full { at, why },
            Some("55P03" | "57014" | "40001" | "40P01") => Error::Busy { at, why },
            Some("42501" | "25006") if !connecting => Error::ReadOnly { at, why },
            Some(code) if is_outage(code) => Error::Unreachable { at, why },
            Some(code) if connecting || code.starts_with("28") => Error::Refused { at, why },
            None if is_broken(error) => Error::Unreachable { at, why },
            None if connecting => Error::Refused { at, why },
            _ => Error::Database { at, why },
        }
    }
}

fn connected(mut config: Config, mode: Mode) -> Result<Client, postgres::Error> {
    let mut client = config.connect(mode.connector());
    // As in libpq: `prefer` falls back to a plain connection if TLS fails, or if the server does not want it.
    if mode == Mode::Prefer
        && let Err(error) = &client
        && (error.code().is_some_and(|code| code.code() == "28000") || error.to_string().contains("TLS"))
    {
        client = config.ssl_mode(SslMode::Disable).connect(postgres::NoTls);
    }
    let mut client = client?;
    client.batch_execute(LIMITS)?;
    Ok(client)
}

/// True if the server is down, shutting down, starting, or out of resources.
fn is_outage(code: &str) -> bool {
    code.starts_with("08") || code.starts_with("53") || ["57P01", "57P02", "57P03", "25P03"].contains(&code)
}

/// True if the connection is broken.
pub(super) fn is_broken(error: &postgres::Error) -> bool {
    let mut cause = error.source();
    while let Some(error) = cause {
        if error.is::<io::Error>() {
            return true;
        }
        cause = error.source();
    }
    error.is_closed()
        || error.to_string().starts_with("timeout")
        || error.code().is_some_and(|code| is_outage(code.code()))
}

/// An error and its causes on one line.
fn causes(error: &postgres::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// `url` with `***` for its password; anything else as it is. Every URL that is shown or recorded goes through this.
pub fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.into() };
    // The last `@`: an unescaped one belongs to the password.
    let mut shown = match rest.rsplit_once('@') {
        Some((credentials, place)) => match credentials.split_once(':') {
            Some((user, _)) => format!("{scheme}://{user}:***@{place}"),
            None => url.into(),
        },
        None => url.to_owned(),
    };
    if let Some(start) = shown.find("password=").map(|start| start + "password=".len()) {
        let end = shown[start..].find('&').map_or(shown.len(), |length| start + length);
        shown.replace_range(start..end, "***");
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn no_password_is_shown() {
        for (url, shown) in [
            ("postgres://me:secret@host/db", "postgres://me:***@host/db"),
            ("postgres://me:se@cr/et?@host/db?sslmode=require", "postgres://me:***@host/db?sslmode=require"),
            ("postgres://host/db?password=secret&user=me", "postgres://host/db?password=***&user=me"),
            ("postgres://me@host/db", "postgres://me@host/db"),
            ("folder/with:colon@sign", "folder/with:colon@sign"),
        ] {
            assert_eq!(masked(url), shown);
        }
        for url in
            ["postgres://me:secret@host:port/db", "postgres://me:x@y?secret=1@host/db", "postgres://me:secret@/db"]
        {
            let error = Server::parse(url).err().unwrap().to_string();
            assert!(!error.contains("secret") && error.contains("me:***@"), "{error}");
        }
    }

    #[test]
    fn modes_mean_what_they_mean_to_libpq() {
        let mode = |parameters: &str| Server::parse(&format!("postgres://me:p@host/db{parameters}")).map(|s| s.mode);
        assert_eq!(mode("").unwrap(), Mode::Prefer);
        assert_eq!(mode("?sslmode=disable&connect_timeout=3").unwrap(), Mode::Disable);
        assert_eq!(mode("?connect_timeout=3&sslmode=require").unwrap(), Mode::Require);
        assert_eq!(mode("?sslmode=verify-full").unwrap(), Mode::VerifyFull);
        assert!(mode("?sslmode=perhaps").err().unwrap().to_string().contains("`verify-full`"));
        // Nobody listens in on a socket of this machine.
        assert_eq!(Server::parse("postgres://me@%2Ftmp/db?sslmode=require").unwrap().mode, Mode::Disable);
    }

    #[test]
    fn a_server_that_is_not_there_or_silent_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let silent = listener.local_addr().unwrap();
        let url = format!("postgres://me:secret@{silent}/db?connect_timeout=1");
        // The server never answers: a client without a time limit would wait for ever.
        let error = Server::parse(&url).unwrap().connect().err().unwrap();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        drop(listener);
        let error = Server::parse(&url).unwrap().connect().err().unwrap();
        assert!(matches!(error, Error::Unreachable { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
