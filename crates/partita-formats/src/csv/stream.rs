//! Decompressed bytes in order, as UTF-8 where they are UTF-16.
//!
//! A compressed file can be read only from its beginning, so its partitions are cut at compressed offsets: the
//! records of a partition are those whose first byte comes out before its compressed end has been passed.
//! [`Decoder::read`] is given that end, and what it has delivered once it returns 0 depends on the bytes before the
//! end alone, not on the sizes of the calls: the same cuts give the same partitions every time.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::text::Utf16;
use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;

mod bz2;
mod gzip;
mod wide;
mod xz;
mod zstd;

#[cfg(test)]
mod tests;

use self::bz2::Bz2;
use self::gzip::Gzip;
use self::wide::Wide;
use self::xz::Xz;
use self::zstd::Zstd;

/// Bytes of compressed input held at once.
pub const SLICE_BYTES: usize = 128 * 1024;

/// Largest window of a zstd frame that is decoded (as the `zstd` program has it by default).
pub const ZSTD_WINDOW_BYTES_MAX: usize = 1 << 27;

/// Largest dictionary of an xz block that is decoded: twice that of `xz -9`.
pub const XZ_DICTIONARY_BYTES_MAX: usize = 1 << 27;

/// How a file is compressed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    None,
    /// Gzip (RFC 1952), members concatenated.
    Gzip,
    /// Zstandard (RFC 8878), frames concatenated.
    Zstd,
    /// Bzip2, streams concatenated.
    Bz2,
    /// Xz, streams concatenated.
    Xz,
}

/// What is done to the bytes of a file before its records are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Packing {
    /// How they are compressed.
    pub compression: Compression,
    /// They are UTF-16, once decompressed.
    pub wide: Option<Utf16>,
}

impl Packing {
    /// Whether records stand in the file as they are, so that its blocks can be read on their own.
    pub fn is_none(self) -> bool {
        self.compression == Compression::None && self.wide.is_none()
    }
}

impl From<Compression> for Packing {
    fn from(compression: Compression) -> Self {
        Self { compression, wide: None }
    }
}

/// Bytes that [`detect`] and [`memory_bytes`] want to see.
pub const MAGIC_BYTES: usize = xz::HEAD_BYTES_MAX;

/// Recognises the compression of a file by its first bytes ([`MAGIC_BYTES`], or all of a shorter file).
pub fn detect(first: &[u8]) -> Compression {
    // A text may well begin with `BZh1`: the magic number of the first block must follow.
    const BZ2_BLOCK: &[u8] = &[0x31, 0x41, 0x59, 0x26, 0x53, 0x59];
    const BZ2_END: &[u8] = &[0x17, 0x72, 0x45, 0x38, 0x50, 0x90];
    match first {
        [0x1F, 0x8B, 0x08, ..] => Compression::Gzip,
        [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => Compression::Zstd,
        [0xFD, b'7', b'z', b'X', b'Z', 0x00, ..] => Compression::Xz,
        [b'B', b'Z', b'h', b'1'..=b'9', rest @ ..]
            if rest.starts_with(BZ2_BLOCK) || rest.starts_with(BZ2_END) =>
        {
            Compression::Bz2
        }
        _ => Compression::None,
    }
}

/// Bytes of memory that a decoder takes for the head of a file, whose first bytes are `first`: the slice of input, and
/// what the codec holds. For what follows, frames that are larger say so as they come: [`ErrorKind::Window`].
pub fn memory_bytes(first: &[u8]) -> usize {
    let codec = match detect(first) {
        Compression::None => return 0,
        Compression::Gzip => gzip::INFLATE_BYTES,
        Compression::Bz2 => bz2::MEMORY_BYTES,
        // A larger window or dictionary is refused, and takes nothing.
        Compression::Zstd => match zstd::read_head(first) {
            zstd::Head::Complete(bytes) => at_most(bytes, usize::MAX),
            _ => 0,
        },
        Compression::Xz => at_most(xz::first_bytes(first), usize::MAX),
    };
    SLICE_BYTES + if codec > zstd::MEMORY_BYTES_MAX.max(xz::MEMORY_BYTES_MAX) { 0 } else { codec }
}

/// What one call to a codec did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    consumed: usize,
    produced: usize,
}

