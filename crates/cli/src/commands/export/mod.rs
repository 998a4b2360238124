//! `export`: models and runs in other programs' formats.

pub(super) mod spreadsheet;
mod wandb;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::ArgMatches;
use handloom_export::{npz, onnx};

use super::{finite, readable_runs, text};
use crate::destination;
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::runs::{Run, Runs};

/// Every format, in the order of the help.
pub(crate) const FORMATS: [&str; 5] = ["onnx", "npz", "safetensors", "csv", "wandb"];

pub(super) fn run(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let format = text(matches, "format").expect("clap asks for a format").to_lowercase();
    let names: Vec<&str> = matches.get_many::<String>("model").into_iter().flatten().map(String::as_str).collect();
    if format != "csv" && matches.get_flag("epochs") {
        return Err(Failure::usage(format!("`--epochs` is for `--format csv`, not `{format}`")));
    }
    if format != "wandb" && matches.get_flag("no-sweep") {
        return Err(Failure::usage(format!("`--no-sweep` is for `--format wandb`, not `{format}`")));
    }
    if format == "wandb" && text(matches, "out") == Some("-") {
        return Err(Failure::usage(
            "a W&B run is a folder, which stdout cannot take\nhint: `-o DIR` says where it goes",
        ));
    }
    let runs = readable_runs(matches, output)?;
    match format.as_str() {
        "csv" => spreadsheet::run(&runs, &names, matches, output)?,
        "wandb" => wandb::run(&runs, &names, matches, output)?,
        _ => model(&runs, one(&names, &format)?, &format, matches, output)?,
    }
    Ok(Exit::Done)
}

/// Writes a model. An older file of that name is replaced, as `train --out` does.
fn model(runs: &Runs, name: &str, format: &str, matches: &ArgMatches, output: &Output) -> Result<()> {
    let out = text(matches, "out").map(PathBuf::from);
    out.as_deref().filter(|out| *out != Path::new("-")).map_or(Ok(()), |out| destination::check(out, "--out"))?;
    let (model, path, run) = runs.model(name)?;
    runs.tell_unchecked(output);
    finite(&model, &path)?;
    if text(matches, "out") == Some("-") {
        output.bytes(&match format {
            "onnx" => onnx::to_bytes(&model)?,
            "npz" => npz::to_bytes(&model)?,
            _ => model.to_bytes(),
        });
        return Ok(());
    }
    let called = match &run {
        Some(run) => run.record.id.clone(),
        None => path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
    };
    let file = out.unwrap_or_else(|| PathBuf::from(format!("{called}.{format}")));
    let hint = match format {
        "onnx" => {
            onnx::save(&model, &file)?;
            format!("python -c \"import onnxruntime; onnxruntime.InferenceSession('{}')\"", file.display())
        }
        "npz" => {
            npz::save(&model, &file)?;
            format!("python -c \"import numpy; print(numpy.load('{}').files)\"", file.display())
        }
        _ => {
            model.save(&file)?;
            format!("handloom evaluate {}", named(&file))
        }
    };
    written(&file, output);
    output.next(&[&hint]);
    Ok(())
}

/// A file's name as one that cannot be taken for a run's.
fn named(file: &Path) -> String {
    let text = file.display().to_string();
    handloom_view::words::quoted(&if crate::runs::is_file(&text) { text } else { format!("./{text}") })
}

/// The path alone on stdout: what a script wants.
fn written(path: &Path, output: &Output) {
    output.event(&serde_json::json!({"v": 1, "event": "export", "path": path.display().to_string()}));
    output.result(path.display().to_string());
}

/// The one model or run that a format takes.
fn one<'a>(names: &[&'a str], format: &str) -> Result<&'a str> {
    match names {
        [name] => Ok(name),
        [] => Err(Failure::usage(format!(
            "`--format {format}` takes a model file or a run\nhint: `handloom export @last --format {format}`"
        ))),
        _ => Err(Failure::usage(format!("`--format {format}` takes one model or run, not {}", names.len()))),
    }
}

/// The runs that were named, each once, or all of them.
fn named_runs(runs: &Runs, names: &[&str]) -> Result<Vec<Run>> {
    let all = runs.all()?;
    if names.is_empty() { Ok(all) } else { runs.find_each(&all, names.iter().copied()) }
}
