//! Frames of the rows of `alike`, with the place of each.

use std::sync::Arc;

use partita::arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringViewArray, UInt64Array};
use partita::{DataFrame, Scheduler, Session};

pub(crate) type Row = (Option<i64>, Option<f64>, Option<String>);

pub(crate) const NAMES: [&str; 3] = ["whole", "float", "text"];

pub(crate) fn batch(rows: &[Row], first: u64) -> RecordBatch {
    let whole = Int64Array::from_iter(rows.iter().map(|row| row.0));
    let float = Float64Array::from_iter(rows.iter().map(|row| row.1));
    let text = StringViewArray::from_iter(rows.iter().map(|row| row.2.as_ref()));
    let places = UInt64Array::from_iter_values(first..first + rows.len() as u64);
    RecordBatch::try_from_iter_with_nullable([
        ("whole", Arc::new(whole) as ArrayRef, true),
        ("float", Arc::new(float) as ArrayRef, true),
        ("text", Arc::new(text) as ArrayRef, true),
        ("place", Arc::new(places) as ArrayRef, false),
    ])
    .unwrap()
}

pub(crate) fn frame(session: &Session, rows: &[Row], cut: usize) -> DataFrame {
    let mut first = 0;
    let mut partitions = Vec::new();
    for part in rows.chunks(cut.max(1)) {
        let mut batches = Vec::new();
        for some in part.chunks(3000) {
            batches.push(batch(some, first));
            first += some.len() as u64;
        }
        partitions.push(batches);
    }
    session.from_batches(batch(&[], 0).schema(), partitions).unwrap()
}

pub(crate) fn session(threads: usize, limit: &str, scheduler: Scheduler) -> Session {
    let session = Session::builder().threads(threads).scheduler(scheduler);
    let session = if limit.is_empty() { session } else { session.memory_limit(limit) };
    session.build().unwrap()
}