/// One compression, fed in pieces of any size.
trait Codec: Send {
    /// Decodes some of `input` into `out`, which is not empty. An error is what is wrong and where in `input`.
    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> std::result::Result<Progress, (String, usize)>;

    /// Whether the stream may end here.
    fn is_complete(&self) -> bool;

    /// Whether it has input of its own to go on with.
    fn is_holding(&self) -> bool {
        false
    }

    /// Bytes of memory held now.
    fn memory_bytes(&self) -> usize;

    /// Bytes of memory that will be held at most once more is decoded.
    fn wanted_bytes(&self) -> usize;
}

/// A sequential decompressor, kept whole from task to task. Its memory is bounded whatever the input:
/// [`SLICE_BYTES`] and the codec's window (32 KiB for gzip, one block of 900 kB for bzip2, up to [`ZSTD_WINDOW_BYTES_MAX`]
/// for zstd and up to [`XZ_DICTIONARY_BYTES_MAX`] for xz).
///
/// Where it is told how much it may take ([`Decoder::allow`]), it says before it takes more.
pub struct Decoder {
    input: Arc<dyn ReadAt>,
    file: String,
    /// `None`: the bytes are delivered as they are.
    codec: Option<Box<dyn Codec>>,
    /// What makes UTF-8 of what comes out.
    wide: Option<Wide>,
    buffer: Vec<u8>,
    /// The bytes of `buffer` that have not been decoded.
    pending: Range<usize>,
    /// Compressed bytes read so far.
    read: u64,
    /// Decompressed bytes delivered so far.
    delivered: u64,
    /// Bytes of memory that it may take.
    allowed_bytes: usize,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("file", &self.file)
            .field("position", &self.position())
            .field("delivered", &self.delivered)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder at the beginning of `input`; `file` is its name for errors.
    ///
    /// # Errors
    /// Where zstd has no memory.
    pub fn new(input: Arc<dyn ReadAt>, file: &str, packing: Packing) -> Result<Self> {
        let codec: Option<Box<dyn Codec>> = match packing.compression {
            Compression::None => None,
            Compression::Gzip => Some(Box::new(Gzip::new())),
            Compression::Zstd => {
                Some(Box::new(Zstd::new().map_err(|source| ErrorKind::Io { file: file.to_owned(), source })?))
            }
            Compression::Bz2 => Some(Box::new(Bz2::default())),
            Compression::Xz => Some(Box::new(Xz::new())),
        };
        Ok(Self {
            input,
            file: file.to_owned(),
            codec,
            wide: packing.wide.map(Wide::new),
            buffer: Vec::new(),
            pending: 0..0,
            read: 0,
            delivered: 0,
            allowed_bytes: usize::MAX,
        })
    }

    /// Lets it take so many bytes of memory. Where it needs more, [`Decoder::read`] fails with [`ErrorKind::Window`], and
    /// may be called again once it has been allowed more.
    pub fn allow(&mut self, bytes: usize) {
        self.allowed_bytes = bytes;
    }

    /// Compressed bytes decoded so far.
    pub fn position(&self) -> u64 {
        self.read - self.pending.len() as u64
    }

    /// Decompressed bytes delivered so far.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Bytes of memory held now: the slice of input, the codec's window and tables, and a piece of UTF-16.
    pub fn memory_bytes(&self) -> usize {
        let wide = self.wide.as_ref().map_or(0, Wide::memory_bytes);
        self.buffer.capacity() + self.codec.as_ref().map_or(0, |codec| codec.memory_bytes()) + wide
    }

    /// Decompresses into `out` from the compressed bytes before `compressed_end` (which may grow from call to
    /// call, and lie behind the end of the input), and returns the bytes written: 0 where these bytes give nothing
    /// more, or `out` is empty. The total then delivered depends on `compressed_end` alone.
    ///
    /// # Errors
    /// Where the store fails, or with [`ErrorKind::Malformed`] and the compressed byte where the data are not what
    /// the format says: wrong checksum, half a character, no further member behind the first, end in the middle of the stream. After
    /// an error the decoder is of no further use, unless the error is transient.
    pub fn read(&mut self, out: &mut [u8], compressed_end: u64) -> Result<usize> {
        let end = compressed_end.min(self.input.len());
        if out.is_empty() {
            return Ok(0);
        }
        let count = match self.wide.take() {
            None => self.read_bytes(out, end)?,
            Some(mut wide) => {
                let count = self.read_wide(&mut wide, out, end);
                self.wide = Some(wide);
                count?
            }
        };
        self.delivered += count as u64;
        Ok(count)
    }

