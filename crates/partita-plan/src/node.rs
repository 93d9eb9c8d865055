//! Plan nodes: one file an operator, each with the same rooms in the same order: doc, struct, schema, divisions,
//! rewrites, tasks, tests.

mod concat;
mod cumulate;
mod cuts;
mod distinct;
mod divided;
mod divisions;
mod explode;
mod filter;
mod fused;
mod group_apply;
mod group_by;
mod map_overlap;
mod map_partitions;
mod partitions;
mod project;
mod read_csv;
mod read_ipc;
mod read_ndjson;
mod read_parquet;
mod reduce;
mod regroup;
mod row_index;
mod sample;
mod scan;
mod set_index;
mod shuffle;
mod sort;
mod spread;
mod stored;
mod top;
mod value_counts;
mod within;

use std::any::Any;
use std::fmt::Debug;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};

pub use concat::{Concat, ConcatColumns};
pub use cumulate::{Cumulate, Total};
pub use cuts::{Extent, GroupExtent, Part, Piece, Split, parts as cut_row_group};
pub use distinct::Distinct;
pub use divided::Divided;
pub use divisions::{Divisions, Span, successor};
pub use explode::Explode;
pub use filter::Filter;
pub use fused::Fused;
pub use group_apply::GroupApply;
pub use group_by::{GroupBy, GroupOptions, aligned};
pub use map_overlap::{MapOverlap, Reach};
pub use map_partitions::MapPartitions;
pub use partitions::Partitions;
pub use project::Project;
pub use read_csv::{CsvInput, ReadCsv};
pub use read_ipc::{IpcInput, ReadIpc};
pub use read_ndjson::{NdjsonInput, ReadNdjson};
pub use read_parquet::{
    ParquetFileInput, ParquetSet, ReadParquet, excludes, merged as merged_schema, together,
};
pub use reduce::{Aggregate, Reduce, Statistics};
pub use regroup::{Group, Regroup, by_values, every, into_parts, of_size};
pub use row_index::RowIndex;
pub use sample::Sample;
pub use scan::ScannedFile;
pub use set_index::{IndexOptions, Outside, SetIndex};
pub use shuffle::Shuffle;
pub use sort::{Sort, SortBy};
pub use spread::Spread;
pub use stored::{Fences, Stored};
pub use top::Top;
pub use value_counts::ValueCounts;
pub use within::Within;

use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory::Need;

/// A shared plan.
pub type PlanRef = Arc<Plan>;

/// What is to be done, as a tree of operators. Nothing runs until it is lowered.
#[derive(Debug)]
#[non_exhaustive]
pub enum Plan {
    /// Blocks of CSV files.
    ReadCsv(ReadCsv),
    /// Row groups of Parquet files.
    ReadParquet(ReadParquet),
    /// Blocks of files of lines of JSON.
    ReadNdjson(ReadNdjson),
    /// Record batches of Arrow IPC files.
    ReadIpc(ReadIpc),
    /// Partitions held by the session.
    Stored(Stored),
    /// Rows where an expression is true.
    Filter(Filter),
    /// Computed, renamed and picked columns.
    Project(Project),
    /// A row for each element of a list.
    Explode(Explode),
    /// The running row number.
    RowIndex(RowIndex),
    /// A user's function on each partition.
    MapPartitions(MapPartitions),
    /// Some partitions of the input.
    Partitions(Partitions),
    /// All rows to one.
    Reduce(Reduce),
    /// Running totals.
    Cumulate(Cumulate),
    /// The first rows of an order.
    Top(Top),
    /// All rows in order.
    Sort(Sort),
    /// All rows in the order of an index, cut by it.
    SetIndex(SetIndex),
    /// Equal rows in one partition.
    Shuffle(Shuffle),
    /// One of equal rows.
    Distinct(Distinct),
    /// Groups of equal keys to a row each.
    GroupBy(GroupBy),
    /// Columns that are computed in groups.
    Within(Within),
    /// A user's function on each group.
    GroupApply(GroupApply),
    /// Different values, and how often each is there.
    ValueCounts(ValueCounts),
    /// The same rows in even partitions.
    Spread(Spread),
    /// A user's function on each partition and rows of its neighbours.
    MapOverlap(MapOverlap),
    /// Rows by chance.
    Sample(Sample),
    /// What is known of the bounds of partitions.
    Divided(Divided),
    /// Rows of several plans.
    Concat(Concat),
    /// Other partitions of the same rows.
    Regroup(Regroup),
    /// A chain that runs as one task a partition.
    Fused(Fused),
}

