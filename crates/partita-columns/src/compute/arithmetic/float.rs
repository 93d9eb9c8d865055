//! Floats, by IEEE 754; `//` and `%` by the algorithm of NumPy's `floor_divide` and `mod` (that of Python too).

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, new_null_array};

use super::{Operand, shape, side};
use crate::compute::ArithmeticOp;
use crate::compute::physical::map;

/// What the kernels need of a machine float.
pub(super) trait Float: Copy {
    fn add(self, other: Self) -> Self;
    fn subtract(self, other: Self) -> Self;
    fn multiply(self, other: Self) -> Self;
    fn divide(self, other: Self) -> Self;
    fn floor_divide(self, other: Self) -> Self;
    fn remainder(self, other: Self) -> Self;
}

macro_rules! float {
    ($($t:ty)*) => {$(
        impl Float for $t {
            #[inline]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline]
            fn subtract(self, other: Self) -> Self {
                self - other
            }
            #[inline]
            fn multiply(self, other: Self) -> Self {
                self * other
            }
            #[inline]
            fn divide(self, other: Self) -> Self {
                self / other
            }
            #[inline]
            fn floor_divide(self, other: Self) -> Self {
                if other == 0.0 {
                    return self / other;
                }
                // From the exact remainder: self / other may round up to a whole number that is too large.
                let rest = self % other;
                let down = rest != 0.0 && (rest < 0.0) != (other < 0.0);
                let near = (self - rest) / other - if down { 1.0 } else { 0.0 };
                if near == 0.0 { near.copysign(self / other) } else { near.round() }
            }
            #[inline]
            fn remainder(self, other: Self) -> Self {
                let rest = self % other;
                match rest == 0.0 {
                    true => rest.copysign(other),
                    false if (rest < 0.0) != (other < 0.0) => rest + other,
                    false => rest,
                }
            }
        }
    )*};
}

float! { f32 f64 }

/// See [`super::arithmetic`].
pub(super) fn arithmetic<T>(op: ArithmeticOp, left: &Operand<'_>, right: &Operand<'_>) -> ArrayRef
where
    T: ArrowPrimitiveType<Native: Float>,
{
    let Some((_, nulls)) = shape(left, right) else {
        let rows = if left.one { right.array.len() } else { left.array.len() };
        return new_null_array(&T::DATA_TYPE, rows);
    };
    let (l, r) = (side::<T>(left), side::<T>(right));
    let values = match op {
        ArithmeticOp::Add => map(l, r, Float::add),
        ArithmeticOp::Subtract => map(l, r, Float::subtract),
        ArithmeticOp::Multiply => map(l, r, Float::multiply),
        ArithmeticOp::Divide => map(l, r, Float::divide),
        ArithmeticOp::FloorDivide => map(l, r, Float::floor_divide),
        ArithmeticOp::Remainder => map(l, r, Float::remainder),
    };
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls))
}
