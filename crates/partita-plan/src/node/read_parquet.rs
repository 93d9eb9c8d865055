//! `ReadParquet`: row groups of Parquet files, with the columns and the rows that are wanted of them.
//!
//! A partition is a run of row groups: several small ones, also of several files, or a part of a large one. Columns go by
//! name; those that the names of folders say have one value a file. The filter is asked three times: of a whole file, by the
//! values of its folders; of a row group, by its statistics; and of pages and rows while it is read. What is known not to
//! match is not read, and partitions of which nothing is left are tasks without input, so that partitions
//! keep their numbers.

mod pruning;
mod schema;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use partita_tasks::host::Footer;
use partita_tasks::program::{FileInput, ParquetPiece, ParquetScan, Source};

use self::pruning::{Left, LeftPiece};
use super::cuts::{self, Extent, Piece, Split};
use super::scan::{ScannedFile, Wanted};
use super::{Divisions, Operator, Plan, PlanRef, Statistics};
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

pub use pruning::excludes;
pub use schema::{merged, together};

/// By how much numbers may be wider in a file than in memory.
const NARROWING: u64 = 4;

/// One file of the set, as it was when it was planned.
#[derive(Debug, Clone)]
pub struct ParquetFileInput {
    /// Where it is, and the values of its folders.
    pub input: Arc<FileInput>,
    /// Its footer, where it was looked at.
    pub footer: Option<Arc<Footer>>,
    /// Its rows, where they are known.
    pub rows: Option<u64>,
    /// How large its row groups are.
    pub extent: Extent,
    /// Bytes of it that were read to plan.
    pub planning_bytes: u64,
}

/// What is read, and how it is cut.
#[derive(Debug, Clone)]
pub struct ParquetSet {
    /// The files, in row order.
    pub files: Vec<ParquetFileInput>,
    /// All columns of the frame.
    pub schema: SchemaRef,
    /// How row groups become partitions.
    pub split: Split,
    /// The column by which the rows are in order, if one is said to be.
    pub index: Option<String>,
}

/// Reads row groups of Parquet files.
#[derive(Debug, Clone)]
pub struct ReadParquet {
    set: Arc<ParquetSet>,
    /// What each partition reads.
    pieces: Arc<[Vec<Piece>]>,
    wanted: Wanted,
    /// What statistics leave of them, once it is fixed.
    left: Option<Arc<Left>>,
}

impl ReadParquet {
    /// All rows and columns of a set.
    pub fn plan(set: ParquetSet) -> PlanRef {
        let extents: Vec<Extent> = set.files.iter().map(|file| file.extent.clone()).collect();
        let pieces: Arc<[Vec<Piece>]> = cuts::cut(&extents, set.split).into();
        let wanted = Wanted::all(Arc::clone(&set.schema), pieces.len());
        Arc::new(Plan::ReadParquet(Self { wanted, pieces, set: Arc::new(set), left: None }))
    }

    /// The same files with another part wanted: what statistics leave is no longer known.
    fn with(&self, wanted: Wanted) -> PlanRef {
        Arc::new(Plan::ReadParquet(Self { wanted, left: None, ..self.clone() }))
    }

    fn pieces(&self) -> &[Vec<Piece>] {
        self.pieces.get(self.wanted.partitions.clone()).unwrap_or_default()
    }

    /// What is read of each wanted partition.
    fn wanted_pieces(&self) -> Result<Arc<Left>> {
        if let Some(left) = &self.left {
            return Ok(Arc::clone(left));
        }
        let names = self.read_names()?;
        let whole =
            |piece: &Piece| pruning::whole(&self.set.files, piece, &names, self.wanted.predicate.is_some());
        let partitions = self.pieces().iter();
        Ok(Arc::new(partitions.map(|pieces| pieces.iter().map(whole).collect()).collect()))
    }

    fn read_names(&self) -> Result<Vec<String>> {
        let schema = &self.set.schema;
        Ok(self.wanted.read()?.into_iter().map(|column| schema.field(column).name().clone()).collect())
    }

    fn piece(&self, left: &LeftPiece) -> Option<ParquetPiece> {
        let file = self.set.files.get(left.file)?;
        Some(ParquetPiece {
            file: Arc::clone(&file.input),
            row_groups: left.row_groups.clone(),
            rows: left.part.clone(),
            filtered: left.filtered,
            bytes: left.bytes,
        })
    }

