//! What separates, quotes and comments: the shape of a CSV file before any type is known.

use serde::{Deserialize, Serialize};

/// How records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LineEnd {
    /// `\n`, with a `\r` before it dropped.
    Lf,
    /// A lone `\r`, as old Macintosh files have it.
    Cr,
}

/// The shape of a CSV file.
///
/// The grammar, in the order in which it is applied to the bytes outside quotes:
/// a line of no bytes is skipped; the comment byte drops the rest of its line, and the whole line where nothing
/// stands before it; a quote opens a quoted field only where the field begins (after spaces, with
/// `trim`); inside quotes a doubled quote is one quote and the line end is data; after the closing quote the
/// rest of the field is taken as it stands; a quote anywhere else is data; the escape byte makes the next byte
/// data, inside quotes and outside; an unclosed quote ends with the input.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Dialect {
    /// Between fields: `,`.
    pub separator: u8,
    /// Around fields: `"`. `None`: no byte quotes.
    pub quote: Option<u8>,
    /// Before a byte that is data. `None`: no byte escapes.
    pub escape: Option<u8>,
    /// From here to the end of the line nothing counts.
    pub comment: Option<u8>,
    /// Whether spaces and tabs around fields are dropped.
    pub trim: bool,
    /// How records end.
    pub line_end: LineEnd,
}

impl Default for Dialect {
    fn default() -> Self {
        Self { separator: b',', quote: Some(b'"'), escape: None, comment: None, trim: false, line_end: LineEnd::Lf }
    }
}
