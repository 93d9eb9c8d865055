//! First and last values.

use std::ops::Range;

use arrow::array::{Array, ArrayRef};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;

use super::super::RowNumbers;
use super::super::input::primitive;
use super::super::intern::grown;
use super::super::values::{Domain, float_array, longs, plain_floats, whole_array, wholes};
use super::text::{Cells, Texts};
use super::{Asked, Slots, each, kept_rows, one, resize};
use crate::error::Result;
use crate::wide::Valid;

/// The first or the last value of each group that is not null, in the order in which rows come.
#[derive(Debug)]
pub(in super::super) struct Ends {
    is_first: bool,
    data_type: DataType,
    kept: Kept,
    seen: Vec<bool>,
}

#[derive(Debug)]
enum Kept {
    Whole(Vec<i64>),
    Float(Vec<f64>),
    Long(Vec<i128>),
    Text(Cells),
}

impl Ends {
    pub(in super::super) fn new(is_first: bool, data_type: &DataType) -> Result<Self> {
        let kept = match Domain::of(data_type)? {
            Domain::Whole => Kept::Whole(Vec::new()),
            Domain::Float => Kept::Float(Vec::new()),
            Domain::Long => Kept::Long(Vec::new()),
            Domain::Text => Kept::Text(Cells::default()),
        };
        Ok(Self { is_first, data_type: data_type.clone(), kept, seen: Vec::new() })
    }

    fn array(&self, range: Range<usize>) -> Result<ArrayRef> {
        let seen = &self.seen[range.clone()];
        let nulls = seen.contains(&false).then(|| NullBuffer::from_iter(seen.iter().copied()));
        match &self.kept {
            Kept::Whole(kept) => whole_array(&self.data_type, kept[range].to_vec(), nulls),
            Kept::Float(kept) => float_array(&self.data_type, kept[range].to_vec(), nulls),
            Kept::Long(kept) => primitive(&self.data_type, kept[range].to_vec(), nulls),
            Kept::Text(cells) => cells.array(range, &self.data_type, nulls),
        }
    }
}

fn take<T: Copy>(
    (groups, valid, is_first): (&[u32], Option<&Valid>, bool),
    values: &[T],
    kept: &mut [T],
    seen: &mut [bool],
) {
    if is_first {
        for (row, group) in kept_rows(groups, valid) {
            if !seen[group] {
                (kept[group], seen[group]) = (values[row], true);
            }
        }
        return;
    }
    each(groups, values, valid, kept, |kept, value| *kept = value);
    each(groups, values, valid, seen, |seen, _| *seen = true);
}

impl Slots for Ends {
    fn grow(&mut self, count: usize) {
        match &mut self.kept {
            Kept::Whole(kept) => resize(kept, count, 0),
            Kept::Float(kept) => resize(kept, count, 0.0),
            Kept::Long(kept) => resize(kept, count, 0),
            Kept::Text(cells) => cells.grow(count),
        }
        resize(&mut self.seen, count, false);
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        let rows = (groups, valid.as_ref(), self.is_first);
        match &mut self.kept {
            Kept::Whole(kept) => take(rows, &wholes(column)?, kept, &mut self.seen),
            Kept::Float(kept) => take(rows, &plain_floats(column)?, kept, &mut self.seen),
            Kept::Long(kept) => take(rows, longs(column)?, kept, &mut self.seen),
            Kept::Text(cells) => {
                let texts = Texts::of(column)?;
                let rows: Vec<(usize, usize)> =
                    kept_rows(groups, None).filter(|(row, _)| texts.is_valid(*row)).collect();
                let mut set = |(row, group): (usize, usize), can_replace: bool| {
                    if can_replace || !self.seen[group] {
                        cells.set(group, texts.view(row));
                        self.seen[group] = true;
                    }
                };
                rows.iter().for_each(|row| set(*row, !self.is_first));
                cells.tidy();
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        self.update(groups, columns, RowNumbers::From(0))
    }

    fn types(&self) -> Vec<DataType> {
        vec![self.data_type.clone()]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.array(range)?])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        self.array(asked.range.clone())
    }

    fn memory_bytes(&self) -> usize {
        let kept = match &self.kept {
            Kept::Whole(kept) => kept.capacity() * size_of::<i64>(),
            Kept::Float(kept) => kept.capacity() * size_of::<f64>(),
            Kept::Long(kept) => kept.capacity() * size_of::<i128>(),
            Kept::Text(cells) => cells.memory_bytes(),
        };
        kept + self.seen.capacity()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        let kept = match (&self.kept, columns.first()) {
            (Kept::Whole(kept), _) => grown::<i64>(kept.capacity(), count),
            (Kept::Float(kept), _) => grown::<f64>(kept.capacity(), count),
            (Kept::Long(kept), _) => grown::<i128>(kept.capacity(), count),
            (Kept::Text(cells), Some(column)) => cells.need_bytes(count, column) + 40 * rows,
            (Kept::Text(cells), None) => cells.memory_bytes(),
        };
        kept + grown::<bool>(self.seen.capacity(), count) + 9 * rows + 128
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.need_bytes(count, columns)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let texts = match &self.kept {
            Kept::Text(cells) => cells.give_need_bytes(range.clone()),
            _ => 0,
        };
        texts + range.len() * 40 + 1024
    }

    fn clear(&mut self) {
        match &mut self.kept {
            Kept::Whole(kept) => kept.clear(),
            Kept::Float(kept) => kept.clear(),
            Kept::Long(kept) => kept.clear(),
            Kept::Text(cells) => cells.clear(),
        }
        self.seen.clear();
    }
}
