//! The command line: every command with its flags.
//!
//! Flags that are settings come from the engine's table of settings, so a new one appears by itself.

mod launched;
mod rewrite;
mod runs;
mod study;
mod sweep;

use std::ffi::OsString;
use std::path::Path;

use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command, ValueHint};
use handloom_engine::config::{Config, KEYS, Key, neighbors};

pub(crate) use self::launched::named;
pub(crate) use self::rewrite::rewrite;
use self::runs::{compare, export, ls, report, rm, show, tag, ui, verify};
use self::study::study;
use self::sweep::{logging, sweep};
use crate::settings::{OPTIONS, PATHS, path};

/// The whole command line.
pub(crate) fn command() -> Command {
    Command::new("handloom")
        .about("Trains feed-forward networks from scratch on Fashion-MNIST, MNIST or your own images.")
        .version(env!("CARGO_PKG_VERSION"))
        .infer_long_args(true)
        .subcommand_required(true)
        .arg_required_else_help(true)
        .after_help("Examples:\n  handloom train\n  handloom train -d mnist -o nadam -lr 0.001 -nhl 3 -sz 64 -a ReLU\n  handloom evaluate @last")
        .subcommands([train(), evaluate(), predict(), sweep(), study()])
        .subcommands([ls(), show(), compare(), ui(), report(), verify(), tag(), rm()])
        .subcommands([data(), export(), gradcheck(), completions(), doctor()])
}

fn train() -> Command {
    let defaults = Config::default().to_map();
    Command::new("train")
        .about("Train one network, save the model, record the run")
        .infer_long_args(true)
        .args(KEYS.iter().enumerate().map(|(order, key)| {
            let default = defaults.get(key.name).filter(|value| !value.is_null() && key.name != "learning_rate");
            let default = default
                .map(|value| format!(" [default: {}]", value.as_str().map_or_else(|| value.to_string(), Into::into)));
            setting(key, &default.unwrap_or_default(), order).help_heading("Settings")
        }))
        .arg(switch("no-shuffle", "Keep the order of the file in every epoch").conflicts_with("shuffle"))
        .arg(switch("spec-defaults", "Begin with the literal defaults of the assignment's flag table"))
        .args(OPTIONS.iter().enumerate().map(|(order, key)| {
            let arg = setting(key, "", 100 + order).help_heading("Run");
            match key.name {
                "data_dir" => arg.env("HANDLOOM_DATA_DIR").value_hint(ValueHint::DirPath),
                "store" => arg.env("HANDLOOM_STORE").value_hint(ValueHint::DirPath),
                "out" => arg.value_hint(ValueHint::FilePath),
                _ => arg,
            }
        }))
        .arg(value("config", "FILE", "Settings in YAML or JSON; flags win").value_hint(ValueHint::FilePath))
        .arg(value("set", "KEY=VALUE", "One setting over --config; flags win").action(ArgAction::Append))
        .arg(value("resume", "RUN", "Go on with an interrupted run after its last finished epoch; with `-e N`, continue a run to N epochs as a new run"))
        .arg(switch("no-test", "Leave the test set closed"))
        .arg(value("parameter", "PARAMETER", "What a launcher set").action(ArgAction::Append).hide(true))
        .args(output_flags())
        .after_help("Also takes what `wandb agent` and hydra pass: name=value, +name=value, a JSON object, a FILE.json")
}

fn evaluate() -> Command {
    Command::new("evaluate")
        .about("Test accuracy with its interval, figures of every class, most confused pairs")
        .infer_long_args(true)
        .arg(Arg::new("model").value_name("MODEL|RUN").value_parser(path).help("Model file or run [default: @last]"))
        .arg(value("model-path", "FILE", "The model, as the 2026 edition names it").conflicts_with("model"))
        .arg(dataset("Data set [default: the one that trained the model]"))
        .args(reading_flags())
        .arg(value("plot", "FILE", "Draw the confusion matrix, as PNG or SVG").value_hint(ValueHint::FilePath))
        .arg(value("min-accuracy", "X", "Exit 5 if the test accuracy is below this fraction"))
        .arg(switch("all", "Every class in the table, not only the hardest"))
        .arg(value("threads", "N", "Threads [default: all cores]"))
        .args(place_flags())
        .args(output_flags())
}

