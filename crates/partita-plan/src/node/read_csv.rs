//! `ReadCsv`: blocks of CSV files, with the columns and the rows that are wanted of them.
//!
//! A partition is a block: the records that begin in `block_bytes` of a file. In a compressed file, or one of
//! UTF-16, the bytes counted are those of the file, an eighth of them where it is compressed, and its blocks are decoded one after the other,
//! because a decoder knows only one direction.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use partita_formats::csv::blocks;
use partita_formats::csv::options::OnMismatch;
use partita_formats::csv::reader::CsvBlock;
use partita_formats::csv::stream::Compression;
use partita_tasks::program::{CsvFile, CsvScan, ScanStart, Source};

use super::scan::{ScannedFile, Wanted};
use super::{Operator, Plan, PlanRef};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Bytes of text that one byte of a compressed file is taken for: tables shrink to a fifth or a tenth.
const PACKED_RATIO: u64 = 8;

/// One file of the set, as it was when it was planned.
#[derive(Debug, Clone)]
pub struct CsvInput {
    /// Path or URL.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
    /// Modification time in nanoseconds since 1970; 0 where the store has none.
    pub modified_ns: i128,
    /// How its bytes become all columns of the frame.
    pub block: CsvBlock,
    /// Rows to read at most, where fewer than all are wanted.
    pub rows_max: Option<u64>,
    /// Byte at which reading ends: `bytes`, or the end of the last wanted row of an uncompressed file.
    pub end: u64,
}

impl CsvInput {
    fn is_stream(&self) -> bool {
        self.block.is_stream()
    }

    /// Whether blocks may guess where their first records are.
    fn is_guessable(&self) -> bool {
        self.block.on_mismatch == OnMismatch::Error
            && self.end >= self.bytes
            && blocks::is_guessable(&self.block)
    }

    /// Bytes of the file that stand for `block_bytes` of text.
    fn packed_bytes(&self, block_bytes: u64) -> u64 {
        if self.block.packing.compression == Compression::None {
            return block_bytes;
        }
        (block_bytes / PACKED_RATIO).max(1)
    }

    /// Number of blocks: at least one.
    fn blocks(&self, block_bytes: u64) -> usize {
        if self.is_stream() {
            let block_bytes = self.packed_bytes(block_bytes);
            if self.rows_max.is_some() { 1 } else { blocks::count(self.bytes, 0, block_bytes) }
        } else {
            blocks::count(self.end, self.block.data_start, block_bytes)
        }
    }

    /// The bytes of which blocks are made.
    fn data(&self) -> Range<u64> {
        if self.is_stream() {
            return 0..self.bytes;
        }
        self.block.data_start..self.end.max(self.block.data_start)
    }

    /// Bytes at which the file is cut: at most `block_bytes`, and blocks are all of about one size, so that none is a short
    /// one on which a core ends alone. There are as many as cuts of `block_bytes` would make.
    fn cut_bytes(&self, block_bytes: u64) -> u64 {
        let data = self.data();
        (data.end - data.start).div_ceil(self.blocks(block_bytes) as u64).max(1)
    }
}

/// Reads blocks of CSV files.
#[derive(Debug, Clone)]
pub struct ReadCsv {
    files: Arc<[CsvInput]>,
    block_bytes: u64,
    wanted: Wanted,
    /// Whether it is fixed how blocks find their first records.
    physical: bool,
}

impl ReadCsv {
    /// All rows and columns of `files`, which share one schema, in partitions of about `block_bytes` (at least 1).
    pub fn plan(files: Vec<CsvInput>, schema: SchemaRef, block_bytes: u64) -> PlanRef {
        let block_bytes = block_bytes.max(1);
        let blocks = files.iter().map(|file| file.blocks(block_bytes)).sum();
        Arc::new(Plan::ReadCsv(Self {
            files: files.into(),
            block_bytes,
            wanted: Wanted::all(schema, blocks),
            physical: false,
        }))
    }

    /// The files.
    pub fn inputs(&self) -> &[CsvInput] {
        &self.files
    }

    /// Whether records that do not fit are set aside.
    pub fn quarantines(&self) -> bool {
        self.files.iter().any(|file| file.block.on_mismatch == OnMismatch::Quarantine)
    }

    /// Whether types may be widened where values do not fit.
    pub fn widens(&self) -> bool {
        self.files.iter().any(|file| file.block.on_mismatch == OnMismatch::Widen)
    }

    /// (file, block in the file, its bytes) of each wanted partition.
    fn blocks(&self) -> impl Iterator<Item = (usize, usize, Range<u64>)> {
        let block_bytes = self.block_bytes;
        let all = self.files.iter().enumerate().flat_map(move |(number, file)| {
            let Range { start, end } = file.data();
            let (blocks, block_bytes) = (file.blocks(block_bytes), file.cut_bytes(block_bytes));
            (0..blocks).map(move |block| {
                let from = start.saturating_add(block_bytes.saturating_mul(block as u64)).min(end);
                let to = from.saturating_add(block_bytes).min(end);
                (number, block, if blocks == 1 { start..end } else { from..to })
            })
        });
        all.skip(self.wanted.partitions.start).take(self.wanted.partitions.len())
    }

    fn with(&self, wanted: Wanted) -> PlanRef {
        Arc::new(Plan::ReadCsv(Self { wanted, ..self.clone() }))
    }

