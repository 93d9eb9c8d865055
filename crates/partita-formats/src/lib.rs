//! Bytes to columns and back: CSV in, Parquet out. Hostile input is the normal case: nothing here panics or
//! allocates without a bound, whatever the bytes.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`io`] | the blocking `read_at` that every reader is written against |
//! | [`csv`] | dialects, splitter and its plain twin, block starts, typed decoding, inference |
//! | [`parquet`] | row groups encoded apart, and parts assembled from them |

pub mod csv;
pub mod error;
pub mod io;
pub mod parquet;

pub use error::{Error, ErrorKind, Result};
