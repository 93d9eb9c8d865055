//! A row group or page that is left out never holds a row that matches.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use partita_columns::Scalar;
use partita_columns::compute::CompareOp;
use proptest::prelude::*;

use super::open;
use crate::io::ReadAt;
use crate::parquet::read::Predicate;

/// A value as the slow check compares it.
#[derive(Debug, Clone)]
enum Plain {
    Whole(i128),
    Float(f64),
    Bytes(Vec<u8>),
}

fn order(a: &Plain, b: &Plain) -> Ordering {
    match (a, b) {
        (Plain::Whole(a), Plain::Whole(b)) => a.cmp(b),
        (Plain::Bytes(a), Plain::Bytes(b)) => a.cmp(b),
        (Plain::Float(a), Plain::Float(b)) => match (a.is_nan(), b.is_nan()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            _ if a < b => Ordering::Less,
            _ if a > b => Ordering::Greater,
            _ => Ordering::Equal,
        },
        _ => panic!("one kind a column"),
    }
}

/// The types that are tried, and the values that their columns hold.
fn domain(kind: usize) -> (DataType, Vec<(Scalar, Plain)>) {
    let whole = |values: &[i128], make: &dyn Fn(i128) -> Scalar| -> Vec<(Scalar, Plain)> {
        values.iter().map(|value| (make(*value), Plain::Whole(*value))).collect()
    };
    let int = |value: i128| Scalar::Int64(value as i64);
    let unsigned = |value: i128| Scalar::UInt64(value as u64);
    let decimal = |precision: u8, values: &[i128]| {
        let data_type = DataType::Decimal128(precision, 2);
        (data_type, whole(values, &|value| Scalar::Decimal128(value, precision, 2)))
    };
    let floats = [f64::NAN, -0.0, 0.0, 1.5, -1.5, f64::INFINITY, f64::NEG_INFINITY, 3e38, f64::NAN];
    let floats = || floats.map(|value| (Scalar::Float64(value), Plain::Float(value))).to_vec();
    let texts =
        ["", "a", "ab", "abcdefgh", "abcdefgi", "abcdé", "é", "ééééé", "\u{10ffff}\u{10ffff}x", "zzzzzzzz"];
    match kind {
        0 => (DataType::Int8, whole(&[-128, -1, 0, 1, 5, 127], &int)),
        1 => (
            DataType::Int64,
            whole(&[i64::MIN.into(), -1, 0, 1, 1 << 53, (1 << 53) + 1, i64::MAX.into()], &int),
        ),
        2 => (DataType::UInt8, whole(&[0, 1, 127, 128, 255], &unsigned)),
        3 => (DataType::UInt32, whole(&[0, 1, i32::MAX as i128, 1 << 31, u32::MAX.into()], &unsigned)),
        4 => (DataType::UInt64, whole(&[0, 1, i64::MAX.into(), 1 << 63, u64::MAX.into()], &unsigned)),
        5 => (
            DataType::Float32,
            floats().into_iter().filter(|(_, value)| !matches!(value, Plain::Float(3e38))).collect(),
        ),
        6 => (DataType::Float64, floats()),
        7 => {
            let values = texts.map(|text| (Scalar::Utf8(text.into()), Plain::Bytes(text.into())));
            (DataType::Utf8, values.to_vec())
        }
        8 => {
            let values: [&[u8]; 6] = [b"", b"\0", &[255; 9], &[255, 254, 1, 1, 1, 1], &[1; 12], &[127, 128]];
            (
                DataType::Binary,
                values.map(|value| (Scalar::Binary(value.into()), Plain::Bytes(value.into()))).to_vec(),
            )
        }
        9 => decimal(5, &[-99_999, -1, 0, 1, 99_999]),
        10 => decimal(15, &[-1_000_000_000, -1, 0, 1, 1_000_000_000]),
        11 => decimal(38, &[-(1 << 100), -1, 0, 1, 1 << 100, 1 << 70]),
        12 => {
            (DataType::Date32, whole(&[-719_162, -1, 0, 1, 2_932_896], &|value| Scalar::Date32(value as i32)))
        }
        13 => (
            DataType::Timestamp(TimeUnit::Microsecond, None),
            whole(&[i64::MIN.into(), -1, 0, 1, i64::MAX.into()], &|value| {
                Scalar::Timestamp(value as i64, TimeUnit::Microsecond, None)
            }),
        ),
        _ => (DataType::Boolean, whole(&[0, 1], &|value| Scalar::Boolean(value == 1))),
    }
}

