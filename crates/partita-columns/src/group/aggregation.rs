//! Users' aggregations, in three steps.

use std::fmt::{self, Debug, Formatter};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};

use crate::dtype;
use crate::error::{Error, ErrorKind, Result};

/// What a step may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Rows in groups: those of a group lie one behind the other, in the order of the frame.
#[derive(Debug)]
pub struct GroupedRows {
    starts: Vec<usize>,
    columns: Vec<ArrayRef>,
}

impl GroupedRows {
    /// Rows of `columns`, those of group `g` from `starts[g]` to `starts[g + 1]`.
    pub(super) fn new(starts: Vec<usize>, columns: Vec<ArrayRef>) -> Self {
        Self { starts, columns }
    }

    /// How many groups there are: each has a row at least.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The rows of each group, in the order of the groups: the result of a step has a row for each.
    pub fn groups(&self) -> impl ExactSizeIterator<Item = Range<usize>> + '_ {
        self.starts.windows(2).map(|ends| ends[0]..ends[1])
    }

    /// The columns, rows of all groups in each.
    pub fn columns(&self) -> &[ArrayRef] {
        &self.columns
    }

    /// One of the columns.
    ///
    /// # Errors
    /// Where there is none at that position.
    pub fn column(&self, at: usize) -> Result<&ArrayRef, BoxError> {
        let missing = || format!("there is no column {at}: there are {}", self.columns.len()).into();
        self.columns.get(at).ok_or_else(missing)
    }
}

/// An aggregation of groups in three steps, in the manner of `dask.dataframe.Aggregation`, on Arrow arrays: [`chunk`](Self::chunk) makes a
/// state row of rows of a group, [`merge`](Self::merge) one of several of these, and [`finish`](Self::finish) the answer.
///
/// Each step is given many groups at once and returns one row for each. What it makes of a group must come of the rows of that group
/// alone: which groups come together is not said. Several threads call it at once. Rows of a group are cut into state rows by the input alone,
/// and state rows are merged in the order of the rows: neither memory nor threads change a bit of the answer.
///
/// The memory of rows and states is in the ledger: what a step returns is measured, and [`state_bytes`](Self::state_bytes) a state row is
/// asked for before the call. What a step allocates beside its result is not counted.
pub trait Aggregation: Send + Sync + 'static {
    /// Its name, as `explain` and errors show it.
    fn name(&self) -> &str;

    /// The types of the columns of states, for columns of these types. Texts come as `Utf8View`, dictionaries as their values.
    ///
    /// # Errors
    /// Where it is not defined for these types.
    fn state_types(&self, inputs: &[DataType]) -> Result<Vec<DataType>, BoxError>;

    /// The type of the answers, for columns of these types.
    ///
    /// # Errors
    /// Where it is not defined for these types.
    fn result_type(&self, inputs: &[DataType]) -> Result<DataType, BoxError>;

    /// Bytes that a state row takes, about.
    fn state_bytes(&self) -> usize {
        64
    }

    /// Columns of states, with a row for each group of rows of the input, nulls among them.
    ///
    /// # Errors
    /// Whatever goes wrong; a panic is an error too.
    fn chunk(&self, rows: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError>;

    /// Columns of states, with a row for each group of state rows, which come in the order of the rows that they are of.
    ///
    /// # Errors
    /// As [`Aggregation::chunk`].
    fn merge(&self, states: &GroupedRows) -> Result<Vec<ArrayRef>, BoxError>;

    /// The answers of some states, row by row.
    ///
    /// # Errors
    /// As [`Aggregation::chunk`].
    fn finish(&self, states: &[ArrayRef]) -> Result<ArrayRef, BoxError>;
}

/// A user's aggregation: a number that is unique in the process, and the steps, which do not cross to another one.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserAggregation {
    id: u64,
    #[serde(skip)]
    steps: Option<Arc<dyn Aggregation>>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl UserAggregation {
    /// Gives an aggregation its number.
    pub fn new(steps: Arc<dyn Aggregation>) -> Self {
        Self { id: NEXT.fetch_add(1, Ordering::Relaxed), steps: Some(steps) }
    }

    /// Its number.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.steps.as_ref().map_or("aggregation", |steps| steps.name())
    }

    /// Bytes of a state row, about.
    pub(super) fn state_bytes(&self) -> usize {
        self.steps.as_ref().map_or(0, |steps| steps.state_bytes())
    }

    pub(super) fn state_types(&self, inputs: &[DataType]) -> Result<Vec<DataType>> {
        self.call("state_types", |steps| steps.state_types(inputs))
    }

    pub(super) fn result_type(&self, inputs: &[DataType]) -> Result<DataType> {
        self.call("result_type", |steps| steps.result_type(inputs))
    }

    pub(super) fn chunk(&self, rows: &GroupedRows, types: &[DataType]) -> Result<Vec<ArrayRef>> {
        let states = self.call("chunk", |steps| steps.chunk(rows))?;
        self.checked("chunk", states, types, rows.len())
    }

    pub(super) fn merge(&self, states: &GroupedRows, types: &[DataType]) -> Result<Vec<ArrayRef>> {
        let merged = self.call("merge", |steps| steps.merge(states))?;
        self.checked("merge", merged, types, states.len())
    }

    pub(super) fn finish(&self, states: &[ArrayRef], result: &DataType, rows: usize) -> Result<ArrayRef> {
        let answers = self.call("finish", |steps| steps.finish(states))?;
        let mut answers = self.checked("finish", vec![answers], std::slice::from_ref(result), rows)?;
        answers.pop().ok_or_else(|| self.failed("finish", "no column"))
    }

    fn failed(&self, step: &'static str, message: impl fmt::Display) -> Error {
        let name = self.name().to_owned();
        ErrorKind::Aggregation { name, step, message: message.to_string() }.into()
    }

    fn call<T>(
        &self,
        step: &'static str,
        call: impl FnOnce(&dyn Aggregation) -> Result<T, BoxError>,
    ) -> Result<T> {
        let Some(steps) = &self.steps else {
            return Err(self.failed(step, "it stayed in another process"));
        };
        // The aggregation's own state is its own affair.
        match catch_unwind(AssertUnwindSafe(|| call(&**steps))) {
            Ok(called) => called.map_err(|error| self.failed(step, error)),
            Err(panic) => {
                let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
                let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
                let text = text.unwrap_or_else(|| "without a message".to_owned());
                Err(self.failed(step, format!("panicked: {text}")))
            }
        }
    }

    /// Columns that have the types and the rows that are wanted.
    fn checked(
        &self,
        step: &'static str,
        columns: Vec<ArrayRef>,
        types: &[DataType],
        rows: usize,
    ) -> Result<Vec<ArrayRef>> {
        if columns.len() != types.len() {
            let message = format!("expected {} columns, it returned {}", types.len(), columns.len());
            return Err(self.failed(step, message));
        }
        for (column, declared) in columns.iter().zip(types) {
            if column.data_type() != declared {
                let (declared, got) = (dtype::name(declared), dtype::name(column.data_type()));
                return Err(self.failed(step, format!("declared {declared}, returned {got}")));
            }
            if column.len() != rows {
                let message = format!("was given {rows} groups, returned {} rows", column.len());
                return Err(self.failed(step, message));
            }
        }
        Ok(columns)
    }
}

impl PartialEq for UserAggregation {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Debug for UserAggregation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "aggregation {} {}", self.id, self.name())
    }
}
