//! An agent at work: this process claims trials of a sweep and runs them, as many at once as it has workers.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use clap::ArgMatches;
use handloom_engine::Isa;
use handloom_export::wandb::Mode;
use handloom_store::{LivenessLock, liveness};
use handloom_sweep::pruner::{EarlyEnd, Hyperband, Median};
use handloom_sweep::sampler::Method;
use handloom_sweep::spec::{Spec, Stopping, largest_validation_share};
use handloom_sweep::worker::{Done, Pace, Work};
use handloom_sweep::{Entry, Journal as _, State, Status};
use serde_json::{Map, Value};

use super::data::DataSets;
use super::events::{EventSender, ProgressEvent};
use super::finish;
use super::handle::SweepHandle;
use super::importance_report::{headline, is_worth_asking};
use super::pending_uploads::Endings;
use super::preflight;
use super::progress_view::ProgressView;
use super::repair::mend;
use super::reuse::Reuse;
use super::start::{self, whole};
use super::trial::Trials;
use crate::commands::{data_dirs, runs, text};
use crate::exit::{Exit, Failure};
use crate::interrupt::Interrupt;
use crate::output::Output;
use crate::provenance::{self, Origin};
use crate::runs::{Runs, new_id};
use crate::source::search::Places;
use crate::wandb::{Flags, Uploads, WandbOptions};
use handloom_view::words::count;

/// Limits of this call: trials at once, trials in all, minutes.
pub(super) struct Plan {
    workers: u32,
    /// Trials that this call takes at most.
    trials: Option<u64>,
    minutes: Option<f64>,
}

impl Plan {
    /// Everything that is left of a sweep, for so many minutes.
    pub(super) fn new(workers: u32, minutes: Option<f64>) -> Self {
        Self { workers, trials: None, minutes }
    }

    /// As typed; `trials` is not the flag's where that means something else.
    pub(super) fn of(matches: &ArgMatches, trials: Option<u64>) -> Result<Self> {
        let workers = workers(matches)?;
        Ok(Self { workers, trials, minutes: minutes(matches)? })
    }
}

/// Number of trials at once: `--workers`, or the number of cores; at most 256.
pub(in crate::commands) fn workers(matches: &ArgMatches) -> Result<u32> {
    const MOST: u64 = 256;
    let cores = thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    Ok(whole(matches, "workers")?.unwrap_or(cores).min(MOST) as u32)
}

/// The minutes that `--minutes` says.
pub(in crate::commands) fn minutes(matches: &ArgMatches) -> Result<Option<f64>> {
    let minutes = text(matches, "minutes").map(|text| {
        text.parse().ok().filter(|minutes: &f64| *minutes > 0.0 && *minutes < 1e9).ok_or_else(|| {
            Failure::usage(format!(
                "`--minutes` cannot be `{text}`\nhint: it takes a number above 0, such as 30 or 0.5"
            ))
        })
    });
    minutes.transpose()
}

/// `sweep agent`.
pub(super) fn join(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let plan = Plan::of(matches, whole(matches, "trials")?)?;
    let runs = runs(matches)?;
    let opened = SweepHandle::find(&runs, text(matches, "sweep"))?;
    go_on(&plan, &opened, &runs, matches, output)
}

/// `sweep resume`: the same, also for a sweep that was stopped.
pub(super) fn resume(matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let plan = Plan::of(matches, whole(matches, "trials")?)?;
    let runs = runs(matches)?;
    let opened = SweepHandle::find(&runs, text(matches, "sweep"))?;
    let state = opened.state(&runs)?;
    let mut entries = if matches.get_flag("retry-failed") { retried(&state, output) } else { Vec::new() };
    entries.extend(state.stopped.then_some(Entry::Resumed));
    if !entries.is_empty() {
        opened.journal.append(&entries)?;
    }
    go_on(&plan, &opened, &runs, matches, output)
}

