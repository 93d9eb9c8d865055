//! Frames with an index: the rows against a stable sort, divisions against the rows, and what is refused.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use partita::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray, Float64Array,
    Int64Array, RecordBatch, StringViewArray, TimestampMillisecondArray, UInt64Array,
};
use partita::arrow::datatypes::{Int32Type, Schema, UInt64Type};
use partita::prelude::*;
use partita::{Cumulative, Divisions, Scalar};
use proptest::collection::vec;
use proptest::prelude::*;

fn session(threads: usize, limit: &str) -> Session {
    let session = Session::builder().threads(threads);
    let session = if limit.is_empty() { session } else { session.memory_limit(limit) };
    session.build().unwrap()
}

/// Rows of a key `k` and their number `place`, cut into partitions.
fn frame(session: &Session, keys: &ArrayRef, cut: usize) -> DataFrame {
    let places: ArrayRef = Arc::new(UInt64Array::from_iter_values(0..keys.len() as u64));
    let all =
        RecordBatch::try_from_iter_with_nullable([("k", Arc::clone(keys), true), ("place", places, false)]);
    let all = all.unwrap();
    let mut parts: Vec<Vec<RecordBatch>> = Vec::new();
    for from in (0..keys.len()).step_by(cut.max(1)) {
        let rows = cut.min(keys.len() - from);
        let some = all.slice(from, rows);
        parts.push((0..rows).step_by(50).map(|at| some.slice(at, 50.min(rows - at))).collect());
    }
    if parts.is_empty() {
        parts.push(vec![all.clone()]);
    }
    session.from_batches(all.schema(), parts).unwrap()
}

fn numbers(session: &Session, keys: &[i64], cut: usize) -> DataFrame {
    frame(session, &(Arc::new(Int64Array::from(keys.to_vec())) as ArrayRef), cut)
}

fn places(frame: &DataFrame) -> Vec<u64> {
    let batches = frame.select(["place"]).compute_batches().unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec()).collect()
}

/// The values of the index of each partition.
fn parts(frame: &DataFrame, index: &str) -> Vec<Vec<Scalar>> {
    let part = |number: usize| {
        let batches = frame.get_partition(number).select([index]).compute_batches().unwrap();
        let values = |batch: &RecordBatch| {
            let column = Arc::clone(batch.column(0));
            (0..column.len())
                .map(move |row| Scalar::try_from_array(&column, row).unwrap())
                .collect::<Vec<_>>()
        };
        batches.iter().flat_map(values).collect()
    };
    (0..frame.npartitions().unwrap()).map(part).collect()
}

/// Asserts that each row is inside of its partition's division, and returns the rows of each partition.
#[track_caller]
fn assert_divided(frame: &DataFrame) -> Vec<usize> {
    let divisions = frame.divisions().unwrap();
    let (index, values) = (divisions.column().unwrap(), divisions.values().unwrap());
    let parts = parts(frame, index);
    assert_eq!(values.len(), parts.len() + 1, "{divisions:?}");
    for (number, part) in parts.iter().enumerate() {
        for value in part {
            let is_last = number + 1 == parts.len();
            let is_below = value.compare(&values[number + 1]).unwrap();
            assert!(
                value.compare(&values[number]).unwrap().is_ge()
                    && (is_below.is_lt() || (is_last && is_below.is_eq())),
                "{value} in partition {number} of {values:?}"
            );
        }
    }
    parts.iter().map(Vec::len).collect()
}

fn refusal<T: std::fmt::Debug>(result: partita::Result<T>) -> String {
    result.unwrap_err().to_string()
}

/// The places of rows in a stable sort by keys.
fn sorted_places(keys: &[Scalar]) -> Vec<u64> {
    let mut places: Vec<usize> = (0..keys.len()).collect();
    places.sort_by(|a, b| keys[*a].compare(&keys[*b]).unwrap());
    places.into_iter().map(|place| place as u64).collect()
}

