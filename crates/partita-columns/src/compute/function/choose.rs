//! Functions that choose among values.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Datum, Scalar as OneRow, new_empty_array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::DataType;

use super::{Argument, Input, Nulls, Signature, Spec, math};
use crate::compute::{CompareOp, compare, is_null, to_mask};
use crate::dtype;
use crate::error::Result;
use crate::scalar::{Scalar, Value};

pub(super) const ALL: &[&Spec] = &[&LEAST, &GREATEST, &CLIP, &FILL_NAN, &REPLACE_VALUES];

/// `least(a, b, ..)`: the least of the values of a row. Null and NaN count only where there is nothing else.
pub static LEAST: Spec = Spec {
    name: "least",
    arguments: (1, usize::MAX),
    common: true,
    signature: |arguments| ordered(arguments, Nulls::Propagate),
    kernel: |input| extreme(input, CompareOp::Lt),
};

/// `greatest(a, b, ..)`: the greatest of the values of a row. Null and NaN count only where there is nothing else.
pub static GREATEST: Spec = Spec {
    name: "greatest",
    arguments: (1, usize::MAX),
    common: true,
    signature: |arguments| ordered(arguments, Nulls::Propagate),
    kernel: |input| extreme(input, CompareOp::Gt),
};

/// `clip(x, least, greatest)`: `x` within bounds; a bound that is null or NaN is none. NaN stays NaN. Where the bounds
/// cross, the greatest one holds.
pub static CLIP: Spec = Spec {
    name: "clip",
    arguments: (3, 3),
    common: true,
    signature: |arguments| ordered(arguments, Nulls::Propagate),
    kernel: clip,
};

/// `fill_nan(x, fill)`: `fill` where `x` is NaN. Null stays null.
pub static FILL_NAN: Spec = Spec {
    name: "fill_nan",
    arguments: (2, 2),
    common: true,
    signature: |arguments| {
        math::number(&arguments[0])?;
        same(arguments, Nulls::Propagate)
    },
    kernel: fill_nan,
};

/// `replace_values(x, old, new, old, new, ..)`: `new` where `x` equals `old`; the first match counts. Null is found
/// by null, and NaN by NaN.
pub static REPLACE_VALUES: Spec = Spec {
    name: "replace_values",
    arguments: (3, usize::MAX),
    common: true,
    signature: |arguments| match arguments.len() % 2 {
        1 => ordered(arguments, Nulls::Possible),
        _ => Err("expected a column and pairs of an old and a new value".to_owned()),
    },
    kernel: replace,
};

