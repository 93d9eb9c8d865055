//! What the files of one data set have in common: schema, encodings, and how arrays are fitted to them.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use parquet::arrow::arrow_writer::{ArrowColumnWriter, ArrowRowGroupWriterFactory};
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{self, BrotliLevel, GzipLevel, LogicalType, Type, ZstdLevel};
use parquet::column::page_store::PageStoreFactory;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterPropertiesPtr,
};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, TypePtr};

use crate::error::Result;
use crate::parquet::column::bloom::{self, BLOOM_FPP};
use crate::parquet::column::spec::Spec;
use crate::parquet::hive::split_schema;
use crate::parquet::options::{Compression, Encoding, PageLimits, Statistics, WriteOptions, options};
use crate::parquet::row_group::{PagesFactory, SharedPages};

/// Schema and options of a data set, made ready once and shared by its encoders and parts.
///
/// Parquet has no view types and no seconds, so the schema in the files differs from that of the batches: views
/// are declared as `Utf8` and `Binary` (the bytes are the same), seconds are written as milliseconds, `Date64`
/// as `Date32`, and dictionaries of anything but text and binary as their values. `required` is kept. Columns that
/// are in the names of folders ([`WriteOptions::partition_on`]) are in neither.
#[derive(Debug)]
pub struct Layout {
    /// What batches look like.
    input: SchemaRef,
    /// What the files declare.
    written: SchemaRef,
    /// What the column writers are fed: `written`, with views left as views.
    fed: Vec<FieldRef>,
    /// Columns that are in the names of folders.
    keys: Vec<FieldRef>,
    /// Whether any column of `fed` differs from `input`.
    casts: bool,
    root: TypePtr,
    properties: WriterPropertiesPtr,
    /// How each column is written.
    roots: Vec<Root>,
    /// The columns that the `parquet` crate writes.
    others: Option<Others>,
    options: WriteOptions,
    limits: PageLimits,
}

/// How a column of the schema is written.
#[derive(Debug)]
pub(super) enum Root {
    /// By [`super::column`].
    Own(Arc<Spec>),
    /// By the `parquet` crate, in so many leaves.
    Other(usize),
}

/// Columns that the `parquet` crate writes: nested ones, and those of fixed length.
#[derive(Debug)]
struct Others {
    /// What column writers are made from; nothing is written to it.
    nowhere: SerializedFileWriter<Vec<u8>>,
    schema: SchemaRef,
    /// Of each leaf.
    leaves: Vec<Leaf>,
}

/// What the memory of a column's writer depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf {
    pub(super) compression: basic::Compression,
    /// Bytes of its bloom filter, where it has one.
    pub(super) bloom_bytes: usize,
    /// Whether values have no fixed size: those that are not in a dictionary are gathered in a buffer that doubles.
    pub(super) is_bytes: bool,
    /// Whether that buffer is kept from page to page.
    pub(super) keeps_buffer: bool,
}

impl Layout {
    /// Checks `options` against `schema` and makes both ready.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Options`] where an option is out of range, names a column that is not there or an encoding
    /// that its type does not have; [`crate::ErrorKind::Parquet`] for types that Parquet cannot hold.
    pub fn new(schema: SchemaRef, write: &WriteOptions) -> Result<Arc<Self>> {
        write.check()?;
        let (schema, keys) = match write.partition_on.is_empty() {
            true => (schema, Vec::new()),
            false => split_schema(&schema, &write.partition_on)?,
        };
        if schema.fields().is_empty() {
            return Err(options("a Parquet file needs at least one column, got a schema of none".to_owned()));
        }
        if let Some(name) = write.columns.keys().find(|name| schema.index_of(name).is_err()) {
            let have: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            return Err(options(format!(
                "write options for column {name:?}: no such column; there are {}",
                have.join(", ")
            )));
        }
        let map = |kind: Kind| -> Vec<FieldRef> {
            schema.fields().iter().map(|field| convert_field(field, kind)).collect()
        };
        let written = Arc::new(Schema::new_with_metadata(map(Kind::Written), schema.metadata().clone()));
        let fed = map(Kind::Fed);
        let casts = fed.iter().zip(schema.fields()).any(|(fed, input)| fed.data_type() != input.data_type());

        let descriptor = ArrowSchemaConverter::new().convert(&written)?;
        let limits = write.page_limits(descriptor.num_columns());
        let properties = Arc::new(properties(&written, &descriptor, write, limits)?);
        let root = descriptor.root_schema_ptr();
        let roots = roots(&descriptor, &fed, &properties, write, limits);
        let others = Others::new(&written, &roots, &properties)?;
        Ok(Arc::new(Self {
            input: schema,
            written,
            fed,
            keys,
            casts,
            root,
            properties,
            roots,
            others,
            options: write.clone(),
            limits,
        }))
    }

