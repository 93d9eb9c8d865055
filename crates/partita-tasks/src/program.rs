//! The closed instruction set.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_columns::Scalar;
use partita_formats::csv::reader::CsvBlock;
use partita_formats::ipc::IpcFile;
use partita_formats::ndjson::NdjsonBlock;
use partita_formats::parquet::WriteOptions;
use partita_formats::rows::RowsOptions;
use serde::{Deserialize, Serialize};

use crate::distinct::Distinct;
use crate::exchange::{ExchangeSpec, Overlap};
use crate::expr::BoundExpr;
use crate::group::Group;
use crate::reduce::{Cumulated, Reduce, TopRows};
use crate::within::{Apply, Keyed, Within};

/// The version of [`Program`]: a worker refuses any other.
pub const PROGRAM_VERSION: u32 = 8;

/// Names a small value that a barrier task publishes and later tasks read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SlotId(pub u64);

/// Names a partition held by the session's store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StoreKey {
    /// The persisted or given frame.
    pub frame: u64,
    /// The partition in it.
    pub partition: u32,
}

/// Names the decompressor that travels from block to block of one scan of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StreamId(pub u64);

/// Names a function registered with the host: user closures do not serialize.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FunctionId(pub u64);

/// Names a data set that is being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DatasetId(pub u64);

/// What one task does: batches of `source` are pushed through `operators` into `sink`, one at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Program {
    /// [`PROGRAM_VERSION`] of the writer.
    pub version: u32,
    /// Where batches come from.
    pub source: Source,
    /// What is done to each, in order.
    pub operators: Vec<Operator>,
    /// The schema of what reaches the sink.
    pub schema: SchemaRef,
    /// Where they go.
    pub sink: Sink,
}

/// Where a task's batches come from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Source {
    /// A block of a CSV file.
    Csv(Box<CsvScan>),
    /// Where the records of each block of a CSV file begin: no batches, for [`Sink::BlockStarts`].
    CsvBlockStarts(Arc<CsvFile>),
    /// Row groups of Parquet files.
    Parquet(Box<ParquetScan>),
    /// A block of a file of lines of JSON.
    Ndjson(Box<NdjsonScan>),
    /// Record batches of Arrow IPC files.
    Ipc(Box<IpcScan>),
    /// The partition that the task's only dependency has collected.
    Input(SchemaRef),
    /// A partition of the store; `projection` picks columns by position.
    Stored {
        /// Which partition.
        key: StoreKey,
        /// Positions of the wanted columns, in order; `None`: all.
        projection: Option<Vec<usize>>,
        /// Which of its frames, in the order in which they were stored; `None`: all.
        frames: Option<Range<usize>>,
    },
    /// Several small partitions of the store, for [`Sink::Reduce`], which reduces each by itself and merges their states in order.
    StoredEach {
        /// Which partitions, and which frames of each, as for [`Source::Stored`].
        parts: Vec<(StoreKey, Option<Range<usize>>)>,
        /// As for [`Source::Stored`].
        projection: Option<Vec<usize>>,
    },
    /// Row counts that earlier tasks published, for [`Sink::RowOffsets`]: no batches.
    Counts(Vec<SlotId>),
    /// No batches: for [`Sink::Reduce`], which goes on from the states that the dependencies have left, in their order.
    States,
    /// The rows that the dependencies have collected, in their order.
    Inputs,
    /// The one row that the states of the dependencies make.
    Reduced(Arc<Reduce>),
    /// No batches: for [`Sink::Exchange`], which goes on from the runs that the dependencies have left, in their order.
    Runs,
    /// What the exchange that the only dependency has left has of one part, in order.
    Exchanged {
        /// What it is by.
        spec: Arc<ExchangeSpec>,
        /// Which part.
        part: usize,
    },
    /// What a function returns for the rows of one part of the exchange that the only dependency has left.
    Overlapped {
        /// The function, and what it is given.
        overlap: Arc<Overlap>,
        /// Which part.
        part: usize,
    },
    /// No batches.
    Empty(SchemaRef),
}

impl Source {
    /// The partitions of the store that it reads.
    pub fn stored(&self) -> impl Iterator<Item = StoreKey> {
        let (one, several) = match self {
            Source::Stored { key, .. } => (Some(*key), [].as_slice()),
            Source::StoredEach { parts, .. } => (None, parts.as_slice()),
            _ => (None, [].as_slice()),
        };
        one.into_iter().chain(several.iter().map(|(key, _)| *key))
    }
}

/// A CSV file as planned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CsvFile {
    /// Path or URL, as the storage room opens it.
    pub path: String,
    /// Size in bytes when it was planned.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 when it was planned; 0 where the store has none.
    pub modified_ns: i128,
    /// How its bytes become records and columns.
    pub block: Arc<CsvBlock>,
    /// Bytes of the file a block is cut at.
    pub block_bytes: u64,
    /// Byte at which reading ends: the size, or the end of the last wanted row of an uncompressed file.
    pub end: u64,
    /// Rows to read at most of a compressed file, which then is one block.
    pub rows_max: Option<u64>,
}

