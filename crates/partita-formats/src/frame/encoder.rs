//! Batches to a frame.

use std::io;

use arrow::array::{ByteView, RecordBatch};

use super::FrameSummary;
use super::blocks::{BlockWriter, OWN_BYTES_MIN, Sink, WriteScratch};
use super::segments::{Collect, INLINE_BYTES_MAX, Mark, Segments, allocation_bytes};
use super::walk::{Piece, Views, Visitor, walk};

/// Values that are changed at a time.
const CHANGED_AT_ONCE: usize = 256;

/// Writes frames. What it needs for that is allocated once: [`super::ENCODER_BYTES`], and a list of the buffers.
#[derive(Default)]
pub struct FrameEncoder {
    scratch: WriteScratch,
    segments: Segments,
}

impl FrameEncoder {
    /// Writes `batches` through `sink`, in pieces of at most a block, first to last. `tag` says which frame it is:
    /// it must be given again to read it.
    ///
    /// Only what the rows use is written, and what batches and columns share is written once. The result is at most
    /// 1 % larger than the buffers that the rows use, beside some 40 bytes a frame and 10 for each buffer.
    ///
    /// # Errors
    /// What `sink` reports; `InvalidInput` where the batches are not of one schema.
    pub fn encode<'a>(
        &'a mut self,
        tag: u64,
        batches: &[RecordBatch],
        sink: &'a mut Sink<'a>,
    ) -> io::Result<FrameSummary> {
        let Self { scratch, segments } = self;
        check(batches)?;
        segments.clear();
        let written = BlockWriter::new(scratch, tag, sink).and_then(|out| encode(batches, segments, out));
        // The buffers belong to the caller, who may be waiting for their memory.
        segments.clear();
        let (memory_bytes, (bytes, checksum)) = written?;
        let rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        Ok(FrameSummary { bytes, memory_bytes, rows, batches: batches.len(), checksum })
    }

    /// Bytes of memory held from frame to frame.
    pub fn memory_bytes(&self) -> usize {
        self.scratch.bytes() + self.segments.bytes()
    }
}

fn check(batches: &[RecordBatch]) -> io::Result<()> {
    let Some((first, rest)) = batches.split_first() else { return Ok(()) };
    let types = |batch: &RecordBatch| -> Vec<_> {
        batch.columns().iter().map(|column| column.data_type().clone()).collect()
    };
    let expected = types(first);
    match rest.iter().find(|batch| types(batch) != expected) {
        None => Ok(()),
        Some(other) => {
            let message = format!("batches of one frame: expected {expected:?}, got {:?}", types(other));
            Err(io::Error::new(io::ErrorKind::InvalidInput, message))
        }
    }
}

/// Segment table, segments, description.
fn encode(
    batches: &[RecordBatch],
    segments: &mut Segments,
    mut out: BlockWriter<'_>,
) -> io::Result<(usize, (u64, u64))> {
    walk_all(batches, &mut Collect(segments))?;
    segments.join();
    walk_all(batches, &mut Mark { segments, piece: 0 })?;
    segments.count_used();

    let mut memory_bytes = 0;
    out.number(segments.written().count() as u64)?;
    for segment in segments.written() {
        memory_bytes += allocation_bytes(segment.pad, segment.len);
        out.number((segment.len as u64) << 4 | segment.pad as u64)?;
    }
    walk_all(batches, &mut Write { segments, piece: 0, out: &mut out })?;
    let mut describe = Describe { segments, piece: 0, next: 0, out: &mut out };
    for batch in batches {
        describe.number(batch.num_rows() as u64)?;
        batch.columns().iter().try_for_each(|column| walk(column, &mut describe))?;
    }
    Ok((memory_bytes, out.finish()?))
}

fn walk_all(batches: &[RecordBatch], visitor: &mut dyn Visitor) -> io::Result<()> {
    batches.iter().flat_map(RecordBatch::columns).try_for_each(|column| walk(column, visitor))
}

