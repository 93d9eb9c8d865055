//! Functions of dates and times.

use arrow::compute::kernels::temporal::{DatePart, date_part};
use arrow::datatypes::DataType;

use super::{Argument, Signature, Spec, expected};
use crate::error::Result;
use crate::scalar::Value;

pub(super) const ALL: &[&Spec] = &[&YEAR];

/// `year(time)`: of the calendar that clocks of the zone show, as `Int32`.
pub static YEAR: Spec = Spec {
    name: "year",
    arguments: (1, 1),
    common: false,
    signature: |arguments| Ok(Signature::new([time(&arguments[0])?], DataType::Int32)),
    kernel: |input| Ok(Value::Array(date_part(&input.column(0)?, DatePart::Year)?)),
};

/// The type of an argument that is a date or a time; a missing one is a date.
fn time(argument: &Argument<'_>) -> Result<DataType, String> {
    match &argument.data_type {
        DataType::Null => Ok(DataType::Date32),
        data_type @ (DataType::Date32 | DataType::Timestamp(_, _)) => Ok(data_type.clone()),
        _ => expected("a date or a time", argument, "cast it to Date32 or Timestamp(us)"),
    }
}
