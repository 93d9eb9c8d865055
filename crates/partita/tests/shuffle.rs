//! Rows that are put together by value, and rows that are spread over other partitions.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "support/alike.rs"]
mod alike;

use std::collections::HashMap;
use std::sync::Arc;

use partita::Reach;
use partita::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt64Array,
};
use partita::arrow::datatypes::{Field, Float64Type, Int64Type, Schema, UInt64Type};
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

const NAMES: [&str; 3] = ["whole", "float", "text"];

fn batch(rows: &[Row]) -> RecordBatch {
    let texts = StringViewArray::from_iter(rows.iter().map(|row| row.text.as_ref()));
    let places = UInt64Array::from_iter_values(rows.iter().map(|row| row.place));
    RecordBatch::try_from_iter_with_nullable([
        ("whole", Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.whole))) as ArrayRef, true),
        ("float", Arc::new(Float64Array::from_iter(rows.iter().map(|row| row.float))) as ArrayRef, true),
        ("text", Arc::new(texts) as ArrayRef, true),
        ("place", Arc::new(places) as ArrayRef, false),
    ])
    .unwrap()
}

/// The rows of a frame, partition by partition.
fn parts(frame: &DataFrame) -> Vec<Vec<Row>> {
    let part = |number| rows_of(&frame.get_partition(number).compute_batches().unwrap());
    (0..frame.npartitions().unwrap()).map(part).collect()
}

fn rows_of(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        let whole = batch.column(0).as_primitive::<Int64Type>();
        let float = batch.column(1).as_primitive::<Float64Type>();
        let text = batch.column(2).as_string_view();
        let place = batch.column(3).as_primitive::<UInt64Type>();
        rows.extend((0..batch.num_rows()).map(|row| Row {
            whole: whole.is_valid(row).then(|| whole.value(row)),
            float: float.is_valid(row).then(|| float.value(row)),
            text: text.is_valid(row).then(|| text.value(row).to_owned()),
            place: place.value(row),
        }));
    }
    rows
}

/// What is equal where the values of a column are.
fn value(row: &Row, column: usize) -> String {
    match column {
        0 => format!("{:?}", row.whole),
        1 => match row.float {
            Some(float) if float.is_nan() => "nan".to_owned(),
            Some(float) => format!("{:?}", float + 0.0),
            None => "null".to_owned(),
        },
        _ => format!("{:?}", row.text),
    }
}

fn key(row: &Row, on: &[usize]) -> Vec<String> {
    on.iter().map(|column| value(row, *column)).collect()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    alike::rows().prop_map(|rows| {
        let row = |(place, (whole, float, text))| Row { whole, float, text, place: place as u64 };
        rows.into_iter().enumerate().map(row).collect()
    })
}

fn session(threads: usize, limit: &str, scheduler: Scheduler) -> Session {
    let session = Session::builder().threads(threads).scheduler(scheduler);
    let session = if limit.is_empty() { session } else { session.memory_limit(limit) };
    session.build().unwrap()
}

fn frame(session: &Session, parts: &[Vec<Row>]) -> DataFrame {
    let partitions = parts.iter().map(|rows| rows.chunks(50).map(batch).collect()).collect();
    session.from_batches(batch(&[]).schema(), partitions).unwrap()
}

fn chunks(rows: &[Row], cut: usize) -> Vec<Vec<Row>> {
    rows.chunks(cut).map(<[Row]>::to_vec).collect()
}

