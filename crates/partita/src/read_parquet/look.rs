//! What is looked at of a file to plan: its footer, and where pages of row groups begin that are too large for a partition.

use std::ops::Range;
use std::sync::Arc;

use partita_columns::Scalar;
use partita_formats::io::{Counted, ReadAt};
use partita_formats::parquet::read::{PageIndex, ParquetFile};
use partita_plan::node::{GroupExtent, Part, Split, cut_row_group};
use partita_tasks::host::Footer;
use partita_tasks::program::FileInput;

use crate::error::Result;
use crate::session::Session;

/// A file that was looked at.
pub(super) struct Looked {
    pub(super) footer: Arc<Footer>,
    pub(super) groups: Vec<GroupExtent>,
    /// Bytes that were read for it.
    pub(super) bytes_read: u64,
}

/// Looks at files.
pub(super) struct Looker<'a> {
    pub(super) session: &'a Session,
    pub(super) split: Split,
    /// The column by which the rows are in order.
    pub(super) index: Option<&'a str>,
}

impl Looker<'_> {
    /// Looks at a file.
    pub(super) fn look(&self, input: &FileInput) -> Result<Looked> {
        let footer = self.session.engine().footer(input)?;
        let file = &footer.file;
        let sizes = file.row_groups().iter().map(|group| group.uncompressed_bytes);
        let mut groups: Vec<GroupExtent> =
            sizes.map(|bytes| GroupExtent { bytes, parts: Vec::new() }).collect();
        let mut bytes_read = file.bytes_read();
        if let Split::Bytes(most) = self.split
            && groups.iter().any(|group| group.bytes > most)
        {
            let counted = Arc::new(Counted::new(self.session.engine().storage().open(&input.path)?));
            let bytes: Arc<dyn ReadAt> = Arc::clone(&counted) as Arc<dyn ReadAt>;
            for (number, group) in groups.iter_mut().enumerate().filter(|(_, group)| group.bytes > most) {
                group.parts = self.parts(file, &bytes, number, most)?;
            }
            bytes_read += counted.take_bytes();
        }
        Ok(Looked { footer, groups, bytes_read })
    }

    /// The parts of a row group of more than `most` bytes: between pages of the column by which the rows are in order, or of its
    /// largest one.
    fn parts(
        &self,
        file: &ParquetFile,
        input: &Arc<dyn ReadAt>,
        number: usize,
        most: u64,
    ) -> Result<Vec<Part>> {
        let index = self.index.and_then(|name| file.schema().index_of(name).ok());
        let bytes = |column: &usize| file.column_bytes(number, *column).unwrap_or(0);
        let Some(column) = index.or_else(|| (0..file.schema().fields().len()).max_by_key(bytes)) else {
            return Ok(Vec::new());
        };
        let (pages, group) = (file.page_rows(input, number, column)?, &file.row_groups()[number]);
        let parts = cut_row_group(group.rows, group.uncompressed_bytes, most, &pages);
        let known = match index.filter(|_| !parts.is_empty()) {
            // What is damaged is told when it is read.
            Some(index) => file.page_index(input.as_ref(), number, index).ok().flatten(),
            None => None,
        };
        let bounds = |rows: &Range<u64>| bounds(known.as_ref()?, rows);
        Ok(parts.into_iter().map(|rows| Part { bounds: bounds(&rows), rows }).collect())
    }
}

/// The least and the greatest value of some rows, if the pages that they are prove them.
fn bounds(pages: &PageIndex, rows: &Range<u64>) -> Option<(Scalar, Scalar)> {
    let within = (0..pages.len()).filter(|page| {
        let page = pages.rows(*page);
        page.start < rows.end && page.end > rows.start
    });
    let mut ends: Option<(Scalar, Scalar)> = None;
    for page in within {
        let known = pages.bounds(page);
        let is_proved =
            known.nulls == Some(0) && known.min_is_exact && known.max_is_exact && !known.may_have_nan;
        let (min, max) = known.min.zip(known.max).filter(|_| is_proved)?;
        ends = Some(match ends {
            None => (min, max),
            Some((least, greatest)) => {
                let (lower, higher) = (min.compare(&least)?.is_lt(), max.compare(&greatest)?.is_gt());
                (if lower { min } else { least }, if higher { max } else { greatest })
            }
        });
    }
    ends
}
