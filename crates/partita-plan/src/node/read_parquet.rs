//! `ReadParquet`: row groups of Parquet files, with the columns and the rows that are wanted of them.
//!
//! A partition is a run of row groups: several small ones, also of several files, or a part of a large one. Columns go by
//! name; those that the names of folders say have one value a file. The filter is asked three times: of a whole file, by the
//! values of its folders; of a row group, by its statistics; and of pages and rows while it is read. What is known not to
//! match is not read, and partitions of which nothing is left are tasks without input, so that partitions
//! keep their numbers.

mod cuts;
mod pruning;
mod schema;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use partita_tasks::host::Footer;
use partita_tasks::program::{ParquetInput, ParquetPiece, ParquetScan, Source};

use self::pruning::{Left, LeftPiece};
use super::{Divisions, Operator, Plan, PlanRef, Statistics};
use crate::bind::bind;
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

pub use cuts::{Extent, GroupExtent, Part, Piece, Split, parts};
pub use pruning::excludes;
pub use schema::{merged, together};

/// By how much numbers may be wider in a file than in memory.
const NARROWING: u64 = 4;

/// One file of the set, as it was when it was planned.
#[derive(Debug, Clone)]
pub struct ParquetFileInput {
    /// Where it is, and the values of its folders.
    pub input: Arc<ParquetInput>,
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
    /// Positions in the set's schema of the columns that come out, in order.
    output: Vec<usize>,
    predicate: Option<Expr>,
    schema: SchemaRef,
    /// The wanted partitions.
    wanted: Range<usize>,
    /// What statistics leave of them, once it is fixed.
    left: Option<Arc<Left>>,
}

impl ReadParquet {
    /// All rows and columns of a set.
    pub fn plan(set: ParquetSet) -> PlanRef {
        let extents: Vec<Extent> = set.files.iter().map(|file| file.extent.clone()).collect();
        let pieces: Arc<[Vec<Piece>]> = cuts::cut(&extents, set.split).into();
        let schema = Arc::clone(&set.schema);
        Arc::new(Plan::ReadParquet(Self {
            output: (0..schema.fields().len()).collect(),
            predicate: None,
            wanted: 0..pieces.len(),
            pieces,
            schema,
            set: Arc::new(set),
            left: None,
        }))
    }

    /// The files.
    pub fn files(&self) -> &[ParquetFileInput] {
        &self.set.files
    }

    /// How the wanted partitions are cut, as text that is the same for the same rows.
    pub fn cuts(&self) -> String {
        format!("{:?} {:?}", self.set.split, self.pieces.get(self.wanted.clone()).unwrap_or_default())
    }

    /// Bytes that are read of the wanted partitions, about.
    pub fn input_bytes(&self) -> u64 {
        match self.wanted_pieces() {
            Ok(partitions) => partitions.iter().flatten().map(|piece| piece.bytes).sum(),
            Err(_) => 0,
        }
    }

    /// The same plan with another thing changed: what statistics leave is no longer known.
    fn rewritten(changed: Self) -> PlanRef {
        Arc::new(Plan::ReadParquet(Self { left: None, ..changed }))
    }

    /// The columns that are read: those that come out, then those that only the filter needs.
    fn read(&self) -> Result<Vec<usize>> {
        let mut read = self.output.clone();
        for name in self.predicate.iter().flat_map(Expr::columns) {
            let column = super::position(&self.set.schema, &name)?;
            if !read.contains(&column) {
                read.push(column);
            }
        }
        Ok(read)
    }

    /// What is read of each wanted partition.
    fn wanted_pieces(&self) -> Result<Arc<Left>> {
        if let Some(left) = &self.left {
            return Ok(Arc::clone(left));
        }
        let names = self.read_names()?;
        let whole = |piece: &Piece| pruning::whole(&self.set.files, piece, &names, self.predicate.is_some());
        let partitions = self.pieces.get(self.wanted.clone()).unwrap_or_default().iter();
        Ok(Arc::new(partitions.map(|pieces| pieces.iter().map(whole).collect()).collect()))
    }

