//! What readers, encoders and frames say of their memory, against an allocator that counts.
//!
//! The allocator sees what Rust allocates; contexts of Zstandard, which C allocates, have tests of their own beside
//! their code.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringViewArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use partita_formats::csv::options::ReadOptions;
use partita_formats::csv::reader::{BlockReader, CsvBlock, StreamReader};
use partita_formats::csv::{self, header, infer};
use partita_formats::frame::{DECODER_BYTES, ENCODER_BYTES, FrameDecoder, FrameEncoder};
use partita_formats::io::ReadAt;
use partita_formats::ipc::{IpcFile, IpcReader};
use partita_formats::ndjson::{NdjsonBlock, NdjsonReader, Shapes};
use partita_formats::parquet::{ColumnOptions, Compression, Encoding, RowGroupEncoder, WriteOptions};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// One test at a time: they share the allocator.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What may be held beside what is said: small things that no buffer is.
const MARGIN_BYTES: usize = 64 << 10;

struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn text(&mut self, bytes: usize) -> String {
        (0..bytes).map(|_| char::from(b'a' + (self.next() >> 40) as u8 % 26)).collect()
    }
}

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let names = (0..columns.len()).map(|number| number.to_string());
    let named = names.zip(columns).map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(named).unwrap()
}

/// Batches of `rows` rows whose columns `column` makes.
fn batches(count: usize, columns: usize, column: impl Fn(&mut Numbers) -> ArrayRef) -> Vec<RecordBatch> {
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    (0..count).map(|_| batch((0..columns).map(|_| column(&mut numbers)).collect())).collect()
}

fn floats(rows: usize) -> impl Fn(&mut Numbers) -> ArrayRef {
    move |numbers| Arc::new(Float64Array::from_iter_values((0..rows).map(|_| numbers.next() as f64)))
}

fn few(rows: usize) -> impl Fn(&mut Numbers) -> ArrayRef {
    move |numbers| {
        Arc::new(Int64Array::from_iter(
            (0..rows).map(|_| Some((numbers.next() % 50) as i64).filter(|n| *n > 3)),
        ))
    }
}

fn texts(rows: usize, bytes: usize, different: u64) -> impl Fn(&mut Numbers) -> ArrayRef {
    move |numbers| {
        let text = |numbers: &mut Numbers| match different {
            0 => numbers.text(bytes),
            many => Numbers(numbers.next() % many + 1).text(bytes),
        };
        Arc::new(StringViewArray::from_iter_values((0..rows).map(|_| text(numbers))))
    }
}

fn encoding(encoding: Encoding) -> WriteOptions {
    let column = ColumnOptions { encoding: Some(encoding), ..ColumnOptions::default() };
    WriteOptions { columns: [("0".to_owned(), column)].into(), ..WriteOptions::default() }
}

/// Encodes the batches, several times over; what is held may never pass what is said, after a batch or within.
fn check(name: &str, batches: &[RecordBatch], rounds: usize, options: &WriteOptions) {
    let before = ALLOCATED.current_usage();
    let mut encoder = RowGroupEncoder::new(batches[0].schema(), options).unwrap();
    let mut said_before = encoder.memory_bytes();
    let mut largest = 0;
    for batch in std::iter::repeat_n(batches, rounds).flatten() {
        ALLOCATED.reset_peak_usage();
        encoder.write(batch).unwrap();
        let held = ALLOCATED.current_usage() - before;
        let peak = ALLOCATED.peak_usage() - before;
        let said = encoder.memory_bytes();
        assert!(held <= said + said / 50 + MARGIN_BYTES, "{name}: {held} held, {said} said");
        // Within a batch: buffers that double are there twice, and columns are looked at anew.
        let most = said.max(said_before);
        let batch_bytes = 2 * batch.get_array_memory_size();
        assert!(peak <= most + most / 10 + batch_bytes + MARGIN_BYTES, "{name}: {peak} at most, {said} said");
        said_before = said;
        largest = largest.max(said);
    }
    ALLOCATED.reset_peak_usage();
    let group = encoder.finish().unwrap();
    let (held, said) = (ALLOCATED.current_usage() - before, group.memory_bytes());
    assert!(
        held <= said + said / 50 + MARGIN_BYTES * batches[0].num_columns(),
        "{name}: {held} held, {said} said"
    );
    let peak = ALLOCATED.peak_usage() - before;
    assert!(
        peak <= largest.max(said_before) + said / 10 + MARGIN_BYTES,
        "{name}: {peak} at the end, {said_before} said"
    );
}

