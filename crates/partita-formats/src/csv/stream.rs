//! Decompressed bytes in order.
//!
//! A compressed file can be read only from its beginning, so its partitions are cut at compressed offsets: the
//! records of a partition are those whose first byte comes out before its compressed end has been passed.
//! [`Decoder::read`] is given that end, and what it has delivered once it returns 0 depends on the bytes before the
//! end alone, not on the sizes of the calls: the same cuts give the same partitions every time.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;

mod gzip;
mod zstd;

#[cfg(test)]
mod tests;

use self::gzip::Gzip;
use self::zstd::Zstd;

/// Bytes of compressed input held at once.
pub const SLICE_BYTES: usize = 128 * 1024;

/// Largest window of a zstd frame that is decoded (as the `zstd` program has it by default), and with
/// [`SLICE_BYTES`] nearly all memory that a [`Decoder`] takes.
pub const ZSTD_WINDOW_BYTES_MAX: usize = 1 << 27;

/// How a file is compressed, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compression {
    /// Not at all.
    None,
    /// Gzip (RFC 1952), members concatenated.
    Gzip,
    /// Zstandard (RFC 8878), frames concatenated.
    Zstd,
    /// Bzip2: recognised, and refused by [`Decoder::new`].
    Bz2,
    /// Xz: recognised, and refused by [`Decoder::new`].
    Xz,
}

/// Bytes that [`detect`] wants to see.
pub const MAGIC_BYTES: usize = 10;

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

/// What one call to a codec did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progress {
    consumed: usize,
    produced: usize,
}

enum Codec {
    None,
    Gzip(Box<Gzip>),
    Zstd(Zstd),
}

impl Codec {
    /// Decodes some of `input` into `out`. An error is what is wrong and the offset in `input`.
    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> std::result::Result<Progress, (String, usize)> {
        match self {
            Codec::None => {
                let count = input.len().min(out.len());
                out[..count].copy_from_slice(&input[..count]);
                Ok(Progress { consumed: count, produced: count })
            }
            Codec::Gzip(gzip) => gzip.decode(input, out),
            Codec::Zstd(zstd) => zstd.decode(input, out),
        }
    }

    /// Whether the stream may end here.
    fn is_complete(&self) -> bool {
        match self {
            Codec::None => true,
            Codec::Gzip(gzip) => gzip.is_complete(),
            Codec::Zstd(zstd) => zstd.is_complete(),
        }
    }
}

/// A sequential decompressor, kept whole from task to task. Its memory is bounded whatever the input:
/// [`SLICE_BYTES`] and the codec's window (32 KiB for gzip, up to [`ZSTD_WINDOW_BYTES_MAX`] for zstd).
pub struct Decoder {
    input: Arc<dyn ReadAt>,
    file: String,
    codec: Codec,
    buffer: Vec<u8>,
    /// The bytes of `buffer` that have not been decoded.
    pending: std::ops::Range<usize>,
    /// Compressed bytes read so far.
    read: u64,
    /// Decompressed bytes delivered so far.
    delivered: u64,
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
    /// For [`Compression::Bz2`] and [`Compression::Xz`], with the way out; or where zstd has no memory.
    pub fn new(input: Arc<dyn ReadAt>, file: &str, compression: Compression) -> Result<Self> {
        let refused = |name, program| {
            let message = format!(
                "is compressed with {name}, which is not read; decompress it first ({program} -k -d FILE), \
                 or compress it with gzip or zstd"
            );
            Error::from(ErrorKind::Malformed { file: file.to_owned(), message })
        };
        let codec = match compression {
            Compression::None => Codec::None,
            Compression::Gzip => Codec::Gzip(Box::new(Gzip::new())),
            Compression::Zstd => {
                Codec::Zstd(Zstd::new().map_err(|source| ErrorKind::Io { file: file.to_owned(), source })?)
            }
            Compression::Bz2 => return Err(refused("bzip2", "bzip2")),
            Compression::Xz => return Err(refused("xz", "xz")),
        };
        Ok(Self {
            input,
            file: file.to_owned(),
            codec,
            buffer: Vec::new(),
            pending: 0..0,
            read: 0,
            delivered: 0,
        })
    }

    /// Compressed bytes decoded so far.
    pub fn position(&self) -> u64 {
        self.read - self.pending.len() as u64
    }

    /// Decompressed bytes delivered so far.
    pub fn delivered(&self) -> u64 {
        self.delivered
    }

    /// Decompresses into `out` from the compressed bytes before `compressed_end` (which may grow from call to
    /// call, and lie behind the end of the input), and returns the bytes written: 0 where these bytes give nothing
    /// more, or `out` is empty. The total then delivered depends on `compressed_end` alone.
    ///
    /// # Errors
    /// Where the store fails, or with [`ErrorKind::Malformed`] and the compressed byte where the data are not what
    /// the format says: wrong checksum, no further member behind the first, end in the middle of the stream. After
    /// an error the decoder is of no further use, unless the error is transient.
    pub fn read(&mut self, out: &mut [u8], compressed_end: u64) -> Result<usize> {
        let end = compressed_end.min(self.input.len());
        loop {
            if self.pending.is_empty() && self.read < end {
                self.fill(end)?;
            }
            let input = &self.buffer[self.pending.clone()];
            let progress = self.codec.decode(input, out).map_err(|(message, at)| {
                let byte = self.read - (self.pending.len() - at.min(self.pending.len())) as u64;
                self.malformed(byte, &message)
            })?;
            self.pending.start += progress.consumed;
            self.delivered += progress.produced as u64;
            if progress.produced > 0 || out.is_empty() {
                return Ok(progress.produced);
            }
            if progress.consumed > 0 || (self.pending.is_empty() && self.read < end) {
                continue;
            }
            let at_end = self.read >= self.input.len() && self.pending.is_empty();
            if at_end && !self.codec.is_complete() {
                let message = "the file ends in the middle of the stream; is it a part of a download?";
                return Err(self.malformed(self.read, message));
            }
            return Ok(0);
        }
    }

    /// Reads the next slice, up to the compressed offset `end`.
    fn fill(&mut self, end: u64) -> Result<()> {
        let want = usize::try_from(end - self.read).unwrap_or(usize::MAX).min(SLICE_BYTES);
        if self.buffer.len() < want {
            self.buffer.resize(want, 0);
        }
        let next = self.read + want as u64;
        self.input.prefetch(next..self.input.len().min(next + 8 * SLICE_BYTES as u64));
        let got = self
            .input
            .read_full_at(self.read, &mut self.buffer[..want])
            .map_err(|source| ErrorKind::Io { file: self.file.clone(), source })?;
        if got < want {
            return Err(self.malformed(self.read + got as u64, "the file is shorter than it was"));
        }
        self.pending = 0..got;
        self.read = next;
        Ok(())
    }

    fn malformed(&self, byte: u64, message: &str) -> Error {
        ErrorKind::Malformed {
            file: self.file.clone(),
            message: format!("compressed byte {byte}: {message}"),
        }
        .into()
    }
}
