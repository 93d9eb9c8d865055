//! The reader against what others have collected: real, odd, malformed and fuzzed CSV files, ten thousand mutations of
//! them, and reader calls recorded from the tests of other projects.
//!
//! The files belong to their projects and are not part of this one. They are looked for in the folder that
//! `PARTITA_CORPORA` names, or in `../shared/corpora` beside the workspace; where there is none, each test says that it
//! is skipped. `UPDATE_EXPECT=1` rewrites the table in `docs/semantics.md`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what a helper of a test cannot do fails the test"
)]

#[path = "../support/cells.rs"]
mod cells;
#[path = "../support/json.rs"]
mod json;
#[path = "../support/random.rs"]
mod random;
#[path = "../support/compare.rs"]
mod recorded;
#[path = "../support/table.rs"]
mod table;

mod adapt;
mod cases;
mod compare;
mod duckdb;
mod files;
mod folder;
mod guard;
mod mutate;
mod pandas;
mod polars;
mod pyarrow;
mod report;
mod rows;
mod sniff;
mod sql;

/// Every CSV file, read with the defaults: a table or a clean error, and the expected one where there is one.
#[test]
fn every_file_is_read_or_refused() {
    if let Some(corpora) = folder::find("every_file_is_read_or_refused") {
        files::check(&corpora);
    }
}

/// Damaged files: no panic, no hang, and the same rows whatever the block size and the scheduler.
#[test]
fn ten_thousand_mutations_are_read_or_refused() {
    if let Some(corpora) = folder::find("ten_thousand_mutations_are_read_or_refused") {
        mutate::check(&corpora, 10_000);
    }
}

/// Recorded reader calls: each holds, differs for a listed reason, or needs an option that is not there.
#[test]
fn recorded_cases_hold_or_differ_for_a_reason() {
    if let Some(corpora) = folder::find("recorded_cases_hold_or_differ_for_a_reason") {
        report::check(&corpora);
    }
}
