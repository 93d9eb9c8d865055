//! Files that are hard to cut: everything that looks like a record's end and is none, and the other way round.

use std::io::Write;

use proptest::prelude::*;

use crate::plain::Shape;

/// Columns of every file.
pub(crate) const WIDTH: usize = 3;

/// A piece of a file; what the letters are is the shape's matter.
#[derive(Debug, Clone)]
enum Piece {
    Text(&'static str),
    Separator,
    Quote,
    Escape,
    Comment,
    LineEnd,
}

#[derive(Debug, Clone)]
enum Line {
    /// Fields, and a comment behind them.
    Record(Vec<Field>, bool),
    Empty,
    Comment,
    /// Anything, wherever it leads.
    Chaos(Vec<Piece>),
}

#[derive(Debug, Clone)]
enum Field {
    Bare(&'static str),
    /// What is inside, and what stands behind the closing quote.
    Quoted(Vec<Piece>, &'static str),
    Raw(Vec<Piece>),
}

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    Plain,
    Gzip,
    Zstd,
    Bz2,
    Xz,
    /// UTF-16 with its mark, little-endian.
    Utf16,
    /// The same, big-endian and compressed.
    GzipOfUtf16,
}

/// A file as it is before packing.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) shape: Shape,
    pub(crate) bytes: Vec<u8>,
    pub(crate) has_header: bool,
}

const TEXTS: [&str; 12] =
    ["a", "42", "-1.5", "2020-02-29", "true", " ", "\t", "é", "日本", "x y", "NA", "0007"];

fn piece() -> impl Strategy<Value = Piece> {
    prop_oneof![
        3 => prop::sample::select(&TEXTS[..]).prop_map(Piece::Text),
        1 => Just(Piece::Text("\r")),
        2 => Just(Piece::Separator),
        3 => Just(Piece::Quote),
        1 => Just(Piece::Escape),
        1 => Just(Piece::Comment),
        2 => Just(Piece::LineEnd),
    ]
}

fn field() -> impl Strategy<Value = Field> {
    let pieces = |count| prop::collection::vec(piece(), 0..count);
    prop_oneof![
        6 => prop::sample::select(&TEXTS[..]).prop_map(Field::Bare),
        2 => Just(Field::Bare("")),
        4 => (pieces(6), prop::sample::select(&["", "", "", " ", "tail"][..])).prop_map(|(p, tail)| Field::Quoted(p, tail)),
        1 => pieces(3).prop_map(Field::Raw),
    ]
}

fn line() -> impl Strategy<Value = Line> {
    let fields = |count: std::ops::RangeInclusive<usize>| prop::collection::vec(field(), count);
    prop_oneof![
        12 => (fields(WIDTH..=WIDTH), prop::bool::weighted(0.1)).prop_map(|(f, comment)| Line::Record(f, comment)),
        1 => fields(1..=WIDTH).prop_map(|f| Line::Record(f, false)),
        1 => Just(Line::Empty),
        1 => Just(Line::Comment),
        1 => prop::collection::vec(piece(), 0..5).prop_map(Line::Chaos),
    ]
}

fn shape() -> impl Strategy<Value = Shape> {
    let quote = prop_oneof![4 => Just(Some(b'"')), 1 => Just(Some(b'\'')), 1 => Just(None)];
    let escape = prop_oneof![3 => Just(None), 1 => Just(Some(b'\\'))];
    let comment = prop_oneof![3 => Just(None), 1 => Just(Some(b'#'))];
    let line_end = prop_oneof![5 => Just(b'\n'), 1 => Just(b'\r')];
    (prop::sample::select(&b",;|\t"[..]), quote, escape, comment, prop::bool::weighted(0.3), line_end)
        .prop_map(|(separator, quote, escape, comment, trim, line_end)| {
            // A tab that separates is not trimmed, and blanks around it would be; that is a corner of its own.
            let trim = trim && separator != b'\t';
            Shape { separator, quote, escape, comment, trim, line_end }
        })
}

/// A file of up to `lines_max` lines.
pub(crate) fn file(lines_max: usize) -> impl Strategy<Value = File> {
    file_of(shape(), lines_max)
}

/// A file in a dialect that the `csv` crate has: it knows comments as whole lines only, escapes in quotes only, and takes
/// every `\r` for a line end.
pub(crate) fn simple_file(lines_max: usize) -> impl Strategy<Value = File> {
    let quote = prop_oneof![4 => Just(Some(b'"')), 1 => Just(Some(b'\'')), 1 => Just(None)];
    let shape = (prop::sample::select(&b",;|\t"[..]), quote).prop_map(|(separator, quote)| Shape {
        separator,
        quote,
        escape: None,
        comment: None,
        trim: false,
        line_end: b'\n',
    });
    file_of(shape, lines_max).prop_map(|mut file| {
        for at in 0..file.bytes.len() {
            if file.bytes[at] == b'\r' && file.bytes.get(at + 1) != Some(&b'\n') {
                file.bytes[at] = b'r';
            }
        }
        file
    })
}

fn file_of(shape: impl Strategy<Value = Shape>, lines_max: usize) -> impl Strategy<Value = File> {
    let lines = prop::collection::vec((line(), prop::bool::weighted(0.3)), 0..lines_max);
    (shape, lines, any::<bool>(), prop::bool::weighted(0.1), prop::bool::weighted(0.8)).prop_map(
        |(shape, lines, ends, has_bom, has_header)| {
            let mut bytes = if has_bom { b"\xEF\xBB\xBF".to_vec() } else { Vec::new() };
            let end = [shape.line_end];
            let head = ["h1", "h2", "h3"].join(&char::from(shape.separator).to_string());
            bytes.extend_from_slice(head.as_bytes());
            bytes.extend_from_slice(&end);
            if shape.line_end == b'\r' {
                // How lines end is found by the header's: no `\n` may stand behind it.
                bytes.extend_from_slice(&[b'x', shape.separator, b'y', shape.separator, b'z', b'\r']);
            }
            for (line, has_return) in &lines {
                write_line(&shape, line, &mut bytes);
                match (shape.line_end, *has_return) {
                    (b'\n', true) => bytes.extend_from_slice(b"\r\n"),
                    (_, true) => bytes.push(b'\n'),
                    (_, false) => bytes.extend_from_slice(&end),
                }
            }
            if !ends {
                bytes.pop();
            }
            File { shape, bytes, has_header }
        },
    )
}

fn write_line(shape: &Shape, line: &Line, out: &mut Vec<u8>) {
    match line {
        Line::Empty => {}
        Line::Comment => {
            out.extend(shape.comment);
            out.extend_from_slice(if shape.comment.is_some() {
                b" a \"quote\", a \\ and no end"
            } else {
                b""
            });
        }
        Line::Chaos(pieces) => pieces.iter().for_each(|piece| write_piece(shape, piece, out)),
        Line::Record(fields, has_comment) => {
            for (number, field) in fields.iter().enumerate() {
                if number > 0 {
                    out.push(shape.separator);
                }
                write_field(shape, field, out);
            }
            if let Some(comment) = shape.comment.filter(|_| *has_comment) {
                out.extend_from_slice(&[b' ', comment, b' ', b'"']);
            }
        }
    }
}

fn write_field(shape: &Shape, field: &Field, out: &mut Vec<u8>) {
    match field {
        Field::Bare(text) => out.extend_from_slice(text.as_bytes()),
        Field::Raw(pieces) => pieces.iter().for_each(|piece| write_piece(shape, piece, out)),
        Field::Quoted(pieces, tail) => {
            out.extend(shape.quote);
            for piece in pieces {
                match piece {
                    Piece::Quote => out.extend(shape.quote.into_iter().chain(shape.quote)),
                    Piece::Escape => out.extend(shape.escape.into_iter().chain(shape.escape)),
                    Piece::Separator | Piece::LineEnd | Piece::Comment if shape.quote.is_none() => {}
                    other => write_piece(shape, other, out),
                }
            }
            out.extend(shape.quote);
            out.extend_from_slice(tail.as_bytes());
        }
    }
}

fn write_piece(shape: &Shape, piece: &Piece, out: &mut Vec<u8>) {
    match piece {
        Piece::Text(text) => out.extend_from_slice(text.as_bytes()),
        Piece::Separator => out.push(shape.separator),
        Piece::Quote => out.extend(shape.quote),
        Piece::Escape => out.extend(shape.escape),
        Piece::Comment => out.extend(shape.comment),
        Piece::LineEnd => out.push(shape.line_end),
    }
}

/// The bytes as they are stored: several members or frames, so that they end inside records.
pub(crate) fn pack(bytes: &[u8], packing: Packing) -> Vec<u8> {
    let size = (bytes.len() / 3).max(1);
    let pack_part: fn(&[u8]) -> Vec<u8> = match packing {
        Packing::Plain => return bytes.to_vec(),
        Packing::Utf16 => return utf16(bytes).flat_map(u16::to_le_bytes).collect(),
        Packing::GzipOfUtf16 => {
            let wide: Vec<u8> = utf16(bytes).flat_map(u16::to_be_bytes).collect();
            return pack(&wide, Packing::Gzip);
        }
        Packing::Gzip => |part| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        },
        Packing::Zstd => |part| zstd::bulk::compress(part, 1).expect("memory"),
        Packing::Bz2 => |part| {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        },
        Packing::Xz => |part| {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        },
    };
    bytes.chunks(size).flat_map(pack_part).collect()
}

/// The text of a file, behind its mark.
fn utf16(bytes: &[u8]) -> impl Iterator<Item = u16> {
    let text = std::str::from_utf8(bytes).expect("text").trim_start_matches('\u{FEFF}');
    std::iter::once(0xFEFF).chain(text.encode_utf16())
}

/// Bytes that stand before a text that had no mark: places in a file count them.
pub(crate) fn mark_bytes(packing: Packing) -> u64 {
    if matches!(packing, Packing::Utf16 | Packing::GzipOfUtf16) { 3 } else { 0 }
}
