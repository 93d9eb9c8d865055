//! Against plain loops over the same rows, with a hash that puts different values together.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, Int64Array};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::interpret::tests::machine;

/// Many values have the same.
fn weak(columns: &[ArrayRef], rows: usize) -> partita_columns::Result<Vec<u64>> {
    let mut hashes = compute::hash_rows(columns, rows)?;
    hashes.iter_mut().for_each(|hash| *hash %= 3);
    Ok(hashes)
}

fn schema() -> SchemaRef {
    let fields = vec![Field::new("key", DataType::Int64, true), Field::new("place", DataType::Int64, false)];
    Arc::new(Schema::new(fields))
}

fn batch(rows: &[(Option<i64>, i64)]) -> RecordBatch {
    let keys: Int64Array = rows.iter().map(|row| row.0).collect();
    let places = Int64Array::from_iter_values(rows.iter().map(|row| row.1));
    RecordBatch::try_new(schema(), vec![Arc::new(keys), Arc::new(places)]).unwrap()
}

fn rows_of(batches: &[RecordBatch]) -> Vec<(Option<i64>, i64)> {
    let rows = |batch: &RecordBatch| {
        let keys = batch.column(0).as_primitive::<Int64Type>().clone();
        let places = batch.column(1).as_primitive::<Int64Type>().clone();
        let row = move |row| (keys.is_valid(row).then(|| keys.value(row)), places.value(row));
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    };
    batches.iter().flat_map(rows).collect()
}

fn keep() -> impl Strategy<Value = Keep> {
    prop_oneof![Just(Keep::First), Just(Keep::Last), Just(Keep::None)]
}

/// The rows that stay, in their order.
fn plain(rows: &[(Option<i64>, i64)], keep: Keep) -> Vec<(Option<i64>, i64)> {
    let mut of: HashMap<Option<i64>, Vec<i64>> = HashMap::new();
    rows.iter().for_each(|row| of.entry(row.0).or_default().push(row.1));
    let stays = |row: &&(Option<i64>, i64)| match keep {
        Keep::First => of[&row.0].first() == Some(&row.1),
        Keep::Last => of[&row.0].last() == Some(&row.1),
        Keep::None => of[&row.0].len() == 1,
    };
    rows.iter().filter(stays).copied().collect()
}

proptest! {
    #[test]
    fn values_of_one_hash_are_told_apart(
        keys in vec(prop_oneof![1 => Just(None), 5 => (0_i64..12).prop_map(Some)], 0..60),
        keep in keep(),
        cut in 1_usize..20,
    ) {
        let rows: Vec<(Option<i64>, i64)> = keys.into_iter().zip(0..).collect();
        // As they come of an exchange: by hash, then in their order.
        let all = batch(&rows);
        let hashes = weak(&all.columns()[..1], rows.len()).unwrap();
        let mut by_hash: Vec<usize> = (0..rows.len()).collect();
        by_hash.sort_by_key(|row| (hashes[*row], *row));
        let sorted: Vec<(Option<i64>, i64)> = by_hash.iter().map(|row| rows[*row]).collect();
        let distinct = Distinct { schema: schema(), on: vec![0], keep };
        let machine = machine();
        let mut adjacent = Adjacent::with_hash(&distinct, weak, &machine).unwrap();
        let (mut got, mut weights) = (Vec::new(), Vec::new());
        let mut settled: Vec<Settled> =
            sorted.chunks(cut).map(|rows| adjacent.push(&batch(rows), None).unwrap()).collect();
        settled.push(adjacent.finish());
        for settled in settled {
            weights.extend(settled.weights);
            if !settled.places.is_empty() {
                got.push(gather(&schema(), &settled.sources, &settled.places).unwrap());
            }
        }
        let got = rows_of(&got);
        let count = |key: Option<i64>| rows.iter().filter(|row| row.0 == key).count() as u64;
        prop_assert_eq!(weights, got.iter().map(|row| count(row.0)).collect::<Vec<_>>());
        prop_assert_eq!(got, plain(&sorted, keep));
    }

    #[test]
    fn what_is_dropped_early_changes_nothing(
        keys in vec(prop_oneof![1 => Just(None), 5 => (0_i64..8).prop_map(Some)], 0..80),
        keep in keep(),
        cut in 1_usize..30,
    ) {
        let rows: Vec<(Option<i64>, i64)> = keys.into_iter().zip(0..).collect();
        let distinct = Distinct { schema: schema(), on: vec![0], keep };
        let machine = machine();
        let mut thin = Thin::new(&distinct, &machine).unwrap();
        let thinned: Vec<RecordBatch> =
            rows.chunks(cut).flat_map(|rows| thin.push(batch(rows)).unwrap()).collect();
        let thinned = rows_of(&thinned);
        prop_assert_eq!(plain(&thinned, keep), plain(&rows, keep));
        if keep == Keep::First {
            prop_assert_eq!(thinned, plain(&rows, keep));
        }
    }
}

#[test]
fn counts_that_do_not_fit_go_on_in_parts() {
    let column = |keys: Vec<i64>| {
        let schema = Schema::new(vec![Field::new("key", DataType::Int64, true)]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from(keys))]).unwrap()
    };
    let fields = vec![Field::new("key", DataType::Int64, true), Field::new("count", DataType::UInt64, false)];
    let schema = Arc::new(Schema::new(fields));
    let machine = machine();
    // Few values are one batch at the end; many come out in parts; all different ones are passed on.
    for (values, batches_max) in [(100_i64, 1), (50_000, 200), (i64::MAX, 200)] {
        let mut count = Count::new(&schema, &machine).unwrap();
        let key = |row: i64| row.wrapping_mul(0x5851_f42d_4c95_7f2d).rem_euclid(values);
        let mut out = Vec::new();
        for from in (0..200_000).step_by(8192) {
            out.extend(count.push(column((from..(from + 8192).min(200_000)).map(key).collect())).unwrap());
        }
        out.extend(count.finish().unwrap());
        assert!(out.len() <= batches_max, "{values}: {}", out.len());
        let mut got: HashMap<i64, u64> = HashMap::new();
        for batch in out {
            let keys = batch.column(0).as_primitive::<Int64Type>().values().to_vec();
            let counts = batch.column(1).as_primitive::<UInt64Type>().values().to_vec();
            for (key, count) in keys.into_iter().zip(counts) {
                *got.entry(key).or_default() += count;
            }
        }
        let mut expected: HashMap<i64, u64> = HashMap::new();
        (0..200_000).for_each(|row| *expected.entry(key(row)).or_default() += 1);
        assert!(got == expected, "{values}");
    }
}
