//! Memory for what expressions make.
//!
//! Columns of one batch are small but for texts, of which ten bytes may become a thousand. A [`Meter`] counts what kernels are about
//! to make of a batch and reserves it; what a task makes usually is paid by a small standing promise. A batch that would
//! make more than [`MADE_BYTES_MAX`] is cut and made in pieces: where, depends on the rows alone. One row may take what the ledger has.

use std::cell::{Cell, RefCell};
use std::fmt;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::DataType;
use partita_columns::Value;
use partita_columns::compute::Memory;

use crate::error::{Error, ErrorKind, Result};
use crate::host::{Host, Reservation};

/// Bytes that expressions make of several rows at once.
pub(crate) const MADE_BYTES_MAX: usize = 4 << 20;

/// Bytes that stay promised between batches.
const STANDING_BYTES: usize = 256 << 10;

/// More rows than a batch has.
const ROWS_MAX: usize = 64 << 10;

/// The account in the ledger; errors name the function.
pub(crate) const ACCOUNT: &str = "expressions";

/// Whether more is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    More,
    Enough,
}

/// Counts and reserves what the expressions of one operator of a task make of a batch.
pub struct Meter {
    memory: RefCell<Box<dyn Reservation>>,
    /// Bytes made of the rows at hand, and those of them that a second try of a part of an expression finds made.
    made: Cell<usize>,
    shared: Cell<usize>,
    /// Those of them that were there before anybody was asked: the rows are not made again for them.
    noted: Cell<usize>,
    /// Bytes that may be made of the rows at hand.
    made_max: Cell<usize>,
    rows: Cell<usize>,
    /// Rows that are taken at once, as far as is known.
    rows_max: Cell<usize>,
}

impl fmt::Debug for Meter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Meter({} bytes)", self.made.get())
    }
}

/// A place to go back to.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    made: usize,
    shared: usize,
}

impl Meter {
    /// Nothing made yet.
    ///
    /// # Errors
    /// Those of the host.
    pub fn new(host: &dyn Host) -> Result<Self> {
        Ok(Self::paid_by(host.reserve(ACCOUNT, 0, "make shorter texts")?))
    }

    pub(crate) fn paid_by(memory: Box<dyn Reservation>) -> Self {
        let [made, shared, noted, rows] = [0; 4].map(Cell::new);
        let [made_max, rows_max] = [usize::MAX; 2].map(Cell::new);
        Self { memory: RefCell::new(memory), made, shared, noted, made_max, rows, rows_max }
    }

    /// Calls `make` with the batch, or with one piece of it after the other where too much is made of it, and `see` with what that
    /// gives, which is paid for until `see` returns.
    ///
    /// # Errors
    /// Those of both.
    pub(crate) fn in_pieces<T>(
        &self,
        batch: &RecordBatch,
        mut make: impl FnMut(&RecordBatch) -> Result<T>,
        mut see: impl FnMut(T) -> Result<Flow>,
    ) -> Result<Flow> {
        let rows = batch.num_rows();
        let mut start = 0;
        loop {
            let count = self.rows_max.get().min(rows - start);
            self.made_max.set(if count > 1 { MADE_BYTES_MAX } else { usize::MAX });
            self.rows.set(count);
            let made = if count == rows { make(batch) } else { make(&batch.slice(start, count)) };
            match made {
                Ok(made) => {
                    self.learn(count);
                    let flow = see(made);
                    self.release()?;
                    start += count;
                    if start >= rows || !matches!(flow, Ok(Flow::More)) {
                        return flow;
                    }
                }
                Err(error) if error.is_oversized() && count > 1 => {
                    self.release()?;
                    self.rows_max.set(count / 2);
                }
                Err(error) => {
                    self.release()?;
                    return Err(error);
                }
            }
        }
    }

