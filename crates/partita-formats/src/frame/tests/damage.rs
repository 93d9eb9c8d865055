//! Bytes that are not those that were written: always an error, never other rows, never a panic.

use std::io;
use std::ops::Range;

use arrow::array::RecordBatch;
use proptest::prelude::*;

use super::super::blocks::{BlockWriter, WriteScratch};
use super::super::*;
use super::samples::{KINDS, Numbers, column};
use super::{TAG, batch, decode, encode};
use crate::io::ReadAt;

fn small() -> RecordBatch {
    batch(vec![column(0, 20, 1), column(15, 20, 2), column(13, 20, 3), column(11, 20, 4)])
}

fn large(seed: u64) -> RecordBatch {
    batch(vec![column(0, 60_000, seed), column(15, 60_000, seed + 1), column(5, 60_000, seed + 2)])
}

#[test]
fn every_flipped_bit_is_found() {
    let rows = small();
    let (bytes, summary) = encode(std::slice::from_ref(&rows));
    for bit in 0..8 * bytes.len() {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let error = decode(&damaged, &summary, &rows.schema()).unwrap_err();
        assert!(matches!(error, FrameError::Damaged { .. }), "bit {bit}: {error}");
    }
}

#[test]
fn every_truncation_is_found() {
    let rows = small();
    let (bytes, summary) = encode(std::slice::from_ref(&rows));
    for len in 0..bytes.len() {
        let error = decode(&bytes[..len].to_vec(), &summary, &rows.schema()).unwrap_err();
        assert!(matches!(error, FrameError::Damaged { .. }), "{len} bytes: {error}");
        let shorter = FrameSummary { bytes: len as u64, ..summary };
        assert!(decode(&bytes, &shorter, &rows.schema()).is_err(), "{len} bytes of more");
    }
}

#[test]
fn a_summary_of_another_frame_is_found() {
    let rows = small();
    let (bytes, summary) = encode(std::slice::from_ref(&rows));
    let others = [
        FrameSummary { bytes: summary.bytes + 1, ..summary },
        FrameSummary { memory_bytes: summary.memory_bytes + 64, ..summary },
        FrameSummary { memory_bytes: summary.memory_bytes - 1, ..summary },
        FrameSummary { rows: summary.rows + 1, ..summary },
        FrameSummary { rows: summary.rows - 1, ..summary },
        FrameSummary { batches: 2, ..summary },
        FrameSummary { batches: 0, ..summary },
        FrameSummary { checksum: summary.checksum ^ 1, ..summary },
    ];
    for other in others {
        let error = decode(&bytes, &other, &rows.schema()).unwrap_err();
        assert!(matches!(error, FrameError::Damaged { .. }), "{other:?}: {error}");
    }
}

#[test]
fn a_frame_of_another_place_is_found() {
    let (one, other) =
        (small(), batch(vec![column(0, 20, 9), column(15, 20, 2), column(13, 20, 3), column(11, 20, 4)]));
    let (mut file, first) = encode(std::slice::from_ref(&one));
    let start = file.len() as u64;
    let mut second = Vec::new();
    let mut sink = |part: &[u8]| {
        second.extend_from_slice(part);
        Ok(())
    };
    let summary = FrameEncoder::default().encode(TAG + 1, std::slice::from_ref(&other), &mut sink).unwrap();
    file.extend(second);
    let mut decoder = FrameDecoder::default();
    let schema = one.schema();
    assert_eq!(decoder.decode(&file, 0, TAG, &first, &schema).unwrap(), [one]);
    assert_eq!(decoder.decode(&file, start, TAG + 1, &summary, &schema).unwrap(), [other]);
    for (offset, tag, summary) in
        [(0, TAG + 1, &first), (start, TAG, &first), (0, TAG, &summary), (1, TAG, &first)]
    {
        let error = decoder.decode(&file, offset, tag, summary, &schema).unwrap_err();
        assert!(matches!(error, FrameError::Damaged { .. }), "{error}");
    }
}

/// The blocks of a frame: their bytes, by their headers.
fn blocks(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut at = 16;
    let mut blocks = Vec::new();
    while at + 8 < bytes.len() {
        let stored = u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        blocks.push(at..at + 16 + stored);
        at += 16 + stored;
    }
    blocks
}

