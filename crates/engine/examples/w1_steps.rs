//! Takes a given number of training steps of W1 on one thread, and nothing else: `w1_steps 40`.
//!
//! `bench/instructions` counts what a step more costs. With a second argument, such as `avx2+fma`, it runs
//! on that instruction set; without, on the best of the processor.

#![expect(clippy::print_stdout, reason = "says what it ran on")]

use std::ops::ControlFlow;

use handloom_engine::event::Event;
use handloom_engine::train::train;
use handloom_engine::{Isa, Machine};

#[path = "../benches/workload/mod.rs"]
mod workload;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let count: u64 = arguments.first().and_then(|count| count.parse().ok()).expect("usage: w1_steps COUNT [ISA]");
    let isa = match arguments.get(1) {
        Some(name) => Isa::supported().find(|isa| isa.name() == name).expect("an instruction set of this processor"),
        None => Isa::best(),
    };
    let (_, config) = workload::all().swap_remove(0);
    // One epoch has more steps than are ever asked for, so that every run does the same before and after.
    let data = workload::images(config.batch_size * 200);
    assert!((1..200).contains(&count), "1 to 199 steps");
    let mut taken = 0;
    train(&config, &data, &Machine::with_isa(1, isa), &mut |event: &Event<'_>| {
        taken += u64::from(matches!(event, Event::Stepped { .. }));
        if taken < count { ControlFlow::Continue(()) } else { ControlFlow::Break("enough steps") }
    });
    println!("{taken} steps on {}", isa.name());
}
