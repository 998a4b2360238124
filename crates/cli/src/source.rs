//! Data sets as commands ask for them: found, or downloaded with a bar, or replaced by the built-in one.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use handloom_data::catalog::{self, GARMENTS};
use handloom_data::fetch::Progress;
use handloom_data::{Error, Located};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::Output;
use crate::runs::Run;
use crate::table::megabytes;

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

    /// How far a file has come.
    pub(crate) fn show(&mut self, at: Progress<'_>) {
        if self.file != at.file {
            at.file.clone_into(&mut self.file);
            if self.output.shows_progress() {
                self.start(at);
            } else {
                self.output.note(format!("downloading {} ({})", at.file, megabytes(at.total)));
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
pub(crate) fn obtain(name: &str, data_dirs: &[PathBuf], output: &Output) -> Result<Located, Error> {
    let mut bar = Bar::new(output);
    handloom_data::obtain(name, data_dirs, &mut |at| bar.show(at))
}

/// What the data set of a run is called, and the folders below which it is looked for.
pub(crate) fn of_run(run: &Run, mut data_dirs: Vec<PathBuf>) -> (String, Vec<PathBuf>) {
    let (name, folder) = (run.record.dataset.as_str(), run.record.data_path.as_deref());
    match folder {
        // The folder may have been typed relative to another one.
        Some(folder) if catalog::find(name).is_none() => (as_folder(folder), data_dirs),
        folder => {
            data_dirs.extend(folder.and_then(Path::parent).map(Path::to_owned));
            (name.into(), data_dirs)
        }
    }
}

/// A path that cannot be taken for the name of a data set.
fn as_folder(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(MAIN_SEPARATOR) { text } else { format!("./{text}") }
}

/// A data set, and why it is not the one that would have been used.
pub(crate) struct Source {
    /// Where it is.
    pub(crate) located: Located,
    /// Why it is the built-in one instead.
    pub(crate) fallback: Option<String>,
}

impl From<Located> for Source {
    fn from(located: Located) -> Self {
        Self { located, fallback: None }
    }
}

/// What is used where no data set was named: `name`, or with a loud notice the built-in one if that cannot be had.
pub(crate) fn obtain_or_garments(name: &str, data_dirs: &[PathBuf], output: &Output) -> Result<Source, Error> {
    match obtain(name, data_dirs, output) {
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