fn scalars(keys: &ArrayRef) -> Vec<Scalar> {
    (0..keys.len()).map(|row| Scalar::try_from_array(keys, row).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rows_are_those_of_a_stable_sort_and_inside_of_their_divisions(
        keys in vec(prop_oneof![4 => -20_i64..20, 1 => any::<i64>()], 0..300),
        cut in 1_usize..120,
        partitions in 1_usize..9,
    ) {
        let session = session(2, "128MiB");
        let given = numbers(&session, &keys, cut);
        let indexed = given.set_index(SetIndex::new("k").npartitions(partitions));
        let expected = sorted_places(&scalars(&(Arc::new(Int64Array::from(keys.clone())) as ArrayRef)));
        prop_assert_eq!(&places(&indexed), &expected);
        let held = indexed.persist().unwrap();
        prop_assert_eq!(places(&held), expected);
        if keys.is_empty() {
            prop_assert!(!held.known_divisions().unwrap());
        } else {
            prop_assert!(held.known_divisions().unwrap());
            assert_divided(&held);
            assert_divided(&indexed.compute_divisions("k").unwrap());
        }
    }

    #[test]
    fn given_divisions_cut_where_they_say(
        keys in vec(-20_i64..20, 0..200),
        cut in 1_usize..80,
        inner in vec(-25_i64..25, 0..6),
        ends in any::<bool>(),
    ) {
        let session = session(2, "128MiB");
        let mut divisions = inner;
        if !ends {
            divisions.extend([-20, 20]);
        } else {
            divisions.extend([-5, 5]);
        }
        divisions.sort_unstable();
        let outside = if ends { Outside::Ends } else { Outside::Error };
        let index = SetIndex::new("k").divisions(divisions.clone()).outside(outside);
        let indexed = numbers(&session, &keys, cut).set_index(index);
        prop_assert_eq!(indexed.known_divisions().unwrap(), !ends);
        let last = divisions.len() - 2;
        let home = |key: &i64| divisions[1..=last].iter().filter(|begin| *begin <= key).count();
        for (number, part) in parts(&indexed, "k").iter().enumerate() {
            let mut expected: Vec<i64> = keys.iter().copied().filter(|key| home(key) == number).collect();
            expected.sort_unstable();
            let expected: Vec<Scalar> = expected.into_iter().map(Scalar::from).collect();
            prop_assert_eq!(part, &expected);
        }
        if !keys.is_empty() {
            assert_divided(&indexed.persist().unwrap());
        }
    }

    /// Whatever the filter, partitions that were asked for by number are cut as without it.
    #[test]
    fn a_filter_moves_no_row_to_another_partition(
        keys in vec(-20_i64..20, 1..200),
        least in -20_i64..20,
        number in 0_usize..4,
    ) {
        let session = session(1, "128MiB");
        let given = numbers(&session, &keys, 37);
        for indexed in [
            given.set_index(SetIndex::new("k").npartitions(4)),
            given.sort_values(["k"]),
        ] {
            let number = number % indexed.npartitions().unwrap();
            let all = parts(&indexed, "k").swap_remove(number);
            let found = indexed.get_partition(number).filter(col("k").gt_eq(lit(least)));
            let expected: Vec<Scalar> =
                all.iter().filter(|key| key.compare(&Scalar::from(least)).unwrap().is_ge()).cloned().collect();
            for stage in Stage::ALL {
                let batches = found.select(["k"]).compute_batches_at(stage).unwrap();
                let got: Vec<Scalar> = batches.iter().flat_map(|batch| scalars(batch.column(0))).collect();
                prop_assert_eq!(&got, &expected, "{}", stage);
            }
            let known = indexed.compute_divisions("k").unwrap();
            assert_divided(&known);
            let found = known.filter(col("k").gt_eq(lit(least)));
            assert_divided(&found);
            let few = known.repartition_by([-30, 0, 30]).filter(col("k").gt_eq(lit(least)));
            prop_assert_eq!(few.len().unwrap(), keys.iter().filter(|key| **key >= least).count() as u64);
        }
    }
}

fn scattered(place: u64) -> i64 {
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as i64
}

#[test]
fn divisions_are_pending_until_the_frame_is_computed() {
    let session = session(2, "128MiB");
    let keys: Vec<i64> = (0..1000).map(|place| scattered(place) % 50).collect();
    let given = numbers(&session, &keys, 300);
    let indexed = given.set_index("k");
    assert_eq!(indexed.divisions().unwrap(), Divisions::Pending { column: "k".into() });
    assert!(!indexed.known_divisions().unwrap());
    assert!(indexed.explain(Stage::Fused).unwrap().contains("4 partitions, divisions pending on k"));
    assert!(indexed.to_string().contains("divisions pending on k"));
    let held = indexed.persist().unwrap();
    assert!(held.known_divisions().unwrap());
    assert_eq!(assert_divided(&held).iter().sum::<usize>(), 1000);
    // What is known is not computed again.
    assert_eq!(held.compute_divisions("k").unwrap().divisions().unwrap(), held.divisions().unwrap());
    assert_eq!(indexed.compute_divisions("k").unwrap().divisions().unwrap(), held.divisions().unwrap());
    assert_eq!(indexed.reset_index().divisions().unwrap(), Divisions::Unknown);
    assert_eq!(indexed.reset_index().columns().unwrap(), ["k", "place"]);
    assert_eq!(indexed.reset_index_drop().columns().unwrap(), ["place"]);
    assert_eq!(given.reset_index_drop().columns().unwrap(), ["k", "place"]);
    assert!(refusal(indexed.repartition_by([0, 50]).len()).contains("persist() it first"));
}

#[test]
fn every_operator_keeps_or_drops_pending_divisions() {
    let session = session(2, "128MiB");
    let keys: Vec<i64> = (0..900).map(|place| scattered(place) % 70).collect();
    let indexed = numbers(&session, &keys, 200).set_index(SetIndex::new("k").npartitions(6));
    let schema = Schema::clone(&indexed.schema().unwrap());
    let kept = [
        indexed.clone(),
        indexed.filter(col("k").gt(lit(10))),
        indexed.select(["place", "k"]),
        indexed.with_column("twice", col("place") * lit(2)),
        indexed.with_row_index("row"),
        indexed.with_running("sum", Cumulative::Sum, col("place")),
        indexed.sample(0.5, 7),
        indexed.partitions(1..4),
        indexed.repartition(2),
        indexed.loc(20..50),
        indexed.set_index("k"),
        indexed.set_index(SetIndex::new("k").sorted(true).npartitions(3)),
        indexed.sort_values(["k"]),
    ];
    for frame in kept {
        assert_eq!(frame.divisions().unwrap().to_string(), "pending on k", "{frame}");
        let rows = assert_divided(&frame.persist().unwrap());
        assert_eq!(rows.iter().sum::<usize>() as u64, frame.len().unwrap(), "{frame}");
    }
    assert_eq!(indexed.rename([("k", "key")]).divisions().unwrap().to_string(), "pending on key");
    assert_divided(&indexed.rename([("k", "key")]).persist().unwrap());
    let other = indexed.set_index(SetIndex::new("place").drop(true));
    assert_eq!(other.columns().unwrap(), ["place"]);
    assert_divided(&other.persist().unwrap());
    let dropped = [
        indexed.drop(["k"]),
        indexed.with_column("k", col("k") + lit(1)),
        indexed.map_partition_batches(schema, |_, rows| Ok(rows)),
        indexed.reduce([col("k").sum()]),
        indexed.nlargest(2, ["k"]),
        indexed.sort_values([SortBy::new("k").descending()]),
        indexed.sort_values(["k", "place"]),
        DataFrame::concat(&[indexed.clone(), indexed]),
    ];
    for frame in dropped {
        assert_eq!(frame.divisions().unwrap(), Divisions::Unknown, "{frame}");
    }
}

#[test]
fn a_sorted_frame_knows_its_divisions_unless_it_has_nulls() {
    let session = session(2, "128MiB");
    let keys: Vec<Option<i64>> = (0..500).map(|place| Some(scattered(place) % 90)).collect();
    let mut holes = keys.clone();
    holes[77] = None;
    let of = |keys: Vec<Option<i64>>| frame(&session, &(Arc::new(Int64Array::from(keys)) as ArrayRef), 100);
    assert_divided(&of(keys).sort_values(["k"]).persist().unwrap());
    for by in [SortBy::new("k"), SortBy::new("k").nulls_first()] {
        let sorted = of(holes.clone()).sort_values([by]);
        assert_eq!(sorted.loc(3).len().unwrap(), sorted.filter(col("k").eq(lit(3))).len().unwrap());
        assert_eq!(sorted.persist().unwrap().divisions().unwrap(), Divisions::Unknown);
    }
}

#[test]
fn keys_of_all_types_become_an_index() {
    let session = session(2, "128MiB");
    let spread = |place: u64| scattered(place) % 300 - 150;
    let texts: Vec<String> = (0..700).map(|place| format!("key {:03}", spread(place))).collect();
    let days = || (0..700).map(|place| spread(place) as i32);
    let keys: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values((0..700).map(spread))),
        Arc::new(UInt64Array::from_iter_values((0..700).map(|place| spread(place).unsigned_abs()))),
        Arc::new(Float64Array::from_iter_values((0..700).map(|place| spread(place) as f64 / 4.0))),
        Arc::new(BooleanArray::from_iter((0..700).map(|place| Some(spread(place) > 0)))),
        Arc::new(Date32Array::from_iter_values(days())),
        Arc::new(TimestampMillisecondArray::from_iter_values((0..700).map(spread))),
        Arc::new(TimestampMillisecondArray::from_iter_values((0..700).map(spread)).with_timezone("UTC")),
        Arc::new(
            Decimal128Array::from_iter_values((0..700).map(|place| i128::from(spread(place))))
                .with_precision_and_scale(10, 2)
                .unwrap(),
        ),
        Arc::new(StringViewArray::from_iter_values(&texts)),
        Arc::new(DictionaryArray::<Int32Type>::from_iter(texts.iter().map(String::as_str))),
    ];
    for keys in keys {
        let held =
            frame(&session, &keys, 150).set_index(SetIndex::new("k").npartitions(2)).persist().unwrap();
        assert_eq!(places(&held), sorted_places(&scalars(&keys)), "{}", keys.data_type());
        assert_divided(&held);
        let some = scalars(&keys).swap_remove(5);
        let found = held.loc(some.clone());
        assert_eq!(found.len().unwrap(), held.filter(col("k").eq(Expr::Literal(some))).len().unwrap());
    }
}

