//! Quantiles within a bound.

use serde::{Deserialize, Serialize};

use crate::scalar::total_order;

/// Values of a level before it is halved.
const LEVEL_VALUES: usize = 4096;

/// A sample of weighted values, after Manku, Rajagopalan and Lindsay (1998) and KLL (2016), without chance: a level that is full is
/// sorted, and every second value goes on with twice the weight, the odd ones and the even ones in turns.
///
/// Halving a level whose values have the weight `w` moves no rank by more than `w`. A level is halved at most once in
/// `4096 w` values, so that `n` values in `h` levels give ranks that are wrong by at most `h / 4096`: 0.5 % for ten billion values,
/// and below 1 % for any number that can be counted. Half of that and less is usual.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QuantileSketch {
    levels: Vec<Level>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Level {
    values: Vec<f64>,
    odd: bool,
}

impl QuantileSketch {
    /// Adds values, in order.
    pub fn add(&mut self, values: impl IntoIterator<Item = f64>) {
        if self.levels.is_empty() {
            self.levels.push(Level::default());
        }
        for value in values {
            self.levels[0].values.push(value);
            if self.levels[0].values.len() >= LEVEL_VALUES {
                self.halve(0);
            }
        }
    }

    /// Halves full levels from `level` up.
    fn halve(&mut self, mut level: usize) {
        while self.levels[level].values.len() >= LEVEL_VALUES {
            if level + 1 == self.levels.len() {
                self.levels.push(Level::default());
            }
            let full = &mut self.levels[level];
            let mut values = std::mem::take(&mut full.values);
            values.sort_unstable_by(|a, b| total_order(*a, *b));
            if values.len() % 2 == 1 {
                full.values.extend(values.pop());
            }
            let from = usize::from(full.odd);
            full.odd = !full.odd;
            self.levels[level + 1].values.extend(values.into_iter().skip(from).step_by(2));
            level += 1;
        }
    }

    /// Goes on with the values behind these.
    pub fn merge(&mut self, later: &QuantileSketch) {
        if self.levels.iter().all(|level| level.values.is_empty() && !level.odd) {
            // It goes on as the other would: which values of a full level go up is a part of it.
            self.levels.clone_from(&later.levels);
            return;
        }
        for (level, other) in later.levels.iter().enumerate() {
            if level == self.levels.len() {
                self.levels.push(Level::default());
            }
            self.levels[level].values.extend_from_slice(&other.values);
        }
        let mut level = 0;
        while level < self.levels.len() {
            self.halve(level);
            level += 1;
        }
    }

    /// The values of each level, from the lightest up, and whether the odd ones go on next.
    pub(crate) fn levels(&self) -> impl Iterator<Item = (&[f64], bool)> {
        self.levels.iter().map(|level| (&level.values[..], level.odd))
    }

    /// Adds a level, heavier than those before it.
    pub(crate) fn push_level(&mut self, values: &[f64], odd: bool) {
        self.levels.push(Level { values: values.to_vec(), odd });
    }

    /// Bytes that it takes beside itself.
    pub(crate) fn memory_bytes(&self) -> usize {
        let levels = self.levels.iter().map(|level| level.values.capacity() * size_of::<f64>());
        levels.sum::<usize>() + self.levels.capacity() * size_of::<Level>()
    }

    /// Bytes that it takes at most when so many values more are added: every level keeps less than a full one, and two are at hand
    /// while one is halved.
    pub(crate) fn need_bytes(&self, values: usize) -> usize {
        let weights = self.levels.iter().enumerate();
        let seen = weights.map(|(level, of)| (of.values.len() as u128) << level.min(62)).sum::<u128>();
        let full = (seen + values as u128) / LEVEL_VALUES as u128;
        let levels = 2 + full.checked_ilog2().unwrap_or(0) as usize;
        let level_bytes = LEVEL_VALUES * size_of::<f64>() + 2 * size_of::<Level>();
        (levels.max(self.levels.len()) + 4) * level_bytes
    }

    /// The value at a share of the ranks, from 0 to 1; `None` of no values.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let levels = self.levels.iter().enumerate();
        let mut values: Vec<(f64, u64)> = levels
            .flat_map(|(level, of)| of.values.iter().map(move |value| (*value, 1_u64 << level.min(62))))
            .collect();
        values.sort_by(|a, b| total_order(a.0, b.0));
        let all: u64 = values.iter().map(|(_, weight)| weight).sum();
        let rank = share * all.saturating_sub(1) as f64;
        let mut below = 0.0;
        for (value, weight) in &values {
            below += *weight as f64;
            if below > rank {
                return Some(*value);
            }
        }
        values.last().map(|(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_merged_into_nothing_goes_on_alike() {
        let value = |row: u32| f64::from(row.wrapping_mul(2_654_435_761) >> 7);
        let singly = |sketch: &mut QuantileSketch, rows: std::ops::Range<u32>| {
            rows.for_each(|row| sketch.add([value(row)]));
        };
        for cut in [1, 4_096, 5_000, 13_000] {
            let (mut whole, mut begun) = (QuantileSketch::default(), QuantileSketch::default());
            singly(&mut whole, 0..30_000);
            singly(&mut begun, 0..cut);
            let mut later = QuantileSketch::default();
            later.merge(&begun);
            singly(&mut later, cut..30_000);
            assert!(whole.levels().eq(later.levels()), "{cut}");
        }
    }

    #[test]
    fn ranks_are_within_the_bound() {
        let count = 300_000_u32;
        let shuffled = |i: u32| f64::from((u64::from(i) * 611_953 % u64::from(count)) as u32);
        for parts in [1, 7, 100] {
            let mut sketch = QuantileSketch::default();
            for part in 0..parts {
                let mut later = QuantileSketch::default();
                later.add((part * count / parts..(part + 1) * count / parts).map(shuffled));
                sketch.merge(&later);
            }
            for share in [0.0, 0.01, 0.25, 0.5, 0.9, 1.0] {
                let rank = sketch.quantile(share).unwrap() / f64::from(count - 1);
                assert!((rank - share).abs() < 8.0 / 4096.0, "{parts} {share}: {rank}");
            }
        }
        assert_eq!(QuantileSketch::default().quantile(0.5), None);
    }

    #[test]
    fn what_is_needed_is_known_before() {
        let mut sketch = QuantileSketch::default();
        for step in 0..200_u32 {
            let values = (step * 37 % 9000 + 1) as usize;
            let need = sketch.need_bytes(values);
            sketch.add((0..values).map(|value| value as f64));
            assert!(sketch.memory_bytes() <= need, "{step}: {} over {need}", sketch.memory_bytes());
        }
        assert!(sketch.memory_bytes() > 3 * LEVEL_VALUES * size_of::<f64>());
    }

    #[test]
    fn few_values_are_exact() {
        let mut sketch = QuantileSketch::default();
        sketch.add((0..1009).map(|i| f64::from(i * 856 % 1009)));
        assert_eq!(sketch.quantile(0.5), Some(504.0));
    }
}
