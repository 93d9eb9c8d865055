//! Several answers from one pass.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_columns::polars;
use partita_plan::node::{Aggregate, Filter, Reduce};
use partita_plan::{Expr, Plan, PlanRef};

use super::DataFrame;
use crate::error::Result;
use crate::session::Session;

/// Computes several frames and gives a tuple of Polars frames. Reductions share one pass over what they have in common, with
/// or without filters and computed columns of their own.
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

/// Frames that reduce the same rows, or some of them.
struct Shared {
    session: Session,
    rows: PlanRef,
    members: Vec<Member>,
}

struct Member {
    /// Its number among the frames.
    frame: usize,
    aggregates: Vec<Aggregate>,
}

impl Shared {
    /// The reduction that answers all members, and for each member the place of each of its aggregates.
    fn together(&self) -> Result<(PlanRef, Vec<Vec<usize>>)> {
        let mut all: Vec<Aggregate> = Vec::new();
        let mut places = Vec::with_capacity(self.members.len());
        for member in &self.members {
            let mut of_member = Vec::with_capacity(member.aggregates.len());
            for aggregate in &member.aggregates {
                let place = all.iter().position(|other| is_equal(other, aggregate)).unwrap_or(all.len());
                if place == all.len() {
                    all.push(Aggregate { name: format!("{place}"), ..aggregate.clone() });
                }
                of_member.push(place);
            }
            places.push(of_member);
        }
        Ok((Reduce::plan(self.wanted(&mut all)?, all)?, places))
    }

    /// The rows that somebody wants: readers drop the others, and one condition for all need not be asked again.
    fn wanted(&self, all: &mut [Aggregate]) -> Result<PlanRef> {
        let mut filters: Vec<&Expr> = Vec::new();
        for aggregate in all.iter() {
            let Some(filter) = &aggregate.filter else { return Ok(Arc::clone(&self.rows)) };
            if !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        let any = match filters.as_slice() {
            [] => return Ok(Arc::clone(&self.rows)),
            [one] => (*one).clone(),
            several => Expr::Or(several.iter().copied().cloned().collect()),
        };
        let is_one = filters.len() == 1;
        if is_one {
            all.iter_mut().for_each(|aggregate| aggregate.filter = None);
        }
        Ok(Filter::plan(Arc::clone(&self.rows), any)?)
    }
}

/// Whether two are one but for their names.
fn is_equal(a: &Aggregate, b: &Aggregate) -> bool {
    (&a.asked, &a.of, &a.filter) == (&b.asked, &b.of, &b.filter)
}

impl DataFrame {
    /// The frames' rows, as [`DataFrame::compute`] gives them one by one, in order. Reductions share one pass over what they have
    /// in common, with or without filters and computed columns of their own; [`crate::compute_all`] gives a tuple.
    ///
    /// # Errors
    /// As [`DataFrame::compute`].
    pub fn compute_all(frames: &[DataFrame]) -> Result<Vec<polars_core::frame::DataFrame>> {
        let mut done: Vec<Option<polars_core::frame::DataFrame>> = frames.iter().map(|_| None).collect();
        for shared in shared(frames)?.into_iter().filter(|shared| shared.members.len() > 1) {
            let Some(first) = shared.members.first().and_then(|member| frames.get(member.frame)) else {
                continue;
            };
            let (plan, places) = shared.together()?;
            let row = first.map(|_| Ok(plan)).compute_batches()?;
            for (member, places) in shared.members.iter().zip(&places) {
                let picked =
                    row.iter().map(|batch| Ok(batch.project(places)?)).collect::<Result<Vec<_>>>()?;
                done[member.frame] = Some(frames[member.frame].finished(picked)?);
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

/// Groups the reductions by the rows that they have in common.
fn shared(frames: &[DataFrame]) -> Result<Vec<Shared>> {
    let mut groups: Vec<Shared> = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        let Some(Reduced { reduce, .. }) = Reduced::of(frame.plan()?) else { continue };
        let whole = || (Arc::clone(reduce.rows()), reduce.aggregates().to_vec());
        let (rows, aggregates) = reduce.from_below().unwrap_or_else(whole);
        let member = Member { frame: number, aggregates };
        let same = |group: &&mut Shared| {
            Arc::ptr_eq(group.session.engine(), frame.session().engine()) && is_same(&group.rows, &rows)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.members.push(member),
            None => groups.push(Shared { session: frame.session().clone(), rows, members: vec![member] }),
        }
    }
    Ok(groups)
}

/// Whether two plans give the same rows: the same plan, or one that was written the same way.
fn is_same(a: &PlanRef, b: &PlanRef) -> bool {
    Arc::ptr_eq(a, b) || format!("{a:?}") == format!("{b:?}")
}
