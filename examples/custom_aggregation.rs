//! An aggregation of one's own: the mean wind of each airport, as a vector, from hours of wind.
//!
//! `cargo run --example custom_aggregation`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::ops::Range;
use std::sync::Arc;

use partita::arrow::array::{ArrayRef, AsArray, Float64Array};
use partita::arrow::datatypes::Float64Type;
use partita::graph::BoxError;
use partita::prelude::*;
use partita::{Aggregation, GroupedRows};

/// Where the wind comes from in the mean, in degrees, of a direction and a speed: a mean of the numbers themselves would have north,
/// between 350 and 10 degrees, in the south.
struct MeanDirection;

impl MeanDirection {
    /// The sums of two columns, group by group.
    fn sums(
        east: &Float64Array,
        north: &Float64Array,
        groups: impl Iterator<Item = Range<usize>>,
    ) -> Vec<ArrayRef> {
        let sum = |values: &Float64Array, rows: &Range<usize>| -> f64 {
            values.values()[rows.clone()].iter().sum()
        };
        let (easts, norths): (Vec<f64>, Vec<f64>) =
            groups.map(|rows| (sum(east, &rows), sum(north, &rows))).unzip();
        vec![Arc::new(Float64Array::from(easts)), Arc::new(Float64Array::from(norths))]
    }
}

impl Aggregation for MeanDirection {
    fn name(&self) -> &str {
        "mean_direction"
    }

    fn state_types(&self, inputs: &[DataType]) -> Result<Vec<DataType>, BoxError> {
        match inputs {
            [DataType::Float64, DataType::Float64] => Ok(inputs.to_vec()),
            _ => Err(format!("expected a direction and a speed of type Float64, got {inputs:?}").into()),
        }
    }

    fn result_type(&self, _: &[DataType]) -> Result<DataType, BoxError> {
        Ok(DataType::Float64)
    }

    fn state_bytes(&self) -> usize {
        2 * size_of::<f64>()
    }

    /// A state row of the rows of each group: the wind to the east and to the north, added up. Hours without a value add nothing.
    fn chunk(&self, rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        let directions = rows.column(0)?.as_primitive::<Float64Type>();
        let speeds = rows.column(1)?.as_primitive::<Float64Type>();
        let part = |of: fn(f64) -> f64| -> Float64Array {
            let hours = directions.iter().zip(speeds.iter());
            hours
                .map(|(direction, speed)| Some(speed? * of(direction?.to_radians())))
                .map(Option::unwrap_or_default)
                .collect::<Vec<_>>()
                .into()
        };
        Ok(Self::sums(&part(f64::sin), &part(f64::cos), rows.groups()))
    }

    /// One state row of several.
    fn merge(&self, states: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        let (east, north) = (states.column(0)?.as_primitive(), states.column(1)?.as_primitive());
        Ok(Self::sums(east, north, states.groups()))
    }

    /// The answers.
    fn finish(&self, states: &[ArrayRef]) -> Result<ArrayRef, BoxError> {
        let [east, north] = states else { return Err("expected two columns of states".into()) };
        let (east, north) = (east.as_primitive::<Float64Type>(), north.as_primitive::<Float64Type>());
        let degrees = |row: usize| east.value(row).atan2(north.value(row)).to_degrees().rem_euclid(360.0);
        Ok(Arc::new(Float64Array::from_iter_values((0..east.len()).map(degrees))))
    }
}

fn main() -> partita::Result<()> {
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");
    let weather = partita::read_csv(input).null_values(["NA"]).block_size("256KiB").load()?;
    let wind = [col("wind_dir").cast(DataType::Float64), col("wind_speed").cast(DataType::Float64)];
    let airports = weather.groupby(["origin"]).sort(true).agg([
        aggregation(MeanDirection, wind).alias("from"),
        col("wind_speed").mean().alias("speed"),
        len(),
    ]);
    println!("{}", airports.explain(Stage::Fused)?);
    let airports = airports.compute()?; // aggregated within each partition, merged in their order
    println!("{airports}");
    assert_eq!(airports.height(), 3);
    Ok(())
}
