//! Which bytes are written once, and where each piece finds itself in them.
//!
//! Pieces that overlap in memory become one segment, so that what arrays shared they share again after reading.
//! Where all pieces of a segment are text of views, only the granules that a view points into are written, and views
//! are rewritten: a granule is 16 bytes, more where a bit for each would pass [`GRANULES_MAX`].

use std::cmp::Reverse;
use std::io;
use std::ops::Range;

use arrow::array::ByteView;
use arrow::buffer::Buffer;
use xxhash_rust::xxh3::Xxh3;

use super::walk::{Piece, Views, Visitor};

/// Granules of all text of a frame.
const GRANULES_MAX: usize = 1 << 20;

/// Bytes of the smallest granule, as a power of two.
const GRANULE_SHIFT: u32 = 4;

/// Views of up to this many bytes hold them.
pub(super) const INLINE_BYTES_MAX: u32 = 12;

/// Buffers are allocated in multiples of this.
const ALLOCATION_BYTES: usize = 64;

/// Where the values of an array begin must stay a multiple of this.
pub(super) const ALIGN_BYTES: usize = 16;

/// Bytes of memory that a segment takes after reading.
pub(super) fn allocation_bytes(pad: usize, len: usize) -> usize {
    (pad.saturating_add(len)).checked_next_multiple_of(ALLOCATION_BYTES).unwrap_or(usize::MAX)
}

/// One piece.
pub(super) struct Reference {
    pub(super) bytes: Buffer,
    /// 0 for bytes as they are. Others are written changed: the same number, at the same place, for the same result.
    change: u64,
    text: bool,
    /// Its segment; pieces without bytes have none.
    pub(super) segment: Option<u32>,
}

impl Reference {
    fn start(&self) -> usize {
        self.bytes.as_ptr() as usize
    }

    fn end(&self) -> usize {
        self.start() + self.bytes.len()
    }
}

/// Bytes that are written once.
pub(super) struct Segment {
    /// Its pieces in `Segments::order`.
    pieces: Range<usize>,
    /// The first piece that the walk meets.
    pub(super) first: usize,
    start: usize,
    end: usize,
    /// Its first bit, where only used granules are written.
    granules: Option<usize>,
    /// Bytes as written; none where no view uses it.
    pub(super) len: usize,
    /// Its number among those that are written.
    number: u32,
    /// Bytes before it in memory, so that it is aligned as it was.
    pub(super) pad: usize,
}

/// The segments of a frame.
#[derive(Default)]
pub(super) struct Segments {
    pub(super) references: Vec<Reference>,
    pub(super) list: Vec<Segment>,
    /// References with bytes, by place.
    order: Vec<u32>,
    used: Vec<u64>,
    /// Used granules before each word.
    ranks: Vec<u32>,
    shift: u32,
}

impl Segments {
    /// Bytes held.
    pub(super) fn bytes(&self) -> usize {
        self.references.capacity() * size_of::<Reference>()
            + self.list.capacity() * size_of::<Segment>()
            + self.order.capacity() * size_of::<u32>()
            + self.used.capacity() * size_of::<u64>()
            + self.ranks.capacity() * size_of::<u32>()
    }

    /// Lets go of all buffers.
    pub(super) fn clear(&mut self) {
        self.references.clear();
        self.list.clear();
        self.order.clear();
        self.used.clear();
        self.ranks.clear();
    }

