//! Data sets as commands ask for them: found, or downloaded with a bar, or replaced by the built-in one.
//!
//! [`search`] finds the data of a run that may have moved since.

pub(crate) mod search;

use std::path::PathBuf;

use anyhow::Result;
use handloom_data::catalog::GARMENTS;
use handloom_data::fetch::Progress;
use handloom_data::notes::Note;
use handloom_data::{DataSource, Error, Reading, TestPart};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::exit::Failure;
use crate::output::Output;
use crate::table::one_line;
use handloom_view::format::bytes as file_size;

/// Shows how downloads come along: a bar on a terminal, elsewhere a line for each file.
pub(crate) struct Bar<'a> {
    output: &'a Output,
    moving: Option<ProgressBar>,
    file: String,
}

impl<'a> Bar<'a> {
    /// Nothing is shown before the first byte.
    pub(crate) fn new(output: &'a Output) -> Self {
        Self { output, moving: None, file: String::new() }
    }

    /// Shows the progress of a file's download.
    pub(crate) fn show(&mut self, at: Progress<'_>) {
        if self.file != at.file {
            at.file.clone_into(&mut self.file);
            if self.output.shows_progress() {
                self.start(at);
            } else {
                self.output.note(format!("downloading {} ({})", at.file, file_size(at.total)));
            }
        }
        if let Some(bar) = &self.moving {
            bar.set_position(at.done);
            if at.done == at.total {
                bar.finish();
            }
        }
    }

    fn start(&mut self, at: Progress<'_>) {
        let bar = ProgressBar::with_draw_target(Some(at.total), ProgressDrawTarget::stderr_with_hz(10));
        let style =
            ProgressStyle::with_template("  {msg:<24} {bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.set_message(self.file.clone());
        self.moving = Some(bar);
    }
}

/// Finds the data set `name`, or downloads it.
pub(crate) fn fetch_or_locate(name: &str, data_dirs: &[PathBuf], output: &Output) -> Result<DataSource, Error> {
    let mut bar = Bar::new(output);
    handloom_data::fetch_or_locate(name, data_dirs, &mut |at| bar.show(at))
}

impl Source {
    /// The same data set, read in this way.
    pub(crate) fn read_as(self, reading: Reading) -> Self {
        Self { located: self.located.read_as(reading), ..self }
    }
}

/// A data set, and why it is not the one that would have been used.
#[derive(Clone)]
pub(crate) struct Source {
    /// The data set that is used.
    pub(crate) located: DataSource,
    /// Reason why the built-in data set is used instead.
    pub(crate) fallback: Option<String>,
}

impl From<DataSource> for Source {
    fn from(located: DataSource) -> Self {
        Self { located, fallback: None }
    }
}

/// Data set to use if none was named: `name`, or with a warning the built-in one if `name` is unavailable.
pub(crate) fn obtain_or_garments(name: &str, data_dirs: &[PathBuf], output: &Output) -> Result<Source, Error> {
    match fetch_or_locate(name, data_dirs, output) {
        Err(error @ Error::Unavailable { .. }) => {
            let why = error.to_string().lines().next().unwrap_or_default().to_owned();
            output.warn(format!(
                "{why}\n  USING `garments` INSTEAD: a look-alike that Handloom draws itself. Its figures are not Fashion-MNIST's.\n  hint: `handloom data get {name}` on a machine with a network, or `--data-dir DIR`"
            ));
            Ok(Source { located: handloom_data::locate(GARMENTS, data_dirs)?, fallback: Some(why) })
        }
        found => found.map(Source::from),
    }
}

/// Tells notes on a data set: what was converted or left out, and, as warnings, what looks wrong. Returns their texts.
pub(crate) fn tell(notes: &[Note], output: &Output) -> Vec<String> {
    for note in notes {
        // Names of files and classes come from the data.
        let text = one_line(&note.text);
        if note.is_doubtful { output.warn(text) } else { output.note(format!("note: {text}")) }
    }
    notes.iter().map(|note| note.text.clone()).collect()
}

/// True if the data set has a test set, for a caller that opens it after training. A test set that cannot be used is an
/// error now; a missing one is noted.
pub(crate) fn check_test(located: &DataSource, output: &Output) -> Result<bool> {
    match located.check_test() {
        Ok(TestPart::Present) => Ok(true),
        Ok(TestPart::Missing(why)) => {
            output.note(format!("note: no test set: {why}"));
            Ok(false)
        }
        Err(error) => {
            let error = error.to_string();
            let (what, _) = error.split_once("\nhint: ").unwrap_or((&error, ""));
            Err(Failure::data(format!(
                "the test set cannot be used: {what}\nhint: mend it, or leave it closed with `--no-test`"
            )))
        }
    }
}
