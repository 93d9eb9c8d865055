//! A user's function over the rows of each group.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, SchemaRef, UInt64Type};
use partita_columns::group::GroupRows;
use partita_columns::partition::unique_buffer_bytes;
use partita_columns::sort::Sources;
use partita_columns::{Scalar, compute};

use super::buckets::Buckets;
use super::missing;
use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, MapFunction};
use crate::interpret::distinct::Step;
use crate::interpret::operators::check_declared;
use crate::within::Apply;

const WAY_OUT: &str = "use fewer threads, or group by keys with fewer rows each: a function is given all rows of a group at once";

/// Calls the function on group after group.
pub(in crate::interpret) struct Applied<'a> {
    apply: &'a Apply,
    /// What it is given.
    schema: SchemaRef,
    function: Arc<dyn MapFunction>,
    buckets: Buckets<'a>,
}

impl<'a> Applied<'a> {
    pub(in crate::interpret) fn new(apply: &'a Apply, host: &dyn Host) -> Result<Self> {
        Ok(Self {
            apply,
            schema: Arc::new(apply.keyed.schema.project(&apply.given)?),
            function: host.function(apply.function)?,
            buckets: Buckets::new(&apply.keyed, WAY_OUT, host)?,
        })
    }

    fn hold(&mut self, batch: &RecordBatch) -> Result<()> {
        let batch = self.buckets.compacted(batch)?;
        let bytes = unique_buffer_bytes(std::slice::from_ref(&batch));
        self.buckets.hold(batch, bytes)
    }

    /// Calls the function on all groups whose rows are held.
    fn flush(&mut self, out: &mut Vec<RecordBatch>) -> Result<()> {
        if self.buckets.is_empty() {
            return Ok(());
        }
        let groups = self.buckets.groups()?;
        let rows = groups.numbers.len();
        let places_bytes = rows * 2 * size_of::<(u32, u32)>();
        let held = self.buckets.held().iter().map(|batch| Ok(compute::needed_bytes(batch)?));
        // The rows of one group, at most all.
        let given_bytes: usize = held.sum::<Result<usize>>()?;
        let beside = groups.bytes() + GroupRows::need_bytes(rows, groups.count) + places_bytes + given_bytes;
        self.buckets.reserve(beside)?;
        let group_rows = GroupRows::new(&groups.numbers, groups.count)?;
        let mut places: Vec<(u32, u32)> = Vec::with_capacity(rows);
        let mut sources = Sources::new(&self.schema);
        for (slot, batch) in self.buckets.held().iter().enumerate() {
            places.extend((0..batch.num_rows() as u32).map(|row| (slot as u32, row)));
            sources.set(slot, &batch.project(&self.apply.given)?)?;
        }
        let mut made = 0;
        let mut of_group = Vec::new();
        for (group, rows) in group_rows.groups().enumerate() {
            of_group.clear();
            of_group.extend(rows.iter().map(|row| places[*row as usize]));
            let given = sources.gather(&of_group)?;
            let returned = self.call(group, given)?;
            for batch in returned {
                let more = self.order_bytes(group, batch.num_rows())?;
                self.buckets
                    .reserve(beside + made + unique_buffer_bytes(std::slice::from_ref(&batch)) + more)?;
                let first = of_group.first().copied().unwrap_or_default();
                let ordered = self.with_order(group, first, &batch)?;
                made += unique_buffer_bytes(std::slice::from_ref(&ordered));
                self.buckets.reserve(beside + made)?;
                out.push(ordered);
            }
        }
        drop(sources);
        drop(self.buckets.take());
        self.buckets.begin();
        self.buckets.settle(made, None)
    }

    fn call(&self, group: usize, given: RecordBatch) -> Result<Vec<RecordBatch>> {
        let called = self.function.call(&self.schema, vec![given]).and_then(|batches| {
            batches.iter().try_for_each(|batch| check_declared(&self.apply.declared, &batch.schema()))?;
            Ok(batches)
        });
        called.map_err(|error| match error.kind() {
            ErrorKind::Function(message) => self.named(group, message),
            _ => error,
        })
    }

    /// The error of the function, by the group that it was called on.
    fn named(&self, group: usize, message: &str) -> Error {
        let keys = self.buckets.keys(group).unwrap_or_default();
        let names = self.apply.keyed.keys.iter().map(|at| self.apply.keyed.schema.field(*at).name());
        let shown = names.zip(&keys).map(|(name, key)| {
            let value = Scalar::try_from_array(key, 0).map(|value| value.to_string());
            format!("{} is {}", name.trim_end_matches('\0'), value.unwrap_or_default())
        });
        let shown = shown.collect::<Vec<_>>().join(" and ");
        ErrorKind::GroupFunction(format!("for the group where {shown}: {message}")).into()
    }

    /// Bytes of what groups are put in order by at most, for so many rows of a group, and on the way.
    fn order_bytes(&self, group: usize, rows: usize) -> Result<usize> {
        if !self.apply.has_keys {
            return Ok(if self.apply.has_place { rows * size_of::<u64>() } else { 0 });
        }
        let of_key = |key: &ArrayRef| match key.data_type() {
            // The text of a view is there once.
            DataType::Utf8View | DataType::BinaryView => Ok(size_of::<u128>()),
            _ => Ok(key.to_data().get_slice_memory_size()? + size_of::<u64>()),
        };
        let keys = self.buckets.keys(group)?;
        let of_row = keys.iter().map(of_key).sum::<Result<usize>>()?;
        Ok(rows * (of_row + keys.len() + size_of::<u32>() + size_of::<u64>()))
    }

    /// What the function returned, with what groups are put in order by.
    fn with_order(&self, group: usize, first: (u32, u32), batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows();
        let mut columns = batch.columns().to_vec();
        if self.apply.has_keys {
            let same = UInt32Array::from(vec![0; rows]);
            for key in self.buckets.keys(group)? {
                columns.push(take(&key, &same, None)?);
            }
        }
        if self.apply.has_place {
            columns.push(self.place(first, rows)?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.apply.schema), columns)?)
    }

    /// The place of a row, so many times.
    fn place(&self, (slot, row): (u32, u32), rows: usize) -> Result<ArrayRef> {
        let batch = self.buckets.held().get(slot as usize).ok_or_else(missing)?;
        let places = batch.columns().last().and_then(|places| places.as_primitive_opt::<UInt64Type>());
        let place = places.and_then(|places| places.values().get(row as usize)).ok_or_else(missing)?;
        Ok(Arc::new(UInt64Array::from(vec![*place; rows])))
    }
}

impl Step for Applied<'_> {
    fn push(&mut self, batch: RecordBatch) -> Result<Vec<RecordBatch>> {
        self.buckets.begin();
        let mut out = Vec::new();
        let mut start = 0;
        if let Some(end) = self.buckets.end_of_window(&batch, false)? {
            if end > 0 {
                self.hold(&compute::slice(&batch, 0, end))?;
            }
            self.flush(&mut out)?;
            start = end;
        }
        self.hold(&compute::slice(&batch, start, batch.num_rows() - start))?;
        Ok(out)
    }

    fn finish(&mut self) -> Result<Vec<RecordBatch>> {
        self.buckets.begin();
        let mut out = Vec::new();
        self.flush(&mut out)?;
        Ok(out)
    }
}
