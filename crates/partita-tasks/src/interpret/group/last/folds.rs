//! Folds that are not done: what a group has of one partition, which may come in several state rows.

use std::ops::Range;

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::UInt32Type;
use partita_columns::group::States;

use super::missing;
use crate::error::Result;
use crate::group::Group;
use crate::interpret::group::Table;

/// Sums of floats of a partition are added up by themselves before they are added to those of the partitions before. A task that gave
/// up hands out what a group had by then, and rows; they are put together here, so that the bits are those of a task that did not.
pub(super) struct Folds {
    states: States,
    /// The group of each.
    groups: Vec<u32>,
    /// Of each group: its last partition plus one, and the fold of that.
    last: Vec<(u32, u32)>,
    numbers: Vec<u32>,
}

impl Folds {
    pub(super) fn new(group: &Group) -> Result<Self> {
        Ok(Self { states: group.states()?, groups: Vec::new(), last: Vec::new(), numbers: Vec::new() })
    }

    /// Forgets values that [`States::gathered`] columns would have.
    pub(super) fn drop_values(&mut self) {
        self.states.drop_values();
    }

    /// Bytes that they take at most until they are settled, where some rows of states come beside.
    pub(super) fn need_bytes(&self, states: &[ArrayRef]) -> usize {
        let merged = self.states.merge_need_bytes(self.states.len(), states);
        // What is settled is handed over as columns, and as such merged.
        self.memory_bytes() + 2 * merged + self.states.columns_need_bytes(0..self.states.len())
    }

    fn memory_bytes(&self) -> usize {
        let numbers = self.groups.capacity() + self.numbers.capacity() + 2 * self.last.capacity();
        self.states.memory_bytes() + numbers * size_of::<u32>()
    }

    /// Numbers the folds of some rows; whether each row is one.
    fn number(&mut self, groups: &[u32], partitions: &[u32], count: usize) -> bool {
        self.last.resize(count.max(self.last.len()), (0, 0));
        self.numbers.clear();
        let before = self.groups.len();
        for (group, partition) in groups.iter().zip(partitions) {
            let Some(last) = self.last.get_mut(*group as usize) else { continue };
            if last.0 != partition + 1 {
                *last = (partition + 1, self.groups.len() as u32);
                self.groups.push(*group);
            }
            self.numbers.push(last.1);
        }
        self.groups.len() - before == groups.len()
    }

    /// Takes rows of states, whose groups have their numbers. `ends` are the rows of buckets of which others may have been before, or are
    /// to come.
    pub(super) fn merge(
        &mut self,
        table: &mut Table,
        groups: &[u32],
        partitions: &ArrayRef,
        states: &[ArrayRef],
        ends: [Range<usize>; 2],
    ) -> Result<()> {
        let partitions = partitions.as_primitive_opt::<UInt32Type>().ok_or_else(missing)?.values();
        let [first, last] = ends;
        let pieces = [(first.clone(), true), (first.end..last.start, false), (last, true)];
        for (rows, is_open) in pieces.into_iter().filter(|(rows, _)| !rows.is_empty()) {
            if rows.start > 0 || first.is_empty() {
                self.settle(table)?;
            }
            let (Some(groups), Some(partitions)) = (groups.get(rows.clone()), partitions.get(rows.clone()))
            else {
                return Err(missing().into());
            };
            let states: Vec<ArrayRef> =
                states.iter().map(|state| state.slice(rows.start, rows.len())).collect();
            let count = table.keys.len();
            let held = 4 * (rows.len() + self.groups.len() + count) * size_of::<u32>();
            let is_each = {
                table.reserve(table.memory_bytes() + self.memory_bytes() + held)?;
                self.number(groups, partitions, count)
            };
            if is_each && !is_open {
                self.groups.clear();
                let need = table.states.merge_need_bytes(count, &states);
                table.reserve(
                    table.memory_bytes() - table.states.memory_bytes() + need + self.memory_bytes(),
                )?;
                table.states.merge(groups, count, &states)?;
                continue;
            }
            let folds = self.groups.len();
            let need = self.memory_bytes() + self.states.merge_need_bytes(folds, &states);
            table.reserve(table.memory_bytes() + need)?;
            self.states.merge(&self.numbers, folds, &states)?;
        }
        Ok(())
    }

    /// Adds all of them to their groups: none has more rows.
    pub(super) fn settle(&mut self, table: &mut Table) -> Result<()> {
        if self.groups.is_empty() {
            return Ok(());
        }
        let (folds, count) = (0..self.groups.len(), table.keys.len());
        let held = self.memory_bytes() + self.states.columns_need_bytes(folds.clone());
        table.reserve(table.memory_bytes() + held)?;
        let states = self.states.columns(folds)?;
        table.reserve(table.memory_bytes() + held + table.states.merge_need_bytes(count, &states))?;
        table.states.merge(&self.groups, count, &states)?;
        self.states.clear();
        self.groups.clear();
        Ok(())
    }

    /// Forgets which groups there were; all are settled.
    pub(super) fn clear(&mut self) {
        self.last.clear();
    }
}
