//! Compressed inputs that are made to hurt: what a task reserves is counted, and so is what it reads.

use std::any::Any;
use std::collections::HashMap;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::datatypes::DataType;
use partita_formats::csv::options::ReadOptions;
use partita_formats::csv::reader::CsvBlock;
use partita_formats::csv::widen::Seen;
use partita_formats::csv::{header, infer};
use partita_formats::io::ReadAt;
use partita_formats::parquet::{EncodedRowGroup, PageFile};

use super::*;
use crate::host::{MapFunction, SlotValue, StoreWriter, StoredBatches};
use crate::program::{
    CsvFile, CsvScan, DatasetId, FunctionId, ScanStart, Sink, SlotId, Source, StoreKey, StreamId,
};

/// A machine with one file and a limit.
struct Machine {
    file: Arc<dyn ReadAt>,
    memory: Arc<Counter>,
    streams: Mutex<HashMap<usize, Box<dyn Any + Send>>>,
    /// Work is done ahead as long as no more than this is held.
    ahead: usize,
}

#[derive(Default)]
struct Counter {
    limit: usize,
    /// There is plenty as long as no more than this is used; `None`: up to the limit.
    plenty: Option<usize>,
    used: AtomicUsize,
    peak: AtomicUsize,
}

struct Reserved {
    memory: Arc<Counter>,
    bytes: usize,
    operator: String,
}

impl Reservation for Reserved {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn resize(&mut self, bytes: usize) -> Result<()> {
        let others = self.memory.used.load(Ordering::SeqCst) - self.bytes;
        if others + bytes > self.memory.limit {
            return Err(ErrorKind::Missing(format!("{bytes} bytes for {}", self.operator)).into());
        }
        self.memory.used.store(others + bytes, Ordering::SeqCst);
        self.memory.peak.fetch_max(others + bytes, Ordering::SeqCst);
        self.bytes = bytes;
        Ok(())
    }

    fn resize_if_plenty(&mut self, bytes: usize) -> bool {
        let used = self.memory.used.load(Ordering::SeqCst) - self.bytes + bytes;
        self.memory.plenty.is_none_or(|plenty| used <= plenty) && self.resize(bytes).is_ok()
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.memory.used.fetch_sub(self.bytes, Ordering::SeqCst);
    }
}

fn absent<T>() -> Result<T> {
    Err(ErrorKind::Missing("nothing of the kind".into()).into())
}

impl Host for Machine {
    fn open(&self, _: &str) -> Result<Arc<dyn ReadAt>> {
        Ok(Arc::clone(&self.file))
    }

    fn check_unchanged(&self, _: &str, _: u64, _: i128) -> Result<()> {
        Ok(())
    }

    fn reserve(&self, operator: &str, bytes: usize, _: &'static str) -> Result<Box<dyn Reservation>> {
        let mut reserved = Reserved { memory: Arc::clone(&self.memory), bytes: 0, operator: operator.into() };
        reserved.resize(bytes)?;
        Ok(Box::new(reserved))
    }

    fn reserve_ahead(&self, operator: &str, bytes: usize) -> Option<Box<dyn Reservation>> {
        let is_free = self.memory.used.load(Ordering::SeqCst) + bytes <= self.ahead;
        if is_free { self.reserve(operator, bytes, "").ok() } else { None }
    }

    fn publish(&self, _: SlotId, _: SlotValue) {}

    fn slot(&self, _: SlotId) -> Result<SlotValue> {
        absent()
    }

    fn stored(&self, _: StoreKey) -> Result<Box<dyn StoredBatches + '_>> {
        absent()
    }

    fn store(&self, _: StoreKey) -> Result<Box<dyn StoreWriter + '_>> {
        absent()
    }

    fn function(&self, _: FunctionId) -> Result<Arc<dyn MapFunction>> {
        absent()
    }

    fn take_stream(&self, _: StreamId, block: usize) -> Option<Box<dyn Any + Send>> {
        self.streams.lock().expect("no panic").remove(&block)
    }

    fn leave_stream(&self, _: StreamId, block: usize, state: Box<dyn Any + Send>) {
        self.streams.lock().expect("no panic").insert(block, state);
    }

    fn write_row_group(&self, _: DatasetId, _: usize, _: usize, _: EncodedRowGroup) -> Result<()> {
        absent()
    }

    fn page_file(&self, _: DatasetId) -> Result<Arc<dyn PageFile>> {
        absent()
    }

    fn close_partition(&self, _: DatasetId, _: usize, _: usize, _: u64) -> Result<()> {
        absent()
    }

    fn set_aside(&self, _: DatasetId, _: usize, _: usize, _: Vec<u8>) -> Result<()> {
        absent()
    }

    fn observe(&self, _: Seen) {}

    fn is_draft(&self) -> bool {
        false
    }

    fn is_cancelled(&self) -> bool {
        false
    }

    fn progress(&self, _: u64, _: u64) {}
}

/// A machine with an empty file and much memory.
pub(super) fn machine() -> impl Host {
    machine_of(None)
}

