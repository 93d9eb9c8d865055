//! Partitioned, out-of-core dataframes on Arrow: CSV files of any size become typed, partitioned frames, and
//! Parquet data sets, inside a memory limit.
//!
//! A [`DataFrame`] is lazy: calls build a plan, and nothing runs until an answer is asked for. Then each partition
//! becomes a task, and the tasks run on one thread or on all cores, with the same rows either way.
//!
//! ```
//! use partita::prelude::*;
//!
//! # fn main() -> partita::Result<()> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("trips.csv");
//! # std::fs::write(&path, "zone,fare\nA,12.5\nB,0\nA,7\n").unwrap();
//! let trips = partita::read_csv(&path).load()?;
//! let paid = trips.filter(col("fare").gt(lit(0.0)));
//! assert_eq!(paid.len()?, 2);
//! paid.to_parquet(folder.path().join("paid")).write()?;
//! # Ok(())
//! # }
//! ```
//!
//! Where to read on: [`Session`] for memory, threads and the scheduler; [`CsvReader`] for everything a CSV file
//! may need; [`DataFrame`] for the calls; [`ParquetWriter`] for what is written and how it appears;
//! [`graph`] for graphs of plain closures on the same scheduler.

mod context;
mod csv;
mod error;
mod files;
mod frame;
pub mod graph;
mod incremental;
mod input_format;
mod parquet;
pub mod prelude;
mod read_ipc;
mod read_ndjson;
mod read_parquet;
mod reader;
mod report;
mod rows;
mod session;
mod size;
mod writer;
mod writing;

pub use context::{Inputs, IntoColumns};
pub use csv::CsvReader;
pub use error::{Error, ErrorKind, Result};
pub use frame::{Batches, DataFrame, GroupBy, PivotTable, SetIndex};
pub use incremental::NewInputs;
pub use input_format::InputFormat;
pub use parquet::ParquetWriter;
pub use partita_columns::Scalar;
pub use partita_columns::compute::CastMode;
pub use partita_columns::group::{Aggregation, GroupedRows, RankMethod, Window};
pub use partita_columns::reduce::{Cumulative, Reduction};
pub use partita_formats::csv::options::{Headers, Infer, OnMismatch, Ragged, ReadOptions};
pub use partita_formats::csv::schema_file::{SchemaFile, parse_type, type_name};
pub use partita_formats::csv::text::Encoding;
pub use partita_formats::csv::widen::Widened;
pub use partita_formats::ndjson::NdjsonLimits;
pub use partita_formats::parquet::{
    ColumnOptions, Compression, Encoding as ColumnEncoding, Statistics, WriteOptions,
};
pub use partita_formats::rows::{
    CsvOptions, IpcCompression, IpcOptions, NdjsonOptions, RowsFormat, RowsOptions,
};
pub use partita_plan::locate::Loc;
pub use partita_plan::node::{ConcatColumns, Divisions, Outside, Reach, SortBy};
pub use partita_plan::parse::{expr, exprs};
pub use partita_plan::{
    Expr, Stage, TextExpr, TimeExpr, aggregation, coalesce, col, cumcount, greatest, hash, least, len, lit,
    map_batches, when,
};
pub use partita_runtime::cancel::CancelToken;
pub use partita_runtime::engine::MemoryUse;
pub use partita_runtime::executor::Scheduler;
pub use partita_runtime::progress::Progress;
pub use partita_tasks::distinct::Keep;
pub use read_ipc::{IpcInputOptions, IpcReader};
pub use read_ndjson::{NdjsonInputOptions, NdjsonReader};
pub use read_parquet::{ParquetInput, ParquetReader, SplitRowGroups};
pub use reader::{InputOptions, Reader};
pub use report::{Report, Versions, versions};
pub use rows::RowsWriter;
pub use session::{Session, SessionBuilder};
pub use size::ByteSize;
pub use writer::{OutputOptions, Writer};
pub use writing::Written;

/// Arrow, in the version that frames are made of.
pub use arrow;
/// Polars, in the version that [`DataFrame::compute`] returns frames of.
pub use polars_core;

/// Begins to read CSV files with the default session: a path, a glob, a folder, a `file://` URL, or a list of them.
///
/// The default session is made at the first call, with the default settings of [`Session::builder`].
pub fn read_csv(input: impl Into<Inputs>) -> CsvReader {
    Session::shared().read_csv(input)
}

/// Begins to read Parquet files with the default session: a path, a glob, a folder, a `file://` URL, or a list of them. As
/// [`read_csv`].
pub fn read_parquet(input: impl Into<Inputs>) -> ParquetReader {
    Session::shared().read_parquet(input)
}

/// Begins to read newline-delimited JSON with the default session: a path, a glob, a folder, a `file://` URL, or a list of them. As
/// [`read_csv`].
pub fn read_ndjson(input: impl Into<Inputs>) -> NdjsonReader {
    Session::shared().read_ndjson(input)
}

/// Begins to read Arrow IPC files and streams with the default session: a path, a glob, a folder, a `file://` URL, or a list of them. As
/// [`read_csv`].
pub fn read_ipc(input: impl Into<Inputs>) -> IpcReader {
    Session::shared().read_ipc(input)
}

/// Removes what killed processes have left in folders for spilled partitions, and returns what was removed; no folders stand for
/// those that sessions use by default. What belongs to a session that lives stays. Sessions do the same with their own
/// folders when they start.
///
/// # Errors
/// Where a folder cannot be listed.
pub fn clean<P: AsRef<std::path::Path>>(dirs: &[P]) -> Result<Vec<std::path::PathBuf>> {
    partita_runtime::store::clean(dirs).map_err(|error| partita_runtime::Error::from(error).into())
}
