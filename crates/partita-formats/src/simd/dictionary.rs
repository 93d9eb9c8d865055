//! Numbers to their places in a dictionary.

use super::encode::at_each_level;

/// Slots of a table that is new, as a power of two.
const SLOTS_LOG_MIN: u32 = 10;
/// Slots for each value, at least.
const SLOTS_PER_VALUE: usize = 4;
/// Slots that a search passes at most, but for values whose hashes were made to fall together: at most a quarter of
/// the slots is taken, where hashes are as good as random some thirty are never passed.
const STEPS_MAX: usize = 256;
/// Bits of the golden ratio: multiplied by it, neighbours are spread over all slots (Knuth, volume 3, section 6.4).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The different values of a column in the order in which they came, and where to find them again: open addressing,
/// slot by slot.
#[derive(Debug)]
pub(crate) struct Dictionary<T> {
    /// The place of a value, in the slot of its hash or in one behind it. 0 is the first value or none: that one is
    /// never in a slot, but is compared with wherever a search ends.
    slots: Vec<u32>,
    /// 64 less the number of slots as a power of two.
    shift: u32,
    values: Vec<T>,
    /// Whether a value is further from the slot of its hash than any should be.
    is_crowded: bool,
}

/// A value of a dictionary.
pub(crate) trait Key: Copy + Eq {
    /// 64 bits of which the upper ones are different for different values, mostly.
    fn spread(self) -> u64;
}

impl Key for u32 {
    #[inline(always)]
    fn spread(self) -> u64 {
        u64::from(self).wrapping_mul(SPREAD)
    }
}

impl Key for u64 {
    #[inline(always)]
    fn spread(self) -> u64 {
        (self ^ (self >> 32)).wrapping_mul(SPREAD)
    }
}

/// A text: all of it up to 12 bytes, behind its length. Of a longer one the upper half says where it is kept, which whoever
/// looks for it does not know.
impl Key for u128 {
    #[inline(always)]
    fn spread(self) -> u64 {
        let is_short = self as u32 <= 12;
        let (low, high) = (self as u64, if is_short { (self >> 64) as u64 } else { 0 });
        let folded = u128::from(low ^ SPREAD) * u128::from(high ^ 0xd6e8_feb8_6659_fd93);
        (folded as u64 ^ (folded >> 64) as u64).wrapping_mul(SPREAD)
    }
}

impl<T: Key> Dictionary<T> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::new(), shift: 64 - SLOTS_LOG_MIN, values: Vec::new(), is_crowded: false }
    }

    /// The values, each at its place.
    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    /// Whether values were found whose hashes fall together, by chance or made so: each search would take long.
    pub(crate) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// Bytes that are held.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<u32>() + self.values.capacity() * size_of::<T>()
    }

    /// Places `value`, which is not there.
    #[cold]
    #[inline(never)]
    fn insert(&mut self, value: T) -> u32 {
        if self.slots.is_empty() || (self.values.len() + 1) * SLOTS_PER_VALUE > self.slots.len() {
            if !self.slots.is_empty() {
                self.shift -= 1;
            }
            // The old slots go before the new ones come.
            self.slots = Vec::new();
            self.slots = vec![0; 1 << (64 - self.shift)];
            for (place, &value) in self.values.iter().enumerate().skip(1) {
                self.is_crowded |= place_in(&mut self.slots, self.shift, value, place as u32) > STEPS_MAX;
            }
        }
        let place = self.values.len() as u32;
        self.values.push(value);
        if place > 0 {
            self.is_crowded |= place_in(&mut self.slots, self.shift, value, place) > STEPS_MAX;
        }
        place
    }

    /// The place of `value`; `None` where it is not there. `same` is asked only for values that are in the dictionary.
    #[inline(always)]
    pub(crate) fn find_by(&self, spread: u64, mut same: impl FnMut(&T) -> bool) -> Option<u32> {
        let mask = self.slots.len().wrapping_sub(1);
        let mut slot = (spread >> self.shift) as usize;
        loop {
            let place = *self.slots.get(slot & mask)?;
            if same(self.values.get(place as usize)?) {
                return Some(place);
            }
            if place == 0 {
                return None;
            }
            slot += 1;
        }
    }

    /// Places `value`, which [`Dictionary::find_by`] has not found.
    pub(crate) fn add(&mut self, value: T) -> u32 {
        self.insert(value)
    }

    /// Appends the places of `values` to `codes`, adding those that are new; ends behind the value with which the
    /// dictionary has `values_max`, or is crowded. Returns how many were taken.
    #[inline(always)]
    fn encode(&mut self, values: &[T], values_max: usize, codes: &mut Vec<u32>) -> usize {
        let Some(&first) = values.first() else { return 0 };
        if self.values.is_empty() {
            self.insert(first);
            if values_max <= 1 {
                codes.push(0);
                return 1;
            }
        }
        let start = codes.len();
        codes.resize(start + values.len(), 0);
        let mut taken = 0;
        for (code, &value) in codes[start..].iter_mut().zip(values) {
            taken += 1;
            let slot = (value.spread() >> self.shift) as usize;
            // SAFETY: there is a value, so there are 2 to the power of 64 - `shift` slots; each has the place of a value.
            let (place, there) = unsafe {
                let place = *self.slots.get_unchecked(slot);
                (place, *self.values.get_unchecked(place as usize))
            };
            *code = place;
            if there != value {
                *code = self.find_or_insert(value);
                if self.values.len() >= values_max || self.is_crowded {
                    break;
                }
            }
        }
        codes.truncate(start + taken);
        taken
    }

    /// The place of a value that is not in its first slot.
    #[inline(always)]
    fn find_or_insert(&mut self, value: T) -> u32 {
        match self.find_by(value.spread(), |&there| there == value) {
            Some(place) => place,
            None => self.insert(value),
        }
    }
}

