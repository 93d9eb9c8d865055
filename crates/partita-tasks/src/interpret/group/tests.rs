//! Heavy groups of tasks that give up, against maps and loops.

use std::collections::HashMap;

use arrow::array::{Array, Float64Array, Int64Array, StringViewArray};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Float64Type, UInt16Type};
use partita_columns::group::Aggregate;
use partita_columns::reduce::Reduction;

use super::*;
use crate::BoundExpr;
use crate::interpret::tests::machine_of;
use crate::reduce::Input;

/// Which group a row is of, and its value.
type Row = (u64, Option<f64>);

/// Makes the key columns of groups.
type Keys = fn(&[u64]) -> Vec<ArrayRef>;

fn mixed(place: u64) -> u64 {
    let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11
}

/// Shares of a thousand rows are of the first groups; all others have a group of their own.
fn skewed(rows: u64, shares: &[u64]) -> Vec<Row> {
    let row = |place: u64| {
        let mut at = mixed(place) % 1000;
        let heavy = shares.iter().position(|share| {
            let is_it = at < *share;
            at = at.wrapping_sub(*share);
            is_it
        });
        let value = (!mixed(place).is_multiple_of(13)).then(|| (mixed(place) % 100_003) as f64 * 0.1 - 777.0);
        (heavy.map_or(1000 + place, |heavy| heavy as u64), value)
    };
    (0..rows).map(row).collect()
}

fn wholes(groups: &[u64]) -> Vec<ArrayRef> {
    let key = |group: &u64| (*group > 0).then(|| (*group).cast_signed() * 77_777_777);
    vec![Arc::new(groups.iter().map(key).collect::<Int64Array>())]
}

fn texts(groups: &[u64]) -> Vec<ArrayRef> {
    let key = |group: &u64| (*group > 0).then(|| format!("the key of number {group}"));
    vec![Arc::new(groups.iter().map(key).collect::<StringViewArray>())]
}

fn both(groups: &[u64]) -> Vec<ArrayRef> {
    let first: Vec<u64> = groups.iter().map(|group| group % 1000 + 1).collect();
    let second: Vec<u64> =
        groups.iter().map(|group| if *group == 0 { 0 } else { group / 1000 + 1 }).collect();
    [wholes(&first), texts(&second)].concat()
}

/// Zeros of both signs are one key, and so are NaN.
fn floats(groups: &[u64]) -> Vec<ArrayRef> {
    let key = |(row, group): (usize, &u64)| {
        let sign = if row.is_multiple_of(3) { -1.0 } else { 1.0 };
        match group {
            0 => None,
            1 => Some(0.0 * sign),
            2 => Some(f64::NAN.copysign(sign)),
            other => Some(*other as f64),
        }
    };
    vec![Arc::new(groups.iter().enumerate().map(key).collect::<Float64Array>())]
}

const KEYS: [(&str, Keys); 4] = [("wholes", wholes), ("texts", texts), ("both", both), ("floats", floats)];

fn group_of(keys: Keys, drops_null_keys: bool, reductions: &[Reduction]) -> Group {
    let types = keys(&[]).iter().map(|key| key.data_type().clone()).collect::<Vec<DataType>>();
    let all = types.iter().chain([&DataType::Float64, &DataType::UInt64]).enumerate();
    let mut all =
        all.map(|(at, data_type)| Input { expression: BoundExpr::Column(at), data_type: data_type.clone() });
    let keys: Vec<Input> = all.by_ref().take(types.len()).collect();
    let question = |reduction: &Reduction| {
        let columns = if reduction.columns() == 0 { vec![] } else { vec![0] };
        Question { aggregate: Aggregate::Reduction(*reduction), columns }
    };
    let questions: Vec<Question> = reductions.iter().map(question).collect();
    let values = [DataType::Float64, DataType::UInt64];
    let answers = questions.iter().map(|question| question.result_type(&values).unwrap());
    let columns = types.iter().cloned().chain(answers).chain([DataType::UInt64]).enumerate();
    let fields = columns.map(|(at, data_type)| Field::new(format!("{at}"), data_type, true));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<Field>>()));
    let inputs = all.collect();
    let row_numbers = Some(1);
    Group {
        keys,
        drops_null_keys,
        inputs,
        questions,
        row_numbers,
        has_place: true,
        ordered_key: None,
        schema,
    }
}