/// The same, with plenty of memory up to `plenty` bytes.
pub(super) fn machine_of(plenty: Option<usize>) -> impl Host {
    let memory = Arc::new(Counter { limit: 1 << 30, plenty, ..Counter::default() });
    Machine { file: Arc::new(Vec::new()), memory, streams: Mutex::default(), ahead: 0 }
}

/// Counts the rows of `packed` under a limit, in blocks of `block_bytes`; returns them and the most that was reserved.
fn count(packed: Vec<u8>, block_bytes: u64, limit: usize) -> Result<(u64, usize)> {
    let found = count_ahead(packed, block_bytes, limit, 0, &[])?;
    Ok((found.rows, found.peak))
}

/// What was found in a file.
struct Found {
    rows: u64,
    /// The most that was reserved, in bytes.
    peak: usize,
    /// Blocks that were decompressed ahead.
    ahead: usize,
}

/// The same, with blocks decompressed ahead as long as less than `ahead` bytes are held. The texts of blocks `lost` are dropped before
/// they are read.
fn count_ahead(packed: Vec<u8>, block_bytes: u64, limit: usize, ahead: usize, lost: &[u64]) -> Result<Found> {
    let bytes = packed.len() as u64;
    let file: Arc<dyn ReadAt> = Arc::new(packed);
    let options = ReadOptions { record_bytes_max: 1 << 20, ..ReadOptions::default() };
    let head = header::read("t.csv.z", &file, &options)?;
    let types = infer::finish(&head.names, &infer::ColumnTypes::default(), &options)?;
    assert!(types.iter().all(|(_, data_type)| *data_type == DataType::Utf8View));
    let block = Arc::new(CsvBlock::new(&head, &options, &types)?);
    let schema = Arc::clone(&block.schema);
    let file_of = CsvFile {
        path: "t.csv.z".into(),
        bytes,
        modified_ns: 0,
        block,
        block_bytes,
        end: bytes,
        rows_max: None,
    };
    let file_of = Arc::new(file_of);
    let memory = Arc::new(Counter { limit, ..Counter::default() });
    let machine = Machine { file, memory: Arc::clone(&memory), streams: Mutex::default(), ahead };
    let mut found = Found { rows: 0, peak: 0, ahead: 0 };
    let mut texts = Vec::new();
    for number in 0..bytes.div_ceil(block_bytes) {
        let range = number * block_bytes..((number + 1) * block_bytes).min(bytes);
        let scan = |start| CsvScan {
            file: Arc::clone(&file_of),
            range: range.clone(),
            block: number as usize,
            start,
            filter: None,
            output_columns: schema.fields().len(),
        };
        let program = |start| Program {
            version: PROGRAM_VERSION,
            source: Source::Csv(Box::new(scan(start))),
            operators: Vec::new(),
            schema: Arc::clone(&schema),
            sink: Sink::Count,
        };
        if ahead == 0 {
            let program = program(ScanStart::Stream(StreamId(1)));
            let Outcome::Count(rows) = run(&program, &[], &machine)? else { return absent() };
            found.rows += rows;
            continue;
        }
        let first = run(&program(ScanStart::Ahead(StreamId(1))), &[], &machine)?;
        if let Outcome::Text(text) = &first {
            found.ahead += 1;
            if lost.contains(&number) {
                text.drop_text();
            }
        }
        texts.push((program(ScanStart::Decompressed), first));
        // Each is read when the next one is there already.
        let is_last = (number + 1) * block_bytes >= bytes;
        let ready = texts.len() - usize::from(!is_last && texts.len() < 3);
        for (program, first) in texts.drain(..ready) {
            let Outcome::Count(rows) = run(&program, &[first], &machine)? else { return absent() };
            found.rows += rows;
        }
    }
    drop(machine);
    assert_eq!(memory.used.load(Ordering::SeqCst), 0);
    found.peak = memory.peak.load(Ordering::SeqCst);
    Ok(found)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn zstandard(bytes: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).expect("an encoder");
    encoder.window_log(window_log).expect("a window");
    encoder.include_checksum(true).expect("a checksum");
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn bzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn xz(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), level);
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Lines that compress a thousand times.
fn lines(count: usize) -> Vec<u8> {
    [&b"a,b\n"[..], &b"1,xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n".repeat(count)]
        .concat()
}

const MIB: usize = 1 << 20;

#[test]
fn bombs_are_read_in_little_memory() {
    let count_of = 1_000_000;
    let lines = lines(count_of);
    let bombs = [
        (gzip(&lines), 4 * MIB),
        (zstandard(&lines, 19), 4 * MIB),
        (bzip(&lines), 7 * MIB),
        // The dictionary of level 1 has a mebibyte.
        (xz(&lines, 1), 4 * MIB),
    ];
    for (packed, most) in bombs {
        assert!(packed.len() < MIB, "{}", packed.len());
        for block_bytes in [10_000, 1 << 30] {
            let (rows, peak) = count(packed.clone(), block_bytes, most).expect("rows");
            assert_eq!(rows, count_of as u64);
            assert!(peak > MIB, "{peak}");
        }
    }
}

