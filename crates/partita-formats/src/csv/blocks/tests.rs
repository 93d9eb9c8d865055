use proptest::prelude::*;

use super::super::records::Records;
use super::super::split::{Splitter, value};
use super::super::twin::{self, TwinRecord, generate};
use super::*;

/// The starts as the twin has them.
fn expected(records: &[TwinRecord], len: u64, data_start: u64, block_bytes: u64) -> Vec<u64> {
    let blocks = count(len, data_start, block_bytes) as u64;
    let mut starts = vec![data_start];
    for block in 1..blocks {
        let cut = data_start + block * block_bytes;
        let first = records.iter().map(|record| data_start + record.start as u64).find(|&start| start >= cut);
        starts.push(first.unwrap_or(len));
    }
    starts.push(len);
    starts
}

fn found(dialect: &Dialect, input: &[u8], data_start: u64, block_bytes: u64) -> Vec<u64> {
    find_block_starts(&input.to_vec(), "a.csv", dialect, data_start, block_bytes, &|| false).unwrap().starts
}

/// The starts where the input comes in pieces of `piece` bytes.
fn found_in_pieces(dialect: &Dialect, input: &[u8], piece: usize, block_bytes: u64) -> Vec<u64> {
    let len = input.len() as u64;
    let mut finder = Finder::new(dialect, 0, block_bytes, count(len, 0, block_bytes));
    for piece in input.chunks(piece) {
        finder.feed(piece);
    }
    finder.finish(len).starts
}

fn values(dialect: &Dialect, input: &[u8]) -> Vec<Vec<(Vec<u8>, bool)>> {
    let mut records = Records::default();
    assert_eq!(Splitter::new(dialect).split(input, true, usize::MAX, &mut records), input.len());
    let mut scratch = Vec::new();
    let mut field = |row, column| {
        let (range, escaped) = records.field(row, column).unwrap();
        let value = value(dialect, &input[range], escaped, &mut scratch);
        (value.bytes.to_vec(), value.quoted)
    };
    (0..records.len()).map(|row| (0..records.width(row)).map(|column| field(row, column)).collect()).collect()
}

#[test]
fn counts_blocks() {
    assert_eq!(count(0, 0, 64), 1);
    assert_eq!(count(10, 10, 64), 1);
    assert_eq!(count(5, 10, 64), 1);
    assert_eq!(count(11, 10, 64), 1);
    assert_eq!(count(74, 10, 64), 1);
    assert_eq!(count(75, 10, 64), 2);
    assert_eq!(count(10, 0, 1), 10);
    assert_eq!(count(10, 0, 0), 10);
}

#[test]
fn starts_by_hand() {
    let plain = Dialect::default();
    assert_eq!(found(&plain, b"h\n1\n22\n\n3\n", 2, 3), [2, 8, 8, 10]);
    assert_eq!(found(&plain, b"\"a\nb\nc\nd\"\ne\n", 0, 2), [0, 10, 10, 10, 10, 10, 12]);
    assert_eq!(found(&plain, b"", 0, 2), [0, 0]);
    assert_eq!(found(&plain, b"abc", 0, u64::MAX), [0, 3]);
    assert_eq!(found(&plain, b"a\n\r\n\n\r", 0, 2), [0, 6, 6, 6]);
}

#[test]
fn stops_when_cancelled() {
    let input = b"a\n".repeat(100);
    let stopped = find_block_starts(&input, "a.csv", &Dialect::default(), 0, 10, &|| true);
    assert!(matches!(stopped.unwrap_err().kind(), ErrorKind::Cancelled));
}

#[test]
fn a_quoted_field_larger_than_the_buffer() {
    let mut input = b"1,\"".to_vec();
    input.resize(3 * BUFFER_BYTES, b'\n');
    input.extend_from_slice(b"\"\n2,b\n");
    let record = input.len() as u64 - 4;
    let starts = found(&Dialect::default(), &input, 0, 100_000);
    let len = input.len() as u64;
    assert_eq!(starts[0], 0);
    assert!(starts[1..starts.len() - 1].iter().all(|&start| start == record || start == len));
    assert_eq!(starts[1], record);
}

#[test]
fn large_files_agree() {
    let mut input = Vec::new();
    let kinds: [&[u8]; 6] =
        [b"1,2,3\n", b"\"a,\r\n\"\"b\",5\" x\n", b"# it,\"s\n", b"\r\n", b"\\\",c\n", b"\"open\n"];
    let mut seed = 7u64;
    while input.len() < 3 * BUFFER_BYTES {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let pick = (seed >> 40) as usize;
        // Long stretches without a quote as well.
        let kind = match (input.len() >> 17) % 2 {
            0 if pick.is_multiple_of(300) => 2,
            0 => 0,
            _ => pick % kinds.len(),
        };
        input.extend_from_slice(kinds[kind]);
    }
    for (escape, comment) in
        [(None, None), (Some(b'\\'), None), (None, Some(b'#')), (Some(b'\\'), Some(b'#'))]
    {
        let dialect = Dialect { escape, comment, ..Dialect::default() };
        let records = twin::read(&dialect, &input);
        for block_bytes in [100_000, 65_536, 1 << 20] {
            let starts = found(&dialect, &input, 0, block_bytes);
            assert_eq!(starts, expected(&records, input.len() as u64, 0, block_bytes), "{dialect:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn blocks_are_exact(dialect in generate::dialects(), input in generate::files(), piece in 1usize..300) {
        let records = twin::read(&dialect, &input);
        let whole = values(&dialect, &input);
        let len = input.len() as u64;
        for block_bytes in 1..=len.max(1) {
            let starts = found(&dialect, &input, 0, block_bytes);
            prop_assert_eq!(&starts, &expected(&records, len, 0, block_bytes));
            prop_assert_eq!(&starts, &found_in_pieces(&dialect, &input, piece, block_bytes));
            let parts = starts.windows(2);
            let apart: Vec<_> =
                parts.flat_map(|part| values(&dialect, &input[part[0] as usize..part[1] as usize])).collect();
            prop_assert_eq!(&apart, &whole);
        }
    }

    #[test]
    fn data_may_begin_behind_a_header(dialect in generate::dialects(), input in generate::files(), at in 0usize..50) {
        let at = at.min(input.len());
        let records = twin::read(&dialect, &input[at..]);
        for block_bytes in [1, 7, 64, 100] {
            let starts = found(&dialect, &input, at as u64, block_bytes);
            prop_assert_eq!(starts, expected(&records, input.len() as u64, at as u64, block_bytes));
        }
    }
}
