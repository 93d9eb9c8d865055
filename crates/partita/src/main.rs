//! The program `partita`: CSV to Parquet from a shell, and a look at CSV files of any size.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
