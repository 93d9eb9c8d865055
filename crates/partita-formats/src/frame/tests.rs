//! What was written comes back, in as much memory as it had, and in no more bytes than the rows use.

mod damage;
mod samples;

use std::io;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::partition::unique_buffer_bytes;
use proptest::prelude::*;

use super::*;
use samples::{KINDS, Numbers, column, sparse};

const TAG: u64 = 0x7a11;

fn encode(batches: &[RecordBatch]) -> (Vec<u8>, FrameSummary) {
    let mut bytes = Vec::new();
    let summary = FrameEncoder::default()
        .encode(TAG, batches, &mut |part| {
            assert!(part.len() <= BLOCK_BYTES + 16);
            bytes.extend_from_slice(part);
            Ok(())
        })
        .unwrap();
    assert_eq!(summary.bytes, bytes.len() as u64);
    (bytes, summary)
}

fn decode(
    bytes: &Vec<u8>,
    summary: &FrameSummary,
    schema: &SchemaRef,
) -> Result<Vec<RecordBatch>, FrameError> {
    FrameDecoder::default().decode(bytes, 0, TAG, summary, schema)
}

/// Writes and reads; checks what holds of every frame.
fn round(batches: &[RecordBatch], schema: &SchemaRef) -> FrameSummary {
    let (bytes, summary) = encode(batches);
    let back = decode(&bytes, &summary, schema).unwrap();
    assert_eq!(back.len(), batches.len());
    for (back, batch) in back.iter().zip(batches) {
        assert_eq!(back.num_rows(), batch.num_rows());
        assert_eq!(back.columns(), batch.columns());
        back.columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
    }
    assert_eq!(summary.rows, batches.iter().map(|batch| batch.num_rows() as u64).sum::<u64>());
    // Columns of text without rows share one offset.
    let held = unique_buffer_bytes(&back);
    assert!((summary.memory_bytes..=summary.memory_bytes + 8).contains(&held), "{held} {summary:?}");
    summary
}

fn batch(columns: Vec<ArrayRef>) -> RecordBatch {
    let names = (0..columns.len()).map(|n| n.to_string());
    RecordBatch::try_from_iter_with_nullable(names.zip(columns).map(|(name, column)| (name, column, true)))
        .unwrap()
}

fn buffers(data: &arrow::array::ArrayData) -> usize {
    1 + data.buffers().len() + data.child_data().iter().map(buffers).sum::<usize>()
}

#[test]
fn every_type_comes_back_however_it_is_sliced() {
    for kind in 0..KINDS {
        for rows in [0, 1, 7, 64, 1000] {
            let whole = column(kind, rows, 11);
            for (start, len) in
                [(0, rows), (rows / 2, 0), (rows / 3, rows / 2), (rows.min(5), rows.saturating_sub(9))]
            {
                let batch = batch(vec![whole.slice(start, len)]);
                round(std::slice::from_ref(&batch), &batch.schema());
            }
        }
    }
}

#[test]
fn rows_without_columns_and_nothing_at_all() {
    let none: SchemaRef = Arc::new(Schema::empty());
    let options = RecordBatchOptions::new().with_row_count(Some(77));
    let rows = RecordBatch::try_new_with_options(Arc::clone(&none), Vec::new(), &options).unwrap();
    assert_eq!(round(&[rows.clone(), rows], &none).rows, 154);
    assert_eq!(round(&[], &none).memory_bytes, 0);
}

#[test]
fn names_and_metadata_are_those_of_the_reader() {
    let metadata = [("k".to_owned(), "v".to_owned())].into();
    let field = Field::new("n", DataType::Int64, false);
    let schema: SchemaRef = Arc::new(Schema::new_with_metadata(vec![field], metadata));
    let batch =
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(Int64Array::from(vec![4, 5]))]).unwrap();
    let (bytes, summary) = encode(std::slice::from_ref(&batch));
    assert_eq!(decode(&bytes, &summary, &schema).unwrap(), [batch]);
}

#[test]
fn only_text_that_rows_use_is_written() {
    // 10,000 texts of 20 bytes in 4 MiB; each lies in two or three granules of 16 bytes.
    let texts = sparse(4_000_000, 400, 20);
    let summary =
        round(&[batch(vec![texts])], &Arc::new(Schema::new(vec![Field::new("0", DataType::Utf8View, true)])));
    assert!(summary.memory_bytes < 10_000 * (16 + 48) + 128, "{summary:?}");
    assert!(summary.bytes < 10_000 * (16 + 48), "{summary:?}");
}

