//! Choices, users' functions and common parts.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Float64Type, Int64Type, Schema};
use partita_columns::compute::{ArithmeticOp, CastMode, CompareOp};
use partita_columns::{Scalar, Value};
use proptest::prelude::*;

use super::meter::meter;
use super::{batch, column, literal};
use crate::expr::{BoundExpr, Prepared, UserFunction};

fn arithmetic(op: ArithmeticOp, left: BoundExpr, right: BoundExpr) -> BoundExpr {
    BoundExpr::Arithmetic(op, Box::new(left), Box::new(right))
}

fn greater(left: BoundExpr, right: BoundExpr) -> BoundExpr {
    BoundExpr::Compare(CompareOp::Gt, Box::new(left), Box::new(right))
}

fn case(branches: Vec<(BoundExpr, BoundExpr)>, otherwise: BoundExpr) -> BoundExpr {
    BoundExpr::Case(branches, Box::new(otherwise), DataType::Int64)
}

fn ints(of: &BoundExpr, batch: &RecordBatch) -> Vec<Option<i64>> {
    of.evaluate_as(batch, &DataType::Int64).unwrap().as_primitive::<Int64Type>().iter().collect()
}

#[test]
fn a_value_fails_only_where_it_is_asked_for() {
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("1"), Some("x"), None, Some("22")]));
    let batch = RecordBatch::try_from_iter([("t", texts)]).unwrap();
    let number = BoundExpr::Cast(column(0), DataType::Int64, CastMode::Strict);
    assert!(number.evaluate(&batch).is_err());
    let is_text = BoundExpr::IsIn(column(0), vec!["x".into()]);
    let guarded = case(vec![(is_text.clone(), BoundExpr::Literal((-1).into()))], number.clone());
    assert_eq!(ints(&guarded, &batch), [Some(1), Some(-1), None, Some(22)]);
    let first = case(vec![(BoundExpr::Not(Box::new(is_text)), number.clone())], BoundExpr::Literal(0.into()));
    assert_eq!(ints(&first, &batch), [Some(1), Some(0), None, Some(22)]);
    let asked = case(vec![(BoundExpr::IsNull(column(0)), BoundExpr::Literal(0.into()))], number.clone());
    assert!(asked.evaluate(&batch).is_err());
    // The condition itself counts only in the rows that are left.
    let late = case(
        vec![
            (BoundExpr::IsIn(column(0), vec!["x".into()]), BoundExpr::Literal(7.into())),
            (greater(number.clone(), BoundExpr::Literal(5.into())), BoundExpr::Literal(8.into())),
        ],
        BoundExpr::Literal(9.into()),
    );
    assert_eq!(ints(&late, &batch), [Some(9), Some(7), Some(9), Some(8)]);
    // Common parts fail no earlier than others.
    let prepared = Prepared::new(&[guarded.clone(), guarded]);
    assert!(prepared.shared() > 0);
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Int64, true),
    ]));
    let columns = prepared.columns(&batch, &schema, &meter()).unwrap();
    assert_eq!(columns[1].as_primitive::<Int64Type>().value(3), 22);
    let filled = BoundExpr::FillNull(Box::new(BoundExpr::Literal(Scalar::from(3))), Box::new(number));
    assert_eq!(ints(&filled, &batch), [Some(3); 4]);
}

#[test]
fn choices_among_scalars_are_scalars() {
    let yes = BoundExpr::Literal(true.into());
    let unknown = BoundExpr::Literal(Scalar::Null(DataType::Boolean));
    let chosen = case(
        vec![(unknown, BoundExpr::Literal(1.into())), (yes, BoundExpr::Literal(2.into()))],
        BoundExpr::Literal(3.into()),
    );
    assert!(matches!(chosen.evaluate(&batch()).unwrap(), Value::Scalar(Scalar::Int64(2))));
    assert_eq!(chosen.data_type(&batch().schema()).unwrap(), DataType::Int64);
}

