//! Writes the tables that the benches read: `generate KIND FOLDER [ROWS]`, the same bytes every time.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::ExitCode;

use partita_benches::generate::{Columns, Floats, Quoted, Table, Taxi, write};

const USAGE: &str = "\
usage: generate KIND FOLDER [ROWS]

  taxi         twelve monthly files of taxi trips     1,890,000 rows each, 2.1 GB in all
  taxi-single  one file of taxi trips                 6,800,000 rows, 620 MB
  wide         100 columns of numbers                   500,000 rows
  columns      500 columns of numbers, texts, flags     100,000 rows
  floats       10 columns of 17-digit floats          1,000,000 rows
  quoted       texts with quotes and line breaks      1,000,000 rows
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rows = arguments.get(2).map(|text| text.replace('_', "").parse::<u64>());
    let (Some(kind), Some(folder), None | Some(Ok(_))) = (arguments.first(), arguments.get(1), &rows) else {
        eprint!("{USAGE}");
        return ExitCode::from(2);
    };
    match generate(kind, Path::new(folder), rows.and_then(Result::ok)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprint!("unknown kind \"{kind}\"\n\n{USAGE}");
            ExitCode::from(2)
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether the kind is known.
fn generate(kind: &str, folder: &Path, rows: Option<u64>) -> io::Result<bool> {
    const SEED: u64 = 1;
    fs::create_dir_all(folder)?;
    let one = |table: &mut dyn Table, rows_default: u64| {
        let path = folder.join(format!("{kind}.csv"));
        file(&path, table, rows.unwrap_or(rows_default))
    };
    match kind {
        "taxi" => {
            for month in 1..=12 {
                let rows = rows.unwrap_or(1_890_000);
                let path = folder.join(format!("yellow_2020-{month:02}.csv"));
                file(&path, &mut Taxi::month(month, rows), rows)?;
            }
        }
        "taxi-single" => one(&mut Taxi::month(1, rows.unwrap_or(6_800_000)), 6_800_000)?,
        "wide" => one(&mut Columns::numbers(100, SEED), 500_000)?,
        "columns" => one(&mut Columns::mixed(500, SEED), 100_000)?,
        "floats" => one(&mut Floats::new(10, SEED), 1_000_000)?,
        "quoted" => one(&mut Quoted::new(SEED), 1_000_000)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn file(path: &Path, table: &mut dyn Table, rows: u64) -> io::Result<()> {
    let mut out = File::create(path)?;
    write(table, rows, &mut out)?;
    println!("{}: {rows} rows, {} bytes", path.display(), out.metadata()?.len());
    Ok(())
}
