//! Cuts of weighted keys.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::datatypes::DataType;
use proptest::prelude::*;

use crate::sort::{Direction, KeyLayout, Keys, bounds};

fn keys(values: &[i64]) -> Keys {
    let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
    KeyLayout::new(&[(DataType::Int64, Direction::default())]).unwrap().encode(&[column]).unwrap()
}

/// The weights of the parts.
fn parts(values: &[i64], weights: &[f64], count: usize) -> Vec<f64> {
    let samples = keys(values);
    let bounds = bounds(&samples, weights, count);
    assert!(bounds.len() < count.max(1));
    for row in 1..bounds.len() {
        assert!(bounds.compare(row - 1, &bounds, row).is_lt());
    }
    let mut starts: Vec<usize> = (0..bounds.len()).map(|row| samples.lower_bound(&bounds, row)).collect();
    starts.insert(0, 0);
    starts.push(values.len());
    starts.windows(2).map(|part| weights[part[0]..part[1]].iter().sum()).collect()
}

#[test]
fn even_keys_are_cut_evenly() {
    let values: Vec<i64> = (0..100).collect();
    assert_eq!(parts(&values, &[1.0; 100], 4), [25.0; 4]);
    assert_eq!(parts(&values, &[1.0; 100], 1), [100.0]);
    assert_eq!(parts(&values[..17], &[1.0; 17], 16).len(), 16);
    assert_eq!(parts(&values[..3], &[1.0; 3], 16), [1.0; 3]);
    assert_eq!(parts(&[5; 30], &[1.0; 30], 4), [30.0]);
    assert_eq!(parts(&[], &[], 4), [0.0]);
    assert_eq!(bounds(&keys(&[1, 2]), &[f64::NAN, -1.0], 2).len(), 1);
}

#[test]
fn a_heavy_key_has_a_part_of_its_own() {
    // 80 % are one key, in the middle.
    let mut values = vec![50; 100];
    values[..10].copy_from_slice(&(0..10).collect::<Vec<_>>());
    values[90..].copy_from_slice(&(60..70).collect::<Vec<_>>());
    assert_eq!(parts(&values, &[1.0; 100], 5), [5.0, 5.0, 80.0, 5.0, 5.0]);
    assert_eq!(parts(&values, &[1.0; 100], 3), [10.0, 80.0, 10.0]);
    // Too few parts: the heavy key shares one.
    assert_eq!(parts(&values, &[1.0; 100], 2).len(), 2);
}

proptest! {
    #[test]
    fn no_part_is_twice_its_share_but_for_heavy_keys(
        mut rows in prop::collection::vec((0_i64..60, 0.1_f64..10.0), 1..200), count in 1_usize..20,
    ) {
        rows.sort_by_key(|row| row.0);
        let (values, weights): (Vec<i64>, Vec<f64>) = rows.into_iter().unzip();
        let total: f64 = weights.iter().sum();
        let distinct = {
            let mut values = values.clone();
            values.dedup();
            values.len()
        };
        let heaviest = values.iter().map(|value| {
            values.iter().zip(&weights).filter(|row| row.0 == value).map(|row| row.1).sum::<f64>()
        }).fold(0.0, f64::max);
        let parts = parts(&values, &weights, count);
        prop_assert!(parts.len() <= count.min(distinct));
        prop_assert!(parts.iter().all(|part| *part <= total / count as f64 + heaviest + 1e-6));
    }
}