#[test]
fn common_parts_are_computed_once_a_batch() {
    let calls = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&calls);
    let twice = UserFunction::new(Arc::new(move |columns: &[ArrayRef]| {
        seen.fetch_add(1, Ordering::Relaxed);
        let doubled = columns[0].as_primitive::<Int64Type>().unary::<_, Int64Type>(|v| v.wrapping_mul(2));
        Ok(Arc::new(doubled) as ArrayRef)
    }));
    let mapped = BoundExpr::Map(twice, vec![BoundExpr::Column(0)], DataType::Int64);
    let sum = arithmetic(ArithmeticOp::Add, mapped.clone(), BoundExpr::Column(0));
    let positive = greater(sum.clone(), *literal(0));
    let schema = Arc::new(Schema::new(vec![
        Field::new("a", DataType::Int64, true),
        Field::new("b", DataType::Int64, true),
        Field::new("c", DataType::Boolean, true),
    ]));
    let prepared = Prepared::new(&[mapped, sum, positive]);
    let columns = prepared.columns(&batch(), &schema, &meter()).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    let expected: ArrayRef = Arc::new(Int64Array::from(vec![Some(-3), None, Some(6), Some(9)]));
    assert_eq!(&columns[1], &expected);
    prepared.columns(&batch(), &schema, &meter()).unwrap();
    assert_eq!(calls.load(Ordering::Relaxed), 2);
}

#[test]
fn functions_are_held_to_what_they_declare() {
    let run = |function: UserFunction, declared: DataType| {
        let error =
            BoundExpr::Map(function, vec![BoundExpr::Column(0)], declared).evaluate(&batch()).unwrap_err();
        error.to_string()
    };
    let same = || UserFunction::new(Arc::new(|columns: &[ArrayRef]| Ok(Arc::clone(&columns[0]))));
    assert_eq!(run(same(), DataType::Float64), "map_batches: declared Float64, returned Int64");
    let short = UserFunction::new(Arc::new(|columns: &[ArrayRef]| Ok(columns[0].slice(0, 1))));
    assert_eq!(run(short, DataType::Int64), "map_batches: was given 4 rows, returned 1");
    let fails = UserFunction::new(Arc::new(|_: &[ArrayRef]| Err("no luck".into())));
    assert_eq!(run(fails, DataType::Int64), "map_batches: no luck");
    let panics = UserFunction::new(Arc::new(|_: &[ArrayRef]| panic!("at the {}", "disco")));
    assert_eq!(run(panics, DataType::Int64), "map_batches: panicked: at the disco");
}

fn numbers() -> impl Strategy<Value = BoundExpr> {
    let leaf = prop_oneof![
        (0_usize..2).prop_map(BoundExpr::Column),
        proptest::sample::select(vec![0.0, -0.0, 1.5, f64::NAN]).prop_map(|v| BoundExpr::Literal(v.into())),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let op =
            proptest::sample::select(vec![ArithmeticOp::Add, ArithmeticOp::Multiply, ArithmeticOp::Divide]);
        prop_oneof![
            (op, inner.clone(), inner.clone()).prop_map(|(op, a, b)| arithmetic(op, a, b)),
            inner.clone().prop_map(|a| BoundExpr::Negate(Box::new(a))),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| BoundExpr::FillNull(Box::new(a), Box::new(b))),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| {
                BoundExpr::Case(vec![(greater(a.clone(), b), c)], Box::new(a), DataType::Float64)
            }),
        ]
    })
}

proptest! {
    /// Sharing changes nothing, to the bit.
    #[test]
    fn prepared_is_as_alone(all in prop::collection::vec(numbers(), 1..5), rows in prop::collection::vec((any::<Option<f64>>(), any::<Option<i8>>()), 0..20)) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().map(|(a, b)| (*a, b.map(f64::from))).unzip();
        let columns: [(&str, ArrayRef); 2] = [("a", Arc::new(Float64Array::from(a))), ("b", Arc::new(Float64Array::from(b)))];
        let batch = RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap();
        let fields: Vec<_> = (0..all.len()).map(|n| Field::new(n.to_string(), DataType::Float64, true)).collect();
        let together = Prepared::new(&all).columns(&batch, &Schema::new(fields), &meter()).unwrap();
        for (of, together) in all.iter().zip(&together) {
            let bits = |array: &ArrayRef| -> Vec<Option<u64>> {
                array.as_primitive::<Float64Type>().iter().map(|v| v.map(|v| if v.is_nan() { 1 } else { v.to_bits() })).collect()
            };
            prop_assert_eq!(bits(&of.evaluate_as(&batch, &DataType::Float64).unwrap()), bits(together));
        }
    }
}
