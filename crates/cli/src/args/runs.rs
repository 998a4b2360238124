//! The commands that look after runs and models.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint};

use super::{output_flags, place_flags, setting, store, switch, value};
use crate::commands::export::FORMATS;
use crate::settings::{OPTIONS, path};

pub(super) fn ls() -> Command {
    let filters = "Filters, all of which must hold: NAME=VALUE, !=, '>', '>=', '<', '<=', NAME:TEXT (contains), or a text in the run";
    Command::new("ls")
        .about("The runs so far, the newest first")
        .infer_long_args(true)
        .arg(Arg::new("filter").value_name("FILTER").num_args(0..).help(filters))
        .arg(
            value("sort", "KEY", "Sort by this; -KEY is downwards; runs without it are last [default: -started]")
                .allow_hyphen_values(true),
        )
        .arg(switch("reverse", "Reverse the order"))
        .arg(value("columns", "A,B,C", "Columns: fields of the record, settings, metrics; `--json` shows all"))
        .arg(value("limit", "N", "Show at most N runs [default: 50 on a terminal, else all]"))
        .arg(switch("csv", "Results as CSV").conflicts_with("json"))
        .arg(
            value("plot", "FILE", "Draw accuracy by time of creation with the best so far, as PNG or SVG")
                .value_hint(ValueHint::FilePath),
        )
        .arg(store())
        .args(output_flags())
        .after_help("Examples:\n  handloom ls optimizer=adam,nadam 'val_accuracy>0.88' --sort -val_accuracy\n  handloom ls tag=baseline --columns run,lr,hidden_size,val_accuracy\n  handloom ls status=finished --csv > runs.csv")
}

pub(super) fn show() -> Command {
    Command::new("show")
        .about("Show everything recorded about a run")
        .infer_long_args(true)
        .arg(Arg::new("run").value_name("RUN").help("Run [default: @last]"))
        .arg(value("plot", "FILE", "Draw the learning curves, as PNG or SVG").value_hint(ValueHint::FilePath))
        .arg(switch("all", "Every epoch and every setting"))
        .arg(store())
        .args(output_flags())
}

pub(super) fn compare() -> Command {
    let side = "Run, several with commas between, `group:NAME` or `tag:NAME`";
    Command::new("compare")
        .about("Compare two runs, or two settings with several seeds each")
        .infer_long_args(true)
        .arg(Arg::new("a").value_name("A").required(true).help(side))
        .arg(Arg::new("b").value_name("B").required(true).help(side))
        .arg(switch("test", "Open the test set, too, which is counted; the verdict stays that of validation"))
        // The default since `--test` is there; scripts may still say it.
        .arg(switch("no-test", "Leave the test set closed").hide(true).conflicts_with("test"))
        .arg(value("plot", "FILE", "Draw the learning curves, as PNG or SVG").value_hint(ValueHint::FilePath))
        .arg(value("threads", "N", "Threads [default: all cores]"))
        .args(place_flags())
        .args(output_flags())
        .after_help("Examples:\n  handloom compare @best @last\n  handloom compare group:cross_entropy group:squared_error --plot loss.png")
}

pub(super) fn ui() -> Command {
    Command::new("ui")
        .about("The dashboard in the browser: runs, sweeps and mistakes, live while training goes on")
        .infer_long_args(true)
        .arg(value("port", "N", "Port; 0 is any that is free [default: 7878]"))
        .arg(value("host", "ADDRESS", "Where to listen; who comes from elsewhere needs a token [default: 127.0.0.1]"))
        .arg(
            value(
                "allow-host",
                "NAME",
                "Also answer to this host name, such as that of a proxy; whoever reaches it sees every run",
            )
            .action(ArgAction::Append),
        )
        .arg(switch("allow-edit", "Let pages change names, tags and notes"))
        .arg(switch("no-open", "Open no browser"))
        .args(place_flags())
        .args(output_flags())
        .after_help("Examples:\n  handloom ui\n  handloom ui --port 0 --no-open --allow-edit")
}

