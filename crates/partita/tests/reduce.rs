//! Reductions of frames: the values of loops, and the same bits whatever runs them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;

use partita::Reduction;
use partita::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray};
use partita::arrow::datatypes::{Field, Schema};
use partita::prelude::*;

fn session(scheduler: Scheduler, threads: usize) -> Session {
    Session::builder().memory_limit("256MiB").scheduler(scheduler).threads(threads).build().unwrap()
}

const RUNS: [(Scheduler, usize); 3] =
    [(Scheduler::SingleThreaded, 1), (Scheduler::Threaded, 2), (Scheduler::Threaded, 8)];

/// 40 partitions of 1,000 rows, cut into batches of `batch_rows`.
fn frame(session: &Session, batch_rows: usize) -> DataFrame {
    let schema = Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, true),
        Field::new("x", DataType::Float64, true),
        Field::new("zone", DataType::Utf8View, true),
    ]));
    let partition = |number: i64| {
        let rows = number * 1000..(number + 1) * 1000;
        let ids: ArrayRef =
            Arc::new(rows.clone().map(|id| (id % 13 != 5).then_some(id)).collect::<Int64Array>());
        let x: ArrayRef = Arc::new(
            rows.clone()
                .map(|id| (id % 7 != 2).then_some((id as f64 * 0.77).sin() * 1e3))
                .collect::<Float64Array>(),
        );
        let zones: ArrayRef = Arc::new(
            rows.map(|id| (id % 3 != 0).then(|| format!("zone {}", id % 97))).collect::<StringViewArray>(),
        );
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![ids, x, zones]).unwrap();
        (0..1000).step_by(batch_rows).map(|at| batch.slice(at, batch_rows.min(1000 - at))).collect::<Vec<_>>()
    };
    session.from_batches(Arc::clone(&schema), (0..40).map(partition).collect()).unwrap()
}

fn row(frame: &DataFrame) -> Vec<partita::Scalar> {
    let batches = frame.compute_batches().unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 1);
    batches[0].columns().iter().map(|column| partita::Scalar::try_from_array(column, 0).unwrap()).collect()
}

fn bits(frame: &DataFrame) -> Vec<String> {
    let shown = |value: partita::Scalar| match value {
        partita::Scalar::Float64(value) => format!("{:016x}", value.to_bits()),
        other => format!("{other:?}"),
    };
    row(frame).into_iter().map(shown).collect()
}

fn questions() -> Vec<Expr> {
    vec![
        col("id").sum().alias("sum"),
        col("x").sum(),
        (col("x").mean() * lit(2.0) + col("x").max()).alias("mixed"),
        col("x").min().alias("least"),
        col("x").idxmin().alias("where"),
        col("zone").max(),
        (col("x") * col("x")).sum().alias("squares"),
        len().alias("rows"),
        col("id").count().alias("ids"),
        col("zone").null_count().alias("none"),
    ]
}

#[test]
fn values_are_those_of_loops() {
    let rows = row(&frame(&session(Scheduler::Threaded, 2), 300).reduce(questions()));
    let ids = (0..40_000_i64).filter(|id| id % 13 != 5);
    let xs: Vec<(u64, f64)> =
        (0..40_000_u64).filter(|id| id % 7 != 2).map(|id| (id, (id as f64 * 0.77).sin() * 1e3)).collect();
    let close = |got: &partita::Scalar, expected: f64| match got {
        partita::Scalar::Float64(got) => {
            assert!((got - expected).abs() <= expected.abs() * 1e-11, "{got} {expected}");
        }
        other => assert_eq!(*other, partita::Scalar::Float64(expected)),
    };
    assert_eq!(rows[0], partita::Scalar::Int64(ids.clone().sum()));
    let sum: f64 = xs.iter().map(|(_, x)| x).sum();
    close(&rows[1], sum);
    let greatest = xs.iter().map(|(_, x)| *x).fold(f64::MIN, f64::max);
    close(&rows[2], sum / xs.len() as f64 * 2.0 + greatest);
    let least = xs.iter().copied().reduce(|a, b| if b.1 < a.1 { b } else { a }).unwrap();
    assert_eq!(rows[3], partita::Scalar::Float64(least.1));
    assert_eq!(rows[4], partita::Scalar::UInt64(least.0));
    assert_eq!(rows[5], partita::Scalar::Utf8("zone 96".into()));
    close(&rows[6], xs.iter().map(|(_, x)| x * x).sum());
    assert_eq!(rows[7], partita::Scalar::UInt64(40_000));
    assert_eq!(rows[8], partita::Scalar::UInt64(ids.count() as u64));
    assert_eq!(rows[9], partita::Scalar::UInt64((0..40_000).filter(|id| id % 3 == 0).count() as u64));
}