/// The third walk: the bytes of each segment, where its first piece is met.
struct Write<'a, 'b> {
    segments: &'a Segments,
    piece: usize,
    out: &'a mut BlockWriter<'b>,
}

impl Visitor for Write<'_, '_> {
    fn number(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn piece(&mut self, piece: Piece<'_>) -> io::Result<()> {
        let at = self.piece;
        self.piece += 1;
        let number = self.segments.references[at].segment;
        let segment = number.map(|number| &self.segments.list[number as usize]);
        let Some(segment) = segment.filter(|segment| segment.first == at) else { return Ok(()) };
        match piece {
            Piece::Plain(_) if segment.len >= OWN_BYTES_MIN => {
                self.out.cut()?;
                self.segments.write(segment, &mut |bytes| self.out.put(bytes))?;
                self.out.cut()
            }
            Piece::Plain(_) | Piece::Text(_) => {
                self.segments.write(segment, &mut |bytes| self.out.put(bytes))
            }
            Piece::Offsets32(bytes) => {
                let offsets = bytes.typed_data::<i32>();
                let first = offsets.first().copied().unwrap_or(0);
                self.put_changed(offsets, |_, offset| (offset - first).to_le_bytes())
            }
            Piece::Offsets64(bytes) => {
                let offsets = bytes.typed_data::<i64>();
                let first = offsets.first().copied().unwrap_or(0);
                self.put_changed(offsets, |_, offset| (offset - first).to_le_bytes())
            }
            Piece::Views(views) => self.put_views(&views, at - views.texts.len()),
        }
    }
}

impl Write<'_, '_> {
    /// Nulls become empty: what they point to may be anything.
    fn put_views(&mut self, views: &Views<'_>, texts: usize) -> io::Result<()> {
        let segments = self.segments;
        self.put_changed(views.views.typed_data::<u128>(), |row, view| {
            if views.nulls.is_some_and(|nulls| nulls.is_null(row)) {
                return [0; 16];
            }
            if view as u32 <= INLINE_BYTES_MAX {
                return view.to_le_bytes();
            }
            let mut view = ByteView::from(view);
            let text = texts + view.buffer_index as usize;
            view.offset = segments.moved(text, view.offset as usize) as u32;
            view.as_u128().to_le_bytes()
        })
    }

    fn put_changed<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        change: impl Fn(usize, T) -> [u8; N],
    ) -> io::Result<()> {
        let mut bytes = [[0; N]; CHANGED_AT_ONCE];
        for (chunk, values) in values.chunks(CHANGED_AT_ONCE).enumerate() {
            for (at, (bytes, value)) in bytes.iter_mut().zip(values).enumerate() {
                *bytes = change(chunk * CHANGED_AT_ONCE + at, *value);
            }
            self.out.put(bytes[..values.len()].as_flattened())?;
        }
        Ok(())
    }
}

/// The last walk: numbers as they are, and for each piece 0 (no bytes), 1 (all of the next segment), or the number of
/// its segment and 2, where it begins, and its length.
struct Describe<'a, 'b> {
    segments: &'a Segments,
    piece: usize,
    /// The next segment that no piece has named.
    next: u32,
    out: &'a mut BlockWriter<'b>,
}

impl Visitor for Describe<'_, '_> {
    fn number(&mut self, value: u64) -> io::Result<()> {
        self.out.number(value)
    }

    fn piece(&mut self, _: Piece<'_>) -> io::Result<()> {
        let at = self.piece;
        self.piece += 1;
        let Some((number, len, place)) = self.segments.find(at) else {
            return self.out.number(0);
        };
        if number == self.next && place == (0..len) {
            self.next += 1;
            return self.out.number(1);
        }
        self.next = self.next.max(number + 1);
        self.out.number(u64::from(number) + 2)?;
        self.out.number(place.start as u64)?;
        self.out.number(place.len() as u64)
    }
}
