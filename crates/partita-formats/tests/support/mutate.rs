//! Damage, by a seed.

/// Numbers of a generator with 64 bits of state (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number less than `end`, which is not 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

/// Bytes that make lengths large, signs negative and structures end.
const TELLING: [u8; 12] = [0, 1, 2, 0x0f, 0x15, 0x19, 0x1c, 0x7f, 0x80, 0xf5, 0xfe, 0xff];

/// A few wounds, many of them in the footer or in the header of the first page, where sizes are.
pub(crate) fn mutated(original: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    let wounds = if random.below(2) == 0 { 1 } else { 1 + random.below(4) };
    for _ in 0..wounds {
        if bytes.len() < 16 {
            break;
        }
        let at = place(&bytes, random);
        let to = (at + 1 + random.below(32)).min(bytes.len());
        match random.below(10) {
            0 | 1 => bytes[at] ^= 1 << random.below(8),
            2..=4 => bytes[at] = TELLING[random.below(TELLING.len())],
            5 => bytes[at..to].fill(TELLING[random.below(TELLING.len())]),
            6 => {
                let copy: Vec<u8> = bytes[at..to].to_vec();
                let target = random.below(bytes.len() - copy.len() + 1);
                bytes[target..target + copy.len()].copy_from_slice(&copy);
            }
            7 => {
                let from = random.below(other.len());
                let count = (to - at).min(other.len() - from);
                bytes[at..at + count].copy_from_slice(&other[from..from + count]);
            }
            8 => {
                // A number of ten bytes where there was another.
                let huge = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x01];
                let count = (bytes.len() - at).min(1 + random.below(huge.len()));
                bytes[at..at + count].copy_from_slice(&huge[huge.len() - count..]);
            }
            _ => {
                // Bytes lost in the middle, the end as it was: everything after them is elsewhere.
                bytes.drain(at..to);
            }
        }
    }
    if random.below(20) == 0 {
        bytes.truncate(random.below(bytes.len() + 1));
    }
    bytes
}

fn place(bytes: &[u8], random: &mut Random) -> usize {
    let end = bytes.len();
    let footer =
        u32::from_le_bytes([bytes[end - 8], bytes[end - 7], bytes[end - 6], bytes[end - 5]]) as usize;
    match random.below(8) {
        0..=2 if footer > 0 && footer + 8 <= end => end - 8 - footer + random.below(footer),
        3 => random.below(end.min(64)),
        4 => end - 1 - random.below(8),
        _ => random.below(end),
    }
}
