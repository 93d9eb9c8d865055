use std::sync::Arc;

use arrow::array::*;
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use proptest::prelude::*;

use super::super::infer::kinds::Kinds;
use super::super::options::{Infer, Ragged, ReadOptions};
use super::super::reader::testing::{plan, read_whole};
use super::super::twin::{self, TwinField, TwinRecord};
use super::*;
use crate::error::ErrorKind;

mod levels;

/// What a field is, said slowly: `Ok(None)` null, `Err` a mismatch.
type Slow<T> = std::result::Result<Option<T>, ()>;

fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The text of a field, or null; `None` where the record has no such field.
fn slow_text(field: Option<&TwinField>, options: &ReadOptions, of_text: bool) -> Option<String> {
    let field = field?;
    let text = String::from_utf8(field.value.clone()).expect("generated as UTF-8");
    let empty_is_null = !of_text || !field.quoted && !options.keep_empty_strings;
    let null = text.is_empty() && empty_is_null || options.null_values.contains(&text);
    (!null).then_some(text)
}

fn slow<T>(field: Option<&TwinField>, options: &ReadOptions, parse: impl Fn(&str) -> Option<T>) -> Slow<T> {
    slow_text(field, options, false).map(|text| parse(trimmed(&text)).ok_or(())).transpose()
}

fn plain_integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn date(text: &str) -> Option<i32> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().filter(|_| text.len() == 10)?;
    Some(date.num_days_from_ce() - 719_163)
}

fn naive(text: &str) -> Option<i64> {
    if let Some(days) = date(text) {
        return Some(i64::from(days) * 86_400_000_000);
    }
    let text = text.replace('T', " ");
    let short = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M").ok().filter(|_| text.len() == 16);
    let long = NaiveDateTime::parse_from_str(&text, "%Y-%m-%d %H:%M:%S%.f").ok().filter(|_| text.len() >= 19);
    Some(short.or(long)?.and_utc().timestamp_micros())
}

fn zoned(text: &str) -> Option<i64> {
    DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_micros())
}

macro_rules! slow_array {
    ($array:ty, $cells:expr) => {{
        let cells: Vec<Slow<_>> = $cells;
        let errors = cells.iter().filter(|cell| cell.is_err()).count();
        let values: Vec<Option<_>> = cells.into_iter().map(|cell| cell.unwrap_or(None)).collect();
        (Arc::new(<$array>::from(values)) as ArrayRef, errors)
    }};
}

/// One column from the twin's records, and its mismatches.
fn slow_column(
    records: &[TwinRecord],
    column: usize,
    data_type: &DataType,
    options: &ReadOptions,
) -> (ArrayRef, usize) {
    let fields = || records.iter().map(|record| record.fields.get(column));
    macro_rules! integers {
        ($array:ty, $native:ty) => {
            slow_array!(
                $array,
                fields()
                    .map(|f| slow(f, options, |text| <$native>::try_from(plain_integer(text)?).ok()))
                    .collect()
            )
        };
    }
    match data_type {
        DataType::Int8 => integers!(Int8Array, i8),
        DataType::Int32 => integers!(Int32Array, i32),
        DataType::Int64 => integers!(Int64Array, i64),
        DataType::UInt16 => integers!(UInt16Array, u16),
        DataType::UInt64 => integers!(UInt64Array, u64),
        DataType::Float64 => {
            slow_array!(Float64Array, fields().map(|f| slow(f, options, |t| t.parse::<f64>().ok())).collect())
        }
        DataType::Float32 => {
            slow_array!(Float32Array, fields().map(|f| slow(f, options, |t| t.parse::<f32>().ok())).collect())
        }
        DataType::Boolean => slow_array!(
            BooleanArray,
            fields()
                .map(|f| slow(f, options, |text| match text {
                    "true" | "True" | "TRUE" => Some(true),
                    "false" | "False" | "FALSE" => Some(false),
                    _ => None,
                }))
                .collect()
        ),
        DataType::Date32 => slow_array!(Date32Array, fields().map(|f| slow(f, options, date)).collect()),
        DataType::Timestamp(_, None) => {
            slow_array!(TimestampMicrosecondArray, fields().map(|f| slow(f, options, naive)).collect())
        }
        DataType::Timestamp(_, Some(_)) => {
            let (array, errors) =
                slow_array!(TimestampMicrosecondArray, fields().map(|f| slow(f, options, zoned)).collect());
            let array = array.as_primitive::<TimestampMicrosecondType>().clone();
            (Arc::new(array.with_timezone("UTC")), errors)
        }
        _ => {
            slow_array!(StringViewArray, fields().map(|f| Ok::<_, ()>(slow_text(f, options, true))).collect())
        }
    }
}

