//! Comparison of columns of one type.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Datum, Scalar as OneRow};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::cmp;
use arrow::datatypes::DataType;

use super::physical::{Physical, Side, physical};
use super::{CastMode, CompareOp, bits, cast_array};
use crate::dtype;
use crate::error::{Error, ErrorKind, Result};
use crate::scalar::{Scalar, Value, decimal_order};

/// `left op right`, row by row, to Boolean; null where either is null. NaN equals NaN and is greater than every
/// number, -0.0 equals 0.0, text and bytes compare by their bytes, false is less than true. `Int64` and `UInt64`
/// compare by value, and so do decimals of different scales.
///
/// # Errors
/// [`ErrorKind::Undefined`] for types without a common order, [`ErrorKind::Cast`] where a scalar does not fit the
/// type of the column beside it.
pub fn compare(op: CompareOp, left: &Value, right: &Value) -> Result<Value> {
    match (left, right) {
        (Value::Array(left), Value::Array(right)) => {
            if left.len() != right.len() {
                let message = format!("columns of {} and {} rows beside each other", left.len(), right.len());
                return Err(ErrorKind::Shape(message).into());
            }
            Ok(Value::Array(Arc::new(columns(op, left, right)?)))
        }
        (Value::Array(left), Value::Scalar(right)) => with_scalar(op, left, right),
        (Value::Scalar(left), Value::Array(right)) => with_scalar(op.swapped(), right, left),
        (Value::Scalar(left), Value::Scalar(right)) => Ok(Value::Scalar(scalars(op, left, right)?)),
    }
}

fn scalars(op: CompareOp, left: &Scalar, right: &Scalar) -> Result<Scalar> {
    if left.is_null() || right.is_null() {
        return Ok(Scalar::Null(DataType::Boolean));
    }
    let order = left.compare(right).ok_or_else(|| undefined(op, &left.data_type(), &right.data_type()))?;
    Ok(Scalar::Boolean(match op {
        CompareOp::Eq => order.is_eq(),
        CompareOp::NotEq => order.is_ne(),
        CompareOp::Lt => order.is_lt(),
        CompareOp::LtEq => order.is_le(),
        CompareOp::Gt => order.is_gt(),
        CompareOp::GtEq => order.is_ge(),
    }))
}

fn with_scalar(op: CompareOp, left: &ArrayRef, right: &Scalar) -> Result<Value> {
    if right.is_null() {
        return Ok(Value::Scalar(Scalar::Null(DataType::Boolean)));
    }
    let left = plain(left)?;
    let one = match (left.data_type(), right) {
        (DataType::Int64, Scalar::UInt64(_)) | (DataType::UInt64, Scalar::Int64(_)) => right.to_array(1)?,
        (DataType::Decimal128(..), Scalar::Decimal128(..)) => right.to_array(1)?,
        (data_type, right) => right.to_array_of(data_type, 1)?,
    };
    if let Some(values) = decimals(op, &left, &one, true) {
        return Ok(Value::Array(Arc::new(BooleanArray::new(values, left.nulls().cloned()))));
    }
    if let (Some(l), Some(r)) = (physical(&left), physical(&one))
        && comparable(left.data_type(), one.data_type())
    {
        let values =
            primitive(op, l, r, true).ok_or_else(|| undefined(op, left.data_type(), one.data_type()))?;
        return Ok(Value::Array(Arc::new(BooleanArray::new(values, left.nulls().cloned()))));
    }
    Ok(Value::Array(Arc::new(by_arrow(op, &left, &OneRow::new(one))?)))
}

fn columns(op: CompareOp, left: &ArrayRef, right: &ArrayRef) -> Result<BooleanArray> {
    let (left, right) = (plain(left)?, plain(right)?);
    if let Some(values) = decimals(op, &left, &right, false) {
        return Ok(BooleanArray::new(values, bits::both(left.nulls(), right.nulls())));
    }
    if let (Some(l), Some(r)) = (physical(&left), physical(&right))
        && comparable(left.data_type(), right.data_type())
    {
        let values =
            primitive(op, l, r, false).ok_or_else(|| undefined(op, left.data_type(), right.data_type()))?;
        return Ok(BooleanArray::new(values, bits::both(left.nulls(), right.nulls())));
    }
    by_arrow(op, &left, &right)
}

