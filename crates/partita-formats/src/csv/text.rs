//! Encodings: the bytes of a field to UTF-8.
//!
//! All encodings here are supersets of ASCII, so that separators, quotes and line ends are found before anything
//! is decoded, and a field that is ASCII is its own value.

use encoding_rs::WINDOWS_1252;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};

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
    /// [`InvalidUtf8`], from [`Encoding::Utf8`] only.
    pub fn decode_into(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), InvalidUtf8> {
        match self {
            Encoding::Utf8 => {
                self.check(bytes)?;
                out.extend_from_slice(bytes);
            }
            Encoding::Utf8Lossy => decode_lossy(bytes, out),
            Encoding::Latin1 => decode_latin1(bytes, out),
            Encoding::Windows1252 => decode_windows1252(bytes, out),
        }
        Ok(())
    }

    /// Whether `bytes` are already the UTF-8 that [`Encoding::decode_into`] would append, so that they can be used
    /// in place. Checking a whole chunk at once is much cheaper than checking its fields.
    pub fn is_verbatim(self, bytes: &[u8]) -> bool {
        match self {
            Encoding::Utf8 | Encoding::Utf8Lossy => simdutf8::basic::from_utf8(bytes).is_ok(),
            Encoding::Latin1 | Encoding::Windows1252 => bytes.is_ascii(),
        }
    }

    /// Validates without copying.
    ///
    /// # Errors
    /// [`InvalidUtf8`], from [`Encoding::Utf8`] only.
    pub fn check(self, bytes: &[u8]) -> Result<(), InvalidUtf8> {
        // The basic check is the faster one and does not know the place.
        if self != Encoding::Utf8 || simdutf8::basic::from_utf8(bytes).is_ok() {
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

/// Looks at the first (decompressed) bytes of a file, four of them if it has as many: how many are a UTF-8
/// byte-order mark (0 or 3).
///
/// # Errors
/// The mark of UTF-16 or UTF-32, which are not read: names the way out.
pub fn check_bom(file: &str, first: &[u8]) -> Result<usize> {
    let name = match first {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => "UTF-32",
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => "UTF-16",
        _ => return Ok(first.len() - strip_bom(first).len()),
    };
    let message = format!(
        "begins with the byte-order mark of {name}, which is not read; convert it first: \
         iconv -f {name} -t UTF-8 < in.csv > out.csv"
    );
    Err(ErrorKind::Malformed { file: file.to_owned(), message }.into())
}
