//! Types from what columns look like.
//!
//! Each value is classified as narrowly as its text allows, and a column collects the [`Kinds`] of
//! its values; the type is the narrowest that holds them all as written:
//!
//! | values | type |
//! | --- | --- |
//! | none but nulls | `Utf8` |
//! | the words for true and false | `Boolean` |
//! | integers, leading zeros allowed | `Int64`, or `UInt64` above `i64::MAX` |
//! | integers beyond 64 bits | `Utf8`: never rounded |
//! | numbers with a point or an exponent, NaN, infinities, also beside integers | `Float64` |
//! | ISO dates | `Date32` |
//! | ISO times without offset, also beside dates | `Timestamp(us)`, or `ns` with more than six digits of fraction |
//! | ISO times with `Z` or an offset | the same, in `"UTC"` |
//! | anything else, or a mixture | `Utf8` |
//!
//! Samples are the head of every file and, of an uncompressed one, places all over it, its end among them. Where a
//! place begins inside quotes its records have another width, or it cannot be told; such a place is not believed.

pub mod kinds;
mod known;
mod samples;

pub(crate) use self::samples::splitmix;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};

use self::kinds::Kinds;
use self::samples::Samples;
use super::header::Header;
use super::mismatch::shown;
use super::options::{Infer, ReadOptions};
use super::schema_file::canonical_type;
use super::value::{Pattern, PatternKind};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// What the columns of some files look like.
#[derive(Debug, Clone, Default)]
pub struct ColumnTypes {
    columns: Vec<ColumnGuess>,
}

#[derive(Debug, Clone)]
struct ColumnGuess {
    name: String,
    kinds: Kinds,
    /// The first value that is no date, of a column that should be one.
    odd: Option<OddValue>,
}

#[derive(Debug, Clone)]
struct OddValue {
    file: String,
    byte: u64,
    value: String,
}

impl ColumnTypes {
    /// Takes in what other files look like; in whatever order, the types are the same.
    pub fn merge(&mut self, other: &ColumnTypes) {
        for guess in &other.columns {
            match self.columns.iter_mut().find(|known| known.name == guess.name) {
                Some(known) => {
                    known.kinds = known.kinds.union(guess.kinds);
                    if known.odd.is_none() {
                        known.odd.clone_from(&guess.odd);
                    }
                }
                None => self.columns.push(guess.clone()),
            }
        }
    }

    fn guess(&self, name: &str) -> Option<&ColumnGuess> {
        self.columns.iter().find(|guess| guess.name == name)
    }

    /// What the values of a column look like.
    pub fn kinds(&self, name: &str) -> Kinds {
        self.guess(name).map_or(Kinds::NONE, |guess| guess.kinds)
    }
}

/// Looks at one file, as far as `options.infer` says. Columns whose type is given, and those that are not read, are
/// not looked at.
///
/// # Errors
/// Where the store or the decompressor fails; [`ErrorKind::Options`] for a date format that is none.
pub fn sample(input: &Arc<dyn ReadAt>, header: &Header, options: &ReadOptions) -> Result<ColumnTypes> {
    if options.infer == Infer::None {
        return Ok(ColumnTypes::default());
    }
    let mut samples = Samples::new(input, header, options)?;
    samples.take()?;
    Ok(samples.finish())
}

/// The columns of a data set with their types: `names` (those of all files, see [`super::header::combine`]) less
/// what `usecols` leaves out, in order, and the path column last.
///
/// # Errors
/// [`ErrorKind::Options`] where an option names no column, or where a column that must be a date is not.
pub fn finish(
    names: &[String],
    types: &ColumnTypes,
    options: &ReadOptions,
) -> Result<Vec<(String, DataType)>> {
    options.validate_names(names)?;
    let used = |name: &&String| options.usecols.as_ref().is_none_or(|used| used.contains(name));
    let mut columns = Vec::with_capacity(names.len() + 1);
    for name in names.iter().filter(used) {
        columns.push((name.clone(), column_type(name, types.guess(name), options)?));
    }
    if let Some(path) = &options.include_path {
        columns.push((path.clone(), DataType::Utf8View));
    }
    Ok(columns)
}

fn column_type(name: &str, guess: Option<&ColumnGuess>, options: &ReadOptions) -> Result<DataType> {
    if let Some(given) = options.dtype(name) {
        return Ok(canonical_type(given));
    }
    let kinds = guess.map_or(Kinds::NONE, |guess| guess.kinds);
    if options.is_date(name) {
        return date_type(name, kinds, guess.and_then(|guess| guess.odd.as_ref()), options);
    }
    Ok(match kinds.data_type() {
        DataType::Int64 | DataType::UInt64 if options.assume_missing => DataType::Float64,
        data_type => data_type,
    })
}

fn date_type(name: &str, kinds: Kinds, odd: Option<&OddValue>, options: &ReadOptions) -> Result<DataType> {
    if kinds.is_temporal() {
        return Ok(kinds.data_type());
    }
    if kinds == Kinds::NONE {
        // Nothing was seen: what the format says, or the type that dates fit in as well.
        let pattern = options.date_format(name).map(Pattern::new);
        return Ok(match pattern.and_then(std::result::Result::ok).map(|pattern| pattern.kind()) {
            Some(PatternKind::Date) => DataType::Date32,
            Some(PatternKind::Zoned) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            Some(PatternKind::Naive) | None => DataType::Timestamp(TimeUnit::Microsecond, None),
        });
    }
    let message = match (odd, options.date_format(name)) {
        (Some(odd), format) => {
            let expected =
                format.map_or("an ISO date or time".into(), |format| format!("a date like {format:?}"));
            let OddValue { file, byte, value } = odd;
            format!(
                "{file}: byte {byte}: column {name:?} must be a date: expected {expected}, got {value}; give its format: \
                 .date_format({name:?}, \"%d/%m/%Y\") (--date-format {name}=%d/%m/%Y), or read it as text: \
                 .dtype({name:?}, DataType::Utf8) (--dtype {name}=Utf8)"
            )
        }
        (None, _) => format!(
            "column {name:?} must be a date: some of its times have an offset from UTC and some have none; give its type: \
             .dtype({name:?}, DataType::Timestamp(TimeUnit::Microsecond, Some(\"UTC\".into()))) \
             (--dtype '{name}=Timestamp(us, \"UTC\")')"
        ),
    };
    Err(ErrorKind::Options(message).into())
}

impl OddValue {
    fn new(file: &str, byte: u64, text: &[u8]) -> Self {
        Self { file: file.to_owned(), byte, value: shown(text) }
    }
}
