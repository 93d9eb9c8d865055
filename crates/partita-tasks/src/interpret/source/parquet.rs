//! Row groups of Parquet files as batches of the frame: columns by name, in the types that the frame has, and those that
//! are in no file.

mod filter;

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::io::{Counted, ReadAt};
use partita_formats::parquet::read::{Predicate, RowFilter, RowGroupReader, RowGroupSpec, Scratch};

use self::filter::ScanFilter;
use super::super::early::told;
use super::layout::{Layout, Origin, made_bytes};
use super::{BatchSource, grow};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{BoundExpr, Meter};
use crate::host::{Footer, Host, Reservation};
use crate::program::{FileInput, ParquetPiece, ParquetScan};
use crate::prune;

/// What makes the buffers of a reader smaller.
const FEWER_COLUMNS: &str = "select fewer columns";

/// Bytes of pages that a reader may hold at first; it asks for what it needs more.
const PAGES_BYTES: usize = 4 << 20;

/// What a reader holds beside its pages, in bytes: a batch before the filter, and one after it.
const BATCH_BYTES: usize = 1 << 20;

/// Opens the first piece of a scan when the first batch is asked for.
pub(super) fn open<'a>(scan: &'a ParquetScan, host: &'a dyn Host) -> Result<Parquet<'a>> {
    let output = scan.output_columns.min(scan.columns.fields().len());
    let schema = Arc::new(scan.columns.project(&(0..output).collect::<Vec<_>>())?);
    let memory = host.reserve("read_parquet", 0, FEWER_COLUMNS)?;
    let scratch = host.pool().map_or_else(Scratch::new, Scratch::with_pool);
    Ok(Parquet { scan, host, schema, next: 0, piece: None, scratch, memory })
}

/// A scan at work.
pub(super) struct Parquet<'a> {
    scan: &'a ParquetScan,
    host: &'a dyn Host,
    /// The columns that come out.
    schema: SchemaRef,
    /// The next piece.
    next: usize,
    piece: Option<Piece<'a>>,
    /// What readers leave for each other.
    scratch: Scratch,
    memory: Box<dyn Reservation>,
}

/// A file that is being read.
struct Piece<'a> {
    /// Rows to keep, where some have to go.
    filter: Option<&'a BoundExpr>,
    /// What of it statistics can decide.
    asked: Option<Predicate>,
    footer: Arc<Footer>,
    input: Arc<Counted>,
    /// Row groups that are still to be read, in order.
    groups: std::vec::IntoIter<usize>,
    /// The rows of the row group that are meant, where it is a part of one.
    rows: Option<Range<u64>>,
    reader: Option<RowGroupReader>,
    layout: Layout,
}

/// Checks that a file whose footer was not looked at before has the columns that are read.
fn check_like(scan: &ParquetScan, piece: &ParquetPiece, footer: &Footer) -> Result<()> {
    let schema = footer.file.schema();
    let is_value = |name: &str| piece.file.values.iter().any(|(known, _)| known == name);
    for field in scan.columns.fields().iter().filter(|field| !is_value(field.name())) {
        let Ok(found) = schema.field_with_name(field.name()) else {
            return Err(unlike(&piece.file, &format!("has no column {:?}, which was", field.name())));
        };
        if found.data_type() != field.data_type() {
            let (name, found, expected) = (field.name(), found.data_type(), field.data_type());
            let what = format!("has column {name:?} as {found}, and {expected} was");
            return Err(unlike(&piece.file, &what));
        }
    }
    Ok(())
}

/// The error of a file that is not like the one that the columns were taken from.
fn unlike(file: &FileInput, what: &str) -> Error {
    let way_out = "leave out same_schema(true), or say manifest(false)";
    let message = format!("{}: {what} in the file that was said to be like it; {way_out}", file.path);
    partita_formats::Error::from(FormatsErrorKind::Options(message)).into()
}

