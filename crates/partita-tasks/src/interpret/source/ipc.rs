//! Record batches of Arrow IPC files as batches of the frame. One of a file may be of any size: it is read whole, and handed on in
//! slices.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use partita_formats::ErrorKind as FormatsErrorKind;
use partita_formats::ipc::{IpcFile, IpcReader};

use super::super::early::told;
use super::super::operators::filter;
use super::layout::{Layout, made_bytes};
use super::{BatchSource, grow};
use crate::error::{ErrorKind, Result};
use crate::expr::{Meter, Prepared};
use crate::host::{Host, Reservation};
use crate::program::IpcScan;

/// What makes the need of a reader smaller.
const FEWER_COLUMNS: &str = "select fewer columns, or write the file with smaller record batches";

/// Bytes that a reader may hold at first; it asks for what it needs more.
const READ_BYTES: usize = 4 << 20;

/// What is held beside what was read, in bytes: a slice as the frame has it, and what a filter leaves of it.
const BATCH_BYTES: usize = 1 << 20;

/// Rows of a slice, and its bytes, about.
const SLICE_ROWS: usize = 8 << 10;
const SLICE_BYTES: usize = 512 << 10;

/// Opens the first piece of a scan when the first batch is asked for.
pub(super) fn open<'a>(scan: &'a IpcScan, host: &'a dyn Host) -> Result<Ipc<'a>> {
    let memory = host.reserve("read_ipc", READ_BYTES + BATCH_BYTES, FEWER_COLUMNS)?;
    let filter = match &scan.filter {
        Some(filter) => Some((Prepared::new(std::slice::from_ref(filter)), Meter::new(host)?)),
        None => None,
    };
    Ok(Ipc { scan, host, next: 0, piece: None, memory, filter })
}

/// A scan at work.
pub(super) struct Ipc<'a> {
    scan: &'a IpcScan,
    host: &'a dyn Host,
    /// The next piece.
    next: usize,
    piece: Option<Piece>,
    memory: Box<dyn Reservation>,
    filter: Option<(Prepared, Meter)>,
}

/// A file that is being read.
struct Piece {
    reader: IpcReader,
    batches: Range<usize>,
    layout: Layout,
    /// What is left of the record batch that was read last, and rows of a slice of it.
    left: Option<(RecordBatch, usize)>,
    messages: Arc<IpcFile>,
}

impl Ipc<'_> {
    /// Opens the next piece; false where there is none.
    fn advance(&mut self) -> Result<bool> {
        self.piece = None;
        let Some(piece) = self.scan.pieces.get(self.next) else { return Ok(false) };
        self.next += 1;
        let file = &*piece.file;
        self.host.check_unchanged(&file.path, file.bytes, file.modified_ns)?;
        let input = self.host.open(&file.path)?;
        let layout = Layout::new(&self.scan.columns, piece.messages.schema(), &file.values);
        let reader = IpcReader::new(&piece.messages, input, layout.read.clone(), READ_BYTES)?;
        let (batches, messages) = (piece.batches.clone(), Arc::clone(&piece.messages));
        self.piece = Some(Piece { reader, batches, layout, left: None, messages });
        Ok(true)
    }

    /// The next slice of the open piece; `None` at its end.
    fn next_slice(&mut self) -> Result<Option<RecordBatch>> {
        let Some(piece) = &mut self.piece else { return Ok(None) };
        loop {
            if let Some((left, rows)) = &mut piece.left
                && left.num_rows() > 0
            {
                let rows = left.num_rows().min(*rows);
                let slice = left.slice(0, rows);
                *left = left.slice(rows, left.num_rows() - rows);
                let made = made_bytes(&self.scan.columns, &piece.layout.columns, &slice);
                grow(&mut self.memory, piece.reader.memory_bytes() + BATCH_BYTES + made)?;
                return piece.layout.columns(&self.scan.columns, &piece.layout.columns, &slice).map(Some);
            }
            // Its memory is that of the next one.
            piece.left = None;
            let Some(batch) = piece.batches.next() else { return Ok(None) };
            let read = loop {
                let error = match piece.reader.read(batch) {
                    Ok(read) => break read,
                    Err(error) => error,
                };
                let FormatsErrorKind::Window { bytes, .. } = error.kind() else { return Err(told(error)) };
                if *bytes <= piece.reader.memory_bytes_max() {
                    return Err(told(error));
                }
                grow(&mut self.memory, bytes.saturating_add(BATCH_BYTES))?;
                piece.reader.set_memory_bytes_max(*bytes);
            };
            self.host.progress(piece.messages.batch_bytes(batch), read.num_rows() as u64);
            let bytes = piece.reader.memory_bytes().max(1);
            let rows = read.num_rows().saturating_mul(SLICE_BYTES) / bytes;
            piece.left = Some((read, rows.clamp(1, SLICE_ROWS)));
            if self.host.is_cancelled() {
                return Err(ErrorKind::Cancelled.into());
            }
        }
    }
}

impl BatchSource for Ipc<'_> {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            match (self.next_slice()?, &self.filter) {
                (Some(batch), Some((predicate, meter))) => {
                    let mask = predicate.mask(&batch, meter)?;
                    return filter(&batch, &mask, self.scan.output_columns).map(Some);
                }
                (Some(batch), None) => return Ok(Some(batch)),
                (None, _) => {}
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
