//! What groups say of their memory, against an allocator that counts.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int64Array, StringViewArray, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::DataType;
use partita_columns::group::{
    Aggregate, Aggregation, BoxError, GroupedRows, Grouper, Question, RowNumbers, States, UserAggregation,
};
use partita_columns::reduce::Reduction;
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

/// What may be held beside what is said: small things that no buffer is.
const MARGIN_BYTES: usize = 64 << 10;

const ROWS: usize = 8192;

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// The most bytes that `work` had at once beyond those before it.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATED.current_usage();
    ALLOCATED.reset_peak_usage();
    let result = work();
    (result, ALLOCATED.peak_usage().saturating_sub(before))
}

fn batch(numbers: &mut Numbers, step: u64) -> Vec<ArrayRef> {
    let rows = 0..ROWS;
    let missing = |number: u64| number.is_multiple_of(9);
    let short = rows.clone().map(|_| format!("id{}", numbers.below(100))).collect::<Vec<_>>();
    let long = rows
        .clone()
        .map(|_| format!("an identifier of more bytes {}", numbers.below(40_000)))
        .collect::<Vec<_>>();
    let few = rows.clone().map(|_| numbers.below(50) as i64).collect::<Vec<_>>();
    // A range that grows, and at last is too wide.
    let many = rows.clone().map(|_| (numbers.below(1 << (10 + 3 * step).min(63))) as i64 - 500);
    let many = many.map(|value| (!missing(value.unsigned_abs())).then_some(value)).collect::<Vec<_>>();
    let float = rows
        .clone()
        .map(|_| Some(numbers.below(10_000) as f64 / 7.0).filter(|value| *value > 9.0))
        .collect::<Vec<_>>();
    let decimal = rows.map(|_| i128::from(numbers.below(1 << 40)) << 40).collect::<Vec<_>>();
    vec![
        Arc::new(StringViewArray::from_iter_values(short)),
        Arc::new(StringViewArray::from_iter_values(long)),
        Arc::new(Int64Array::from(few)),
        Arc::new(Int64Array::from(many)),
        Arc::new(Float64Array::from(float)),
        Arc::new(Decimal128Array::from(decimal)),
    ]
}

fn types(columns: &[ArrayRef]) -> Vec<DataType> {
    columns.iter().map(|column| column.data_type().clone()).collect()
}

fn check_keys(keys: &[usize], drops_nulls: bool) {
    let mut numbers = Numbers(88_172_645_463_325_252);
    let first = batch(&mut numbers, 0);
    let chosen = |columns: &[ArrayRef]| keys.iter().map(|at| Arc::clone(&columns[*at])).collect::<Vec<_>>();
    let base = ALLOCATED.current_usage();
    let mut grouper = Grouper::new(&types(&chosen(&first)), drops_nulls).unwrap();
    let mut groups = Vec::with_capacity(ROWS);
    for step in 0..18 {
        let columns = chosen(&batch(&mut numbers, step));
        let (need, held) = (grouper.need_bytes(&columns, ROWS), grouper.memory_bytes());
        let ((), took) = peak(|| grouper.push(&columns, ROWS, &mut groups).unwrap());
        assert!(held + took <= need + MARGIN_BYTES, "{keys:?}, step {step}: {held} and {took} over {need}");
        let range = grouper.len() / 2..grouper.len();
        let need = grouper.keys_need_bytes(range.clone());
        let (given, took) = peak(|| grouper.keys(range).unwrap());
        assert!(took <= need + MARGIN_BYTES, "{keys:?}, step {step}: keys of {took} over {need}");
        drop(given);
        drop(columns);
        let (now, held) = (ALLOCATED.current_usage().saturating_sub(base), grouper.memory_bytes());
        assert!(now <= held + MARGIN_BYTES + 4 * ROWS, "{keys:?}, step {step}: holds {now}, says {held}");
    }
}

/// Keeps the first and the last row of each group: as large as its values are.
struct Ends;

impl Ends {
    fn picked(rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        let column = rows.column(0)?;
        let last = rows.columns().last().unwrap_or(column);
        let firsts = UInt32Array::from_iter_values(rows.groups().map(|group| group.start as u32));
        let lasts = UInt32Array::from_iter_values(rows.groups().map(|group| group.end as u32 - 1));
        Ok(vec![take(column, &firsts, None)?, take(last, &lasts, None)?])
    }
}

impl Aggregation for Ends {
    fn name(&self) -> &str {
        "ends"
    }