    /// The columns that are in the names of folders, outermost first.
    pub fn key_columns(&self) -> &[FieldRef] {
        &self.keys
    }

    /// The schema of the batches that are written.
    pub fn schema(&self) -> &SchemaRef {
        &self.input
    }

    /// The Arrow schema that the files declare.
    pub fn written_schema(&self) -> &SchemaRef {
        &self.written
    }

    /// The options.
    pub fn options(&self) -> &WriteOptions {
        &self.options
    }

    pub(super) fn root(&self) -> &TypePtr {
        &self.root
    }

    pub(super) fn properties(&self) -> &WriterPropertiesPtr {
        &self.properties
    }

    /// How each column is written.
    pub(super) fn roots(&self) -> &[Root] {
        &self.roots
    }

    /// New writers for the columns of one row group that the `parquet` crate writes, and the pages that they will fill.
    pub(super) fn other_writers(&self) -> Result<(Vec<ArrowColumnWriter>, Vec<SharedPages>)> {
        let Some(others) = &self.others else {
            return Ok((Vec::new(), Vec::new()));
        };
        let pages = Arc::new(PagesFactory::new(Arc::clone(&self.properties)));
        let factory = ArrowRowGroupWriterFactory::new(&others.nowhere, Arc::clone(&others.schema))
            .with_page_store_factory(Arc::clone(&pages) as Arc<dyn PageStoreFactory>);
        let writers = factory.create_column_writers(0)?;
        Ok((writers, pages.created()))
    }

    /// What the memory of those writers depends on, in their order.
    pub(super) fn other_leaves(&self) -> &[Leaf] {
        self.others.as_ref().map_or(&[], |others| &others.leaves)
    }

    /// The limits of pages and dictionaries.
    pub(super) fn limits(&self) -> PageLimits {
        self.limits
    }

    /// The fields that [`Layout::fit`]'s columns have.
    pub(super) fn fed(&self) -> &[FieldRef] {
        &self.fed
    }

    /// Checks that `batch` has the layout's schema.
    pub(super) fn check(&self, batch: &RecordBatch) -> Result<()> {
        let got = batch.schema_ref();
        let same = Arc::ptr_eq(got, &self.input)
            || (got.fields().len() == self.input.fields().len()
                && got.fields().iter().zip(self.input.fields()).all(|(got, expected)| {
                    got.name() == expected.name() && got.data_type() == expected.data_type()
                }));
        if !same {
            return Err(shape(format!(
                "the batch does not have the schema of the data set: expected {}, got {}",
                describe(&self.input),
                describe(got)
            )));
        }
        for (field, column) in self.input.fields().iter().zip(batch.columns()) {
            if !field.is_nullable() && column.null_count() > 0 {
                let (name, nulls) = (field.name(), column.null_count());
                return Err(shape(format!("column {name:?} is required, got {nulls} nulls in a batch")));
            }
        }
        Ok(())
    }

