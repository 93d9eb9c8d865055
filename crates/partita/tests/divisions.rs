//! How frames are cut by an index: what is known of it, what each operator does to it, and what `loc` makes of it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::Arc;

use partita::arrow::array::{ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use partita::arrow::datatypes::{DataType, Field, Int64Type, Schema};
use partita::prelude::*;
use partita::{ConcatColumns, Cumulative, Divisions, Loc, Scalar};
use proptest::prelude::*;

fn session() -> Session {
    Session::builder().memory_limit("256MiB").threads(2).build().unwrap()
}

/// A frame with a partition for each list of keys `k`, and the running number `v`.
fn frame(session: &Session, partitions: &[&[i64]]) -> DataFrame {
    let fields = vec![Field::new("k", DataType::Int64, true), Field::new("v", DataType::Int64, false)];
    let schema = Arc::new(Schema::new(fields));
    let mut next = 0;
    let batches = partitions.iter().map(|keys| {
        let numbers: Vec<i64> = (next..next + keys.len() as i64).collect();
        next += keys.len() as i64;
        let columns: Vec<ArrayRef> =
            vec![Arc::new(Int64Array::from(keys.to_vec())), Arc::new(Int64Array::from(numbers))];
        vec![RecordBatch::try_new(Arc::clone(&schema), columns).unwrap()]
    });
    session.from_batches(Arc::clone(&schema), batches.collect()).unwrap()
}

fn column(frame: &DataFrame, name: &str) -> Vec<i64> {
    let batches = frame.select([name]).compute_batches().unwrap();
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

fn integers(frame: &DataFrame) -> Vec<i64> {
    let divisions = frame.divisions().unwrap();
    let value = |value: &Scalar| match value {
        Scalar::Int64(value) => *value,
        _ => i64::MIN,
    };
    divisions.values().map(|values| values.iter().map(value).collect()).unwrap_or_default()
}

fn refusal<T: std::fmt::Debug>(result: partita::Result<T>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn divisions_are_computed_kept_and_cleared() {
    let session = session();
    let cut = frame(&session, &[&[], &[3, 1], &[], &[4], &[9, 7], &[]]);
    assert!(!cut.known_divisions().unwrap());
    let known = cut.compute_divisions("k").unwrap();
    // Partitions without rows begin where the next begins; the last one beyond all.
    assert_eq!(integers(&known), [1, 1, 4, 4, 7, 10, 10]);
    assert_eq!(known.divisions().unwrap().column(), Some("k"));
    assert!(known.explain(Stage::Written).unwrap().contains("divisions by k, from 1 to 10"));
    assert!(known.explain(Stage::Fused).unwrap().contains("6 partitions, divisions by k, from 1 to 10"));
    assert!(known.to_string().contains("divisions by k, from 1 to 10"));
    assert_eq!(integers(&known.persist().unwrap()), [1, 1, 4, 4, 7, 10, 10]);
    assert_eq!(known.clear_divisions().divisions().unwrap(), Divisions::Unknown);
    assert_eq!(column(&known.get_partition(3), "v"), [2]);
    assert_eq!(integers(&known.get_partition(3)), [4, 7]);
    assert!(refusal(known.get_partition(6).len()).contains("there is no partition 6: the frame has 6"));
}

#[test]
fn partitions_that_overlap_are_named() {
    let session = session();
    let wrong = refusal(frame(&session, &[&[1, 5], &[6], &[], &[6, 8], &[7]]).compute_divisions("k"));
    assert!(wrong.contains("1 ends at 6 and 3 begins at 6; 3 ends at 8 and 4 begins at 7"), "{wrong}");
    assert!(wrong.contains("set_index(\"k\")"), "{wrong}");
    assert!(refusal(frame(&session, &[&[], &[]]).compute_divisions("k")).contains("no row"));
    let nulls = frame(&session, &[&[1, 2], &[3]])
        .with_column("k", when(col("k").gt(lit(2))).then(col("k")).otherwise_null())
        .compute_divisions("k");
    assert!(refusal(nulls).contains("nulls or NaN in 1 partitions (0)"));
    let nan = frame(&session, &[&[1, 2], &[3]]).with_column("f", lit(0.0) / (col("k") - lit(3)));
    assert!(refusal(nan.compute_divisions("f")).contains("(1)"));
}

/// Name of the operator on top of a plan.
fn top(frame: &DataFrame) -> String {
    let text = frame.explain(Stage::Written).unwrap();
    text.lines().nth(1).unwrap().trim().split([' ', ':']).next().unwrap().to_owned()
}

#[test]
fn every_operator_has_its_rule() {
    let session = session();
    let known = frame(&session, &[&[1, 2], &[3, 4], &[5]]).compute_divisions("k").unwrap();
    let stored = known.persist().unwrap();
    let schema = Schema::clone(&stored.schema().unwrap());
    let same = |frame: DataFrame| (top(&frame), frame.divisions().unwrap().to_string());
    let lists = stored.with_column("parts", col("k").cast(DataType::Utf8View).str().split("2"));
    let all = "by k, from 1 to 5";
    let cases = [
        (stored.clone(), "Stored", all),
        (known, "Divided", all),
        (stored.filter(col("v").gt(lit(1))), "Filter", all),
        (stored.select(["v", "k"]), "Project", all),
        (stored.rename([("k", "key")]), "Project", "by key, from 1 to 5"),
        (stored.drop(["k"]), "Project", "unknown"),
        (stored.with_column("k", col("k") + lit(1)), "Project", "unknown"),
        (stored.with_column("also", col("k")), "Project", all),
        (stored.with_row_index("row"), "RowIndex", all),
        (lists.explode("parts"), "Explode", all),
        (stored.with_running("sum", Cumulative::Sum, col("v")), "Cumulate", all),
        (stored.sample(0.5, 1), "Sample", all),
        (stored.partitions(1..2), "Partitions", "by k, from 3 to 5"),
        (stored.map_partition_batches(schema, |_, rows| Ok(rows)), "MapPartitions", "unknown"),
        (stored.reduce([col("k").sum()]), "Reduce", "unknown"),
        (stored.nlargest(2, ["k"]), "Top", "unknown"),
        (stored.shuffle(["k"]), "Shuffle", "unknown"),
        (stored.drop_duplicates(), "Distinct", "unknown"),
        (stored.repartition(4), "Spread", "unknown"),
    ];
    for (frame, name, divisions) in cases {
        assert_eq!(same(frame), (name.to_owned(), divisions.to_owned()));
    }
}

#[test]
fn the_table_has_a_rule_for_every_operator() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let (nodes, page) = (read("crates/partita-plan/src/node.rs"), read("docs/architecture.md"));
    let variants = nodes.split("pub enum Plan {").nth(1).unwrap().split("\n}").next().unwrap();
    let names = variants.lines().filter_map(|line| line.trim().split_once('(')).map(|(name, _)| name);
    let names: Vec<&str> = names.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    assert!(names.len() > 14, "{names:?}");
    for name in names {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/architecture.md has no rule of divisions for {name}"
        );
    }
}

#[test]
fn loc_asks_values_ranges_and_lists() {
    let session = session();
    let known = frame(&session, &[&[1, 2], &[4, 3], &[7, 5, 7], &[9]]).compute_divisions("k").unwrap();
    let ask = |at: Loc| {
        let found = known.loc(at);
        (column(&found, "k"), found.npartitions().unwrap())
    };
    assert_eq!(ask(7.into()), (vec![7, 7], 1));
    assert_eq!(ask(6.into()), (vec![], 1));
    assert_eq!(ask(9.into()), (vec![9], 1));
    assert_eq!(ask(10.into()), (vec![], 1));
    assert_eq!(ask((3..7).into()), (vec![4, 3, 5], 2));
    assert_eq!(ask((3..=7).into()), (vec![4, 3, 7, 5, 7], 2));
    assert_eq!(ask((3..5).into()), (vec![4, 3], 1));
    assert_eq!(ask((6..).into()), (vec![7, 7, 9], 2));
    assert_eq!(ask((..3).into()), (vec![1, 2], 1));
    assert_eq!(ask((..=3).into()), (vec![1, 2, 3], 2));
    assert_eq!(ask([2, 3].into()), (vec![2, 3], 2));
    assert_eq!(ask(2.5.into()), (vec![], 1));
    assert_eq!(integers(&known.loc(3..6)), [3, 5, 9]);
    let wrong = refusal(known.clear_divisions().loc(3).len());
    assert!(wrong.contains("set_index(..)") && wrong.contains("filter(..)"), "{wrong}");
    assert!(known.loc("2015-05-05").len().is_err());
}

#[test]
fn loc_takes_parts_of_dates() {
    let session = session();
    let texts = [
        "2015-12-31 23:59:59",
        "2016-02-28 00:00:00",
        "2016-02-29 12:30:00",
        "2016-02-29 12:30:01",
        "2016-02-29 13:00:00",
        "2016-03-01 00:00:00",
        "2017-01-01 00:00:00",
    ];
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
    let batch = |text: &str| {
        RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(StringArray::from(vec![text]))]).unwrap()
    };
    let batches = texts.iter().map(|text| vec![batch(text)]).collect();
    let texts = session.from_batches(Arc::clone(&schema), batches).unwrap();
    let time = |zone: Option<&str>| {
        DataType::Timestamp(partita::arrow::datatypes::TimeUnit::Microsecond, zone.map(Arc::from))
    };
    let counted = |frame: &DataFrame, at: Loc| frame.loc(at).len().unwrap();
    for zone in [None, Some("Europe/Berlin")] {
        let times = texts.with_column("at", col("text").cast(time(zone))).compute_divisions("at").unwrap();
        let cases: [(Loc, u64); 12] = [
            ("2016".into(), 5),
            ("2016-02".into(), 4),
            ("2016-02-29".into(), 3),
            ("2016-02-29 12".into(), 2),
            ("2016-02-29T12:30".into(), 2),
            ("2016-02-29 12:30:00".into(), 1),
            (("2015".."2016").into(), 1),
            (("2015"..="2016").into(), 6),
            (("2016-02-28".."2016-02-29").into(), 1),
            (("2016-02-28"..="2016-02-29").into(), 4),
            (("2016-03"..).into(), 2),
            (["2015-12", "2017-01-01"].into(), 2),
        ];
        for (at, rows) in cases {
            assert_eq!(counted(&times, at.clone()), rows, "{at:?} in {zone:?}");
        }
        // The partition before may have rows of the morning.
        assert_eq!(times.loc("2016-02-29").npartitions().unwrap(), 4);
        assert!(refusal(times.loc("2016-02-30").len()).contains("\"2016-02-30\" is no part of"));
    }
    let days = texts.with_column("at", col("text").str().slice(0, 10).cast(DataType::Date32));
    let days = days.partitions(0..2).compute_divisions("at").unwrap();
    assert_eq!(counted(&days, "2015-12".into()), 1);
    assert_eq!(counted(&days, "2016-02-28".into()), 1);
    assert!(refusal(days.loc("2016-02-28 12").len()).contains("YYYY-MM-DD"));
}

