//! Splits the output buffers of a parallel section into one part per thread.
//!
//! A part is an ordinary `&mut`, so that what threads do with their parts is safe code. This file holds the
//! `unsafe` of cutting: parts of different threads never overlap.
#![expect(unsafe_code, reason = "parts of a slice for several threads at once; see each item")]

use std::marker::PhantomData;
use std::ops::Range;

/// Something that is cut into one part for each thread; pairs are cut part by part.
///
/// # Safety
/// Parts that one value hands to different threads may be used at the same time: they do not overlap.
pub(crate) unsafe trait Split: Sync {
    /// Part of one thread.
    type Part;

    /// Most threads that would all get something.
    fn units(&self) -> usize;

    /// The part of thread number `thread` of `threads`.
    ///
    /// # Safety
    /// Called with one value of `threads` only, and once at most for each `thread` below it.
    unsafe fn part(&self, thread: usize, threads: usize) -> Self::Part;
}

// SAFETY: parts of either half do not overlap, and the halves themselves do not, as both borrow exclusively.
unsafe impl<A: Split, B: Split> Split for (A, B) {
    type Part = (A::Part, B::Part);

    fn units(&self) -> usize {
        self.0.units().max(self.1.units())
    }

    unsafe fn part(&self, thread: usize, threads: usize) -> Self::Part {
        // SAFETY: promised by the caller.
        unsafe { (self.0.part(thread, threads), self.1.part(thread, threads)) }
    }
}

/// A slice of whole units (output panels), of which each thread gets a contiguous range.
pub(crate) struct Units<'a, T> {
    start: *mut T,
    /// Elements of a unit.
    unit: usize,
    /// Units.
    count: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

/// A thread's range of units.
pub(crate) struct Share<'a, T> {
    /// Range of units.
    pub(crate) range: Range<usize>,
    /// Their elements.
    pub(crate) data: &'a mut [T],
}

impl<'a, T> Units<'a, T> {
    /// `data` as `count` units of equal length.
    pub(crate) fn new(data: &'a mut [T], count: usize) -> Self {
        let unit = data.len().checked_div(count).unwrap_or(0);
        assert_eq!(data.len(), count * unit, "whole units");
        Self { start: data.as_mut_ptr(), unit, count, borrowed: PhantomData }
    }

    /// The first unit of a thread. Pairs of panels share a register tile, so the cut is between pairs where there
    /// are enough. What is left over goes to the first threads: the caller, which has the last layer in its cache.
    fn cut(&self, thread: usize, threads: usize) -> usize {
        let pair = if self.count >= 2 * threads { 2 } else { 1 };
        ((self.count.div_ceil(pair) * thread).div_ceil(threads) * pair).min(self.count)
    }
}

// SAFETY: handing out parts is as sending `&mut [T]` to each thread.
unsafe impl<T: Send> Sync for Units<'_, T> {}

// SAFETY: `cut` does not decrease from one thread to the next, so ranges do not overlap.
unsafe impl<'a, T: Send> Split for Units<'a, T> {
    type Part = Share<'a, T>;

    fn units(&self) -> usize {
        self.count
    }

    unsafe fn part(&self, thread: usize, threads: usize) -> Share<'a, T> {
        let range = self.cut(thread, threads)..self.cut(thread + 1, threads);
        // SAFETY: `range` is within the slice, which is borrowed for 'a, and no other part has any of it.
        let data =
            unsafe { std::slice::from_raw_parts_mut(self.start.add(range.start * self.unit), range.len() * self.unit) };
        Share { range, data }
    }
}

/// A slice of which each thread gets the element of its own number.
pub(crate) struct Each<'a, T> {
    start: *mut T,
    count: usize,
    borrowed: PhantomData<&'a mut [T]>,
}

impl<'a, T> Each<'a, T> {
    /// One element of `data` for each thread; there are enough.
    pub(crate) fn new(data: &'a mut [T]) -> Self {
        Self { start: data.as_mut_ptr(), count: data.len(), borrowed: PhantomData }
    }
}

// SAFETY: as for `Units`.
unsafe impl<T: Send> Sync for Each<'_, T> {}

// SAFETY: each thread gets an element of its own.
unsafe impl<'a, T: Send> Split for Each<'a, T> {
    type Part = &'a mut T;

    /// It follows the number of threads, and asks for none.
    fn units(&self) -> usize {
        0
    }

    unsafe fn part(&self, thread: usize, _: usize) -> &'a mut T {
        assert!(thread < self.count, "an element for each thread");
        // SAFETY: the element is within the slice, which is borrowed for 'a, and no other thread gets it.
        unsafe { &mut *self.start.add(thread) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_belongs_to_one_thread() {
        for threads in 1..9 {
            for units in 0..40 {
                let mut data = vec![0; 3 * units];
                let split = Units::new(&mut data, units);
                let mut next = 0;
                for thread in 0..threads {
                    // SAFETY: once for each thread.
                    let share = unsafe { split.part(thread, threads) };
                    assert_eq!((share.range.start, share.data.len()), (next, 3 * share.range.len()));
                    next = share.range.end;
                }
                assert_eq!(next, units, "{threads} threads");
            }
        }
    }
}
