//! The rows of each group, in order.

use super::super::NO_GROUP;
use crate::error::{ErrorKind, Result};

/// Rows by their groups.
#[derive(Debug, Clone)]
pub struct GroupRows {
    /// Rows of the first group, then of the next; within a group in their order.
    order: Vec<u32>,
    /// Where each group begins in `order`, and the end of the last.
    starts: Vec<u32>,
    rows: usize,
}

impl GroupRows {
    /// Of rows of these groups, numbered below `groups`; rows of [`NO_GROUP`] are in none.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] for a group beyond `groups`, and for 2^32 rows or more.
    pub fn new(numbers: &[u32], groups: usize) -> Result<Self> {
        if numbers.len() >= u32::MAX as usize {
            let message = format!("expected fewer than 2^32 rows, got {}", numbers.len());
            return Err(ErrorKind::Shape(message).into());
        }
        let mut starts = vec![0_u32; groups + 1];
        for number in numbers.iter().filter(|number| **number != NO_GROUP) {
            let count = starts.get_mut(*number as usize + 1);
            *count.ok_or_else(|| {
                ErrorKind::Shape(format!("expected groups before {groups}, got {number}"))
            })? += 1;
        }
        let mut all = 0;
        for start in &mut starts {
            all += *start;
            *start = all;
        }
        let mut next = starts.clone();
        let mut order = vec![0; all as usize];
        for (row, number) in numbers.iter().enumerate().filter(|(_, number)| **number != NO_GROUP) {
            let place = &mut next[*number as usize];
            order[*place as usize] = row as u32;
            *place += 1;
        }
        Ok(Self { order, starts, rows: numbers.len() })
    }

    /// How many rows there are, those in no group included.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Whether there is no group.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of each group, in their order.
    pub fn groups(&self) -> impl Iterator<Item = &[u32]> {
        self.starts.windows(2).map(|ends| &self.order[ends[0] as usize..ends[1] as usize])
    }

    /// Bytes that it takes, and takes while it is made, for so many rows and groups.
    pub fn need_bytes(rows: usize, groups: usize) -> usize {
        (rows + 2 * groups + 2) * size_of::<u32>()
    }

    /// The same groups with their rows in another order: that of `order`, which names each row once.
    pub(super) fn reordered(&self, order: &[u32]) -> Self {
        let mut numbers = vec![NO_GROUP; self.rows];
        for (number, rows) in self.groups().enumerate() {
            rows.iter().for_each(|row| numbers[*row as usize] = number as u32);
        }
        let mut next = self.starts.clone();
        let mut sorted = vec![0; self.order.len()];
        for row in order {
            let number = numbers[*row as usize];
            if number != NO_GROUP {
                let place = &mut next[number as usize];
                sorted[*place as usize] = *row;
                *place += 1;
            }
        }
        Self { order: sorted, starts: self.starts.clone(), rows: self.rows }
    }
}