#[test]
fn frames_are_put_one_after_the_other() {
    let session = session();
    let low = frame(&session, &[&[1, 2], &[3]]).compute_divisions("k").unwrap();
    let high = frame(&session, &[&[], &[7], &[9, 8]]).compute_divisions("k").unwrap();
    let both = DataFrame::concat(&[low.clone(), high.select(["v", "k"])]);
    assert_eq!(column(&both, "k"), [1, 2, 3, 7, 9, 8]);
    assert_eq!(column(&both, "v"), [0, 1, 2, 0, 1, 2]);
    assert_eq!(integers(&both), [1, 3, 7, 7, 8, 9]);
    assert_eq!((top(&both), both.npartitions().unwrap(), both.len().unwrap()), ("Concat".into(), 5, 6));
    assert_eq!(column(&both.loc(3..8), "k"), [3, 7]);
    assert_eq!(column(&both.partitions(1..4).filter(col("v").eq(lit(0))), "k"), [7]);
    assert_eq!(
        column(&both.with_row_index("row").filter(col("k").gt(lit(2))).select(["k"]), "k"),
        [3, 7, 9, 8]
    );
    assert_eq!(column(&both.persist().unwrap().loc([1, 9]), "k"), [1, 9]);
    for stage in Stage::ALL {
        let found = both.filter(col("k").gt(lit(2))).select(["k"]).compute_batches_at(stage).unwrap();
        assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 4, "{stage}");
    }
    // Ranges that overlap, or touch: no row is lost, and nothing is known.
    for other in [&[2_i64, 4][..], &[3, 5]] {
        let over =
            DataFrame::concat(&[low.clone(), frame(&session, &[other]).compute_divisions("k").unwrap()]);
        assert_eq!((over.known_divisions().unwrap(), over.len().unwrap()), (false, 5));
    }
    let turned = DataFrame::concat(&[high, low]);
    assert_eq!((column(&turned, "k"), turned.known_divisions().unwrap()), (vec![7, 9, 8, 1, 2, 3], false));
    let explained = both.explain(Stage::Written).unwrap();
    assert_eq!(
        explained.matches("    Divided").count() + explained.matches("      Divided").count(),
        3,
        "{explained}"
    );
}