#[test]
fn rows_without_a_place_are_counted_and_refused() {
    let session = session(2, "128MiB");
    let nulls: ArrayRef = Arc::new(Int64Array::from_iter((0..90).map(|row| (row % 9 > 0).then_some(row))));
    let message = refusal(frame(&session, &nulls, 20).set_index("k").len_of_rows());
    assert!(message.contains("\"k\" is null or NaN in 10 of 90 rows"), "{message}");
    assert!(message.contains("filter(..)") && message.contains("fill_null(..)"), "{message}");
    let nans: ArrayRef =
        Arc::new(Float64Array::from_iter_values((0..60).map(|row| if row == 7 { f64::NAN } else { 1.0 })));
    for index in [SetIndex::new("k"), SetIndex::new("k").sorted(true)] {
        let message = refusal(frame(&session, &nans, 20).set_index(index).len_of_rows());
        assert!(message.contains("in 1 of 60 rows"), "{message}");
    }
    // Whoever asks for values asks for none of them.
    assert_eq!(frame(&session, &nulls, 20).set_index("k").loc(1..).len().unwrap(), 80);
    let nothing: ArrayRef = Arc::new(Int64Array::from(vec![None::<i64>; 5]));
    assert!(refusal(frame(&session, &nothing, 2).set_index("k").len_of_rows()).contains("in 5 of 5 rows"));
}

