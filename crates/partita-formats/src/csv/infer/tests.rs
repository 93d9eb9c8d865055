use arrow::datatypes::{DataType, TimeUnit};
use proptest::prelude::*;

use super::super::header;
use super::super::options::{Headers, Ragged};
use super::super::reader::testing::{open, plan, read, read_error, types};
use super::super::schema_file::type_name;
use super::super::value::{BoolWords, Manner, Numbers};
use super::kinds::classify;
use super::*;

fn manner() -> Manner {
    let words = BoolWords::new(&["true".into(), "True".into()], &["false".into()]);
    Manner { words, numbers: Numbers::default(), pattern: None }
}

/// The type of a column with these values.
fn column(values: &[&str]) -> String {
    let kinds =
        values.iter().fold(Kinds::NONE, |kinds, text| kinds.union(classify(text.as_bytes(), &manner())));
    type_name(&kinds.data_type())
}

#[test]
fn a_column_has_the_narrowest_type_that_holds_it() {
    for (values, expected) in [
        (&[][..], "Utf8"),
        (&["true", "false"], "Boolean"),
        (&["true", "1"], "Utf8"),
        (&["1", "-2", "00501", "+3"], "Int64"),
        (&["9223372036854775807", "-9223372036854775808"], "Int64"),
        (&["9223372036854775808", "1"], "UInt64"),
        (&["18446744073709551615"], "UInt64"),
        (&["18446744073709551616", "1"], "Utf8"),
        (&["-9223372036854775809"], "Utf8"),
        (&["9223372036854775808", "-1"], "Float64"),
        (&["9223372036854775809", "-1"], "Utf8"),
        (&["9223372036854775808", "-9007199254740993"], "Utf8"),
        (&["1", "2.5"], "Float64"),
        (&["1", "nan"], "Float64"),
        (&["1e3", "-inf"], "Float64"),
        (&["1.5", "18446744073709551616"], "Utf8"),
        (&["2020-01-01"], "Date32"),
        (&["2020-01-01", "2020-01-01 10:00"], "Timestamp(us)"),
        (&["2020-01-01 10:00:00.1234567"], "Timestamp(ns)"),
        (&["2020-01-01", "2020-01-01T10:00:00.123456789"], "Timestamp(ns)"),
        (&["0001-01-01", "2020-01-01 10:00:00.1234567"], "Utf8"),
        (&["0001-01-01", "2020-01-01 10:00:00.123456"], "Timestamp(us)"),
        (&["2013-01-01T06:00:00Z", "2013-01-01 06:00:00+01:00"], "Timestamp(us, \"UTC\")"),
        (&["2013-01-01T06:00:00Z", "2013-01-01 06:00:00"], "Utf8"),
        (&["2013-01-01T06:00:00Z", "2013-01-01"], "Utf8"),
        (&["2020-01-01", "1"], "Utf8"),
        (&["2020-02-30"], "Utf8"),
        (&["20200101"], "Int64"),
        (&["1,5"], "Utf8"),
        (&["$1"], "Utf8"),
        (&[" 1 ", "2"], "Int64"),
        (&["Nan", "Inge"], "Utf8"),
        (&["-"], "Utf8"),
    ] {
        assert_eq!(column(values), expected, "{values:?}");
    }
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        (-5..5_i32).prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| value.to_string()),
        "(19|20)[0-9]{2}-0[1-9]-[012][0-9]([ T][012][0-9]:[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?(Z|\\+01:00)?)?",
        "true|false|x|",
    ]
}

