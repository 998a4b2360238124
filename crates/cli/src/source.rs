//! The data set of a command: found, or downloaded with a bar, or replaced by the built-in one with a loud notice.

use std::path::PathBuf;

use anyhow::Result;
use handloom_data::fetch::Progress;
use handloom_data::{Error, Located, catalog};
use indicatif::ProgressStyle;

use crate::output::Output;
use crate::progress::bar;

/// A data set, and why it is not the one that would have been used.
pub(crate) struct Source {
    /// Where it is.
    pub(crate) located: Located,
    /// Why it is the built-in one instead.
    pub(crate) fallback: Option<String>,
}

/// Finds the data set `name`; one that is not on this disk is downloaded.
///
/// If nobody asked for it by name (`explicit`), and it cannot be had, the built-in set takes its place.
pub(crate) fn find(name: &str, explicit: bool, data_dir: Option<PathBuf>, output: &Output) -> Result<Source> {
    match obtain(name, data_dir, output) {
        Ok(located) => Ok(Source { located, fallback: None }),
        Err(Error::Unavailable { name, reason, .. }) if !explicit => {
            let why = format!("`{name}` is not on this disk and could not be downloaded ({reason})");
            output.warn(format!(
                "{why}\n  TRAINING ON `garments` INSTEAD: a look-alike that Handloom draws itself. Its figures are not Fashion-MNIST's.\n  hint: `handloom data get {name}` on a machine with a network, or `--data-dir DIR`"
            ));
            Ok(Source { located: handloom_data::locate(catalog::GARMENTS, &[])?, fallback: Some(why) })
        }
        Err(error) => Err(error.into()),
    }
}

/// Finds the data set `name`, or downloads it into the cache.
pub(crate) fn obtain(name: &str, data_dir: Option<PathBuf>, output: &Output) -> Result<Located, Error> {
    let dirs = catalog::data_dirs(data_dir);
    let bar = bar(output, 0);
    let style =
        ProgressStyle::with_template("{prefix}  {bar:24.cyan/dim}  {bytes}/{total_bytes}  {bytes_per_sec}  ETA {eta}");
    bar.set_style(style.expect("the template is right"));
    let mut file = String::new();
    let located = handloom_data::obtain(name, &dirs, &mut |progress: Progress<'_>| {
        if file != progress.file {
            progress.file.clone_into(&mut file);
            bar.reset();
            bar.set_prefix(file.clone());
            if bar.is_hidden() {
                output.note(format!("downloading {file}"));
            }
        }
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    });
    bar.finish_and_clear();
    located
}
