//! A team of threads that share the work of one model.
//!
//! A training step has a dozen parallel sections of a few microseconds, too short for system calls: the
//! threads spin for their next section. Where nothing comes they yield their core, and later sleep.
//! Work is cut into contiguous shares of whole units (output panels), so that each thread owns what it
//! writes. This file holds the `unsafe` of that: the shares of one slice, and a borrowed closure that the
//! other threads run before [`Team::run`] returns.

use std::cell::{Cell, UnsafeCell};
use std::marker::PhantomData;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};

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

struct Shared {
    /// The section to run, valid while `left` is not 0.
    section: UnsafeCell<Option<Section>>,
    /// Counts sections; a change starts one.
    round: AtomicUsize,
    /// Helpers that have not finished the section.
    left: AtomicUsize,
    /// A helper's section panicked.
    panicked: AtomicBool,
    /// The team is dropped.
    done: AtomicBool,
    /// Which helpers sleep.
    asleep: Vec<AtomicBool>,
}

type Section = *const (dyn Fn(usize) + Sync);

// SAFETY: `section` is written by the team's one caller while no helper runs (`left` is 0), and read by helpers
// only after they saw `round` change, which the caller does after writing.
#[expect(unsafe_code, reason = "see above")]
unsafe impl Sync for Shared {}
// SAFETY: as above; the pointer's target is `Sync`.
#[expect(unsafe_code, reason = "see above")]
unsafe impl Send for Shared {}

impl Team {
    /// A team of `threads`, the caller's included.
    pub(crate) fn new(threads: usize) -> Self {
        let helpers = threads.max(1) - 1;
        let shared = Arc::new(Shared {
            section: UnsafeCell::new(None),
            round: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            panicked: AtomicBool::new(false),
            done: AtomicBool::new(false),
            asleep: (0..helpers).map(|_| AtomicBool::new(false)).collect(),
        });
        let helpers: Vec<_> = (0..helpers)
            .map(|number| {
                let shared = Arc::clone(&shared);
                thread::Builder::new()
                    .name(format!("team-{}", number + 1))
                    .spawn(move || shared.help(number))
                    .expect("the system starts a thread")
            })
            .collect();
        Self { shared, limit: Cell::new(helpers.len() + 1), helpers, not_sync: PhantomData }
    }

    /// Threads of the team.
    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Lets at most `threads` threads share the sections to come; the others sleep.
    pub(crate) fn limit(&self, threads: usize) {
        self.limit.set(threads.clamp(1, self.threads()));
    }

    /// Cuts `a` and `b` into units of the given lengths and gives every thread a contiguous range of units.
    ///
    /// `work` is the number of multiply-adds of the whole section: a small one runs on the caller alone.
    pub(crate) fn split<A: Send, B: Send>(
        &self,
        work: usize,
        (a, a_unit): (&mut [A], usize),
        (b, b_unit): (&mut [B], usize),
        section: impl Fn(Range<usize>, &mut [A], &mut [B]) + Sync,
    ) {
        let units = a.len() / a_unit;
        assert!(a.len() == units * a_unit && b.len() == units * b_unit, "whole units");
        let threads = self.limit.get().min(units);
        if threads <= 1 || work < WORTHWHILE {
            return section(0..units, a, b);
        }
        // Pairs of panels share a register tile, so cut between pairs where there are enough.
        let pair = if units >= 2 * threads { 2 } else { 1 };
        let cut = |thread: usize| (units.div_ceil(pair) * thread / threads * pair).min(units);
        let (a, b) = (Start(a.as_mut_ptr()), Start(b.as_mut_ptr()));
        self.run(&|thread| {
            if thread < threads {
                let range = cut(thread)..cut(thread + 1);
                // SAFETY: ranges of different threads do not overlap and lie within the slices borrowed above.
                #[expect(unsafe_code, reason = "disjoint shares of one slice")]
                let (a, b) = unsafe { (a.share(&range, a_unit), b.share(&range, b_unit)) };
                section(range, a, b);
            }
        });
    }

