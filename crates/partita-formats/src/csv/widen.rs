//! What columns turn out to hold, in a run that looks for the types that hold all of it.
//!
//! Each block says which kinds of values its columns had: those that fitted, as far as it matters for a wider type, and
//! those that did not. The kinds of all blocks together give the type, by the rules of [`Kinds`], but that whole numbers
//! become `Float64` only where it holds every one of them exactly.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::{
    DataType, Date32Type, Int64Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampSecondType, UInt64Type,
};

use super::infer::kinds::{Kinds, is_exact};
use super::mismatch::Mismatch;
use super::reader::{ColumnSpec, Promise};
use super::schema_file::type_name;
use super::value::Unit;
use crate::error::{ErrorKind, Result};

#[cfg(test)]
mod tests;

/// What the columns of some blocks hold.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    columns: Vec<SeenColumn>,
}

#[derive(Debug, Clone)]
struct SeenColumn {
    name: String,
    data_type: DataType,
    promise: Promise,
    kinds: Kinds,
    misfit: Option<Misfit>,
}

/// The first value that did not fit.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Misfit {
    partition: usize,
    byte: u64,
    file: String,
    value: String,
}

/// A column that needs a wider type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Widened {
    /// Its name.
    pub column: String,
    /// The type it had.
    pub from: DataType,
    /// The type that holds all of its values.
    pub to: DataType,
    /// The file of the first value that did not fit.
    pub file: String,
    /// The value's place in the decoded bytes of the file, from 0.
    pub byte: u64,
    /// Its line, from 1, where the file could be read again to count lines.
    pub line: Option<u64>,
    /// The value, cut and escaped.
    pub value: String,
}

impl Seen {
    /// Takes in what a column of one block held.
    pub(crate) fn push(&mut self, file: &str, spec: &ColumnSpec, fitted: Kinds, mismatch: Option<&Mismatch>) {
        let misfit = mismatch.map(|mismatch| Misfit {
            partition: 0,
            byte: mismatch.byte,
            file: file.to_owned(),
            value: mismatch.value.clone(),
        });
        self.columns.push(SeenColumn {
            name: spec.name.clone(),
            data_type: spec.data_type.clone(),
            promise: spec.promise,
            kinds: mismatch.map_or(fitted, |mismatch| fitted.union(mismatch.found)),
            misfit,
        });
    }

    /// The same, of the block that is partition number `partition`: the first misfit is that of the first partition.
    #[must_use]
    pub fn of_partition(mut self, partition: usize) -> Self {
        for misfit in self.columns.iter_mut().filter_map(|column| column.misfit.as_mut()) {
            misfit.partition = partition;
        }
        self
    }

    /// Takes in what other blocks held; in whatever order, and however often, the outcome is the same.
    pub fn merge(&mut self, other: Seen) {
        for (index, column) in other.columns.into_iter().enumerate() {
            let here = match self.columns.get(index) {
                Some(known) if known.name == column.name => Some(index),
                _ => self.columns.iter().position(|known| known.name == column.name),
            };
            let Some(known) = here.and_then(|index| self.columns.get_mut(index)) else {
                self.columns.push(column);
                continue;
            };
            known.kinds = known.kinds.union(column.kinds);
            known.misfit = match (known.misfit.take(), column.misfit) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            };
        }
    }

    /// Whether a value did not fit.
    pub fn has_misfits(&self) -> bool {
        self.columns.iter().any(|column| column.misfit.is_some())
    }

    /// The columns that need a wider type, in order.
    ///
    /// # Errors
    /// [`ErrorKind::Options`] where a column that must be a date holds what is none, all values together.
    pub fn widened(&self) -> Result<Vec<Widened>> {
        let misfits = self.columns.iter().filter_map(|column| Some((column, column.misfit.as_ref()?)));
        let widen = |(column, misfit): (&SeenColumn, &Misfit)| {
            let to = wider(&column.data_type, column.kinds);
            if !is_kept(column.promise, &to) {
                let (name, byte, value) = (&column.name, misfit.byte, &misfit.value);
                return Err(ErrorKind::Options(format!(
                    "{}: byte {byte}: column {name:?} must be a date, and no type of dates holds {value} and all its other \
                     values; read it as text: .dtype({name:?}, DataType::Utf8) (--dtype {name}=Utf8)",
                    misfit.file
                ))
                .into());
            }
            Ok(Widened {
                column: column.name.clone(),
                from: column.data_type.clone(),
                to,
                file: misfit.file.clone(),
                byte: misfit.byte,
                line: None,
                value: misfit.value.clone(),
            })
        };
        misfits.map(widen).collect()
    }
}

