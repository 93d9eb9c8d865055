//! `ReadIpc`: record batches of Arrow IPC files, with the columns and the rows that are wanted of them.
//!
//! A partition is a run of record batches: several small ones, also of several files, or a large one by itself. Columns go by name; those
//! that the names of folders say have one value a file, and files that a filter excludes by them are not read.

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_formats::ipc::IpcFile;
use partita_tasks::program::{FileInput, IpcPiece, IpcScan, Source};

use super::cuts::{self, Extent, GroupExtent, Piece, Split};
use super::scan::{ScannedFile, Wanted};
use super::{KeepAlive, Operator, Plan, PlanRef, excludes};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// By how much values may be wider in a file than in memory.
const NARROWING: u64 = 4;

/// One file of the set, as it was when it was planned.
#[derive(Debug, Clone)]
pub struct IpcInput {
    /// Where it is, and the values of its folders.
    pub input: Arc<FileInput>,
    /// What it has.
    pub messages: Arc<IpcFile>,
    /// What pays for that.
    pub memory: KeepAlive,
}

/// Reads record batches of Arrow IPC files.
#[derive(Debug, Clone)]
pub struct ReadIpc {
    files: Arc<[IpcInput]>,
    /// What each partition reads.
    pieces: Arc<[Vec<Piece>]>,
    split: Split,
    wanted: Wanted,
}

impl ReadIpc {
    /// All rows and columns of `files`, cut by `split`, in which record batches stand for row groups. `schema` has the columns of all
    /// files, and those that are in the names of folders.
    pub fn plan(files: Vec<IpcInput>, schema: SchemaRef, split: Split) -> PlanRef {
        let extent = |file: &IpcInput| {
            let messages = &file.messages;
            let group = |batch| GroupExtent { bytes: messages.batch_bytes(batch), parts: Vec::new() };
            let groups = (0..messages.batches()).map(group).collect();
            Extent { row_groups: Some(groups), bytes: file.input.bytes }
        };
        let extents: Vec<Extent> = files.iter().map(extent).collect();
        let pieces: Arc<[Vec<Piece>]> = cuts::cut(&extents, split).into();
        let wanted = Wanted::all(schema, pieces.len());
        Arc::new(Plan::ReadIpc(Self { files: files.into(), pieces, split, wanted }))
    }

    fn with(&self, wanted: Wanted) -> PlanRef {
        Arc::new(Plan::ReadIpc(Self { wanted, ..self.clone() }))
    }

    fn wanted_pieces(&self) -> &[Vec<Piece>] {
        self.pieces.get(self.wanted.partitions.clone()).unwrap_or_default()
    }

    /// Numbers of the record batches of a piece.
    fn batches(&self, piece: &Piece) -> Range<usize> {
        let all = || 0..self.files.get(piece.file).map_or(0, |file| file.messages.batches());
        piece.row_groups.clone().unwrap_or_else(all)
    }

    /// Bytes of the record batches of a piece.
    fn bytes(&self, piece: &Piece) -> u64 {
        let Some(file) = self.files.get(piece.file) else { return 0 };
        self.batches(piece).map(|batch| file.messages.batch_bytes(batch)).sum()
    }

    /// The pieces of a partition that the filter does not exclude.
    fn left<'a>(&'a self, pieces: &'a [Piece]) -> impl Iterator<Item = &'a Piece> {
        pieces.iter().filter(|piece| {
            let Some(file) = self.files.get(piece.file) else { return false };
            !self.wanted.predicate.as_ref().is_some_and(|predicate| excludes(predicate, &file.input.values))
        })
    }
}

impl Operator for ReadIpc {
    fn name(&self) -> &'static str {
        "ReadIpc"
    }

    fn detail(&self) -> String {
        let batches: usize =
            self.wanted_pieces().iter().flatten().map(|piece| self.batches(piece).len()).sum();
        format!(
            "{} files, {batches} record batches in {} partitions, {} bytes in all; {}",
            self.files.len(),
            self.wanted.partitions.len(),
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
        self.wanted_pieces().iter().flatten().map(|piece| self.bytes(piece)).sum()
    }

    fn origin(&self) -> Option<Vec<String>> {
        Some(vec![format!("{:?} {:?}", self.split, self.wanted_pieces())])
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

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        if self.wanted.predicate.is_some() {
            return None;
        }
        let (columns, all) = (self.wanted.output.len(), self.wanted.all.fields().len());
        let bytes = |pieces: &Vec<Piece>| pieces.iter().map(|piece| self.bytes(piece)).sum::<u64>();
        let share = |pieces| memory::share_bytes(bytes(pieces) / NARROWING, columns, all);
        Some(self.wanted_pieces().iter().map(share).collect())
    }

    fn lower(&self, _: &mut Lowering) -> Result<Vec<Pipeline>> {
        let (columns, filter) = self.wanted.bound()?;
        let piece = |piece: &Piece| {
            let file = self.files.get(piece.file)?;
            let (input, messages) = (Arc::clone(&file.input), Arc::clone(&file.messages));
            Some(IpcPiece { file: input, messages, batches: self.batches(piece) })
        };
        let pipeline = |pieces: &Vec<Piece>| {
            let bytes = self.left(pieces).map(|piece| self.bytes(piece)).sum();
            let left: Vec<IpcPiece> = self.left(pieces).filter_map(piece).collect();
            let source = if left.is_empty() {
                Source::Empty(Arc::clone(&self.wanted.schema))
            } else {
                Source::Ipc(Box::new(IpcScan {
                    columns: Arc::clone(&columns),
                    pieces: left,
                    filter: filter.clone(),
                    output_columns: self.wanted.output.len(),
                }))
            };
            Pipeline::new("read_ipc", source, Arc::clone(&self.wanted.schema), bytes)
        };
        Ok(self.wanted_pieces().iter().map(pipeline).collect())
    }
}
