//! The sink against a host that counts and refuses.

mod partitioned;

use std::any::Any;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use arrow::array::{Int64Array, RecordBatch, StringViewArray};
use partita_columns::Partition;
use partita_formats::csv::widen::Seen;
use partita_formats::io::ReadAt;
use partita_formats::parquet::{EncodedRowGroup, PageFile, PartWriter, WriteOptions};

use super::super::super::run;
use super::super::super::{Held, Outcome};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, MapFunction, Reservation, SlotValue, StoreWriter, StoredBatches};
use crate::program::{
    DatasetId, FunctionId, PROGRAM_VERSION, Program, Sink, SlotId, Source, StoreKey, StreamId,
};

/// Gives `limit` bytes to each reservation, and keeps what it is handed.
struct Double {
    limit: usize,
    held: Arc<AtomicUsize>,
    row_groups: Mutex<Vec<(usize, usize, EncodedRowGroup)>>,
    closed: Mutex<Vec<(usize, usize, u64)>>,
    files: Mutex<Vec<Arc<Mem>>>,
    full: bool,
}

impl Double {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            held: Arc::default(),
            row_groups: Mutex::default(),
            closed: Mutex::default(),
            files: Mutex::default(),
            full: false,
        }
    }
}

struct Promise {
    bytes: usize,
    limit: usize,
    held: Arc<AtomicUsize>,
}

impl Reservation for Promise {
    fn bytes(&self) -> usize {
        self.bytes
    }

    fn resize(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.limit {
            let (operator, way_out) = ("to_parquet".to_owned(), "wait");
            let (need_bytes, limit_bytes) = (bytes as u64, self.limit as u64);
            let spill = String::new();
            return Err(ErrorKind::Memory { operator, need_bytes, limit_bytes, way_out, spill }.into());
        }
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        self.held.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A file in memory.
#[derive(Default)]
struct Mem {
    bytes: Mutex<Vec<u8>>,
    rests: AtomicUsize,
    full: bool,
}

impl PageFile for Mem {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.bytes.lock().unwrap();
        if self.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        assert_eq!(file.len() as u64, offset, "pages follow each other");
        file.extend_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let file = self.bytes.lock().unwrap();
        buffer.copy_from_slice(&file[offset as usize..offset as usize + buffer.len()]);
        Ok(())
    }

    fn rest(&self) {
        self.rests.fetch_add(1, Ordering::Relaxed);
    }
}

fn absent<T>() -> Result<T> {
    Err(ErrorKind::Missing("not here".to_owned()).into())
}

impl Host for Double {
    fn open(&self, _: &str) -> Result<Arc<dyn ReadAt>> {
        absent()
    }

    fn check_unchanged(&self, _: &str, _: u64, _: i128) -> Result<()> {
        absent()
    }

