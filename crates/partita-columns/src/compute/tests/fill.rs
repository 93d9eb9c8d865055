use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, DictionaryArray, TimestampSecondArray};
use arrow::datatypes::{Int32Type, Int64Type, TimeUnit, TimestampSecondType};
use proptest::prelude::*;

use super::{bools, column, float64, floats, int64, ints, text, texts, truths, two};
use crate::compute::{cast_array, fill_null};
use crate::scalar::{Scalar, Value};

fn array(value: Value, rows: usize) -> ArrayRef {
    value.into_array(rows).unwrap()
}

proptest! {
    #[test]
    fn columns_fill_columns(rows in two(text())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        let found = array(fill_null(&column(&texts(&a)), &column(&texts(&b))).unwrap(), rows.len());
        let expected: Vec<_> = rows.iter().map(|(a, b)| a.clone().or(b.clone())).collect();
        prop_assert_eq!(found.as_string_view().iter().map(|v| v.map(str::to_owned)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn scalars_fill_text(values in prop::collection::vec(text(), 0..100), fill in text()) {
        let one = Value::Scalar(fill.clone().into());
        let found = array(fill_null(&column(&texts(&values)), &one).unwrap(), values.len());
        let expected: Vec<_> = values.iter().map(|v| v.clone().or(fill.clone())).collect();
        prop_assert_eq!(found.as_string_view().iter().map(|v| v.map(str::to_owned)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn scalars_fill_numbers(values in prop::collection::vec(int64(), 0..150), fill in any::<i64>()) {
        let found = array(fill_null(&column(&ints(&values)), &Value::Scalar(fill.into())).unwrap(), values.len());
        prop_assert_eq!(found.null_count(), 0);
        let expected: Vec<_> = values.iter().map(|v| v.unwrap_or(fill)).collect();
        prop_assert_eq!(found.as_primitive::<Int64Type>().values(), &expected[..]);
    }

    #[test]
    fn booleans(values in prop::collection::vec(any::<Option<bool>>(), 0..150), fill in any::<bool>()) {
        let found = fill_null(&column(&bools(&values)), &Value::Scalar(fill.into())).unwrap();
        prop_assert_eq!(truths(found, values.len()), values.iter().map(|v| v.or(Some(fill))).collect::<Vec<_>>());
    }

    /// The recorded behaviour `nan-null-06`: NaN is a value.
    #[test]
    fn nan_stays(values in prop::collection::vec(float64(), 0..150)) {
        let found = array(fill_null(&column(&floats(&values)), &Value::Scalar(0.0.into())).unwrap(), values.len());
        let expected: Vec<u64> = values.iter().map(|v| v.unwrap_or(0.0).to_bits()).collect();
        let found = found.as_primitive::<arrow::datatypes::Float64Type>().values().iter().map(|v| v.to_bits());
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}

#[test]
fn types_stay() {
    let at: ArrayRef = Arc::new(TimestampSecondArray::from(vec![Some(5), None]).with_timezone("UTC"));
    let one = Value::Scalar(Scalar::Timestamp(7, TimeUnit::Second, Some(Arc::from("UTC"))));
    let filled = array(fill_null(&column(&at), &one).unwrap(), 2);
    assert_eq!(filled.data_type(), at.data_type());
    assert_eq!(filled.as_primitive::<TimestampSecondType>().values(), &[5, 7]);
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![Some(&b"x"[..]), None]));
    let filled = array(fill_null(&column(&bytes), &Value::Scalar(Scalar::Binary(vec![1, 2]))).unwrap(), 2);
    assert_eq!(filled.as_binary::<i32>().value(1), [1, 2]);
    let keys: DictionaryArray<Int32Type> = vec![Some("a"), None].into_iter().collect();
    let filled = array(fill_null(&column(&(Arc::new(keys) as _)), &Value::Scalar("z".into())).unwrap(), 2);
    let text =
        cast_array(&filled, &arrow::datatypes::DataType::Utf8View, crate::compute::CastMode::Strict).unwrap();
    assert_eq!(text.as_string_view().iter().collect::<Vec<_>>(), [Some("a"), Some("z")]);
}

#[test]
fn a_value_that_does_not_fit_is_refused() {
    let error = fill_null(&column(&ints(&[None])), &Value::Scalar(0.5.into())).unwrap_err();
    assert_eq!(error.to_string(), "cannot cast 0.5 from Float64 to Int64");
}