#[test]
fn blocks_are_decompressed_ahead_where_there_is_memory() {
    let rows = 100_000;
    // Numbers compress about twice.
    let number = |row: u64| row.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let text: String =
        (0..rows).map(|row| format!("{},\"{}\n\"\n", number(row), number(row + rows))).collect();
    let packed = gzip(format!("a,b\n{text}").as_bytes());
    let block_bytes = 200_000;
    let blocks = packed.len().div_ceil(block_bytes);
    assert!(blocks > 8);
    let read = |ahead, lost: &[u64]| {
        let found = count_ahead(packed.clone(), block_bytes as u64, 64 * MIB, ahead, lost).expect("rows");
        assert_eq!(found.rows, rows);
        found.ahead
    };
    assert_eq!(read(64 * MIB, &[]), blocks);
    let some = read(3 * MIB, &[]);
    assert!(some > 0 && some < blocks, "{some}");
    assert_eq!(read(MIB, &[]), 0);
    // What is dropped is read once more, and is the same.
    assert!(read(64 * MIB, &[0, 3, 4, blocks as u64 - 1]) > 0);
}

#[test]
fn bombs_are_not_held_ahead() {
    let count_of = 1_000_000;
    let packed = gzip(&lines(count_of));
    for ahead in [3 * MIB, 8 * MIB] {
        let found = count_ahead(packed.clone(), 100_000, 12 * MIB, ahead, &[]).expect("rows");
        assert_eq!(found.rows, count_of as u64);
        assert!(found.peak <= ahead + 4 * MIB, "{}", found.peak);
    }
}

#[test]
fn a_record_without_an_end_is_no_way_around_the_limit() {
    let text = [b"a\n", &*vec![b'x'; 64 * MIB]].concat();
    for packed in [gzip(&text), zstandard(&text, 19)] {
        let error = count(packed, 1 << 30, 8 * MIB).expect_err("too long").to_string();
        assert!(error.contains("a record of more than 1048576 bytes"), "{error}");
    }
}

#[test]
fn windows_are_paid_for_first() {
    let packed = [zstandard(&lines(10), 16), zstandard(&lines(1000), 23)].concat();
    let (rows, peak) = count(packed.clone(), 1 << 30, 16 * MIB).expect("rows");
    assert_eq!(rows, 1011);
    assert!((8 * MIB..11 * MIB).contains(&peak), "{peak}");
    let error = count(packed, 1 << 30, 8 * MIB).expect_err("no memory").to_string();
    assert!(error.contains("for read_csv"), "{error}");
    // Dictionaries of 256 KiB and of 8 MiB.
    let packed = [xz(&lines(10), 0), xz(&lines(1000), 6)].concat();
    let (rows, peak) = count(packed.clone(), 1 << 30, 16 * MIB).expect("rows");
    assert_eq!(rows, 1011);
    assert!((8 * MIB..11 * MIB).contains(&peak), "{peak}");
    let error = count(packed, 1 << 30, 8 * MIB).expect_err("no memory").to_string();
    assert!(error.contains("for read_csv"), "{error}");
    let error = count(bzip(&lines(1000)), 1 << 30, 3 * MIB).expect_err("no memory").to_string();
    assert!(error.contains("for decompress"), "{error}");
    // The head too.
    let error = count(xz(&lines(1000), 6), 1 << 30, 8 * MIB).expect_err("no memory").to_string();
    assert!(error.contains("for decompress"), "{error}");
    let error = count(zstandard(&lines(1000), 23), 1 << 30, 8 * MIB).expect_err("no memory").to_string();
    assert!(error.contains("for decompress"), "{error}");
}

#[test]
fn a_hundred_thousand_members_are_one_file() {
    let packed = [gzip(b"a\n"), gzip(b"1\n").repeat(100_000)].concat();
    let (rows, peak) = count(packed, 300_000, 4 * MIB).expect("rows");
    assert_eq!(rows, 100_000);
    assert!(peak < 3 * MIB, "{peak}");
}

#[test]
fn damage_is_told_with_its_place() {
    let packed = gzip(&lines(50_000));
    let refused = |packed: Vec<u8>| count(packed, 100, 4 * MIB).expect_err("damage").to_string();
    let short = refused(packed[..packed.len() - 9].to_vec());
    assert!(
        short.contains("t.csv.z: compressed byte") && short.contains("in the middle of the stream"),
        "{short}"
    );
    let tail = refused([&packed[..], b"tail"].concat());
    let place = format!("compressed byte {}", packed.len());
    assert!(tail.contains(&place) && tail.contains("another gzip member"), "{tail}");
    let mut wrong = packed;
    let crc = wrong.len() - 8;
    wrong[crc] ^= 1;
    assert!(refused(wrong).contains("the checksum of the data is"), "a wrong checksum");
    let mut wrong = zstandard(&lines(50_000), 19);
    let crc = wrong.len() - 1;
    wrong[crc] ^= 1;
    assert!(refused(wrong).contains("checksum"), "a wrong checksum");
}
