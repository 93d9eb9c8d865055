//! What is read, and what plans say about it.

use expect_test::expect;

use super::*;
use crate::disk::CountingDisk;

/// Bytes of a file of 28 days in order of time, in row groups of some days and pages of some rows, and bytes that are read of it
/// for one of them.
fn bytes_of_one_day(columns: &[&str], days: usize, page_rows: usize) -> (u64, u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut text = String::from("id,at,fare,note\n");
    for id in 0..28 * 1440_i64 {
        let (day, hour, minute) = (1 + id / 1440, id / 60 % 24, id % 60);
        let (fare, note) = (id * 7919 % 100_003, id * 104_729 % 1_000_003);
        text.push_str(&format!("{id},2024-01-{day:02} {hour:02}:{minute:02}:00,{fare}.25,note {note}\n"));
    }
    let input = folder.path().join("trips.csv");
    std::fs::write(&input, text).unwrap();
    let path = folder.path().join("sorted.parquet");
    let plain = session().read_csv(&input).load().unwrap();
    plain.to_parquet(&path).row_group_rows(days * 1440).page_rows(page_rows).write().unwrap();
    let (disk, counts) = CountingDisk::new();
    let session = Session::builder().memory_limit("256MiB").threads(2).disk(disk).build().unwrap();
    let frame = session.read_parquet(&path).load().unwrap();
    counts.lock().unwrap().clear();
    let day =
        frame.filter(expr("at >= '2024-01-13' and at < '2024-01-14'").unwrap()).select(columns.to_vec());
    assert_eq!(day.compute().unwrap().height(), 1440);
    let read = counts.lock().unwrap().values().sum();
    (std::fs::metadata(&path).unwrap().len(), read)
}

#[test]
fn one_day_of_a_sorted_file_reads_few_bytes() {
    // One day is a twenty-eighth; pages and their index come on top.
    for (days, page_rows) in [(1, 65536), (8, 360)] {
        let (all, read) = bytes_of_one_day(&["id", "at", "fare", "note"], days, page_rows);
        assert!(read * 9 < all, "{read} of {all} bytes, row groups of {days} days");
        let (all, read) = bytes_of_one_day(&["fare"], days, page_rows);
        assert!(read * 12 < all, "{read} of {all} bytes of one column, row groups of {days} days");
    }
}

