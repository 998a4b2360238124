//! The upload of a run while it goes on, by W&B's own client: `wandb beta sync --live`.
//!
//! The client is a process of its own, started from a thread of its own, so that training waits for neither a
//! network nor a Python interpreter. Whatever goes wrong, the run's folder stays, for `wandb sync`.
//!
//! The client reads until the record of the run's end. A run that is given up without it (an error, a panic) ends
//! its client by dropping [`Live`]; if the process is killed, the client waits for more until it is ended by hand,
//! as `wandb beta sync --help` warns.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The oldest client whose live upload ends: that of 0.28 hangs.
const OLDEST: (u32, u32) = (0, 29);

/// Timeout of the client's `--version`; a cold Python on a slow disk takes seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// Polling interval of a child process.
const GLANCE: Duration = Duration::from_millis(50);

/// Name of the client's program.
const PROGRAM: &str = if cfg!(windows) { "wandb.exe" } else { "wandb" };

/// Reasons for which a run was not, or not yet, uploaded to W&B. Each message says how to upload it later.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// There is no client.
    #[error("no `wandb` command is installed, so the run is only on disk\nhint: `pip install 'wandb>=0.29'`, then `wandb sync {}`", folder.display())]
    Missing {
        /// The run's folder.
        folder: PathBuf,
    },
    /// The client is too old to upload a run under way.
    #[error("`wandb` {version} cannot upload a run under way, 0.29 can\nhint: `wandb sync {}` when it has ended, or `pip install --upgrade wandb`", folder.display())]
    Old {
        /// Version that the client reports.
        version: String,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The client cannot be started, or says no version.
    #[error("`{}` cannot be used: {source}\nhint: `wandb sync {}` uploads the run when it has ended", program.display(), folder.display())]
    Start {
        /// The client.
        program: PathBuf,
        /// Error of the operating system.
        source: io::Error,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The client gave up.
    #[error("`wandb` gave up uploading: {said}\nhint: `{}` has all it said; `wandb sync {}` uploads the run", log.display(), folder.display())]
    Failed {
        /// The last line it said, or how it ended.
        said: String,
        /// All it said.
        log: PathBuf,
        /// The run's folder.
        folder: PathBuf,
    },
    /// W&B does not know the sweep that the run names: no later upload of the same files helps.
    #[error("W&B refused the run: {said}")]
    UnknownSweep {
        /// Output of the client.
        said: String,
    },
    /// W&B did not answer in time; the client was ended.
    #[error("W&B did not take the run within {} s\nhint: `{}` has what `wandb` said; `wandb sync {}` uploads the run", patience.as_secs(), log.display(), folder.display())]
    Late {
        /// Timeout that passed.
        patience: Duration,
        /// File with the client's output.
        log: PathBuf,
        /// The run's folder.
        folder: PathBuf,
    },
    /// The client is not yet done; it goes on by itself.
    #[error("`wandb` is still uploading\nhint: `{}` has what it says; if it does not get there, `wandb sync {}`", log.display(), folder.display())]
    Unfinished {
        /// File with the client's output.
        log: PathBuf,
        /// The run's folder.
        folder: PathBuf,
    },
}

/// An upload beside the run. Dropped without [`wait`](Self::wait), it ends.
#[derive(Debug)]
pub struct Live {
    folder: PathBuf,
    outcome: Receiver<Result<(), Problem>>,
    client: Arc<Mutex<Client>>,
    ended: bool,
    goes_on: bool,
}

/// The client's process.
#[derive(Debug)]
enum Client {
    /// Not yet started.
    Coming,
    /// Uploading.
    Running(Child),
    /// Ended, or not to be started any more.
    Gone,
}

impl Live {
    /// Begins the upload of the run in `folder` by the first `wandb` in the folders of `search`, which is `PATH`.
    /// Returns at once; what goes wrong later, [`problem`](Self::problem) and [`wait`](Self::wait) say.
    pub fn start(folder: &Path, search: &OsStr) -> Result<Self, Problem> {
        // The client is started with this path, whatever folder it changes to.
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.into());
        let found = std::env::split_paths(search).map(|place| place.join(PROGRAM)).find(|program| program.is_file());
        let program = found.ok_or_else(|| Problem::Missing { folder: folder.clone() })?;
        let (sender, outcome) = mpsc::channel();
        let client = Arc::new(Mutex::new(Client::Coming));
        let (run, shared) = (folder.clone(), Arc::clone(&client));
        let named = program.clone();
        let begun = thread::Builder::new().name("wandb".into()).spawn(move || {
            // Nobody listens any more if the run has ended: then the client goes on alone.
            let _ = sender.send(upload(&program, &run, &shared));
        });
        begun.map_err(|source| Problem::Start { program: named, source, folder: folder.clone() })?;
        Ok(Self { folder, outcome, client, ended: false, goes_on: false })
    }

    /// Problem that occurred since the last call, if any. Does not block.
    pub fn problem(&mut self) -> Option<Problem> {
        match self.outcome.try_recv() {
            Ok(outcome) => {
                self.ended = true;
                outcome.err()
            }
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => None,
        }
    }

    /// Waits until everything is uploaded, for at most `patience`; then the client goes on by itself. To be called
    /// when the run is finished: the client waits for its end.
    pub fn wait(mut self, patience: Duration) -> Result<(), Problem> {
        self.goes_on = true;
        if self.ended {
            return Ok(());
        }
        match self.outcome.recv_timeout(patience) {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(Problem::Unfinished { log: log_path(&self.folder), folder: self.folder.clone() })
            }
        }
    }
}

