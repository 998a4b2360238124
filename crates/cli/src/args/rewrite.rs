//! Flags as people type them for this assignment, rewritten for the parser.

use std::ffi::OsString;

use handloom_engine::config::KEYS;

use super::launched;
use crate::settings::OPTIONS;

/// Turns what people type for this assignment, and what launchers pass, into what the parser knows: `-lr 0.1`,
/// `-lr=0.1` and `--learning_rate=0.1` become `--learning-rate`; everything after `--` stays as it is.
pub(crate) fn rewrite(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut ended = false;
    let rewritten = arguments.into_iter().map(|argument| {
        ended |= argument == "--";
        match argument.to_str() {
            Some(text) if !ended => rewrite_one(text).map_or(argument, OsString::from),
            _ => argument,
        }
    });
    let rewritten: Vec<OsString> = rewritten.collect();
    if rewritten.get(1).is_some_and(|command| command == "train") {
        return launched::flags(rewritten, &super::train());
    }
    rewritten
}

fn rewrite_one(text: &str) -> Option<String> {
    let (name, value) = text.split_once('=').map_or((text, None), |(name, value)| (name, Some(value)));
    let long = if let Some(long) = name.strip_prefix("--") {
        long.replace('_', "-").to_lowercase()
    } else {
        let key = KEYS.iter().chain(OPTIONS).find(|key| name.len() > 2 && key.flags.contains(&name))?;
        key.name.replace('_', "-")
    };
    Some(value.map_or_else(|| format!("--{long}"), |value| format!("--{long}={value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(arguments: &[&str]) -> Vec<String> {
        let arguments = arguments.iter().map(OsString::from);
        rewrite(arguments).into_iter().map(|argument| argument.into_string().unwrap()).collect()
    }

    #[test]
    fn every_short_flag_works_as_typed() {
        assert_eq!(rewritten(&["-lr", "0.1", "-lr=0.2"]), ["--learning-rate", "0.1", "--learning-rate=0.2"]);
        assert_eq!(rewritten(&["-w_d", "-wd", "-w_i=he"]), ["--weight-decay", "--weight-decay", "--weight-init=he"]);
        assert_eq!(rewritten(&["-wp", "p", "-we", "e"]), ["--wandb-project", "p", "--wandb-entity", "e"]);
        assert_eq!(rewritten(&["-l", "-e", "-b=3"]), ["-l", "-e", "-b=3"]);
    }

    #[test]
    fn long_flags_take_underscores_and_values_keep_theirs() {
        assert_eq!(
            rewritten(&["--batch_size=32", "--Hidden_Layers", "a_b"]),
            ["--batch-size=32", "--hidden-layers", "a_b"]
        );
        assert_eq!(rewritten(&["--dataset=my_folder", "--", "--a_b"]), ["--dataset=my_folder", "--", "--a_b"]);
    }
}
