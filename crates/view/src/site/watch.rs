//! Tells pages what happens in the store, whoever does it.
//!
//! A thread feels the store's pulse many times a second, which costs next to nothing, and looks only when something was
//! written: at the runs that were heard of lately, never at all of them. Without a listener it sleeps.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use handloom_store::{Contents, Run, SILENCE_MS, Status, Store};
use serde_json::json;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::project::now_ms;
use super::words::planned;
use super::{Host, Site, runs};

/// Between two beats: what is logged is on the wire within two of them.
const TICK: Duration = Duration::from_millis(40);
/// Interval at which living runs are checked without a heartbeat: the death of a process is recorded nowhere.
const BREATH: Duration = Duration::from_secs(1);
/// Time after a change of a trial's run at which its sweep is reported again: its journal is written after the run.
const AFTER: Duration = Duration::from_secs(1);
/// Least time between two looks at which runs and sweeps are there, which takes milliseconds for thousands of them.
const STOCK: Duration = Duration::from_millis(200);
/// Interval at which a silent connection is kept alive.
const KEEP: Duration = Duration::from_secs(15);
/// Age up to which runs are checked: until they would count as killed, and some time for the check itself.
const LATELY_MS: u64 = SILENCE_MS + 5_000;
/// Events that wait for a listener that does not read; one that is further behind is cut off and asks for all again.
const BEHIND: usize = 512;
/// The status in an event of a run or sweep that was removed.
const REMOVED: &str = "removed";
/// Most listeners at once.
const LISTENERS: usize = 100;

/// Part of a stream of events.
pub(super) type Part = Result<String, Infallible>;

/// Those who listen.
#[derive(Default)]
pub(super) struct Watch {
    listeners: Mutex<Listeners>,
    changed: Condvar,
}

#[derive(Default)]
struct Listeners {
    all: Vec<Listener>,
    ended: bool,
}

struct Listener {
    to: Sender<Part>,
    /// True before the first event.
    is_new: bool,
}

impl Watch {
    /// Begins to watch the store of `site` by a connection of its own.
    pub(super) fn start(site: Arc<Site>, store: Arc<dyn Store>) -> std::io::Result<Arc<Self>> {
        let watch = Arc::new(Self::default());
        let own = Arc::clone(&watch);
        thread::Builder::new().name("watch".into()).spawn(move || own.run(&*site.host, &*store))?;
        Ok(watch)
    }

    /// A new listener, unless there are too many.
    pub(super) fn listen(&self) -> Option<Receiver<Part>> {
        let mut listeners = self.listeners();
        listeners.all.retain(|listener| !listener.to.is_closed());
        if listeners.all.len() >= LISTENERS || listeners.ended {
            return None;
        }
        let (to, from) = channel(BEHIND);
        // A browser that lost the line comes back after this time.
        let _ = to.try_send(Ok("retry: 1000\n\n".into()));
        listeners.all.push(Listener { to, is_new: true });
        self.changed.notify_all();
        Some(from)
    }

