//! `ReadNdjson`: blocks of files of lines of JSON, with the columns and the rows that are wanted of them.
//!
//! A partition is a block: the lines that begin in `block_bytes` of a file. A compressed file is one block. A filter is asked of the
//! values of a file's folders first: blocks of files that these exclude are tasks without input.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_formats::csv::blocks;
use partita_formats::ndjson::NdjsonBlock;
use partita_tasks::program::{FileInput, NdjsonScan, Source};

use super::scan::{ScannedFile, Wanted};
use super::{Operator, Plan, PlanRef, excludes};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};

/// One file of the set, as it was when it was planned.
#[derive(Debug, Clone)]
pub struct NdjsonInput {
    /// Where it is, and the values of its folders.
    pub input: Arc<FileInput>,
    /// How its lines become all columns of the frame that it has.
    pub block: NdjsonBlock,
}

/// Reads blocks of files of lines of JSON.
#[derive(Debug, Clone)]
pub struct ReadNdjson {
    files: Arc<[NdjsonInput]>,
    block_bytes: u64,
    wanted: Wanted,
}

impl NdjsonInput {
    fn blocks(&self, block_bytes: u64) -> usize {
        if self.block.is_stream() { 1 } else { blocks::count(self.input.bytes, 0, block_bytes) }
    }
}

impl ReadNdjson {
    /// All rows and columns of `files`, in partitions of about `block_bytes` (at least 1). `schema` has the columns of all files,
    /// and those that are in the names of folders.
    pub fn plan(files: Vec<NdjsonInput>, schema: SchemaRef, block_bytes: u64) -> PlanRef {
        let block_bytes = block_bytes.max(1);
        let blocks = files.iter().map(|file| file.blocks(block_bytes)).sum();
        Arc::new(Plan::ReadNdjson(Self {
            files: files.into(),
            block_bytes,
            wanted: Wanted::all(schema, blocks),
        }))
    }

    fn with(&self, wanted: Wanted) -> PlanRef {
        Arc::new(Plan::ReadNdjson(Self { wanted, ..self.clone() }))
    }

    /// (file, its bytes) of each wanted partition. Blocks of a file are of about one size.
    fn blocks(&self) -> impl Iterator<Item = (&NdjsonInput, Range<u64>)> {
        let all = self.files.iter().flat_map(|file| {
            let (count, end) = (file.blocks(self.block_bytes) as u64, file.input.bytes);
            let bytes = end.div_ceil(count).max(1);
            (0..count).map(move |block| {
                (file, block.saturating_mul(bytes).min(end)..(block + 1).saturating_mul(bytes).min(end))
            })
        });
        all.skip(self.wanted.partitions.start).take(self.wanted.partitions.len())
    }
}

impl Operator for ReadNdjson {
    fn name(&self) -> &'static str {
        "ReadNdjson"
    }

    fn detail(&self) -> String {
        format!(
            "{} files, {} blocks of {} bytes, {} bytes in all; {}",
            self.files.len(),
            self.wanted.partitions.len(),
            self.block_bytes,
            self.input_bytes(),
            self.wanted.shown(),
        )
    }

    fn schema(&self) -> &SchemaRef {
        &self.wanted.schema
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.wanted.predicate.iter().collect()
    }

    fn input(&self) -> Option<&PlanRef> {
        None
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Ok(input)
    }

    fn partitions(&self) -> usize {
        self.wanted.partitions.len()
    }

    fn files(&self) -> Vec<ScannedFile> {
        self.files.iter().map(|file| ScannedFile::from(&*file.input)).collect()
    }

    fn input_bytes(&self) -> u64 {
        self.blocks().map(|(_, range)| range.end - range.start).sum()
    }

    fn origin(&self) -> Option<Vec<String>> {
        self.files.iter().map(|file| serde_json::to_string(&file.block).ok()).collect()
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        Ok(self.with(self.wanted.prune(columns)?))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        Ok(Some(self.with(self.wanted.filter(predicate))))
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        Ok(Some(self.with(self.wanted.pick(wanted))))
    }

    fn lower(&self, _: &mut Lowering) -> Result<Vec<Pipeline>> {
        let (columns, filter) = self.wanted.bound()?;
        let is_read = |name: &str| columns.field_with_name(name).is_ok();
        let mut last: Option<(&NdjsonInput, Arc<NdjsonBlock>, bool)> = None;
        let mut pipelines = Vec::with_capacity(self.wanted.partitions.len());
        for (file, range) in self.blocks() {
            let (block, excluded) = match &last {
                Some((known, block, excluded)) if std::ptr::eq(*known, file) => {
                    (Arc::clone(block), *excluded)
                }
                _ => {
                    let fields = file.block.schema.fields().iter().enumerate();
                    let wanted = fields.filter(|(_, field)| is_read(field.name())).map(|(place, _)| place);
                    let block = Arc::new(NdjsonBlock { wanted: wanted.collect(), ..file.block.clone() });
                    let excludes = |predicate| excludes(predicate, &file.input.values);
                    let excluded = self.wanted.predicate.as_ref().is_some_and(excludes);
                    last = Some((file, Arc::clone(&block), excluded));
                    (block, excluded)
                }
            };
            let bytes = range.end - range.start;
            let source = if excluded {
                Source::Empty(Arc::clone(&self.wanted.schema))
            } else {
                Source::Ndjson(Box::new(NdjsonScan {
                    columns: Arc::clone(&columns),
                    file: Arc::clone(&file.input),
                    block,
                    range,
                    filter: filter.clone(),
                    output_columns: self.wanted.output.len(),
                }))
            };
            pipelines.push(Pipeline::new("read_ndjson", source, Arc::clone(&self.wanted.schema), bytes));
        }
        Ok(pipelines)
    }
}
