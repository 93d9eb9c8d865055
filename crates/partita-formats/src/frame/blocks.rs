//! The stream of blocks: compressed each on its own, and each under a checksum that knows its frame and its place.

use std::io;

use lz4_flex::block::{CompressTable, compress_into_with_table, decompress_into, get_maximum_output_size};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::FrameError;
use super::numbers::Numbers;
use crate::io::ReadAt;
use crate::simd::encode::Cpu;

/// Bytes of a block before compression.
pub const BLOCK_BYTES: usize = 128 << 10;

/// Bytes that a [`super::FrameEncoder`] holds: a block before and after compression, twice as numbers, and the compressor's table.
/// The list of the pieces of a frame comes on top: about 80 bytes for each buffer, and at most 200 KiB for views.
pub const ENCODER_BYTES: usize = 4 * BLOCK_BYTES + (BLOCK_BYTES >> 3) + (20 << 10);

/// Bytes that a [`super::FrameDecoder`] holds: a block before and after decompression, and as numbers.
pub const DECODER_BYTES: usize = 3 * BLOCK_BYTES + HEADER_BYTES;

/// Bytes of one buffer from which on it has blocks of its own.
pub(super) const OWN_BYTES_MIN: usize = 8 << 10;

/// Set in the number of raw bytes of a block of numbers.
const NUMBERS: u32 = 1 << 31;

/// First bytes of a frame; the last is the version. Version 1 has no blocks of numbers.
const MAGIC: [u8; 8] = *b"PARTFRM\x02";
const MAGIC_1: [u8; 8] = *b"PARTFRM\x01";

/// Magic and tag.
const HEAD_BYTES: usize = 16;

/// Checksum, stored bytes, raw bytes.
const HEADER_BYTES: usize = 16;

/// Checksum of the checksums.
const TRAILER_BYTES: usize = 8;

/// Bytes of the longest variable-length number.
const VARINT_BYTES_MAX: usize = 10;

/// The seed of a block's checksum.
fn seed(tag: u64, index: u64) -> u64 {
    let mut place = [0; 16];
    place[..8].copy_from_slice(&tag.to_le_bytes());
    place[8..].copy_from_slice(&index.to_le_bytes());
    xxh3_64(&place)
}

fn chain(before: u64, hash: u64) -> u64 {
    xxh3_64_with_seed(&hash.to_le_bytes(), before)
}

/// What a writer needs from frame to frame.
pub(super) struct WriteScratch {
    /// Room for a header, then the block.
    raw: Vec<u8>,
    /// Room for a header, then the compressed block.
    packed: Vec<u8>,
    table: CompressTable,
    numbers: Numbers,
    cpu: Cpu,
}

impl Default for WriteScratch {
    fn default() -> Self {
        Self {
            raw: Vec::with_capacity(HEADER_BYTES + BLOCK_BYTES),
            packed: vec![0; HEADER_BYTES + get_maximum_output_size(BLOCK_BYTES)],
            table: CompressTable::large(),
            numbers: Numbers::default(),
            cpu: Cpu::new(),
        }
    }
}

impl WriteScratch {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.raw.capacity() + self.packed.capacity() + self.numbers.bytes() + (16 << 10)
    }
}

/// Where encoded bytes go.
pub(super) type Sink<'a> = dyn FnMut(&[u8]) -> io::Result<()> + 'a;

/// Writes one frame.
pub(super) struct BlockWriter<'a> {
    scratch: &'a mut WriteScratch,
    sink: &'a mut Sink<'a>,
    tag: u64,
    index: u64,
    checksum: u64,
    written: u64,
}

impl<'a> BlockWriter<'a> {
    pub(super) fn new(scratch: &'a mut WriteScratch, tag: u64, sink: &'a mut Sink<'a>) -> io::Result<Self> {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(&MAGIC);
        head[8..].copy_from_slice(&tag.to_le_bytes());
        sink(&head)?;
        scratch.raw.clear();
        scratch.raw.resize(HEADER_BYTES, 0);
        Ok(Self { scratch, sink, tag, index: 0, checksum: tag, written: HEAD_BYTES as u64 })
    }

