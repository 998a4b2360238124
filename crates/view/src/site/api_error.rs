//! An answer that could not be made.

use std::fmt;

use serde_json::{Value, json};

/// Why there is no answer, and what can be done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// Status of HTTP: 400, 403, 404, 409, 500 or 503.
    pub status: u16,
    /// Error: a fragment, without a full stop.
    pub error: String,
    /// Advice; may be empty.
    pub hint: String,
}

impl ApiError {
    /// Trouble with a status, what is wrong, and what to do.
    pub fn new(status: u16, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, error: error.into(), hint: hint.into() }
    }

    /// Trouble as a message tells it, whose second line may be `hint: ...`.
    pub fn told(status: u16, message: &str) -> Self {
        let (error, hint) = message.split_once("\nhint: ").unwrap_or((message, ""));
        Self::new(status, error, hint)
    }

    /// As it is answered.
    pub fn to_value(&self) -> Value {
        json!({"error": self.error, "hint": self.hint})
    }
}

impl From<handloom_store::Error> for ApiError {
    fn from(error: handloom_store::Error) -> Self {
        use handloom_store::Error;
        let status = match error {
            Error::NoRun { .. } | Error::NoSweep { .. } => 404,
            Error::Name { .. } => 400,
            Error::ReadOnly { .. } => 403,
            Error::Removed { .. } => 503,
            _ => 500,
        };
        Self::told(status, &error.to_string())
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.error)?;
        if self.hint.is_empty() { Ok(()) } else { write!(to, "\nhint: {}", self.hint) }
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_falls_into_what_is_wrong_and_what_to_do() {
        let error = handloom_store::Error::NoRun { at: "db".into(), run: "a".into() };
        let trouble = ApiError::from(error);
        assert_eq!(trouble, ApiError::new(404, "there is no run `a` in `db`", "`handloom ls` shows what is there"));
        assert_eq!(trouble.to_string(), "there is no run `a` in `db`\nhint: `handloom ls` shows what is there");
        assert_eq!(ApiError::told(500, "broken").to_value(), json!({"error": "broken", "hint": ""}));
    }
}
