//! Lines of places in a file, for errors: found by reading the file again, only when one is reported.

use std::sync::Arc;

use super::super::dialect::LineEnd;
use super::super::stream::{Decoder, Packing};
use crate::error::Result;
use crate::io::ReadAt;

const BUFFER_BYTES: usize = 256 << 10;

/// Memory that a decompressor may take for it: lines are not worth a large window.
const DECODER_BYTES_MAX: usize = 16 << 20;

/// The lines, from 1, of places in the decoded bytes of a file. `places` ascend. Lines are counted as an editor
/// counts them, those inside quotes among them.
///
/// # Errors
/// Where the store or the decompressor fails, or would take more than 16 MiB of memory.
pub fn lines_at(
    file: &str,
    input: &Arc<dyn ReadAt>,
    packing: Packing,
    line_end: LineEnd,
    places: &[u64],
) -> Result<Vec<u64>> {
    let mut decoder = Decoder::new(Arc::clone(input), file, packing)?;
    decoder.allow(DECODER_BYTES_MAX);
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut lines, mut at) = (Vec::with_capacity(places.len()), 0_u64);
    let mut counter = LineCounter::new(line_end, 1);
    let mut filled = 0..0;
    for place in places {
        while at < *place {
            if filled.is_empty() {
                filled = 0..decoder.read(&mut buffer, u64::MAX)?;
                if filled.is_empty() {
                    break;
                }
            }
            let wanted = usize::try_from(*place - at).unwrap_or(usize::MAX).min(filled.len());
            let part = &buffer[filled.start..filled.start + wanted];
            counter.feed(part);
            filled.start += wanted;
            at += wanted as u64;
        }
        lines.push(counter.line());
    }
    Ok(lines)
}

/// Counts lines in pieces of any size, `\r\n` as one end.
#[derive(Debug, Clone, Copy)]
pub struct LineCounter {
    line_end: LineEnd,
    line: u64,
    /// The last byte was a `\r`.
    after_return: bool,
}

impl LineCounter {
    /// A counter in line `line`, from 1.
    pub fn new(line_end: LineEnd, line: u64) -> Self {
        Self { line_end, line, after_return: false }
    }

    /// The number of the line, from 1, of the next byte.
    pub fn line(&self) -> u64 {
        self.line
    }

    /// Passes over `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.line_end == LineEnd::Lf {
            self.line += memchr::memchr_iter(b'\n', bytes).count() as u64;
            return;
        }
        for &byte in bytes {
            let second = byte == b'\n' && self.after_return;
            self.line += u64::from(self.line_end.is_end(byte) && !second);
            self.after_return = byte == b'\r';
        }
    }
}
