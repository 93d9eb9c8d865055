//! Values sorted and counted, for questions that need all of them: distinct values, exact quantiles, the mode.
//!
//! Values become keys ([`super::keys`]) in a [`Gather`]; what it holds is sorted into a **run**, a batch of keys in ascending
//! order and how often each is there. Runs are merged a piece at a time ([`merge_step`]), so that they may lie
//! on disk, and a [`Walk`] over the merged keys answers.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, UInt64Array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt64Type};

use super::kind::decimal_unit;
use super::{Reduction, keys};
use crate::error::{ErrorKind, Result};
use crate::scalar::Scalar;

/// The columns of a run.
pub(super) fn run_schema(data_type: &DataType) -> SchemaRef {
    let key = if keys::is_fixed(data_type) { DataType::UInt64 } else { DataType::BinaryView };
    let fields = vec![Field::new("key", key, false), Field::new("count", DataType::UInt64, false)];
    Arc::new(Schema::new(fields))
}

/// Keys on their way into a run.
#[derive(Debug)]
pub struct Gather {
    schema: SchemaRef,
    words: Vec<u64>,
    /// Bytes of keys, one behind the other, and where each ends.
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Gather {
    /// For values of a type.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] where the type has no order.
    pub fn new(data_type: &DataType) -> Result<Self> {
        if !keys::has_keys(data_type) {
            return Err(keys::no_keys(data_type));
        }
        let schema = run_schema(data_type);
        Ok(Self { schema, words: Vec::new(), bytes: Vec::new(), ends: Vec::new() })
    }

    /// Adds the values of a column that are not null.
    ///
    /// # Errors
    /// [`ErrorKind::Undefined`] for another type.
    pub fn push(&mut self, column: &ArrayRef) -> Result<()> {
        match keys::fixed(column) {
            Some(keys) if column.null_count() == 0 => self.words.extend(keys),
            Some(keys) => {
                let rows = keys.into_iter().enumerate().filter(|(row, _)| column.is_valid(*row));
                self.words.extend(rows.map(|(_, key)| key));
            }
            None => {
                let Gather { bytes, ends, .. } = self;
                keys::for_each_bytes(column, |_, key| {
                    bytes.extend_from_slice(key);
                    ends.push(bytes.len());
                })?;
            }
        }
        Ok(())
    }

    /// Bytes held, and as many again for what sorting makes of them.
    pub fn memory_bytes(&self) -> usize {
        let held = self.words.capacity() + self.ends.capacity();
        2 * (held * size_of::<u64>() + self.bytes.capacity())
    }

    /// The bytes that the keys of a column will take.
    pub fn need_bytes(column: &ArrayRef) -> usize {
        let texts = match column.data_type() {
            DataType::Utf8View => column.as_string_view().total_buffer_bytes_used(),
            DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used(),
            _ => 0,
        };
        2 * (texts + column.len() * 3 * size_of::<u64>())
    }

    /// The run of what was added since the last one.
    ///
    /// # Errors
    /// [`ErrorKind::Arrow`] from the arrays.
    pub fn take_run(&mut self) -> Result<RecordBatch> {
        let mut words = std::mem::take(&mut self.words);
        let (bytes, ends) = (std::mem::take(&mut self.bytes), std::mem::take(&mut self.ends));
        if ends.is_empty() && self.schema.field(0).data_type() == &DataType::UInt64 {
            words.sort_unstable();
            return words_run(&self.schema, words.into_iter().map(|key| (key, 1)));
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let mut keys: Vec<&[u8]> = starts.zip(&ends).map(|(start, end)| &bytes[start..*end]).collect();
        keys.sort_unstable();
        bytes_run(&self.schema, keys.into_iter().map(|key| (key, 1)))
    }
}

/// Counts of equal neighbours are added up.
fn counted<K: PartialEq>(sorted: impl Iterator<Item = (K, u64)>) -> (Vec<K>, Vec<u64>) {
    let (mut keys, mut counts): (Vec<K>, Vec<u64>) = (Vec::new(), Vec::new());
    for (key, count) in sorted {
        match (keys.last(), counts.last_mut()) {
            (Some(last), Some(before)) if *last == key => *before += count,
            _ => {
                keys.push(key);
                counts.push(count);
            }
        }
    }
    (keys, counts)
}

pub(super) fn words_run(schema: &SchemaRef, sorted: impl Iterator<Item = (u64, u64)>) -> Result<RecordBatch> {
    let (keys, counts) = counted(sorted);
    let columns: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(keys)), Arc::new(UInt64Array::from(counts))];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

pub(super) fn bytes_run<'a>(
    schema: &SchemaRef,
    sorted: impl Iterator<Item = (&'a [u8], u64)>,
) -> Result<RecordBatch> {
    let (keys, counts) = counted(sorted);
    let keys = BinaryViewArray::from_iter_values(keys);
    let columns: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(UInt64Array::from(counts))];
    Ok(RecordBatch::try_new(Arc::clone(schema), columns)?)
}