    fn read_names(&self) -> Result<Vec<String>> {
        let schema = &self.set.schema;
        Ok(self.read()?.into_iter().map(|column| schema.field(column).name().clone()).collect())
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
        let wanted = self.pieces.get(self.wanted.clone()).unwrap_or_default();
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
        let columns =
            if self.output.is_empty() { "none".to_owned() } else { super::names(&self.schema).join(", ") };
        let filter = self.predicate.as_ref().map_or_else(String::new, |filter| format!("; filter: {filter}"));
        format!(
            "{} files, {} in {} partitions ({}), {} bytes to read; columns: {columns}{filter}",
            self.set.files.len(),
            self.count(),
            self.wanted.len(),
            self.set.split,
            self.input_bytes(),
        )
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<&Expr> {
        self.predicate.iter().collect()
    }

    fn input(&self) -> Option<&PlanRef> {
        None
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Ok(input)
    }

    fn partitions(&self) -> usize {
        self.wanted.len()
    }

    fn divisions(&self) -> Divisions {
        let Some(index) = self.set.index.as_ref().filter(|name| self.schema.index_of(name).is_ok()) else {
            return Divisions::Unknown;
        };
        let wanted = self.pieces.get(self.wanted.clone()).unwrap_or_default();
        pruning::divisions(&self.set.files, wanted, index)
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let output: Vec<usize> = columns.iter().map(|column| self.output[*column]).collect();
        let schema = Arc::new(self.schema.project(columns)?);
        Ok(Self::rewritten(Self { output, schema, ..self.clone() }))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        let predicate = match &self.predicate {
            Some(before) => before.clone().and(predicate.clone()),
            None => predicate.clone(),
        };
        Ok(Some(Self::rewritten(Self { predicate: Some(predicate), ..self.clone() })))
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        let wanted = self.wanted.start + wanted.start..self.wanted.start + wanted.end;
        Ok(Some(Self::rewritten(Self { wanted, ..self.clone() })))
    }

    fn known_rows(&self) -> Option<u64> {
        let wanted = match &self.left {
            Some(left) => Arc::clone(left),
            None if self.predicate.is_none() => self.wanted_pieces().ok()?,
            None => return None,
        };
        wanted.iter().flatten().map(|piece| if piece.filtered { None } else { piece.rows }).sum()
    }

    fn statistics(&self, column: usize) -> Option<Statistics> {
        let left = match &self.left {
            Some(left) => Arc::clone(left),
            None if self.predicate.is_none() => self.wanted_pieces().ok()?,
            None => return None,
        };
        let pieces: Vec<&LeftPiece> = left.iter().flatten().collect();
        if pieces.iter().any(|piece| piece.filtered) {
            return None;
        }
        let field = self.schema.fields().get(column)?;
        pruning::statistics(&self.set.files, &pieces, field.name(), field.data_type())
    }

    fn physical(&self) -> Result<Option<PlanRef>> {
        let names = self.read_names()?;
        let wanted = self.pieces.get(self.wanted.clone()).unwrap_or_default();
        let left = pruning::left(&self.set, wanted, self.predicate.as_ref(), &names)?;
        Ok(Some(Arc::new(Plan::ReadParquet(Self { left: Some(Arc::new(left)), ..self.clone() }))))
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        if self.predicate.is_some() {
            return None;
        }
        let schema = &self.set.schema;
        let takes = |column: &&usize| schema.field(**column).data_type() != &DataType::Boolean;
        let (columns, all) = (self.output.iter().filter(takes).count(), schema.fields().len());
        let bytes = |piece: &Piece| self.set.files[piece.file].extent.piece_bytes(piece);
        let partitions = self.pieces.get(self.wanted.clone())?.iter();
        let partition = |pieces: &Vec<Piece>| {
            memory::share_bytes(pieces.iter().map(bytes).sum::<u64>() / NARROWING, columns, all)
        };
        Some(partitions.map(partition).collect())
    }

    fn lower(&self, _: &mut Lowering) -> Result<Vec<Pipeline>> {
        let read = self.read()?;
        let columns = Arc::new(self.set.schema.project(&read)?);
        let filter = match &self.predicate {
            Some(predicate) => Some(bind(predicate, &columns)?.0),
            None => None,
        };
        let left = self.wanted_pieces()?;
        let pipeline = |pieces: &Vec<LeftPiece>| {
            let bytes = pieces.iter().map(|piece| piece.bytes).sum();
            let source = if pieces.is_empty() {
                Source::Empty(Arc::clone(&self.schema))
            } else {
                Source::Parquet(Box::new(ParquetScan {
                    columns: Arc::clone(&columns),
                    pieces: pieces.iter().filter_map(|piece| self.piece(piece)).collect(),
                    filter: filter.clone(),
                    output_columns: self.output.len(),
                }))
            };
            Pipeline::new("read_parquet", source, Arc::clone(&self.schema), bytes)
        };
        Ok(left.iter().map(pipeline).collect())
    }
}
