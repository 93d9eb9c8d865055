use proptest::prelude::*;

use super::*;

/// All operations over one block, as numbers.
struct All<'a> {
    block: &'a Block,
    masks: [u64; 4],
    base: u32,
}

impl Job for All<'_> {
    type Output = (Vec<u64>, Vec<u32>);

    fn run<L: Lanes>(self, lanes: L) -> Self::Output {
        let [places, marked, keep, pattern] = self.masks;
        let mut words = lanes.equal(self.block, [b',', b'\n', 0, 255]).to_vec();
        words.extend([lanes.parity(places), lanes.deposit(pattern, places)]);
        let mut written = Vec::new();
        for marked in [0, marked & places] {
            let mut room = [0; BLOCK_BYTES];
            let count = lanes.write(&mut room, self.base, places, marked);
            written.extend_from_slice(&room[..count]);
            let count = lanes.write_kept(&mut room, self.base, places, marked, keep);
            written.extend_from_slice(&room[..count]);
        }
        (words, written)
    }
}

/// The block that is written for sure.
struct Squeeze<'a> {
    window: &'a Window,
    dropped: u64,
}

impl Job for Squeeze<'_> {
    type Output = Vec<u8>;

    fn run<L: Lanes>(self, lanes: L) -> Self::Output {
        let mut target = [MaybeUninit::new(0); 2 * BLOCK_BYTES];
        lanes.squeeze(self.window, self.dropped, &mut target);
        // SAFETY: all of it has been written before.
        target[..BLOCK_BYTES].iter().map(|byte| unsafe { byte.assume_init() }).collect()
    }
}

/// Bit by bit.
fn slowly(block: &Block, [places, marked, keep, pattern]: [u64; 4], base: u32) -> (Vec<u64>, Vec<u32>) {
    let bits = |mask: u64| (0..64).filter(move |bit| mask >> bit & 1 == 1);
    let equal = |byte| (0..64).filter(|&at| block[at] == byte).map(|at| 1 << at).sum();
    let mut words: Vec<u64> = [b',', b'\n', 0, 255].map(equal).to_vec();
    words.push((0..64).map(|at| (bits(places).filter(|&bit| bit <= at).count() as u64 & 1) << at).sum());
    let deposited = bits(places).enumerate().filter(|(index, _)| pattern >> index & 1 == 1);
    words.push(deposited.map(|(_, bit)| 1 << bit).sum());
    let mut written = Vec::new();
    for marked in [0, marked & places] {
        for keep in [u64::MAX, keep] {
            let kept = bits(places).enumerate().filter(|(index, _)| keep >> index & 1 == 1);
            written.extend(kept.map(|(_, bit)| (base + bit as u32) | ((marked >> bit & 1) as u32) << 31));
        }
    }
    (words, written)
}

fn masks() -> impl Strategy<Value = u64> {
    (any::<u64>(), any::<u64>(), 0..5).prop_map(|(one, other, kind)| match kind {
        0 => one,
        1 => one & other,
        2 => one & other & one.rotate_left(7) & other.rotate_left(13),
        3 => 0,
        _ => u64::MAX,
    })
}

proptest! {
    #[test]
    fn all_levels_give_the_same(
        bytes in prop::collection::vec(prop_oneof![Just(b','), Just(b'\n'), Just(0), any::<u8>()], BLOCK_BYTES),
        masks in [masks(), masks(), masks(), masks()],
        base in 0..(1_u32 << 31) - 64,
    ) {
        let block: &Block = bytes.first_chunk().unwrap();
        let job = || All { block, masks, base };
        let expected = slowly(block, masks, base);
        prop_assert_eq!(&job().run(Plain), &expected);
        for level in cpu::levels() {
            prop_assert_eq!(&run(level, job()), &expected, "{:?}", level);
        }
    }

    #[test]
    fn what_is_dropped_is_gone_and_the_rest_closes_up(
        bytes in prop::collection::vec(any::<u8>(), 2 * BLOCK_BYTES),
        dropped in masks(),
    ) {
        let window: &Window = bytes.first_chunk().unwrap();
        let expected: Vec<u8> = (0..BLOCK_BYTES).filter(|at| dropped >> at & 1 == 0).map(|at| bytes[at]).collect();
        let job = || Squeeze { window, dropped };
        prop_assert_eq!(&job().run(Plain)[..expected.len()], &expected[..]);
        for level in cpu::levels() {
            prop_assert_eq!(&run(level, job())[..expected.len()], &expected[..], "{:?}", level);
        }
    }
}
