//! From files to a plan: footers are read, on all threads; nothing else is.

use std::sync::Arc;

use arrow::datatypes::Schema;
use partita_plan::node::{Extent, ParquetFileInput, ParquetSet, ReadParquet, Split, merged_schema};
use partita_tasks::program::FileInput;

use super::look::{Looked, Looker};
use super::{ParquetReader, Said};
use crate::error::Result;
use crate::files::{self, Listed, Listing, Planned};
use crate::frame::DataFrame;

/// Files of which footers are read in any case: they are read at once, and pruning by statistics is worth it.
const FOOTERS_ALWAYS: usize = 64;

/// How much larger columns are before compression, where the footer that says so was not read: a guess.
const COMPRESSION: u64 = 4;

pub(super) fn load(reader: ParquetReader) -> Result<DataFrame> {
    if let Some(error) = &reader.wrong {
        return Err(error.clone());
    }
    let split = match &reader.options.split {
        Said::Size(size) => Split::Bytes(size.bytes()?),
        Said::Exactly(split) => *split,
    };
    let listing = files::list(&reader.search)?;
    let index = reader.options.index.as_ref().or(listing.index.as_ref());
    let files = listing.planned(reader.filters.as_ref(), reader.include_path.as_deref())?;
    let opens = |number: usize, file: &Listed| number == 0 || needs_footer(&reader, &listing, split, file);
    let wanted: Vec<(usize, Arc<FileInput>)> = files
        .iter()
        .enumerate()
        .filter(|(number, planned)| opens(*number, planned.file))
        .map(|(number, planned)| (number, Arc::clone(&planned.input)))
        .collect();
    let session = &reader.search.session;
    let looker = Looker { session, split, index: index.map(String::as_str) };
    let looked = session.engine().parallel(&wanted, |(_, input)| looker.look(input))?;
    let in_files = if looked.is_empty() {
        Arc::new(Schema::new(listing.columns.clone()))
    } else {
        let files = looked.iter().map(|looked| &looked.footer.file);
        merged_schema(files.map(|file| (file.name(), file.schema())))?
    };
    let schema = listing.schema(&in_files, reader.include_path.as_deref())?;
    let mut looked = wanted.iter().map(|(number, _)| *number).zip(looked).peekable();
    let mut planned = Vec::with_capacity(files.len());
    for (number, Planned { file, input, excluded }) in files.into_iter().enumerate() {
        let looked = looked.next_if(|(opened, _)| *opened == number).map(|(_, looked)| looked);
        if !excluded {
            planned.push(planned_file(file, input, looked));
        }
    }
    let set = ParquetSet { files: planned, schema, split, index: index.cloned() };
    if let Some(index) = &set.index {
        partita_plan::node::position(&set.schema, index)?;
    }
    reader.frame(ReadParquet::plan(set))
}

/// Whether a plan can do without the footer of a file.
fn needs_footer(reader: &ParquetReader, listing: &Listing, split: Split, file: &Listed) -> bool {
    if !(listing.vouched || reader.options.same_schema)
        || reader.options.index.is_some()
        || listing.index.is_some()
    {
        return true;
    }
    let is_one_piece = match split {
        Split::Bytes(bytes) => file.input.bytes.saturating_mul(COMPRESSION) <= bytes,
        Split::Files => true,
        Split::RowGroups(_) => false,
    };
    !is_one_piece || (listing.files.len() <= FOOTERS_ALWAYS && !reader.options.same_schema)
}

fn planned_file(file: &Listed, input: Arc<FileInput>, looked: Option<Looked>) -> ParquetFileInput {
    let Some(Looked { footer, groups, bytes_read }) = looked else {
        let extent = Extent { row_groups: None, bytes: input.bytes.saturating_mul(COMPRESSION) };
        return ParquetFileInput { input, footer: None, rows: file.rows, extent, planning_bytes: 0 };
    };
    let bytes = groups.iter().fold(0_u64, |all, group| all.saturating_add(group.bytes));
    let extent = Extent { row_groups: Some(groups), bytes };
    let rows = Some(footer.file.rows());
    ParquetFileInput { input, footer: Some(footer), rows, extent, planning_bytes: bytes_read }
}
