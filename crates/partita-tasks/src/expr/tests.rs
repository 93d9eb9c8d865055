mod meter;
mod prepared;

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float32Array, Int8Array, Int64Array, RecordBatch, StringViewArray,
};
use arrow::datatypes::{DataType, Float64Type, Int8Type, Int64Type};
use partita_columns::compute::{ArithmeticOp, CastMode, CompareOp};
use partita_columns::{Scalar, Value};
use proptest::prelude::*;

use super::BoundExpr;

fn column(position: usize) -> Box<BoundExpr> {
    Box::new(BoundExpr::Column(position))
}

fn literal(value: impl Into<Scalar>) -> Box<BoundExpr> {
    Box::new(BoundExpr::Literal(value.into()))
}

fn batch() -> RecordBatch {
    let columns: [(&str, ArrayRef); 4] = [
        ("n", Arc::new(Int64Array::from(vec![Some(-1), None, Some(2), Some(3)]))),
        ("t", Arc::new(StringViewArray::from(vec![Some("a"), Some("b"), None, Some("a")]))),
        ("b", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)]))),
        ("s", Arc::new(Int8Array::from(vec![1, 2, 3, 4]))),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

fn mask(expression: &BoundExpr) -> Vec<bool> {
    let mask = expression.evaluate_mask(&batch()).unwrap();
    assert_eq!(mask.null_count(), 0);
    mask.values().iter().collect()
}

#[test]
fn masks_take_null_as_false() {
    let positive = BoundExpr::Compare(CompareOp::Gt, column(0), literal(0));
    assert_eq!(mask(&positive), [false, false, true, true]);
    let not_positive = BoundExpr::Not(Box::new(positive.clone()));
    assert_eq!(mask(&not_positive), [true, false, false, false]);
    let is_a = BoundExpr::IsIn(column(1), vec!["a".into()]);
    assert_eq!(
        mask(&BoundExpr::Or(Box::new(positive.clone()), Box::new(is_a.clone()))),
        [true, false, true, true]
    );
    assert_eq!(mask(&BoundExpr::And(Box::new(positive), Box::new(is_a))), [false, false, false, true]);
    assert_eq!(mask(&BoundExpr::IsNull(column(2))), [false, true, false, false]);
    assert_eq!(mask(&BoundExpr::Literal(true.into())), [true; 4]);
    assert_eq!(mask(&BoundExpr::Literal(Scalar::Null(DataType::Boolean))), [false; 4]);
    assert!(BoundExpr::Column(0).evaluate_mask(&batch()).is_err());
}

#[test]
fn columns_have_the_type_of_the_schema() {
    let batch = batch();
    let more = BoundExpr::Arithmetic(ArithmeticOp::Add, column(3), literal(1));
    let found = more.evaluate_as(&batch, &DataType::Int8).unwrap();
    assert_eq!(found.as_primitive::<Int8Type>().values(), &[2, 3, 4, 5]);
    let small = BoundExpr::Cast(literal(7), DataType::Int8, CastMode::Strict);
    assert!(matches!(small.evaluate(&batch).unwrap(), Value::Scalar(Scalar::Int64(7))));
    let found = small.evaluate_as(&batch, &DataType::Int8).unwrap();
    assert_eq!(found.as_primitive::<Int8Type>().values(), &[7, 7, 7, 7]);
    let tenth = BoundExpr::Literal(0.1.into()).evaluate_as(&batch, &DataType::Float32).unwrap();
    assert_eq!(tenth.as_ref(), &Float32Array::from(vec![0.1; 4]));
    let filled = BoundExpr::FillNull(column(0), literal(9)).evaluate_as(&batch, &DataType::Int64).unwrap();
    assert_eq!(filled.as_primitive::<Int64Type>().values(), &[-1, 9, 2, 3]);
    let negated = BoundExpr::Negate(column(3)).evaluate_as(&batch, &DataType::Int8).unwrap();
    assert_eq!(negated.as_primitive::<Int8Type>().values(), &[-1, -2, -3, -4]);
}

#[test]
fn columns_that_are_not_there_are_an_error() {
    let error = BoundExpr::Column(4).evaluate(&batch()).unwrap_err();
    assert_eq!(error.to_string(), "expression uses column 4 of a batch of 4 columns");
    assert!(BoundExpr::Column(4).data_type(&batch().schema()).is_err());
}

#[test]
fn types_are_those_of_the_kernels() {
    let schema = batch().schema();
    let of = |expression: BoundExpr| expression.data_type(&schema).unwrap();
    assert_eq!(of(BoundExpr::Arithmetic(ArithmeticOp::Divide, column(0), literal(2))), DataType::Float64);
    assert_eq!(of(BoundExpr::Arithmetic(ArithmeticOp::Add, literal(2), column(3))), DataType::Int8);
    assert_eq!(
        of(BoundExpr::FillNull(Box::new(BoundExpr::Literal(Scalar::Null(DataType::Null))), column(1))),
        DataType::Utf8View
    );
    assert_eq!(of(BoundExpr::IsNull(column(0))), DataType::Boolean);
    assert_eq!(of(BoundExpr::Cast(column(0), DataType::Date32, CastMode::Lenient)), DataType::Date32);
}

#[test]
fn columns_are_found_and_moved() {
    let sum = BoundExpr::Arithmetic(ArithmeticOp::Add, column(5), Box::new(BoundExpr::Negate(column(2))));
    let both = BoundExpr::Compare(CompareOp::Lt, Box::new(sum), column(5));
    assert_eq!(both.columns(), [2, 5]);
    let moved = both.remap(&|position| position - 2);
    assert_eq!(moved.columns(), [0, 3]);
    assert_eq!(moved.remap(&|position| position + 2), both);
}

proptest! {
    /// `(a + b) * 2 > a or b is null`, against the same in Rust.
    #[test]
    fn expressions_are_what_they_say(rows in prop::collection::vec((any::<Option<i16>>(), any::<Option<i16>>()), 0..100)) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().map(|(a, b)| (a.map(i64::from), b.map(i64::from))).unzip();
        let columns: [(&str, ArrayRef); 2] = [("a", Arc::new(Int64Array::from(a))), ("b", Arc::new(Int64Array::from(b)))];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
        let sum = BoundExpr::Arithmetic(ArithmeticOp::Add, column(0), column(1));
        let twice = BoundExpr::Arithmetic(ArithmeticOp::Multiply, Box::new(sum.clone()), literal(2));
        let greater = BoundExpr::Compare(CompareOp::Gt, Box::new(twice), column(0));
        let either = BoundExpr::Or(Box::new(greater), Box::new(BoundExpr::IsNull(column(1))));
        let expected: Vec<bool> = rows.iter().map(|(a, b)| match (a, b) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(a), Some(b)) => (i64::from(*a) + i64::from(*b)) * 2 > i64::from(*a),
        }).collect();
        let found = either.evaluate_mask(&batch).unwrap();
        prop_assert_eq!(found.values().iter().collect::<Vec<_>>(), expected);
        let half = BoundExpr::Arithmetic(ArithmeticOp::Divide, Box::new(sum), literal(2));
        let found = half.evaluate_as(&batch, &DataType::Float64).unwrap();
        let expected: Vec<_> = rows.iter().map(|(a, b)| Some((f64::from((*a)?) + f64::from((*b)?)) / 2.0)).collect();
        prop_assert_eq!(found.as_primitive::<Float64Type>().iter().collect::<Vec<_>>(), expected);
    }
}
