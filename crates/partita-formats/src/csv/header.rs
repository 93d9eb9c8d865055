//! The head of a file: how its lines end, the names of its columns, where its data begin.

use std::collections::HashSet;
use std::sync::Arc;

use super::dialect::{Dialect, LineEnd};
use super::options::{Headers, ReadOptions, name_list};
use super::reader::CsvBlock;
use super::reader::lines::LineCounter;
use super::records::Records;
use super::split::machine::{Machine, State};
use super::split::{self, Splitter};
use super::stream::{self, Compression, Decoder, Packing};
use super::text::{self, Encoding};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

#[cfg(test)]
mod tests;

/// Bytes read for the head at first; doubled until it holds the header.
const HEAD_BYTES: usize = 64 << 10;

/// Bytes of the longest byte-order mark.
const BOM_BYTES: usize = 4;

/// What the head of one file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The file, as the user named it.
    pub file: String,
    /// What is done to its bytes first.
    pub packing: Packing,
    /// How the bytes of its fields are text.
    pub encoding: Encoding,
    /// Its dialect, line ends as found.
    pub dialect: Dialect,
    /// Names of its columns: no two are equal. None: the file has no record, and no names were given.
    pub names: Vec<String>,
    /// First byte of the data in the decoded stream: after byte-order mark, skipped lines and header.
    pub data_start: u64,
    /// The line, from 1, in which the data begin.
    pub first_line: u64,
    /// Hash of the decoded bytes before `data_start`, for [`is_unchanged`].
    pub hash: u64,
}

impl Header {
    /// Number of fields of a record.
    pub fn width(&self) -> usize {
        self.names.len()
    }
}

/// The decoded bytes of a file's head, growing on demand.
struct Head {
    decoder: Decoder,
    bytes: Vec<u8>,
    ended: bool,
}

impl Head {
    fn new(file: &str, input: &Arc<dyn ReadAt>, packing: Packing) -> Result<Self> {
        let decoder = Decoder::new(Arc::clone(input), file, packing)?;
        Ok(Self { decoder, bytes: Vec::new(), ended: false })
    }

    /// Reads until there are `wanted` bytes or no more.
    fn read_to(&mut self, wanted: usize) -> Result<()> {
        let mut filled = self.bytes.len();
        if filled >= wanted {
            return Ok(());
        }
        self.bytes.resize(wanted, 0);
        while filled < wanted && !self.ended {
            let got = self.decoder.read(&mut self.bytes[filled..], u64::MAX)?;
            self.ended = got == 0;
            filled += got;
        }
        self.bytes.truncate(filled);
        Ok(())
    }
}

/// Reads the head of `input`, which `file` names in errors. A file without records has no columns, unless names are
/// given: [`combine`] says whether that is an error.
///
/// # Errors
/// Where the store or the decompressor fails; [`ErrorKind::RecordTooLong`] where the header does not end in
/// `record_bytes_max`; [`ErrorKind::Malformed`] for a name that is not text in the encoding, or UTF-32; [`ErrorKind::Options`] where the names given are not as many as the columns.
pub fn read(file: &str, input: &Arc<dyn ReadAt>, options: &ReadOptions) -> Result<Header> {
    let mut packing = Packing::from(compression_of(file, input)?);
    let mut head = Head::new(file, input, packing)?;
    head.read_to(BOM_BYTES)?;
    let found = options.encoding.of_file(file, &head.bytes)?;
    let encoding = found.fields;
    if found.wide.is_some() {
        packing.wide = found.wide;
        head = Head::new(file, input, packing)?;
    }
    let mut wanted = HEAD_BYTES;
    loop {
        head.read_to(wanted)?;
        let bom = head.bytes.len() - text::strip_bom(&head.bytes).len();
        if let Some(line_end) = line_end(&head.bytes[bom..], head.ended, options)
            && let dialect = options.dialect(line_end)
            && let Some(found) = first_record(&head.bytes, bom, head.ended, &dialect, options)
        {
            let names = name_columns(file, (&head.bytes, encoding), &found, &dialect, options)?;
            let before = &head.bytes[..found.data_start];
            let (hash, data_start) = (hash(before), found.data_start as u64);
            let mut lines = LineCounter::new(line_end, 1);
            lines.feed(before);
            let first_line = lines.line();
            return Ok(Header {
                file: file.into(),
                packing,
                encoding,
                dialect,
                names,
                data_start,
                first_line,
                hash,
            });
        }
        if wanted > options.record_bytes_max {
            return Err(ErrorKind::RecordTooLong {
                file: file.into(),
                byte: 0,
                limit: options.record_bytes_max,
            }
            .into());
        }
        wanted *= 2;
    }
}

