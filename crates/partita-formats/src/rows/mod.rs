//! Files of rows one after the other: CSV, newline-delimited JSON, Arrow IPC.
//!
//! A task owns one [`RowsEncoder`] and hands over what it has encoded in pieces, as [`EncodedRowGroup`]s, which wait
//! in memory or in a file as those of Parquet do; a [`RowsPart`] puts them into a file. Where pieces end leaves no
//! trace in files of text; of Arrow IPC each is a record batch. Schema and options together make a [`RowsLayout`].

pub mod csv;
mod encoder;
pub mod ipc;
pub mod ndjson;
mod options;
mod part;
#[cfg(test)]
pub(crate) mod tests;
mod time;

pub use csv::CsvOptions;
pub use encoder::RowsEncoder;
pub use ipc::{IpcCompression, IpcOptions};
pub use ndjson::NdjsonOptions;
pub use options::{RowsFormat, RowsLayout, RowsOptions};
pub use part::RowsPart;

/// Bytes of the pieces in which a task hands over what it has encoded, or more: they are cut between batches.
pub const PIECE_BYTES: usize = 2 << 20;

#[cfg(doc)]
use crate::parquet::EncodedRowGroup;
