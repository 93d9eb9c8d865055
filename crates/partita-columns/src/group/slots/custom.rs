//! States of users' aggregations.
//!
//! Rows wait until there are [`CHUNK_ROWS`] of them, counted from the first one that the slots have seen, and become state rows; as soon as a
//! group has [`FOLD_ROWS`] state rows, these become one. So what is merged with what comes of the rows of a group alone, and of the state
//! rows that others made of them, in their order; not of how they arrive.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array, new_empty_array};
use arrow::compute::{interleave, take};
use arrow::datatypes::DataType;

use super::super::aggregation::{GroupedRows, UserAggregation};
use super::super::{NO_GROUP, RowNumbers};
use super::{Asked, Slots};
use crate::error::{ErrorKind, Result};

/// Rows that one call turns into state rows.
const CHUNK_ROWS: usize = 8 << 10;

/// State rows of a group that become one.
const FOLD_ROWS: usize = 256;

/// Rows as they came, and their groups.
#[derive(Debug, Default, Clone)]
struct Pieces {
    groups: Vec<u32>,
    columns: Vec<Vec<ArrayRef>>,
    bytes: usize,
}

impl Pieces {
    fn push(&mut self, groups: impl IntoIterator<Item = u32>, columns: Vec<ArrayRef>) {
        self.groups.extend(groups);
        self.bytes += columns.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
        self.columns.push(columns);
    }

    /// Some rows, in this order.
    fn gather(&self, rows: &[usize], types: &[DataType]) -> Result<Vec<ArrayRef>> {
        let lengths = self.columns.iter().map(|piece| piece.first().map_or(0, |column| column.len()));
        let places = lengths.enumerate().flat_map(|(piece, rows)| (0..rows).map(move |row| (piece, row)));
        let places: Vec<(usize, usize)> = places.collect();
        let picked: Vec<(usize, usize)> = rows.iter().filter_map(|row| places.get(*row).copied()).collect();
        let column = |(at, data_type): (usize, &DataType)| {
            let pieces: Vec<&dyn Array> =
                self.columns.iter().filter_map(|piece| piece.get(at)).map(|piece| &**piece).collect();
            if pieces.is_empty() {
                return Ok(new_empty_array(data_type));
            }
            Ok(compact(interleave(&pieces, &picked)?))
        };
        types.iter().enumerate().map(column).collect()
    }

    fn memory_bytes(&self) -> usize {
        self.bytes
            + self.groups.capacity() * size_of::<u32>()
            + self.columns.capacity() * size_of::<Vec<ArrayRef>>()
    }
}

/// A column that holds on to no texts but its own.
fn compact(column: ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => column,
    }
}

/// The groups that are there, and where the rows of each begin, for rows whose groups go up.
fn runs(groups: impl Iterator<Item = u32>) -> (Vec<u32>, Vec<usize>) {
    let (mut there, mut starts, mut rows) = (Vec::new(), Vec::new(), 0);
    for group in groups {
        if there.last() != Some(&group) {
            there.push(group);
            starts.push(rows);
        }
        rows += 1;
    }
    starts.push(rows);
    (there, starts)
}

/// States of a user's aggregation.
#[derive(Debug)]
pub(in super::super) struct Custom {
    aggregation: UserAggregation,
    inputs: Vec<DataType>,
    types: Vec<DataType>,
    count: usize,
    rows: Pieces,
    states: Pieces,
    /// State rows of each group.
    counts: Vec<u32>,
    /// One state row a group, once somebody asks.
    done: OnceLock<Vec<ArrayRef>>,
}

impl Custom {
    pub(in super::super) fn new(aggregation: &UserAggregation, inputs: &[DataType]) -> Result<Self> {
        Ok(Self {
            aggregation: aggregation.clone(),
            inputs: inputs.to_vec(),
            types: aggregation.state_types(inputs)?,
            count: 0,
            rows: Pieces::default(),
            states: Pieces::default(),
            counts: Vec::new(),
            done: OnceLock::new(),
        })
    }

