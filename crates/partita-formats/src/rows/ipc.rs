//! Arrow IPC out: the file format, which is Feather 2 too. Messages are encoded apart by the `arrow-ipc` crate; the list of
//! them at the end of the file is made when it is complete.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options, concat_batches};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow_ipc::convert::IpcSchemaEncoder;
use arrow_ipc::writer::{
    DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions, write_message,
};
use arrow_ipc::{Block, CompressionType, FooterBuilder, MetadataVersion};
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::parquet::MessageSize;

/// What every file begins and ends with.
pub(crate) const MAGIC: &[u8] = b"ARROW1";

/// Bytes of the head of a file before its first message: buffers are aligned to as much.
const ALIGNMENT: usize = 64;

/// What ends a stream of messages.
const END_OF_STREAM: [u8; 8] = [0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0];

/// How the buffers of record batches are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IpcCompression {
    /// Not at all: other programs can map the file into memory.
    #[default]
    None,
    /// LZ4 frames.
    Lz4,
    /// Zstandard, level 3.
    Zstd,
}

/// How Arrow IPC files are written: the file format, version 5 of the metadata, which is Feather 2 too.
///
/// Views are written as `Utf8` and `Binary` and dictionaries as their values, so that every reader takes them; everything else
/// as it is. A record batch is a piece of a partition, of about 2 MiB before compression.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IpcOptions {
    /// How buffers are compressed.
    pub compression: IpcCompression,
}

impl IpcOptions {
    fn write_options(&self) -> Result<IpcWriteOptions> {
        let compression = match self.compression {
            IpcCompression::None => None,
            IpcCompression::Lz4 => Some(CompressionType::LZ4_FRAME),
            IpcCompression::Zstd => Some(CompressionType::ZSTD),
        };
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, MetadataVersion::V5)?;
        Ok(options.try_with_compression(compression)?)
    }
}

/// The schema that files declare.
pub(super) fn written_schema(schema: &SchemaRef) -> SchemaRef {
    let fields: Vec<FieldRef> = schema.fields().iter().map(written_field).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

fn written_field(field: &FieldRef) -> FieldRef {
    let data_type = written_type(field.data_type());
    if data_type == *field.data_type() {
        return Arc::clone(field);
    }
    let written = Field::new(field.name(), data_type, field.is_nullable());
    Arc::new(written.with_metadata(field.metadata().clone()))
}

fn written_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, values) => written_type(values),
        DataType::RunEndEncoded(_, values) => written_type(values.data_type()),
        DataType::List(item) => DataType::List(written_field(item)),
        DataType::LargeList(item) => DataType::LargeList(written_field(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(written_field(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(written_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(written_field(entries), *sorted),
        other => other.clone(),
    }
}

/// What a file begins with: the magic bytes, and a message with the schema.
///
/// # Errors
/// [`ErrorKind::Arrow`] for types that the format cannot hold.
pub(super) fn head(schema: &Schema, options: &IpcOptions) -> Result<Vec<u8>> {
    let options = options.write_options()?;
    let mut out = MAGIC.to_vec();
    out.resize(ALIGNMENT, 0);
    let mut dictionaries = DictionaryTracker::new(true);
    let message =
        IpcDataGenerator {}.schema_to_bytes_with_dictionary_tracker(schema, &mut dictionaries, &options);
    write_message(&mut out, message, &options)?;
    Ok(out)
}

/// What a file ends with: the list of its messages, which follow a head of `head_bytes`.
///
/// # Errors
/// [`ErrorKind::Options`] where a number is beyond what the format can say.
pub(super) fn tail(
    schema: &Schema,
    options: &IpcOptions,
    head_bytes: usize,
    messages: &[MessageSize],
) -> Result<Vec<u8>> {
    options.write_options()?;
    let too_large = || {
        let message =
            "an Arrow IPC file cannot hold this much; write smaller parts with part_size".to_owned();
        crate::Error::from(ErrorKind::Options(message))
    };
    let mut offset = i64::try_from(head_bytes).map_err(|_| too_large())?;
    let mut blocks = Vec::with_capacity(messages.len());
    for message in messages {
        let metadata = i32::try_from(message.metadata_bytes).map_err(|_| too_large())?;
        let body = i64::try_from(message.body_bytes).map_err(|_| too_large())?;
        blocks.push(Block::new(offset, metadata, body));
        offset = offset.checked_add(body + i64::from(metadata)).ok_or_else(too_large)?;
    }
    let mut footer = Default::default();
    let mut dictionaries = DictionaryTracker::new(true);
    let schema = IpcSchemaEncoder::new()
        .with_dictionary_tracker(&mut dictionaries)
        .schema_to_fb_offset(&mut footer, schema);
    let record_batches = footer.create_vector(&blocks);
    let no_dictionaries = footer.create_vector::<Block>(&[]);
    let root = {
        let mut builder = FooterBuilder::new(&mut footer);
        builder.add_version(MetadataVersion::V5);
        builder.add_schema(schema);
        builder.add_dictionaries(no_dictionaries);
        builder.add_recordBatches(record_batches);
        builder.finish()
    };
    footer.finish(root, None);
    let bytes = footer.finished_data();
    let length = i32::try_from(bytes.len()).map_err(|_| too_large())?;
    Ok([&END_OF_STREAM, bytes, &length.to_le_bytes(), MAGIC].concat())
}

/// Encodes batches of one schema: what is written is kept until it is encoded as one record batch.
pub(super) struct IpcEncoder {
    written: SchemaRef,
    options: IpcOptions,
    context: IpcWriteContext,
    held: Vec<RecordBatch>,
    held_bytes: usize,
}

impl IpcEncoder {
    /// `written` is what the files declare.
    pub(super) fn new(written: SchemaRef, options: &IpcOptions) -> Self {
        let context = IpcWriteContext::default();
        Self { written, options: options.clone(), context, held: Vec::new(), held_bytes: 0 }
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.held_bytes
    }

    /// Bytes of memory held, and of those that encoding takes: the rows once more, and their message.
    pub(super) fn memory_bytes(&self) -> usize {
        3 * self.held_bytes
    }

    /// Keeps a batch.
    ///
    /// # Errors
    /// Where a column is not of its type.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let columns = batch.columns().iter().zip(self.written.fields());
        let columns = columns.map(|(column, field)| written_column(column, field.data_type()));
        let columns: Vec<ArrayRef> = columns.collect::<Result<_>>()?;
        let written = RecordBatch::try_new_with_options(
            Arc::clone(&self.written),
            columns,
            &arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows())),
        )?;
        for column in written.columns() {
            self.held_bytes += column.to_data().get_slice_memory_size()?;
        }
        self.held.push(written);
        Ok(())
    }

    /// Adds what is kept to `out` as one message; none where there are no rows.
    ///
    /// # Errors
    /// Where Arrow cannot encode it.
    pub(super) fn encode(&mut self, out: &mut Vec<u8>) -> Result<Option<MessageSize>> {
        let held = std::mem::take(&mut self.held);
        self.held_bytes = 0;
        let batch = match held.as_slice() {
            [] => return Ok(None),
            [one] => one.clone(),
            several => concat_batches(&self.written, several)?,
        };
        drop(held);
        let options = self.options.write_options()?;
        let mut dictionaries = DictionaryTracker::new(true);
        let (_, message) =
            IpcDataGenerator {}.encode(&batch, &mut dictionaries, &options, &mut self.context)?;
        let (metadata_bytes, body_bytes) = write_message(out, message, &options)?;
        Ok(Some(MessageSize { metadata_bytes, body_bytes }))
    }
}

fn written_column(column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    Ok(cast_with_options(column, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}
