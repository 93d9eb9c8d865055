//! Frames: batches as bytes that a file can hold, and back.
//!
//! A frame is what the store writes where memory is short: the batches of one schema, each buffer once, in blocks: numbers in
//! few bits, all else LZ4; every byte under a checksum. `docs/formats.md` draws it.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `blocks` | the stream of compressed blocks and their checksums |
//! | `numbers` | blocks of numbers in few bits |
//! | `walk` | an array as numbers and pieces of buffers, in the order of the description |
//! | `segments` | which bytes are written once, and where each piece finds itself in them |
//! | `encoder`, `decoder` | the two directions |
//!
//! ```
//! # use std::sync::Arc;
//! # use arrow::array::{Int64Array, RecordBatch};
//! use partita_formats::frame::{FrameDecoder, FrameEncoder};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let batch = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as _)])?;
//! let mut file = Vec::new();
//! let summary = FrameEncoder::default().encode(7, &[batch.clone()], &mut |bytes| {
//!     file.extend_from_slice(bytes);
//!     Ok(())
//! })?;
//! assert_eq!(FrameDecoder::default().decode(&file, 0, 7, &summary, &batch.schema())?, [batch]);
//! # Ok(())
//! # }
//! ```

mod blocks;
mod decoder;
mod encoder;
mod numbers;
mod segments;
#[cfg(test)]
mod tests;
mod walk;

use std::io;

pub use blocks::{BLOCK_BYTES, DECODER_BYTES, ENCODER_BYTES};
pub use decoder::FrameDecoder;
pub use encoder::FrameEncoder;

/// What is known of a frame once it is written. The reader is given it and believes nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameSummary {
    /// Encoded bytes.
    pub bytes: u64,
    /// Bytes of the buffers that decoding allocates: what [`partita_columns::partition::unique_buffer_bytes`] says
    /// of the decoded batches. Decoding holds [`DECODER_BYTES`] beside them.
    pub memory_bytes: usize,
    /// Number of rows.
    pub rows: u64,
    /// Number of batches.
    pub batches: usize,
    /// Checksum over the checksums of the blocks.
    pub checksum: u64,
}

/// Why a frame could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// The file could not be read.
    #[error("frame at byte {offset}: {source}")]
    Io {
        /// Where the frame begins in its file.
        offset: u64,
        /// What the store said.
        source: io::Error,
    },
    /// The bytes are not those that were written.
    #[error("frame at byte {offset}: damaged at its byte {byte}: {what}")]
    Damaged {
        /// Where the frame begins in its file.
        offset: u64,
        /// Where in the frame.
        byte: u64,
        /// What was expected, and what was found.
        what: String,
    },
}
