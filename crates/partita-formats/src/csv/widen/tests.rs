use std::sync::Arc;

use arrow::array::{Date32Array, Int64Array, TimestampMicrosecondArray, UInt64Array};
use proptest::prelude::*;

use super::super::options::{OnMismatch, ReadOptions};
use super::super::reader::testing::{open, plan, read_error};
use super::super::reader::{BlockReader, CsvBlock};
use super::*;

/// What the first column of a file is widened to, where its type comes from the head of `head` bytes and the file is
/// read in blocks that end at the line ends behind `cuts`; `None` where nothing is.
fn widened(
    text: &str,
    head: usize,
    cuts: &[usize],
    options: ReadOptions,
) -> Result<Option<(String, String)>> {
    let options = ReadOptions { on_mismatch: OnMismatch::Widen, ..options };
    // The types of the head alone.
    let block = plan(&text.as_bytes()[..head], &options)?;
    let mut ends: Vec<usize> =
        cuts.iter().filter_map(|&cut| text.get(cut..)?.find('\n').map(|end| cut + end + 1)).collect();
    ends.sort_unstable();
    ends.push(text.len());
    let mut seen = Seen::default();
    let mut start = 0;
    for (partition, end) in ends.into_iter().enumerate() {
        let block = Arc::clone(&block);
        let mut reader = BlockReader::new(block, open(text.as_bytes()), start as u64..end as u64)?;
        while reader.next_batch()?.is_some() {}
        let told = reader.take_seen().of_partition(partition);
        seen.merge(told.clone());
        // A task that is run again.
        seen.merge(told);
        start = end;
    }
    let named = |found: &Widened| (type_name(&found.from), type_name(&found.to));
    Ok(seen.widened()?.first().map(named))
}

#[track_caller]
fn check(head: &str, rest: &str, expected: Option<(&str, &str)>) {
    let text = format!("a\n{head}\n{rest}\n");
    let got = widened(&text, head.len() + 3, &[], ReadOptions::default()).expect("a wider type");
    let got = got.as_ref().map(|(from, to)| (from.as_str(), to.as_str()));
    assert_eq!(got, expected, "{head:?} {rest:?}");
}

#[test]
fn the_wider_type_holds_all_values() {
    check("1", "2", None);
    check("1", "2.5", Some(("Int64", "Float64")));
    check("1", "9007199254740992\n-9007199254740992\n2.5", Some(("Int64", "Float64")));
    check("1", "9007199254740993\n2.5", Some(("Int64", "Utf8")));
    check("1", "-9007199254740993\n2.5", Some(("Int64", "Utf8")));
    check("1", "2.5\n9007199254740993", Some(("Int64", "Utf8")));
    // More than 53 bits, and exact all the same.
    check("1", "2.5\n9007199254740994", Some(("Int64", "Float64")));
    check("1", "18446744073709551615", Some(("Int64", "UInt64")));
    check("1", "-1\n18446744073709549568", Some(("Int64", "Float64")));
    check("1", "-1\n18446744073709551615", Some(("Int64", "Utf8")));
    check("1", "18446744073709551616", Some(("Int64", "Utf8")));
    check("18446744073709551615", "-1", Some(("UInt64", "Utf8")));
    check("18446744073709549568", "-1", Some(("UInt64", "Float64")));
    check("18446744073709551615", "0.5", Some(("UInt64", "Utf8")));
    check("1", "x", Some(("Int64", "Utf8")));
    check("1.5", "x", Some(("Float64", "Utf8")));
    check("true", "1", Some(("Boolean", "Utf8")));
    check("2020-01-01", "2020-01-02 10:00", Some(("Date32", "Timestamp(us)")));
    check("2020-01-01", "2020-01-02 10:00:00.1234567", Some(("Date32", "Timestamp(ns)")));
    check("2020-01-01", "1066-10-14\n2020-01-02 10:00:00.1234567", Some(("Date32", "Utf8")));
    check("2020-01-01", "2020-01-02 10:00Z", Some(("Date32", "Utf8")));
    check("2020-01-01 10:00", "2020-01-02 10:00:00.1234567", Some(("Timestamp(us)", "Timestamp(ns)")));
    check("2020-01-01 10:00", "1066-10-14\n2020-01-02 10:00:00.1234567", Some(("Timestamp(us)", "Utf8")));
    check("2020-01-01 10:00:00.1234567", "1066-10-14", Some(("Timestamp(ns)", "Utf8")));
    check("2020-01-01 10:00Z", "2020-01-01 10:00", Some(("Timestamp(us, \"UTC\")", "Utf8")));
}

#[test]
fn what_was_promised_is_kept() {
    let typed = ReadOptions { dtypes: vec![("a".into(), DataType::Int64)], ..ReadOptions::default() };
    let error = widened("a\n1\nx\n", 4, &[], typed).expect_err("a type that was given").to_string();
    assert!(error.contains("values do not fit") && !error.contains("widen"), "{error}");
    let dates = || ReadOptions { parse_dates: vec!["a".into()], ..ReadOptions::default() };
    let wider = widened("a\n2020-01-01\n2020-01-01 10:00\n", 13, &[], dates()).expect("a date");
    assert_eq!(wider, Some(("Date32".into(), "Timestamp(us)".into())));
    widened("a\n2020-01-01\nx\n", 13, &[], dates()).expect_err("no date");
    // Each block alone would be one of dates.
    let text = "a\n2020-01-01\n2020-01-01 10:00:00.1234567\n1066-10-14 10:00\n";
    let error = widened(text, 13, &[20], dates()).expect_err("no date").to_string();
    assert!(error.contains("t.csv: byte 13: column \"a\" must be a date"), "{error}");
    let error = widened("a\nx\n\u{e9}\n", 4, &[], ReadOptions::default());
    assert_eq!(error.expect("text"), None);
}