/// The keys of each partition.
fn parts(frame: &DataFrame) -> Vec<Vec<i64>> {
    (0..frame.npartitions().unwrap()).map(|number| column(&frame.get_partition(number), "k")).collect()
}

#[test]
fn partitions_are_joined_and_cut() {
    let session = session();
    let cut: [&[i64]; 5] = [&[0, 1, 2], &[3], &[], &[6, 4, 5], &[7, 8, 9]];
    let known = frame(&session, &cut).compute_divisions("k").unwrap();
    let two = known.repartition(2);
    assert_eq!(
        (parts(&two), integers(&two)),
        (vec![vec![0, 1, 2, 3], vec![6, 4, 5, 7, 8, 9]], vec![0, 4, 9])
    );
    assert_eq!((parts(&known.repartition(1)).len(), top(&two)), (1, "Regroup".to_owned()));
    assert_eq!(parts(&known.repartition(5)), parts(&known));
    let more = known.repartition(6);
    assert_eq!((parts(&more).concat(), top(&more)), (parts(&known).concat(), "Spread".to_owned()));
    assert!(!more.known_divisions().unwrap());
    let by = known.repartition_by([0, 3, 9]);
    assert_eq!(parts(&by), [vec![0, 1, 2], vec![3, 6, 4, 5, 7, 8, 9]]);
    assert_eq!(integers(&by), [0, 3, 9]);
    let wide = known.repartition_by([-5, 5, 20]);
    assert_eq!(
        (parts(&wide), integers(&wide)),
        (vec![vec![0, 1, 2, 3, 4], vec![6, 5, 7, 8, 9]], vec![-5, 5, 20])
    );
    let fine = known.repartition_by([0, 1, 1, 5, 9, 9]);
    assert_eq!(parts(&fine), [vec![0], vec![], vec![1, 2, 3, 4], vec![6, 5, 7, 8], vec![9]]);
    for frame in [&two, &by, &wide, &fine] {
        assert_eq!((frame.len().unwrap(), frame.loc(4..).len().unwrap()), (10, 6));
        assert_eq!(column(&frame.reduce([col("v").sum()]), "v"), [45]);
        for stage in Stage::ALL {
            let found = frame.filter(col("k").gt(lit(2))).select(["v"]).compute_batches_at(stage).unwrap();
            assert_eq!(found.iter().map(RecordBatch::num_rows).sum::<usize>(), 7, "{stage}");
        }
    }
    assert!(refusal(known.repartition_by([1, 9]).len()).contains("leave rows out"));
    assert!(refusal(known.repartition_by([0, 5, 4, 9]).len()).contains("expected ascending values"));
    assert!(refusal(known.clear_divisions().repartition_by([0, 9]).len()).contains("not known"));
    let stored = known.persist().unwrap();
    assert_eq!(parts(&stored.repartition_size("1MiB")).len(), 1);
    assert_eq!(parts(&stored.repartition_size(1)).concat(), [0, 1, 2, 3, 6, 4, 5, 7, 8, 9]);
}

