//! Arrow IPC in: files (Feather 2) and streams.
//!
//! [`IpcFile`] says what a file has, from its footer, or, of a stream, from the messages one after the other; [`IpcReader`] reads record
//! batches of it, of the columns that are wanted alone. What describes messages is decoded by the `arrow-ipc` crate, after a check that no
//! count in it is believed that the bytes do not bear out. Buffers are read by a reader of our own: sizes are known before anything is
//! allocated, and what takes more memory than is allowed is an error that says how much it takes ([`crate::ErrorKind::Window`]).
//! Arrow checks the data: offsets, texts, keys.
//!
//! Text is read as views, dictionaries and runs as their values, decimals of 32 and 64 bits as those of 128.

mod array;
mod buffers;
mod file;
mod reader;
mod schema;
#[cfg(test)]
mod tests;

use crate::error::Result;
use crate::parquet::read::guarded;

pub use file::IpcFile;
pub use reader::IpcReader;

/// Runs what may panic on bytes from outside.
fn caught<T>(file: &str, what: &str, run: impl FnOnce() -> Result<T>) -> Result<T> {
    guarded(file, what, || Ok(run()))?
}
