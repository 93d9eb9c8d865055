//! The program as its users meet it: the binary is run on real and on small made files, and what it wrote is read through other
//! crates.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cat;
mod convert;
mod dialect;
mod durable;
mod failures;
mod incremental;
mod inspect;
mod interrupt;
mod mismatch;
mod options;
mod order;
mod parquet;
mod paths;
#[path = "../support/random.rs"]
mod random;
mod resume;
mod shell;
mod stdin;
mod support;
