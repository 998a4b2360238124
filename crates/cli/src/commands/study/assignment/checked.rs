//! The check of gradients, as `handloom gradcheck` makes it.

use handloom_engine::Machine;
use handloom_engine::gradcheck::{TOLERANCE, combinations};
use handloom_view::study::assignment::Gradcheck;

/// Seed of weights and data.
const SEED: u64 = 1;

pub(super) fn gradients() -> Gradcheck {
    let machine = Machine::new(1);
    let mut found = Gradcheck { tolerance: TOLERANCE, ..Gradcheck::default() };
    for combination in combinations() {
        let errors = combination.check(SEED, &machine);
        let worst = errors
            .iter()
            .copied()
            .fold(0.0, |worst: f64, error| if error > worst || error.is_nan() { error } else { worst });
        found.combinations += 1;
        found.agree += usize::from(worst <= TOLERANCE);
        if worst > found.worst || worst.is_nan() {
            (found.worst, found.at) = (worst, combination.to_string());
        }
    }
    found
}
