//! Partitions of Parquet files: runs of row groups, and parts of large ones; and of Arrow IPC files, whose record batches stand for
//! row groups.

#[cfg(test)]
mod tests;

use std::fmt;
use std::ops::Range;

use partita_columns::Scalar;

/// What a file counts at least, in bytes: opening it takes as long as decoding about as many.
const FILE_BYTES_MIN: u64 = 256 << 10;

/// How row groups become partitions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Split {
    /// Row groups, of several files where they are small, up to so many bytes before compression; one that is larger is cut
    /// between pages, or a partition by itself where that cannot be.
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
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Extent {
    /// Each row group; `None` where the footer was not looked at.
    pub row_groups: Option<Vec<GroupExtent>>,
    /// Bytes of all, about.
    pub bytes: u64,
}

/// What cutting looks at of a row group.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupExtent {
    /// Bytes before compression.
    pub bytes: u64,
    /// The parts that it can be cut into; none where it is one.
    pub parts: Vec<Part>,
}

/// A part of a row group.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Its rows, as they count in the row group.
    pub rows: Range<u64>,
    /// The least and the greatest value in it of the column by which the rows are in order, where they are known.
    pub bounds: Option<(Scalar, Scalar)>,
}

impl Extent {
    /// Bytes of a piece, about.
    pub(super) fn piece_bytes(&self, piece: &Piece) -> u64 {
        let groups = piece.row_groups.clone().zip(self.row_groups.as_ref());
        let Some(groups) = groups.and_then(|(range, groups)| groups.get(range)) else { return self.bytes };
        match (groups, &piece.rows) {
            ([group], Some(rows)) => group.part_bytes(rows),
            (groups, _) => groups.iter().fold(0, |all, group| all.saturating_add(group.bytes)),
        }
    }
}

impl GroupExtent {
    /// Bytes of some rows, about.
    fn part_bytes(&self, rows: &Range<u64>) -> u64 {
        let all = self.parts.last().map_or(rows.end, |last| last.rows.end).max(1);
        let share = u128::from(self.bytes) * u128::from(rows.end - rows.start) / u128::from(all);
        u64::try_from(share).unwrap_or(u64::MAX)
    }
}

/// Cuts `rows` rows of `bytes` bytes into parts of about `part_bytes`, each of which begins with a page: `pages` has
/// the first rows of these. Nothing where there is no place to cut.
pub fn parts(rows: u64, bytes: u64, part_bytes: u64, pages: &[u64]) -> Vec<Range<u64>> {
    let count = bytes.div_ceil(part_bytes.max(1)).min(pages.len() as u64);
    let mut parts: Vec<Range<u64>> = Vec::new();
    let mut start = 0;
    for number in 1..count {
        let ideal = u64::try_from(u128::from(rows) * u128::from(number) / u128::from(count));
        let ideal = ideal.unwrap_or(rows);
        let after = pages.partition_point(|page| *page < ideal);
        let near = pages.get(after.saturating_sub(1)..pages.len().min(after + 1)).unwrap_or_default();
        let Some(&cut) = near.iter().min_by_key(|page| page.abs_diff(ideal)) else { continue };
        if cut > start && cut < rows {
            parts.push(start..cut);
            start = cut;
        }
    }
    if start > 0 {
        parts.push(start..rows);
    }
    parts
}

/// Some row groups of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The file's place in the list of files.
    pub file: usize,
    /// Its row groups; `None`: all.
    pub row_groups: Option<Range<usize>>,
    /// The rows of its row group, where it is a part of one.
    pub rows: Option<Range<u64>>,
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
        self.open.push(Piece { file, row_groups: None, rows: None });
        if !matches!(self.split, Split::Bytes(_)) {
            self.close();
        }
    }

    /// A file, row group by row group. One without any is a piece too: its schema counts.
    fn each(&mut self, file: usize, row_groups: &[GroupExtent]) {
        if row_groups.is_empty() || self.split == Split::Files {
            self.make_room(FILE_BYTES_MIN);
            self.open.push(Piece { file, row_groups: Some(0..row_groups.len()), rows: None });
            if !matches!(self.split, Split::Bytes(_)) {
                self.close();
            }
            return;
        }
        if let Split::RowGroups(count) = self.split {
            let count = count.max(1);
            for start in (0..row_groups.len()).step_by(count) {
                let end = start.saturating_add(count).min(row_groups.len());
                self.open.push(Piece { file, row_groups: Some(start..end), rows: None });
                self.close();
            }
            return;
        }
        for (number, group) in row_groups.iter().enumerate() {
            let least = if number == 0 { FILE_BYTES_MIN } else { 0 };
            for part in &group.parts {
                let least = if part.rows.start == 0 { least } else { 0 };
                self.make_room(group.part_bytes(&part.rows).max(least));
                let rows = Some(part.rows.clone());
                self.open.push(Piece { file, row_groups: Some(number..number + 1), rows });
            }
            if !group.parts.is_empty() {
                continue;
            }
            self.make_room(group.bytes.max(least));
            match self.open.last_mut() {
                Some(Piece { file: last, row_groups: Some(range), rows: None }) if *last == file => {
                    range.end = number + 1;
                }
                _ => self.open.push(Piece { file, row_groups: Some(number..number + 1), rows: None }),
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