    /// State rows of rows that wait.
    fn chunk(&self, rows: &Pieces) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
        let mut order: Vec<usize> = (0..rows.groups.len()).collect();
        order.sort_by_key(|row| rows.groups[*row]);
        let (groups, starts) = runs(order.iter().map(|row| rows.groups[*row]));
        let grouped = GroupedRows::new(starts, rows.gather(&order, &self.inputs)?);
        Ok((groups, self.aggregation.chunk(&grouped, &self.types)?))
    }

    /// Merges state rows of all groups that have `many`: the first ones of each, so many, or all where there are fewer.
    fn fold(&self, states: &mut Pieces, counts: &mut [u32], many: usize) -> Result<()> {
        let mut taken = vec![0_usize; counts.len()];
        let (mut merged, mut rest) = (Vec::new(), Vec::new());
        for (row, group) in states.groups.iter().enumerate() {
            let group = *group as usize;
            if counts[group] as usize >= many && taken[group] < FOLD_ROWS {
                taken[group] += 1;
                merged.push(row);
            } else {
                rest.push(row);
            }
        }
        merged.sort_by_key(|row| states.groups[*row]);
        let (groups, starts) = runs(merged.iter().map(|row| states.groups[*row]));
        let grouped = GroupedRows::new(starts, states.gather(&merged, &self.types)?);
        let folded = self.aggregation.merge(&grouped, &self.types)?;
        let others: Vec<u32> = rest.iter().map(|row| states.groups[*row]).collect();
        let kept = states.gather(&rest, &self.types)?;
        for group in &groups {
            counts[*group as usize] -= taken[*group as usize] as u32 - 1;
        }
        let mut next = Pieces::default();
        // What was merged comes before the later state rows of its group.
        next.push(groups, folded);
        next.push(others, kept);
        *states = next;
        Ok(())
    }

    /// Takes state rows.
    fn hold(&mut self, groups: Vec<u32>, columns: Vec<ArrayRef>) -> Result<()> {
        for group in &groups {
            self.counts[*group as usize] += 1;
        }
        self.states.push(groups, columns);
        while self.counts.iter().any(|count| *count as usize >= FOLD_ROWS) {
            let mut states = std::mem::take(&mut self.states);
            let mut counts = std::mem::take(&mut self.counts);
            self.fold(&mut states, &mut counts, FOLD_ROWS)?;
            (self.states, self.counts) = (states, counts);
        }
        Ok(())
    }

    /// One state row a group.
    fn done(&self) -> Result<&[ArrayRef]> {
        if let Some(done) = self.done.get() {
            return Ok(done);
        }
        let (mut states, mut counts) = (self.states.clone(), self.counts.clone());
        if !self.rows.groups.is_empty() {
            let (groups, columns) = self.chunk(&self.rows)?;
            groups.iter().for_each(|group| counts[*group as usize] += 1);
            states.push(groups, columns);
        }
        while counts.iter().any(|count| *count > 1) {
            self.fold(&mut states, &mut counts, 2)?;
        }
        let mut order: Vec<usize> = (0..states.groups.len()).collect();
        order.sort_by_key(|row| states.groups[*row]);
        if order.len() != self.count {
            let message = format!("expected states of {} groups, got {}", self.count, order.len());
            return Err(ErrorKind::Shape(message).into());
        }
        let done = states.gather(&order, &self.types)?;
        Ok(self.done.get_or_init(|| done))
    }

    fn slice(&self, range: &Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(self.done()?.iter().map(|column| column.slice(range.start, range.len())).collect())
    }

    /// Bytes of so many state rows, about.
    fn states_bytes(&self, rows: usize) -> usize {
        let plain: usize = self.types.iter().map(|data_type| data_type.primitive_width().unwrap_or(16)).sum();
        rows * self.aggregation.state_bytes().max(plain)
    }

    /// Bytes beside what is held that it takes to go on with so many rows, or state rows, of `columns`.
    fn step_bytes(&self, columns: &[ArrayRef], rows: usize) -> usize {
        let given: usize = columns.iter().map(|column| column.get_array_memory_size()).sum();
        let held = self.rows.bytes + 2 * self.states.bytes;
        let all = self.rows.groups.len() + self.states.groups.len() + rows;
        3 * given + held + 2 * self.states_bytes(rows) + 64 * all + 4096
    }
}

/// The rows that have a group.
fn with_group(groups: &[u32], columns: &[ArrayRef]) -> Result<(Vec<u32>, Vec<ArrayRef>)> {
    let rows = (0_u32..).zip(groups).filter(|(_, group)| **group != NO_GROUP).map(|(row, _)| row);
    let rows = UInt32Array::from_iter_values(rows);
    let kept = columns.iter().map(|column| Ok(compact(take(column, &rows, None)?)));
    let kept = kept.collect::<Result<Vec<_>>>()?;
    Ok((groups.iter().copied().filter(|group| *group != NO_GROUP).collect(), kept))
}

impl Slots for Custom {
    fn grow(&mut self, count: usize) {
        if count > self.count {
            (self.count, self.done) = (count, OnceLock::new());
            self.counts.resize(count, 0);
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        self.done = OnceLock::new();
        let (groups, columns) = with_group(groups, columns)?;
        let mut start = 0;
        while start < groups.len() {
            let count = (groups.len() - start).min(CHUNK_ROWS - self.rows.groups.len());
            let some = columns.iter().map(|column| column.slice(start, count)).collect();
            self.rows.push(groups[start..start + count].iter().copied(), some);
            start += count;
            if self.rows.groups.len() == CHUNK_ROWS {
                let rows = std::mem::take(&mut self.rows);
                let (groups, states) = self.chunk(&rows)?;
                self.hold(groups, states)?;
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        self.done = OnceLock::new();
        let (groups, columns) = with_group(groups, columns)?;
        if groups.is_empty() { Ok(()) } else { self.hold(groups, columns) }
    }

    fn types(&self) -> Vec<DataType> {
        self.types.clone()
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        self.slice(&range)
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let states = self.slice(&asked.range)?;
        self.aggregation.finish(&states, &asked.result, asked.range.len())
    }

    fn memory_bytes(&self) -> usize {
        let done = self.done.get().map_or(&[][..], Vec::as_slice);
        let done: usize = done.iter().map(|column| column.get_array_memory_size()).sum();
        self.rows.memory_bytes()
            + self.states.memory_bytes()
            + self.counts.capacity() * size_of::<u32>()
            + done
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        self.memory_bytes() + self.step_bytes(columns, rows) + 16 * count
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.need_bytes(count, columns)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let whole = match self.done.get() {
            Some(_) => 0,
            None => self.step_bytes(&[], self.count) + 16 * self.count,
        };
        whole + self.states_bytes(range.len()) + 16 * range.len() + 4096
    }

    fn clear(&mut self) {
        (self.rows, self.states, self.count) = (Pieces::default(), Pieces::default(), 0);
        self.counts.clear();
        self.done = OnceLock::new();
    }
}