#[test]
fn rows_outside_of_given_divisions_are_named() {
    let session = session(2, "128MiB");
    let given = numbers(&session, &[5, 2, 9, 4, 1, 6], 2);
    let message = refusal(given.set_index(SetIndex::new("k").divisions([2, 5, 8])).len_of_rows());
    let known = [
        "\"k\" is 9 in row 0 of partition 1, which is behind the last division 8",
        "\"k\" is 1 in row 0 of partition 2, which is before the first division 2",
    ];
    assert!(known.iter().any(|known| message.contains(known)), "{message}");
    assert!(message.contains("outside(Outside::Ends)"), "{message}");
    let open = given.set_index(SetIndex::new("k").divisions([2, 5, 8]).outside(Outside::Ends));
    let values = |parts: &[&[i64]]| -> Vec<Vec<Scalar>> {
        parts.iter().map(|part| part.iter().copied().map(Scalar::from).collect()).collect()
    };
    assert_eq!(parts(&open, "k"), values(&[&[1, 2, 4], &[5, 6, 9]]));
    assert_eq!(open.divisions().unwrap().to_string(), "pending on k");
    assert_eq!(open.persist().unwrap().divisions().unwrap().to_string(), "by k, from 1 to 9");
    let all = given.set_index(SetIndex::new("k").divisions([0, 5, 5, 9]));
    assert_eq!(parts(&all, "k"), values(&[&[1, 2, 4], &[], &[5, 6, 9]]));
    let refused = |index: SetIndex| refusal(given.set_index(index).schema());
    assert!(refused(SetIndex::new("k").divisions([0, 5, 4])).contains("expected ascending values"));
    assert!(refused(SetIndex::new("k").divisions([0])).contains("at least two values"));
    assert!(refused(SetIndex::new("k").divisions(["a", "b"])).contains("is no Int64"));
    assert!(refused(SetIndex::new("k").divisions([0, 9]).npartitions(2)).contains("say one"));
    assert!(refused(SetIndex::new("k").outside(Outside::Ends)).contains("there are none"));
    assert!(refused(SetIndex::new("k").npartitions(0)).contains("at least one partition"));
    assert!(refused(SetIndex::new("k").partition_size("much")).contains("\"much\" is no size"));
    assert!(refused(SetIndex::new("kk")).contains("\"kk\""));
}