#[test]
fn text_that_nothing_uses_is_not_written() {
    let texts = sparse(1_000_000, 1000, 30);
    let nulls = NullBuffer::new_null(texts.len());
    let texts = texts.as_string_view();
    let null: ArrayRef =
        Arc::new(StringViewArray::new(texts.views().clone(), texts.data_buffers().to_vec(), Some(nulls)));
    let batch = batch(vec![null]);
    let summary = round(std::slice::from_ref(&batch), &batch.schema());
    assert!(summary.bytes < 1000 && summary.memory_bytes < 1000 * 16 + 256, "{summary:?}");
}

#[test]
fn shared_buffers_are_written_once() {
    let texts = sparse(1_000_000, 20, 20);
    let numbers = column(0, texts.len(), 5);
    let whole = batch(vec![Arc::clone(&texts), Arc::clone(&numbers), texts, numbers]);
    let slices: Vec<_> = (0..whole.num_rows()).step_by(500).map(|at| whole.slice(at, 500)).collect();
    let once =
        round(&[batch(whole.columns()[..2].to_vec())], &Arc::new(whole.schema().project(&[0, 1]).unwrap()));
    let all = round(&slices, &whole.schema());
    let overlapping = round(&[whole.slice(0, 40_000), whole.slice(10_000, 40_000)], &whole.schema());
    let before = unique_buffer_bytes(std::slice::from_ref(&whole));
    assert!(all.bytes < once.bytes + once.bytes / 5, "{all:?} {once:?}");
    assert!(all.memory_bytes <= before + 80 * 400, "{all:?} {before}");
    // Views are rewritten, those of the 30,000 rows that both have too.
    assert!(overlapping.bytes < once.bytes + once.bytes / 2, "{overlapping:?} {once:?}");
    assert!(overlapping.memory_bytes <= before + 30_000 * 16 + 1000, "{overlapping:?} {before}");
}

#[test]
fn text_and_its_views_share_their_bytes() {
    let texts: ArrayRef = Arc::new(arrow::array::StringArray::from_iter_values(
        (0..20_000).map(|n| format!("text number {n:09}")),
    ));
    let views = cast(&texts, &DataType::Utf8View).unwrap();
    let both = batch(vec![views, texts]);
    let before = unique_buffer_bytes(std::slice::from_ref(&both));
    let summary = round(std::slice::from_ref(&both), &both.schema());
    assert!(summary.memory_bytes <= before, "{} > {before}", summary.memory_bytes);
}

#[test]
fn random_bytes_grow_by_less_than_a_hundredth() {
    let mut numbers = Numbers(3);
    let values = Int64Array::from_iter_values((0..300_000).map(|_| numbers.next() as i64));
    let batch = batch(vec![Arc::new(values)]);
    let summary = round(std::slice::from_ref(&batch), &batch.schema());
    assert!((2_400_000..2_400_000 + 24_000).contains(&summary.bytes), "{summary:?}");
}

#[test]
fn regular_values_shrink() {
    let batch = batch(vec![Arc::new(Int64Array::from_iter_values((0..100_000).map(|n| n % 100)))]);
    // Seven bits of 64 each.
    assert!(round(std::slice::from_ref(&batch), &batch.schema()).bytes < 800_000 / 9);
    let texts = (0..100_000).map(|n| Some(format!("the text of number {}", n % 100)));
    let batch = self::batch(vec![Arc::new(arrow::array::StringArray::from_iter(texts))]);
    let bytes = unique_buffer_bytes(std::slice::from_ref(&batch)) as u64;
    assert!(round(std::slice::from_ref(&batch), &batch.schema()).bytes < bytes / 5);
}