    /// Appends bytes.
    pub(super) fn put(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let room = HEADER_BYTES + BLOCK_BYTES - self.scratch.raw.len();
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.scratch.raw.extend_from_slice(now);
            bytes = rest;
            if now.len() == room {
                self.cut()?;
            }
        }
        Ok(())
    }

    /// Appends a number in seven bits a byte, lowest first.
    pub(super) fn number(&mut self, mut value: u64) -> io::Result<()> {
        let mut bytes = [0; VARINT_BYTES_MAX];
        let mut len = 0;
        loop {
            let more = value > 0x7f;
            bytes[len] = (value & 0x7f) as u8 | u8::from(more) << 7;
            value >>= 7;
            len += 1;
            if !more {
                return self.put(&bytes[..len]);
            }
        }
    }

    /// Ends the block: what follows begins another.
    pub(super) fn cut(&mut self) -> io::Result<()> {
        let WriteScratch { raw, packed, table, numbers, cpu } = &mut *self.scratch;
        let raw_bytes = raw.len() - HEADER_BYTES;
        if raw_bytes == 0 {
            return Ok(());
        }
        packed.truncate(HEADER_BYTES);
        let is_numbers = raw_bytes >= OWN_BYTES_MIN && numbers.pack(*cpu, &raw[HEADER_BYTES..], packed);
        let packed_bytes = if is_numbers {
            packed.len() - HEADER_BYTES
        } else {
            packed.resize(HEADER_BYTES + get_maximum_output_size(BLOCK_BYTES), 0);
            compress_into_with_table(&raw[HEADER_BYTES..], &mut packed[HEADER_BYTES..], table)
                .map_err(io::Error::other)?
        };
        let (stored, bytes) = match packed_bytes < raw_bytes {
            true => (packed_bytes, &mut packed[..HEADER_BYTES + packed_bytes]),
            false => (raw_bytes, &mut raw[..]),
        };
        let kind = if is_numbers { NUMBERS } else { 0 };
        bytes[8..12].copy_from_slice(&(stored as u32).to_le_bytes());
        bytes[12..16].copy_from_slice(&(raw_bytes as u32 | kind).to_le_bytes());
        let hash = xxh3_64_with_seed(&bytes[8..], seed(self.tag, self.index));
        bytes[..8].copy_from_slice(&hash.to_le_bytes());
        (self.sink)(bytes)?;
        self.written += bytes.len() as u64;
        self.index += 1;
        self.checksum = chain(self.checksum, hash);
        raw.truncate(HEADER_BYTES);
        Ok(())
    }

    /// Ends the frame; its bytes and checksum.
    pub(super) fn finish(mut self) -> io::Result<(u64, u64)> {
        self.cut()?;
        (self.sink)(&self.checksum.to_le_bytes())?;
        Ok((self.written + TRAILER_BYTES as u64, self.checksum))
    }
}

/// What a reader needs from frame to frame.
#[derive(Default)]
pub(super) struct ReadScratch {
    stored: Vec<u8>,
    raw: Vec<u8>,
    numbers: Numbers,
}

/// Reads one frame.
pub(super) struct BlockReader<'a> {
    scratch: &'a mut ReadScratch,
    input: &'a dyn ReadAt,
    tag: u64,
    /// Where the frame begins in the input.
    offset: u64,
    /// Bytes of the frame without its trailer.
    end: u64,
    /// Bytes of the frame that were read.
    at: u64,
    index: u64,
    checksum: u64,
    /// What is left of the block.
    left: std::ops::Range<usize>,
}

impl<'a> BlockReader<'a> {
    pub(super) fn new(
        scratch: &'a mut ReadScratch,
        input: &'a dyn ReadAt,
        offset: u64,
        bytes: u64,
        tag: u64,
    ) -> Result<Self, FrameError> {
        let end = bytes.saturating_sub(TRAILER_BYTES as u64);
        scratch.stored.clear();
        scratch.stored.reserve_exact(8 + BLOCK_BYTES);
        scratch.raw.clear();
        scratch.raw.reserve_exact(BLOCK_BYTES);
        let mut reader =
            Self { scratch, input, tag, offset, end, at: 0, index: 0, checksum: tag, left: 0..0 };
        let mut head = [0; HEAD_BYTES];
        reader.read(&mut head)?;
        if head[..8] != MAGIC && head[..8] != MAGIC_1 {
            return Err(reader.damaged(format!("expected {MAGIC:?}, found {:?}", &head[..8])));
        }
        if head[8..] != tag.to_le_bytes() {
            return Err(reader.damaged(format!("expected tag {tag:016x}, found another")));
        }
        Ok(reader)
    }

    /// The error of bytes that are not as they were written.
    pub(super) fn damaged(&self, what: impl Into<String>) -> FrameError {
        FrameError::Damaged { offset: self.offset, byte: self.at, what: what.into() }
    }

