use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{ArrayRef, DictionaryArray, Float32Array, Int64Array, TimestampSecondArray};
use arrow::datatypes::{DataType, Int32Type, TimeUnit};
use proptest::prelude::*;

use super::{bools, column, float64, floats, int64, ints, text, texts, truths, two, uint64, uints};
use crate::ErrorKind;
use crate::compute::{CompareOp, compare};
use crate::scalar::{Scalar, Value};

const OPS: [CompareOp; 6] =
    [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::LtEq, CompareOp::Gt, CompareOp::GtEq];

fn holds(op: CompareOp, order: Ordering) -> bool {
    match op {
        CompareOp::Eq => order == Ordering::Equal,
        CompareOp::NotEq => order != Ordering::Equal,
        CompareOp::Lt => order == Ordering::Less,
        CompareOp::LtEq => order != Ordering::Greater,
        CompareOp::Gt => order == Ordering::Greater,
        CompareOp::GtEq => order != Ordering::Less,
    }
}

/// NaN last and equal to itself, one zero.
fn float_order(a: f64, b: f64) -> Ordering {
    let key = |v: f64| if v.is_nan() { (1, 0.0) } else { (0, if v == 0.0 { 0.0 } else { v }) };
    key(a).partial_cmp(&key(b)).unwrap()
}

/// Column with column, column with scalar and scalar with column all agree with `order`.
fn check<A: Clone + Into<Scalar>, B: Clone + Into<Scalar>>(
    rows: &[(Option<A>, Option<B>)],
    (left, right): (ArrayRef, ArrayRef),
    order: impl Fn(&A, &B) -> Ordering,
) {
    let expected =
        |op: CompareOp, a: &Option<A>, b: &Option<B>| Some(holds(op, order(a.as_ref()?, b.as_ref()?)));
    let scalar = |value: Scalar, data_type: &DataType| match value {
        Scalar::Null(_) => Scalar::Null(data_type.clone()),
        value => value,
    };
    for op in OPS {
        let found = truths(compare(op, &column(&left), &column(&right)).unwrap(), rows.len());
        assert_eq!(found, rows.iter().map(|(a, b)| expected(op, a, b)).collect::<Vec<_>>(), "{op:?}");
        for (first, second) in rows.iter().take(3) {
            let one = Value::Scalar(scalar(second.clone().into(), right.data_type()));
            let found = truths(compare(op, &column(&left), &one).unwrap(), rows.len());
            assert_eq!(
                found,
                rows.iter().map(|(a, _)| expected(op, a, second)).collect::<Vec<_>>(),
                "{op:?}"
            );
            let one = Value::Scalar(scalar(first.clone().into(), left.data_type()));
            let found = truths(compare(op, &one, &column(&right)).unwrap(), rows.len());
            assert_eq!(found, rows.iter().map(|(_, b)| expected(op, first, b)).collect::<Vec<_>>(), "{op:?}");
        }
    }
}

proptest! {
    #[test]
    fn integers(rows in two(int64())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        check(&rows, (ints(&a), ints(&b)), Ord::cmp);
    }

    #[test]
    fn signed_with_unsigned(rows in prop::collection::vec((int64(), uint64()), 0..100)) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        check(&rows, (ints(&a), uints(&b)), |a, b| i128::from(*a).cmp(&i128::from(*b)));
    }

    #[test]
    fn floats_with_nan_last(rows in two(float64())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        check(&rows, (floats(&a), floats(&b)), |a, b| float_order(*a, *b));
    }

    #[test]
    fn narrow_floats(rows in two(float64())) {
        let rows: Vec<_> = rows.iter().map(|(a, b)| (a.map(|v| v as f32), b.map(|v| v as f32))).collect();
        let array = |values: Vec<Option<f32>>| Arc::new(Float32Array::from(values)) as ArrayRef;
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        check(&rows, (array(a), array(b)), |a, b| float_order((*a).into(), (*b).into()));
    }

    #[test]
    fn text_by_bytes(rows in two(text())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().cloned().unzip();
        check(&rows, (texts(&a), texts(&b)), |a, b| a.as_bytes().cmp(b.as_bytes()));
    }

    #[test]
    fn booleans(rows in two(any::<Option<bool>>())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        check(&rows, (bools(&a), bools(&b)), Ord::cmp);
    }
}

#[test]
fn dictionaries_compare_by_value() {
    let keys: DictionaryArray<Int32Type> = vec![Some("a"), None, Some("b")].into_iter().collect();
    let found =
        compare(CompareOp::Eq, &column(&(Arc::new(keys) as _)), &Value::Scalar(Scalar::from("b"))).unwrap();
    assert_eq!(truths(found, 3), [Some(false), None, Some(true)]);
}

#[test]
fn what_has_no_order_is_refused() {
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let naive: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1]));
    let zoned: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1]).with_timezone("UTC"));
    let berlin: ArrayRef = Arc::new(TimestampSecondArray::from(vec![1]).with_timezone("Europe/Berlin"));
    let is_undefined = |left: &ArrayRef, right: &ArrayRef| {
        let found = compare(CompareOp::Lt, &column(left), &column(right));
        matches!(found.unwrap_err().kind(), ErrorKind::Undefined { .. })
    };
    assert!(is_undefined(&numbers, &naive));
    assert!(is_undefined(&naive, &zoned));
    assert_eq!(truths(compare(CompareOp::Eq, &column(&zoned), &column(&berlin)).unwrap(), 1), [Some(true)]);
    let second = Value::Scalar(Scalar::Timestamp(1, TimeUnit::Second, None));
    assert_eq!(truths(compare(CompareOp::Eq, &column(&naive), &second).unwrap(), 1), [Some(true)]);
    let short: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    assert!(matches!(
        compare(CompareOp::Lt, &column(&numbers), &column(&short)).unwrap_err().kind(),
        ErrorKind::Shape(_)
    ));
}
