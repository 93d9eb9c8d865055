//! Exploring: load once, keep it in memory, ask five questions, let it go.
//!
//! `cargo run --example interactive`
#![allow(clippy::print_stdout, reason = "an example shows its results")]

use partita::prelude::*;

fn main() -> partita::Result<()> {
    let input = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/weather.csv");
    let session = Session::builder().build()?;
    let weather = session.read_csv(input).null_values(["NA"]).block_size("256KiB").load()?.persist()?;
    assert!(session.memory().managed_bytes > 0);

    let rows = weather.len()?;
    println!("how many hours?            {rows}");
    assert_eq!(rows, 26_115);

    let gusts = weather.select(["wind_gust"]).count()?;
    println!("how many with gusts?       {}", gusts[0].1);
    assert_eq!(gusts, [("wind_gust".to_owned(), 5_337)]);

    let hot = weather.filter(col("temp").gt(lit(90.0)));
    println!("how many above 90 degrees? {}", hot.len()?);
    assert_eq!(hot.len()?, 277);

    let celsius = (col("temp") - lit(32.0)) / lit(1.8);
    let warmest = hot.with_column("celsius", celsius).select(["origin", "time_hour", "celsius"]);
    println!("what were they like?\n{}", warmest.head(3)?);
    assert_eq!(warmest.columns()?, ["origin", "time_hour", "celsius"]);

    let newark = hot.filter(expr("origin = 'EWR'")?);
    println!("how many at Newark?        {}", newark.len()?);
    assert_eq!(newark.len()?, 122);

    drop((hot, warmest, newark));
    weather.unpersist()?;
    assert_eq!(session.memory().managed_bytes, 0);
    Ok(())
}
