//! Floats with 17 digits: the longest way to write a number that is read back exactly, and the slowest to read.

use super::{Table, end_record, put};
use crate::random::Random;

/// Columns of floats, plain decimals and exponents in turn.
#[derive(Debug)]
pub struct Floats {
    columns: usize,
    random: Random,
}

impl Floats {
    /// A table of so many columns.
    #[must_use]
    pub fn new(columns: usize, seed: u64) -> Self {
        Self { columns, random: Random::new(seed) }
    }
}

impl Table for Floats {
    fn header(&self, out: &mut Vec<u8>) {
        for column in 0..self.columns {
            put(out, format_args!("f{column},"));
        }
        end_record(out);
    }

    fn record(&mut self, out: &mut Vec<u8>) {
        for column in 0..self.columns {
            if column % 2 == 0 {
                put(out, format_args!("{:.17},", self.random.unit()));
            } else {
                put(out, format_args!("{:.16e},", any_finite(&mut self.random)));
            }
        }
        end_record(out);
    }
}

/// Any float but infinities and NaN, each bit pattern equally likely.
fn any_finite(random: &mut Random) -> f64 {
    loop {
        let value = f64::from_bits(random.bits());
        if value.is_finite() {
            return value;
        }
    }
}