/// Puts `place` into the first slot that is free; how many were not.
fn place_in<T: Key>(slots: &mut [u32], shift: u32, value: T, place: u32) -> usize {
    let mask = slots.len() - 1;
    let first = (value.spread() >> shift) as usize;
    let mut slot = first;
    while slots[slot & mask] != 0 {
        slot += 1;
    }
    slots[slot & mask] = place;
    slot - first
}

#[inline(always)]
fn encode32_body(
    dictionary: &mut Dictionary<u32>,
    values: &[u32],
    most: usize,
    codes: &mut Vec<u32>,
) -> usize {
    dictionary.encode(values, most, codes)
}

#[inline(always)]
fn encode64_body(
    dictionary: &mut Dictionary<u64>,
    values: &[u64],
    most: usize,
    codes: &mut Vec<u32>,
) -> usize {
    dictionary.encode(values, most, codes)
}

at_each_level! {
    /// [`Dictionary::encode`].
    fn encode32(dictionary: &mut Dictionary<u32>, values: &[u32], most: usize, codes: &mut Vec<u32>) -> usize = encode32_body;
}
at_each_level! {
    /// [`Dictionary::encode`].
    fn encode64(dictionary: &mut Dictionary<u64>, values: &[u64], most: usize, codes: &mut Vec<u32>) -> usize = encode64_body;
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::encode::Cpu;
    use super::*;

    #[test]
    fn values_made_to_fall_together_are_noticed() {
        // The inverse of the multiplier, by Newton's steps: hashes that differ in their lowest bits alone.
        let inverse = (0..6).fold(SPREAD, |inverse, _| {
            inverse.wrapping_mul(2_u64.wrapping_sub(SPREAD.wrapping_mul(inverse)))
        });
        let values: Vec<u64> = (1..100_000_u64)
            .map(|hash| hash.wrapping_mul(inverse))
            .map(|folded| folded ^ (folded >> 32))
            .collect();
        let (mut dictionary, mut codes) = (Dictionary::new(), Vec::new());
        let taken = encode64(Cpu::new(), &mut dictionary, &values, usize::MAX, &mut codes);
        assert!(dictionary.is_crowded() && taken < 1000, "{taken}");
        let values: Vec<u64> = (0..100_000).collect();
        let (mut dictionary, mut codes) = (Dictionary::new(), Vec::new());
        assert_eq!(encode64(Cpu::new(), &mut dictionary, &values, usize::MAX, &mut codes), values.len());
        assert!(!dictionary.is_crowded());
    }

    proptest! {
        #[test]
        fn places_are_by_first_appearance(
            values in proptest::collection::vec(any::<u64>(), 0..3000),
            modulus in 1..5000_u64,
            shift in 0..40_u32,
            most in 1..4000_usize,
        ) {
            let values: Vec<u64> = values.iter().map(|value| (value % modulus) << shift).collect();
            let (mut places, mut expected) = (HashMap::new(), Vec::new());
            for &value in &values {
                let next = places.len() as u32;
                expected.push(*places.entry(value).or_insert(next));
                if next as usize != places.len() && places.len() >= most {
                    break;
                }
            }
            for cpu in Cpu::all() {
                let mut dictionary = Dictionary::new();
                let mut codes = Vec::new();
                let taken = encode64(cpu, &mut dictionary, &values, most, &mut codes);
                prop_assert_eq!(taken, expected.len());
                prop_assert_eq!(&codes, &expected);
                prop_assert_eq!(dictionary.values().len(), places.len());
                let back: Vec<u64> = codes.iter().map(|&code| dictionary.values()[code as usize]).collect();
                prop_assert_eq!(&back, &values[..taken]);
            }
        }
    }
}
