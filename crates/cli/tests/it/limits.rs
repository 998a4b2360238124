//! Impossible requests are refused before the work, and missing resources are reported without a panic.

use std::fs;
use std::path::Path;

use crate::support::{Ended, Place};

#[test]
fn a_place_that_cannot_be_written_is_told_before_the_first_epoch() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    fs::write(place.path("file"), "kept").unwrap();
    let train = "train -d garments -e 1 -sz 8 --no-test";
    for (line, code) in [
        (format!("{train} --out folder"), 2),
        (format!("{train} --model-save-path new/"), 2),
        (format!("{train} --out file/model.safetensors"), 1),
        (format!("{train} --store file"), 1),
        ("data show garments --out folder/../file/a.png".into(), 1),
        ("report -o folder".into(), 2),
        ("report -o file/r.html".into(), 1),
        ("evaluate --plot file/a.png".into(), 1),
        ("show --plot file/a.svg".into(), 1),
        ("ls --plot file/a.svg".into(), 1),
        ("compare a b --plot file/a.svg".into(), 1),
        ("export a --format onnx --out folder".into(), 2),
        ("export a --format npz --out file/a.npz".into(), 1),
    ] {
        let ended = place.run(&line).code(code);
        assert!(!ended.stdout.contains("epoch="), "{line}: {}", ended.stderr);
        assert!(!place.path(".handloom").exists(), "{line}: nothing was begun");
    }
    assert_eq!(fs::read_to_string(place.path("file")).unwrap(), "kept");
}

#[test]
fn networks_that_no_machine_trains_are_exit_2_with_their_size() {
    let place = Place::new();
    for sizes in ["-nhl 1 -sz 4000000", "-nhl 1000 -sz 2000", "-sz 16000000 16000000"] {
        let ended = place.run(&format!("train -d garments {sizes}")).code(2);
        assert!(ended.stderr.contains("parameters, and training it takes "), "{}", ended.stderr);
    }
    for flags in ["-sz 99999999999999999999", "-sz 18446744073709551615", "-e 99999999999999999999", "-b 0"] {
        place.run(&format!("train -d garments {flags}")).code(2);
    }
    assert!(!place.path(".handloom").exists());
}

/// Runs the program with at most `kilobytes` of address space.
fn limited(place: &Place, kilobytes: u64, line: &str) -> Ended {
    let program = place.command(line);
    let words =
        [program.get_program()].into_iter().chain(program.get_args()).map(|word| word.to_string_lossy().into_owned());
    let script = format!("ulimit -v {kilobytes}; exec {}", words.collect::<Vec<_>>().join(" "));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(program.get_current_dir().unwrap_or(Path::new(".")));
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    let output = shell.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[cfg(target_os = "linux")]
#[test]
fn a_lack_of_memory_or_threads_is_exit_1_with_words_or_costs_only_time() {
    let place = Place::new();
    let train = "train -d garments -e 1 -nhl 1 --no-test";
    // Too large by far, and larger than what is left only by what is not counted before.
    for (kilobytes, sizes) in [(600_000, "-sz 100000"), (600_000, "-sz 30000"), (400_000, "-sz 12000 -b 60000")] {
        let ended = limited(&place, kilobytes, &format!("{train} {sizes} --threads 1"));
        let said = ended.stderr.contains("this machine has") || ended.stderr.contains("out of memory");
        assert!(ended.code == 0 || (ended.code == 1 && said), "{sizes}: {} {}", ended.code, ended.stderr);
    }
    // A hundred threads' stacks do not fit; a few do.
    let ended = limited(&place, 500_000, &format!("{train} -sz 8 --threads 256 --json"));
    assert!(ended.code == 0 && ended.stderr.contains("of 256 threads"), "{} {}", ended.code, ended.stderr);
    let same = place.run(&format!("{train} -sz 8 --threads 1 --json")).code(0);
    let sha = |ended: &Ended| ended.events().pop().unwrap()["weights_sha256"].clone();
    assert_eq!(sha(&ended), sha(&same));
}
