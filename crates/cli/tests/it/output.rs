//! Output that cannot be written: an error everywhere but where a reader stopped reading.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::study::stripes;
use crate::support::Place;

/// A command line for every command. They are run one after the other in a folder that [`prepared`] filled.
const EVERY: &[&str] = &[
    "train -d garments -e 1 -nhl 1 -sz 8 --name second",
    "train -d garments -e 1 -nhl 1 -sz 8 --name third --json --quiet",
    "train --resume first",
    "evaluate first",
    "predict first sample.png",
    "sweep s.yaml",
    "sweep s.yaml --dry-run",
    "sweep create s.yaml --json",
    "sweep check s.yaml",
    "sweep check s.yaml --json",
    "sweep agent @last --json",
    "sweep resume @last --json",
    "sweep ls",
    "sweep show @last",
    "sweep show @last --json",
    "sweep best @last",
    "sweep stop @last",
    "sweep rm @last --yes",
    "study overfit -d ./a --seeds 1 --workers 2",
    "ls",
    "ls --csv",
    "ls --json",
    "show first",
    "compare first second",
    "report first -o r.html",
    "report first -o -",
    "verify r.html",
    "tag first x",
    "rm second --yes",
    "data ls",
    "data get garments",
    "data check garments",
    "data show garments",
    "export --format csv -o -",
    "export first --format onnx -o -",
    "export first --format npz -o -",
    "export first --format safetensors -o -",
    "export first --format safetensors",
    "gradcheck",
    "completions bash",
    "completions zsh",
    "doctor",
    "doctor --json",
    "--help",
    "--version",
    "help sweep create",
    "train --help",
];

/// Commands that go on until they are stopped.
const ENDLESS: &[&str] = &["ui"];

/// A folder with the run `first`, the sweep file `s.yaml`, the image `sample.png` and the data set `a`.
fn prepared() -> Place {
    let place = Place::new();
    place.run("train -d garments -e 1 -nhl 1 -sz 8 --name first --quiet").code(0);
    place.run("data show garments --out sample.png --quiet").code(0);
    stripes(&place.path("a"), 1);
    let sweep = "method: grid\nmetric: {name: val_accuracy, goal: maximize}\nparameters:\n  learning_rate: {values: [0.01, 0.001]}\n  epochs: {value: 1}\n  hidden_size: {value: 8}\n  num_layers: {value: 1}\n  dataset: {value: garments}\n";
    fs::write(place.path("s.yaml"), sweep).unwrap();
    place
}

/// `/dev/full`, where there is one: nothing can be written to it.
fn full() -> Option<File> {
    let file = OpenOptions::new().write(true).open("/dev/full").ok();
    if file.is_none() {
        let _ = writeln!(std::io::stderr(), "SKIPPED: full disks, as there is no /dev/full");
    }
    file
}

/// The names of the commands in a help text.
fn commands(help: &str) -> Vec<String> {
    let lines = help.lines().skip_while(|line| !line.starts_with("Commands:")).skip(1);
    let lines = lines.take_while(|line| line.starts_with("  ") && !line.trim().is_empty());
    let names = lines.filter(|line| !line.starts_with("   ")).filter_map(|line| line.split_whitespace().next());
    names.filter(|&name| name != "help").map(Into::into).collect()
}

#[test]
fn every_command_is_in_the_list() {
    let place = Place::new();
    let top = commands(&place.run("--help").stdout);
    assert!(top.len() > 10, "{top:?}");
    for name in top.iter().filter(|name| !ENDLESS.contains(&name.as_str())) {
        assert!(EVERY.iter().any(|line| line.split(' ').next() == Some(name)), "{name}");
        for below in commands(&place.run(&format!("{name} --help")).stdout) {
            assert!(EVERY.iter().any(|line| line.starts_with(&format!("{name} {below}"))), "{name} {below}");
        }
    }
}