#[test]
fn rows_that_are_said_to_be_in_order_are_checked() {
    let session = session(2, "128MiB");
    let keys: Vec<i64> = (0..600).map(|row| row / 4).collect();
    let indexed = numbers(&session, &keys, 130).set_index(SetIndex::new("k").sorted(true));
    assert_eq!(places(&indexed), (0..600).collect::<Vec<u64>>());
    assert_divided(&indexed.persist().unwrap());
    let broken = |row: usize, key: i64| {
        let mut keys = keys.clone();
        keys[row] = key;
        refusal(numbers(&session, &keys, 130).set_index(SetIndex::new("k").sorted(true)).len_of_rows())
    };
    let within = broken(200, 7);
    assert!(within.contains("in partition 1 row 69 has 49 and row 70 has 7"), "{within}");
    // Batches have 50 rows: the order is checked from one to the next too.
    let between = broken(180, 0);
    assert!(between.contains("in partition 1 row 49 has 44 and row 50 has 0"), "{between}");
    let across = broken(129, 500);
    assert!(across.contains("row 129 of partition 0 has 500 and row 0 of partition 1 has 32"), "{across}");
    assert!(across.contains("leave sorted(true) out"), "{across}");
}

#[test]
fn partitions_are_as_large_as_is_asked_for() {
    let session = session(2, "128MiB");
    let keys: Vec<i64> = (0..50_000).map(scattered).collect();
    let given = numbers(&session, &keys, 20_000);
    // Sixteen bytes a row.
    let held = given.set_index(SetIndex::new("k").partition_size(100_000)).persist().unwrap();
    let rows = assert_divided(&held);
    let used: Vec<&usize> = rows.iter().take_while(|rows| **rows > 0).collect();
    assert_eq!(used.len(), 8, "{rows:?}");
    assert!(rows[8..].iter().all(|rows| *rows == 0) && rows.len() > 8, "{rows:?}");
    assert!(used.iter().all(|rows| **rows * 16 < 150_000), "{rows:?}");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    given.set_index(SetIndex::new("k").partition_size(100_000)).to_parquet(&out).write().unwrap();
    let parts = std::fs::read_dir(&out)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".parquet"));
    assert_eq!(parts.count(), 1);
}

#[test]
fn skewed_keys_make_no_partition_too_large_for_another_reason() {
    type Key = fn(u64) -> i64;
    let keys: [(&str, Key); 5] = [
        ("80 % one key", |place| if place % 5 == 0 { scattered(place) } else { 1 << 40 }),
        ("all equal", |_| 7),
        ("sorted", |place| place as i64),
        ("reverse sorted", |place| -(place as i64)),
        ("few keys", |place| (place % 3) as i64),
    ];
    let session = session(2, "128MiB");
    for (name, key) in keys {
        let keys: Vec<i64> = (0..40_000).map(key).collect();
        let held = numbers(&session, &keys, 8_000).set_index("k").persist().unwrap();
        let expected = sorted_places(&keys.iter().copied().map(Scalar::from).collect::<Vec<_>>());
        assert!(places(&held) == expected, "{name}");
        for (rows, part) in assert_divided(&held).into_iter().zip(parts(&held, "k")) {
            let heaviest = part.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap_or(0);
            assert!(rows <= 2 * 8_000 || heaviest + 8_000 >= rows, "{name}: {rows}");
        }
    }
}

#[test]
fn limits_threads_and_schedulers_change_nothing() {
    let keys: Vec<i64> = (0..300_000).map(|place| scattered(place) >> 30).collect();
    let mut first: Option<(Divisions, Vec<u64>)> = None;
    for limit in ["128MiB", "256MiB", ""] {
        for (threads, scheduler) in
            [(1, Scheduler::Threaded), (8, Scheduler::Threaded), (1, Scheduler::SingleThreaded)]
        {
            let session = Session::builder().threads(threads).scheduler(scheduler);
            let session = if limit.is_empty() { session } else { session.memory_limit(limit) };
            let given = numbers(&session.build().unwrap(), &keys, 45_000);
            let held = given.set_index(SetIndex::new("k").partition_size("1MiB")).persist().unwrap();
            let got = (held.divisions().unwrap(), places(&held));
            assert!(*first.get_or_insert_with(|| got.clone()) == got, "{limit}, {threads} threads");
        }
    }
}