/// Merges the front of sorted batches, one a run: every key up to the least of their last ones. It is cut off from the
/// batches; at least one of them has no rows then and wants the next batch of its run. Batches without rows stand for runs
/// that are over; `None` where all are.
///
/// # Errors
/// [`ErrorKind::Shape`] where a batch is none of a run.
pub fn merge_step(fronts: &mut [RecordBatch]) -> Result<Option<RecordBatch>> {
    let Some(first) = fronts.iter().find(|front| front.num_rows() > 0) else { return Ok(None) };
    let schema = first.schema();
    let cuts = if schema.field(0).data_type() == &DataType::UInt64 {
        cut_words(fronts)?
    } else {
        cut_bytes(fronts)?
    };
    let parts: Vec<RecordBatch> = fronts.iter().zip(&cuts).map(|(front, cut)| front.slice(0, *cut)).collect();
    for (front, cut) in fronts.iter_mut().zip(cuts) {
        *front = front.slice(cut, front.num_rows() - cut);
    }
    let parts: Vec<RecordBatch> = parts.into_iter().filter(|part| part.num_rows() > 0).collect();
    if let [one] = parts.as_slice() {
        return Ok(Some(one.clone()));
    }
    // A stable sort finds the runs, and merges them.
    if schema.field(0).data_type() == &DataType::UInt64 {
        let mut all = Vec::with_capacity(parts.iter().map(RecordBatch::num_rows).sum());
        for part in &parts {
            all.extend(words(part)?.iter().copied().zip(counts(part)?.iter().copied()));
        }
        all.sort_by_key(|(key, _)| *key);
        words_run(&schema, all.into_iter()).map(Some)
    } else {
        let mut all: Vec<(&[u8], u64)> = Vec::with_capacity(parts.iter().map(RecordBatch::num_rows).sum());
        for part in &parts {
            let keys = bytes(part)?;
            all.extend((0..keys.len()).map(|row| keys.value(row)).zip(counts(part)?.iter().copied()));
        }
        all.sort_by_key(|(key, _)| *key);
        bytes_run(&schema, all.into_iter()).map(Some)
    }
}

/// The keys of those that are not over.
fn keys_of<'a, K>(
    fronts: &'a [RecordBatch],
    keys: impl Fn(&'a RecordBatch) -> Result<K>,
) -> Result<Vec<Option<K>>> {
    fronts.iter().map(|front| (front.num_rows() > 0).then(|| keys(front)).transpose()).collect()
}

fn cut_words(fronts: &[RecordBatch]) -> Result<Vec<usize>> {
    let keys = keys_of(fronts, words)?;
    let bound = keys.iter().flatten().filter_map(|keys| keys.last()).min().copied().unwrap_or(u64::MAX);
    Ok(keys.iter().map(|keys| keys.map_or(0, |keys| keys.partition_point(|key| *key <= bound))).collect())
}

fn cut_bytes(fronts: &[RecordBatch]) -> Result<Vec<usize>> {
    let keys = keys_of(fronts, bytes)?;
    let last = |keys: &BinaryViewArray| keys.len().checked_sub(1);
    let bound =
        keys.iter().flatten().filter_map(|keys| Some(keys.value(last(keys)?))).min().unwrap_or_default();
    let cut = |keys: &Option<&BinaryViewArray>| {
        let Some(keys) = keys else { return 0 };
        let (mut low, mut high) = (0, keys.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if keys.value(middle) <= bound { low = middle + 1 } else { high = middle }
        }
        low
    };
    Ok(keys.iter().map(cut).collect())
}

fn words(run: &RecordBatch) -> Result<&[u64]> {
    let keys = run.column(0).as_primitive_opt::<UInt64Type>();
    keys.map(|keys| &keys.values()[..]).ok_or_else(no_run)
}

fn bytes(run: &RecordBatch) -> Result<&BinaryViewArray> {
    run.column(0).as_binary_view_opt().ok_or_else(no_run)
}

fn counts(run: &RecordBatch) -> Result<&[u64]> {
    let counts = run.column(1).as_primitive_opt::<UInt64Type>();
    counts.map(|counts| &counts.values()[..]).ok_or_else(no_run)
}

fn no_run() -> crate::Error {
    ErrorKind::Shape("a batch that is no run of keys".to_owned()).into()
}