#[test]
fn bits_do_not_depend_on_what_runs_them() {
    let expected = bits(&frame(&session(Scheduler::SingleThreaded, 1), 1000).reduce(questions()));
    for (scheduler, threads) in RUNS {
        for batch_rows in [1000, 333, 64, 7] {
            let reduced = frame(&session(scheduler, threads), batch_rows).reduce(questions());
            assert_eq!(bits(&reduced), expected);
            for stage in Stage::ALL {
                assert_eq!(reduced.compute_batches_at(stage).unwrap(), reduced.compute_batches().unwrap());
            }
        }
    }
}

/// Small partitions that are held are reduced by one task, and as if each had one of its own: only fused stages put them together.
#[test]
fn small_partitions_are_reduced_each_by_itself() {
    let shown = |frame: &DataFrame, stage: Stage| {
        let batches = frame.compute_batches_at(stage).unwrap();
        let value = |column: &ArrayRef| match partita::Scalar::try_from_array(column, 0).unwrap() {
            partita::Scalar::Float64(value) => format!("{:016x}", value.to_bits()),
            other => format!("{other:?}"),
        };
        batches[0].columns().iter().map(value).collect::<Vec<_>>()
    };
    for (scheduler, threads) in RUNS {
        let all = frame(&session(scheduler, threads), 333);
        // All of some partitions, some rows of others, and none of the first and the last.
        let some = all.filter((col("id") % lit(3000)).gt(lit(1500)).and(col("id").lt(lit(38_000))));
        for rows in [&all, &some, &some.filter(col("x").gt(lit(1e9))), &all.partitions(3..20)] {
            let mut asked = questions();
            asked.extend([col("x").std(1).alias("std"), col("x").approx_quantile(0.3).alias("sketch")]);
            let reduced = rows.reduce(asked);
            assert_eq!(shown(&reduced, Stage::Fused), shown(&reduced, Stage::Physical));
        }
    }
}

#[test]
fn a_csv_reduces_whatever_its_blocks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let lines: Vec<String> = (0..2000).map(|id| format!("{id},\"a\n{}\",{}.25", id % 5, id % 100)).collect();
    std::fs::write(&path, format!("id,zone,fare\n{}\n", lines.join("\n"))).unwrap();
    for (scheduler, threads) in RUNS {
        for block in [100, 1000, 1 << 20] {
            let all = session(scheduler, threads).read_csv(&path).block_size(block).load().unwrap();
            let paid = all.filter(col("fare").gt(lit(50.0)));
            let reduced = paid.reduce([col("fare").sum(), len(), col("zone").min()]);
            let expected: f64 =
                (0..2000).map(|id| f64::from(id % 100) + 0.25).filter(|fare| *fare > 50.0).sum();
            assert_eq!(
                row(&reduced),
                [
                    partita::Scalar::Float64(expected),
                    partita::Scalar::UInt64(1000),
                    partita::Scalar::Utf8("a\n0".into())
                ]
            );
        }
    }
}

#[test]
fn a_reduced_frame_is_a_frame() {
    let all = frame(&session(Scheduler::Threaded, 2), 500);
    let row = all.reduce([col("x").mean().alias("m"), len().alias("n")]);
    assert_eq!((row.npartitions().unwrap(), row.len().unwrap()), (1, 1));
    assert_eq!(row.filter(col("n").gt(lit(5))).select(["n"]).len().unwrap(), 1);
    assert_eq!(row.filter(col("n").lt(lit(5))).len().unwrap(), 0);
    assert_eq!(row.persist().unwrap().head(3).unwrap().height(), 1);
    assert_eq!(row.batches().unwrap().count(), 1);
    // Nothing but the column that is used is read, and what is known is not counted.
    let plan = all.reduce([len().alias("n"), col("x").sum()]).explain(Stage::Fused).unwrap();
    assert!(plan.contains("Reduce [bounded]: len() as n (known), sum(x) as x"), "{plan}");
    assert!(plan.contains("columns: x\n"), "{plan}");
    assert_eq!(all.reduce([len()]).tasks().unwrap(), 1);
    let none = all.filter(col("id").lt(lit(-1)));
    let row = self::row(&none.reduce([col("x").sum(), col("x").mean().alias("m"), col("zone").max(), len()]));
    let null = |data_type| partita::Scalar::Null(data_type);
    assert_eq!(
        row,
        [
            partita::Scalar::Float64(0.0),
            null(DataType::Float64),
            null(DataType::Utf8View),
            partita::Scalar::UInt64(0)
        ]
    );
}

