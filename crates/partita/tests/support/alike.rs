//! Rows of a number, a float and a text, of which many are equal.

use proptest::collection::vec;
use proptest::prelude::*;

/// Up to 200 of them, with nulls, both zeros, NaN and texts beyond a view.
pub(crate) fn rows() -> impl Strategy<Value = Vec<(Option<i64>, Option<f64>, Option<String>)>> {
    let whole =
        prop_oneof![1 => Just(None), 5 => (-3_i64..3).prop_map(Some), 1 => any::<i64>().prop_map(Some)];
    let special = [f64::NAN, -f64::NAN, -0.0, 0.0, f64::INFINITY];
    let float = prop_oneof![
        1 => Just(None),
        3 => (-2_i8..2).prop_map(|value| Some(f64::from(value))),
        3 => proptest::sample::select(special.to_vec()).prop_map(Some),
    ];
    let text =
        prop_oneof![1 => Just(None), 4 => "[ab]{0,2}".prop_map(Some), 1 => "a{20,30}[bc]".prop_map(Some)];
    vec((whole, float, text), 0..200)
}
