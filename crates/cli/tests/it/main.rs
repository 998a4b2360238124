//! The program from outside: what it prints, and with which code it ends.

mod data;
mod doctor;
mod evaluate;
mod export;
mod launched;
mod predict;
mod report;
mod runs;
mod study;
mod support;
mod sweep;
mod train;
mod ui;
mod wandb;