/// One block of a CSV file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CsvScan {
    /// The file.
    pub file: Arc<CsvFile>,
    /// Bytes of the file whose records are meant: those that begin inside.
    pub range: Range<u64>,
    /// Number of the block in its file.
    pub block: usize,
    /// How the block finds its first record.
    pub start: ScanStart,
    /// Rows to keep, bound to the decoded columns; evaluated while reading.
    pub filter: Option<BoundExpr>,
    /// How many of the decoded columns, from the left, go on after the filter (the rest served the filter only).
    pub output_columns: usize,
}

/// How a scan finds the first record of its block.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub enum ScanStart {
    /// The block is all there is: from the first data byte to `range.end`.
    Whole,
    /// Both ends of the block are guessed from the bytes around them, and checked by the reading of all blocks.
    Guessed,
    /// A barrier has published the starts of all blocks.
    Slot(SlotId),
    /// The file is compressed: the decompressor of the block before goes on.
    Stream(StreamId),
    /// The same, which leaves the decompressed block as [`crate::interpret::Outcome::Text`], where there is memory for it,
    /// and the rest of the program to the task that depends on this one; else it carries the program out itself.
    Ahead(StreamId),
    /// The block that the task's only dependency has decompressed with the same program; where that has carried it
    /// out itself, its outcome is the outcome.
    Decompressed,
}

/// Row groups of Parquet files, one after the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParquetScan {
    /// The columns that are read, by name, with the types that they have in the frame.
    pub columns: SchemaRef,
    /// What is read of which files.
    pub pieces: Vec<ParquetPiece>,
    /// Rows to keep, bound to `columns`; evaluated while reading.
    pub filter: Option<BoundExpr>,
    /// How many of the columns, from the left, go on after the filter (the rest served the filter only).
    pub output_columns: usize,
}

/// Some row groups of one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ParquetPiece {
    /// The file.
    pub file: Arc<FileInput>,
    /// Numbers of its row groups, ascending; `None`: all, where its footer was not looked at before.
    pub row_groups: Option<Vec<usize>>,
    /// The rows that are read of it, where it is a part of one row group.
    pub rows: Option<Range<u64>>,
    /// Whether the filter has rows to drop.
    pub filtered: bool,
    /// Bytes of what is read, about.
    pub bytes: u64,
}

/// A file as planned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FileInput {
    /// Path or URL, as the storage room opens it.
    pub path: String,
    /// Size in bytes when it was planned.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970 when it was planned; 0 where the store has none.
    pub modified_ns: i128,
    /// Columns that are not in the file and their value in all of its rows, by name.
    pub values: Vec<(String, Scalar)>,
}

/// One block of a file of lines of JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NdjsonScan {
    /// The columns that are read, by name, with the types that they have in the frame.
    pub columns: SchemaRef,
    /// The file.
    pub file: Arc<FileInput>,
    /// How its lines become rows, of the columns that are read alone.
    pub block: Arc<NdjsonBlock>,
    /// Bytes of the file whose lines are meant: those that begin inside. A compressed file is one block.
    pub range: Range<u64>,
    /// Rows to keep, bound to `columns`; evaluated while reading.
    pub filter: Option<BoundExpr>,
    /// How many of the columns, from the left, go on after the filter (the rest served the filter only).
    pub output_columns: usize,
}

/// Record batches of Arrow IPC files, one after the other.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IpcScan {
    /// The columns that are read, by name, with the types that they have in the frame.
    pub columns: SchemaRef,
    /// What is read of which files.
    pub pieces: Vec<IpcPiece>,
    /// Rows to keep, bound to `columns`; evaluated while reading.
    pub filter: Option<BoundExpr>,
    /// How many of the columns, from the left, go on after the filter (the rest served the filter only).
    pub output_columns: usize,
}

/// Some record batches of one file.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct IpcPiece {
    /// The file.
    pub file: Arc<FileInput>,
    /// What it has.
    pub messages: Arc<IpcFile>,
    /// Numbers of its record batches.
    pub batches: Range<usize>,
}