/// Journal entries that make the failed trials pending again.
fn retried(state: &State, output: &Output) -> Vec<Entry> {
    let failed = state.trials.iter().zip(&state.attempts).filter(|(trial, _)| trial.status == Status::Failed);
    let retried =
        failed.map(|(trial, attempts)| Entry::Retried { number: trial.number, attempt: attempts.len() as u32 - 1 });
    let retried: Vec<Entry> = retried.collect();
    output.note(match retried.len() as u64 {
        0 => "no trial failed, so none is tried again".into(),
        failed => format!("{} tried again", count(failed, "failed trial is", "failed trials are")),
    });
    retried
}

fn go_on(plan: &Plan, opened: &SweepHandle, runs: &Runs, matches: &ArgMatches, output: &Output) -> Result<Exit> {
    let state = opened.state(runs)?;
    let status = opened.status(&state);
    if ["finished", "stopped"].contains(&status) {
        return Ok(finish::nothing_to_do(opened, &state, status, output));
    }
    let interrupt = Interrupt::listen()?;
    let places = Places::new(runs, data_dirs(matches));
    let data = DataSets::load(&opened.data_sets(), Some((&opened.sweep, runs)), &places, output)?;
    data.check(&opened.sweep.data_sha256)?;
    data.validates(opened.metric, largest_validation_share(&opened.space, &opened.sweep.settings))?;
    work(plan, opened, runs, &data, &interrupt, matches, output)
}

/// Makes the sweep that is `asked` for, once its data are there, and works on it.
pub(super) fn begin(
    plan: &Plan,
    mut asked: start::SweepRequest,
    runs: &Runs,
    matches: &ArgMatches,
    output: &Output,
) -> Result<Exit> {
    let interrupt = Interrupt::listen()?;
    let data = DataSets::load(&asked.data_sets(), None, &Places::new(runs, data_dirs(matches)), output)?;
    data.validates(asked.spec.metric, asked.validation_share())?;
    // Every agent of the sweep, on any machine, has the same data or none.
    if asked.data_sets().names.is_empty()
        && let Some(loaded) = data.all().next()
    {
        asked.settings.insert("dataset".into(), loaded.source.located.name().into());
    }
    if let (Some(loaded), 1) = (data.all().next(), data.all().count()) {
        asked.data_sha256 = Some(loaded.sha256.clone());
    }
    let opened = asked.make(runs)?;
    work(plan, &opened, runs, &data, &interrupt, matches, output)
}

/// Sampler of a sweep file.
pub(super) fn sampler(spec: &Spec) -> Method {
    Method::named(spec.method.name()).expect("every method of a file has a sampler")
}

/// Pruner of a sweep file: it ends trials early.
fn pruner(stopping: &Stopping) -> EarlyEnd {
    match stopping {
        Stopping::Hyperband { bands, eta, strict } => {
            EarlyEnd::Hyperband(Hyperband { bands: bands.clone(), eta: *eta, strict: *strict })
        }
        Stopping::Median { min_iter } => EarlyEnd::Median(Median { min_iter: *min_iter }),
    }
}

/// W&B options of the trials. Nothing is uploaded unless a flag asked for it, now or when the sweep began.
fn wandb(opened: &SweepHandle, matches: &ArgMatches, output: &Output) -> Result<WandbOptions> {
    let flags = Flags::of(matches);
    let typed = flags.mode.is_some() || opened.sweep.wandb.contains_key("mode");
    let texts = [("project", &opened.spec.project), ("entity", &opened.spec.entity)];
    let mut before: Map<String, Value> =
        texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text.clone()?.into()))).collect();
    before.extend(opened.sweep.wandb.clone());
    let mut asked = WandbOptions::of(flags, &before, output)?;
    if asked.mode == Mode::Online && !typed {
        asked.mode = Mode::Offline;
        output.note("note: trials are logged to W&B offline; `--wandb online` uploads them");
    }
    Ok(asked)
}

