//! Every reduction of every type against the reduction of the rows of one group alone.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use proptest::prelude::*;

use super::super::{Aggregate, NO_GROUP, Question, RowNumbers, Slices, States};
use super::pools::pools;
use crate::reduce::{Accumulator, Gather, Reduction, Walk};
use crate::scalar::Scalar;

/// What the reduction of rows alone gives.
fn alone(reduction: Reduction, columns: &[ArrayRef]) -> crate::Result<Scalar> {
    let types: Vec<DataType> = columns.iter().map(|column| column.data_type().clone()).collect();
    let rows = columns.first().map_or(0, |column| column.len());
    if reduction.accumulator() == Accumulator::Sorted {
        let column = &columns[0];
        let mut gather = Gather::new(&types[0])?;
        gather.push(column)?;
        let run = gather.take_run()?;
        let nulls = column.null_count();
        let mut walk = Walk::new(&types[0], (rows - nulls) as u64, nulls as u64, &[reduction]);
        walk.push(&run)?;
        return walk.answer(reduction);
    }
    let mut state = reduction.accumulator().start(&types)?;
    state.update(columns, rows)?;
    reduction.finish(&state, &types)
}

fn rows_of(columns: &[ArrayRef], groups: &[u32], group: u32) -> Vec<ArrayRef> {
    let rows: UInt32Array =
        (0..).zip(groups).filter(|(_, of)| **of == group).map(|(row, _)| row).collect::<Vec<u32>>().into();
    columns.iter().map(|column| take(column, &rows, None).unwrap()).collect()
}

/// The row of the batch that an `idxmin` among the rows of a group means.
fn row_of(groups: &[u32], group: u32, scalar: Scalar) -> Scalar {
    let mut rows = (100_u64..).zip(groups).filter(|(_, of)| **of == group).map(|(row, _)| row);
    match scalar {
        Scalar::UInt64(at) => Scalar::UInt64(rows.nth(at as usize).unwrap()),
        other => other,
    }
}

