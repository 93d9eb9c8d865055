//! Integers: one branch-free pass that also collects whether anything overflowed, and a second look only if so.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, new_null_array};
use arrow::datatypes::DataType;

use super::{Operand, first_overflow, float64, shape, side};
use crate::compute::physical::map;
use crate::compute::{ArithmeticOp, bits};
use crate::error::Result;

/// What the kernels need of a machine integer; each answer comes with whether it overflowed.
pub(super) trait Integer: Copy + PartialEq + Default {
    fn add(self, other: Self) -> (Self, bool);
    fn subtract(self, other: Self) -> (Self, bool);
    fn multiply(self, other: Self) -> (Self, bool);
    /// Towards negative infinity; 0 by zero.
    fn floor_divide(self, other: Self) -> (Self, bool);
    /// With the sign of `other`; 0 by zero.
    fn remainder(self, other: Self) -> Self;
    fn to_float(self) -> f64;
}

macro_rules! integer {
    ($($t:ty, $negative:expr;)*) => {$(
        impl Integer for $t {
            #[inline]
            fn add(self, other: Self) -> (Self, bool) {
                self.overflowing_add(other)
            }
            #[inline]
            fn subtract(self, other: Self) -> (Self, bool) {
                self.overflowing_sub(other)
            }
            #[inline]
            fn multiply(self, other: Self) -> (Self, bool) {
                self.overflowing_mul(other)
            }
            #[inline]
            fn floor_divide(self, other: Self) -> (Self, bool) {
                if other == 0 {
                    return (0, false);
                }
                let (quotient, overflow) = self.overflowing_div(other);
                let negative: fn($t) -> bool = $negative;
                let inexact = self.wrapping_rem(other) != 0;
                let down = inexact && negative(self) != negative(other);
                (quotient.wrapping_sub(<$t>::from(down)), overflow)
            }
            #[inline]
            fn remainder(self, other: Self) -> Self {
                if other == 0 {
                    return 0;
                }
                let rest = self.wrapping_rem(other);
                let negative: fn($t) -> bool = $negative;
                if rest != 0 && negative(rest) != negative(other) { rest.wrapping_add(other) } else { rest }
            }
            #[inline]
            fn to_float(self) -> f64 {
                self as f64
            }
        }
    )*};
}

integer! {
    i8, |v| v < 0;
    i16, |v| v < 0;
    i32, |v| v < 0;
    i64, |v| v < 0;
    u8, |_| false;
    u16, |_| false;
    u32, |_| false;
    u64, |_| false;
}

/// See [`super::arithmetic`].
pub(super) fn arithmetic<T>(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType<Native: Integer>,
{
    let Some((rows, nulls)) = shape(left, right) else {
        let result = if op == ArithmeticOp::Divide { DataType::Float64 } else { T::DATA_TYPE };
        let rows = if left.one { right.array.len() } else { left.array.len() };
        return Ok(new_null_array(&result, rows));
    };
    let values = match op {
        ArithmeticOp::Add => checked::<T>(op, left, right, rows, Integer::add)?,
        ArithmeticOp::Subtract => checked::<T>(op, left, right, rows, Integer::subtract)?,
        ArithmeticOp::Multiply => checked::<T>(op, left, right, rows, Integer::multiply)?,
        ArithmeticOp::Divide => {
            let quotients = map(side::<T>(left), side::<T>(right), |a, b| a.to_float() / b.to_float());
            return Ok(float64(quotients, nulls));
        }
        ArithmeticOp::FloorDivide => checked::<T>(op, left, right, rows, Integer::floor_divide)?,
        ArithmeticOp::Remainder => map(side::<T>(left), side::<T>(right), Integer::remainder),
    };
    let nulls = match op {
        ArithmeticOp::FloorDivide | ArithmeticOp::Remainder => {
            let divisors = side::<T>(right);
            let nonzero = bits::pack(rows, |row| divisors.value(row) != T::Native::default());
            bits::both(nulls.as_ref(), Some(&nonzero.into()))
        }
        _ => nulls,
    };
    Ok(Arc::new(PrimitiveArray::<T>::new(values.into(), nulls)))
}

/// `-array`, which overflows for the least value of the type.
pub(super) fn negate<T>(array: &ArrayRef) -> Result<ArrayRef>
where
    T: ArrowPrimitiveType<Native: Integer>,
{
    let zero: ArrayRef = Arc::new(PrimitiveArray::<T>::new(vec![T::Native::default()].into(), None));
    arithmetic::<T>(ArithmeticOp::Subtract, &Operand::one(&zero), &Operand::rows(array))
}

#[inline]
fn checked<T>(
    op: ArithmeticOp,
    left: &Operand<'_>,
    right: &Operand<'_>,
    rows: usize,
    f: impl Fn(T::Native, T::Native) -> (T::Native, bool),
) -> Result<Vec<T::Native>>
where
    T: ArrowPrimitiveType<Native: Integer>,
{
    let (l, r) = (side::<T>(left), side::<T>(right));
    let mut any = false;
    let values = map(l, r, |a, b| {
        let (value, overflow) = f(a, b);
        any |= overflow;
        value
    });
    if any {
        // What lies under a null may overflow without harm.
        let overflows = bits::pack(rows, |row| f(l.value(row), r.value(row)).1);
        if let Some(error) = first_overflow(op, left, right, &T::DATA_TYPE, &overflows) {
            return Err(error);
        }
    }
    Ok(values)
}
