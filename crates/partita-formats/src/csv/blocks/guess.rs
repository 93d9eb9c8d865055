//! Where the records of a block begin, without reading what lies before it.
//!
//! Around the cut a window is read under both assumptions about the first line end in it: that it ends a record, and
//! that it stands inside quotes. Where both lead to the same record there is nothing to choose; elsewhere the
//! assumption is taken under which every record has the width of the header and no quote stands in a field that it
//! does not surround. This is a transition map of the window (first record for each state), of which the likely entry
//! is taken.
//!
//! A guess is never trusted. The reader of each block checks that its last record ends exactly where the next block
//! begins ([`BlockReader::ending_at_a_record`](super::super::reader::BlockReader::ending_at_a_record)); the
//! first block begins where the data does. So when all blocks of a file have been read without a complaint, each of
//! them began at a record, by induction; where one complains, the caller begins again with starts that were
//! searched for.

use std::ops::Range;

use super::super::dialect::LineEnd;
use super::super::options::Ragged;
use super::super::reader::CsvBlock;
use super::super::split::machine::{Machine, State};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Bytes of the first window, and of the largest one.
const WINDOW_BYTES: [usize; 2] = [32 << 10, super::BUFFER_BYTES];

/// Whether starts of blocks of such a file can be guessed at all.
pub fn is_guessable(block: &CsvBlock) -> bool {
    block.dialect.line_end == LineEnd::Lf
}

/// The bytes of block `number` of an input that is cut every `block_bytes` from its first data byte on, by guessing at both
/// ends. Memory: at most [`super::BUFFER_BYTES`], for a moment.
///
/// # Errors
/// [`ErrorKind::Misplaced`] where the window says nothing; whatever the store reports.
pub fn guess_block_range(
    input: &dyn ReadAt,
    block: &CsvBlock,
    block_bytes: u64,
    number: usize,
) -> Result<Range<u64>> {
    let end = super::count(input.len(), block.data_start, block_bytes);
    let place = |number: usize| match number {
        0 => Ok(block.data_start),
        number if number >= end => Ok(input.len()),
        number => guess_start(input, block, block.data_start + block_bytes.saturating_mul(number as u64)),
    };
    let range = place(number)?..place(number + 1)?;
    if range.start <= range.end { Ok(range) } else { Err(misplaced(block, range.start)) }
}

/// The error that says so of a guess.
pub fn misplaced(block: &CsvBlock, byte: u64) -> crate::error::Error {
    ErrorKind::Misplaced { file: block.file.clone(), byte }.into()
}

/// The first record that begins at `cut` or behind it; the end of the input where there is none. `cut` is behind the
/// first data byte.
fn guess_start(input: &dyn ReadAt, block: &CsvBlock, cut: u64) -> Result<u64> {
    let from = cut - 1;
    let mut wanted = WINDOW_BYTES[0];
    loop {
        let mut window = vec![0; wanted];
        let got = input
            .read_full_at(from, &mut window)
            .map_err(|source| ErrorKind::Io { file: block.file.clone(), source })?;
        let at_end = from + got as u64 >= input.len();
        match choose(block, &window[..got], at_end) {
            Some(offset) => return Ok(from + offset as u64),
            None if at_end || wanted >= WINDOW_BYTES[1] => return Err(misplaced(block, cut)),
            None => wanted = (wanted * 4).min(WINDOW_BYTES[1]),
        }
    }
}

/// The offset of the first record of a window that begins with the last byte before the cut; `None`: no telling.
fn choose(block: &CsvBlock, window: &[u8], at_end: bool) -> Option<usize> {
    let machine = Machine::new(&block.dialect);
    let Some(line_end) = memchr::memchr(b'\n', window) else { return at_end.then_some(window.len()) };
    let behind = &window[line_end + 1..];
    let read = |state| {
        let reading = Reading::new(block, &machine, state, behind);
        let first = reading.first.or(at_end.then_some(behind.len()));
        (first.map(|first| line_end + 1 + first), reading)
    };
    let (first, outside) = read(State::Line);
    if block.dialect.quote.is_none() {
        return first;
    }
    let (first_inside, inside) = read(State::Quoted);
    let fits = |first: Option<usize>, reading: &Reading| {
        let is_whole = if at_end { !reading.ends_inside } else { reading.right > 0 };
        first.is_some() && reading.wrong == 0 && is_whole
    };
    match (fits(first, &outside), fits(first_inside, &inside)) {
        _ if first == first_inside => first,
        (true, false) => first,
        (false, true) => first_inside,
        _ => None,
    }
}

/// What a window looks like from one state on.
struct Reading {
    /// Where the first record begins.
    first: Option<usize>,
    /// Records of the width of the header.
    right: usize,
    /// Records of another width, and quotes in fields that they do not surround.
    wrong: usize,
    /// The window ends inside quotes.
    ends_inside: bool,
}

impl Reading {
    fn new(block: &CsvBlock, machine: &Machine, mut state: State, bytes: &[u8]) -> Self {
        let mut reading = Self { first: None, right: 0, wrong: 0, ends_inside: false };
        let (separator, quote) = (block.dialect.separator, block.dialect.quote);
        let (mut line, mut fields) = ((state == State::Line).then_some(0), 1);
        for (at, &byte) in bytes.iter().enumerate() {
            let next = machine.step(state, byte);
            let stray = match (state, next) {
                (State::Bare, State::Bare) => Some(byte) == quote,
                (State::Closing, State::Bare) => !matches!(byte, b'\r' | b' ' | b'\t'),
                _ => false,
            };
            reading.wrong += usize::from(stray);
            if let Some(line) = line
                && state.before_record()
                && !next.before_record()
            {
                reading.first.get_or_insert(line);
            }
            match next {
                State::Line => {
                    if line.is_some() && !state.before_record() {
                        let right = if block.ragged == Ragged::Pad {
                            fields <= block.width
                        } else {
                            fields == block.width
                        };
                        reading.right += usize::from(right);
                        reading.wrong += usize::from(!right);
                    }
                    (line, fields) = (Some(at + 1), 1);
                }
                State::Field if byte == separator => fields += 1,
                _ => {}
            }
            state = next;
        }
        reading.ends_inside = matches!(state, State::Quoted | State::QuotedEscape);
        reading
    }
}

#[cfg(test)]
mod tests;
