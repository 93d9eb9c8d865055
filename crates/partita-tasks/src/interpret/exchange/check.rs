//! What is checked of the rows of an index as they come to the exchange, and what is known of them then.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float32Type, Float64Type};
use partita_columns::Scalar;
use partita_columns::sort::{KeyLayout, Keys};

use super::Runs;
use crate::error::{ErrorKind, Result};
use crate::exchange::{Cuts, ExchangeSpec, IndexRule};

/// What a task has seen of its rows.
#[derive(Default)]
pub(super) struct Seen {
    /// Rows whose index is null or NaN.
    unplaced: u64,
    /// Bytes of the rows by their values alone, where the cuts need to know it.
    pub(super) bytes: u64,
    /// The first and the last row, where the order is checked.
    ends: Option<(Place, Place)>,
}

/// A row.
#[derive(Clone)]
struct Place {
    /// Its number in its partition.
    row: u64,
    key: Keys,
    value: ArrayRef,
}

impl Place {
    fn shown(&self) -> String {
        shown(&self.value, 0)
    }
}

/// Looks at the rows of a task.
pub(super) struct Check<'a> {
    rule: Option<&'a IndexRule>,
    column: usize,
    partition: usize,
    rows: u64,
    /// The first and the last of the given values, where no row may be outside.
    limits: Option<(Keys, &'a [Scalar])>,
    sizes: bool,
    seen: Seen,
}

impl<'a> Check<'a> {
    pub(super) fn new(spec: &'a ExchangeSpec, layout: &KeyLayout, partition: usize) -> Result<Self> {
        let limits = match &spec.cuts {
            Cuts::Given { values, widens: false } => match (values.first(), values.last()) {
                (Some(first), Some(last)) => {
                    Some((encoded(spec, layout, &[first.clone(), last.clone()])?, values.as_slice()))
                }
                _ => None,
            },
            _ => None,
        };
        Ok(Self {
            rule: spec.index.as_ref(),
            column: spec.order().first().map_or(0, |key| key.column),
            partition,
            rows: 0,
            limits,
            sizes: matches!(spec.cuts, Cuts::Bytes(_)),
            seen: Seen::default(),
        })
    }

    /// Looks at the next rows.
    pub(super) fn push(&mut self, batch: &RecordBatch, keys: &Keys) -> Result<()> {
        if self.sizes {
            self.seen.bytes += value_bytes(batch);
        }
        if let (Some(rule), Some(column)) = (self.rule, batch.columns().get(self.column)) {
            self.seen.unplaced += unplaced(column);
            // Rows without a place are told once all are counted.
            if self.seen.unplaced == 0 && !keys.is_empty() {
                self.within_limits(rule, column, keys)?;
                if rule.is_sorted {
                    self.in_order(rule, column, keys)?;
                }
            }
        }
        self.rows += keys.len() as u64;
        Ok(())
    }

    fn within_limits(&self, rule: &IndexRule, column: &ArrayRef, keys: &Keys) -> Result<()> {
        let Some((limits, values)) = &self.limits else { return Ok(()) };
        let before = |row: &usize| keys.compare(*row, limits, 0).is_lt();
        let behind = |row: &usize| keys.compare(*row, limits, 1).is_gt();
        let Some(row) = (0..keys.len()).find(|row| before(row) || behind(row)) else { return Ok(()) };
        let (side, limit) = if before(&row) {
            ("before the first", values.first())
        } else {
            ("behind the last", values.last())
        };
        let limit = limit.map_or_else(String::new, Scalar::to_string);
        Err(ErrorKind::Index(format!(
            "{:?} is {} in row {} of partition {}, which is {side} division {limit}; widen the divisions, or let such rows go to \
             the partitions at the ends with outside(Outside::Ends)",
            rule.column,
            shown(column, row),
            self.rows + row as u64,
            self.partition
        ))
        .into())
    }

    fn in_order(&mut self, rule: &IndexRule, column: &ArrayRef, keys: &Keys) -> Result<()> {
        let place = |row: usize| Place {
            row: self.rows + row as u64,
            key: keys.slice(row..row + 1),
            value: column.slice(row, 1),
        };
        let disorder = |before: &Place, after: &Place| {
            let (number, column) = (self.partition, &rule.column);
            let (one, other) = (before.row, after.row);
            let (first, second) = (before.shown(), after.shown());
            ErrorKind::Index(format!(
                "the rows are not in order of {column:?}: in partition {number} row {one} has {first} and row {other} has {second}; \
                 leave sorted(true) out to have them sorted"
            ))
        };
        if let Some((_, last)) = &self.seen.ends
            && keys.compare(0, &last.key, 0).is_lt()
        {
            return Err(disorder(last, &place(0)).into());
        }
        if !keys.is_sorted() {
            let row = (1..keys.len()).find(|row| keys.compare(*row, keys, row - 1).is_lt()).unwrap_or(1);
            return Err(disorder(&place(row - 1), &place(row)).into());
        }
        let last = place(keys.len() - 1);
        let first = self.seen.ends.take().map_or_else(|| place(0), |(first, _)| first);
        self.seen.ends = Some((first, last));
        Ok(())
    }

