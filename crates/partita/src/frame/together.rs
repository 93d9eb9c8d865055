//! Several answers from one pass.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_columns::polars;
use partita_plan::node::{Aggregate, Reduce};
use partita_plan::{Plan, PlanRef};

use super::DataFrame;
use crate::error::Result;
use crate::session::Session;

/// Computes several frames and gives a tuple of Polars frames. Reductions of the same rows share one pass over them.
///
/// ```
/// use partita::prelude::*;
/// # fn main() -> partita::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("trips.csv");
/// # std::fs::write(&path, "zone,fare\nA,12.5\nB,7.5\nA,\n").unwrap();
/// let trips = partita::read_csv(&path).load()?;
/// let (total, most) = partita::compute_all!((trips.sum(), trips.reduce([col("fare").max()])))?;
/// assert_eq!(total.column("fare").unwrap().f64().unwrap().get(0), Some(20.0));
/// assert_eq!(most.height(), 1);
/// # Ok(())
/// # }
/// ```
#[macro_export]
macro_rules! compute_all {
    (($($frame:expr),+ $(,)?)) => {
        $crate::DataFrame::compute_all(&[$($frame.clone()),+]).map(|frames| {
            let mut frames = frames.into_iter();
            ($({
                let _ = stringify!($frame);
                frames.next().unwrap_or_default()
            },)+)
        })
    };
}

/// A frame that is a reduction, with or without expressions over it.
struct Reduced<'a> {
    reduce: &'a Reduce,
    over: Option<&'a Plan>,
}

impl<'a> Reduced<'a> {
    fn of(plan: &'a Plan) -> Option<Self> {
        match plan {
            Plan::Reduce(reduce) => Some(Self { reduce, over: None }),
            Plan::Project(_) => match plan.input().map(|input| &**input) {
                Some(Plan::Reduce(reduce)) => Some(Self { reduce, over: Some(plan) }),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Frames that reduce the same rows.
struct Shared {
    session: Session,
    rows: PlanRef,
    members: Vec<usize>,
    aggregates: Vec<Aggregate>,
    /// For each member the place of each of its aggregates.
    places: Vec<Vec<usize>>,
}

impl DataFrame {
    /// The frames' rows, as [`DataFrame::compute`] gives them one by one, in order. Reductions of the same rows share one
    /// pass; [`crate::compute_all`] gives a tuple.
    ///
    /// # Errors
    /// As [`DataFrame::compute`].
    pub fn compute_all(frames: &[DataFrame]) -> Result<Vec<polars_core::frame::DataFrame>> {
        let mut done: Vec<Option<polars_core::frame::DataFrame>> = frames.iter().map(|_| None).collect();
        for shared in shared(frames)? {
            let Some(first) = shared.members.first().and_then(|member| frames.get(*member)) else { continue };
            let row = first
                .map(|_| Reduce::plan(Arc::clone(&shared.rows), shared.aggregates.clone()))
                .compute_batches()?;
            for (member, places) in shared.members.iter().zip(&shared.places) {
                let picked =
                    row.iter().map(|batch| Ok(batch.project(places)?)).collect::<Result<Vec<_>>>()?;
                done[*member] = Some(frames[*member].finished(picked)?);
            }
        }
        let frames = frames.iter().zip(done);
        frames.map(|(frame, done)| done.map_or_else(|| frame.compute(), Ok)).collect()
    }

    /// The frame's rows from the values of its aggregates.
    fn finished(&self, row: Vec<RecordBatch>) -> Result<polars_core::frame::DataFrame> {
        let Some(Reduced { reduce, over }) = Reduced::of(self.plan()?) else { return self.compute() };
        let schema: &SchemaRef = partita_plan::node::Operator::schema(reduce);
        let named =
            row.into_iter().map(|batch| RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec()));
        let row = named.collect::<Result<Vec<_>, _>>()?;
        let Some(over) = over else { return Ok(polars::to_polars(schema, row)?) };
        let values = DataFrame::from_partitions(self.session(), Arc::clone(schema), vec![row])?;
        let expressed = over.operator().with_input(Arc::clone(values.plan()?))?;
        values.map(|_| Ok(expressed)).compute()
    }
}

/// Groups the reductions by their rows.
fn shared(frames: &[DataFrame]) -> Result<Vec<Shared>> {
    let mut groups: Vec<Shared> = Vec::new();
    for (member, frame) in frames.iter().enumerate() {
        let Some(Reduced { reduce, .. }) = Reduced::of(frame.plan()?) else { continue };
        let rows = reduce.rows();
        let group = match groups.iter_mut().find(|group| {
            Arc::ptr_eq(group.session.engine(), frame.session().engine()) && is_same(&group.rows, rows)
        }) {
            Some(group) => group,
            None => {
                groups.push(Shared {
                    session: frame.session().clone(),
                    rows: Arc::clone(rows),
                    members: Vec::new(),
                    aggregates: Vec::new(),
                    places: Vec::new(),
                });
                let last = groups.len() - 1;
                &mut groups[last]
            }
        };
        let mut places = Vec::with_capacity(reduce.aggregates().len());
        for aggregate in reduce.aggregates() {
            let same = |other: &Aggregate| other.reduction == aggregate.reduction && other.of == aggregate.of;
            let place = group.aggregates.iter().position(same).unwrap_or(group.aggregates.len());
            if place == group.aggregates.len() {
                group.aggregates.push(Aggregate { name: format!("{place}"), ..aggregate.clone() });
            }
            places.push(place);
        }
        group.members.push(member);
        group.places.push(places);
    }
    Ok(groups)
}

/// Whether two plans give the same rows: the same plan, or one that was written the same way.
fn is_same(a: &PlanRef, b: &PlanRef) -> bool {
    Arc::ptr_eq(a, b) || format!("{a:?}") == format!("{b:?}")
}