#[test]
fn partitions_of_days() {
    let session = session();
    let texts = ["2020-01-01T01:00:00", "2020-01-01T23:00:00", "2020-01-02T05:00:00", "2020-01-03T00:00:00"];
    let schema = Arc::new(Schema::new(vec![Field::new("text", DataType::Utf8, false)]));
    let columns: Vec<ArrayRef> = vec![Arc::new(StringArray::from(texts.to_vec()))];
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let unit = partita::arrow::datatypes::TimeUnit::Nanosecond;
    let times = session.from_batches(schema, vec![vec![batch]]).unwrap();
    let times = times.with_column("d", col("text").cast(DataType::Timestamp(unit, None)));
    let days = times.compute_divisions("d").unwrap().repartition_every("1d");
    let divisions = days.divisions().unwrap();
    let bounds: Vec<String> = divisions.values().unwrap().iter().map(Scalar::to_string).collect();
    let dates: Vec<&str> = bounds.iter().map(|bound| &bound[6..16]).collect();
    assert_eq!(dates, ["2020-01-01", "2020-01-02", "2020-01-03", "2020-01-03"]);
    assert!(bounds[0].contains("01:00"), "{bounds:?}");
    let rows: Vec<u64> = (0..3).map(|day| days.get_partition(day).len().unwrap()).collect();
    assert_eq!(rows, [2, 1, 1]);
    assert!(refusal(days.repartition_every("1m").len()).contains("minutes or months"));
}

