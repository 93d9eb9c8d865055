use std::io::Write;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::concat_batches;
use proptest::prelude::*;

use super::super::dialect::LineEnd;
use super::super::options::{Infer, Ragged, ReadOptions};
use super::super::twin::{self, generate};
use super::testing::*;
use super::*;
use crate::error::{ErrorKind, Result};

pub(super) fn text_only() -> ReadOptions {
    ReadOptions { infer: Infer::None, ..ReadOptions::default() }
}

/// The rows that the twin reads, behind the header.
pub(super) fn twin_rows(block: &CsvBlock, bytes: &[u8]) -> Vec<Vec<Option<Vec<u8>>>> {
    let value = |field: Option<&twin::TwinField>| {
        field.filter(|field| field.quoted || !field.value.is_empty()).map(|field| field.value.clone())
    };
    twin::read(&block.dialect, &bytes[block.data_start as usize..])
        .iter()
        .filter(|record| block.ragged == Ragged::Pad || record.fields.len() == block.width)
        .map(|record| (0..block.width).map(|column| value(record.fields.get(column))).collect())
        .collect()
}

pub(super) fn text_rows(batch: &RecordBatch) -> Vec<Vec<Option<Vec<u8>>>> {
    let columns: Vec<_> = batch.columns().iter().map(|column| column.as_string_view()).collect();
    let cell = |column: &arrow::array::StringViewArray, row: usize| {
        use arrow::array::Array;
        column.is_valid(row).then(|| column.value(row).as_bytes().to_vec())
    };
    (0..batch.num_rows()).map(|row| columns.iter().map(|column| cell(column, row)).collect()).collect()
}

pub(super) fn with_sizes(block: &Arc<CsvBlock>, chunk_bytes: usize, batch_rows_max: usize) -> Arc<CsvBlock> {
    let limits = Limits { chunk_bytes, batch_rows_max, ..block.limits };
    Arc::new(CsvBlock { limits, ..CsvBlock::clone(block) })
}

/// A file with a header of a few columns, in any dialect, and how to read it: records of another width are left
/// out.
pub(super) fn any_file() -> impl Strategy<Value = (Vec<u8>, ReadOptions)> {
    (generate::dialects(), generate::files(), 1_usize..4, any::<bool>()).prop_map(
        |(dialect, body, width, padded)| {
            let names: Vec<_> = (0..width).map(|column| format!("c{column}")).collect();
            let mut bytes = names.join(&char::from(dialect.separator).to_string()).into_bytes();
            bytes.extend_from_slice(if dialect.line_end == LineEnd::Lf { b"\n" } else { b"\r \n" });
            bytes.extend_from_slice(&body);
            let options = ReadOptions {
                separator: dialect.separator,
                quote: dialect.quote,
                escape: dialect.escape,
                comment: dialect.comment,
                trim: dialect.trim,
                ragged: if padded { Ragged::Pad } else { Ragged::Skip },
                ..text_only()
            };
            (bytes, options)
        },
    )
}

fn read_blocks(block: &Arc<CsvBlock>, bytes: &[u8], starts: &[u64]) -> Result<Vec<RecordBatch>> {
    let mut batches = Vec::new();
    // Each reads into what the one before has left, the first into the memory of somebody else.
    let mut memory = b"\"left\",over\n".to_vec();
    for range in starts.windows(2) {
        let mut reader = BlockReader::new(Arc::clone(block), open(bytes), range[0]..range[1])?;
        reader.begin_in(memory);
        batches.push(gather(block, || reader.next_batch())?);
        assert_eq!(reader.bytes_read(), range[1] - range[0].max(block.data_start).min(range[1]));
        memory = reader.into_memory();
    }
    Ok(batches)
}

