//! What a plan reads, and what becomes of it.

use partita_plan::node::{CsvInput, ParquetFileInput, ReadCsv, ReadParquet};
use partita_plan::stage::explain;
use partita_plan::{Expr, Plan, PlanRef, Stage};
use partita_runtime::dataset::{InputFingerprint, PlanFingerprint, Replaced};
use partita_runtime::progress::Progress;

/// What a user should know of a data set.
pub(crate) fn notes(written: &partita_runtime::dataset::Written) -> Vec<String> {
    let how = match written.replaced {
        Replaced::InTwoSteps => {
            "the file system cannot exchange folders: the old data set was moved aside and the new one moved in, and a reader \
             in between saw neither"
        }
        Replaced::ExtendedInSteps => {
            "the file system has no hard links, or cannot exchange folders: the new parts were moved in one by one, and only \
             readers of the manifest saw them appear at once"
        }
        Replaced::Unchanged => "the target is complete: nothing was written",
        _ => return written.notes.clone(),
    };
    written.notes.iter().cloned().chain([how.to_owned()]).collect()
}

/// Bytes of input that were read.
pub(crate) fn bytes_in(
    plan: &PlanRef,
    progress: &Progress,
    written: &partita_runtime::dataset::Written,
) -> u64 {
    if written.replaced == Replaced::Unchanged { 0 } else { progress.input_bytes() + head_bytes(plan) }
}

/// What rows a plan makes of its inputs; `None` where it has frames in memory or functions, which cannot be compared.
pub(crate) fn fingerprint(plan: &PlanRef) -> Option<PlanFingerprint> {
    let mut nodes = std::iter::successors(Some(plan), |plan| plan.input());
    if nodes.any(|plan| {
        matches!(&**plan, Plan::Stored(_) | Plan::MapPartitions(_))
            || plan.operator().expressions().into_iter().any(Expr::has_functions)
    }) {
        return None;
    }
    let mut texts = vec![explain(plan, Stage::Written).ok()?];
    for file in sources(plan).flat_map(ReadCsv::files) {
        texts.push(serde_json::to_string(&file.block).ok()?);
        texts.push(format!("{} {:?}", file.end, file.rows_max));
    }
    texts.extend(parquet_sources(plan).map(ReadParquet::cuts));
    Some(PlanFingerprint::of(texts))
}

/// The sources of a plan that read CSV.
pub(crate) fn sources(plan: &PlanRef) -> impl Iterator<Item = &ReadCsv> {
    std::iter::successors(Some(plan), |plan| plan.input()).filter_map(|plan| match &**plan {
        Plan::ReadCsv(read) => Some(read),
        _ => None,
    })
}

/// The sources of a plan that read Parquet.
fn parquet_sources(plan: &PlanRef) -> impl Iterator<Item = &ReadParquet> {
    std::iter::successors(Some(plan), |plan| plan.input()).filter_map(|plan| match &**plan {
        Plan::ReadParquet(read) => Some(read),
        _ => None,
    })
}

/// Bytes of input that a plan reads.
pub(crate) fn input_bytes(plan: &PlanRef) -> u64 {
    let csv: u64 = sources(plan).map(ReadCsv::input_bytes).sum();
    csv + parquet_sources(plan).map(ReadParquet::input_bytes).sum::<u64>()
}

/// Bytes that were read to plan: those before the first records, which are in no block (compressed files are counted whole), and
/// footers.
fn head_bytes(plan: &PlanRef) -> u64 {
    let files = sources(plan).flat_map(ReadCsv::files);
    let plain = files.filter(|file| !file.block.is_stream());
    let csv: u64 = plain.map(|file| file.block.data_start.min(file.bytes)).sum();
    csv + parquet_sources(plan).flat_map(ReadParquet::files).map(|file| file.planning_bytes).sum::<u64>()
}

/// The files that a plan reads.
pub(crate) fn inputs(plan: &PlanRef) -> Vec<InputFingerprint> {
    let files = sources(plan).flat_map(ReadCsv::files);
    let of_csv = |file: &CsvInput| InputFingerprint {
        path: file.path.clone(),
        bytes: file.bytes,
        modified_ns: file.modified_ns,
    };
    let of_parquet = |file: &ParquetFileInput| InputFingerprint {
        path: file.input.path.clone(),
        bytes: file.input.bytes,
        modified_ns: file.input.modified_ns,
    };
    files.map(of_csv).chain(parquet_sources(plan).flat_map(ReadParquet::files).map(of_parquet)).collect()
}