pub(super) fn work(
    plan: &Plan,
    opened: &SweepHandle,
    runs: &Runs,
    data: &DataSets,
    interrupt: &Interrupt,
    matches: &ArgMatches,
    output: &Output,
) -> Result<Exit> {
    let asked = wandb(opened, matches, output)?;
    let state = opened.state(runs)?;
    let sampler = sampler(&opened.spec);
    preflight::check(opened, &state, &*sampler, data, runs, plan.workers)?;
    mend(opened, &state, runs)?;
    let (total, varying) = (opened.total(&state), opened.space.varying());
    finish::announce(opened, total, plan.workers, data, output);
    let mut board = ProgressView::new(output, &opened.sweep.id, (opened.metric, opened.goal), varying, total);

    let agent = new_id();
    let _present = LivenessLock::of(&*runs.store, &agent)?;
    let endings = Endings::begin()?;
    let uploads = Uploads::new(plan.workers);
    let (sender, receiver) = channel();
    let mut teller = EventSender::new(sender.clone());
    teller.copies = board.is_drawn().then_some(is_worth_asking as fn(u64) -> bool);
    let stop = {
        let interrupt = interrupt.clone();
        move || interrupt.exit().is_some()
    };
    let here = provenance::host();
    // A speed is measured anew, and not remembered.
    let is_speed = opened.metric.name == "samples_per_second";
    let reuses = !is_speed
        && !opened.sweep.no_reuse
        && !matches.try_get_one::<bool>("no-reuse").is_ok_and(|no| no == Some(&true));
    let trials = Trials {
        runs,
        sweep: &opened.sweep.id,
        spec: &opened.spec,
        fixed: &opened.sweep.settings,
        data,
        metric: opened.metric,
        wandb: &asked,
        reuse: reuses.then(|| Reuse::new(runs)),
        trainings: opened.trainings(),
        uploads: &uploads,
        origin: Origin::here(),
        handover: endings.handover(),
        stop: &stop,
        sender,
    };
    let stopping = opened.spec.stopping.as_ref().map(pruner);
    let until = plan.minutes.map(|minutes| Instant::now() + Duration::from_secs_f64(60.0 * minutes));
    let done = thread::scope(|scope| {
        // It takes the senders along, whose end is the end of the loop below.
        let worker = scope.spawn(|| {
            let (trials, teller) = (trials, teller);
            let work = Work {
                journal: &opened.journal,
                space: &opened.space,
                sampler: &*sampler,
                pruner: stopping.as_deref(),
                goal: opened.goal,
                target: opened.spec.metric.target,
                seed: opened.sweep.seed,
                objective: &trials,
                agent: agent.clone(),
                host: here.clone(),
                workers: plan.workers,
                trials: plan.trials,
                until,
                endless: total.is_none(),
                liveness: &|agent| liveness(&*runs.store, &here, agent),
                stop: &stop,
                notice: &|notice, state| teller.notice(notice, state),
                pace: Pace::default(),
            };
            work.run()
        });
        loop {
            match receiver.recv_timeout(Duration::from_millis(100)) {
                Ok(told) => tell(told, &mut board, opened),
                Err(RecvTimeoutError::Timeout) => board.draw(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        worker.join()
    });
    board.clear();
    for lost in endings.finish() {
        output.warn(lost);
    }
    let wandb = uploads.finish(&opened.sweep.id, interrupt.exit().is_some(), output);
    let done: Done = done
        .map_err(|_| anyhow::anyhow!("the sweep's agent panicked"))?
        .with_context(|| format!("sweep `{}` goes on with `handloom sweep resume {0}`", opened.sweep.id))?;
    let seconds = board.seconds();
    finish::tell(opened, &done, runs, (seconds, wandb), interrupt, output)
}

fn tell(told: ProgressEvent, board: &mut ProgressView<'_>, opened: &SweepHandle) {
    match told {
        ProgressEvent::Figures { run, row, epochs, seconds } => board.figures(run, (row, epochs, seconds)),
        ProgressEvent::Warning(text) => board.warn(&text),
        ProgressEvent::Trouble(Some(why)) => {
            board.warn(&format!("the sweep's journal cannot be written for now, trials go on: {why}"));
        }
        ProgressEvent::Trouble(None) => board.note("the sweep's journal is written again, with everything since"),
        ProgressEvent::Trial { what, standing, trials } => {
            board.happened(what, standing);
            if let Some(trials) = trials {
                board.matters = headline(&opened.space, &trials, opened.goal).or(board.matters.take());
            }
        }
    }
}

/// The instruction set that trials are computed with.
pub(super) fn instructions() -> &'static str {
    Isa::best().name()
}
