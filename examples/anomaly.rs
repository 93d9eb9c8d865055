//! Hourly weather of three airports: how far each temperature is from what is usual at that place, month and hour.
//!
//! `cargo run --example anomaly`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use std::path::Path;

use partita::prelude::*;

fn main() -> partita::Result<()> {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata");
    let weather = partita::read_csv(testdata.join("weather.csv")).null_values(["", "NA"]).load()?;

    // All rows stay, in their order, and each gets the mean of its group.
    let usual = weather.groupby(["origin", "month", "hour"]);
    let weather = usual.transform([(col("temp") - col("temp").mean()).alias("anomaly")]);

    // In each group the rows are in their order: the hour before, and the rank of the hour among those of its day.
    let hours = weather.groupby(["origin"]).transform([col("temp").diff(1).alias("change")]);
    let days = hours.groupby(["origin", "month", "day"]);
    let ranked = days.transform([col("temp").rank(RankMethod::Min, true).alias("rank")]);
    let warmest = ranked.filter(col("rank").eq(lit(1))).groupby(["origin", "month", "day"]).head(1);

    let columns = ["origin", "month", "day", "hour", "temp", "anomaly", "change"];
    println!("{}", warmest.select(columns).nlargest(5, ["anomaly"]).compute()?);

    // Anomalies of a group add up to nothing.
    let left = weather.groupby(["origin", "month", "hour"]).agg([col("anomaly").sum().abs().alias("sum")]);
    let most = left.reduce([col("sum").max()]).compute()?;
    let most = most.column("sum").and_then(|column| Ok(column.f64()?.get(0)));
    assert!(most.is_ok_and(|most| most.is_some_and(|most| most < 1e-9)));
    let each_day = warmest.groupby(["origin", "month", "day"]).size();
    assert_eq!(each_day.len()?, warmest.len()?);
    Ok(())
}
