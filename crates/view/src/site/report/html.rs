//! The file itself: the page with everything in it that the server would send by and by.
//!
//! A policy in the page lets nothing in from outside, and runs no script but the two whose hashes it names.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::super::assets::{INDEX, STYLE, plotly, script};
use crate::text::escape;

/// The page without what it is about.
pub(super) struct Frame {
    own: String,
    plotly: String,
}

impl Frame {
    /// That of this version of the program.
    pub(super) fn new() -> Self {
        Self { own: harmless(script()), plotly: harmless(plotly()) }
    }

    /// Bytes that it takes.
    pub(super) fn len(&self) -> usize {
        self.own.len() + self.plotly.len() + INDEX.len() + STYLE.len() + 4_096
    }

    /// The page with a title, what is there before the script is, and the elements with all answers and where they come
    /// from: in pieces, each with what it is.
    pub(super) fn pieces(
        &self,
        title: &str,
        first: &str,
        [answers, provenance]: [&str; 2],
    ) -> Vec<(&'static str, String)> {
        let policy = format!(
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src '{}' '{}'; base-uri 'none'; form-action 'none'",
            hash(&self.own),
            hash(&self.plotly)
        );
        let mut pieces: Vec<(&'static str, String)> = Vec::new();
        let mut put = |name: &'static str, text: &str| match pieces.last_mut() {
            Some((last, before)) if *last == name => before.push_str(text),
            _ => pieces.push((name, text.into())),
        };
        for line in INDEX.lines() {
            match line.trim() {
                "<meta charset=\"utf-8\">" => {
                    put("markup", line);
                    put("markup", "\n");
                    let tag = format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
                    put("policy", &tag);
                }
                "<link rel=\"stylesheet\" href=\"style.css\">" => {
                    put("style", &format!("<style>\n{}</style>\n", STYLE.replace("</", "<\\/")));
                    // Early in the file, where whoever verifies it finds it soon.
                    put("provenance", provenance);
                }
                "<title>Handloom</title>" => put("title", &format!("<title>{}</title>", escape(title))),
                "<!--data-->" => {
                    put("answers", answers);
                    put("markup", "\n");
                    put("script", &format!("<script>{}</script>\n<script>{}</script>", self.own, self.plotly));
                }
                "<script src=\"app.js\" defer></script>" => {}
                _ if line.contains("<!--first-->") => {
                    let (before, after) = line.split_once("<!--first-->").unwrap_or((line, ""));
                    put("markup", before);
                    put("page text", first);
                    put("markup", after);
                }
                _ => put("markup", line),
            }
            put("markup", "\n");
        }
        pieces
    }
}

/// A script as it may stand in an element: in the strings and comments where these may be, the escaped form is the same.
fn harmless(script: &str) -> String {
    let script = script.replace("<!--", "\\x3C!--");
    // Every way in which an element could end, or seem to begin.
    let mut written = String::with_capacity(script.len());
    let mut rest = script.as_str();
    while let Some(at) = rest.find('<') {
        let (before, from) = rest.split_at(at);
        written.push_str(before);
        let tag = from[1..].strip_prefix('/').unwrap_or(&from[1..]);
        let is_script = tag.get(..6).is_some_and(|name| name.eq_ignore_ascii_case("script"));
        written.push_str(if is_script { "\\x3C" } else { "<" });
        rest = &from[1..];
    }
    written.push_str(rest);
    // A file read as text has no other line ends than it was hashed with.
    written.replace("\r\n", "\n").replace('\r', "\n")
}

/// Name of a script in a content security policy.
fn hash(script: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(script.as_bytes())))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::element::Form;
    use super::*;

    fn elements<'h>(html: &'h str, opening: &str) -> Vec<&'h str> {
        html.split(opening).skip(1).map(|rest| rest.split("</script>").next().unwrap()).collect()
    }

    #[test]
    fn a_file_holds_everything_and_lets_nothing_in() {
        let evil = "</script><script>alert(1)</script>";
        let frame = Frame { own: harmless("const a = '</script>';"), plotly: harmless("/* <!-- <script> */ 1 < 2") };
        let answers = json!({"/api/project": {"name": evil}});
        let elements_of = [("answers", &answers), ("provenance", &json!({"name": evil}))];
        let [a, p] = elements_of.map(|(id, value)| Form::Plain.element(id, value));
        let html: String = frame.pieces(evil, "<p>first</p>", [&a, &p]).into_iter().map(|(_, text)| text).collect();
        for outside in ["src=\"", "href=\"/", "http://", "https://"] {
            let found = html.match_indices(outside).map(|(at, _)| &html[at..(at + 60).min(html.len())]);
            let own = |text: &&str| !text.starts_with("http://www.w3.org/") && !text.starts_with("https://www.w3.org/");
            assert_eq!(found.filter(own).collect::<Vec<_>>(), [""; 0]);
        }
        let scripts = elements(&html, "<script>");
        assert_eq!(scripts, ["const a = '\\x3C/script>';", "/* \\x3C!-- \\x3Cscript> */ 1 < 2"]);
        for script in scripts {
            assert!(html.contains(&format!("'{}'", hash(script))), "{script}");
        }
        let found = elements(&html, "<script type=\"application/json\" id=\"answers\">");
        assert_eq!(serde_json::from_str::<Value>(found[0]).unwrap(), answers);
        assert_eq!(html.matches("<script").count(), 4);
        assert!(html.contains("<title>&lt;/script&gt;") && html.contains("<p>first</p>"));
        assert!(html.contains("default-src 'none'") && html.contains("<style>") && !html.contains("<!--data-->"));
    }

    #[test]
    fn plotly_has_nothing_that_would_be_escaped_and_ours_has_it_in_comments_alone() {
        assert!(harmless(plotly()) == plotly());
        let comment = |line: &str| ["//", "/*", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
        let (own, escaped) = (script(), harmless(script()));
        for (line, other) in own.lines().zip(escaped.lines()).filter(|(line, other)| line != other) {
            assert!(comment(line), "{other}");
        }
    }

    #[test]
    fn the_hash_is_that_which_browsers_compute() {
        // https://www.w3.org/TR/CSP3/ has `alert('Hello, world.');` as its example.
        assert_eq!(hash("alert('Hello, world.');"), "sha256-qznLcsROx4GACP2dm0UCKCzCG+HiZ1guq6ZZDob/Tng=");
    }
}
