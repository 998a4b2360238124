//! The command `study`.

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, ValueHint};

use super::{dataset, logging, output_flags, place_flags, value};
use crate::commands::study::names;

pub(super) fn study() -> Command {
    Command::new("study")
        .about("An experiment with its report: the whole assignment, or one question with several seeds")
        .infer_long_args(true)
        .arg_required_else_help(true)
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .value_parser(PossibleValuesParser::new(names()))
                .help("Which one"),
        )
        .arg(dataset("Data set [default: fashion_mnist]"))
        .arg(value("to", "NAME|DIR", "assignment and transfer: the data set that settings are carried over to [default: mnist]"))
        .arg(value("seeds", "N", "Runs of each setting, a seed each [default: 5]"))
        .arg(value("minutes", "M", "assignment: about how long to search and train; else begin no run after so many [default: assignment 15, on garments 1]"))
        .arg(value("workers", "N", "Runs at once, a thread each [default: all cores]"))
        .arg(value("seed", "N", "Seed of the searches [default: 1]"))
        .arg(
            value("out", "DIR", "Where the page is written [default: study-NAME]")
                .short('o')
                .value_hint(ValueHint::DirPath),
        )
        .args(logging())
        .args(place_flags())
        .args(output_flags())
        .after_help("Examples:\n  handloom study optimizers\n  handloom study assignment --minutes 30\n  handloom study assignment -d garments")
}
