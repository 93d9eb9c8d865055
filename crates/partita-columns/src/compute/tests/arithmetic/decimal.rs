//! Decimals against long arithmetic in base ten.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::compute::{ArithmeticOp, arithmetic, arithmetic_type};
use crate::error::ErrorKind;
use crate::scalar::{Scalar, Value};

/// A whole number of any size: a sign, and digits from the least on.
#[derive(Debug, Clone, PartialEq)]
struct Long {
    negative: bool,
    digits: Vec<u8>,
}

impl Long {
    fn new(v: i128, zeros: usize) -> Long {
        let text = v.unsigned_abs().to_string();
        let digits = text.bytes().rev().map(|digit| digit - b'0');
        Long::trimmed(v < 0, std::iter::repeat_n(0, zeros).chain(digits).collect())
    }

    fn trimmed(negative: bool, mut digits: Vec<u8>) -> Long {
        while digits.last() == Some(&0) {
            digits.pop();
        }
        Long { negative: negative && !digits.is_empty(), digits }
    }

    fn negated(&self) -> Long {
        Long { negative: !self.negative && !self.digits.is_empty(), digits: self.digits.clone() }
    }

    fn is_less(a: &[u8], b: &[u8]) -> bool {
        (a.len(), a.iter().rev().collect::<Vec<_>>()) < (b.len(), b.iter().rev().collect::<Vec<_>>())
    }

    fn plus(&self, other: &Long) -> Long {
        let at = |of: &Long, place: usize| i32::from(of.digits.get(place).copied().unwrap_or(0));
        let places = self.digits.len().max(other.digits.len()) + 1;
        if self.negative != other.negative {
            if Long::is_less(&self.digits, &other.digits) {
                return other.plus(self);
            }
            let mut borrow = 0;
            let digits = (0..places).map(|place| {
                let digit = at(self, place) - at(other, place) - borrow;
                borrow = i32::from(digit < 0);
                u8::try_from(digit + 10 * borrow).unwrap()
            });
            return Long::trimmed(self.negative, digits.collect());
        }
        let mut carry = 0;
        let digits = (0..places).map(|place| {
            let digit = at(self, place) + at(other, place) + carry;
            carry = digit / 10;
            u8::try_from(digit % 10).unwrap()
        });
        Long::trimmed(self.negative, digits.collect())
    }

    fn times(&self, other: &Long) -> Long {
        let mut sum = Long::new(0, 0);
        for (place, digit) in other.digits.iter().enumerate() {
            let mut shifted = vec![0; place];
            shifted.extend(&self.digits);
            (0..*digit).for_each(|_| sum = sum.plus(&Long { negative: false, digits: shifted.clone() }));
        }
        Long::trimmed(self.negative != other.negative, sum.digits)
    }

    /// Rounded down, and what is left; by long division.
    fn divided(&self, by: &Long) -> (Long, Long) {
        let divisor = Long { negative: false, digits: by.digits.clone() };
        let (mut quotient, mut rest) = (Vec::new(), Long::new(0, 0));
        for digit in self.digits.iter().rev() {
            rest.digits.insert(0, *digit);
            rest = Long::trimmed(false, rest.digits);
            let mut times = 0;
            while !Long::is_less(&rest.digits, &divisor.digits) {
                rest = rest.plus(&divisor.negated());
                times += 1;
            }
            quotient.insert(0, times);
        }
        let quotient = Long::trimmed(self.negative != by.negative, quotient);
        let rest = Long::trimmed(self.negative, rest.digits);
        if !rest.digits.is_empty() && rest.negative != by.negative {
            return (quotient.plus(&Long::new(-1, 0)), rest.plus(by));
        }
        (quotient, rest)
    }

    fn shown(&self) -> String {
        let digits: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let sign = if self.negative { "-" } else { "" };
        if digits.is_empty() { "0".to_owned() } else { format!("{sign}{digits}") }
    }
}

fn decimals(precision: u8) -> impl Strategy<Value = Option<i128>> {
    let most = 10_i128.pow(precision.into()) - 1;
    prop_oneof![
        1 => Just(None),
        2 => proptest::sample::select(vec![0, 1, -1, most, -most]).prop_map(Some),
        2 => (-9_i128..10).prop_map(move |v| Some(v.clamp(-most, most))),
        3 => (-most..=most).prop_map(Some),
    ]
}

