//! Raw fields to their values.

use memchr::{memchr, memchr2};

use super::super::dialect::{Dialect, is_blank};

/// The value of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value<'a> {
    /// Unquoted, unescaped, trimmed where the dialect trims.
    pub bytes: &'a [u8],
    /// Whether quotes stood around it: `""` is not the same as nothing.
    pub quoted: bool,
}

/// The value of the field `raw`, borrowed from it wherever its bytes stand there in one piece, else built in
/// `scratch`. `escaped` is the field's [`ESCAPED`](super::super::records::ESCAPED) mark.
pub fn value<'a>(dialect: &Dialect, raw: &'a [u8], escaped: bool, scratch: &'a mut Vec<u8>) -> Value<'a> {
    if !escaped {
        return Value { bytes: dialect.trimmed(raw), quoted: false };
    }
    if let Some(bytes) = inside_quotes(dialect, dialect.trimmed(raw)) {
        return Value { bytes, quoted: true };
    }
    scratch.clear();
    let quoted = unescape(dialect, raw, scratch);
    Value { bytes: scratch, quoted }
}

/// What stands inside `"…"`, if nothing inside needs treatment.
fn inside_quotes<'a>(dialect: &Dialect, raw: &'a [u8]) -> Option<&'a [u8]> {
    let quote = dialect.quote?;
    let inside = raw.strip_prefix(&[quote])?.strip_suffix(&[quote])?;
    let special = match dialect.escape {
        Some(escape) => memchr2(quote, escape, inside),
        None => memchr(quote, inside),
    };
    special.is_none().then_some(inside)
}

/// Appends the value of a field marked as escaped to `out`; returns whether the field was quoted.
pub fn unescape(dialect: &Dialect, raw: &[u8], out: &mut Vec<u8>) -> bool {
    let start = out.len();
    let mut rest = raw;
    if dialect.trim {
        rest = &rest[rest.iter().take_while(|&&byte| is_blank(byte)).count()..];
    }
    let quoted = dialect.quote.is_some() && rest.first().copied() == dialect.quote;
    if let (true, Some(quote)) = (quoted, dialect.quote) {
        rest = append_quoted(quote, dialect.escape, &rest[1..], out);
    }
    let mut fixed = out.len();
    while let Some(at) = dialect.escape.and_then(|escape| memchr(escape, rest)) {
        out.extend_from_slice(&rest[..at]);
        // An escape that ends the input stands for itself.
        out.push(*rest.get(at + 1).unwrap_or(&rest[at]));
        fixed = out.len();
        rest = rest.get(at + 2..).unwrap_or(&[]);
    }
    out.extend_from_slice(rest);
    if dialect.trim {
        let kept = out[fixed..].iter().rposition(|&byte| !is_blank(byte)).map_or(0, |last| last + 1);
        out.truncate(fixed + kept);
    }
    debug_assert!(out.len() >= start);
    quoted
}

/// Appends what stands inside quotes, from behind the opening one; returns what stands behind the closing one.
fn append_quoted<'a>(quote: u8, escape: Option<u8>, mut rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    loop {
        let found = match escape {
            Some(escape) => memchr2(quote, escape, rest),
            None => memchr(quote, rest),
        };
        let Some(at) = found else {
            out.extend_from_slice(rest);
            return &[];
        };
        out.extend_from_slice(&rest[..at]);
        let next = rest.get(at + 1).copied();
        if rest[at] == quote {
            if next != Some(quote) {
                return &rest[at + 1..];
            }
            out.push(quote);
        } else {
            out.push(next.unwrap_or(rest[at]));
        }
        rest = rest.get(at + 2..).unwrap_or(&[]);
    }
}

/// Whether the value of the field `raw` was quoted, without building it.
pub fn is_quoted(dialect: &Dialect, raw: &[u8]) -> bool {
    let first = if dialect.trim { raw.iter().find(|&&byte| !is_blank(byte)) } else { raw.first() };
    first.is_some() && first.copied() == dialect.quote
}
