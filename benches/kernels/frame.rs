//! Batches to frames and back. `cargo bench -p partita-benches --bench frame`

use std::hint::black_box;
use std::sync::Arc;

use arrow::array::RecordBatch;
use divan::Bencher;
use divan::counter::BytesCount;
use partita_benches::generate::{Taxi, to_vec};
use partita_columns::partition::unique_buffer_bytes;
use partita_formats::Result;
use partita_formats::csv::options::ReadOptions;
use partita_formats::csv::reader::{BlockReader, CsvBlock};
use partita_formats::csv::{header, infer};
use partita_formats::frame::{FrameDecoder, FrameEncoder};
use partita_formats::io::ReadAt;

const ROWS: u64 = 40_000;

fn main() {
    divan::main();
}

/// Trips, as the reader makes them: about 4 MiB.
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

#[divan::bench]
fn encode(bencher: Bencher<'_, '_>) {
    let Ok(batches) = trips() else { return };
    let mut encoder = FrameEncoder::default();
    let mut bytes = Vec::new();
    bencher.counter(BytesCount::new(unique_buffer_bytes(&batches))).bench_local(|| {
        bytes.clear();
        let sink = &mut |part: &[u8]| {
            bytes.extend_from_slice(part);
            Ok(())
        };
        encoder.encode(1, black_box(&batches), sink).is_ok()
    });
}

#[divan::bench]
fn decode(bencher: Bencher<'_, '_>) {
    let Ok(batches) = trips() else { return };
    let Some(schema) = batches.first().map(RecordBatch::schema) else { return };
    let mut bytes = Vec::new();
    let sink = &mut |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    let Ok(summary) = FrameEncoder::default().encode(1, &batches, sink) else { return };
    let mut decoder = FrameDecoder::default();
    bencher.counter(BytesCount::new(unique_buffer_bytes(&batches))).bench_local(|| {
        decoder.decode(black_box(&bytes), 0, 1, &summary, &schema).map(|batches| batches.len())
    });
}
