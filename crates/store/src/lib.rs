//! Runs and what is known of them, in SQLite or PostgreSQL.