#[test]
fn encoders_of_narrow_tables_hold_what_they_say() {
    let _alone = alone();
    let snappy = WriteOptions { compression: Compression::Snappy, ..WriteOptions::default() };
    check("floats", &batches(4, 3, floats(8192)), 20, &WriteOptions::default());
    check("floats, snappy", &batches(4, 3, floats(8192)), 20, &snappy);
    check("few", &batches(4, 3, few(8192)), 20, &WriteOptions::default());
    let stamps = |numbers: &mut Numbers| -> ArrayRef {
        Arc::new(TimestampMicrosecondArray::from_iter_values(
            (0..8192).map(|_| (numbers.next() >> 20) as i64),
        ))
    };
    check("stamps", &batches(4, 2, stamps), 20, &WriteOptions::default());
    let flags = |numbers: &mut Numbers| -> ArrayRef {
        Arc::new(BooleanArray::from_iter((0..8192).map(|_| Some(numbers.next() & 3 == 0))))
    };
    check("flags", &batches(4, 4, flags), 40, &WriteOptions::default());
    let lists = |numbers: &mut Numbers| -> ArrayRef {
        let list =
            |numbers: &mut Numbers| Some((0..numbers.next() % 5).map(|n| Some(n as i32)).collect::<Vec<_>>());
        Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>((0..4000).map(|_| list(numbers))))
    };
    check("lists", &batches(4, 2, lists), 20, &WriteOptions::default());
}

#[test]
fn encoders_of_text_hold_what_they_say() {
    let _alone = alone();
    for compression in
        [Compression::Zstd(3), Compression::Lz4Raw, Compression::Gzip(6), Compression::Uncompressed]
    {
        let options = WriteOptions { compression, ..WriteOptions::default() };
        check("short", &batches(3, 2, texts(4000, 30, 0)), 6, &options);
        check(&format!("in a dictionary {compression}"), &batches(3, 2, texts(4000, 30, 1000)), 12, &options);
    }
    check("long", &batches(3, 2, texts(40, 100_000, 0)), 3, &WriteOptions::default());
    check("huge", &batches(2, 1, texts(2, 6_000_000, 0)), 3, &WriteOptions::default());
    for laid in [Encoding::Plain, Encoding::DeltaBytes, Encoding::DeltaLength] {
        check("without a dictionary", &batches(3, 1, texts(4000, 50, 0)), 8, &encoding(laid));
    }
}

#[test]
fn encoders_of_wide_tables_hold_what_they_say_and_that_is_little() {
    let _alone = alone();
    let snappy = WriteOptions { compression: Compression::Snappy, ..WriteOptions::default() };
    let wide = batches(4, 500, floats(200));
    check("wide floats", &wide, 30, &snappy);
    check("wide few", &batches(4, 500, few(200)), 30, &snappy);
    check("wide text", &batches(2, 300, texts(100, 25, 0)), 20, &snappy);

    let mut encoder = RowGroupEncoder::new(wide[0].schema(), &snappy).unwrap();
    let mut encoded = 0;
    for batch in std::iter::repeat_n(&wide, 60).flatten() {
        encoder.write(batch).unwrap();
        encoded = encoder.encoded_bytes();
    }
    let open = encoder.memory_bytes() - encoded;
    assert!(open < 160 << 20, "{open} bytes beside {encoded} of pages");
}