    fn count(&self) -> String {
        let wanted = self.pieces();
        let part_of = |group: Option<usize>, rows: &Option<Range<u64>>| group.filter(|_| rows.is_some());
        let all = wanted.iter().flatten().map(|piece| {
            let groups = piece.row_groups.as_ref();
            (piece.file, groups.map(Range::len), part_of(groups.map(|groups| groups.start), &piece.rows))
        });
        let all = pruning::row_groups(all);
        let Some(left) = &self.left else { return all.to_string() };
        let groups = left.iter().flatten().map(|piece| {
            let groups = piece.row_groups.as_ref();
            let first = groups.and_then(|groups| groups.first().copied());
            (piece.file, groups.map(Vec::len), part_of(first, &piece.part))
        });
        format!("{} of {all}", pruning::row_groups(groups).number())
    }
}

impl Operator for ReadParquet {
    fn name(&self) -> &'static str {
        "ReadParquet"
    }

    fn detail(&self) -> String {
        format!(
            "{} files, {} in {} partitions ({}), {} bytes to read; {}",
            self.set.files.len(),
            self.count(),
            self.wanted.partitions.len(),
            self.set.split,
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
        self.set.files.iter().map(|file| ScannedFile::from(&*file.input)).collect()
    }

    fn input_bytes(&self) -> u64 {
        match self.wanted_pieces() {
            Ok(partitions) => partitions.iter().flatten().map(|piece| piece.bytes).sum(),
            Err(_) => 0,
        }
    }

    fn planning_bytes(&self) -> u64 {
        self.set.files.iter().map(|file| file.planning_bytes).sum()
    }

    fn origin(&self) -> Option<Vec<String>> {
        Some(vec![format!("{:?} {:?}", self.set.split, self.pieces())])
    }

    fn divisions(&self) -> Divisions {
        let Some(index) = self.set.index.as_ref().filter(|name| self.wanted.schema.index_of(name).is_ok())
        else {
            return Divisions::Unknown;
        };
        let wanted = self.pieces();
        pruning::divisions(&self.set.files, wanted, index)
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

    fn known_rows(&self) -> Option<u64> {
        let wanted = match &self.left {
            Some(left) => Arc::clone(left),
            None if self.wanted.predicate.is_none() => self.wanted_pieces().ok()?,
            None => return None,
        };
        wanted.iter().flatten().map(|piece| if piece.filtered { None } else { piece.rows }).sum()
    }

    fn statistics(&self, column: usize) -> Option<Statistics> {
        let left = match &self.left {
            Some(left) => Arc::clone(left),
            None if self.wanted.predicate.is_none() => self.wanted_pieces().ok()?,
            None => return None,
        };
        let pieces: Vec<&LeftPiece> = left.iter().flatten().collect();
        if pieces.iter().any(|piece| piece.filtered) {
            return None;
        }
        let field = self.wanted.schema.fields().get(column)?;
        pruning::statistics(&self.set.files, &pieces, field.name(), field.data_type())
    }

    fn physical(&self) -> Result<Option<PlanRef>> {
        let names = self.read_names()?;
        let wanted = self.pieces();
        let left = pruning::left(&self.set, wanted, self.wanted.predicate.as_ref(), &names)?;
        Ok(Some(Arc::new(Plan::ReadParquet(Self { left: Some(Arc::new(left)), ..self.clone() }))))
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        if self.wanted.predicate.is_some() {
            return None;
        }
        let schema = &self.set.schema;
        let takes = |column: &&usize| schema.field(**column).data_type() != &DataType::Boolean;
        let (columns, all) = (self.wanted.output.iter().filter(takes).count(), schema.fields().len());
        let bytes = |piece: &Piece| self.set.files[piece.file].extent.piece_bytes(piece);
        let partitions = self.pieces().iter();
        let partition = |pieces: &Vec<Piece>| {
            memory::share_bytes(pieces.iter().map(bytes).sum::<u64>() / NARROWING, columns, all)
        };
        Some(partitions.map(partition).collect())
    }

    fn lower(&self, _: &mut Lowering) -> Result<Vec<Pipeline>> {
        let (columns, filter) = self.wanted.bound()?;
        let left = self.wanted_pieces()?;
        let pipeline = |pieces: &Vec<LeftPiece>| {
            let bytes = pieces.iter().map(|piece| piece.bytes).sum();
            let source = if pieces.is_empty() {
                Source::Empty(Arc::clone(&self.wanted.schema))
            } else {
                Source::Parquet(Box::new(ParquetScan {
                    columns: Arc::clone(&columns),
                    pieces: pieces.iter().filter_map(|piece| self.piece(piece)).collect(),
                    filter: filter.clone(),
                    output_columns: self.wanted.output.len(),
                }))
            };
            Pipeline::new("read_parquet", source, Arc::clone(&self.wanted.schema), bytes)
        };
        Ok(left.iter().map(pipeline).collect())
    }
}
