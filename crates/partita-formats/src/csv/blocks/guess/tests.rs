use std::sync::Arc;

use proptest::prelude::*;

use super::super::super::dialect::Dialect;
use super::super::super::options::ReadOptions;
use super::super::super::reader::BlockReader;
use super::super::super::reader::testing::{open, plan};
use super::super::super::twin::{self, generate};
use super::super::{count, find_block_start, find_block_starts};
use super::*;

/// A block that counts the records of a file without a header.
fn counting(dialect: &Dialect, width: usize) -> CsvBlock {
    let block = plan(b"a,b\n1,2\n", &ReadOptions::default()).unwrap();
    CsvBlock { dialect: dialect.clone(), data_start: 0, width, ..block.counting() }
}

/// The ranges of all blocks.
fn guess(input: &[u8], block: &CsvBlock, block_bytes: u64) -> Result<Vec<Range<u64>>> {
    let blocks = count(input.len() as u64, 0, block_bytes);
    (0..blocks).map(|number| guess_block_range(&input.to_vec(), block, block_bytes, number)).collect()
}

/// Records of each block, read as tasks do.
fn read(input: &[u8], block: &CsvBlock, ranges: &[Range<u64>]) -> Result<Vec<usize>> {
    let block = Arc::new(block.clone());
    let read = |range: &Range<u64>| {
        let is_last = range.end == input.len() as u64;
        let reader = BlockReader::new(Arc::clone(&block), open(input), range.clone())?;
        let mut reader = if is_last { reader } else { reader.ending_at_a_record() };
        let mut rows = 0;
        while let Some(batch) = reader.next_batch()? {
            rows += batch.num_rows();
        }
        Ok(rows)
    };
    ranges.iter().map(read).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Whatever is guessed: where no block complains, the records are those of the file, each in the block that its first
    /// byte is in or a later one's.
    #[test]
    fn what_no_block_refuses_is_right(dialect in generate::dialects(), input in generate::files()) {
        let records = twin::read(&dialect, &input);
        let block = counting(&dialect, records.first().map_or(1, |record| record.fields.len()));
        for block_bytes in [1, 3, 10, 64] {
            let Ok(ranges) = guess(&input, &block, block_bytes) else { continue };
            let Ok(rows) = read(&input, &block, &ranges) else { continue };
            prop_assert_eq!(rows.iter().sum::<usize>(), records.len());
            for (range, rows) in ranges.iter().zip(rows) {
                let inside = records.iter().filter(|record| range.contains(&(record.start as u64)));
                prop_assert_eq!(inside.count(), rows);
            }
        }
    }
}

/// Every guess on an honest file is the start that a search finds.
fn assert_guessed(input: &[u8], width: usize, block_bytes: u64) {
    let dialect = Dialect::default();
    let found = find_block_starts(&input.to_vec(), "a.csv", &dialect, 0, block_bytes, &|| false).unwrap();
    let guessed = guess(input, &counting(&dialect, width), block_bytes).unwrap();
    let rows = read(input, &counting(&dialect, width), &guessed).unwrap();
    assert_eq!(rows.iter().sum::<usize>(), twin::read(&dialect, input).len());
    let starts: Vec<u64> = guessed.iter().map(|range| range.start).collect();
    assert_eq!(starts, found.starts[..found.starts.len() - 1]);
    for (number, start) in starts.into_iter().enumerate().step_by(7) {
        let found =
            find_block_start(&input.to_vec(), &counting(&dialect, width), block_bytes, number, &|| false);
        assert_eq!(found.unwrap(), start);
    }
}

#[test]
fn plain_and_quoted_files_are_guessed() {
    let plain: String = (0..5000).map(|row| format!("{row},{},x\n", row * 7)).collect();
    let quoted: String = (0..3000)
        .map(|row| format!("{row},\"He said \"\"no, {row}\"\"\nand went,\nor not\",\"{row}\"\r\n"))
        .collect();
    let mixed: String = (0..3000)
        .map(|row| if row % 100 == 0 { format!("{row},\"a\nb\",z\n") } else { format!("{row},a b,z\n\n") })
        .collect();
    for text in [plain, quoted, mixed] {
        for block_bytes in [1000, 4096, 10_007] {
            assert_guessed(text.as_bytes(), 3, block_bytes);
        }
    }
}

#[test]
fn a_field_longer_than_a_block_is_left_behind() {
    let text = format!("1,\"{}\"\n2,x\n", "a line, of, text\n".repeat(2000));
    let block = counting(&Dialect::default(), 2);
    let ranges = guess(text.as_bytes(), &block, 4000).unwrap();
    let second = text.len() as u64 - 4;
    assert!(ranges[1..].iter().all(|range| range.start == second || range.start == text.len() as u64));
    assert_eq!(read(text.as_bytes(), &block, &ranges).unwrap().iter().sum::<usize>(), 2);
}

#[test]
fn rows_inside_a_field_deceive_the_guess_and_not_the_reader() {
    let text = format!("1,\"{}\"\n2,x\n", "3,y\n".repeat(40_000));
    let block = counting(&Dialect::default(), 2);
    let ranges = guess(text.as_bytes(), &block, 30_000).unwrap();
    let error = read(text.as_bytes(), &block, &ranges).unwrap_err();
    assert!(error.is_misplaced(), "{error}");
}
