//! Statements about runs, made by rules from what was recorded: each view shows the same ones.

pub mod health;
