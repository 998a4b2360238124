//! All output of the program: data on stdout, messages on stderr.
//!
//! A reader that stops reading (`| head`) is not an error: the command goes on and prints nothing more there. Any other
//! error of stdout, such as a full disk, does not stop the command either, so that a training is not lost; but the
//! program ends with exit code 1, and says why ([`Output::finish`]). Errors of stderr are ignored: messages and
//! progress bars change no result, and there is no other place for them.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::io::{self, IsTerminal as _, Write as _};

use anstream::{AutoStream, ColorChoice};
use clap::ArgMatches;
use clap::builder::styling::{AnsiColor, Style};
use handloom_store::masked;
use handloom_view::harmless;
use handloom_view::words::quoted;
use serde_json::Value;

use crate::args;
use crate::closed;
use crate::exit::Exit;
use crate::table::lines;

/// Output streams of a command: results on stdout, messages on stderr.
pub(crate) struct Output {
    /// Programs read stdout: JSON alone.
    pub(crate) json: bool,
    quiet: bool,
    progress: bool,
    /// True if [`next`](Self::next) suggests commands.
    hints: Cell<bool>,
    /// Flags of places that were typed, with their values: what is done next is done there, too.
    places: Vec<(&'static str, String)>,
    /// None once it cannot be written.
    stdout: RefCell<Option<AutoStream<io::Stdout>>>,
    /// Error of writing to stdout, unless its reader stopped reading.
    lost: RefCell<Option<io::Error>>,
    stderr: RefCell<Option<AutoStream<io::Stderr>>>,
    /// Lines since the last call of [`heard`](Self::heard), if [`listen`](Self::listen) was called.
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
            places: places(matches),
            stdout: RefCell::new(Some(stdout)),
            lost: RefCell::new(None),
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
            places: Vec::new(),
            stdout: RefCell::new(None),
            lost: RefCell::new(None),
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

    /// True if a progress bar may be drawn on stderr.
    pub(crate) fn shows_progress(&self) -> bool {
        self.progress
    }

    /// True if stdout is a terminal.
    #[expect(clippy::unused_self, reason = "output goes through this type alone")]
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
        let asked =
            write!(stderr, "{BOLD}{}{BOLD:#} [y/N] ", harmless::harmless(question)).and_then(|()| stderr.flush());
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
        let text = if self.json { harmless::json(text.as_ref()) } else { styled(text.as_ref()) };
        self.hear(false, &text);
        self.write(|stdout| writeln!(stdout, "{text}"));
    }

