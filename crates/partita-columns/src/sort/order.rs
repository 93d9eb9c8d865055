//! The order of keys.
//!
//! A prefix of each key and its row number are packed into one word; a radix sort by digits, the lowest first, orders
//! the words, and so keeps equal keys in the order of their rows. Prefixes are what is left of the keys when the
//! least is subtracted and a common divisor taken out: keys of timestamps at whole seconds fit as a whole. Where
//! they do not fit, rows of equal prefixes are compared afterwards.

use std::cmp::Ordering;

use super::keys::{Keys, Store, Texts};

/// Below so many rows, a comparison sort of the packed words is faster than counting digits.
const RADIX_ROWS_MIN: usize = 512;

/// Of a digit: its counts stay in the L1 cache.
const DIGIT_BITS_MAX: u32 = 11;

/// Keys that a common divisor is guessed from.
const DIVISOR_SAMPLES: usize = 64;

impl Keys {
    /// A stable order: the positions of all rows, that of the least key first. Rows are fewer than 2^32.
    ///
    /// Sorted keys and reverse sorted keys take one pass.
    pub fn sorted(&self) -> Vec<u32> {
        match &self.store {
            Store::Words { words, .. } => {
                presorted(words.len(), |a, b| words[a] <= words[b], |a, b| words[a] == words[b])
                    .unwrap_or_else(|| order_words(words))
            }
            Store::Pairs(pairs) => {
                presorted(pairs.len(), |a, b| pairs[a] <= pairs[b], |a, b| pairs[a] == pairs[b])
                    .unwrap_or_else(|| order_pairs(pairs))
            }
            Store::Bytes(texts) => presorted(
                texts.ends.len(),
                |a, b| texts.get(a) <= texts.get(b),
                |a, b| texts.get(a) == texts.get(b),
            )
            .unwrap_or_else(|| order_texts(texts)),
        }
    }

    /// Bytes that [`Keys::sorted`] takes while it works, its result included.
    pub fn sort_bytes(&self) -> usize {
        let prefixes = if matches!(self.store, Store::Words { .. }) { 0 } else { size_of::<u64>() };
        self.len() * (prefixes + 2 * size_of::<u64>() + size_of::<u32>())
    }
}

/// The order of rows that never ascend or never descend.
fn presorted(
    rows: usize,
    is_le: impl Fn(usize, usize) -> bool,
    is_equal: impl Fn(usize, usize) -> bool,
) -> Option<Vec<u32>> {
    if (1..rows).all(|row| is_le(row - 1, row)) {
        return Some((0..rows as u32).collect());
    }
    if !(1..rows).all(|row| is_le(row, row - 1)) {
        return None;
    }
    let mut order: Vec<u32> = (0..rows as u32).rev().collect();
    for equal in order.chunk_by_mut(|&a, &b| is_equal(a as usize, b as usize)) {
        equal.reverse();
    }
    Some(order)
}

fn order_words(words: &[u64]) -> Vec<u32> {
    order(words, true, |a, b| words[a as usize].cmp(&words[b as usize]))
}

fn order_pairs(pairs: &[u128]) -> Vec<u32> {
    let least = pairs.iter().min().copied().unwrap_or(0);
    let most = pairs.iter().max().copied().unwrap_or(0);
    // The highest bits that differ.
    let shift = (128 - (most - least).leading_zeros()).saturating_sub(64);
    let prefixes: Vec<u64> = pairs.iter().map(|pair| ((pair - least) >> shift) as u64).collect();
    if shift == 0 {
        return order_words(&prefixes);
    }
    order(&prefixes, false, |a, b| pairs[a as usize].cmp(&pairs[b as usize]))
}

/// By the eight bytes after those that all texts have in common.
fn order_texts(texts: &Texts) -> Vec<u32> {
    let rows = 0..texts.ends.len();
    let first = if rows.is_empty() { &[][..] } else { texts.get(0) };
    let common = rows.clone().fold(first.len(), |common, row| {
        let text = texts.get(row);
        if text.starts_with(&first[..common]) {
            return common;
        }
        first.iter().zip(text).take_while(|(a, b)| a == b).count()
    });
    let prefixes: Vec<u64> = rows.map(|row| prefix(&texts.get(row)[common..])).collect();
    order(&prefixes, false, |a, b| texts.get(a as usize).cmp(texts.get(b as usize)))
}

/// The first eight bytes as a number; zeros where there are fewer.
fn prefix(text: &[u8]) -> u64 {
    if let Some(bytes) = text.first_chunk::<8>() {
        return u64::from_be_bytes(*bytes);
    }
    text.iter().enumerate().fold(0, |word, (at, byte)| word | u64::from(*byte) << (56 - 8 * at))
}

