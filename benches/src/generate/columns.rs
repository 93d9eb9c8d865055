//! Tables of many columns.

use super::{Table, end_record, put};
use crate::random::Random;

/// What a column holds.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Int,
    Float,
    Text,
    Flag,
}

/// A table of `c000, c001, ..` whose kinds take turns; one value in 50 is missing.
#[derive(Debug)]
pub struct Columns {
    kinds: Vec<Kind>,
    random: Random,
}

impl Columns {
    /// Whole numbers and decimals in turn.
    #[must_use]
    pub fn numbers(columns: usize, seed: u64) -> Self {
        Self::new(&[Kind::Int, Kind::Float], columns, seed)
    }

    /// Numbers, short texts and flags in turn.
    #[must_use]
    pub fn mixed(columns: usize, seed: u64) -> Self {
        Self::new(&[Kind::Int, Kind::Float, Kind::Text, Kind::Int, Kind::Flag], columns, seed)
    }

    fn new(cycle: &[Kind], columns: usize, seed: u64) -> Self {
        Self { kinds: cycle.iter().copied().cycle().take(columns).collect(), random: Random::new(seed) }
    }
}

impl Table for Columns {
    fn header(&self, out: &mut Vec<u8>) {
        for column in 0..self.kinds.len() {
            put(out, format_args!("c{column:03},"));
        }
        end_record(out);
    }

    fn record(&mut self, out: &mut Vec<u8>) {
        const WORDS: [&str; 8] = ["alder", "birch", "cedar", "elm", "fir", "hazel", "larch", "oak"];
        for kind in &self.kinds {
            let random = &mut self.random;
            if !random.chance(0.02) {
                match kind {
                    Kind::Int => put(out, format_args!("{}", random.below(1_000_000))),
                    Kind::Float => put(out, format_args!("{:.4}", random.normal(0.0, 1000.0))),
                    Kind::Text => out.extend_from_slice(random.pick(&WORDS).as_bytes()),
                    Kind::Flag => out.extend_from_slice(if random.chance(0.5) { b"true" } else { b"false" }),
                }
            }
            out.push(b',');
        }
        end_record(out);
    }
}