    /// Ends the watch and every line.
    pub(super) fn end(&self) {
        let mut listeners = self.listeners();
        listeners.ended = true;
        listeners.all.clear();
        self.changed.notify_all();
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the next beat, and while nobody listens; answers whether somebody new does. None at the end.
    fn wait(&self) -> Option<bool> {
        let mut listeners = self.changed.wait_timeout(self.listeners(), TICK).unwrap_or_else(PoisonError::into_inner).0;
        loop {
            listeners.all.retain(|listener| !listener.to.is_closed());
            if listeners.ended {
                return None;
            }
            if !listeners.all.is_empty() {
                return Some(listeners.all.iter().any(|listener| listener.is_new));
            }
            listeners = self.changed.wait(listeners).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn run(&self, host: &dyn Host, store: &dyn Store) {
        let mut known = Known::default();
        let (mut felt, mut looked, mut spoke) = (None, Instant::now(), Instant::now());
        let (mut is_stale, mut stocked) = (true, None::<Instant>);
        let (mut replacements, mut is_gone) = (store.replacements().unwrap_or(0), false);
        while let Some(joined) = self.wait() {
            let found = store.replacements();
            let gone = matches!(found, Err(handloom_store::Error::Removed { .. }));
            let found = found.unwrap_or(replacements);
            if gone != is_gone || found != replacements || gone && joined {
                let state = match (gone, found != replacements) {
                    (true, _) => "removed",
                    (false, true) => "replaced",
                    (false, false) => "back",
                };
                let news = News::of("store", &json!({"state": state}), true);
                self.send(|_| Some(news.text.clone()));
                (replacements, is_gone) = (found, gone);
                // A store that was replaced is reported anew.
                (known, felt, is_stale) = (Known::default(), None, true);
                spoke = Instant::now();
            }
            // A store that is away for a while is looked at when it is back.
            let pulse = store.pulse().ok();
            let beats = pulse.is_some() && pulse != felt;
            let mut news = Vec::new();
            is_stale |= beats || joined;
            if is_stale
                && stocked.is_none_or(|at| at.elapsed() >= STOCK)
                && let Ok(contents) = store.contents()
            {
                (is_stale, stocked) = (false, Some(Instant::now()));
                news = known.stock(contents);
            }
            let breathes = known.lives() && looked.elapsed() >= BREATH;
            if (beats || joined || breathes)
                && let Ok(latest) = known.look(host, store)
            {
                (felt, looked) = (pulse, Instant::now());
                news.extend(latest);
            }
            if self.tell(&news) {
                spoke = Instant::now();
            }
            self.tell(&known.due());
            if spoke.elapsed() >= KEEP {
                self.send(|_| Some(":\n\n".to_owned()));
                spoke = Instant::now();
            }
        }
    }

    /// Tells everyone what is new, and those who are new all of it; answers whether there was something for everyone.
    fn tell(&self, news: &[News]) -> bool {
        if news.is_empty() {
            return false;
        }
        let part = |all: bool| -> String {
            news.iter().filter(|one| all || one.is_new).map(|one| one.text.as_str()).collect()
        };
        let (all, new) = (part(true), part(false));
        self.send(|is_new| Some(if is_new { all.clone() } else { new.clone() }).filter(|part| !part.is_empty()));
        !new.is_empty()
    }

    fn send(&self, part: impl Fn(bool) -> Option<String>) {
        let mut listeners = self.listeners();
        listeners.all.retain_mut(|listener| {
            let part = part(std::mem::take(&mut listener.is_new));
            part.is_none_or(|part| listener.to.try_send(Ok(part)).is_ok())
        });
    }
}

/// An event, and whether it was not told before.
struct News {
    is_new: bool,
    text: String,
}

impl News {
    fn of(kind: &str, data: &serde_json::Value, is_new: bool) -> Self {
        Self { is_new, text: format!("event: {kind}\ndata: {data}\n\n") }
    }
}

/// State of the runs that were heard of lately.
#[derive(Default)]
struct Known {
    marks: HashMap<String, Mark>,
    /// When sweeps are told of again.
    after: HashMap<String, Instant>,
    /// The runs and sweeps that were there at the last look.
    contents: Option<Contents>,
}

/// Parts of a run that are reported when they change.
#[derive(PartialEq)]
struct Mark {
    status: Status,
    epochs: u64,
    best_epoch: Option<u64>,
    test_accuracy: Option<f64>,
    labels: (String, Vec<String>, Option<String>),
}

impl Mark {
    fn of(run: &Run) -> Self {
        Self {
            status: run.status,
            epochs: run.epochs,
            best_epoch: run.best_epoch,
            test_accuracy: run.test_accuracy,
            labels: (run.name.clone(), run.tags.clone(), run.notes.clone()),
        }
    }
}

impl Known {
    fn lives(&self) -> bool {
        self.marks.values().any(|mark| mark.status == Status::Running)
    }

    /// Looks at the runs that live or lived lately.
    fn look(&mut self, host: &dyn Host, store: &dyn Store) -> handloom_store::Result<Vec<News>> {
        let mut recent = store.recent(LATELY_MS)?;
        let heard: HashSet<&str> = recent.iter().map(|run| run.id.as_str()).collect();
        let silent =
            self.marks.iter().filter(|(id, mark)| mark.status == Status::Running && !heard.contains(id.as_str()));
        let silent: Vec<Option<Run>> = silent.map(|(id, _)| store.run(id)).collect::<Result<_, _>>()?;
        recent.extend(silent.into_iter().flatten());
        for run in recent.iter_mut().filter(|run| run.status == Status::Running) {
            run.status = host.effective_status(run);
        }
        let asked: Vec<(&str, u64)> =
            recent.iter().map(|run| (run.id.as_str(), run.best_epoch.unwrap_or(run.epochs))).collect();
        let rows = store.rows_at(&asked)?;
        let now_ms = now_ms();
        let (mut news, mut sweeps) = (Vec::new(), HashMap::<String, bool>::new());
        let mut marks = HashMap::with_capacity(recent.len());
        for run in &recent {
            let mark = Mark::of(run);
            let is_new = self.marks.get(&run.id) != Some(&mark);
            marks.insert(run.id.clone(), mark);
            news.push(News::of(
                "run",
                &json!({
                    "id": run.id, "status": run.status.name(), "epochs": run.epochs, "planned": planned(run),
                    "name": run.name, "row": runs::row(run, rows.get(&run.id), now_ms),
                }),
                is_new,
            ));
            if let Some(sweep) = &run.sweep {
                *sweeps.entry(sweep.clone()).or_default() |= is_new;
            }
        }
        self.marks = marks;
        let after = Instant::now() + AFTER;
        for (sweep, is_new) in sweeps {
            news.push(News::of("sweep", &json!({"id": sweep}), is_new));
            if is_new {
                self.after.insert(sweep, after);
            }
        }
        Ok(news)
    }

    /// Compares what is there with what was: runs and sweeps that were removed, and sweeps whose journals have grown. A
    /// trial that reuses a result has no run of its own, so that only the journal tells of it.
    fn stock(&mut self, contents: Contents) -> Vec<News> {
        let mut news = Vec::new();
        if let Some(before) = &self.contents {
            for id in before.runs.difference(&contents.runs) {
                self.marks.remove(id);
                news.push(News::of("run", &json!({"id": id, "status": REMOVED}), true));
            }
            let grown = contents.sweeps.iter().filter(|(id, last)| before.sweeps.get(*id) != Some(last));
            news.extend(grown.map(|(id, _)| News::of("sweep", &json!({"id": id}), true)));
            let gone = before.sweeps.keys().filter(|id| !contents.sweeps.contains_key(*id));
            news.extend(gone.map(|id| News::of("sweep", &json!({"id": id, "status": REMOVED}), true)));
        }
        self.contents = Some(contents);
        news
    }

    /// Sweeps that are to be told of again by now.
    fn due(&mut self) -> Vec<News> {
        let now = Instant::now();
        let due: Vec<String> = self.after.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        due.into_iter()
            .map(|id| {
                self.after.remove(&id);
                News::of("sweep", &json!({"id": id}), true)
            })
            .collect()
    }
}