#[test]
fn whole_frames_reduce_the_columns_that_can() {
    let all = frame(&session(Scheduler::Threaded, 2), 500);
    assert_eq!(all.sum().columns().unwrap(), ["id", "x"]);
    assert_eq!(all.mean().columns().unwrap(), ["id", "x"]);
    assert_eq!(all.max().columns().unwrap(), ["id", "x", "zone"]);
    assert_eq!(row(&all.null_count())[2], partita::Scalar::UInt64(13_334));
    assert_eq!(row(&all.min())[0], partita::Scalar::Int64(0));
}

#[test]
fn wrong_reductions_say_so() {
    let all = frame(&session(Scheduler::Threaded, 2), 500);
    let refused = |expression: Expr| all.reduce([expression]).compute().unwrap_err().to_string();
    assert_eq!(
        refused(col("zone").sum()),
        "sum(zone): sum is not defined for Utf8; cast it first, or leave it out"
    );
    assert_eq!(
        refused(col("x").sum() + col("id")),
        "id: reduce gives one row, and the column has many; reduce it with sum(), max(), mean() or the like"
    );
    assert!(refused(col("xx").sum()).contains("did you mean"));
    assert!(refused(col("x").sum().max()).contains("a reduction of a reduction"));
    let message = all.filter(col("x").gt(col("x").mean())).len().unwrap_err().to_string();
    assert_eq!(message, "mean(x): one value of all rows stands in reduce(..) only");
    let large = all.select([(col("id") * lit(0) + lit(i64::MAX)).alias("large")]);
    let message = large.sum().compute().unwrap_err().to_string();
    assert!(message.contains("integer overflow in sum: the result does not fit Int64"), "{message}");
    let defined = col("x").aggregate(Reduction::Max);
    assert_eq!(all.reduce([defined]).columns().unwrap(), ["x"]);
}

#[test]
fn questions_that_need_all_values() {
    let asked = || {
        [
            col("id").nunique(),
            col("id").median().alias("middle"),
            col("zone").nunique(),
            col("zone").mode().alias("most"),
            col("id").approx_nunique().alias("about"),
            col("x").quantile(0.9),
            col("x").var(1).alias("var"),
            col("x").corr(col("id")).alias("corr"),
            col("x").skew().alias("skew"),
            col("id").first().alias("first"),
            col("id").last().alias("last"),
        ]
    };
    let all = frame(&session(Scheduler::SingleThreaded, 1), 1000).reduce(asked());
    let values = row(&all);
    let ids: Vec<i64> = (0..40_000_i64).filter(|id| id % 13 != 5).collect();
    assert_eq!(values[0], partita::Scalar::UInt64(ids.len() as u64));
    let middle = (ids[(ids.len() - 1) / 2] + ids[ids.len() / 2]) as f64 / 2.0;
    assert_eq!(values[1], partita::Scalar::Float64(middle));
    assert_eq!(values[2], partita::Scalar::UInt64(97));
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    (0..40_000)
        .filter(|id| id % 3 != 0)
        .for_each(|id| *counts.entry(format!("zone {}", id % 97)).or_default() += 1);
    let most = counts.values().max().unwrap();
    let mode = counts.iter().find(|(_, count)| *count == most).unwrap().0.clone();
    assert_eq!(values[3], partita::Scalar::Utf8(mode));
    assert!((number(&values[4]) / ids.len() as f64 - 1.0).abs() < 0.025);
    let mut xs: Vec<f64> =
        (0..40_000).filter(|id| id % 7 != 2).map(|id| (f64::from(id) * 0.77).sin() * 1e3).collect();
    xs.sort_by(f64::total_cmp);
    let at = 0.9 * (xs.len() - 1) as f64;
    let expected = xs[at as usize] + (xs[at as usize + 1] - xs[at as usize]) * at.fract();
    assert!((number(&values[5]) - expected).abs() < 1e-9);
    let expected = bits(&all);
    for (scheduler, threads) in RUNS {
        for batch_rows in [333, 64] {
            let session = session(scheduler, threads);
            let reduced = frame(&session, batch_rows).reduce(asked());
            assert_eq!(bits(&reduced), expected);
            drop(reduced);
            assert_eq!(session.memory().managed_bytes, 0);
        }
    }
}

