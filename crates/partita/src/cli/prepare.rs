//! From arguments to a frame.

use partita::{DataFrame, ReadOptions, Session, expr};

use super::args::{PickArgs, ReadArgs};
use super::failure::Failure;
use super::sources::Sources;
use super::values;

/// The frame of these inputs: plans, and reads what the schema needs.
///
/// # Errors
/// Wrong options, and whatever [`partita::CsvReader::load`] or [`partita::ParquetReader::load`] refuses.
pub(crate) fn load(session: &Session, sources: &Sources, read: &ReadArgs) -> Result<DataFrame, Failure> {
    load_as(session, sources, read.options()?, read.block_size())
}

/// The frame of these inputs, with these options.
///
/// # Errors
/// As [`load`].
pub(crate) fn load_as(
    session: &Session,
    sources: &Sources,
    options: ReadOptions,
    block_bytes: Option<u64>,
) -> Result<DataFrame, Failure> {
    if session.is_parquet(sources.paths()) {
        return load_parquet(session, sources, options, block_bytes);
    }
    let mut reader = session.read_csv(sources.paths()).options(options);
    if let Some(bytes) = block_bytes {
        reader = reader.block_size(bytes);
    }
    Ok(reader.load()?)
}

/// The frame of inputs that are Parquet.
fn load_parquet(
    session: &Session,
    sources: &Sources,
    mut options: ReadOptions,
    block_bytes: Option<u64>,
) -> Result<DataFrame, Failure> {
    let mut reader = session.read_parquet(sources.paths());
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
        return Err(Failure::usage(
            "the input is Parquet, whose columns have names and types: of the flags for reading CSV only --usecols, \
             --include-path and --block-size apply to it",
        ));
    }
    Ok(reader.load()?)
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
