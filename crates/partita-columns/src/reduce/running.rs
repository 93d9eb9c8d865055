//! Running totals: for each row what the rows up to it make.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array, UInt32Array, UInt64Array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use super::extreme::compare_rows;
use super::state::{floats, wholes};
use super::{End, Product, Reduction, State, keys};
use crate::compute::compact_column;
use crate::compute::physical::{Physical, physical};
use crate::error::{Error, ErrorKind, Result};

/// What rows are made into, one after the other. A null stays null and changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cumulative {
    /// The sum so far.
    Sum,
    /// The product so far.
    Prod,
    /// The least value so far; NaN only while there was no number.
    Min,
    /// The greatest value so far.
    Max,
}

impl Cumulative {
    /// The name, as of the frame's method.
    pub fn name(self) -> &'static str {
        match self {
            Cumulative::Sum => "cumsum",
            Cumulative::Prod => "cumprod",
            Cumulative::Min => "cummin",
            Cumulative::Max => "cummax",
        }
    }

    /// What all rows make: its type is that of the column, and its state what is known of the rows before a partition.
    pub fn reduction(self) -> Reduction {
        match self {
            Cumulative::Sum => Reduction::Sum,
            Cumulative::Prod => Reduction::Prod,
            Cumulative::Min => Reduction::Min,
            Cumulative::Max => Reduction::Max,
        }
    }
}

/// Bytes a row of totals on their way: optional integers of 128 bits, twice, and the result.
const ROW_BYTES: usize = 96;

/// A running total on its way through the rows of a partition.
#[derive(Debug)]
pub struct Running {
    cumulative: Cumulative,
    result: DataType,
    so_far: SoFar,
}

#[derive(Debug)]
enum SoFar {
    Float(f64),
    Whole(i128),
    /// The best value, in a column of one row.
    Best(Option<ArrayRef>),
}

impl Running {
    /// Behind rows of the type `input` that have left `before`.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] where those do not fit, [`ErrorKind::Shape`] for the state of another reduction.
    pub fn new(cumulative: Cumulative, input: &DataType, before: &State) -> Result<Self> {
        let result = cumulative.reduction().result_type(std::slice::from_ref(input))?;
        let so_far = match (cumulative, before) {
            (Cumulative::Sum, State::FloatSum { sum, .. }) => SoFar::Float(sum.value()),
            (Cumulative::Sum, State::WholeSum { sum, .. }) => {
                SoFar::Whole(sum.value().ok_or_else(|| overflow(cumulative, &result))?)
            }
            (Cumulative::Prod, State::Product(Product::Float(product))) => SoFar::Float(*product),
            (Cumulative::Prod, State::Product(Product::Whole(product))) => {
                SoFar::Whole(product.ok_or_else(|| overflow(cumulative, &result))?)
            }
            (_, State::Extreme(extreme)) => {
                let best = extreme.value().map(|best| best.to_array_of(input, 1)).transpose()?;
                SoFar::Best(best)
            }
            _ => return Err(ErrorKind::Shape("a state of another reduction".to_owned()).into()),
        };
        Ok(Self { cumulative, result, so_far })
    }

    /// Bytes that it takes beside itself: a best value is a column.
    pub fn memory_bytes(&self) -> usize {
        match &self.so_far {
            SoFar::Best(Some(best)) => best.get_buffer_memory_size(),
            _ => 0,
        }
    }

    /// Bytes that [`Running::next`] takes for a column, with its result; texts are shared.
    pub fn need_bytes(column: &ArrayRef) -> usize {
        column.len() * ROW_BYTES
    }

    /// The totals of the next rows.
    ///
    /// # Errors
    /// [`ErrorKind::Overflow`] where one does not fit its type.
    pub fn next(&mut self, column: &ArrayRef) -> Result<ArrayRef> {
        let is_product = self.cumulative == Cumulative::Prod;
        match &mut self.so_far {
            SoFar::Float(so_far) => {
                let rows = floats(column)?.into_iter().map(|value| {
                    value.map(|value| {
                        *so_far = if is_product { *so_far * value } else { *so_far + value };
                        *so_far
                    })
                });
                Ok(Arc::new(rows.collect::<Float64Array>()))
            }
            SoFar::Whole(so_far) => {
                let mut rows = Vec::with_capacity(column.len());
                for value in wholes(column)? {
                    let Some(value) = value else {
                        rows.push(None);
                        continue;
                    };
                    let next = if is_product { so_far.checked_mul(value) } else { so_far.checked_add(value) };
                    *so_far = next.ok_or_else(|| overflow(self.cumulative, &self.result))?;
                    rows.push(Some(*so_far));
                }
                whole_array(&rows, &self.result).ok_or_else(|| overflow(self.cumulative, &self.result))?
            }
            SoFar::Best(best) => {
                let end = if self.cumulative == Cumulative::Min { End::Min } else { End::Max };
                running_best(end, best, column)
            }
        }
    }
}

