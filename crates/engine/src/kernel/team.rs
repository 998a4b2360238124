//! A team of threads that share the work of one model.
//!
//! A training step has a dozen parallel sections of a few microseconds, too short for system calls: the
//! threads spin for their next section. Where nothing comes they yield their core, and later sleep.
//! `share.rs` cuts what a section writes. This file holds the `unsafe` of running it: a borrowed closure that
//! the other threads call before [`Team::run`] returns.

use std::any::Any;
use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::share::Split;

/// Spins before a waiting thread yields its core, about 10 µs.
const SPINS: u32 = 2_000;

/// Yields before it sleeps.
const YIELDS: u32 = 200;

/// Multiply-adds below which a section runs on one thread: waking the others costs as much.
const WORTHWHILE: usize = 100_000;

/// Threads that run sections of work together; dropping it ends them.
pub(crate) struct Team {
    shared: Arc<Shared>,
    helpers: Vec<JoinHandle<()>>,
    /// Threads that share the next sections.
    limit: Cell<usize>,
    /// One caller at a time, and none from within a section.
    not_sync: PhantomData<Cell<()>>,
}

/// A value with cache lines of its own. Two lines: the processor fetches them in pairs.
#[repr(align(128))]
struct Line<T>(T);

struct Shared {
    order: Line<Order>,
    helpers: Vec<Line<Helper>>,
    /// True if `panic` has one, so that a section without panics locks nothing.
    panicked: AtomicBool,
    /// The first panic of a helper in the present section, for the caller.
    panic: Mutex<Option<Panic>>,
}

/// Payload of a panic.
type Panic = Box<dyn Any + Send>;

/// Fields that the caller writes and helpers wait for: all in one line, so that seeing a round brings its section
/// along.
struct Order {
    /// Counts sections; a change starts one.
    round: AtomicUsize,
    /// The section to run, valid until every helper has finished the round.
    section: UnsafeCell<Option<Section>>,
    /// The team is dropped.
    done: AtomicBool,
}

/// Fields that a helper writes.
#[derive(Default)]
struct Helper {
    /// The last round that it has finished.
    finished: AtomicUsize,
    /// It sleeps, or is about to.
    asleep: AtomicBool,
}

type Section = *const (dyn Fn(usize) + Sync);

// SAFETY: `section` is written by the team's one caller while no helper runs (all have finished the round), and read
// by helpers only after they saw `round` change, which the caller does after writing.
#[expect(unsafe_code, reason = "see above")]
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer's target is `Sync`.
#[expect(unsafe_code, reason = "see above")]
unsafe impl Send for Shared {}

impl Team {
    /// A team of `threads`, the caller's included, or of as many as the system starts: results are the same.
    pub(crate) fn new(threads: usize) -> Self {
        Self::within(threads, usize::MAX)
    }

    /// The same where the system starts at most `most` helpers.
    fn within(threads: usize, most: usize) -> Self {
        let mut threads = threads;
        loop {
            match Self::started(threads, most) {
                Ok(team) => return team,
                // Those that were started have ended; without them there is room for a smaller team.
                Err(helpers) => threads = helpers + 1,
            }
        }
    }

    /// A team of exactly `threads`, or the number of helpers that could be started.
    fn started(threads: usize, most: usize) -> Result<Self, usize> {
        let helpers = threads.max(1) - 1;
        let shared = Arc::new(Shared {
            order: Line(Order {
                round: AtomicUsize::new(0),
                section: UnsafeCell::new(None),
                done: AtomicBool::new(false),
            }),
            helpers: (0..helpers).map(|_| Line(Helper::default())).collect(),
            panicked: AtomicBool::new(false),
            panic: Mutex::new(None),
        });
        let mut team = Self { shared, limit: Cell::new(helpers + 1), helpers: Vec::new(), not_sync: PhantomData };
        for number in 0..helpers {
            let shared = Arc::clone(&team.shared);
            let helper = thread::Builder::new().name(format!("team-{}", number + 1));
            match helper.spawn(move || shared.help(number)) {
                Ok(helper) if number < most => team.helpers.push(helper),
                _ => return Err(number),
            }
        }
        Ok(team)
    }

