//! Encodings: the bytes of a field to UTF-8.
//!
//! All encodings of fields are supersets of ASCII, so that separators, quotes and line ends are found before anything
//! is decoded, and a field that is ASCII is its own value. UTF-16 is none: it becomes UTF-8 on its way from the file
//! ([`super::stream`]), before anything else looks at it.

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

#[cfg(test)]
mod tests;

/// How the bytes of a file stand for characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8; anything else is an error.
    #[default]
    Utf8,
    /// UTF-8, with `U+FFFD` in place of each maximal part that is not.
    Utf8Lossy,
    /// ISO 8859-1: byte and code point are the same number.
    Latin1,
    /// Windows-1252 as the WHATWG defines it: the five unassigned bytes are the C1 controls of their number.
    Windows1252,
    /// UTF-16 of the byte order that its mark says, or little-endian. Fields are UTF-8.
    Utf16,
    /// UTF-16, little-endian unless a byte-order mark says otherwise. Fields are UTF-8.
    Utf16Le,
    /// UTF-16, big-endian unless a byte-order mark says otherwise. Fields are UTF-8.
    Utf16Be,
}

/// How the units of UTF-16 lie in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Utf16 {
    /// The high byte comes first.
    pub big_endian: bool,
    /// A surrogate without its other half is `U+FFFD`; else it is an error.
    pub lossy: bool,
}

/// A field is not UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "invalid UTF-8 at byte {offset} of the field; set the encoding of the file, or read it as lossy UTF-8"
)]
pub struct InvalidUtf8 {
    /// First byte of the field that is not part of a character.
    pub offset: usize,
}

impl Encoding {
    /// Appends `bytes` to `out` as UTF-8. On an error `out` is as it was.
    ///
    /// # Errors
    /// [`InvalidUtf8`], where fields are UTF-8 and not lossy.
    pub fn decode_into(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidUtf8> {
        match self {
            Encoding::Utf8 | Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => {
                self.check(bytes)?;
                out.extend_from_slice(bytes);
            }
            Encoding::Utf8Lossy => decode_lossy(bytes, out),
            Encoding::Latin1 => decode_latin1(bytes, out),
            Encoding::Windows1252 => decode_windows1252(bytes, out),
        }
        Ok(())
    }

    /// `bytes` as text, where they are already the UTF-8 that [`Encoding::decode_into`] would append, so that they can
    /// be used in place. Checking a whole chunk at once is much cheaper than checking its fields.
    pub fn verbatim(self, bytes: &[u8]) -> Option<&str> {
        let ascii_only = matches!(self, Encoding::Latin1 | Encoding::Windows1252);
        if ascii_only && !bytes.is_ascii() {
            return None;
        }
        simdutf8::basic::from_utf8(bytes).ok()
    }

    /// Validates without copying.
    ///
    /// # Errors
    /// [`InvalidUtf8`], where fields are UTF-8 and not lossy.
    pub fn check(self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        let is_strict = !matches!(self, Encoding::Utf8Lossy | Encoding::Latin1 | Encoding::Windows1252);
        // The basic check is the faster one and does not know the place.
        if !is_strict || simdutf8::basic::from_utf8(bytes).is_ok() {
            return Ok(());
        }
        match simdutf8::compat::from_utf8(bytes) {
            Ok(_) => Ok(()),
            Err(error) => Err(InvalidUtf8 { offset: error.valid_up_to() }),
        }
    }
}

fn decode_lossy(bytes: &[u8], out: &mut Vec<u8>) {
    if simdutf8::basic::from_utf8(bytes).is_ok() {
        out.extend_from_slice(bytes);
        return;
    }
    for part in bytes.utf8_chunks() {
        out.extend_from_slice(part.valid().as_bytes());
        if !part.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
}

fn decode_latin1(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_ascii() {
        out.extend_from_slice(bytes);
        return;
    }
    let start = out.len();
    out.resize(start + bytes.len() * 2, 0);
    let written = encoding_rs::mem::convert_latin1_to_utf8(bytes, &mut out[start..]);
    out.truncate(start + written);
}

fn decode_windows1252(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_ascii() {
        out.extend_from_slice(bytes);
        return;
    }
    let start = out.len();
    // No byte of this code page needs more than three bytes of UTF-8, and every byte is mapped.
    out.resize(start + bytes.len() * 3, 0);
    let mut decoder = WINDOWS_1252.new_decoder_without_bom_handling();
    let (_, _, written, _) = decoder.decode_to_utf8(bytes, &mut out[start..], true);
    out.truncate(start + written);
}

/// The UTF-8 byte-order mark.
pub const BOM: &[u8] = b"\xEF\xBB\xBF";

/// `bytes`, the beginning of a file, without a UTF-8 byte-order mark.
pub fn strip_bom(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(BOM).unwrap_or(bytes)
}

/// How a file is read that is said to have an encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// It is UTF-16, and becomes UTF-8 before anything else.
    pub wide: Option<Utf16>,
    /// The encoding of its fields.
    pub fields: Encoding,
}

impl Encoding {
    /// Looks at the first (decompressed) bytes of a file, four of them if it has as many: a byte-order mark counts more
    /// than what was said.
    ///
    /// # Errors
    /// The mark of UTF-32, which is not read: names the way out.
    pub fn of_file(self, file: &str, first: &[u8]) -> Result<Found> {
        let big_endian = match (first, self) {
            ([0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..], _) => return Err(utf32(file)),
            ([0xFF, 0xFE, ..], _) => Some(false),
            ([0xFE, 0xFF, ..], _) => Some(true),
            ([0xEF, 0xBB, 0xBF, ..], _) => None,
            (_, Encoding::Utf16 | Encoding::Utf16Le) => Some(false),
            (_, Encoding::Utf16Be) => Some(true),
            _ => None,
        };
        let wide = big_endian.map(|big_endian| Utf16 { big_endian, lossy: self == Encoding::Utf8Lossy });
        let fields = match self {
            Encoding::Utf16 | Encoding::Utf16Le | Encoding::Utf16Be => Encoding::Utf8,
            other => {
                if wide.is_some() {
                    Encoding::Utf8
                } else {
                    other
                }
            }
        };
        Ok(Found { wide, fields })
    }
}

fn utf32(file: &str) -> Error {
    let message = "begins with the byte-order mark of UTF-32, which is not read; convert it first: \
                   iconv -f UTF-32 -t UTF-8 < in.csv > out.csv";
    ErrorKind::Malformed { file: file.to_owned(), message: message.into() }.into()
}
