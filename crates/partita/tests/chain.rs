//! One chain from CSV to Parquet, against a loop over the lines of the file.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::path::Path;

use partita::arrow::array::{Array, AsArray, RecordBatch};
use partita::arrow::datatypes::{Date32Type, Float64Type, UInt64Type};
use partita::prelude::*;

const WEATHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");

/// Of a day (since 1970) at an airport: hours, the sum and number of temperatures, the greatest speed of the wind.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
struct Day {
    hours: u64,
    temp: (f64, u64),
    wind: Option<f64>,
}

/// Days since 1970 of a day of 2013 or of the first one of 2014, as the file has them.
fn days_since_1970(date: &str) -> i32 {
    const BEFORE: [i32; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let number = |range: std::ops::Range<usize>| date[range].parse::<i32>().unwrap();
    let years = number(0..4) - 1970;
    // Leap years from 1972 to 2012.
    years * 365 + 11 + BEFORE[number(5..7) as usize - 1] + number(8..10) - 1
}

fn expected() -> BTreeMap<(i32, String), Day> {
    let text = std::fs::read_to_string(WEATHER).unwrap();
    let mut days: BTreeMap<(i32, String), Day> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let day = days.entry((days_since_1970(fields[14]), fields[0].to_owned())).or_default();
        day.hours += 1;
        if let Ok(temp) = fields[5].parse::<f64>() {
            day.temp = (day.temp.0 + temp, day.temp.1 + 1);
        }
        if let Ok(wind) = fields[9].parse::<f64>() {
            day.wind = Some(day.wind.map_or(wind, |most| most.max(wind)));
        }
    }
    days
}

fn write(session: &Session, folder: &Path) {
    let weather =
        session.read_csv(WEATHER).null_values(["NA"]).block_size("128KiB").load().unwrap().persist().unwrap();
    let days = weather
        .set_index("time_hour")
        .groupby([col("time_hour").dt().date().alias("day"), col("origin")])
        .agg([col("temp").mean().alias("temp"), col("wind_speed").max().alias("wind"), len()]);
    days.repartition(3).to_parquet(folder).write().unwrap();
}

/// The rows of what was written, which `seen` takes out of what was expected.
fn check(batch: &RecordBatch, left: &mut BTreeMap<(i32, String), Day>) {
    let floats = |column: usize| batch.column(column).as_primitive::<Float64Type>();
    for row in 0..batch.num_rows() {
        let day = batch.column(0).as_primitive::<Date32Type>().value(row);
        let origin = batch.column(1).as_string_view().value(row).to_owned();
        let wanted = left.remove(&(day, origin.clone()));
        assert!(wanted.is_some(), "{day} {origin} is there twice, or should not be there");
        let wanted = wanted.unwrap();
        assert_eq!(batch.column(4).as_primitive::<UInt64Type>().value(row), wanted.hours, "{day} {origin}");
        let (temp, wind) = (floats(2), floats(3));
        assert_eq!(wind.is_valid(row).then(|| wind.value(row)), wanted.wind, "{day} {origin}");
        assert_eq!(temp.is_valid(row), wanted.temp.1 > 0, "{day} {origin}");
        if temp.is_valid(row) {
            let mean = wanted.temp.0 / wanted.temp.1 as f64;
            assert!((temp.value(row) - mean).abs() <= 1e-12 * mean.abs(), "{day} {origin}");
        }
    }
}

#[test]
fn csv_to_groups_in_parquet_under_every_limit() {
    for (limit, threads) in [("0", 1), ("0", 2), ("0", 8), ("128MiB", 1), ("128MiB", 2), ("256MiB", 8)] {
        let folder = tempfile::tempdir().unwrap();
        let session = Session::builder().memory_limit(limit).threads(threads).build().unwrap();
        write(&session, &folder.path().join("days"));
        let mut left = expected();
        assert!(left.len() > 1000);
        for batch in session.read_parquet(folder.path().join("days")).load().unwrap().batches().unwrap() {
            check(&batch.unwrap(), &mut left);
        }
        assert!(left.is_empty(), "{limit}, {threads}: {left:?}");
    }
}
