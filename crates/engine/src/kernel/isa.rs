//! Instruction sets: the same source compiled several times, the best chosen at run time.
//!
//! A [`Task`] is plain Rust over fixed-size arrays. [`Isa::run`] inlines it into a function compiled for the
//! chosen instruction set, where the compiler turns those arrays into vector registers. This file holds the
//! whole `unsafe` of that: calling a function compiled for features that were found on this processor.

/// An instruction set that this processor has.
///
/// Results agree between sets only up to rounding (fused multiply-add rounds once), so a run records its set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Isa(Level);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    Baseline,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// Work that is compiled for each instruction set. Implementations mark `run` as `#[inline(always)]`.
pub(crate) trait Task {
    /// Result of the task.
    type Output;

    /// Does the work. `FMA`: multiply-add is one instruction; `P`: most panels of a register tile, 1 or 4.
    fn run<const FMA: bool, const P: usize>(self) -> Self::Output;
}

impl Isa {
    /// The fastest instruction set of this processor.
    pub fn best() -> Self {
        Self::supported().next_back().expect("the baseline is always there")
    }

    /// Every instruction set that this processor has, from the slowest on.
    pub fn supported() -> impl DoubleEndedIterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let levels = {
            let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
            let avx512 = avx2
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512bw");
            [Some(Level::Baseline), avx2.then_some(Level::Avx2), avx512.then_some(Level::Avx512)]
        };
        #[cfg(not(target_arch = "x86_64"))]
        let levels = [Some(Level::Baseline)];
        levels.into_iter().flatten().map(Self)
    }

    /// The name of every instruction set of any processor that Handloom is built for.
    pub const NAMES: [&str; 3] = ["baseline", "avx2+fma", "avx512"];

    /// The name that a run records, one of [`Isa::NAMES`].
    pub fn name(self) -> &'static str {
        match self.0 {
            Level::Baseline => "baseline",
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => "avx2+fma",
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => "avx512",
        }
    }

    /// Runs `task` compiled for this instruction set.
    #[expect(unsafe_code, reason = "calls functions compiled for features that `supported` has found here")]
    pub(crate) fn run<T: Task>(self, task: T) -> T::Output {
        match self.0 {
            // On 64-bit Arm fused multiply-add belongs to the baseline.
            Level::Baseline => task.run::<{ cfg!(target_arch = "aarch64") }, 1>(),
            // SAFETY: a `Level` other than the baseline is made by `supported` alone, after finding its features.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { run_avx2(task) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => unsafe { run_avx512(task) },
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn run_avx2<T: Task>(task: T) -> T::Output {
    task.run::<true, 1>()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
fn run_avx512<T: Task>(task: T) -> T::Output {
    task.run::<true, 4>()
}

/// Asks the second-level cache for `line`, which will be needed soon.
#[inline(always)]
pub(crate) fn prefetch(line: &super::Lanes) {
    #[cfg(target_arch = "x86_64")]
    #[expect(unsafe_code, reason = "a hint of the processor that changes nothing, and belongs to its baseline")]
    // SAFETY: the address is that of a reference.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T1>(std::ptr::from_ref(line).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = line;
}