fn is_close(got: &Scalar, wanted: &Scalar) -> bool {
    match (got, wanted) {
        (Scalar::Float64(a), Scalar::Float64(b)) => {
            a.to_bits() == b.to_bits()
                || a == b
                || a.is_nan() && b.is_nan()
                || (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(0.1)
        }
        (a, b) => a == b,
    }
}

fn reductions() -> Vec<Reduction> {
    let mut all = Reduction::ALL.to_vec();
    all.extend([
        Reduction::NUnique { nulls: true },
        Reduction::Quantile(0.3),
        Reduction::Quantile(1.0),
        Reduction::Var { ddof: 0 },
        Reduction::ApproxQuantile(0.9),
    ]);
    // Bytes have a test of their own: those of validity are not counted.
    all.retain(|reduction| !matches!(reduction, Reduction::MemoryUsage));
    all
}

proptest! {
    #[test]
    fn groups_reduce_as_their_rows_alone(
        pool in 0..pools().len(),
        rows in prop::collection::vec((0_usize..9, 0_u32..6), 0..70),
        batch in 1_usize..40,
    ) {
        let pool = &pools()[pool];
        let column = pool.column(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let data_type = column.data_type().clone();
        let groups: Vec<u32> = rows.iter().map(|row| if row.1 == 5 { NO_GROUP } else { row.1 }).collect();
        for reduction in reductions() {
            let columns: Vec<ArrayRef> = vec![Arc::clone(&column); reduction.columns()];
            let question = Question { aggregate: Aggregate::Reduction(reduction), columns: vec![0; reduction.columns()] };
            let types = [data_type.clone()];
            let Ok(wanted_type) = reduction.result_type(&vec![data_type.clone(); reduction.columns()]) else {
                prop_assert!(States::new(&[question], &types).is_err());
                continue;
            };
            let mut states = States::new(&[question], &types).unwrap();
            for from in (0..rows.len().max(1)).step_by(batch) {
                let len = batch.min(rows.len() - from);
                let numbers = RowNumbers::From(100 + from as u64);
                states.update(&groups[from..from + len], 5, &[column.slice(from, len)], numbers).unwrap();
            }
            let wanted: crate::Result<Vec<Scalar>> = (0..5).map(|group| {
                let scalar = if reduction == Reduction::Len {
                    Scalar::UInt64(groups.iter().filter(|of| **of == group).count() as u64)
                } else {
                    alone(reduction, &rows_of(&columns, &groups, group))?
                };
                Ok(if reduction.name().starts_with("idx") { row_of(&groups, group, scalar) } else { scalar })
            }).collect();
            match (states.finish(0, 0..5), wanted) {
                (Ok(got), Ok(wanted)) => {
                    prop_assert_eq!(got.data_type(), &wanted_type);
                    prop_assert_eq!(states.result_type(0).unwrap(), &wanted_type);
                    for (group, wanted) in wanted.iter().enumerate() {
                        let got = Scalar::try_from_array(&got, group).unwrap();
                        prop_assert!(is_close(&got, wanted), "{reduction} of {data_type}, group {group}: {got:?}, not {wanted:?}");
                    }
                }
                (Err(got), Err(wanted)) => prop_assert_eq!(got.to_string(), wanted.to_string()),
                (got, wanted) => prop_assert!(false, "{reduction} of {data_type}: {got:?}, not {wanted:?}"),
            }
        }
    }

    #[test]
    fn values_a_slice_at_a_time_reduce_as_rows_alone(
        pool in 0..pools().len(),
        rows in prop::collection::vec((0_usize..9, 0_u32..6), 0..70),
        batch in 1_usize..40,
        cuts in prop::collection::vec(any::<bool>(), 1..12),
    ) {
        let pool = &pools()[pool];
        let column = pool.column(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let data_type = column.data_type().clone();
        let groups: Vec<u32> = rows.iter().map(|row| if row.1 == 5 { NO_GROUP } else { row.1 }).collect();
        for reduction in reductions().into_iter().filter(|reduction| Slices::can(&data_type, *reduction)) {
            if reduction.result_type(std::slice::from_ref(&data_type)).is_err() {
                continue;
            }
            let question = Question { aggregate: Aggregate::Reduction(reduction), columns: vec![0] };
            let mut states = States::new(&[question], std::slice::from_ref(&data_type)).unwrap();
            states.update(&groups, 5, &[ArrayRef::clone(&column)], RowNumbers::From(0)).unwrap();
            states.drop_values();
            let without = states.finish(0, 0..5).unwrap();
            let mut slices = Slices::new(&data_type, 5, &[reduction]).unwrap();
            let mut cuts = cuts.iter().cycle();
            let mut slice = 0;
            loop {
                for from in (0..rows.len()).step_by(batch) {
                    let len = batch.min(rows.len() - from);
                    slices.push(&groups[from..from + len], &column.slice(from, len)).unwrap();
                    if cuts.next() == Some(&true) {
                        slices.cut().unwrap();
                    }
                }
                slice += 1;
                if slices.end().unwrap() {
                    break;
                }
                prop_assert!(slice < 100, "no end of slices");
            }
            let got = slices.finish(reduction, &without).unwrap();
            for group in 0..5 {
                let wanted = alone(reduction, &rows_of(std::slice::from_ref(&column), &groups, group)).unwrap();
                let got = Scalar::try_from_array(&got, group as usize).unwrap();
                prop_assert!(is_close(&got, &wanted), "{reduction} of {data_type}, group {group}: {got:?}, not {wanted:?}");
            }
        }
    }

    #[test]
    fn lists_are_the_rows_in_order(
        pool in 0..pools().len(),
        rows in prop::collection::vec((0_usize..9, 0_u32..6), 0..70),
        cut in 0_usize..70,
    ) {
        let pool = &pools()[pool];
        let column = pool.column(&rows.iter().map(|row| row.0).collect::<Vec<_>>());
        let groups: Vec<u32> = rows.iter().map(|row| if row.1 == 5 { NO_GROUP } else { row.1 }).collect();
        let question = Question { aggregate: Aggregate::List, columns: vec![0] };
        let start = || States::new(std::slice::from_ref(&question), &[column.data_type().clone()]).unwrap();
        let (mut states, mut later) = (start(), start());
        let cut = cut.min(rows.len());
        states.update(&groups[..cut], 5, &[column.slice(0, cut)], RowNumbers::From(0)).unwrap();
        later.update(&groups[cut..], 5, &[column.slice(cut, rows.len() - cut)], RowNumbers::From(0)).unwrap();
        states.merge(&[0, 1, 2, 3, 4], 5, &later.columns(0..5).unwrap()).unwrap();
        let lists = states.finish(0, 0..5).unwrap();
        prop_assert_eq!(lists.data_type(), states.result_type(0).unwrap());
        for group in 0..5 {
            let wanted = &rows_of(&[Arc::clone(&column)], &groups, group)[0];
            let got = lists.as_list::<i32>().value(group as usize);
            prop_assert_eq!(got.len(), wanted.len());
            for row in 0..got.len() {
                let same = arrow::compute::concat(&[&got, wanted]).is_ok() && plain(&got, row) == plain(wanted, row);
                prop_assert!(same);
            }
        }
    }
}

/// The bits of one value, through a dictionary.
fn plain(array: &ArrayRef, row: usize) -> arrow::array::ArrayData {
    let one: UInt32Array = vec![row as u32].into();
    let one = take(array, &one, None).unwrap();
    match one.data_type() {
        DataType::Dictionary(_, values) => arrow::compute::cast(&one, values).unwrap().to_data(),
        _ => one.to_data(),
    }
}