proptest! {
    /// Inference and decoding agree: whatever the values, the inferred type reads them all.
    #[test]
    fn what_is_inferred_can_be_read(values in prop::collection::vec(value(), 1..12), same_kind: bool, repeat in 1_usize..4) {
        let values: Vec<_> = if same_kind { vec![values[0].clone(); repeat] } else { values };
        let text = format!("a,b\n{}", values.iter().map(|value| format!("{value},1\n")).collect::<String>());
        let batch = read(text.as_bytes(), &ReadOptions { infer: Infer::Full, ..ReadOptions::default() });
        prop_assert!(batch.is_ok(), "{}", batch.expect_err("an error"));
        prop_assert_eq!(batch.expect("checked").num_rows(), values.len());
    }

    /// The order of values and files does not matter, and short cuts change nothing.
    #[test]
    fn kinds_are_a_set(values in prop::collection::vec(value(), 1..12), split in 0_usize..12) {
        let expected = values.iter().filter(|value| !value.is_empty()).fold(Kinds::NONE, |kinds, text| {
            kinds.union(classify(text.as_bytes(), &manner()))
        });
        let split = split.min(values.len());
        let guess = |values: &[String]| {
            let text = format!("a,b\n{}", values.iter().map(|value| format!("{value},1\n")).collect::<String>());
            let input = open(text.as_bytes());
            let options = ReadOptions { chunk_bytes: 32, ..ReadOptions::default() };
            let head = header::read("t.csv", &input, &options).expect("a header");
            sample(&input, &head, &options).expect("samples")
        };
        let (one, two) = (guess(&values[..split]), guess(&values[split..]));
        let (mut forward, mut backward) = (one.clone(), two.clone());
        forward.merge(&two);
        backward.merge(&one);
        prop_assert_eq!(forward.kinds("a").data_type(), expected.data_type());
        prop_assert_eq!(backward.kinds("a").data_type(), expected.data_type());
    }
}

/// Values at the ends of what the kernels of the decoder may be asked about.
fn edge() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?[0-9]{1,22}",
        "-?[0-9]{0,20}\\.[0-9]{0,20}",
        "-?[0-9]{1,20}[.]?[0-9]{0,2}e[+-]?[0-9]{1,3}",
        "-?900719925474099[0-9]",
        "(0001|1600|1677|1684|2020|2255|2262|2300|9999)-0[1-9]-[012][0-9]",
        "(0001|1677|2020|2255|2300)-0[1-9]-1[0-9][ T]1[0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{5,8})?",
        "(0001|1677|2020|2255|2300)-0[1-9]-1[0-9] 1[0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{5,8})?(Z|[+]01|-0130|[+]01:00)",
        value(),
    ]
}

proptest! {
    /// What is found in whole blocks, most of whose values are of a kind that was seen, is what each value looks like.
    #[test]
    fn short_cuts_change_nothing(
        usual in prop::collection::vec(edge(), 1..3),
        others in prop::collection::vec(edge(), 0..4),
        quoted in prop::collection::vec(any::<bool>(), 1..7),
    ) {
        let all: Vec<&String> = usual.iter().cycle().take(150).chain(&others).collect();
        let expected = all.iter().filter(|value| !value.is_empty()).fold(Kinds::NONE, |kinds, text| {
            kinds.union(classify(text.as_bytes(), &manner()))
        });
        let line = |(value, quoted): (&&String, &bool)| if *quoted { format!("1,\"{value}\"\n") } else { format!("1,{value}\n") };
        let text = format!("a,b\n{}", all.iter().zip(quoted.iter().cycle()).map(line).collect::<String>());
        let (input, options) = (open(text.as_bytes()), ReadOptions::default());
        let head = header::read("t.csv", &input, &options).expect("a header");
        let found = sample(&input, &head, &options).expect("samples");
        prop_assert_eq!(found.kinds("b").data_type(), expected.data_type());
    }
}

fn sampled(head_bytes: usize, places: usize, place_bytes: usize) -> ReadOptions {
    ReadOptions { infer: Infer::Sample { head_bytes, places, place_bytes }, ..ReadOptions::default() }
}

