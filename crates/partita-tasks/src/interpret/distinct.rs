//! Rows of equal values: dropped or counted as they come, and resolved exactly once an exchange has brought them together.

mod adjacent;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::datatypes::{SchemaRef, UInt64Type};
use partita_columns::compute;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::gather;

use self::adjacent::{Adjacent, Settled};
use self::table::Table;
use crate::distinct::{Distinct, Keep};
use crate::error::{ErrorKind, Result};
use crate::host::{Host, Reservation};

const WAY_OUT: &str = "use fewer threads";

/// Rows after which it is looked at how many were dropped.
const WINDOW_ROWS: u64 = 64 << 10;

/// A part of a task's chain that may hand out batches later than it takes them.
pub(super) trait Step {
    /// Takes a batch, and hands out what is known by now.
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>>;

    /// Hands out the rest.
    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        Ok(Vec::new())
    }

    /// Whether it wants all batches once more; asked after [`Step::finish`], which is called again behind them. Only a step that was told that
    /// they can come again may say so.
    fn wants_again(&mut self) -> Result<bool> {
        Ok(false)
    }
}

/// Whether looking is worth it: at least a fourth of the rows of the last window went.
#[derive(Default)]
struct Worth {
    rows: u64,
    kept: u64,
    is_over: bool,
}

impl Worth {
    fn see(&mut self, rows: usize, kept: usize) {
        self.rows += rows as u64;
        self.kept += kept as u64;
        if self.rows >= WINDOW_ROWS {
            self.is_over = self.kept > self.rows / 4 * 3;
            (self.rows, self.kept) = (0, 0);
        }
    }
}

/// Drops rows that an equal one of the task stands for.
pub(super) struct Thin<'a> {
    distinct: &'a Distinct,
    table: Table,
    worth: Worth,
    memory: Box<dyn Reservation>,
}

impl<'a> Thin<'a> {
    pub(super) fn new(distinct: &'a Distinct, host: &dyn Host) -> Result<Self> {
        let memory = host.reserve("drop_duplicates", 0, WAY_OUT)?;
        Ok(Self { distinct, table: Table::new(distinct.layout()?), worth: Worth::default(), memory })
    }

    /// The rows of a batch that stay.
    fn kept(&mut self, batch: &RecordBatch) -> Result<Vec<u32>> {
        let columns = self.distinct.columns(batch)?;
        let rows = batch.num_rows();
        let seen = self.table.look(&columns, rows)?;
        let mut kept = Vec::new();
        let mut see = |row: usize, most: u64| {
            // Values that are not in the table stay, each time.
            if self.table.add(&seen, row, 1).is_none_or(|count| count <= most) {
                kept.push(row as u32);
            }
        };
        match self.distinct.keep {
            Keep::First => (0..rows).for_each(|row| see(row, 1)),
            // Two of them show that there are more than one.
            Keep::None => (0..rows).for_each(|row| see(row, 2)),
            Keep::Last => {
                (0..rows).rev().for_each(|row| see(row, 1));
                kept.reverse();
                self.table.clear();
            }
        }
        Ok(kept)
    }
}

impl Step for Thin<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        if self.worth.is_over {
            return Ok(vec![batch]);
        }
        let kept = self.kept(&batch)?;
        self.memory.resize(self.table.memory_bytes())?;
        self.worth.see(batch.num_rows(), kept.len());
        if self.worth.is_over {
            self.table.drop_all();
            self.memory.resize(0)?;
        }
        if kept.len() == batch.num_rows() {
            return Ok(vec![batch]);
        }
        Ok(vec![compute::take(&batch, &UInt32Array::from(kept))?])
    }
}

/// Keeps one of the rows that are equal.
pub(super) struct Resolve<'a> {
    schema: &'a SchemaRef,
    adjacent: Adjacent,
}

impl<'a> Resolve<'a> {
    pub(super) fn new(distinct: &'a Distinct, host: &dyn Host) -> Result<Self> {
        Ok(Self { schema: &distinct.schema, adjacent: Adjacent::new(distinct, host)? })
    }

    fn out(&self, settled: &Settled) -> Result<Vec<RecordBatch>> {
        if settled.places.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![gather(self.schema, &settled.sources, &settled.places)?])
    }
}

impl Step for Resolve<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let settled = self.adjacent.push(&batch, None)?;
        self.out(&settled)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let settled = self.adjacent.finish();
        self.out(&settled)
    }
}

/// Counts values as they come, and hands out what it has counted where there are too many different ones.
pub(super) struct Count<'a> {
    schema: &'a SchemaRef,
    table: Table,
    /// The values of the table, in its order.
    values: Vec<RecordBatch>,
    value_bytes: usize,
    /// Rows that were counted since the table was empty.
    rows: u64,
    is_over: bool,
    memory: Box<dyn Reservation>,
}

