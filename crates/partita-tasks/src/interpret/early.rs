//! The filter of a scan, as readers of CSV take it: rows that it drops are not decoded but for its own columns.

use arrow::array::{BooleanArray, RecordBatch};
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::csv::options::OnMismatch;
use partita_formats::csv::reader::RowFilter;

use crate::error::{Error, Result};
use crate::expr::{BoundExpr, Meter, Prepared};
use crate::host::Host;
use crate::program::CsvScan;

/// A predicate over the columns that it uses alone.
struct ScanFilter {
    predicate: Prepared,
    meter: Meter,
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
        let mask = self.predicate.mask(batch, &self.meter);
        mask.map_err(|error| FormatsErrorKind::Filter(Box::new(error)).into())
    }
}

/// Whether the reader can apply the filter of a scan: where wrong values are told and not counted as rows, and where it uses a
/// column at all.
pub(super) fn applies(scan: &CsvScan) -> bool {
    let uses_columns = |filter: &BoundExpr| !filter.columns().is_empty();
    scan.file.block.on_mismatch == OnMismatch::Error && scan.filter.as_ref().is_some_and(uses_columns)
}

/// The filter of a scan, where the reader can apply it.
pub(super) fn of(scan: &CsvScan, host: &dyn Host) -> Result<Option<Box<dyn RowFilter>>> {
    let Some(predicate) = scan.filter.as_ref().filter(|_| applies(scan)) else { return Ok(None) };
    let columns = predicate.columns();
    let position = |column: usize| columns.binary_search(&column).unwrap_or(column);
    let predicate = Prepared::new(&[predicate.remap(&position)]);
    let (meter, output_columns) = (Meter::new(host)?, scan.output_columns);
    Ok(Some(Box::new(ScanFilter { predicate, meter, columns, output_columns })))
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