/// The rows of a partition, the first of which has this number, in batches of so many.
fn batches_of(keys: Keys, rows: &[Row], first: usize, cut: usize) -> Vec<RecordBatch> {
    let batch = |(at, rows): (usize, &[Row])| {
        let mut columns = keys(&rows.iter().map(|row| row.0).collect::<Vec<u64>>());
        columns.push(Arc::new(rows.iter().map(|row| row.1).collect::<Float64Array>()));
        let from = (first + at * cut) as u64;
        columns.push(Arc::new(UInt64Array::from_iter_values(from..from + rows.len() as u64)));
        let fields = columns.iter().enumerate();
        let fields = fields.map(|(at, column)| Field::new(format!("{at}"), column.data_type().clone(), true));
        RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<Field>>())), columns).unwrap()
    };
    rows.chunks(cut).enumerate().map(batch).collect()
}

/// Many rows have the same.
fn weak(columns: &[ArrayRef], rows: usize) -> partita_columns::Result<Vec<u64>> {
    Ok(compute::hash_rows(columns, rows)?.iter().map(|hash| hash % 1021).collect())
}

/// The state rows of a partition.
fn state_rows(
    group: &Group,
    partition: usize,
    batches: &[RecordBatch],
    plenty: Option<usize>,
) -> Vec<RecordBatch> {
    let machine = machine_of(plenty);
    let mut first = First::new(group, partition, &machine).unwrap();
    let mut out: Vec<RecordBatch> =
        batches.iter().flat_map(|batch| first.push(batch.clone()).unwrap()).collect();
    out.extend(first.finish().unwrap());
    out
}

/// What becomes of state rows behind an exchange.
fn merged(group: &Group, states: &[RecordBatch], cut: usize) -> RecordBatch {
    let all = concat_batches(&group.state_schema().unwrap(), states).unwrap();
    let buckets = all.column(0).as_primitive::<UInt16Type>().values();
    let mut order: Vec<u32> = (0..all.num_rows() as u32).collect();
    order.sort_by_key(|row| buckets[*row as usize]);
    let all = compute::take(&all, &UInt32Array::from(order)).unwrap();
    let machine = machine_of(None);
    let mut last = Last::new(group, false, &machine).unwrap();
    let mut out = Vec::new();
    for from in (0..all.num_rows()).step_by(cut) {
        let rows = compute::slice(&all, from, cut.min(all.num_rows() - from));
        out.extend(last.push(rows).unwrap());
    }
    out.extend(last.finish().unwrap());
    concat_batches(&group.schema, &out).unwrap()
}

const ASKED: [Reduction; 6] =
    [Reduction::Len, Reduction::Sum, Reduction::Mean, Reduction::First, Reduction::Last, Reduction::IdxMax];

/// What loops see of a group.
#[derive(Default)]
struct Seen {
    /// The number of its first row, and its place.
    first_row: usize,
    place: u64,
    len: u64,
    count: u64,
    /// Of the partitions before, and of this one.
    sum: f64,
    part: (usize, f64),
    first: Option<f64>,
    last: Option<f64>,
    most: Option<(f64, u64)>,
}

/// The groups by bucket and first row, with the answers to [`ASKED`].
fn plain(keys: Keys, partitions: &[Vec<Row>], cut: usize, drops: bool) -> (Vec<ArrayRef>, Vec<Seen>) {
    let mut seen: HashMap<u64, Seen> = HashMap::new();
    let mut number = 0;
    for (partition, rows) in partitions.iter().enumerate() {
        for (at, (group, value)) in rows.iter().enumerate() {
            let row = number;
            number += 1;
            if drops && *group == 0 {
                continue;
            }
            let place = (partition as u64) << PLACE_BITS | at as u64;
            let fresh = || Seen { first_row: row, place, part: (partition, 0.0), ..Seen::default() };
            let seen = seen.entry(*group).or_insert_with(fresh);
            if seen.part.0 != partition {
                seen.sum += seen.part.1;
                seen.part = (partition, 0.0);
            }
            seen.len += 1;
            let Some(value) = *value else { continue };
            seen.count += 1;
            seen.part.1 += value;
            seen.first = seen.first.or(Some(value));
            seen.last = Some(value);
            if seen.most.is_none_or(|(most, _)| value > most) {
                seen.most = Some((value, row as u64));
            }
        }
    }
    let batches: Vec<Vec<RecordBatch>> =
        partitions.iter().map(|rows| batches_of(keys, rows, 0, cut)).collect();
    let batches: Vec<&RecordBatch> = batches.iter().flatten().collect();
    let all = concat_batches(&batches[0].schema(), batches).unwrap();
    let keys = &all.columns()[..all.num_columns() - 2];
    let hashes = compute::hash_rows(keys, all.num_rows()).unwrap();
    let mut seen: Vec<Seen> = seen.into_values().collect();
    seen.sort_by_key(|seen| (hashes[seen.first_row] >> (u64::BITS - BUCKET_BITS), seen.first_row));
    let firsts = UInt32Array::from_iter_values(seen.iter().map(|seen| seen.first_row as u32));
    (keys.iter().map(|key| take(key, &firsts, None).unwrap()).collect(), seen)
}