fn types() -> impl Strategy<Value = DataType> {
    prop::sample::select(vec![
        DataType::Int8,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt16,
        DataType::UInt64,
        DataType::Float64,
        DataType::Float32,
        DataType::Boolean,
        DataType::Date32,
        DataType::Timestamp(TimeUnit::Microsecond, None),
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Utf8View,
    ])
}

/// Texts that a type may have: most of them its values.
fn field(data_type: &DataType, clean: bool) -> BoxedStrategy<String> {
    let value = match data_type {
        DataType::Boolean => "true|True|FALSE|false| true ".boxed(),
        DataType::Date32 => "[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])".boxed(),
        DataType::Timestamp(_, None) => {
            "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9])([ T](0[0-9]|1[0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,6})?)?)?"
                .boxed()
        }
        DataType::Timestamp(_, Some(_)) => {
            "20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9])T(0[0-9]|1[0-9]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]0[0-9]:[0-5][0-9])"
                .boxed()
        }
        DataType::Float64 | DataType::Float32 => prop_oneof![
            "-?[0-9]{1,3}\\.[0-9]{1,3}",
            "-?[0-9]{0,9}\\.[0-9]{1,9}",
            "[+-]?[0-9]{1,9}",
            any::<f64>().prop_map(|value| value.to_string()),
        ]
        .boxed(),
        DataType::Utf8View => prop_oneof![
            "[a-zé ]{0,20}",
            "\"[a-z,\n]{0,14}(\"\"[a-z]{0,3})?\"",
            Just("exactly twelv".to_owned()),
            Just("exactlytwelv".to_owned()),
        ]
        .boxed(),
        _ => prop_oneof!["[0-9]{1,2}", " ?[+]?[0-9]{1,2} ?", "[0-9]{1,5}", "-?[0-9]{1,2}", "[0-9]{6,10}"].boxed(),
    };
    let null = prop::sample::select(vec!["", "", "NA", "99", "\"\"", "\"NA\"", "-1"]).prop_map(str::to_owned);
    let other = prop::sample::select(vec!["x", "1.5", "2020-02-30", "1e400", "\"7\"", "300", "-", "é", " "]);
    let weight = if clean { 0 } else { 1 };
    prop_oneof![20 => value, 4 => null, weight => other.prop_map(str::to_owned)].boxed()
}

#[derive(Debug, Clone)]
struct File {
    types: Vec<DataType>,
    text: String,
}

fn file() -> impl Strategy<Value = File> {
    (prop::collection::vec(types(), 1..5), any::<bool>(), any::<bool>()).prop_flat_map(
        |(types, clean, ragged)| {
            let fields: Vec<_> = types.iter().map(|data_type| field(data_type, clean)).collect();
            let record = (fields, 0_usize..8).prop_map(move |(mut fields, cut)| {
                if ragged && cut == 0 && fields.len() > 1 {
                    fields.pop();
                }
                fields.join(",")
            });
            (Just(types), prop::collection::vec(record, 0..30)).prop_map(|(types, records)| {
                let names: Vec<_> = (0..types.len()).map(|column| format!("c{column}")).collect();
                File { text: format!("{}\n{}\n", names.join(","), records.join("\n")), types }
            })
        },
    )
}

fn read_options(file: &File) -> impl Strategy<Value = ReadOptions> + use<> {
    let types = file.types.clone();
    let nulls = prop::sample::subsequence(vec!["NA".to_owned(), "99".to_owned(), "-1".to_owned()], 0..=3);
    let ragged = prop::sample::select(vec![Ragged::Pad, Ragged::Skip]);
    (nulls, any::<bool>(), any::<bool>(), ragged, 1_usize..200, 1_usize..20).prop_map(
        move |(null_values, keep_empty_strings, trim, ragged, chunk_bytes, batch_rows_max)| ReadOptions {
            dtypes: types.iter().enumerate().map(|(column, t)| (format!("c{column}"), t.clone())).collect(),
            null_values,
            keep_empty_strings,
            trim,
            ragged,
            chunk_bytes,
            batch_rows_max,
            infer: Infer::None,
            ..ReadOptions::default()
        },
    )
}

