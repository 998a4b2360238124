//! The identity of the arithmetic that trained a network: which other builds and processors give the same bits.

use serde::{Deserialize, Serialize};

use crate::kernel::Isa;

/// Version of the arithmetic of this build, raised whenever the weights of any committed training change.
///
/// Two builds with the same number train the same weights, bit for bit, on one architecture and instruction set. The
/// version of the program cannot say so: it may stay while arithmetic changes, or change while arithmetic stays.
/// `goldens/weights.json` holds the hashes, and its test refuses other hashes under the same number.
pub const NUMERICS: u32 = 1;

/// The identity of the arithmetic that trained a network.
///
/// Equal values promise equal bits. A value that is missing, as in files of programs that did not record it, is equal
/// to nothing: [`Numerics::same_bits`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numerics {
    /// [`NUMERICS`] of the build.
    pub numerics: Option<u32>,
    /// Processor architecture, such as `x86_64`.
    pub arch: Option<String>,
    /// Name of the instruction set, such as `avx512`.
    pub isa: Option<String>,
}

impl Numerics {
    /// The arithmetic of this build with an instruction set.
    pub fn of(isa: Isa) -> Self {
        Self { numerics: Some(NUMERICS), arch: Some(std::env::consts::ARCH.into()), isa: Some(isa.name().into()) }
    }

    /// True if both are known and equal, so that the same training gives the same bits.
    pub fn same_bits(&self, other: &Self) -> bool {
        self.numerics.is_some() && self.arch.is_some() && self.isa.is_some() && self == other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_and_equal_gives_the_same_bits() {
        let here = Numerics::of(Isa::best());
        assert!(here.same_bits(&here.clone()));
        let other = |change: fn(&mut Numerics)| {
            let mut other = here.clone();
            change(&mut other);
            other
        };
        for other in [
            other(|n| n.numerics = Some(0)),
            other(|n| n.numerics = None),
            other(|n| n.arch = Some("mips".into())),
            other(|n| n.arch = None),
            other(|n| n.isa = Some("neon".into())),
            other(|n| n.isa = None),
        ] {
            assert!(!here.same_bits(&other) && !other.same_bits(&here), "{other:?}");
        }
        assert!(!Numerics::default().same_bits(&Numerics::default()), "two unknowns are not the same");
    }
}
