//! Lines of JSON, compared with `serde_json` and `arrow-json`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use proptest::prelude::*;
use serde_json::Value;

use super::json::Cursor;
use super::*;
use crate::csv::options::Infer;
use crate::csv::stream::Compression;
use crate::io::ReadAt;
use crate::rows::tests::generate;

fn input(text: &str) -> Arc<dyn ReadAt> {
    Arc::new(text.as_bytes().to_vec())
}

fn inferred(text: &str) -> SchemaRef {
    let block = NdjsonBlock::new("t.ndjson", Compression::None, Arc::new(Schema::empty())).unwrap();
    let shapes = Shapes::of_file(&block, &input(text), Infer::default(), 0).unwrap();
    shapes.schema(&[], Infer::default())
}

fn block(schema: &SchemaRef) -> NdjsonBlock {
    let block = NdjsonBlock::new("t.ndjson", Compression::None, Arc::clone(schema)).unwrap();
    NdjsonBlock { limits: NdjsonLimits { chunk_bytes: 64, ..NdjsonLimits::default() }, ..block }
}

/// All rows, read in blocks of so many bytes.
fn read(block: &NdjsonBlock, text: &str, block_bytes: u64) -> crate::Result<RecordBatch> {
    let (block, input) = (Arc::new(block.clone()), input(text));
    let mut batches = Vec::new();
    let mut at = 0;
    while at < input.len() {
        let mut reader = NdjsonReader::new(Arc::clone(&block), Arc::clone(&input), at..at + block_bytes)?;
        while let Some(batch) = reader.next_batch()? {
            batches.push(batch);
        }
        at += block_bytes;
    }
    let schema = Arc::new(block.schema.project(&block.wanted)?);
    Ok(concat_batches(&schema, &batches)?)
}

fn refused(schema: &SchemaRef, text: &str) -> String {
    read(&block(schema), text, u64::MAX / 2).unwrap_err().to_string()
}

