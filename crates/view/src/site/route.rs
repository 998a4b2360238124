//! Routes: the answer for each address.

use serde_json::Value;

use super::{ApiError, Site, compare, curves, data, errors, labels, opening, project, run, runs, sweep};

/// The answer to `GET`.
pub(super) fn answer(site: &Site, address: &str) -> Result<Value, ApiError> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let (parts, query) = (parts(path)?, Query::read(query)?);
    match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["project"] => project::answer(site),
        ["runs"] => runs::answer(site, &query),
        ["runs", id] => run::answer(site, id),
        ["runs", id, "errors"] => errors::answer(site, id, &query),
        ["runs", id, "errors", "cell"] => errors::cell(site, id, &query),
        ["curves"] => curves::answer(site, &query),
        ["sweeps"] => sweep::answer(site, None),
        ["sweeps", id] => {
            let answer = sweep::answer(site, Some(id))?;
            site.matters.remember(id, &answer);
            Ok(answer)
        }
        ["compare"] => compare::answer(site, &query),
        ["data"] => data::answer(site, None),
        ["data", name] => data::answer(site, Some(name)),
        _ => Err(nothing(path)),
    }
}

/// The answer to `POST`.
pub(super) fn act(site: &Site, address: &str, body: &Value) -> Result<Value, ApiError> {
    let path = address.split_once('?').map_or(address, |(path, _)| path);
    let parts = parts(path)?;
    match parts.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["runs", id, "labels"] => labels::act(site, id, body),
        ["runs", id, "test"] => opening::act(site, id),
        _ => Err(nothing(path)),
    }
}

fn nothing(path: &str) -> ApiError {
    ApiError::new(404, format!("there is nothing at `{path}`"), "docs/api.md lists the addresses")
}

/// The parts of a path below `/api/`, decoded one by one: a part may have a `/` in it and is still one part.
fn parts(path: &str) -> Result<Vec<String>, ApiError> {
    let below = path.strip_prefix("/api/").ok_or_else(|| nothing(path))?;
    below.split('/').map(decoded).collect()
}

/// Query of an address, after its `?`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// `a=1&b=2`.
    pub(crate) fn read(text: &str) -> Result<Self, ApiError> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decoded(&name.replace('+', " "))?, decoded(&value.replace('+', " "))?))
        });
        pairs.collect::<Result<_, _>>().map(Self)
    }

    /// The value of `name`, if there is one.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The value of `name`, which must be a whole number.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let wrong =
            |text| ApiError::new(400, format!("`{name}={text}` is no whole number"), format!("such as `{name}=50`"));
        self.text(name).map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// The value of `name`, which must be there.
    pub(crate) fn must(&self, name: &str) -> Result<&str, ApiError> {
        let missing = || ApiError::new(400, format!("the address has no `{name}`"), format!("write `?{name}=...`"));
        self.text(name).ok_or_else(missing)
    }
}

/// Text with `%41` for `A`.
fn decoded(text: &str) -> Result<String, ApiError> {
    let wrong =
        || ApiError::new(400, format!("`{text}` is not an address"), "after `%` stand two hexadecimal digits of UTF-8");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            let (high, low) = (digit(rest.next()), digit(rest.next()));
            bytes.push((16 * high.ok_or_else(wrong)? + low.ok_or_else(wrong)?) as u8);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_falls_into_parts_that_may_have_anything_in_them() {
        assert_eq!(parts("/api/data/my%2Fdata%20x").unwrap(), ["data", "my/data x"]);
        assert_eq!(parts("/api/runs/../../etc/passwd").unwrap(), ["runs", "..", "..", "etc", "passwd"]);
        for (path, status) in
            [("/", 404), ("/etc/passwd", 404), ("/api/runs/%", 400), ("/api/%ff", 400), ("/api/%+1", 400)]
        {
            assert_eq!(parts(path).unwrap_err().status, status, "{path}");
        }
    }

    #[test]
    fn a_query_is_read_by_name() {
        let query = Query::read("runs=a%2Cb,c&first=50&name=a+b&empty=&flag").unwrap();
        assert_eq!([query.text("runs"), query.text("name"), query.text("empty")], [Some("a,b,c"), Some("a b"), None]);
        assert_eq!((query.number("first").unwrap(), query.number("missing").unwrap()), (Some(50), None));
        assert_eq!(query.number("runs").unwrap_err().status, 400);
        assert_eq!(query.must("flag").unwrap_err().status, 400);
    }
}
