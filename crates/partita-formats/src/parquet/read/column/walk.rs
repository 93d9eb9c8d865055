//! Going on to other pages without reading those between.

use super::damage::Damage;
use super::header::Kind;
use super::pages::PageError;
use super::{ColumnReader, Dictionary, PagePlace};
use crate::error::Result;

/// Pages of fewer bytes in the file are read when their headers are: they come with them.
const SMALL_BYTES: usize = 32 << 10;

impl ColumnReader {
    /// Passes over whole pages of at most `most` rows in all; how many rows they have.
    pub(super) fn pass_pages(&mut self, most: usize) -> Result<usize, PageError> {
        if let Some(passed) = self.jump(most)? {
            return Ok(passed);
        }
        let walked = self.walk(most, &mut |_| {});
        self.pages.read_ahead(true);
        walked
    }

    /// The first rows of all pages, by a walk from header to header: little is read of pages that are large. The reader is at
    /// its end then.
    ///
    /// # Errors
    /// Where headers are damaged ([`crate::ErrorKind::Malformed`]), and where the store fails.
    pub fn page_rows(&mut self) -> Result<Vec<u64>> {
        let mut rows = Vec::new();
        let walked = self.walk(usize::MAX, &mut |row| rows.push(row));
        walked.map_err(|error| self.place().error(error))?;
        Ok(rows)
    }

    /// Passes over whole pages of at most `most` rows in all, and says the first row of each; how many rows they have.
    fn walk(&mut self, most: usize, each: &mut dyn FnMut(u64)) -> Result<usize, PageError> {
        let mut passed = 0;
        self.pages.read_ahead(false);
        while self.rows_behind > 0 {
            let (header, length) = self.header()?;
            match header.kind {
                Kind::Dictionary => self.dictionary = Dictionary::At(self.page_start),
                Kind::Data { .. } if header.values > most - passed => break,
                Kind::Data { .. } => {
                    each(self.spec.rows - self.rows_behind);
                    passed += header.values;
                    self.rows_behind = self.rows_behind.saturating_sub(header.values as u64);
                }
                Kind::Other => {}
            }
            self.page += 1;
            self.pages.pass(length + header.stored_bytes);
            self.pages.read_ahead(header.stored_bytes < SMALL_BYTES);
        }
        Ok(passed)
    }

    /// Goes to the last page of the offset index that begins at most `most` rows from here, where it is known; how many rows
    /// that is.
    fn jump(&mut self, most: usize) -> Result<Option<usize>, PageError> {
        let row = self.spec.rows - self.rows_behind;
        let target = row.saturating_add(most as u64);
        let number = self.spec.pages.partition_point(|page| page.first_row <= target);
        let Some(&PagePlace { offset, first_row }) =
            number.checked_sub(1).and_then(|at| self.spec.pages.get(at))
        else {
            return Ok(None);
        };
        // What the dictionary lies before is known from its first page.
        if first_row <= row || first_row > self.spec.rows || offset <= self.pages.at() {
            return Ok(None);
        }
        if self.page == 0 {
            let first = self.spec.pages.first().map_or(0, |page| page.offset);
            if first > self.spec.range.start {
                self.dictionary = Dictionary::At(self.spec.range.start);
            }
        }
        if !self.pages.seek(offset) {
            return Err(Damage::new("pages of the offset index in the column").into());
        }
        let passed = first_row - row;
        self.page = number;
        self.rows_behind -= passed;
        Ok(Some(usize::try_from(passed).unwrap_or(usize::MAX).min(most)))
    }
}