fn schema(fields: &[(&str, DataType)]) -> SchemaRef {
    let fields = fields.iter().map(|(name, data_type)| Field::new(*name, data_type.clone(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The cells of each row.
fn shown(batch: &RecordBatch) -> Vec<String> {
    let cell = |column: &ArrayRef, row| {
        arrow::util::display::array_value_to_string(column, row).unwrap().replace('\n', " ")
    };
    let row = |row| batch.columns().iter().map(|column| cell(column, row)).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(row).collect()
}

#[test]
fn types_follow_from_the_values() {
    let text = concat!(
        "{\"b\": true, \"i\": 1, \"u\": 18446744073709551615, \"f\": 1, \"s\": \"x\", \"n\": null}\r\n",
        "\n  \n",
        "{\"l\": [1, 2.5], \"o\": {\"x\": [[]], \"y\": {}}, \"m\": 1, \"f\": 1e2, \"i\": -1}\n",
        "{\"m\": \"1\", \"a\": [1], \"big\": 123456789012345678901234567890}\n",
        "{\"a\": {}, \"m\": [ 1, {\"k\": 0.50}]}",
    );
    let text_list = DataType::List(Arc::new(Field::new("item", DataType::Utf8View, true)));
    let expected = schema(&[
        ("b", DataType::Boolean),
        ("i", DataType::Int64),
        ("u", DataType::UInt64),
        ("f", DataType::Float64),
        ("s", DataType::Utf8View),
        ("n", DataType::Utf8View),
        ("l", DataType::List(Arc::new(Field::new("item", DataType::Float64, true)))),
        (
            "o",
            DataType::Struct(
                vec![
                    Field::new("x", DataType::List(Arc::new(Field::new("item", text_list, true))), true),
                    Field::new("y", DataType::Utf8View, true),
                ]
                .into(),
            ),
        ),
        ("m", DataType::Utf8View),
        ("a", DataType::Utf8View),
        ("big", DataType::Utf8View),
    ]);
    assert_eq!(inferred(text), expected);
    let rows = read(&block(&expected), text, 100).unwrap();
    let texts = shown(&rows.project(&[8, 9, 10]).unwrap());
    assert_eq!(texts, ["||", "1||", "1|[1]|123456789012345678901234567890", "[ 1, {\"k\": 0.50}]|{}|"]);
}

#[test]
fn places_all_over_a_file_are_looked_at() {
    let mut text: String = (0..20_000).map(|n| format!("{{\"n\": {n}}}\n")).collect();
    text.push_str("{\"n\": 0.5, \"late\": 1}\n");
    let block = NdjsonBlock::new("t", Compression::None, Arc::new(Schema::empty())).unwrap();
    let look = |infer| Shapes::of_file(&block, &input(&text), infer, 0).unwrap().schema(&[], infer);
    let head = Infer::Sample { head_bytes: 100, places: 0, place_bytes: 0 };
    assert_eq!(look(head), schema(&[("n", DataType::Int64)]));
    let places = Infer::Sample { head_bytes: 100, places: 1, place_bytes: 100 };
    let all = schema(&[("n", DataType::Float64), ("late", DataType::Int64)]);
    assert_eq!(look(places), all);
    assert_eq!(look(Infer::Full), all);
    assert_eq!(look(Infer::None), schema(&[("n", DataType::Utf8View)]));
}

#[test]
fn types_that_are_given_take_their_text() {
    let stamp = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into()));
    let fields = schema(&[("d", DataType::Date32), ("t", stamp), ("m", DataType::Decimal128(20, 2))]);
    let text =
        "{\"d\": \"2024-02-29\", \"t\": \"2024-02-29T12:00:00.5+01:00\", \"m\": 12.50}\n{\"m\": \"-0.01\"}\n";
    let rows = shown(&read(&block(&fields), text, 1000).unwrap());
    assert_eq!(rows, ["2024-02-29|2024-02-29T11:00:00.500Z|12.50", "||-0.01"]);
    let error = refused(&fields, "{}\n{\"d\": \"today\"}\n");
    assert!(
        error.starts_with(
            "t.ndjson: line 2 (byte 3): column \"d\": expected Date32, found the text \"today\";"
        ),
        "{error}"
    );
    let error = NdjsonBlock::new("t", Compression::None, schema(&[("x", DataType::Binary)])).unwrap_err();
    assert!(error.to_string().contains("column \"x\": JSON cannot be read as Binary"), "{error}");
}

#[test]
fn errors_name_the_line_the_column_and_the_way_out() {
    let inner = DataType::Struct(vec![Field::new("b", DataType::Int8, true)].into());
    let fields = schema(&[
        ("n", DataType::Int64),
        ("f", DataType::Float64),
        ("l", DataType::List(Arc::new(Field::new("item", inner, true)))),
    ]);
    for (line, expected) in [
        (
            "{\"n\": \"x\"}",
            "line 2 (byte 15): column \"n\": expected Int64, found the text \"x\"; read the column as text with dtype(\"n\", \"Utf8\")",
        ),
        ("{\"n\": 1.0}", "column \"n\": expected Int64, found the number 1.0;"),
        ("{\"n\": 9223372036854775808}", "expected Int64, found the number 9223372036854775808;"),
        ("{\"f\": 1e400}", "column \"f\": expected Float64, found the number 1e400;"),
        ("{\"f\": true}", "expected Float64, found true;"),
        (
            "{\"l\": [null, {\"b\": 128}]}",
            "column \"l[].b\": expected Int8, found the number 128; read the column as text with dtype(\"l\", \"Utf8\")",
        ),
        ("{\"l\": {}}", "column \"l\": expected an array, found an object"),
        ("{\"l\": [{\"c\": 1}]}", "no column for the key \"l[].c\""),
        ("{\"x\": 1}", "no column for the key \"x\""),
        ("{\"n\": 1, \"n\": 1}", "the key \"n\" occurs twice"),
        ("{\"n\": 1", "expected `,` or `}`, found the end of the line; correct the line or leave it out"),
        ("{\"n\": 01}", "expected a number, found \"01}\""),
        ("[{\"n\": 1}]", "expected an object, found \"[{"),
        ("{\"n\": 1} 2", "expected the end of the line, found \"2\""),
        ("{\"f\": \"\\ud800\"}", "expected the second half of a character"),
        ("{'n': 1}", "expected a key in quotes"),
    ] {
        let error = refused(&fields, &format!("{{\"n\": 0}}\n{line}\n{{}}\n"));
        assert!(error.starts_with("t.ndjson: line 2 (byte ") && error.contains(expected), "{line}: {error}");
    }
    let long = format!("{{\"n\": {}}}", " ".repeat(2000));
    let limits = NdjsonLimits { line_bytes_max: 1000, chunk_bytes: 64, ..NdjsonLimits::default() };
    let error = read(&NdjsonBlock { limits, ..block(&fields) }, &long, 5000).unwrap_err().to_string();
    assert!(error.contains("byte 0: a line of more than 1000 bytes"), "{error}");
    let bytes: Arc<dyn ReadAt> = Arc::new(b"{}\n{\"n\": \"\xFF\"}".to_vec());
    let mut reader = NdjsonReader::new(Arc::new(block(&fields)), bytes, 0..100).unwrap();
    let error = reader.next_batch().unwrap_err().to_string();
    assert!(error.starts_with("t.ndjson: line 2 (byte 10): not UTF-8"), "{error}");
}

#[test]
fn keys_may_be_ignored_and_columns_passed_over() {
    let fields = schema(&[("a", DataType::Int64), ("b", DataType::Int64)]);
    let block = NdjsonBlock { ignore_unknown: true, wanted: vec![1], ..block(&fields) };
    let rows =
        read(&block, "\u{feff}{\"x\": [{}], \"b\": 1, \"a\": \"no number\"}\n{\"a\": 2}\n", 20).unwrap();
    assert_eq!(shown(&rows), ["1", ""]);
    let none = NdjsonBlock { wanted: Vec::new(), ..block };
    assert_eq!(read(&none, "{}\n\n{}\n{}", 3).unwrap().num_rows(), 3);
}

/// Of columns that lines do not have.
#[test]
fn lines_that_lack_keys_take_no_memory_without_a_bound() {
    let names: Vec<String> = (0..1000).map(|column| format!("c{column}")).collect();
    let wide: Vec<(&str, DataType)> = names.iter().map(|name| (name.as_str(), DataType::Int64)).collect();
    let wide = schema(&wide);
    let reader = |schema: &SchemaRef, text: &str| {
        let block = NdjsonBlock::new("t", Compression::None, Arc::clone(schema)).unwrap();
        NdjsonReader::new(Arc::new(block), input(text), 0..u64::MAX).unwrap()
    };
    let first = reader(&wide, &"{}\n".repeat(5000)).next_batch().unwrap().unwrap();
    assert!((100..200).contains(&first.num_rows()), "{}", first.num_rows());
    let inner = DataType::Struct(wide.fields().clone());
    let lists = schema(&[("l", DataType::List(Arc::new(Field::new("item", inner, true))))]);
    let line = format!("{{\"l\": [{}{{}}]}}", "{},".repeat(100_000));
    let error = reader(&lists, &line).next_batch().unwrap_err().to_string();
    assert!(error.contains("fewer objects that lack keys"), "{error}");
}

#[test]
fn compressed_files_are_read_from_their_beginning() {
    let text: String = (0..5000).map(|n| format!("{{\"n\": {n}}}\n")).collect();
    let packed: Arc<dyn ReadAt> = Arc::new(zstd::encode_all(text.as_bytes(), 3).unwrap());
    let fields = schema(&[("n", DataType::Int64)]);
    let mut block = NdjsonBlock::new("t.zst", Compression::Zstd, Arc::clone(&fields)).unwrap();
    let shapes = Shapes::of_file(&block, &packed, Infer::default(), usize::MAX).unwrap();
    assert_eq!(shapes.schema(&[], Infer::default()), fields);
    block.limits.chunk_bytes = 100;
    let mut reader = NdjsonReader::new(Arc::new(block), packed, 7..8).unwrap();
    let mut rows = 0;
    while let Some(batch) = reader.next_batch().unwrap() {
        rows += batch.num_rows();
    }
    assert_eq!(rows, 5000);
}

/// JSON that is mostly right.
fn any_json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?",
        "\"([a-zä😀/ ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fD][0-9a-f]{3}|\\\\ud83d\\\\ude00){0,5}\"",
        prop::sample::select(vec![
            "null", "true", "false", "nul", "01", "+1", ".5", "1.", "\"\\x\"", "\"\t\"", ""
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|items| format!("[{}]", items.join(" ,"))),
            prop::collection::vec(("\"[a-c]\"", inner), 0..4).prop_map(|members| {
                let members: Vec<String> =
                    members.into_iter().map(|(key, value)| format!("{key}: {value}")).collect();
                format!("{{{} }}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_json_is_what_serde_takes(json in any_json(), cut in 0_usize..200) {
        let cut = json.char_indices().map(|(at, _)| at).nth(cut).unwrap_or(json.len());
        for text in [&json[..], &json[..cut]] {
            let mut cursor = Cursor::new(text);
            let taken = cursor.skip(0).and_then(|()| cursor.end()).is_ok();
            prop_assert_eq!(taken, serde_json::from_str::<Value>(text).is_ok(), "{}", text);
        }
    }

    #[test]
    fn strings_are_what_serde_reads(json in "\"([a-zä😀/ ]|\\\\[\"\\\\/bfnrt]|\\\\u[0-9a-fD][0-9a-f]{3}|\\\\ud83d\\\\ude00){0,12}\"") {
        let mut cursor = Cursor::new(&json);
        match serde_json::from_str::<String>(&json) {
            Ok(expected) => prop_assert_eq!(cursor.string().unwrap(), expected),
            Err(_) => prop_assert!(cursor.string().is_err()),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// What `arrow-json` writes is read as it was, whatever the blocks, the chunks and the batches.
    #[test]
    fn lines_are_read_as_they_were(
        seed: u64,
        rows in 1_usize..40,
        block_bytes in 1_u64..3000,
        batch_rows_max in 1_usize..20,
        skip_nulls: bool,
    ) {
        let rows = generate::batch(seed, rows);
        let kept: Vec<usize> = (0..rows.num_columns())
            .filter(|column| rows.schema().field(*column).data_type() != &DataType::Binary)
            .collect();
        let rows = rows.project(&kept).unwrap();
        let mut text = Vec::new();
        let builder = arrow_json::WriterBuilder::new().with_explicit_nulls(!skip_nulls);
        let mut writer = builder.build::<_, arrow_json::writer::LineDelimited>(&mut text);
        writer.write(&rows).unwrap();
        writer.finish().unwrap();
        let text = String::from_utf8(text).unwrap();
        let fields = rows.schema().fields().iter().map(|field| match field.data_type() {
            DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Utf8View)),
            _ => Arc::clone(field),
        }).collect::<Vec<_>>();
        let limits = NdjsonLimits { chunk_bytes: 100, batch_rows_max, ..NdjsonLimits::default() };
        let block = NdjsonBlock { limits, ..block(&Arc::new(Schema::new(fields))) };
        let got = read(&block, &text, block_bytes).unwrap();
        for (column, field) in rows.columns().iter().zip(rows.schema().fields()) {
            let got = cast(got.column_by_name(field.name()).unwrap(), field.data_type()).unwrap();
            prop_assert_eq!(&got, column, "{}", field.name());
        }
    }
}
