//! How Parquet is written: every field of [`WriteOptions`] as a flag.

use std::path::PathBuf;

use clap::{ArgAction, Args};
use partita::{ColumnEncoding, ColumnOptions, Compression, Statistics, WriteOptions};

use crate::cli::failure::Failure;
use crate::cli::values::{self, List};

const STATISTICS: &[(&str, &str, Statistics)] = &[
    ("page", "of every column chunk and every page", Statistics::Page),
    ("chunk", "of every column chunk", Statistics::Chunk),
    ("none", "nothing", Statistics::None),
];

/// What to do where an input has changed since it was added to the data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Changed {
    #[default]
    Error,
    Rebuild,
}

const CHANGED: &[(&str, &str, Changed)] = &[
    ("error", "it is an error", Changed::Error),
    ("rebuild", "all inputs are converted again, and replace what is there in one step", Changed::Rebuild),
];

const ON_OFF: &[(&str, &str, bool)] = &[
    ("on", "a crash of the machine cannot undo what was reported as done", true),
    ("off", "faster on slow disks", false),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Writing Parquet")]
pub(crate) struct WriteArgs {
    /// Where to write: a folder of parts, or one file where the name ends in .parquet or --single-file is
    /// given
    #[arg(long, value_name = "DIR|FILE", value_parser = values::path)]
    pub(crate) to: PathBuf,

    /// Write one file, whatever the target's name
    #[arg(long)]
    pub(crate) single_file: bool,

    /// Replace what is at the target
    ///
    /// It is replaced in one step when the new is complete. Without this flag a target that is not empty is
    /// an error.
    #[arg(long)]
    pub(crate) overwrite: bool,

    /// Add the new parts to the data set at the target
    ///
    /// They appear in one step when they are complete. The target must have been written by this program and
    /// have the same columns; where there is nothing, it is written as ever.
    #[arg(long, conflicts_with_all = ["overwrite", "single_file"])]
    pub(crate) append: bool,

    /// With --append: leave out the inputs that are in the data set already
    ///
    /// They are told by path, size and modification time, from the manifest. Where all are there, nothing is done.
    #[arg(long, requires = "append")]
    pub(crate) incremental: bool,

    /// With --incremental: what to do where an input has changed since it was added [default: error]
    #[arg(long, value_name = "WHAT", requires = "incremental", value_parser = values::one_of(CHANGED))]
    pub(crate) changed: Option<Changed>,

    /// Go on where an interrupted run of the same command ended
    ///
    /// Parts that it finished are kept, if inputs, options and columns are the same; what differs is said, and
    /// all is done again. A target that is complete is left as it is. After an error or Ctrl-C finished parts
    /// stay in a hidden folder beside the target for the next run.
    #[arg(long)]
    pub(crate) resume: bool,

    /// How pages are compressed: zstd[:1..22], snappy, lz4, gzip[:0..9], brotli[:0..11] or none
    #[arg(long, value_name = "CODEC", default_value = "zstd:3")]
    compression: Compression,

    /// Compression of one column; may be repeated
    #[arg(long, value_name = "COL=CODEC", value_parser = values::column_value::<Compression>)]
    column_compression: Vec<(String, Compression)>,

    /// Encoding of one column; may be repeated
    ///
    /// dictionary, plain, delta (integers, dates, times), byte_stream_split (numbers), delta_length or
    /// delta_bytes (text).
    #[arg(long, value_name = "COL=ENC", value_parser = values::column_value::<ColumnEncoding>)]
    column_encoding: Vec<(String, ColumnEncoding)>,

    /// Columns that get bloom filters, by which readers skip row groups that do not have a value
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    bloom_filter: Vec<List>,

    /// Rows of a row group at most [default: 1048576]
    #[arg(long, value_name = "N")]
    row_group_rows: Option<usize>,

    /// Encoded bytes after which a row group is full [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    row_group_size: Option<usize>,

    /// Rows of a page at most [default: 65536]
    #[arg(long, value_name = "N")]
    page_rows: Option<usize>,

    /// Encoded bytes after which a page is full [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    page_size: Option<usize>,

    /// Bytes after which a dictionary is given up for the rest of a column chunk [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    dictionary_size: Option<usize>,

    /// No dictionaries, but for columns where --column-encoding says so
    #[arg(long)]
    no_dictionary: bool,

    /// Timestamps, and floats without a dictionary, as BYTE_STREAM_SPLIT: smaller, but Spark 3 cannot read it
    #[arg(long)]
    byte_stream_split: bool,

    /// What is said about the values, so that readers can skip [default: page]
    #[arg(long, value_name = "WHAT", value_parser = values::one_of(STATISTICS))]
    statistics: Option<Statistics>,

    /// Bytes after which a part of a folder is full; parts are cut between input blocks [default: 256MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    part_size: Option<u64>,

    /// One part for every input block, whatever its size
    #[arg(long, conflicts_with_all = ["part_size", "single_file"])]
    file_per_partition: bool,

    /// Columns whose values become the names of folders, outermost first: year=2024/city=Rome/
    ///
    /// They are not in the files; readers of Hive layouts give them back.
    #[arg(long, value_name = "A,B", value_parser = values::list, conflicts_with = "single_file")]
    partition_on: Vec<List>,

    /// A key and a value for the files' metadata; may be repeated
    #[arg(long, value_name = "K=V", value_parser = values::key_value)]
    metadata: Vec<(String, String)>,

    /// Whether everything is forced to the disk before the target appears
    #[arg(
        long,
        value_name = "on|off",
        default_value = "on",
        value_parser = values::one_of(ON_OFF),
        action = ArgAction::Set
    )]
    pub(crate) sync: bool,
}

fn set<T: Copy>(target: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *target = given;
    }
}

impl WriteArgs {
    /// The options of encoding and cutting.
    ///
    /// # Errors
    /// Wrong usage: options that cannot be.
    pub(crate) fn options(&self) -> Result<WriteOptions, Failure> {
        let mut options = WriteOptions { compression: self.compression, ..WriteOptions::default() };
        set(&mut options.row_group_rows_max, self.row_group_rows);
        set(&mut options.row_group_bytes_max, self.row_group_size);
        set(&mut options.page_rows_max, self.page_rows);
        set(&mut options.page_bytes_max, self.page_size);
        set(&mut options.dictionary_bytes_max, self.dictionary_size);
        set(&mut options.statistics, self.statistics);
        set(&mut options.part_bytes, self.part_size);
        options.dictionary = !self.no_dictionary;
        options.byte_stream_split = self.byte_stream_split;
        options.file_per_partition = self.file_per_partition;
        options.partition_on = values::all(&self.partition_on);
        options.key_value_metadata.extend(self.metadata.iter().cloned());
        for (name, compression) in &self.column_compression {
            let column: &mut ColumnOptions = options.columns.entry(name.clone()).or_default();
            column.compression = Some(*compression);
        }
        for (name, encoding) in &self.column_encoding {
            options.columns.entry(name.clone()).or_default().encoding = Some(*encoding);
        }
        for name in values::all(&self.bloom_filter) {
            options.columns.entry(name).or_default().bloom_filter = true;
        }
        options.check().map_err(Failure::usage)?;
        Ok(options)
    }
}
