//! Minute prices of some stocks: indexed by time, one day, the mean of its prices.
//!
//! `cargo run --example stocks`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::fmt::Write;
use std::path::Path;

use partita::ErrorKind;
use partita::prelude::*;

const SYMBOLS: [&str; 3] = ["AAPL", "GOOG", "MSFT"];
const DAYS: u64 = 20;
/// From 9:30 to 16:00.
const MINUTES: u64 = 390;

fn main() -> partita::Result<()> {
    let folder = std::env::temp_dir().join(format!("partita-stocks-{}", std::process::id()));
    write_prices(&folder)?;

    // A file for each stock: times begin again with each, and partitions overlap.
    let prices = partita::read_csv(folder.join("*.csv")).block_size("64KiB").load()?;
    assert!(!prices.known_divisions()?);
    let prices = prices.set_index("timestamp"); // lazy: one exchange, when rows are asked for
    println!("{prices}"); // divisions pending on timestamp
    let prices = prices.persist()?;
    println!("{}", prices.divisions()?);

    let day = prices.loc("2015-05-05"); // of the partitions that can have it
    println!("{}", day.head(5)?);
    println!("{}", day.mean().compute()?);
    let high = prices.loc("2015-05-04".."2015-05-09").reduce([col("high").max()]).compute()?;
    println!("{high}");

    assert!(prices.known_divisions()?);
    assert_eq!(day.len()?, SYMBOLS.len() as u64 * MINUTES);
    assert!(day.npartitions()? < prices.npartitions()?);
    let days = prices.repartition_every("1d");
    assert_eq!(days.npartitions()? as u64, DAYS);
    assert_eq!(days.get_partition(4).len()?, SYMBOLS.len() as u64 * MINUTES);
    let _ = std::fs::remove_dir_all(&folder);
    Ok(())
}

/// A file of minutes for each stock, the same in every run.
fn write_prices(folder: &Path) -> partita::Result<()> {
    std::fs::create_dir_all(folder).map_err(failed)?;
    let mut state = 7_u64;
    let mut step = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as f64 / (1 << 24) as f64 - 0.5
    };
    for symbol in SYMBOLS {
        let mut text = String::from("timestamp,symbol,open,high,low,close\n");
        let mut price = 100.0;
        for minute in 0..DAYS * MINUTES {
            let (day, at) = (minute / MINUTES + 1, minute % MINUTES + 570);
            let (open, close) = (price, price + step());
            let (high, low) = (open.max(close) + 0.1, open.min(close) - 0.1);
            let _ = writeln!(
                text,
                "2015-05-{day:02} {:02}:{:02}:00,{symbol},{open:.2},{high:.2},{low:.2},{close:.2}",
                at / 60,
                at % 60
            );
            price = close;
        }
        std::fs::write(folder.join(format!("{symbol}.csv")), text).map_err(failed)?;
    }
    Ok(())
}

fn failed(source: std::io::Error) -> partita::Error {
    ErrorKind::Io { path: "the example's folder".to_owned(), source }.into()
}
