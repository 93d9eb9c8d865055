//! Key columns of all types, and the order of their rows by comparison of values.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    Float32Array, Float64Array, Int8Array, Int16Array, Int64Array, NullArray, StringArray, StringViewArray,
    Time32SecondArray, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int16Type, Int64Type, UInt64Type};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::sort::{Direction, KeyLayout};

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) columns: Vec<ArrayRef>,
    pub(super) order: Vec<Direction>,
}

impl Case {
    pub(super) fn layout(&self) -> KeyLayout {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| column.data_type().clone())
            .zip(self.order.iter().copied())
            .collect();
        KeyLayout::new(&columns).unwrap()
    }
}

/// One to four key columns of up to `rows` rows.
pub(super) fn case(rows: usize) -> impl Strategy<Value = Case> {
    (0..=rows, 1_usize..=4)
        .prop_flat_map(|(rows, columns)| {
            let direction = (any::<bool>(), any::<bool>())
                .prop_map(|(descending, nulls_first)| Direction { descending, nulls_first });
            (vec(column(rows), columns), vec(direction, columns))
        })
        .prop_map(|(columns, order)| Case { columns, order })
}

fn values<T: std::fmt::Debug + Clone + 'static>(
    rows: usize,
    one: impl Strategy<Value = T> + Clone + 'static,
) -> BoxedStrategy<Vec<Option<T>>> {
    prop_oneof![vec(one.clone().prop_map(Some), rows), vec(option::weighted(0.8, one), rows)].boxed()
}

fn integers(rows: usize) -> BoxedStrategy<Vec<Option<i64>>> {
    let few = -3_i64..3;
    let one = prop_oneof![
        few,
        any::<i64>(),
        Just(i64::MIN),
        Just(i64::MAX),
        (0_i64..1000).prop_map(|v| v * 1_000_000)
    ];
    let regular = prop_oneof![Just(1_i64), Just(-1), Just(7_000_000)];
    prop_oneof![
        4 => values(rows, one),
        1 => values(rows, 0_i64..1 << 40),
        1 => regular.prop_map(move |step| (0..rows as i64).map(|row| Some(row / 3 * step)).collect()),
    ]
    .boxed()
}

fn floats(rows: usize) -> BoxedStrategy<Vec<Option<f64>>> {
    let special = prop_oneof![
        Just(0.0),
        Just(-0.0),
        Just(f64::NAN),
        Just(-f64::NAN),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
        Just(f64::MAX),
        Just(f64::MIN),
        Just(f64::MIN_POSITIVE),
    ];
    values(rows, prop_oneof![special, any::<f64>(), (-2_i32..3).prop_map(f64::from)])
}

fn texts(rows: usize) -> BoxedStrategy<Vec<Option<String>>> {
    let long = (0_usize..40, "[a-b]{0,2}").prop_map(|(length, end)| "prefix ".repeat(length / 8) + &end);
    values(rows, prop_oneof![Just(String::new()), "[\u{0}a-c]{0,3}", "\\PC{0,20}", long])
}

