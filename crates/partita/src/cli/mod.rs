//! The command line: arguments, the commands, and what they print.
//!
//! | module | what it holds |
//! | --- | --- |
//! | `args` | every command and flag, with its help |
//! | `values` | texts of flags to values |
//! | `sources` | inputs, standard input among them |
//! | `prepare` | from arguments to a frame |
//! | `cat` | rows and groups in another format, or on standard output |
//! | `clean` | removing what killed runs have left |
//! | `convert` | CSV to Parquet, as it comes, sorted or by an index |
//! | `inspect` | `schema`, `head`, `tail`, `count`, `describe`, `explain`, `versions` |
//! | `progress` | how far a conversion is, on standard error |
//! | `shell` | scripts that complete, and pages of the manual |
//! | `output` | standard output, and tables on it |
//! | `failure` | errors, and the exit code of each |
//! | `interrupt` | Ctrl-C |

mod args;
mod cat;
mod clean;
mod convert;
mod failure;
mod inspect;
mod interrupt;
mod output;
mod prepare;
mod progress;
mod shell;
mod sources;
mod values;

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;

use args::{Cli, Command};
use failure::Failure;
use interrupt::Interrupt;

/// Runs the program: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
pub(crate) fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help that nobody reads any more is no failure.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(failure::USAGE));
        }
    };
    match dispatch(&cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn dispatch(command: &Command) -> Result<(), Failure> {
    let interrupt = Arc::new(Interrupt::default());
    interrupt::listen(&interrupt)?;
    match command {
        Command::Convert(args) => convert::convert(args, &interrupt),
        Command::Sort(args) => convert::sort(args, &interrupt),
        Command::Agg(args) => cat::agg(args, &interrupt),
        Command::Schema(args) => inspect::schema(args),
        Command::Head(args) => inspect::head(args),
        Command::Tail(args) => inspect::tail(args),
        Command::Count(args) => inspect::count(args),
        Command::Describe(args) => inspect::describe(args),
        Command::Cat(args) => cat::cat(args, &interrupt),
        Command::Explain(args) => inspect::explain(args),
        Command::Clean(args) => clean::clean(args),
        Command::Versions(args) => inspect::versions(args),
        Command::Completions(args) => shell::completions(args),
        Command::Man(args) => shell::manual(args),
    }
}