#[test]
fn running_totals_do_not_depend_on_partitions() {
    let all = frame(&session(Scheduler::Threaded, 2), 300);
    let totals = all.select(["id"]).cumsum();
    let got: Vec<Option<i64>> = column(&totals);
    let mut sum = 0;
    let expected: Vec<Option<i64>> = (0..40_000_i64)
        .map(|id| {
            (id % 13 != 5).then(|| {
                sum += id;
                sum
            })
        })
        .collect();
    assert_eq!(got, expected);
    let greatest = all.select([(col("id") % lit(1000)).alias("id")]).cummax();
    let last = column(&greatest).into_iter().next_back().unwrap();
    assert_eq!(last, Some(999));
    let picked =
        all.with_running("total", partita::Cumulative::Sum, col("id")).filter(col("id").eq(lit(30_000)));
    assert_eq!(column(&picked.select(["total"])), [expected[30_000]]);
    for stage in Stage::ALL {
        assert_eq!(
            totals.compute_batches_at(stage).unwrap().iter().map(RecordBatch::num_rows).sum::<usize>(),
            40_000
        );
    }
}

fn number(value: &partita::Scalar) -> f64 {
    value.to_string().parse().unwrap()
}

fn column(frame: &DataFrame) -> Vec<Option<i64>> {
    use partita::arrow::array::AsArray;
    use partita::arrow::datatypes::Int64Type;
    let batches = frame.compute_batches().unwrap();
    batches
        .iter()
        .flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter().collect::<Vec<_>>())
        .collect()
}

#[test]
fn top_rows_are_those_of_a_sort() {
    let all = frame(&session(Scheduler::Threaded, 2), 300);
    let mut rows: Vec<(i64, f64)> = (0..40_000_i64)
        .filter(|id| id % 7 != 2)
        .map(|id| (id, ((id as f64 * 0.77).sin() * 10.0).floor()))
        .collect();
    let floored = all.with_column("y", (col("x") / lit(100.0)).floor());
    rows.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let ids =
        |rows: &[(i64, f64)]| rows.iter().map(|(id, _)| (id % 13 != 5).then_some(*id)).collect::<Vec<_>>();
    assert_eq!(column(&floored.nlargest(2500, ["y"]).select(["id"])), ids(&rows[..2500]));
    rows.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    assert_eq!(column(&floored.nsmallest(20, ["y"]).select(["id"])), ids(&rows[..20]));
    assert_eq!(floored.nsmallest(0, ["y"]).len().unwrap(), 0);
    assert_eq!(floored.nsmallest(1 << 20, ["y"]).len().unwrap(), rows.len() as u64);
}

#[test]
fn samples_depend_on_the_seed_and_the_row_alone() {
    let taken = |scheduler, threads, batch_rows| {
        column(&frame(&session(scheduler, threads), batch_rows).sample(0.1, 42).select(["id"]))
    };
    let expected = taken(Scheduler::SingleThreaded, 1, 1000);
    assert!((3_700..4_300).contains(&expected.len()), "{}", expected.len());
    for (scheduler, threads) in RUNS {
        assert_eq!(taken(scheduler, threads, 77), expected);
    }
    let all = frame(&session(Scheduler::Threaded, 2), 500);
    assert_ne!(column(&all.sample(0.1, 43).select(["id"])), expected);
    let parts = all.random_split(&[8.0, 1.0, 1.0], 7).unwrap();
    let counts: Vec<u64> = parts.iter().map(|part| part.len().unwrap()).collect();
    assert_eq!(counts.iter().sum::<u64>(), 40_000);
    assert!((31_000..33_000).contains(&counts[0]), "{counts:?}");
    assert!(all.random_split(&[1.0, -1.0], 7).is_err());
    assert!(all.sample(1.5, 7).len().is_err());
}

