//! Reading of Thrift's compact protocol, as far as Parquet needs it, from bytes that nobody vouches for.
//!
//! Source: <https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md>.

#[cfg(test)]
mod tests;

/// Types of fields and of elements of lists, by their number. Those that nothing here asks for are skipped.
pub(super) const TRUE: u8 = 1;
pub(super) const FALSE: u8 = 2;
const BYTE: u8 = 3;
pub(super) const I16: u8 = 4;
pub(super) const I32: u8 = 5;
pub(super) const I64: u8 = 6;
const DOUBLE: u8 = 7;
pub(super) const BINARY: u8 = 8;
pub(super) const LIST: u8 = 9;
const SET: u8 = 10;
const MAP: u8 = 11;
pub(super) const STRUCT: u8 = 12;
const UUID: u8 = 13;

/// Structs, lists and maps within each other that are skipped at most.
const DEPTH_MAX: usize = 64;

/// A place in bytes. Every method says where it failed by what it expected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// What was expected, and where.
pub(super) type Outcome<T> = std::result::Result<T, String>;

/// Why a structure could not be read: what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stop {
    /// It goes on behind the bytes.
    Short(String),
    /// The bytes are no structure.
    Wrong(String),
}

impl From<Stop> for String {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Short(expected) | Stop::Wrong(expected) => format!("expected {expected}"),
        }
    }
}

type Read<T> = std::result::Result<T, Stop>;

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes that have been read.
    pub(super) fn position(&self) -> usize {
        self.at
    }

    fn what(&self, expected: &str) -> String {
        format!("{expected} at byte {} of {} of a Thrift structure", self.at, self.bytes.len())
    }

    fn fail<T>(&self, expected: &str) -> Read<T> {
        Err(Stop::Wrong(self.what(expected)))
    }

    fn short<T>(&self, expected: &str) -> Read<T> {
        Err(Stop::Short(self.what(expected)))
    }

    fn byte(&mut self) -> Read<u8> {
        let Some(&byte) = self.bytes.get(self.at) else {
            return self.short("one more byte");
        };
        self.at += 1;
        Ok(byte)
    }

    fn take(&mut self, count: usize) -> Read<&'a [u8]> {
        let end = self.at.checked_add(count);
        let Some(taken) = end.and_then(|end| self.bytes.get(self.at..end)) else {
            return self.short(&format!("{count} more bytes"));
        };
        self.at += count;
        Ok(taken)
    }

    fn varint(&mut self) -> Read<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        self.fail("a number of at most ten bytes")
    }

    /// A signed number of any width.
    pub(super) fn number(&mut self) -> Read<i64> {
        let zigzag = self.varint()?;
        Ok((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    /// Bytes, with their length before them.
    pub(super) fn binary(&mut self) -> Read<&'a [u8]> {
        let length = self.varint()?;
        self.take(usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Number and type of the next field of a struct; `None` at its end. `last` is the number of the field before,
    /// 0 at first.
    pub(super) fn field(&mut self, last: &mut i16) -> Read<Option<(i16, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let number = match head >> 4 {
            0 => i16::try_from(self.number()?).ok(),
            delta => last.checked_add(i16::from(delta)),
        };
        let Some(number) = number else {
            return self.fail("a field's number of 16 bits");
        };
        *last = number;
        Ok(Some((number, head & 0xf)))
    }

    /// Type of the elements of a list, and how many there are: no more than there are bytes.
    pub(super) fn list(&mut self) -> Read<(u8, usize)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        match usize::try_from(count) {
            Ok(count) if count <= self.bytes.len() - self.at => Ok((head & 0xf, count)),
            _ => self.short(&format!("a list no longer than the bytes, got one of {count} elements")),
        }
    }

    /// A truth value in a list.
    pub(super) fn flag(&mut self) -> Read<bool> {
        Ok(self.byte()? == TRUE)
    }

    /// Passes over a field.
    pub(super) fn skip(&mut self, kind: u8) -> Read<()> {
        if let Some(end) = pass(self.bytes, self.at, kind, (DEPTH_MAX, false)) {
            self.at = end;
            return Ok(());
        }
        // Again, to say what is wrong.
        self.skip_within(kind, DEPTH_MAX, false)
    }

    fn skip_within(&mut self, kind: u8, depth: usize, is_element: bool) -> Read<()> {
        if depth == 0 {
            return self.fail(&format!("no more than {DEPTH_MAX} structures within each other"));
        }
        match kind {
            TRUE | FALSE if is_element => self.take(1).map(drop),
            TRUE | FALSE => Ok(()),
            BYTE => self.take(1).map(drop),
            I16 | I32 | I64 => self.varint().map(drop),
            DOUBLE => self.take(8).map(drop),
            UUID => self.take(16).map(drop),
            BINARY => self.binary().map(drop),
            LIST | SET => {
                let (element, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_within(element, depth - 1, true))
            }
            MAP => self.skip_map(depth),
            STRUCT => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    self.skip_within(kind, depth - 1, false)?;
                }
                Ok(())
            }
            _ => self.fail("a field of a known type"),
        }
    }

    fn skip_map(&mut self, depth: usize) -> Read<()> {
        let count = self.varint()?;
        if count == 0 {
            return Ok(());
        }
        if count > (self.bytes.len() - self.at) as u64 {
            return self.short("a map no longer than the bytes");
        }
        let kinds = self.byte()?;
        for _ in 0..count {
            self.skip_within(kinds >> 4, depth - 1, true)?;
            self.skip_within(kinds & 0xf, depth - 1, true)?;
        }
        Ok(())
    }
}

