//! The training loop.

use std::ops::ControlFlow;
use std::time::Instant;

use crate::config::{Config, Weights};
use crate::dataset::Dataset;
use crate::event::{Divergence, EpochMetrics, Event, Observer, Outcome};
use crate::evidence::Diagnostics;
use crate::governor::Governor;
use crate::network::Network;
use crate::numerics::Numerics;
use crate::pass::Machine;
use crate::rng::Rng;
use crate::session::{Best, Session, Stepper};

/// Divergence threshold: ratio of an epoch's mean loss to the first batch's loss.
const EXPLODED: f64 = 100.0;

/// Result of a training.
pub struct Trained {
    /// Reason of the end.
    pub outcome: Outcome,
    /// Network with the weights that [`Config::weights`] selects: of the best epoch, or of the last finished one.
    pub network: Network,
    /// Epoch of those weights, 0 if none was finished.
    pub epoch: u64,
    /// Figures of finished epochs.
    pub rows: Vec<EpochMetrics>,
    /// Norm of each layer's gradient before the first step, as in [`Event::Started`].
    pub initial_norms: Option<Vec<f64>>,
}

/// The widths of the network that `config` describes for `data`: `[inputs, hidden ..., classes]`.
pub fn sizes(config: &Config, data: &Dataset) -> Vec<usize> {
    [&[data.pixels()], config.hidden_size.as_slice(), &[data.classes.len()]].concat()
}

/// Trains a new network on `data`, of which the configured share is kept for validation.
pub fn train(config: &Config, data: &Dataset, machine: &Machine, watch: &mut dyn Observer) -> Trained {
    let network = Network::new(&sizes(config, data), config.activation.clone(), &config.weight_init, config.seed);
    resume(config, data, Session::new(config, &network), machine, watch)
}

/// Trains on from `session` up to the configured number of epochs.
///
/// The order of images in an epoch is a function of the seed and the epoch's number, so the result is the
/// same, bit for bit, as that of a training that was never interrupted.
pub fn resume(
    config: &Config,
    data: &Dataset,
    mut session: Session,
    machine: &Machine,
    watch: &mut dyn Observer,
) -> Trained {
    assert!(!data.is_empty(), "a data set has images");
    let (train_rows, val_rows) = data.split(config.val_fraction);
    assert!(!train_rows.is_empty(), "a validation share of {} leaves no image to train on", config.val_fraction);
    let batch = config.batch_size.min(train_rows.len());
    let mut stepper = Stepper::new(config, &session.network, machine, batch);
    let mut diagnostics = Diagnostics::new(&session.network, machine, data, &train_rows, &val_rows);
    let mut governor = Governor::new(machine.team.threads());
    let (steps, images) = (train_rows.len().div_ceil(batch) as u64, train_rows.len() as u64);
    session.arithmetic = Some(session.arithmetic_with(&Numerics::of(machine.isa())));
    let initial_norms =
        (session.epoch == 0).then(|| diagnostics.gradient_norms(&session.network, &config.loss, machine));
    let told = watch.on(&Event::Started { session: &session, steps, images, initial_norms: initial_norms.as_deref() });
    let mut outcome = ended(told);
    // The last finished epoch's weights: what is left if a later epoch diverges or is not finished.
    let mut last_good = session.network();
    while outcome.is_none() && session.epoch < config.epochs {
        let finished = session.epoch;
        outcome = epoch(
            config,
            data,
            &mut session,
            &mut stepper,
            &mut diagnostics,
            &mut governor,
            machine,
            &train_rows,
            watch,
        );
        if session.epoch > finished {
            last_good = session.network();
        }
    }
    let rows = std::mem::take(&mut session.rows);
    let outcome = outcome.unwrap_or(Outcome::Finished);
    match session.best {
        Some(Best { epoch, network, .. }) if config.weights == Weights::Best => {
            Trained { outcome, network, epoch, rows, initial_norms }
        }
        _ => Trained { outcome, network: last_good, epoch: session.epoch, rows, initial_norms },
    }
}

/// Norm of each layer's gradient before the first step of a training of `network`, as [`Event::Started`] has it.
pub fn initial_norms(config: &Config, data: &Dataset, network: &Network, machine: &Machine) -> Vec<f64> {
    let (train_rows, _) = data.split(config.val_fraction);
    Diagnostics::new(network, machine, data, &train_rows, &[]).gradient_norms(network, &config.loss, machine)
}

