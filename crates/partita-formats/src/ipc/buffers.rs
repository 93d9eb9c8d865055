//! The buffers of one message, one after the other.

use std::io::Read;

use arrow::buffer::{Buffer, MutableBuffer};
use arrow_ipc::{CompressionType, FieldNode};

use super::file::Block;
use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;
use crate::parquet::read::{malformed, read_exact};

/// Before a compressed buffer: its length, or this where it is not compressed after all.
const NOT_COMPRESSED: i64 = -1;
/// Bytes of that length.
const LENGTH_BYTES: u64 = 8;

/// A record batch as its message describes it, and how far it has been read.
pub(super) struct Buffers<'a> {
    pub(super) input: &'a dyn ReadAt,
    pub(super) file: &'a str,
    pub(super) block: Block,
    pub(super) nodes: Vec<FieldNode>,
    pub(super) buffers: Vec<arrow_ipc::Buffer>,
    pub(super) variadic: Vec<i64>,
    pub(super) codec: Option<CompressionType>,
    /// Whether it is of a version before 5.
    pub(super) is_old: bool,
    /// Bytes that a decompressor takes beside the buffers, as far as they were measured.
    pub(super) scratch: u64,
    pub(super) next_node: usize,
    pub(super) next_buffer: usize,
    pub(super) next_variadic: usize,
}

/// Bytes that any decoder takes for itself.
const DECODER_BYTES: u64 = 256 << 10;
/// Where an LZ4 frame says how large its blocks are.
const LZ4_BLOCK_AT: u64 = 5;

/// Rows of one message: more of them would be no message.
const ROWS_MAX: i64 = i32::MAX as i64;