#[test]
fn swapped_and_foreign_blocks_are_found() {
    let rows = large(1);
    let (bytes, summary) = encode(std::slice::from_ref(&rows));
    let (other, _) = encode(&[large(50)]);
    let places = blocks(&bytes);
    assert!(places.len() > 5);
    let mut found = 0;
    for (at, place) in places.iter().enumerate() {
        let mut shuffled = bytes[..16].to_vec();
        let (left, right) = (at, (at + 1) % places.len());
        for (index, block) in places.iter().enumerate() {
            let from = if index == left {
                right
            } else if index == right {
                left
            } else {
                index
            };
            let _ = block;
            shuffled.extend_from_slice(&bytes[places[from].clone()]);
        }
        shuffled.extend_from_slice(&bytes[bytes.len() - 8..]);
        assert!(decode(&shuffled, &summary, &rows.schema()).is_err());
        // The same place in a frame of the same tag.
        if let Some(foreign) = blocks(&other).get(at)
            && other[foreign.clone()] != bytes[place.clone()]
        {
            let mut mixed = bytes[..place.start].to_vec();
            mixed.extend_from_slice(&other[foreign.clone()]);
            mixed.extend_from_slice(&bytes[place.end..]);
            let same_size = FrameSummary { bytes: mixed.len() as u64, ..summary };
            assert!(decode(&mixed, &same_size, &rows.schema()).is_err());
            found += 1;
        }
    }
    assert!(found > 3);
}

struct Failing;

impl ReadAt for Failing {
    fn len(&self) -> u64 {
        1 << 20
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("no such luck"))
    }
}

#[test]
fn what_the_store_says_is_passed_on() {
    let rows = small();
    let (_, summary) = encode(std::slice::from_ref(&rows));
    let error = FrameDecoder::default().decode(&Failing, 4096, TAG, &summary, &rows.schema()).unwrap_err();
    assert_eq!(error.to_string(), "frame at byte 4096: no such luck");
    assert!(matches!(error, FrameError::Io { .. }));
}

/// A frame whose checksums are right, whatever is in it.
fn seal(content: &[u8]) -> (Vec<u8>, u64) {
    let (mut scratch, mut bytes) = (WriteScratch::default(), Vec::new());
    let mut sink = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    let mut writer = BlockWriter::new(&mut scratch, TAG, &mut sink).unwrap();
    writer.put(content).unwrap();
    let (_, checksum) = writer.finish().unwrap();
    (bytes, checksum)
}

/// What is in the blocks of a frame of one block.
fn unseal(bytes: &[u8]) -> Vec<u8> {
    let [only] = &blocks(bytes)[..] else { panic!("a small frame has one block") };
    let raw = u32::from_le_bytes(bytes[only.start + 12..only.start + 16].try_into().unwrap()) as usize;
    let stored = &bytes[only.start + 16..only.end];
    let mut content = stored.to_vec();
    if stored.len() < raw {
        content = vec![0; raw];
        lz4_flex::block::decompress_into(stored, &mut content).unwrap();
    }
    content
}

#[test]
fn random_flips_are_found() {
    let rows = large(1);
    let (bytes, summary) = encode(std::slice::from_ref(&rows));
    let mut numbers = Numbers(17);
    for round in 0..200 {
        let mut damaged = bytes.clone();
        for _ in 0..=round % 3 {
            let bit = numbers.below(8 * bytes.len());
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(damaged == bytes || decode(&damaged, &summary, &rows.schema()).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Where even the checksums lie, the numbers of the description are checked: no panic, and no more memory than
    /// was foretold.
    #[test]
    fn wrong_numbers_under_right_checksums_do_not_panic(
        kind in 0..KINDS,
        rows in 0..40_usize,
        seed in any::<u64>(),
        changes in 1..4_usize,
    ) {
        let rows = batch(vec![column(kind, rows, 1)]);
        let (bytes, summary) = encode(std::slice::from_ref(&rows));
        let mut content = unseal(&bytes);
        let mut numbers = Numbers(seed);
        for _ in 0..changes {
            let at = numbers.below(content.len());
            content[at] = numbers.next() as u8;
        }
        let (sealed, checksum) = seal(&content);
        let lying = FrameSummary { bytes: sealed.len() as u64, checksum, ..summary };
        if let Ok(batches) = decode(&sealed, &lying, &rows.schema()) {
            prop_assert_eq!(batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), summary.rows);
        }
    }
}
