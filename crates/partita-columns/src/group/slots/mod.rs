//! What is kept of each group for an accumulator: columns with a slot a group.

mod custom;
mod ends;
mod extreme;
mod kept;
mod list;
mod moments;
mod plain;
mod sketch;
mod sum;
mod text;
mod top;

use std::fmt::Debug;
use std::ops::Range;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;

pub(super) use self::custom::Custom;
pub(super) use self::ends::Ends;
pub(super) use self::extreme::Extremes;
pub(super) use self::kept::Kept;
pub(super) use self::list::{Lists, expand, list_type};
pub(super) use self::moments::{Moments, Pairs};
pub(super) use self::plain::{Bytes, Counts, Products, Truths};
pub(super) use self::sketch::{HyperLogLogs, Sketches};
pub(super) use self::sum::{FloatSums, WholeSums};
pub(super) use self::top::{Tops, top_type};
use super::{NO_GROUP, RowNumbers};
use crate::error::{Error, ErrorKind, Result};
use crate::reduce::Reduction;
use crate::wide::Valid;

/// The slots of one accumulator.
pub(super) trait Slots: Debug + Send + Sync {
    /// Makes room for so many groups, which have seen nothing.
    fn grow(&mut self, count: usize);

    /// Takes rows of the columns that it is of.
    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], rows: RowNumbers<'_>) -> Result<()>;

    /// Takes rows of its own [`Slots::columns`].
    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()>;

    /// The types of its columns.
    fn types(&self) -> Vec<DataType>;

    /// What it keeps of some groups.
    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>>;

    /// The answers for some groups.
    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef>;

    /// Bytes that it holds.
    fn memory_bytes(&self) -> usize;

    /// Bytes that it takes at most, on the way and after, for an update of these columns that ends with `count` groups.
    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize;

    /// The same for a merge.
    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize;

    /// Bytes that its columns or answers of a range take at most, beside what it holds.
    fn give_need_bytes(&self, range: Range<usize>) -> usize;

    /// Forgets all groups.
    fn clear(&mut self);

    /// Forgets all values of its groups, where it keeps these.
    fn drop_values(&mut self) {}
}

/// A question to slots.
pub(super) struct Asked<'a> {
    pub(super) reduction: Reduction,
    /// Types of the columns that it is of.
    pub(super) inputs: &'a [DataType],
    pub(super) result: DataType,
    pub(super) range: Range<usize>,
    /// Rows of the groups of the range.
    pub(super) rows: &'a [u64],
    /// Nulls of them; empty where there are none.
    pub(super) nulls: &'a [u64],
}

impl Asked<'_> {
    /// Values of the group at that place of the range.
    pub(super) fn valid(&self, at: usize) -> u64 {
        self.rows[at] - self.nulls.get(at).copied().unwrap_or(0)
    }

    /// Answers that are null where there were no values.
    pub(super) fn valid_nulls(&self) -> Option<arrow::buffer::NullBuffer> {
        let len = self.range.len();
        let is_full = (0..len).all(|at| self.valid(at) > 0);
        (!is_full).then(|| (0..len).map(|at| self.valid(at) > 0).collect())
    }

    pub(super) fn unknown(&self) -> Error {
        ErrorKind::Shape(format!("{} is not asked of these states", self.reduction)).into()
    }
}

/// Calls `take` with the slot and the value of every row that has a group and is not null.
#[inline(always)]
pub(super) fn each<S, T: Copy>(
    groups: &[u32],
    values: &[T],
    valid: Option<&Valid>,
    slots: &mut [S],
    take: impl Fn(&mut S, T),
) {
    match valid {
        None => {
            for (group, value) in groups.iter().zip(values) {
                // No slot has the number of no group.
                if let Some(slot) = slots.get_mut(*group as usize) {
                    take(slot, *value);
                }
            }
        }
        Some(valid) => {
            for (row, (group, value)) in groups.iter().zip(values).enumerate() {
                if let Some(slot) = slots.get_mut(*group as usize)
                    && valid.at(row)
                {
                    take(slot, *value);
                }
            }
        }
    }
}

/// Groups of which there are so few that rows of one group follow each other.
const FEW: usize = 128;

/// Rows from which on it pays to add up those of few groups apart.
const FEW_ROWS_MIN: usize = 1024;

/// Sums of all values of few groups; `None` where there are more groups, or few rows. Neighbours go to different copies of the sums, so
/// that no addition waits for the one before it.
#[inline(always)]
pub(super) fn few_sums(groups: &[u32], count: usize, value: impl Fn(usize) -> u64) -> Option<[u64; FEW]> {
    const COPIES: usize = 4;
    if count > FEW || groups.len() < FEW_ROWS_MIN {
        return None;
    }
    let mut copies = [[0_u64; FEW]; COPIES];
    let (fours, rest) = groups.as_chunks::<COPIES>();
    for (at, four) in fours.iter().enumerate() {
        for (lane, (copy, group)) in copies.iter_mut().zip(four).enumerate() {
            // No sum has the number of no group.
            if let Some(sum) = copy.get_mut(*group as usize) {
                *sum = sum.wrapping_add(value(COPIES * at + lane));
            }
        }
    }
    let [mut sums, others @ ..] = copies;
    for (at, group) in rest.iter().enumerate() {
        if let Some(sum) = sums.get_mut(*group as usize) {
            *sum = sum.wrapping_add(value(COPIES * fours.len() + at));
        }
    }
    for other in others {
        sums.iter_mut().zip(other).for_each(|(sum, more)| *sum = sum.wrapping_add(more));
    }
    Some(sums)
}

/// The rows that have a group and are not null, with it.
pub(super) fn kept_rows<'a>(
    groups: &'a [u32],
    valid: Option<&'a Valid>,
) -> impl Iterator<Item = (usize, usize)> + 'a {
    let rows = groups.iter().enumerate().filter(|(_, group)| **group != NO_GROUP);
    rows.filter(move |(row, _)| valid.is_none_or(|valid| valid.at(*row)))
        .map(|(row, group)| (row, *group as usize))
}

/// One column of several.
pub(super) fn one(columns: &[ArrayRef]) -> Result<&ArrayRef> {
    match columns {
        [column] => Ok(column),
        _ => Err(wrong_columns(1, columns.len())),
    }
}

pub(super) fn wrong_columns(expected: usize, got: usize) -> Error {
    ErrorKind::Shape(format!("expected {expected} columns of states, got {got}")).into()
}

/// Grows a column of slots.
pub(super) fn resize<T: Clone>(slots: &mut Vec<T>, count: usize, start: T) {
    if slots.len() < count {
        slots.resize(count, start);
    }
}