    /// The column as the writers take it.
    ///
    /// # Errors
    /// Where seconds do not fit as milliseconds.
    pub(super) fn fit(&self, index: usize, column: &ArrayRef) -> Result<ArrayRef> {
        let fed = self.fed[index].data_type();
        if !self.casts || column.data_type() == fed {
            return Ok(Arc::clone(column));
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        Ok(cast_with_options(column, fed, &strict)?)
    }
}

fn roots(
    descriptor: &SchemaDescriptor,
    fed: &[FieldRef],
    properties: &WriterProperties,
    write: &WriteOptions,
    limits: PageLimits,
) -> Vec<Root> {
    let mut roots: Vec<Root> = fed.iter().map(|_| Root::Other(0)).collect();
    for leaf in 0..descriptor.num_columns() {
        let column = descriptor.column(leaf);
        let root = descriptor.get_column_root_idx(leaf);
        let compression = properties.compression(column.path());
        roots[root] =
            match (&roots[root], Spec::new(&column, fed[root].data_type(), compression, write, limits)) {
                (Root::Other(0), Some(spec)) => Root::Own(Arc::new(spec)),
                (Root::Other(leaves), _) => Root::Other(leaves + 1),
                // A flat column has one leaf.
                (Root::Own(spec), _) => Root::Own(Arc::clone(spec)),
            };
    }
    roots
}

impl Others {
    fn new(written: &Schema, roots: &[Root], properties: &WriterPropertiesPtr) -> Result<Option<Self>> {
        let fields = written.fields().iter().zip(roots);
        let fields =
            fields.filter(|(_, root)| matches!(root, Root::Other(_))).map(|(field, _)| Arc::clone(field));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        if schema.fields().is_empty() {
            return Ok(None);
        }
        let descriptor = ArrowSchemaConverter::new().convert(&schema)?;
        let leaves = descriptor.columns().iter().map(|column| Leaf {
            compression: properties.compression(column.path()),
            bloom_bytes: properties
                .bloom_filter_properties(column.path())
                .map_or(0, |bloom| bloom::bytes(bloom.ndv())),
            is_bytes: column.physical_type() == Type::BYTE_ARRAY,
            keeps_buffer: matches!(
                properties.encoding(column.path()),
                Some(basic::Encoding::DELTA_BYTE_ARRAY | basic::Encoding::DELTA_LENGTH_BYTE_ARRAY)
            ),
        });
        let leaves = leaves.collect();
        let root = descriptor.root_schema_ptr();
        let nowhere = SerializedFileWriter::new(Vec::new(), root, Arc::clone(properties))?;
        Ok(Some(Self { nowhere, schema, leaves }))
    }
}

/// The two schemas that differ from that of the batches.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// What files declare.
    Written,
    /// What column writers take.
    Fed,
}

fn convert_field(field: &FieldRef, kind: Kind) -> FieldRef {
    let converted = convert(field.data_type(), kind);
    if &converted == field.data_type() {
        return Arc::clone(field);
    }
    Arc::new(Field::clone(field).with_data_type(converted))
}

fn convert(data_type: &DataType, kind: Kind) -> DataType {
    let field = |field: &FieldRef| convert_field(field, kind);
    match data_type {
        DataType::Utf8View if kind == Kind::Written => DataType::Utf8,
        DataType::BinaryView if kind == Kind::Written => DataType::Binary,
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone.clone())
        }
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Duration(TimeUnit::Second) => DataType::Duration(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        DataType::Dictionary(_, values) => match values.as_ref() {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Binary | DataType::LargeBinary => {
                data_type.clone()
            }
            values => convert(values, kind),
        },
        DataType::List(item) => DataType::List(field(item)),
        DataType::LargeList(item) => DataType::LargeList(field(item)),
        DataType::FixedSizeList(item, length) => DataType::FixedSizeList(field(item), *length),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(field(entries), *sorted),
        other => other.clone(),
    }
}

fn properties(
    schema: &Schema,
    descriptor: &SchemaDescriptor,
    write: &WriteOptions,
    limits: PageLimits,
) -> Result<WriterProperties> {
    let metadata = write
        .key_value_metadata
        .iter()
        .map(|(key, value)| KeyValue::new(key.clone(), value.clone()))
        .collect();
    let mut builder = WriterProperties::builder()
        .set_created_by(write.created_by.clone())
        .set_key_value_metadata(Some(metadata))
        .set_compression(codec(write.compression)?)
        .set_dictionary_enabled(write.dictionary)
        .set_dictionary_page_size_limit(limits.dictionary_bytes)
        .set_data_page_size_limit(limits.page_bytes)
        .set_data_page_row_count_limit(limits.page_rows)
        .set_write_batch_size(WRITE_BATCH_ROWS.min(limits.page_rows))
        .set_statistics_enabled(enabled(write.statistics))
        .set_max_row_group_row_count(Some(write.row_group_rows_max));
    for (leaf, column) in descriptor.columns().iter().enumerate() {
        let root = descriptor.get_column_root(leaf).name();
        builder = column_properties(builder, column, root, write)?;
    }
    let mut properties = builder.build();
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    Ok(properties)
}

/// Values that a column writer takes between two looks at its limits.
const WRITE_BATCH_ROWS: usize = 8 << 10;