/// The order by `compare`, of which that of `prefixes` is a part, or the whole.
fn order(prefixes: &[u64], is_whole: bool, compare: impl Fn(u32, u32) -> Ordering) -> Vec<u32> {
    let Packed { mut words, row_bits, key_bits, is_cut } = pack(prefixes);
    if words.len() < RADIX_ROWS_MIN {
        words.sort_unstable();
    } else {
        words = radix(words, row_bits, key_bits);
    }
    let row_mask = (1_u64 << row_bits) - 1;
    let mut order: Vec<u32> = words.iter().map(|word| (word & row_mask) as u32).collect();
    if is_cut || !is_whole {
        let mut start = 0;
        for equal in words.chunk_by(|a, b| a >> row_bits == b >> row_bits) {
            let end = start + equal.len();
            // Stable: these are in the order of their rows.
            order[start..end].sort_by(|&a, &b| compare(a, b));
            start = end;
        }
    }
    order
}

/// Row numbers in the lowest bits, the highest bits of prefixes above them.
struct Packed {
    words: Vec<u64>,
    row_bits: u32,
    key_bits: u32,
    /// Whether low bits of prefixes are missing.
    is_cut: bool,
}

fn pack(prefixes: &[u64]) -> Packed {
    let (least, most) =
        prefixes.iter().fold((u64::MAX, 0), |(least, most), &key| (least.min(key), most.max(key)));
    let range = most.saturating_sub(least);
    let sample = prefixes.iter().step_by((prefixes.len() / DIVISOR_SAMPLES).max(1));
    let guess = sample.fold(range, |divisor, key| common_divisor(divisor, key - least));
    pack_by(prefixes, least, range, guess.max(1)).unwrap_or_else(|other| other)
}

/// What is packed when all differences to the least are multiples of `divisor`; otherwise, as an error, without it.
fn pack_by(prefixes: &[u64], least: u64, range: u64, divisor: u64) -> Result<Packed, Packed> {
    let row_bits = usize::BITS - prefixes.len().saturating_sub(1).leading_zeros();
    let bits = u64::BITS - (range / divisor).leading_zeros();
    let cut = (bits + row_bits).saturating_sub(u64::BITS);
    // Exact division by an odd number is a product (Warren, Hacker's Delight, 10-16); that of what is not a multiple
    // is over every quotient.
    let (zeros, inverse) = (divisor.trailing_zeros(), inverse(divisor >> divisor.trailing_zeros()));
    let mut highest = 0;
    let words = prefixes.iter().enumerate().map(|(row, key)| {
        let quotient = (key - least).wrapping_mul(inverse).rotate_right(zeros);
        highest = highest.max(quotient);
        (quotient >> cut) << row_bits | row as u64
    });
    let words = words.collect();
    if divisor > 1 && highest > range / divisor {
        return Err(pack_by(prefixes, least, range, 1).unwrap_or_else(|same| same));
    }
    Ok(Packed { words, row_bits, key_bits: bits - cut, is_cut: cut > 0 })
}

fn common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Of an odd number, modulo 2^64, by Newton's iteration: 3 bits, then twice as many each time.
fn inverse(odd: u64) -> u64 {
    (0..5).fold(odd, |inverse, _| inverse.wrapping_mul(2_u64.wrapping_sub(odd.wrapping_mul(inverse))))
}

/// The words ordered by `bits` bits from bit `low` on; stable.
fn radix(mut words: Vec<u64>, low: u32, bits: u32) -> Vec<u64> {
    let passes = bits.div_ceil(DIGIT_BITS_MAX).max(1);
    let digit_bits = bits.div_ceil(passes);
    let mask = (1_u64 << digit_bits) - 1;
    let mut counts = vec![0_u32; (passes as usize) << digit_bits];
    for word in &words {
        let mut key = word >> low;
        for pass in 0..passes as usize {
            counts[pass << digit_bits | (key & mask) as usize] += 1;
            key >>= digit_bits;
        }
    }
    let rows = words.len() as u32;
    let mut other = vec![0_u64; words.len()];
    for (pass, counts) in counts.chunks_mut(1 << digit_bits).enumerate() {
        if counts.contains(&rows) {
            continue;
        }
        let mut start = 0;
        for count in counts.iter_mut() {
            start += std::mem::replace(count, start);
        }
        let shift = low + pass as u32 * digit_bits;
        for word in &words {
            let place = &mut counts[(word >> shift & mask) as usize];
            other[*place as usize] = *word;
            *place += 1;
        }
        std::mem::swap(&mut words, &mut other);
    }
    words
}
