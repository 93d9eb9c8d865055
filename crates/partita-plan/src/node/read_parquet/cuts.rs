//! Partitions of Parquet files: runs of row groups.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

/// What a file counts at least, in bytes: opening it takes as long as decoding about as many.
const FILE_BYTES_MIN: u64 = 256 << 10;

/// How row groups become partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Row groups, of several files where they are small, up to so many bytes before compression; one that is larger is a
    /// partition by itself.
    Bytes(u64),
    /// So many row groups of one file.
    RowGroups(usize),
    /// Whole files.
    Files,
}

impl fmt::Display for Split {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Split::Bytes(bytes) => write!(out, "of about {bytes} bytes"),
            Split::RowGroups(1) => write!(out, "a row group each"),
            Split::RowGroups(count) => write!(out, "{count} row groups each"),
            Split::Files => write!(out, "a file each"),
        }
    }
}

/// What cutting looks at of a file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extent {
    /// Bytes of each row group before compression; `None` where the footer was not looked at.
    pub row_groups: Option<Vec<u64>>,
    /// Bytes of all, about.
    pub bytes: u64,
}

/// Some row groups of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The file's place in the list of files.
    pub file: usize,
    /// Its row groups; `None`: all.
    pub row_groups: Option<Range<usize>>,
}

/// The pieces of each partition, in order; at least one partition.
pub(super) fn cut(files: &[Extent], split: Split) -> Vec<Vec<Piece>> {
    let mut cutter = Cutter { partitions: Vec::new(), open: Vec::new(), bytes: 0, split };
    for (number, file) in files.iter().enumerate() {
        match &file.row_groups {
            None => cutter.whole(number, file.bytes),
            Some(row_groups) => cutter.each(number, row_groups),
        }
    }
    cutter.close();
    if cutter.partitions.is_empty() {
        cutter.partitions.push(Vec::new());
    }
    cutter.partitions
}

struct Cutter {
    partitions: Vec<Vec<Piece>>,
    open: Vec<Piece>,
    bytes: u64,
    split: Split,
}

impl Cutter {
    fn close(&mut self) {
        if !self.open.is_empty() {
            self.partitions.push(std::mem::take(&mut self.open));
        }
        self.bytes = 0;
    }

    /// A file that is one piece.
    fn whole(&mut self, file: usize, bytes: u64) {
        self.make_room(bytes.max(FILE_BYTES_MIN));
        self.open.push(Piece { file, row_groups: None });
        if !matches!(self.split, Split::Bytes(_)) {
            self.close();
        }
    }

    /// A file, row group by row group. One without any is a piece too: its schema counts.
    fn each(&mut self, file: usize, row_groups: &[u64]) {
        if row_groups.is_empty() || self.split == Split::Files {
            self.make_room(FILE_BYTES_MIN);
            self.open.push(Piece { file, row_groups: Some(0..row_groups.len()) });
            if !matches!(self.split, Split::Bytes(_)) {
                self.close();
            }
            return;
        }
        if let Split::RowGroups(count) = self.split {
            let count = count.max(1);
            for start in (0..row_groups.len()).step_by(count) {
                let end = start.saturating_add(count).min(row_groups.len());
                self.open.push(Piece { file, row_groups: Some(start..end) });
                self.close();
            }
            return;
        }
        for (number, bytes) in row_groups.iter().enumerate() {
            self.make_room(if number == 0 { (*bytes).max(FILE_BYTES_MIN) } else { *bytes });
            match self.open.last_mut() {
                Some(Piece { file: last, row_groups: Some(range) }) if *last == file => {
                    range.end = number + 1;
                }
                _ => self.open.push(Piece { file, row_groups: Some(number..number + 1) }),
            }
        }
    }

    fn make_room(&mut self, bytes: u64) {
        if let Split::Bytes(most) = self.split
            && self.bytes.saturating_add(bytes) > most
        {
            self.close();
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