/// What is seen of merged keys.
#[derive(Debug)]
pub struct Walk {
    data_type: DataType,
    /// Values in all, and nulls beside them.
    valid: u64,
    nulls: u64,
    seen: u64,
    distinct: u64,
    /// The first key that is there most often.
    mode: Option<(Scalar, u64)>,
    /// Ranks that are asked for, ascending, and their values as far as they were passed.
    ranks: Vec<u64>,
    values: Vec<Scalar>,
}

impl Walk {
    /// Over `valid` values of a type, for `questions`.
    pub fn new(data_type: &DataType, valid: u64, nulls: u64, questions: &[Reduction]) -> Self {
        let asked = questions.iter().flat_map(|question| match question {
            Reduction::Quantile(share) => {
                let (rank, _) = place(*share, valid);
                vec![rank, (rank + 1).min(valid.saturating_sub(1))]
            }
            _ => Vec::new(),
        });
        let mut ranks: Vec<u64> = asked.collect();
        ranks.sort_unstable();
        ranks.dedup();
        let data_type = data_type.clone();
        Self { data_type, valid, nulls, seen: 0, distinct: 0, mode: None, ranks, values: Vec::new() }
    }

    /// The next merged keys.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the batch is none of a run.
    pub fn push(&mut self, run: &RecordBatch) -> Result<()> {
        let scalar = |row: usize| -> Result<Scalar> {
            Ok(match keys::is_fixed(&self.data_type) {
                true => keys::scalar_of_word(&self.data_type, words(run)?[row]),
                false => keys::scalar_of_bytes(&self.data_type, bytes(run)?.value(row)),
            })
        };
        for (row, count) in counts(run)?.iter().enumerate() {
            if self.mode.as_ref().is_none_or(|(_, most)| count > most) {
                self.mode = Some((scalar(row)?, *count));
            }
            self.seen += count;
            while self.ranks.get(self.values.len()).is_some_and(|rank| *rank < self.seen) {
                self.values.push(scalar(row)?);
            }
        }
        self.distinct += run.num_rows() as u64;
        Ok(())
    }

    /// The answer to a question, after all keys.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for another question.
    pub fn answer(&self, question: Reduction) -> Result<Scalar> {
        let result = question.result_type(std::slice::from_ref(&self.data_type))?;
        Ok(match question {
            Reduction::NUnique { nulls } => {
                Scalar::UInt64(self.distinct + u64::from(nulls && self.nulls > 0))
            }
            Reduction::Mode => self.mode.as_ref().map_or(Scalar::Null(result), |(key, _)| key.clone()),
            Reduction::ModeCount => Scalar::UInt64(self.mode.as_ref().map_or(0, |(_, count)| *count)),
            Reduction::Quantile(share) => self.quantile(share).unwrap_or(Scalar::Null(result)),
            _ => return Err(ErrorKind::Shape(format!("{question} is not asked of sorted values")).into()),
        })
    }

    fn quantile(&self, share: f64) -> Option<Scalar> {
        let (rank, part) = place(share, self.valid);
        let at = |rank: u64| self.values.get(self.ranks.binary_search(&rank).ok()?);
        let low = at(rank)?;
        let high = at((rank + 1).min(self.valid.saturating_sub(1)))?;
        let between = |low: f64, high: f64| {
            // Of equal infinities the difference is none.
            if low == high || part == 0.0 { low } else { low + (high - low) * part }
        };
        Some(match (low, high) {
            (Scalar::Timestamp(low, unit, zone), Scalar::Timestamp(high, ..)) => {
                Scalar::Timestamp(ticks_between(*low, *high, part), *unit, zone.clone())
            }
            (Scalar::Duration(low, unit), Scalar::Duration(high, _)) => {
                Scalar::Duration(ticks_between(*low, *high, part), *unit)
            }
            (low, high) => {
                let unit = decimal_unit(&self.data_type);
                Scalar::Float64(between(number(low)? / unit, number(high)? / unit))
            }
        })
    }
}

/// The rank below a share of `valid` values, and how far behind it the share lies.
pub(crate) fn place(share: f64, valid: u64) -> (u64, f64) {
    let at = share * valid.saturating_sub(1) as f64;
    (at.floor() as u64, at - at.floor())
}

pub(crate) fn ticks_between(low: i64, high: i64, part: f64) -> i64 {
    low.saturating_add(((high as f64 - low as f64) * part).floor() as i64)
}

fn number(value: &Scalar) -> Option<f64> {
    Some(match value {
        Scalar::Boolean(value) => f64::from(u8::from(*value)),
        Scalar::Int64(value) => *value as f64,
        Scalar::UInt64(value) => *value as f64,
        Scalar::Float64(value) => *value,
        Scalar::Decimal128(value, ..) => *value as f64,
        _ => return None,
    })
}
