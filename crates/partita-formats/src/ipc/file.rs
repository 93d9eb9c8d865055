//! What a file has: its columns, and where its messages lie.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow_ipc::{Endianness, MessageHeader, MetadataVersion};
use flatbuffers::VerifierOptions;
use serde::{Deserialize, Serialize};

use super::caught;
use super::schema::{self, Node};
use crate::error::{Error, Result};
use crate::io::ReadAt;
use crate::parquet::read::{malformed, read_exact};

/// What files begin and end with; streams do not.
const MAGIC: &[u8] = b"ARROW1";
/// The first version of Feather, which is another format.
const FEATHER_1: &[u8] = b"FEA1";
/// What files end with: the length of the footer, and the magic bytes.
const END_BYTES: u64 = 4 + MAGIC.len() as u64;
/// Before the length of a message, since version 0.15 of Arrow.
const CONTINUATION: [u8; 4] = [0xFF; 4];

/// Where a message lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    pub(super) offset: u64,
    /// Bytes of what describes it, with prefix and padding.
    pub(super) metadata_bytes: usize,
    pub(super) body_bytes: u64,
}

/// Where a dictionary lies, and the first record batch behind it: a stream may replace dictionaries.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct DictionaryBlock {
    pub(super) block: Block,
    pub(super) before: usize,
}

/// What an Arrow IPC file or stream has, without the input: plain data, which was checked against the size of the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IpcFile {
    pub(super) name: String,
    schema: SchemaRef,
    pub(super) columns: Vec<Node>,
    /// The values of each dictionary.
    pub(super) values: Vec<(i64, Node)>,
    pub(super) dictionaries: Vec<DictionaryBlock>,
    pub(super) batches: Vec<Block>,
    bytes: u64,
    metadata_bytes: usize,
}

impl IpcFile {
    /// Looks at a file, or at the messages of a stream; `name` is its name for errors.
    ///
    /// # Errors
    /// Where the store fails, and [`crate::ErrorKind::Malformed`] where it is no Arrow IPC or is damaged.
    pub fn open(input: &dyn ReadAt, name: &str) -> Result<Self> {
        let mut head = [0; 8];
        let failed = |source| crate::ErrorKind::Io { file: name.to_owned(), source };
        let got = input.read_full_at(0, &mut head).map_err(failed)?;
        if head.starts_with(FEATHER_1) {
            let message = "this is Feather 1, which is no Arrow IPC; write it as Feather 2 with the program that made it";
            return Err(malformed(name, message));
        }
        if head.starts_with(MAGIC) {
            Self::of_footer(input, name)
        } else {
            Self::of_stream(input, name, &head[..got])
        }
    }

    fn of_footer(input: &dyn ReadAt, name: &str) -> Result<Self> {
        let length = input.len();
        let Some(end) = length.checked_sub(END_BYTES).filter(|end| *end >= 8) else {
            return Err(malformed(name, format!("expected an Arrow IPC file, got {length} bytes")));
        };
        let mut tail = [0; END_BYTES as usize];
        read_exact(input, name, end, &mut tail)?;
        if !tail.ends_with(MAGIC) {
            let message =
                "expected the end of an Arrow IPC file, ARROW1, and it ends otherwise: is it complete?";
            return Err(malformed(name, message));
        }
        let footer_bytes = i32::from_le_bytes([tail[0], tail[1], tail[2], tail[3]]);
        let start =
            u64::try_from(footer_bytes).ok().and_then(|bytes| end.checked_sub(bytes)).filter(|at| *at >= 8);
        let Some(start) = start else {
            let message = format!(
                "expected a footer within the file of {length} bytes, got one of {footer_bytes} bytes"
            );
            return Err(malformed(name, message));
        };
        let mut footer = vec![0; (end - start) as usize];
        read_exact(input, name, start, &mut footer)?;
        caught(name, "the footer", || decode_footer(&footer, name, length))
    }