fn columns() -> impl Strategy<Value = Vec<usize>> {
    proptest::sample::subsequence(vec![0_usize, 1, 2], 1..=3)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    #[test]
    fn equal_rows_are_in_one_partition(
        rows in rows(), on in columns(), cut in 1_usize..80, wanted in 1_usize..9,
    ) {
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &chunks(&rows, cut));
        let names: Vec<&str> = on.iter().map(|column| NAMES[*column]).collect();
        let shuffled = input.shuffle_into(&names, wanted);
        prop_assert_eq!(shuffled.npartitions().unwrap(), wanted);
        prop_assert_eq!(input.shuffle(&names).npartitions().unwrap(), input.npartitions().unwrap().max(1));
        prop_assert!(!shuffled.known_divisions().unwrap());
        let mut homes: HashMap<Vec<String>, usize> = HashMap::new();
        let mut last: HashMap<Vec<String>, u64> = HashMap::new();
        let mut places = Vec::new();
        for (number, part) in parts(&shuffled).into_iter().enumerate() {
            for row in part {
                let key = key(&row, &on);
                prop_assert_eq!(*homes.entry(key.clone()).or_insert(number), number);
                // Rows of a value stay in order.
                prop_assert!(last.insert(key, row.place).is_none_or(|before| before < row.place));
                let same = &rows[row.place as usize];
                prop_assert_eq!(format!("{row:?}"), format!("{same:?}"));
                places.push(row.place);
            }
        }
        places.sort_unstable();
        prop_assert_eq!(places, (0..rows.len() as u64).collect::<Vec<_>>());
    }
}

/// Many rows, so that small limits send them to disk.
fn many(rows: u64, whole: impl Fn(u64) -> Option<i64>) -> Vec<Vec<Row>> {
    let row = |place: u64| Row {
        whole: whole(place),
        float: Some(place as f64 / 8.0),
        text: Some(format!("{:0>width$}", place, width = 40 + (place % 50) as usize)),
        place,
    };
    chunks(&(0..rows).map(row).collect::<Vec<_>>(), rows.div_ceil(6) as usize)
}

