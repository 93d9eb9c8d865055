//! Lines of places in a file, for errors: found by reading the file again, only when one is reported.

use std::sync::Arc;

use super::super::dialect::LineEnd;
use super::super::stream::{Compression, Decoder};
use crate::error::Result;
use crate::io::ReadAt;

const BUFFER_BYTES: usize = 256 << 10;

/// The lines, from 1, of places in the decoded bytes of a file. `places` ascend. Lines are counted as an editor
/// counts them, those inside quotes among them.
///
/// # Errors
/// Where the store or the decompressor fails.
pub fn lines_at(
    file: &str,
    input: &Arc<dyn ReadAt>,
    compression: Compression,
    line_end: LineEnd,
    places: &[u64],
) -> Result<Vec<u64>> {
    let mut decoder = Decoder::new(Arc::clone(input), file, compression)?;
    let mut buffer = vec![0; BUFFER_BYTES];
    let (mut lines, mut at, mut line) = (Vec::with_capacity(places.len()), 0_u64, 1_u64);
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
            line += memchr::memchr_iter(line_end.byte(), part).count() as u64;
            filled.start += wanted;
            at += wanted as u64;
        }
        lines.push(line);
    }
    Ok(lines)
}