    fn of_stream(input: &dyn ReadAt, name: &str, head: &[u8]) -> Result<Self> {
        let mut file: Option<Self> = None;
        let mut at = 0;
        if !looks_like_stream(head, input.len()) {
            let shown = head.escape_ascii();
            return Err(malformed(
                name,
                format!("expected Arrow IPC, a file or a stream; it begins with {shown}"),
            ));
        }
        while let Some((prefix, metadata_bytes)) = next_message(input, name, at)? {
            let mut metadata = vec![0; metadata_bytes];
            read_exact(input, name, at + prefix, &mut metadata)?;
            let (kind, body_bytes) = caught(name, "a message", || describe(&metadata, name))?;
            let block = Block { offset: at, metadata_bytes: prefix as usize + metadata_bytes, body_bytes };
            let end = block.end().filter(|end| *end <= input.len());
            let Some(end) = end else {
                return Err(malformed(
                    name,
                    format!(
                        "byte {at}: a message of {body_bytes} bytes, beyond the end of the file: is it complete?"
                    ),
                ));
            };
            match (&mut file, kind) {
                (None, MessageHeader::Schema) => {
                    file = Some(caught(name, "the schema", || {
                        decode_schema_message(&metadata, name, input.len())
                    })?);
                }
                (Some(file), MessageHeader::DictionaryBatch) => {
                    file.dictionaries.push(DictionaryBlock { block, before: file.batches.len() });
                }
                (Some(file), MessageHeader::RecordBatch) => file.batches.push(block),
                (_, other) => {
                    return Err(malformed(
                        name,
                        format!("byte {at}: a message of an unexpected kind, {other:?}"),
                    ));
                }
            }
            at = end;
        }
        file.ok_or_else(|| malformed(name, "expected a message with a schema, got none"))
    }

    /// The file, as the user named it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The columns, in the types that they are read as.
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// Bytes of the file when it was looked at.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Number of record batches.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// Bytes of a record batch, as it lies in the file.
    pub fn batch_bytes(&self, batch: usize) -> u64 {
        self.batches
            .get(batch)
            .map_or(0, |block| block.body_bytes.saturating_add(block.metadata_bytes as u64))
    }

    /// Bytes of memory that this takes, about.
    pub fn memory_bytes(&self) -> usize {
        let blocks = self.batches.capacity() * size_of::<Block>();
        let dictionaries = self.dictionaries.capacity() * size_of::<DictionaryBlock>();
        blocks + dictionaries + 8 * self.metadata_bytes
    }
}

impl Block {
    fn end(&self) -> Option<u64> {
        self.offset.checked_add(self.metadata_bytes as u64)?.checked_add(self.body_bytes)
    }
}

/// What is believed of a description of so many bytes: no more tables, and no more bytes by way of them, than it could have.
pub(super) fn limits(bytes: usize) -> VerifierOptions {
    VerifierOptions {
        max_tables: bytes / 4 + 16,
        max_apparent_size: bytes.saturating_mul(16).saturating_add(1 << 10),
        ..VerifierOptions::default()
    }
}

/// Whether the first bytes are those of a message.
fn looks_like_stream(head: &[u8], length: u64) -> bool {
    let Some(first) = head.first_chunk::<4>() else { return false };
    if *first == CONTINUATION {
        return true;
    }
    let bytes = i32::from_le_bytes(*first);
    bytes > 0 && u64::try_from(bytes).is_ok_and(|bytes| bytes < length)
}

/// Bytes of the prefix of the message at `at`, and of what describes it; `None` at the end of the stream.
fn next_message(input: &dyn ReadAt, name: &str, at: u64) -> Result<Option<(u64, usize)>> {
    let left = input.len().saturating_sub(at);
    if left == 0 {
        return Ok(None);
    }
    let cut = || malformed(name, format!("byte {at}: the stream ends within a message: is it complete?"));
    let mut prefix = [0; 8];
    let known = left.min(8) as usize;
    read_exact(input, name, at, &mut prefix[..known])?;
    let (bytes, length) = match prefix[..known] {
        [0xFF, 0xFF, 0xFF, 0xFF, a, b, c, d] => (8, [a, b, c, d]),
        [a, b, c, d, ..] if [a, b, c, d] != CONTINUATION => (4, [a, b, c, d]),
        _ => return Err(cut()),
    };
    match i32::from_le_bytes(length) {
        0 => Ok(None),
        length if length > 0 && u64::from(length.unsigned_abs()) <= left - bytes => {
            Ok(Some((bytes, length.unsigned_abs() as usize)))
        }
        length if length > 0 => Err(cut()),
        length => Err(malformed(name, format!("byte {at}: a message of {length} bytes"))),
    }
}