fn compression_of(file: &str, input: &Arc<dyn ReadAt>) -> Result<Compression> {
    let mut first = [0; stream::MAGIC_BYTES];
    let count = input
        .read_full_at(0, &mut first)
        .map_err(|source| ErrorKind::Io { file: file.to_owned(), source })?;
    Ok(stream::detect(&first[..count]))
}

/// Whether the head of the file is still the one that `block` was made from.
///
/// # Errors
/// Where the store or the decompressor fails.
pub fn is_unchanged(block: &CsvBlock, input: &Arc<dyn ReadAt>) -> Result<bool> {
    let start = usize::try_from(block.data_start).unwrap_or(usize::MAX);
    let mut head = Head::new(&block.file, input, block.packing)?;
    head.read_to(start)?;
    Ok(head.bytes.len() == start && hash(&head.bytes) == block.header_hash)
}

/// FNV-1a: a guard against accidents, of few bytes.
fn hash(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
}

/// `Any` where a lone `\r` ends one of the lines up to the end of the first record, those that are skipped among them,
/// else `Lf`; `None`: more bytes are needed to tell.
fn line_end(bytes: &[u8], ended: bool, options: &ReadOptions) -> Option<LineEnd> {
    let any = options.dialect(LineEnd::Any);
    let machine = Machine::new(&any);
    let mut at = 0;
    let mut skipped = 0;
    while at < bytes.len() {
        let skips = skipped < options.skip_rows;
        let (end, is_record) = if skips {
            // Skipped lines are lines whatever stands in them.
            skipped += 1;
            (LineEnd::Any.find(&bytes[at..]).map(|end| at + end), false)
        } else {
            let (taken, state) = machine.run_line(State::Line, &bytes[at..]);
            let is_record = taken > 1 && any.comment != Some(bytes[at]);
            ((state == State::Line).then(|| at + taken - 1), is_record)
        };
        let Some(end) = end else { break };
        at = match (bytes[end], bytes.get(end + 1)) {
            (b'\r', Some(b'\n')) => end + 2,
            (b'\r', Some(_)) => return Some(LineEnd::Any),
            // The last byte of a file: dropped as the end of its last line.
            (b'\r', None) => break,
            _ => end + 1,
        };
        if is_record {
            return Some(LineEnd::Lf);
        }
    }
    ended.then_some(LineEnd::Lf)
}

/// First byte of the line behind the one that begins at `at`; `None`: more bytes are needed.
fn next_line(bytes: &[u8], at: usize, ended: bool, line_end: LineEnd) -> Option<usize> {
    let Some(end) = line_end.find(&bytes[at..]) else { return ended.then_some(bytes.len()) };
    let end = at + end;
    match (bytes[end], bytes.get(end + 1)) {
        (b'\r', Some(b'\n')) => Some(end + 2),
        (b'\r', None) if !ended => None,
        _ => Some(end + 1),
    }
}

/// Where the first record of a head is.
struct FirstRecord {
    /// Where its bytes begin in the head.
    base: usize,
    /// Its marks; no record where the file has none.
    records: Records,
    /// First byte of the data.
    data_start: usize,
}

/// Finds the first record after byte-order mark and skipped lines; `None`: more bytes are needed.
fn first_record(
    bytes: &[u8],
    bom: usize,
    ended: bool,
    dialect: &Dialect,
    options: &ReadOptions,
) -> Option<FirstRecord> {
    let mut base = bom;
    for _ in 0..options.skip_rows {
        base = next_line(bytes, base, ended, dialect.line_end)?;
    }
    let mut records = Records::default();
    let consumed = Splitter::new(dialect).split(&bytes[base..], ended, 1, &mut records);
    if records.is_empty() && !ended {
        return None;
    }
    let data_start = if options.has_header { base + consumed } else { base };
    Some(FirstRecord { base, records, data_start })
}