impl Live {
    /// Waits until everything is uploaded, for at most `patience`; then the client is ended. For many runs, whose
    /// clients would pile up where W&B does not answer: each tries for hours.
    pub fn finish(mut self, patience: Duration) -> Result<(), Problem> {
        if self.ended {
            return Ok(());
        }
        match self.outcome.recv_timeout(patience) {
            Ok(outcome) => {
                self.ended = true;
                outcome
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                Err(Problem::Late { patience, log: log_path(&self.folder), folder: self.folder.clone() })
            }
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.goes_on
            && let Client::Running(mut child) = std::mem::replace(&mut *client, Client::Gone)
        {
            // It may have ended just now.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("logs").join("upload.log")
}

/// Starts the client and waits for its end.
fn upload(program: &Path, folder: &Path, shared: &Mutex<Client>) -> Result<(), Problem> {
    let start = |source| Problem::Start { program: program.into(), source, folder: folder.into() };
    let version = version(program).map_err(start)?;
    if parse(&version).is_none_or(|number| number < OLDEST) {
        return Err(Problem::Old { version, folder: folder.into() });
    }
    let log = log_path(folder);
    let open = || {
        fs::create_dir_all(log.parent().unwrap_or(folder))?;
        let out = File::create(&log)?;
        Ok((out.try_clone()?, out))
    };
    let (out, err) = open().map_err(start)?;
    let mut command = client(program);
    command.args(["beta", "sync", "--live", "--yes"]).arg(folder).stdout(out).stderr(err);
    let lock = || shared.lock().unwrap_or_else(PoisonError::into_inner);
    {
        let mut client = lock();
        if matches!(*client, Client::Gone) {
            return Err(Problem::Unfinished { log, folder: folder.into() });
        }
        *client = Client::Running(command.spawn().map_err(start)?);
    }
    let status = loop {
        let mut client = lock();
        let Client::Running(child) = &mut *client else {
            return Err(Problem::Unfinished { log, folder: folder.into() });
        };
        if let Some(status) = child.try_wait().map_err(start)? {
            *client = Client::Gone;
            break status;
        }
        drop(client);
        thread::sleep(GLANCE);
    };
    let said = fs::read(&log).unwrap_or_default();
    match failure(&String::from_utf8_lossy(&said), status.success(), &marks(folder)) {
        None => Ok(()),
        Some(said) => {
            // `wandb sync` passes over a run with the mark, which a client leaves behind some failures too.
            for mark in marks(folder) {
                let _ = fs::remove_file(mark);
            }
            let is_unknown_sweep = said.contains("sweep") && said.contains("not found");
            Err(if is_unknown_sweep {
                Problem::UnknownSweep { said }
            } else {
                Problem::Failed { said, log, folder: folder.into() }
            })
        }
    }
}

/// Reason for which a finished client did not upload the run, read from its output; `None` if it did.
///
/// Its exit code does not tell: clients 0.29 to 0.31 end with 0 after `ERROR sweep x not found`, and after the server
/// refused the rows. An upload is whole if there was no error, and the client either says that it finished or has left
/// its mark `run-ID.wandb.synced` in the folder.
fn failure(said: &str, success: bool, marks: &[PathBuf]) -> Option<String> {
    let error = said.lines().rev().find_map(|line| line.split_once("ERROR ").map(|(_, error)| error.trim().to_owned()));
    if error.is_some() {
        return error.map(|error| if error == "<no message>" { "the server refused the run".into() } else { error });
    }
    if success && (!marks.is_empty() || said.contains("Finished syncing")) {
        return None;
    }
    let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it ended without a word");
    Some(last.trim().trim_start_matches("wandb: ").to_owned())
}

/// The files by which clients know a run that is uploaded.
fn marks(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "synced")).collect()
}

/// The client as a command, unimpressed by what is meant for the run itself and by Ctrl-C, which ends the run and
/// not its upload.
fn client(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).env_remove("WANDB_MODE").env_remove("WANDB_SERVICE").env_remove("WANDB_RUN_ID");
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    command
}

