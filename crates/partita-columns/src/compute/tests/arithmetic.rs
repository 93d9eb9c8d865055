mod decimal;

use arrow::array::{
    Array, AsArray, Date32Array, Decimal128Array, DurationSecondArray, Int8Array, TimestampSecondArray,
    UInt8Array,
};
use arrow::datatypes::{
    DataType, Decimal128Type, DurationSecondType, Float64Type, Int8Type, Int64Type, TimestampSecondType,
    UInt64Type,
};
use proptest::prelude::*;
use std::sync::Arc;

use super::{column, float64, floats, int64, ints, two, uint64, uints};
use crate::ErrorKind;
use crate::compute::{ArithmeticOp, arithmetic, arithmetic_type, negate};
use crate::scalar::{Scalar, Value};

const CHECKED: [ArithmeticOp; 5] = [
    ArithmeticOp::Add,
    ArithmeticOp::Subtract,
    ArithmeticOp::Multiply,
    ArithmeticOp::FloorDivide,
    ArithmeticOp::Remainder,
];

/// In 128 bits, where nothing that fits 64 bits overflows; `None` by zero.
fn wide(op: ArithmeticOp, a: i128, b: i128) -> Option<i128> {
    Some(match op {
        ArithmeticOp::Add => a + b,
        ArithmeticOp::Subtract => a - b,
        ArithmeticOp::Multiply => a.saturating_mul(b),
        _ if b == 0 => return None,
        // The floor is the greatest q with q * b on the near side of a.
        ArithmeticOp::FloorDivide => (a - a.rem_euclid(b)) / b - i128::from(b < 0 && a.rem_euclid(b) != 0),
        _ => a - b * wide(ArithmeticOp::FloorDivide, a, b)?,
    })
}

fn check<N: Copy + TryFrom<i128> + Into<i128> + PartialEq + std::fmt::Debug>(
    op: ArithmeticOp,
    rows: &[(Option<N>, Option<N>)],
    result: crate::Result<Vec<Option<N>>>,
) {
    let expected: Vec<Option<i128>> =
        rows.iter().map(|(a, b)| wide(op, (*a)?.into(), (*b)?.into())).collect();
    let overflow = expected.iter().position(|value| value.is_some_and(|value| N::try_from(value).is_err()));
    match (result, overflow) {
        (Ok(values), None) => {
            let values: Vec<Option<i128>> = values.into_iter().map(|value| value.map(Into::into)).collect();
            assert_eq!(values, expected, "{op:?}");
        }
        (Err(error), Some(row)) => {
            let ErrorKind::Overflow { operation, .. } = error.kind() else { panic!("{error}") };
            assert!(operation.contains(&format!("(row {row} of the batch)")), "{error}");
        }
        (result, overflow) => panic!("{op:?}: overflow at {overflow:?}, got {result:?}"),
    }
}

proptest! {
    #[test]
    fn signed_integers_never_wrap(rows in two(int64())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        for op in CHECKED {
            let result = arithmetic(op, &column(&ints(&a)), &column(&ints(&b)));
            check(op, &rows, result.map(|v| v.into_array(rows.len()).unwrap().as_primitive::<Int64Type>().iter().collect()));
        }
    }

    #[test]
    fn unsigned_integers_never_wrap(rows in two(uint64())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        for op in CHECKED {
            let result = arithmetic(op, &column(&uints(&a)), &column(&uints(&b)));
            check(op, &rows, result.map(|v| v.into_array(rows.len()).unwrap().as_primitive::<UInt64Type>().iter().collect()));
        }
    }

    #[test]
    fn a_scalar_is_a_column_of_one_value(values in prop::collection::vec(int64(), 0..100), one in int64()) {
        let scalar = Value::Scalar(one.map_or(Scalar::Null(DataType::Int64), Scalar::Int64));
        let ones = column(&ints(&vec![one; values.len()]));
        let values = column(&ints(&values));
        for op in CHECKED.into_iter().chain([ArithmeticOp::Divide]) {
            for (with, without) in [
                (arithmetic(op, &values, &scalar), arithmetic(op, &values, &ones)),
                (arithmetic(op, &scalar, &values), arithmetic(op, &ones, &values)),
            ] {
                match (with, without) {
                    (Ok(Value::Array(with)), Ok(Value::Array(without))) => prop_assert_eq!(&with, &without),
                    (with, without) => prop_assert_eq!(with.unwrap_err().to_string(), without.unwrap_err().to_string()),
                }
            }
        }
    }

    #[test]
    fn floats_follow_ieee_and_numpy(rows in two(float64())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        let same = |a: f64, b: f64| a == b && a.is_sign_negative() == b.is_sign_negative() || a.is_nan() && b.is_nan();
        for (op, twin) in [
            (ArithmeticOp::Add, (|a, b| a + b) as fn(f64, f64) -> f64),
            (ArithmeticOp::Subtract, |a, b| a - b),
            (ArithmeticOp::Multiply, |a, b| a * b),
            (ArithmeticOp::Divide, |a, b| a / b),
        ] {
            let result = arithmetic(op, &column(&floats(&a)), &column(&floats(&b))).unwrap().into_array(rows.len()).unwrap();
            for (row, value) in result.as_primitive::<Float64Type>().iter().enumerate() {
                match (rows[row], value) {
                    ((Some(a), Some(b)), Some(value)) => prop_assert!(same(twin(a, b), value), "{a} {op:?} {b}"),
                    (nulls, value) => prop_assert!(value.is_none() && (nulls.0.is_none() || nulls.1.is_none())),
                }
            }
        }
        for (a, b) in rows.iter().filter_map(|(a, b)| Some(((*a)?, (*b)?))) {
            let rest = float(ArithmeticOp::Remainder, a, b);
            if a.is_finite() && b.is_finite() && b != 0.0 {
                prop_assert!(rest == 0.0 || (rest < 0.0) == (b < 0.0), "{a} % {b} = {rest}");
                prop_assert!(rest.abs() <= b.abs(), "{a} % {b} = {rest}");
            } else if a.is_nan() || b.is_nan() || a.is_infinite() || b == 0.0 {
                prop_assert!(rest.is_nan());
            }
        }
    }

    #[test]
    fn division_of_integers_is_of_floats(rows in two(int64())) {
        let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().unzip();
        let result = arithmetic(ArithmeticOp::Divide, &column(&ints(&a)), &column(&ints(&b))).unwrap();
        let result = result.into_array(rows.len()).unwrap();
        for (row, value) in result.as_primitive::<Float64Type>().iter().enumerate() {
            let expected = rows[row].0.zip(rows[row].1).map(|(a, b)| a as f64 / b as f64);
            prop_assert_eq!(value.map(f64::to_bits), expected.map(f64::to_bits));
        }
    }
}

