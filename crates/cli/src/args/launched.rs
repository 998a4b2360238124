//! Arguments of `train` from a launcher (`wandb agent` with any of its macros, or hydra), rewritten for the parser.
//!
//! | macro | words |
//! |---|---|
//! | `${args}` | `--name=value`, where the value is as Python prints it: `True`, `(128, 64)`, `{'name': 'adam'}` |
//! | `${args_no_equals}` | `--name value` |
//! | `${args_no_hyphens}` | `name=value` |
//! | `${args_no_boolean_flags}` | `--name` for what is true, nothing for what is not |
//! | `${args_append_hydra}`, `${args_override_hydra}` | `+name=value`, `++name=value` |
//! | `${args_json}`, `${args_json_file}` | `{"name": value}`, or the path of a file with that |
//!
//! A word that is no flag becomes `--parameter`, which the settings read.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, Command};

/// Kind of a word that looks like a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flag {
    /// Takes no value.
    Switch,
    /// Takes a value, or, if the value says whether something is so, may do without.
    Value,
    Truth,
    Unknown,
}

/// The arguments of a program in a W&B sweep with `train` in front of them, if its command left that out.
pub(crate) fn named(words: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let own = ["help", "--help", "-h", "--version", "-V"];
    let mut words: Vec<OsString> = words.into_iter().collect();
    let first = words.get(1).and_then(|word| word.to_str());
    if first.is_none_or(|word| !own.contains(&word) && super::command().find_subcommand(word).is_none()) {
        words.insert(1.min(words.len()), "train".into());
    }
    words
}

/// Turns the arguments of `train` into flags.
pub(super) fn flags(words: Vec<OsString>, train: &Command) -> Vec<OsString> {
    let mut words = words.into_iter().peekable();
    let mut flags: Vec<OsString> = words.by_ref().take(2).collect();
    while let Some(word) = words.next() {
        let Some(text) = word.to_str() else {
            flags.push(word);
            continue;
        };
        if text == "--" {
            flags.push(word);
            break;
        }
        let next = words.peek().and_then(|next| next.to_str()).filter(|next| !next.starts_with("--"));
        let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
        let flag = flag(name, value.or(next), train);
        match flag {
            _ if is_parameter(text) => flags.push(parameter(text.trim_start_matches('+'))),
            Flag::Switch => {
                let truth = value.or(next).and_then(truth);
                if truth.is_some() && value.is_none() {
                    words.next();
                }
                match (value, truth) {
                    (_, Some(false)) => {}
                    (Some(_), Some(true)) => flags.push(name.into()),
                    // With a value that says nothing, the parser complains.
                    _ => flags.push(word),
                }
            }
            Flag::Value | Flag::Truth if value.is_none() => {
                let takes = flag == Flag::Value || next.and_then(truth).is_some();
                let next = next.is_some_and(|_| takes).then(|| words.next()).flatten();
                flags.push(word);
                flags.extend(next);
            }
            Flag::Unknown if text.starts_with("--") => {
                match value.or(next).filter(|value| value.starts_with('{') || name.contains('.')) {
                    Some(said) => {
                        flags.push(parameter(&format!("{}={said}", name.trim_start_matches('-'))));
                        if value.is_none() {
                            words.next();
                        }
                    }
                    None => flags.push(word),
                }
            }
            _ => flags.push(word),
        }
    }
    flags.extend(words);
    flags
}

/// True if a word that is no flag and no flag's value sets something.
fn is_parameter(text: &str) -> bool {
    let name = text.trim_start_matches('+').split('=').next().unwrap_or_default();
    let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c));
    let is_file =
        !text.starts_with('-') && Path::new(text).extension().is_some_and(|kind| kind.eq_ignore_ascii_case("json"));
    text.starts_with('{') || (is_name && text.contains('=')) || is_file
}

fn parameter(text: &str) -> OsString {
    format!("--parameter={text}").into()
}

fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Kind of the flag `name`. The beginning of a long flag counts too, but not where `value` is a map: `--model={...}` is
/// no file to save the model in.
fn flag(name: &str, value: Option<&str>, train: &Command) -> Flag {
    let whole = value.is_some_and(|value| value.starts_with('{'));
    let mut args = train.get_arguments();
    let known = if let Some(long) = name.strip_prefix("--") {
        let begins = |arg: &&Arg| !whole && is_called(arg, |known| known.starts_with(long));
        args.find(|arg| is_called(arg, |known| known == long)).or_else(|| train.get_arguments().find(begins))
    } else {
        let short = name.strip_prefix('-').filter(|short| short.len() == 1).and_then(|short| short.chars().next());
        args.find(|arg| short.is_some() && arg.get_short() == short)
    };
    match known {
        None if ["--help", "-h"].contains(&name) => Flag::Switch,
        None => Flag::Unknown,
        Some(arg) if arg.get_num_args().is_some_and(|count| count.min_values() == 0) => Flag::Truth,
        Some(arg) if arg.get_action().takes_values() => Flag::Value,
        Some(_) => Flag::Switch,
    }
}