    fn reserve(&self, _: &str, bytes: usize, _: &'static str) -> Result<Box<dyn Reservation>> {
        let mut promise = Promise { bytes: 0, limit: self.limit, held: Arc::clone(&self.held) };
        promise.resize(bytes)?;
        Ok(Box::new(promise))
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

    fn take_stream(&self, _: StreamId, _: usize) -> Option<Box<dyn Any + Send>> {
        None
    }

    fn leave_stream(&self, _: StreamId, _: usize, _: Box<dyn Any + Send>) {}

    fn write_row_group(
        &self,
        _: DatasetId,
        partition: usize,
        index: usize,
        row_group: EncodedRowGroup,
    ) -> Result<()> {
        self.row_groups.lock().unwrap().push((partition, index, row_group));
        Ok(())
    }

    fn page_file(&self, _: DatasetId) -> Result<Arc<dyn PageFile>> {
        let file = Arc::new(Mem { full: self.full, ..Mem::default() });
        self.files.lock().unwrap().push(Arc::clone(&file));
        Ok(file)
    }

    fn close_partition(&self, _: DatasetId, partition: usize, row_groups: usize, rows: u64) -> Result<()> {
        self.closed.lock().unwrap().push((partition, row_groups, rows));
        Ok(())
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

/// Numbers that have nothing in common (SplitMix64).
fn scattered(seed: u64) -> i64 {
    let bits = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 8) as i64
}

/// 24 batches of 8,192 rows: numbers in no order, and texts.
fn rows() -> Partition {
    let batches: Vec<_> = (0..24_u64)
        .map(|batch| {
            let number = |row: u64| scattered(batch * 8192 + row);
            let numbers = Int64Array::from_iter_values((0..8192).map(number));
            let texts = (0..8192).map(|row| format!("text number {}", number(row) % 5000));
            let columns: [(_, Arc<dyn arrow::array::Array>); 2] =
                [("n", Arc::new(numbers)), ("t", Arc::new(StringViewArray::from_iter_values(texts)))];
            RecordBatch::try_from_iter(columns).unwrap()
        })
        .collect();
    Partition::new(batches[0].schema(), batches)
}

fn write(host: &Double, options: &WriteOptions) -> Result<Outcome> {
    write_rows(host, rows(), options)
}

fn write_rows(host: &Double, partition: Partition, options: &WriteOptions) -> Result<Outcome> {
    let program = Program {
        version: PROGRAM_VERSION,
        source: Source::Input(Arc::clone(partition.schema())),
        operators: Vec::new(),
        sink: Sink::Parquet { dataset: DatasetId(0), partition: 3, options: Arc::new(options.clone()) },
        schema: Arc::clone(partition.schema()),
    };
    let memory = Promise { bytes: 0, limit: 0, held: Arc::clone(&host.held) };
    let input = Outcome::Partition(Arc::new(Held { partition, memory: Box::new(memory) }));
    run(&program, &[input], host)
}

/// All row groups in one file.
fn file(host: &Double, options: &WriteOptions) -> Vec<u8> {
    let mut part = PartWriter::new(Vec::new(), Arc::clone(rows().schema()), options, []).unwrap();
    for (at, (partition, index, row_group)) in host.row_groups.lock().unwrap().drain(..).enumerate() {
        assert_eq!((partition, index), (3, at));
        part.append(row_group).unwrap();
    }
    part.finish().unwrap().1
}

#[test]
fn pages_leave_memory_where_it_is_refused_and_the_file_is_the_same() {
    let options = WriteOptions {
        row_group_rows_max: 100_000,
        dictionary: false,
        page_bytes_max: 32 << 10,
        ..WriteOptions::default()
    };
    let plenty = Double::new(usize::MAX);
    assert!(matches!(write(&plenty, &options), Ok(Outcome::Count(196_608))));
    assert!(plenty.files.lock().unwrap().is_empty());

    // Enough for open pages and compressors, not for 100,000 numbers.
    let little = Double::new(1_000_000);
    assert!(matches!(write(&little, &options).unwrap(), Outcome::Count(196_608)));
    assert_eq!(*little.closed.lock().unwrap(), [(3, 2, 196_608)]);
    assert_eq!(little.held.load(Ordering::Relaxed), 0);
    let files = std::mem::take(&mut *little.files.lock().unwrap());
    assert_eq!(files.len(), 2, "one for each row group");
    assert!(files.iter().all(|file| file.bytes.lock().unwrap().len() > 300_000));
    assert!(files.iter().all(|file| file.rests.load(Ordering::Relaxed) == 1));
    assert_eq!(file(&little, &options), file(&plenty, &options));
}

#[test]
fn too_little_memory_is_an_error_that_names_it() {
    let host = Double::new(100_000);
    let error = write(&host, &WriteOptions::default()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Memory { limit_bytes: 100_000, .. }), "{error}");
    assert_eq!(host.held.load(Ordering::Relaxed), 0);
}

#[test]
fn a_full_disk_is_an_error() {
    let host = Double { full: true, ..Double::new(1_000_000) };
    let options = WriteOptions { dictionary: false, page_bytes_max: 32 << 10, ..WriteOptions::default() };
    let error = write(&host, &options).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Host(_)), "{error}");
    assert_eq!(host.held.load(Ordering::Relaxed), 0);
}
