//! Read, split, decode: the loop that both readers share.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use super::super::blocks::misplaced;
use super::super::decode::{Columns, Irregular};
use super::super::options::{OnMismatch, Ragged};
use super::super::quarantine::{self, Place, Rejected, SetAside};
use super::super::records::Records;
use super::super::split::Splitter;
use super::super::widen::Seen;
use super::buffer::Buffer;
use super::filter::{Early, Kept, RowFilter};
use super::lines::{LineCounter, lines_at};
use super::{ColumnSource, CsvBlock};
use crate::error::{Error, ErrorKind, Result};
use crate::io::ReadAt;

/// The store or decompressor behind a scanner.
pub(super) trait Feed {
    /// Fills some of `out`; 0: nothing more. `past`: also from behind the end of the partition.
    fn read(&mut self, out: &mut [u8], past: bool) -> Result<usize>;
}

/// Goes over the records of a stream of bytes, partition by partition.
pub(super) struct Scanner {
    block: Arc<CsvBlock>,
    input: Arc<dyn ReadAt>,
    splitter: Splitter,
    records: Records,
    columns: Columns,
    /// What drops rows before their columns are decoded.
    early: Option<Early>,
    /// Rows that were looked at.
    rows_seen: u64,
    buffer: Buffer,
    /// Records before the window, where the first of the file was seen.
    records_seen: Option<u64>,
    /// Nothing more comes behind the window.
    ended: bool,
    /// Records that begin here or later belong to the next partition.
    limit: Option<u64>,
    /// The feed must end with a record: whether it has ended.
    ends_at_record: Option<bool>,
    /// Records that are wanted yet, where not all are.
    records_left: Option<usize>,
    /// Where records are set aside.
    quarantine: Option<Quarantine>,
}

/// Records that are set aside, and the line that the reader is in.
struct Quarantine {
    counter: LineCounter,
    aside: SetAside,
}

impl Scanner {
    /// A scanner whose feed begins at `place` of the decoded stream, at a record.
    pub(super) fn new(block: Arc<CsvBlock>, input: Arc<dyn ReadAt>, place: u64) -> Result<Self> {
        Ok(Self {
            splitter: splitter(&block),
            records: Records::default(),
            columns: Columns::new(&block)?,
            early: None,
            rows_seen: 0,
            buffer: Buffer::new(block.limits.chunk_bytes, place),
            records_seen: (place == block.data_start).then_some(0),
            ended: false,
            limit: None,
            ends_at_record: None,
            records_left: None,
            quarantine: None,
            block,
            input,
        })
    }

    /// Drops rows early; before anything is read.
    pub(super) fn filter(&mut self, filter: Box<dyn RowFilter>) -> Result<()> {
        let (early, columns) = Early::new(&self.block, filter)?;
        (self.early, self.columns) = (Some(early), columns);
        Ok(())
    }

    /// The schema of the batches.
    pub(super) fn schema(&self) -> &SchemaRef {
        self.columns.schema()
    }

    /// Rows that were looked at so far, whether they stayed or not.
    pub(super) fn rows_seen(&self) -> u64 {
        self.rows_seen
    }

    /// Reads into memory that another reader has left.
    pub(super) fn begin_in(&mut self, bytes: Vec<u8>) {
        self.buffer.begin_in(bytes);
    }

    /// The memory that was read into, for another reader.
    pub(super) fn into_memory(self) -> Vec<u8> {
        self.buffer.into_memory()
    }

    /// The first byte of the feed is in line `line`, from 1: where records are set aside, lines are counted from there.
    pub(super) fn begin_at_line(&mut self, line: u64) {
        self.begin_with(Some(LineCounter::new(self.block.dialect.line_end, line)));
    }

    /// The same with a counter of lines that stands at the first byte.
    pub(super) fn begin_with(&mut self, counter: Option<LineCounter>) {
        if let Some(counter) = counter.filter(|_| self.block.on_mismatch == OnMismatch::Quarantine) {
            self.quarantine = Some(Quarantine { counter, aside: SetAside::default() });
        }
    }

    /// The counter of lines, at the next byte, where lines are counted.
    pub(super) fn counter(&self) -> Option<LineCounter> {
        self.quarantine.as_ref().map(|quarantine| quarantine.counter)
    }

    /// Place of the next byte.
    pub(super) fn place(&self) -> u64 {
        self.buffer.place()
    }

    /// What was read and not consumed, which the feed must give once more.
    pub(super) fn give_back(&mut self) -> Vec<u8> {
        self.ended = false;
        self.buffer.give_back()
    }

    /// Goes on at another record, which the feed gives next; `counter` stands there.
    pub(super) fn jump(&mut self, place: u64, counter: Option<LineCounter>) {
        self.buffer.jump(place);
        self.records_seen = None;
        if let (Some(quarantine), Some(counter)) = (&mut self.quarantine, counter) {
            quarantine.counter = counter;
        }
    }

