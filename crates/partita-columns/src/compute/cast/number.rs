//! Numbers to narrower numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Float32Array, PrimitiveArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use super::by_arrow;
use crate::compute::bits;
use crate::error::{ErrorKind, Result};

/// Whole numbers in range, else null.
pub(super) fn float_to_integer(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let wide;
    let floats = match array.data_type() {
        DataType::Float64 => array.as_primitive::<Float64Type>(),
        _ => {
            wide = array.as_primitive::<Float32Type>().unary::<_, Float64Type>(f64::from);
            &wide
        }
    };
    // The bounds are powers of two, so the ones above are exact and excluded.
    Ok(match to {
        DataType::Int8 => whole::<Int8Type>(floats, -128.0, 128.0, |v| v as i8),
        DataType::Int16 => whole::<Int16Type>(floats, -32_768.0, 32_768.0, |v| v as i16),
        DataType::Int32 => whole::<Int32Type>(floats, -2_147_483_648.0, 2_147_483_648.0, |v| v as i32),
        DataType::Int64 => {
            whole::<Int64Type>(floats, -9_223_372_036_854_775_808.0, 9_223_372_036_854_775_808.0, |v| {
                v as i64
            })
        }
        DataType::UInt8 => whole::<UInt8Type>(floats, 0.0, 256.0, |v| v as u8),
        DataType::UInt16 => whole::<UInt16Type>(floats, 0.0, 65_536.0, |v| v as u16),
        DataType::UInt32 => whole::<UInt32Type>(floats, 0.0, 4_294_967_296.0, |v| v as u32),
        DataType::UInt64 => whole::<UInt64Type>(floats, 0.0, 18_446_744_073_709_551_616.0, |v| v as u64),
        other => return Err(ErrorKind::Shape(format!("{other} is not an integer type")).into()),
    })
}

fn whole<T: ArrowPrimitiveType>(
    floats: &PrimitiveArray<Float64Type>,
    least: f64,
    beyond: f64,
    truncate: impl Fn(f64) -> T::Native,
) -> ArrayRef {
    let convert = |v: f64| (v >= least && v < beyond && v.trunc() == v).then(|| truncate(v));
    Arc::new(floats.unary_opt::<_, T>(convert))
}

/// The nearest, or null where a finite number would become infinite.
pub(super) fn to_float32(array: &ArrayRef) -> ArrayRef {
    let convert = |v: f64| {
        let narrow = v as f32;
        (narrow.is_finite() || !v.is_finite()).then_some(narrow)
    };
    let narrow: Float32Array = array.as_primitive::<Float64Type>().unary_opt(convert);
    Arc::new(narrow)
}

/// Whole numbers in range, else null. A negative scale counts tens.
pub(super) fn decimal_to_integer(array: &ArrayRef, scale: i8, to: &DataType) -> Result<ArrayRef> {
    const WIDEST: (u8, i8) = (38, 0);
    let unit = 10_i128.checked_pow(u32::from(scale.unsigned_abs()));
    let convert = |v: i128| match (unit, scale < 0) {
        (Some(unit), false) => (v % unit == 0).then(|| v / unit),
        (Some(unit), true) => v.checked_mul(unit),
        (None, _) => (v == 0).then_some(0),
    };
    let whole: Decimal128Array = array.as_primitive::<Decimal128Type>().unary_opt(convert);
    let whole: ArrayRef = Arc::new(whole.with_precision_and_scale(WIDEST.0, WIDEST.1)?);
    by_arrow(&whole, to)
}

/// The nearest float.
pub(super) fn decimal_to_float(array: &ArrayRef, scale: i8, to: &DataType) -> ArrayRef {
    let array = array.as_primitive::<Decimal128Type>();
    match to {
        DataType::Float32 => Arc::new(array.unary::<_, Float32Type>(|v| {
            // Both are exact up to here, so that the quotient is rounded once.
            if v.unsigned_abs() <= 1 << 24 && (0..=10).contains(&scale) {
                return v as f32 / POWERS[usize::from(scale.unsigned_abs())] as f32;
            }
            format!("{v}e{}", -i16::from(scale)).parse().unwrap_or(f32::NAN)
        })),
        _ => Arc::new(array.unary::<_, Float64Type>(|v| {
            if v.unsigned_abs() <= 1 << 53 && (0..=22).contains(&scale) {
                return v as f64 / POWERS[usize::from(scale.unsigned_abs())];
            }
            format!("{v}e{}", -i16::from(scale)).parse().unwrap_or(f64::NAN)
        })),
    }
}

/// The powers of ten that a float holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    1e19, 1e20, 1e21, 1e22,
];

/// Whether a decimal differs from zero.
pub(super) fn decimal_to_boolean(array: &ArrayRef) -> ArrayRef {
    let array = array.as_primitive::<Decimal128Type>();
    let values = array.values();
    let differs = bits::pack_values(values, |value| value != 0);
    Arc::new(BooleanArray::new(differs, array.nulls().cloned()))
}
