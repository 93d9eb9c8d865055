//! How Parquet is written.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// The smallest part that may be asked for, in bytes.
pub const PART_BYTES_MIN: u64 = 1 << 20;

/// The footer key under which a file written alone carries its manifest.
pub const MANIFEST_KEY: &str = "partita.manifest";

/// The footer key under which the Arrow schema is embedded.
pub const ARROW_SCHEMA_KEY: &str = parquet::arrow::ARROW_SCHEMA_META_KEY;

/// How pages are compressed.
///
/// As text: `zstd`, `zstd:3`, `snappy`, `lz4`, `gzip`, `gzip:6`, `brotli`, `brotli:4`, `none`.
///
/// ```
/// use partita_formats::parquet::Compression;
///
/// assert_eq!("zstd:9".parse::<Compression>().unwrap(), Compression::Zstd(9));
/// assert_eq!(Compression::Lz4Raw.to_string(), "lz4");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compression {
    /// Zstandard at a level from 1 to 22.
    Zstd(u8),
    /// Snappy.
    Snappy,
    /// LZ4 blocks (`LZ4_RAW`).
    Lz4Raw,
    /// Deflate at a level from 0 to 9.
    Gzip(u8),
    /// Brotli at a level from 0 to 11.
    Brotli(u8),
    /// None.
    Uncompressed,
}

impl Compression {
    /// The level where none is said.
    pub const ZSTD_LEVEL: u8 = 3;
    /// The level where none is said.
    pub const GZIP_LEVEL: u8 = 6;
    /// The level where none is said.
    pub const BROTLI_LEVEL: u8 = 4;

    fn check(self) -> Result<()> {
        let (name, level, range) = match self {
            Compression::Zstd(level) => ("zstd", level, 1..=22),
            Compression::Gzip(level) => ("gzip", level, 0..=9),
            Compression::Brotli(level) => ("brotli", level, 0..=11),
            _ => return Ok(()),
        };
        if range.contains(&level) {
            return Ok(());
        }
        let (low, high) = (range.start(), range.end());
        Err(options(format!("compression {name}: expected a level from {low} to {high}, got {level}")))
    }
}

impl Default for Compression {
    fn default() -> Self {
        Compression::Zstd(Self::ZSTD_LEVEL)
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Compression::Zstd(level) => write!(f, "zstd:{level}"),
            Compression::Snappy => f.write_str("snappy"),
            Compression::Lz4Raw => f.write_str("lz4"),
            Compression::Gzip(level) => write!(f, "gzip:{level}"),
            Compression::Brotli(level) => write!(f, "brotli:{level}"),
            Compression::Uncompressed => f.write_str("none"),
        }
    }
}

impl FromStr for Compression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, level) = match text.split_once(':') {
            Some((name, level)) => (name, Some(level)),
            None => (text, None),
        };
        let unknown = || {
            options(format!(
                "compression: expected zstd[:1..22], snappy, lz4, gzip[:0..9], brotli[:0..11] or none, got {text:?}"
            ))
        };
        let level_or = |default: u8| level.map_or(Ok(default), |level| level.parse().map_err(|_| unknown()));
        let compression = match (name.to_ascii_lowercase().as_str(), level) {
            ("zstd", _) => Compression::Zstd(level_or(Self::ZSTD_LEVEL)?),
            ("gzip", _) => Compression::Gzip(level_or(Self::GZIP_LEVEL)?),
            ("brotli", _) => Compression::Brotli(level_or(Self::BROTLI_LEVEL)?),
            ("snappy", None) => Compression::Snappy,
            ("lz4" | "lz4_raw", None) => Compression::Lz4Raw,
            ("none" | "uncompressed", None) => Compression::Uncompressed,
            _ => return Err(unknown()),
        };
        compression.check()?;
        Ok(compression)
    }
}

/// What is said about the values of chunks and pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Statistics {
    /// Minimum, maximum and null count of every chunk, and of every page in the column index.
    #[default]
    Page,
    /// Of every chunk only.
    Chunk,
    /// Nothing.
    None,
}

