//! Chooses the number of threads of a training step by measuring both choices while training.
//!
//! A second thread helps where a step is long enough and a core is free. Neither can be known beforehand: a
//! shape has its own costs, and other programs come and go. So the other choice is tried now and then for a
//! step or two, and the faster one is kept. The result does not depend on it: the bits are the same for any
//! number of threads.

use std::time::Duration;

/// Steps of a trial. The first of them warms up.
const TRIAL: u32 = 3;

/// Steps between trials at first; doubled whenever a trial changes nothing.
const SHORTEST: u32 = 32;

/// Steps between trials at most.
const LONGEST: u32 = 2048;

/// A step of the team that takes this many times as long as the average one was held up by another program.
const HELD_UP: f64 = 4.0;

/// Hysteresis: the other choice must take less than this share of the time, so that noise does not switch back and forth.
const WORTH: f64 = 0.97;

/// Chooses between one thread and the whole team.
#[derive(Debug)]
pub(crate) struct Governor {
    threads: usize,
    together: bool,
    /// Seconds per image of the current choice, averaged over recent steps.
    current: f64,
    /// Steps until the next trial.
    wait: u32,
    /// Steps between trials.
    interval: u32,
    /// Steps of the trial under way, and the best of them in seconds per image.
    trial: Option<(u32, f64)>,
}

impl Governor {
    /// Begins with the whole team.
    pub(crate) fn new(threads: usize) -> Self {
        Self { threads, together: threads > 1, current: 0.0, wait: TRIAL, interval: SHORTEST, trial: None }
    }

    /// Threads for the next step.
    pub(crate) fn threads(&self) -> usize {
        if self.together == self.trial.is_none() { self.threads } else { 1 }
    }

    /// Takes note of what a step of `images` images took.
    pub(crate) fn took(&mut self, time: Duration, images: usize) {
        if self.threads <= 1 {
            return;
        }
        let cost = time.as_secs_f64() / images as f64;
        if let Some((steps, best)) = &mut self.trial {
            *steps += 1;
            *best = if *steps == 1 { f64::INFINITY } else { best.min(cost) };
            let (steps, best) = (*steps, *best);
            if steps >= TRIAL || cost > HELD_UP * self.current {
                self.decide(best);
            }
            return;
        }
        let held_up = self.together && self.current > 0.0 && cost > HELD_UP * self.current;
        self.current = if self.current == 0.0 || cost < self.current {
            cost
        } else {
            self.current + 0.1 * (cost.min(HELD_UP * self.current) - self.current)
        };
        self.wait = self.wait.saturating_sub(if held_up { self.interval / 4 + 1 } else { 1 });
        if self.wait == 0 {
            self.trial = Some((0, f64::INFINITY));
        }
    }

    fn decide(&mut self, other: f64) {
        if other < WORTH * self.current {
            self.together = !self.together;
            self.current = other;
            self.interval = SHORTEST;
        } else {
            self.interval = (2 * self.interval).min(LONGEST);
        }
        self.wait = self.interval;
        self.trial = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs steps whose time depends on the number of threads, and counts those that the team took.
    fn steps(governor: &mut Governor, count: u32, mut micros: impl FnMut(usize) -> u64) -> u32 {
        (0..count)
            .map(|_| {
                let threads = governor.threads();
                governor.took(Duration::from_micros(micros(threads)), 1);
                u32::from(threads > 1)
            })
            .sum()
    }

    #[test]
    fn the_faster_choice_is_found_and_kept() {
        let mut governor = Governor::new(2);
        assert!(steps(&mut governor, 2000, |threads| if threads == 2 { 60 } else { 100 }) > 1900);
        let mut governor = Governor::new(2);
        assert!(steps(&mut governor, 2000, |threads| if threads == 2 { 200 } else { 100 }) < 60);
    }

    #[test]
    fn a_machine_that_becomes_busy_is_noticed_and_one_that_becomes_free_again_too() {
        let mut governor = Governor::new(2);
        steps(&mut governor, 3000, |threads| if threads == 2 { 60 } else { 100 });
        let busy = steps(&mut governor, 3000, |threads| if threads == 2 { 4000 } else { 100 });
        assert!(busy < 60, "{busy} steps waited for a core");
        let free = steps(&mut governor, 6000, |threads| if threads == 2 { 60 } else { 100 });
        assert!(free > 3000, "{free}");
    }

    #[test]
    fn one_thread_needs_no_trials() {
        assert_eq!(steps(&mut Governor::new(1), 500, |_| 100), 0);
    }
}
