//! From files to a plan: footers are read, on all threads; nothing else is.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use partita_columns::Scalar;
use partita_plan::node::{Extent, ParquetFileInput, ParquetSet, ReadParquet, Split, excludes, merged_schema};
use partita_tasks::program::ParquetInput;

use super::listing::{self, Listed, Listing};
use super::look::{Looked, Looker};
use super::{ParquetReader, Said};
use crate::error::{ErrorKind, Result};
use crate::frame::DataFrame;
use crate::session::Session;

/// Files of which footers are read in any case: they are read at once, and pruning by statistics is worth it.
const FOOTERS_ALWAYS: usize = 64;

/// How much larger columns are before compression, where the footer that says so was not read: a guess.
const COMPRESSION: u64 = 4;

pub(super) fn load(reader: ParquetReader) -> Result<DataFrame> {
    if let Some(error) = &reader.wrong {
        return Err(error.clone());
    }
    let split = match &reader.split {
        Said::Size(size) => Split::Bytes(size.bytes()?),
        Said::Exactly(split) => *split,
    };
    let listing = listing::list(&reader)?;
    let mut files = Vec::with_capacity(listing.files.len());
    let mut first_excluded = None;
    for file in &listing.files {
        let mut values = listing.values(file)?;
        let excluded = reader.filters.as_ref().is_some_and(|filter| excludes(filter, &values));
        if excluded && (first_excluded.is_some() || !files.is_empty()) {
            continue;
        }
        if let Some(column) = &reader.include_path {
            values.push((column.clone(), Scalar::Utf8(file.input.path.clone())));
        }
        if excluded {
            first_excluded = Some((file, input(file, values), true));
        } else {
            files.push((file, input(file, values), false));
        }
    }
    // One file has to say what the columns are.
    if files.is_empty() {
        files.extend(first_excluded);
    }
    let opens = |number: usize, file: &Listed| number == 0 || needs_footer(&reader, &listing, split, file);
    let wanted: Vec<(usize, Arc<ParquetInput>)> = files
        .iter()
        .enumerate()
        .filter(|(number, (file, ..))| opens(*number, file))
        .map(|(number, (_, input, _))| (number, Arc::clone(input)))
        .collect();
    let looker = Looker { session: &reader.session, split, index: reader.index.as_deref() };
    let looked = reader.session.engine().parallel(&wanted, |(_, input)| looker.look(input))?;
    let schema = schema(&reader, &listing, &looked)?;
    let mut looked = wanted.iter().map(|(number, _)| *number).zip(looked).peekable();
    let mut planned = Vec::with_capacity(files.len());
    for (number, (file, input, excluded)) in files.into_iter().enumerate() {
        let looked = looked.next_if(|(opened, _)| *opened == number).map(|(_, looked)| looked);
        if !excluded {
            planned.push(planned_file(file, input, looked));
        }
    }
    let set = ParquetSet { files: planned, schema, split, index: reader.index.clone() };
    frame(reader.session, set, reader.filters, reader.columns)
}

fn frame(
    session: Session,
    set: ParquetSet,
    filters: Option<partita_plan::Expr>,
    columns: Option<Vec<String>>,
) -> Result<DataFrame> {
    if let Some(index) = &set.index {
        partita_plan::node::position(&set.schema, index)?;
    }
    let mut frame = DataFrame::new(session, ReadParquet::plan(set));
    if let Some(filter) = filters {
        frame = frame.filter(filter);
    }
    if let Some(columns) = columns {
        frame = frame.select(columns);
    }
    frame.schema()?;
    Ok(frame)
}

/// Whether a plan can do without the footer of a file.
fn needs_footer(reader: &ParquetReader, listing: &Listing, split: Split, file: &Listed) -> bool {
    if !(listing.vouched || reader.same_schema) || reader.index.is_some() {
        return true;
    }
    let is_one_piece = match split {
        Split::Bytes(bytes) => file.input.bytes.saturating_mul(COMPRESSION) <= bytes,
        Split::Files => true,
        Split::RowGroups(_) => false,
    };
    !is_one_piece || (listing.files.len() <= FOOTERS_ALWAYS && !reader.same_schema)
}

fn input(file: &Listed, values: Vec<(String, Scalar)>) -> Arc<ParquetInput> {
    let input = &file.input;
    Arc::new(ParquetInput {
        path: input.path.clone(),
        bytes: input.bytes,
        modified_ns: input.modified_ns,
        values,
    })
}

fn planned_file(file: &Listed, input: Arc<ParquetInput>, looked: Option<Looked>) -> ParquetFileInput {
    let Some(Looked { footer, groups, bytes_read }) = looked else {
        let extent = Extent { row_groups: None, bytes: input.bytes.saturating_mul(COMPRESSION) };
        return ParquetFileInput { input, footer: None, rows: file.rows, extent, planning_bytes: 0 };
    };
    let bytes = groups.iter().fold(0_u64, |all, group| all.saturating_add(group.bytes));
    let extent = Extent { row_groups: Some(groups), bytes };
    let rows = Some(footer.file.rows());
    ParquetFileInput { input, footer: Some(footer), rows, extent, planning_bytes: bytes_read }
}

/// The columns of the frame: those of the files, of their folders, and the path.
fn schema(reader: &ParquetReader, listing: &Listing, looked: &[Looked]) -> Result<SchemaRef> {
    let in_files = if looked.is_empty() {
        Arc::new(Schema::new(listing.columns.clone()))
    } else {
        let files = looked.iter().map(|looked| &looked.footer.file);
        merged_schema(files.map(|file| (file.name(), file.schema())))?
    };
    let is_key = |name: &str| listing.fields.iter().any(|field| field.name() == name);
    let kept = in_files.fields().iter().filter(|field| !is_key(field.name()));
    let mut fields: Vec<Field> = kept.map(|field| field.as_ref().clone()).collect();
    fields.extend(listing.fields.iter().cloned());
    if let Some(column) = &reader.include_path {
        if fields.iter().any(|field| field.name() == column) {
            let message = format!("include_path({column:?}): there is a column of this name; choose another");
            return Err(ErrorKind::Option(message).into());
        }
        fields.push(Field::new(column, DataType::Utf8View, false));
    }
    let mut names = std::collections::HashSet::new();
    if let Some(twice) = fields.iter().find(|field| !names.insert(field.name())) {
        let name = twice.name();
        let message =
            format!("two columns are named {name:?}, and columns are found by name; rename one of them");
        return Err(ErrorKind::Option(message).into());
    }
    Ok(Arc::new(Schema::new(fields)))
}
