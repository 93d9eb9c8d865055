use std::io::Write;
use std::sync::Arc;

use arrow::datatypes::DataType;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::blocks::{find_block_starts, find_block_starts_and_lines};
use super::super::options::{OnMismatch, Ragged, ReadOptions};
use super::super::reader::testing::{open, plan, rows};
use super::super::reader::{BlockReader, CsvBlock, Limits, StreamReader};
use super::super::twin;
use super::*;
use crate::error::Result;

/// What a reader leaves: rows as text, and lines.
#[derive(Debug, Default, PartialEq)]
struct Left {
    rows: Vec<Vec<String>>,
    lines: Vec<Value>,
}

impl Left {
    fn take(&mut self, batch: Option<&arrow::array::RecordBatch>, aside: &SetAside) {
        self.rows.extend(batch.map(rows).unwrap_or_default());
        let text = std::str::from_utf8(&aside.lines).expect("UTF-8");
        assert_eq!(text.lines().count() as u64, aside.records);
        assert!(text.is_empty() || text.ends_with('\n'));
        self.lines.extend(text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON")));
    }
}

fn options(types: &[(&str, DataType)], ragged: Ragged) -> ReadOptions {
    ReadOptions {
        dtypes: types.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect(),
        ragged,
        on_mismatch: OnMismatch::Quarantine,
        ..ReadOptions::default()
    }
}

fn with_sizes(block: &Arc<CsvBlock>, chunk_bytes: usize, batch_rows_max: usize) -> Arc<CsvBlock> {
    let limits = Limits { chunk_bytes, batch_rows_max, ..block.limits };
    Arc::new(CsvBlock { limits, ..CsvBlock::clone(block) })
}

/// Reads a plain file in blocks.
fn in_blocks(block: &Arc<CsvBlock>, bytes: &[u8], block_bytes: u64) -> Result<Left> {
    let input = open(bytes);
    let found = find_block_starts_and_lines(&*input, block, block_bytes, &|| false)?;
    let plain =
        find_block_starts(&*input, "t.csv", &block.dialect, block.data_start, block_bytes, &|| false)?;
    assert_eq!(found.starts, plain.starts);
    let mut left = Left::default();
    for (number, range) in found.starts.windows(2).enumerate() {
        let line = found.lines.get(number).copied().unwrap_or(1);
        let mut reader =
            BlockReader::at_line(Arc::clone(block), Arc::clone(&input), range[0]..range[1], line)?;
        while let Some(batch) = reader.next_batch()? {
            left.take(Some(&batch), &reader.take_set_aside());
        }
        left.take(None, &reader.take_set_aside());
    }
    Ok(left)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

/// Reads a compressed file in partitions; before one of them a new reader passes over those before it.
fn in_a_stream(block: &Arc<CsvBlock>, packed: &[u8], block_bytes: usize, again: usize) -> Result<Left> {
    let input = open(packed);
    let mut left = Left::default();
    let mut reader = StreamReader::new(Arc::clone(block), Arc::clone(&input))?;
    let ends: Vec<u64> = (block_bytes..packed.len())
        .step_by(block_bytes)
        .chain([packed.len()])
        .map(|end| end as u64)
        .collect();
    for (number, end) in ends.iter().enumerate() {
        if number == again {
            reader = StreamReader::new(Arc::clone(block), Arc::clone(&input))?;
            for before in &ends[..number] {
                reader.skip(*before)?;
            }
        }
        while let Some(batch) = reader.next_batch(*end)? {
            left.take(Some(&batch), &reader.take_set_aside());
        }
        left.take(None, &reader.take_set_aside());
    }
    Ok(left)
}

#[test]
fn a_line_tells_what_and_where() {
    let text = b"id,fare,note\n1,2.5,\"a\nb\"\nx,y,\"q\"\"\"\n2,3,z,4\n3\n4,1e3,\xE9\n5,6,7\r\n";
    let typed = options(&[("id", DataType::Int64), ("fare", DataType::Float64)], Ragged::Error);
    let block = plan(text, &typed).expect("a plan");
    let left = in_blocks(&block, text, 1 << 20).expect("rows");
    assert_eq!(left.rows, [["1", "2.5", "\"a\\nb\""], ["5", "6.0", "\"7\""]]);
    let line = |line: u64, byte: u64, reason: &str, rest: (Value, &str, &str, &[&str], &str)| {
        let (column, expected, found, further_columns, record) = rest;
        json!({
            "file": "t.csv", "line": line, "byte": byte, "reason": reason, "column": column, "expected": expected,
            "found": found, "further_columns": further_columns, "record": record, "record_cut": false,
        })
    };
    let expected = [
        line(4, 25, "value", (json!("id"), "Int64", "x", &["fare"], "x,y,\"q\"\"\"")),
        line(5, 35, "too many fields", (Value::Null, "3 fields", "4 fields", &[], "2,3,z,4")),
        line(6, 43, "too few fields", (Value::Null, "3 fields", "1 fields", &[], "3")),
        line(7, 45, "not text in the encoding", (json!("note"), "Utf8", "\u{fffd}", &[], "4,1e3,\u{fffd}")),
    ];
    assert_eq!(left.lines, expected);
    // Only columns that are decoded are judged.
    let left = in_blocks(&Arc::new(block.project(&[1])), text, 7).expect("rows");
    assert_eq!(left.rows, [["2.5"], ["1000.0"], ["6.0"]]);
    assert_eq!(left.lines.len(), 3);
    assert_eq!(left.lines[0]["column"], "fare");
}

#[test]
fn long_records_and_values_are_cut() {
    let long = "é".repeat(20_000);
    let text = format!("a,b\n1,x\n{long},y\n2,z\n");
    let typed = options(&[("a", DataType::Int64)], Ragged::Pad);
    let block = plan(text.as_bytes(), &typed).expect("a plan");
    let left = in_blocks(&block, text.as_bytes(), 1 << 20).expect("rows");
    assert_eq!(left.rows.len(), 2);
    let line = &left.lines[0];
    assert_eq!(line["record_cut"], true);
    assert_eq!(line["record"].as_str().expect("a text").len(), RECORD_BYTES_MAX);
    assert_eq!(line["found"].as_str().expect("a text").len(), VALUE_BYTES_MAX);
}

#[test]
fn n_records_are_read_and_no_more() {
    let text = b"a\n1\nx\n2\ny\n3\n";
    let block = plan(text, &options(&[("a", DataType::Int64)], Ragged::Pad)).expect("a plan");
    let packed = gzip(text);
    for (records, rows, lines) in [(0, 0, 0), (1, 1, 0), (2, 1, 1), (3, 2, 1), (4, 2, 2), (9, 3, 2)] {
        let reader =
            StreamReader::new(with_sizes(&with_block_compression(&block, &packed), 4, 1), open(&packed));
        let mut reader = reader.expect("a reader").end_after(records);
        let mut left = Left::default();
        while let Some(batch) = reader.next_batch(u64::MAX).expect("rows") {
            left.take(Some(&batch), &reader.take_set_aside());
        }
        left.take(None, &reader.take_set_aside());
        assert_eq!((left.rows.len(), left.lines.len()), (rows, lines), "{records}");
    }
}

fn with_block_compression(block: &Arc<CsvBlock>, packed: &[u8]) -> Arc<CsvBlock> {
    let compression = super::super::stream::detect(packed);
    Arc::new(CsvBlock { packing: compression.into(), ..CsvBlock::clone(block) })
}

/// What a plain reader makes of a record: its row, or why not.
fn judge(
    record: &twin::TwinRecord,
    ragged: Ragged,
) -> std::result::Result<Vec<String>, (&'static str, Value)> {
    let count = record.fields.len();
    if count > 3 || count < 3 && ragged == Ragged::Error {
        return Err((if count < 3 { "too few fields" } else { "too many fields" }, Value::Null));
    }
    let mut row = Vec::new();
    for (column, name) in ["a", "b", "c"].into_iter().enumerate() {
        let field = record.fields.get(column);
        let text = field.map_or(&b""[..], |field| &field.value);
        let cell = match (name, std::str::from_utf8(text)) {
            (_, Ok("")) if name != "c" => Some("null".to_owned()),
            ("c", Ok("")) if !field.is_some_and(|field| field.quoted) => Some("null".to_owned()),
            ("a", Ok(text)) => text.parse::<i64>().ok().map(|value| value.to_string()),
            ("b", Ok("true")) => Some("true".to_owned()),
            ("b", Ok("false")) => Some("false".to_owned()),
            ("c", Ok(text)) => Some(format!("{text:?}")),
            _ => None,
        };
        let reason = if name == "c" { "not text in the encoding" } else { "value" };
        row.push(cell.ok_or_else(|| (reason, json!(name)))?);
    }
    Ok(row)
}

fn expected(text: &[u8], block: &CsvBlock) -> Left {
    let start = usize::try_from(block.data_start).expect("a place");
    let mut left = Left::default();
    for record in twin::read(&block.dialect, &text[start..]) {
        let byte = start + record.start;
        match judge(&record, block.ragged) {
            Ok(row) => left.rows.push(row),
            Err((reason, column)) => left.lines.push(json!({
                "line": 1 + text[..byte].iter().filter(|byte| **byte == b'\n').count(),
                "byte": byte, "reason": reason, "column": column,
            })),
        }
    }
    left
}

/// The members of lines that the plain reader tells as well.
fn short(left: Left) -> Left {
    let member = |line: &Value, name: &str| line[name].clone();
    let names = ["line", "byte", "reason", "column"];
    let shorten =
        |line: &Value| Value::Object(names.iter().map(|name| ((*name).into(), member(line, name))).collect());
    Left { lines: left.lines.iter().map(shorten).collect(), ..left }
}

fn dirty_file() -> impl Strategy<Value = Vec<u8>> {
    let field = prop::sample::select(vec![
        &b"1"[..],
        b"-25",
        b"1234567890123",
        b"",
        b"true",
        b"false",
        b"x",
        b"\"7\"",
        b"\"a\nb\"",
        b"\"\"",
        b"\xE9",
        b"1.5",
        b"\"c,\"\"d\"\"\"",
        b"99999999999999999999",
    ]);
    let line = prop_oneof![
        8 => prop::collection::vec(field.clone(), 3),
        2 => Just(vec![&b"5"[..], b"true", b"fine"]),
        1 => prop::collection::vec(field, 1..6),
    ];
    let end = prop::sample::select(vec![&b"\n"[..], b"\n", b"\r\n", b"\n\n"]);
    prop::collection::vec((line, end), 0..25).prop_map(|lines| {
        let mut text = b"a,b,c\n".to_vec();
        for (line, end) in lines {
            text.extend_from_slice(&line.join(&b','));
            text.extend_from_slice(end);
        }
        text
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn rows_and_lines_are_those_of_a_plain_reader(
        text in dirty_file(),
        padded in any::<bool>(),
        block_bytes in prop_oneof![1_u64..40, Just(1 << 20)],
        (chunk_bytes, rows_max) in (1_usize..200, 1_usize..9),
        (packed_bytes, again) in (1_usize..200, 0_usize..4),
    ) {
        let ragged = if padded { Ragged::Pad } else { Ragged::Error };
        let typed = options(&[("a", DataType::Int64), ("b", DataType::Boolean), ("c", DataType::Utf8)], ragged);
        let block = plan(&text, &typed).expect("a plan");
        let expected = expected(&text, &block);
        let small = with_sizes(&block, chunk_bytes, rows_max);
        prop_assert_eq!(&short(in_blocks(&small, &text, block_bytes).expect("rows")), &expected);
        let packed = gzip(&text);
        let small = with_block_compression(&small, &packed);
        prop_assert_eq!(&short(in_a_stream(&small, &packed, packed_bytes, again).expect("rows")), &expected);
    }
}
