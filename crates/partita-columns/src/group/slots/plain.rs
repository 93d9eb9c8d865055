//! Counts, products, truth and bytes.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Int64Array, UInt8Array, UInt64Array};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt8Type, UInt64Type};

use super::super::RowNumbers;
use super::super::intern::{INLINE, grown};
use super::super::values::{self, floats, floats_array, values, whole_array};
use super::{Asked, Slots, each, few_sums, kept_rows, one, resize, wrong_columns};
use crate::error::Result;
use crate::reduce::Reduction;
use crate::reduce::kind::fits;
use crate::wide::Valid;

/// Rows of groups, or nulls of a column; those only from the first null on.
#[derive(Debug)]
pub(in super::super) struct Counts {
    pub(in super::super) counts: Vec<u64>,
    of_nulls: bool,
    len: usize,
}

impl Counts {
    pub(in super::super) fn new(of_nulls: bool) -> Self {
        Self { counts: Vec::new(), of_nulls, len: 0 }
    }

    /// The counts of a range; empty where all are 0.
    pub(in super::super) fn of(&self, range: Range<usize>) -> &[u64] {
        if self.of_nulls && self.counts.is_empty() { &[] } else { &self.counts[range] }
    }
}

impl Slots for Counts {
    fn grow(&mut self, count: usize) {
        self.len = self.len.max(count);
        if !self.of_nulls || !self.counts.is_empty() {
            resize(&mut self.counts, count, 0);
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        if !self.of_nulls {
            if let Some(counts) = few_sums(groups, self.counts.len(), |_| 1) {
                self.counts.iter_mut().zip(counts).for_each(|(count, more)| *count += more);
                return Ok(());
            }
            for group in groups {
                if let Some(count) = self.counts.get_mut(*group as usize) {
                    *count += 1;
                }
            }
            return Ok(());
        }
        let Some(nulls) = one(columns)?.logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
            return Ok(());
        };
        resize(&mut self.counts, self.len, 0);
        for (group, is_valid) in groups.iter().zip(&nulls) {
            if let Some(count) = self.counts.get_mut(*group as usize) {
                *count += u64::from(!is_valid);
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let counts = values::<UInt64Type>(one(columns)?)?;
        if self.of_nulls && counts.iter().any(|count| *count > 0) {
            resize(&mut self.counts, self.len, 0);
        }
        each(groups, counts, None, &mut self.counts, |count, more| *count += more);
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        vec![DataType::UInt64]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        let len = range.len();
        let counts = self.of(range);
        let counts = if counts.is_empty() { vec![0; len] } else { counts.to_vec() };
        Ok(vec![Arc::new(UInt64Array::from(counts))])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let at = 0..asked.range.len();
        Ok(Arc::new(UInt64Array::from_iter_values(at.map(|at| match asked.reduction {
            Reduction::Len => asked.rows[at],
            Reduction::NullCount => asked.nulls.get(at).copied().unwrap_or(0),
            _ => asked.valid(at),
        }))))
    }

    fn memory_bytes(&self) -> usize {
        self.counts.capacity() * size_of::<u64>()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let nulls = columns.first().map_or(0, |column| column.len() / 8 + 128);
        grown::<u64>(self.counts.capacity(), count) + nulls
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        grown::<u64>(self.counts.capacity(), count)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        2 * range.len() * size_of::<u64>() + 256
    }

    fn clear(&mut self) {
        self.counts.clear();
        self.len = 0;
    }
}

/// Products of integers are `None` once they have left 128 bits, unless a zero comes.
#[derive(Debug)]
pub(in super::super) enum Products {
    Float(Vec<f64>),
    Whole(Vec<Option<i128>>),
}

impl Products {
    pub(in super::super) fn new(is_float: bool) -> Self {
        if is_float { Self::Float(Vec::new()) } else { Self::Whole(Vec::new()) }
    }
}

fn multiply(product: &mut Option<i128>, value: Option<i128>) {
    *product = match (*product, value) {
        (Some(0), _) | (_, Some(0)) => Some(0),
        (Some(product), Some(value)) => product.checked_mul(value),
        _ => None,
    };
}

impl Slots for Products {
    fn grow(&mut self, count: usize) {
        match self {
            Self::Float(products) => resize(products, count, 1.0),
            Self::Whole(products) => resize(products, count, Some(1)),
        }
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        match self {
            Self::Float(products) => {
                each(groups, &floats(column)?, valid.as_ref(), products, |product, value| *product *= value);
            }
            Self::Whole(products) => {
                let is_unsigned = column.data_type() == &DataType::UInt64;
                let wide =
                    |value: i64| if is_unsigned { value.cast_unsigned().into() } else { i128::from(value) };
                let values = values::wholes(column)?;
                each(groups, &values, valid.as_ref(), products, |product, value| {
                    multiply(product, Some(wide(value)));
                });
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        match (self, columns) {
            (Self::Float(products), [column]) => {
                each(groups, values::<Float64Type>(column)?, None, products, |product, value| {
                    *product *= value;
                });
            }
            (Self::Whole(products), [low, high]) => {
                let (lows, highs) = (values::<UInt64Type>(low)?, values::<Int64Type>(high)?);
                for (row, group) in kept_rows(groups, None) {
                    let value = i128::from(highs[row]) << 64 | i128::from(lows[row]);
                    multiply(&mut products[group], low.is_valid(row).then_some(value));
                }
            }
            (Self::Float(_), columns) => return Err(wrong_columns(1, columns.len())),
            (Self::Whole(_), columns) => return Err(wrong_columns(2, columns.len())),
        }
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        match self {
            Self::Float(_) => vec![DataType::Float64],
            Self::Whole(_) => vec![DataType::UInt64, DataType::Int64],
        }
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(match self {
            Self::Float(products) => vec![floats_array(products[range].iter().copied())],
            Self::Whole(products) => {
                let low = products[range.clone()].iter().map(|product| product.map(|product| product as u64));
                let high = products[range].iter().map(|product| (product.unwrap_or(0) >> 64) as i64);
                vec![Arc::new(low.collect::<UInt64Array>()), Arc::new(Int64Array::from_iter_values(high))]
            }
        })
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        match self {
            Self::Float(products) => Ok(floats_array(products[asked.range.clone()].iter().copied())),
            Self::Whole(products) => {
                let fitting =
                    |product: &Option<i128>| product.filter(|product| fits(&asked.result, *product));
                let values =
                    products[asked.range.clone()].iter().map(|product| Some(fitting(product)? as i64));
                let values = values.collect::<Option<Vec<i64>>>();
                whole_array(
                    &asked.result,
                    values.ok_or_else(|| asked.reduction.overflow(&asked.result))?,
                    None,
                )
            }
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Self::Float(products) => products.capacity() * size_of::<f64>(),
            Self::Whole(products) => products.capacity() * size_of::<Option<i128>>(),
        }
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        self.merge_need_bytes(count, columns) + 9 * rows + 128
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        match self {
            Self::Float(products) => grown::<f64>(products.capacity(), count),
            Self::Whole(products) => grown::<Option<i128>>(products.capacity(), count),
        }
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        range.len() * 40 + 512
    }

    fn clear(&mut self) {
        match self {
            Self::Float(products) => products.clear(),
            Self::Whole(products) => products.clear(),
        }
    }
}

/// Whether values are true and whether values are false: the lowest two bits.
#[derive(Debug, Default)]
pub(in super::super) struct Truths(Vec<u8>);

impl Slots for Truths {
    fn grow(&mut self, count: usize) {
        resize(&mut self.0, count, 0);
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        let truths = values::wholes(column)?;
        each(groups, &truths, valid.as_ref(), &mut self.0, |seen, truth| {
            *seen |= if truth != 0 { 1 } else { 2 }
        });
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        each(groups, values::<UInt8Type>(one(columns)?)?, None, &mut self.0, |seen, more| *seen |= more);
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        vec![DataType::UInt8]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(UInt8Array::from(self.0[range].to_vec()))])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let is_any = asked.reduction == Reduction::Any;
        let answer = |seen: &u8| Some(if is_any { seen & 1 != 0 } else { seen & 2 == 0 });
        Ok(Arc::new(self.0[asked.range.clone()].iter().map(answer).collect::<BooleanArray>()))
    }

    fn memory_bytes(&self) -> usize {
        self.0.capacity()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.merge_need_bytes(count, columns) + columns.first().map_or(0, |column| 9 * column.len() + 128)
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        grown::<u8>(self.0.capacity(), count)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        2 * range.len() + 512
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}

/// Bytes that values take: the width of their type or the view, and what a view refers to; truth values take bits.
#[derive(Debug, Default)]
pub(in super::super) struct Bytes(Vec<u64>);

impl Slots for Bytes {
    fn grow(&mut self, count: usize) {
        resize(&mut self.0, count, 0);
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let long = |view: u128| if view as u32 > INLINE { u64::from(view as u32) } else { 0 };
        let add = |bytes: &mut u64, more: u64| *bytes += more;
        let of_views = |views: &[u128], bytes: &mut [u64]| {
            each(groups, views, None, bytes, |bytes, view| *bytes += 16 + long(view));
        };
        match column.data_type() {
            DataType::Boolean => each(groups, &vec![1; groups.len()], None, &mut self.0, add),
            DataType::Utf8View => of_views(column.as_string_view().views(), &mut self.0),
            DataType::BinaryView => of_views(column.as_binary_view().views(), &mut self.0),
            DataType::Binary => {
                let ends = column.as_binary::<i32>().offsets();
                let bytes: Vec<u64> = ends.windows(2).map(|ends| (ends[1] - ends[0]) as u64 + 4).collect();
                each(groups, &bytes, None, &mut self.0, add);
            }
            other => {
                let width = other.primitive_width().unwrap_or(0) as u64;
                each(groups, groups, None, &mut self.0, |bytes, _| *bytes += width);
            }
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        each(groups, values::<UInt64Type>(one(columns)?)?, None, &mut self.0, |bytes, more| *bytes += more);
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        vec![DataType::UInt64]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        Ok(vec![Arc::new(UInt64Array::from(self.0[range].to_vec()))])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let is_bits = asked.inputs.first() == Some(&DataType::Boolean);
        let bytes = self.0[asked.range.clone()].iter();
        let bytes = bytes.map(|bytes| if is_bits { bytes.div_ceil(8) } else { *bytes });
        Ok(Arc::new(UInt64Array::from_iter_values(bytes)))
    }

    fn memory_bytes(&self) -> usize {
        self.0.capacity() * size_of::<u64>()
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        self.merge_need_bytes(count, columns) + columns.first().map_or(0, |column| 8 * column.len())
    }

    fn merge_need_bytes(&self, count: usize, _: &[ArrayRef]) -> usize {
        grown::<u64>(self.0.capacity(), count)
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        2 * range.len() * size_of::<u64>() + 256
    }

    fn clear(&mut self) {
        self.0.clear();
    }
}
