//! Decimals, exactly: in 128 bits, and in 256 where those do not hold a step on the way.
//!
//! | operator | scale | digits |
//! | --- | --- | --- |
//! | `+`, `-` | the larger one | those before the point of the longer one, one more, and the scale |
//! | `*` | the sum | the sum, and one more |
//! | `//` | 0 | those that the largest quotient may have, and one more |
//! | `%` | the larger one | those before the point of the divisor, and the scale |
//!
//! Of more than 38 digits 38 are kept: a result that has more is an overflow.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, new_null_array};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DataType, Decimal128Type, i256};

use super::short::short;
use super::{Operand, first_overflow, shape, side, undefined};
use crate::compute::halves::{Halves, bounds, halves, low};
use crate::compute::physical::{Side, map};
use crate::compute::{ArithmeticOp, bits};
use crate::error::Result;

/// What is fixed for one call.
struct Rule {
    op: ArithmeticOp,
    /// What brings both sides to one scale.
    factors: (i256, i256),
    /// The same, where 128 bits hold them.
    narrow: Option<(i128, i128)>,
    /// Ten to the power of the digits of the result.
    limit: i128,
    data_type: DataType,
}

/// See [`super::arithmetic`]; true division is not here.
pub(super) fn arithmetic(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>) -> Result<ArrayRef> {
    let (l, r) = (left.array.data_type(), right.array.data_type());
    let Some(rule) = Rule::of(op, l, r) else { return Err(undefined(op.symbol(), l, Some(r))) };
    let Some((rows, nulls)) = shape(left, right) else {
        let rows = if left.one { right.array.len() } else { left.array.len() };
        return Ok(new_null_array(&rule.data_type, rows));
    };
    if let Some(values) = rule.short(left, right) {
        return Ok(Arc::new(Decimal128Array::new(values, nulls).with_data_type(rule.data_type)));
    }
    let (l, r) = (side::<Decimal128Type>(left), side::<Decimal128Type>(right));
    let mut any = false;
    let values = map(l, r, |a, b| {
        let value = rule.value(a, b);
        any |= value.is_none();
        value.unwrap_or(0)
    });
    if any {
        let overflows = bits::pack(rows, |row| rule.value(l.value(row), r.value(row)).is_none());
        if let Some(error) = first_overflow(op, left, right, &rule.data_type, &overflows) {
            return Err(error);
        }
    }
    let nulls = match op {
        ArithmeticOp::FloorDivide | ArithmeticOp::Remainder => {
            bits::both(nulls.as_ref(), Some(&bits::pack(rows, |row| r.value(row) != 0).into()))
        }
        _ => nulls,
    };
    Ok(Arc::new(Decimal128Array::new(values.into(), nulls).with_data_type(rule.data_type)))
}

impl Rule {
    /// `None` where the result has no type.
    fn of(op: ArithmeticOp, left: &DataType, right: &DataType) -> Option<Rule> {
        let (DataType::Decimal128(p, s), DataType::Decimal128(q, t)) = (left, right) else { return None };
        let (p, s, q, t) = (i16::from(*p), i16::from(*s), i16::from(*q), i16::from(*t));
        let common = s.max(t);
        let (digits, scale) = match op {
            ArithmeticOp::Add | ArithmeticOp::Subtract => ((p - s).max(q - t) + common + 1, common),
            ArithmeticOp::Multiply => (p + q + 1, s + t),
            ArithmeticOp::FloorDivide => (p - s + t + 1, 0),
            ArithmeticOp::Remainder => (q - t + common, common),
            ArithmeticOp::Divide => return None,
        };
        if scale > i16::from(DECIMAL128_MAX_SCALE) {
            return None;
        }
        let precision = u8::try_from(digits.clamp(1, i16::from(DECIMAL128_MAX_PRECISION)))
            .ok()?
            .max(u8::try_from(scale).unwrap_or(1));
        let power = |digits: i16| i256::from_i128(10).checked_pow(u32::try_from(digits).ok()?);
        let factors = match op {
            ArithmeticOp::Multiply => (i256::ONE, i256::ONE),
            _ => (power(common - s)?, power(common - t)?),
        };
        Some(Rule {
            op,
            factors,
            narrow: factors.0.to_i128().zip(factors.1.to_i128()),
            limit: 10_i128.pow(u32::from(precision)),
            data_type: DataType::Decimal128(precision, i8::try_from(scale).ok()?),
        })
    }

