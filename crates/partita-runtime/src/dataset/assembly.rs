//! Which row group is next: arrival in any order, departure in partition order. Pure: no files, no locks.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// The place of a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Its partition.
    pub(super) partition: usize,
    /// Its number in the partition.
    pub(super) index: usize,
}

/// What the writer does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<T> {
    /// Append this.
    RowGroup(T),
    /// All row groups of a partition have been taken.
    EndOfPartition {
        /// Which.
        partition: usize,
        /// The rows that its task said it had.
        rows: u64,
    },
    /// The next row group is not here yet.
    Wait,
}

/// Row groups that wait for their turn.
#[derive(Debug)]
pub(super) struct Assembly<T> {
    head: Position,
    /// `None`: announced, and on its way to memory or file.
    slots: BTreeMap<Position, Option<T>>,
    closed: BTreeMap<usize, Closed>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Closed {
    row_groups: usize,
    rows: u64,
}

impl<T> Assembly<T> {
    /// Waits for partition `first` and those after it.
    pub(super) fn starting_at(first: usize) -> Self {
        let head = Position { partition: first, index: 0 };
        Self { head, slots: BTreeMap::new(), closed: BTreeMap::new() }
    }

    /// Announces a row group; false where it has come before (a task that is run again sends the same).
    ///
    /// # Errors
    /// A message where its partition has been closed with fewer.
    pub(super) fn announce(&mut self, position: Position) -> Result<bool, String> {
        if position < self.head {
            return Ok(false);
        }
        if let Some(closed) = self.closed.get(&position.partition)
            && position.index >= closed.row_groups
        {
            let Position { partition, index } = position;
            return Err(format!("row group {index} of partition {partition} after its end"));
        }
        match self.slots.entry(position) {
            Entry::Occupied(_) => Ok(false),
            Entry::Vacant(slot) => {
                slot.insert(None);
                Ok(true)
            }
        }
    }

    /// Puts an announced row group in its place.
    pub(super) fn place(&mut self, position: Position, item: T) {
        self.slots.insert(position, Some(item));
    }

    /// Whether `position` is the next to leave.
    pub(super) fn is_head(&self, position: Position) -> bool {
        position == self.head
    }

    /// The partition whose row groups leave now.
    pub(super) fn head_partition(&self) -> usize {
        self.head.partition
    }

    /// Says how many row groups and rows a partition has.
    ///
    /// # Errors
    /// A message where it has been said otherwise before, or more have come.
    pub(super) fn close(&mut self, partition: usize, row_groups: usize, rows: u64) -> Result<(), String> {
        if partition < self.head.partition {
            return Ok(());
        }
        let closed = Closed { row_groups, rows };
        if let Some(before) = self.closed.insert(partition, closed)
            && before != closed
        {
            return Err(format!("partition {partition} was closed as {before:?}, and again as {closed:?}"));
        }
        let past = Position { partition, index: row_groups };
        let last = Position { partition, index: usize::MAX };
        let more = self.slots.range(past..=last).next().is_some();
        if more || (partition == self.head.partition && self.head > past) {
            return Err(format!("partition {partition} was closed with fewer row groups than came"));
        }
        Ok(())
    }

    /// Takes the next thing to do.
    pub(super) fn next(&mut self) -> Next<T> {
        let Position { partition, index } = self.head;
        if let Some(closed) = self.closed.get(&partition).copied()
            && closed.row_groups == index
        {
            self.closed.remove(&partition);
            self.head = Position { partition: partition + 1, index: 0 };
            return Next::EndOfPartition { partition, rows: closed.rows };
        }
        let ready = matches!(self.slots.first_key_value(), Some((first, Some(_))) if *first == self.head);
        match if ready { self.slots.pop_first() } else { None } {
            Some((_, Some(item))) => {
                self.head.index += 1;
                Next::RowGroup(item)
            }
            _ => Next::Wait,
        }
    }

    /// Checks that nothing is missing or waits: every partition up to the last, `partitions` in all where given.
    ///
    /// # Errors
    /// A message naming the first partition that is missing.
    pub(super) fn check_complete(&self, partitions: Option<usize>) -> Result<(), String> {
        let Position { partition, index } = self.head;
        let waits = index > 0 || !self.slots.is_empty() || !self.closed.is_empty();
        if waits || partitions.is_some_and(|all| all != partition) {
            let all = partitions.map_or_else(String::new, |all| format!(" of {all}"));
            return Err(format!("partition {partition}{all} was not closed"));
        }
        Ok(())
    }

    /// Gives everything that waits away.
    pub(super) fn clear(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(&mut self.slots).into_values().flatten()
    }
}