fn scattered(place: u64) -> i64 {
    (place.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as i64
}

/// Every limit with every number of threads, and the other scheduler.
fn sessions() -> impl Iterator<Item = Session> {
    let (threaded, single) = (Scheduler::Threaded, Scheduler::SingleThreaded);
    let runs = [(1, threaded), (2, threaded), (8, threaded), (1, single)];
    let limits = ["", "128MiB", "256MiB"].into_iter();
    limits.flat_map(move |limit| runs.map(|(threads, scheduler)| session(threads, limit, scheduler)))
}

/// The places of the rows, partition by partition.
fn places(frame: &DataFrame) -> Vec<Vec<u64>> {
    let kept = frame.select(["place"]).persist().unwrap();
    let part = |number| {
        let batches = kept.get_partition(number).compute_batches().unwrap();
        let of = |batch: &RecordBatch| batch.column(0).as_primitive::<UInt64Type>().values().to_vec();
        batches.iter().flat_map(of).collect()
    };
    (0..kept.npartitions().unwrap()).map(part).collect()
}

#[test]
fn limits_threads_and_schedulers_change_nothing() {
    let parts = many(200_000, |place| Some(scattered(place) % 50_000));
    let mut expected = None;
    for session in sessions() {
        let input = frame(&session, &parts);
        let shuffled = places(&input.shuffle(["whole"]));
        let spread = places(&input.repartition(17));
        assert_eq!(spread.concat(), (0..200_000).collect::<Vec<_>>());
        assert!(shuffled.iter().all(|part| part.len() < 50_000), "even parts");
        let got = (shuffled, spread);
        assert!(*expected.get_or_insert_with(|| got.clone()) == got);
    }
}

#[test]
fn skewed_values_make_no_other_partition_too_large() {
    type Key = fn(u64) -> Option<i64>;
    let keys: [(&str, Key, u64); 4] = [
        ("80 % one value", |place| Some(if place % 5 == 0 { scattered(place) } else { 7 }), 48_000),
        ("all equal", |_| Some(7), 60_000),
        ("all null", |_| None, 60_000),
        ("all different", |place| Some(place as i64), 1),
    ];
    for (name, key, heaviest) in keys {
        let session = session(2, "128MiB", Scheduler::Threaded);
        let shuffled = places(&frame(&session, &many(60_000, key)).shuffle(["whole"]));
        let mut all: Vec<u64> = shuffled.concat();
        all.sort_unstable();
        assert_eq!(all, (0..60_000).collect::<Vec<_>>(), "{name}");
        for part in &shuffled {
            let most = (2 * 60_000 / 6).max(heaviest as usize + 60_000 / 6);
            assert!(part.len() <= most, "{name}: {}", part.len());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rows_are_spread_evenly_and_in_order(rows in rows(), cut in 1_usize..80, wanted in 1_usize..40) {
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &chunks(&rows, cut));
        let spread = input.repartition(wanted);
        let all = parts(&spread);
        prop_assert_eq!(all.len(), wanted);
        if wanted > input.npartitions().unwrap() {
            let least = rows.len() / wanted;
            prop_assert!(all.iter().all(|part| (least..=least + 1).contains(&part.len())));
        }
        prop_assert_eq!(format!("{:?}", all.concat()), format!("{rows:?}"));
        let kept = spread.filter(col("whole").gt(lit(0))).select(["place"]);
        prop_assert_eq!(kept.len().unwrap(), rows.iter().filter(|row| row.whole > Some(0)).count() as u64);
    }

    #[test]
    fn partitions_of_a_size_are_even(rows in rows(), cut in 20_usize..80) {
        let session = session(1, "", Scheduler::Threaded);
        let input = frame(&session, &chunks(&rows, cut)).persist().unwrap();
        let sized = input.repartition_size(400_000);
        prop_assert_eq!(format!("{:?}", parts(&sized).concat()), format!("{rows:?}"));
    }
}

#[test]
fn partitions_that_are_too_large_are_cut_by_bytes() {
    // The first rows are a hundred times as wide as the others.
    let row = |place: u64| Row {
        whole: None,
        float: None,
        text: Some("w".repeat(if place < 2_000 { 2_000 } else { 20 })),
        place,
    };
    let all: Vec<Row> = (0..100_000).map(row).collect();
    let mut cuts = None;
    for (threads, cut) in [(1, 100_000), (2, 50_000), (2, 30_001)] {
        let session = session(threads, "256MiB", Scheduler::Threaded);
        let input = frame(&session, &chunks(&all, cut)).persist().unwrap();
        let sized = places(&input.repartition_size("1MiB"));
        assert_eq!(sized.concat(), (0..100_000).collect::<Vec<_>>());
        let bytes = |part: &Vec<u64>| -> usize {
            part.iter().map(|place| 48 + all[*place as usize].text.as_ref().unwrap().len()).sum()
        };
        let (least, most) = (sized.iter().map(bytes).min().unwrap(), sized.iter().map(bytes).max().unwrap());
        assert!(sized.len() > 5 && most < 2 * least, "{least} {most}");
        cuts.get_or_insert(sized.len());
    }
}

/// What is a row and those around it, as text, by a function that sees them all.
fn around(frame: &DataFrame, before: Reach, behind: Reach) -> DataFrame {
    use partita::polars_core::prelude::{Column, NamedFrom, Series};
    let schema = Schema::new(vec![
        Field::new("place", DataType::UInt64, true),
        Field::new("seen", DataType::Utf8View, true),
    ]);
    frame.map_overlap(before, behind, schema, |frame| {
        let places = frame.column("place")?.u64()?.to_vec();
        let seen = format!("{:?}", places.iter().flatten().collect::<Vec<_>>());
        let seen = Series::new("seen".into(), vec![seen; frame.height()]);
        let columns: Vec<Column> = vec![frame.column("place")?.clone(), seen.into()];
        Ok(partita::polars_core::frame::DataFrame::new(frame.height(), columns)?)
    })
}

/// The places of the rows, and what was seen with them.
fn seen(frame: &DataFrame) -> Vec<(u64, String)> {
    let batches = frame.compute_batches().unwrap();
    let of = |batch: &RecordBatch| {
        let places = batch.column(0).as_primitive::<UInt64Type>().clone();
        let seen = batch.column(1).as_string_view().clone();
        (0..batch.num_rows()).map(|row| (places.value(row), seen.value(row).to_owned())).collect::<Vec<_>>()
    };
    batches.iter().flat_map(of).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn functions_see_rows_of_neighbours(
        sizes in vec(0_usize..5, 1..8), before in 0_usize..7, behind in 0_usize..7,
    ) {
        let row = |place: u64| Row { whole: None, float: None, text: None, place };
        let mut next = 0;
        let mut partitions = Vec::new();
        for size in sizes {
            partitions.push((next..next + size as u64).map(row).collect::<Vec<_>>());
            next += size as u64;
        }
        let session = session(2, "", Scheduler::Threaded);
        let input = frame(&session, &partitions);
        let got = seen(&around(&input, before.into(), behind.into()));
        let mut expected = Vec::new();
        for part in &partitions {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let from = first.place.saturating_sub(before as u64);
            let until = (last.place + 1 + behind as u64).min(next);
            let shown = format!("{:?}", (from..until).collect::<Vec<_>>());
            expected.extend(part.iter().map(|row| (row.place, shown.clone())));
        }
        prop_assert_eq!(got, expected);
    }

    #[test]
    fn functions_see_rows_that_are_near_in_time(
        mut at in vec(0_i64..60, 1..40), cuts in vec(0_i64..60, 0..5), before in 0_u64..20, behind in 0_u64..20,
    ) {
        at.sort_unstable();
        let mut cuts = cuts;
        cuts.sort_unstable();
        let row = |place: usize| Row { whole: Some(at[place]), float: None, text: None, place: place as u64 };
        let mut from = i64::MIN;
        let mut partitions: Vec<Vec<Row>> = Vec::new();
        for until in cuts.into_iter().chain([i64::MAX]) {
            partitions.push((0..at.len()).filter(|place| (from..until).contains(&at[*place])).map(row).collect());
            from = until;
        }
        let session = session(2, "", Scheduler::Threaded);
        let time = DataType::Timestamp(TimeUnit::Millisecond, None);
        let input = frame(&session, &partitions).with_column("at", (col("whole") * lit(1000)).cast(time));
        let input = input.compute_divisions("at").unwrap();
        let reach = |seconds| Reach::Time(std::time::Duration::from_secs(seconds));
        let got = seen(&around(&input, reach(before), reach(behind)));
        let mut expected = Vec::new();
        for part in &partitions {
            let (Some(first), Some(last)) = (part.first(), part.last()) else { continue };
            let (least, most) = (first.whole.unwrap() - before as i64, last.whole.unwrap() + behind as i64);
            let is_seen = |place: &u64| {
                (first.place..=last.place).contains(place)
                    || (*place < first.place && at[*place as usize] > least)
                    || (*place > last.place && at[*place as usize] < most)
            };
            let shown = format!("{:?}", (0..at.len() as u64).filter(is_seen).collect::<Vec<_>>());
            expected.extend(part.iter().map(|row| (row.place, shown.clone())));
        }
        prop_assert_eq!(got, expected);
    }
}

#[test]
fn neighbours_of_an_index_that_is_pending_are_seen() {
    let row = |place: u64| Row { whole: Some(scattered(place) % 500), float: None, text: None, place };
    let all: Vec<Row> = (0..2_000).map(row).collect();
    let session = session(2, "", Scheduler::Threaded);
    let time = DataType::Timestamp(TimeUnit::Second, None);
    let input = frame(&session, &chunks(&all, 500)).with_column("at", col("whole").cast(time));
    let sorted = input.set_index("at");
    assert!(!sorted.known_divisions().unwrap());
    let reach = Reach::Time(std::time::Duration::from_secs(20));
    let got = seen(&around(&sorted, reach, Reach::Rows(3)));
    let mut by_time = all;
    by_time.sort_by_key(|row| row.whole);
    let mut expected = Vec::new();
    let mut first = 0;
    for part in parts(&sorted.select(["whole", "float", "text", "place"])) {
        let least = part.first().unwrap().whole.unwrap();
        let before = by_time[..first].iter().filter(|row| row.whole.unwrap() > least - 20);
        let end = first + part.len();
        let own = by_time[first..(end + 3).min(by_time.len())].iter();
        let shown: Vec<u64> = before.chain(own).map(|row| row.place).collect();
        expected.extend(part.iter().map(|row| (row.place, format!("{shown:?}"))));
        first = end;
    }
    assert_eq!(expected.len(), 2_000);
    assert!(got == expected);
}

#[test]
fn a_job_with_a_function_of_neighbours_is_not_taken_up_again() {
    let folder = tempfile::tempdir().unwrap();
    let (input, target) = (folder.path().join("rows.csv"), folder.path().join("out"));
    std::fs::write(&input, "whole\n1\n2\n3\n").unwrap();
    let session = session(1, "", Scheduler::Threaded);
    let rows = session.read_csv(&input).load().unwrap();
    let schema = Schema::clone(&rows.schema().unwrap());
    let mapped = rows.map_overlap(1, 1, schema, Ok);
    mapped.to_parquet(&target).resume(true).write().unwrap();
    let again = mapped.to_parquet(&target).resume(true).write();
    assert!(again.is_err() || !format!("{:?}", again.unwrap()).contains("nothing was written"));
}

#[test]
fn records_cannot_be_set_aside_of_rows_that_change_partition() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("rows.csv");
    std::fs::write(&input, "whole\n1\n2\n3\n").unwrap();
    let session = session(1, "", Scheduler::Threaded);
    let rows = session.read_csv(&input).on_mismatch(OnMismatch::Quarantine).load().unwrap();
    for frame in
        [rows.shuffle(["whole"]), rows.repartition(3), rows.sort_values(["whole"]), rows.unique("whole")]
    {
        let wrong = frame.to_parquet(folder.path().join("out")).write().unwrap_err().to_string();
        assert!(wrong.contains("set aside"), "{wrong}");
    }
}

#[test]
fn what_cannot_be_is_said() {
    let session = session(1, "", Scheduler::Threaded);
    let rows = many(100, |place| Some(place as i64));
    let input = frame(&session, &rows);
    let refusal = |frame: DataFrame| frame.len().unwrap_err().to_string();
    assert!(refusal(input.shuffle(["wole"])).contains("whole"));
    assert!(refusal(input.shuffle(Vec::<&str>::new())).contains("shuffle: name at least one column"));
    assert!(refusal(input.shuffle_into(["whole"], 0)).contains("at least one partition"));
    assert!(refusal(input.repartition(0)).contains("at least one partition"));
    let second = Reach::Time(std::time::Duration::from_secs(1));
    assert!(refusal(around(&input, second, second)).contains("the frame has no index"));
    let whole = input.compute_divisions("whole").unwrap();
    assert!(refusal(around(&whole, second, second)).contains("expected an index of dates or times"));
    let schema = Schema::new(vec![Field::new("whole", DataType::Int64, true)]);
    let short = input.map_overlap(1, 1, schema.clone(), |frame| {
        let column = frame.column("whole")?.slice(0, 1);
        Ok(partita::polars_core::frame::DataFrame::new(1, vec![column])?)
    });
    let wrong = short.compute().unwrap_err().to_string();
    assert!(wrong.contains("map_overlap: given 18 rows, returned 1"), "{wrong}");
    let failing = input.map_overlap(1, 1, schema, |_| Err("no".into()));
    assert!(failing.compute().unwrap_err().to_string().contains("map_overlap: no"));
    let explained = around(&input, Reach::Rows(2), Reach::Rows(0)).explain(Stage::Fused).unwrap();
    assert!(
        explained.contains("unbounded") && explained.contains("2 rows before, 0 rows behind"),
        "{explained}"
    );
}