    pub(super) fn finish(self) -> Seen {
        self.seen
    }
}

/// Checks what only all tasks together know.
///
/// # Errors
/// [`ErrorKind::Index`].
pub(super) fn verify(spec: &ExchangeSpec, inputs: &[Arc<Runs>]) -> Result<()> {
    let Some(IndexRule { column, is_sorted }) = &spec.index else { return Ok(()) };
    let rows: u64 = inputs.iter().map(|runs| runs.rows).sum();
    let unplaced: u64 = inputs.iter().map(|runs| runs.seen.unplaced).sum();
    if unplaced > 0 {
        return Err(ErrorKind::Index(format!(
            "{column:?} is null or NaN in {unplaced} of {rows} rows, which have no place in an index: drop them with \
             filter(..), fill them with fill_null(..) and fill_nan(..), or sort_values(..) puts them last"
        ))
        .into());
    }
    if !is_sorted {
        return Ok(());
    }
    let ends =
        inputs.iter().enumerate().filter_map(|(number, runs)| Some((number, runs.seen.ends.as_ref()?)));
    let ends: Vec<_> = ends.collect();
    for pair in ends.windows(2) {
        let ((one, (_, last)), (other, (first, _))) = (pair[0], pair[1]);
        if first.key.compare(0, &last.key, 0).is_lt() {
            return Err(ErrorKind::Index(format!(
                "the rows are not in order of {column:?}: row {} of partition {one} has {} and row {} of partition {other} has {}; \
                 leave sorted(true) out to have them sorted",
                last.row,
                last.shown(),
                first.row,
                first.shown()
            ))
            .into());
        }
    }
    Ok(())
}

/// The keys of some values of the only key column.
pub(super) fn encoded(spec: &ExchangeSpec, layout: &KeyLayout, values: &[Scalar]) -> Result<Keys> {
    let mut keys = layout.empty();
    let field = spec.order().first().and_then(|key| spec.schema.fields().get(key.column));
    let field = field.ok_or_else(|| ErrorKind::Missing("a column to sort by".into()))?;
    for value in values {
        keys.append(&layout.encode(&[value.to_array_of(field.data_type(), 1)?])?);
    }
    Ok(keys)
}

/// Rows that are null or NaN.
fn unplaced(column: &ArrayRef) -> u64 {
    let nulls = column.logical_null_count();
    let nans = match column.data_type() {
        DataType::Float32 => count_nans(column.as_primitive::<Float32Type>().iter(), f32::is_nan),
        DataType::Float64 => count_nans(column.as_primitive::<Float64Type>().iter(), f64::is_nan),
        _ => 0,
    };
    (nulls + nans) as u64
}

fn count_nans<T: Copy>(values: impl Iterator<Item = Option<T>>, is_nan: fn(T) -> bool) -> usize {
    values.flatten().filter(|value| is_nan(*value)).count()
}

/// Bytes of the values of rows, which do not depend on how they came in batches.
fn value_bytes(batch: &RecordBatch) -> u64 {
    let bytes = |column: &ArrayRef| match column.data_type() {
        DataType::Utf8View => long_bytes(column.as_string_view().lengths(), column.len()),
        DataType::BinaryView => long_bytes(column.as_binary_view().lengths(), column.len()),
        DataType::Dictionary(keys, _) => keys.primitive_width().unwrap_or(4) as u64 * column.len() as u64,
        _ => {
            column.to_data().get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()) as u64
        }
    };
    batch.columns().iter().map(bytes).sum()
}

/// Views have their text apart where it is long.
fn long_bytes(lengths: impl Iterator<Item = u32>, rows: usize) -> u64 {
    let apart = lengths.filter(|length| *length > 12).map(u64::from).sum::<u64>();
    16 * rows as u64 + apart
}

fn shown(column: &dyn Array, row: usize) -> String {
    Scalar::try_from_array(column, row).map_or_else(|_| "another value".to_owned(), |value| value.to_string())
}