    /// How many rows come next, by what these have made.
    fn learn(&self, rows: usize) {
        let made = self.made.get();
        if self.rows_max.get() == usize::MAX && made <= MADE_BYTES_MAX {
            return;
        }
        let target = (rows as u128 * (MADE_BYTES_MAX as u128 * 3 / 4) / made.max(1) as u128) as usize;
        self.rows_max.set(if target >= ROWS_MAX { usize::MAX } else { target.max(1) });
    }

    /// What was made is gone.
    fn release(&self) -> Result<()> {
        self.made.set(0);
        self.shared.set(0);
        self.noted.set(0);
        let mut memory = self.memory.borrow_mut();
        if memory.bytes() > STANDING_BYTES { memory.resize(STANDING_BYTES) } else { Ok(()) }
    }

    /// Reserves `bytes` more that are there already, however many they are; later batches are cut for them.
    pub(crate) fn note(&self, bytes: usize) -> Result<()> {
        self.noted.set(self.noted.get().saturating_add(bytes));
        self.add(bytes)
    }

    /// Reserves `bytes` more for what is about to be made.
    pub(super) fn try_take(&self, bytes: usize) -> Result<()> {
        let asked = self.made.get().saturating_sub(self.noted.get()).saturating_add(bytes);
        if asked > self.made_max.get() {
            return Err(ErrorKind::Oversized { rows: self.rows.get(), bytes_max: MADE_BYTES_MAX }.into());
        }
        self.add(bytes)
    }

    fn add(&self, bytes: usize) -> Result<()> {
        let made = self.made.get().saturating_add(bytes);
        let mut memory = self.memory.borrow_mut();
        if made > memory.bytes() {
            memory.resize(made.max(STANDING_BYTES))?;
        }
        self.made.set(made);
        Ok(())
    }

    pub(super) fn mark(&self) -> Mark {
        Mark { made: self.made.get(), shared: self.shared.get() }
    }

    /// What was made since, but for what is shared, is gone.
    pub(super) fn back_to(&self, mark: Mark) {
        self.made.set(mark.made + (self.shared.get() - mark.shared));
    }

    /// What was made since is shared.
    pub(super) fn share(&self, mark: Mark) {
        self.shared.set(mark.shared + (self.made.get() - mark.made));
    }
}

impl Memory for Meter {
    fn take(&self, bytes: usize) -> partita_columns::Result<()> {
        self.try_take(bytes).map_err(|error| partita_columns::ErrorKind::Memory(Box::new(error)).into())
    }
}

/// The error of a kernel; that of its memory as it was.
pub(super) fn told(error: partita_columns::Error) -> Error {
    match error.into_kind() {
        partita_columns::ErrorKind::Memory(of_memory) => match of_memory.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => partita_columns::Error::from(partita_columns::ErrorKind::Memory(other)).into(),
        },
        kind => partita_columns::Error::from(kind).into(),
    }
}

/// Bytes that rows of a type take, whatever their values.
pub(crate) fn fixed_bytes(data_type: &DataType, rows: usize) -> usize {
    match data_type {
        DataType::Boolean | DataType::Null => rows / 8,
        DataType::Utf8View | DataType::BinaryView => rows * size_of::<u128>(),
        other => rows * other.primitive_width().unwrap_or(size_of::<u64>()),
    }
}

/// The longest text of a number or a time, in bytes.
const PLAIN_TEXT_BYTES: usize = 64;

/// Bytes of texts that a cast makes; those of texts are not made again.
pub(super) fn cast_bytes(value: &Value, to: &DataType) -> usize {
    let Value::Array(column) = value else { return 0 };
    let from = column.data_type();
    let is_text = |of: &DataType| {
        of.is_string() || of.is_binary() || matches!(of, DataType::Dictionary(_, _) | DataType::Null)
    };
    if !to.is_string() || is_text(from) {
        return 0;
    }
    match from.is_nested() {
        false => column.len() * PLAIN_TEXT_BYTES,
        true => column.get_buffer_memory_size().saturating_mul(PLAIN_TEXT_BYTES / size_of::<u64>()),
    }
}