#[test]
fn columns_of_frames_go_by_name() {
    let session = session();
    let one = frame(&session, &[&[1]]);
    let other = frame(&session, &[&[2]]).with_column("w", lit("q")).drop(["v"]);
    assert!(
        refusal(DataFrame::concat(&[one.clone(), other.clone()]).len())
            .contains("frame 1 has no column \"v\"")
    );
    let outer = DataFrame::concat_with(&[one.clone(), other.clone()], ConcatColumns::Outer);
    assert_eq!(outer.columns().unwrap(), ["k", "v", "w"]);
    let nulls: Vec<(String, u64)> =
        [("k", 2), ("v", 1), ("w", 1)].map(|(name, count)| (name.to_owned(), count)).into();
    assert_eq!(outer.count().unwrap(), nulls);
    assert!(outer.schema().unwrap().field(1).is_nullable());
    assert!(outer.compute_batches().unwrap().iter().all(|batch| batch.schema() == outer.schema().unwrap()));
    let inner = DataFrame::concat_with(&[one.clone(), other.clone()], ConcatColumns::Inner);
    assert_eq!((inner.columns().unwrap(), column(&inner, "k")), (vec!["k".to_owned()], vec![1, 2]));
    let texts = other.select([col("w").alias("k")]);
    assert!(refusal(DataFrame::concat(&[one.select(["k"]), texts]).len()).contains("no type holds both"));
    let narrow = one.select([col("k").cast(DataType::Int32).alias("k")]);
    let wide = DataFrame::concat(&[narrow, one.select(["k"])]);
    assert_eq!(wide.schema().unwrap().field(0).data_type(), &DataType::Int64);
    assert_eq!(column(&wide, "k"), [1, 1]);
    assert!(refusal(DataFrame::concat(&[]).len()).contains("at least one frame"));
}

