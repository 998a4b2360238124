//! Access control: a page of this server is answered, and with a token any client that has it.
//!
//! A page anywhere may make a browser ask 127.0.0.1, and by a name that changes its address (DNS rebinding) even read the
//! answer: so the `Host` must be a name of this machine's loopback, or one that the user allowed. Its port may be any, as
//! a tunnel or a container may listen elsewhere. What changes something must come from a page of this very host and port.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ApiError;

/// Rules of access.
#[derive(Clone, Debug)]
pub struct Guard {
    /// Further names by which this server may be asked, in lower case and without a port.
    names: Vec<String>,
    /// True if any host name is accepted, since the token decides.
    any_name: bool,
    /// The token that clients need; none where this machine alone can connect.
    token: Option<String>,
    cookie: String,
}

/// Parts of a request that decide about access.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct AccessRequest<'a> {
    pub(super) changes: bool,
    /// True if `Host` or `Origin` is there twice, is no ASCII text, or contradicts the address requested.
    pub(super) is_ambiguous: bool,
    pub(super) host: Option<&'a str>,
    pub(super) origin: Option<&'a str>,
    pub(super) authorization: Option<&'a str>,
    pub(super) cookies: Option<&'a str>,
    pub(super) query: &'a str,
}

/// Evidence by which a client was admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Plainly,
    /// By a token in the address, which had better go into a cookie.
    ByAddress,
}

impl Guard {
    /// The guard of a server at `address`; one that other machines reach has a `token`. It goes by the names of the
    /// loopback interface and by `allowed` ones, as [`host_name`] gives them.
    pub fn new(address: IpAddr, port: u16, token: Option<String>, allowed: &[String]) -> Self {
        let mut names = allowed.to_vec();
        if token.is_some() {
            names.push(match address {
                IpAddr::V4(address) => address.to_string(),
                IpAddr::V6(address) => format!("[{address}]"),
            });
        }
        // A server that listens everywhere goes by names that it does not know.
        let any_name = token.is_some() && address.is_unspecified();
        Self { names, any_name, token, cookie: format!("handloom_{port}") }
    }

    /// Admits or refuses a request.
    pub(super) fn admit(&self, asked: AccessRequest<'_>) -> Result<Admitted, ApiError> {
        let host = asked.host.unwrap_or_default().to_ascii_lowercase();
        let name = split(&host).map(|(name, _)| name);
        let is_allowed = name.is_some_and(|name| self.names.iter().any(|allowed| allowed == name));
        if asked.is_ambiguous || !(self.any_name || is_allowed || name.is_some_and(is_loopback)) {
            return Err(ApiError::new(
                403,
                "this server does not go by that name",
                "open the address that `handloom ui` printed, or name this one by `handloom ui --allow-host NAME`",
            ));
        }
        if asked.changes
            && let Some(origin) = asked.origin.map(str::to_ascii_lowercase)
            && origin != format!("http://{host}")
            // An allowed name may be that of a proxy, which speaks to browsers by TLS.
            && !(is_allowed && origin == format!("https://{host}"))
        {
            return Err(ApiError::new(403, "another page may not change anything here", "use the page of this server"));
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
            Err(ApiError::new(
                401,
                "this server asks for its token",
                "open the address that `handloom ui` printed, with `?token=...`",
            ))
        }
    }

    /// The header that keeps the token in a browser.
    pub(super) fn set_cookie(&self) -> Option<String> {
        let token = self.token.as_ref()?;
        // Without a path it is that of the page, which a proxy may have put below another.
        Some(format!("{}={token}; HttpOnly; SameSite=Lax", self.cookie))
    }
}

/// The host name or address in `text`, as a `Host` header has it, in lower case: `lab.example`, `192.168.0.2`, `[fd00::1]`.
/// None for anything else, such as a name with a port or `http://`.
pub fn host_name(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let text = if text.parse::<Ipv6Addr>().is_ok() { format!("[{text}]") } else { text };
    split(&text).filter(|(_, port)| port.is_none())?;
    // As browsers write it.
    let address = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).and_then(|text| text.parse().ok());
    Some(address.map_or(text, |address: Ipv6Addr| format!("[{address}]")))
}

