//! Literals beside columns.

use arrow::datatypes::DataType;
use partita_columns::compute::CastMode;
use partita_columns::{Scalar, dtype};

use super::mismatch;
use crate::error::Result;
use crate::expr::Expr;

/// The literal as a value of `to`; `None` where that type has no such value.
///
/// # Errors
/// Where text beside a date or timestamp is none.
pub(super) fn fit(written: &Expr, scalar: &Scalar, to: &DataType) -> Result<Option<Scalar>> {
    let cast = |scalar: &Scalar| scalar.cast(to, CastMode::Lenient).ok().filter(|cast| !cast.is_null());
    let exact = |cast: &Scalar| scalar.compare(cast).is_some_and(std::cmp::Ordering::is_eq);
    Ok(match scalar {
        Scalar::Null(_) => Some(Scalar::Null(to.clone())),
        Scalar::Int64(_) | Scalar::UInt64(_) if to.is_integer() || to.is_floating() => {
            cast(scalar).filter(exact)
        }
        Scalar::Int64(_) | Scalar::UInt64(_) if is_decimal(to) => cast(scalar),
        Scalar::Float64(_) if to.is_integer() || to.is_floating() => cast(scalar),
        Scalar::Float64(value) if is_decimal(to) => {
            // By its shortest digits: 0.1 means a tenth.
            let back = |cast: &Scalar| cast.cast(&DataType::Float64, CastMode::Lenient).ok();
            cast(&Scalar::Utf8(value.to_string())).filter(|cast| back(cast) == Some(Scalar::Float64(*value)))
        }
        Scalar::Decimal128(_, _, scale) if is_decimal(to) => {
            let from = scalar.data_type();
            let back = |cast: &Scalar| cast.cast(&from, CastMode::Lenient).ok();
            let wider = matches!(to, DataType::Decimal128(_, to) if to >= scale);
            cast(scalar).filter(|cast| wider || back(cast).as_ref() == Some(scalar))
        }
        Scalar::Utf8(_) if to.is_string() => Some(scalar.clone()),
        Scalar::Utf8(text) if matches!(to, DataType::Date32 | DataType::Timestamp(_, _)) => {
            Some(time(written, text, to)?)
        }
        Scalar::Boolean(_) if to == &DataType::Boolean => Some(scalar.clone()),
        Scalar::Binary(_) if is_binary(to) => Some(scalar.clone()),
        Scalar::Date32(_) => match to {
            DataType::Date32 => Some(scalar.clone()),
            DataType::Timestamp(_, _) => cast(scalar),
            _ => None,
        },
        Scalar::Timestamp(_, _, from) => match to {
            DataType::Timestamp(_, zone) if zone.is_some() == from.is_some() => cast(scalar).filter(exact),
            _ => None,
        },
        Scalar::Duration(..) if matches!(to, DataType::Duration(_)) => cast(scalar).filter(exact),
        _ => None,
    })
}

fn time(written: &Expr, text: &str, to: &DataType) -> Result<Scalar> {
    let read = Scalar::Utf8(text.to_owned()).cast(to, CastMode::Lenient)?;
    if !read.is_null() {
        return Ok(read);
    }
    let form = match to {
        DataType::Date32 => "YYYY-MM-DD",
        DataType::Timestamp(_, None) => "YYYY-MM-DD HH:MM:SS without an offset",
        _ => "YYYY-MM-DD HH:MM:SS, with an offset or a time that its zone has once",
    };
    Err(mismatch(written, format!("{text:?} is no {}; write it as {form}", dtype::name(to))))
}

fn is_decimal(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Decimal128(_, _))
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    )
}
