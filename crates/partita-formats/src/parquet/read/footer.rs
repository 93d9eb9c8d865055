//! The footer: found, checked, and only then decoded by the `parquet` crate.

use std::panic::{AssertUnwindSafe, catch_unwind};

use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy,
};

use super::thrift::{BINARY, I32, LIST, Outcome, STRUCT, Thrift};
use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;

/// Bytes at the end of a file that are read at first: most footers are smaller.
const TAIL_BYTES: usize = 32 << 10;

/// Length of the metadata, and the magic bytes.
const END_BYTES: usize = 8;

/// The converted type of columns without values, that `parquet-cpp` wrote before there was a logical type for them. The
/// format does not know it, and the decoder refuses it; they are read as what they are stored as.
const CONVERTED_NULL: i64 = 24;
/// `INT_32`, as its byte in the footer.
const CONVERTED_INT32: u8 = 17 << 1;

/// The field of a footer that says how columns are encrypted, where it is not itself.
const ENCRYPTION: i16 = 8;

/// Groups within each other in a schema.
const SCHEMA_DEPTH_MAX: usize = 100;

/// Bytes of the names that lead to all leaves, for each byte of the footer: a chain of groups that each have a leaf has
/// paths of quadratic length.
const PATH_BYTES_PER_BYTE_MAX: usize = 32;

/// The error for bytes of `file` that are not what the format says.
pub(crate) fn malformed(file: &str, message: impl Into<String>) -> Error {
    ErrorKind::Malformed { file: file.to_owned(), message: message.into() }.into()
}

/// Runs what may panic on bytes from outside: the `parquet` crate does not promise that it does not.
pub(crate) fn guarded<T>(
    file: &str,
    what: &str,
    run: impl FnOnce() -> std::result::Result<T, ParquetError>,
) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(done)) => Ok(done),
        Ok(Err(error)) => Err(malformed(file, format!("{what}: {error}"))),
        Err(_) => {
            Err(malformed(file, format!("{what}: the bytes are damaged so that reading them broke off")))
        }
    }
}

/// Fills `buffer` from `offset`.
pub(crate) fn read_exact(input: &dyn ReadAt, file: &str, offset: u64, buffer: &mut [u8]) -> Result<()> {
    let got = input
        .read_full_at(offset, buffer)
        .map_err(|source| ErrorKind::Io { file: file.to_owned(), source })?;
    if got < buffer.len() {
        let expected = buffer.len();
        let message = format!("expected {expected} bytes at byte {offset}, got {got}: the file ends there");
        return Err(malformed(file, message));
    }
    Ok(())
}

/// Reads and decodes the footer of an input of at least `END_BYTES` bytes. How many bytes were read for it comes with it.
pub(super) fn read(
    input: &dyn ReadAt,
    file: &str,
    footer_bytes_max: usize,
) -> Result<(ParquetMetaData, u64)> {
    let length = input.len();
    if length < (END_BYTES + 4) as u64 {
        return Err(malformed(file, format!("expected a Parquet file, got {length} bytes")));
    }
    let tail_bytes = usize::try_from(length).unwrap_or(usize::MAX).min(TAIL_BYTES);
    let mut tail = vec![0; tail_bytes];
    read_exact(input, file, length - tail_bytes as u64, &mut tail)?;
    let (rest, end) = tail.split_at_mut(tail_bytes - END_BYTES);
    let footer_bytes = u32::from_le_bytes([end[0], end[1], end[2], end[3]]) as usize;
    match &end[4..] {
        b"PAR1" => {}
        b"PARE" => {
            let message = "the footer is encrypted, and there is no key: write the file without encryption";
            return Err(malformed(file, message));
        }
        other => {
            let got = other.escape_ascii();
            return Err(malformed(
                file,
                format!("expected a Parquet file, which ends with PAR1; it ends with {got}"),
            ));
        }
    }
    let end = length - END_BYTES as u64;
    if footer_bytes as u64 > end - 4 {
        let message =
            format!("expected a footer within the file of {length} bytes, got one of {footer_bytes} bytes");
        return Err(malformed(file, message));
    }
    if footer_bytes > footer_bytes_max {
        let message = format!(
            "expected a footer of at most {footer_bytes_max} bytes, got {footer_bytes}: raise footer_bytes_max"
        );
        return Err(malformed(file, message));
    }
    if footer_bytes <= rest.len() {
        let start = rest.len() - footer_bytes;
        return Ok((decode(&mut rest[start..], file)?, tail_bytes as u64));
    }
    let mut footer = vec![0; footer_bytes];
    read_exact(input, file, end - footer_bytes as u64, &mut footer)?;
    Ok((decode(&mut footer, file)?, (tail_bytes + footer_bytes) as u64))
}