const KINDS: usize = 15;

/// A condition, and what it says of a value.
#[derive(Debug, Clone)]
enum Condition {
    Compare(CompareOp, usize),
    IsIn(Vec<Option<usize>>),
    IsNull,
    IsNotNull,
}

impl Condition {
    fn predicate(&self, values: &[(Scalar, Plain)], data_type: &DataType) -> Predicate {
        let column = "a".to_owned();
        let value = |at: &usize| values[at % values.len()].0.clone();
        match self {
            Condition::Compare(op, at) => Predicate::Compare { column, op: *op, value: value(at) },
            Condition::IsIn(list) => {
                let null = || Scalar::Null(data_type.clone());
                let values = list.iter().map(|at| at.as_ref().map_or_else(null, value)).collect();
                Predicate::IsIn { column, values }
            }
            Condition::IsNull => Predicate::IsNull { column },
            Condition::IsNotNull => Predicate::IsNotNull { column },
        }
    }

    fn matches(&self, row: Option<&Plain>, values: &[(Scalar, Plain)]) -> bool {
        let with = |at: &usize| row.map(|row| order(row, &values[at % values.len()].1));
        match self {
            Condition::Compare(op, at) => with(at).is_some_and(|found| match op {
                CompareOp::Eq => found == Ordering::Equal,
                CompareOp::NotEq => found != Ordering::Equal,
                CompareOp::Lt => found == Ordering::Less,
                CompareOp::LtEq => found != Ordering::Greater,
                CompareOp::Gt => found == Ordering::Greater,
                CompareOp::GtEq => found != Ordering::Less,
            }),
            Condition::IsIn(list) => list.iter().any(|at| match at {
                None => row.is_none(),
                Some(at) => with(at) == Some(Ordering::Equal),
            }),
            Condition::IsNull => row.is_none(),
            Condition::IsNotNull => row.is_some(),
        }
    }
}

fn conditions() -> impl Strategy<Value = Condition> {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let ops = prop::sample::select(vec![Eq, NotEq, Lt, LtEq, Gt, GtEq]);
    prop_oneof![
        6 => (ops, 0..100_usize).prop_map(|(op, at)| Condition::Compare(op, at)),
        2 => prop::collection::vec(prop::option::weighted(0.8, 0..100_usize), 0..4).prop_map(Condition::IsIn),
        1 => Just(Condition::IsNull),
        1 => Just(Condition::IsNotNull),
    ]
}