proptest! {
    #[test]
    fn columns_are_what_a_slow_decoder_makes_of_the_twins_records(
        (file, options) in file().prop_flat_map(|file| { let options = read_options(&file); (Just(file), options) })
    ) {
        let bytes = file.text.as_bytes();
        let block = plan(bytes, &options).expect("a plan");
        let mut records = twin::read(&block.dialect, &bytes[block.data_start as usize..]);
        if options.ragged == Ragged::Skip {
            records.retain(|record| record.fields.len() == file.types.len());
        }
        if let Some(long) = records.iter().find(|record| record.fields.len() > file.types.len()) {
            let error = read_whole(&block, bytes).expect_err("a long record");
            let ErrorKind::Ragged { byte, found, .. } = error.kind() else { panic!("{error}") };
            prop_assert_eq!((*byte, *found), (block.data_start + long.start as u64, long.fields.len()));
            return Ok(());
        }
        let columns: Vec<_> = file.types.iter().enumerate()
            .map(|(column, data_type)| slow_column(&records, column, data_type, &options))
            .collect();
        let errors: Vec<_> = columns.iter().enumerate()
            .filter(|(_, (_, errors))| *errors > 0)
            .map(|(column, (_, errors))| (format!("c{column}"), *errors as u64))
            .collect();
        match read_whole(&block, bytes) {
            Ok(batch) => {
                prop_assert_eq!(&errors, &[]);
                let arrays = columns.into_iter().map(|(array, _)| array).collect();
                let expected = RecordBatch::try_new(Arc::clone(&block.schema), arrays).expect("a batch");
                prop_assert_eq!(&batch, &expected);
                let data = &bytes[block.data_start as usize..];
                for level in partita_columns::cpu::levels() {
                    let mut columns = Columns::with_kernels(&block, Kernels::at(level)).expect("columns");
                    let mut records = Records::default();
                    super::super::split::Splitter::new(&block.dialect).split(data, true, usize::MAX, &mut records);
                    columns.decode(data, &records, 0, None).expect("records that are allowed");
                    prop_assert_eq!(&columns.take_batch().expect("a batch"), &expected, "{}", level.name());
                }
            }
            Err(error) => {
                let ErrorKind::Mismatch(table) = error.kind() else { panic!("{error}") };
                let mut found: Vec<_> = table.rows().iter().map(|row| (row.column.clone(), row.count)).collect();
                found.sort();
                prop_assert_eq!(found, errors);
            }
        }
    }
}

#[test]
fn zones_decide_what_a_time_means() {
    let column = |zone: Option<&str>, given: bool, value: &str| {
        let data_type = DataType::Timestamp(TimeUnit::Second, zone.map(Into::into));
        let options = ReadOptions { dtypes: vec![("t".into(), data_type)], ..ReadOptions::default() };
        let text = format!("t\n{value}\n");
        let block = plan(text.as_bytes(), &options).expect("a plan");
        let mut block = CsvBlock::clone(&block);
        block.columns[0].local_times = given;
        let batch = read_whole(&Arc::new(block), text.as_bytes()).ok()?;
        Some(batch.column(0).as_primitive::<arrow::datatypes::TimestampSecondType>().value(0))
    };
    let noon = 1_577_880_000;
    assert_eq!(column(None, true, "2020-01-01 12:00:00"), Some(noon));
    assert_eq!(column(None, true, "2020-01-01 12:00:00Z"), None, "an offset in a column without a zone");
    assert_eq!(column(Some("UTC"), false, "2020-01-01 12:00:00Z"), Some(noon));
    assert_eq!(column(Some("UTC"), false, "2020-01-01 12:00:00+02:00"), Some(noon - 7200));
    assert_eq!(column(Some("UTC"), false, "2020-01-01 12:00:00"), None, "no offset, and no zone was given");
    assert_eq!(column(Some("UTC"), true, "2020-01-01 12:00:00"), Some(noon));
    assert_eq!(column(Some("Europe/Amsterdam"), true, "2020-01-01 12:00:00"), Some(noon - 3600));
    assert_eq!(column(Some("Europe/Amsterdam"), true, "2020-03-29 02:30:00"), None, "skipped by the clock");
    assert_eq!(column(None, true, "2020-01-01 12:00:00.5"), None, "finer than the unit");
}