pub(crate) fn overflow(cumulative: Cumulative, data_type: &DataType) -> Error {
    ErrorKind::Overflow { operation: cumulative.name().to_owned(), data_type: data_type.clone() }.into()
}

/// Whole numbers as a column of a type; `None` where a value does not fit.
pub(crate) fn whole_array(rows: &[Option<i128>], data_type: &DataType) -> Option<Result<ArrayRef>> {
    if let DataType::Decimal128(precision, scale) = data_type {
        let most = 10_u128.pow(u32::from(*precision));
        let fits = rows.iter().flatten().all(|value| value.unsigned_abs() < most);
        let decimals = Decimal128Array::from(rows.to_vec()).with_precision_and_scale(*precision, *scale);
        return fits.then(|| Ok(Arc::new(decimals?) as ArrayRef));
    }
    if data_type == &DataType::UInt64 {
        let narrow: Option<Vec<_>> =
            rows.iter().map(|value| value.map(u64::try_from).transpose().ok()).collect();
        return narrow.map(|rows| Ok(Arc::new(UInt64Array::from(rows)) as ArrayRef));
    }
    let narrow: Option<Vec<_>> = rows.iter().map(|value| value.map(i64::try_from).transpose().ok()).collect();
    let array: ArrayRef = Arc::new(Int64Array::from(narrow?));
    Some(if data_type == &DataType::Int64 { Ok(array) } else { cast(&array, data_type).map_err(Error::from) })
}

/// The best row so far of each row; the best of all is left in `best`.
fn running_best(end: End, best: &mut Option<ArrayRef>, column: &ArrayRef) -> Result<ArrayRef> {
    let all = match best {
        Some(best) => concat(&[&**best, &**column])?,
        None => Arc::clone(column),
    };
    let order = Order::of(&all)?;
    let before = all.len() - column.len();
    let mut at: Option<u32> = None;
    let mut places: Vec<Option<u32>> = Vec::with_capacity(column.len());
    for row in 0..all.len() {
        let row32 =
            u32::try_from(row).map_err(|_| ErrorKind::Shape("a batch of over 2^32 rows".to_owned()))?;
        if all.is_valid(row) && at.is_none_or(|at| order.is_better(end, row, at as usize)) {
            at = Some(row32);
        }
        if row >= before {
            places.push(at.filter(|_| all.is_valid(row)));
        }
    }
    if let Some(at) = at {
        // It must not hold on to the texts of its batch.
        *best = Some(compact_column(&take(&all, &UInt32Array::from(vec![at]), None)?)?);
    }
    Ok(take(&all, &UInt32Array::from(places), None)?)
}