    /// Fills `buffer` from the file.
    fn read(&mut self, buffer: &mut [u8]) -> Result<(), FrameError> {
        let at = self.offset.saturating_add(self.at);
        let got = self
            .input
            .read_full_at(at, buffer)
            .map_err(|source| FrameError::Io { offset: self.offset, source })?;
        if got < buffer.len() {
            return Err(self.damaged(format!("expected {} bytes, the file has {got}", buffer.len())));
        }
        self.at += got as u64;
        Ok(())
    }

    /// Reads the next block. Sizes are checked before they are used, and bytes before they are decompressed.
    fn next(&mut self) -> Result<(), FrameError> {
        let room = self.end.saturating_sub(self.at);
        if room < HEADER_BYTES as u64 {
            return Err(self.damaged("expected a block, found the end of the frame"));
        }
        let mut header = [0; HEADER_BYTES];
        self.read(&mut header)?;
        let field =
            |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
        let (stored, raw) = (field(8) as usize, (field(12) & !NUMBERS) as usize);
        if raw > BLOCK_BYTES || stored > raw || stored == 0 || stored as u64 > room - HEADER_BYTES as u64 {
            return Err(self.damaged(format!("a block of {stored} for {raw} bytes cannot be")));
        }
        let mut bytes = std::mem::take(&mut self.scratch.stored);
        bytes.resize(8 + stored, 0);
        bytes[..8].copy_from_slice(&header[8..]);
        let done = self.read(&mut bytes[8..]).and_then(|()| self.unpack(&header, &bytes, raw));
        self.scratch.stored = bytes;
        done
    }

    fn unpack(&mut self, header: &[u8; HEADER_BYTES], bytes: &[u8], raw: usize) -> Result<(), FrameError> {
        let hash = xxh3_64_with_seed(bytes, seed(self.tag, self.index));
        if header[..8] != hash.to_le_bytes() {
            return Err(self.damaged(format!("block {} does not match its checksum", self.index)));
        }
        self.index += 1;
        self.checksum = chain(self.checksum, hash);
        let stored = &bytes[8..];
        self.scratch.raw.resize(raw, 0);
        let is_numbers = header[15] & (NUMBERS >> 24) as u8 != 0;
        if is_numbers {
            let ReadScratch { raw, numbers, .. } = &mut *self.scratch;
            if numbers.unpack(Cpu::new(), stored, raw).is_none() {
                let what = format!("block {} is not numbers of {} bytes", self.index - 1, raw.len());
                return Err(self.damaged(what));
            }
        } else if stored.len() == raw {
            self.scratch.raw.copy_from_slice(stored);
        } else if decompress_into(stored, &mut self.scratch.raw).ok() != Some(raw) {
            return Err(self.damaged(format!("block {} is not {raw} bytes of LZ4", self.index - 1)));
        }
        self.left = 0..raw;
        Ok(())
    }

    /// The next bytes, at least one and at most `max`.
    pub(super) fn take(&mut self, max: usize) -> Result<&[u8], FrameError> {
        if self.left.is_empty() {
            self.next()?;
        }
        let start = self.left.start;
        self.left.start += max.min(self.left.len());
        Ok(&self.scratch.raw[start..self.left.start])
    }

    /// A number, as [`BlockWriter::number`] writes it.
    pub(super) fn number(&mut self) -> Result<u64, FrameError> {
        let mut value = 0;
        for place in 0..VARINT_BYTES_MAX {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(self.damaged("a number of more than 64 bits"))
    }

    /// A number of things in memory.
    pub(super) fn count(&mut self) -> Result<usize, FrameError> {
        let number = self.number()?;
        usize::try_from(number).map_err(|_| self.damaged(format!("a count of {number}")))
    }

    /// Checks that nothing is left, and that all of the frame is what was written.
    pub(super) fn finish(mut self, checksum: u64) -> Result<(), FrameError> {
        if !self.left.is_empty() || self.at != self.end {
            return Err(self.damaged("expected the end of the frame"));
        }
        let mut trailer = [0; TRAILER_BYTES];
        self.read(&mut trailer)?;
        if u64::from_le_bytes(trailer) != self.checksum || self.checksum != checksum {
            return Err(self.damaged(format!(
                "expected the checksum {checksum:016x}, found {:016x} and {:016x}",
                u64::from_le_bytes(trailer),
                self.checksum
            )));
        }
        Ok(())
    }
}
