use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch};
use arrow::datatypes::{DataType, Field};
use partita_formats::parquet::read::Bounds;
use proptest::prelude::*;

use super::*;

/// The bounds of some values, by hand.
fn bounds_of(values: &[Option<f64>]) -> Bounds {
    let numbers: Vec<f64> = values.iter().flatten().copied().filter(|value| !value.is_nan()).collect();
    Bounds {
        min: numbers.iter().copied().reduce(f64::min).map(Scalar::Float64),
        max: numbers.iter().copied().reduce(f64::max).map(Scalar::Float64),
        min_is_exact: true,
        max_is_exact: true,
        nulls: Some(values.iter().filter(|value| value.is_none()).count() as u64),
        may_have_nan: true,
        rows: values.len() as u64,
    }
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![6 => (-4..5_i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => Just(-0.0), 1 => Just(f64::INFINITY)]
}

fn expression() -> impl Strategy<Value = BoundExpr> {
    use CompareOp::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    let of = || Box::new(BoundExpr::Column(0));
    let literal = |value| Box::new(BoundExpr::Literal(Scalar::Float64(value)));
    let leaf = prop_oneof![
        (prop::sample::select(vec![Eq, NotEq, Lt, LtEq, Gt, GtEq]), value(), any::<bool>()).prop_map(
            move |(op, value, mirrored)| match mirrored {
                true => BoundExpr::Compare(op, literal(value), of()),
                false => BoundExpr::Compare(op, of(), literal(value)),
            }
        ),
        Just(BoundExpr::IsNull(of())),
        prop::collection::vec(prop::option::weighted(0.8, value()), 0..3).prop_map(move |list| {
            let scalar = |value: Option<f64>| value.map_or(Scalar::Null(DataType::Float64), Scalar::Float64);
            BoundExpr::IsIn(of(), list.into_iter().map(scalar).collect())
        }),
        any::<bool>().prop_map(|value| BoundExpr::Literal(Scalar::Boolean(value))),
        Just(BoundExpr::Literal(Scalar::Null(DataType::Boolean))),
    ];
    leaf.prop_recursive(4, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(l, r)| BoundExpr::And(Box::new(l), Box::new(r))),
            (inner.clone(), inner.clone()).prop_map(|(l, r)| BoundExpr::Or(Box::new(l), Box::new(r))),
            inner.prop_map(|of| BoundExpr::Not(Box::new(of))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_left_out_has_no_row(
        values in prop::collection::vec(prop::option::weighted(0.8, value()), 1..5),
        expression in expression(),
    ) {
        let column: ArrayRef = Arc::new(Float64Array::from(values.clone()));
        let batch = RecordBatch::try_from_iter([("x", column)]).unwrap();
        let matches = expression.evaluate_mask(&batch).unwrap().true_count() > 0;
        let bounds = bounds_of(&values);
        let schema = batch.schema();
        let asked = condition(&expression, &schema, &|_| false);
        let may = asked.may_match(&|_| Some(bounds.clone()));
        prop_assert!(may || !matches, "{:?} of {:?}", expression, values);
        // What is not known may be, unless the expression says otherwise by itself.
        prop_assert!(!may || condition(&expression, &schema, &|_| true).may_match(&|_| Some(bounds.clone())));
    }
}

#[test]
fn what_cannot_be_is_left_out() {
    let bounds = Bounds { may_have_nan: false, ..bounds_of(&[Some(2.0), Some(7.0)]) };
    let schema = Schema::new(vec![Field::new("x", DataType::Float64, true)]);
    let may = |expression: BoundExpr| {
        condition(&expression, &schema, &|_| false).may_match(&|_| Some(bounds.clone()))
    };
    let asked = |op, value: f64| {
        let literal = Box::new(BoundExpr::Literal(Scalar::Float64(value)));
        let compare = BoundExpr::Compare(op, Box::new(BoundExpr::Column(0)), literal);
        (may(compare.clone()), may(BoundExpr::Not(Box::new(compare))))
    };
    assert_eq!(asked(CompareOp::Eq, 1.0), (false, true));
    assert_eq!(asked(CompareOp::Eq, 5.0), (true, true));
    assert_eq!(asked(CompareOp::Lt, 2.0), (false, true));
    assert_eq!(asked(CompareOp::LtEq, 7.0), (true, false));
    assert_eq!(asked(CompareOp::Gt, 7.0), (false, true));
    assert_eq!(asked(CompareOp::GtEq, 2.0), (true, false));
    assert!(!may(BoundExpr::IsNull(Box::new(BoundExpr::Column(0)))));
}