impl std::fmt::Display for Widened {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (from, to) = (type_name(&self.from), type_name(&self.to));
        write!(out, "{:?} from {from} to {to}, for {} ({}: ", self.column, self.value, self.file)?;
        if let Some(line) = self.line {
            write!(out, "line {line}, ")?;
        }
        write!(out, "byte {})", self.byte)
    }
}

/// Whether a type keeps what was promised of a column.
fn is_kept(promise: Promise, data_type: &DataType) -> bool {
    match promise {
        Promise::Nothing => true,
        Promise::Date => data_type.is_temporal(),
        Promise::Type => false,
    }
}

/// Whether a column may get a type that holds what did not fit.
pub(crate) fn may_widen(spec: &ColumnSpec, found: Kinds) -> bool {
    // Bytes that are no text fit no type.
    !found.intersects(Kinds::NOT_TEXT) && is_kept(spec.promise, &wider(&spec.data_type, found))
}

/// The narrowest type that holds the values of a column of type `data_type` and values of `kinds`.
fn wider(data_type: &DataType, kinds: Kinds) -> DataType {
    let known = match data_type {
        DataType::UInt64 => Kinds::UNSIGNED,
        DataType::Timestamp(TimeUnit::Nanosecond, _) => Kinds::of_type(data_type).union(Kinds::FINE),
        other => Kinds::of_type(other),
    };
    let joined = known.union(kinds);
    let to = match joined.data_type() {
        DataType::Float64 if joined.intersects(Kinds::INEXACT) => DataType::Utf8View,
        to => to,
    };
    if to == *data_type { DataType::Utf8View } else { to }
}

/// The kinds of the values of an array that matter for a wider type than its own. Rows without a value hold zero, which
/// is of no consequence.
pub(crate) fn fitted(array: &ArrayRef) -> Kinds {
    match array.data_type() {
        DataType::Int64 => integers(array.as_primitive::<Int64Type>().values()),
        DataType::UInt64 => unsigned(array.as_primitive::<UInt64Type>().values()),
        DataType::Date32 => {
            far(array.as_primitive::<Date32Type>().values(), |day| (i64::from(day) * 86_400, 0))
        }
        DataType::Timestamp(unit, _) => times(array, *unit),
        _ => Kinds::NONE,
    }
}

fn integers(values: &[i64]) -> Kinds {
    let (min, max) = bounds(values);
    let sign = if min < 0 { Kinds::NEGATIVE } else { Kinds::NONE };
    let all_exact = is_exact_bound(min.unsigned_abs()) && is_exact_bound(max.unsigned_abs())
        || values.iter().all(|value| is_exact(value.unsigned_abs()));
    if all_exact { sign } else { sign.union(Kinds::INEXACT) }
}

fn unsigned(values: &[u64]) -> Kinds {
    let (_, max) = bounds(values);
    let size = if max > i64::MAX.unsigned_abs() { Kinds::UNSIGNED } else { Kinds::NONE };
    let all_exact = is_exact_bound(max) || values.iter().all(|value| is_exact(*value));
    if all_exact { size } else { size.union(Kinds::INEXACT) }
}

/// Whether all whole numbers up to `magnitude` are exact as floats.
fn is_exact_bound(magnitude: u64) -> bool {
    magnitude <= 1 << 53
}

fn times(array: &ArrayRef, unit: TimeUnit) -> Kinds {
    let per_second = Unit::new(unit).per_second;
    let split = |tick: i64| {
        let fraction = tick.rem_euclid(per_second) * (1_000_000_000 / per_second);
        (tick.div_euclid(per_second), fraction as u32)
    };
    match unit {
        TimeUnit::Second => far(array.as_primitive::<TimestampSecondType>().values(), split),
        TimeUnit::Millisecond => far(array.as_primitive::<TimestampMillisecondType>().values(), split),
        TimeUnit::Microsecond => far(array.as_primitive::<TimestampMicrosecondType>().values(), split),
        TimeUnit::Nanosecond => Kinds::NONE,
    }
}

/// Whether some of the times, given as seconds and nanoseconds, are out of the reach of nanoseconds.
fn far<T: Copy + Ord + Default>(values: &[T], split: impl Fn(T) -> (i64, u32)) -> Kinds {
    let (min, max) = bounds(values);
    let nanoseconds = Unit::new(TimeUnit::Nanosecond);
    let is_far = [min, max].into_iter().any(|value| {
        let (seconds, fraction) = split(value);
        nanoseconds.ticks(seconds, fraction).is_none()
    });
    if is_far { Kinds::FAR } else { Kinds::NONE }
}

fn bounds<T: Copy + Ord + Default>(values: &[T]) -> (T, T) {
    values.iter().fold((T::default(), T::default()), |(min, max), &value| (min.min(value), max.max(value)))
}
