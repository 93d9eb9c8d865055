//! Parquet files of other projects, where the corpora are: valid ones are read as others read them, bad ones and random
//! damage end in an error, soon and in little memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "../support/child.rs"]
mod child;
mod damaged;
#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/mutate.rs"]
mod mutate;
mod reads;
mod recorded;
#[path = "../support/trial.rs"]
mod trial;
mod valid;

use child::Child;
use reads::reads;

#[test]
fn valid_files_have_the_shape_that_others_see() {
    valid::shapes();
}

#[test]
fn valid_files_have_the_values_that_the_crate_reads() {
    valid::values();
}

#[test]
fn valid_files_have_the_values_that_others_recorded() {
    recorded::check();
}

#[test]
fn bad_files_are_an_error_soon_and_in_little_memory() {
    damaged::corpora();
}

#[test]
fn damage_is_an_error_soon_and_in_little_memory() {
    damaged::mutations();
}

/// Not a test of its own: what [`Child`] starts, once for many files.
#[test]
fn child() {
    if std::env::var_os(Child::VARIABLE).is_some() {
        child::serve(reads);
    }
}