/// The name and the port in a `Host` header in lower case; none if it is not of that form.
fn split(host: &str) -> Option<(&str, Option<u16>)> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let end = rest.find(']')?;
            rest[..end].parse::<Ipv6Addr>().ok()?;
            (&host[..end + 2], &rest[end + 1..])
        }
        None => host.split_at(host.find(':').unwrap_or(host.len())),
    };
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    if !name.starts_with('[')
        && (name.is_empty() || name.len() > 253 || !name.chars().all(is_plain) || name.split('.').any(str::is_empty))
    {
        return None;
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Some((name, None)),
        Some(digits) if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((name, Some(digits.parse().ok()?)))
        }
        _ => None,
    }
}

/// True if `name` is one of this machine's loopback interface: `localhost`, an address of 127.0.0.0/8 or `[::1]`, to
/// the letter. Other ways to write such an address (`2130706433`, `0x7f.1`, `localhost.`) are no names that a user
/// opens.
fn is_loopback(name: &str) -> bool {
    let v6 = |name: &str| name.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    name == "localhost"
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || v6(name) == Some(Ipv6Addr::LOCALHOST)
}

/// The token in the query of an address.
fn token_of(query: &str) -> Option<&str> {
    query.split('&').find_map(|pair| pair.strip_prefix("token="))
}