#[test]
fn null_rows_hold_zeros() {
    let text = "i,f,d,t\n71,2.5,2001-01-01,2001-01-01 00:00:00\n,,,\n".to_owned()
        + &"-8,7.25,1999-12-31,1999-12-31 23:59:59\n,,,\n".repeat(50);
    let batch = super::super::reader::testing::read(text.as_bytes(), &ReadOptions::default()).expect("rows");
    let (ints, floats) =
        (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Float64Type>());
    let days = batch.column(2).as_primitive::<Date32Type>();
    let times = batch.column(3).as_primitive::<TimestampMicrosecondType>();
    for row in 0..batch.num_rows() {
        assert_eq!(ints.is_null(row), row % 2 == 1);
        let all_zero = ints.values()[row] == 0
            && floats.values()[row].to_bits() == 0
            && days.values()[row] == 0
            && times.values()[row] == 0;
        assert_eq!(all_zero, row % 2 == 1, "row {row}");
    }
}

#[test]
fn encodings_are_decoded_where_bytes_are_not_ascii() {
    use super::super::text::Encoding;
    let read = |encoding, bytes: &[u8]| {
        let options = ReadOptions { encoding, ..ReadOptions::default() };
        let batch = super::super::reader::testing::read(bytes, &options).expect("text");
        let column = batch.column(0).as_string_view();
        column.iter().map(|text| text.map(str::to_owned)).collect::<Vec<_>>()
    };
    let some = |texts: &[&str]| texts.iter().map(|&text| Some(text.to_owned())).collect::<Vec<_>>();
    let bytes = b"a\nplain\ncaf\xE9 and much more of it\n\x80\n";
    assert_eq!(read(Encoding::Latin1, bytes), some(&["plain", "caf\u{e9} and much more of it", "\u{80}"]));
    assert_eq!(
        read(Encoding::Windows1252, bytes),
        some(&["plain", "caf\u{e9} and much more of it", "\u{20ac}"])
    );
    assert_eq!(
        read(Encoding::Utf8Lossy, bytes),
        some(&["plain", "caf\u{fffd} and much more of it", "\u{fffd}"])
    );
}

#[test]
fn other_columns_may_hold_any_bytes() {
    let options = ReadOptions { usecols: Some(vec!["b".into()]), ..ReadOptions::default() };
    let batch = super::super::reader::testing::read(b"a,b\ncaf\xE9,x\n", &options).expect("only b is read");
    assert_eq!(batch.column(0).as_string_view().value(0), "x");
}

#[test]
fn missing_columns_and_paths_are_made_up() {
    let options = ReadOptions {
        headers: super::super::options::Headers::Union,
        include_path: Some("path".into()),
        ..ReadOptions::default()
    };
    let block = plan(b"a\n1\n2\n", &options).expect("a plan");
    let mut wider = CsvBlock::clone(&block);
    wider.columns.insert(
        0,
        ColumnSpec {
            name: "b".into(),
            data_type: DataType::Date32,
            source: ColumnSource::Missing,
            ..block.columns[0].clone()
        },
    );
    let wider = Arc::new(wider.project(&[0, 1, 2]));
    assert_eq!(
        wider.schema.fields().iter().map(|f| f.name().as_str()).collect::<Vec<_>>(),
        ["b", "a", "path"]
    );
    let batch = read_whole(&wider, b"a\n1\n2\n").expect("a batch");
    assert_eq!(batch.column(0).null_count(), 2);
    assert_eq!(batch.column(2).as_string_view().iter().flatten().collect::<Vec<_>>(), ["t.csv", "t.csv"]);
}