/// A dictionary's values in the place of its keys.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) => cast_array(array, values, CastMode::Strict),
        _ => Ok(Arc::clone(array)),
    }
}

/// Decimals of different scales, by their exact values; `None` for everything else.
fn decimals(op: CompareOp, left: &ArrayRef, right: &ArrayRef, one: bool) -> Option<BooleanBuffer> {
    let (DataType::Decimal128(_, x), DataType::Decimal128(_, y)) = (left.data_type(), right.data_type())
    else {
        return None;
    };
    let (x, y) = (*x, *y);
    let (Some(Physical::I128(l)), Some(Physical::I128(r))) = (physical(left), physical(right)) else {
        return None;
    };
    let right = side(r, one);
    let order = |a: i128, b: i128| decimal_order(a, x, b, y);
    (x != y).then(|| match op {
        CompareOp::Eq => test(l, right, |a, b| order(a, b).is_eq()),
        CompareOp::NotEq => test(l, right, |a, b| order(a, b).is_ne()),
        CompareOp::Lt => test(l, right, |a, b| order(a, b).is_lt()),
        CompareOp::LtEq => test(l, right, |a, b| order(a, b).is_le()),
        CompareOp::Gt => test(l, right, |a, b| order(a, b).is_gt()),
        CompareOp::GtEq => test(l, right, |a, b| order(a, b).is_ge()),
    })
}

/// Whether equal machine values mean equal values. Zones do not matter to the order of instants, but an instant and
/// a wall-clock time have none.
fn comparable(left: &DataType, right: &DataType) -> bool {
    match (left, right) {
        (DataType::Int64, DataType::UInt64) | (DataType::UInt64, DataType::Int64) => true,
        (DataType::Timestamp(u, x), DataType::Timestamp(v, y)) => u == v && x.is_some() == y.is_some(),
        (DataType::Decimal128(_, x), DataType::Decimal128(_, y)) => x == y,
        _ => left == right,
    }
}

fn by_arrow(op: CompareOp, left: &ArrayRef, right: &dyn Datum) -> Result<BooleanArray> {
    let kernel = match op {
        CompareOp::Eq => cmp::eq,
        CompareOp::NotEq => cmp::neq,
        CompareOp::Lt => cmp::lt,
        CompareOp::LtEq => cmp::lt_eq,
        CompareOp::Gt => cmp::gt,
        CompareOp::GtEq => cmp::gt_eq,
    };
    let right_type = right.get().0.data_type();
    if left.data_type() != right_type || left.data_type().is_nested() {
        return Err(undefined(op, left.data_type(), right_type));
    }
    Ok(kernel(left, right)?)
}

fn undefined(op: CompareOp, left: &DataType, right: &DataType) -> Error {
    let types = format!("{} and {}", dtype::name(left), dtype::name(right));
    ErrorKind::Undefined { operation: op.symbol().to_owned(), types }.into()
}

fn primitive(op: CompareOp, left: Physical<'_>, right: Physical<'_>, one: bool) -> Option<BooleanBuffer> {
    use Physical as P;
    Some(match (left, right) {
        (P::I8(l), P::I8(r)) => ordered(op, l, side(r, one)),
        (P::I16(l), P::I16(r)) => ordered(op, l, side(r, one)),
        (P::I32(l), P::I32(r)) => ordered(op, l, side(r, one)),
        (P::I64(l), P::I64(r)) => ordered(op, l, side(r, one)),
        (P::U8(l), P::U8(r)) => ordered(op, l, side(r, one)),
        (P::U16(l), P::U16(r)) => ordered(op, l, side(r, one)),
        (P::U32(l), P::U32(r)) => ordered(op, l, side(r, one)),
        (P::U64(l), P::U64(r)) => ordered(op, l, side(r, one)),
        (P::I128(l), P::I128(r)) => ordered(op, l, side(r, one)),
        (P::F32(l), P::F32(r)) => floats(op, l, side(r, one)),
        (P::F64(l), P::F64(r)) => floats(op, l, side(r, one)),
        (P::I64(l), P::U64(r)) => mixed(op, l, side(r, one)),
        (P::U64(l), P::I64(r)) => mixed(op, l, side(r, one)),
        _ => return None,
    })
}