/// True if one of the long names of a flag fits.
fn is_called(arg: &Arg, fits: impl Fn(&str) -> bool) -> bool {
    let names = [arg.get_long_and_visible_aliases(), arg.get_all_aliases()];
    names.iter().flatten().flatten().any(|name| fits(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::rewrite;

    fn told(words: &[&str]) -> Vec<String> {
        let words = ["handloom"].iter().chain(words).map(OsString::from);
        let rewritten = rewrite(words).into_iter().map(|word| word.into_string().unwrap());
        rewritten.skip(2).collect()
    }

    #[test]
    fn words_that_set_something_are_parameters() {
        for (words, expected) in [
            (
                &["lr=0.1", "hidden_size=[128, 64]"][..],
                &["--parameter=lr=0.1", "--parameter=hidden_size=[128, 64]"][..],
            ),
            (&["+lr=0.1", "++optimizer.lr=1"], &["--parameter=lr=0.1", "--parameter=optimizer.lr=1"]),
            (&[r#"{"lr": 0.1}"#], &[r#"--parameter={"lr": 0.1}"#]),
            (&["/a b/config-x.json"], &["--parameter=/a b/config-x.json"]),
            (&["--model={'lr': 1}"], &["--parameter=model={'lr': 1}"]),
            (&["--opt={'name': 'adam'}"], &["--parameter=opt={'name': 'adam'}"]),
            (&["--opt", "{'name': 'adam'}", "-b", "3"], &["--parameter=opt={'name': 'adam'}", "-b", "3"]),
            (&["--optimizer.learning_rate=0.1"], &["--parameter=optimizer.learning-rate=0.1"]),
            (&["--a.lr", "0.1", "--a.b"], &["--parameter=a.lr=0.1", "--a.b"]),
            (&["-sz", "64", "32", "lr=0.1"], &["--hidden-size", "64", "32", "--parameter=lr=0.1"]),
        ] {
            assert_eq!(told(&[&["train"], words].concat()), expected, "{words:?}");
        }
    }

    #[test]
    fn values_of_flags_stay_values() {
        for words in [
            &["--config", "a.json", "--set", "lr=0.1"][..],
            &["--notes", "a=b", "--name", "{x}", "--out=x.json"],
            &["--model", "m.json", "-d", "a=b"],
            &["--optimizer={'name': 'adam'}", "--momentum", "-0.5"],
            &["--opt=adam", "word", "--unknown", "word"],
            &["--opt", "a=b"],
            &["--", "lr=0.1"],
        ] {
            assert_eq!(told(&[&["train"], words].concat()), words, "{words:?}");
        }
        assert_eq!(told(&["evaluate", "a=b", "x.json"]), ["a=b", "x.json"], "`train` alone");
    }

    #[test]
    fn switches_take_what_python_says_of_them() {
        for (words, expected) in [
            (&["--no_test=True", "--quiet=False", "--json=true"][..], &["--no-test", "--json"][..]),
            (&["--no_test", "True", "--quiet", "False", "--json"], &["--no-test", "--json"]),
            (&["--no_test", "lr=1"], &["--no-test", "--parameter=lr=1"]),
            (&["--no_test=perhaps"], &["--no-test=perhaps"]),
            (&["--shuffle", "lr=1"], &["--shuffle", "--parameter=lr=1"]),
            (&["--shuffle", "False", "lr=1"], &["--shuffle", "False", "--parameter=lr=1"]),
        ] {
            assert_eq!(told(&[&["train"], words].concat()), expected, "{words:?}");
        }
    }

    #[test]
    fn a_launcher_may_leave_out_the_command() {
        let command = |words: &[&str]| {
            let words = ["handloom"].iter().chain(words).map(OsString::from);
            named(words)[1].to_str().unwrap().to_owned()
        };
        assert_eq!(
            (command(&["--lr=0.1"]), command(&["lr=0.1"]), command(&[])),
            ("train".into(), "train".into(), "train".into())
        );
        assert_eq!((command(&["ls"]), command(&["--version"])), ("ls".into(), "--version".into()));
    }
}
