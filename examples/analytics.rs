//! Analytics over several CSV files: plan, look, persist, ask, write.
//!
//! `cargo run --example analytics`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::fmt::Write;
use std::path::Path;

use partita::ErrorKind;
use partita::prelude::*;

const FILES: u64 = 3;
const ROWS_PER_FILE: u64 = 2_000;

fn main() -> partita::Result<()> {
    let folder = std::env::temp_dir().join(format!("partita-analytics-{}", std::process::id()));
    write_trips(&folder)?;

    let session = Session::builder().memory_limit("2GiB").scheduler(Scheduler::Threaded).build()?;
    let trips = session
        .read_csv(folder.join("yellow_2020-*.csv")) // path, glob, list of them, directory, file://
        .block_size("64KiB") // small, so that these small files have several partitions; the default is 64 MiB
        .parse_dates(["tpep_pickup_datetime", "tpep_dropoff_datetime"])
        .dtype("RatecodeID", DataType::Int64)
        .load()?; // plans: reads what the schema needs, nothing more
    println!("{trips}"); // columns, types, npartitions, divisions, number of tasks
    println!("{}", trips.head(5)?); // reads one block
    let clean = trips
        .filter(col("fare_amount").gt(lit(0.0)))
        .with_column("stored", col("store_and_fwd_flag").eq(lit("Y")))
        .select(["tpep_pickup_datetime", "PULocationID", "fare_amount", "stored"]);
    println!("{}", clean.explain(Stage::Fused)?);
    let kept = clean.persist()?; // held by the session, released on drop or unpersist()
    println!("{} rows", kept.len()?); // rows; count() is per column, without nulls
    let frame = kept.compute()?; // a polars_core DataFrame; compute_batches() gives Arrow
    let mut streamed = 0;
    for batch in kept.batches()? {
        streamed += batch?.num_rows(); // streamed, in order, bounded
    }
    let written = kept.to_parquet(folder.join("out")).compression(Compression::Zstd(3)).write()?;
    println!("{} rows in {} files, frame of {} rows", written.rows, written.files.len(), frame.height());

    // One fare in ten is zero.
    let expected = FILES * ROWS_PER_FILE * 9 / 10;
    assert!(trips.npartitions()? > 3);
    assert_eq!(trips.len()?, FILES * ROWS_PER_FILE);
    assert_eq!(kept.len()?, expected);
    assert_eq!((frame.height(), streamed), (expected as usize, expected as usize));
    assert_eq!(written.rows, expected);
    let by_text = trips.filter(expr("fare_amount > 0 and PULocationID in (1, 2)")?);
    assert_eq!(
        by_text.len()?,
        trips.filter(col("fare_amount").gt(lit(0.0))).filter(expr("PULocationID < 3")?).len()?
    );
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}

/// Files in the shape of New York's taxi records, with a blank here and there.
fn write_trips(folder: &Path) -> partita::Result<()> {
    let failed = |source| partita::Error::from(ErrorKind::Io { path: folder.display().to_string(), source });
    std::fs::create_dir_all(folder).map_err(failed)?;
    for file in 0..FILES {
        let mut text = String::from(
            "tpep_pickup_datetime,tpep_dropoff_datetime,RatecodeID,store_and_fwd_flag,PULocationID,fare_amount\n",
        );
        for row in 0..ROWS_PER_FILE {
            let (minute, hour, day) = (row % 60, row / 60 % 24, row / 1440 + 1);
            let rate = if row % 50 == 49 { String::new() } else { (row % 6 + 1).to_string() };
            let flag = if row % 25 == 0 { "Y" } else { "N" };
            let fare = (row % 10) as f64 * 2.5;
            let time = format!("2020-{:02}-{day:02} {hour:02}:{minute:02}", file + 1);
            let _ = writeln!(text, "{time}:00,{time}:45,{rate},{flag},{},{fare:.2}", row % 260 + 1);
        }
        std::fs::write(folder.join(format!("yellow_2020-{:02}.csv", file + 1)), text).map_err(failed)?;
    }
    Ok(())
}
