//! Headers of pages: a Thrift struct in the compact protocol.

use parquet::basic::{Encoding, PageType};
use parquet::errors::ParquetError;

/// What a header says of a page beside its sizes.
pub(super) struct PageHeader {
    pub(super) kind: PageType,
    /// Values, nulls with them; of a dictionary its entries.
    pub(super) values: usize,
    pub(super) encoding: Encoding,
}

/// A 32-bit number in the field behind the one before.
const NEXT_I32: u8 = 0x15;
const STOP: u8 = 0;
/// A struct two fields behind the one before (number 5), and four (number 7).
const SECOND_STRUCT: u8 = 0x2c;
const FOURTH_STRUCT: u8 = 0x4c;
/// A boolean that is false in the next field.
const NEXT_FALSE: u8 = 0x12;

impl PageHeader {
    /// The header of a page of `raw` bytes, compressed to `stored`.
    ///
    /// # Errors
    /// Where a size does not fit into 31 bits.
    pub(super) fn bytes(&self, raw: usize, stored: usize) -> Result<Vec<u8>, ParquetError> {
        let mut out = Vec::with_capacity(32);
        let size = |size: usize| {
            i32::try_from(size).map_err(|_| {
                ParquetError::General(format!("a page of {size} bytes: expected less than 2 GiB"))
            })
        };
        number(self.kind as i32, &mut out);
        number(size(raw)?, &mut out);
        number(size(stored)?, &mut out);
        if self.kind == PageType::DICTIONARY_PAGE {
            out.push(FOURTH_STRUCT);
            number(size(self.values)?, &mut out);
            number(self.encoding as i32, &mut out);
            out.push(NEXT_FALSE);
        } else {
            out.push(SECOND_STRUCT);
            number(size(self.values)?, &mut out);
            number(self.encoding as i32, &mut out);
            number(Encoding::RLE as i32, &mut out);
            number(Encoding::RLE as i32, &mut out);
        }
        out.extend_from_slice(&[STOP, STOP]);
        Ok(out)
    }
}

fn number(value: i32, out: &mut Vec<u8>) {
    out.push(NEXT_I32);
    let mut rest = (value << 1 ^ value >> 31) as u32;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}
