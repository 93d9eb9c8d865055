//! What separates, quotes and comments: the shape of a CSV file before any type is known.

use memchr::{memchr, memchr2};
use serde::{Deserialize, Serialize};

/// How records end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LineEnd {
    /// `\n`, with a `\r` before it dropped.
    Lf,
    /// `\n`, `\r\n` or a lone `\r`, in one file: old Macintosh files, and those that were joined from several systems.
    Any,
}

impl LineEnd {
    /// Whether a byte outside quotes ends its line.
    pub fn is_end(self, byte: u8) -> bool {
        byte == b'\n' || byte == b'\r' && self == LineEnd::Any
    }

    /// The first byte of `bytes` that ends a line, quotes or not.
    pub fn find(self, bytes: &[u8]) -> Option<usize> {
        match self {
            LineEnd::Lf => memchr(b'\n', bytes),
            LineEnd::Any => memchr2(b'\r', b'\n', bytes),
        }
    }
}

/// The shape of a CSV file.
///
/// The grammar, in the order in which it is applied to the bytes outside quotes:
/// a line of no bytes is skipped; the comment byte drops the rest of its line, and the whole line where nothing
/// stands before it; a quote opens a quoted field only where the field begins (after spaces, with
/// `trim`); inside quotes a doubled quote is one quote and the line end is data; after the closing quote the
/// rest of the field is taken as it stands; a quote anywhere else is data; the escape byte makes the next byte
/// data, inside quotes and outside; an unclosed quote ends with the input.
///
/// The corners:
///
/// - *Line ends.* With [`LineEnd::Lf`] one `\r` is dropped before the `\n` that ends a record, and where it is the
///   very last byte of the input and outside quotes; a line of one `\r` is a line of no bytes. Any other `\r` is
///   data. With [`LineEnd::Any`] every `\r` and every `\n` outside quotes ends a line: of `\r\n` the second byte ends
///   one of no bytes.
/// - *Comments.* Inside a comment nothing counts but the line end: no quote, no escape. The field before a
///   comment keeps what stands before it: `1,2 # tail` has the fields `1` and `2 ` (with the space, unless
///   trimmed), and a `\r` before the comment byte is data.
/// - *Empty lines are judged as written*: under `trim` a line of spaces is a record of one field, empty once
///   trimmed, and spaces before a comment are such a record too.
/// - *Quotes.* After the closing quote a further quote is data unless it follows at once (then it is a doubled
///   one): `"a"b"c"` is `ab"c"`. `""` on a line of its own is a record of one empty field.
/// - *Escapes.* An escaped byte is never a separator, quote, comment, blank to trim or line end; an escaped `\r`
///   before a `\n` stays. An escaped first byte begins the field, so that no quote can open it afterwards. An
///   escape byte that is the last of the input is data itself.
/// - *Trim* drops spaces and tabs (but the separator, should it be one of them) around a field, never those inside
///   its quotes or escaped.
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
        Self {
            separator: b',',
            quote: Some(b'"'),
            escape: None,
            comment: None,
            trim: false,
            line_end: LineEnd::Lf,
        }
    }
}

impl Dialect {
    /// Whether the bytes can be told apart: all distinct, none of them `\n` or `\r`, and with `trim` none but the
    /// separator a space or tab.
    ///
    /// # Errors
    /// A sentence that names the two roles and the way out.
    pub fn check(&self) -> Result<(), String> {
        let roles = [
            ("separator", Some(self.separator)),
            ("quote", self.quote),
            ("escape", self.escape),
            ("comment", self.comment),
        ];
        for (index, &(role, byte)) in roles.iter().enumerate() {
            let Some(byte) = byte else { continue };
            let shown = byte.escape_ascii();
            if matches!(byte, b'\n' | b'\r') {
                return Err(format!("{role} '{shown}' ends lines; choose another byte"));
            }
            if self.trim && role != "separator" && is_blank(byte) {
                return Err(format!(
                    "{role} '{shown}' would be trimmed; switch trim off or choose another byte"
                ));
            }
            if let Some((other, _)) = roles[..index].iter().find(|(_, taken)| *taken == Some(byte)) {
                let way_out = match (*other, role) {
                    ("quote", "escape") => "a doubled quote inside quotes needs no escape: leave escape out",
                    _ => "choose another byte for one of them",
                };
                return Err(format!("{other} and {role} are both '{shown}'; {way_out}"));
            }
        }
        Ok(())
    }

    /// Whether other bytes than separator, quote and line end have a meaning.
    pub(crate) fn is_special(&self) -> bool {
        self.escape.is_some() || self.comment.is_some() || self.trim
    }

    /// `raw` without the spaces and tabs around it where the dialect trims, else `raw`. For fields that are not
    /// marked as escaped; [`super::split::unescape`] trims the others.
    pub fn trimmed<'a>(&self, raw: &'a [u8]) -> &'a [u8] {
        if !self.trim {
            return raw;
        }
        let Some(start) = raw.iter().position(|&byte| !is_blank(byte)) else { return &[] };
        let end = raw.iter().rposition(|&byte| !is_blank(byte)).map_or(start, |last| last + 1);
        &raw[start..end]
    }
}

/// What `trim` drops.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_clashing_bytes() {
        assert_eq!(Dialect::default().check(), Ok(()));
        let clash = Dialect { escape: Some(b'"'), ..Dialect::default() };
        assert_eq!(
            clash.check(),
            Err("quote and escape are both '\\\"'; a doubled quote inside quotes needs no escape: leave escape out"
                .into())
        );
        let clash = Dialect { comment: Some(b','), ..Dialect::default() };
        assert_eq!(
            clash.check(),
            Err("separator and comment are both ','; choose another byte for one of them".into())
        );
        let line = Dialect { separator: b'\n', ..Dialect::default() };
        assert_eq!(line.check(), Err("separator '\\n' ends lines; choose another byte".into()));
        let blank = Dialect { quote: Some(b' '), trim: true, ..Dialect::default() };
        assert_eq!(
            blank.check(),
            Err("quote ' ' would be trimmed; switch trim off or choose another byte".into())
        );
        assert_eq!(Dialect { separator: b'\t', trim: true, ..Dialect::default() }.check(), Ok(()));
    }

    #[test]
    fn trims_where_asked() {
        let trims = Dialect { trim: true, ..Dialect::default() };
        assert_eq!(trims.trimmed(b" \t a b \t"), b"a b");
        assert_eq!(trims.trimmed(b" \t "), b"");
        assert_eq!(trims.trimmed(b""), b"");
        assert_eq!(Dialect::default().trimmed(b" a "), b" a ");
    }
}
