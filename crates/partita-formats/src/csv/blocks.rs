//! Where the records of each block begin.
//!
//! A file is cut into blocks of equal length; a record belongs to the block in which its first byte stands. Finding
//! those bytes exactly needs to know which line ends stand inside quotes, and that is known only to one who has read
//! everything before: this is one sequential pass in bounded memory, at the speed of memory where the file has no
//! quotes and near it where it has.

use serde::{Deserialize, Serialize};

use super::dialect::Dialect;
use super::reader::CsvBlock;
use super::reader::lines::LineCounter;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

mod guess;
mod skim;
#[cfg(test)]
mod tests;
mod walk;

pub use guess::{guess_block_range, is_guessable, misplaced};
pub(crate) use walk::Walk;

/// Bytes read at once.
pub const BUFFER_BYTES: usize = 512 * 1024;

/// The bytes where the records of each block begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockStarts {
    /// For n blocks n + 1 bytes: block k owns the records in `starts[k]..starts[k + 1]`. `starts[0]` is the first
    /// byte of the data as given, `starts[n]` the length of the file, and `starts[k]` between them the first byte
    /// of the first record that begins at or behind the cut `data_start + k * block_bytes` (the length of the file
    /// where none does).
    pub starts: Vec<u64>,
    /// The lines, from 1, in which the blocks with records begin; none where they were not asked for.
    pub lines: Vec<u64>,
}

/// How many blocks a file of `len` bytes has: its data are cut every `block_bytes` (at least 1), and a file without
/// data is one empty block.
pub fn count(len: u64, data_start: u64, block_bytes: u64) -> usize {
    let blocks = len.saturating_sub(data_start).div_ceil(block_bytes.max(1)).max(1);
    usize::try_from(blocks).unwrap_or(usize::MAX)
}

/// Finds the block starts of the uncompressed `input`, in one sequential pass with one buffer of
/// [`BUFFER_BYTES`]. `file` is its name for errors, `data_start` the first byte behind the header, and the cuts lie
/// `block_bytes` (at least 1) apart. `cancelled` is asked once a buffer.
///
/// # Errors
/// Where the store fails, or with [`ErrorKind::Cancelled`].
pub fn find_block_starts(
    input: &dyn ReadAt,
    file: &str,
    dialect: &Dialect,
    data_start: u64,
    block_bytes: u64,
    cancelled: &dyn Fn() -> bool,
) -> Result<BlockStarts> {
    let blocks = count(input.len(), data_start, block_bytes);
    let finder = Finder::new(dialect, data_start, block_bytes.max(1), blocks);
    find(input, file, finder, cancelled)
}

/// Where the records of block `number` begin, by a search that ends there.
///
/// # Errors
/// As [`find_block_starts`].
pub fn find_block_start(
    input: &dyn ReadAt,
    block: &CsvBlock,
    block_bytes: u64,
    number: usize,
    cancelled: &dyn Fn() -> bool,
) -> Result<u64> {
    let blocks = count(input.len(), block.data_start, block_bytes).min(number.saturating_add(1));
    let finder = Finder::new(&block.dialect, block.data_start, block_bytes.max(1), blocks);
    let found = find(input, &block.file, finder, cancelled)?;
    Ok(found.starts.get(number).copied().unwrap_or(input.len()))
}

/// [`find_block_starts`] of the data of `block`, and the line of each start.
///
/// # Errors
/// As [`find_block_starts`].
pub fn find_block_starts_and_lines(
    input: &dyn ReadAt,
    block: &CsvBlock,
    block_bytes: u64,
    cancelled: &dyn Fn() -> bool,
) -> Result<BlockStarts> {
    let blocks = count(input.len(), block.data_start, block_bytes);
    let mut finder = Finder::new(&block.dialect, block.data_start, block_bytes.max(1), blocks);
    finder.lines.push(block.first_line);
    finder.counter = Some(LineCounter::new(block.dialect.line_end, block.first_line));
    find(input, &block.file, finder, cancelled)
}

fn find(
    input: &dyn ReadAt,
    file: &str,
    mut finder: Finder,
    cancelled: &dyn Fn() -> bool,
) -> Result<BlockStarts> {
    let len = input.len();
    let mut buffer = vec![0; usize::try_from(len).unwrap_or(usize::MAX).min(BUFFER_BYTES)];
    let mut at = finder.data_start;
    while at < len && finder.is_searching() {
        if cancelled() {
            return Err(ErrorKind::Cancelled.into());
        }
        input.prefetch(at + buffer.len() as u64..len.min(at + 2 * buffer.len() as u64));
        let got = input
            .read_full_at(at, &mut buffer)
            .map_err(|source| ErrorKind::Io { file: file.to_owned(), source })?;
        if got == 0 {
            break;
        }
        finder.feed(&buffer[..got]);
        at += got as u64;
    }
    Ok(finder.finish(len))
}

/// The pass: takes the data in pieces of any size.
struct Finder {
    walk: Walk,
    starts: Vec<u64>,
    /// Where lines are counted: that of the next byte to be fed, and those of the starts.
    counter: Option<LineCounter>,
    lines: Vec<u64>,
    blocks: usize,
    block_bytes: u64,
    data_start: u64,
}

impl Finder {
    fn new(dialect: &Dialect, data_start: u64, block_bytes: u64, blocks: usize) -> Self {
        Self {
            walk: Walk::new(dialect, data_start),
            starts: vec![data_start],
            counter: None,
            lines: Vec::new(),
            blocks,
            block_bytes,
            data_start,
        }
    }

    /// Whether there are cuts whose record has not been found.
    fn is_searching(&self) -> bool {
        self.starts.len() < self.blocks
    }

    /// The first cut whose record has not been found.
    fn cut(&self) -> u64 {
        self.data_start + self.starts.len() as u64 * self.block_bytes
    }

    /// Takes the next piece of the data.
    fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.is_searching() {
            let skimmed = (self.cut() - 1).saturating_sub(self.walk.at());
            let taken = if skimmed > 0 {
                let taken = usize::try_from(skimmed).unwrap_or(usize::MAX).min(bytes.len());
                self.walk.pass(&bytes[..taken]);
                taken
            } else {
                self.land(bytes)
            };
            if let Some(counter) = &mut self.counter {
                // The last byte taken is the first of a record that was found: no line ends between the two.
                counter.feed(&bytes[..taken]);
                self.lines.resize(self.starts.len(), counter.line());
            }
            bytes = &bytes[taken..];
        }
    }

    /// Reads on to the first record that begins at or behind the cut, and notes it; returns the bytes taken.
    fn land(&mut self, bytes: &[u8]) -> usize {
        let (taken, found) = self.walk.land(bytes, self.cut());
        if let Some(start) = found {
            while self.is_searching() && self.cut() <= start {
                self.starts.push(start);
            }
        }
        taken
    }

    fn finish(mut self, len: u64) -> BlockStarts {
        self.starts.resize(self.blocks, len);
        self.starts.push(len);
        BlockStarts { starts: self.starts, lines: self.lines }
    }
}
