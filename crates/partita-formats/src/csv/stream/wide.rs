//! UTF-16 to UTF-8, in pieces of any size.

use std::ops::Range;

use encoding_rs::mem;

use super::super::text::Utf16;

/// Bytes of UTF-16 that are decoded at once.
const PIECE_BYTES: usize = 32 << 10;

/// Bytes of UTF-8 that one unit of UTF-16 takes at most.
const UNIT_BYTES_MAX: usize = 3;

/// A decoder that is fed the bytes of a file in order.
pub(super) struct Wide {
    how: Utf16,
    /// Bytes of the file.
    raw: Vec<u8>,
    units: Vec<u16>,
    text: Vec<u8>,
    /// The bytes of `text` that have not been delivered.
    given: Range<usize>,
    /// The first byte of a unit.
    odd: Option<u8>,
    /// The first half of a pair of surrogates.
    high: Option<u16>,
    /// Bytes taken so far, those that are held among them.
    taken: u64,
    /// What is wrong behind the text, and at which byte of UTF-16.
    wrong: Option<(u64, String)>,
}

impl Wide {
    pub(super) fn new(how: Utf16) -> Self {
        Self {
            how,
            raw: Vec::new(),
            units: Vec::new(),
            text: Vec::new(),
            given: 0..0,
            odd: None,
            high: None,
            taken: 0,
            wrong: None,
        }
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        self.raw.capacity() + self.units.capacity() * size_of::<u16>() + self.text.capacity()
    }

    /// Text so far; 0 where more must be fed first.
    pub(super) fn deliver(&mut self, out: &mut [u8]) -> usize {
        let count = out.len().min(self.given.len());
        out[..count].copy_from_slice(&self.text[self.given.start..self.given.start + count]);
        self.given.start += count;
        count
    }

    /// What stands behind the text that has been delivered and is none: the byte of UTF-16, and what is wrong.
    pub(super) fn wrong(&self) -> Option<&(u64, String)> {
        self.wrong.as_ref()
    }

    /// Where the next bytes of the file go, for [`Wide::feed`].
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.raw.is_empty() {
            self.raw = vec![0; PIECE_BYTES];
            self.units = Vec::with_capacity(PIECE_BYTES / 2 + 2);
            self.text = vec![0; (PIECE_BYTES / 2 + 2) * UNIT_BYTES_MAX];
        }
        &mut self.raw
    }

    /// Takes the first `count` bytes of the room. All text before must have been delivered.
    pub(super) fn feed(&mut self, count: usize) {
        let unit = if self.how.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
        let held = 2 * u64::from(self.high.is_some()) + u64::from(self.odd.is_some());
        let first = self.taken - held;
        self.taken += count as u64;
        self.units.clear();
        self.units.extend(self.high.take());
        let mut raw = &self.raw[..count];
        if let (Some(odd), Some((&next, rest))) = (self.odd, raw.split_first()) {
            self.units.push(unit([odd, next]));
            self.odd = None;
            raw = rest;
        }
        let (pairs, odd) = raw.as_chunks::<2>();
        self.units.extend(pairs.iter().map(|pair| unit(*pair)));
        self.odd = odd.first().copied().or(self.odd);
        self.high = self.units.pop_if(|unit| (0xD800..0xDC00).contains(unit));
        self.decode(first);
    }

    /// The units to text, where the first stands at byte `first`.
    fn decode(&mut self, first: u64) {
        let valid = if self.how.lossy { self.units.len() } else { mem::utf16_valid_up_to(&self.units) };
        if let Some(unit) = self.units.get(valid) {
            let message = format!(
                "the surrogate {unit:#06x} stands alone; mend the file (iconv -c -f UTF-16 -t UTF-8 < in.csv > out.csv), \
                 or, where it has a byte-order mark, read U+FFFD in its place: .encoding(Encoding::Utf8Lossy) \
                 (--encoding utf8-lossy)"
            );
            self.wrong = Some((first + 2 * valid as u64, message));
        }
        let written = mem::convert_utf16_to_utf8(&self.units[..valid], &mut self.text);
        self.given = 0..written;
    }

    /// No bytes come any more; whether that adds text, or an error.
    pub(super) fn finish(&mut self) -> bool {
        let held = 2 * u64::from(self.high.is_some()) + u64::from(self.odd.is_some());
        if held == 0 {
            return false;
        }
        if self.how.lossy {
            let text = "\u{FFFD}".as_bytes();
            self.text[..text.len()].copy_from_slice(text);
            self.given = 0..text.len();
        } else {
            let message = "the file ends in the middle of a character; is it complete?";
            self.wrong = Some((self.taken - held, message.into()));
        }
        (self.high, self.odd) = (None, None);
        true
    }
}
