//! Sorted frames, against a stable sort of their rows.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::cmp::Ordering;
use std::sync::Arc;

use partita::arrow::array::{
    ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt64Array,
};
use partita::arrow::compute::concat_batches;
use partita::arrow::datatypes::UInt64Type;
use partita::prelude::*;
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug, Clone)]
struct Row {
    whole: Option<i64>,
    float: Option<f64>,
    text: Option<String>,
    /// Its place in the input.
    place: u64,
}

#[derive(Debug, Clone, Copy)]
struct By {
    column: usize,
    descending: bool,
    nulls_first: bool,
}

const NAMES: [&str; 3] = ["whole", "float", "text"];

impl By {
    fn key(self) -> SortBy {
        let mut key = SortBy::new(NAMES[self.column]);
        if self.descending {
            key = key.descending();
        }
        if self.nulls_first { key.nulls_first() } else { key }
    }

    fn compare(self, a: &Row, b: &Row) -> Ordering {
        match self.column {
            0 => self.values(a.whole, b.whole, i64::cmp),
            // NaN is above all, and zeros are equal.
            1 => self.values(a.float, b.float, |a, b| {
                a.is_nan().cmp(&b.is_nan()).then(a.partial_cmp(b).unwrap_or(Ordering::Equal))
            }),
            _ => self.values(a.text.as_ref(), b.text.as_ref(), |a, b| a.as_bytes().cmp(b.as_bytes())),
        }
    }

    fn values<T>(self, a: Option<T>, b: Option<T>, order: impl Fn(&T, &T) -> Ordering) -> Ordering {
        match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) if self.nulls_first => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) if self.nulls_first => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) if self.descending => order(&b, &a),
            (Some(a), Some(b)) => order(&a, &b),
        }
    }
}

fn batch(rows: &[Row]) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable([
        ("whole", Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.whole))) as ArrayRef, true),
        ("float", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.float))) as ArrayRef, true),
        (
            "text",
            Arc::new(StringViewArray::from_iter(rows.iter().map(|row| row.text.as_ref()))) as ArrayRef,
            true,
        ),
        (
            "place",
            Arc::new(UInt64Array::from_iter_values(rows.iter().map(|row| row.place))) as ArrayRef,
            false,
        ),
    ])
    .unwrap()
}

fn places(batches: &[RecordBatch]) -> Vec<u64> {
    let places = |batch: &RecordBatch| batch.column(3).as_primitive::<UInt64Type>().values().to_vec();
    batches.iter().flat_map(places).collect()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let whole = prop_oneof![
        2 => Just(None),
        6 => (-3_i64..3).prop_map(Some),
        2 => any::<i64>().prop_map(Some),
        1 => prop_oneof![Just(i64::MIN), Just(i64::MAX)].prop_map(Some),
    ];
    let special = [f64::NAN, -0.0, 0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN_POSITIVE];
    let float = prop_oneof![
        1 => Just(None),
        3 => (-2_i8..2).prop_map(|value| Some(f64::from(value))),
        3 => proptest::sample::select(special.to_vec()).prop_map(Some),
        2 => any::<f64>().prop_map(Some),
    ];
    let text = prop_oneof![
        1 => Just(None),
        4 => "[ab]{0,3}".prop_map(Some),
        1 => "a{20,30}[bc]".prop_map(Some),
        1 => ".{0,40}".prop_map(Some),
    ];
    vec((whole, float, text), 0..300).prop_map(|rows| {
        let row = |(place, (whole, float, text))| Row { whole, float, text, place: place as u64 };
        rows.into_iter().enumerate().map(row).collect()
    })
}

fn by() -> impl Strategy<Value = Vec<By>> {
    let one = (0..3_usize, any::<bool>(), any::<bool>());
    let one = one.prop_map(|(column, descending, nulls_first)| By { column, descending, nulls_first });
    vec(one, 1..4)
}

