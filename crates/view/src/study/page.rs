//! A page: words, tables, pictures and the commands behind them, written as Markdown with pictures beside it, or as one
//! HTML file with the pictures in it.
//!
//! Words may have `code` between backticks, and no other markup: what else looks like markup is shown as it is.

use std::fmt::Write as _;

use crate::picture::Picture;
use crate::text::escape;

/// Folder of the pictures, relative to the Markdown page.
pub const PICTURES: &str = "pictures";

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Title.
    pub title: String,
    /// Blocks from top to bottom.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// The heading of what follows.
    Heading(String),
    /// A paragraph.
    Words(String),
    /// A list.
    Points(Vec<String>),
    /// A conclusion from the figures, settled or not.
    Conclusion(Conclusion),
    /// A table; its first column is left-aligned, the others are figures.
    Table {
        /// Names of the columns.
        head: Vec<String>,
        /// A cell for each column.
        rows: Vec<Vec<String>>,
    },
    /// A picture, which has its caption in it.
    Picture {
        /// Its name, without an ending.
        name: String,
        /// The picture.
        picture: Picture,
    },
    /// Commands that make what is above them.
    Commands(Vec<String>),
    /// A file beside the page.
    File {
        /// Its name.
        name: String,
        /// Description.
        what: String,
    },
}

/// A conclusion from figures, made by a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conclusion {
    /// True if the figures settle it.
    pub settled: bool,
    /// A sentence or two.
    pub text: String,
}

impl Conclusion {
    /// One that the figures settle.
    pub fn settled(text: impl Into<String>) -> Self {
        Self { settled: true, text: text.into() }
    }

    /// One that they leave open.
    pub fn open(text: impl Into<String>) -> Self {
        Self { settled: false, text: text.into() }
    }

    /// `settled: ...` or `not settled: ...`.
    pub fn line(&self) -> String {
        format!("{}: {}", self.word(), self.text)
    }

    fn word(&self) -> &'static str {
        if self.settled { "settled" } else { "not settled" }
    }
}

impl Page {
    /// Every conclusion, from the top.
    pub fn conclusions(&self) -> impl Iterator<Item = &Conclusion> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Conclusion(conclusion) => Some(conclusion),
            _ => None,
        })
    }

    /// Every picture with its name.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, &Picture)> {
        self.blocks.iter().filter_map(|block| match block {
            Block::Picture { name, picture } => Some((name.as_str(), picture)),
            _ => None,
        })
    }

    /// The page as Markdown, whose pictures are `pictures/NAME.svg`.
    pub fn to_markdown(&self) -> String {
        let mut out = format!("# {}\n", marked(&self.title));
        for block in &self.blocks {
            out.push('\n');
            markdown(block, &mut out);
        }
        out
    }

    /// The page as one HTML file that needs no other and asks for none.
    pub fn to_html(&self) -> String {
        let mut body = format!("<h1>{}</h1>\n", spanned(&self.title));
        for block in &self.blocks {
            html(block, &mut body);
        }
        HTML.replace("{title}", &escape(&self.title)).replace("{body}", &body)
    }
}

fn markdown(block: &Block, out: &mut String) {
    let written = match block {
        Block::Heading(text) => writeln!(out, "## {}", marked(text)),
        Block::Words(text) => writeln!(out, "{}", marked(text)),
        Block::Points(points) => points.iter().try_for_each(|point| writeln!(out, "- {}", marked(point))),
        Block::Conclusion(conclusion) => {
            let word = if conclusion.settled { "Settled" } else { "Not settled" };
            writeln!(out, "> **{word}:** {}", marked(&conclusion.text))
        }
        Block::Table { head, rows } => {
            let line = |cells: &[String]| {
                let cells: Vec<String> = cells.iter().map(|cell| marked(cell).replace('|', "\\|")).collect();
                format!(" {} |", cells.join(" | "))
            };
            let rule: String = (0..head.len()).map(|at| if at == 0 { "---|" } else { "--:|" }).collect();
            writeln!(out, "|{}\n|{rule}", line(head))
                .and_then(|()| rows.iter().try_for_each(|row| writeln!(out, "|{}", line(row))))
        }
        Block::Picture { name, picture } => {
            let caption = picture.caption.replace(['[', ']', '\n'], " ");
            writeln!(out, "![{}]({PICTURES}/{name}.svg)", marked(&caption))
        }
        Block::Commands(lines) => {
            // A fence longer than any in the lines, so that none of them ends it.
            writeln!(out, "````sh").and_then(|()| {
                lines.iter().try_for_each(|line| writeln!(out, "{}", line.replace(['\n', '`'], " ")))?;
                writeln!(out, "````")
            })
        }
        Block::File { name, what } => writeln!(out, "[{}]({name}): {}", marked(name), marked(what)),
    };
    written.expect("a string takes all");
}

