//! Runs fuzz targets for a while: `handloom-fuzz TARGET|all [--seconds 30] [--seed 1]`.
//!
//! A target runs in a process of its own, so that an abort ends that process alone. The input under way lies
//! in a file of the temporary folder; after a finding it is kept, its path is printed, and the exit code is 1.
//! A finding is a panic, a death of the process, an input that takes over two seconds, or one that
//! brings the process over 1 GiB of memory (Linux alone tells).
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a tool for developers, with no other door")]

use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use handloom_fuzz::{Corpus, TARGETS, Target};

const SLOW: Duration = Duration::from_secs(2);

/// An input that takes longer than this will not end.
const HANGS: Duration = Duration::from_secs(20);

const MOST_MEMORY_KIB: u64 = 1 << 20;

struct Arguments {
    target: String,
    seconds: u64,
    seed: u64,
}

fn main() -> ExitCode {
    let Some(arguments) = arguments() else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("usage: handloom-fuzz {}|all [--seconds 30] [--seed 1]", names.join("|"));
        return ExitCode::from(2);
    };
    if arguments.target == "all" {
        return all();
    }
    let Some(target) = TARGETS.iter().find(|target| target.name == arguments.target) else {
        eprintln!("error: no target `{}`", arguments.target);
        return ExitCode::from(2);
    };
    let (sender, receiver) = mpsc::channel();
    let (seconds, seed) = (arguments.seconds, arguments.seed);
    thread::spawn(move || sender.send(fuzz(target, Duration::from_secs(seconds), seed)));
    match receiver.recv_timeout(Duration::from_secs(seconds) + HANGS) {
        Ok(Ok(line)) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Ok(Err(finding)) => report(target, &finding),
        Err(RecvTimeoutError::Timeout) => report(target, "it does not come back"),
        Err(RecvTimeoutError::Disconnected) => report(target, "the fuzzer itself failed"),
    }
}

/// Every target in a process of its own.
fn all() -> ExitCode {
    let mut failed = false;
    let program = std::env::current_exe().expect("the system knows this program");
    for target in TARGETS {
        let arguments = std::env::args().skip(2);
        let status = Command::new(&program).arg(target.name).args(arguments).status();
        match status.map(|status| status.code()) {
            Ok(Some(0)) => {}
            Ok(Some(1)) => failed = true,
            died => {
                report(target, &format!("the process died: {died:?}"));
                failed = true;
            }
        }
    }
    ExitCode::from(u8::from(failed))
}

fn arguments() -> Option<Arguments> {
    let mut words = std::env::args().skip(1);
    let mut arguments = Arguments { target: words.next()?, seconds: 30, seed: 1 };
    while let Some(word) = words.next() {
        let number = words.next()?.parse().ok()?;
        match word.as_str() {
            "--seconds" => arguments.seconds = number,
            "--seed" => arguments.seed = number,
            _ => return None,
        }
    }
    Some(arguments)
}

fn report(target: &Target, finding: &str) -> ExitCode {
    eprintln!("{:10} FINDING: {finding}\n{:10} input: {}", target.name, "", input_path(target).display());
    ExitCode::FAILURE
}

fn input_path(target: &Target) -> PathBuf {
    std::env::temp_dir().join(format!("handloom-fuzz-{}.bin", target.name))
}

/// Runs a target until the time is over; `Err` is a finding.
fn fuzz(target: &Target, time: Duration, seed: u64) -> Result<String, String> {
    let path = input_path(target);
    let mut file = File::create(&path).map_err(|error| error.to_string())?;
    let mut corpus = Corpus::new((target.seeds)(), seed);
    let (start, mut count, mut slowest) = (Instant::now(), 0_u64, Duration::ZERO);
    while start.elapsed() < time {
        let input = corpus.next(target.repair);
        note(&mut file, &input).map_err(|error| error.to_string())?;
        let began = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (target.run)(&input)));
        let took = began.elapsed();
        count += 1;
        slowest = slowest.max(took);
        let Ok(outcome) = outcome else { return Err("it panics, see above".into()) };
        if took > SLOW {
            return Err(format!("it takes {took:.1?}"));
        }
        if took > Duration::from_millis(2)
            && let Some(memory) = peak_memory_kib().filter(|&memory| memory > MOST_MEMORY_KIB)
        {
            return Err(format!("it takes {} MiB of memory", memory >> 10));
        }
        corpus.learn(input, &outcome);
    }
    let _ = fs::remove_file(&path);
    let (rate, outcomes) = (count as f64 / start.elapsed().as_secs_f64(), corpus.outcomes());
    let memory = peak_memory_kib().map_or_else(String::new, |memory| format!(", {} MiB", memory >> 10));
    let name = target.name;
    Ok(format!("{name:10} {count} inputs, {rate:.0}/s, {outcomes} outcomes, slowest {slowest:.1?}{memory}: no finding"))
}

/// Leaves the input under way where it is found if this process dies of it.
fn note(file: &mut File, input: &[u8]) -> std::io::Result<()> {
    file.rewind()?;
    file.write_all(input)?;
    file.set_len(input.len() as u64)
}

/// The most memory this process had, where the system tells.
fn peak_memory_kib() -> Option<u64> {
    let status = fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