#[test]
fn a_data_set_keeps_its_index_and_takes_rows_behind_its_end() {
    let session = session(2, "128MiB");
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let keys = |from: u64, rows: u64| -> Vec<i64> {
        (0..rows).map(|place| (from + (place * 7919) % rows) as i64).collect()
    };
    let indexed = |from: u64, rows: u64| {
        numbers(&session, &keys(from, rows), 300).set_index(SetIndex::new("k").npartitions(4))
    };
    let write = |frame: &DataFrame| frame.to_parquet(&out).append(true).row_group_rows(100).write();
    write(&indexed(0, 1000)).unwrap();
    let read = || session.read_parquet(&out).split_row_groups(1).load().unwrap();
    let back = read();
    assert_eq!(back.divisions().unwrap().to_string(), "by k, from 0 to 999");
    assert_divided(&back);
    assert_eq!(back.loc(250).npartitions().unwrap(), 1);
    assert_eq!(places(&back.loc(100..300)), places(&indexed(0, 1000).loc(100..300)));
    write(&indexed(1000, 500)).unwrap();
    assert_eq!(read().divisions().unwrap().to_string(), "by k, from 0 to 1499");
    for frame in [indexed(1499, 10), indexed(0, 5), indexed(700, 2000)] {
        let message = refusal(write(&frame));
        assert!(message.contains("in order of \"k\"") && message.contains("it ends at 1499"), "{message}");
        assert_eq!(read().len().unwrap(), 1500);
    }
    // An index is given up where rows without one follow.
    write(&numbers(&session, &[3], 1)).unwrap();
    assert!(!read().known_divisions().unwrap());
    assert_eq!(read().len().unwrap(), 1501);
}

#[test]
fn a_persisted_frame_is_asked_frame_by_frame() {
    let session = session(2, "");
    let keys: Vec<i64> = (0..600_000).map(|place| scattered(place) % 100_000).collect();
    let given = numbers(&session, &keys, 300_000);
    // A frame of the store has 64 Ki rows.
    let held = given.set_index(SetIndex::new("k").npartitions(2)).persist().unwrap();
    let unordered = given.select([col("k"), col("place"), lit(1).alias("one")]).persist().unwrap();
    let asked = [
        col("k").eq(lit(77_777)),
        col("k").gt_eq(lit(20_000)).and(col("k").lt(lit(20_100))),
        col("k").lt(lit(50)).or(col("k").gt(lit(99_950))),
        col("k").is_in([3, 49_999, 200_000]),
        col("k").gt(lit(99_999)),
        col("k").neq(lit(5)).and(col("place").lt(lit(100))),
        lit(60_000).lt_eq(col("k")).and(col("k").lt_eq(lit(60_003))),
        col("k").gt(lit(10)).not(),
    ];
    for asked in asked {
        let mut found = places(&held.filter(asked.clone()));
        for stage in Stage::ALL {
            let batches = held.filter(asked.clone()).select(["k"]).compute_batches_at(stage).unwrap();
            assert_eq!(
                batches.iter().map(RecordBatch::num_rows).sum::<usize>(),
                found.len(),
                "{asked} {stage}"
            );
        }
        let twice = held.filter(asked.clone()).filter(col("place").gt_eq(lit(0))).len().unwrap();
        assert_eq!(twice, found.len() as u64, "{asked}");
        let mut expected = places(&unordered.filter(asked.clone()));
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{asked}");
    }
    assert_eq!(held.loc(20_000..20_100).filter(col("k").gt(lit(30_000))).len().unwrap(), 0);
    assert_eq!(places(&held.loc(500)), places(&held.filter(col("k").eq(lit(500)))));
}

/// Asking that runs.
trait Run {
    fn len_of_rows(&self) -> partita::Result<usize>;
}

impl Run for DataFrame {
    fn len_of_rows(&self) -> partita::Result<usize> {
        Ok(self.compute_batches()?.iter().map(RecordBatch::num_rows).sum())
    }
}
