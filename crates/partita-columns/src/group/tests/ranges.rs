//! Ranges that grow, arrays that become tables, words of several stages.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringViewArray};
use arrow::datatypes::Int64Type;

use super::super::Grouper;

fn bits(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Groups rows of integer columns in batches, and compares with a map.
fn check(columns: &[Vec<i64>], batch: usize) {
    let types = vec![arrow::datatypes::DataType::Int64; columns.len()];
    let mut grouper = Grouper::new(&types, false).unwrap();
    let mut seen: HashMap<Vec<i64>, u32> = HashMap::new();
    let mut keys: Vec<Vec<i64>> = Vec::new();
    let mut groups = Vec::new();
    let rows = columns[0].len();
    for from in (0..rows).step_by(batch) {
        let until = rows.min(from + batch);
        let arrays: Vec<ArrayRef> = columns
            .iter()
            .map(|column| Arc::new(Int64Array::from(column[from..until].to_vec())) as ArrayRef)
            .collect();
        grouper.push(&arrays, until - from, &mut groups).unwrap();
        for row in from..until {
            let key: Vec<i64> = columns.iter().map(|column| column[row]).collect();
            let next = seen.len() as u32;
            let group = *seen.entry(key.clone()).or_insert_with(|| {
                keys.push(key);
                next
            });
            assert_eq!(groups[row - from], group, "row {row}");
        }
    }
    assert_eq!(grouper.len(), keys.len());
    for (at, array) in grouper.keys(0..keys.len()).unwrap().iter().enumerate() {
        let wanted: Vec<i64> = keys.iter().map(|key| key[at]).collect();
        assert_eq!(&array.as_primitive::<Int64Type>().values()[..], &wanted[..]);
    }
}

#[test]
fn ranges_grow_both_ways() {
    let mut state = 88_172_645_463_325_252;
    let up: Vec<i64> = (0..60_000).map(|i| i / 2).collect();
    let down: Vec<i64> = (0..60_000).map(|i| -i * 3).collect();
    let both: Vec<i64> = (0..60_000).map(|i| if i % 2 == 0 { i } else { -i * i }).collect();
    let wild: Vec<i64> = (0..60_000).map(|_| bits(&mut state).cast_signed()).collect();
    let few: Vec<i64> = (0..60_000).map(|_| (bits(&mut state) % 100) as i64).collect();
    let late: Vec<i64> =
        (0..60_000).map(|i| if i > 50_000 && i % 1000 == 0 { i64::MIN + i } else { i % 7 }).collect();
    for column in [&up, &down, &both, &wild, &few, &late] {
        check(std::slice::from_ref(column), 8192);
    }
    check(&[few.clone(), up.clone()], 1000);
    check(&[both.clone(), few.clone(), down.clone()], 5000);
    check(&[wild.clone(), few.clone(), both.clone(), late.clone()], 5000);
    check(&[late.clone(), wild.clone(), late, wild, up, both, down, few], 5000);
}

#[test]
fn runs_of_keys_are_one_group_each() {
    let keys: Vec<i64> = (0..100_000).map(|i| i / 37 * 1_000_003).collect();
    check(&[keys], 8192);
}

#[test]
fn many_texts_beside_integers() {
    let mut state = 1_234_567_890_123;
    let mut grouper =
        Grouper::new(&[arrow::datatypes::DataType::Utf8View, arrow::datatypes::DataType::Int64], false)
            .unwrap();
    let mut seen: HashMap<(String, i64), u32> = HashMap::new();
    let mut groups = Vec::new();
    for _ in 0..12 {
        let rows: Vec<(String, i64)> = (0..5000)
            .map(|_| {
                let number = bits(&mut state) % 3000;
                let text = if number.is_multiple_of(3) {
                    format!("a rather long identifier {number}")
                } else {
                    format!("id{number}")
                };
                (text, (bits(&mut state) % 5) as i64)
            })
            .collect();
        let texts: ArrayRef = Arc::new(StringViewArray::from_iter_values(rows.iter().map(|row| &row.0)));
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.1)));
        grouper.push(&[texts, numbers], rows.len(), &mut groups).unwrap();
        for (row, group) in rows.into_iter().zip(&groups) {
            let next = seen.len() as u32;
            assert_eq!(*seen.entry(row).or_insert(next), *group);
        }
    }
    assert_eq!(grouper.len(), seen.len());
}