fn inferred(text: &str, options: &ReadOptions) -> String {
    plan(text.as_bytes(), options)
        .expect("a plan")
        .columns
        .iter()
        .map(|c| type_name(&c.data_type))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_end_of_a_file_is_always_looked_at() {
    let text = format!("a,b\n{}{}", "1,2\n".repeat(20_000), "1,2.5\n".repeat(20));
    assert_eq!(inferred(&text, &sampled(1000, 1, 500)), "Int64 Float64");
    assert_eq!(inferred(&text, &sampled(1000, 0, 500)), "Int64 Int64");
    assert_eq!(
        inferred(&text, &ReadOptions { infer: Infer::Full, ..ReadOptions::default() }),
        "Int64 Float64"
    );
    assert_eq!(inferred(&text, &ReadOptions { infer: Infer::None, ..ReadOptions::default() }), "Utf8 Utf8");
}

#[test]
fn a_place_inside_quotes_poisons_nothing() {
    // A long quoted text of lines that look like records of text, between records of integers.
    let quoted = format!("1,\"{}\",2\n", "x,y,z\n".repeat(3000));
    let text = format!("a,b,c\n{}{quoted}{}", "1,t,2\n".repeat(300), "1,t,2\n".repeat(300));
    let options = sampled(200, 40, 400);
    let types = inferred(&text, &options);
    // Lines of the right width without a quote near them cannot be told from records; lines of another width can.
    assert!(types == "Int64 Utf8 Int64" || types == "Utf8 Utf8 Utf8", "{types}");
    let other = text.replace("x,y,z\n", "x,y\n");
    assert_eq!(inferred(&other, &options), "Int64 Utf8 Int64");
    // And the file is read in the end, whatever the types.
    read(other.as_bytes(), &options).expect("readable");
}

#[test]
fn one_column_with_quotes_is_judged_by_its_head() {
    let text = format!("a\n{}\"{}\"\n", "1\n".repeat(300), "x\n".repeat(3000));
    assert_eq!(inferred(&text, &sampled(200, 0, 400)), "Int64");
}

#[test]
fn a_head_shorter_than_a_record_is_enlarged() {
    let text = format!("a,b\n{},1.5\n{}", "x".repeat(100_000), "y,2\n".repeat(100));
    assert_eq!(inferred(&text, &sampled(10, 1, 10)), "Utf8 Float64");
}

#[test]
fn records_that_are_skipped_say_nothing() {
    let text = "a,b\n1,2\nx,y,z\nx\n3,4\n";
    assert_eq!(
        inferred(text, &ReadOptions { ragged: Ragged::Skip, ..ReadOptions::default() }),
        "Int64 Int64"
    );
    assert_eq!(inferred(text, &ReadOptions::default()), "Utf8 Utf8");
}

#[test]
fn options_decide_what_is_looked_at() {
    let text = "d,n,m\n31/12/2019,1,NA\n01/01/2020,2,7\n";
    let mut options = ReadOptions { null_values: vec!["NA".into()], ..ReadOptions::default() };
    assert_eq!(inferred(text, &options), "Utf8 Int64 Int64");
    options.assume_missing = true;
    assert_eq!(inferred(text, &options), "Utf8 Float64 Float64");
    options.dtypes = vec![("n".into(), DataType::Int16)];
    options.date_formats = vec![("d".into(), "%d/%m/%Y".into())];
    assert_eq!(inferred(text, &options), "Date32 Int16 Float64");
    options.usecols = Some(vec!["m".into(), "d".into()]);
    options.dtypes.clear();
    options.include_path = Some("file".into());
    let block = plan(text.as_bytes(), &options).expect("a plan");
    assert_eq!(block.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["d", "m", "file"]);
}

#[test]
fn nulls_that_look_like_values_are_nulls() {
    let text = "a,b\n999,x\n1.5,-\n2.5,-\n";
    let options = ReadOptions { null_values: vec!["x".into(), "-".into()], ..ReadOptions::default() };
    assert_eq!(inferred(text, &options), "Float64 Utf8");
    let text = "a\n2020-01-01\n-1\n2020-01-02\n";
    assert_eq!(
        inferred(text, &ReadOptions { null_values: vec!["-1".into()], ..ReadOptions::default() }),
        "Date32"
    );
}

#[test]
fn a_date_that_is_none_is_an_error_with_the_way_out() {
    let options = ReadOptions { parse_dates: vec!["d".into()], ..ReadOptions::default() };
    assert_eq!(
        read_error(b"d\n2020-01-01\n31/12/2019\n", &options),
        "t.csv: byte 13: column \"d\" must be a date: expected an ISO date or time, got \"31/12/2019\"; give its format: \
         .date_format(\"d\", \"%d/%m/%Y\") (--date-format d=%d/%m/%Y), or read it as text: .dtype(\"d\", DataType::Utf8) \
         (--dtype d=Utf8)"
    );
    assert!(
        read_error(b"d\n2020-01-01T00:00:00Z\n2020-01-01\n", &options)
            .contains("some of its times have an offset")
    );
    assert_eq!(inferred("d,e\n,1\n", &options), "Timestamp(us) Int64", "nothing seen: dates and times fit");
}

#[test]
fn files_are_joined_by_name() {
    let options = ReadOptions { headers: Headers::Union, ..ReadOptions::default() };
    let mut all = ColumnTypes::default();
    for text in ["a,b\n1,x\n", "b,a\ny,2.5\n", "c\n2020-01-01\n"] {
        let input = open(text.as_bytes());
        let head = header::read("t.csv", &input, &options).expect("a header");
        all.merge(&sample(&input, &head, &options).expect("samples"));
    }
    let names = ["a", "b", "c"].map(str::to_owned);
    let types = finish(&names, &all, &options).expect("types");
    let types: Vec<_> =
        types.iter().map(|(name, data_type)| format!("{name} {}", type_name(data_type))).collect();
    assert_eq!(types, ["a Float64", "b Utf8", "c Date32"]);
}

#[test]
fn compressed_files_are_judged_by_their_head() {
    let text = format!("a\n{}{}", "1\n".repeat(20_000), "2.5\n".repeat(200));
    let packed = zstd::encode_all(text.as_bytes(), 1).expect("zstd");
    let types_of = |options: &ReadOptions| {
        plan(&packed, options)
            .expect("a plan")
            .columns
            .iter()
            .map(|c| type_name(&c.data_type))
            .collect::<Vec<_>>()
    };
    assert_eq!(types_of(&sampled(1000, 16, 500)), ["Int64"]);
    assert_eq!(types_of(&ReadOptions { infer: Infer::Full, ..ReadOptions::default() }), ["Float64"]);
}

#[test]
fn the_classic_column_of_integers_with_blanks_at_the_end() {
    let text = format!("a,b\n{}{}", "1,2\n".repeat(50_000), "1,\n".repeat(1000));
    let batch = read(text.as_bytes(), &sampled(1000, 4, 500)).expect("readable");
    assert_eq!(types(&batch), ["Int64", "Int64"]);
    assert_eq!(batch.column(1).null_count(), 1000);
    let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(Kinds::of_type(&zoned), Kinds::ZONED);
}

#[test]
fn numbers_have_the_marks_that_are_said() {
    let text = "a;b;c;d;e;f\n1,5;1.000;1;1.5;1.234,5;2020-01-02\n2;12.345;9.223.372.036.854.775.808;2;-1;2020-01-03\n";
    let options =
        ReadOptions { separator: b';', decimal: b',', thousands: Some(b'.'), ..ReadOptions::default() };
    assert_eq!(inferred(text, &options), "Float64 Int64 UInt64 Utf8 Float64 Date32");
    let options = ReadOptions { separator: b';', ..ReadOptions::default() };
    assert_eq!(inferred(text, &options), "Utf8 Float64 Utf8 Float64 Utf8 Date32");
}
