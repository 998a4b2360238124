//! Conformance tests of every store: always for SQLite, and for PostgreSQL if `HANDLOOM_TEST_POSTGRES` has a URL.
//!
//! A test is a function of a [`Place`], named in the list below; one that is not named is dead code, which CI refuses.

mod epochs;
mod files;
mod killed;
mod place;
mod runs;
mod server;
mod speed;
mod sweeps;
mod work;

use handloom_engine::event::{EpochDiagnostics, EpochMetrics};
use handloom_store::{Epoch, Run};

use place::Place;

macro_rules! promises {
    ($($module:ident::$name:ident)*) => {
        mod sqlite {
            $(#[test] fn $name() { crate::$module::$name(&crate::Place::folder()); })*
        }
        mod postgres {
            $(#[test] fn $name() { if let Some(place) = crate::Place::schema() { crate::$module::$name(&place); } })*
        }
    };
}

promises! {
    runs::a_run_comes_back_as_it_was_put
    runs::runs_come_by_start_then_id
    runs::labels_are_changed_by_relabel_alone
    runs::no_label_is_lost_while_a_process_trains
    runs::a_removed_run_is_gone_and_the_ledger_stays
    runs::heartbeats_tell_the_age_by_the_clock_of_the_database
    runs::only_runs_that_were_heard_of_lately_are_recent
    runs::the_pulse_beats_with_every_change_and_only_then
    runs::an_empty_store_has_nothing
    runs::names_that_would_be_paths_are_refused
    runs::many_may_begin_a_store_at_once
    epochs::epochs_come_back_as_they_were_logged
    epochs::an_epoch_logged_twice_is_replaced
    epochs::a_resumed_run_forgets_what_came_later
    epochs::nothing_is_logged_for_a_run_that_is_not_there
    epochs::figures_of_many_runs_come_in_one_go
    epochs::one_epoch_of_each_of_many_runs_comes_in_one_go
    epochs::two_may_write_at_once
    files::files_come_back_as_they_were_put
    files::every_opening_of_a_test_set_is_counted_once
    files::openings_come_back_by_time
    sweeps::a_sweep_comes_back_as_it_was_added
    sweeps::entries_come_as_they_were_appended
    sweeps::no_reader_misses_an_entry_of_several_writers
    sweeps::a_sweep_that_is_not_there_has_no_journal
    sweeps::contents_tell_what_came_and_went
    sweeps::what_cannot_be_understood_is_named
    work::agents_that_die_and_come_back_run_every_trial_to_its_end_once
    speed::ten_thousand_runs
    speed::ten_thousand_entries
    speed::trials_cost_little
}

/// A run whose name follows from its id.
fn run(id: &str, started_ms: u64) -> Run {
    Run { id: id.into(), name: format!("name of {id}"), started_ms, host: "here".into(), ..Run::default() }
}

/// An epoch whose metrics follow from its number.
fn epoch(epoch: u64) -> Epoch {
    let x = epoch as f64;
    let row = EpochMetrics {
        epoch,
        train_loss: 1.0 / x,
        train_accuracy: 1.0 - 0.5 / x,
        val_loss: Some(1.5 / x),
        val_accuracy: Some(1.0 - 0.6 / x),
        learning_rate: 0.001,
        samples_per_second: 100_000.0 + x,
        seconds: 0.6,
        val_seconds: 0.1,
    };
    Epoch { row, evidence: EpochDiagnostics::default() }
}
