//! The page index: where the pages of a column chunk are, and what values they have.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::DataType;
use parquet::schema::types::ColumnDescPtr;

use super::bounds::{self, Bounds, RawBounds, Trust, of_bytes, trust};
use super::column::{ChunkSpec, ColumnReader, PagePlace, Scratch};
use super::file::ParquetFile;
use super::footer::{malformed, read_exact};
use super::thrift::{BINARY, I32, I64, LIST, Outcome, STRUCT, Thrift};
use crate::error::{ErrorKind, Result};
use crate::io::ReadAt;

/// Bounds of the pages of a flat column in one row group.
#[derive(Debug)]
pub struct PageIndex {
    /// The column index, as it is in the file: bounds are decoded one by one.
    bytes: Vec<u8>,
    pages: Vec<Page>,
    rows: u64,
    column: ColumnDescPtr,
    target: DataType,
    trust: Trust,
}

/// What is remembered of a page: its first row, and where its bounds are in the bytes.
#[derive(Debug, Clone, Default)]
struct Page {
    first_row: u64,
    is_null: bool,
    min: Range<u32>,
    max: Range<u32>,
    nulls: Option<u64>,
}

impl PageIndex {
    /// Pages.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Whether there is no page.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// The rows of a page, as they count in the row group.
    pub fn rows(&self, page: usize) -> Range<u64> {
        let end = self.pages.get(page + 1).map_or(self.rows, |next| next.first_row);
        self.pages.get(page).map_or(end, |page| page.first_row)..end
    }

    /// What is known about the values of a page.
    pub fn bounds(&self, page: usize) -> Bounds {
        let rows = self.rows(page);
        let rows = rows.end - rows.start;
        let Some(page) = self.pages.get(page) else {
            return Bounds::default();
        };
        let part = |range: &Range<u32>| self.bytes.get(range.start as usize..range.end as usize);
        let is_whole = bounds::is_whole(&self.column);
        let raw = RawBounds {
            min_is_exact: is_whole,
            max_is_exact: is_whole,
            min: part(&page.min).filter(|_| !page.is_null),
            max: part(&page.max).filter(|_| !page.is_null),
            nulls: if page.is_null { Some(rows) } else { page.nulls },
            rows,
        };
        of_bytes(raw, &self.column, &self.target, self.trust)
    }

    /// Bytes of memory held.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.capacity() + self.pages.capacity() * size_of::<Page>()
    }
}

impl ParquetFile {
    /// Reads the page index of a column in a row group; `None` where there is none, and for nested columns.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Malformed`] where it is damaged, [`crate::ErrorKind::Io`] where the store fails.
    pub fn page_index(
        &self,
        input: &dyn ReadAt,
        row_group: usize,
        column: usize,
    ) -> Result<Option<PageIndex>> {
        let Some((chunk, descriptor, target)) = self.flat_chunk(row_group, column) else {
            return Ok(None);
        };
        let leaf = self.root(column)?.first_leaf;
        let at = (chunk.column_index_offset(), chunk.column_index_length());
        let Some(bytes) = self.index_bytes(input, at, (row_group, column))? else {
            return Ok(None);
        };
        let Some(places) = self.page_places(input, row_group, leaf)? else {
            return Ok(None);
        };
        let mut pages: Vec<Page> =
            places.iter().map(|place| Page { first_row: place.first_row, ..Page::default() }).collect();
        let name = self.schema().field(column).name();
        bounds_of(&bytes, &mut pages).map_err(|message| {
            malformed(self.name(), format!("column {name:?}, row group {row_group}: column index: {message}"))
        })?;
        let trust = trust(self.metadata().file_metadata().column_order(leaf));
        let rows = self.row_groups().get(row_group).map_or(0, |group| group.rows);
        Ok(Some(PageIndex { bytes, pages, rows, column: descriptor, target: target.clone(), trust }))
    }

    /// Where the pages of a leaf are, if the file says so.
    pub(super) fn page_places(
        &self,
        input: &dyn ReadAt,
        row_group: usize,
        leaf: usize,
    ) -> Result<Option<Vec<PagePlace>>> {
        let chunk_range = self.chunk_range(row_group, leaf)?;
        let chunk = self.metadata().row_group(row_group).column(leaf);
        let at = (chunk.offset_index_offset(), chunk.offset_index_length());
        let Some(bytes) = self.index_bytes(input, at, (row_group, leaf))? else {
            return Ok(None);
        };
        let rows = self.row_groups().get(row_group).map_or(0, |group| group.rows);
        places_of(&bytes, &chunk_range, rows).map(Some).map_err(|message| {
            let column = chunk.column_path().string();
            malformed(
                self.name(),
                format!("column {column:?}, row group {row_group}: offset index: {message}"),
            )
        })
    }

    /// The first rows of the pages of a column in a row group, as they count in it: from the offset index, or by a walk
    /// from header to header. Nothing where neither tells, as for nested columns without an index, or is damaged.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] where the store fails.
    pub fn page_rows(&self, input: &Arc<dyn ReadAt>, row_group: usize, column: usize) -> Result<Vec<u64>> {
        let found = self.page_rows_of(input, row_group, column);
        match found {
            Err(error) if matches!(error.kind(), ErrorKind::Malformed { .. }) => Ok(Vec::new()),
            found => found,
        }
    }

