//! How CSV is read: every field of [`ReadOptions`] as a flag.

use std::path::PathBuf;

use clap::Args;
use partita::arrow::datatypes::DataType;
use partita::{Encoding, Error, ErrorKind, Headers, Infer, OnMismatch, Ragged, ReadOptions, SchemaFile};

use crate::cli::failure::Failure;
use crate::cli::values::{self, Byte, List};

#[derive(Debug, Args)]
pub(crate) struct ReadArgs {
    #[command(flatten)]
    dialect: DialectArgs,
    #[command(flatten)]
    records: RecordArgs,
    #[command(flatten)]
    types: TypeArgs,
    #[command(flatten)]
    tuning: TuningArgs,

    /// Leave out keys of lines of JSON that no column has; without, they are an error
    #[arg(long, help_heading = "Reading lines of JSON")]
    ignore_unknown: bool,
}

const ENCODINGS: &[(&str, &str, Encoding)] = &[
    ("utf8", "UTF-8; other bytes are an error", Encoding::Utf8),
    ("utf8-lossy", "UTF-8; other bytes become U+FFFD", Encoding::Utf8Lossy),
    ("latin1", "ISO 8859-1", Encoding::Latin1),
    ("windows-1252", "Western European Windows", Encoding::Windows1252),
    ("utf-16", "UTF-16, little-endian unless its mark says otherwise", Encoding::Utf16),
    ("utf-16le", "UTF-16, little-endian", Encoding::Utf16Le),
    ("utf-16be", "UTF-16, big-endian", Encoding::Utf16Be),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Reading CSV: the dialect")]
struct DialectArgs {
    /// Character between fields: one ASCII character, or the word tab [default: ,]
    #[arg(short = 's', long, value_name = "CHAR", value_parser = values::byte)]
    separator: Option<u8>,

    /// Character around fields: one ASCII character, or the word none [default: "]
    #[arg(long, value_name = "CHAR", value_parser = values::byte_or_none)]
    quote: Option<Byte>,

    /// Character that makes the next one data: one ASCII character, or the word none [default: none]
    ///
    /// A doubled quote is one quote in any case.
    #[arg(long, value_name = "CHAR", value_parser = values::byte_or_none)]
    escape: Option<Byte>,

    /// Character that begins a comment, at the start of a line: one ASCII character, or the word none
    /// [default: none]
    #[arg(long, value_name = "CHAR", value_parser = values::byte_or_none)]
    comment: Option<Byte>,

    /// Drop spaces and tabs around fields
    #[arg(long)]
    trim: bool,

    /// How bytes are text [default: utf8]
    ///
    /// A byte-order mark counts more: files that begin with one of UTF-16 need no flag.
    #[arg(long, value_name = "NAME", value_parser = values::one_of(ENCODINGS))]
    encoding: Option<Encoding>,
}

const RAGGED: &[(&str, &str, Ragged)] = &[
    ("error", "they are an error", Ragged::Error),
    ("pad", "missing fields at the end are null; too many fields are an error", Ragged::Pad),
    ("skip", "they are left out", Ragged::Skip),
];

const HEADERS: &[(&str, &str, Headers)] = &[
    ("same", "an error; another order of the same names is none", Headers::Same),
    ("union", "all names of all files; a column that a file lacks is null there", Headers::Union),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Reading CSV: rows and columns")]
struct RecordArgs {
    /// The first record is data; the columns are column_1, column_2, .. or those of --names
    #[arg(long)]
    no_header: bool,

    /// Names of all columns, in place of the header's
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    names: Vec<List>,

    /// Lines to leave out at the start of each file, before the header [default: 0]
    #[arg(long, value_name = "N")]
    skip_rows: Option<u64>,

    /// Rows to read at most, over all files [default: all]
    #[arg(long, value_name = "N")]
    n_rows: Option<u64>,

    /// Columns to read, in the order of the files [default: all]; --select picks and orders what comes out
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    usecols: Vec<List>,

    /// Add a last column of this name with the path of each row's file
    #[arg(long, value_name = "COL")]
    include_path: Option<String>,

    /// Records with another number of fields than the header [default: pad]
    #[arg(long, value_name = "HOW", value_parser = values::one_of(RAGGED))]
    ragged: Option<Ragged>,

    /// Files whose headers differ [default: same]
    #[arg(long, value_name = "HOW", value_parser = values::one_of(HEADERS))]
    headers: Option<Headers>,
}

const INFER: &[(&str, &str, Infer)] = &[
    ("sample", "from the head of every file and from places all over it", SAMPLE),
    ("full", "from every byte of every file: one more pass", Infer::Full),
    ("none", "not at all: columns without --dtype are text", Infer::None),
];

/// Stands for the sample of the defaults.
const SAMPLE: Infer = Infer::Sample { head_bytes: 0, places: 0, place_bytes: 0 };

#[derive(Debug, Args)]
#[command(next_help_heading = "Reading CSV: types and values")]
struct TypeArgs {
    /// Types and options from a schema file
    ///
    /// `partita schema --write` makes one. Flags that are given beside it count more.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,

    /// How types are found [default: sample]
    #[arg(long, value_name = "HOW", value_parser = values::one_of(INFER))]
    infer: Option<Infer>,

    /// Type of one column, which then is not inferred; may be repeated
    ///
    /// Boolean, Int8 to Int64, UInt8 to UInt64, Float32, Float64, Date32, Utf8, Timestamp(us) or
    /// 'Timestamp(us, "Europe/Berlin")', with s, ms, us or ns.
    #[arg(long, value_name = "COL=TYPE", value_parser = values::column_type)]
    dtype: Vec<(String, DataType)>,

    /// Columns that must be dates or timestamps: an error if they are not. ISO forms are found without
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    parse_dates: Vec<List>,

    /// Format of a date or timestamp column, in the letters of strftime; may be repeated
    ///
    /// --date-format day=%d.%m.%Y
    #[arg(long, value_name = "COL=FMT", value_parser = values::key_value)]
    date_format: Vec<(String, String)>,

    /// Texts that stand for a missing value in every column, besides the empty field: --null-values NA,-
    #[arg(long, value_name = "A,B", value_parser = values::list, allow_hyphen_values = true)]
    null_values: Vec<List>,

    /// Texts that stand for a missing value in one column; may be repeated
    #[arg(long, value_name = "COL=A,B", value_parser = values::column_words)]
    column_null_values: Vec<(String, Vec<String>)>,

    /// An empty field of a text column is the empty string, not null
    #[arg(long)]
    keep_empty_strings: bool,

    /// Texts that are true [default: true,True,TRUE]
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    true_values: Vec<List>,

    /// Texts that are false [default: false,False,FALSE]
    #[arg(long, value_name = "A,B", value_parser = values::list)]
    false_values: Vec<List>,

    /// Character before the fraction of numbers: a point or a comma [default: .]
    #[arg(long, value_name = "CHAR", value_parser = values::byte)]
    decimal: Option<u8>,

    /// Character between groups of three digits in numbers: . , ' _ or one of the words space and none [default: none]
    #[arg(long, value_name = "CHAR", value_parser = values::byte_or_none)]
    thousands: Option<Byte>,

    /// Integers become Float64, as other tools do with missing values; without, integers stay integers
    #[arg(long)]
    assume_missing: bool,
}

const ON_MISMATCH: &[(&str, &str, OnMismatch)] = &[
    ("error", "an error", OnMismatch::Error),
    ("widen", "begin again with types that hold all values", OnMismatch::Widen),
    ("quarantine", "leave the record out, and keep it in a file beside the data", OnMismatch::Quarantine),
];

/// What only a conversion can do with values that do not fit.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reading CSV: types and values")]
pub(crate) struct MismatchArgs {
    /// Values that do not fit their column, and records that --ragged does not allow [default: error]
    ///
    /// Types that --dtype or --schema give are kept by widen, and records that --ragged does not allow are an error there.
    /// quarantine writes a line of JSON for each record: file, line, byte, column, value, reason, text.
    #[arg(long, value_name = "HOW", value_parser = values::one_of(ON_MISMATCH))]
    on_mismatch: Option<OnMismatch>,
}

impl MismatchArgs {
    /// The way that was chosen.
    pub(crate) fn on_mismatch(&self) -> OnMismatch {
        self.on_mismatch.unwrap_or_default()
    }
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Reading CSV: limits and samples")]
struct TuningArgs {
    /// Bytes of input that one task reads; any size gives the same rows; 0 is the default [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    block_size: Option<u64>,

    /// Longest record; a quote that was left open is found by it [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    record_bytes_max: Option<usize>,

    /// Bytes that are read and split at a time [default: 256KiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    chunk_bytes: Option<usize>,

    /// Rows of a batch at most [default: 8192]
    #[arg(long, value_name = "N")]
    batch_rows_max: Option<usize>,

    /// Bytes of a batch, about [default: 512KiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    batch_bytes_max: Option<usize>,

    /// Of --infer sample: bytes read at the start of each file [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    sample_head_bytes: Option<usize>,

    /// Of --infer sample: further places in each uncompressed file [default: 16]
    #[arg(long, value_name = "N")]
    sample_places: Option<usize>,

    /// Of --infer sample: bytes read at each further place [default: 64KiB]
    #[arg(long, value_name = "SIZE", value_parser = values::memory_size)]
    sample_place_bytes: Option<usize>,
}

fn set<T>(target: &mut T, given: Option<T>) {
    if let Some(given) = given {
        *target = given;
    }
}

impl ReadArgs {
    /// Bytes of a partition, where they were given.
    pub(crate) fn block_size(&self) -> Option<u64> {
        self.tuning.block_size.filter(|bytes| *bytes > 0)
    }

    /// Whether keys of lines of JSON that no column has are left out.
    pub(crate) fn ignores_unknown(&self) -> bool {
        self.ignore_unknown
    }

    /// The options: those of the schema file, and over them what the flags say.
    ///
    /// # Errors
    /// Where the schema file cannot be read, or options contradict each other.
    pub(crate) fn options(&self) -> Result<ReadOptions, Failure> {
        let mut options = ReadOptions::default();
        if let Some(path) = &self.types.schema {
            let shown = path.display().to_string();
            let text = std::fs::read_to_string(path).map_err(|error| Failure::io(&shown, &error))?;
            let applied = SchemaFile::from_json(&shown, &text).and_then(|file| file.apply(&mut options));
            applied.map_err(|error| Failure::from(Error::from(ErrorKind::from(error))))?;
        }
        self.dialect.apply(&mut options);
        self.records.apply(&mut options);
        self.types.apply(&mut options);
        self.tuning.apply(&mut options);
        options.validate().map_err(Failure::usage)?;
        Ok(options)
    }
}

impl DialectArgs {
    fn apply(&self, options: &mut ReadOptions) {
        set(&mut options.separator, self.separator);
        set(&mut options.quote, self.quote.map(|byte| byte.0));
        set(&mut options.escape, self.escape.map(|byte| byte.0));
        set(&mut options.comment, self.comment.map(|byte| byte.0));
        set(&mut options.encoding, self.encoding);
        options.trim |= self.trim;
    }
}

impl RecordArgs {
    fn apply(&self, options: &mut ReadOptions) {
        options.has_header &= !self.no_header;
        set(&mut options.names, values::some(&self.names).map(Some));
        set(&mut options.usecols, values::some(&self.usecols).map(Some));
        set(&mut options.skip_rows, self.skip_rows);
        set(&mut options.n_rows, self.n_rows.map(Some));
        set(&mut options.include_path, self.include_path.clone().map(Some));
        set(&mut options.ragged, self.ragged);
        set(&mut options.headers, self.headers);
    }
}

impl TypeArgs {
    fn apply(&self, options: &mut ReadOptions) {
        let sample = ReadOptions::default().infer;
        set(&mut options.infer, self.infer.map(|infer| if infer == SAMPLE { sample } else { infer }));
        options.dtypes.extend(self.dtype.iter().cloned());
        options.parse_dates.extend(values::all(&self.parse_dates));
        options.date_formats.extend(self.date_format.iter().cloned());
        options.null_values.extend(values::all(&self.null_values));
        options.column_null_values.extend(self.column_null_values.iter().cloned());
        options.keep_empty_strings |= self.keep_empty_strings;
        set(&mut options.true_values, values::some(&self.true_values));
        set(&mut options.false_values, values::some(&self.false_values));
        set(&mut options.decimal, self.decimal);
        set(&mut options.thousands, self.thousands.map(|byte| byte.0));
        options.assume_missing |= self.assume_missing;
    }
}

impl TuningArgs {
    fn apply(&self, options: &mut ReadOptions) {
        set(&mut options.record_bytes_max, self.record_bytes_max);
        set(&mut options.chunk_bytes, self.chunk_bytes);
        set(&mut options.batch_rows_max, self.batch_rows_max);
        set(&mut options.batch_bytes_max, self.batch_bytes_max);
        if let Infer::Sample { head_bytes, places, place_bytes } = &mut options.infer {
            set(head_bytes, self.sample_head_bytes);
            set(places, self.sample_places);
            set(place_bytes, self.sample_place_bytes);
        }
    }
}