#[test]
fn frames_need_the_scratch_that_is_said() {
    let _alone = alone();
    let rows = batch(vec![few(60_000)(&mut Numbers(5)), texts(60_000, 20, 0)(&mut Numbers(6))]);
    let mut bytes: Vec<u8> = Vec::with_capacity(8 << 20);
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let mut encoder = FrameEncoder::default();
    for _ in 0..3 {
        bytes.clear();
        let sink = &mut |part: &[u8]| {
            bytes.extend_from_slice(part);
            Ok(())
        };
        encoder.encode(1, std::slice::from_ref(&rows), sink).unwrap();
    }
    let peak = ALLOCATED.peak_usage() - before;
    assert!(peak <= ENCODER_BYTES + (200 << 10) + 4096, "{peak}");
    let (held, said) = (ALLOCATED.current_usage() - before, encoder.memory_bytes());
    assert!(held <= said + 8192, "{held} held, {said} said");

    bytes.clear();
    let sink = &mut |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    let summary = encoder.encode(1, std::slice::from_ref(&rows), sink).unwrap();
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let back = FrameDecoder::default().decode(&bytes, 0, 1, &summary, &rows.schema()).unwrap();
    let peak = ALLOCATED.peak_usage() - before;
    assert!(peak <= summary.memory_bytes + DECODER_BYTES + 8192, "{peak} {summary:?}");
    assert!(ALLOCATED.current_usage() - before <= summary.memory_bytes + 8192);
    assert_eq!(back, [rows]);
}

fn table(columns: usize, rows: usize, bytes: usize) -> Vec<u8> {
    let mut numbers = Numbers(77);
    let mut text = Vec::new();
    for row in 0..=rows {
        for column in 0..columns {
            let end = if column + 1 == columns { '\n' } else { ',' };
            match (row, column % 3) {
                (0, _) => write!(text, "column {column}{end}").unwrap(),
                (_, 0) => write!(text, "{}{end}", numbers.next() % 1000).unwrap(),
                (_, 1) => write!(text, "{:.3}{end}", numbers.next() as f64 / 1e12).unwrap(),
                (_, _) => write!(text, "{}{end}", numbers.text(bytes)).unwrap(),
            }
        }
    }
    text
}

fn block(input: &Arc<dyn ReadAt>) -> Arc<CsvBlock> {
    let options = ReadOptions::default();
    let header = header::read("table", input, &options).unwrap();
    let types = infer::sample(input, &header, &options).unwrap();
    let types = infer::finish(&header.names, &types, &options).unwrap();
    Arc::new(CsvBlock::new(&header, &options, &types).unwrap())
}

#[test]
fn readers_of_files_hold_what_they_say() {
    let _alone = alone();
    for (columns, rows, bytes) in [(3, 100_000, 20), (600, 400, 10), (3, 200, 50_000), (6, 20_000, 300)] {
        let input: Arc<dyn ReadAt> = Arc::new(table(columns, rows, bytes));
        let block = block(&input);
        let before = ALLOCATED.current_usage();
        let mut reader = BlockReader::new(block, Arc::clone(&input), 0..input.len()).unwrap();
        let mut read = 0;
        while let Some(batch) = reader.next_batch().unwrap() {
            read += batch.num_rows();
            drop(batch);
            let (held, said) = (ALLOCATED.current_usage() - before, reader.memory_bytes());
            let margin = MARGIN_BYTES + 1024 * columns;
            assert!(held <= said + margin, "{columns} columns: {held} held, {said} said");
        }
        assert_eq!(read, rows);
    }
}

#[test]
fn readers_of_streams_hold_what_they_say() {
    let _alone = alone();
    let text = table(6, 60_000, 60);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(1));
    gzip.write_all(&text).unwrap();
    let zstd = zstd::encode_all(&text[..], 1).unwrap();
    let mut bzip2 = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
    bzip2.write_all(&text).unwrap();
    for (name, bytes) in
        [("gzip", gzip.finish().unwrap()), ("zstd", zstd), ("bzip2", bzip2.finish().unwrap())]
    {
        let input: Arc<dyn ReadAt> = Arc::new(bytes);
        let block = block(&input);
        let before = ALLOCATED.current_usage();
        let mut reader = StreamReader::new(block, Arc::clone(&input)).unwrap();
        let (mut read, mut windows) = (0, 0);
        while let Some(batch) = reader.next_batch(input.len()).unwrap() {
            read += batch.num_rows();
            drop(batch);
            let (held, said) = (ALLOCATED.current_usage() - before, reader.memory_bytes());
            assert!(held <= said + MARGIN_BYTES, "{name}: {held} held, {said} said");
            windows = windows.max(said);
        }
        assert_eq!(read, 60_000);
        // The windows: 32 KiB, and what level 1 of Zstandard takes.
        assert!(windows > if name == "zstd" { 512 << 10 } else { 32 << 10 });
    }
}

