//! Files and dialects for the property tests of this folder.

use proptest::prelude::*;

use super::super::dialect::{Dialect, LineEnd};

/// All combinations of roles, and some unusual bytes for them.
pub(crate) fn dialects() -> impl Strategy<Value = Dialect> {
    let separator = prop_oneof![4 => Just(b','), 1 => Just(b'\t'), 1 => Just(b' ')];
    let line_end = prop_oneof![3 => Just(LineEnd::Lf), 1 => Just(LineEnd::Any)];
    let roles = (prop::bool::weighted(0.8), any::<bool>(), any::<bool>(), any::<bool>());
    (separator, roles, line_end).prop_map(|(separator, (quote, escape, comment, trim), line_end)| Dialect {
        separator,
        quote: quote.then_some(b'"'),
        escape: escape.then_some(b'\\'),
        comment: comment.then_some(b'#'),
        trim,
        line_end,
    })
}

/// Bytes that are all syntax and little else.
pub(crate) fn noise(length_max: usize) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop::sample::select(b"aa,,\"\"\n\n\r\\# \t".to_vec());
    prop::collection::vec(byte, 0..length_max)
}

/// Mostly well-formed lines, with fields that cross the 64-byte borders.
pub(crate) fn lines(pieces_max: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        6 => Just(b"12,".to_vec()),
        3 => Just(b"a".to_vec()),
        4 => Just(b"\n".to_vec()),
        2 => Just(b"\r\n".to_vec()),
        1 => Just(b"\r".to_vec()),
        3 => Just(b",\"x\",".to_vec()),
        3 => Just(b",\"a,\"\"b\"\"\r\n,c\"\n".to_vec()),
        1 => Just(b"\"".to_vec()),
        1 => Just(b" \"q\" ,".to_vec()),
        1 => Just(b"\\\"".to_vec()),
        1 => Just(b"\\".to_vec()),
        1 => Just(b"# \"no\n".to_vec()),
        1 => Just(b"#,\"no\n".to_vec()),
        2 => Just(b"\n\n".to_vec()),
        1 => (50usize..150).prop_map(|length| [b",\"x\"", &*vec![b'a'; length], b",\"x\"\n"].concat()),
        1 => (1usize..150).prop_map(|length| vec![b'a'; length]),
        1 => (1usize..150).prop_map(|length| [b",\"", &*vec![b','; length], b"\","].concat()),
    ];
    prop::collection::vec(piece, 0..pieces_max).prop_map(|pieces| pieces.concat())
}

/// Either.
pub(crate) fn files() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![noise(300), lines(60), lines(6)]
}
