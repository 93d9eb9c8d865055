//! Which rows are worth reading: row groups by their statistics and Bloom filters, rows by the page index.

use std::ops::Range;

use partita_columns::Scalar;
use partita_columns::compute::CompareOp;

use super::file::ParquetFile;
use super::pages::PageIndex;
use super::predicate::Predicate;
use crate::error::Result;
use crate::io::ReadAt;

/// Values of a list for which a Bloom filter is asked at most: each costs a read.
const BLOOM_VALUES_MAX: usize = 64;

/// Rows of a row group, as [`super::RowGroupSpec::ranges`] has them.
type Ranges = Vec<Range<u64>>;

/// A row group of which rows may match.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// Its number.
    pub row_group: usize,
    /// The rows that may match, as they count in the row group: ascending, apart from each other, none of them empty.
    pub ranges: Vec<Range<u64>>,
}

impl ParquetFile {
    /// Whether rows of a row group may match, by the statistics in the footer alone: nothing is read. Columns that the
    /// file does not have may hold anything.
    pub fn may_match(&self, row_group: usize, predicate: &Predicate) -> bool {
        let rows = self.row_groups().get(row_group).map_or(0, |group| group.rows);
        rows > 0
            && predicate.may_match(&|name| {
                let column = self.schema().index_of(name).ok()?;
                self.bounds(row_group, column)
            })
    }

    /// The rows of a row group that may match, by statistics, Bloom filters and page index; none where the list is
    /// empty. Parts of filters and indexes are read, where the statistics leave a doubt.
    ///
    /// # Errors
    /// As [`ParquetFile::page_index`] and [`ParquetFile::may_contain`].
    pub fn matching_rows(
        &self,
        input: &dyn ReadAt,
        row_group: usize,
        predicate: &Predicate,
    ) -> Result<Ranges> {
        if !self.may_match(row_group, predicate) {
            return Ok(Vec::new());
        }
        let rows = self.row_groups()[row_group].rows;
        let search = Search { file: self, input, row_group, rows };
        search.rows_of(predicate, &mut Vec::new())
    }

    /// The row groups of which rows may match, and these rows.
    ///
    /// # Errors
    /// As [`ParquetFile::matching_rows`].
    pub fn prune(&self, input: &dyn ReadAt, predicate: &Predicate) -> Result<Vec<Selected>> {
        let mut selected = Vec::new();
        for row_group in 0..self.row_groups().len() {
            let ranges = self.matching_rows(input, row_group, predicate)?;
            if !ranges.is_empty() {
                selected.push(Selected { row_group, ranges });
            }
        }
        Ok(selected)
    }
}

struct Search<'a> {
    file: &'a ParquetFile,
    input: &'a dyn ReadAt,
    row_group: usize,
    rows: u64,
}

/// Page indexes that have been read, by column.
type Indexes = Vec<(usize, Option<PageIndex>)>;

impl Search<'_> {
    fn rows_of(&self, predicate: &Predicate, indexes: &mut Indexes) -> Result<Ranges> {
        match predicate {
            Predicate::And(all) => {
                let mut rows = self.all();
                for one in all {
                    if rows.is_empty() {
                        break;
                    }
                    rows = intersection(&rows, &self.rows_of(one, indexes)?);
                }
                Ok(rows)
            }
            Predicate::Or(all) => {
                let mut rows = Vec::new();
                for one in all {
                    rows = union(&rows, &self.rows_of(one, indexes)?);
                }
                Ok(rows)
            }
            Predicate::Any => Ok(self.all()),
            Predicate::Compare { column, .. }
            | Predicate::IsIn { column, .. }
            | Predicate::IsNull { column }
            | Predicate::IsNotNull { column } => match self.file.schema().index_of(column) {
                Ok(column) => self.rows_of_column(predicate, column, indexes),
                Err(_) => Ok(self.all()),
            },
        }
    }

    fn all(&self) -> Ranges {
        Vec::from_iter((self.rows > 0).then_some(0..self.rows))
    }

    fn rows_of_column(&self, predicate: &Predicate, column: usize, indexes: &mut Indexes) -> Result<Ranges> {
        let bounds = self.file.bounds(self.row_group, column);
        if bounds.is_some_and(|bounds| !predicate.may_match_column(&bounds))
            || !self.may_contain_one(predicate, column)?
        {
            return Ok(Vec::new());
        }
        if !indexes.iter().any(|(of, _)| *of == column) {
            indexes.push((column, self.file.page_index(self.input, self.row_group, column)?));
        }
        let index = indexes.iter().find(|(of, _)| *of == column).and_then(|(_, index)| index.as_ref());
        let Some(index) = index else {
            return Ok(self.all());
        };
        let pages = (0..index.len()).filter(|page| predicate.may_match_column(&index.bounds(*page)));
        let mut rows: Ranges = Vec::new();
        for page in pages {
            let range = index.rows(page);
            match rows.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => rows.push(range),
            }
        }
        Ok(rows)
    }

    /// Whether a condition that asks for certain values finds one of them in the Bloom filter.
    fn may_contain_one(&self, predicate: &Predicate, column: usize) -> Result<bool> {
        let values = match predicate {
            Predicate::Compare { op: CompareOp::Eq, value, .. } => std::slice::from_ref(value),
            Predicate::IsIn { values, .. } if values.len() <= BLOOM_VALUES_MAX => values,
            _ => return Ok(true),
        };
        if values.iter().any(Scalar::is_null) {
            return Ok(true);
        }
        for value in values {
            if self.file.may_contain(self.input, self.row_group, column, value)? {
                return Ok(true);
            }
        }
        Ok(values.is_empty())
    }
}

/// The rows of both.
fn intersection(a: &[Range<u64>], b: &[Range<u64>]) -> Ranges {
    let mut rows = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        let both = x.start.max(y.start)..x.end.min(y.end);
        if !both.is_empty() {
            rows.push(both);
        }
        if x.end < y.end {
            i += 1;
        } else {
            j += 1;
        }
    }
    rows
}

/// The rows of either.
fn union(a: &[Range<u64>], b: &[Range<u64>]) -> Ranges {
    let mut all: Ranges = a.iter().chain(b).cloned().collect();
    all.sort_by_key(|range| range.start);
    let mut rows: Ranges = Vec::with_capacity(all.len());
    for range in all {
        match rows.last_mut() {
            Some(last) if last.end >= range.start => last.end = last.end.max(range.end),
            _ => rows.push(range),
        }
    }
    rows
}
