//! Benchmark of the search methods: a table of trained configurations, and searches replayed on it.
//!
//! `cargo run --release -p handloom --example regret -- train [SECONDS]` trains further rows of `docs/regret/table.csv` on
//! one thread (Fashion-MNIST from `HANDLOOM_DATA_DIR` or the cache). `... -- replay [SEEDS]` searches the table with every
//! method and writes the figures of `docs/search.md` and its picture; it needs no data and takes some minutes. `... -- time`
//! writes how long a suggestion takes.

#![allow(clippy::disallowed_methods, reason = "nobody compares the bits of these figures")]

mod page;
mod replay;
mod table;
mod time;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use handloom_data::catalog::data_dirs;
use handloom_data::fetch_or_locate;

/// Rows of the table, at most.
const ROWS: usize = 5832;
/// Searches of each method.
const SEEDS: u64 = 60;

fn main() -> Result<(), Box<dyn Error>> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let table = docs.join("regret/table.csv");
    let number = std::env::args().nth(2).map(|number| number.parse::<u64>()).transpose()?;
    match std::env::args().nth(1).as_deref() {
        Some("train") => {
            let data = fetch_or_locate("fashion_mnist", &data_dirs(None), &mut |_| ())?.train()?;
            let time = Duration::from_secs(number.unwrap_or(900));
            table::extend(&table, &table::part(&data), ROWS, time)?;
            Ok(())
        }
        Some("replay") => page::write(&docs, &table::read(&table)?, number.unwrap_or(SEEDS)),
        Some("time") => page::put(&docs, "time", &time::table()),
        _ => Err("`train [SECONDS]`, `replay [SEEDS]` or `time`".into()),
    }
}