fn decode(footer: &mut [u8], file: &str) -> Result<ParquetMetaData> {
    let nulls = check(footer).map_err(|message| malformed(file, format!("footer: {message}")))?;
    for at in nulls {
        footer[at] = CONVERTED_INT32;
    }
    let footer = &*footer;
    let options = ParquetMetaDataOptions::new()
        .with_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll)
        .with_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
    guarded(file, "footer", || ParquetMetaDataReader::decode_metadata_with_options(footer, Some(&options)))
}

/// Finds what would make the decoder allocate without bound or recurse too deep: it is checked here, by a walk that
/// allocates nothing that grows faster than the bytes. Gives the places of the bytes that are [`CONVERTED_NULL`].
fn check(footer: &[u8]) -> Outcome<Vec<usize>> {
    let mut thrift = Thrift::new(footer);
    let mut nulls = Vec::new();
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        match (number, kind) {
            (2, LIST) => nulls = check_schema(&mut thrift, footer.len())?,
            (ENCRYPTION, STRUCT) => {
                return Err(
                    "columns are encrypted, and there is no key: write the file without encryption".into()
                );
            }
            _ => thrift.skip(kind)?,
        }
    }
    Ok(nulls)
}

/// Checks that the elements of a schema are one tree, and no deeper or wider than makes sense.
fn check_schema(thrift: &mut Thrift<'_>, footer_bytes: usize) -> Outcome<Vec<usize>> {
    let (kind, count) = thrift.list()?;
    if kind != STRUCT || count == 0 {
        return Err(format!("expected a schema of at least one element, got {count}"));
    }
    // Of each open group: children that are to come, and bytes of the names down to it.
    let mut open: Vec<(usize, usize)> = Vec::new();
    let mut path_bytes = 0_usize;
    let mut nulls = Vec::new();
    for index in 0..count {
        let (children, name_bytes) = schema_element(thrift, &mut nulls)?;
        while let Some((0, _)) = open.last() {
            open.pop();
        }
        let above = match open.last_mut() {
            Some((left, above)) => {
                *left -= 1;
                *above
            }
            None if index == 0 => 0,
            None => {
                return Err(format!(
                    "expected a schema of one tree, got {count} elements, {index} of them in it"
                ));
            }
        };
        if children > count - index - 1 {
            return Err(format!("a group of {children} children in a schema of {count} elements"));
        }
        let here = above + name_bytes + size_of::<String>();
        if children > 0 {
            open.push((children, here));
        } else {
            path_bytes = path_bytes.saturating_add(here);
        }
        if open.len() > SCHEMA_DEPTH_MAX || path_bytes / PATH_BYTES_PER_BYTE_MAX > footer_bytes {
            return Err(format!("expected a schema of at most {SCHEMA_DEPTH_MAX} groups within each other"));
        }
    }
    if open.iter().any(|(left, _)| *left > 0) {
        return Err(format!("the {count} elements of the schema end before its groups do"));
    }
    Ok(nulls)
}

/// Children and bytes of the name of an element of a schema.
fn schema_element(thrift: &mut Thrift<'_>, nulls: &mut Vec<usize>) -> Outcome<(usize, usize)> {
    let (mut children, mut name_bytes, mut is_int32) = (0, 0, false);
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        match (number, kind) {
            (1, I32) => is_int32 = thrift.number()? == 1,
            (4, BINARY) => name_bytes = thrift.binary()?.len(),
            (5, I32) => {
                let count = thrift.number()?;
                children = usize::try_from(count)
                    .map_err(|_| format!("a group of {count} children in the schema"))?;
            }
            (6, I32) => {
                let at = thrift.position();
                if thrift.number()? == CONVERTED_NULL && is_int32 {
                    nulls.push(at);
                }
            }
            _ => thrift.skip(kind)?,
        }
    }
    Ok((children, name_bytes))
}
