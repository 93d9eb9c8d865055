//! Answers within a bound.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, AsArray, Float64Array, UInt32Array, UInt64Array};
use arrow::datatypes::{DataType, Float64Type, UInt32Type};

use super::super::RowNumbers;
use super::super::intern::grown;
use super::super::values::{floats, optional_floats, values};
use super::list::{expand, list_array, list_type};
use super::{Asked, Slots, kept_rows, one, resize, wrong_columns};
use crate::error::{ErrorKind, Result};
use crate::reduce::distinct::{estimate, for_each_mark};
use crate::reduce::{QuantileSketch, Reduction};
use crate::wide::Valid;

/// A sketch a group.
#[derive(Debug, Default)]
pub(in super::super) struct Sketches {
    sketches: Vec<QuantileSketch>,
    /// Bytes that they take beside themselves.
    bytes: usize,
}

impl Sketches {
    fn change(&mut self, group: usize, change: impl FnOnce(&mut QuantileSketch)) {
        let sketch = &mut self.sketches[group];
        let before = sketch.memory_bytes();
        change(sketch);
        self.bytes = self.bytes + sketch.memory_bytes() - before;
    }
}

impl Slots for Sketches {
    fn grow(&mut self, count: usize) {
        resize(&mut self.sketches, count, QuantileSketch::default());
    }

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        let column = one(columns)?;
        let valid = Valid::of(column.nulls());
        let values = floats(column)?;
        for (row, group) in kept_rows(groups, valid.as_ref()) {
            self.change(group, |sketch| sketch.add([values[row]]));
        }
        Ok(())
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        let [items, levels] = columns else { return Err(wrong_columns(2, columns.len())) };
        let wrong = || ErrorKind::Shape("expected lists of levels as states of sketches".to_owned());
        let items = items.as_list_opt::<i32>().ok_or_else(wrong)?;
        let levels = levels.as_list_opt::<i32>().ok_or_else(wrong)?;
        for (row, group) in kept_rows(groups, None) {
            let (items, levels) = (items.value(row), levels.value(row));
            let (mut items, levels) = (values::<Float64Type>(&items)?, values::<UInt32Type>(&levels)?);
            let mut later = QuantileSketch::default();
            for level in levels {
                let (level_items, rest) = items.split_at_checked((level >> 1) as usize).ok_or_else(wrong)?;
                later.push_level(level_items, level & 1 == 1);
                items = rest;
            }
            self.change(group, |sketch| sketch.merge(&later));
        }
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        vec![list_type(&DataType::Float64), list_type(&DataType::UInt32)]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        let sketches = &self.sketches[range];
        let (mut items, mut lengths) = (Vec::new(), Vec::new());
        let (mut levels, mut counts) = (Vec::new(), Vec::new());
        for sketch in sketches {
            let (items_before, levels_before) = (items.len(), levels.len());
            for (level, odd) in sketch.levels() {
                items.extend_from_slice(level);
                levels.push((level.len() as u32) << 1 | u32::from(odd));
            }
            lengths.push(items.len() - items_before);
            counts.push(levels.len() - levels_before);
        }
        Ok(vec![
            list_array(Arc::new(Float64Array::from(items)), lengths.into_iter())?,
            list_array(Arc::new(UInt32Array::from(levels)), counts.into_iter())?,
        ])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let Reduction::ApproxQuantile(share) = asked.reduction else { return Err(asked.unknown()) };
        Ok(optional_floats(self.sketches[asked.range.clone()].iter().map(|sketch| sketch.quantile(share))))
    }

    fn memory_bytes(&self) -> usize {
        self.sketches.capacity() * size_of::<QuantileSketch>() + self.bytes
    }

    fn need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let rows = columns.first().map_or(0, |column| column.len());
        // A group that gets a value takes a level, which doubles as it fills; one that is full is halved into the next.
        let fresh = rows.min(count) * 256;
        let one = QuantileSketch::default().need_bytes(1 << 40);
        grown::<QuantileSketch>(self.sketches.capacity(), count)
            + self.bytes
            + 4 * 16 * rows
            + fresh
            + one
            + self.bytes.min(rows * 4096 * 16)
    }

    fn merge_need_bytes(&self, count: usize, columns: &[ArrayRef]) -> usize {
        let items = columns.first().and_then(|column| column.as_list_opt::<i32>());
        let items = items.map_or(0, |lists| lists.values().len());
        self.need_bytes(count, columns) + 6 * 8 * items
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        6 * self.bytes + range.len() * 64 + 4096
    }

    fn clear(&mut self) {
        self.sketches.clear();
        self.bytes = 0;
    }
}

/// Entries of a group from which on it has registers.
const SPARSE_MAX: usize = 2048;

/// Entries from which on they are sorted and the lesser ones dropped.
const ENTRIES_MIN: usize = 1 << 14;

const REGISTERS: usize = 1 << 14;

/// The registers of [`crate::reduce::HyperLogLog`] that are not zero: `group << 32 | register << 8 | value`. Groups with many have all
/// registers.
#[derive(Debug, Default)]
pub(in super::super) struct HyperLogLogs {
    entries: Vec<u64>,
    /// As many as there were when they were sorted last.
    sorted: usize,
    dense: BTreeMap<u32, Vec<u8>>,
    order: OnceLock<Vec<u64>>,
}