    fn page_rows_of(&self, input: &Arc<dyn ReadAt>, row_group: usize, column: usize) -> Result<Vec<u64>> {
        let leaf = self.root(column)?.first_leaf;
        if let Some(places) = self.page_places(input.as_ref(), row_group, leaf)? {
            return Ok(places.iter().map(|place| place.first_row).collect());
        }
        match self.chunk_spec(row_group, column)?.filter(ChunkSpec::is_covered) {
            Some(spec) => ColumnReader::new(Arc::clone(input), spec, &Scratch::new())?.page_rows(),
            None => Ok(Vec::new()),
        }
    }

    fn index_bytes(
        &self,
        input: &dyn ReadAt,
        at: (Option<i64>, Option<i32>),
        (row_group, column): (usize, usize),
    ) -> Result<Option<Vec<u8>>> {
        let (Some(offset), Some(length)) = at else {
            return Ok(None);
        };
        let range = u64::try_from(offset).ok().zip(u64::try_from(length).ok());
        let range = range.and_then(|(start, length)| Some(start..start.checked_add(length)?));
        let Some(range) = range.filter(|range| range.end <= self.bytes()) else {
            let message = format!(
                "column {column}, row group {row_group}: expected an index within the {} bytes, got {length} bytes at byte {offset}",
                self.bytes()
            );
            return Err(malformed(self.name(), message));
        };
        let mut bytes = vec![0; (range.end - range.start) as usize];
        read_exact(input, self.name(), range.start, &mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Decodes an offset index of `rows` rows, of a chunk at `chunk`.
fn places_of(bytes: &[u8], chunk: &Range<u64>, rows: u64) -> Outcome<Vec<PagePlace>> {
    let mut thrift = Thrift::new(bytes);
    let mut places: Vec<PagePlace> = Vec::new();
    let mut end = chunk.start;
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        if (number, kind) != (1, LIST) {
            thrift.skip(kind)?;
            continue;
        }
        let (kind, count) = thrift.list()?;
        if kind != STRUCT {
            return Err(format!("expected pages, got elements of type {kind}"));
        }
        places.reserve(count);
        for _ in 0..count {
            let (place, bytes) = place(&mut thrift)?;
            let is_next = match places.last() {
                None => place.first_row == 0,
                Some(before) => place.first_row > before.first_row,
            };
            if !is_next || place.first_row >= rows || place.offset < end {
                return Err(format!(
                    "expected pages in order, got {place:?} behind byte {end}, of {rows} rows"
                ));
            }
            end = place.offset + bytes;
            places.push(place);
        }
    }
    if end > chunk.end || places.is_empty() != (rows == 0) {
        return Err(format!(
            "expected the pages of {rows} rows up to byte {}, got them up to {end}",
            chunk.end
        ));
    }
    Ok(places)
}

/// A page, and its bytes with its header.
fn place(thrift: &mut Thrift<'_>) -> Outcome<(PagePlace, u64)> {
    let (mut offset, mut bytes, mut first_row) = (-1, -1, -1);
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        match (number, kind) {
            (1, I64) => offset = thrift.number()?,
            (2, I32) => bytes = thrift.number()?,
            (3, I64) => first_row = thrift.number()?,
            _ => thrift.skip(kind)?,
        }
    }
    let size = |value: i64| {
        u64::try_from(value)
            .ok()
            .filter(|value| *value <= u64::MAX >> 2)
            .ok_or_else(|| format!("expected the place of a page, got {value} in it"))
    };
    Ok((PagePlace { offset: size(offset)?, first_row: size(first_row)? }, size(bytes)?))
}

/// Decodes a column index.
fn bounds_of(bytes: &[u8], pages: &mut [Page]) -> Outcome<()> {
    let mut thrift = Thrift::new(bytes);
    let mut last = 0;
    while let Some((number, kind)) = thrift.field(&mut last)? {
        if !(matches!(number, 1 | 2 | 3 | 5) && kind == LIST) {
            thrift.skip(kind)?;
            continue;
        }
        let (kind, count) = thrift.list()?;
        if count != pages.len() {
            return Err(format!("expected one value for each of {} pages, got {count}", pages.len()));
        }
        for page in pages.iter_mut() {
            match (number, kind) {
                (1, _) => page.is_null = thrift.flag()?,
                (2, BINARY) => page.min = part(&mut thrift)?,
                (3, BINARY) => page.max = part(&mut thrift)?,
                (5, I64) => page.nulls = u64::try_from(thrift.number()?).ok(),
                _ => return Err(format!("expected bounds, got elements of type {kind}")),
            }
        }
    }
    Ok(())
}

/// Where some bytes are.
fn part(thrift: &mut Thrift<'_>) -> Outcome<Range<u32>> {
    let length = thrift.binary()?.len();
    let end = u32::try_from(thrift.position()).map_err(|_| "an index of more than 4 GiB".to_owned())?;
    Ok(end - length as u32..end)
}