pub(super) fn report() -> Command {
    Command::new("report")
        .about("Write runs and sweeps as one self-contained HTML file")
        .infer_long_args(true)
        .arg(Arg::new("target").value_name("RUN|SWEEP").num_args(0..).help("Runs and sweeps [default: @best]"))
        .arg(
            value("out", "FILE", "The file to write, or `-` for stdout [default: report.html]")
                .short('o')
                .value_hint(ValueHint::FilePath),
        )
        .args(place_flags())
        .args(output_flags())
        .after_help("Examples:\n  handloom report\n  handloom report @best @last -o two.html")
}

pub(super) fn verify() -> Command {
    Command::new("verify")
        .about("Train what a report shows again, and check everything in it")
        .infer_long_args(true)
        .arg(
            Arg::new("file")
                .value_name("FILE")
                .required(true)
                .value_parser(path)
                .value_hint(ValueHint::FilePath)
                .help("The report"),
        )
        .arg(Arg::new("run").value_name("RUN").help("Only this run of it"))
        .arg(switch("all", "Every trial of its sweeps, not only the best"))
        .arg(value("minutes", "M", "Stop training again after M minutes; the rest is listed as unchecked"))
        .arg(switch("allow-accuracy", "Exit 0 where bits cannot be compared and accuracies agree within 0.5 points"))
        .arg(
            value("init-from", "FILE", "The model file that runs of the report began with")
                .value_parser(path)
                .value_hint(ValueHint::FilePath),
        )
        .arg(value("threads", "N", "Threads [default: all cores]"))
        .args(place_flags())
        .args(output_flags())
        .after_help(
            "Everything that the report shows is made anew from what is trained again, and compared. The outcome is:\n  \
             verified                           every checkable value agrees, the weights bit for bit (exit 0)\n  \
             differs                            something is another than the report says (exit 5)\n  \
             could not be checked bit for bit   trained by other arithmetic, or made by another build (exit 5)\n\n\
             The report names no file of this machine: a data set that is a folder is looked for in `--data-dir`.\n\n\
             Examples:\n  handloom verify report.html\n  handloom verify sweep.html --all --minutes 30",
        )
}

pub(super) fn tag() -> Command {
    Command::new("tag")
        .about("Tags, name and notes of a run")
        .infer_long_args(true)
        .arg(Arg::new("run").value_name("RUN").required(true).help("Run"))
        .arg(Arg::new("tag").value_name("TAG").num_args(0..).help("Tags to add"))
        .arg(switch("remove", "Remove these tags instead").requires("tag"))
        .arg(value("note", "TEXT", "Notes on the run; an empty text removes them").alias("notes"))
        .arg(value("name", "NAME", "A new name"))
        .arg(store())
        .args(output_flags())
}

pub(super) fn rm() -> Command {
    Command::new("rm")
        .about("Remove runs with their files; asks first")
        .infer_long_args(true)
        .arg(
            Arg::new("run")
                .value_name("RUN|FILTER")
                .required(true)
                .num_args(1..)
                .help("Runs or ids of sweeps, or filters as `ls` takes them, all of which must hold"),
        )
        .arg(switch("yes", "Do not ask"))
        .arg(store())
        .args(output_flags())
        .after_help("Examples:\n  handloom rm 'val_accuracy<0.5' optimizer=sgd\n  handloom rm status=failed --yes")
}

pub(super) fn export() -> Command {
    let wandb = OPTIONS.iter().filter(|key| ["wandb_project", "wandb_entity"].contains(&key.name));
    Command::new("export")
        .about("Models as ONNX, npz or safetensors, runs as CSV or for Weights & Biases")
        .infer_long_args(true)
        .arg(
            Arg::new("model")
                .value_name("MODEL|RUN")
                .num_args(0..)
                .value_parser(path)
                .help("Model file or run [default of csv: all runs]"),
        )
        .arg(
            value("format", "FORMAT", "Format")
                .short('f')
                .required(true)
                .ignore_case(true)
                .value_parser(PossibleValuesParser::new(FORMATS)),
        )
        .arg(
            value("out", "FILE|DIR", "File, or `-` for stdout; for wandb the folder of `wandb/` [default: here]")
                .short('o')
                .value_hint(ValueHint::AnyPath),
        )
        .arg(switch("epochs", "With csv: a row an epoch, not a row a run"))
        .arg(switch(
            "no-sweep",
            "With wandb: leave out the id of a W&B sweep, which W&B refuses if it does not know it",
        ))
        .args(wandb.map(|key| setting(key, "", 100)))
        .args(place_flags())
        .args(output_flags())
}