fn float(op: ArithmeticOp, a: f64, b: f64) -> f64 {
    match arithmetic(op, &Value::Scalar(Scalar::Float64(a)), &Value::Scalar(Scalar::Float64(b))).unwrap() {
        Value::Scalar(Scalar::Float64(value)) => value,
        other => panic!("{other:?}"),
    }
}

/// As `numpy.floor_divide` and `numpy.mod` of NumPy 2.3 give them.
#[test]
fn floor_division_of_floats() {
    use ArithmeticOp::{FloorDivide, Remainder};
    let inf = f64::INFINITY;
    for (a, b, quotient, rest) in [
        (7.0, 2.0, 3.0, 1.0),
        (-7.0, 2.0, -4.0, 1.0),
        (7.0, -2.0, -4.0, -1.0),
        (-7.0, -2.0, 3.0, -1.0),
        (0.3, 0.1, 2.0, 0.3 % 0.1),
        (5.0, inf, 0.0, 5.0),
        (-5.0, inf, -1.0, inf),
        (1.0, 0.1, 9.0, 1.0 % 0.1),
    ] {
        assert_eq!(float(FloorDivide, a, b), quotient, "{a} // {b}");
        assert_eq!(float(Remainder, a, b), rest, "{a} % {b}");
    }
    assert_eq!(float(FloorDivide, 1.0, 0.0), inf);
    assert!(float(FloorDivide, inf, 1.0).is_nan());
    assert!(float(FloorDivide, -0.0, 1.0).is_sign_negative());
    assert!(float(Remainder, -4.0, 2.0) == 0.0 && float(Remainder, 4.0, -2.0).is_sign_negative());
}

/// The recorded behaviour `reshape-08`.
#[test]
fn negative_numbers_round_down() {
    let (a, b) = (column(&ints(&[Some(-7), Some(7)])), column(&ints(&[Some(2), Some(-2)])));
    let values = |op| {
        let array = arithmetic(op, &a, &b).unwrap().into_array(2).unwrap();
        array.as_primitive::<Int64Type>().values().to_vec()
    };
    assert_eq!(values(ArithmeticOp::FloorDivide), [-4, -4]);
    assert_eq!(values(ArithmeticOp::Remainder), [1, -1]);
}

#[test]
fn narrow_types_stay_narrow_and_say_so() {
    let bytes = column(&(Arc::new(Int8Array::from(vec![Some(100), None, Some(27)])) as _));
    let sum = arithmetic(ArithmeticOp::Add, &bytes, &Value::Scalar(Scalar::Int64(27)))
        .unwrap()
        .into_array(3)
        .unwrap();
    assert_eq!(sum.as_primitive::<Int8Type>(), &Int8Array::from(vec![Some(127), None, Some(54)]));
    let error = arithmetic(ArithmeticOp::Multiply, &bytes, &Value::Scalar(Scalar::Int64(5))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "integer overflow in 100 * 5 (row 0 of the batch): the result does not fit Int8; cast to a wider type or to Float64"
    );
    let error = arithmetic(ArithmeticOp::Add, &bytes, &Value::Scalar(Scalar::Int64(300))).unwrap_err();
    assert_eq!(error.to_string(), "cannot cast 300 from Int64 to Int8");
}

