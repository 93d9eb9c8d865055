//! The places of values among those of their group.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array, UInt64Array};
use serde::{Deserialize, Serialize};

use super::GroupRows;
use crate::error::Result;
use crate::sort::{Direction, KeyLayout};

/// What equal values have as their rank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RankMethod {
    /// The mean of their places.
    Average,
    /// The first of their places.
    Min,
    /// The last of their places.
    Max,
    /// The number of different values before them, and one.
    Dense,
    /// Each its own place, in the order of rows.
    Ordinal,
}

impl RankMethod {
    const ALL: [Self; 5] = [Self::Average, Self::Min, Self::Max, Self::Dense, Self::Ordinal];

    /// The name in expressions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Average => "average",
            Self::Min => "min",
            Self::Max => "max",
            Self::Dense => "dense",
            Self::Ordinal => "ordinal",
        }
    }

    /// The method of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.name() == name)
    }
}

/// The rank of each row; nulls have none.
pub(super) fn rank(
    method: RankMethod,
    descending: bool,
    groups: &GroupRows,
    column: &ArrayRef,
) -> Result<ArrayRef> {
    let direction = Direction { descending, nulls_first: false };
    let layout = KeyLayout::new(&[(column.data_type().clone(), direction)])?;
    let keys = layout.encode(std::slice::from_ref(column))?;
    let sorted = groups.reordered(&keys.sorted());
    let nulls = column.logical_nulls();
    let is_null = |row: u32| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row as usize));
    // Twice the rank: a mean of places may have a half.
    let mut ranks: Vec<Option<u64>> = vec![None; groups.rows()];
    for rows in sorted.groups() {
        let mut different = 0;
        let mut start = 0;
        while start < rows.len() && !is_null(rows[start]) {
            let first = rows[start] as usize;
            let is_equal =
                |row: &u32| !is_null(*row) && keys.compare(first, &keys, *row as usize) == Ordering::Equal;
            let count = rows[start..].iter().take_while(|row| is_equal(row)).count();
            different += 1;
            for (place, row) in rows[start..start + count].iter().enumerate() {
                let twice = match method {
                    RankMethod::Average => 2 * start + count + 1,
                    RankMethod::Min => 2 * (start + 1),
                    RankMethod::Max => 2 * (start + count),
                    RankMethod::Dense => 2 * different,
                    RankMethod::Ordinal => 2 * (start + place + 1),
                };
                ranks[*row as usize] = Some(twice as u64);
            }
            start += count;
        }
    }
    Ok(match method {
        RankMethod::Average => Arc::new(
            ranks.iter().map(|twice| twice.map(|twice| twice as f64 / 2.0)).collect::<Float64Array>(),
        ),
        _ => Arc::new(ranks.iter().map(|twice| twice.map(|twice| twice / 2)).collect::<UInt64Array>()),
    })
}