#[test]
fn bytes_that_are_no_text_are_an_error_still() {
    let options = ReadOptions { on_mismatch: OnMismatch::Widen, ..ReadOptions::default() };
    assert!(read_error(b"a\nx\n\xE9\n", &options).contains("not UTF-8"));
}

#[test]
fn kinds_of_arrays() {
    let int = |values: Vec<Option<i64>>| fitted(&(Arc::new(Int64Array::from(values)) as ArrayRef));
    assert_eq!(int(vec![]), Kinds::NONE);
    assert_eq!(int(vec![Some(1 << 53), None]), Kinds::NONE);
    assert_eq!(int(vec![Some((1 << 53) + 1)]), Kinds::INEXACT);
    assert_eq!(int(vec![Some(i64::MIN)]), Kinds::NEGATIVE);
    assert_eq!(int(vec![Some(i64::MIN + 1)]), Kinds::NEGATIVE.union(Kinds::INEXACT));
    let uint = |value: u64| fitted(&(Arc::new(UInt64Array::from(vec![value])) as ArrayRef));
    assert_eq!(uint(u64::MAX), Kinds::UNSIGNED.union(Kinds::INEXACT));
    assert_eq!(uint(1 << 63), Kinds::UNSIGNED);
    assert_eq!(uint((1 << 53) + 1), Kinds::INEXACT);
    let day = |value: i32| fitted(&(Arc::new(Date32Array::from(vec![value])) as ArrayRef));
    // The last whole days that 64 bits of nanoseconds reach: 1677-09-22 and 2262-04-11.
    assert_eq!((day(-106_751), day(106_751)), (Kinds::NONE, Kinds::NONE));
    assert_eq!((day(-106_752), day(106_752)), (Kinds::FAR, Kinds::FAR));
    let stamp = |value: i64| fitted(&(Arc::new(TimestampMicrosecondArray::from(vec![value])) as ArrayRef));
    assert_eq!(stamp(i64::MAX / 1000), Kinds::NONE);
    assert_eq!((stamp(i64::MAX / 1000 + 1), stamp(i64::MIN)), (Kinds::FAR, Kinds::FAR));
}

#[test]
fn the_first_place_is_that_of_the_first_partition() {
    let options = ReadOptions { on_mismatch: OnMismatch::Widen, ..ReadOptions::default() };
    let text = "a\n1\nx\n2\ny\n";
    let block: Arc<CsvBlock> = plan(b"a\n1\n", &options).expect("a plan");
    let told = |range, partition| {
        let mut reader =
            BlockReader::new(Arc::clone(&block), open(text.as_bytes()), range).expect("a reader");
        while reader.next_batch().expect("no error").is_some() {}
        reader.take_seen().of_partition(partition)
    };
    for order in [[0, 1], [1, 0]] {
        let mut seen = Seen::default();
        order.into_iter().for_each(|part| seen.merge(told([0..6, 6..10][part].clone(), part)));
        let found = seen.widened().expect("a type");
        assert_eq!((found[0].byte, found[0].value.as_str(), found[0].file.as_str()), (4, "\"x\"", "t.csv"));
        assert_eq!(found[0].to_string(), "\"a\" from Int64 to Utf8, for \"x\" (t.csv: byte 4)");
    }
}

/// A text, and its kind of column on its own.
fn value() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "0",
        "-7",
        "12",
        "9007199254740992",
        "9007199254740993",
        "-9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "1.5",
        "1e300",
        "nan",
        "true",
        "x",
        "2020-01-01",
        "1066-10-14",
        "2020-01-01 10:00",
        "2020-01-01 10:00:00.123456789",
        "1066-10-14 10:00",
        "2020-01-01T10:00Z",
        "",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    /// What is widened holds everything: the file is read without a misfit then, and every number is the one written.
    #[test]
    fn nothing_is_left_that_does_not_fit(
        values in prop::collection::vec(value(), 1..12),
        head in 1_usize..4,
        cuts in prop::collection::vec(0_usize..100, 0..3),
    ) {
        let text = format!("a,b\n{}", values.iter().map(|value| format!("{value},\n")).collect::<String>());
        let lines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        let head = lines[head.min(values.len())];
        let cuts: Vec<usize> = cuts.into_iter().filter(|&cut| cut < text.len()).collect();
        let options = || ReadOptions { on_mismatch: OnMismatch::Widen, ..ReadOptions::default() };
        let block = plan(&text.as_bytes()[..head], &options()).expect("a plan");
        let found = widened(&text, head, &cuts, ReadOptions::default()).expect("a wider type");
        let to = match &found {
            Some((_, to)) => super::super::schema_file::parse_type(to).expect("a type"),
            None => block.columns[0].data_type.clone(),
        };
        let block = Arc::new(block.retyped(&[("a".into(), to.clone())]));
        let mut reader = BlockReader::new(block, open(text.as_bytes()), 0..text.len() as u64).expect("a reader");
        let mut rows = 0;
        while let Some(batch) = reader.next_batch().expect("no error") {
            rows += batch.num_rows();
        }
        prop_assert_eq!(rows, values.len());
        prop_assert!(!reader.take_seen().has_misfits(), "{} does not hold all", to);
        if found.is_some() && to == DataType::Float64 {
            let whole = values.iter().filter_map(|value| value.parse::<i128>().ok());
            let mut inexact = whole.filter(|&value| value as f64 as i128 != value);
            prop_assert_eq!(inexact.next(), None);
        }
    }
}