/// The byte behind a field, or ([`None`]) any damage: most of a footer is passed over so.
fn pass(bytes: &[u8], at: usize, kind: u8, (depth, is_element): (usize, bool)) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    match kind {
        TRUE | FALSE => Some(at + usize::from(is_element)).filter(|end| *end <= bytes.len()),
        BYTE => Some(at + 1).filter(|end| *end <= bytes.len()),
        I16 | I32 | I64 => pass_number(bytes, at),
        DOUBLE => Some(at + 8).filter(|end| *end <= bytes.len()),
        BINARY => pass_binary(bytes, at),
        LIST | SET => pass_list(bytes, at, depth),
        STRUCT => pass_struct(bytes, at, depth),
        _ => None,
    }
}

fn pass_struct(bytes: &[u8], mut at: usize, depth: usize) -> Option<usize> {
    let mut last = 0_i16;
    loop {
        let head = *bytes.get(at)?;
        at += 1;
        if head == 0 {
            return Some(at);
        }
        // Where the number is written out, the slow way reads it.
        last = last.checked_add(i16::from(head >> 4)).filter(|_| head >> 4 != 0)?;
        at = match head & 0xf {
            I16 | I32 | I64 => pass_number(bytes, at)?,
            BINARY => pass_binary(bytes, at)?,
            kind => pass(bytes, at, kind, (depth, false))?,
        };
    }
}

fn pass_list(bytes: &[u8], at: usize, depth: usize) -> Option<usize> {
    let mut thrift = Thrift { bytes, at };
    let (kind, count) = thrift.list().ok()?;
    (0..count).try_fold(thrift.at, |at, _| pass(bytes, at, kind, (depth, true)))
}

#[inline]
fn pass_binary(bytes: &[u8], at: usize) -> Option<usize> {
    let first = *bytes.get(at)?;
    let (length, at) = match first {
        0..0x80 => (usize::from(first), at + 1),
        _ => {
            let mut thrift = Thrift { bytes, at };
            (usize::try_from(thrift.varint().ok()?).ok()?, thrift.at)
        }
    };
    at.checked_add(length).filter(|end| *end <= bytes.len())
}

#[inline]
fn pass_number(bytes: &[u8], at: usize) -> Option<usize> {
    if let Some(next) = bytes.get(at..).and_then(|bytes| bytes.first_chunk()) {
        // The first byte without its highest bit is the last one.
        let last = !u64::from_le_bytes(*next) & 0x8080_8080_8080_8080;
        if last != 0 {
            return Some(at + last.trailing_zeros() as usize / 8 + 1);
        }
    }
    let mut thrift = Thrift { bytes, at };
    thrift.varint().ok()?;
    Some(thrift.at)
}
