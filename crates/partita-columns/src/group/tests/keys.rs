//! Groups of keys of every type against a map.

use std::collections::BTreeMap;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::{cast, concat, take};
use arrow::datatypes::DataType;
use proptest::prelude::*;

use super::super::table::HASH_BITS;
use super::super::{Grouper, NO_GROUP};
use super::pools::{Pool, pools};

/// The numbers that a map gives, and the first row of each group.
fn expected(pools: &[&Pool], rows: &[Vec<usize>], drop: bool) -> (Vec<u32>, Vec<u32>) {
    let mut seen: BTreeMap<Vec<Option<usize>>, u32> = BTreeMap::new();
    let (mut groups, mut first) = (Vec::new(), Vec::new());
    for (row, places) in rows.iter().enumerate() {
        let key: Vec<Option<usize>> =
            pools.iter().zip(places).map(|(pool, place)| pool.class(*place)).collect();
        if drop && key.contains(&None) {
            groups.push(NO_GROUP);
            continue;
        }
        let next = seen.len() as u32;
        groups.push(*seen.entry(key).or_insert_with(|| {
            first.push(row as u32);
            next
        }));
    }
    (groups, first)
}

/// Without a dictionary, whose layout is arbitrary.
fn plain(array: &ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values).unwrap(),
        _ => ArrayRef::clone(array),
    }
}

fn check(pools: &[&Pool], rows: &[Vec<usize>], drop: bool, batch: usize) {
    let types: Vec<DataType> = pools.iter().map(|pool| pool.values.data_type().clone()).collect();
    let (expected, first) = expected(pools, rows, drop);
    let mut grouper = Grouper::new(&types, drop).unwrap();
    let columns = |rows: &[Vec<usize>]| -> Vec<ArrayRef> {
        let column = |at: usize| pools[at].column(&rows.iter().map(|row| row[at]).collect::<Vec<_>>());
        (0..pools.len()).map(column).collect()
    };
    for _ in 0..2 {
        let (mut groups, mut all) = (vec![7; 3], Vec::new());
        for rows in rows.chunks(batch) {
            grouper.push(&columns(rows), rows.len(), &mut groups).unwrap();
            all.extend_from_slice(&groups);
        }
        assert_eq!(all, expected, "{types:?}");
        assert_eq!(grouper.len(), first.len());
        let whole = columns(rows);
        let half = grouper.len() / 2;
        let (low, high) = (grouper.keys(0..half).unwrap(), grouper.keys(half..grouper.len()).unwrap());
        for ((column, low), high) in whole.iter().zip(low).zip(high) {
            assert_eq!(low.data_type(), column.data_type());
            let keys = concat(&[&*plain(&low), &*plain(&high)]).unwrap();
            let wanted = plain(&take(column, &UInt32Array::from(first.clone()), None).unwrap());
            assert_eq!(keys.to_data(), wanted.to_data(), "{types:?}");
        }
        grouper.clear();
        assert!(grouper.is_empty());
    }
}

/// Which types, how rows are keyed by them, and how they are cut.
fn cases() -> impl Strategy<Value = (Vec<usize>, Vec<Vec<usize>>)> {
    prop::collection::vec(0..pools().len(), 1..5).prop_flat_map(|chosen| {
        let width = chosen.len();
        (Just(chosen), prop::collection::vec(prop::collection::vec(0_usize..9, width), 0..80))
    })
}

proptest! {
    #[test]
    fn groups_are_those_of_a_map(
        (chosen, rows) in cases(),
        drop in any::<bool>(),
        batch in 1_usize..60,
        weak in prop_oneof![3 => Just(u64::MAX), 1 => Just(0), 1 => Just(1 << 63), 1 => Just(u64::MAX >> 32)],
    ) {
        let pools = pools();
        let chosen: Vec<&Pool> = chosen.iter().map(|at| &pools[*at]).collect();
        HASH_BITS.with(|bits| bits.set(weak));
        check(&chosen, &rows, drop, batch);
        HASH_BITS.with(|bits| bits.set(u64::MAX));
    }
}

#[test]
fn every_type_is_a_key_alone_and_beside_others() {
    let pools = pools();
    for (at, pool) in pools.iter().enumerate() {
        let rows: Vec<Vec<usize>> = (0..60).map(|row| vec![row * row % 9, row % 4]).collect();
        let alone: Vec<Vec<usize>> = rows.iter().map(|row| row[..1].to_vec()).collect();
        for drop in [false, true] {
            check(&[pool], &alone, drop, 17);
            check(&[pool, &pools[(at + 7) % pools.len()]], &rows, drop, 17);
        }
    }
}

#[test]
fn no_key_columns_are_one_group() {
    let mut grouper = Grouper::new(&[], true).unwrap();
    let mut groups = Vec::new();
    grouper.push(&[], 3, &mut groups).unwrap();
    assert_eq!(groups, [0, 0, 0]);
    assert_eq!((grouper.len(), grouper.keys(0..1).unwrap().len()), (1, 0));
}

#[test]
fn types_without_keys_and_other_columns_are_refused() {
    let list = DataType::new_list(DataType::Int64, true);
    let error = Grouper::new(&[list], false).unwrap_err().to_string();
    assert!(error.starts_with("groupby is not defined for "), "{error}");
    let mut grouper = Grouper::new(&[DataType::Int64], false).unwrap();
    let texts: ArrayRef = pools().swap_remove(17).values;
    assert!(grouper.push(&[texts], 7, &mut Vec::new()).is_err());
    assert!(grouper.keys(0..1).is_err());
}

#[test]
fn dictionaries_that_change_keep_their_values() {
    let texts = ["b", "a long text that no view holds", "c", "a"];
    let mut grouper =
        Grouper::new(&[DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8))], false)
            .unwrap();
    let mut groups = Vec::new();
    for rotation in 0..4 {
        let order: Vec<&str> = (0..4).map(|at| texts[(at + rotation) % 4]).collect();
        let column: arrow::array::DictionaryArray<arrow::datatypes::Int8Type> =
            order.iter().copied().collect();
        grouper.push(&[std::sync::Arc::new(column)], 4, &mut groups).unwrap();
        let wanted: Vec<u32> = (0..4).map(|at| (at + rotation as u32) % 4).collect();
        assert_eq!(groups, wanted);
    }
    let keys = plain(&grouper.keys(0..4).unwrap()[0]);
    assert_eq!(keys.as_string::<i32>().iter().flatten().collect::<Vec<_>>(), texts);
}

#[test]
fn a_dictionary_without_values_is_all_null() {
    let column: arrow::array::DictionaryArray<arrow::datatypes::Int8Type> =
        vec![None::<&str>, None].into_iter().collect();
    let mut groups = Vec::new();
    for (drops, wanted) in [(false, [0, 0]), (true, [NO_GROUP; 2])] {
        let mut grouper = Grouper::new(&[column.data_type().clone()], drops).unwrap();
        grouper.push(&[std::sync::Arc::new(column.clone())], 2, &mut groups).unwrap();
        assert_eq!(groups, wanted);
        assert_eq!(grouper.keys(0..grouper.len()).unwrap()[0].logical_null_count(), grouper.len());
    }
}