fn side<N: Copy>(values: &[N], one: bool) -> Side<'_, N> {
    match values {
        [value] if one => Side::One(*value),
        rows => Side::Rows(rows),
    }
}

/// `test` of every pair of values.
#[inline]
fn test<A: Copy, B: Copy>(left: &[A], right: Side<'_, B>, test: impl Fn(A, B) -> bool) -> BooleanBuffer {
    match right {
        Side::One(b) => bits::pack_values(left, |value| test(value, b)),
        Side::Rows(right) => {
            let right = &right[..left.len()];
            bits::pack(left.len(), |row| test(left[row], right[row]))
        }
    }
}

fn ordered<N: Copy + PartialOrd>(op: CompareOp, left: &[N], right: Side<'_, N>) -> BooleanBuffer {
    match op {
        CompareOp::Eq => test(left, right, |a, b| a == b),
        CompareOp::NotEq => test(left, right, |a, b| a != b),
        CompareOp::Lt => test(left, right, |a, b| a < b),
        CompareOp::LtEq => test(left, right, |a, b| a <= b),
        CompareOp::Gt => test(left, right, |a, b| a > b),
        CompareOp::GtEq => test(left, right, |a, b| a >= b),
    }
}

/// `x != x` is the test for NaN that stays a vector instruction. Against one number, the IEEE comparison is right
/// for `=`, `!=`, `<` and `<=`, and the others are their negations.
#[allow(clippy::eq_op, clippy::neg_cmp_op_on_partial_ord, reason = "NaN")]
fn floats<N: Copy + PartialOrd>(op: CompareOp, left: &[N], right: Side<'_, N>) -> BooleanBuffer {
    if let Side::One(b) = right
        && b == b
    {
        return match op {
            CompareOp::Eq => test(left, right, |a, b| a == b),
            CompareOp::NotEq => test(left, right, |a, b| a != b),
            CompareOp::Lt => test(left, right, |a, b| a < b),
            CompareOp::LtEq => test(left, right, |a, b| a <= b),
            CompareOp::Gt => test(left, right, |a, b| !(a <= b)),
            CompareOp::GtEq => test(left, right, |a, b| !(a < b)),
        };
    }
    let equal = |a: N, b: N| (a == b) | ((a != a) & (b != b));
    let less = |a: N, b: N| (a < b) | ((b != b) & (a == a));
    match op {
        CompareOp::Eq => test(left, right, equal),
        CompareOp::NotEq => test(left, right, |a, b| !equal(a, b)),
        CompareOp::Lt => test(left, right, less),
        CompareOp::LtEq => test(left, right, |a, b| !less(b, a)),
        CompareOp::Gt => test(left, right, |a, b| less(b, a)),
        CompareOp::GtEq => test(left, right, |a, b| !less(a, b)),
    }
}

/// Signed with unsigned, by value: as 128-bit integers both are exact.
fn mixed<A: Copy + Into<i128>, B: Copy + Into<i128>>(
    op: CompareOp,
    left: &[A],
    right: Side<'_, B>,
) -> BooleanBuffer {
    match op {
        CompareOp::Eq => test(left, right, |a, b| a.into() == b.into()),
        CompareOp::NotEq => test(left, right, |a, b| a.into() != b.into()),
        CompareOp::Lt => test(left, right, |a, b| a.into() < b.into()),
        CompareOp::LtEq => test(left, right, |a, b| a.into() <= b.into()),
        CompareOp::Gt => test(left, right, |a, b| a.into() > b.into()),
        CompareOp::GtEq => test(left, right, |a, b| a.into() >= b.into()),
    }
}