impl FromStr for Statistics {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "page" => Ok(Statistics::Page),
            "chunk" => Ok(Statistics::Chunk),
            "none" => Ok(Statistics::None),
            _ => Err(options(format!("statistics: expected page, chunk or none, got {text:?}"))),
        }
    }
}

/// How the values of a column are laid out in its pages, before compression.
///
/// As text: `dictionary`, `plain`, `delta`, `byte_stream_split`, `delta_length`, `delta_bytes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// Indices into a dictionary of the chunk, plain once the dictionary has grown too large.
    Dictionary,
    /// One value after the other.
    Plain,
    /// Bit-packed differences: integers, dates and times.
    Delta,
    /// The first bytes of all values, then the second bytes, and so on: numbers. Spark reads it from version 4.
    ByteStreamSplit,
    /// Lengths as differences, then the bytes: text and binary.
    DeltaLength,
    /// As [`Encoding::DeltaLength`], without the prefix shared with the value before: text and binary.
    DeltaBytes,
}

impl FromStr for Encoding {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.to_ascii_lowercase().as_str() {
            "dictionary" => Ok(Encoding::Dictionary),
            "plain" => Ok(Encoding::Plain),
            "delta" => Ok(Encoding::Delta),
            "byte_stream_split" => Ok(Encoding::ByteStreamSplit),
            "delta_length" => Ok(Encoding::DeltaLength),
            "delta_bytes" => Ok(Encoding::DeltaBytes),
            _ => Err(options(format!(
                "encoding: expected dictionary, plain, delta, byte_stream_split, delta_length or delta_bytes, got {text:?}"
            ))),
        }
    }
}

/// What differs for one column. A nested column passes it on to all that is in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColumnOptions {
    /// Its own compression.
    pub compression: Option<Compression>,
    /// Its own encoding.
    pub encoding: Option<Encoding>,
    /// Its own statistics.
    pub statistics: Option<Statistics>,
    /// Whether each chunk gets a bloom filter, by which readers skip row groups that do not have a value: one that takes one value in
    /// a hundred for another, of a size that follows from the number of different values. Not for Booleans. Off by default.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bloom_filter: bool,
}

/// How Parquet is written. The defaults are read by every reader since Spark 3.3.
///
/// ```
/// use partita_formats::parquet::{Compression, WriteOptions};
///
/// let options = WriteOptions { compression: Compression::Snappy, ..WriteOptions::default() };
/// assert_eq!(options.row_group_rows_max, 1 << 20);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WriteOptions {
    /// How pages are compressed; zstd 3 by default.
    pub compression: Compression,
    /// Rows of a row group at most; 1 Mi by default.
    pub row_group_rows_max: usize,
    /// Encoded bytes after which a row group is full (it may exceed them by one batch); 256 MiB by default.
    pub row_group_bytes_max: usize,
    /// Rows of a page at most; 64 Ki by default. Where there are more than 64 columns, at most 4 Mi for all of them
    /// together, but 8 Ki for each.
    pub page_rows_max: usize,
    /// Encoded, uncompressed bytes after which a page is full; 1 MiB by default. Where there are more than 14 columns,
    /// at most 14 MiB for all of them together, but 14 KiB for each.
    pub page_bytes_max: usize,
    /// Bytes after which a dictionary is given up for the rest of the chunk; 1 MiB by default, and smaller where there
    /// are many columns, as `page_bytes_max`.
    pub dictionary_bytes_max: usize,
    /// What is said about the values of chunks and pages.
    pub statistics: Statistics,
    /// Whether columns get a dictionary where nothing else is said; on by default.
    pub dictionary: bool,
    /// Timestamps, and floats without a dictionary, as [`Encoding::ByteStreamSplit`]: smaller, but Spark 3 does
    /// not read it; off by default.
    pub byte_stream_split: bool,
    /// What differs for single columns, by name.
    pub columns: BTreeMap<String, ColumnOptions>,
    /// Bytes of encoded row groups after which a part is full, at least [`PART_BYTES_MIN`]; 256 MiB by default.
    pub part_bytes: u64,
    /// One part for every partition, whatever its size.
    pub file_per_partition: bool,
    /// Columns whose values are the names of folders, outermost first; none by default. See [`super::hive`].
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub partition_on: Vec<String>,
    /// The writer's name in the footer.
    pub created_by: String,
    /// Further keys and values of the footer.
    pub key_value_metadata: BTreeMap<String, String>,
}

