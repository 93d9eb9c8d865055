//! Which buckets of a hash rows are in. That says how many distinct keys there are, however many rows have each of them.

use arrow::array::{ArrayRef, AsArray, UInt16Array};
use arrow::datatypes::UInt16Type;
use partita_columns::sort::{KeyLayout, Keys};

use crate::error::{ErrorKind, Result};

/// Buckets are told apart by so many of their upper bits.
const BITS: u32 = 12;

const COUNT: usize = 1 << BITS;

/// Where fewer are empty, nothing is known but that there are many keys.
const EMPTY_MIN: usize = COUNT / 64;

/// The buckets that rows were seen in.
#[derive(Clone)]
pub(super) struct Buckets {
    words: Box<[u64; COUNT / u64::BITS as usize]>,
}

impl Buckets {
    pub(super) fn new() -> Self {
        Self { words: Box::new([0; COUNT / u64::BITS as usize]) }
    }

    /// Bytes that they take.
    pub(super) const BYTES: usize = COUNT / u8::BITS as usize;

    /// Looks at the next rows.
    pub(super) fn push(&mut self, buckets: &ArrayRef) -> Result<()> {
        let buckets = buckets.as_primitive_opt::<UInt16Type>();
        let buckets = buckets.ok_or_else(|| ErrorKind::Missing("the buckets of rows".into()))?;
        for bucket in buckets.values() {
            let at = usize::from(bucket >> (u16::BITS - BITS));
            self.words[at / 64] |= 1 << (at % 64);
        }
        Ok(())
    }

    /// Adds what others saw.
    pub(super) fn join(&mut self, others: &Self) {
        self.words.iter_mut().zip(others.words.iter()).for_each(|(word, other)| *word |= other);
    }

    /// How many parts of about so many keys are needed: by linear counting (Whang, Vander-Zanden and Taylor, 1990), and `most` where that
    /// cannot tell.
    pub(super) fn parts(&self, keys: u64, most: usize) -> usize {
        let seen: u32 = self.words.iter().map(|word| word.count_ones()).sum();
        let empty = COUNT - seen as usize;
        if empty < EMPTY_MIN {
            return most.max(1);
        }
        let distinct = COUNT as f64 * (COUNT as f64 / empty as f64).ln();
        ((distinct / keys.max(1) as f64).ceil() as usize).clamp(1, most.max(1))
    }

    /// Where all of so many parts but the first begin: each has as many buckets.
    pub(super) fn bounds(layout: &KeyLayout, parts: usize) -> Result<Keys> {
        let begin = |part: usize| (part << u16::BITS) / parts;
        // There are no more parts than buckets.
        let mut begins: Vec<u16> = (1..parts).map(|part| begin(part) as u16).collect();
        begins.dedup();
        Ok(layout.encode(&[std::sync::Arc::new(UInt16Array::from(begins)) as ArrayRef])?)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn seen(buckets: impl IntoIterator<Item = u16>) -> Buckets {
        let mut seen = Buckets::new();
        seen.push(&(Arc::new(UInt16Array::from_iter_values(buckets)) as ArrayRef)).unwrap();
        seen
    }

    /// Buckets of so many distinct keys: the upper bits of a hash that is as good as random (a plain product would fill them evenly).
    fn of_keys(keys: u64) -> impl Iterator<Item = u16> {
        let mixed = |key: u64| {
            let mixed = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb)
        };
        (1..=keys).map(move |key| (mixed(key) >> 48) as u16)
    }

    #[test]
    fn keys_are_counted_and_not_rows() {
        let once = seen(of_keys(10_000));
        let often = seen(of_keys(10_000).chain(of_keys(10_000)).chain(of_keys(5_000)));
        assert_eq!(once.words, often.words);
        let mut joined = seen(of_keys(5_000));
        joined.join(&once);
        assert_eq!(joined.words, once.words);
    }

    #[test]
    fn parts_have_about_as_many_keys_as_asked_for() {
        assert_eq!(Buckets::new().parts(1000, 50), 1);
        assert_eq!(seen([7, 65_535]).parts(1000, 50), 1);
        let parts = seen(of_keys(8_000)).parts(1000, 50);
        assert!((5..=12).contains(&parts), "{parts}");
        assert_eq!(seen(of_keys(8_000)).parts(1000, 3), 3);
        assert_eq!(seen(of_keys(1_000_000)).parts(1000, 50), 50);
        assert_eq!(seen(of_keys(1_000_000)).parts(1000, 0), 1);
    }
}
