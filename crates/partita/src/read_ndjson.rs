//! Reading newline-delimited JSON.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_formats::csv::options::Infer;
use partita_formats::csv::stream;
use partita_formats::ndjson::{NdjsonBlock, NdjsonLimits, Shapes, engine_schema};
use partita_plan::node::{NdjsonInput, ReadNdjson};
use partita_tasks::program::FileInput;

use crate::csv::IntoDataType;
use crate::error::{ErrorKind, Result};
use crate::files;
use crate::frame::DataFrame;
use crate::reader::{InputOptions, Reader};
use crate::session::Session;
use crate::size::ByteSize;

/// Bytes of a partition where nobody says otherwise.
const PARTITION_BYTES: u64 = 64 << 20;

/// Memory that a decompressor may take while types are inferred.
const DECODER_BYTES_MAX: usize = 192 << 20;

/// Endings of the files that a folder stands for.
pub(crate) const ENDINGS: &[&str] = &[
    ".ndjson",
    ".jsonl",
    ".ndjson.gz",
    ".jsonl.gz",
    ".ndjson.zst",
    ".jsonl.zst",
    ".ndjson.bz2",
    ".jsonl.bz2",
    ".ndjson.xz",
    ".jsonl.xz",
];

/// Files of newline-delimited JSON that are to be read, and how. Nothing is opened before [`Reader::load`].
///
/// Every line is an object, and a row; compression is known by the first bytes. Types are found from the head of every file and from places
/// all over it: numbers without point and exponent are integers, arrays lists, objects structs, and where values are of several
/// kinds the column is text, in which values stand as they are written. Keys that are missing are null. A later value that does not fit its
/// column, and a later key that no column has, are errors that say where they are and what can be done: [`NdjsonReader::dtype`],
/// [`NdjsonReader::infer`], [`NdjsonReader::ignore_unknown`].
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("trips.ndjson");
/// let lines = "{\"zone\": \"A\", \"fares\": [12.5, 3]}\n{\"day\": \"2024-02-29\"}\n";
/// # std::fs::write(&path, lines).unwrap();
/// let trips = partita::read_ndjson(&path).dtype("day", DataType::Date32).load()?;
/// assert_eq!(trips.columns()?, ["zone", "fares", "day"]);
/// assert_eq!(trips.filter(col("day").is_null()).len()?, 1);
/// # Ok(())
/// # }
/// ```
pub type NdjsonReader = Reader<NdjsonInputOptions>;

/// What is said of lines of JSON alone.
#[derive(Debug, Clone)]
pub struct NdjsonInputOptions {
    partition_size: ByteSize,
    schema: Option<SchemaRef>,
    dtypes: Vec<(String, DataType)>,
    infer: Infer,
    ignore_unknown: Option<bool>,
    limits: NdjsonLimits,
}

impl Reader<NdjsonInputOptions> {
    /// All columns and their types: nothing is inferred then, and keys that are no columns are left out unless
    /// [`NdjsonReader::ignore_unknown`] says otherwise. Text may also be read as dates, timestamps and decimals.
    pub fn schema(mut self, schema: SchemaRef) -> Self {
        self.options.schema = Some(schema);
        self
    }

    /// The type of one column, which then is not inferred.
    pub fn dtype(mut self, column: &str, data_type: impl IntoDataType) -> Self {
        match data_type.into_data_type() {
            Ok(data_type) => self.options.dtypes.push((column.to_owned(), data_type)),
            Err(error) => drop(self.wrong.get_or_insert(error)),
        }
        self
    }

    /// How types are found; with [`Infer::None`] all columns of the first lines are text.
    pub fn infer(mut self, infer: Infer) -> Self {
        self.options.infer = infer;
        self
    }

    /// Whether keys that no column has are left out; default no, as values would be lost: they are errors.
    pub fn ignore_unknown(mut self, ignore: bool) -> Self {
        self.options.ignore_unknown = Some(ignore);
        self
    }

