//! How a command runs, and what it says while it does.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use partita::{Scheduler, Session};

use crate::cli::failure::Failure;
use crate::cli::values;

const SCHEDULERS: &[(&str, &str, Scheduler)] = &[
    ("threaded", "on all threads", Scheduler::Threaded),
    (
        "single-threaded",
        "on one thread, in a fixed order: for debugging and profiling",
        Scheduler::SingleThreaded,
    ),
];

#[derive(Debug, Args)]
#[command(next_help_heading = "Running")]
pub(crate) struct RunArgs {
    /// Memory that the program may use, at least 128MiB [default: 60 % of what there is]
    ///
    /// There is what the machine has, or its control group. 0 is the default.
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    memory_limit: Option<u64>,

    /// Task threads; 0 is the default [default: one a core]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,

    /// Folder for what does not fit in memory, on a local disk; may be given several times [default: the first of TMPDIR or
    /// /tmp, /var/tmp and the working directory that is not in memory]
    ///
    /// What is written there is gone at the end; what a killed run leaves is removed by the next one, or by `partita clean`.
    #[arg(long, value_name = "DIR")]
    spill_dir: Vec<PathBuf>,

    /// Bytes that may lie there at most; 0 is the default [default: as many as there is room for]
    #[arg(long, value_name = "SIZE", value_parser = values::size)]
    spill_bytes_max: Option<u64>,

    /// Take a spill folder that is in a memory file system, whose files the memory limit does not know of
    #[arg(long)]
    spill_to_memory: bool,

    /// How tasks run; the rows are the same [default: threaded]
    #[arg(long, value_name = "NAME", value_parser = values::one_of(SCHEDULERS))]
    scheduler: Option<Scheduler>,
}

impl RunArgs {
    /// The session that was asked for.
    ///
    /// # Errors
    /// Wrong usage: a memory limit that is too low, a folder that cannot be spilled to.
    pub(crate) fn session(&self) -> Result<Session, Failure> {
        let mut builder = Session::builder();
        if let Some(limit) = self.memory_limit {
            builder = builder.memory_limit(limit);
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(scheduler) = self.scheduler {
            builder = builder.scheduler(scheduler);
        }
        if let Some(bytes) = self.spill_bytes_max {
            builder = builder.spill_bytes_max(bytes);
        }
        builder
            .spill_dirs(&self.spill_dir)
            .spill_to_memory(self.spill_to_memory)
            .build()
            .map_err(Failure::usage)
    }
}

/// How progress is shown, on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressMode {
    /// a bar on a terminal, plain lines elsewhere
    Auto,
    /// a line every five seconds, and a last one
    Plain,
    /// a JSON object a line, every second, and a last one
    Json,
    /// nothing
    None,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Reporting")]
pub(crate) struct ReportArgs {
    /// How progress is shown, on standard error
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ProgressMode::Auto)]
    pub(crate) progress: ProgressMode,

    /// Write a report when done, as JSON
    ///
    /// Its fields: rows, rows_quarantined, columns_widened, parts_written, bytes_in, bytes_out, seconds, peak_memory_bytes.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,

    /// Print the plan and what would be written, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
}
