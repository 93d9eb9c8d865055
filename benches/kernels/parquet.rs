//! Batches to encoded row groups. `cargo bench -p partita-benches --bench parquet`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use divan::Bencher;
use divan::counter::ItemsCount;
use partita_benches::generate::{Taxi, to_vec};
use partita_formats::Result;
use partita_formats::csv::options::ReadOptions;
use partita_formats::csv::reader::{BlockReader, CsvBlock};
use partita_formats::csv::{header, infer};
use partita_formats::io::ReadAt;
use partita_formats::parquet::{Compression, RowGroupEncoder, WriteOptions};

const ROWS: u64 = 100_000;

fn main() {
    divan::main();
}

/// Trips, as the reader makes them.
fn trips() -> Result<Vec<RecordBatch>> {
    let input: Arc<dyn ReadAt> = Arc::new(to_vec(&mut Taxi::month(1, ROWS), ROWS));
    let options = ReadOptions::default();
    let header = header::read("trips", &input, &options)?;
    let types = infer::sample(&input, &header, &options)?;
    let types = infer::finish(&header.names, &types, &options)?;
    let block = Arc::new(CsvBlock::new(&header, &options, &types)?);
    let mut reader = BlockReader::new(block, Arc::clone(&input), 0..input.len())?;
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

fn encode(batches: &[RecordBatch], options: &WriteOptions) -> Result<u64> {
    let Some(first) = batches.first() else { return Ok(0) };
    let mut encoder = RowGroupEncoder::new(first.schema(), options)?;
    for batch in batches {
        encoder.write(batch)?;
    }
    Ok(encoder.finish()?.bytes())
}

fn bench(bencher: Bencher<'_, '_>, compression: Compression) {
    let Ok(batches) = trips() else { return };
    let options = WriteOptions { compression, ..WriteOptions::default() };
    bencher
        .counter(ItemsCount::new(ROWS))
        .bench_local(|| black_box(encode(&batches, &options)).unwrap_or_default());
}

#[divan::bench(sample_count = 10)]
fn zstd_3(bencher: Bencher<'_, '_>) {
    bench(bencher, Compression::Zstd(3));
}

#[divan::bench(sample_count = 10)]
fn snappy(bencher: Bencher<'_, '_>) {
    bench(bencher, Compression::Snappy);
}

#[divan::bench(sample_count = 10)]
fn uncompressed(bencher: Bencher<'_, '_>) {
    bench(bencher, Compression::Uncompressed);
}