    /// Threads of the team.
    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Lets at most `threads` threads share the sections to come; the others sleep.
    pub(crate) fn limit(&self, threads: usize) {
        self.limit.set(threads.clamp(1, self.threads()));
    }

    /// Cuts `split` into a part for each thread and runs `section(thread, part)` on as many threads as it has units;
    /// returns how many that were.
    ///
    /// A panic in any part is the caller's, once all parts have ended; the team can then run further sections.
    ///
    /// `work` is the number of multiply-adds of the whole section: a small one runs on the caller alone.
    #[expect(clippy::needless_pass_by_value, reason = "what has been cut must not be cut again")]
    pub(crate) fn run<S: Split>(&self, work: usize, split: S, section: impl Fn(usize, S::Part) + Sync) -> usize {
        let threads = if work < WORTHWHILE { 1 } else { self.limit.get().min(split.units()).max(1) };
        let part = |thread: usize| {
            // SAFETY: this is called once for each thread, and `split` ends with this section.
            #[expect(unsafe_code, reason = "parts of one section")]
            section(thread, unsafe { split.part(thread, threads) });
        };
        if threads == 1 {
            part(0);
        } else {
            self.all(&|thread| {
                if thread < threads {
                    part(thread);
                }
            });
        }
        threads
    }

    /// Runs `section(thread)` on every thread and returns when all are done.
    fn all(&self, section: &(dyn Fn(usize) + Sync)) {
        let Shared { order: Line(order), helpers, .. } = &*self.shared;
        // SAFETY: helpers use the pointer only until they have finished the round, which is waited for below, also
        // if the caller's own share panics. The transmute extends the lifetime for that while alone.
        #[expect(unsafe_code, reason = "see above")]
        unsafe {
            *order.section.get() = Some(std::mem::transmute::<&(dyn Fn(usize) + Sync), Section>(section));
        }
        let round = order.round.fetch_add(1, Ordering::SeqCst).wrapping_add(1);
        for (Line(helper), thread) in helpers.iter().zip(&self.helpers) {
            if helper.asleep.load(Ordering::SeqCst) {
                thread.thread().unpark();
            }
        }
        let own = catch_unwind(AssertUnwindSafe(|| section(0)));
        for Line(helper) in helpers {
            let mut waited = 0;
            while helper.finished.load(Ordering::Acquire) != round {
                wait(&mut waited);
            }
        }
        // A panic of the caller's own part goes first. Those of helpers are taken all the same, or the next section would
        // raise them.
        let theirs = self.shared.take_panic();
        if let Some(panic) = own.err().or(theirs) {
            resume_unwind(panic);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.order.0.done.store(true, Ordering::SeqCst);
        self.shared.order.0.round.fetch_add(1, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches its panics; there is nothing left to report.
            let _ = helper.join();
        }
    }
}

impl Shared {
    fn help(&self, number: usize) {
        let (Line(order), Line(own)) = (&self.order, &self.helpers[number]);
        let mut seen = 0;
        loop {
            let mut waited = 0;
            while order.round.load(Ordering::Acquire) == seen {
                if waited < SPINS + YIELDS {
                    wait(&mut waited);
                } else {
                    own.asleep.store(true, Ordering::SeqCst);
                    if order.round.load(Ordering::SeqCst) == seen {
                        thread::park();
                    }
                    own.asleep.store(false, Ordering::SeqCst);
                }
            }
            seen = seen.wrapping_add(1);
            if order.done.load(Ordering::Relaxed) {
                return;
            }
            // SAFETY: the caller has set the section before the round that was seen, and keeps it until all have
            // finished the round.
            #[expect(unsafe_code, reason = "see above")]
            let section = unsafe { &*(*order.section.get()).expect("a round has a section") };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| section(number + 1))) {
                self.panic.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(panic);
                self.panicked.store(true, Ordering::Relaxed);
            }
            own.finished.store(seen, Ordering::Release);
        }
    }

    /// Takes the panic of a helper, if there is one. All helpers have finished the section.
    fn take_panic(&self) -> Option<Panic> {
        if !self.panicked.load(Ordering::Relaxed) {
            return None;
        }
        self.panicked.store(false, Ordering::Relaxed);
        self.panic.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Waits a moment: first spinning, then leaving the core to others. True if it spun.
fn wait(waited: &mut u32) -> bool {
    *waited = waited.saturating_add(1);
    let spins = *waited <= SPINS;
    if spins {
        std::hint::spin_loop();
    } else {
        thread::yield_now();
    }
    spins
}

#[cfg(test)]
mod tests {
    use super::super::share::{Each, Share, Units};
    use super::*;

    #[test]
    fn every_unit_is_worked_on_once_by_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let team = Team::new(threads);
            for units in 1..20 {
                for work in [0, usize::MAX] {
                    let (mut a, mut b, mut own) = (vec![0; 3 * units], vec![0; 2], vec![usize::MAX; threads]);
                    let split = ((Units::new(&mut a, units), Units::new(&mut b, 2)), Each::new(&mut own));
                    let shared = team.run(work, split, |thread, ((a, b), own)| {
                        for a in a.data.iter_mut() {
                            *a += 1;
                        }
                        for (b, unit) in b.data.iter_mut().zip(b.range) {
                            *b += 1 + unit;
                        }
                        *own = thread;
                    });
                    assert!(a.iter().all(|&a| a == 1) && b == [1, 2], "{threads} {units}");
                    assert!(own[..shared].iter().copied().eq(0..shared));
                    assert!(own[shared..].iter().all(|&own| own == usize::MAX));
                }
            }
        }
    }

    #[test]
    fn where_the_system_starts_few_threads_the_team_is_as_large_as_they_are() {
        for (threads, most, expected) in [(8, 0, 1), (8, 2, 3), (3, 2, 3), (1, 0, 1)] {
            let team = Team::within(threads, most);
            assert_eq!(team.threads(), expected);
            assert_eq!(team.run(usize::MAX, Units::new(&mut [0; 8], 8), |_, _| ()), expected);
        }
    }

    #[test]
    fn a_panic_in_any_part_reaches_the_caller_with_its_message_and_the_team_works_on() {
        let team = Team::new(3);
        let message = |bad: &[usize]| {
            let section = |thread: usize, _: Share<'_, i32>| {
                assert!(!bad.contains(&thread), "part {thread} failed");
            };
            let run = AssertUnwindSafe(|| team.run(usize::MAX, Units::new(&mut [0; 3], 3), section));
            catch_unwind(run).map_err(|panic| panic.downcast_ref::<String>().cloned().unwrap_or_default())
        };
        for bad in 0..3 {
            assert_eq!(message(&[bad]), Err(format!("part {bad} failed")));
            assert_eq!(message(&[]), Ok(3), "the panic before is over");
        }
        // Of several the caller's own; a helper's does not come up later.
        assert_eq!(message(&[0, 1, 2]), Err("part 0 failed".into()));
        assert_eq!(message(&[]), Ok(3), "no panic is left over");
        let both = message(&[1, 2]).unwrap_err();
        assert!(["part 1 failed", "part 2 failed"].contains(&both.as_str()), "{both}");
        let mut sums = [1, 2, 3];
        team.run(usize::MAX, Units::new(&mut sums, 3), |_, part| part.data.iter_mut().for_each(|x| *x *= 10));
        assert_eq!(sums, [10, 20, 30]);
    }

    #[test]
    fn a_thread_spins_as_often_as_it_is_said_to_before_it_yields() {
        let mut waited = 0;
        assert!((0..SPINS).all(|_| wait(&mut waited)));
        assert!(!wait(&mut waited), "the next one yields");
    }
}
