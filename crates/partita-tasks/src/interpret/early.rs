//! The filter of a scan, as readers of CSV take it: rows that it drops are not decoded but for its own columns.

use arrow::array::{BooleanArray, RecordBatch};
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::csv::options::OnMismatch;
use partita_formats::csv::reader::RowFilter;

use crate::error::Error;
use crate::expr::Prepared;
use crate::program::CsvScan;

/// A predicate over the columns that it uses alone.
struct ScanFilter {
    predicate: Prepared,
    columns: Vec<usize>,
    output_columns: usize,
}

impl RowFilter for ScanFilter {
    fn columns(&self) -> &[usize] {
        &self.columns
    }

    fn output_columns(&self) -> usize {
        self.output_columns
    }

    fn keep(&mut self, batch: &RecordBatch) -> partita_formats::Result<BooleanArray> {
        let mask = self.predicate.mask(batch);
        mask.map_err(|error| FormatsErrorKind::Filter(Box::new(error)).into())
    }
}

/// The filter of a scan, where the reader can apply it: where wrong values are told and not counted as rows, and where
/// it uses a column at all.
pub(super) fn of(scan: &CsvScan) -> Option<Box<dyn RowFilter>> {
    let predicate = scan.filter.as_ref()?;
    let columns = predicate.columns();
    if columns.is_empty() || scan.file.block.on_mismatch != OnMismatch::Error {
        return None;
    }
    let position = |column: usize| columns.binary_search(&column).unwrap_or(column);
    let predicate = Prepared::new(&[predicate.remap(&position)]);
    Some(Box::new(ScanFilter { predicate, columns, output_columns: scan.output_columns }))
}

/// The error of a reader; that of its filter as it was.
pub(super) fn told(error: partita_formats::Error) -> Error {
    match error.into_filter_error() {
        Ok(of_filter) => match of_filter.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => partita_formats::Error::from(FormatsErrorKind::Filter(other)).into(),
        },
        Err(error) => error.into(),
    }
}
