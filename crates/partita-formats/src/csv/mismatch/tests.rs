use expect_test::expect;

use super::super::options::ReadOptions;
use super::super::reader::testing::read_error;
use super::*;

fn typed(types: &[(&str, DataType)]) -> ReadOptions {
    let dtypes = types.iter().map(|(name, data_type)| ((*name).to_owned(), data_type.clone())).collect();
    ReadOptions { dtypes, ..ReadOptions::default() }
}

#[test]
fn a_table_names_places_and_ways_out() {
    let text =
        "id,fare,when,note\n1,2.5,2020-01-01,x\n2,n/a,01/02/2020,y\n3.5,n/a,2020-01-03,\"z\n\"\nfour,1,x,\n";
    let options = typed(&[("id", DataType::Int64), ("fare", DataType::Float64), ("when", DataType::Date32)]);
    expect![[r#"
        values do not fit their columns
          column  found  expected  count  first place             value
          fare    Utf8   Float64       2  t.csv: line 3, byte 39  "n/a"
          when    Utf8   Date32        2  t.csv: line 3, byte 43  "01/02/2020"
          id      Utf8   Int64         2  t.csv: line 4, byte 56  "3.5"
        say how to read them:
          in Rust                           on the command line
          .dtype("fare", DataType::Utf8)    --dtype fare=Utf8
          .null_values(["n/a"])             --null-values n/a
          .dtype("when", DataType::Utf8)    --dtype when=Utf8
          .date_format("when", "%d/%m/%Y")  --date-format when=%d/%m/%Y
          .dtype("id", DataType::Utf8)      --dtype id=Utf8
        or, where they are written to Parquet, what becomes of them:
          .on_mismatch(OnMismatch::Quarantine)  --on-mismatch quarantine  such records go to a file of their own"#]]
    .assert_eq(&read_error(text.as_bytes(), &options));
}

#[test]
fn the_type_that_fits_is_the_one_suggested() {
    let suggested = |expected: DataType, values: &str| {
        let error = read_error(format!("a b\n{values}\n").as_bytes(), &typed(&[("a b", expected)]));
        error
            .lines()
            .find(|line| line.starts_with("  .dtype("))
            .map(|line| line.split("--").last().unwrap_or_default().to_owned())
            .expect("a last line")
    };
    assert_eq!(suggested(DataType::Int64, "1.5"), "dtype 'a b=Float64'");
    assert_eq!(suggested(DataType::Int8, "1\n300"), "dtype 'a b=Int64'");
    assert_eq!(suggested(DataType::UInt64, "-1"), "dtype 'a b=Int64'");
    assert_eq!(suggested(DataType::Int64, "18446744073709551615"), "dtype 'a b=UInt64'");
    assert_eq!(suggested(DataType::Date32, "2020-01-01 10:00"), "dtype 'a b=Timestamp(us)'");
    assert_eq!(suggested(DataType::Boolean, "1"), "dtype 'a b=Utf8'");
    let naive = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
    assert_eq!(suggested(naive, "2020-01-01 10:00Z"), "dtype 'a b=Timestamp(us, \"UTC\")'");
}

#[test]
fn numbers_with_other_marks_say_which() {
    let way = |value: &str| {
        let text = format!("a\n\"{value}\"\n");
        let error = read_error(text.as_bytes(), &typed(&[("a", DataType::Float64)]));
        let ways: Vec<&str> =
            error.lines().filter(|line| line.contains("decimal") || line.contains("thou")).collect();
        ways.join("|").split_whitespace().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(way("-1,5"), ".decimal(b',') --decimal ,");
    assert_eq!(way("1.234,5"), ".decimal(b',').thousands(b'.') --decimal , --thousands .");
    assert_eq!(way("1,234.5"), ".thousands(b',') --thousands ,");
    assert_eq!(way("1,234,567"), ".thousands(b',') --thousands ,");
    assert_eq!(way("12 345"), ".thousands(b' ') --thousands space");
    assert_eq!(way("12'345.6"), ".thousands(b'\\'') --thousands ''\\'''");
    // It may be both.
    assert_eq!(way("1,234"), "");
    assert_eq!(way("1,23,45"), "");
    assert_eq!(way("n/a"), "");
}

#[test]
fn bytes_that_are_no_text_point_to_the_encoding() {
    expect![[r#"
        values do not fit their columns
          column  found      expected  count  first place            value
          a       not UTF-8  Utf8          1  t.csv: line 3, byte 4  "caf�"
        say how to read them:
          in Rust                           on the command line
          .encoding(Encoding::Windows1252)  --encoding windows-1252
        or, where they are written to Parquet, what becomes of them:
          .on_mismatch(OnMismatch::Quarantine)  --on-mismatch quarantine  such records go to a file of their own"#]]
    .assert_eq(&read_error(b"a\nx\ncaf\xE9\n", &ReadOptions::default()));
}

#[test]
fn values_are_cut_and_escaped() {
    assert_eq!(shown(b"tab\there"), r#""tab\there""#);
    assert_eq!(shown("é".repeat(100).as_bytes()), format!("\"{}\"..", "é".repeat(60)));
    assert_eq!(shown(b"\x1b[31m\xff"), "\"\\u{1b}[31m\u{fffd}\"");
}

#[test]
fn a_table_has_at_most_twenty_rows() {
    let names: Vec<String> = (0..50).map(|column| format!("c{column}")).collect();
    let text = format!("{}\n{}\n", names.join(","), vec!["x"; 50].join(","));
    let types: Vec<_> = names.iter().map(|name| (name.as_str(), DataType::Int64)).collect();
    let error = read_error(text.as_bytes(), &typed(&types));
    assert_eq!(error.lines().filter(|line| line.contains("t.csv: line 2")).count(), 20);
    assert!(error.contains("  and 30 more columns\n"), "{error}");
}
