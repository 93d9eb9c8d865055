//! The marks that a splitter leaves: where each field and each record of a chunk ends.

use std::ops::Range;
use std::sync::Arc;

/// Set in a field's end where the raw field holds a quote or an escape and must be unescaped before it is a value.
pub const ESCAPED: u32 = 1 << 31;

/// Which field ends a splitter keeps.
#[derive(Debug)]
pub(super) struct Projection {
    /// Fields of a record as it should be.
    width: usize,
    /// For each of them its place among those that are kept.
    positions: Vec<Option<u32>>,
    /// Those that are kept, ascending.
    kept: Vec<u32>,
}

impl Projection {
    /// Of records of `width` fields the ends of the fields in `wanted`, and of the fields just before them.
    pub(super) fn new(width: usize, wanted: &[usize]) -> Self {
        let mut keeps = vec![false; width];
        for &column in wanted.iter().filter(|&&column| column < width) {
            keeps[column.saturating_sub(1)..=column].fill(true);
        }
        let kept: Vec<u32> = (0..width).filter(|&column| keeps[column]).map(|column| column as u32).collect();
        let mut positions = vec![None; width];
        for (position, &column) in kept.iter().enumerate() {
            positions[column as usize] = Some(position as u32);
        }
        Self { width, positions, kept }
    }

    /// Whether every end is kept.
    pub(super) fn is_full(&self) -> bool {
        self.kept.len() == self.width
    }

    /// Fields of a record as it should be.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Whether the end of field `column` is kept.
    pub(super) fn keeps(&self, column: usize) -> bool {
        self.positions.get(column).is_some_and(Option::is_some)
    }
}

/// How one record lies.
#[derive(Debug, Clone, Copy)]
struct Shape {
    /// Its first kept end.
    first: u32,
    /// Its fields.
    width: u32,
}

/// A record of another width than the others.
#[derive(Debug, Clone, Copy)]
pub(super) struct Odd {
    row: u32,
    width: u32,
}

impl Odd {
    /// Record `row`, of `width` fields.
    pub(super) fn new(row: usize, width: usize) -> Self {
        Self { row: row as u32, width: width as u32 }
    }
}

/// The marks of one chunk, reused from chunk to chunk. Positions are bytes in the chunk (below 2 GiB).
///
/// A record's first field begins at its start; each further field begins one byte (the separator) after the end of
/// the one before. Line ends, comments and skipped lines belong to no field. A splitter that was told which fields are wanted keeps the
/// ends of these and of the fields just before them alone; [`Records::position`] tells which they are.
#[derive(Debug, Default)]
pub struct Records {
    /// Field ends in order, exclusive, with [`ESCAPED`] where it applies; those in use are the first `filled`.
    pub(super) ends: Vec<u32>,
    pub(super) filled: usize,
    /// First byte of each record; those in use are the first `rows`.
    pub(super) starts: Vec<u32>,
    pub(super) rows: usize,
    /// Fields of all records but the odd ones.
    width: usize,
    /// Which ends are kept, where not all are.
    projection: Option<Arc<Projection>>,
    pub(super) odd: Vec<Odd>,
    /// How each record lies, where there are odd ones.
    shapes: Vec<Shape>,
}

impl Records {
    /// Forgets all marks and keeps the memory.
    pub fn clear(&mut self) {
        self.filled = 0;
        self.rows = 0;
        self.odd.clear();
        self.shapes.clear();
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The first byte of each record.
    pub fn starts(&self) -> &[u32] {
        &self.starts[..self.rows]
    }

    /// The ends that are kept, record by record: exclusive, with [`ESCAPED`] where it applies.
    pub fn ends(&self) -> &[u32] {
        &self.ends[..self.filled]
    }

    /// The ends that are kept of each record, where every record has exactly `width` fields: then those of record
    /// `row` are [`Records::ends`] from `row * stride` on. `None` where any record has another width.
    pub fn stride(&self, width: usize) -> Option<usize> {
        (self.odd.is_empty() && (self.width == width || self.rows == 0)).then(|| self.kept_of(width))
    }

    /// Where the end of field `column` stands among the kept ends of a record that has so many fields; its start is one
    /// byte behind the kept end just before, or the record's start for field 0. `None`: it is not kept.
    pub fn position(&self, column: usize) -> Option<usize> {
        match &self.projection {
            None => Some(column),
            Some(projection) => Some((*projection.positions.get(column)?)? as usize),
        }
    }

    /// Number of fields of record `row`, whether their ends are kept or not.
    pub fn width(&self, row: usize) -> usize {
        self.shapes.get(row).map_or(self.width, |shape| shape.width as usize)
    }

    /// The bytes of field `column` of record `row`, and whether they must be unescaped; `None` where the record
    /// is shorter, or the field is not among those that were wanted.
    pub fn field(&self, row: usize, column: usize) -> Option<(Range<usize>, bool)> {
        if column >= self.width(row) {
            return None;
        }
        let position = self.position(column)?;
        let first = self.shapes.get(row).map_or(row * self.kept_of(self.width), |shape| shape.first as usize);
        let end = self.ends[first + position];
        let start = match column.checked_sub(1) {
            None => self.starts[row],
            Some(before) => (self.ends[first + self.position(before)?] & !ESCAPED) + 1,
        };
        Some((start as usize..(end & !ESCAPED) as usize, end & ESCAPED != 0))
    }

    /// Forgets the records from `rows` on.
    pub fn truncate(&mut self, rows: usize) {
        if rows >= self.rows {
            return;
        }
        let even = rows * self.kept_of(self.width);
        self.filled = self.shapes.get(rows).map_or(even, |shape| shape.first as usize);
        self.rows = rows;
        self.odd.truncate(self.odd.partition_point(|odd| (odd.row as usize) < rows));
        self.shapes.truncate(if self.odd.is_empty() { 0 } else { rows });
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        (self.ends.capacity() + self.starts.capacity()) * size_of::<u32>()
            + self.odd.capacity() * size_of::<Odd>()
            + self.shapes.capacity() * size_of::<Shape>()
    }

    /// Forgets all marks; those to come are of records of `width` fields, but for the odd ones.
    pub(super) fn begin(&mut self, width: usize, projection: Option<&Arc<Projection>>) {
        self.clear();
        self.width = width;
        self.projection = projection.map(Arc::clone);
    }

    /// Whether more records are odd than not.
    pub(super) fn are_mostly_odd(&self) -> bool {
        self.odd.len() * 2 > self.rows
    }

    /// All records are there: how they lie can be told.
    pub(super) fn seal(&mut self) {
        if self.odd.is_empty() {
            return;
        }
        let (mut first, mut odd) = (0, self.odd.iter().peekable());
        for row in 0..self.rows {
            let width =
                odd.next_if(|odd| odd.row as usize == row).map_or(self.width, |odd| odd.width as usize);
            self.shapes.push(Shape { first, width: width as u32 });
            first += self.kept_of(width) as u32;
        }
    }

    /// The ends that are kept of a record of `width` fields.
    pub(super) fn kept_of(&self, width: usize) -> usize {
        match &self.projection {
            None => width,
            Some(projection) => projection.kept.partition_point(|&column| (column as usize) < width),
        }
    }
}