#[test]
fn batches_of_other_types_are_refused() {
    let mixed = [batch(vec![column(0, 3, 1)]), batch(vec![column(5, 3, 1)])];
    let error = FrameEncoder::default().encode(TAG, &mixed, &mut |_| Ok(())).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn a_failed_write_leaves_the_encoder_usable_and_holds_no_buffer() {
    let whole = batch(vec![column(0, 50_000, 1), column(15, 50_000, 1)]);
    let mut encoder = FrameEncoder::default();
    for fails in 0..4 {
        let mut calls = 0;
        let error = encoder
            .encode(TAG, std::slice::from_ref(&whole), &mut |_| {
                calls += 1;
                if calls > fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            })
            .unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
    let values = whole.column(0).to_data().buffers()[0].clone();
    let before = values.strong_count();
    let mut bytes = Vec::new();
    let mut sink = |part: &[u8]| {
        bytes.extend_from_slice(part);
        Ok(())
    };
    let summary = encoder.encode(TAG, std::slice::from_ref(&whole), &mut sink).unwrap();
    assert_eq!(values.strong_count(), before);
    assert_eq!(decode(&bytes, &summary, &whole.schema()).unwrap(), [whole]);
}

#[test]
fn scratch_stays_what_is_said() {
    let wide = batch((0..300).map(|n| column(n, 100, n as u64)).collect());
    let mut encoder = FrameEncoder::default();
    for _ in 0..20 {
        encoder.encode(TAG, std::slice::from_ref(&wide), &mut |_| Ok(())).unwrap();
        let list = 2 * 80 * wide.columns().iter().map(|column| buffers(&column.to_data())).sum::<usize>();
        assert!(encoder.memory_bytes() <= ENCODER_BYTES + (200 << 10) + list, "{}", encoder.memory_bytes());
    }
}

/// A frame of two batches, in hexadecimal digits.
const VERSION_1: &str = "
    5041525446524d01117a000000000000aec695405814288b8c010000f1010000f10d098005e019800810c00210800880
    04c0012d0a91ffffffffff8debbe080031a293f80800a286c171000000000054bb0800f115626262e697a5e697a52061
    e697a520e697a56120626162e697a561c3a9c3a9e697a561620700f10862c3a9202062c3a920e697a562e697a56262c3
    a920c3a93700426161c3a9340025622036002362205a00013f0003170074e697a52020c3a94800536261c3a962140001
    3a002220627d000134000408003162c3a98d005161e697a562a700516120626261140001290011612a00f21b62206232
    000000c3a92020000000002a0000003800000062e697a5000000005c0000000c0000006262614900f11d2062623a0000
    00e697a5c300000000940000001a0000000001000000020000000500000007000000bfe3736e340131c674e444013119
    efdb080031ebe47d1800313a03650800312c33961800010d006100000093e0720800112a76002162e60d003c000000a6
    0008750071040002082000010100f00d070101080838020002001000010300ce010105000100010200080010f3ddb58f
    e7dbf4b1";

/// Frames that were written before are read for ever.
#[test]
fn version_1_is_read() {
    let batch = batch(vec![column(0, 5, 1), column(15, 5, 2), column(21, 5, 3)]);
    let digits: Vec<u8> = VERSION_1.bytes().filter(u8::is_ascii_hexdigit).collect();
    let bytes = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let summary = FrameSummary {
        bytes: 436,
        memory_bytes: 768,
        rows: 6,
        batches: 2,
        checksum: 12_823_115_826_625_633_779,
    };
    assert_eq!(decode(&bytes, &summary, &batch.schema()).unwrap(), [batch.slice(1, 4), batch.slice(0, 2)]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    /// Any columns, some of them twice, in any slices of the rows, overlapping or not.
    #[test]
    fn any_frame_comes_back(
        kinds in prop::collection::vec((0..KINDS, 0..3_u64), 0..6),
        rows in 0..600_usize,
        cuts in prop::collection::vec((0..600_usize, 0..600_usize), 0..6),
    ) {
        let columns: Vec<_> = kinds.iter().map(|&(kind, seed)| column(kind, rows, seed)).collect();
        let twice: Vec<_> = columns.iter().chain(columns.first()).cloned().collect();
        if twice.is_empty() {
            return Ok(());
        }
        let whole = batch(twice);
        let batches: Vec<_> = cuts
            .iter()
            .map(|&(start, len)| (start.min(rows), len))
            .map(|(start, len)| whole.slice(start, len.min(rows - start)))
            .collect();
        let summary = round(&batches, &whole.schema());
        let pieces: usize = batches.iter().flat_map(|b| b.columns()).map(|c| buffers(&c.to_data())).sum();
        // Changed offsets and views are written for every slice.
        let before = unique_buffer_bytes(&batches);
        let changed: usize = batches.iter().map(|b| 24 * b.num_rows() * b.num_columns()).sum();
        prop_assert!(summary.memory_bytes <= before + changed + 80 * pieces);
        let raw = summary.memory_bytes + 10 * pieces + 64;
        prop_assert!(summary.bytes as usize <= raw + raw / 100, "{summary:?}");
    }
}