#[test]
fn a_data_set_is_read_with_the_divisions_of_its_frame() {
    let folder = tempfile::tempdir().unwrap();
    let (out, plain) = (folder.path().join("out"), folder.path().join("plain"));
    let session = session();
    let cut = frame(&session, &[&[1, 2], &[], &[4, 3], &[7, 5, 7], &[9]]);
    let known = cut.compute_divisions("k").unwrap();
    known.to_parquet(&out).file_per_partition(true).write().unwrap();
    let manifest = std::fs::read_to_string(out.join("_partita.json")).unwrap();
    assert!(manifest.contains("\"index\": \"k\""), "{manifest}");
    let back = session.read_parquet(&out).split_row_groups(1).load().unwrap();
    assert_eq!(integers(&back).first(), Some(&1));
    assert_eq!(integers(&back).last(), Some(&9));
    assert_eq!(column(&back.loc(3..=7), "k"), [4, 3, 7, 5, 7]);
    assert_eq!(back.loc(9).npartitions().unwrap(), 1);
    assert!(back.known_divisions().unwrap() && !cut.known_divisions().unwrap());
    // Rows that were appended without an order take it away; so does nobody having known of one.
    cut.to_parquet(&out).append(true).write().unwrap();
    assert!(!session.read_parquet(&out).load().unwrap().known_divisions().unwrap());
    cut.to_parquet(&plain).write().unwrap();
    assert!(!session.read_parquet(&plain).load().unwrap().known_divisions().unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// What `loc` finds is what a filter finds, whatever the partitions are.
    #[test]
    fn loc_is_a_filter(
        keys in proptest::collection::vec(-20_i64..20, 1..30),
        cuts in proptest::collection::vec(-22_i64..22, 0..6),
        ends in (-25_i64..25, -25_i64..25),
    ) {
        let session = Session::builder().memory_limit("128MiB").threads(1).build().unwrap();
        let (mut keys, mut cuts) = (keys, cuts);
        keys.sort_unstable();
        cuts.sort_unstable();
        let mut from = i64::MIN;
        let mut parts: Vec<Vec<i64>> = Vec::new();
        for until in cuts.into_iter().chain([i64::MAX]) {
            parts.push(keys.iter().copied().filter(|key| (from..until).contains(key)).collect());
            from = until;
        }
        let parts: Vec<&[i64]> = parts.iter().map(Vec::as_slice).collect();
        let known = frame(&session, &parts).compute_divisions("k").unwrap();
        let bounds = integers(&known);
        for (number, part) in parts.iter().enumerate() {
            let is_last = number + 1 == parts.len();
            for key in *part {
                let below = *key < bounds[number + 1] || (is_last && *key == bounds[number + 1]);
                prop_assert!(bounds[number] <= *key && below, "{bounds:?} {parts:?}");
            }
        }
        let (a, b) = ends;
        let wanted = |is_wanted: &dyn Fn(i64) -> bool| -> Vec<i64> {
            keys.iter().copied().filter(|key| is_wanted(*key)).collect()
        };
        prop_assert_eq!(column(&known.loc(a), "k"), wanted(&|key| key == a));
        prop_assert_eq!(column(&known.loc(a..b), "k"), wanted(&|key| (a..b).contains(&key)));
        prop_assert_eq!(column(&known.loc(a..=b), "k"), wanted(&|key| (a..=b).contains(&key)));
        prop_assert_eq!(column(&known.loc([a, b]), "k"), wanted(&|key| key == a || key == b));
    }
}