#[test]
fn one_day_of_a_year_of_trips_is_under_three_hundredths_of_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    // 1,200 trips a day in the order of their pickup, with the columns and kinds of values of the taxi files.
    let rows = 366 * 1200;
    let text = |row: i64, salt: u64, kinds: u64| {
        let mixed = (row.cast_unsigned() * 31 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        ((mixed ^ mixed >> 31).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 33) as i64 % kinds.cast_signed()
    };
    let mut csv =
        String::from("vendor,pickup,dropoff,passengers,distance,flag,from,to,payment,fare,tip,total\n");
    for row in 0..rows {
        let at = |seconds: i64| {
            let (day, second) = (seconds / 86_400, seconds % 86_400);
            let date = day_of_2020(day);
            format!("{date} {:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
        };
        let pickup = row * 72 + text(row, 1, 70);
        let (fare, tip) = (text(row, 2, 180) * 50, text(row, 3, 70) * 10);
        csv.push_str(&format!(
            "{},{},{},{},{}.{:02},{},{},{},{},{}.{:02},{}.{:02},{}.{:02}\n",
            1 + text(row, 4, 2),
            at(pickup),
            at(pickup + 60 + text(row, 5, 3000)),
            text(row, 6, 7),
            text(row, 7, 30),
            text(row, 8, 10) * 10,
            if text(row, 9, 50) == 0 { "Y" } else { "N" },
            1 + text(row, 10, 265),
            1 + text(row, 11, 265),
            1 + text(row, 12, 4),
            fare / 100,
            fare % 100,
            tip / 100,
            tip % 100,
            (fare + tip) / 100,
            (fare + tip) % 100,
        ));
    }
    let input = folder.path().join("trips.csv");
    std::fs::write(&input, csv).unwrap();
    let path = folder.path().join("sorted.parquet");
    // The defaults, but for pages as much smaller as the file is.
    session.read_csv(&input).load().unwrap().to_parquet(&path).page_rows(2048).write().unwrap();
    let frame = session.read_parquet(&path).load().unwrap();
    let day = frame.filter(expr("pickup >= '2020-06-15' and pickup < '2020-06-16'").unwrap());
    let written = day.to_parquet(folder.path().join("day")).write().unwrap();
    assert_eq!(written.rows, 1200);
    let report = partita::Report::new(&written);
    let bytes = std::fs::metadata(&path).unwrap().len();
    assert!(report.bytes_in * 100 < bytes * 3, "{} of {bytes} bytes", report.bytes_in);
}

/// The day after so many of 2020.
fn day_of_2020(mut days: i64) -> String {
    for (month, length) in [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
        if days < length {
            return format!("2020-{:02}-{:02}", month + 1, days + 1);
        }
        days -= length;
    }
    "2021-01-01".to_owned()
}

#[test]
fn counting_and_nothing_else_reads_no_data() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 1000);
    let path = folder.path().join("one.parquet");
    session().read_csv(&input).load().unwrap().to_parquet(&path).row_group_rows(100).write().unwrap();
    let (disk, counts) = CountingDisk::new();
    let session = Session::builder().memory_limit("256MiB").threads(2).disk(disk).build().unwrap();
    let frame = session.read_parquet(&path).split_row_groups(1).load().unwrap();
    counts.lock().unwrap().clear();
    assert_eq!(frame.len().unwrap(), 1000);
    assert_eq!(frame.partitions(2..5).len().unwrap(), 300);
    assert_eq!(frame.filter(col("id").lt(lit(0))).len().unwrap(), 0);
    assert_eq!(frame.filter(col("id").gt(lit(5000))).compute().unwrap().height(), 0);
    assert_eq!(*counts.lock().unwrap(), Default::default());
    let columns = frame.select(["paid"]).compute().unwrap();
    assert_eq!(columns.height(), 1000);
    let one: u64 = counts.lock().unwrap().values().sum();
    counts.lock().unwrap().clear();
    assert_eq!(frame.compute().unwrap().height(), 1000);
    let all: u64 = counts.lock().unwrap().values().sum();
    assert!(one * 4 < all, "one column takes {one} bytes, all take {all}");
}

#[test]
fn what_was_read_is_in_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 60_000);
    let session = session();
    let path = folder.path().join("one.parquet");
    session.read_csv(&input).load().unwrap().to_parquet(&path).row_group_rows(6000).write().unwrap();
    let bytes = std::fs::metadata(&path).unwrap().len();
    let frame = session.read_parquet(&path).load().unwrap();
    let all = frame.to_parquet(folder.path().join("all")).write().unwrap().bytes_in;
    // Headers of pages may be read twice, and the end of the file to plan.
    assert!(all > bytes / 2 && all <= bytes * 3 / 2, "{all} of {bytes}");
    let some = frame.filter(col("id").lt(lit(6000))).to_parquet(folder.path().join("some")).write().unwrap();
    assert_eq!(some.rows, 6000);
    assert!(some.bytes_in * 2 < all, "{} of {all}", some.bytes_in);
    // It is what the disk has given.
    let (disk, counts) = CountingDisk::new();
    let session = Session::builder().memory_limit("256MiB").threads(2).disk(disk).build().unwrap();
    for (filter, cut) in [(lit(true), 64 << 20), (col("id").lt(lit(100)), 64 << 20), (lit(true), 100_000)] {
        counts.lock().unwrap().clear();
        let frame = session.read_parquet(&path).partition_size(cut).load().unwrap().filter(filter);
        let told =
            frame.to_parquet(folder.path().join(format!("told {cut}"))).overwrite(true).write().unwrap();
        assert_eq!(told.bytes_in, counts.lock().unwrap()[&path]);
    }
}

