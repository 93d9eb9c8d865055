//! `Stored`: partitions that the session holds: persisted frames, and frames made from batches.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_columns::Scalar;
use partita_columns::compute::CompareOp;
use partita_formats::parquet::read::Predicate;
use partita_tasks::interpret::Fence;
use partita_tasks::program::{Source, StoreKey};
use partita_tasks::prune;

use super::{Divisions, Filter, KeepAlive, Operator, Plan, PlanRef};
use crate::bind::bind;
use crate::error::Result;
use crate::expr::Expr;
use crate::lower::{Lowering, Pipeline};
use crate::memory;

/// Reads partitions of the session's store.
#[derive(Debug, Clone)]
pub struct Stored {
    frame: u64,
    /// Rows and bytes of each partition.
    counts: Arc<[(u64, u64)]>,
    /// Of all of them.
    divisions: Divisions,
    /// The index in each frame of each of them.
    fences: Option<Fences>,
    /// What must be true of rows that are wanted: frames that have none are left out, and the others have others too.
    asked: Predicate,
    wanted: Range<usize>,
    /// Number of columns held.
    stored_columns: usize,
    schema: SchemaRef,
    /// Positions in the stored columns; `None`: all.
    projection: Option<Vec<usize>>,
    /// Kept by the plan so that the partitions live as long as a plan refers to them.
    #[expect(dead_code, reason = "held for its drop")]
    keep_alive: KeepAlive,
}

/// A column, and what is known of it frame by frame of each partition.
pub type Fences = (String, Arc<[Arc<[Fence]>]>);

impl Stored {
    /// The partitions of `frame`, with (rows, bytes) of each, how they are cut, and their index frame by frame; `keep_alive` is dropped
    /// with the last plan.
    pub fn plan(
        frame: u64,
        schema: SchemaRef,
        counts: Vec<(u64, u64)>,
        (divisions, fences): (Divisions, Option<Fences>),
        keep_alive: Arc<dyn Any + Send + Sync>,
    ) -> PlanRef {
        let wanted = 0..counts.len();
        let keep_alive = KeepAlive::new(keep_alive);
        Arc::new(Plan::Stored(Self {
            frame,
            counts: counts.into(),
            divisions,
            fences,
            asked: Predicate::Any,
            wanted,
            stored_columns: schema.fields().len(),
            schema,
            projection: None,
            keep_alive,
        }))
    }

    /// The frame's number in the store.
    pub fn frame(&self) -> u64 {
        self.frame
    }

    fn rows(&self) -> u64 {
        self.counts[self.wanted.clone()].iter().map(|(rows, _)| rows).sum()
    }

    /// The frames of a partition that may have rows that are asked for; `None`: all.
    fn frames(&self, partition: usize) -> Option<Range<usize>> {
        let (column, fences) = self.fences.as_ref().filter(|_| self.asked != Predicate::Any)?;
        let fences = fences.get(partition)?;
        let may_match =
            |fence: &Fence| fence.as_ref().is_none_or(|fence| may_match(&self.asked, column, fence));
        let first = fences.iter().position(may_match);
        let last = fences.iter().rposition(may_match);
        Some(first.zip(last).map_or(0..0, |(first, last)| first..last + 1))
    }
}

/// Whether a row whose value of `index` is between two may match.
fn may_match(asked: &Predicate, index: &str, ends: &(Scalar, Scalar)) -> bool {
    let (first, last) = ends;
    let order = |value: &Scalar| Some((first.compare(value)?, last.compare(value)?));
    let compared = |op: CompareOp, value: &Scalar| {
        let Some((first, last)) = order(value).filter(|_| !value.is_null()) else { return true };
        match op {
            CompareOp::Eq => first.is_le() && last.is_ge(),
            CompareOp::NotEq => first.is_ne() || last.is_ne(),
            CompareOp::Lt => first.is_lt(),
            CompareOp::LtEq => first.is_le(),
            CompareOp::Gt => last.is_gt(),
            CompareOp::GtEq => last.is_ge(),
        }
    };
    match asked {
        Predicate::And(all) => all.iter().all(|one| may_match(one, index, ends)),
        Predicate::Or(all) => all.iter().any(|one| may_match(one, index, ends)),
        Predicate::Compare { column, op, value } if column == index => compared(*op, value),
        Predicate::IsIn { column, values } if column == index => {
            values.iter().any(|value| compared(CompareOp::Eq, value))
        }
        _ => true,
    }
}

