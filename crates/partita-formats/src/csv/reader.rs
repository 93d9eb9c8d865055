//! Blocks of a file as batches of typed columns.
//!
//! [`CsvBlock`] says how a file's bytes become columns; [`BlockReader`] reads a range of an uncompressed file and
//! [`StreamReader`] a compressed one from its beginning, or takes its blocks out as [`StreamText`], for a [`BlockReader`] each. Both go chunk by chunk: read, split, decode, with buffers
//! that are used again.

mod ahead;
mod block;
mod block_reader;
mod buffer;
mod filter;
mod inflow;
pub mod lines;
mod scanner;
mod stream_reader;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

pub use ahead::{SpareText, StreamText};
pub use block::{ColumnSource, ColumnSpec, CsvBlock, Limits, Promise};
pub use block_reader::BlockReader;
pub(crate) use buffer::Buffer;
pub use filter::RowFilter;
pub use inflow::Room;
pub use stream_reader::StreamReader;
