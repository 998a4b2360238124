//! Who is answered: a page of this server, and with a token whoever has it. Everybody else gets nothing.
//!
//! A page anywhere may make a browser ask 127.0.0.1, and by a name that changes its address (DNS rebinding) even read the
//! answer: so the `Host` must be one of ours. What changes something must come from a page of ours as well.

use std::net::IpAddr;

use super::Trouble;

/// Who may ask.
#[derive(Clone, Debug)]
pub struct Guard {
    /// The names, in lower case and with the port, by which this server is asked; none if any may be, since the token is
    /// what counts.
    hosts: Option<Vec<String>>,
    /// What everyone must know, unless nobody but this machine can ask.
    token: Option<String>,
    cookie: String,
}

/// What of a request decides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked<'a> {
    pub(super) changes: bool,
    pub(super) host: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
    pub(super) authorization: Option<&'a str>,
    pub(super) cookies: Option<&'a str>,
    pub(super) query: &'a str,
}

/// How somebody who may ask showed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Plainly,
    /// By a token in the address, which had better go into a cookie.
    ByAddress,
}

impl Guard {
    /// The guard of a server at `address`; one that other machines reach has a `token`.
    pub fn new(address: IpAddr, port: u16, token: Option<String>) -> Self {
        let mut names = vec!["127.0.0.1".to_owned(), "localhost".into(), "[::1]".into()];
        if token.is_some() {
            names.push(match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            });
        }
        let with_port = names.iter().map(|name| format!("{name}:{port}"));
        // Browsers leave out the port that they would take by themselves.
        let bare = if port == 80 { names.clone() } else { Vec::new() };
        // A server that listens everywhere goes by names that it does not know.
        let any = token.is_some() && address.is_unspecified();
        let hosts = (!any).then(|| with_port.chain(bare).collect());
        Self { hosts, token, cookie: format!("handloom_{port}") }
    }

    /// Whether this is answered.
    pub(super) fn admit(&self, asked: Asked<'_>) -> Result<Admitted, Trouble> {
        let host = asked.host.unwrap_or_default().to_ascii_lowercase();
        if self.hosts.as_ref().is_some_and(|hosts| !hosts.contains(&host)) {
            return Err(Trouble::new(
                403,
                "this server does not go by that name",
                "open the address that `handloom ui` printed",
            ));
        }
        if asked.changes
            && let Some(origin) = asked.origin
            && origin.to_ascii_lowercase() != format!("http://{host}")
        {
            return Err(Trouble::new(403, "another page may not change anything here", "use the page of this server"));
        }
        let Some(token) = &self.token else { return Ok(Admitted::Plainly) };
        let is_it = |given: &str| is_same(given.as_bytes(), token.as_bytes());
        let bearer = asked
            .authorization
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|given| is_it(given.trim()));
        let cookies = asked.cookies.unwrap_or_default().split(';').filter_map(|pair| pair.trim().split_once('='));
        // All are looked at: how long it takes says nothing of which was right.
        let by_cookie = cookies.filter(|(name, given)| *name == self.cookie && is_it(given)).count() > 0;
        let by_address = token_of(asked.query).is_some_and(is_it);
        if by_address {
            Ok(Admitted::ByAddress)
        } else if bearer || by_cookie {
            Ok(Admitted::Plainly)
        } else {
            Err(Trouble::new(
                401,
                "this server asks for its token",
                "open the address that `handloom ui` printed, with `?token=...`",
            ))
        }
    }

    /// The header that keeps the token in a browser.
    pub(super) fn set_cookie(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        Some(format!("{}={token}; Path=/; HttpOnly; SameSite=Lax", self.cookie))
    }
}

/// The token in the query of an address.
fn token_of(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
fn is_same(given: &[u8], kept: &[u8]) -> bool {
    let differ = given.iter().zip(kept).fold(0, |differ, (a, b)| differ | std::hint::black_box(a ^ b));
    given.len() == kept.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn status(guard: &Guard, asked: Asked<'_>) -> u16 {
        guard.admit(asked).map_or_else(|trouble| trouble.status, |_| 200)
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        let guard = Guard::new(HERE, 7878, None);
        let asked = |host| status(&guard, Asked { host, ..Asked::default() });
        for host in ["127.0.0.1:7878", "localhost:7878", "LocalHost:7878", "[::1]:7878"] {
            assert_eq!(asked(Some(host)), 200, "{host}");
        }
        for host in
            ["evil.example:7878", "127.0.0.1", "127.0.0.1:7879", "127.0.0.1:7878.evil.example", "192.168.0.2:7878", ""]
        {
            assert_eq!(asked(Some(host)), 403, "{host}");
        }
        assert_eq!(asked(None), 403);
        let guard = Guard::new(HERE, 80, None);
        assert_eq!(status(&guard, Asked { host: Some("localhost"), ..Asked::default() }), 200);
    }

    #[test]
    fn what_changes_something_comes_from_a_page_of_ours() {
        let guard = Guard::new(HERE, 7878, None);
        let asked = |changes, origin| {
            status(&guard, Asked { changes, origin, host: Some("localhost:7878"), ..Asked::default() })
        };
        assert_eq!([asked(true, Some("http://localhost:7878")), asked(true, None)], [200, 200]);
        for origin in
            ["http://evil.example", "null", "http://localhost:7879", "https://localhost:7878", "http://127.0.0.1:7878"]
        {
            assert_eq!(asked(true, Some(origin)), 403, "{origin}");
            assert_eq!(asked(false, Some(origin)), 200, "reading is what CORS keeps from them: {origin}");
        }
    }

    #[test]
    fn from_elsewhere_one_needs_the_token() {
        let wide = Guard::new(Ipv4Addr::UNSPECIFIED.into(), 7878, Some("s3cret".into()));
        let host = Some("lab-7.example:7878");
        assert_eq!(status(&wide, Asked { host, ..Asked::default() }), 401);
        assert_eq!(wide.admit(Asked { host, query: "a=b&token=s3cret", ..Asked::default() }), Ok(Admitted::ByAddress));
        let cookies = Some("x=1; handloom_7878=s3cret");
        assert_eq!(wide.admit(Asked { host, cookies, ..Asked::default() }), Ok(Admitted::Plainly));
        assert_eq!(status(&wide, Asked { host, authorization: Some("Bearer s3cret"), ..Asked::default() }), 200);
        for query in ["token=", "token=s3cre", "token=s3crets", "token=S3cret", "tokens=s3cret"] {
            assert_eq!(status(&wide, Asked { host, query, ..Asked::default() }), 401, "{query}");
        }
        assert_eq!(status(&wide, Asked { host, cookies: Some("handloom_7879=s3cret"), ..Asked::default() }), 401);
        assert!(wide.set_cookie().unwrap().starts_with("handloom_7878=s3cret; "));

        let narrow = Guard::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(), 7878, Some("s3cret".into()));
        let asked = |host| status(&narrow, Asked { host: Some(host), query: "token=s3cret", ..Asked::default() });
        assert_eq!([asked("[fd00::1]:7878"), asked("localhost:7878"), asked("evil.example:7878")], [200, 200, 403]);
    }

    #[test]
    fn secrets_are_the_same_only_if_all_of_them_is() {
        assert!(is_same(b"abc", b"abc") && is_same(b"", b""));
        assert!(!is_same(b"abd", b"abc") && !is_same(b"ab", b"abc") && !is_same(b"abcd", b"abc"));
    }
}
