//! Keys, orders, merges and gathers against comparisons of options, one row at a time.

mod bounds;
mod gather;
mod merge;
mod twin;

use proptest::prelude::*;

use self::twin::{Case, case, slow_compare, slow_order};
use super::{Direction, KeyLayout};
use crate::error::ErrorKind;
use arrow::array::{ArrayRef, Int64Array, StringViewArray};
use arrow::datatypes::{DataType, Field};
use std::sync::Arc;

#[test]
fn types_without_an_order_are_refused() {
    let list = DataType::new_list(DataType::Int64, true);
    let fields = DataType::Struct(vec![Field::new("a", DataType::Int64, true)].into());
    for data_type in [list, fields] {
        let error = KeyLayout::new(&[(data_type, Direction::default())]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Undefined { .. }));
    }
    assert!(matches!(KeyLayout::new(&[]).unwrap_err().kind(), ErrorKind::Shape(_)));
    let layout = KeyLayout::new(&[(DataType::Int64, Direction::default())]).unwrap();
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec!["a"]));
    assert!(matches!(layout.encode(&[texts]).unwrap_err().kind(), ErrorKind::Shape(_)));
}

#[test]
fn keys_of_batches_with_and_without_nulls_compare() {
    for nulls_first in [false, true] {
        let direction = Direction { descending: false, nulls_first };
        let layout = KeyLayout::new(&[(DataType::Int64, direction)]).unwrap();
        let encode = |values: Vec<Option<i64>>| {
            let column: ArrayRef = Arc::new(Int64Array::from(values));
            layout.encode(&[column]).unwrap()
        };
        let whole = encode(vec![Some(i64::MIN), Some(0), Some(i64::MAX)]);
        let holed = encode(vec![None, Some(i64::MAX), Some(i64::MIN)]);
        assert!(whole.compare(0, &holed, 2).is_eq() && whole.compare(2, &holed, 1).is_eq());
        assert!((0..3).all(|row| holed.compare(0, &whole, row).is_lt() == nulls_first));
        let mut both = layout.empty();
        both.append(&whole);
        both.append(&holed);
        both.push_row(&whole, 1);
        let expected = if nulls_first { [3, 0, 5, 1, 6, 2, 4] } else { [0, 5, 1, 6, 2, 4, 3] };
        assert_eq!(both.sorted(), expected);
        assert!(both.take(&both.sorted()).is_sorted() && !both.is_sorted());
        let sorted = both.take(&both.sorted());
        let first = usize::from(nulls_first);
        assert_eq!((sorted.lower_bound(&whole, 1), sorted.upper_bound(&whole, 1)), (first + 2, first + 4));
        assert_eq!((sorted.lower_bound(&whole, 2), sorted.upper_bound(&whole, 2)), (first + 4, first + 6));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    // Enough rows for the radix sort: narrow and wide ranges, common divisors, all but a few multiples of one.
    #[test]
    fn many_rows_are_in_order(
        seeds in prop::collection::vec(any::<u64>(), 512..1500),
        bits in 1_u32..=64,
        divisor in prop_oneof![Just(1_u64), Just(1_000_000), Just(3), Just(1 << 20)],
        odd in prop::option::of(any::<prop::sample::Index>()),
        is_wide: bool,
    ) {
        let mut values: Vec<u64> = seeds.iter().map(|seed| (seed >> (64 - bits)).wrapping_mul(divisor)).collect();
        if let Some(odd) = odd {
            *odd.get_mut(&mut values) ^= 1;
        }
        let values: Vec<i64> = values.into_iter().map(u64::cast_signed).collect();
        let direction = Direction { descending: false, nulls_first: false };
        let mut columns: Vec<ArrayRef> = vec![Arc::new(Int64Array::from(values.clone()))];
        let mut seconds = vec![0; values.len()];
        if is_wide {
            seconds = values.iter().rev().copied().collect();
            columns.push(Arc::new(seconds.iter().map(|second| Some(second.to_string())).collect::<StringViewArray>()));
        }
        let types: Vec<_> = columns.iter().map(|column| (column.data_type().clone(), direction)).collect();
        let keys = KeyLayout::new(&types).unwrap().encode(&columns).unwrap();
        let mut expected: Vec<u32> = (0..values.len() as u32).collect();
        let second = |row: usize| if is_wide { seconds[row].to_string() } else { String::new() };
        expected.sort_by_cached_key(|&row| (values[row as usize], second(row as usize)));
        prop_assert_eq!(keys.sorted(), expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn keys_compare_as_rows(case in case(40)) {
        let Case { columns, order } = &case;
        let keys = case.layout().encode(columns).unwrap();
        let rows = columns[0].len();
        prop_assert_eq!(keys.len(), rows);
        for row in 0..rows {
            for other in 0..rows {
                prop_assert_eq!(keys.compare(row, &keys, other), slow_compare(columns, order, row, other));
            }
        }
    }

    #[test]
    fn order_is_that_of_a_slow_sort(case in case(300)) {
        let Case { columns, order } = &case;
        let keys = case.layout().encode(columns).unwrap();
        prop_assert_eq!(keys.sorted(), slow_order(columns, order));
    }

    #[test]
    fn keys_of_slices_are_slices_of_keys(case in case(60), cut in 0_usize..60) {
        let layout = case.layout();
        let keys = layout.encode(&case.columns).unwrap();
        let cut = cut.min(keys.len());
        let slice = |from: usize, rows: usize| -> Vec<ArrayRef> {
            case.columns.iter().map(|column| column.slice(from, rows)).collect()
        };
        let (head, tail) =
            (layout.encode(&slice(0, cut)).unwrap(), layout.encode(&slice(cut, keys.len() - cut)).unwrap());
        let mut both = layout.empty();
        both.append(&head);
        both.append(&tail);
        let mut pushed = layout.empty();
        (0..keys.len()).for_each(|row| pushed.push_row(&both, row));
        prop_assert_eq!((both.len(), pushed.len()), (keys.len(), keys.len()));
        let (left, right) = (keys.slice(0..cut), keys.slice(cut..keys.len()));
        for row in 0..keys.len() {
            prop_assert!(keys.compare(row, &both, row).is_eq() && keys.compare(row, &pushed, row).is_eq());
            let half = if row < cut { left.compare(row, &keys, row) } else { right.compare(row - cut, &keys, row) };
            prop_assert!(half.is_eq());
        }
    }
}
