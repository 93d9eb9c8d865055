//! A conversion job that leaves a data set indexed by time, and one day that is read back of it.
//!
//! `cargo run --example index`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use partita::prelude::*;

fn main() -> partita::Result<()> {
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");
    let folder = std::env::temp_dir().join(format!("partita-index-{}", std::process::id()));
    let target = folder.join("weather");

    let session = Session::builder().memory_limit("512MiB").build()?;
    let weather = session.read_csv(input).null_values(["NA"]).block_size("256KiB").load()?;
    let index = SetIndex::new("time_hour").npartitions(8);
    let written = weather.set_index(index).to_parquet(&target).file_per_partition(true).write()?;
    println!("{} rows in {} files", written.rows, written.files.len());

    // What was written knows its index, and where each part begins.
    let weather = session.read_parquet(&target).split_row_groups(true).load()?;
    println!("divisions {}", weather.divisions()?);
    let day = weather.loc("2013-07-04");
    println!("{}", day.head(5)?);
    println!("{}", day.select(["temp", "humid"]).mean().compute()?);
    println!("{} of {} partitions are read", day.npartitions()?, weather.npartitions()?);

    assert_eq!(written.rows, 26_115);
    assert!(weather.known_divisions()? && written.files.len() == 8);
    // Three airports, each hour.
    assert_eq!(day.len()?, 72);
    assert!(day.npartitions()? < weather.npartitions()? / 2);
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}