proptest! {
    #[test]
    fn any_chunk_and_any_cut_give_the_twins_rows(
        (bytes, options) in any_file(),
        chunk_bytes in 1_usize..200,
        batch_rows_max in 1_usize..9,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let block = with_sizes(&plan(&bytes, &options).expect("a plan"), chunk_bytes, batch_rows_max);
        let records = twin::read(&block.dialect, &bytes[block.data_start as usize..]);
        let mut starts = vec![0, bytes.len() as u64];
        if !records.is_empty() {
            starts.extend(picks.iter().map(|pick| block.data_start + pick.get(&records).start as u64));
        }
        starts.sort_unstable();
        let too_long = block.ragged == Ragged::Pad && records.iter().any(|record| record.fields.len() > block.width);
        match read_blocks(&block, &bytes, &starts) {
            Ok(batches) => {
                prop_assert!(!too_long);
                let whole = concat_batches(&block.schema, &batches).expect("one batch");
                prop_assert_eq!(text_rows(&whole), twin_rows(&block, &bytes));
            }
            Err(error) => {
                prop_assert!(too_long, "{}", error);
                prop_assert!(matches!(error.kind(), ErrorKind::Ragged { .. }), "{}", error);
            }
        }
    }

    #[test]
    fn a_stream_cut_anywhere_is_the_file(
        body in generate::lines(120),
        zstd: bool,
        chunk_bytes in 1_usize..300,
        rows_max in 1_usize..9,
        mut cuts in prop::collection::vec(0_u64..400, 0..6),
        lost in 0_usize..6,
    ) {
        let bytes = [b"c0,c1\n", body.as_slice()].concat();
        let packed = if zstd { zstd::encode_all(&bytes[..], 1).expect("zstd") } else { gzip(&bytes) };
        let options = ReadOptions { ragged: Ragged::Skip, ..text_only() };
        let block = plan(&packed, &options).expect("a plan");
        cuts.push(packed.len() as u64);
        cuts.sort_unstable();
        let small = with_sizes(&block, chunk_bytes, rows_max);
        let parts = read_stream(&small, &packed, &cuts, None);
        let whole = concat_batches(&block.schema, &parts).expect("one batch");
        prop_assert_eq!(text_rows(&whole), twin_rows(&block, &bytes));
        // A task that lost the reader goes over the earlier partitions again, and comes to the same.
        let again = read_stream(&small, &packed, &cuts, Some(lost));
        prop_assert_eq!(parts, again);
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    encoder.write_all(bytes).expect("in memory");
    encoder.finish().expect("in memory")
}

fn read_stream(block: &Arc<CsvBlock>, packed: &[u8], cuts: &[u64], lost: Option<usize>) -> Vec<RecordBatch> {
    let new = || StreamReader::new(Arc::clone(block), open(packed)).expect("a reader");
    let mut reader = new();
    let mut parts: Vec<RecordBatch> = Vec::new();
    for (index, &cut) in cuts.iter().enumerate() {
        if lost == Some(index) {
            reader = new();
            for (part, &cut) in parts.iter().zip(cuts) {
                assert_eq!(reader.skip(cut).expect("readable"), part.num_rows() as u64);
            }
        }
        parts.push(gather(block, || reader.next_batch(cut)).expect("readable"));
    }
    parts
}

/// What a file reads as: its types and rows.
fn table(text: &str, change: impl FnOnce(&mut ReadOptions)) -> (String, String) {
    let mut options = ReadOptions::default();
    change(&mut options);
    let batch = read(text.as_bytes(), &options).expect("a table");
    (types(&batch).join(" "), rows(&batch).iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("; "))
}

#[test]
fn recorded_behaviours_hold() {
    let check = |id: &str, (types, rows): (String, String), expected: (&str, &str)| {
        assert_eq!((types.as_str(), rows.as_str()), expected, "{id}");
    };
    let default = |text: &str| table(text, |_| ());
    check("ints stay ints", default("a,b\n1,10\n2,20\n"), ("Int64 Int64", "1 10; 2 20"));
    check("int then float", default("a\n1\n2.5\n3\n"), ("Float64", "1.0; 2.5; 3.0"));
    let zip =
        table("zip\n00501\n02134\n", |o| o.dtypes = vec![("zip".into(), arrow::datatypes::DataType::Utf8)]);
    check("leading zeros in text", zip, ("Utf8", "\"00501\"; \"02134\""));
    check("leading zeros in integers", default("zip\n00501\n02134\n"), ("Int64", "501; 2134"));
    check("a blank line is no row", default("a\nTrue\n\nFalse\n"), ("Boolean", "true; false"));
    check(
        "limits of Int64",
        default("a\n9223372036854775807\n-9223372036854775808\n"),
        ("Int64", "9223372036854775807; -9223372036854775808"),
    );
    check(
        "above UInt64",
        default("a\n18446744073709551616\n1\n"),
        ("Utf8", "\"18446744073709551616\"; \"1\""),
    );
    let kept = table("a,b\nNA,1\nnull,2\n,3\n", |o| o.keep_empty_strings = true);
    check("only text remains", kept, ("Utf8 Int64", "\"NA\" 1; \"null\" 2; \"\" 3"));
    check("quoted and bare empty", default("a,b\n\"\",x\n,y\n"), ("Utf8 Utf8", "\"\" \"x\"; null \"y\""));
    check("doubled quote", default("a,b\n1,\"say \"\"hi\"\"\"\n"), ("Int64 Utf8", "1 \"say \\\"hi\\\"\""));
    check("spaces are kept", default("a,b\n 1, x \n2,y\n"), ("Int64 Utf8", "1 \" x \"; 2 \"y\""));
    check("short row", default("a,b,c\n1,2,3\n4,5\n"), ("Int64 Int64 Int64", "1 2 3; 4 5 null"));
    let skipped = table("a,b\n1,2\n3,4,5\n6,7\n", |o| o.ragged = Ragged::Skip);
    check("long row dropped", skipped, ("Int64 Int64", "1 2; 6 7"));
    check("header only", default("a,b\n"), ("Utf8 Utf8", ""));
    check("no last line end", default("a,b\n1,2\n3,4"), ("Int64 Int64", "1 2; 3 4"));
    check("byte-order mark", default("\u{feff}a,b\n1,2\n"), ("Int64 Int64", "1 2"));
    let comments = table("# head\na,b\n1,2 # tail\n3,4\n", |o| o.comment = Some(b'#'));
    check("comments", comments, ("Int64 Int64", "1 2; 3 4"));
    let dates = table("d,v\n2020-01-31,1\n2020-02-29,2\n", |o| o.parse_dates = vec!["d".into()]);
    check("dates on request", dates, ("Date32 Int64", "2020-01-31 1; 2020-02-29 2"));
    check(
        "times in UTC",
        default("t\n2013-01-01T06:00:00Z\n2013-01-01T07:00:00+01:00\n"),
        ("Timestamp(us, \"UTC\")", "2013-01-01T06:00:00Z; 2013-01-01T06:00:00Z"),
    );
}

#[test]
fn a_float_behind_an_integer_sample_is_an_error_with_its_line() {
    let text = (0..50).map(|n| format!("{n},{n}\n")).collect::<String>();
    let text = format!("id,v\n{text}50,1.5\n");
    let options = ReadOptions {
        infer: Infer::Sample { head_bytes: 64, places: 0, place_bytes: 64 },
        chunk_bytes: 64,
        ..ReadOptions::default()
    };
    let error = read(text.as_bytes(), &options).expect_err("a mismatch");
    let ErrorKind::Mismatch(table) = error.kind() else { panic!("{error}") };
    let row = &table.rows()[0];
    assert_eq!((row.column.as_str(), row.line, row.record, row.count), ("v", Some(52), Some(51), 1));
    assert_eq!(row.byte as usize, text.find("1.5").expect("the value"));
}

#[test]
fn all_mismatches_of_a_block_are_in_one_table() {
    let text = format!("a\n{}x\n{}y\n", "1\n".repeat(50), "2\n".repeat(50));
    let options = ReadOptions {
        dtypes: vec![("a".into(), arrow::datatypes::DataType::Int64)],
        chunk_bytes: 16,
        batch_rows_max: 4,
        ..ReadOptions::default()
    };
    let block = plan(text.as_bytes(), &options).expect("a plan");
    let error = read_whole(&block, text.as_bytes()).expect_err("a mismatch");
    let ErrorKind::Mismatch(table) = error.kind() else { panic!("{error}") };
    assert_eq!((table.rows()[0].count, table.rows()[0].line), (2, Some(52)));
    // A compressed file tells the same place.
    let packed = gzip(text.as_bytes());
    let block = plan(&packed, &options).expect("a plan");
    let mut reader = StreamReader::new(block, open(&packed)).expect("a reader");
    let error = loop {
        match reader.next_batch(u64::MAX) {
            Ok(Some(_)) => {}
            Ok(None) => panic!("the mismatch was lost"),
            Err(error) => break error,
        }
    };
    let ErrorKind::Mismatch(table) = error.kind() else { panic!("{error}") };
    assert_eq!(
        (table.rows()[0].count, table.rows()[0].line, table.rows()[0].record),
        (2, Some(52), Some(51))
    );
}

#[test]
fn ragged_records_name_their_line() {
    let long = "a,b\n1,\"x\ny\"\n3,4,5\n";
    let options = ReadOptions { ragged: Ragged::Error, ..ReadOptions::default() };
    let error = |text: &str, options: &ReadOptions| {
        let error = read(text.as_bytes(), options).expect_err("a ragged record");
        let ErrorKind::Ragged { line, byte, expected, found, .. } = error.kind() else { panic!("{error}") };
        (*line, *byte, *expected, *found)
    };
    assert_eq!(error(long, &options), (4, 12, 2, 3));
    assert_eq!(error("a,b\n1\n", &options), (2, 4, 2, 1));
    assert_eq!(error(long, &ReadOptions::default()), (4, 12, 2, 3));
}

#[test]
fn without_columns_rows_are_counted() {
    let text = format!("a,b\n{}", "1,\"x\ny\"\n".repeat(1000));
    let options = ReadOptions { batch_rows_max: 300, chunk_bytes: 1000, ..ReadOptions::default() };
    let block = plan(text.as_bytes(), &options).expect("a plan");
    let count = Arc::new(block.project(&[]));
    let mut reader =
        BlockReader::new(Arc::clone(&count), open(text.as_bytes()), 0..text.len() as u64).expect("a reader");
    let mut rows = 0;
    while let Some(batch) = reader.next_batch().expect("a batch") {
        assert!(batch.num_columns() == 0 && batch.num_rows() <= 300);
        rows += batch.num_rows();
    }
    assert_eq!(rows, 1000);
    // Records that are left out do not count.
    let options = ReadOptions { ragged: Ragged::Skip, ..ReadOptions::default() };
    let text = "a,b\n1,2\n3\n4,5\n";
    let count = Arc::new(plan(text.as_bytes(), &options).expect("a plan").project(&[]));
    let mut reader = BlockReader::new(count, open(text.as_bytes()), 0..text.len() as u64).expect("a reader");
    assert_eq!(reader.next_batch().expect("a batch").map(|batch| batch.num_rows()), Some(2));
}

#[test]
fn long_records_grow_the_buffer_and_too_long_ones_are_refused() {
    let text = format!("a,b\n1,{}\n2,y\n", "x".repeat(50_000));
    let options = ReadOptions { chunk_bytes: 100, ..ReadOptions::default() };
    let block = plan(text.as_bytes(), &options).expect("a plan");
    let mut reader = BlockReader::new(block, open(text.as_bytes()), 0..text.len() as u64).expect("a reader");
    let mut rows = 0;
    while let Some(batch) = reader.next_batch().expect("a batch") {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 2);
    // Room for two batches, in turns.
    assert!(reader.memory_bytes() < 600_000, "{} bytes", reader.memory_bytes());

    let block = plan(text.as_bytes(), &options).expect("a plan");
    let mut block = CsvBlock::clone(&block);
    block.limits.record_bytes_max = 10_000;
    let error = read_whole(&Arc::new(block), text.as_bytes()).expect_err("too long");
    let ErrorKind::RecordTooLong { byte, limit, .. } = error.kind() else { panic!("{error}") };
    assert_eq!((*byte, *limit), (4, 10_000));
}

#[test]
fn a_file_that_became_shorter_is_noticed() {
    struct Shrunk(Vec<u8>);
    impl crate::io::ReadAt for Shrunk {
        fn len(&self) -> u64 {
            self.0.len() as u64 + 10
        }
        fn read_at(&self, offset: u64, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read_at(offset, buffer)
        }
    }
    let text = b"a\n1\n2\n";
    let block = plan(text, &ReadOptions::default()).expect("a plan");
    let mut reader = BlockReader::new(block, Arc::new(Shrunk(text.to_vec())), 0..16).expect("a reader");
    let error = reader.next_batch().expect_err("shorter");
    assert_eq!(
        error.to_string(),
        "t.csv: ends at byte 6, where byte 16 was expected: it is shorter than it was"
    );
}

#[test]
fn a_block_crosses_processes() {
    let options = ReadOptions {
        dtypes: vec![(
            "t".into(),
            arrow::datatypes::DataType::Timestamp(arrow::datatypes::TimeUnit::Second, Some("UTC".into())),
        )],
        ..ReadOptions::default()
    };
    let block = plan(b"t,b\n2020-01-01,1\n", &options).expect("a plan");
    let text = serde_json::to_string(&*block).expect("serializable");
    let back: CsvBlock = serde_json::from_str(&text).expect("its own text");
    assert_eq!(back, *block);
}
