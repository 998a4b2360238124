//! The program from outside: what it prints, and with which code it ends.

mod damaged;
mod data;
mod doctor;
mod evaluate;
mod export;
mod folders;
mod hostile;
mod kept;
mod launched;
mod limits;
mod output;
mod predict;
#[cfg(unix)]
mod read_only;
mod report;
mod resume;
mod runs;
mod study;
mod support;
mod sweep;
mod train;
mod ui;
mod upgrade;
mod verify;
mod wandb;
