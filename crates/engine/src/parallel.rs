//! A job in parts, each on a thread of its own, or on the caller's where the system starts no more threads.

use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

/// Maps `work` over `parts` on one thread each and returns the results in the order of the parts. The caller's thread takes the first.
///
/// A limit on threads or memory may keep a thread from starting, and [`std::thread::Scope::spawn`] panics then. Here such a
/// part is done by the caller, so that the job takes longer but is done.
pub fn parallel<P: Send, R: Send>(parts: impl IntoIterator<Item = P>, work: impl Fn(P) -> R + Sync) -> Vec<R> {
    // A thread that does not start drops its closure, so a part waits here until it is taken.
    let parts: Vec<Mutex<Option<P>>> = parts.into_iter().map(|part| Mutex::new(Some(part))).collect();
    let done = |part: &Mutex<Option<P>>| part.lock().unwrap_or_else(PoisonError::into_inner).take().map(&work);
    scope(|scope| {
        let done = &done;
        let others: Vec<_> =
            parts.iter().skip(1).map(|part| Builder::new().spawn_scoped(scope, move || done(part))).collect();
        let mut results: Vec<R> = parts.first().and_then(done).into_iter().collect();
        for (part, other) in parts.iter().skip(1).zip(others) {
            results.extend(match other {
                Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => done(part),
            });
        }
        results
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once_and_in_order() {
        for count in [0, 1, 2, 7] {
            let mut numbers: Vec<u32> = (0..count).collect();
            let doubled = parallel(numbers.iter_mut(), |number| {
                *number += 1;
                *number * 2
            });
            assert_eq!(doubled, (1..=count).map(|number| number * 2).collect::<Vec<_>>());
            assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
        }
    }
}
