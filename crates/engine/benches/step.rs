//! Time of the kernels, measured through the public interface: `cargo bench -p handloom-engine`.
//!
//! One training step of each workload (gather, forward, backward, update), one batch's gradient without the
//! update, and 1,000 rows evaluated and predicted. One thread. Whole epochs against other tools: `bench/run`.

use std::hint::black_box;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use handloom_engine::Machine;
use handloom_engine::config::Config;
use handloom_engine::dataset::Dataset;
use handloom_engine::event::Event;
use handloom_engine::network::Network;
use handloom_engine::train::{sizes, train};

mod workload;

/// Batches of the data set that steps are taken on.
const BATCHES: usize = 32;

/// Time of `count` training steps, without what happens between epochs.
fn steps(config: &Config, data: &Dataset, machine: &Machine, count: u64) -> Duration {
    let (mut taken, mut total, mut last) = (0, Duration::ZERO, None);
    let trained = train(config, data, machine, &mut |event: &Event<'_>| {
        if let Event::Stepped { epoch, .. } = *event {
            let now = Instant::now();
            // From the end of one step to that of the next of the same epoch.
            if let Some((_, before)) = last.filter(|&(last_epoch, _)| last_epoch == epoch) {
                total += now - before;
                taken += 1;
            }
            last = Some((epoch, now));
        }
        if taken < count { ControlFlow::Continue(()) } else { ControlFlow::Break("enough steps") }
    });
    black_box(trained.epoch);
    total
}

fn main() {
    let mut criterion =
        Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3)).configure_from_args();
    let machine = Machine::new(1);
    for (name, config) in workload::all() {
        let data = workload::images((config.batch_size * BATCHES).max(1000));
        let network = Network::new(&sizes(&config, &data), config.activation.clone(), &config.weight_init, config.seed);
        let rows: Vec<u32> = (0..1000).collect();
        let batch = &rows[..config.batch_size];
        let mut group = criterion.benchmark_group(format!("{name}/{}", machine.isa().name()));
        group.throughput(Throughput::Elements(config.batch_size as u64));
        group.bench_function("step", |bench| bench.iter_custom(|count| steps(&config, &data, &machine, count)));
        group.bench_function("gradient", |bench| {
            bench.iter(|| black_box(network.gradient(&data, batch, &config.loss, &machine)));
        });
        group.throughput(Throughput::Elements(rows.len() as u64));
        group.bench_function("evaluate 1000", |bench| {
            bench.iter(|| black_box(network.evaluate(&data, &rows, &config.loss, &machine)));
        });
        group.bench_function("predict 1000", |bench| bench.iter(|| black_box(network.predict(&data, &rows, &machine))));
        group.finish();
    }
    criterion.final_summary();
}