#[test]
fn stdout_that_cannot_be_written_is_exit_1_and_loses_nothing_else() {
    if full().is_none() {
        return;
    }
    let place = prepared();
    for line in EVERY {
        let mut command = place.command(line);
        let ended = command.stdout(full().unwrap()).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains("cannot write to stdout") && said.contains("hint:"), "{line}: {said}");
    }
    // The work was done: trained, recorded, written.
    let status =
        |name: &str| place.run(&format!("show {name} --json")).code(0).events().pop().unwrap()["status"].clone();
    assert_eq!(status("third"), "finished");
    assert!(place.path("r.html").exists());
    let trials = place.run("sweep show @last --json").code(0).events().pop().unwrap();
    assert!(trials["trials"].as_array().is_some(), "{trials}");
}

#[test]
fn a_reader_that_stops_reading_is_no_error() {
    let place = prepared();
    for line in EVERY.iter().filter(|line| !line.starts_with("rm") && !line.starts_with("study")) {
        let mut child = place.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(0), "{line}: {said}");
        assert!(!said.contains("stdout"), "{line}: {said}");
    }
}

#[test]
fn stderr_that_cannot_be_written_changes_nothing() {
    let Some(stderr) = full() else { return };
    let place = prepared();
    let mut command = place.command("train -d garments -e 1 -nhl 1 -sz 8 -b 32 -m 0.5 --json");
    let ended = command.stdout(Stdio::piped()).stderr(stderr).spawn().unwrap().wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("\"status\":\"finished\""));
    for (line, code) in [("show nothing-like-that", 2), ("ls --nonsense", 2), ("evaluate no.safetensors", 3)] {
        let status = place.command(line).stdout(Stdio::null()).stderr(full().unwrap()).status().unwrap();
        assert_eq!(status.code(), Some(code), "{line}");
    }
    // The exit code alone is left where neither can be written.
    let status = place.command("ls").stdout(full().unwrap()).stderr(full().unwrap()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

/// Runs `line` by a shell that closes descriptor `number` first.
#[cfg(target_os = "linux")]
fn with_closed(place: &Place, line: &str, number: u8) -> std::process::Output {
    let mut shell = Command::new("sh");
    let script = format!("exec '{}' {line} {number}>&-", env!("CARGO_BIN_EXE_handloom"));
    shell.args(["-c", &script]).current_dir(place.path("")).stdin(Stdio::null());
    for (name, value) in place.command("").get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn closed_stdout_is_exit_1_and_closed_stderr_changes_nothing() {
    let place = prepared();
    for line in EVERY.iter().filter(|line| !line.starts_with("study")) {
        let ended = with_closed(&place, line, 1);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(1), "{line}: {said}");
        assert!(said.contains("cannot write to stdout: it is closed"), "{line}: {said}");
    }
    // A command that writes nothing there needs no stdout.
    let quiet = with_closed(&place, "tag first y --quiet", 1);
    assert_eq!(quiet.status.code(), Some(0), "{}", String::from_utf8_lossy(&quiet.stderr));
    for (line, code) in [("ls", 0), ("--help", 0), ("train -d garments -e 1 -nhl 1 -sz 8", 0), ("ls --nonsense", 2)] {
        assert_eq!(with_closed(&place, line, 2).status.code(), Some(code), "{line}");
    }
}

#[test]
fn a_report_goes_to_stdout_too() {
    let place = prepared();
    let html = place.run("report first -o -").code(0).stdout;
    assert!(html.contains("<html") && html.contains("id=\"provenance\""), "no report");
    assert!(!place.path("-").exists());
    place.run("report first -o - --json").code(2);
}

#[test]
fn models_go_to_stdout_byte_for_byte() {
    let place = prepared();
    for format in ["onnx", "npz", "safetensors"] {
        place.run(&format!("export first --format {format} -o {format}.file --quiet")).code(0);
        let mut child = place.spawn(&format!("export first --format {format} -o -"));
        let mut bytes = Vec::new();
        child.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(!bytes.is_empty() && bytes == fs::read(place.path(&format!("{format}.file"))).unwrap(), "{format}");
    }
    place.run("export first --format wandb -o -").code(2);
    assert!(!place.path("-").exists());
}

/// Commands that write files, with `FILE` for a place on a disk of 64 KiB that is full but for a few bytes.
const FILES: &[&str] = &[
    "export --format csv -o FILE/runs.csv",
    "export first --format onnx -o FILE/m.onnx",
    "export first --format npz -o FILE/m.npz",
    "export first --format safetensors -o FILE/m.safetensors",
    "report first -o FILE/r.html",
    "data show garments --out FILE/s.png",
    "evaluate first --plot FILE/c.png",
    "evaluate first --plot FILE/c.svg",
    "show first --plot FILE/c.svg",
    "train -d garments -e 1 -nhl 1 -sz 64 --out FILE/m.safetensors",
];

#[test]
fn a_full_disk_is_exit_1_and_leaves_no_half_file() {
    let place = prepared();
    let small = place.path("small");
    fs::create_dir(&small).unwrap();
    // A user and mount namespace of its own: needs no root, and the disk is gone with its process.
    let within = |script: &str| {
        let line = format!("mount -t tmpfs -o size=64k none small && {script}");
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c", &line]).current_dir(place.path(""));
        let program = place.command("");
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::null()).output()
    };
    if !within("true").is_ok_and(|ended| ended.status.success()) {
        let _ = writeln!(std::io::stderr(), "SKIPPED: files on a full disk, as no small disk can be mounted here");
        return;
    }
    let program = Path::new(env!("CARGO_BIN_EXE_handloom")).display();
    for line in FILES {
        let line = line.replace("FILE", "small");
        // The file was there before, and stays as it was.
        let name = line.split_whitespace().find(|word| word.starts_with("small/")).unwrap();
        let script = format!(
            "printf old >{name}; head -c 61000 /dev/zero >small/fill 2>/dev/null; '{program}' {line}; code=$?; ls -A small; cat {name}; exit $code"
        );
        let ended = within(&script).unwrap();
        let (out, said) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        assert_eq!(ended.status.code(), Some(1), "{line}: {out}{said}");
        assert!(said.contains("No space left on device") && said.contains("small/"), "{line}: {said}");
        assert!(out.ends_with("old") && !out.contains(".partial"), "{line}: {out}");
    }
}

