//! Reductions, and groupings, that are asked together read their file once: told by the bytes that the process has read. Alone in its program, so
//! that nobody else reads.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(target_os = "linux")]

use partita::prelude::*;

/// Bytes that the process has read so far, from caches too.
fn read_so_far() -> u64 {
    let counters = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = counters.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap();
    line.parse().unwrap()
}

#[test]
fn what_is_asked_together_reads_once() {
    several_filters_and_projections_read_once();
    two_groupings_read_once();
}

fn two_groupings_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("prices.csv");
    let rows = (0..200_000).map(|id| format!("{},{}.5,{id}\n", id / 1000, id % 97));
    let text: String = std::iter::once("day,price,id\n".to_owned()).chain(rows).collect();
    std::fs::write(&path, &text).unwrap();
    let bytes = text.len() as u64;
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    let prices = session.read_csv(&path).block_size(512 << 10).load().unwrap();
    let days = prices.groupby(["day"]).sort(true);
    let spread = days.max().sub(&days.min()).unwrap();
    let before = read_so_far();
    let spread = spread.compute().unwrap();
    let once = read_so_far() - before;
    // The file, a little around the cuts of its blocks, and the counters themselves.
    assert!(once >= bytes && once < bytes + bytes / 4, "{once} of {bytes}");
    assert_eq!(spread.height(), 200);
    assert!(spread.column("price").unwrap().f64().unwrap().iter().all(|spread| spread == Some(96.0)));
    assert!(spread.column("id").unwrap().i64().unwrap().iter().all(|spread| spread == Some(999)));
}

fn several_filters_and_projections_read_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trips.csv");
    let rows = (0..200_000).map(|id| format!("{id},{}.5,zone {},{}\n", id % 100, id % 7, id % 3));
    let text: String = std::iter::once("id,fare,zone,kind\n".to_owned()).chain(rows).collect();
    std::fs::write(&path, &text).unwrap();
    let bytes = text.len() as u64;
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    let trips = session.read_csv(&path).block_size(256 << 10).load().unwrap();
    let some = trips.filter(col("kind").eq(lit(1)));
    let asked = || {
        [
            trips.reduce([col("fare").sum(), len().alias("rows")]),
            some.reduce([col("fare").sum(), len().alias("rows")]),
            trips
                .filter(col("zone").eq(lit("zone 3")))
                .with_column("twice", col("fare") * lit(2.0))
                .reduce([col("twice").max()]),
            some.select([(col("id") % lit(10)).alias("digit")])
                .filter(col("digit").gt(lit(4)))
                .reduce([(col("digit").mean() + lit(1)).alias("m")]),
        ]
    };
    let alone_before = read_so_far();
    let alone: Vec<_> = asked().iter().map(|frame| frame.compute().unwrap()).collect();
    let alone_bytes = read_so_far() - alone_before;
    let before = read_so_far();
    let together = DataFrame::compute_all(&asked()).unwrap();
    let once = read_so_far() - before;
    assert!(alone_bytes > 4 * bytes, "{alone_bytes} of {bytes}");
    // The file, a little around the cuts of its blocks, and the counters themselves.
    assert!(once >= bytes && once < bytes + bytes / 4, "{once} of {bytes}");
    for (alone, together) in alone.iter().zip(&together) {
        assert!(alone.equals_missing(together), "{alone} {together}");
    }
}
