//! The pages of a chunk: found, read and decompressed one after the other.

use std::ops::Range;
use std::sync::Arc;

use arrow::buffer::Buffer;
use parquet::basic::Compression;

use super::super::checksum::check;
use super::super::thrift::Stop;
use super::damage::Damage;
use super::header::Header;
use super::spare::Spare;
use super::{ChunkSpec, Work};
use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;

/// Bytes that are read at once, where there are as many.
pub(super) const PIECE_BYTES: usize = 128 << 10;

/// The same where headers are looked at alone.
const HEADER_PIECE_BYTES: usize = 2 << 10;

/// Bytes that a header is looked for in at first, and at most. Statistics may make it long.
const HEADER_BYTES: usize = 256;
const HEADER_BYTES_MAX: usize = 16 << 20;

/// Large buffers have a multiple of so many bytes.
const ROUND_BYTES: usize = 128 << 10;

/// Pages that were handed out and may come back.
const LENT_PAGES: usize = 2;

/// The size of a buffer of `bytes`: a page that is a little longer than the one before goes into it too.
fn room(bytes: usize) -> usize {
    if bytes > ROUND_BYTES { bytes.next_multiple_of(ROUND_BYTES) } else { bytes }
}

/// The bytes of a chunk from some place on.
pub(super) struct Pages {
    input: Arc<dyn ReadAt>,
    range: Range<u64>,
    /// As [`super::ChunkSpec::wanted`].
    wanted: Arc<[Range<u64>]>,
    compression: Compression,
    /// The byte of the file that comes next.
    at: u64,
    /// Bytes of the file from `window_start` on.
    window: Vec<u8>,
    window_start: u64,
    /// Pages that arrays may have.
    lent: Vec<Buffer>,
    bytes_read: u64,
    /// Bytes that are read at once.
    piece_bytes: usize,
}

/// How the bytes of a page are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stored {
    /// Levels that are not compressed.
    pub(super) apart: usize,
    /// The bytes behind them, and how many these are before compression.
    pub(super) stored: usize,
    pub(super) raw: usize,
    pub(super) is_compressed: bool,
    /// The checksum of all.
    pub(super) crc: Option<u32>,
}

/// What can go wrong on the way to a page.
pub(super) enum PageError {
    Damage(Damage),
    Io(std::io::Error),
}

impl<D: Into<Damage>> From<D> for PageError {
    fn from(damage: D) -> Self {
        Self::Damage(damage.into())
    }
}

impl Pages {
    /// Reads into `window`, whatever it holds.
    pub(super) fn new(input: Arc<dyn ReadAt>, spec: &ChunkSpec, mut window: Vec<u8>) -> Self {
        window.clear();
        let (range, compression) = (spec.range.clone(), spec.compression);
        let (at, window_start) = (range.start, range.start);
        Self {
            input,
            range,
            wanted: Arc::clone(&spec.wanted),
            compression,
            at,
            window,
            window_start,
            lent: Vec::new(),
            bytes_read: 0,
            piece_bytes: PIECE_BYTES,
        }
    }

    /// Whether what comes is read anyway, or headers alone.
    pub(super) fn read_ahead(&mut self, is_read: bool) {
        self.piece_bytes = if is_read { PIECE_BYTES } else { HEADER_PIECE_BYTES };
    }

    /// The byte of the file that comes next.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    /// Goes to a byte of the file; `false` where that is not in the chunk.
    pub(super) fn seek(&mut self, at: u64) -> bool {
        let is_there = self.range.contains(&at);
        if is_there {
            self.at = at;
        }
        is_there
    }

    /// Bytes between the next and the end of the chunk.
    pub(super) fn left(&self) -> u64 {
        self.range.end.saturating_sub(self.at)
    }

    /// Bytes of the file that were read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// Bytes that are held, without those of the page that was handed out last.
    pub(super) fn memory_bytes(&self) -> usize {
        self.window.capacity() + self.lent.iter().map(Buffer::capacity).sum::<usize>()
    }

    /// Bytes that are held for the page that comes next, beside those that are held anyway.
    pub(super) fn missing_bytes(&self, header: &Header) -> usize {
        let stored = header.stored_bytes.max(PIECE_BYTES).saturating_sub(self.window.capacity());
        stored.saturating_add(room(header.raw_bytes))
    }

    /// The next `count` bytes, or as many as the chunk has; they stay next.
    fn peek(&mut self, count: usize) -> Result<&[u8], PageError> {
        let count = usize::try_from(self.left()).unwrap_or(usize::MAX).min(count);
        let start = self.at.checked_sub(self.window_start).and_then(|start| usize::try_from(start).ok());
        let start = match start.filter(|&start| start <= self.window.len()) {
            Some(start) => start,
            None => {
                self.window.clear();
                self.window_start = self.at;
                0
            }
        };
        if self.window.len() - start >= count {
            return Ok(&self.window[start..start + count]);
        }
        self.window.drain(..start);
        self.window_start = self.at;
        let there = self.window.len();
        let left = usize::try_from(self.left().min(self.wanted_bytes())).unwrap_or(usize::MAX);
        let wanted = count.max(self.piece_bytes.min(left));
        self.window.reserve_exact(wanted - there);
        self.window.resize(wanted, 0);
        let got = self.input.read_full_at(self.at + there as u64, &mut self.window[there..]);
        self.window.truncate(there + *got.as_ref().unwrap_or(&0));
        self.bytes_read += got.map_err(PageError::Io)? as u64;
        if self.window.len() < count {
            return Err(Damage::new("more bytes: the file ends before the column").into());
        }
        Ok(&self.window[..count])
    }

