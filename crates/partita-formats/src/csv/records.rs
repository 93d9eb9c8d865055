//! The marks that a splitter leaves: where each field and each record of a chunk ends.

use std::ops::Range;

/// Set in a field's end where the raw field holds a quote or an escape and must be unescaped before it is a value.
pub const ESCAPED: u32 = 1 << 31;

/// One record of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// First byte of the record in its chunk.
    pub start: u32,
    /// Index of the record's first field end in [`Records::ends`].
    pub first: u32,
}

/// The marks of one chunk, reused from chunk to chunk. Positions are bytes in the chunk (below 2 GiB).
///
/// A record's first field begins at [`Record::start`]; each further field begins one byte (the separator) after
/// the end of the one before. Line ends, comments and skipped lines belong to no field.
#[derive(Debug, Default)]
pub struct Records {
    /// Field ends in order, exclusive, with [`ESCAPED`] where it applies.
    pub ends: Vec<u32>,
    /// The records in order.
    pub records: Vec<Record>,
}

impl Records {
    /// Forgets all marks and keeps the memory.
    pub fn clear(&mut self) {
        self.ends.clear();
        self.records.clear();
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are no records.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Indices into [`Records::ends`] of the fields of record `row`.
    pub fn fields(&self, row: usize) -> Range<usize> {
        let first = self.records[row].first as usize;
        let last = self.records.get(row + 1).map_or(self.ends.len(), |next| next.first as usize);
        first..last
    }

    /// Number of fields of record `row`.
    pub fn width(&self, row: usize) -> usize {
        self.fields(row).len()
    }

    /// The bytes of field `column` of record `row`, and whether they must be unescaped; `None` where the record
    /// is shorter.
    pub fn field(&self, row: usize, column: usize) -> Option<(Range<usize>, bool)> {
        let fields = self.fields(row);
        let index = fields.start + column;
        if index >= fields.end {
            return None;
        }
        let end = self.ends[index];
        let start = if column == 0 { self.records[row].start } else { (self.ends[index - 1] & !ESCAPED) + 1 };
        Some((start as usize..(end & !ESCAPED) as usize, end & ESCAPED != 0))
    }
}
