//! `Stored`: partitions that the session holds: persisted frames, and frames made from batches.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use partita_tasks::program::{Source, StoreKey};

use super::{Divisions, KeepAlive, Operator, Plan, PlanRef};
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

impl Stored {
    /// The partitions of `frame`, with (rows, bytes) of each and how they are cut; `keep_alive` is dropped with the last plan.
    pub fn plan(
        frame: u64,
        schema: SchemaRef,
        counts: Vec<(u64, u64)>,
        divisions: Divisions,
        keep_alive: Arc<dyn Any + Send + Sync>,
    ) -> PlanRef {
        let wanted = 0..counts.len();
        let keep_alive = KeepAlive::new(keep_alive);
        Arc::new(Plan::Stored(Self {
            frame,
            counts: counts.into(),
            divisions,
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

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let stored = |index: &usize| self.projection.as_ref().map_or(*index, |before| before[*index]);
        let projection = Some(columns.iter().map(stored).collect());
        let schema = Arc::new(self.schema.project(columns)?);
        Ok(Arc::new(Plan::Stored(Self { schema, projection, ..self.clone() })))
    }

    fn push_filter(&self, _: &Expr) -> Result<Option<PlanRef>> {
        Ok(None)
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
            let source = Source::Stored { key, projection: self.projection.clone() };
            Pipeline::new("stored", source, Arc::clone(&self.schema), 0)
        };
        Ok(self.wanted.clone().map(pipeline).collect())
    }
}