    /// Bytes on stdout as they are: a file that was asked for with `-o -`.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        self.write(|stdout| {
            let mut stdout = stdout.as_inner();
            stdout.write_all(bytes)
        });
    }

    fn write(&self, print: impl FnOnce(&mut AutoStream<io::Stdout>) -> io::Result<()>) {
        let mut stdout = self.stdout.borrow_mut();
        if let Some(stream) = stdout.as_mut()
            && let Err(error) = closed::stdout().and_then(|()| print(stream)).and_then(|()| stream.flush())
        {
            *stdout = None;
            *self.lost.borrow_mut() = Some(error).filter(|error| error.kind() != io::ErrorKind::BrokenPipe);
        }
    }

    /// The exit code of a command that ended with `exit`: 1 instead of 0 if its output is not whole, which is said.
    pub(crate) fn finish(&self, exit: Exit) -> Exit {
        match self.lost.take() {
            Some(error) => {
                self.error(&unwritten(&error));
                if exit == Exit::Done { Exit::Failed } else { exit }
            }
            None => exit,
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

    /// A warning on stderr, whatever the flags.
    pub(crate) fn warn(&self, text: impl AsRef<str>) {
        self.talk(&format!("{WARN}warning:{WARN:#} {}", text.as_ref()));
    }

    /// An error message on stderr, whatever the flags.
    pub(crate) fn error(&self, text: &str) {
        // Names of runs and files come from users.
        self.talk(&format!("{BAD}error:{BAD:#} {}", harmless::harmless(text)));
    }

    /// A table that was asked for; its first row is a faint heading.
    pub(crate) fn table<const N: usize>(&self, rows: &[[String; N]]) {
        for (number, line) in lines(rows).into_iter().enumerate() {
            self.result(if number == 0 { format!("{DIM}{line}{DIM:#}") } else { line });
        }
    }

    /// Switches the suggestions of [`next`](Self::next) on or off: a part of a command leaves them to the whole.
    pub(crate) fn hints(&self, on: bool) {
        self.hints.set(on);
    }

    /// The next useful command, on stderr. Where a store or a folder of data was typed, it names that as well.
    pub(crate) fn next(&self, commands: &[&str]) {
        if !self.hints.get() {
            return;
        }
        let placed = |command: &&str| format!("{BOLD}{command}{}{BOLD:#}", self.placed(command));
        let commands = commands.iter().map(placed).collect::<Vec<_>>();
        self.note(format!("  next:  {}", commands.join("     ")));
    }

    /// The flags of places that a command takes, as they were typed.
    fn placed(&self, command: &str) -> String {
        if self.places.is_empty() {
            return String::new();
        }
        let whole = args::command();
        let mut taken = &whole;
        for word in command.split(' ').skip(1) {
            let Some(inner) = taken.find_subcommand(word) else { break };
            taken = inner;
        }
        let takes = |flag: &str| taken.get_arguments().any(|arg| arg.get_long() == Some(flag));
        let flags = self.places.iter().filter(|(flag, _)| takes(flag));
        flags.map(|(flag, value)| format!(" --{flag} {}", quoted(value))).collect::<Vec<_>>().concat()
    }

    fn talk(&self, text: &str) {
        let text = &*styled(text);
        self.hear(true, text);
        // A closed stderr leaves no place to report to.
        let _ = self.stderr.borrow_mut().as_mut().map(|stderr| writeln!(stderr, "{text}"));
    }
}

/// The places that were typed. An address with a password in it is shown without.
fn places(matches: &ArgMatches) -> Vec<(&'static str, String)> {
    let flags = [("store", "store"), ("data-dir", "data-dir"), ("data_dir", "data-dir")];
    let typed = flags.into_iter().filter(|(id, _)| crate::settings::typed(matches, id));
    let value = |id| matches.try_get_one::<String>(id).ok().flatten();
    typed.filter_map(|(id, flag)| Some((flag, masked(value(id)?)))).collect()
}

/// `text` with nothing in it that steers a terminal but our own styles: names of classes, runs and files are other
/// people's, and may come to be printed by any command.
fn styled(text: &str) -> Cow<'_, str> {
    if !text.contains(harmless::steers) {
        return text.into();
    }
    let own: Vec<String> =
        [BOLD, DIM, GOOD, WARN, BAD].iter().flat_map(|style| [format!("{style}"), format!("{style:#}")]).collect();
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find(harmless::steers) {
        shown.push_str(&rest[..at]);
        rest = &rest[at..];
        // A style may be several sequences in a row.
        let length = match own.iter().filter(|style| rest.starts_with(style.as_str())).map(String::len).max() {
            Some(length) if length > 0 => {
                shown.push_str(&rest[..length]);
                length
            }
            _ => {
                shown.push('\u{fffd}');
                rest.chars().next().map_or(1, char::len_utf8)
            }
        };
        rest = &rest[length..];
    }
    shown.push_str(rest);
    shown.into()
}

/// The message for output that could not be written.
pub(crate) fn unwritten(error: &io::Error) -> String {
    format!(
        "cannot write to stdout: {error}\nhint: the command is done, only its output is cut off: make room, or write elsewhere"
    )
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

#[cfg(test)]
mod output_tests {
    use super::*;

    #[test]
    fn styles_of_our_own_pass_and_nothing_else_that_steers() {
        let text = format!("{BOLD}a\u{1b}[2Jb{BOLD:#} {WARN}c\u{202e}{WARN:#}\u{9b}8m\r{BAD}x{BAD:#}\n{DIM}é{DIM:#}");
        let expected = format!(
            "{BOLD}a\u{fffd}[2Jb{BOLD:#} {WARN}c\u{fffd}{WARN:#}\u{fffd}8m\u{fffd}{BAD}x{BAD:#}\n{DIM}é{DIM:#}"
        );
        assert_eq!(styled(&text), expected);
        assert_eq!(styled("\u{1b}"), "\u{fffd}");
    }
}