impl Plan {
    /// The operator of this node: the one place where all of them are listed.
    pub fn operator(&self) -> &dyn Operator {
        match self {
            Plan::ReadCsv(node) => node,
            Plan::ReadParquet(node) => node,
            Plan::ReadNdjson(node) => node,
            Plan::ReadIpc(node) => node,
            Plan::Stored(node) => node,
            Plan::Filter(node) => node,
            Plan::Project(node) => node,
            Plan::Explode(node) => node,
            Plan::RowIndex(node) => node,
            Plan::MapPartitions(node) => node,
            Plan::Partitions(node) => node,
            Plan::Reduce(node) => node,
            Plan::Cumulate(node) => node,
            Plan::Top(node) => node,
            Plan::Sort(node) => node,
            Plan::SetIndex(node) => node,
            Plan::Shuffle(node) => node,
            Plan::Distinct(node) => node,
            Plan::GroupBy(node) => node,
            Plan::Within(node) => node,
            Plan::GroupApply(node) => node,
            Plan::ValueCounts(node) => node,
            Plan::Spread(node) => node,
            Plan::MapOverlap(node) => node,
            Plan::Sample(node) => node,
            Plan::Divided(node) => node,
            Plan::Concat(node) => node,
            Plan::Regroup(node) => node,
            Plan::Fused(node) => node,
        }
    }

    /// The columns of the result.
    pub fn schema(&self) -> &SchemaRef {
        self.operator().schema()
    }

    /// Number of partitions of the result.
    pub fn partitions(&self) -> usize {
        self.operator().partitions()
    }

    /// How the result is cut by its index.
    pub fn divisions(&self) -> Divisions {
        let schema = self.schema();
        self.operator().divisions().among(|column| schema.index_of(column).is_ok())
    }

    /// The column that the rows of each partition are in order of, none of whose values is in two partitions; `None` where that is
    /// not known.
    pub fn ordered_by(&self) -> Option<String> {
        self.operator().ordered_by().filter(|column| self.schema().index_of(column).is_ok())
    }

    /// The plan that it takes its rows from, for all but sources and those that have several.
    pub fn input(&self) -> Option<&PlanRef> {
        self.operator().input()
    }
}

/// What every operator answers. Row-wise operators keep the order and the cuts of their input.
pub trait Operator: Debug {
    /// Its name in `explain`.
    fn name(&self) -> &'static str;

    /// What distinguishes it, in one line of `explain`.
    fn detail(&self) -> String;

    /// The columns of its result.
    fn schema(&self) -> &SchemaRef;

    /// The plan that it takes its rows from; `None` for sources, and for what has several inputs.
    fn input(&self) -> Option<&PlanRef>;

    /// All plans that it takes its rows from; none for sources.
    fn inputs(&self) -> Vec<&PlanRef> {
        self.input().into_iter().collect()
    }

    /// The same operator on another input with the same columns or more.
    ///
    /// # Errors
    /// Where the operator does not fit the new input.
    fn with_input(&self, input: PlanRef) -> Result<PlanRef>;

    /// The same operator on other inputs, as many as it has.
    ///
    /// # Errors
    /// As [`Operator::with_input`].
    fn with_inputs(&self, inputs: Vec<PlanRef>) -> Result<PlanRef> {
        match inputs.into_iter().next() {
            Some(input) => self.with_input(input),
            None => Err(ErrorKind::Option(format!("{}: expected an input, got none", self.name())).into()),
        }
    }

    /// Number of partitions of its result: those of the input, unless it says otherwise.
    fn partitions(&self) -> usize {
        self.input().map_or(0, |input| input.partitions())
    }

    /// How its result is cut: as the input, unless it says otherwise.
    fn divisions(&self) -> Divisions {
        self.input().map_or(Divisions::Unknown, |input| input.divisions())
    }

    /// As [`Plan::ordered_by`]: where divisions are pending, rows are in order.
    fn ordered_by(&self) -> Option<String> {
        if let Divisions::Pending { column } = self.divisions() { Some(column) } else { None }
    }

    /// A plan of the same rows whose columns are exactly those at `columns` of this schema, in that order, and
    /// which computes and reads no more than they need.
    ///
    /// # Errors
    /// Where an expression does not bind, which its construction has excluded.
    fn prune(&self, columns: &[usize]) -> Result<PlanRef>;

    /// A plan of the rows where `predicate` is true too, with the filter moved below or into this operator;
    /// `None` where it has to stay above.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>>;

    /// A plan of these partitions only; `None` where the choice has to stay above.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>>;

    /// A plan of the first rows, where they are found with less work than all; `None` where not.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn first(&self, _: usize) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// What it holds of its data.
    fn need(&self) -> Need {
        Need::Bounded
    }