fn check(what: &str, got: &RecordBatch, (keys, seen): &(Vec<ArrayRef>, Vec<Seen>)) {
    assert_eq!(got.num_rows(), seen.len(), "{what}");
    for (got, wanted) in got.columns().iter().zip(keys) {
        assert!(got.to_data() == wanted.to_data(), "{what}: other keys, or another order");
    }
    let answers = &got.columns()[keys.len()..];
    let whole = |at: usize, row: usize| {
        let column = answers[at].as_primitive::<UInt64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let float = |at: usize, row: usize| {
        let column = answers[at].as_primitive::<Float64Type>();
        column.is_valid(row).then(|| column.value(row).to_bits())
    };
    for (row, seen) in seen.iter().enumerate() {
        let sum = seen.sum + seen.part.1;
        assert_eq!(whole(0, row), Some(seen.len), "{what}: len of {row}");
        assert_eq!(float(1, row), Some(sum.to_bits()), "{what}: sum of {row}");
        let mean = (seen.count > 0).then(|| (sum / seen.count as f64).to_bits());
        assert_eq!(float(2, row), mean, "{what}: mean of {row}");
        assert_eq!(float(3, row), seen.first.map(f64::to_bits), "{what}: first of {row}");
        assert_eq!(float(4, row), seen.last.map(f64::to_bits), "{what}: last of {row}");
        assert_eq!(whole(5, row), seen.most.map(|most| most.1), "{what}: idxmax of {row}");
        assert_eq!(whole(6, row), Some(seen.place), "{what}: place of {row}");
    }
}

/// State rows of each of the first groups, and rows that they are of.
fn counts(states: &[RecordBatch], groups: &[u64]) -> Vec<(usize, u64)> {
    let mut counts = vec![(0, 0); groups.len()];
    let keys: Vec<i64> = groups.iter().map(|group| (*group).cast_signed() * 77_777_777).collect();
    for batch in states {
        let got = batch.column(1).as_primitive::<arrow::datatypes::Int64Type>();
        // The bucket, the key and the place are before them, and the partition where it matters.
        let has_partition = batch.column(3).data_type() == &DataType::UInt32;
        let rows = batch.column(3 + usize::from(has_partition)).as_primitive::<UInt64Type>();
        for (key, rows) in got.iter().zip(rows.values()) {
            if let Some(at) = keys.iter().position(|of| Some(*of) == key) {
                counts[at] = (counts[at].0 + 1, counts[at].1 + rows);
            }
        }
    }
    counts
}

#[test]
fn a_task_that_gives_up_hands_out_two_state_rows_of_a_heavy_group() {
    let group = group_of(wholes, true, &[Reduction::Len]);
    // By its rows, and, with more of them in heavy groups, for want of memory.
    for (shares, plenty) in [(&[10, 60, 20, 19], None), (&[100, 200, 20, 25], Some(5 << 20))] {
        let rows = skewed(400_000, shares);
        let states = state_rows(&group, 0, &batches_of(wholes, &rows, 0, 5000), plenty);
        let of = |wanted: u64| rows.iter().filter(|row| row.0 == wanted).count() as u64;
        assert_eq!(counts(&states, &[1, 2, 3]), [(2, of(1)), (2, of(2)), (2, of(3))]);
        let heavy = of(0) + of(1) + of(2) + of(3);
        let all: usize = states.iter().map(RecordBatch::num_rows).sum();
        assert_eq!(all as u64, 400_000 - heavy + 6, "every other row is one, but those of null keys");
        let ordered = Group { ordered_key: Some(0), ..group.clone() };
        let states = state_rows(&ordered, 0, &batches_of(wholes, &rows, 0, 5000), plenty);
        assert!(counts(&states, &[1])[0].0 > 1000, "rows stay beside each other");
    }
}

#[test]
fn heavy_groups_do_not_keep_a_task_from_giving_up() {
    let group = group_of(wholes, true, &[Reduction::Len]);
    let rows = skewed(400_000, &[100, 300, 20, 25]);
    let of = |wanted: u64| rows.iter().filter(|row| row.0 == wanted).count() as u64;
    let states = state_rows(&group, 0, &batches_of(wholes, &rows, 0, 5000), None);
    assert_eq!(counts(&states, &[1, 2, 3]), [(2, of(1)), (2, of(2)), (2, of(3))]);
    // Not where the others come again.
    let few: Vec<Row> = rows.iter().map(|row| (row.0 % 20_000, row.1)).collect();
    let states = state_rows(&group, 0, &batches_of(wholes, &few, 0, 5000), None);
    assert_eq!(counts(&states, &[1])[0].0, 1);
}

#[test]
fn groups_are_those_of_loops_whenever_a_task_gives_up() {
    for (name, keys) in KEYS {
        for drops in [true, false] {
            for shares in [&[40, 30, 20][..], &[100, 200, 20]] {
                let partitions =
                    [skewed(90_000, shares), skewed(3_000, shares), skewed(75_000, &[20, 30, 40])];
                let wanted = plain(keys, &partitions, 4000, drops);
                let group = group_of(keys, drops, &ASKED);
                for plenty in [None, Some(0), Some(5 << 20), Some(9 << 20)] {
                    let what = format!("{name}, nulls dropped: {drops}, {shares:?}, plenty: {plenty:?}");
                    let mut first = 0;
                    let mut states = Vec::new();
                    for (partition, rows) in partitions.iter().enumerate() {
                        let batches = batches_of(keys, rows, first, 4000);
                        states.extend(state_rows(&group, partition, &batches, plenty));
                        first += rows.len();
                    }
                    check(&what, &merged(&group, &states, 10_007), &wanted);
                }
            }
        }
    }
}

#[test]
fn keys_of_one_hash_are_told_apart() {
    let rows = skewed(90_000, &[40, 30, 20, 20]);
    for (name, keys) in KEYS {
        let group = group_of(keys, false, &ASKED);
        let machine = machine_of(None);
        let mut first = First::new(&group, 0, &machine).unwrap();
        first.grouping.hot.as_mut().unwrap().set_hash(weak);
        let mut states = Vec::new();
        for batch in batches_of(keys, &rows, 0, 4000) {
            states.extend(first.push(batch).unwrap());
        }
        assert!(first.grouping.hot.as_ref().is_some_and(Hot::is_on));
        states.extend(first.finish().unwrap());
        // The weak hash has no buckets: they are those of the keys.
        let with_buckets = states.iter().map(|batch| {
            let mut columns = batch.columns().to_vec();
            let hashes = compute::hash_rows(&columns[1..=group.keys.len()], batch.num_rows()).unwrap();
            columns[0] = buckets(&hashes);
            RecordBatch::try_new(batch.schema(), columns).unwrap()
        });
        let states: Vec<RecordBatch> = with_buckets.collect();
        check(name, &merged(&group, &states, 10_007), &plain(keys, std::slice::from_ref(&rows), 4000, false));
    }
}

#[test]
fn heavy_groups_that_are_handed_out_early_keep_their_bits() {
    let rows = skewed(120_000, &[40, 30, 20, 20]);
    for (name, keys) in KEYS {
        let group = group_of(keys, false, &ASKED);
        let machine = machine_of(None);
        let mut first = First::new(&group, 0, &machine).unwrap();
        let mut states = Vec::new();
        for (batch, at) in batches_of(keys, &rows, 0, 4000).into_iter().zip(0..) {
            states.extend(first.push(batch).unwrap());
            if at == 25 {
                assert!(first.grouping.hot.as_ref().is_some_and(Hot::is_on));
                first.grouping.finish_hot(&mut states).unwrap();
            }
        }
        assert!(first.grouping.hot.is_none());
        states.extend(first.finish().unwrap());
        check(name, &merged(&group, &states, 10_007), &plain(keys, std::slice::from_ref(&rows), 4000, false));
    }
}
