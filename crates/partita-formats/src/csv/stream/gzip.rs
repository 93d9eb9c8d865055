//! Gzip (RFC 1952): any number of members, one behind the other, each with its header, deflated data and checksum.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{Codec, Progress};

/// Where in a member the stream stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// In the ten bytes that every header has; how many of them are behind.
    Fixed(usize),
    /// In the length of the extra field.
    ExtraLength(usize),
    /// In the extra field; bytes of it to come.
    Extra(usize),
    /// In the zero-terminated file name.
    Name,
    /// In the zero-terminated comment.
    Comment,
    /// In the header's checksum.
    HeaderCrc(usize),
    /// In the deflated data.
    Body,
    /// In the checksum and length; how many of their eight bytes are behind.
    Trailer(usize),
}

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

pub(super) struct Gzip {
    part: Part,
    members: u64,
    flags: u8,
    /// Bytes of the number that is being read, little endian.
    number: u64,
    header_crc: Crc,
    body_crc: Crc,
    inflate: Decompress,
}

/// What is wrong with a member; the place is added by the caller.
type Wrong = String;

/// Bytes of the inflater: a window of 32 KiB, its tables, and room for copies beyond its end.
pub(super) const INFLATE_BYTES: usize = 96 << 10;

impl Codec for Gzip {
    fn memory_bytes(&self) -> usize {
        INFLATE_BYTES
    }

    /// Whether a member has ended and no other has begun.
    fn is_complete(&self) -> bool {
        self.part == Part::Fixed(0) && self.members > 0
    }

    fn wanted_bytes(&self) -> usize {
        INFLATE_BYTES
    }

    fn decode(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, (String, usize)> {
        let mut consumed = 0;
        loop {
            while self.part != Part::Body {
                let Some(&byte) = input.get(consumed) else { return Ok(Progress { consumed, produced: 0 }) };
                let wrong = match self.part {
                    Part::Trailer(_) => self.trailer_byte(byte),
                    _ => self.header_byte(byte),
                };
                wrong.map_err(|wrong| (wrong, consumed))?;
                consumed += 1;
            }
            let progress = self.body(&input[consumed..], out).map_err(|wrong| (wrong, consumed))?;
            consumed += progress.consumed;
            if progress.produced > 0 || self.part == Part::Body {
                return Ok(Progress { consumed, produced: progress.produced });
            }
        }
    }
}

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            part: Part::Fixed(0),
            members: 0,
            flags: 0,
            number: 0,
            header_crc: Crc::new(),
            body_crc: Crc::new(),
            inflate: Decompress::new(false),
        }
    }

    fn body(&mut self, input: &[u8], out: &mut [u8]) -> Result<Progress, Wrong> {
        let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
        let status = self
            .inflate
            .decompress(input, out, FlushDecompress::None)
            .map_err(|error| format!("expected deflated data: {error}"))?;
        let consumed = (self.inflate.total_in() - before_in) as usize;
        let produced = (self.inflate.total_out() - before_out) as usize;
        self.body_crc.update(&out[..produced]);
        if status == Status::StreamEnd {
            self.enter(Part::Trailer(0));
        }
        Ok(Progress { consumed, produced })
    }

    fn enter(&mut self, part: Part) {
        self.number = 0;
        self.part = part;
    }

    /// The first part behind `done` flags that this header has.
    fn next_header_part(&mut self, done: u8) {
        let left = self.flags & !done;
        let part = if left & FLAG_EXTRA != 0 {
            Part::ExtraLength(0)
        } else if left & FLAG_NAME != 0 {
            Part::Name
        } else if left & FLAG_COMMENT != 0 {
            Part::Comment
        } else if left & FLAG_HEADER_CRC != 0 {
            Part::HeaderCrc(0)
        } else {
            self.inflate.reset(false);
            self.body_crc.reset();
            Part::Body
        };
        self.enter(part);
    }

    fn header_byte(&mut self, byte: u8) -> Result<(), Wrong> {
        const UP_TO_NAME: u8 = FLAG_EXTRA | FLAG_NAME;
        if !matches!(self.part, Part::HeaderCrc(_)) {
            self.header_crc.update(&[byte]);
        }
        match self.part {
            Part::Fixed(index) => self.fixed_byte(index, byte)?,
            Part::ExtraLength(index) => {
                self.number |= u64::from(byte) << (8 * index);
                if index == 0 {
                    self.part = Part::ExtraLength(1);
                } else if self.number == 0 {
                    self.next_header_part(FLAG_EXTRA);
                } else {
                    self.part = Part::Extra(self.number as usize);
                }
            }
            Part::Extra(1) => self.next_header_part(FLAG_EXTRA),
            Part::Extra(left) => self.part = Part::Extra(left - 1),
            Part::Name if byte == 0 => self.next_header_part(UP_TO_NAME),
            Part::Comment if byte == 0 => self.next_header_part(UP_TO_NAME | FLAG_COMMENT),
            Part::HeaderCrc(index) => {
                self.number |= u64::from(byte) << (8 * index);
                if index == 0 {
                    self.part = Part::HeaderCrc(1);
                } else if self.number != u64::from(self.header_crc.sum() & 0xFFFF) {
                    return Err("the checksum of the gzip header is wrong".into());
                } else {
                    self.next_header_part(u8::MAX);
                }
            }
            Part::Name | Part::Comment | Part::Body | Part::Trailer(_) => {}
        }
        Ok(())
    }

    fn fixed_byte(&mut self, index: usize, byte: u8) -> Result<(), Wrong> {
        let right = match index {
            0 => {
                self.header_crc.reset();
                self.header_crc.update(&[byte]);
                byte == 0x1F
            }
            1 => byte == 0x8B,
            2 => byte == 8,
            3 => {
                self.flags = byte;
                byte & FLAGS_RESERVED == 0
            }
            _ => true,
        };
        if !right {
            return Err(match (self.members, index) {
                (0, _) => format!("expected a gzip header, found byte {byte:#04x}"),
                (n, _) => {
                    format!("expected the end or another gzip member behind {n}, found byte {byte:#04x}")
                }
            });
        }
        if index == 9 {
            self.next_header_part(0);
        } else {
            self.part = Part::Fixed(index + 1);
        }
        Ok(())
    }

    fn trailer_byte(&mut self, byte: u8) -> Result<(), Wrong> {
        let Part::Trailer(index) = self.part else { return Ok(()) };
        self.number |= u64::from(byte) << (8 * index);
        if index < 7 {
            self.part = Part::Trailer(index + 1);
            return Ok(());
        }
        let (crc, length) = (self.number as u32, (self.number >> 32) as u32);
        if crc != self.body_crc.sum() {
            return Err(format!(
                "the checksum of the data is {:#010x}, expected {crc:#010x}",
                self.body_crc.sum()
            ));
        }
        if length != self.inflate.total_out() as u32 {
            let found = self.inflate.total_out() as u32;
            return Err(format!("the length of the data is {found} modulo 2^32, expected {length}"));
        }
        self.members += 1;
        self.enter(Part::Fixed(0));
        Ok(())
    }
}
