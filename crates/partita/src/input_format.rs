//! Which format inputs have.

use crate::context::Inputs;
use crate::session::Session;
use crate::{read_ipc, read_ndjson, read_parquet};

/// A format of input files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InputFormat {
    /// Delimited text.
    Csv,
    /// Parquet.
    Parquet,
    /// Newline-delimited JSON.
    Ndjson,
    /// Arrow IPC.
    Ipc,
}

/// Endings by which files are known.
const ENDINGS: [(InputFormat, &[&str]); 4] = [
    (InputFormat::Parquet, read_parquet::ENDINGS),
    (InputFormat::Ndjson, read_ndjson::ENDINGS),
    (InputFormat::Ipc, read_ipc::ENDINGS),
    (InputFormat::Csv, &[".csv", ".tsv", ".txt"]),
];

/// Bytes that are looked at of a file whose name says nothing.
const HEAD_BYTES: usize = 4 << 10;

/// The format of the first file that inputs stand for, by its name or its first bytes.
pub(crate) fn of(session: &Session, inputs: &Inputs) -> InputFormat {
    let storage = session.engine().storage();
    let first = inputs.0.first().filter(|pattern| *pattern != "-").and_then(|pattern| {
        let endings: Vec<&str> = ENDINGS.iter().flat_map(|(_, endings)| endings.iter().copied()).collect();
        storage.members(pattern, &endings).ok()?.into_iter().next()
    });
    let Some(first) = first else { return InputFormat::Csv };
    let lower = first.below.to_lowercase();
    let named = ENDINGS.iter().find(|(_, endings)| endings.iter().any(|ending| lower.ends_with(ending)));
    if let Some((format, _)) = named.filter(|(format, _)| *format != InputFormat::Csv) {
        return *format;
    }
    let mut head = vec![0; HEAD_BYTES];
    match storage.open(&first.input.path).map(|input| input.read_full_at(0, &mut head)) {
        Ok(Ok(bytes)) => by_bytes(&head[..bytes], named.is_some()),
        _ => InputFormat::Csv,
    }
}

fn by_bytes(head: &[u8], is_named: bool) -> InputFormat {
    // A message of a stream: a mark, and a length.
    let is_stream = head.starts_with(&[0xFF; 4]) && head.get(7).is_some_and(|byte| *byte < 0x80);
    // The second is of files whose footers are encrypted, which the reader says.
    if head.starts_with(b"PAR1") || head.starts_with(b"PARE") {
        InputFormat::Parquet
    } else if head.starts_with(b"ARROW1") || is_stream {
        InputFormat::Ipc
    } else if !is_named && begins_object(head) {
        InputFormat::Ndjson
    } else {
        InputFormat::Csv
    }
}

/// Whether the first line is the beginning of an object with a key, or without any.
fn begins_object(head: &[u8]) -> bool {
    let head = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head).trim_ascii_start();
    let Some(rest) = head.strip_prefix(b"{") else { return false };
    matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}'))
}
