//! A column of a row group, by the engine's own decoder where it is flat, by the `parquet` crate otherwise.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::filter;

use super::column::{ChunkSpec, ColumnReader, PagePlace, Scratch};
use super::file::ParquetFile;
use super::source::Budget;
use super::whole::WholeColumn;
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Reads the rows of some ranges, in order.
pub(super) enum Column {
    /// Rows that nobody wants are passed over when the next ones are read: whole pages at once.
    Own { reader: Box<ColumnReader>, behind: usize },
    /// Gives the rows of the ranges alone.
    Whole(Box<WholeColumn>),
}

/// What the columns of a row group have in common.
pub(super) struct Shared<'a> {
    pub(super) file: &'a ParquetFile,
    pub(super) input: &'a Arc<dyn ReadAt>,
    pub(super) row_group: usize,
    pub(super) ranges: &'a [Range<u64>],
    pub(super) batch_rows: usize,
    /// Whether rows may be left out, so that it pays to know where pages begin.
    pub(super) is_partial: bool,
    pub(super) budget: &'a Arc<Budget>,
    pub(super) scratch: &'a Scratch,
}

impl Column {
    /// Column `column` of the file's schema.
    pub(super) fn open(shared: &Shared<'_>, column: usize) -> Result<Self> {
        let Shared { file, input, row_group, .. } = *shared;
        if let Some(spec) = shared.chunk(column)?.filter(ChunkSpec::is_covered) {
            if !shared.is_partial {
                input.prefetch(spec.range.clone());
            }
            let reader = ColumnReader::new(Arc::clone(input), spec, shared.scratch)?;
            return Ok(Self::Own { reader: Box::new(reader), behind: 0 });
        }
        let rows = (shared.ranges, shared.batch_rows);
        let column = WholeColumn::new(file, input, (row_group, column), rows, shared.budget)?;
        Ok(Self::Whole(Box::new(column)))
    }

    /// Has texts and decimals given as codes of their dictionary, where that can be.
    pub(super) fn keep_codes(&mut self) {
        if let Self::Own { reader, .. } = self {
            reader.keep_codes();
        }
    }

    /// The rows between two ranges, or of a range that ends.
    pub(super) fn leave_out(&mut self, rows: usize) {
        if let Self::Own { behind, .. } = self {
            *behind += rows;
        }
    }

    /// Passes over the next `rows` rows of the ranges.
    pub(super) fn skip(&mut self, rows: usize) {
        match self {
            Self::Own { behind, .. } => *behind += rows,
            Self::Whole(column) => column.skip(rows),
        }
    }

    /// The next `rows` rows of the ranges; those alone that `kept` says, where it says something.
    ///
    /// # Errors
    /// [`ErrorKind::Window`] where pages take more memory than the budget has: the same call goes on once it has more.
    pub(super) fn read(
        &mut self,
        rows: usize,
        kept: Option<&BooleanArray>,
        budget: &Budget,
    ) -> Result<ArrayRef> {
        let (reader, behind) = match (self, kept) {
            (Self::Whole(column), None) => return column.read(rows),
            (Self::Whole(column), Some(kept)) => return Ok(filter(&column.read(rows)?, kept)?),
            (Self::Own { reader, behind }, _) => (reader, behind),
        };
        loop {
            let before = reader.memory_bytes();
            let others = budget.bytes().saturating_sub(before);
            reader.set_memory_bytes_max(budget.bytes_max().saturating_sub(others));
            let read = match (*behind, kept) {
                (0, None) => reader.read(rows).map(Some),
                (0, Some(kept)) => reader.read_kept(kept.values()).map(Some),
                (skipped, _) => reader.skip(skipped).map(|()| None),
            };
            budget.changed(before, reader.memory_bytes());
            match read {
                Ok(Some(array)) => return Ok(array),
                Ok(None) => *behind = 0,
                Err(error) => {
                    let ErrorKind::Window { file, bytes } = error.kind() else {
                        return Err(error);
                    };
                    let (file, bytes) = (file.clone(), bytes.saturating_add(others));
                    return Err(ErrorKind::Window { file, bytes }.into());
                }
            }
        }
    }
}

impl ParquetFile {
    /// What the footer says of a flat column.
    pub(super) fn chunk_spec(&self, row_group: usize, column: usize) -> Result<Option<ChunkSpec>> {
        let Some((chunk, descriptor, target)) = self.flat_chunk(row_group, column) else { return Ok(None) };
        let range = self.chunk_range(row_group, self.root(column)?.first_leaf)?;
        Ok(Some(ChunkSpec {
            file: self.name().into(),
            column: self.schema().field(column).name().as_str().into(),
            row_group,
            range,
            rows: self.row_groups()[row_group].rows,
            compression: chunk.compression(),
            physical: descriptor.physical_type(),
            type_length: usize::try_from(descriptor.type_length()).unwrap_or(0),
            is_nullable: descriptor.max_def_level() > 0,
            target: target.clone(),
            pages: Vec::new().into(),
            wanted: Vec::new().into(),
        }))
    }
}

/// The bytes of the pages that have rows of `ranges`, and what is before the first of all; nothing where pages are not known.
fn wanted(pages: &[PagePlace], spec: &ChunkSpec, ranges: &[Range<u64>]) -> Vec<Range<u64>> {
    let mut wanted: Vec<Range<u64>> = Vec::new();
    let first = pages.first().map(|first| spec.range.start..first.offset);
    let ends = pages.iter().skip(1).map(|next| (next.offset, next.first_row));
    let ends = ends.chain([(spec.range.end, spec.rows)]);
    let with_rows = pages.iter().zip(ends).filter_map(|(page, (end, end_row))| {
        let number = ranges.partition_point(|range| range.end <= page.first_row);
        let is_wanted = ranges.get(number).is_some_and(|range| range.start < end_row);
        is_wanted.then_some(page.offset..end)
    });
    for range in first.into_iter().chain(with_rows).filter(|range| !range.is_empty()) {
        match wanted.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            _ => wanted.push(range),
        }
    }
    wanted
}

impl Shared<'_> {
    /// What is known of a flat column.
    fn chunk(&self, column: usize) -> Result<Option<ChunkSpec>> {
        let Some(spec) = self.file.chunk_spec(self.row_group, column)? else { return Ok(None) };
        let leaf = self.file.root(column)?.first_leaf;
        let pages = self.pages(leaf)?;
        let wanted = wanted(&pages, &spec, self.ranges);
        Ok(Some(ChunkSpec { pages: pages.into(), wanted: wanted.into(), ..spec }))
    }

    /// Where pages begin; nowhere, as far as is known, where the file does not say or what it says is damaged.
    fn pages(&self, leaf: usize) -> Result<Vec<PagePlace>> {
        if !self.is_partial {
            return Ok(Vec::new());
        }
        match self.file.page_places(self.input.as_ref(), self.row_group, leaf) {
            Ok(places) => Ok(places.unwrap_or_default()),
            Err(error) if matches!(error.kind(), ErrorKind::Malformed { .. }) => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}