fn told(name: &str, what: &str, error: &flatbuffers::InvalidFlatbuffer) -> Error {
    malformed(name, format!("{what}: {error}").lines().next().unwrap_or_default().to_owned())
}

/// The kind of a message, and the bytes of its body.
fn describe(metadata: &[u8], name: &str) -> Result<(MessageHeader, u64)> {
    let message = arrow_ipc::root_as_message_with_opts(&limits(metadata.len()), metadata)
        .map_err(|error| told(name, "a message", &error))?;
    let body = message.bodyLength();
    let body_bytes =
        u64::try_from(body).map_err(|_| malformed(name, format!("a message of {body} bytes")))?;
    Ok((message.header_type(), body_bytes))
}

fn decode_schema_message(metadata: &[u8], name: &str, length: u64) -> Result<IpcFile> {
    let message = arrow_ipc::root_as_message_with_opts(&limits(metadata.len()), metadata)
        .map_err(|error| told(name, "the schema", &error))?;
    let schema = message.header_as_schema().ok_or_else(|| malformed(name, "expected a schema, got none"))?;
    decode_schema(schema, name, length, metadata.len())
}

fn decode_footer(footer: &[u8], name: &str, length: u64) -> Result<IpcFile> {
    let decoded = arrow_ipc::root_as_footer_with_opts(&limits(footer.len()), footer)
        .map_err(|error| told(name, "the footer", &error))?;
    if decoded.version() < MetadataVersion::V4 {
        return Err(malformed(name, "it was written before version 0.8 of Arrow, in a format of its own"));
    }
    let schema =
        decoded.schema().ok_or_else(|| malformed(name, "the footer: expected a schema, got none"))?;
    let mut file = decode_schema(schema, name, length, footer.len())?;
    let block = |block: &arrow_ipc::Block| {
        let found = Block {
            offset: u64::try_from(block.offset()).ok()?,
            metadata_bytes: usize::try_from(block.metaDataLength()).ok()?,
            body_bytes: u64::try_from(block.bodyLength()).ok()?,
        };
        Some(found).filter(|found| found.end().is_some_and(|end| end <= length))
    };
    let outside = || malformed(name, "the footer names messages that are not in the file");
    for found in decoded.recordBatches().into_iter().flatten() {
        file.batches.push(block(found).ok_or_else(outside)?);
    }
    for found in decoded.dictionaries().into_iter().flatten() {
        file.dictionaries.push(DictionaryBlock { block: block(found).ok_or_else(outside)?, before: 0 });
    }
    Ok(file)
}

fn decode_schema(
    schema: arrow_ipc::Schema<'_>,
    name: &str,
    length: u64,
    metadata_bytes: usize,
) -> Result<IpcFile> {
    if schema.endianness() != Endianness::Little {
        return Err(malformed(name, "its numbers are big-endian; write it again on a little-endian machine"));
    }
    let (mut fields, mut columns, mut values): (Vec<Field>, _, _) = (Vec::new(), Vec::new(), Vec::new());
    for field in schema.fields().into_iter().flatten() {
        let (field, node) = schema::node(field, &mut values, name)?;
        fields.push(field);
        columns.push(node);
    }
    Ok(IpcFile {
        name: name.to_owned(),
        schema: Arc::new(Schema::new(fields)),
        columns,
        values,
        dictionaries: Vec::new(),
        batches: Vec::new(),
        bytes: length,
        metadata_bytes,
    })
}