fn name_columns(
    file: &str,
    (bytes, encoding): (&[u8], Encoding),
    found: &FirstRecord,
    dialect: &Dialect,
    options: &ReadOptions,
) -> Result<Vec<String>> {
    let malformed = |message: String| ErrorKind::Malformed { file: file.into(), message };
    if found.records.is_empty() {
        return Ok(options.names.clone().unwrap_or_default());
    }
    let width = found.records.width(0);
    match &options.names {
        // Without a header the names say how wide a record is; short ones are a matter of `ragged`.
        Some(names) if !options.has_header => return Ok(names.clone()),
        Some(names) if names.len() != width => {
            let message = format!("{file}: names has {} columns and the header has {width}", names.len());
            return Err(ErrorKind::Options(message).into());
        }
        Some(names) => return Ok(names.clone()),
        None => {}
    }
    let (mut names, mut scratch) = (Vec::with_capacity(width), Vec::new());
    for column in 0..width {
        let mut name = Vec::new();
        if options.has_header
            && let Some((range, escaped)) = found.records.field(0, column)
        {
            let value = split::value(dialect, &bytes[found.base..][range], escaped, &mut scratch);
            encoding
                .decode_into(value.bytes, &mut name)
                .map_err(|error| malformed(name_error(column, &error)))?;
        }
        names.push(String::from_utf8_lossy(&name).into_owned());
    }
    Ok(distinct(names))
}

fn name_error(column: usize, error: &text::InvalidUtf8) -> String {
    format!(
        "header, column {}: {error}: .encoding(Encoding::Windows1252) (--encoding windows-1252)",
        column + 1
    )
}

/// Blank names become `column_3` (the column's number from 1), repeated ones `name_1`, `name_2`, ..
fn distinct(mut names: Vec<String>) -> Vec<String> {
    for (index, name) in names.iter_mut().enumerate() {
        if name.trim().is_empty() {
            *name = format!("column_{}", index + 1);
        }
    }
    let mut used: HashSet<String> = names.iter().cloned().collect();
    let mut seen = HashSet::new();
    for name in &mut names {
        if !seen.insert(name.clone()) {
            let mut number = 1_usize;
            let mut other = format!("{name}_1");
            while !used.insert(other.clone()) {
                number += 1;
                other = format!("{name}_{number}");
            }
            seen.insert(other.clone());
            *name = other;
        }
    }
    names
}

/// The columns of a set of files, in order: those of the first, and with [`Headers::Union`] the others' behind
/// them. Files without records have no say.
///
/// # Errors
/// [`ErrorKind::Malformed`] names the first file whose header has other names, unless the union is asked for, or the
/// first file of a set without any columns.
pub fn combine(headers: &[Header], options: &ReadOptions) -> Result<Vec<String>> {
    let mut filled = headers.iter().filter(|header| !header.names.is_empty());
    let Some(first) = filled.next() else {
        let Some(empty) = headers.first() else { return Ok(Vec::new()) };
        let message =
            "the file has no columns: it is empty; give their names to read it as a table without rows"
                .into();
        return Err(ErrorKind::Malformed { file: empty.file.clone(), message }.into());
    };
    let mut names = first.names.clone();
    let mut known: HashSet<&str> = first.names.iter().map(String::as_str).collect();
    for header in filled {
        let new: Vec<String> =
            header.names.iter().filter(|name| !known.contains(name.as_str())).cloned().collect();
        match options.headers {
            Headers::Union => {
                known.extend(header.names.iter().map(String::as_str));
                names.extend(new);
            }
            Headers::Same => {
                let here: HashSet<&str> = header.names.iter().map(String::as_str).collect();
                let missing: Vec<String> =
                    names.iter().filter(|name| !here.contains(name.as_str())).cloned().collect();
                if !new.is_empty() || !missing.is_empty() {
                    return Err(differing(&first.file, &header.file, &missing, &new).into());
                }
            }
        }
    }
    Ok(names)
}

fn differing(first: &str, file: &str, missing: &[String], new: &[String]) -> ErrorKind {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("it lacks {}", name_list(missing)));
    }
    if !new.is_empty() {
        parts.push(format!("it has {} besides", name_list(new)));
    }
    let message = format!(
        "its columns are not those of {first}: {}; to read all columns of all files, with nulls where a file has \
         none: .headers(Headers::Union) (--headers union)",
        parts.join(", ")
    );
    ErrorKind::Malformed { file: file.into(), message }
}
