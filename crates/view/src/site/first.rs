//! The page as it is sent: with the headline and the latest runs as plain HTML in it, so that one request paints.
//!
//! The script takes over with the same answers, which stand in the page as JSON. Everything from the store is escaped.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::assets::INDEX;
use super::sentence::run_page;
use super::{ApiError, Site};
use crate::format;
use crate::text::embedded;

/// Runs in the page before the script is there, however many there are.
const ROWS: u64 = 50;

/// Columns of the table that is there before the script is, in the order in which the script shows them.
const SHOWN: [(&str, &str); 7] = [
    ("name", "name"),
    ("val_accuracy", "val accuracy"),
    ("val_loss", "val loss"),
    ("gap", "gap"),
    ("seconds", "seconds"),
    ("status", "status"),
    ("epochs", "epochs"),
];

/// The page of `site`. It reports a store that cannot be read.
pub(super) fn page(site: &Site) -> String {
    let answers = site.answer("/api/project").and_then(|project| {
        let runs = site.answer(&format!("/api/runs?first={ROWS}"))?;
        Ok((project, runs))
    });
    match answers {
        Ok((project, runs)) => filled(&shown(&project, &runs), &json!({"project": project, "runs": runs})),
        Err(trouble) => filled(&told(&trouble), &Value::Null),
    }
}

fn filled(first: &str, data: &Value) -> String {
    let (before, rest) = INDEX.split_once("<!--first-->").unwrap_or((INDEX, ""));
    let (between, after) = rest.split_once("<!--data-->").unwrap_or((rest, ""));
    let data = if data.is_null() { String::new() } else { embedded(data) };
    format!("{before}{first}{between}<script type=\"application/json\" id=\"first\">{data}</script>{after}")
}

fn told(trouble: &ApiError) -> String {
    let (error, hint) = (escaped(&trouble.error), escaped(&trouble.hint));
    format!("<article class=\"page\"><h1 tabindex=\"-1\">{error}</h1><p class=\"muted\">{hint}</p></article>")
}

/// The headline and the table of runs as plain HTML.
pub(super) fn shown(project: &Value, runs: &Value) -> String {
    let mut html = "<article class=\"page\"><header>".to_owned();
    let sentences = project["headline"].as_array().map(Vec::as_slice).unwrap_or_default();
    let said = |sentence: &Value| {
        let text = escaped(sentence["text"].as_str().unwrap_or_default());
        match sentence["href"].as_str() {
            Some(href) => format!("<a href=\"{}\">{text}</a>", escaped(href)),
            None => text,
        }
    };
    let _ = write!(html, "<h1 tabindex=\"-1\">{}</h1>", sentences.first().map_or_else(|| "Runs".into(), said));
    let others: Vec<String> = sentences.iter().skip(1).map(|sentence| format!("<li>{}</li>", said(sentence))).collect();
    if !others.is_empty() {
        let _ = write!(html, "<ul class=\"sentences\">{}</ul>", others.concat());
    }
    html.push_str("</header>");
    table(runs, &mut html);
    html.push_str("</article>");
    html
}

fn table(runs: &Value, html: &mut String) {
    let rows = runs["rows"].as_u64().unwrap_or(0).min(ROWS) as usize;
    let columns = runs["columns"].as_array().map(Vec::as_slice).unwrap_or_default();
    let value = |name: &str, row: usize| -> Value {
        let Some(column) = columns.iter().find(|column| column["name"] == name) else { return Value::Null };
        match column["codes"][row].as_i64() {
            Some(code) => usize::try_from(code).map_or(Value::Null, |code| column["levels"][code].clone()),
            None => column["values"][row].clone(),
        }
    };
    if rows == 0 {
        return;
    }
    let heads = SHOWN.map(|(_, head)| format!("<th scope=\"col\">{head}</th>")).concat();
    let _ = write!(
        html,
        "<section class=\"card\" aria-label=\"Runs\"><h2>Runs</h2><div class=\"scroll\"><table class=\"plain wide\"><thead><tr>{heads}</tr></thead><tbody>"
    );
    for row in 0..rows {
        html.push_str("<tr>");
        for (name, _) in SHOWN {
            let found = value(name, row);
            let text = match (name, found.as_str()) {
                ("name", Some(text)) => {
                    let page = run_page(value("id", row).as_str().unwrap_or_default(), "");
                    format!("<a href=\"{}\">{}</a>", escaped(&page), escaped(text))
                }
                _ => escaped(&format::cell(name, &found)),
            };
            let _ = write!(html, "<td>{text}</td>");
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div></section>");
}

/// `text` as it stands in HTML, in attributes too.
fn escaped(text: &str) -> String {
    crate::text::escape(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_the_store_becomes_markup() {
        let evil = "</script><script>alert(1)</script>";
        let project = json!({"headline": [
            {"text": evil, "href": "#/run/\"><img src=x>"}, {"text": evil, "href": null},
        ]});
        let runs = json!({"rows": 1, "columns": [
            {"name": "id", "values": [evil]}, {"name": "name", "values": [evil]},
            {"name": "status", "levels": [evil], "codes": [0]}, {"name": "val_accuracy", "values": [0.875]},
        ]});
        let page = filled(&shown(&project, &runs), &json!({"project": project, "runs": runs}));
        let own = INDEX.matches("<script").count();
        assert_eq!((page.matches("<script").count(), page.matches("<img").count()), (own + 1, 0), "{page}");
        assert!(page.contains("87.50%") && page.contains("&lt;/script&gt;") && page.contains("\\u003c/script>"));
        let data = page.split_once("id=\"first\">").unwrap().1.split_once("</script>").unwrap().0;
        assert_eq!(serde_json::from_str::<Value>(data).unwrap()["project"], project);
    }

    #[test]
    fn of_many_runs_the_first_are_there() {
        let names: Vec<String> = (0..2 * ROWS).map(|row| format!("run {row}.")).collect();
        let page = shown(&Value::Null, &json!({"rows": names.len(), "columns": [{"name": "name", "values": names}]}));
        assert!(page.contains(&format!("run {}.", ROWS - 1)) && !page.contains(&format!("run {ROWS}.")));
    }

    #[test]
    fn the_page_has_a_place_for_both() {
        assert!(INDEX.find("<!--first-->").unwrap() < INDEX.find("<!--data-->").unwrap());
        let told = filled(&told(&ApiError::new(500, "a < b", "c & d")), &Value::Null);
        assert!(told.contains("a &lt; b") && told.contains("c &amp; d") && told.contains("id=\"first\"></script>"));
    }
}
