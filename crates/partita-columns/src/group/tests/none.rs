//! The state of no rows, which changes nothing that it is merged with.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Float64Array};
use arrow::datatypes::DataType;
use proptest::prelude::*;

use super::super::{Aggregate, NO_GROUP, Question, RowNumbers, States};
use super::pools::pools;
use crate::reduce::Reduction;

/// All that can be asked of columns of a type, each alone.
fn questions(data_type: &DataType) -> Vec<Question> {
    let mut all = Reduction::ALL.to_vec();
    all.extend([Reduction::NUnique { nulls: true }, Reduction::ApproxQuantile(0.9)]);
    let mut questions: Vec<Question> = all
        .into_iter()
        .map(|reduction| Question { aggregate: reduction.into(), columns: vec![0; reduction.columns()] })
        .collect();
    let tops = [(1, true), (3, false), (100, true)];
    let tops = tops.map(|(count, is_largest)| Aggregate::Top { count, is_largest });
    // Types without a least value are not those of a frame.
    let has_ends = Reduction::Min.result_type(std::slice::from_ref(data_type)).is_ok();
    let tops = tops.into_iter().filter(|_| has_ends);
    let others = tops.chain([Aggregate::List]);
    questions.extend(others.map(|aggregate| Question { aggregate, columns: vec![0] }));
    questions.retain(|question| question.result_type(std::slice::from_ref(data_type)).is_ok());
    questions
}

/// States of groups of no rows.
fn nothing(questions: &[Question], data_type: &DataType, groups: usize) -> States {
    let types = std::slice::from_ref(data_type);
    let mut states = States::new(questions, types).unwrap();
    let rows = arrow::array::new_empty_array(data_type);
    states.update(&[], groups, &[rows], RowNumbers::From(0)).unwrap();
    states
}

/// Bits of states and of answers, or what is wrong with these.
fn bits(states: &States) -> (Vec<arrow::array::ArrayData>, Result<arrow::array::ArrayData, String>) {
    let all = 0..states.len();
    let columns = states.columns(all.clone()).unwrap();
    let answer = states.finish(0, all).map(|answer| answer.to_data()).map_err(|error| error.to_string());
    (columns.iter().map(|column| column.to_data()).collect(), answer)
}

proptest! {
    #[test]
    fn the_state_of_no_rows_changes_no_bit(
        pool in 0..pools().len(),
        rows in prop::collection::vec((0_usize..9, 0_u32..6), 0..60),
        cut in 0_usize..60,
    ) {
        let pool = &pools()[pool];
        let column = pool.column(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let data_type = column.data_type().clone();
        let groups: Vec<u32> = rows.iter().map(|row| if row.1 == 5 { NO_GROUP } else { row.1 }).collect();
        let cut = cut.min(rows.len());
        let (early, late) = (column.slice(0, cut), column.slice(cut, rows.len() - cut));
        let numbers = RowNumbers::From(100);
        for question in questions(&data_type) {
            let what = format!("{question:?} of {data_type}");
            let start = || States::new(std::slice::from_ref(&question), std::slice::from_ref(&data_type)).unwrap();
            let none = nothing(std::slice::from_ref(&question), &data_type, 5).columns(0..5).unwrap();
            let (mut plain, mut mixed) = (start(), start());
            plain.update(&groups[..cut], 5, &[ArrayRef::clone(&early)], RowNumbers::From(0)).unwrap();
            // Before, behind, and twice.
            mixed.merge(&[0, 1, 2, 3, 4], 5, &none).unwrap();
            mixed.merge(&[4, 3, 2, 1, 0], 5, &none).unwrap();
            mixed.merge(&[0, 1, 2, 3, 4], 5, &plain.columns(0..5).unwrap()).unwrap();
            mixed.merge(&[0, 2, 1, 3, 4], 5, &none).unwrap();
            prop_assert_eq!(bits(&plain), bits(&mixed), "{}", what);
            // Rows that come then go on alike.
            plain.update(&groups[cut..], 5, &[ArrayRef::clone(&late)], numbers).unwrap();
            mixed.update(&groups[cut..], 5, &[ArrayRef::clone(&late)], numbers).unwrap();
            prop_assert_eq!(bits(&plain), bits(&mixed), "{}", what);
            // Into what has seen rows, and has no state of its own yet.
            plain.merge(&[0, 1, 2, 3, 4], 5, &none).unwrap();
            prop_assert_eq!(bits(&plain), bits(&mixed), "{}", what);
        }
    }
}

#[test]
fn sketches_of_many_values_keep_their_bits() {
    let question = |reduction: Reduction| Question { aggregate: reduction.into(), columns: vec![0] };
    let questions = [Reduction::ApproxQuantile(0.5), Reduction::ApproxNUnique].map(question);
    let values = |rows: std::ops::Range<u32>| -> ArrayRef {
        let value = |row: u32| f64::from(row.wrapping_mul(2_654_435_761) >> 7);
        Arc::new(Float64Array::from_iter_values(rows.map(value)))
    };
    for question in questions {
        let all = std::slice::from_ref(&question);
        let none = nothing(all, &DataType::Float64, 1).columns(0..1).unwrap();
        for cut in [1_u32, 4_095, 4_096, 5_000, 13_000] {
            let (mut plain, mut mixed) = (
                States::new(all, &[DataType::Float64]).unwrap(),
                States::new(all, &[DataType::Float64]).unwrap(),
            );
            plain.update(&vec![0; cut as usize], 1, &[values(0..cut)], RowNumbers::From(0)).unwrap();
            mixed.merge(&[0], 1, &none).unwrap();
            mixed.merge(&[0], 1, &plain.columns(0..1).unwrap()).unwrap();
            mixed.merge(&[0], 1, &none).unwrap();
            assert_eq!(bits(&plain), bits(&mixed), "{question:?}, {cut}");
            for states in [&mut plain, &mut mixed] {
                states.update(&[0; 9_000], 1, &[values(cut..cut + 9_000)], RowNumbers::From(0)).unwrap();
            }
            assert_eq!(bits(&plain), bits(&mixed), "{question:?}, {cut}");
        }
    }
}
