//! `MapOverlap`: a user's function on each partition and the rows of its neighbours that are near.
//!
//! Rows are stored as they come, so that each task can read what is its neighbours'. The function returns a row for each that it was given;
//! those of neighbours are dropped. The optimizer knows nothing about it: it gets all columns of all rows.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{DataType, SchemaRef, TimeUnit};
use partita_tasks::exchange::{By, ExchangeSpec, Overlap, PlaceCut, Reach as Ticks};
use partita_tasks::program::FunctionId;

use super::{Divisions, KeepAlive, Operator, Plan, PlanRef, Project, check_distinct, names, position};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory::Need;

/// How far the rows of neighbours are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// So many rows, of as many neighbours as it takes.
    Rows(usize),
    /// Those whose index is less than so long before the least, or behind the greatest, of the partition.
    Time(Duration),
}

impl From<usize> for Reach {
    fn from(rows: usize) -> Self {
        Reach::Rows(rows)
    }
}

impl From<Duration> for Reach {
    fn from(time: Duration) -> Self {
        Reach::Time(time)
    }
}

impl std::fmt::Display for Reach {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Reach::Rows(rows) => write!(out, "{rows} rows"),
            Reach::Time(time) => write!(out, "{time:?}"),
        }
    }
}

/// A registered function.
#[derive(Debug, Clone)]
struct Function {
    id: FunctionId,
    schema: SchemaRef,
    keep_alive: KeepAlive,
}

/// Calls a registered function.
#[derive(Debug)]
pub struct MapOverlap {
    input: PlanRef,
    /// Before and behind.
    reach: [Reach; 2],
    /// The index, where a time is asked for: later rewrites of the input may not know it any more.
    index: Option<String>,
    function: Function,
}

impl MapOverlap {
    /// Calls a function on each partition of `input` with rows `reach[0]` before and `reach[1]` behind it; it returns columns of `schema`.
    /// `keep_alive` is dropped with the last plan.
    ///
    /// # Errors
    /// Where `schema` has two columns of one name; where a time is asked for, and there is no index of dates or times, or its ticks
    /// are longer.
    pub fn plan(
        input: PlanRef,
        reach: [Reach; 2],
        function: FunctionId,
        schema: SchemaRef,
        keep_alive: Arc<dyn Any + Send + Sync>,
    ) -> Result<PlanRef> {
        check_distinct(&schema)?;
        let function = Function { id: function, schema, keep_alive: KeepAlive::new(keep_alive) };
        let is_time = reach.iter().any(|reach| matches!(reach, Reach::Time(_)));
        let index = if is_time { Some(index_of(&input)?) } else { None };
        Self::of(Self { input, reach, index, function })
    }

    fn of(node: Self) -> Result<PlanRef> {
        node.spec()?;
        Ok(Arc::new(Plan::MapOverlap(node)))
    }

    /// What keeps the function registered.
    pub fn function(&self) -> Arc<dyn Any + Send + Sync> {
        self.function.keep_alive.value()
    }

    fn spec(&self) -> Result<Overlap> {
        let schema = self.input.schema();
        let index = self.index.as_ref().map(|index| position(schema, index)).transpose()?;
        let data_type = index.map(|index| schema.field(index).data_type());
        let ticks = |reach: Reach| match reach {
            Reach::Rows(rows) => Ok(Ticks::Rows(rows as u64)),
            Reach::Time(time) => ticks_of(time, data_type).map(Ticks::Ticks),
        };
        let by = By::Place { cut: PlaceCut::Partitions, index };
        let spec = ExchangeSpec::even(Arc::clone(schema), by, self.input.partitions());
        Ok(Overlap {
            spec: Arc::new(spec),
            before: ticks(self.reach[0])?,
            after: ticks(self.reach[1])?,
            function: self.function.id,
            schema: Arc::clone(&self.function.schema),
        })
    }
}

fn index_of(input: &PlanRef) -> Result<String> {
    match input.divisions().column() {
        Some(index) => Ok(index.to_owned()),
        None => {
            let message = "map_overlap: a time is asked for, and the frame has no index; set_index(..) or compute_divisions(..) \
                           give it one, or ask for a number of rows";
            Err(ErrorKind::Option(message.into()).into())
        }
    }
}

/// A time in ticks of a date or a time.
fn ticks_of(time: Duration, data_type: Option<&DataType>) -> Result<i64> {
    let wrong = |message: String| ErrorKind::Option(format!("map_overlap: {message}"));
    let tick: u128 = match data_type {
        Some(DataType::Date32) => 86_400_000_000_000,
        Some(DataType::Timestamp(TimeUnit::Second, _)) => 1_000_000_000,
        Some(DataType::Timestamp(TimeUnit::Millisecond, _)) => 1_000_000,
        Some(DataType::Timestamp(TimeUnit::Microsecond, _)) => 1_000,
        Some(DataType::Timestamp(TimeUnit::Nanosecond, _)) => 1,
        other => {
            let name = other.map(partita_columns::dtype::name).unwrap_or_default();
            let message =
                format!("expected an index of dates or times, got {name}; ask for a number of rows");
            return Err(wrong(message).into());
        }
    };
    if !time.as_nanos().is_multiple_of(tick) {
        return Err(wrong(format!("{time:?} is no whole number of the ticks of the index")).into());
    }
    Ok(i64::try_from(time.as_nanos() / tick).map_err(|_| wrong(format!("{time:?} is too long")))?)
}

impl Operator for MapOverlap {
    fn name(&self) -> &'static str {
        "MapOverlap"
    }

    fn detail(&self) -> String {
        let ([before, after], declared) = (self.reach, names(&self.function.schema).join(", "));
        format!("function {}, {before} before, {after} behind, declared: {declared}", self.function.id.0)
    }

    fn schema(&self) -> &SchemaRef {
        &self.function.schema
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        let (reach, index, function) = (self.reach, self.index.clone(), self.function.clone());
        MapOverlap::of(Self { input, reach, index, function })
    }

    fn divisions(&self) -> Divisions {
        // The function may return any values.
        Divisions::Unknown
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let all: Vec<usize> = (0..self.input.schema().fields().len()).collect();
        let mapped = self.with_input(self.input.operator().prune(&all)?)?;
        if columns.iter().copied().eq(0..self.schema().fields().len()) {
            return Ok(mapped);
        }
        Project::columns(mapped, columns.iter().map(|at| self.schema().field(*at).name().as_str()))
    }

    fn minds_cuts(&self) -> bool {
        true
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
    }

    fn push_partitions(&self, _: &Range<usize>) -> Result<Option<PlanRef>> {
        // Neighbours are needed too.
        Ok(None)
    }

    fn known_rows(&self) -> Option<u64> {
        self.input.operator().known_rows()
    }

    fn need(&self) -> Need {
        Need::Partition
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let overlap = Arc::new(self.spec()?);
        // Before the function is called all rows are there: starts of blocks that were guessed are proved.
        let pipelines = lowering.lower(&self.input)?;
        lowering.overlapped(pipelines, &overlap)
    }
}