/// Of each register of each group the greatest value, in order.
fn tidy(entries: &mut Vec<u64>) {
    entries.sort_unstable_by(|a, b| b.cmp(a));
    entries.dedup_by_key(|entry| *entry >> 8);
    entries.reverse();
}

impl HyperLogLogs {
    fn push(&mut self, group: u32, mark: u32) {
        if self.entries.len() >= ENTRIES_MIN.max(2 * self.sorted) {
            self.tidy();
        }
        self.entries.push(u64::from(group) << 32 | u64::from(mark));
    }

    fn tidy(&mut self) {
        tidy(&mut self.entries);
        let mut kept = Vec::with_capacity(self.entries.len());
        for entries in self.entries.chunk_by(|a, b| a >> 32 == b >> 32) {
            let group = (entries[0] >> 32) as u32;
            if entries.len() < SPARSE_MAX && !self.dense.contains_key(&group) {
                kept.extend_from_slice(entries);
                continue;
            }
            set(self.dense.entry(group).or_insert_with(|| vec![0; REGISTERS]), entries);
        }
        (self.sorted, self.entries) = (kept.len(), kept);
    }

    /// The registers of a group that are not zero.
    fn registers(&self, group: usize) -> Vec<(u32, u8)> {
        let entries = self.order.get_or_init(|| {
            let mut entries = self.entries.clone();
            tidy(&mut entries);
            entries
        });
        let group = group as u64;
        let from = entries.partition_point(|entry| entry >> 32 < group);
        let until = from + entries[from..].partition_point(|entry| entry >> 32 == group);
        let entries = &entries[from..until];
        match self.dense.get(&(group as u32)) {
            None => entries.iter().map(|entry| (*entry as u32 >> 8, *entry as u8)).collect(),
            Some(registers) => {
                let mut registers = registers.clone();
                set(&mut registers, entries);
                (0..).zip(registers).filter(|(_, value)| *value > 0).collect()
            }
        }
    }
}

fn set(registers: &mut [u8], entries: &[u64]) {
    for entry in entries {
        let register = &mut registers[(*entry as u32 >> 8) as usize % REGISTERS];
        *register = (*register).max(*entry as u8);
    }
}

impl Slots for HyperLogLogs {
    fn grow(&mut self, _: usize) {}

    fn update(&mut self, groups: &[u32], columns: &[ArrayRef], _: RowNumbers<'_>) -> Result<()> {
        self.order = OnceLock::new();
        for_each_mark(one(columns)?, |row, (register, value)| {
            if groups[row] != super::NO_GROUP {
                self.push(groups[row], u32::from(register) << 8 | u32::from(value));
            }
        })
    }

    fn merge(&mut self, groups: &[u32], columns: &[ArrayRef]) -> Result<()> {
        self.order = OnceLock::new();
        let (groups, marks) = expand(groups, one(columns)?)?;
        for (group, mark) in groups.iter().zip(values::<UInt32Type>(&marks)?) {
            if *group != super::NO_GROUP {
                self.push(*group, *mark);
            }
        }
        Ok(())
    }

    fn types(&self) -> Vec<DataType> {
        vec![list_type(&DataType::UInt32)]
    }

    fn columns(&self, range: Range<usize>) -> Result<Vec<ArrayRef>> {
        let (mut marks, mut lengths) = (Vec::new(), Vec::new());
        for group in range {
            let registers = self.registers(group);
            lengths.push(registers.len());
            marks.extend(registers.into_iter().map(|(register, value)| register << 8 | u32::from(value)));
        }
        Ok(vec![list_array(Arc::new(UInt32Array::from(marks)), lengths.into_iter())?])
    }

    fn finish(&self, asked: &Asked<'_>) -> Result<ArrayRef> {
        let counts = asked
            .range
            .clone()
            .map(|group| estimate(self.registers(group).into_iter().map(|(_, value)| value)));
        Ok(Arc::new(UInt64Array::from_iter_values(counts)))
    }

    fn memory_bytes(&self) -> usize {
        let order = self.order.get().map_or(0, Vec::capacity);
        (self.entries.capacity() + order) * size_of::<u64>() + self.dense.len() * (REGISTERS + 64)
    }

    fn need_bytes(&self, _: usize, columns: &[ArrayRef]) -> usize {
        self.need_of(columns.first().map_or(0, |column| column.len()))
    }

    fn merge_need_bytes(&self, _: usize, columns: &[ArrayRef]) -> usize {
        let marks = columns.first().and_then(|column| column.as_list_opt::<i32>());
        self.need_of(marks.map_or(0, |lists| lists.values().len()))
    }

    fn give_need_bytes(&self, range: Range<usize>) -> usize {
        let dense = 3 * REGISTERS * 8
            + self.dense.range(range.start as u32..range.end as u32).count() * REGISTERS * 12;
        self.entries.capacity() * (8 + 8 + 12) + dense + range.len() * 24 + 4096
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.dense.clear();
        (self.sorted, self.order) = (0, OnceLock::new());
    }
}

impl HyperLogLogs {
    fn need_of(&self, rows: usize) -> usize {
        let entries = self.entries.len() + rows;
        // A group that gets registers had so many entries.
        let dense = entries / SPARSE_MAX * (REGISTERS + 64);
        self.memory_bytes() + grown::<u64>(self.entries.capacity(), entries) + 8 * entries + dense + 16 * rows
    }
}
