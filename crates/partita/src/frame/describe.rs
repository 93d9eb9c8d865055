//! A frame at a glance.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringViewArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema};
use partita_columns::polars;
use partita_columns::reduce::Reduction;
use partita_plan::{Expr, col};

use super::DataFrame;
use crate::error::Result;

/// What is told of numbers.
const NUMBERS: [(&str, Reduction); 8] = [
    ("count", Reduction::Count),
    ("mean", Reduction::Mean),
    ("std", Reduction::Std { ddof: 1 }),
    ("min", Reduction::Min),
    ("25%", Reduction::Quantile(0.25)),
    ("50%", Reduction::Quantile(0.5)),
    ("75%", Reduction::Quantile(0.75)),
    ("max", Reduction::Max),
];

/// What is told of other values.
const OTHERS: [(&str, Reduction); 4] = [
    ("count", Reduction::Count),
    ("unique", Reduction::NUnique { nulls: false }),
    ("top", Reduction::Mode),
    ("freq", Reduction::ModeCount),
];

impl DataFrame {
    /// A summary, one row a statistic: `count`, `mean`, `std`, `min`, `25%`, `50%`, `75%` and `max` of the columns of numbers.
    /// Where there are none, `count`, `unique`, `top` (the value that is there most often, the least of several) and
    /// `freq` (how often) of the others, as text. Everything is exact, and takes one pass.
    ///
    /// ```
    /// use partita::prelude::*;
    /// # fn main() -> partita::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let path = folder.path().join("trips.csv");
    /// # std::fs::write(&path, "zone,fare\nA,12.5\nB,7.5\nA,\n").unwrap();
    /// let trips = partita::read_csv(&path).load()?;
    /// assert_eq!(trips.describe()?.shape(), (8, 2));
    /// assert_eq!(trips.select(["zone"]).describe()?.shape(), (4, 2));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`DataFrame::len`].
    pub fn describe(&self) -> Result<polars_core::frame::DataFrame> {
        let schema = self.schema()?;
        let is_number = |data_type: &DataType| data_type.is_numeric();
        let numbers: Vec<&String> = schema
            .fields()
            .iter()
            .filter(|field| is_number(field.data_type()))
            .map(|field| field.name())
            .collect();
        let (names, told) = if numbers.is_empty() {
            let defined = schema
                .fields()
                .iter()
                .filter(|field| super::reduce::is_defined(Reduction::Mode, field.data_type()));
            (defined.map(|field| field.name()).collect(), OTHERS.as_slice())
        } else {
            (numbers, NUMBERS.as_slice())
        };
        let is_half = |name: &str| {
            schema.field_with_name(name).is_ok_and(|field| *field.data_type() == DataType::Float16)
        };
        let asked = names.iter().flat_map(|name| {
            // Nothing is computed in 16 bits.
            let column = col(name.as_str());
            let column = if is_half(name) { column.cast(DataType::Float32) } else { column };
            told.iter().map(move |(statistic, reduction)| {
                let of: Expr = column.clone().aggregate(*reduction);
                of.alias(format!("{statistic} of {name}"))
            })
        });
        let answers = self.reduce(asked.collect::<Vec<_>>()).compute_batches()?;
        let mut fields = vec![Field::new("statistic", DataType::Utf8View, false)];
        let mut columns: Vec<ArrayRef> =
            vec![Arc::new(StringViewArray::from_iter_values(told.iter().map(|(statistic, _)| *statistic)))];
        let mut row = answers.iter().flat_map(RecordBatch::columns);
        for name in names {
            let values: Vec<&ArrayRef> = row.by_ref().take(told.len()).collect();
            let column = if told.len() == NUMBERS.len() { floats(&values)? } else { texts(&values)? };
            fields.push(Field::new(name, column.data_type().clone(), true));
            columns.push(column);
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        Ok(polars::to_polars(&schema, vec![batch])?)
    }
}

fn floats(values: &[&ArrayRef]) -> Result<ArrayRef> {
    let mut column = Vec::with_capacity(values.len());
    for value in values {
        let float = cast(value, &DataType::Float64)?;
        column.extend(arrow::array::AsArray::as_primitive::<arrow::datatypes::Float64Type>(&float).iter());
    }
    Ok(Arc::new(Float64Array::from(column)))
}

fn texts(values: &[&ArrayRef]) -> Result<ArrayRef> {
    let mut column = Vec::with_capacity(values.len());
    for value in values {
        let text = cast(value, &DataType::Utf8)?;
        let text = arrow::array::AsArray::as_string::<i32>(&text);
        column.extend(text.iter().map(|text| text.map(str::to_owned)));
    }
    Ok(Arc::new(StringViewArray::from_iter(column)))
}