    /// Runs `section(thread)` on every thread and returns when all are done.
    fn run(&self, section: &(dyn Fn(usize) + Sync)) {
        let shared = &*self.shared;
        // SAFETY: helpers use the pointer only until `left` is 0, which is waited for below, also if the
        // caller's own share panics. The transmute extends the lifetime for that while alone.
        #[expect(unsafe_code, reason = "see above")]
        unsafe {
            *shared.section.get() = Some(std::mem::transmute::<&(dyn Fn(usize) + Sync), Section>(section));
        }
        shared.left.store(self.helpers.len(), Ordering::Relaxed);
        shared.round.fetch_add(1, Ordering::SeqCst);
        for (asleep, helper) in shared.asleep.iter().zip(&self.helpers) {
            if asleep.swap(false, Ordering::SeqCst) {
                helper.thread().unpark();
            }
        }
        let own = catch_unwind(AssertUnwindSafe(|| section(0)));
        let mut waited = 0;
        while shared.left.load(Ordering::Acquire) > 0 {
            wait(&mut waited);
        }
        if let Err(panic) = own {
            resume_unwind(panic);
        }
        assert!(!shared.panicked.load(Ordering::Relaxed), "a thread of the team panicked");
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::SeqCst);
        self.shared.round.fetch_add(1, Ordering::SeqCst);
        for helper in self.helpers.drain(..) {
            helper.thread().unpark();
            // A helper catches its panics; there is nothing left to report.
            let _ = helper.join();
        }
    }
}

impl Shared {
    fn help(&self, number: usize) {
        let mut seen = 0;
        loop {
            let mut waited = 0;
            while self.round.load(Ordering::Acquire) == seen {
                if waited < SPINS + YIELDS {
                    wait(&mut waited);
                } else {
                    self.asleep[number].store(true, Ordering::SeqCst);
                    if self.round.load(Ordering::SeqCst) == seen {
                        thread::park();
                    }
                    self.asleep[number].store(false, Ordering::SeqCst);
                }
            }
            seen = seen.wrapping_add(1);
            if self.done.load(Ordering::SeqCst) {
                return;
            }
            // SAFETY: the caller has set the section before the round that was seen, and keeps it until `left` is 0.
            #[expect(unsafe_code, reason = "see above")]
            let section = unsafe { &*(*self.section.get()).expect("a round has a section") };
            if catch_unwind(AssertUnwindSafe(|| section(number + 1))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.left.fetch_sub(1, Ordering::Release);
        }
    }
}

/// Waits a moment: first spinning, then leaving the core to others.
fn wait(waited: &mut u32) {
    *waited = waited.saturating_add(1);
    if *waited < SPINS { std::hint::spin_loop() } else { thread::yield_now() }
}

/// The start of a slice of which threads take shares.
struct Start<T>(*mut T);

// SAFETY: shares are disjoint, so this is as sending `&mut [T]` to each thread.
#[expect(unsafe_code, reason = "see above")]
unsafe impl<T: Send> Sync for Start<T> {}

impl<T> Start<T> {
    /// The units `range` of the slice.
    ///
    /// # Safety
    /// `range` is within the slice, and no other share of it that is alive overlaps it.
    #[expect(unsafe_code, reason = "see above")]
    #[expect(clippy::mut_from_ref, reason = "disjointness is the caller's promise")]
    unsafe fn share(&self, range: &Range<usize>, unit: usize) -> &mut [T] {
        // SAFETY: promised by the caller.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(range.start * unit), range.len() * unit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_is_worked_on_once_by_any_number_of_threads() {
        for threads in [1, 2, 3, 8] {
            let team = Team::new(threads);
            for units in 1..20 {
                for work in [0, usize::MAX] {
                    let (mut a, mut b) = (vec![0; 3 * units], vec![0; units]);
                    team.split(work, (&mut a, 3), (&mut b, 1), |range, a, b| {
                        for a in a.iter_mut() {
                            *a += 1;
                        }
                        for (b, unit) in b.iter_mut().zip(range) {
                            *b += unit;
                        }
                    });
                    assert!(a.iter().all(|&a| a == 1) && b.into_iter().eq(0..units), "{threads} {units}");
                }
            }
        }
    }

    #[test]
    fn a_panic_in_any_share_reaches_the_caller_and_the_team_lives_on() {
        let team = Team::new(2);
        for bad in [0, 1] {
            let fall = AssertUnwindSafe(|| {
                team.split(usize::MAX, (&mut [0, 1], 1), (&mut [], 0), |range, _, _: &mut [u8]| {
                    assert_ne!(range.start, bad, "fell");
                });
            });
            assert!(catch_unwind(fall).is_err());
            team.shared.panicked.store(false, Ordering::Relaxed);
        }
        team.split(usize::MAX, (&mut [0, 1], 1), (&mut [], 0), |_, _, _: &mut [u8]| ());
    }
}