#[test]
fn what_lies_under_a_null_cannot_overflow() {
    let hidden = Int8Array::new(vec![i8::MAX, 1].into(), Some(vec![false, true].into()));
    let sum =
        arithmetic(ArithmeticOp::Add, &column(&(Arc::new(hidden) as _)), &Value::Scalar(Scalar::Int64(1)));
    let sum = sum.unwrap().into_array(2).unwrap();
    assert_eq!(sum.as_primitive::<Int8Type>(), &Int8Array::from(vec![None, Some(2)]));
}

#[test]
fn negation() {
    let negated = negate(&column(&ints(&[Some(5), None]))).unwrap().into_array(2).unwrap();
    assert_eq!(negated.as_primitive::<Int64Type>().iter().collect::<Vec<_>>(), [Some(-5), None]);
    assert!(matches!(
        negate(&column(&ints(&[Some(i64::MIN)]))).unwrap_err().kind(),
        ErrorKind::Overflow { .. }
    ));
    let bytes = UInt8Array::from(vec![1]);
    assert!(matches!(
        negate(&column(&(Arc::new(bytes) as _))).unwrap_err().kind(),
        ErrorKind::Undefined { .. }
    ));
}

#[test]
fn decimals_are_exact() {
    let decimals = |values: Vec<Option<i128>>, p, s| -> Value {
        column(&(Arc::new(Decimal128Array::from(values).with_precision_and_scale(p, s).unwrap()) as _))
    };
    let (a, b) =
        (decimals(vec![Some(-725), Some(10), None], 10, 2), decimals(vec![Some(20), Some(0), Some(1)], 5, 1));
    let values = |op| {
        let array = arithmetic(op, &a, &b).unwrap().into_array(3).unwrap();
        let scale = match array.data_type() {
            DataType::Decimal128(_, scale) => *scale,
            other => panic!("{other}"),
        };
        (array.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(), scale)
    };
    assert_eq!(values(ArithmeticOp::Add), (vec![Some(-525), Some(10), None], 2));
    assert_eq!(values(ArithmeticOp::Multiply), (vec![Some(-14500), Some(0), None], 3));
    assert_eq!(values(ArithmeticOp::Remainder), (vec![Some(75), None, None], 2));
    let quotient = arithmetic(ArithmeticOp::Divide, &a, &b).unwrap().into_array(3).unwrap();
    assert_eq!(quotient.as_primitive::<Float64Type>().value(0), -3.625);
    assert_eq!(quotient.as_primitive::<Float64Type>().value(1), f64::INFINITY);
    let huge = decimals(vec![Some(10_i128.pow(37))], 38, 0);
    assert!(arithmetic(ArithmeticOp::Multiply, &huge, &huge).is_err());
}

#[test]
fn times_and_durations() {
    let at = column(&(Arc::new(TimestampSecondArray::from(vec![Some(100), None])) as _));
    let span = column(&(Arc::new(DurationSecondArray::from(vec![Some(40), Some(1)])) as _));
    let days = column(&(Arc::new(Date32Array::from(vec![Some(3), Some(1)])) as _));
    let later = arithmetic(ArithmeticOp::Add, &span, &at).unwrap().into_array(2).unwrap();
    assert_eq!(later.as_primitive::<TimestampSecondType>().iter().collect::<Vec<_>>(), [Some(140), None]);
    let between = arithmetic(ArithmeticOp::Subtract, &column(&later), &at).unwrap().into_array(2).unwrap();
    assert_eq!(between.as_primitive::<DurationSecondType>().iter().collect::<Vec<_>>(), [Some(40), None]);
    let day = Value::Scalar(Scalar::Date32(1));
    let between = arithmetic(ArithmeticOp::Subtract, &days, &day).unwrap().into_array(2).unwrap();
    assert_eq!(between.as_primitive::<DurationSecondType>().values(), &[172_800, 0]);
    for (op, left, right) in [
        (ArithmeticOp::Add, &at, &at),
        (ArithmeticOp::Multiply, &span, &span),
        (ArithmeticOp::Add, &days, &days),
    ] {
        assert!(matches!(arithmetic(op, left, right).unwrap_err().kind(), ErrorKind::Undefined { .. }));
    }
}

#[test]
fn result_types_are_known_without_rows() {
    let types = |op, l, r| {
        arithmetic_type(op, &l, &r).map(|found| crate::dtype::name(&found)).map_err(|e| e.to_string())
    };
    use ArithmeticOp::{Add, Divide, Multiply};
    assert_eq!(types(Add, DataType::Int16, DataType::Int16).unwrap(), "Int16");
    assert_eq!(types(Divide, DataType::Int16, DataType::Int16).unwrap(), "Float64");
    assert_eq!(types(Divide, DataType::Float32, DataType::Float32).unwrap(), "Float32");
    assert_eq!(
        types(Multiply, DataType::Decimal128(5, 2), DataType::Decimal128(6, 1)).unwrap(),
        "Decimal(12, 3)"
    );
    assert_eq!(
        types(Add, DataType::Boolean, DataType::Boolean).unwrap_err(),
        "+ is not defined for Boolean and Boolean"
    );
}