#[test]
fn answers_that_are_asked_together_are_those_asked_alone() {
    let all = frame(&session(Scheduler::Threaded, 2), 500);
    let asked = || {
        (
            all.sum(),
            all.reduce([(col("x").sum() / len()).alias("share"), col("id").max()]),
            all.select(["id"]),
        )
    };
    let (sums, share, ids) = asked();
    let (a, b, c) = partita::compute_all!((sums, share, ids)).unwrap();
    let (sums, share, ids) = asked();
    assert!(a.equals_missing(&sums.compute().unwrap()));
    assert!(b.equals_missing(&share.compute().unwrap()));
    assert!(c.equals_missing(&ids.compute().unwrap()));
}

#[test]
fn reductions_read_back_from_text() {
    let all = frame(&session(Scheduler::Threaded, 2), 500);
    for text in [
        "sum(x)",
        "(sum(x) / len()) as share",
        "quantile(x, 0.9)",
        "var(x, 0)",
        "corr(x, id)",
        "nunique(zone, true)",
    ] {
        let read = partita::expr(text).unwrap();
        assert_eq!(read.to_string(), text);
        assert_eq!(all.reduce([read]).len().unwrap(), 1);
    }
    assert_eq!(partita::expr("median(x)").unwrap(), col("x").median());
    assert!(partita::expr("sum(x, 3)").is_err());
    assert!(partita::expr("corr(x)").is_err());
    assert!(all.reduce([col("x").quantile(1.5)]).len().unwrap_err().to_string().contains("from 0 to 1"));
}

/// Filters and computed columns of their own change nothing, to the bit: not with a source in memory, of CSV or of Parquet.
#[test]
fn answers_over_different_rows_are_those_asked_alone() {
    let folder = tempfile::tempdir().unwrap();
    let session = session(Scheduler::Threaded, 2);
    let stored = frame(&session, 300);
    let (parquet, csv) = (folder.path().join("parquet"), folder.path().join("csv"));
    stored.to_parquet(&parquet).write().unwrap();
    stored.to_csv(&csv).write().unwrap();
    let sources = [
        stored,
        session.read_parquet(&parquet).load().unwrap(),
        session.read_csv(&csv).block_size(64 << 10).load().unwrap(),
    ];
    for all in sources {
        let some = all.filter(col("x").gt(lit(0.0)));
        let few = all
            .with_column("y", col("x") / lit(10))
            .filter(col("y").lt(lit(-99.0)))
            .rename([("id", "number")]);
        let none = all.filter(col("id").lt(lit(0)));
        let labelled = all.with_column("one", lit(1)).filter(col("id").is_null());
        let asked = |all: &DataFrame| {
            vec![
                all.reduce(questions()),
                some.reduce(questions()),
                few.reduce([
                    col("number").median(),
                    col("y").sum(),
                    (col("y").min() + col("number").max()).alias("both"),
                ]),
                some.filter(col("zone").is_not_null()).reduce([
                    col("zone").nunique(),
                    col("x").std(1),
                    len(),
                ]),
                none.reduce([col("x").sum(), col("zone").mode(), len(), col("id").idxmax().alias("at")]),
                labelled.reduce([(col("one") + col("one")).sum(), col("id").count()]),
                all.select(["id"]).filter(col("id").eq(lit(7))),
            ]
        };
        let alone: Vec<_> = asked(&all).iter().map(|frame| frame.compute().unwrap()).collect();
        let together = DataFrame::compute_all(&asked(&all)).unwrap();
        for (alone, together) in alone.iter().zip(&together) {
            assert!(alone.equals_missing(together), "{alone} {together}");
        }
        // Where all have a filter, rows that nobody wants are not handed on.
        let filtered = [asked(&all).remove(1), asked(&all).remove(4)];
        let together = DataFrame::compute_all(&filtered).unwrap();
        assert!(together[0].equals_missing(&alone[1]) && together[1].equals_missing(&alone[4]));
    }
}