    /// Demands that the feed end where a record ends.
    pub(super) fn end_at_record(&mut self) {
        self.ends_at_record = Some(false);
    }

    /// Ends the reading after so many records, of whatever width.
    pub(super) fn end_after(&mut self, records: usize) {
        self.records_left = Some(records);
    }

    /// The lines about records that were set aside since the last call.
    pub(super) fn take_set_aside(&mut self) -> SetAside {
        self.quarantine.as_mut().map(|quarantine| std::mem::take(&mut quarantine.aside)).unwrap_or_default()
    }

    /// What the columns held since the last call, where that is looked at.
    pub(super) fn take_seen(&mut self) -> Seen {
        self.columns.take_seen()
    }

    pub(super) fn block(&self) -> &Arc<CsvBlock> {
        &self.block
    }

    pub(super) fn input(&self) -> &Arc<dyn ReadAt> {
        &self.input
    }

    /// What is read from now on belongs to a new partition, to which records that begin at `limit` or later do not belong;
    /// `None`: that is not known yet.
    pub(super) fn begin_partition(&mut self, limit: Option<u64>) {
        self.limit = limit;
    }

    /// The next batch of the partition; `None` at its end. `cut`: the partition ends where the feed first answers
    /// 0, before the end of the input. At the first wrong value the rest of the partition is read for more of them. Where
    /// records are set aside, a batch may be left without rows.
    pub(super) fn next_batch(&mut self, feed: &mut dyn Feed, cut: bool) -> Result<Option<RecordBatch>> {
        loop {
            if self.columns.is_full() {
                if self.has_mismatches() {
                    self.columns.forget_rows()?;
                } else {
                    return self.columns.take_batch().map(Some);
                }
            }
            if self.records_left == Some(0) || self.take_records()? == 0 && !self.read_more(feed, cut)? {
                return self.end_partition();
            }
        }
    }

    /// Counts the records of the rest of the partition, without their columns.
    pub(super) fn skip_partition(&mut self, feed: &mut dyn Feed, cut: bool) -> Result<u64> {
        let columns = std::mem::replace(&mut self.columns, Columns::new(&self.block.project(&[]))?);
        let early = self.early.take();
        let mut rows = 0;
        let outcome = loop {
            match self.next_batch(feed, cut) {
                Ok(Some(batch)) => rows += batch.num_rows() as u64,
                Ok(None) => break Ok(rows),
                Err(error) => break Err(error),
            }
        };
        (self.columns, self.early) = (columns, early);
        // The task of that partition has told them.
        self.take_set_aside();
        outcome
    }

    /// Splits and decodes what it can of the window; returns the bytes consumed.
    fn take_records(&mut self) -> Result<usize> {
        let place = self.buffer.place();
        let whole = self.limit.is_none_or(|limit| self.buffer.end_place() <= limit);
        let window = self.buffer.window();
        if self.columns.is_empty() && self.early.is_none() && whole && self.may_count() {
            let counted = self.splitter.count(window, self.ended);
            self.columns.add_rows(counted.records);
            self.rows_seen += counted.records as u64;
            self.buffer.consume(counted.consumed);
            self.records_seen = self.records_seen.map(|seen| seen + counted.records as u64);
            return Ok(counted.consumed);
        }
        self.records.clear();
        let wanted = self.columns.rows_wanted().min(self.records_left.unwrap_or(usize::MAX));
        let mut consumed = self.splitter.split(window, self.ended, wanted, &mut self.records);
        if let Some(limit) = self.limit.filter(|_| !whole) {
            let limit = limit.saturating_sub(place);
            let inside = self.records.starts().partition_point(|&start| u64::from(start) < limit);
            if let Some(&start) = self.records.starts().get(inside) {
                consumed = start as usize;
                self.records.truncate(inside);
            }
        }
        let rows_before = self.columns.rows();
        let bytes = &window[..consumed];
        let has_mismatches = self.columns.has_mismatches();
        let (at, columns) = ((place, self.records_seen), &mut self.columns);
        let kept = match &mut self.early {
            None => Ok(Kept::All),
            Some(early) => early.look(bytes, &self.records, at, has_mismatches)?,
        };
        let decoded = kept.and_then(|kept| match kept {
            Kept::All => columns.decode(bytes, &self.records, place, self.records_seen),
            Kept::Rows(rows) => columns.decode_rows(bytes, &self.records, at, rows),
        });
        if let Some(quarantine) = &mut self.quarantine {
            let rejected = self.columns.take_rejected(rows_before);
            quarantine.take(&self.block.file, bytes, place, &self.records, &rejected);
        }
        let count = self.records.len();
        self.rows_seen += count as u64;
        self.buffer.consume(consumed);
        match decoded {
            Ok(()) => {
                self.records_seen = self.records_seen.map(|seen| seen + count as u64);
                self.records_left = self.records_left.map(|left| left.saturating_sub(count));
                Ok(consumed)
            }
            Err(irregular) => Err(self.ragged(place, irregular)),
        }
    }

