//! One chain: CSV that is held in memory, indexed by time, put into groups, cut into fewer partitions, and written as Parquet.
//!
//! `cargo run --example chain`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use partita::prelude::*;

fn main() -> partita::Result<()> {
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");
    let folder = std::env::temp_dir().join(format!("partita-chain-{}", std::process::id()));
    let session = Session::builder().memory_limit("512MiB").build()?;

    let weather = session.read_csv(input).null_values(["NA"]).block_size("256KiB").load()?.persist()?;
    let days = weather
        .set_index("time_hour")
        .groupby([col("time_hour").dt().date().alias("day"), col("origin")])
        .sort(true)
        .agg([col("temp").mean().alias("temp"), col("wind_speed").max().alias("wind"), len()]);
    let written = days.repartition(2).to_parquet(folder.join("days")).file_per_partition(true).write()?;
    println!("{} days and airports in {} files", written.rows, written.files.len());

    let days = session.read_parquet(folder.join("days")).load()?;
    println!("{}", days.head(5)?);
    assert_eq!(written.files.len(), 2);
    assert!(days.reduce([col("len").sum()]).head(1)?.to_string().contains("26115"));
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}
