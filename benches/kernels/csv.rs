//! Bytes to marks, block starts, values and batches. `cargo bench -p partita-benches --bench csv`

use std::hint::black_box;
use std::sync::Arc;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use partita_benches::sample::{SAMPLES, Sample};
use partita_formats::csv::blocks::find_block_starts;
use partita_formats::csv::decode::Columns;
use partita_formats::csv::dialect::Dialect;
use partita_formats::csv::options::ReadOptions;
use partita_formats::csv::reader::{BlockReader, CsvBlock};
use partita_formats::csv::records::Records;
use partita_formats::csv::split::Splitter;
use partita_formats::csv::value::{parse_f64, parse_i64, parse_stamp};
use partita_formats::csv::{header, infer};
use partita_formats::io::ReadAt;

fn main() {
    divan::main();
}

#[divan::bench(args = SAMPLES)]
fn split(bencher: Bencher<'_, '_>, sample: Sample) {
    let bytes = sample.bytes();
    let mut splitter = Splitter::new(&Dialect::default());
    let mut records = Records::default();
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        records.clear();
        black_box(splitter.split(black_box(&bytes), true, usize::MAX, &mut records))
    });
}

#[divan::bench(args = SAMPLES)]
fn count(bencher: Bencher<'_, '_>, sample: Sample) {
    let bytes = sample.bytes();
    let mut splitter = Splitter::new(&Dialect::default());
    bencher
        .counter(BytesCount::new(bytes.len()))
        .bench_local(|| black_box(splitter.count(black_box(&bytes), true)));
}

#[divan::bench(args = SAMPLES)]
fn block_starts(bencher: Bencher<'_, '_>, sample: Sample) {
    let bytes = sample.bytes();
    let dialect = Dialect::default();
    bencher.counter(BytesCount::new(bytes.len())).bench_local(|| {
        black_box(find_block_starts(&bytes, "sample", &dialect, 0, 64 << 10, &|| false)).is_ok()
    });
}

/// A sample with its types inferred.
fn block(sample: Sample) -> partita_formats::Result<(Arc<CsvBlock>, Arc<dyn ReadAt>)> {
    let input: Arc<dyn ReadAt> = Arc::new(sample.bytes());
    let options = ReadOptions::default();
    let header = header::read("sample", &input, &options)?;
    let types = infer::sample(&input, &header, &options)?;
    let types = infer::finish(&header.names, &types, &options)?;
    Ok((Arc::new(CsvBlock::new(&header, &options, &types)?), input))
}

/// Marks to columns: all chunks of a sample are one here, so the text is in the cache or near it.
#[divan::bench(args = SAMPLES)]
fn decode(bencher: Bencher<'_, '_>, sample: Sample) {
    let Ok((block, _)) = block(sample) else { return };
    let Ok(mut columns) = Columns::new(&block) else { return };
    let bytes = &sample.bytes()[block.data_start as usize..];
    let mut records = Records::default();
    let marked = Splitter::new(&block.dialect).split(bytes, true, columns.rows_wanted(), &mut records);
    bencher.counter(BytesCount::new(marked)).bench_local(|| {
        columns.forget_rows().is_ok() && black_box(columns.decode(bytes, &records, 0, None)).is_ok()
    });
}

/// The whole way of a block: read, split, decode.
#[divan::bench(args = SAMPLES)]
fn read_block(bencher: Bencher<'_, '_>, sample: Sample) {
    let Ok((block, input)) = block(sample) else { return };
    bencher
        .counter(BytesCount::new(input.len()))
        .bench_local(|| read_all(&block, &input).unwrap_or_default());
}

/// The whole way of a block for two columns of many.
#[divan::bench(args = [Sample::Taxi, Sample::Wide, Sample::Columns])]
fn read_two_columns(bencher: Bencher<'_, '_>, sample: Sample) {
    let Ok((block, input)) = block(sample) else { return };
    let block = Arc::new(block.project(&[7, 10]));
    bencher
        .counter(BytesCount::new(input.len()))
        .bench_local(|| read_all(&block, &input).unwrap_or_default());
}

fn read_all(block: &Arc<CsvBlock>, input: &Arc<dyn ReadAt>) -> partita_formats::Result<usize> {
    let mut reader = BlockReader::new(Arc::clone(block), Arc::clone(input), 0..input.len())?;
    let mut rows = 0;
    while let Some(batch) = reader.next_batch()? {
        rows += black_box(batch).num_rows();
    }
    Ok(rows)
}

/// The texts of one column of a sample without quotes.
fn texts(sample: Sample, column: usize) -> Vec<Vec<u8>> {
    let bytes = sample.bytes();
    let lines = bytes.split(|b| *b == b'\n').skip(1);
    let fields = lines.filter_map(|line| line.split(|b| *b == b',').nth(column));
    fields.filter(|field| !field.is_empty()).map(<[u8]>::to_vec).collect()
}

fn values<T>(bencher: Bencher<'_, '_>, texts: &[Vec<u8>], parse: impl Fn(&[u8]) -> Option<T>) {
    bencher
        .counter(ItemsCount::new(texts.len()))
        .bench_local(|| texts.iter().filter_map(|text| black_box(parse(text))).count());
}

#[divan::bench]
fn parse_short_floats(bencher: Bencher<'_, '_>) {
    values(bencher, &texts(Sample::Taxi, 16), parse_f64);
}

#[divan::bench]
fn parse_17_digits(bencher: Bencher<'_, '_>) {
    values(bencher, &texts(Sample::Floats, 1), parse_f64);
}

#[divan::bench]
fn parse_integers(bencher: Bencher<'_, '_>) {
    values(bencher, &texts(Sample::Wide, 0), parse_i64);
}

#[divan::bench]
fn parse_timestamps(bencher: Bencher<'_, '_>) {
    values(bencher, &texts(Sample::Taxi, 1), parse_stamp);
}