fn html(block: &Block, out: &mut String) {
    let written = match block {
        Block::Heading(text) => writeln!(out, "<h2>{}</h2>", spanned(text)),
        Block::Words(text) => writeln!(out, "<p>{}</p>", spanned(text)),
        Block::Points(points) => {
            let items: Vec<String> = points.iter().map(|point| spanned(point)).collect();
            writeln!(out, "<ul><li>{}</li></ul>", items.join("</li><li>"))
        }
        Block::Conclusion(conclusion) => {
            let class = if conclusion.settled { "settled" } else { "open" };
            let word = if conclusion.settled { "Settled" } else { "Not settled" };
            writeln!(out, r#"<p class="conclusion {class}"><b>{word}:</b> {}</p>"#, spanned(&conclusion.text))
        }
        Block::Table { head, rows } => {
            let line = |cells: &[String], tag: &str| {
                let cells: Vec<String> = cells.iter().map(|cell| spanned(cell)).collect();
                format!("<tr><{tag}>{}</{tag}></tr>\n", cells.join(&format!("</{tag}><{tag}>")))
            };
            let rows: String = rows.iter().map(|row| line(row, "td")).collect();
            writeln!(out, r#"<div class="wide"><table>{}{rows}</table></div>"#, line(head, "th"))
        }
        Block::Picture { picture, .. } => {
            writeln!(out, "<figure>{}</figure>", picture.svg)
        }
        Block::Commands(lines) => writeln!(out, "<pre>{}</pre>", lined(lines)),
        Block::File { name, what } => {
            writeln!(out, r#"<p><a href="{0}">{0}</a>: {1}</p>"#, escape(name), spanned(what))
        }
    };
    written.expect("a string takes all");
}

fn lined(lines: &[String]) -> String {
    lines.iter().map(|line| escape(line)).collect::<Vec<_>>().join("\n")
}

/// `text` as Markdown that looks like it: code stays code, all else stays text.
fn marked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, piece) in pieces(text).enumerate() {
        if at % 2 == 1 {
            write!(out, "`{piece}`").expect("a string takes all");
            continue;
        }
        for c in piece.chars() {
            match c {
                '<' => out.push_str("&lt;"),
                '&' => out.push_str("&amp;"),
                '*' | '\\' | '`' | '[' | ']' => out.extend(['\\', c]),
                '\n' | '\r' => out.push(' '),
                c => out.push(c),
            }
        }
    }
    out
}

/// `text` as HTML, with its code.
fn spanned(text: &str) -> String {
    let piece = |(at, piece): (usize, &str)| match at % 2 {
        0 => escape(piece),
        _ => format!("<code>{}</code>", escape(piece)),
    };
    pieces(text).enumerate().map(piece).collect()
}

/// Text and code in turns; a backtick without another is text.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let paired = text.matches('`').count() / 2 * 2;
    text.splitn(paired + 1, '`')
}

const HTML: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root { color-scheme: light dark; --ink: #121216; --muted: #5c5c66; --paper: #fff; --line: #e4e4ea; --good: #00724f; --open: #8a5a00 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #ececf1; --muted: #a5a5b0; --paper: #17171b; --line: #34343c; --good: #4cc79a; --open: #e0ad54 }
}
body { margin: 0 auto; padding: 2rem 1rem 4rem; max-width: 60rem; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.7rem; line-height: 1.25 }
h2 { margin-top: 2.5rem; font-size: 1.25rem; border-top: 1px solid var(--line); padding-top: 1.2rem }
p, li { max-width: 46rem }
figure { margin: 1.5rem 0 }
figure svg { display: block; max-width: 100%; height: auto; border-radius: 6px }
.wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums }
th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; padding-left: 0 }
th { color: var(--muted); font-weight: 600 }
pre { overflow-x: auto; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: 6px; font-size: .85rem }
.conclusion { border-left: 4px solid; padding: .2rem 0 .2rem .8rem }
.conclusion.settled { border-color: var(--good) }
.conclusion.open { border-color: var(--open) }
@media print { body { max-width: none } figure, table { break-inside: avoid } }
</style>
<main>
{body}</main>
</html>
"#;

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        let blocks = vec![
            Block::Heading("What <b> does".into()),
            Block::Words("`a_b*` is *not* [bold](x) `".into()),
            Block::Conclusion(Conclusion::open("by 0.2 points [-0.1, 0.5]")),
            Block::Table { head: vec!["a".into(), "b".into()], rows: vec![vec!["x|y".into(), "1".into()]] },
            Block::Commands(vec!["handloom train -a 'x<y' ````".into()]),
            Block::Picture { name: "curves".into(), picture: crate::curves("<script>", &[]) },
        ];
        Page { title: "Page & more".into(), blocks }
    }

    #[test]
    fn text_stays_text_and_code_is_code_in_markdown() {
        let text = page().to_markdown();
        assert!(text.starts_with("# Page &amp; more\n\n## What &lt;b> does\n"), "{text}");
        assert!(text.contains(r"`a_b*` is \*not\* \[bold\](x) \`"), "{text}");
        assert!(text.contains(r"> **Not settled:** by 0.2 points \[-0.1, 0.5\]"), "{text}");
        assert!(text.contains("| x\\|y | 1 |\n"), "{text}");
        assert!(text.contains("\n````sh\nhandloom train -a 'x<y'     \n````\n"), "{text}");
        assert!(text.contains("](pictures/curves.svg)"), "{text}");
    }

    #[test]
    fn an_html_page_holds_everything_and_lets_nothing_in() {
        let text = page().to_html();
        assert!(text.contains("<h2>What &lt;b&gt; does</h2>") && text.contains("<code>a_b*</code>"));
        assert!(text.contains("<svg") && !text.contains("<script") && text.contains("default-src 'none'"));
        assert!(text.contains(r#"<p class="conclusion open"><b>Not settled:</b> by 0.2"#), "{text}");
        assert!(!text.contains("src=\"") && !text.contains("{body}"));
    }

    #[test]
    fn a_conclusion_says_whether_it_is_one() {
        assert_eq!(Conclusion::settled("adam is best").line(), "settled: adam is best");
        assert_eq!(Conclusion::open("they are level").line(), "not settled: they are level");
        assert_eq!((page().conclusions().count(), page().pictures().count()), (1, 1));
    }
}