    /// Joins the pieces that were collected.
    pub(super) fn join(&mut self) {
        let Self { references, order, .. } = self;
        order.extend((0..references.len() as u32).filter(|&at| !references[at as usize].bytes.is_empty()));
        order.sort_unstable_by_key(|&at| {
            let piece = &references[at as usize];
            (piece.change, piece.start(), Reverse(piece.end()), at)
        });
        let mut before = None;
        for at in 0..self.order.len() {
            let index = self.order[at] as usize;
            let piece = &self.references[index];
            let (change, start, end) = (piece.change, piece.start(), piece.end());
            match self.list.last_mut().filter(|last| {
                let same = start == last.start && end == last.end;
                before == Some(change) && (same || (change == 0 && start < last.end))
            }) {
                Some(last) => {
                    last.pieces.end = at + 1;
                    last.first = last.first.min(index);
                    last.end = last.end.max(end);
                }
                None => {
                    let pad = if change == 0 { start % ALIGN_BYTES } else { 0 };
                    let pieces = at..at + 1;
                    self.list.push(Segment {
                        pieces,
                        first: index,
                        start,
                        end,
                        granules: None,
                        len: 0,
                        number: 0,
                        pad,
                    });
                }
            }
            before = Some(change);
        }
        self.list.sort_unstable_by_key(|segment| segment.first);
        for (number, segment) in self.list.iter_mut().enumerate() {
            segment.len = segment.end - segment.start;
            for &at in &self.order[segment.pieces.clone()] {
                self.references[at as usize].segment = Some(number as u32);
            }
        }
        self.lay_granules();
    }

    /// Gives bits to the segments that are text alone.
    fn lay_granules(&mut self) {
        let Self { references, list, order, .. } = self;
        let mut bytes = 0_usize;
        for segment in list.iter_mut() {
            if order[segment.pieces.clone()].iter().all(|&at| references[at as usize].text) {
                segment.granules = Some(0);
                segment.pad = 0;
                bytes += segment.len;
            }
        }
        self.shift = GRANULE_SHIFT;
        while bytes >> self.shift > GRANULES_MAX {
            self.shift += 1;
        }
        let mut words = 0;
        for segment in list.iter_mut() {
            if let Some(first) = &mut segment.granules {
                *first = words * 64;
                words += (segment.len >> self.shift) / 64 + 1;
            }
        }
        self.used.resize(words, 0);
    }

    /// Counts the used granules, once all are marked: texts get their length.
    pub(super) fn count_used(&mut self) {
        let mut before = 0;
        for word in &self.used {
            self.ranks.push(before);
            before += word.count_ones();
        }
        let mut number = 0;
        for at in 0..self.list.len() {
            let segment = &self.list[at];
            let len = self.place(segment, segment.end - segment.start);
            self.list[at].len = len;
            self.list[at].number = number;
            number += u32::from(len > 0);
        }
    }

    fn is_used(&self, granule: usize) -> bool {
        self.used.get(granule / 64).is_some_and(|word| word >> (granule % 64) & 1 == 1)
    }

    fn rank(&self, granule: usize) -> usize {
        let word = granule / 64;
        let below = self.used[word] & !(u64::MAX << (granule % 64));
        self.ranks[word] as usize + below.count_ones() as usize
    }

    /// Where byte `at` of a segment is written, or would be. Only the last granule may be shorter than the others,
    /// and none comes after it.
    fn place(&self, segment: &Segment, at: usize) -> usize {
        let Some(first) = segment.granules else { return at };
        let granule = first + (at >> self.shift);
        let before = (self.rank(granule) - self.rank(first)) << self.shift;
        if self.is_used(granule) { before + at % (1 << self.shift) } else { before }
    }

    /// The segments that are written.
    pub(super) fn written(&self) -> impl Iterator<Item = &Segment> {
        self.list.iter().filter(|segment| segment.len > 0)
    }

    /// Number and length of the segment of a piece, and where in it the piece is; nothing for a piece without bytes.
    pub(super) fn find(&self, piece: usize) -> Option<(u32, usize, Range<usize>)> {
        let piece = &self.references[piece];
        let segment = &self.list[piece.segment? as usize];
        let (start, end) = (piece.start() - segment.start, piece.end() - segment.start);
        let place = self.place(segment, start)..self.place(segment, end);
        (!place.is_empty()).then_some((segment.number, segment.len, place))
    }

