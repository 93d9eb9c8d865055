//! From arguments to a frame.

use partita::{DataFrame, InputFormat, InputOptions, NdjsonLimits, ReadOptions, Reader, Session, expr};

use super::args::{PickArgs, ReadArgs};
use super::failure::Failure;
use super::sources::Sources;
use super::values;

/// The frame of these inputs: plans, and reads what the schema needs.
///
/// # Errors
/// Wrong options, and whatever [`partita::CsvReader::load`] or [`partita::Reader::load`] refuses.
pub(crate) fn load(session: &Session, sources: &Sources, read: &ReadArgs) -> Result<DataFrame, Failure> {
    load_as(session, sources, read.options()?, read)
}

/// The frame of these inputs, with these options.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_as(
    session: &Session,
    sources: &Sources,
    options: ReadOptions,
    read: &ReadArgs,
) -> Result<DataFrame, Failure> {
    let (format, block_bytes) = (session.input_format(sources.paths()), read.block_size());
    if read.ignores_unknown() && format != InputFormat::Ndjson {
        return Err(Failure::usage("--ignore-unknown goes with lines of JSON alone; leave it out"));
    }
    match format {
        InputFormat::Parquet => {
            shared(session.read_parquet(sources.paths()), "Parquet", options, block_bytes)
        }
        InputFormat::Ipc => shared(session.read_ipc(sources.paths()), "Arrow IPC", options, block_bytes),
        InputFormat::Ndjson => load_ndjson(session, sources, options, read),
        _ => {
            let mut reader = session.read_csv(sources.paths()).options(options);
            if let Some(bytes) = block_bytes {
                reader = reader.block_size(bytes);
            }
            Ok(reader.load()?)
        }
    }
}

/// The frame of inputs whose columns have names and types.
fn shared<O: InputOptions>(
    mut reader: Reader<O>,
    format: &str,
    mut options: ReadOptions,
    block_bytes: Option<u64>,
) -> Result<DataFrame, Failure> {
    if let Some(columns) = options.usecols.take() {
        reader = reader.columns(columns);
    }
    if let Some(column) = options.include_path.take() {
        reader = reader.include_path(&column);
    }
    if let Some(bytes) = block_bytes {
        reader = reader.partition_size(bytes);
    }
    if options != ReadOptions::default() {
        return Err(Failure::usage(format!(
            "the input is {format}, whose columns have names and types: of the flags for reading CSV only --usecols, \
             --include-path and --block-size apply to it"
        )));
    }
    Ok(reader.load()?)
}

/// The frame of lines of JSON.
fn load_ndjson(
    session: &Session,
    sources: &Sources,
    mut options: ReadOptions,
    read: &ReadArgs,
) -> Result<DataFrame, Failure> {
    let plain = ReadOptions::default();
    let mut reader = session.read_ndjson(sources.paths()).infer(options.infer);
    reader = reader.ignore_unknown(read.ignores_unknown());
    for (column, data_type) in std::mem::take(&mut options.dtypes) {
        reader = reader.dtype(&column, data_type);
    }
    reader = reader.limits(NdjsonLimits {
        line_bytes_max: options.record_bytes_max,
        chunk_bytes: options.chunk_bytes,
        batch_rows_max: options.batch_rows_max,
        ..NdjsonLimits::default()
    });
    let (infer, chunk_bytes) = (plain.infer, plain.chunk_bytes);
    let (record_bytes_max, batch_rows_max) = (plain.record_bytes_max, plain.batch_rows_max);
    let rest = ReadOptions { infer, chunk_bytes, record_bytes_max, batch_rows_max, ..options };
    let says_more = ReadOptions { usecols: None, include_path: None, ..rest.clone() } != plain;
    if says_more {
        return Err(Failure::usage(
            "the input is lines of JSON: of the flags for reading CSV only --usecols, --include-path, --dtype, --infer, \
             --block-size and the sizes of samples, records and batches apply to it",
        ));
    }
    shared(reader, "JSON", rest, read.block_size())
}

/// The rows and columns of `frame` that are wanted.
///
/// # Errors
/// An expression that does not parse, or a column that is not there.
pub(crate) fn pick(frame: DataFrame, pick: &PickArgs) -> Result<DataFrame, Failure> {
    let mut frame = frame;
    if let Some(filter) = &pick.filter {
        frame = frame.filter(expr(filter).map_err(partita::Error::from)?);
    }
    if let Some(columns) = values::some(&pick.select) {
        frame = frame.select(columns);
    }
    if let Some(columns) = values::some(&pick.drop) {
        frame = frame.drop(columns);
    }
    // A wrong call is kept in the frame: say it before anything runs.
    frame.schema()?;
    Ok(frame)
}
