//! A conversion job: hourly weather with `NA`s becomes a typed Parquet file of its windy hours, all or nothing.
//!
//! `cargo run --example convert`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use partita::Report;
use partita::prelude::*;

fn main() -> partita::Result<()> {
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");
    let folder = std::env::temp_dir().join(format!("partita-convert-{}", std::process::id()));
    let target = folder.join("windy.parquet");

    let session = Session::builder().memory_limit("512MiB").build()?;
    let weather = session.read_csv(input).null_values(["NA"]).load()?;
    let windy = weather.filter(expr("wind_speed >= 20 and wind_gust is not null")?).select([
        "origin",
        "time_hour",
        "wind_speed",
        "wind_gust",
    ]);
    let job = windy.to_parquet(&target).compression(Compression::Zstd(3)).row_group_rows(100_000);
    let written = job.write()?;
    let report = Report::new(&written);
    println!("{} rows, {} bytes in, {} bytes out", report.rows, report.bytes_in, report.bytes_out);

    assert_eq!(report.rows, 1_292);
    assert_eq!(report.parts_written, 1);
    assert!(target.is_file());
    // A second run would replace nothing that is there without being told to.
    assert!(windy.to_parquet(&target).write().is_err());
    assert_eq!(windy.to_parquet(&target).overwrite(true).write()?.rows, report.rows);
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}
