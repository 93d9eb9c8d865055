//! Values of groups in order.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array, new_empty_array};
use arrow::buffer::OffsetBuffer;
use arrow::compute::{interleave, take};
use arrow::datatypes::{DataType, Field};

use super::super::intern::grown;
use super::super::values::wrong;
use super::super::{NO_GROUP, RowNumbers};
use super::{Asked, Slots, one};
use crate::error::{ErrorKind, Result};

/// The type of lists of a type.
pub(in super::super) fn list_type(values: &DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(values.clone(), true)))
}

/// Lists of so many values each.
pub(super) fn list_array(values: ArrayRef, lengths: impl Iterator<Item = usize>) -> Result<ArrayRef> {
    if i32::try_from(values.len()).is_err() {
        let message = format!(
            "expected less than 2^31 values in a batch of lists, got {}; take fewer groups",
            values.len()
        );
        return Err(ErrorKind::Shape(message).into());
    }
    let field = Arc::new(Field::new_list_field(values.data_type().clone(), true));
    Ok(Arc::new(ListArray::try_new(field, OffsetBuffer::from_lengths(lengths), values, None)?))
}

/// The values of a column of lists, and the group of each.
pub(in super::super) fn expand(groups: &[u32], lists: &ArrayRef) -> Result<(Vec<u32>, ArrayRef)> {
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| wrong(lists))?;
    let offsets = lists.value_offsets();
    let (first, last) = (offsets[0] as usize, offsets[lists.len()] as usize);
    let mut expanded = Vec::with_capacity(last - first);
    for (group, ends) in groups.iter().zip(offsets.windows(2)) {
        expanded.extend(std::iter::repeat_n(*group, (ends[1] - ends[0]) as usize));
    }
    Ok((expanded, lists.values().slice(first, last - first)))
}

/// Where the rows of each group are, in order: those of group `g` from `starts[g]` to `starts[g + 1]`.
#[derive(Debug)]
pub(super) struct Order<T> {
    pub(super) starts: Vec<usize>,
    pub(super) items: Vec<T>,
}

impl<T: Copy + Default> Order<T> {
    /// A stable counting sort by group.
    pub(super) fn new(count: usize, groups: &[u32], item: impl Fn(usize) -> T) -> Self {
        let mut starts = vec![0_usize; count + 1];
        groups.iter().for_each(|group| starts[*group as usize + 1] += 1);
        for group in 0..count {
            starts[group + 1] += starts[group];
        }
        let mut next = starts.clone();
        let mut items = vec![T::default(); groups.len()];
        for (row, group) in groups.iter().enumerate() {
            let place = &mut next[*group as usize];
            items[*place] = item(row);
            *place += 1;
        }
        Self { starts, items }
    }

    pub(super) fn of(&self, group: usize) -> &[T] {
        &self.items[self.starts[group]..self.starts[group + 1]]
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.starts.capacity() * size_of::<usize>() + self.items.capacity() * size_of::<T>()
    }

    /// Bytes that [`Order::new`] takes at most.
    pub(super) fn need_bytes(count: usize, rows: usize) -> usize {
        2 * (count + 1) * size_of::<usize>() + rows * size_of::<T>()
    }
}

/// All values of groups, nulls too: rows as they came, and their groups.
#[derive(Debug)]
pub(in super::super) struct Lists {
    data_type: DataType,
    pieces: Vec<ArrayRef>,
    groups: Vec<u32>,
    count: usize,
    order: OnceLock<Order<(u32, u32)>>,
}

impl Lists {
    pub(in super::super) fn new(data_type: &DataType) -> Self {
        let data_type = data_type.clone();
        Self { data_type, pieces: Vec::new(), groups: Vec::new(), count: 0, order: OnceLock::new() }
    }

    fn push(&mut self, groups: &[u32], column: &ArrayRef) -> Result<()> {
        self.order = OnceLock::new();
        let rows: Vec<u32> =
            (0..).zip(groups).filter(|(_, group)| **group != NO_GROUP).map(|(row, _)| row).collect();
        if rows.is_empty() {
            return Ok(());
        }
        self.groups.extend(groups.iter().filter(|group| **group != NO_GROUP));
        // A copy, which holds on to nothing else of its batch.
        let piece = take(column, &UInt32Array::from(rows), None)?;
        self.pieces.push(match piece.data_type() {
            DataType::Utf8View => Arc::new(piece.as_string_view().gc()),
            DataType::BinaryView => Arc::new(piece.as_binary_view().gc()),
            _ => piece,
        });
        Ok(())
    }

    fn order(&self) -> &Order<(u32, u32)> {
        self.order.get_or_init(|| {
            let places = (0_u32..).zip(&self.pieces);
            let places =
                places.flat_map(|(piece, array)| (0..array.len() as u32).map(move |row| (piece, row)));
            let places: Vec<(u32, u32)> = places.collect();
            Order::new(self.count, &self.groups, |row| places[row])
        })
    }

    fn lists(&self, range: Range<usize>) -> Result<ArrayRef> {
        let order = self.order();
        let lengths = range.clone().map(|group| order.of(group).len());
        if self.pieces.is_empty() {
            return list_array(new_empty_array(&self.data_type), lengths);
        }
        let rows = &order.items[order.starts[range.start]..order.starts[range.end]];
        let rows: Vec<(usize, usize)> =
            rows.iter().map(|(piece, row)| (*piece as usize, *row as usize)).collect();
        let pieces: Vec<&dyn Array> = self.pieces.iter().map(|piece| &**piece).collect();
        list_array(interleave(&pieces, &rows)?, lengths)
    }
}

impl Slots for Lists {
    fn grow(&mut self, count: usize) {
        if count > self.count {
            (self.count, self.order) = (count, OnceLock::new());
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        self.push(groups, one(columns)?)
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let (groups, values) = expand(groups, one(columns)?)?;
        self.push(&groups, &values)
    }

    fn types(&self) -> Vec<DataType> {
        vec![list_type(&self.data_type)]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.lists(range)?])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        self.lists(asked.range.clone())
    }

    fn memory_bytes(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(|piece| piece.get_array_memory_size()).sum();
        let order = self.order.get().map_or(0, Order::memory_bytes);
        pieces
            + order
            + self.pieces.capacity() * size_of::<ArrayRef>()
            + self.groups.capacity() * size_of::<u32>()
    }

    fn need_bytes(&self, _: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        let piece = columns.first().map_or(0, |column| 2 * column.get_array_memory_size() + rows * 16 + 1024);
        let pieces = grown::<ArrayRef>(self.pieces.capacity(), self.pieces.len() + 1);
        let groups = grown::<u32>(self.groups.capacity(), self.groups.len() + rows);
        self.memory_bytes() + piece + pieces + groups + 8 * rows
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let values = columns.first().and_then(|column| column.as_list_opt::<i32>());
        let values = values.map_or(0, |lists| lists.values().len());
        let groups = grown::<u32>(self.groups.capacity(), self.groups.len() + values);
        self.need_bytes(count, columns) + groups + 16 * values
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let rows = self.groups.len();
        let order = Order::<(u32, u32)>::need_bytes(self.count, rows) + 8 * rows;
        // What a range has of all values is known once they are in order.
        let values: usize = self.pieces.iter().map(|piece| piece.get_array_memory_size()).sum();
        order + 16 * rows + 16 * self.pieces.len() + 2 * values + 16 * range.len() + 4096
    }

    fn clear(&mut self) {
        self.pieces.clear();
        self.groups.clear();
        (self.count, self.order) = (0, OnceLock::new());
    }
}