    /// Decompressed bytes.
    fn read_bytes(&mut self, out: &mut [u8], end: u64) -> Result<usize> {
        let Some(mut codec) = self.codec.take() else { return self.read_plain(out, end) };
        let count = self.decode(&mut *codec, out, end);
        self.codec = Some(codec);
        count
    }

    /// Decompressed bytes of UTF-16, as UTF-8.
    fn read_wide(&mut self, wide: &mut Wide, out: &mut [u8], end: u64) -> Result<usize> {
        loop {
            let count = wide.deliver(out);
            if count > 0 {
                return Ok(count);
            }
            if let Some((byte, message)) = wide.wrong() {
                let message = format!("byte {byte} of UTF-16: {message}");
                return Err(ErrorKind::Malformed { file: self.file.clone(), message }.into());
            }
            let count = self.read_bytes(wide.room(), end)?;
            if count > 0 {
                wide.feed(count);
                continue;
            }
            let ended = self.read >= self.input.len() && self.pending.is_empty();
            if !ended || !wide.finish() {
                return Ok(0);
            }
        }
    }

    fn read_plain(&mut self, out: &mut [u8], end: u64) -> Result<usize> {
        let want = at_most(end - self.read.min(end), out.len());
        let got = self.input.read_full_at(self.read, &mut out[..want]).map_err(|source| self.io(source))?;
        self.read += got as u64;
        if got < want { Err(self.malformed(self.read, SHORTER)) } else { Ok(got) }
    }

    fn decode(&mut self, codec: &mut dyn Codec, out: &mut [u8], end: u64) -> Result<usize> {
        loop {
            if self.pending.is_empty() && self.read < end {
                self.fill(end)?;
            }
            let input = &self.buffer[self.pending.clone()];
            let Progress { consumed, produced } = codec.decode(input, out).map_err(|(message, at)| {
                let byte = self.position() + at as u64;
                self.malformed(byte, &message)
            })?;
            self.pending.start += consumed;
            if produced > 0 {
                return Ok(produced);
            }
            let bytes = codec.wanted_bytes().saturating_add(SLICE_BYTES);
            if bytes > self.allowed_bytes {
                return Err(ErrorKind::Window { file: self.file.clone(), bytes }.into());
            }
            if codec.is_holding() {
                continue;
            }
            if !self.pending.is_empty() {
                if consumed == 0 {
                    return Err(self.malformed(self.position(), "the decoder makes no progress"));
                }
            } else if self.read >= end {
                let ended = self.read >= self.input.len();
                return if ended && !codec.is_complete() {
                    Err(self
                        .malformed(self.read, "the file ends in the middle of the stream; is it complete?"))
                } else {
                    Ok(0)
                };
            }
        }
    }

    /// Reads the next slice, up to the compressed offset `end`.
    fn fill(&mut self, end: u64) -> Result<()> {
        let want = at_most(end - self.read, SLICE_BYTES);
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        let next = self.read + want as u64;
        self.input.prefetch(next..self.input.len().min(next + 8 * SLICE_BYTES as u64));
        let got =
            self.input.read_full_at(self.read, &mut self.buffer[..want]).map_err(|source| self.io(source))?;
        if got < want {
            return Err(self.malformed(self.read + got as u64, SHORTER));
        }
        self.pending = 0..got;
        self.read = next;
        Ok(())
    }

    fn io(&self, source: io::Error) -> ErrorKind {
        ErrorKind::Io { file: self.file.clone(), source }
    }

    fn malformed(&self, byte: u64, message: &str) -> Error {
        ErrorKind::Malformed {
            file: self.file.clone(),
            message: format!("compressed byte {byte}: {message}"),
        }
        .into()
    }
}

const SHORTER: &str = "the file has become shorter";

/// The smaller of the two.
fn at_most(bytes: u64, most: usize) -> usize {
    usize::try_from(bytes).map_or(most, |bytes| bytes.min(most))
}