/// Takes the first `steps` optimizer steps of a training, at most an epoch of them, and shows the network before each.
///
/// Unlike [`train`] it neither validates nor returns a network; use it to inspect single steps.
pub fn steps(config: &Config, data: &Dataset, steps: usize, machine: &Machine, watch: &mut dyn FnMut(&Network)) {
    let network = Network::new(&sizes(config, data), config.activation.clone(), &config.weight_init, config.seed);
    let mut session = Session::new(config, &network);
    let (train_rows, _) = data.split(config.val_fraction);
    assert!(!train_rows.is_empty(), "a validation share of {} leaves no image to train on", config.val_fraction);
    let batch = config.batch_size.min(train_rows.len());
    let mut stepper = Stepper::new(config, &session.network, machine, batch);
    for rows in order(config, &train_rows, 1).chunks(batch).take(steps) {
        watch(&session.network());
        stepper.step(&mut session, machine, data, rows);
    }
}

/// One epoch. `Some` if the run ends with it.
#[expect(clippy::too_many_arguments, reason = "one caller, and each is a thing of its own")]
fn epoch(
    config: &Config,
    data: &Dataset,
    session: &mut Session,
    stepper: &mut Stepper,
    diagnostics: &mut Diagnostics<'_>,
    governor: &mut Governor,
    machine: &Machine,
    train_rows: &[u32],
    watch: &mut dyn Observer,
) -> Option<Outcome> {
    let started = Instant::now();
    let epoch = session.epoch + 1;
    let order = order(config, train_rows, epoch);
    let mut tally = crate::BatchStats::default();
    let batches = order.len().div_ceil(config.batch_size);
    for (number, rows) in order.chunks(config.batch_size.min(order.len())).enumerate() {
        if number + 1 == batches {
            diagnostics.before_last_step(&session.network);
        }
        let begun = Instant::now();
        machine.team.limit(governor.threads());
        let batch = stepper.step(session, machine, data, rows);
        governor.took(begun.elapsed(), rows.len());
        session.first_loss.get_or_insert(batch.mean_loss());
        if !batch.loss.is_finite() {
            return Some(Outcome::Diverged { epoch, batch: number as u64 + 1, why: Divergence::Loss });
        }
        tally.add(batch);
        if let ControlFlow::Break(reason) = watch.on(&Event::Stepped { epoch, images: tally.rows }) {
            return Some(Outcome::Stopped(reason));
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let explosion = tally.mean_loss() / session.first_loss.expect("an epoch has a batch");
    if !session.network.is_finite() {
        return Some(Outcome::Diverged { epoch, batch: batches as u64, why: Divergence::Weight });
    }
    if explosion > EXPLODED {
        return Some(Outcome::Diverged { epoch, batch: batches as u64, why: Divergence::Exploded(explosion) });
    }
    let started = Instant::now();
    let validated = diagnostics.validate(&session.network, &config.loss, machine);
    let row = EpochMetrics {
        epoch,
        train_loss: tally.mean_loss(),
        train_accuracy: tally.accuracy(),
        val_loss: validated.map(crate::BatchStats::mean_loss),
        val_accuracy: validated.map(crate::BatchStats::accuracy),
        learning_rate: config.rate(),
        samples_per_second: order.len() as f64 / seconds,
        seconds,
        val_seconds: started.elapsed().as_secs_f64(),
    };
    let evidence = diagnostics.evidence(&session.network, &config.loss, machine);
    let before = session.best.as_ref().map_or(-1.0, |best| best.val_accuracy);
    let best = row.val_accuracy.filter(|&accuracy| accuracy > before);
    if let Some(val_accuracy) = best {
        session.best = Some(Best { epoch, val_accuracy, network: session.network() });
    }
    session.epoch = epoch;
    session.rows.push(row);
    let row = &session.rows[session.rows.len() - 1];
    ended(watch.on(&Event::Epoch { row, evidence: &evidence, best: best.is_some(), session }))
}

/// The order in which epoch `epoch` takes the images `rows`.
fn order(config: &Config, rows: &[u32], epoch: u64) -> Vec<u32> {
    let mut order = rows.to_vec();
    if config.shuffle {
        Rng::stream(config.seed, "shuffle", epoch).shuffle(&mut order);
    }
    order
}

fn ended(told: ControlFlow<&'static str>) -> Option<Outcome> {
    told.break_value().map(Outcome::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_epoch_takes_every_image_once_in_an_order_of_its_own() {
        let rows: Vec<u32> = (0..500).filter(|row| row % 7 != 0).collect();
        let config = Config::default();
        let orders: Vec<_> = (1..=4).map(|epoch| order(&config, &rows, epoch)).collect();
        for (epoch, order) in orders.iter().enumerate() {
            let mut sorted = order.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, rows);
            let stay = |other: &[u32]| order.iter().zip(other).filter(|(a, b)| a == b).count();
            assert!(stay(&rows) < 10 && orders[..epoch].iter().all(|other| stay(other) < 10), "as chance has it");
        }
        assert_ne!(order(&Config { seed: 2, ..Config::default() }, &rows, 1), orders[0]);
        assert_eq!(order(&Config { shuffle: false, ..Config::default() }, &rows, 3), rows);
    }
}