    /// Bytes of memory that its result takes, partition by partition: an estimate on the low side, `None` where there is none.
    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        None
    }

    /// The number of rows, where it is known without running.
    fn known_rows(&self) -> Option<u64> {
        None
    }

    /// For sources that read files: these, in row order.
    fn files(&self) -> Vec<ScannedFile> {
        Vec::new()
    }

    /// For sources that read files: bytes of them that are read of the wanted partitions, about.
    fn input_bytes(&self) -> u64 {
        0
    }

    /// For sources that read files: bytes of them that were read to plan, and are in no partition.
    fn planning_bytes(&self) -> u64 {
        0
    }

    /// What decides which rows come of the input, and in which partitions, beside what `explain` shows; `None` where that cannot be told.
    fn origin(&self) -> Option<Vec<String>> {
        Some(Vec::new())
    }

    /// The expressions that it computes.
    fn expressions(&self) -> Vec<&Expr> {
        Vec::new()
    }

    /// What is known of the column at a position without reading it: exact, of all rows of the result.
    fn statistics(&self, _: usize) -> Option<Statistics> {
        None
    }

    /// The same with constants folded; `None` where there are none.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn fold(&self) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// For filters: the filter moved down as far as it goes.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn sink_filter(&self) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// Whether it goes by which rows are in which partition of its input: then no filter may move below what cuts by the rows that
    /// reach it.
    fn minds_cuts(&self) -> bool {
        false
    }

    /// For those that cut by the rows that reach them: the same, which no filter passes.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn pinned(&self) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// For choices of partitions: the choice moved down as far as it goes.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn sink_partitions(&self) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// One operator for this and its input, where that is cheaper.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn merge(&self) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// For sources that read columns: the same with other types for some of them, by name.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn retype(&self, _: &[(String, DataType)]) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// For sources: how rows are found is fixed.
    ///
    /// # Errors
    /// As [`Operator::prune`].
    fn physical(&self) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    /// One pipeline a partition.
    ///
    /// # Errors
    /// Where an expression does not bind.
    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>>;
}

/// Whatever a plan refers to and must not be released before it: dropped with the last plan.
#[derive(Clone)]
pub struct KeepAlive(Arc<dyn Any + Send + Sync>);

impl KeepAlive {
    /// Keeps `value` until the last plan that refers to it is dropped.
    pub fn new(value: Arc<dyn Any + Send + Sync>) -> Self {
        Self(value)
    }

    /// What is kept.
    pub fn value(&self) -> Arc<dyn Any + Send + Sync> {
        Arc::clone(&self.0)
    }
}

impl Debug for KeepAlive {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("KeepAlive")
    }
}

/// `plan`, as it was written, over sources whose columns have these types.
///
/// # Errors
/// Where an operator does not go with the new types.
pub fn retyped(plan: &PlanRef, types: &[(String, DataType)]) -> Result<PlanRef> {
    let inputs = plan.operator().inputs();
    if inputs.is_empty() {
        return Ok(plan.operator().retype(types)?.unwrap_or_else(|| Arc::clone(plan)));
    }
    let inputs = inputs.into_iter().map(|input| retyped(input, types)).collect::<Result<_>>()?;
    plan.operator().with_inputs(inputs)
}

/// All operators of a plan, each before its inputs.
pub fn nodes(plan: &PlanRef) -> Vec<&PlanRef> {
    let mut nodes = Vec::new();
    let mut next = vec![plan];
    while let Some(plan) = next.pop() {
        nodes.push(plan);
        next.extend(plan.operator().inputs().into_iter().rev());
    }
    nodes
}

/// The names of a schema.
pub(crate) fn names(schema: &SchemaRef) -> Vec<String> {
    schema.fields().iter().map(|field| field.name().clone()).collect()
}

/// Position of a column by name.
///
/// # Errors
/// [`ErrorKind::UnknownColumn`] with the nearest name.
pub fn position(schema: &SchemaRef, name: &str) -> Result<usize> {
    schema.index_of(name).map_err(|_| crate::bind::unknown_column(name, schema).into())
}

/// Refuses a schema with two columns of one name.
///
/// # Errors
/// [`ErrorKind::DuplicateColumn`].
pub(crate) fn check_distinct(schema: &SchemaRef) -> Result<()> {
    let mut seen = std::collections::HashSet::new();
    match schema.fields().iter().find(|field| !seen.insert(field.name())) {
        Some(field) => Err(ErrorKind::DuplicateColumn { name: field.name().clone() }.into()),
        None => Ok(()),
    }
}
