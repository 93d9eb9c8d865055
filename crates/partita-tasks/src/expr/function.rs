//! Users' functions over columns.

use std::fmt::{self, Debug, Formatter};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use partita_columns::dtype;
use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, Result};
use crate::program::FunctionId;

/// A function over columns of equal length, which gives a column of that length.
pub type ColumnFunction = dyn Fn(&[ArrayRef]) -> std::result::Result<ArrayRef, Box<dyn std::error::Error + Send + Sync>>
    + Send
    + Sync;

/// A user's function: a number that is unique in the process, and the closure behind it, which does not cross to another
/// one.
#[derive(Clone, Serialize, Deserialize)]
pub struct UserFunction {
    id: FunctionId,
    #[serde(skip)]
    function: Option<Arc<ColumnFunction>>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl UserFunction {
    /// Gives a function its number.
    pub fn new(function: Arc<ColumnFunction>) -> Self {
        Self { id: FunctionId(NEXT.fetch_add(1, Ordering::Relaxed)), function: Some(function) }
    }

    /// Its number.
    pub fn id(&self) -> FunctionId {
        self.id
    }

    /// Calls it, and checks that it returns `rows` rows of `declared`.
    ///
    /// # Errors
    /// [`ErrorKind::ColumnFunction`] with what the function reports, its panic, or what is wrong with its column;
    /// [`ErrorKind::Missing`] where the closure stayed in another process.
    pub(super) fn call(&self, columns: &[ArrayRef], declared: &DataType, rows: usize) -> Result<ArrayRef> {
        let Some(function) = &self.function else {
            return Err(ErrorKind::Missing("a function of another process".to_owned()).into());
        };
        let failed = |message: String| ErrorKind::ColumnFunction(message).into();
        // The function's own state is its own affair.
        let called = catch_unwind(AssertUnwindSafe(|| function(columns)));
        let column = match called {
            Ok(Ok(column)) => column,
            Ok(Err(error)) => return Err(failed(error.to_string())),
            Err(panic) => return Err(failed(format!("panicked: {}", panic_message(&*panic)))),
        };
        if column.data_type() != declared {
            let (declared, got) = (dtype::name(declared), dtype::name(column.data_type()));
            return Err(failed(format!("declared {declared}, returned {got}")));
        }
        if column.len() != rows {
            return Err(failed(format!("was given {rows} rows, returned {}", column.len())));
        }
        Ok(column)
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

impl PartialEq for UserFunction {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Debug for UserFunction {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "function {}", self.id.0)
    }
}
