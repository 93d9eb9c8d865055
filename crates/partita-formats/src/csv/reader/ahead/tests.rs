use std::io::Write;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use proptest::prelude::*;

use super::super::super::options::{Ragged, ReadOptions};
use super::super::super::stream::Decoder;
use super::super::super::twin;
use super::super::testing::*;
use super::super::tests::*;
use super::super::{BlockReader, CsvBlock, Limits};
use super::*;

/// Compresses in several members or frames, so that they end inside records.
fn pack(bytes: &[u8], kind: usize) -> Vec<u8> {
    let pack_part = |part: &[u8]| match kind {
        0 => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        }
        1 => {
            let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).expect("an encoder");
            encoder.include_checksum(true).expect("a checksum");
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        }
        2 => {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        }
        _ => {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
            encoder.write_all(part).expect("memory");
            encoder.finish().expect("memory")
        }
    };
    bytes.chunks((bytes.len() / 3).max(1)).flat_map(pack_part).collect()
}

fn ends(packed: &[u8], block_bytes: u64) -> Vec<u64> {
    let len = packed.len() as u64;
    (1..=len.div_ceil(block_bytes)).map(|block| (block * block_bytes).min(len)).collect()
}

/// Rows of each partition by definition: those whose first byte a decoder gives before it asks for more than the bytes before the end.
fn expected(block: &CsvBlock, bytes: &[u8], packed: &[u8], ends: &[u64]) -> Vec<usize> {
    let mut decoder = Decoder::new(open(packed), "t.csv", block.packing).expect("a decoder");
    let records = twin::read(&block.dialect, &bytes[block.data_start as usize..]);
    let begins = |limit: u64| {
        let inside = |record: &&twin::TwinRecord| block.data_start + (record.start as u64) < limit;
        records.iter().take_while(inside).filter(|record| record.fields.len() == block.width).count()
    };
    let mut before = 0;
    let mut rows = Vec::new();
    for end in ends {
        while decoder.read(&mut [0; 64], *end).expect("readable") > 0 {}
        let until = if Some(end) == ends.last() { u64::MAX } else { decoder.delivered() };
        rows.push(begins(until) - before);
        before = begins(until);
    }
    rows
}

/// Reads each partition: taken out where `ahead` says so, as long as there is room for so many pieces, else in place.
fn partitions(
    block: &Arc<CsvBlock>,
    packed: &[u8],
    block_bytes: u64,
    ahead: &[Option<usize>],
    lost: usize,
) -> Result<Vec<RecordBatch>> {
    let new = || StreamReader::new(Arc::clone(block), open(packed)).expect("a reader").cut_every(block_bytes);
    let mut reader = new();
    let ends = ends(packed, block_bytes);
    let mut parts = Vec::new();
    for (index, &end) in ends.iter().enumerate() {
        if index == lost {
            reader = new();
            ends[..index].iter().try_for_each(|end| reader.skip(*end).map(drop))?;
        }
        let mut left = ahead[index % ahead.len()];
        let is_ahead = left.is_some();
        let mut room = |_| -> Option<Room> {
            left = Some(left?.checked_sub(1)?);
            Some(Box::new(()))
        };
        let text = if is_ahead { reader.read_ahead(end, &mut room)? } else { None };
        parts.push(match text {
            Some(text) => {
                let mut reader = BlockReader::of_text(Arc::clone(block), open(packed), Arc::new(text))?;
                gather(block, || reader.next_batch())?
            }
            None => gather(block, || reader.next_batch(end))?,
        });
    }
    Ok(parts)
}

proptest! {
    #[test]
    fn partitions_are_the_same_wherever_they_are_read(
        (bytes, options) in any_file(),
        kind in 0_usize..4,
        block_bytes in 1_u64..60,
        (chunk_bytes, rows_max) in (1_usize..120, 1_usize..9),
        ahead in prop::collection::vec(prop::option::weighted(0.8, 0_usize..30), 1..5),
        lost in 0_usize..9,
    ) {
        let packed = pack(&bytes, kind);
        let options = ReadOptions { ragged: Ragged::Skip, ..options };
        let block = with_sizes(&plan(&packed, &options).expect("a plan"), chunk_bytes, rows_max);
        let parts = partitions(&block, &packed, block_bytes, &ahead, lost).expect("readable");
        let counts: Vec<usize> = parts.iter().map(RecordBatch::num_rows).collect();
        prop_assert_eq!(counts, expected(&block, &bytes, &packed, &ends(&packed, block_bytes)));
        let whole = concat_batches(&block.schema, &parts).expect("one batch");
        prop_assert_eq!(text_rows(&whole), twin_rows(&block, &bytes));
    }
}

/// What every way to read it ends with.
fn failure(packed: &[u8], change: impl Fn(&mut Limits)) -> String {
    let plain = plan(packed, &ReadOptions { quote: Some(b'"'), ..text_only() }).expect("a plan");
    let mut block = CsvBlock::clone(&plain);
    change(&mut block.limits);
    let block = Arc::new(block);
    let failed = |ahead: &[Option<usize>]| {
        let error = partitions(&block, packed, 100, ahead, usize::MAX).expect_err("an error").to_string();
        // Damage is somewhere in what a decoder was given at once, and that is not always as much.
        let is_damage = error.contains("compressed byte");
        error.replace(|character: char| is_damage && character.is_ascii_digit(), "")
    };
    let in_place = failed(&[None]);
    for ahead in [&[Some(usize::MAX)][..], &[Some(3)], &[None, Some(usize::MAX)]] {
        assert_eq!(failed(ahead), in_place);
    }
    in_place
}

#[test]
fn failures_are_the_same_wherever_they_are_met() {
    let number = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let text: String = (0..3000).map(|row| format!("{row},\"{}\nb\"\n", number(row))).collect();
    let text = format!("a,b\n{text}");
    for kind in 0..4 {
        let packed = pack(text.as_bytes(), kind);
        let cut = failure(&packed[..packed.len() - 3], |_| ());
        assert!(cut.contains("in the middle of the stream"), "{cut}");
        // The last member or frame is damaged.
        let mut damaged = packed.clone();
        let middle = packed.len() * 5 / 6;
        damaged[middle..middle + 16].iter_mut().for_each(|byte| *byte ^= 0x55);
        let damage = failure(&damaged, |_| ());
        assert!(damage.contains("t.csv: compressed byte"), "{damage}");
    }
    let long = format!("{text}1,\"{}\"\n", "x\n".repeat(5000));
    let told = failure(&pack(long.as_bytes(), 0), |limits| {
        (limits.record_bytes_max, limits.chunk_bytes) = (1000, 100);
    });
    assert!(told.contains("a record of more than 1000 bytes"), "{told}");
    let ragged = pack(format!("{text}1,2,3\n{text}").as_bytes(), 0);
    let ragged = failure(&ragged, |limits| limits.chunk_bytes = 900);
    assert!(ragged.contains("line 6002"), "{ragged}");
}
