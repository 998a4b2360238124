//! The one door for output: data on stdout, talk on stderr.
//!
//! A closed stdout (`| head`) is not an error: what is under way goes on, and says nothing more there.

use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use clap::ArgMatches;
use clap::builder::styling::{AnsiColor, Style};
use serde_json::Value;

use crate::table::{harmless, lines};

/// Where a command writes.
pub(crate) struct Output {
    /// Programs read stdout: JSON alone.
    pub(crate) json: bool,
    quiet: bool,
    progress: bool,
    /// Whether next commands are named.
    hints: Cell<bool>,
    stdout: RefCell<Option<AutoStream<io::Stdout>>>,
    stderr: RefCell<Option<AutoStream<io::Stderr>>>,
    /// What was said and not yet heard, if anybody listens.
    heard: RefCell<Option<Vec<(bool, String)>>>,
}

/// Bold.
pub(crate) const BOLD: Style = Style::new().bold();
/// Of less weight.
pub(crate) const DIM: Style = Style::new().dimmed();
/// Good news.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Needs attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// Went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

impl Output {
    /// As the flags of a command say; those it does not have are off.
    pub(crate) fn new(matches: &ArgMatches) -> Self {
        let flag = |name| matches!(matches.try_get_one::<bool>(name), Ok(Some(true)));
        let choice = match matches.try_get_one::<String>("color").ok().flatten().map(String::as_str) {
            Some("always") => ColorChoice::Always,
            Some("never") => ColorChoice::Never,
            _ => ColorChoice::Auto,
        };
        let stdout = AutoStream::new(io::stdout(), color(choice, io::stdout().is_terminal()));
        let stderr = AutoStream::new(io::stderr(), color(choice, io::stderr().is_terminal()));
        let quiet = flag("quiet");
        Self {
            json: flag("json"),
            quiet,
            progress: !quiet && !flag("no-progress") && io::stderr().is_terminal(),
            hints: Cell::new(true),
            stdout: RefCell::new(Some(stdout)),
            stderr: RefCell::new(Some(stderr)),
            heard: RefCell::new(None),
        }
    }

    /// Writes nowhere, but can be listened to.
    pub(crate) fn mute() -> Self {
        Self {
            json: false,
            quiet: false,
            progress: false,
            hints: Cell::new(true),
            stdout: RefCell::new(None),
            stderr: RefCell::new(None),
            heard: RefCell::new(None),
        }
    }

    /// From now on, what is said is also kept for [`heard`](Self::heard).
    pub(crate) fn listen(&self) {
        self.heard.borrow_mut().get_or_insert_default();
    }

    /// Lines since the last call, without colors, and whether each went to stderr.
    pub(crate) fn heard(&self) -> Vec<(bool, String)> {
        self.heard.borrow_mut().as_mut().map(std::mem::take).unwrap_or_default()
    }

    fn hear(&self, stderr: bool, text: &str) {
        if let Some(heard) = self.heard.borrow_mut().as_mut() {
            heard.push((stderr, anstream::adapter::strip_str(text).to_string()));
        }
    }

    /// Whether a moving bar may be drawn on stderr.
    pub(crate) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// Whether a person reads stdout.
    #[expect(clippy::unused_self, reason = "the door knows where it leads")]
    pub(crate) fn is_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Columns of the terminal that shows stdout, by `COLUMNS` or as the terminal says; none where it is no terminal.
    pub(crate) fn width(&self) -> Option<usize> {
        const USUAL: usize = 100;
        let set = || std::env::var("COLUMNS").ok()?.parse().ok().filter(|&columns| columns > 0);
        let told = || terminal_size::terminal_size().map(|(columns, _)| usize::from(columns.0));
        self.is_terminal().then(|| set().or_else(told).unwrap_or(USUAL))
    }

    /// Asks on stderr and waits for `y`; none if nobody can answer.
    pub(crate) fn ask(&self, question: &str) -> Option<bool> {
        if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
            return None;
        }
        let mut stderr = self.stderr.borrow_mut();
        let stderr = stderr.as_mut()?;
        let asked = write!(stderr, "{BOLD}{question}{BOLD:#} [y/N] ").and_then(|()| stderr.flush());
        let mut answer = String::new();
        let heard = asked.and_then(|()| io::stdin().read_line(&mut answer));
        Some(heard.is_ok() && ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
    }

    /// A line of results for people; nothing with `--json` or `--quiet`.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        if !self.json && !self.quiet {
            self.data(text);
        }
    }

    /// A line of what was asked for, for people: kept with `--quiet`, nothing with `--json`.
    pub(crate) fn result(&self, text: impl AsRef<str>) {
        if !self.json {
            self.data(text);
        }
    }

    /// A line of stdout, whatever the flags: the thing asked for.
    pub(crate) fn data(&self, text: impl AsRef<str>) {
        self.hear(false, text.as_ref());
        let mut stdout = self.stdout.borrow_mut();
        if let Some(stream) = stdout.as_mut()
            && writeln!(stream, "{}", text.as_ref()).and_then(|()| stream.flush()).is_err()
        {
            *stdout = None;
        }
    }

    /// One JSON object on a line of stdout, with `--json` alone.
    pub(crate) fn event(&self, object: &Value) {
        if self.json {
            self.data(object.to_string());
        }
    }

    /// Talk on stderr; nothing with `--quiet`.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            self.talk(text.as_ref());
        }
    }

    /// What needs attention, on stderr whatever the flags.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.talk(&format!("{WARN}warning:{WARN:#} {}", text.as_ref()));
    }

    /// What went wrong, on stderr whatever the flags.
    pub(crate) fn error(&self, text: &str) {
        // Names of runs and files come from users.
        self.talk(&format!("{BAD}error:{BAD:#} {}", harmless(text)));
    }

    /// A table that was asked for; its first row is a faint heading.
    pub(crate) fn table<const N: usize>(&self, rows: &[[String; N]]) {
        for (number, line) in lines(rows).into_iter().enumerate() {
            self.result(if number == 0 { format!("{DIM}{line}{DIM:#}") } else { line });
        }
    }

    /// Whether [`next`](Self::next) says anything: a part of a command leaves that to the whole.
    pub(crate) fn hints(&self, on: bool) {
        self.hints.set(on);
    }

    /// The next useful command, on stderr.
    pub(crate) fn next(&self, commands: &[&str]) {
        if !self.hints.get() {
            return;
        }
        let commands = commands.iter().map(|command| format!("{BOLD}{command}{BOLD:#}")).collect::<Vec<_>>();
        self.note(format!("  next:  {}", commands.join("     ")));
    }

    fn talk(&self, text: &str) {
        self.hear(true, text);
        // Where stderr is closed there is nobody to tell.
        let _ = self.stderr.borrow_mut().as_mut().map(|stderr| writeln!(stderr, "{text}"));
    }
}

/// `--color`, else `NO_COLOR`, else whether it is a terminal that has colors.
fn color(choice: ColorChoice, is_terminal: bool) -> ColorChoice {
    let set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match choice {
        ColorChoice::Auto
            if set("NO_COLOR") || !is_terminal || std::env::var_os("TERM").is_some_and(|term| term == "dumb") =>
        {
            ColorChoice::Never
        }
        ColorChoice::Auto => ColorChoice::AlwaysAnsi,
        choice => choice,
    }
}
