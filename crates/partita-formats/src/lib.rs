//! Bytes to columns and back: CSV, newline-delimited JSON, Arrow IPC and Parquet. Hostile input is the normal case: nothing here panics or
//! allocates without a bound, whatever the bytes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`io`] | the blocking `read_at` that every reader is written against |
//! | [`buffers`] | memory of arrays that nobody has any more, for those that come next |
//! | [`csv`] | dialects, splitter and its plain twin, block starts, typed decoding, inference |
//! | [`frame`] | batches to checksummed bytes and back, for the store |
//! | [`parquet`] | row groups encoded apart, and parts assembled from them; footers that are checked, pruning, row groups read |
//! | [`rows`] | files of rows one after the other: CSV, newline-delimited JSON and Arrow IPC out |
//! | [`ndjson`] | newline-delimited JSON in |
//! | [`ipc`] | Arrow IPC in: files and streams |
//! | [`output`] | any of these: one layout and one writer for the data set |

pub mod buffers;
pub mod csv;
pub mod error;
pub mod frame;
pub mod io;
pub mod ipc;
pub mod ndjson;
pub mod output;
pub mod parquet;
pub mod rows;
#[allow(unsafe_code, reason = "vector instructions load and store through pointers")]
mod simd;

pub use error::{Error, ErrorKind, Result};