impl Operator for Stored {
    fn name(&self) -> &'static str {
        "Stored"
    }

    fn detail(&self) -> String {
        let counts = &self.counts[self.wanted.clone()];
        let bytes: u64 = counts.iter().map(|(_, bytes)| bytes).sum();
        format!(
            "frame {}, {} partitions, {} rows, {bytes} bytes; columns: {}",
            self.frame,
            counts.len(),
            self.rows(),
            super::names(&self.schema).join(", ")
        )
    }

    fn schema(&self) -> &SchemaRef {
        &self.schema
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
        self.divisions.clone().of(&self.wanted)
    }

    fn ordered_by(&self) -> Option<String> {
        let (column, fences) = self.fences.as_ref()?;
        // Each frame is in order, and begins no lower than the one before ends.
        let is_ordered = |frames: &Arc<[Fence]>| {
            let ends: Option<Vec<_>> = frames.iter().map(Option::as_ref).collect();
            ends.is_some_and(|ends| {
                ends.windows(2).all(|pair| {
                    pair[0].1.compare(&pair[1].0).is_some_and(|order| order != std::cmp::Ordering::Greater)
                })
            })
        };
        let is_cut = self.divisions.column() == Some(column.as_str());
        (is_cut && fences.iter().all(is_ordered)).then(|| column.clone())
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let stored = |index: &usize| self.projection.as_ref().map_or(*index, |before| before[*index]);
        let projection = Some(columns.iter().map(stored).collect());
        let schema = Arc::new(self.schema.project(columns)?);
        Ok(Arc::new(Plan::Stored(Self { schema, projection, ..self.clone() })))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        let is_named = |column: &String| self.fences.as_ref().is_some_and(|(index, _)| index == column);
        if !predicate.columns().iter().any(is_named) {
            return Ok(None);
        }
        let asked = prune::condition(&bind(predicate, &self.schema)?.0, &self.schema, &|_| false);
        let asked = Predicate::And(vec![self.asked.clone(), asked]);
        Filter::plan(Arc::new(Plan::Stored(Self { asked, ..self.clone() })), predicate.clone()).map(Some)
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        let wanted = self.wanted.start + wanted.start..self.wanted.start + wanted.end;
        Ok(Some(Arc::new(Plan::Stored(Self { wanted, ..self.clone() }))))
    }

    fn known_rows(&self) -> Option<u64> {
        Some(self.rows())
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        let (columns, all) = (self.schema.fields().len(), self.stored_columns);
        let counts = self.counts.get(self.wanted.clone())?;
        Some(counts.iter().map(|(_, bytes)| memory::share_bytes(*bytes, columns, all)).collect())
    }

    fn lower(&self, _: &mut Lowering) -> Result<Vec<Pipeline>> {
        let pipeline = |partition: usize| {
            let key = StoreKey { frame: self.frame, partition: partition as u32 };
            let frames = self.frames(partition);
            let source = match &frames {
                Some(frames) if frames.is_empty() => Source::Empty(Arc::clone(&self.schema)),
                _ => Source::Stored { key, projection: self.projection.clone(), frames },
            };
            let mut pipeline = Pipeline::new("stored", source, Arc::clone(&self.schema), 0);
            pipeline.held_rows = Some(self.counts[partition].0);
            pipeline
        };
        Ok(self.wanted.clone().map(pipeline).collect())
    }
}
