//! Lines of JSON, read back by `serde_json` and by `arrow-json`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Float64Array, Int64Array, MapBuilder, RecordBatch, StringBuilder, StringViewArray,
};
use arrow::array::{Date32Array, DurationSecondArray, TimestampSecondArray, UnionArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field};
use arrow_json::ReaderBuilder;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::*;
use super::{batch, generate, whole};

fn lines(rows: &RecordBatch, options: NdjsonOptions) -> String {
    String::from_utf8(whole(std::slice::from_ref(rows), RowsFormat::Ndjson(options))).unwrap()
}

#[test]
fn every_type_has_its_form() {
    let mut map = MapBuilder::new(None, StringBuilder::new(), arrow::array::Int32Builder::new());
    map.keys().append_value("k\"");
    map.values().append_value(1);
    map.append(true).unwrap();
    map.append(true).unwrap();
    let rows = batch(vec![
        ("n", Arc::new(Int64Array::from(vec![Some(i64::MIN), None]))),
        ("f", Arc::new(Float64Array::from(vec![f64::NAN, 1e300]))),
        ("t\n", Arc::new(StringViewArray::from(vec!["\u{1}\"\\ä", ""]))),
        ("d", Arc::new(Date32Array::from(vec![-1, 2_932_897]))),
        (
            "z",
            Arc::new(
                TimestampSecondArray::from(vec![Some(1_700_000_000), None]).with_timezone("Europe/Berlin"),
            ),
        ),
        ("s", Arc::new(DurationSecondArray::from(vec![1, 90]))),
        ("m", Arc::new(map.finish())),
    ]);
    assert_eq!(
        lines(&rows, NdjsonOptions::default()),
        concat!(
            r#"{"n":-9223372036854775808,"f":null,"t\n":"\u0001\"\\ä","d":"1969-12-31","z":"2023-11-14T23:13:20+01:00","s":"PT1S","m":{"k\"":1}}"#,
            "\n",
            r#"{"n":null,"f":1.0e300,"t\n":"","d":"+10000-01-01","z":null,"s":"PT90S","m":{}}"#,
            "\n"
        )
    );
    let skipped = lines(&rows, NdjsonOptions { skip_nulls: true });
    let second: Value = serde_json::from_str(skipped.lines().nth(1).unwrap()).unwrap();
    assert_eq!(second, json!({"f": 1e300, "t\n": "", "d": "+10000-01-01", "s": "PT90S", "m": {}}));
}

#[test]
fn what_cannot_be_written_is_refused() {
    let field = Arc::new(Field::new("a", DataType::Int64, true));
    let union = UnionArray::try_new(
        [(0, field)].into_iter().collect(),
        vec![0].into(),
        None,
        vec![Arc::new(Int64Array::from(vec![1])) as ArrayRef],
    );
    let rows = batch(vec![("u", Arc::new(union.unwrap()))]);
    let error =
        RowsLayout::new(rows.schema(), &RowsOptions::new(RowsFormat::Ndjson(NdjsonOptions::default())));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("column \"u\"") && error.contains("no form in JSON"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Another reader finds every value in every column.
    #[test]
    fn arrow_reads_what_was_written(seed: u64, rows in 0_usize..60, skip_nulls: bool) {
        let rows = generate::batch(seed, rows);
        let text = lines(&rows, NdjsonOptions { skip_nulls });
        prop_assert_eq!(text.lines().count(), rows.num_rows());
        let reader = ReaderBuilder::new(rows.schema()).with_batch_size(7).build(text.as_bytes()).unwrap();
        let read: Vec<RecordBatch> = reader.map(|batch| batch.unwrap()).collect();
        prop_assert_eq!(concat_batches(&rows.schema(), &read).unwrap(), rows);
    }

    /// And each line is an object with all keys in order.
    #[test]
    fn serde_reads_every_line(seed: u64, rows in 1_usize..30) {
        let rows = generate::batch(seed, rows);
        for line in lines(&rows, NdjsonOptions::default()).lines() {
            let value: Value = serde_json::from_str(line).unwrap();
            let keys: Vec<&String> = value.as_object().unwrap().keys().collect();
            let schema = rows.schema();
            let mut names: Vec<&String> = schema.fields().iter().map(|field| field.name()).collect();
            names.sort();
            prop_assert_eq!(keys, names);
        }
    }
}