    fn state_types(&self, inputs: &[DataType]) -> Result<Vec<DataType>, BoxError> {
        Ok(vec![inputs[0].clone(), inputs[0].clone()])
    }

    fn result_type(&self, inputs: &[DataType]) -> Result<DataType, BoxError> {
        Ok(inputs[0].clone())
    }

    fn chunk(&self, rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        Self::picked(rows)
    }

    fn merge(&self, states: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError> {
        Self::picked(states)
    }

    fn finish(&self, states: &[ArrayRef]) -> Result<ArrayRef, BoxError> {
        Ok(Arc::clone(&states[1]))
    }
}

fn check_states(aggregate: &Aggregate, columns: &[usize]) {
    let mut numbers = Numbers(362_436_069);
    let question = Question { aggregate: aggregate.clone(), columns: (0..columns.len()).collect() };
    let chosen = |all: &[ArrayRef]| columns.iter().map(|at| Arc::clone(&all[*at])).collect::<Vec<_>>();
    let types = types(&chosen(&batch(&mut numbers, 0)));
    let start = || States::new(std::slice::from_ref(&question), &types).unwrap();
    let mut states = start();
    for step in 0..4_u64 {
        // Users' aggregations are of groups that have rows.
        let is_user = matches!(aggregate, Aggregate::User(_));
        let count = 100 + if is_user { 2000 } else { 9000 } * step as usize;
        let group = |row: usize| if is_user { (row % count) as u64 } else { numbers.below(count as u64) };
        let groups: Vec<u32> = (0..ROWS).map(group).map(|group| group as u32).collect();
        let all = chosen(&batch(&mut numbers, step));
        let (need, held) = (states.need_bytes(count, &all, ROWS), states.memory_bytes());
        let ((), took) = peak(|| states.update(&groups, count, &all, RowNumbers::From(0)).unwrap());
        assert!(
            held + took <= need + MARGIN_BYTES,
            "{aggregate:?}, step {step}: {held} and {took} over {need}"
        );
        let mut other = start();
        other.update(&groups, count, &all, RowNumbers::From(0)).unwrap();
        let need = other.columns_need_bytes(0..count);
        let (given, took) = peak(|| other.columns(0..count).unwrap());
        assert!(took <= need + MARGIN_BYTES, "{aggregate:?}, step {step}: columns of {took} over {need}");
        drop(other);
        let to: Vec<u32> = (0..count as u32).collect();
        let (need, held) = (states.merge_need_bytes(count, &given), states.memory_bytes());
        let ((), took) = peak(|| states.merge(&to, count, &given).unwrap());
        assert!(
            held + took <= need + MARGIN_BYTES,
            "{aggregate:?}, step {step}: merged {held} and {took} over {need}"
        );
        let need = states.finish_need_bytes(0, 0..count);
        let (answers, took) = peak(|| states.finish(0, 0..count).map_err(|error| error.to_string()));
        assert!(took <= need + MARGIN_BYTES, "{aggregate:?}, step {step}: answers of {took} over {need}");
        drop(answers);
    }
}

/// One test, as it counts all that is allocated.
#[test]
fn what_is_needed_is_known_before() {
    let all = [&[0][..], &[1], &[2], &[3], &[5], &[0, 2], &[0, 1, 2, 3, 4, 5], &[1, 4]];
    for keys in all {
        check_keys(keys, false);
        check_keys(keys, true);
    }
    let mut checked = 0;
    for reduction in Reduction::ALL {
        for column in [0, 1, 2, 3, 4, 5] {
            let mut numbers = Numbers(7);
            let columns = vec![column; reduction.columns()];
            let of = types(&batch(&mut numbers, 0));
            let inputs: Vec<DataType> = columns.iter().map(|at| of[*at].clone()).collect();
            if reduction.result_type(&inputs).is_ok() {
                check_states(&Aggregate::Reduction(reduction), &columns);
                checked += 1;
            }
        }
    }
    for (column, count) in [(2, 1), (3, 2), (4, 5), (5, 100), (3, 1000), (4, u32::MAX)] {
        for is_largest in [true, false] {
            check_states(&Aggregate::Top { count, is_largest }, &[column]);
        }
    }
    for column in [1, 4] {
        check_states(&Aggregate::List, &[column]);
        check_states(&Aggregate::User(UserAggregation::new(Arc::new(Ends))), &[column]);
    }
    assert!(checked > 80, "{checked}");
}
