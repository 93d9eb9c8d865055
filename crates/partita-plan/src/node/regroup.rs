//! `Regroup`: the same rows in other partitions, without an exchange: neighbours are joined, and partitions are cut where a
//! bound of the index lies in them.
//!
//! Each partition of the input is collected by a task of its own, and the tasks of new partitions take what is theirs: a
//! partition that is cut is computed once.

mod cut;

use std::ops::Range;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

pub use self::cut::{by_values, every};
use super::{Divisions, Filter, Operator, Plan, PlanRef, Project, Span, Spread};
use crate::error::{ErrorKind, Result};
use crate::expr::Expr;
use crate::locate;
use crate::lower::{Lowering, Pipeline};
use crate::memory::Need;

/// Partitions that a size may make.
const PARTITIONS_MAX: u64 = 1 << 20;

/// Which rows a new partition has.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Of which partitions of the input.
    pub partitions: Range<usize>,
    /// Those whose index is in it; `None`: all.
    pub span: Option<Span>,
}

/// Makes other partitions of the same rows.
#[derive(Debug)]
pub struct Regroup {
    input: PlanRef,
    groups: Vec<Group>,
    divisions: Divisions,
}

impl Regroup {
    /// `input` in these groups, each row in one of them, with `divisions` then.
    ///
    /// # Errors
    /// Where a group has partitions that are not there, or a span and no index.
    pub fn plan(input: PlanRef, groups: Vec<Group>, divisions: Divisions) -> Result<PlanRef> {
        let partitions = input.partitions();
        if let Some(group) = groups.iter().find(|group| group.partitions.end > partitions) {
            let asked = group.partitions.end.saturating_sub(1);
            return Err(ErrorKind::NoPartition { asked, partitions }.into());
        }
        let node = Self { input, groups, divisions };
        for group in &node.groups {
            node.predicate(group)?;
        }
        Ok(Arc::new(Plan::Regroup(node)))
    }

    /// What is true of the rows of a group among those of its partitions.
    fn predicate(&self, group: &Group) -> Result<Option<Expr>> {
        let Some(span) = &group.span else { return Ok(None) };
        let Some(index) = self.divisions.column() else {
            return Err(ErrorKind::Option("repartition: expected an index, got none".into()).into());
        };
        super::position(self.input.schema(), index)?;
        Ok(Some(locate::predicate(index, std::slice::from_ref(span))))
    }

    fn cuts(&self) -> bool {
        self.groups.iter().any(|group| group.span.is_some())
    }
}

impl Operator for Regroup {
    fn name(&self) -> &'static str {
        "Regroup"
    }

    fn detail(&self) -> String {
        let how = if self.cuts() { "cut at the bounds of the index" } else { "neighbours joined" };
        format!("{} partitions of {}, {how}", self.groups.len(), self.input.partitions())
    }

    fn schema(&self) -> &SchemaRef {
        self.input.schema()
    }

    fn input(&self) -> Option<&PlanRef> {
        Some(&self.input)
    }

    fn with_input(&self, input: PlanRef) -> Result<PlanRef> {
        Regroup::plan(input, self.groups.clone(), self.divisions.clone())
    }

    fn partitions(&self) -> usize {
        self.groups.len()
    }

    fn divisions(&self) -> Divisions {
        self.divisions.clone()
    }

    fn prune(&self, columns: &[usize]) -> Result<PlanRef> {
        let schema = self.input.schema();
        let index = self.divisions.column().filter(|_| self.cuts());
        let index = index.map(|index| super::position(schema, index)).transpose()?;
        let needed: Vec<usize> =
            columns.iter().copied().chain(index.filter(|index| !columns.contains(index))).collect();
        let regrouped = self.with_input(self.input.operator().prune(&needed)?)?;
        if needed.len() == columns.len() {
            return Ok(regrouped);
        }
        Project::columns(regrouped, columns.iter().map(|column| schema.field(*column).name().as_str()))
    }

    fn push_filter(&self, predicate: &Expr) -> Result<Option<PlanRef>> {
        self.with_input(Filter::below(&self.input, predicate)?).map(Some)
    }

    fn push_partitions(&self, wanted: &Range<usize>) -> Result<Option<PlanRef>> {
        let Some(groups) = self.groups.get(wanted.clone()) else { return Ok(None) };
        let needed = groups.iter().map(|group| &group.partitions).filter(|range| !range.is_empty());
        let start = needed.clone().map(|range| range.start).min().unwrap_or(0);
        let end = needed.map(|range| range.end).max().unwrap_or(start);
        let moved = |group: &Group| {
            let Range { start: from, end: to } = group.partitions;
            Group { partitions: from.saturating_sub(start)..to.saturating_sub(start), ..group.clone() }
        };
        if start == end {
            return Ok(None);
        }
        let (groups, divisions) = (groups.iter().map(moved).collect(), self.divisions.clone().of(wanted));
        super::partitions::below(&self.input, &(start..end), |input| Regroup::plan(input, groups, divisions))
    }

    fn minds_cuts(&self) -> bool {
        self.cuts()
    }

    fn need(&self) -> Need {
        Need::Partition
    }

    fn known_rows(&self) -> Option<u64> {
        // Partitions that were picked leave rows of cut ones behind.
        if self.cuts() { None } else { self.input.operator().known_rows() }
    }

    fn estimate_bytes(&self) -> Option<Vec<u64>> {
        let input = self.input.operator().estimate_bytes().filter(|_| !self.cuts())?;
        let bytes = |group: &Group| Some(input.get(group.partitions.clone())?.iter().sum());
        self.groups.iter().map(bytes).collect()
    }

    fn lower(&self, lowering: &mut Lowering) -> Result<Vec<Pipeline>> {
        let mut conditions = Vec::with_capacity(self.groups.len());
        for group in &self.groups {
            let predicate = self.predicate(group)?;
            let bind = |predicate: Expr| super::filter::condition(&predicate, self.input.schema());
            conditions.push(predicate.map(bind).transpose()?);
        }
        let pipelines = lowering.searched(|lowering| lowering.lower(&self.input))?;
        let groups = self.groups.iter().map(|group| group.partitions.clone()).zip(conditions);
        lowering.regrouped(pipelines, groups.collect(), self.input.schema())
    }
}