    fn scans(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let decoded = self.wanted.read()?;
        let (_, filter) = self.wanted.bound()?;
        let files: Vec<Arc<CsvFile>> = self.files.iter().map(|file| self.file(file, &decoded)).collect();
        let mut streams = vec![None; files.len()];
        let mut pipelines = Vec::with_capacity(self.wanted.partitions.len());
        // Of the first file earlier blocks may be missing, whose ends would prove the guesses.
        let first = self.blocks().next().filter(|(_, block, _)| *block > 0).map(|(number, ..)| number);
        let mut blocks_wanted = vec![0; files.len()];
        self.blocks().for_each(|(number, ..)| blocks_wanted[number] += 1);
        // Records that are only counted leave little to share out.
        let reads_ahead = lowering.reads_ahead() && !decoded.is_empty();
        for (number, block, range) in self.blocks() {
            let (file, input) = (&files[number], &self.files[number]);
            let mut dependencies = Vec::new();
            let start = if input.is_stream() {
                let stream = *streams[number].get_or_insert_with(|| lowering.stream());
                let is_ahead = reads_ahead && blocks_wanted[number] > 1;
                if is_ahead { ScanStart::Ahead(stream) } else { ScanStart::Stream(stream) }
            } else if input.blocks(self.block_bytes) == 1 {
                ScanStart::Whole
            } else if lowering.guesses() && input.is_guessable() && first != Some(number) {
                ScanStart::Guessed
            } else {
                let (slot, task) = lowering.block_starts(file)?;
                dependencies.push(task);
                ScanStart::Slot(slot)
            };
            let input_bytes = range.end - range.start;
            let scan = CsvScan {
                file: Arc::clone(file),
                range,
                block,
                start,
                filter: filter.clone(),
                output_columns: self.wanted.output.len(),
            };
            let mut pipeline = Pipeline::new(
                "read_csv",
                Source::Csv(Box::new(scan)),
                Arc::clone(&self.wanted.schema),
                input_bytes,
            );
            pipeline.dependencies = dependencies;
            pipelines.push(pipeline);
        }
        Ok(pipelines)
    }

    /// How blocks find their first records, for `explain`.
    fn starts(&self) -> String {
        let mut counts = [0; 3];
        for file in self.files.iter() {
            let kind = if file.is_stream() { 2 } else { usize::from(file.blocks(self.block_bytes) > 1) };
            counts[kind] += 1;
        }
        let kinds = ["read whole", "read in blocks at once", "decoded block after block"];
        let said = kinds.iter().zip(counts).filter(|(_, count)| *count > 0);
        said.map(|(kind, count)| format!(", {count} {kind}")).collect()
    }

    fn file(&self, input: &CsvInput, decoded: &[usize]) -> Arc<CsvFile> {
        Arc::new(CsvFile {
            path: input.path.clone(),
            bytes: input.bytes,
            modified_ns: input.modified_ns,
            block: Arc::new(input.block.project(decoded)),
            block_bytes: input.cut_bytes(self.block_bytes),
            end: input.end,
            rows_max: input.rows_max,
        })
    }
}

impl Operator for ReadCsv {
    fn name(&self) -> &'static str {
        "ReadCsv"
    }

    fn detail(&self) -> String {
        let found = if self.physical { self.starts() } else { String::new() };
        format!(
            "{} files, {} blocks of {} bytes, {} bytes in all{found}; {}",
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
        let file = |file: &CsvInput| ScannedFile {
            path: file.path.clone(),
            bytes: file.bytes,
            modified_ns: file.modified_ns,
        };
        self.files.iter().map(file).collect()
    }

    fn input_bytes(&self) -> u64 {
        self.blocks().map(|(_, _, range)| range.end - range.start).sum()
    }

    /// Those before the first records; compressed files are counted whole.
    fn planning_bytes(&self) -> u64 {
        let plain = self.files.iter().filter(|file| !file.block.is_stream());
        plain.map(|file| file.block.data_start.min(file.bytes)).sum()
    }

    fn origin(&self) -> Option<Vec<String>> {
        let mut texts = Vec::with_capacity(2 * self.files.len());
        for file in self.files.iter() {
            texts.push(serde_json::to_string(&file.block).ok()?);
            texts.push(format!("{} {:?}", file.end, file.rows_max));
        }
        Some(texts)
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

    fn retype(&self, types: &[(String, DataType)]) -> Result<Option<PlanRef>> {
        let retyped = |file: &CsvInput| CsvInput { block: file.block.retyped(types), ..file.clone() };
        let files: Arc<[CsvInput]> = self.files.iter().map(retyped).collect();
        let Some(all) = files.first().map(|file| Arc::clone(&file.block.schema)) else { return Ok(None) };
        let wanted = self.wanted.retype(all)?;
        Ok(Some(Arc::new(Plan::ReadCsv(Self { files, wanted, ..self.clone() }))))
    }

    fn physical(&self) -> Result<Option<PlanRef>> {
        Ok(Some(Arc::new(Plan::ReadCsv(Self { physical: true, ..self.clone() }))))
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        if self.wanted.predicate.is_some()
            || self.files.iter().any(|file| file.is_stream() || file.rows_max.is_some())
        {
            return None;
        }
        // Numbers with many digits and timestamps take a quarter of their text, truth values hardly anything.
        let takes = |column: &&usize| self.wanted.all.field(**column).data_type() != &DataType::Boolean;
        let (columns, all) =
            (self.wanted.output.iter().filter(takes).count(), self.wanted.all.fields().len());
        let share = |range: Range<u64>| memory::share_bytes((range.end - range.start) / 4, columns, all);
        Some(self.blocks().map(|(_, _, range)| share(range)).collect())
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        self.scans(lowering)
    }
}