/// Commands that a `next:` line may name but that cannot be tried here: they go on, need a network or a file of the
/// user, or train for minutes.
fn is_untried(command: &str) -> bool {
    let words = ["handloom ui", "handloom train", "handloom train -d garments", "handloom train -d ./a"];
    let parts = ["FILE", "IMAGE", "data get fashion_mnist", "data get mnist", "--train", "sweep resume", "sweep agent"];
    words.contains(&command.split(" --store").next().unwrap())
        || parts.iter().any(|part| command.contains(part))
        || !command.starts_with("handloom ")
}

#[test]
fn every_next_command_works_as_it_is_printed() {
    let place = prepared();
    let mut tried = Vec::new();
    let elsewhere = [
        "train -d garments -e 1 -nhl 1 -sz 8 --name there --store ./else",
        "ls --store ./else",
        "show there --store else",
    ];
    let lines = EVERY.iter().chain(&elsewhere);
    for line in lines.filter(|line| !line.contains("--json") && !line.ends_with("-o -")) {
        let said = place.run(line).code(0).stderr;
        let next = said.lines().filter_map(|line| line.trim().strip_prefix("next:"));
        for command in next.flat_map(|line| line.trim().split("     ")).map(str::trim) {
            if line.contains("else") {
                assert!(command.contains("--store"), "{line}: {command}");
            }
            if tried.iter().any(|known| known == command) || is_untried(command) {
                continue;
            }
            tried.push(command.to_owned());
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            let ended = place.run_words(&words, &[]);
            assert_eq!(ended.code, 0, "after `{line}`: {command}\n{}", ended.stderr);
        }
    }
    assert!(tried.len() > 12, "{tried:?}");
}