fn predict() -> Command {
    Command::new("predict")
        .about("Class and probabilities of images of any size")
        .infer_long_args(true)
        .arg(Arg::new("model").value_name("MODEL|RUN").required(true).value_parser(path).help("Model file or run"))
        .arg(
            Arg::new("image")
                .value_name("IMAGE")
                .required(true)
                .num_args(1..)
                .value_parser(path)
                .value_hint(ValueHint::FilePath)
                .help("Image files: PNG, JPEG, WebP, GIF, BMP, TIFF, PNM"),
        )
        .arg(value("top", "N", "Classes to print for each image [default: 3]"))
        .arg(
            value("invert", "WHEN", "Turn dark on light into light on dark: auto, yes or no")
                .value_parser(PossibleValuesParser::new(["auto", "yes", "no"]))
                .default_value("auto"),
        )
        .args(place_flags())
        .args(output_flags())
}

fn data() -> Command {
    let name = || Arg::new("name").value_name("NAME|DIR").value_parser(path).help("Data set");
    Command::new("data")
        .about("Data sets: what is there, download, verify, sample grid")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(
            Command::new("ls").about("Every known data set and where it is").args(place_flags()).args(output_flags()),
        )
        .subcommand(
            Command::new("get")
                .about("Download a data set into the cache, verified")
                .arg(name().required(true))
                .arg(switch("force", "Download again even if it is there"))
                .args(place_flags())
                .args(output_flags()),
        )
        .subcommand(
            Command::new("check")
                .about("Read a data set whole and compare its checksums")
                .arg(name().required(true))
                .args(reading_flags())
                .args(place_flags())
                .args(output_flags()),
        )
        .subcommand(
            Command::new("show")
                .about("Counts of every class, and a labelled sample of each")
                .arg(name())
                .arg(dataset("Data set"))
                .args(reading_flags())
                .arg(value("out", "FILE", "Draw the samples, as PNG or SVG").value_hint(ValueHint::FilePath))
                .arg(value("per-class", "N", "Samples of each class [default: 1]"))
                .args(place_flags())
                .args(output_flags()),
        )
}

fn gradcheck() -> Command {
    Command::new("gradcheck")
        .about("Compare every analytic gradient with a numeric one")
        .arg(value("seed", "N", "Seed of weights and data [default: 1]"))
        .arg(value("tolerance", "X", "Largest relative error that passes [default: 0.0001]"))
        .arg(switch("all", "A row for every combination"))
        .args(output_flags())
}

fn completions() -> Command {
    let shells = ["bash", "elvish", "fish", "powershell", "zsh"];
    Command::new("completions")
        .about("Print completions for a shell")
        .arg(Arg::new("shell").required(true).value_parser(PossibleValuesParser::new(shells)).help("Shell"))
}

fn doctor() -> Command {
    Command::new("doctor")
        .about("Show what is installed, where things are and what is missing")
        .args(place_flags())
        .args(output_flags())
}

/// The flag of a setting, with every name it goes by.
fn setting(key: &Key, default: &str, order: usize) -> Arg {
    let long = |name: &str| name.replace('_', "-");
    let short =
        key.flags.iter().find_map(|flag| flag.strip_prefix('-').filter(|short| short.len() == 1)?.chars().next());
    let typed = key.flags.iter().filter(|flag| flag.len() > 2).copied().collect::<Vec<_>>().join(", ");
    let typed = if typed.is_empty() { typed } else { format!(" [also: {typed}]") };
    let arg = Arg::new(key.name)
        .long(long(key.name))
        .aliases(key.aliases.iter().map(|alias| long(alias)))
        .short(short)
        .value_name(key.values)
        .help(format!("{}{default}{typed}", key.help))
        .display_order(order)
        .allow_negative_numbers(true);
    let arg = if PATHS.contains(&key.name) { arg.value_parser(path) } else { arg };
    match key.name {
        "hidden_size" => arg.num_args(1..).action(ArgAction::Append),
        "tag" => arg.action(ArgAction::Append),
        "shuffle" => arg.num_args(0..=1).default_missing_value("true").overrides_with(key.name),
        _ => arg.overrides_with(key.name),
    }
}

