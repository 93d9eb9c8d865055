//! The compact protocol of Thrift, as far as page headers need it.

use super::damage::Damage;

/// Structs in structs, lists in structs and so on.
const DEPTH_MAX: u32 = 8;

const TYPE_TRUE: u8 = 1;
const TYPE_FALSE: u8 = 2;
const TYPE_BYTE: u8 = 3;
const TYPE_I16: u8 = 4;
const TYPE_I32: u8 = 5;
const TYPE_I64: u8 = 6;
const TYPE_DOUBLE: u8 = 7;
const TYPE_BINARY: u8 = 8;
const TYPE_LIST: u8 = 9;
const TYPE_SET: u8 = 10;
const TYPE_MAP: u8 = 11;
const TYPE_STRUCT: u8 = 12;

/// Why a struct could not be read.
pub(super) enum Stop {
    /// It goes on behind the bytes.
    Short,
    /// The bytes are no struct.
    Wrong(Damage),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Wrong(damage)
    }
}

/// A field of a struct.
pub(super) struct Field {
    pub(super) id: i16,
    kind: u8,
}

/// A struct that is being read: no value is kept, and none is believed to be there before it is.
pub(super) struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Thrift<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Result<u8, Stop> {
        let byte = *self.bytes.get(self.at).ok_or(Stop::Short)?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, Stop> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Damage::new("a number in its header of at most 10 bytes, and it is longer").into())
    }

    fn zigzag(&mut self) -> Result<i64, Stop> {
        let value = self.varint()?;
        Ok((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// The next field of the struct whose last field had the number `last`; `None` behind the last.
    pub(super) fn field(&mut self, last: &mut i16) -> Result<Option<Field>, Stop> {
        let byte = self.byte()?;
        let kind = byte & 0x0f;
        if kind == 0 {
            return Ok(None);
        }
        let id = match i16::from(byte >> 4) {
            0 => i16::try_from(self.zigzag()?).map_err(|_| Damage::new("a field number of 16 bits"))?,
            step => last.wrapping_add(step),
        };
        *last = id;
        Ok(Some(Field { id, kind }))
    }

    /// The number that a field is.
    pub(super) fn number(&mut self, field: &Field) -> Result<i32, Stop> {
        match field.kind {
            TYPE_I16 | TYPE_I32 | TYPE_I64 => {
                let value = self.zigzag()?;
                Ok(i32::try_from(value)
                    .map_err(|_| Damage::new(format!("a number of 32 bits in its header, got {value}")))?)
            }
            kind => Err(wrong_kind("a number", kind)),
        }
    }

    /// A number that is not negative.
    pub(super) fn size(&mut self, field: &Field) -> Result<usize, Stop> {
        let value = self.number(field)?;
        Ok(usize::try_from(value)
            .map_err(|_| Damage::new(format!("a size in its header that is not negative, got {value}")))?)
    }

    /// Whether a field is true.
    pub(super) fn flag(&mut self, field: &Field) -> Result<bool, Stop> {
        match field.kind {
            TYPE_TRUE => Ok(true),
            TYPE_FALSE => Ok(false),
            kind => Err(wrong_kind("a boolean", kind)),
        }
    }

    /// Enters the struct that a field is.
    pub(super) fn enter(&mut self, field: &Field) -> Result<(), Stop> {
        match field.kind {
            TYPE_STRUCT => Ok(()),
            kind => Err(wrong_kind("a struct", kind)),
        }
    }

    /// Passes over a field.
    pub(super) fn skip(&mut self, field: &Field) -> Result<(), Stop> {
        match field.kind {
            TYPE_TRUE | TYPE_FALSE => Ok(()),
            kind => self.skip_value(kind, DEPTH_MAX),
        }
    }

    fn skip_bytes(&mut self, count: u64) -> Result<(), Stop> {
        let end = usize::try_from(count).ok().and_then(|count| self.at.checked_add(count));
        self.at = end.filter(|&end| end <= self.bytes.len()).ok_or(Stop::Short)?;
        Ok(())
    }

    fn skip_value(&mut self, kind: u8, depth: u32) -> Result<(), Stop> {
        let deeper = || depth.checked_sub(1).ok_or_else(|| Damage::new("a header that is less deep"));
        match kind {
            // In lists; each takes a byte.
            TYPE_TRUE | TYPE_FALSE | TYPE_BYTE => self.skip_bytes(1),
            TYPE_I16 | TYPE_I32 | TYPE_I64 => self.varint().map(|_| ()),
            TYPE_DOUBLE => self.skip_bytes(8),
            TYPE_BINARY => {
                let count = self.varint()?;
                self.skip_bytes(count)
            }
            TYPE_LIST | TYPE_SET => {
                let depth = deeper()?;
                let byte = self.byte()?;
                let count = if byte >> 4 == 15 { self.varint()? } else { u64::from(byte >> 4) };
                // Every element takes a byte at least, so this ends with the bytes.
                (0..count).try_for_each(|_| self.skip_value(byte & 0x0f, depth))
            }
            TYPE_MAP => {
                let depth = deeper()?;
                let count = self.varint()?;
                let kinds = if count > 0 { self.byte()? } else { 0 };
                (0..count).try_for_each(|_| {
                    self.skip_value(kinds >> 4, depth)?;
                    self.skip_value(kinds & 0x0f, depth)
                })
            }
            TYPE_STRUCT => {
                let depth = deeper()?;
                let mut last = 0;
                while let Some(field) = self.field(&mut last)? {
                    if !matches!(field.kind, TYPE_TRUE | TYPE_FALSE) {
                        self.skip_value(field.kind, depth)?;
                    }
                }
                Ok(())
            }
            kind => Err(wrong_kind("a Thrift value", kind)),
        }
    }
}

fn wrong_kind(expected: &str, kind: u8) -> Stop {
    Damage::new(format!("{expected} in its header, got a Thrift value of type {kind}")).into()
}