/// Lines of JSON, with texts, lists and keys that are missing.
fn lines(rows: usize) -> Vec<u8> {
    let mut numbers = Numbers(0x9876_5432);
    let mut text = String::new();
    for row in 0..rows {
        let (word, number) = (numbers.text(row % 50), numbers.next() >> 20);
        text.push_str(&format!("{{\"n\": {number}, \"t\": \"{word}\", \"l\": [{row}, {row}]"));
        text.push_str(if row % 3 == 0 { "}\n" } else { ", \"f\": 0.5, \"o\": {\"a\": \"x\", \"b\": 1}}\n" });
    }
    text.into_bytes()
}

#[test]
fn readers_of_lines_hold_what_they_say() {
    let _alone = alone();
    let input: Arc<dyn ReadAt> = Arc::new(lines(60_000));
    let empty = Arc::new(arrow::datatypes::Schema::empty());
    let block = NdjsonBlock::new("t", csv::stream::Compression::None, empty).unwrap();
    let infer = csv::options::Infer::default();
    let schema = Shapes::of_file(&block, &input, infer, 0).unwrap().schema(&[], infer);
    let block = Arc::new(NdjsonBlock::new("t", csv::stream::Compression::None, schema).unwrap());
    let before = ALLOCATED.current_usage();
    let mut reader = NdjsonReader::new(Arc::clone(&block), Arc::clone(&input), 0..input.len()).unwrap();
    let mut rows = 0;
    loop {
        ALLOCATED.reset_peak_usage();
        let Some(batch) = reader.next_batch().unwrap() else { break };
        rows += batch.num_rows();
        let (held, peak) = (ALLOCATED.current_usage() - before, ALLOCATED.peak_usage() - before);
        let (said, made) = (reader.memory_bytes(), batch.get_array_memory_size());
        assert!(held <= said + made + MARGIN_BYTES, "{held} held, {said} said, and {made}");
        // Columns that double are there twice.
        assert!(peak <= said + 2 * made + MARGIN_BYTES, "{peak} at most, {said} said, and {made}");
    }
    assert_eq!(rows, 60_000);
}

#[test]
fn readers_of_record_batches_ask_for_what_they_take() {
    let _alone = alone();
    let column = |numbers: &mut Numbers| texts(20_000, 40, 0)(numbers);
    let rows = batches(2, 3, column);
    for compression in [None, Some(arrow_ipc::CompressionType::LZ4_FRAME)] {
        let options =
            arrow_ipc::writer::IpcWriteOptions::default().try_with_compression(compression).unwrap();
        let mut writer =
            arrow_ipc::writer::FileWriter::try_new_with_options(Vec::new(), &rows[0].schema(), options)
                .unwrap();
        rows.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.finish().unwrap();
        let input: Arc<dyn ReadAt> = Arc::new(writer.into_inner().unwrap());
        let file = Arc::new(IpcFile::open(&*input, "t").unwrap());
        let before = ALLOCATED.current_usage();
        let mut reader = IpcReader::new(&file, input, vec![0, 2], usize::MAX).unwrap();
        for batch in 0..2 {
            ALLOCATED.reset_peak_usage();
            let read = reader.read(batch).unwrap();
            let (peak, said) = (ALLOCATED.peak_usage() - before, reader.memory_bytes());
            assert!(peak <= said + MARGIN_BYTES, "{peak} at most, {said} said");
            // A decoder of LZ4 holds two blocks of up to 4 MiB.
            assert!(said <= 3 * read.get_array_memory_size() + (9 << 20), "{said}");
        }
    }
}