impl Default for WriteOptions {
    fn default() -> Self {
        Self {
            compression: Compression::default(),
            row_group_rows_max: 1 << 20,
            row_group_bytes_max: 256 << 20,
            page_rows_max: 64 << 10,
            page_bytes_max: 1 << 20,
            dictionary_bytes_max: 1 << 20,
            statistics: Statistics::default(),
            dictionary: true,
            byte_stream_split: false,
            columns: BTreeMap::new(),
            part_bytes: 256 << 20,
            file_per_partition: false,
            partition_on: Vec::new(),
            created_by: concat!("partita version ", env!("CARGO_PKG_VERSION")).to_owned(),
            key_value_metadata: BTreeMap::new(),
        }
    }
}

impl WriteOptions {
    /// Checks everything that can be checked without a schema; [`super::Layout::new`] checks the rest.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] naming the option, what it may be and what it is.
    pub fn check(&self) -> Result<()> {
        self.compression.check()?;
        for compression in self.columns.values().filter_map(|column| column.compression) {
            compression.check()?;
        }
        at_least("row_group_rows_max", self.row_group_rows_max, 1)?;
        at_least("row_group_bytes_max", self.row_group_bytes_max, 1 << 10)?;
        at_least("page_rows_max", self.page_rows_max, 1)?;
        at_least("page_bytes_max", self.page_bytes_max, 1 << 10)?;
        if i32::try_from(self.page_bytes_max).is_err() {
            let got = self.page_bytes_max;
            return Err(options(format!("page_bytes_max: expected less than 2 GiB, got {got}")));
        }
        if self.part_bytes < PART_BYTES_MIN {
            let got = self.part_bytes;
            return Err(options(format!(
                "part_bytes: expected at least {PART_BYTES_MIN} (1 MiB), got {got}"
            )));
        }
        for reserved in [ARROW_SCHEMA_KEY, MANIFEST_KEY] {
            if self.key_value_metadata.contains_key(reserved) {
                return Err(options(format!("key_value_metadata: the key {reserved:?} is reserved")));
            }
        }
        Ok(())
    }
}

/// Bytes of open pages that the columns of a row group have together, and of dictionaries: a wide table gets smaller
/// ones. Nothing else may change them, or the same rows would make other files on another machine. A little less than a
/// power of two: compressors take more memory from powers of two on, and a page passes its limit by a few values.
const ALL_PAGES_BYTES: usize = 14 << 20;

/// No column gets less, however many there are.
const PAGE_BYTES_LEAST: usize = 14 << 10;

/// A page of numbers into a dictionary holds eight bytes a row until it is full.
const ALL_PAGES_ROWS: usize = 4 << 20;

/// No column gets less, however many there are.
const PAGE_ROWS_LEAST: usize = 8 << 10;

/// Limits of pages and dictionaries where a table has many columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PageLimits {
    pub(super) page_rows: usize,
    pub(super) page_bytes: usize,
    pub(super) dictionary_bytes: usize,
}

impl WriteOptions {
    /// What holds for a schema of `leaves` Parquet columns: up to 14 columns have the defaults.
    pub(super) fn page_limits(&self, leaves: usize) -> PageLimits {
        let bytes = (ALL_PAGES_BYTES / leaves.max(1)).max(PAGE_BYTES_LEAST);
        let rows = (ALL_PAGES_ROWS / leaves.max(1)).max(PAGE_ROWS_LEAST);
        PageLimits {
            page_rows: self.page_rows_max.min(rows),
            page_bytes: self.page_bytes_max.min(bytes),
            dictionary_bytes: self.dictionary_bytes_max.min(bytes),
        }
    }
}

fn at_least(option: &str, got: usize, least: usize) -> Result<()> {
    if got < least {
        return Err(options(format!("{option}: expected at least {least}, got {got}")));
    }
    Ok(())
}

pub(super) fn options(message: String) -> Error {
    ErrorKind::Options(message).into()
}
