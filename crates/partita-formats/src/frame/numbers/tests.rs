//! Blocks of numbers come back bit for bit, at each level of the processor.

use proptest::prelude::*;

use super::*;

fn there_and_back(raw: &[u8]) -> Option<usize> {
    let mut first: Option<Option<Vec<u8>>> = None;
    for cpu in Cpu::all() {
        let mut out = Vec::new();
        let packed = Numbers::default().pack(cpu, raw, &mut out).then_some(out);
        assert_eq!(first.get_or_insert_with(|| packed.clone()), &packed);
        let Some(packed) = packed else { continue };
        let mut back = vec![0xa5; raw.len()];
        Numbers::default().unpack(cpu, &packed, &mut back).unwrap();
        assert_eq!(back, raw);
    }
    first.flatten().map(|packed| packed.len())
}

fn bytes_of<const N: usize>(values: impl IntoIterator<Item = [u8; N]>) -> Vec<u8> {
    values.into_iter().flatten().collect()
}

#[test]
fn sizes_are_those_of_the_numbers() {
    let seconds = bytes_of(
        (0..1000).map(|at: i64| (1_400_000_000 + at * 7 % 1000).wrapping_mul(1_000_000).to_le_bytes()),
    );
    assert_eq!(there_and_back(&seconds), Some(HEAD_BYTES + 1000 * 10 / 8));
    let fares = bytes_of((0..1000).map(|at: i64| ((at * 37 % 5000) as f64 / 100.0).to_le_bytes()));
    assert_eq!(there_and_back(&fares), Some(HEAD_BYTES + 1000 * 13 / 8));
    let zones = bytes_of((0..1000).map(|at: i32| (at % 265).to_le_bytes()));
    assert_eq!(there_and_back(&zones[..3996]), Some(HEAD_BYTES + 1000 * 9 / 8));
    let same = bytes_of([i64::MIN.to_le_bytes(); 77]);
    assert_eq!(there_and_back(&same), Some(HEAD_BYTES));
    let wide = bytes_of((0..1000_u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes()));
    assert_eq!(there_and_back(&wide), None);
    assert_eq!(there_and_back(&[]), Some(HEAD_BYTES));
    assert_eq!(there_and_back(&[1, 2, 3]), None);
}

#[test]
fn doubles_keep_their_bits() {
    for value in [-0.0, f64::NAN, f64::INFINITY, f64::MIN_POSITIVE, 1e300, -1e15, 0.1 + 0.2, -123.45, 0.00001]
    {
        for ordinary in [0.0, 1.25, -7.5] {
            let mut values = vec![ordinary; 300];
            values[201] = value;
            there_and_back(&bytes_of(values.into_iter().map(f64::to_le_bytes)));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_numbers_come_back(
        base in any::<i64>(), step in 0_u64..5_000_000, counts in prop::collection::vec(0_u64..5000, 0..400),
        odd in prop::option::of((any::<prop::sample::Index>(), any::<i64>())), place in 0_usize..5,
    ) {
        let mut values: Vec<i64> =
            counts.iter().map(|count| base.wrapping_add(count.wrapping_mul(step) as i64)).collect();
        if let Some((at, value)) = &odd && !values.is_empty() {
            let at = at.index(values.len());
            values[at] = *value;
        }
        there_and_back(&bytes_of(values.iter().map(|value| value.to_le_bytes())));
        there_and_back(&bytes_of(values.iter().map(|value| (*value as i32).to_le_bytes())));
        there_and_back(&bytes_of(counts.iter().map(|count| (*count as f64 / TENS[place]).to_le_bytes())));
        there_and_back(&bytes_of(values.iter().map(|value| (*value as f64 / 100.0).to_le_bytes())));
    }

    #[test]
    fn any_bytes_are_refused_or_fill(bytes in prop::collection::vec(any::<u8>(), 0..200), raw in 0_usize..600) {
        for cpu in Cpu::all() {
            let _ = Numbers::default().unpack(cpu, &bytes, &mut vec![0; raw]);
        }
    }
}
