use arrow::datatypes::DataType;

use super::{bools, column, truths};
use crate::compute::{and, is_null, not, or, to_mask};
use crate::scalar::{Scalar, Value};

const ALL: [Option<bool>; 3] = [Some(true), Some(false), None];

/// Kleene 1952, section 64: `T` is true, `F` is false, `?` is null.
const TABLE: &str = "
    a b and or
    T T T   T
    T F F   T
    T ? ?   T
    F T F   T
    F F F   F
    F ? F   ?
    ? T ?   T
    ? F F   ?
    ? ? ?   ?
";

fn table() -> Vec<[Option<bool>; 4]> {
    let truth = |word: &str| match word {
        "T" => Some(true),
        "F" => Some(false),
        _ => None,
    };
    let lines = TABLE.lines().map(str::trim).filter(|line| !line.is_empty()).skip(1);
    lines.map(|line| line.split_whitespace().map(truth).collect::<Vec<_>>().try_into().unwrap()).collect()
}

fn scalar(value: Option<bool>) -> Value {
    Value::Scalar(value.map_or(Scalar::Null(DataType::Boolean), Scalar::Boolean))
}

#[test]
fn connectives_are_kleene_s_for_columns_and_scalars() {
    let table = table();
    assert_eq!(table.len(), 9);
    let side = |of: usize| column(&bools(&table.iter().map(|row| row[of]).collect::<Vec<_>>()));
    let expected = |of: usize| table.iter().map(|row| row[of]).collect::<Vec<_>>();
    assert_eq!(truths(and(&side(0), &side(1)).unwrap(), 9), expected(2));
    assert_eq!(truths(or(&side(0), &side(1)).unwrap(), 9), expected(3));
    for [a, b, both, either] in table {
        let row = |value| column(&bools(&[value]));
        for (left, right) in
            [(scalar(a), scalar(b)), (row(a), scalar(b)), (scalar(a), row(b)), (row(a), row(b))]
        {
            assert_eq!(truths(and(&left, &right).unwrap(), 1), [both], "{a:?} and {b:?}");
            assert_eq!(truths(or(&left, &right).unwrap(), 1), [either], "{a:?} or {b:?}");
        }
    }
}

#[test]
fn not_and_is_null() {
    let values = column(&bools(&ALL));
    assert_eq!(truths(not(&values).unwrap(), 3), [Some(false), Some(true), None]);
    assert_eq!(truths(is_null(&values), 3), [Some(false), Some(false), Some(true)]);
    for value in ALL {
        assert_eq!(truths(not(&scalar(value)).unwrap(), 1), [value.map(|value| !value)]);
        assert_eq!(truths(is_null(&scalar(value)), 1), [Some(value.is_none())]);
    }
}

#[test]
fn masks_have_no_nulls() {
    let mask = to_mask(&column(&bools(&ALL)), 3).unwrap();
    assert_eq!(mask.iter().collect::<Vec<_>>(), [Some(true), Some(false), Some(false)]);
    assert_eq!(to_mask(&scalar(Some(true)), 70).unwrap().true_count(), 70);
    assert_eq!(to_mask(&scalar(None), 70).unwrap().true_count(), 0);
    assert_eq!(
        to_mask(&column(&bools(&ALL)), 2).unwrap_err().to_string(),
        "expected a mask of 2 rows, got 3"
    );
    let error = to_mask(&Value::Scalar(Scalar::Int64(1)), 2).unwrap_err();
    assert_eq!(error.to_string(), "filter is not defined for Int64");
}
