//! Headers of pages.

use super::super::thrift::{FALSE, I16, I32, I64, STRUCT, Stop, TRUE, Thrift};
use super::damage::Damage;

/// How the values of a page are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    Plain,
    Dictionary,
    Rle,
    DeltaBinaryPacked,
    DeltaLengthByteArray,
    DeltaByteArray,
    ByteStreamSplit,
}

impl Layout {
    fn from_number(number: i32) -> Result<Self, Damage> {
        Ok(match number {
            0 => Self::Plain,
            2 | 8 => Self::Dictionary,
            3 => Self::Rle,
            5 => Self::DeltaBinaryPacked,
            6 => Self::DeltaLengthByteArray,
            7 => Self::DeltaByteArray,
            9 => Self::ByteStreamSplit,
            other => return Err(Damage::new(format!("an encoding of Parquet, got number {other}"))),
        })
    }

    /// The values of this column have no such layout.
    pub(super) fn refuse(self) -> Damage {
        Damage::new(format!("an encoding for values of its type, got {self:?}"))
    }
}

/// Where the definition levels of a page are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LevelPlace {
    /// Before the values, compressed with them, behind their length.
    Prefixed,
    /// As before, one bit each from the highest of each byte on, as long as it takes.
    Bits,
    /// Before the values, never compressed: so many bytes, behind those of the repetition levels.
    Apart { repetition_bytes: usize, bytes: usize, is_compressed: bool },
}

/// What a page is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Dictionary,
    Data {
        layout: Layout,
        levels: LevelPlace,
    },
    /// Something that readers pass over.
    Other,
}

/// The header of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Header {
    pub(super) kind: Kind,
    /// Values, nulls with them; of a dictionary its entries.
    pub(super) values: usize,
    /// Bytes of the page before compression, and in the file.
    pub(super) raw_bytes: usize,
    pub(super) stored_bytes: usize,
    /// CRC-32 of the bytes in the file, behind the header.
    pub(super) crc: Option<u32>,
}

/// Number and type of a field.
type Field = (i16, u8);

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        match damage {
            Damage::Wrong(what) => Self::Wrong(what.into_owned()),
            Damage::Memory(bytes) => Self::Wrong(format!("{bytes} bytes of memory")),
        }
    }
}

/// The number that a field is.
fn number(thrift: &mut Thrift<'_>, (_, kind): Field) -> Result<i32, Stop> {
    match kind {
        I16 | I32 | I64 => {
            let value = thrift.number()?;
            i32::try_from(value)
                .map_err(|_| Stop::Wrong(format!("a number of 32 bits in its header, got {value}")))
        }
        kind => Err(wrong_kind("a number", kind)),
    }
}

/// A number that is not negative.
fn size(thrift: &mut Thrift<'_>, field: Field) -> Result<usize, Stop> {
    let value = number(thrift, field)?;
    usize::try_from(value)
        .map_err(|_| Stop::Wrong(format!("a size in its header that is not negative, got {value}")))
}

/// Whether a field is true.
fn flag((_, kind): Field) -> Result<bool, Stop> {
    match kind {
        TRUE => Ok(true),
        FALSE => Ok(false),
        kind => Err(wrong_kind("a boolean", kind)),
    }
}

fn wrong_kind(expected: &str, kind: u8) -> Stop {
    Stop::Wrong(format!("{expected} in its header, got a Thrift value of type {kind}"))
}

/// The fields of any of the three structs that describe a page.
#[derive(Default)]
struct Body {
    values: Option<usize>,
    encoding: Option<i32>,
    level_encoding: Option<i32>,
    level_bytes: usize,
    repetition_bytes: usize,
    is_raw: bool,
}

const DATA_PAGE: i32 = 0;
const DICTIONARY_PAGE: i32 = 2;
const DATA_PAGE_V2: i32 = 3;
const BIT_PACKED: i32 = 4;