fn value(name: &'static str, value: &'static str, help: &'static str) -> Arg {
    let arg = Arg::new(name).long(name).value_name(value).help(help);
    // Shells leave `~` alone after `=`, and in variables and files.
    if ["config", "data-dir", "model-path", "out", "plot", "store", "to"].contains(&name) {
        arg.value_parser(path)
    } else {
        arg
    }
}

fn switch(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

fn dataset(help: &'static str) -> Arg {
    Arg::new("dataset").short('d').long("dataset").value_name("NAME|DIR").value_parser(path).help(help)
}

/// The settings that say how images are read.
fn reading_flags() -> impl Iterator<Item = Arg> {
    let keys = KEYS.iter().filter(|key| ["image_size", "data_rules"].contains(&key.name));
    keys.enumerate().map(|(order, key)| setting(key, "", 100 + order))
}

fn place_flags() -> [Arg; 2] {
    [
        value("data-dir", "DIR", "Where data sets are looked for first")
            .env("HANDLOOM_DATA_DIR")
            .value_hint(ValueHint::DirPath),
        store(),
    ]
}

fn store() -> Arg {
    value("store", "DIR", "Where runs are kept [default: .handloom]")
        .env("HANDLOOM_STORE")
        .value_hint(ValueHint::DirPath)
}

fn output_flags() -> Vec<Arg> {
    let flags = vec![
        switch("json", "Results as JSON, one object a line"),
        switch("quiet", "Only what was asked for, and what went wrong"),
        switch("no-progress", "No moving bar"),
        value("color", "WHEN", "Colors: auto, always or never")
            .value_parser(PossibleValuesParser::new(["auto", "always", "never"])),
    ];
    flags.into_iter().map(|arg| arg.help_heading("Output").display_order(200)).collect()
}

/// Error of a line such as `sweep chek f.yaml`: a word that is neither a subcommand of `sweep` nor a file, before another.
///
/// clap takes the word for the sweep file, and complains about the one after it.
pub(crate) fn unknown_subcommand(words: &[OsString]) -> Option<clap::Error> {
    let [_, command, word, next, ..] = words else { return None };
    let (word, next) = (word.to_str()?, next.to_str()?);
    if command != "sweep" || word.starts_with('-') || next.starts_with('-') || Path::new(word).exists() {
        return None;
    }
    let mut program = self::command();
    let sweep = program.find_subcommand_mut("sweep")?;
    let names: Vec<String> = sweep.get_subcommands().map(|one| one.get_name().to_owned()).collect();
    if word == "help" || names.iter().any(|name| name == word) {
        return None;
    }
    let near = neighbors(word, names.iter().map(String::as_str));
    let hint = match near[..] {
        [] => format!("`handloom sweep` takes a sweep file, or one of {}", names.join(" ")),
        [near, ..] => format!("did you mean `handloom sweep {near}`?"),
    };
    let message = format!("`sweep` has no subcommand `{word}`, and there is no such file\nhint: {hint}");
    Some(sweep.error(ErrorKind::InvalidSubcommand, message))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_name_of_every_setting_is_a_flag() {
        for key in KEYS {
            for name in std::iter::once(&key.name).chain(key.aliases) {
                let line = rewrite(["handloom", "train", &format!("--{name}=1")].map(OsString::from));
                let matches = command().try_get_matches_from(line).unwrap();
                let value = matches.subcommand().unwrap().1.get_many::<String>(key.name).unwrap().next();
                assert_eq!(value.map(String::as_str), Some("1"), "{name}");
            }
        }
    }
}