    /// Bytes from here on that will be read, as far as is known.
    fn wanted_bytes(&self) -> u64 {
        if self.wanted.is_empty() {
            return u64::MAX;
        }
        let number = self.wanted.partition_point(|range| range.end <= self.at);
        let here = self.wanted.get(number).filter(|range| range.start <= self.at);
        here.map_or(0, |range| range.end - self.at)
    }

    /// Makes the window hold so many bytes, if the chunk has them.
    fn widen(&mut self, bytes: usize, spare: &mut Spare) {
        let bytes = usize::try_from(self.left()).unwrap_or(usize::MAX).min(bytes);
        if bytes > self.window.capacity() {
            let mut window = spare.take(room(bytes));
            window.clear();
            window.extend_from_slice(&self.window);
            spare.give(std::mem::replace(&mut self.window, window));
        }
    }

    /// The header of the next page, and its length; the page stays next.
    pub(super) fn header(&mut self) -> Result<(Header, usize), PageError> {
        let mut count = HEADER_BYTES;
        loop {
            let left = self.left();
            let bytes = self.peek(count)?;
            match Header::parse(bytes) {
                Ok((header, length)) => {
                    let stored = header.stored_bytes as u64;
                    if stored > left - length as u64 {
                        let left = left - length as u64;
                        return Err(Damage::new(format!(
                            "a page that ends with its column, {left} bytes behind its header, got one of {stored}"
                        ))
                        .into());
                    }
                    return Ok((header, length));
                }
                Err(Stop::Wrong(what)) => return Err(Damage::new(what).into()),
                Err(Stop::Short(_)) if count as u64 >= left || count >= HEADER_BYTES_MAX => {
                    return Err(
                        Damage::new("a page header, and it goes on behind the end of its column").into()
                    );
                }
                Err(Stop::Short(_)) => count *= 4,
            }
        }
    }

    /// Passes over so many bytes.
    pub(super) fn pass(&mut self, bytes: usize) {
        self.at = self.at.saturating_add(bytes as u64).min(self.range.end);
    }

    /// Takes the next `apart + stored` bytes: the first `apart` as they are, the others decompressed to `raw` bytes, where they are
    /// compressed. Where the header has their checksum, they are compared with it first.
    pub(super) fn page(
        &mut self,
        work: &mut Work,
        Stored { apart, stored, raw, is_compressed, crc }: Stored,
    ) -> Result<Buffer, PageError> {
        let mut page = self.spare().unwrap_or_else(|| work.spare.take(room(raw)));
        self.widen(apart + stored, &mut work.spare);
        let compression = if is_compressed { self.compression } else { Compression::UNCOMPRESSED };
        let bytes = self.peek(apart + stored)?;
        if let Some(told) = crc {
            check(bytes, told).map_err(Damage::new)?;
        }
        work.levels.clear();
        work.levels.extend_from_slice(&bytes[..apart]);
        let bytes = &bytes[apart..];
        if compression == Compression::UNCOMPRESSED {
            page.clear();
            page.extend_from_slice(bytes);
        } else {
            work.codecs.decompress(compression, bytes, raw, &mut page)?;
        }
        self.pass(apart + stored);
        Ok(Buffer::from_vec(page))
    }

    /// Takes a page back once its values have been read.
    pub(super) fn give_back(&mut self, page: Buffer) {
        if self.lent.len() >= LENT_PAGES {
            self.lent.remove(0);
        }
        self.lent.push(page);
    }

    /// A buffer for a page: one that nobody has any more, where there is such.
    fn spare(&mut self) -> Option<Vec<u8>> {
        for number in 0..self.lent.len() {
            match self.lent.remove(number).into_vec() {
                Ok(page) => return Some(page),
                Err(shared) => self.lent.insert(number, shared),
            }
        }
        None
    }

    /// Leaves its buffers to others.
    pub(super) fn close(&mut self, spare: &mut Spare) {
        spare.give(std::mem::take(&mut self.window));
        for page in self.lent.drain(..) {
            spare.give(page.into_vec().unwrap_or_default());
        }
    }
}

/// Where an error is.
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) column: &'a str,
    pub(super) row_group: usize,
    pub(super) page: usize,
    pub(super) byte: u64,
}

impl Place<'_> {
    pub(super) fn error(&self, error: PageError) -> Error {
        let file = self.file.to_owned();
        match error {
            PageError::Io(source) => ErrorKind::Io { file, source }.into(),
            PageError::Damage(Damage::Memory(bytes)) => ErrorKind::Window { file, bytes }.into(),
            PageError::Damage(Damage::Wrong(expected)) => {
                let Self { column, row_group, page, byte, .. } = self;
                let message = format!(
                    "row group {row_group}, column \"{column}\", page {page} (byte {byte}): expected {expected}"
                );
                ErrorKind::Malformed { file, message }.into()
            }
        }
    }
}