impl Buffers<'_> {
    fn wrong(&self, message: &str) -> Error {
        malformed(self.file, format!("the message at byte {}: {message}", self.block.offset))
    }

    /// The length of the next field, and whether it has nulls.
    pub(super) fn node(&mut self) -> Result<(usize, bool)> {
        let node = self
            .nodes
            .get(self.next_node)
            .ok_or_else(|| self.wrong("it has fewer fields than the schema"))?;
        let (length, nulls) = (node.length(), node.null_count());
        self.next_node += 1;
        match usize::try_from(length) {
            Ok(rows) if length <= ROWS_MAX => Ok((rows, nulls != 0)),
            _ => Err(self.wrong(&format!("a field of {length} values"))),
        }
    }

    /// How many further buffers the next view has.
    pub(super) fn views(&mut self) -> Result<usize> {
        let count = self.variadic.get(self.next_variadic).copied();
        self.next_variadic += 1;
        count
            .and_then(|count| usize::try_from(count).ok())
            .filter(|count| *count <= self.buffers.len())
            .ok_or_else(|| self.wrong("it does not say how many buffers a view has"))
    }

    /// Where the next buffer lies in the file, and its bytes.
    fn next(&mut self) -> Result<(u64, u64)> {
        let buffer = self
            .buffers
            .get(self.next_buffer)
            .ok_or_else(|| self.wrong("it has fewer buffers than the schema"))?;
        self.next_buffer += 1;
        let place = u64::try_from(buffer.offset()).ok().zip(u64::try_from(buffer.length()).ok());
        let inside = place.filter(|(offset, length)| {
            offset.checked_add(*length).is_some_and(|end| end <= self.block.body_bytes)
        });
        let (offset, length) = inside.ok_or_else(|| self.wrong("a buffer lies outside of it"))?;
        Ok((self.block.offset + self.block.metadata_bytes as u64 + offset, length))
    }

    /// Goes back to the first field.
    pub(super) fn begin(&mut self) {
        (self.next_node, self.next_buffer, self.next_variadic) = (0, 0, 0);
    }

    /// Passes over the next buffer.
    pub(super) fn skip(&mut self) {
        self.next_buffer += 1;
    }

    /// Bytes that reading the next buffer takes: as it lies in the file, and as it is then.
    pub(super) fn measure(&mut self) -> Result<u64> {
        let (place, length) = self.next()?;
        if self.codec.is_none() || length == 0 {
            return Ok(length);
        }
        let Some(bytes) = self.uncompressed(place, length)? else { return Ok(length) };
        self.scratch = self.scratch.max(self.decoder_bytes(place)?);
        Ok(length.saturating_add(bytes))
    }

    /// Bytes that a decoder of the buffer at `place` takes for itself: of LZ4 frames two blocks, which may be large.
    fn decoder_bytes(&self, place: u64) -> Result<u64> {
        if self.codec != Some(CompressionType::LZ4_FRAME) {
            return Ok(DECODER_BYTES);
        }
        let mut descriptor = [0; 1];
        let got = self.input.read_full_at(place + LENGTH_BYTES + LZ4_BLOCK_AT, &mut descriptor);
        got.map_err(|source| ErrorKind::Io { file: self.file.to_owned(), source })?;
        // 4 is 64 KiB, 7 is 4 MiB.
        let code = u32::from(descriptor[0] >> 4 & 7).max(4);
        Ok(DECODER_BYTES + (2 << (2 * code + 8)))
    }

    /// The length of a compressed buffer before compression; `None` where it is not compressed.
    fn uncompressed(&self, place: u64, length: u64) -> Result<Option<u64>> {
        let mut prefix = [0; LENGTH_BYTES as usize];
        if length < LENGTH_BYTES {
            return Err(self.wrong("a compressed buffer without its length"));
        }
        read_exact(self.input, self.file, place, &mut prefix)?;
        match i64::from_le_bytes(prefix) {
            NOT_COMPRESSED => Ok(None),
            bytes => u64::try_from(bytes).map(Some).map_err(|_| self.wrong("a buffer of a negative length")),
        }
    }

    /// The next buffer, aligned.
    pub(super) fn read(&mut self) -> Result<Buffer> {
        let (mut place, mut length) = self.next()?;
        if length == 0 {
            return Ok(Buffer::default());
        }
        let compressed = match self.codec {
            None => None,
            Some(codec) => {
                let bytes = self.uncompressed(place, length)?;
                (place, length) = (place + LENGTH_BYTES, length - LENGTH_BYTES);
                bytes.map(|bytes| (codec, bytes))
            }
        };
        let mut stored = MutableBuffer::from_len_zeroed(usize::try_from(length).unwrap_or(usize::MAX));
        read_exact(self.input, self.file, place, stored.as_slice_mut())?;
        let Some((codec, bytes)) = compressed else { return Ok(stored.into()) };
        let mut out = MutableBuffer::from_len_zeroed(usize::try_from(bytes).unwrap_or(usize::MAX));
        let done = match codec {
            CompressionType::LZ4_FRAME => {
                fill(lz4_flex::frame::FrameDecoder::new(stored.as_slice()), out.as_slice_mut())
            }
            CompressionType::ZSTD => {
                match zstd::bulk::decompress_to_buffer(stored.as_slice(), out.as_slice_mut()) {
                    Ok(got) => Ok(got == out.len()),
                    Err(error) => Err(error),
                }
            }
            _ => return Err(self.wrong("a compression that is not known")),
        };
        match done {
            Ok(true) => Ok(out.into()),
            Ok(false) => {
                Err(self.wrong(&format!("a buffer of another length than the {bytes} bytes that it says")))
            }
            Err(error) => Err(self.wrong(&format!("a buffer cannot be decompressed: {error}"))),
        }
    }
}

/// Whether a decoder gives as many bytes as there is room for.
fn fill(mut decoder: impl Read, out: &mut [u8]) -> std::io::Result<bool> {
    let mut filled = 0;
    while filled < out.len() {
        match decoder.read(&mut out[filled..])? {
            0 => return Ok(false),
            got => filled += got,
        }
    }
    Ok(decoder.read(&mut [0])? == 0)
}
