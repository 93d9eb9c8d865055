//! Parquet's hybrid of runs and bit-packed groups of eight.

use super::damage::Damage;

/// Codes one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece {
    /// The same code so many times.
    Same { code: u32, count: usize },
    /// Packed groups from byte `at` on: `count` codes behind the first `skip` of them, all of whose bits are there.
    Packed { at: usize, skip: usize, count: usize },
}

#[derive(Debug, Clone, Copy)]
enum Run {
    Same { code: u32, left: usize },
    Packed { at: usize, skip: usize, left: usize },
}

/// A place among the codes of a page.
#[derive(Debug, Clone)]
pub(super) struct Hybrid {
    width: u32,
    /// The byte behind the run at hand.
    at: usize,
    run: Run,
}

/// Seven bits a byte, lowest first; the number and the byte behind it.
pub(super) fn varint(bytes: &[u8], mut at: usize) -> Result<(u64, usize), Damage> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *bytes.get(at).ok_or_else(Damage::short)?;
        at += 1;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok((value, at));
        }
    }
    Err(Damage::new("a number of at most 10 bytes, and it is longer"))
}

impl Hybrid {
    /// Codes of `width` bits from byte `at` on.
    pub(super) fn new(width: u8, at: usize) -> Result<Self, Damage> {
        if width > 32 {
            return Err(Damage::new(format!("codes of at most 32 bits, got {width}")));
        }
        Ok(Self { width: u32::from(width), at, run: Run::Same { code: 0, left: 0 } })
    }

    /// Nothing but the packed codes from byte `at` on.
    pub(super) fn packed(width: u32, at: usize, codes: usize) -> Self {
        Self { width, at: usize::MAX, run: Run::Packed { at, skip: 0, left: codes } }
    }

    pub(super) fn width(&self) -> u32 {
        self.width
    }

    /// At most `most` codes, and at least one where `most` is not 0.
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], most: usize) -> Result<Piece, Damage> {
        loop {
            match &mut self.run {
                Run::Same { left: 0, .. } | Run::Packed { left: 0, .. } => self.run = self.next_run(bytes)?,
                Run::Same { code, left } => {
                    let count = most.min(*left);
                    *left -= count;
                    return Ok(Piece::Same { code: *code, count });
                }
                Run::Packed { at, skip, left } => {
                    let count = most.min(*left);
                    let piece = Piece::Packed { at: *at, skip: *skip, count };
                    *left -= count;
                    *at += (*skip + count) / 8 * self.width as usize;
                    *skip = (*skip + count) % 8;
                    return Ok(piece);
                }
            }
        }
    }

    fn next_run(&mut self, bytes: &[u8]) -> Result<Run, Damage> {
        let (header, at) = varint(bytes, self.at)?;
        let count = usize::try_from(header >> 1).map_err(|_| Damage::short())?;
        let rest = bytes.len() - at;
        if header & 1 == 0 {
            let width = self.width.div_ceil(8) as usize;
            let stored = bytes.get(at..at + width).ok_or_else(Damage::short)?;
            let code = stored.iter().rev().fold(0, |code, &byte| code << 8 | u32::from(byte));
            self.at = at + width;
            return Ok(Run::Same { code, left: count });
        }
        if self.width == 0 {
            self.at = at;
            return Ok(Run::Same { code: 0, left: count.saturating_mul(8) });
        }
        // The last group of a page may lack the bytes that only pad it.
        let there = rest.saturating_mul(8) / self.width as usize;
        let left = count.saturating_mul(8).min(there);
        if left == 0 && count > 0 {
            return Err(Damage::short());
        }
        self.at = at + count.saturating_mul(self.width as usize).min(rest);
        Ok(Run::Packed { at, skip: 0, left })
    }
}