/// Keys to compare rows by.
pub(crate) enum Order<'a> {
    Words(Vec<u64>),
    /// With NaN, which no number is worse than.
    Floats(Vec<f64>),
    Decimals(&'a [i128]),
    Others(&'a ArrayRef),
}

impl<'a> Order<'a> {
    pub(crate) fn of(column: &'a ArrayRef) -> Result<Self> {
        if column.data_type().is_floating() {
            return Ok(Order::Floats(
                floats(column)?.into_iter().map(|value| value.unwrap_or(f64::NAN)).collect(),
            ));
        }
        Ok(match (keys::fixed(column), physical(column)) {
            (Some(words), _) => Order::Words(words),
            (None, Some(Physical::I128(values))) => Order::Decimals(values),
            (None, _) => Order::Others(column),
        })
    }

    pub(crate) fn is_better(&self, end: End, row: usize, best: usize) -> bool {
        let order = match self {
            Order::Words(keys) => keys[row].cmp(&keys[best]),
            Order::Floats(keys) if keys[best].is_nan() && !keys[row].is_nan() => return true,
            Order::Floats(keys) => keys[row].partial_cmp(&keys[best]).unwrap_or(Ordering::Equal),
            Order::Decimals(values) => values[row].cmp(&values[best]),
            Order::Others(column) => compare_rows(column, row, best),
        };
        order == if end == End::Min { Ordering::Less } else { Ordering::Greater }
    }
}

/// A number from 0 to 1 (excluded) for a row, as if drawn: the same for the same seed and row, and no two rows have anything to do
/// with each other.
pub fn draw(seed: u64, row: u64) -> f64 {
    let drawn = super::distinct::mix(super::distinct::mix(seed) ^ super::distinct::mix(!row));
    (drawn >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use arrow::array::{AsArray, StringViewArray};
    use arrow::datatypes::{Float64Type, Int64Type};
    use proptest::prelude::*;

    use super::*;

    fn run(cumulative: Cumulative, column: &ArrayRef, cut: usize) -> Result<ArrayRef> {
        let types = [column.data_type().clone()];
        let accumulator = cumulative.reduction().accumulator();
        let mut before = accumulator.start(&types)?;
        let mut pieces = Vec::new();
        // Two batches a partition.
        for start in (0..column.len().max(1)).step_by(cut) {
            let part = column.slice(start, cut.min(column.len() - start));
            let mut running = Running::new(cumulative, &types[0], &before)?;
            let half = part.len() / 2;
            pieces.push(running.next(&part.slice(0, half))?);
            pieces.push(running.next(&part.slice(half, part.len() - half))?);
            let mut state = accumulator.start(&types)?;
            state.update(std::slice::from_ref(&part), part.len())?;
            before.merge(&state)?;
        }
        let pieces: Vec<&dyn Array> = pieces.iter().map(|piece| &**piece).collect();
        Ok(concat(&pieces)?)
    }

    proptest! {
        #[test]
        fn totals_run_as_in_a_loop(
            values in prop::collection::vec(prop::option::weighted(0.8, -50_i64..50), 1..60),
            cut in 1_usize..20,
        ) {
            let column: ArrayRef = Arc::new(Int64Array::from(values.clone()));
            let loops = |f: fn(i64, i64) -> i64| {
                let mut so_far: Option<i64> = None;
                values.iter().map(|value| value.map(|value| {
                    let next = so_far.map_or(value, |before| f(before, value));
                    so_far = Some(next);
                    next
                })).collect::<Vec<_>>()
            };
            for (cumulative, expected) in [
                (Cumulative::Sum, loops(|a, b| a + b)),
                (Cumulative::Min, loops(i64::min)),
                (Cumulative::Max, loops(i64::max)),
            ] {
                let got = run(cumulative, &column, cut).unwrap();
                let got: Vec<Option<i64>> = got.as_primitive::<Int64Type>().iter().collect();
                prop_assert_eq!(got, expected);
            }
        }
    }

    #[test]
    fn totals_of_other_types() {
        let floats: ArrayRef =
            Arc::new(Float64Array::from(vec![Some(f64::NAN), Some(2.0), None, Some(1.0), Some(4.0)]));
        let got = |cumulative| {
            let totals = run(cumulative, &floats, 2).unwrap();
            totals
                .as_primitive::<Float64Type>()
                .iter()
                .map(|value| value.map(|value| format!("{value}")))
                .collect::<Vec<_>>()
        };
        let shown = |all: [&str; 5]| all.map(|text| (!text.is_empty()).then(|| text.to_owned())).to_vec();
        assert_eq!(got(Cumulative::Min), shown(["NaN", "2", "", "1", "1"]));
        assert_eq!(got(Cumulative::Max), shown(["NaN", "2", "", "2", "4"]));
        assert_eq!(got(Cumulative::Sum), shown(["NaN", "NaN", "", "NaN", "NaN"]));
        let texts: ArrayRef =
            Arc::new(StringViewArray::from(vec![Some("b"), None, Some("c"), Some("a, and much longer")]));
        let least = run(Cumulative::Min, &texts, 1).unwrap();
        let least: Vec<Option<&str>> = least.as_string_view().iter().collect();
        assert_eq!(least, [Some("b"), None, Some("b"), Some("a, and much longer")]);
        let large: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
        assert!(run(Cumulative::Sum, &large, 1).unwrap_err().to_string().contains("overflow in cumsum"));
        assert!(run(Cumulative::Prod, &large, 2).is_ok());
    }

    #[test]
    fn draws_are_spread_evenly() {
        let below = (0..100_000).filter(|row| draw(7, *row) < 0.3).count();
        assert!((29_500..30_500).contains(&below), "{below}");
        assert_ne!(draw(7, 1), draw(8, 1));
    }
}