/// Version that the client reports, such as `0.31.0`.
fn version(program: &Path) -> io::Result<String> {
    let mut child = client(program).arg("--version").stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let status = within(&mut child, PATIENCE)?;
    let said = child.stdout.take().map(io::read_to_string).transpose()?.unwrap_or_default();
    match said.split_whitespace().last() {
        Some(version) if status.success() => Ok(version.to_owned()),
        _ => Err(io::Error::other(format!("`--version` ended with {status}"))),
    }
}

/// Waits for a child, and ends it if it takes too long.
fn within(child: &mut Child, patience: Duration) -> io::Result<ExitStatus> {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if begun.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Err(io::Error::new(io::ErrorKind::TimedOut, "`--version` took too long"));
        }
        thread::sleep(GLANCE);
    }
}

/// Major and minor number.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// Held by each test: a script that is still open for writing in a process another test is just starting
    /// cannot be started itself.
    static ALONE: Mutex<()> = Mutex::new(());

    /// A client that is a shell script.
    fn install(folder: &Path, script: &str) -> PathBuf {
        let bin = folder.join("bin");
        fs::create_dir_all(&bin).unwrap();
        let program = bin.join(PROGRAM);
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        bin
    }

    /// Says its version, and else does `work`.
    fn client_that(version: &str, work: &str) -> String {
        format!("if [ \"$1\" = --version ]; then echo 'wandb, version {version}'; exit; fi\n{work}")
    }

    fn run(script: &str, patience: Duration) -> (tempfile::TempDir, Result<(), Problem>) {
        let folder = tempfile::tempdir().unwrap();
        let bin = install(folder.path(), script);
        let live = Live::start(folder.path(), bin.as_os_str()).unwrap();
        (folder, live.wait(patience))
    }

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn the_client_is_given_the_folder_and_what_it_says_is_kept() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, outcome) = run(
            &client_that("0.31.0", "echo \"$@\"; echo mode=$WANDB_MODE >&2; touch \"$5/run-x.wandb.synced\""),
            LONG,
        );
        outcome.unwrap();
        let said = fs::read_to_string(folder.path().join("logs/upload.log")).unwrap();
        assert_eq!(said, format!("beta sync --live --yes {}\nmode=\n", folder.path().display()));
    }

    #[test]
    fn without_a_client_the_error_says_how_to_get_one() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let error = Live::start(folder.path(), folder.path().as_os_str()).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, Problem::Missing { .. }) && text.contains("pip install"), "{text}");
        assert!(text.contains(&format!("`wandb sync {}`", folder.path().display())), "{text}");
    }

    #[test]
    fn an_old_client_is_not_used() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, outcome) = run(&client_that("0.28.3.dev1", "echo never"), LONG);
        assert!(matches!(outcome, Err(Problem::Old { version, .. }) if version == "0.28.3.dev1"));
        assert!(!folder.path().join("logs").exists());
        assert!(matches!(run("echo no version; exit 3", LONG).1, Err(Problem::Start { .. })));
    }

    #[test]
    fn a_client_that_gives_up_is_quoted() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (_folder, outcome) = run(&client_that("1.0", "echo first; echo 'no API key'; exit 1"), LONG);
        assert!(matches!(&outcome, Err(Problem::Failed { said, .. }) if said == "no API key"), "{outcome:?}");
    }

    #[test]
    fn a_client_that_ends_with_0_after_an_error_has_not_uploaded() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let unknown = "echo 'wandb: ERROR sweep x1 not found'";
        let cases = [
            (unknown, Some("sweep x1 not found")),
            ("touch \"$5/run-x.wandb.synced\"; echo 'wandb: ERROR Fatal error'; echo later", Some("Fatal error")),
            ("echo 'wandb: ERROR <no message>'", Some("the server refused the run")),
            ("echo 'wandb: No runs to sync.'", Some("No runs to sync.")),
            ("exit 0", Some("it ended without a word")),
            ("touch \"$5/run-x.wandb.synced\"; exit 3", Some("it ended without a word")),
            ("echo 'wandb: [p/x] Finished syncing wandb/offline-run-x'", None),
            ("touch \"$5/run-x.wandb.synced\"", None),
        ];
        for (work, expected) in cases {
            let (folder, outcome) = run(&client_that("0.31.0", work), LONG);
            match (&outcome, expected) {
                (Ok(()), None) => {}
                (Err(Problem::Failed { said, .. } | Problem::UnknownSweep { said }), Some(expected))
                    if said == expected =>
                {
                    assert!(marks(folder.path()).is_empty(), "{work}: `wandb sync` would pass it over");
                    assert_eq!(matches!(outcome, Err(Problem::UnknownSweep { .. })), work == unknown);
                }
                _ => panic!("{work}: {outcome:?}"),
            }
        }
    }

    #[test]
    fn a_client_that_does_not_come_to_an_end_is_ended() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let bin = install(folder.path(), &client_that("0.31.0", "exec sleep 600"));
        let live = Live::start(folder.path(), bin.as_os_str()).unwrap();
        let shared = Arc::clone(&live.client);
        let outcome = live.finish(Duration::from_millis(300));
        assert!(matches!(outcome, Err(Problem::Late { .. })), "{outcome:?}");
        assert!(matches!(*shared.lock().unwrap(), Client::Gone));
    }

    #[test]
    fn a_run_that_is_given_up_ends_its_client() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let work = "echo $$ > \"$5/pid\"; exec sleep 60";
        let bin = install(folder.path(), &client_that("0.31.0", work));
        let live = Live::start(folder.path(), bin.as_os_str()).unwrap();
        let begun = Instant::now();
        let pid = loop {
            let pid = fs::read_to_string(folder.path().join("pid")).unwrap_or_default();
            if pid.ends_with('\n') {
                break pid;
            }
            assert!(begun.elapsed() < LONG, "the client was not started");
            thread::sleep(GLANCE);
        };
        drop(live);
        // Signal 0 asks whether the process is there.
        let there = Command::new("kill").args(["-0", pid.trim()]).stderr(Stdio::null()).status().unwrap();
        assert!(!there.success(), "{pid} is still there");
    }

    #[test]
    fn nobody_waits_longer_than_asked_and_the_client_goes_on() {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let (folder, outcome) =
            run(&client_that("0.31.0", "sleep 1; touch \"$5/uploaded\""), Duration::from_millis(200));
        assert!(matches!(outcome, Err(Problem::Unfinished { .. })), "{outcome:?}");
        let begun = Instant::now();
        while !folder.path().join("uploaded").exists() {
            assert!(begun.elapsed() < LONG, "the client did not go on");
            thread::sleep(GLANCE);
        }
    }
}
