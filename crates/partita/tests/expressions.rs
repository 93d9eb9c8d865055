//! Computed columns over whole frames, against values written down by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use partita::arrow::array::{ArrayRef, AsArray, Float64Array};
use partita::arrow::datatypes::{Float64Type, Int64Type};
use partita::prelude::*;

fn trips(folder: &Path) -> DataFrame {
    let path = folder.join("trips.csv");
    std::fs::write(&path, "fare,tip,zone\n10.0,1.0,A\n,2.0,B\n0.0,3.0,A\n-4.0,,\n20.5,4.1,C\n").unwrap();
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    session.read_csv(&path).block_size(16).load().unwrap()
}

fn floats(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
    let batches = frame.compute_batches().unwrap();
    let columns = batches.iter().map(|batch| Arc::clone(batch.column_by_name(column).unwrap()));
    columns.flat_map(|array| array.as_primitive::<Float64Type>().iter().collect::<Vec<_>>()).collect()
}

#[test]
fn the_same_from_rust_and_from_text() {
    let folder = tempfile::tempdir().unwrap();
    let frame = trips(folder.path());
    let written = when(col("fare").gt(0)).then(col("tip") / col("fare")).otherwise_null().alias("share");
    let read = expr("case when fare > 0 then tip / fare end as share").unwrap();
    assert_eq!(read, written);
    let shares = floats(&frame.with_columns([written]), "share");
    assert_eq!(shares, [Some(0.1), None, None, None, Some(4.1 / 20.5)]);
    let clipped = frame.with_columns([expr("round(clip(fare, 0, 15.04), 1) as fare").unwrap()]);
    assert_eq!(floats(&clipped, "fare"), [Some(10.0), None, Some(0.0), Some(0.0), Some(15.0)]);
    let best = frame.select([greatest([col("fare"), col("tip")]).alias("best")]);
    assert_eq!(floats(&best, "best"), [Some(10.0), Some(2.0), Some(3.0), Some(-4.0), Some(20.5)]);
    let zones = frame.filter(coalesce([col("zone"), lit("none")]).replace([("A", "C")]).eq("C"));
    assert_eq!(zones.len().unwrap(), 3);
}

#[test]
fn functions_of_users_see_every_row_once() {
    let folder = tempfile::tempdir().unwrap();
    let frame = trips(folder.path());
    let rows = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&rows);
    let doubled = col("fare").map_batches(DataType::Float64, move |column| {
        seen.fetch_add(column.len(), Ordering::Relaxed);
        let doubled: Float64Array = column.as_primitive::<Float64Type>().unary(|v| v * 2.0);
        Ok(Arc::new(doubled) as ArrayRef)
    });
    // Used twice, computed once.
    let both = frame.select([doubled.clone().alias("a"), (doubled + 1).alias("b")]);
    assert_eq!(floats(&both, "b"), [Some(21.0), None, Some(1.0), Some(-7.0), Some(42.0)]);
    assert_eq!(rows.load(Ordering::Relaxed), 5);
    let lengths = map_batches([col("fare"), col("tip")], DataType::Int64, |columns| {
        let (a, b) = (columns[0].as_primitive::<Float64Type>(), columns[1].as_primitive::<Float64Type>());
        let count = a.iter().zip(b).map(|(a, b)| i64::from(a.is_some()) + i64::from(b.is_some()));
        Ok(Arc::new(partita::arrow::array::Int64Array::from_iter_values(count)) as ArrayRef)
    });
    let full = frame.filter(lengths.clone().eq(2)).select([lengths.alias("n")]);
    let batches = full.compute_batches().unwrap();
    let found: Vec<i64> = batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec())
        .collect();
    assert_eq!(found, [2, 2, 2]);
}

#[test]
fn failures_name_the_expression() {
    let folder = tempfile::tempdir().unwrap();
    let frame = trips(folder.path());
    let text = |frame: DataFrame| frame.compute_batches().unwrap_err().to_string();
    let error = text(frame.with_columns([col("zone").sqrt()]));
    assert!(error.contains("sqrt(zone): expected a number, got Utf8; cast it to Float64"), "{error}");
    let error = text(frame.with_columns([when(col("fare")).then(1).otherwise(0).alias("x")]));
    assert!(error.contains("fare: expected Boolean, got Float64"), "{error}");
    let wrong = col("fare").map_batches(DataType::Int64, |column| Ok(Arc::clone(column)));
    let error = text(frame.with_columns([wrong]));
    assert!(error.contains("map_batches: declared Int64, returned Float64"), "{error}");
}

/// A filter over rows in memory and what is above it compute a common part once, on all rows; so does a reduction.
#[test]
fn a_filter_shares_parts_with_what_is_above_it() {
    let folder = tempfile::tempdir().unwrap();
    let trips = trips(folder.path()).persist().unwrap();
    let rows = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&rows);
    let doubled = map_batches([col("fare")], DataType::Float64, move |columns: &[ArrayRef]| {
        seen.fetch_add(columns[0].len(), Ordering::Relaxed);
        Ok(Arc::new(columns[0].as_primitive::<Float64Type>().unary::<_, Float64Type>(|v| v * 2.0))
            as ArrayRef)
    });
    let some = trips.filter(doubled.clone().gt(lit(0.0)).and(col("zone").is_not_null()));
    let picked =
        some.select([(doubled.clone() + lit(1.0)).alias("more"), doubled.clone().alias("d"), col("tip")]);
    assert_eq!(floats(&picked, "more"), [Some(21.0), Some(42.0)]);
    assert_eq!(rows.swap(0, Ordering::Relaxed), 5);
    assert_eq!(floats(&picked, "tip"), [Some(1.0), Some(4.1)]);
    rows.store(0, Ordering::Relaxed);
    let reduced = some.reduce([doubled.sum(), len()]);
    assert_eq!(floats(&reduced, "fare"), [Some(61.0)]);
    assert_eq!(rows.load(Ordering::Relaxed), 5);
    // What is asked for in some rows only stays there, and plain arithmetic is as cheap as taking rows of it.
    let number = expr("cast(zone as Int64)").unwrap();
    let guarded = expr("case when zone = '7' then cast(zone as Int64) else 0 end = 0").unwrap();
    let none = trips.filter(guarded).filter(col("zone").is_null()).select([number]);
    assert_eq!(none.len().unwrap(), 1);
    for (text, shared) in [("lower(zone)", true), ("fare * 2.0 + tip", false), ("abs(fare)", false)] {
        let part = || expr(text).unwrap();
        let frame = trips.filter(part().is_not_null()).select([part().alias("again")]);
        let plan = frame.explain(Stage::Simplified).unwrap();
        assert_eq!(plan.matches("Project").count() > 1, shared, "{plan}");
        for stage in Stage::ALL {
            assert_eq!(frame.compute_batches_at(stage).unwrap(), frame.compute_batches().unwrap(), "{text}");
        }
    }
}