/// True if two secrets are the same, in a time that does not tell where they differ.
fn is_same(given: &[u8], kept: &[u8]) -> bool {
    let differ = given.iter().zip(kept).fold(0, |differ, (a, b)| differ | std::hint::black_box(a ^ b));
    given.len() == kept.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn status(guard: &Guard, asked: AccessRequest<'_>) -> u16 {
        guard.admit(asked).map_or_else(|trouble| trouble.status, |_| 200)
    }

    #[test]
    fn loopback_names_are_answered_with_any_port_and_no_others() {
        let guard = Guard::new(HERE, 7878, None, &[]);
        let asked = |host| status(&guard, AccessRequest { host, ..AccessRequest::default() });
        for host in [
            "127.0.0.1:7878",
            "localhost:7878",
            "LocalHost:7878",
            "[::1]:7878",
            "localhost",
            "localhost:80",
            "127.0.0.1",
            "127.0.0.1:9000",
            "127.8.9.10:1",
            "127.255.255.255",
            "[::1]",
            "[0:0:0:0:0:0:0:1]:65535",
        ] {
            assert_eq!(asked(Some(host)), 200, "{host}");
        }
        for host in [
            "",
            ":7878",
            "evil.example:7878",
            "127.0.0.1:7878.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io:7878",
            "localhost.evil.com",
            "evil.localhost",
            "notlocalhost",
            "localhost.",
            "127.0.0.1.",
            "localhost:1@evil.com",
            "evil.com@localhost",
            "localhost/evil.com",
            "localhost:evil",
            "localhost:",
            "localhost:65536",
            "localhost:-1",
            "localhost:+80",
            "localhost: 80",
            "localhost:80:80",
            " localhost",
            "localhost,evil.com",
            "http://localhost",
            "2130706433",
            "0x7f000001",
            "0177.0.0.1",
            "127.1",
            "127.0.0.01",
            "127.0.0.256",
            "128.0.0.1",
            "0.0.0.0",
            "192.168.0.2:7878",
            "::1",
            "[::1",
            "[::1]7878",
            "[::1].evil.com",
            "[::2]",
            "[::ffff:127.0.0.1]:7878",
            "[::1%25lo]",
            "[127.0.0.1]",
            "lo\u{17f}calhost",
        ] {
            assert_eq!(asked(Some(host)), 403, "{host}");
        }
        assert_eq!(asked(None), 403);
        let ambiguous = AccessRequest { host: Some("localhost"), is_ambiguous: true, ..AccessRequest::default() };
        assert_eq!(status(&guard, ambiguous), 403);
    }

    #[test]
    fn an_allowed_name_is_answered_and_may_be_that_of_a_proxy() {
        let name = host_name("Lab.Example.org").unwrap();
        let guard = Guard::new(HERE, 7878, None, &[name, host_name("fd00::0:1").unwrap()]);
        let asked = |host, changes, origin| {
            status(&guard, AccessRequest { host: Some(host), changes, origin, ..AccessRequest::default() })
        };
        for host in ["lab.example.org", "LAB.example.org:8443", "[fd00::1]:80", "localhost:7878"] {
            assert_eq!(asked(host, false, None), 200, "{host}");
        }
        for host in ["example.org", "x.lab.example.org", "lab.example.org.evil.com", "lab.example.org."] {
            assert_eq!(asked(host, false, None), 403, "{host}");
        }
        for (origin, expected) in [
            ("https://lab.example.org", 200),
            ("http://lab.example.org", 200),
            ("https://lab.example.org:8443", 403),
            ("https://evil.com", 403),
        ] {
            assert_eq!(asked("lab.example.org", true, Some(origin)), expected, "{origin}");
        }
        assert_eq!(asked("localhost:7878", true, Some("https://localhost:7878")), 403);
        for wrong in [
            "", "http://a", "a:80", "a/b", "*", "*.a", ".a", "a.", "a..b", "a b", "a,b", "[a]", "a@b", "[::1]:80",
            "ä.de",
        ] {
            assert_eq!(host_name(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn what_changes_something_comes_from_a_page_of_ours() {
        let guard = Guard::new(HERE, 7878, None, &[]);
        let asked = |changes, origin| {
            status(&guard, AccessRequest { changes, origin, host: Some("localhost:7878"), ..AccessRequest::default() })
        };
        // Programs other than browsers send no origin, and could send any.
        assert_eq!([asked(true, Some("http://localhost:7878")), asked(true, None)], [200, 200]);
        for origin in [
            "http://evil.example",
            "null",
            "http://localhost:7879",
            "http://localhost",
            "",
            "http://localhost:7878/",
            "https://localhost:7878",
            "http://127.0.0.1:7878",
        ] {
            assert_eq!(asked(true, Some(origin)), 403, "{origin}");
            assert_eq!(asked(false, Some(origin)), 200, "reading is what CORS keeps from them: {origin}");
        }
    }

    #[test]
    fn from_elsewhere_one_needs_the_token() {
        let wide = Guard::new(Ipv4Addr::UNSPECIFIED.into(), 7878, Some("s3cret".into()), &[]);
        let host = Some("lab-7.example:7878");
        assert_eq!(status(&wide, AccessRequest { host, ..AccessRequest::default() }), 401);
        assert_eq!(
            wide.admit(AccessRequest { host, query: "a=b&token=s3cret", ..AccessRequest::default() }),
            Ok(Admitted::ByAddress)
        );
        let cookies = Some("x=1; handloom_7878=s3cret");
        assert_eq!(wide.admit(AccessRequest { host, cookies, ..AccessRequest::default() }), Ok(Admitted::Plainly));
        assert_eq!(
            status(&wide, AccessRequest { host, authorization: Some("Bearer s3cret"), ..AccessRequest::default() }),
            200
        );
        for query in ["token=", "token=s3cre", "token=s3crets", "token=S3cret", "tokens=s3cret"] {
            assert_eq!(status(&wide, AccessRequest { host, query, ..AccessRequest::default() }), 401, "{query}");
        }
        assert_eq!(
            status(&wide, AccessRequest { host, cookies: Some("handloom_7879=s3cret"), ..AccessRequest::default() }),
            401
        );
        assert!(wide.set_cookie().unwrap().starts_with("handloom_7878=s3cret; "));

        let narrow = Guard::new(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(), 7878, Some("s3cret".into()), &[]);
        let asked = |host| {
            status(&narrow, AccessRequest { host: Some(host), query: "token=s3cret", ..AccessRequest::default() })
        };
        assert_eq!([asked("[fd00::1]:7878"), asked("localhost:7878"), asked("evil.example:7878")], [200, 200, 403]);
    }

    #[test]
    fn secrets_are_the_same_only_if_all_of_them_is() {
        assert!(is_same(b"abc", b"abc") && is_same(b"", b""));
        assert!(!is_same(b"abd", b"abc") && !is_same(b"ab", b"abc") && !is_same(b"abcd", b"abc"));
    }
}