    /// All values, where 64 bits hold those of both sides and every step but a product, and no result has too many digits.
    fn short(&self, left: &Operand<'_>, right: &Operand<'_>) -> Option<ScalarBuffer<i128>> {
        let (f, g) = self.narrow?;
        let factors = (i64::try_from(f).ok()?, i64::try_from(g).ok()?);
        let sides = (halves_of(left)?, halves_of(right)?);
        if let Some(values) = short(self.op, sides, factors, self.limit) {
            return Some(values);
        }
        if self.op != ArithmeticOp::Multiply || most(sides.0)? * most(sides.1)? >= self.limit {
            return None;
        }
        Some(map(sides.0, sides.1, |a, b| i128::from(low(a)) * i128::from(low(b))).into())
    }

    /// 0 by zero; `None` where the result has too many digits.
    #[inline]
    fn value(&self, a: i128, b: i128) -> Option<i128> {
        let value = match self.narrow(a, b) {
            Some(value) => value,
            None => self.wide(a, b)?,
        };
        (-self.limit < value && value < self.limit).then_some(value)
    }

    /// `None` where 128 bits do not hold a step.
    #[inline]
    fn narrow(&self, a: i128, b: i128) -> Option<i128> {
        let (f, g) = self.narrow?;
        if self.op == ArithmeticOp::Multiply {
            return multiply(a, b);
        }
        let (a, b) = (multiply(a, f)?, multiply(b, g)?);
        match self.op {
            ArithmeticOp::Add => a.checked_add(b),
            ArithmeticOp::Subtract => a.checked_sub(b),
            _ if b == 0 => Some(0),
            ArithmeticOp::FloorDivide => {
                let (quotient, rest) = (a.checked_div(b)?, a.checked_rem(b)?);
                Some(quotient - i128::from(rest != 0 && (rest < 0) != (b < 0)))
            }
            _ => {
                let rest = a.checked_rem(b)?;
                Some(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })
            }
        }
    }

    #[cold]
    fn wide(&self, a: i128, b: i128) -> Option<i128> {
        let a = i256::from_i128(a).checked_mul(self.factors.0)?;
        let b = i256::from_i128(b).checked_mul(self.factors.1)?;
        let moves = |rest: i256| rest != i256::ZERO && rest.is_negative() != b.is_negative();
        let value = match self.op {
            ArithmeticOp::Add => a.checked_add(b)?,
            ArithmeticOp::Subtract => a.checked_sub(b)?,
            ArithmeticOp::Multiply => a.checked_mul(b)?,
            _ if b == i256::ZERO => i256::ZERO,
            ArithmeticOp::FloorDivide => {
                let quotient = a.checked_div(b)?;
                if moves(a.checked_rem(b)?) { quotient.checked_sub(i256::ONE)? } else { quotient }
            }
            _ => {
                let rest = a.checked_rem(b)?;
                if moves(rest) { rest.checked_add(b)? } else { rest }
            }
        };
        value.to_i128()
    }
}

/// Most values have 64 bits, and their product 128.
#[inline]
fn multiply(a: i128, b: i128) -> Option<i128> {
    match (i64::try_from(a), i64::try_from(b)) {
        (Ok(a), Ok(b)) => Some(i128::from(a) * i128::from(b)),
        _ => a.checked_mul(b),
    }
}

fn halves_of<'a>(operand: &Operand<'a>) -> Option<Side<'a, Halves>> {
    let values = halves(operand.array.as_primitive::<Decimal128Type>());
    Some(if operand.one { Side::One(*values.first()?) } else { Side::Rows(values) })
}

/// The greatest value without its sign; `None` where one has more than 64 bits.
fn most(side: Side<'_, Halves>) -> Option<i128> {
    let (least, greatest) = match side {
        Side::Rows(values) => bounds(values)?,
        Side::One(value) => bounds(&[value])?,
    };
    Some(i128::from(greatest).abs().max(i128::from(least).abs()))
}
