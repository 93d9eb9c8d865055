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

/// Records that have all the same number of fields, but for some lines that are otherwise; and that number.
pub(crate) fn tables() -> impl Strategy<Value = (usize, Vec<u8>)> {
    let width = prop_oneof![1usize..25, 60usize..70, Just(140)];
    let field = prop_oneof![
        8 => "[0-9.]{0,6}",
        1 => "[a-z ]{0,90}",
        2 => Just("\"a,\"\"b\"".to_owned()),
        1 => Just("\"\r\n\"".to_owned()),
        1 => Just("7\r".to_owned()),
    ];
    let odd = prop_oneof![
        Just("\n"),
        Just("\r\n"),
        Just("# \"c,\n"),
        Just("1,2\n"),
        Just("1,2,3\r\n"),
        Just("5\" x,\"\n")
    ];
    let line_end = prop_oneof![3 => Just("\n"), 1 => Just("\r\n")];
    (width, prop::collection::vec(field, 1..40), line_end, prop::collection::vec((odd, 0usize..300), 0..4))
        .prop_map(|(width, fields, line_end, odd)| {
            let mut lines: Vec<String> = (0..3000 / (4 * width) + 3)
                .map(|row| {
                    let fields =
                        (0..width).map(|column| fields[(row * width + column) % fields.len()].as_str());
                    fields.collect::<Vec<_>>().join(",") + line_end
                })
                .collect();
            for (line, at) in odd {
                lines.insert(at % lines.len(), line.to_owned());
            }
            (width, lines.concat().into_bytes())
        })
}