impl<'a> Parquet<'a> {
    /// Opens the next piece; false where there is none.
    fn advance(&mut self) -> Result<bool> {
        let Some(piece) = self.scan.pieces.get(self.next) else { return Ok(false) };
        self.next += 1;
        let file = &*piece.file;
        self.host.check_unchanged(&file.path, file.bytes, file.modified_ns)?;
        let input = Arc::new(Counted::new(self.host.open(&file.path)?));
        let footer = match self.host.held_footer(file) {
            Some(held) => held,
            None => {
                let reserve =
                    |operator: &'static str, bytes, way_out| self.host.reserve(operator, bytes, way_out);
                Arc::new(Footer::read(file, &*input, reserve)?)
            }
        };
        if piece.row_groups.is_none() {
            check_like(self.scan, piece, &footer)?;
        }
        let layout = Layout::new(&self.scan.columns, footer.file.schema(), &file.values);
        let groups = match &piece.row_groups {
            Some(groups) => groups.clone(),
            None => (0..footer.file.row_groups().len()).collect(),
        };
        let filter = self.scan.filter.as_ref().filter(|_| piece.filtered);
        let asked = filter.map(|filter| {
            let is_known = |name: &str| file.values.iter().any(|(known, _)| known == name);
            prune::condition(filter, &self.scan.columns, &is_known)
        });
        let (rows, groups) = (piece.rows.clone(), groups.into_iter());
        self.piece = Some(Piece { filter, asked, footer, input, groups, rows, reader: None, layout });
        Ok(true)
    }

    /// The next batch of the open piece; `None` at its end.
    fn next_of_piece(&mut self) -> Result<Option<RecordBatch>> {
        let Some(piece) = &mut self.piece else { return Ok(None) };
        loop {
            let Some(reader) = &mut piece.reader else {
                let Some(group) = piece.groups.next() else { return Ok(None) };
                piece.reader = piece.open(self.scan, group, (self.host, &self.scratch))?;
                continue;
            };
            grow(&mut self.memory, reader.memory_bytes().max(PAGES_BYTES) + BATCH_BYTES)?;
            let batch = match reader.next_batch() {
                Ok(batch) => batch,
                Err(error) => {
                    let FormatsErrorKind::Window { bytes, .. } = error.kind() else {
                        return Err(told(error));
                    };
                    if *bytes <= reader.memory_bytes_max() {
                        return Err(told(error));
                    }
                    grow(&mut self.memory, bytes.saturating_add(BATCH_BYTES))?;
                    reader.set_memory_bytes_max(*bytes);
                    continue;
                }
            };
            self.host.progress(piece.input.take_bytes(), 0);
            match batch {
                Some(batch) if batch.num_rows() > 0 => {
                    let origins = &piece.layout.columns[..self.schema.fields().len()];
                    let made = made_bytes(&self.schema, origins, &batch);
                    grow(&mut self.memory, reader.memory_bytes().max(PAGES_BYTES) + BATCH_BYTES + made)?;
                    return piece.layout.columns(&self.schema, origins, &batch).map(Some);
                }
                Some(_) => {}
                None => piece.reader = None,
            }
            if self.host.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
        }
    }
}

impl Piece<'_> {
    /// A reader of the rows of a row group that may match; `None` where there are none.
    fn open(
        &self,
        scan: &ParquetScan,
        group: usize,
        (host, scratch): (&dyn Host, &Scratch),
    ) -> Result<Option<RowGroupReader>> {
        let input: Arc<dyn ReadAt> = Arc::clone(&self.input) as Arc<dyn ReadAt>;
        let ranges = match (&self.asked, &self.rows) {
            (Some(asked), rows) => {
                let matching = self.footer.file.matching_rows(&*input, group, asked)?;
                Some(rows.as_ref().map_or_else(|| matching.clone(), |rows| within(&matching, rows)))
            }
            (None, Some(rows)) => Some(vec![rows.clone()]),
            (None, None) => None,
        };
        if ranges.as_ref().is_some_and(Vec::is_empty) {
            return Ok(None);
        }
        let filter = match self.filter {
            Some(filter) => {
                let meter = Meter::new(host)?;
                let filter = ScanFilter::new(scan, filter, &self.layout, self.footer.file.schema(), meter);
                Some(Box::new(filter) as Box<dyn RowFilter>)
            }
            None => None,
        };
        let wanted = self.layout.read_of(scan.output_columns);
        let columns = self.layout.read[..wanted].to_vec();
        let spec = RowGroupSpec { ranges, memory_bytes_max: PAGES_BYTES, ..RowGroupSpec::new(columns) };
        Ok(Some(RowGroupReader::with_scratch(&self.footer.file, &input, group, &spec, filter, scratch)?))
    }
}

/// What of some ranges is within another.
fn within(ranges: &[Range<u64>], rows: &Range<u64>) -> Vec<Range<u64>> {
    let clipped = ranges.iter().map(|range| range.start.max(rows.start)..range.end.min(rows.end));
    clipped.filter(|range| !range.is_empty()).collect()
}

impl BatchSource for Parquet<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.next_of_piece()? {
                self.host.progress(0, batch.num_rows() as u64);
                return Ok(Some(batch));
            }
            if self.host.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
            if !self.advance()? {
                return Ok(None);
            }
        }
    }
}
