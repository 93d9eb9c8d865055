//! Columns of every type, made of few values whose classes are known.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Decimal128Array, FixedSizeBinaryArray, Float32Array,
    Float64Array, Int8Array, Int16Array, Int32Array, Int64Array, NullArray, StringViewArray, UInt8Array,
    UInt16Array, UInt32Array, UInt32Array as Places, UInt64Array,
};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, TimeUnit};

/// Values of a type, and which of them are one key.
pub(super) struct Pool {
    pub(super) values: ArrayRef,
    pub(super) classes: Vec<usize>,
}

fn distinct(values: ArrayRef) -> Pool {
    let classes = (0..values.len()).collect();
    Pool { values, classes }
}

fn of(values: &ArrayRef, data_type: &DataType) -> Pool {
    distinct(cast(values, data_type).unwrap())
}

/// Pools of all types that have keys.
pub(super) fn pools() -> Vec<Pool> {
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
        "",
        "a",
        "exactly 12 b",
        "exactly 12 c",
        "thirteen bytes",
        "a text that no view holds, and its end is 1",
        "a text that no view holds, and its end is 2",
    ]));
    let ticks: ArrayRef = Arc::new(Int64Array::from(vec![0, 1, -1, 1_700_000_000, i64::MAX / 2]));
    let days: ArrayRef = Arc::new(Int32Array::from(vec![0, 1, -1, 40_000, 86_399]));
    let positive: ArrayRef = Arc::new(Int32Array::from(vec![0, 1, 2, 40_000, 86_399]));
    let floats = vec![0.0, -0.0, f64::NAN, -f64::NAN, 1.5, f64::INFINITY, f64::NEG_INFINITY];
    let float_classes = vec![0, 0, 1, 1, 2, 3, 4];
    let wide: ArrayRef = Arc::new(Float64Array::from(floats.clone()));
    let narrow: ArrayRef = Arc::new(Float32Array::from_iter_values(floats.iter().map(|value| *value as f32)));
    let integers: ArrayRef = Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 0, -1, 5]));
    let decimals = Decimal128Array::from(vec![0, -1, 1, 10_i128.pow(30), -10_i128.pow(30)]);
    let short = Decimal128Array::from(vec![0, -1, 7, 10_i128.pow(18) - 1, 1 - 10_i128.pow(18)]);
    let threes = FixedSizeBinaryArray::try_from_iter([b"abc", b"abd", b"\0\0\0"].iter()).unwrap();
    let long = FixedSizeBinaryArray::try_from_iter([[1_u8; 16], [2; 16]].iter()).unwrap();
    let dictionary = |keys: DataType, values: &ArrayRef| {
        cast(values, &DataType::Dictionary(Box::new(keys), Box::new(values.data_type().clone()))).unwrap()
    };
    let mut pools = vec![
        distinct(Arc::new(BooleanArray::from(vec![true, false]))),
        distinct(Arc::new(Int8Array::from(vec![-128, 127, 0]))),
        distinct(Arc::new(Int16Array::from(vec![i16::MIN, i16::MAX, 0]))),
        distinct(Arc::new(Int32Array::from(vec![i32::MIN, i32::MAX, 0, 7]))),
        distinct(Arc::clone(&integers)),
        distinct(Arc::new(Int64Array::from(vec![3, 4, 5, 1000]))),
        distinct(Arc::new(UInt8Array::from(vec![0, 255]))),
        distinct(Arc::new(UInt16Array::from(vec![0, u16::MAX]))),
        distinct(Arc::new(UInt32Array::from(vec![0, u32::MAX]))),
        distinct(Arc::new(UInt64Array::from(vec![0, u64::MAX, 1 << 63]))),
        Pool { values: wide, classes: float_classes.clone() },
        Pool { values: narrow, classes: float_classes },
        distinct(Arc::new(decimals.with_precision_and_scale(38, 2).unwrap())),
        distinct(Arc::new(short.with_precision_and_scale(18, 2).unwrap())),
        distinct(Arc::new(Date32Array::from(vec![0, -719_162, 2_932_896]))),
        distinct(Arc::new(threes)),
        distinct(Arc::new(long)),
        distinct(Arc::new(NullArray::new(2))),
        distinct(Arc::clone(&texts)),
        of(&texts, &DataType::Utf8),
        of(&texts, &DataType::LargeUtf8),
        of(&texts, &DataType::Binary),
        of(&texts, &DataType::LargeBinary),
        of(&texts, &DataType::BinaryView),
        of(&ticks, &DataType::Date64),
        of(&ticks, &DataType::Time64(TimeUnit::Nanosecond)),
        of(&ticks, &DataType::Timestamp(TimeUnit::Microsecond, Some("Europe/Berlin".into()))),
        of(&ticks, &DataType::Timestamp(TimeUnit::Second, None)),
        of(&ticks, &DataType::Duration(TimeUnit::Millisecond)),
        of(&days, &DataType::Date32),
        of(&positive, &DataType::Time32(TimeUnit::Second)),
        distinct(dictionary(DataType::Int8, &texts)),
        distinct(dictionary(DataType::UInt16, &integers)),
        distinct(dictionary(DataType::Int32, &(Arc::new(Int8Array::from(vec![-5, 9])) as ArrayRef))),
    ];
    // All values of a column of nothing but nulls are null.
    pools
        .iter_mut()
        .filter(|pool| pool.values.data_type() == &DataType::Null)
        .for_each(|pool| pool.classes = vec![]);
    pools
}

impl Pool {
    /// The column of places among the values; one beyond is null.
    pub(super) fn column(&self, places: &[usize]) -> ArrayRef {
        let place = |place: &usize| (*place < self.values.len()).then_some(*place as u32);
        take(&self.values, &places.iter().map(place).collect::<Places>(), None).unwrap()
    }

    /// The class of a place; `None` for null.
    pub(super) fn class(&self, place: usize) -> Option<usize> {
        self.classes.get(place).copied()
    }
}