fn column(rows: usize) -> BoxedStrategy<ArrayRef> {
    fn of(array: impl Array + 'static) -> ArrayRef {
        Arc::new(array)
    }
    let narrow = |value: i64| value as i8;
    prop_oneof![
        values(rows, any::<bool>()).prop_map(|v| of(BooleanArray::from(v))),
        integers(rows).prop_map(move |v| of(v.into_iter().map(|v| v.map(narrow)).collect::<Int8Array>())),
        integers(rows).prop_map(|v| of(v.into_iter().map(|v| v.map(|v| v as i16)).collect::<Int16Array>())),
        integers(rows).prop_map(|v| of(v.into_iter().map(|v| v.map(|v| v as i32)).collect::<Date32Array>())),
        integers(rows)
            .prop_map(|v| of(v.into_iter().map(|v| v.map(|v| v as i32)).collect::<Time32SecondArray>())),
        integers(rows).prop_map(|v| of(v.into_iter().map(|v| v.map(|v| v as u32)).collect::<UInt32Array>())),
        integers(rows)
            .prop_map(|v| of(v.into_iter().map(|v| v.map(i64::cast_unsigned)).collect::<UInt64Array>())),
        integers(rows).prop_map(|v| of(Int64Array::from(v))),
        integers(rows).prop_map(|v| of(TimestampMicrosecondArray::from(v).with_timezone("UTC"))),
        floats(rows).prop_map(|v| of(Float64Array::from(v))),
        floats(rows).prop_map(|v| of(v.into_iter().map(|v| v.map(|v| v as f32)).collect::<Float32Array>())),
        integers(rows).prop_map(|v| {
            let wide = v.into_iter().map(|v| v.map(|v| i128::from(v) * 3_000_000_000));
            of(wide.collect::<Decimal128Array>().with_precision_and_scale(38, 2).unwrap())
        }),
        texts(rows).prop_map(|v| of(StringViewArray::from_iter(v))),
        texts(rows).prop_map(|v| of(StringArray::from_iter(v))),
        texts(rows)
            .prop_map(|v| of(v.iter().map(|v| v.as_deref().map(str::as_bytes)).collect::<BinaryArray>())),
        texts(rows).prop_map(|v| of(v.iter().map(|v| v.as_deref()).collect::<DictionaryArray<Int16Type>>())),
        Just(of(NullArray::new(rows))),
    ]
    .boxed()
}

fn cell(column: &ArrayRef, row: usize, other: usize) -> Ordering {
    let data_type = match column.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        other => other.clone(),
    };
    match data_type {
        DataType::Boolean => column.as_boolean().value(row).cmp(&column.as_boolean().value(other)),
        DataType::UInt32 | DataType::UInt64 => {
            let values = cast(column, &DataType::UInt64).unwrap();
            let values = values.as_primitive::<UInt64Type>();
            values.value(row).cmp(&values.value(other))
        }
        DataType::Float32 | DataType::Float64 => {
            let values = cast(column, &DataType::Float64).unwrap();
            let (a, b) = (
                values.as_primitive::<Float64Type>().value(row),
                values.as_primitive::<Float64Type>().value(other),
            );
            a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
        }
        DataType::Decimal128(..) => {
            let values = column.as_primitive::<Decimal128Type>();
            values.value(row).cmp(&values.value(other))
        }
        DataType::Utf8 | DataType::Utf8View => {
            let values = cast(column, &DataType::Utf8).unwrap();
            let values = values.as_string::<i32>();
            values.value(row).as_bytes().cmp(values.value(other).as_bytes())
        }
        DataType::Binary => column.as_binary::<i32>().value(row).cmp(column.as_binary::<i32>().value(other)),
        DataType::Date32 | DataType::Time32(_) => {
            let values = cast(&cast(column, &DataType::Int32).unwrap(), &DataType::Int64).unwrap();
            let values = values.as_primitive::<Int64Type>();
            values.value(row).cmp(&values.value(other))
        }
        _ => {
            let values = cast(column, &DataType::Int64).unwrap();
            let values = values.as_primitive::<Int64Type>();
            values.value(row).cmp(&values.value(other))
        }
    }
}

/// How two rows compare, value by value.
pub(super) fn slow_compare(columns: &[ArrayRef], order: &[Direction], row: usize, other: usize) -> Ordering {
    for (column, direction) in columns.iter().zip(order) {
        let nulls = column.logical_nulls();
        let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
        let compared = match (is_null(row), is_null(other)) {
            (true, true) => Ordering::Equal,
            (true, false) if direction.nulls_first => Ordering::Less,
            (true, false) => Ordering::Greater,
            (false, true) if direction.nulls_first => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) if direction.descending => cell(column, other, row),
            (false, false) => cell(column, row, other),
        };
        if compared.is_ne() {
            return compared;
        }
    }
    Ordering::Equal
}

/// Positions of rows in a stable order: an insertion of each row after all that are not greater.
pub(super) fn slow_order(columns: &[ArrayRef], order: &[Direction]) -> Vec<u32> {
    let mut rows: Vec<u32> = Vec::new();
    for row in 0..columns[0].len() {
        let at = rows.partition_point(|&other| slow_compare(columns, order, other as usize, row).is_le());
        rows.insert(at, row as u32);
    }
    rows
}
