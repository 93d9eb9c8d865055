//! Lists to a row for each of their elements.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait, RecordBatch, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::SchemaRef;
use partita_columns::compute;

use super::Flow;
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation};

/// Rows of a batch at most.
const BATCH_ROWS: usize = 8 << 10;

/// Bytes of a batch at most, but for one of a single row.
const BATCH_BYTES: usize = 512 << 10;

/// Bytes that stay promised between batches.
const STANDING_BYTES: usize = 2 * BATCH_BYTES;

/// The places of a row of the result: its row and its element.
const PLACES_BYTES: usize = 2 * size_of::<u64>() + 1;

/// Puts the elements of a column of lists in the place of these, a row each.
pub(super) struct Explode<'a> {
    column: usize,
    keeps_empty: bool,
    schema: &'a SchemaRef,
    memory: Box<dyn Reservation>,
}

/// A batch, and what its rows take.
struct Lists<'b> {
    others: RecordBatch,
    lists: &'b ArrayRef,
    elements: ArrayRef,
    /// Where the elements of each list begin, and where the last ends.
    offsets: Vec<usize>,
    /// Bytes of a row of the other columns and of an element, where all take as much.
    widths: (Option<usize>, Option<usize>),
}

/// Rows of the result that are handed on together.
#[derive(Default)]
struct Piece {
    rows: Vec<u64>,
    elements: Vec<Option<u64>>,
    bytes: usize,
}

/// Bytes of a value and of whether it is there.
fn width(column: &ArrayRef) -> Option<usize> {
    column.data_type().primitive_width().map(|width| width + 1)
}

fn offsets<O: OffsetSizeTrait>(lists: &ArrayRef) -> Option<(ArrayRef, Vec<usize>)> {
    let lists = lists.as_list_opt::<O>()?;
    let offsets = lists.value_offsets().iter().map(|offset| offset.as_usize()).collect();
    Some((Arc::clone(lists.values()), offsets))
}

impl<'b> Lists<'b> {
    fn new(batch: &'b RecordBatch, column: usize) -> Result<Self> {
        let lists = batch.column(column);
        let found = offsets::<i32>(lists).or_else(|| offsets::<i64>(lists));
        let (elements, offsets) = found.ok_or_else(|| ErrorKind::Missing("lists to explode".into()))?;
        let others: Vec<usize> = (0..batch.num_columns()).filter(|at| *at != column).collect();
        let others = batch.project(&others)?;
        let of_row = others.columns().iter().map(width).sum();
        let widths = (of_row, width(&elements));
        Ok(Self { others, lists, elements, offsets, widths })
    }

    /// The elements of a row: from where, and how many.
    fn of(&self, row: usize) -> (usize, usize) {
        let start = self.offsets[row];
        (start, if self.lists.is_null(row) { 0 } else { self.offsets[row + 1] - start })
    }

    /// Bytes of the other columns of a row.
    fn row_bytes(&self, row: usize) -> Result<usize> {
        match self.widths.0 {
            Some(width) => Ok(width),
            None => Ok(compute::needed_bytes(&self.others.slice(row, 1))?),
        }
    }

    /// Bytes of an element.
    fn element_bytes(&self, at: usize) -> Result<usize> {
        match self.widths.1 {
            Some(width) => Ok(width),
            None => {
                let one = [("", self.elements.slice(at, 1), true)];
                Ok(compute::needed_bytes(&RecordBatch::try_from_iter_with_nullable(one)?)?)
            }
        }
    }
}

impl<'a> Explode<'a> {
    pub(super) fn new(
        column: usize,
        keeps_empty: bool,
        schema: &'a SchemaRef,
        host: &dyn Host,
    ) -> Result<Self> {
        let memory = host.reserve("explode", 0, "use fewer threads, or select fewer columns before")?;
        Ok(Self { column, keeps_empty, schema, memory })
    }

    /// Hands on the rows of the elements of a batch, in pieces that are cut by the rows alone.
    pub(super) fn push(
        &mut self,
        batch: &RecordBatch,
        see: &mut dyn FnMut(RecordBatch) -> Result<Flow>,
    ) -> Result<Flow> {
        let offsets = (batch.num_rows() + 1) * size_of::<usize>();
        self.reserve(STANDING_BYTES.max(offsets))?;
        let lists = Lists::new(batch, self.column)?;
        let mut piece = Piece::default();
        for row in 0..batch.num_rows() {
            let (start, count) = lists.of(row);
            if count == 0 && !self.keeps_empty {
                continue;
            }
            let row_bytes = lists.row_bytes(row)?;
            for at in 0..count.max(1) {
                let element = (count > 0).then_some(start + at);
                let bytes =
                    row_bytes + element.map_or(Ok(size_of::<u128>()), |at| lists.element_bytes(at))?;
                let is_full = piece.rows.len() >= BATCH_ROWS || piece.bytes + bytes > BATCH_BYTES;
                if is_full
                    && !piece.rows.is_empty()
                    && self.hand_on(&lists, offsets, &mut piece, see)? == Flow::Enough
                {
                    return Ok(Flow::Enough);
                }
                piece.rows.push(row as u64);
                piece.elements.push(element.map(|at| at as u64));
                piece.bytes += bytes;
            }
        }
        let flow =
            if piece.rows.is_empty() { Flow::More } else { self.hand_on(&lists, offsets, &mut piece, see)? };
        if self.memory.bytes() > STANDING_BYTES {
            self.memory.resize(STANDING_BYTES)?;
        }
        Ok(flow)
    }

    /// Asks for so many bytes in all.
    fn reserve(&mut self, bytes: usize) -> Result<()> {
        if bytes > self.memory.bytes() { self.memory.resize(bytes) } else { Ok(()) }
    }

    /// Makes the batch of a piece, which is empty then.
    fn hand_on(
        &mut self,
        lists: &Lists<'_>,
        offsets: usize,
        piece: &mut Piece,
        see: &mut dyn FnMut(RecordBatch) -> Result<Flow>,
    ) -> Result<Flow> {
        let need = offsets + 2 * piece.bytes + 3 * PLACES_BYTES * piece.rows.len();
        self.reserve(need)?;
        let rows = UInt64Array::from_iter_values(piece.rows.drain(..));
        let elements: UInt64Array = piece.elements.drain(..).collect();
        piece.bytes = 0;
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in lists.others.columns() {
            columns.push(take(column, &rows, None)?);
        }
        columns.insert(self.column, take(&lists.elements, &elements, None)?);
        see(RecordBatch::try_new(Arc::clone(self.schema), columns)?)
    }
}