/// What a task does to each batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Operator {
    /// Keeps the rows where the expression is true.
    Filter {
        /// What must be true.
        predicate: BoundExpr,
        /// How many of the columns, from the left, go on (the rest served the filter only).
        output_columns: usize,
    },
    /// Computes the columns of `schema`.
    Project {
        /// One expression a column.
        expressions: Vec<BoundExpr>,
        /// Names, types, nullability.
        schema: SchemaRef,
    },
    /// Puts the running row number first; the slot holds the number of rows before each partition.
    RowIndex {
        /// The offsets.
        offsets: SlotId,
        /// This partition's place in them.
        partition: usize,
        /// The schema with the new column.
        schema: SchemaRef,
    },
    /// Puts running totals last; the slot holds what was before each partition.
    Cumulate {
        /// Which totals.
        columns: Vec<Cumulated>,
        /// What was before.
        before: SlotId,
        /// This partition's place in it.
        partition: usize,
        /// The schema with the new columns.
        schema: SchemaRef,
    },
    /// Keeps the rows whose draw ([`partita_columns::reduce::draw`]) is at least `from` and below `until`; the slot holds the
    /// number of rows before each partition.
    Sample {
        /// The offsets.
        offsets: SlotId,
        /// This partition's place in them.
        partition: usize,
        /// Chooses the draws.
        seed: u64,
        /// The least draw.
        from: f64,
        /// The first draw beyond.
        until: f64,
    },
    /// A row for each element of a list.
    Explode {
        /// The column of lists.
        column: usize,
        /// Whether a null list, or one without elements, gives a row with null; it gives none otherwise.
        keeps_empty: bool,
        /// The schema with the elements.
        schema: SchemaRef,
    },
    /// Keeps the first rows of the task.
    Head(usize),
    /// Drops rows that an equal one of the task stands for, as far as that is seen without holding many.
    Thin(Arc<Distinct>),
    /// Keeps one of the rows that are equal; those of equal hash come one behind the other.
    Distinct(Arc<Distinct>),
    /// Counts the values of the only column, as far as that is seen without holding many: values, and how often each was there.
    Count {
        /// The column, and the counts as `UInt64`.
        schema: SchemaRef,
    },
    /// Adds up the counts of equal values; those of equal hash come one behind the other.
    AddUp {
        /// The values, and the counts.
        schema: SchemaRef,
    },
    /// The last column, counts, as shares of a number of rows.
    Share {
        /// The number of rows before each partition.
        offsets: SlotId,
        /// The place in them of the rows before the end.
        partition: usize,
        /// With the shares in the place of the counts, as `Float64`.
        schema: SchemaRef,
    },
    /// Puts rows into groups, and hands out state rows ([`crate::group`]), as far as groups are seen without holding many.
    PartialGroup {
        /// What is asked.
        group: Arc<Group>,
        /// The partition, which comes first in the place of a row.
        partition: usize,
    },
    /// Merges state rows of equal keys, which come bucket by bucket, and finishes the groups.
    FinalGroup(Arc<Group>),
    /// Puts the bucket of its group and its own place behind each row ([`crate::within`]).
    Place {
        /// The groups.
        keyed: Arc<Keyed>,
        /// The partition, which comes first in the place of a row.
        partition: usize,
    },
    /// Gives each row values of its group; rows come bucket by bucket, with their places.
    Within(Arc<Within>),
    /// Calls a registered function on the rows of each group, which come bucket by bucket.
    Apply(Arc<Apply>),
    /// Calls a registered function on the whole partition.
    Map {
        /// Which function.
        function: FunctionId,
        /// What it is given.
        input: SchemaRef,
        /// What it declared to return.
        schema: SchemaRef,
    },
}

/// Where a task's batches go.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Sink {
    /// Into one partition, the task's result.
    Collect,
    /// The last `rows` rows, as one partition.
    Tail {
        /// How many.
        rows: usize,
    },
    /// Counted: the result is the number of rows.
    Count,
    /// Values that are not null, counted column by column.
    CountValues,
    /// Counted, and published.
    PublishCount(SlotId),
    /// From [`Source::Counts`]: the rows before each, published.
    RowOffsets(SlotId),
    /// From [`Source::CsvBlockStarts`]: published.
    BlockStarts(SlotId),
    /// Into states.
    Reduce(Arc<Reduce>),
    /// From [`Source::States`]: what was before each of the dependencies, published.
    Before {
        /// What their states are of.
        reduce: Arc<Reduce>,
        /// Where.
        slot: SlotId,
    },
    /// The first rows of an order.
    Top(Arc<TopRows>),
    /// Into runs of an exchange.
    Runs {
        /// What it is by.
        spec: Arc<ExchangeSpec>,
        /// The partition, which chooses the rows that are sampled.
        partition: usize,
    },
    /// From [`Source::Runs`]: cut into parts.
    Exchange(Arc<ExchangeSpec>),
    /// Encoded as Parquet row groups of a data set.
    Parquet {
        /// Which data set.
        dataset: DatasetId,
        /// The partition, which fixes the place of its rows.
        partition: usize,
        /// How to encode.
        options: Arc<WriteOptions>,
    },
    /// Encoded as pieces of files of rows of a data set.
    Rows {
        /// Which data set.
        dataset: DatasetId,
        /// The partition, which fixes the place of its rows.
        partition: usize,
        /// How to encode.
        options: Arc<RowsOptions>,
    },
    /// Into the session's store under a key.
    Store {
        /// The key.
        key: StoreKey,
        /// The index, whose first and last value in each frame are to be known.
        index: Option<usize>,
    },
    /// The same for rows that are read once, soon: batches are kept as they come, and joined only where they are small.
    Stream(StoreKey),
}
