//! What most programs want in scope.
//!
//! ```
//! use partita::prelude::*;
//! let _ = col("fare").gt(lit(0.0));
//! ```

pub use crate::arrow::datatypes::{DataType, TimeUnit};
pub use crate::{
    ByteSize, Compression, CsvReader, DataFrame, Encoding, Error, Expr, GroupBy, Headers, Infer, IpcReader,
    Keep, NdjsonReader, OnMismatch, Outside, ParquetReader, ParquetWriter, Ragged, RankMethod, Scheduler,
    Session, SetIndex, SortBy, Stage, aggregation, coalesce, col, cumcount, expr, greatest, hash, least, len,
    lit, map_batches, when,
};