#[test]
fn a_batch_is_bounded_in_rows_and_in_text() {
    let options = ReadOptions { batch_rows_max: 7, ..ReadOptions::default() };
    let text = format!("a\n{}", "1\n".repeat(20));
    let block = plan(text.as_bytes(), &options).expect("a plan");
    let mut reader = super::super::reader::BlockReader::new(
        Arc::clone(&block),
        super::super::reader::testing::open(text.as_bytes()),
        0..text.len() as u64,
    )
    .expect("a reader");
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch().expect("a batch") {
        rows.push(batch.num_rows());
    }
    assert_eq!(rows, [7, 7, 6]);

    let long = format!("a\n{}", format!("{}\n", "x".repeat(1000)).repeat(100));
    let options = ReadOptions { batch_bytes_max: 10_000, chunk_bytes: 4096, ..ReadOptions::default() };
    let block = plan(long.as_bytes(), &options).expect("a plan");
    let mut reader = super::super::reader::BlockReader::new(
        block,
        super::super::reader::testing::open(long.as_bytes()),
        0..long.len() as u64,
    )
    .expect("a reader");
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch().expect("a batch") {
        assert!(batch.num_rows() <= 14, "{} rows", batch.num_rows());
        batches.push(batch);
    }
    assert_eq!(concat_batches(&batches[0].schema(), &batches).expect("one").num_rows(), 100);
}

#[test]
fn mismatches_know_their_kind() {
    assert_eq!(Kinds::of_type(&DataType::Int8).union(Kinds::FLOAT).data_type(), DataType::Float64);
}

/// A number as it is written with other marks.
fn written(plain: &str, decimal: char, thousands: Option<char>) -> String {
    let end = plain.find(['.', 'e']).unwrap_or(plain.len());
    let (whole, rest) = plain.split_at(end);
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with(['+', '-'])));
    let grouped = digits.char_indices().flat_map(|(at, digit)| {
        let mark = thousands.filter(|_| at > 0 && (digits.len() - at).is_multiple_of(3));
        mark.into_iter().chain([digit])
    });
    let grouped = if digits.starts_with('0') { digits.to_owned() } else { grouped.collect() };
    sign.to_owned() + &grouped + &rest.replacen('.', &decimal.to_string(), 1)
}

proptest! {
    #[test]
    fn marks_of_numbers_change_no_value(
        cells in prop::collection::vec((
            prop_oneof!["", "[+-]?[0-9]{1,12}(\\.[0-9]{0,12})?(e[+-]?[0-9]{1,4})?", "-?[0-9]{1,4}\\.[0-9]{1,3}", "nan"],
            prop_oneof![Just(String::new()), any::<i64>().prop_map(|value| value.to_string()), "-?[0-9]{1,7}"],
            "[0-9]{0,2}",
        ), 0..60),
        (decimal, thousands) in prop::sample::select(vec![
            (',', None), (',', Some('.')), (',', Some(' ')), ('.', Some(',')), ('.', Some('_')), (',', Some('\'')),
        ]),
        null in prop::sample::select(vec!["", "7", "1"]),
    ) {
        let table = |mark: &dyn Fn(&str) -> String| {
            let rows = cells.iter().map(|(a, b, c)| format!("{0};{0};{1};{2};\"{2}\"\n", mark(a), mark(b), c));
            "a;b;c;d;e\n".to_owned() + &rows.collect::<String>()
        };
        let types = ["Float64", "Float32", "Int64", "UInt8", "Int32"];
        let dtypes = ["a", "b", "c", "d", "e"].into_iter().zip(types).map(|(name, data_type)| {
            (name.to_owned(), super::super::schema_file::parse_type(data_type).expect("a type"))
        });
        let options = ReadOptions {
            separator: b';', dtypes: dtypes.collect(), null_values: vec![null.to_owned()], ..ReadOptions::default()
        };
        let text = table(&str::to_owned);
        let plain = read_whole(&plan(text.as_bytes(), &options).expect("a plan"), text.as_bytes()).expect("rows");
        let options =
            ReadOptions { decimal: decimal as u8, thousands: thousands.map(|mark| mark as u8), ..options };
        let text = table(&|cell| written(cell, decimal, thousands));
        let marked = read_whole(&plan(text.as_bytes(), &options).expect("a plan"), text.as_bytes()).expect("rows");
        // NaN is not itself, as a value: its text is.
        prop_assert_eq!(format!("{plain:?}"), format!("{marked:?}"));
    }
}