/// A column of values alone.
fn values_of(schema: &SchemaRef) -> Result<Distinct> {
    Ok(Distinct { schema: Arc::new(schema.project(&[0])?), on: vec![0], keep: Keep::First })
}

impl<'a> Count<'a> {
    pub(super) fn new(schema: &'a SchemaRef, host: &dyn Host) -> Result<Self> {
        let table = Table::new(values_of(schema)?.layout()?);
        let memory = host.reserve("value_counts", 0, WAY_OUT)?;
        Ok(Self { schema, table, values: Vec::new(), value_bytes: 0, rows: 0, is_over: false, memory })
    }

    /// Values and counts as a batch.
    fn counted(&self, values: ArrayRef, counts: Vec<u64>) -> Result<RecordBatch> {
        let columns: Vec<ArrayRef> = vec![values, Arc::new(UInt64Array::from(counts))];
        Ok(RecordBatch::try_new(Arc::clone(self.schema), columns)?)
    }

    /// Keeps the values of rows that were not in the table before.
    fn hold(&mut self, batch: &RecordBatch, rows: Vec<u32>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let values = compute::compact(&compute::take(batch, &UInt32Array::from(rows))?)?;
        self.value_bytes += unique_buffer_bytes(std::slice::from_ref(&values));
        self.values.push(values);
        self.memory.resize(self.table.memory_bytes() + 2 * self.value_bytes)
    }

    /// Hands out what was counted, and begins again.
    fn flush(&mut self) -> Result<Vec<RecordBatch>> {
        let values = std::mem::take(&mut self.values);
        let Some(first) = values.first() else { return Ok(Vec::new()) };
        let all = compute::concat(&first.schema(), &values)?;
        drop(values);
        let counts = self.table.take_counts();
        let counted = self.counted(Arc::clone(all.column(0)), counts)?;
        // Where each value was there once or twice, counting is not worth it.
        self.is_over = counted.num_rows() as u64 > self.rows / 4 * 3;
        (self.rows, self.value_bytes) = (0, 0);
        if self.is_over {
            self.table.drop_all();
        }
        self.memory.resize(self.table.memory_bytes())?;
        Ok(vec![counted])
    }
}

impl Step for Count<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let rows = batch.num_rows();
        let columns = batch.columns().get(..1).unwrap_or_default();
        let mut out = Vec::new();
        let (mut row, mut new) = (0, Vec::new());
        let seen = if self.is_over { None } else { Some(self.table.look(columns, rows)?) };
        while let Some(seen) = seen.as_ref().filter(|_| row < rows && !self.is_over) {
            match self.table.add(seen, row, 1) {
                Some(count) => {
                    if count == 1 {
                        new.push(row as u32);
                    }
                    self.rows += 1;
                    row += 1;
                }
                None => {
                    self.hold(&batch, std::mem::take(&mut new))?;
                    out.extend(self.flush()?);
                }
            }
        }
        self.hold(&batch, new)?;
        if row < rows {
            let rest = compute::slice(&batch, row, rows - row);
            out.push(self.counted(Arc::clone(rest.column(0)), vec![1; rows - row])?);
        }
        Ok(out)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        self.flush()
    }
}

/// Adds up the counts of equal values.
pub(super) struct AddUp<'a> {
    schema: &'a SchemaRef,
    adjacent: Adjacent,
}

impl<'a> AddUp<'a> {
    pub(super) fn new(schema: &'a SchemaRef, host: &dyn Host) -> Result<Self> {
        Ok(Self { schema, adjacent: Adjacent::new(&values_of(schema)?, host)? })
    }

    fn out(&self, settled: Settled) -> Result<Vec<RecordBatch>> {
        if settled.places.is_empty() {
            return Ok(Vec::new());
        }
        let values = gather(self.schema, &settled.sources, &settled.places)?;
        let columns: Vec<ArrayRef> =
            vec![Arc::clone(values.column(0)), Arc::new(UInt64Array::from(settled.weights))];
        Ok(vec![RecordBatch::try_new(Arc::clone(self.schema), columns)?])
    }
}

impl Step for AddUp<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        let counts = batch.columns().get(1).and_then(|counts| counts.as_primitive_opt::<UInt64Type>());
        let counts = counts.ok_or_else(|| ErrorKind::Missing("counts of values".into()))?;
        let settled = self.adjacent.push(&batch, Some(counts.values()))?;
        self.out(settled)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        let settled = self.adjacent.finish();
        self.out(settled)
    }
}