fn typed() -> impl Strategy<Value = (u8, i8, Vec<Option<i128>>)> {
    (1_u8..=38).prop_flat_map(|precision| {
        let scale = 0_i8..=i8::try_from(precision).unwrap();
        (Just(precision), scale, vec(decimals(precision), 8))
    })
}

fn column(precision: u8, scale: i8, values: &[Option<i128>]) -> Value {
    let array = Decimal128Array::from(values.to_vec()).with_precision_and_scale(precision, scale).unwrap();
    Value::Array(Arc::new(array) as ArrayRef)
}

fn expected(op: ArithmeticOp, (a, s): (i128, i8), (b, t): (i128, i8)) -> Option<String> {
    let common = s.max(t);
    let zeros = |scale: i8| usize::try_from(common - scale).unwrap();
    if op == ArithmeticOp::Multiply {
        return Some(Long::new(a, 0).times(&Long::new(b, 0)).shown());
    }
    let (a, b) = (Long::new(a, zeros(s)), Long::new(b, zeros(t)));
    Some(match op {
        ArithmeticOp::Add => a.plus(&b).shown(),
        ArithmeticOp::Subtract => a.plus(&b.negated()).shown(),
        _ if b.digits.is_empty() => return None,
        ArithmeticOp::FloorDivide => a.divided(&b).0.shown(),
        _ => a.divided(&b).1.shown(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn decimals_are_those_of_long_arithmetic((p, s, left) in typed(), (q, t, right) in typed(), one in any::<bool>()) {
        use ArithmeticOp::{Add, FloorDivide, Multiply, Remainder, Subtract};
        for op in [Add, Subtract, Multiply, FloorDivide, Remainder] {
            let Ok(data_type) = arithmetic_type(op, &DataType::Decimal128(p, s), &DataType::Decimal128(q, t)) else {
                prop_assert!(op == Multiply && s + t > 38);
                continue;
            };
            let DataType::Decimal128(digits, _) = data_type else { panic!("{data_type}") };
            let beside = match (one, right[0]) {
                (true, Some(v)) => Value::Scalar(Scalar::Decimal128(v, q, t)),
                _ => column(q, t, &right),
            };
            let is_one = matches!(beside, Value::Scalar(_));
            let wanted: Vec<Option<String>> = (0..left.len())
                .map(|row| {
                    let b = if is_one { right[0] } else { right[row] };
                    expected(op, (left[row]?, s), (b?, t))
                })
                .collect();
            let fits = wanted.iter().flatten().all(|v| v.trim_start_matches('-').len() <= digits.into());
            match arithmetic(op, &column(p, s, &left), &beside) {
                Ok(found) => {
                    prop_assert!(fits, "{op:?} {wanted:?}");
                    let found = found.into_array(left.len()).unwrap();
                    prop_assert_eq!(found.data_type(), &data_type);
                    let found = found.as_primitive::<Decimal128Type>();
                    let shown: Vec<_> = found.iter().map(|v| v.map(|v| v.to_string())).collect();
                    prop_assert_eq!(shown, wanted, "{:?}", op);
                }
                Err(error) => {
                    prop_assert!(!fits && matches!(error.kind(), ErrorKind::Overflow { .. }), "{op:?} {error}");
                }
            }
        }
    }
}

#[test]
fn what_lies_under_a_null_does_not_overflow() {
    let most = 10_i128.pow(38) - 1;
    let values = Decimal128Array::new(vec![most, 1].into(), Some(vec![false, true].into()));
    let values = Value::Array(Arc::new(values.with_precision_and_scale(38, 0).unwrap()));
    let sum = arithmetic(ArithmeticOp::Add, &values, &values).unwrap().into_array(2).unwrap();
    assert_eq!(sum.as_primitive::<Decimal128Type>().iter().collect::<Vec<_>>(), [None, Some(2)]);
    let full = column(38, 0, &[Some(1), Some(most)]);
    let error = arithmetic(ArithmeticOp::Add, &full, &full).unwrap_err().to_string();
    assert!(error.contains("row 1 of the batch") && error.contains("Decimal128(38, 0)"), "{error}");
}
