//! The greatest less the least temperature of each day and airport: two groupings, one pass over the file.
//!
//! `cargo run --example daily_spread`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use partita::prelude::*;

fn main() -> partita::Result<()> {
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");
    let weather = partita::read_csv(input).null_values(["NA"]).block_size("256KiB").load()?;
    let days = weather
        .select(["origin", "month", "day", "temp", "humid"])
        .groupby(["origin", "month", "day"])
        .sort(true);
    let (high, low) = (days.max(), days.min());
    let spread = high.sub(&low)?; // of columns with one name; keys stay
    println!("{}", spread.explain(Stage::Fused)?); // one GroupBy over one ReadCsv
    let spread = spread.compute()?;
    println!("{spread}");
    assert_eq!(spread.height(), 3 * 364);
    assert_eq!(spread.get_column_names(), ["origin", "month", "day", "temp", "humid"]);

    // The warmest hour of each month at each airport, a column for each airport.
    let months =
        weather.pivot_table(["month"], "origin", "temp", partita::Reduction::Max).load()?.compute()?;
    println!("{months}");
    assert_eq!((months.height(), months.width()), (12, 4));
    Ok(())
}