    /// Longest line in bytes; default 64 MiB.
    pub fn record_bytes_max(mut self, bytes: usize) -> Self {
        self.options.limits.line_bytes_max = bytes;
        self
    }

    /// Sizes of what is read and handed on at a time.
    pub fn limits(mut self, limits: NdjsonLimits) -> Self {
        self.options.limits = limits;
        self
    }
}

impl InputOptions for NdjsonInputOptions {
    const ENDINGS: &'static [&'static str] = ENDINGS;

    fn new() -> Self {
        Self {
            partition_size: ByteSize::from(PARTITION_BYTES),
            schema: None,
            dtypes: Vec::new(),
            infer: Infer::default(),
            ignore_unknown: None,
            limits: NdjsonLimits::default(),
        }
    }

    fn set_partition_size(&mut self, bytes: ByteSize) {
        self.partition_size = bytes;
    }

    fn load(reader: Reader<Self>) -> Result<DataFrame> {
        let options = &reader.options;
        let block_bytes = options.partition_size.bytes()?;
        let listing = files::list(&reader.search)?;
        let files = listing.planned(reader.filters.as_ref(), reader.include_path.as_deref())?;
        let session = &reader.search.session;
        let looked = session.engine().parallel(&files, |planned| look(session, &planned.input, options))?;
        let schema = match &options.schema {
            Some(schema) => with_types(schema, &options.dtypes),
            None => {
                let mut shapes = Shapes::default();
                looked.iter().for_each(|(_, of_file)| shapes.merge(of_file));
                shapes.schema(&options.dtypes, options.infer)
            }
        };
        // Columns of folders count more than keys of their names.
        let is_key = |field: &&Arc<Field>| listing.fields.iter().any(|key| key.name() == field.name());
        let in_lines = engine_schema(&schema);
        let ignore_unknown = options.ignore_unknown.unwrap_or(options.schema.is_some());
        let mut inputs = Vec::with_capacity(files.len());
        for (planned, (block, _)) in files.iter().zip(looked).filter(|(planned, _)| !planned.excluded) {
            let known = NdjsonBlock::new(&block.file, block.compression, Arc::clone(&in_lines))?;
            let block = NdjsonBlock { ignore_unknown, limits: options.limits, ..known };
            inputs.push(NdjsonInput { input: Arc::clone(&planned.input), block });
        }
        let kept: Vec<_> = in_lines.fields().iter().filter(|field| !is_key(field)).map(Arc::clone).collect();
        let schema = listing.schema(&Schema::new(kept), reader.include_path.as_deref())?;
        drop(files);
        reader.frame(ReadNdjson::plan(inputs, schema, block_bytes))
    }
}

/// The schema with other types for some columns.
fn with_types(schema: &SchemaRef, types: &[(String, DataType)]) -> SchemaRef {
    let field = |field: &Arc<Field>| {
        let given = types.iter().find(|(name, _)| name == field.name());
        let known = given.map_or_else(|| field.data_type().clone(), |(_, known)| known.clone());
        field.as_ref().clone().with_data_type(known)
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// How a file is compressed, and what its lines look like.
fn look(
    session: &Session,
    input: &Arc<FileInput>,
    options: &NdjsonInputOptions,
) -> Result<(NdjsonBlock, Shapes)> {
    let bytes = session.engine().storage().open(&input.path)?;
    let mut first = [0; stream::MAGIC_BYTES];
    let failed = |source| ErrorKind::Io { path: input.path.clone(), source };
    let count = bytes.read_full_at(0, &mut first).map_err(failed)?;
    let compression = stream::detect(&first[..count]);
    let block = NdjsonBlock::new(&input.path, compression, Arc::new(Schema::empty()))?;
    let block = NdjsonBlock { limits: options.limits, ..block };
    if options.schema.is_some() {
        return Ok((block, Shapes::default()));
    }
    let _memory = crate::csv::pay(session, &input.path, &bytes)?;
    let shapes = Shapes::of_file(&block, &bytes, options.infer, DECODER_BYTES_MAX)?;
    Ok((block, shapes))
}