/// A file of one column, in small row groups and pages, with bounds that are cut.
fn file_of(
    data_type: &DataType,
    rows: &[Option<&Scalar>],
    (row_group_rows, page_rows): (usize, usize),
    has_blooms: bool,
) -> Arc<dyn ReadAt> {
    let null = Scalar::Null(data_type.clone());
    let cells: Vec<ArrayRef> =
        rows.iter().map(|row| row.unwrap_or(&null).to_array_of(data_type, 1).unwrap()).collect();
    let cells: Vec<&dyn Array> = cells.iter().map(|cell| cell.as_ref()).collect();
    let schema = Arc::new(Schema::new(vec![Field::new("a", data_type.clone(), true)]));
    let batch = RecordBatch::try_new(Arc::clone(&schema), vec![concat(&cells).unwrap()]).unwrap();
    let properties = WriterProperties::builder()
        .set_max_row_group_row_count(Some(row_group_rows))
        .set_data_page_row_count_limit(page_rows)
        .set_write_batch_size(1)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_statistics_truncate_length(Some(5))
        .set_column_index_truncate_length(Some(4))
        .set_bloom_filter_enabled(has_blooms)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    Arc::new(bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_row_that_matches_is_left_out(
        kind in 0..KINDS,
        picks in prop::collection::vec(prop::option::weighted(0.8, 0..100_usize), 1..60),
        is_sorted in any::<bool>(),
        sizes in (1..40_usize, 1..12_usize),
        has_blooms in any::<bool>(),
        first in conditions(),
        second in conditions(),
    ) {
        let (data_type, values) = domain(kind);
        let mut picks = picks;
        if is_sorted {
            picks.sort_by_key(|pick| pick.map(|pick| pick % values.len()));
        }
        let rows: Vec<Option<&(Scalar, Plain)>> =
            picks.iter().map(|pick| pick.map(|pick| &values[pick % values.len()])).collect();
        let scalars: Vec<Option<&Scalar>> = rows.iter().map(|row| row.map(|row| &row.0)).collect();
        let input = file_of(&data_type, &scalars, sizes, has_blooms);
        let file = open(&input);
        let each = [&first, &second].map(|one| one.predicate(&values, &data_type));
        let first_alone: fn(bool, bool) -> bool = |first, _| first;
        let cases = [
            (each[0].clone(), first_alone),
            (Predicate::And(each.to_vec()), |first, second| first && second),
            (Predicate::Or(each.to_vec()), |first, second| first || second),
        ];
        for (predicate, joined) in cases {
            for (index, group) in file.row_groups().iter().enumerate() {
                let ranges = file.matching_rows(input.as_ref(), index, &predicate).unwrap();
                prop_assert!(ranges.iter().all(|range| !range.is_empty() && range.end <= group.rows));
                prop_assert!(ranges.is_sorted_by(|a, b| a.end < b.start));
                for row in 0..group.rows {
                    let value = rows[(group.first_row + row) as usize].map(|row| &row.1);
                    if joined(first.matches(value, &values), second.matches(value, &values)) {
                        prop_assert!(file.may_match(index, &predicate));
                        prop_assert!(
                            ranges.iter().any(|range| range.contains(&row)),
                            "{predicate:?}: row {row} of row group {index}, {value:?}, is not in {ranges:?}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn rows_that_cannot_match_are_left_out() {
    let values: Vec<Scalar> = (0..100).map(|value| Scalar::Int64(value * 2)).collect();
    let rows: Vec<Option<&Scalar>> = values.iter().map(Some).collect();
    let input = file_of(&DataType::Int64, &rows, (40, 10), true);
    let file = open(&input);
    let compare = |op, value: f64| {
        let predicate = Predicate::Compare { column: "a".into(), op, value: Scalar::Float64(value) };
        let selected = file.prune(input.as_ref(), &predicate).unwrap();
        let ranges = selected
            .iter()
            .flat_map(|one| one.ranges.iter().map(|range| (one.row_group, range.start, range.end)));
        ranges.collect::<Vec<_>>()
    };
    assert_eq!(compare(CompareOp::Gt, 140.5), [(1, 30, 40), (2, 0, 20)]);
    assert_eq!(compare(CompareOp::Lt, 0.0), []);
    assert_eq!(compare(CompareOp::Lt, 0.5), [(0, 0, 10)]);
    assert_eq!(compare(CompareOp::Eq, 100.0), [(1, 10, 20)]);
    // Odd numbers are in the bounds, but not in the filter.
    let misses = (0..100).filter(|value| {
        let value = Scalar::Int64(value * 2 + 1);
        (0..3).all(|group| !file.may_contain(input.as_ref(), group, 0, &value).unwrap())
    });
    assert!(misses.count() > 80);
    for (row, value) in values.iter().enumerate() {
        assert!(file.may_contain(input.as_ref(), row / 40, 0, value).unwrap());
    }
}

#[test]
fn int96_has_no_order() {
    let message = Arc::new(parse_message_type("message m { required int96 a; }").unwrap());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, message, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let day = |days: u32| {
        let mut value = Int96::new();
        value.set_data(0, 0, 2_440_588 + days);
        value
    };
    let values = [day(3), day(1), day(2)];
    column.typed::<Int96Type>().write_batch(&values, None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let input: Arc<dyn ReadAt> = Arc::new(bytes);
    let file = open(&input);
    assert_eq!(*file.schema().field(0).data_type(), DataType::Timestamp(TimeUnit::Microsecond, None));
    let bounds = file.bounds(0, 0);
    assert!(bounds.is_none_or(|bounds| bounds.min.is_none() && bounds.max.is_none()));
    for days in 0..5 {
        let value = Scalar::Timestamp(days * 86_400_000_000, TimeUnit::Microsecond, None);
        let predicate = Predicate::Compare { column: "a".into(), op: CompareOp::Eq, value };
        let rows = file.matching_rows(input.as_ref(), 0, &predicate).unwrap();
        assert_eq!((rows.len(), rows[0].start, rows[0].end), (1, 0, 3));
    }
}