impl Header {
    /// The header at the beginning of `bytes`, and its length.
    pub(super) fn parse(bytes: &[u8]) -> Result<(Self, usize), Stop> {
        let mut thrift = Thrift::new(bytes);
        let (mut kind, mut raw, mut stored, mut crc) = (None, None, None, None);
        let (mut data, mut dictionary, mut second) = (None, None, None);
        let mut last = 0;
        while let Some(field) = thrift.field(&mut last)? {
            match field.0 {
                1 => kind = Some(number(&mut thrift, field)?),
                2 => raw = Some(size(&mut thrift, field)?),
                3 => stored = Some(size(&mut thrift, field)?),
                4 => crc = Some(number(&mut thrift, field)?.cast_unsigned()),
                5 => data = Some(Body::parse(&mut thrift, field, Body::data)?),
                7 => dictionary = Some(Body::parse(&mut thrift, field, Body::data)?),
                8 => second = Some(Body::parse(&mut thrift, field, Body::second)?),
                _ => thrift.skip(field.1)?,
            }
        }
        let missing = |what: &'static str| Damage::new(format!("{what} in its header"));
        let raw_bytes = raw.ok_or_else(|| missing("the size before compression"))?;
        let stored_bytes = stored.ok_or_else(|| missing("the size in the file"))?;
        let body = match kind.ok_or_else(|| missing("the type of the page"))? {
            DATA_PAGE => data,
            DICTIONARY_PAGE => dictionary,
            DATA_PAGE_V2 => second,
            _ => {
                let header = Self { kind: Kind::Other, values: 0, raw_bytes, stored_bytes, crc };
                return Ok((header, thrift.position()));
            }
        };
        let body = body.ok_or_else(|| missing("what is in the page"))?;
        let values = body.values.ok_or_else(|| missing("the number of values"))?;
        let kind = body.kind(kind)?;
        Ok((Self { kind, values, raw_bytes, stored_bytes, crc }, thrift.position()))
    }
}

impl Body {
    fn parse(
        thrift: &mut Thrift<'_>,
        (_, kind): Field,
        take: fn(&mut Self, &mut Thrift<'_>, Field) -> Result<(), Stop>,
    ) -> Result<Self, Stop> {
        if kind != STRUCT {
            return Err(wrong_kind("a struct", kind));
        }
        let (mut body, mut last) = (Self::default(), 0);
        while let Some(field) = thrift.field(&mut last)? {
            take(&mut body, thrift, field)?;
        }
        Ok(body)
    }

    /// A field of a data page of version 1, or of a dictionary, which has the first two.
    fn data(&mut self, thrift: &mut Thrift<'_>, field: Field) -> Result<(), Stop> {
        match field.0 {
            1 => self.values = Some(size(thrift, field)?),
            2 => self.encoding = Some(number(thrift, field)?),
            3 if self.level_encoding.is_none() => match flag(field) {
                // Of a dictionary: whether it is sorted.
                Ok(_) => {}
                Err(_) => self.level_encoding = Some(number(thrift, field)?),
            },
            _ => thrift.skip(field.1)?,
        }
        Ok(())
    }

    fn second(&mut self, thrift: &mut Thrift<'_>, field: Field) -> Result<(), Stop> {
        match field.0 {
            1 => self.values = Some(size(thrift, field)?),
            4 => self.encoding = Some(number(thrift, field)?),
            5 => self.level_bytes = size(thrift, field)?,
            6 => self.repetition_bytes = size(thrift, field)?,
            7 => self.is_raw = !flag(field)?,
            _ => thrift.skip(field.1)?,
        }
        Ok(())
    }

    fn kind(&self, kind: Option<i32>) -> Result<Kind, Damage> {
        if kind == Some(DICTIONARY_PAGE) {
            // Entries are plain, whatever the old name of the encoding.
            return Ok(Kind::Dictionary);
        }
        let encoding = self.encoding.ok_or_else(|| Damage::new("the encoding in its header"))?;
        let layout = Layout::from_number(encoding)?;
        let levels = if kind == Some(DATA_PAGE_V2) {
            let (repetition_bytes, bytes) = (self.repetition_bytes, self.level_bytes);
            LevelPlace::Apart { repetition_bytes, bytes, is_compressed: !self.is_raw }
        } else if self.level_encoding == Some(BIT_PACKED) {
            LevelPlace::Bits
        } else {
            LevelPlace::Prefixed
        };
        Ok(Kind::Data { layout, levels })
    }
}
