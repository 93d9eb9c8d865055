//! Tables small enough for the cache, for kernel benches.

use std::fmt;

use crate::generate::{Columns, Floats, Quoted, Table, Taxi, to_vec};

/// A table, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    /// Trips: 18 columns of numbers, times and flags.
    Taxi,
    /// 100 columns of numbers.
    Wide,
    /// 500 columns of all kinds.
    Columns,
    /// 17-digit floats.
    Floats,
    /// Texts with quotes and line breaks.
    Quoted,
}

/// All of them.
pub const SAMPLES: [Sample; 5] =
    [Sample::Taxi, Sample::Wide, Sample::Columns, Sample::Floats, Sample::Quoted];

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

impl Sample {
    /// Its CSV, header included: a little more than a chunk of 256 KiB.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        let (mut table, rows): (Box<dyn Table>, u64) = match self {
            Sample::Taxi => (Box::new(Taxi::month(1, 3000)), 3000),
            Sample::Wide => (Box::new(Columns::numbers(100, 1)), 350),
            Sample::Columns => (Box::new(Columns::mixed(500, 1)), 80),
            Sample::Floats => (Box::new(Floats::new(10, 1)), 1250),
            Sample::Quoted => (Box::new(Quoted::new(1)), 1400),
        };
        to_vec(table.as_mut(), rows)
    }
}