fn column_properties(
    mut builder: WriterPropertiesBuilder,
    column: &ColumnDescriptor,
    root: &str,
    write: &WriteOptions,
) -> Result<WriterPropertiesBuilder> {
    let path = column.path();
    let chosen = write.columns.get(root);
    if let Some(compression) = chosen.and_then(|chosen| chosen.compression) {
        builder = builder.set_column_compression(path.clone(), codec(compression)?);
    }
    if let Some(statistics) = chosen.and_then(|chosen| chosen.statistics) {
        builder = builder.set_column_statistics_enabled(path.clone(), enabled(statistics));
    }
    if chosen.is_some_and(|chosen| chosen.bloom_filter) {
        check_bloom(column, root)?;
        builder = builder
            .set_column_bloom_filter_fpp(path.clone(), BLOOM_FPP)
            .set_column_bloom_filter_max_ndv(path.clone(), bloom::values_max(write));
    }
    let encoding = match chosen.and_then(|chosen| chosen.encoding) {
        Some(encoding) => {
            check_encoding(column, root, encoding)?;
            encoding
        }
        None => default_encoding(column, write),
    };
    builder = builder.set_column_dictionary_enabled(path.clone(), encoding == Encoding::Dictionary);
    let laid_out = match encoding {
        Encoding::Dictionary if write.byte_stream_split && is_float(column) => {
            basic::Encoding::BYTE_STREAM_SPLIT
        }
        Encoding::Dictionary | Encoding::Plain => basic::Encoding::PLAIN,
        Encoding::Delta => basic::Encoding::DELTA_BINARY_PACKED,
        Encoding::ByteStreamSplit => basic::Encoding::BYTE_STREAM_SPLIT,
        Encoding::DeltaLength => basic::Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::DeltaBytes => basic::Encoding::DELTA_BYTE_ARRAY,
    };
    Ok(builder.set_column_encoding(path.clone(), laid_out))
}

/// Timestamps are nearly all different, so a dictionary costs time and gains nothing.
fn default_encoding(column: &ColumnDescriptor, write: &WriteOptions) -> Encoding {
    let timestamp = matches!(column.logical_type_ref(), Some(LogicalType::Timestamp { .. }));
    match (timestamp, write.byte_stream_split) {
        (true, true) => Encoding::ByteStreamSplit,
        (true, false) => Encoding::Delta,
        (false, _) if write.dictionary => Encoding::Dictionary,
        (false, true) if is_float(column) => Encoding::ByteStreamSplit,
        (false, _) => Encoding::Plain,
    }
}

fn is_float(column: &ColumnDescriptor) -> bool {
    matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE)
}

fn check_encoding(column: &ColumnDescriptor, root: &str, encoding: Encoding) -> Result<()> {
    let physical = column.physical_type();
    let fits = match encoding {
        Encoding::Dictionary => !matches!(physical, Type::BOOLEAN | Type::FIXED_LEN_BYTE_ARRAY),
        Encoding::Plain => true,
        Encoding::Delta => matches!(physical, Type::INT32 | Type::INT64),
        Encoding::ByteStreamSplit => {
            matches!(
                physical,
                Type::INT32 | Type::INT64 | Type::FLOAT | Type::DOUBLE | Type::FIXED_LEN_BYTE_ARRAY
            )
        }
        Encoding::DeltaLength | Encoding::DeltaBytes => physical == Type::BYTE_ARRAY,
    };
    if fits {
        return Ok(());
    }
    Err(options(format!(
        "column {root:?}: encoding {encoding:?} does not go with {physical}; leave it out, or use plain"
    )))
}

fn check_bloom(column: &ColumnDescriptor, root: &str) -> Result<()> {
    if column.physical_type() != Type::BOOLEAN {
        return Ok(());
    }
    Err(options(format!("column {root:?}: a bloom filter of truth values tells nothing; leave it out")))
}

fn enabled(statistics: Statistics) -> EnabledStatistics {
    match statistics {
        Statistics::Page => EnabledStatistics::Page,
        Statistics::Chunk => EnabledStatistics::Chunk,
        Statistics::None => EnabledStatistics::None,
    }
}

fn codec(compression: Compression) -> Result<basic::Compression> {
    Ok(match compression {
        Compression::Zstd(level) => basic::Compression::ZSTD(ZstdLevel::try_new(i32::from(level))?),
        Compression::Snappy => basic::Compression::SNAPPY,
        Compression::Lz4Raw => basic::Compression::LZ4_RAW,
        Compression::Gzip(level) => basic::Compression::GZIP(GzipLevel::try_new(u32::from(level))?),
        Compression::Brotli(level) => basic::Compression::BROTLI(BrotliLevel::try_new(u32::from(level))?),
        Compression::Uncompressed => basic::Compression::UNCOMPRESSED,
    })
}

fn describe(schema: &Schema) -> String {
    let columns: Vec<_> =
        schema.fields().iter().map(|field| format!("{}: {}", field.name(), field.data_type())).collect();
    format!("[{}]", columns.join(", "))
}

fn shape(message: String) -> crate::error::Error {
    partita_columns::Error::from(partita_columns::ErrorKind::Shape(message)).into()
}