fn session(threads: usize, limit: &str, scheduler: Scheduler) -> Session {
    let session = Session::builder().threads(threads).scheduler(scheduler);
    let session = if limit.is_empty() { session } else { session.memory_limit(limit) };
    session.build().unwrap()
}

fn sorted(session: &Session, parts: &[Vec<Row>], by: &[By]) -> DataFrame {
    let partitions = parts.iter().map(|rows| rows.chunks(50).map(batch).collect()).collect();
    let frame = session.from_batches(batch(&[]).schema(), partitions).unwrap();
    frame.sort_values(by.iter().map(|by| by.key()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn rows_are_those_of_a_stable_sort(rows in rows(), by in by(), cut in 1_usize..120) {
        let parts: Vec<Vec<Row>> = rows.chunks(cut).map(<[Row]>::to_vec).collect();
        let compare =
            |a: &Row, b: &Row| by.iter().fold(Ordering::Equal, |all, by| all.then_with(|| by.compare(a, b)));
        let mut expected = rows.clone();
        expected.sort_by(compare);
        let frame = sorted(&session(2, "", Scheduler::Threaded), &parts, &by);
        let mut last: Option<u64> = None;
        let mut all = Vec::new();
        for partition in 0..frame.npartitions().unwrap() {
            let batches = frame.partitions(partition..partition + 1).compute_batches().unwrap();
            let places = places(&batches);
            // Rows that are equal are in one partition.
            if let (Some(last), Some(first)) = (last, places.first()) {
                prop_assert!(compare(&rows[last as usize], &rows[*first as usize]).is_lt());
            }
            last = places.last().copied().or(last);
            all.extend(batches);
        }
        let got = concat_batches(&batch(&[]).schema(), &all).unwrap();
        prop_assert_eq!(got, batch(&expected));
    }
}

/// Many rows, so that small limits make many runs and send them to disk.
fn many(rows: u64, key: impl Fn(u64) -> Option<i64>) -> Vec<Vec<Row>> {
    let row = |place: u64| Row {
        whole: key(place),
        float: Some(place as f64 / 8.0),
        text: Some(format!("{:0>width$}", place, width = 40 + (place % 50) as usize)),
        place,
    };
    let all: Vec<Row> = (0..rows).map(row).collect();
    all.chunks(rows.div_ceil(6) as usize).map(<[Row]>::to_vec).collect()
}

fn scattered(place: u64) -> Option<i64> {
    Some((place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as i64)
}

#[test]
fn limits_threads_and_schedulers_change_nothing() {
    let parts = many(400_000, scattered);
    let by = [By { column: 0, descending: false, nulls_first: false }];
    let mut expected: Vec<Row> = parts.concat();
    expected.sort_by(|a, b| by[0].compare(a, b));
    let expected = places(&[batch(&expected)]);
    let mut cuts = None;
    // Of 330 MiB some runs stay in memory, and others go to the store.
    for limit in ["128MiB", "256MiB", "330MiB", ""] {
        for (threads, scheduler) in [
            (1, Scheduler::Threaded),
            (2, Scheduler::Threaded),
            (8, Scheduler::Threaded),
            (1, Scheduler::SingleThreaded),
        ] {
            let session = session(threads, limit, scheduler);
            let frame = sorted(&session, &parts, &by).persist().unwrap();
            let counts: Vec<u64> = (0..frame.npartitions().unwrap())
                .map(|partition| frame.partitions(partition..partition + 1).len().unwrap())
                .collect();
            assert_eq!(*cuts.get_or_insert_with(|| counts.clone()), counts, "{limit}, {threads} threads");
            let largest = counts.iter().max().unwrap();
            assert!(*largest < 2 * 400_000 / 6, "{counts:?}");
            let got: Vec<RecordBatch> = frame.batches().unwrap().collect::<partita::Result<_>>().unwrap();
            assert!(places(&got) == expected, "{limit}, {threads} threads");
        }
    }
}

#[test]
fn more_runs_than_can_be_merged_at_once_are_merged_in_steps() {
    let all = many(90_000, scattered).concat();
    let parts: Vec<Vec<Row>> = all.chunks(1500).map(<[Row]>::to_vec).collect();
    let by = [By { column: 0, descending: true, nulls_first: false }];
    let mut expected = all;
    expected.sort_by(|a, b| by[0].compare(a, b));
    // 60 runs, each of which has rows of every part; at this limit 16 are merged at once.
    let frame = sorted(&session(4, "128MiB", Scheduler::Threaded), &parts, &by);
    let got: Vec<RecordBatch> = frame.batches().unwrap().collect::<partita::Result<_>>().unwrap();
    assert!(places(&got) == places(&[batch(&expected)]));
}

#[test]
fn skewed_keys_are_sorted_and_no_partition_is_too_large_for_another_reason() {
    type Key = fn(u64) -> Option<i64>;
    let keys: [(&str, Key); 6] = [
        ("80 % one key", |place| if place % 5 == 0 { scattered(place) } else { Some(1 << 40) }),
        ("all equal", |_| Some(7)),
        ("all null", |_| None),
        ("sorted", |place| Some(place as i64)),
        ("reverse sorted", |place| Some(-(place as i64))),
        ("few keys", |place| Some((place % 3) as i64)),
    ];
    let by = [By { column: 0, descending: false, nulls_first: false }];
    for (name, key) in keys {
        let parts = many(60_000, key);
        let mut expected: Vec<Row> = parts.concat();
        expected.sort_by(|a, b| by[0].compare(a, b));
        let frame = sorted(&session(2, "", Scheduler::Threaded), &parts, &by).persist().unwrap();
        let mut all = Vec::new();
        for partition in 0..frame.npartitions().unwrap() {
            let batches = frame.partitions(partition..partition + 1).compute_batches().unwrap();
            let places = places(&batches);
            let mut keys: Vec<Option<i64>> = places.iter().map(|place| key(*place)).collect();
            keys.sort_unstable();
            let heaviest = keys.chunk_by(|a, b| a == b).map(<[_]>::len).max().unwrap_or(0);
            let target = 60_000 / 6;
            assert!(
                places.len() <= 2 * target || heaviest + target >= places.len(),
                "{name}: {}",
                places.len()
            );
            all.extend(places);
        }
        let expected: Vec<u64> = expected.iter().map(|row| row.place).collect();
        assert!(all == expected, "{name}");
    }
}

#[test]
fn long_texts_are_sorted_too() {
    let rows = 20_000_u64;
    let text = |place: u64| {
        let mixed = place.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        format!("{}{mixed:020}", "the same beginning ".repeat(50))
    };
    let row = |place| Row { whole: None, float: None, text: Some(text(place)), place };
    let all: Vec<Row> = (0..rows).map(row).collect();
    let parts: Vec<Vec<Row>> = all.chunks(4000).map(<[Row]>::to_vec).collect();
    let by = [By { column: 2, descending: true, nulls_first: false }];
    let mut expected = all;
    expected.sort_by(|a, b| by[0].compare(a, b));
    let frame = sorted(&session(2, "128MiB", Scheduler::Threaded), &parts, &by);
    let got: Vec<RecordBatch> = frame.batches().unwrap().collect::<partita::Result<_>>().unwrap();
    assert!(places(&got) == places(&[batch(&expected)]));
}

#[test]
fn what_cannot_be_sorted_is_said_when_it_is_asked() {
    let session = session(1, "", Scheduler::Threaded);
    let frame = session.from_batches(batch(&[]).schema(), vec![vec![batch(&[])]]).unwrap();
    let error = |frame: DataFrame| frame.schema().unwrap_err().to_string();
    assert!(error(frame.sort_values(["wole"])).contains("whole"));
    assert!(error(frame.sort_values(Vec::<SortBy>::new())).contains("name at least one column"));
    let empty = frame.sort_values(["whole", "text"]);
    assert_eq!(empty.len().unwrap(), 0);
    assert_eq!(empty.compute_batches().unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(), 0);
}