    /// Where byte `at` of a piece of text is written, from the piece's beginning.
    pub(super) fn moved(&self, piece: usize, at: usize) -> usize {
        let piece = &self.references[piece];
        let Some(number) = piece.segment else { return at };
        let segment = &self.list[number as usize];
        let start = piece.start() - segment.start;
        self.place(segment, start + at) - self.place(segment, start)
    }

    /// Says that bytes of a piece of text are used.
    fn mark(&mut self, piece: usize, bytes: Range<usize>) {
        let piece = &self.references[piece];
        let Some(segment) = piece.segment.map(|number| &self.list[number as usize]) else { return };
        let Some(first) = segment.granules else { return };
        if bytes.is_empty() || bytes.end > piece.bytes.len() {
            return;
        }
        let start = piece.start() - segment.start;
        let granules =
            first + ((start + bytes.start) >> self.shift)..=first + ((start + bytes.end - 1) >> self.shift);
        for granule in granules {
            self.used[granule / 64] |= 1 << (granule % 64);
        }
    }

    /// Writes the bytes of a segment whose pieces are written as they are.
    pub(super) fn write(
        &self,
        segment: &Segment,
        put: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut done = 0;
        for &at in &self.order[segment.pieces.clone()] {
            let piece = &self.references[at as usize];
            let start = piece.start() - segment.start;
            let end = start + piece.bytes.len();
            while done < end {
                let (used, next) = self.run(segment, done, end);
                if used {
                    put(&piece.bytes[done - start..next - start])?;
                }
                done = next;
            }
        }
        Ok(())
    }

    /// Whether the byte at `from` is written, and where bytes of which the same holds end, at most at `end`.
    fn run(&self, segment: &Segment, from: usize, end: usize) -> (bool, usize) {
        let Some(first) = segment.granules else { return (true, end) };
        let used = self.is_used(first + (from >> self.shift));
        let mut next = from >> self.shift;
        while next << self.shift < end && self.is_used(first + next) == used {
            next += 1;
        }
        (used, (next << self.shift).min(end))
    }
}

/// The first walk: what pieces there are.
pub(super) struct Collect<'a>(pub(super) &'a mut Segments);

impl Visitor for Collect<'_> {
    fn number(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn piece(&mut self, piece: Piece<'_>) -> io::Result<()> {
        let (change, text) = match &piece {
            Piece::Plain(_) => (0, false),
            Piece::Text(_) => (0, true),
            Piece::Offsets32(_) => (1, false),
            Piece::Offsets64(_) => (2, false),
            Piece::Views(views) => (view_change(views), false),
        };
        self.0.references.push(Reference { bytes: piece.bytes().clone(), change, text, segment: None });
        Ok(())
    }
}

/// What the same views become depends on what they refer to, and on which are null.
fn view_change(views: &Views<'_>) -> u64 {
    let mut hash = Xxh3::new();
    let mut add = |number: usize| hash.update(&number.to_le_bytes());
    for text in views.texts {
        add(text.as_ptr() as usize);
        add(text.len());
    }
    if let Some(nulls) = views.nulls {
        add(nulls.buffer().as_ptr() as usize);
        add(nulls.offset());
    }
    hash.digest().max(3)
}

/// The second walk: which text the views use.
pub(super) struct Mark<'a> {
    pub(super) segments: &'a mut Segments,
    pub(super) piece: usize,
}

impl Visitor for Mark<'_> {
    fn number(&mut self, _: u64) -> io::Result<()> {
        Ok(())
    }

    fn piece(&mut self, piece: Piece<'_>) -> io::Result<()> {
        if let Piece::Views(views) = &piece {
            let texts = self.piece - views.texts.len();
            for (row, view) in views.views.typed_data::<u128>().iter().enumerate() {
                let view = ByteView::from(*view);
                if view.length > INLINE_BYTES_MAX && views.nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                    let start = view.offset as usize;
                    let index = view.buffer_index as usize;
                    if index < views.texts.len() {
                        self.segments.mark(texts + index, start..start + view.length as usize);
                    }
                }
            }
        }
        self.piece += 1;
        Ok(())
    }
}
