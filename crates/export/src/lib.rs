//! Runs and models in other programs' formats.