/// All arguments and the result have one type.
fn same(arguments: &[Argument<'_>], nulls: Nulls) -> Result<Signature, String> {
    let types: Vec<DataType> = arguments.iter().map(|of| of.data_type.clone()).collect();
    let result = types[0].clone();
    Ok(Signature::new(vec![result.clone(); types.len()], result).nulls(nulls))
}

/// As [`same`], of a type whose values have an order.
fn ordered(arguments: &[Argument<'_>], nulls: Nulls) -> Result<Signature, String> {
    let data_type = &arguments[0].data_type;
    let empty = Value::Array(new_empty_array(data_type));
    if !data_type.is_null() && compare(CompareOp::Lt, &empty, &empty).is_err() {
        return Err(format!("values of {} have no order", dtype::name(data_type)));
    }
    same(arguments, nulls)
}

/// A column, or one row that stands for all.
struct Side {
    value: Value,
    array: ArrayRef,
}

impl Side {
    fn of(input: &Input<'_>, argument: usize) -> Result<Side> {
        match &input.values[argument] {
            Value::Array(array) => {
                Ok(Side { value: input.values[argument].clone(), array: Arc::clone(array) })
            }
            value => Ok(Side { value: value.clone(), array: input.one(argument)? }),
        }
    }

    fn datum(&self) -> Box<dyn Datum> {
        match self.value {
            Value::Array(_) => Box::new(Arc::clone(&self.array)),
            Value::Scalar(_) => Box::new(OneRow::new(Arc::clone(&self.array))),
        }
    }

    /// Where there is a value that is not NaN.
    fn counts(&self, rows: usize) -> Result<BooleanBuffer> {
        let missing = to_mask(&is_null(&self.value), rows)?;
        Ok(&!missing.values() & &!&self.is_nan(rows)?)
    }

    fn is_nan(&self, rows: usize) -> Result<BooleanBuffer> {
        match (&self.value, self.array.data_type()) {
            (value, DataType::Float32 | DataType::Float64) => {
                let nan = Value::Scalar(Scalar::Float64(f64::NAN));
                mask(&compare(CompareOp::Eq, value, &nan)?, rows)
            }
            _ => Ok(BooleanBuffer::new_unset(rows)),
        }
    }
}

/// Where a comparison is true.
fn mask(compared: &Value, rows: usize) -> Result<BooleanBuffer> {
    Ok(to_mask(compared, rows)?.values().clone())
}

fn chosen(mask: BooleanBuffer, then: &Side, otherwise: &Side) -> Result<Side> {
    let array = zip(&BooleanArray::new(mask, None), &*then.datum(), &*otherwise.datum())?;
    Ok(Side { value: Value::Array(Arc::clone(&array)), array })
}

/// A candidate replaces what is there where it counts and is better, or where nothing counts and it is NaN and not null.
fn extreme(input: &Input<'_>, better: CompareOp) -> Result<Value> {
    let mut best = Side::of(input, 0)?;
    for argument in 1..input.len() {
        let next = Side::of(input, argument)?;
        let (has, found) = (next.counts(input.rows)?, best.counts(input.rows)?);
        let wins = mask(&compare(better, &next.value, &best.value)?, input.rows)?;
        let missing = to_mask(&is_null(&best.value), input.rows)?;
        let first = &has & &(&wins | &!&found);
        let take = &first | &(&next.is_nan(input.rows)? & missing.values());
        best = chosen(take, &next, &best)?;
    }
    Ok(best.value)
}

fn clip(input: &Input<'_>) -> Result<Value> {
    let mut kept = Side { value: Value::Array(input.column(0)?), array: input.column(0)? };
    for (argument, beyond) in [(1, CompareOp::Lt), (2, CompareOp::Gt)] {
        let bound = Side::of(input, argument)?;
        let outside = mask(&compare(beyond, &kept.value, &bound.value)?, input.rows)?;
        let counts = &bound.counts(input.rows)? & &kept.counts(input.rows)?;
        let outside = &outside & &counts;
        if outside.count_set_bits() > 0 {
            kept = chosen(outside, &bound, &kept)?;
        }
    }
    Ok(kept.value)
}

fn fill_nan(input: &Input<'_>) -> Result<Value> {
    let column = Side { value: Value::Array(input.column(0)?), array: input.column(0)? };
    let nan = column.is_nan(input.rows)?;
    if nan.count_set_bits() == 0 {
        return Ok(column.value);
    }
    Ok(chosen(nan, &Side::of(input, 1)?, &column)?.value)
}

fn replace(input: &Input<'_>) -> Result<Value> {
    let column = Side { value: Value::Array(input.column(0)?), array: input.column(0)? };
    let mut open = BooleanBuffer::new_set(input.rows);
    let mut result = Side { value: column.value.clone(), array: Arc::clone(&column.array) };
    for pair in (1..input.len()).step_by(2) {
        let (old, new) = (Side::of(input, pair)?, Side::of(input, pair + 1)?);
        let equal = mask(&compare(CompareOp::Eq, &column.value, &old.value)?, input.rows)?;
        let missing = |side: &Side| to_mask(&is_null(&side.value), input.rows);
        let both_missing = missing(&column)?.values() & missing(&old)?.values();
        let matches = &(&equal | &both_missing) & &open;
        if matches.count_set_bits() == 0 {
            continue;
        }
        open = &open & &!&matches;
        result = chosen(matches, &new, &result)?;
    }
    Ok(result.value)
}