/// The rows of `input` in so many partitions: neighbours are joined, as evenly as can be, or where there are to be more than there
/// are, all rows are cut evenly.
///
/// # Errors
/// Where none is asked for.
pub fn into_parts(input: PlanRef, parts: usize) -> Result<PlanRef> {
    let all = input.partitions();
    if parts == all {
        return Ok(input);
    }
    if parts == 0 {
        return Err(ErrorKind::Option("repartition: expected at least one partition, got 0".into()).into());
    }
    if parts > all {
        return Ok(Spread::plan(input, parts, false));
    }
    let at = |part: usize| part * all / parts;
    joined(input, &(0..=parts).map(at).collect::<Vec<_>>())
}

/// Neighbours joined up to about `bytes` each; where a partition has more, all rows are cut into parts of about as many bytes.
///
/// # Errors
/// Where it is not known how large partitions are.
pub fn of_size(input: PlanRef, bytes: u64) -> Result<PlanRef> {
    let Some(sizes) = input.operator().estimate_bytes() else {
        let message = "repartition_size: it is not known how large the partitions are; persist() the frame first, or choose a \
                       number of partitions with repartition(..)";
        return Err(ErrorKind::Option(message.into()).into());
    };
    if sizes.iter().any(|size| *size > bytes) {
        let all = sizes.iter().copied().fold(0, u64::saturating_add);
        let parts = all.div_ceil(bytes.max(1));
        if parts > PARTITIONS_MAX {
            let message = format!(
                "repartition_size: {bytes} bytes make {parts} partitions, at most {PARTITIONS_MAX}; take larger ones"
            );
            return Err(ErrorKind::Option(message).into());
        }
        return Ok(Spread::plan(input, parts as usize, true));
    }
    let mut starts = vec![0];
    let mut held = 0_u64;
    for (partition, size) in sizes.iter().enumerate() {
        if held > 0 && held.saturating_add(*size) > bytes {
            starts.push(partition);
            held = 0;
        }
        held = held.saturating_add(*size);
    }
    starts.push(sizes.len());
    joined(input, &starts)
}

/// Partitions from each start to the next.
fn joined(input: PlanRef, starts: &[usize]) -> Result<PlanRef> {
    let groups = starts.windows(2).map(|pair| Group { partitions: pair[0]..pair[1], span: None });
    let divisions = match input.divisions() {
        Divisions::Known { column, values } => {
            let values = starts.iter().filter_map(|start| values.get(*start).cloned());
            Divisions::Known { column, values: values.collect() }
        }
        same => same,
    };
    Regroup::plan(input, groups.collect(), divisions)
}
