//! What a job says of itself when it is done.

use serde::Serialize;

use crate::writing::Written;

/// The report of a conversion, as `--report` writes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Report {
    /// Rows written: as many as were read, less those that a filter dropped and those that were set aside.
    pub rows: u64,
    /// Records that were set aside.
    pub rows_quarantined: u64,
    /// Columns whose types were widened on the way.
    pub columns_widened: Vec<String>,
    /// Parquet files written.
    pub parts_written: usize,
    /// Folders that the files lie in because of their keys (`partition_on`).
    pub folders: usize,
    /// Parquet files kept that an earlier run had written.
    pub parts_reused: usize,
    /// Bytes of input read.
    pub bytes_in: u64,
    /// Bytes of Parquet written.
    pub bytes_out: u64,
    /// Seconds from the start to the data set being there.
    pub seconds: f64,
    /// Highest anonymous and shared resident memory of the process that was seen.
    pub peak_memory_bytes: u64,
}

impl Report {
    /// The report of a data set.
    pub fn new(written: &Written) -> Self {
        Self {
            rows: written.rows,
            rows_quarantined: written.rows_quarantined,
            columns_widened: written.widened.iter().map(|column| column.column.clone()).collect(),
            parts_written: written.files.len() - written.parts_reused,
            folders: written.folders,
            parts_reused: written.parts_reused,
            bytes_in: written.bytes_in,
            bytes_out: written.bytes,
            seconds: written.seconds,
            peak_memory_bytes: written.peak_memory_bytes,
        }
    }
}

/// The versions that matter in a report of a defect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// This crate.
    pub partita: &'static str,
    /// The `arrow` crate.
    pub arrow: &'static str,
    /// Operating system and processor.
    pub platform: String,
    /// The instruction set that kernels use here: `portable`, `avx2`, `avx512` or `neon`.
    pub cpu_level: &'static str,
}

/// The versions of this build, on this machine.
pub fn versions() -> Versions {
    Versions {
        partita: env!("CARGO_PKG_VERSION"),
        arrow: arrow::ARROW_VERSION,
        platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        cpu_level: partita_columns::cpu::level().name(),
    }
}