#[test]
fn plans_say_what_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 1000);
    let path = folder.path().join("one.parquet");
    let options =
        |frame: DataFrame| frame.to_parquet(&path).row_group_rows(100).compression(Compression::Uncompressed);
    options(session().read_csv(&input).load().unwrap()).write().unwrap();
    let frame = session().read_parquet(&path).split_row_groups(2).load().unwrap();
    let asked = frame.filter(col("id").gt_eq(lit(850)).and(col("zone").eq(lit("north")))).select(["fare"]);
    // Bytes depend on the encoder.
    let without_bytes = |stage| {
        let text = asked.explain(stage).unwrap();
        let words: Vec<&str> = text.split(' ').collect();
        let is_bytes = |at: usize| words.get(at + 1).is_some_and(|next| *next == "bytes");
        (0..words.len()).map(|at| if is_bytes(at) { "N" } else { words[at] }).collect::<Vec<_>>().join(" ")
    };
    expect![[r#"
        written plan: 5 partitions, divisions unknown, 15 tasks
          Project [bounded]: fare
            Filter [bounded]: ((id >= 850) and (zone = 'north'))
              ReadParquet [bounded]: 1 files, 10 row groups in 5 partitions (2 row groups each), N bytes to read; columns: id, at, day, zone, note, fare, paid
    "#]]
    .assert_eq(&without_bytes(Stage::Written));
    expect![[r#"
        fused plan: 5 partitions, divisions unknown, 5 tasks
          Fused [bounded]: one task a partition
            ReadParquet [bounded]: 1 files, 2 of 10 row groups in 5 partitions (2 row groups each), N bytes to read; columns: fare; filter: ((id >= 850) and (zone = 'north'))
    "#]]
    .assert_eq(&without_bytes(Stage::Fused));
}

#[test]
fn divisions_come_from_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 1000);
    let path = folder.path().join("one.parquet");
    let session = session();
    session.read_csv(&input).load().unwrap().to_parquet(&path).row_group_rows(300).write().unwrap();
    let read = |column| session.read_parquet(&path).split_row_groups(1).index(column).load();
    let frame = read("id").unwrap();
    let values = |frame: &DataFrame| match frame.divisions().unwrap() {
        partita::Divisions::Known { column, values } => {
            (column, values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "))
        }
        other => panic!("{other}"),
    };
    let known = |texts: &str| ("id".to_owned(), texts.to_owned());
    assert_eq!(values(&frame), known("0 300 600 900 999"));
    assert_eq!(values(&frame.partitions(1..3)), known("300 600 900"));
    assert_eq!(
        values(&frame.filter(col("fare").is_null()).with_row_index("row")),
        known("0 300 600 900 999")
    );
    assert_eq!(values(&frame.select(["fare", "id"])), known("0 300 600 900 999"));
    for unknown in
        [frame.select(["fare"]), frame.with_column("id", col("id") * lit(2)), read("zone").unwrap()]
    {
        assert_eq!(unknown.divisions().unwrap(), partita::Divisions::Unknown);
    }
    // Columns with nulls have rows of no place.
    assert_eq!(read("fare").unwrap().divisions().unwrap(), partita::Divisions::Unknown);
    assert!(read("nothing").unwrap_err().to_string().contains("nothing"));
}

#[test]
fn ends_of_columns_come_from_statistics() {
    let folder = tempfile::tempdir().unwrap();
    let input = written_csv(folder.path(), 1000);
    let out = folder.path().join("by");
    let plain = session().read_csv(&input).load().unwrap();
    plain.to_parquet(&out).partition_on(["zone"]).row_group_rows(100).write().unwrap();
    let (disk, counts) = CountingDisk::new();
    let session = Session::builder().memory_limit("256MiB").threads(2).disk(disk).build().unwrap();
    let frame = session.read_parquet(&out).load().unwrap();
    counts.lock().unwrap().clear();
    let ends = |frame: &DataFrame| {
        let asked = [
            col("id").max(),
            col("at").min().alias("first"),
            col("day").max().alias("last"),
            col("zone").min().alias("zone"),
            col("fare").count().alias("fares"),
            col("zone").null_count().alias("nowhere"),
            len().alias("rows"),
        ];
        frame.reduce(asked).compute().unwrap()
    };
    let of_statistics = ends(&frame);
    assert_eq!(*counts.lock().unwrap(), Default::default());
    assert_eq!(of_statistics, ends(&plain));
    // Of what a filter leaves, statistics know nothing; of whole folders they do.
    let some = |frame: &DataFrame| ends(&frame.filter(col("fare").gt(lit(100))));
    assert_eq!(some(&frame), some(&plain));
    counts.lock().unwrap().clear();
    let north = |frame: &DataFrame| ends(&frame.filter(col("zone").eq(lit("north"))));
    let of_statistics = north(&frame);
    assert_eq!(*counts.lock().unwrap(), Default::default());
    assert_eq!(of_statistics, north(&plain));
}