    /// Whether records without columns need only be counted.
    fn may_count(&self) -> bool {
        self.block.ragged != Ragged::Skip && self.records_left.is_none() && self.quarantine.is_none()
    }

    /// Reads on; `false` where nothing more belongs to the partition.
    fn read_more(&mut self, feed: &mut dyn Feed, cut: bool) -> Result<bool> {
        if self.ended || self.limit.is_some_and(|limit| self.buffer.place() >= limit) {
            return Ok(false);
        }
        if self.ends_at_record == Some(true) {
            if self.buffer.window().is_empty() {
                return Ok(false);
            }
            return Err(misplaced(&self.block, self.buffer.end_place()));
        }
        let record_bytes_max = self.block.limits.record_bytes_max;
        if self.buffer.window().len() > record_bytes_max {
            let (file, byte) = (self.block.file.clone(), self.buffer.place());
            return Err(ErrorKind::RecordTooLong { file, byte, limit: record_bytes_max }.into());
        }
        let past = self.limit.is_some();
        if self.buffer.refill(record_bytes_max.saturating_add(1), |out| feed.read(out, past))? {
            if let Some(has_ended) = &mut self.ends_at_record {
                *has_ended = true;
            } else if cut && !past {
                self.limit = Some(self.buffer.end_place());
            } else {
                self.ended = true;
            }
        }
        Ok(true)
    }

    fn has_mismatches(&self) -> bool {
        self.columns.has_mismatches() || self.early.as_ref().is_some_and(Early::has_mismatches)
    }

    fn end_partition(&mut self) -> Result<Option<RecordBatch>> {
        if self.has_mismatches() {
            self.columns.forget_rows()?;
            if self.block.on_mismatch == OnMismatch::Widen && self.columns.may_widen() {
                return Ok(None);
            }
            let mut table = self.columns.take_mismatches();
            if let Some(early) = &mut self.early {
                table.merge(early.take_mismatches());
            }
            if let Some(lines) = self.lines(&table.places()) {
                table.set_lines(&lines);
            }
            return Err(ErrorKind::Mismatch(Box::new(table)).into());
        }
        if self.columns.rows() == 0 { Ok(None) } else { self.columns.take_batch().map(Some) }
    }

    fn ragged(&self, place: u64, irregular: Irregular) -> Error {
        let byte = place + u64::from(irregular.start);
        // A line that cannot be told is no reason to hide the error behind another one.
        let line = self.lines(&[byte]).and_then(|lines| lines.first().copied()).unwrap_or(0);
        let (expected, found) = (self.block.width, irregular.found);
        ErrorKind::Ragged { file: self.block.file.clone(), line, byte, expected, found }.into()
    }

    fn lines(&self, places: &[u64]) -> Option<Vec<u64>> {
        let block = &self.block;
        lines_at(&block.file, &self.input, block.packing, block.dialect.line_end, places).ok()
    }

    /// Bytes of memory held.
    pub(super) fn memory_bytes(&self) -> usize {
        let aside = self.quarantine.as_ref().map_or(0, |quarantine| quarantine.aside.lines.capacity());
        let early = self.early.as_ref().map_or(0, Early::memory_bytes);
        let columns = self.columns.memory_bytes() + early;
        self.buffer.memory_bytes() + self.records.memory_bytes() + columns + aside
    }
}

/// A splitter that keeps what the columns of `block` need. Records that may be set aside are told from their first to
/// their last byte: of these all is kept.
fn splitter(block: &CsvBlock) -> Splitter {
    let field = |source| match source {
        ColumnSource::Field(field) => Some(field),
        ColumnSource::Missing | ColumnSource::Path => None,
    };
    let wanted: Vec<usize> = match block.on_mismatch {
        OnMismatch::Quarantine => (0..block.width).collect(),
        OnMismatch::Error | OnMismatch::Widen => {
            block.columns.iter().filter_map(|spec| field(spec.source)).collect()
        }
    };
    Splitter::with_projection(&block.dialect, block.width, &wanted)
}

impl Quarantine {
    /// Writes lines about the records of a chunk that are set aside, and passes over all of its lines.
    fn take(&mut self, file: &str, bytes: &[u8], place: u64, records: &Records, rejected: &[Rejected]) {
        let mut counted = 0;
        for rejected in rejected {
            let start = records.starts()[rejected.record] as usize;
            self.counter.feed(&bytes[counted..start]);
            counted = start;
            let place = Place { file, line: self.counter.line(), byte: place + start as u64 };
            self.aside.push(place, &rejected.reason, quarantine::raw(bytes, records, rejected.record));
        }
        self.counter.feed(&bytes[counted..]);
    }
}
