//! Users' functions, by number: closures do not serialize.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use partita_tasks::host::MapFunction;
use partita_tasks::program::FunctionId;
use partita_tasks::{ErrorKind, Result};

/// What a function may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A function over the batches of one partition.
pub type BatchesFunction =
    dyn Fn(SchemaRef, Vec<RecordBatch>) -> std::result::Result<Vec<RecordBatch>, BoxError> + Send + Sync;

struct Registered(Box<BatchesFunction>);

impl MapFunction for Registered {
    fn call(&self, input: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Vec<RecordBatch>> {
        // The function's own state is its own affair: after a panic it is not called again in this run.
        let called = catch_unwind(AssertUnwindSafe(|| (self.0)(Arc::clone(input), batches)));
        let failed = |message: String| ErrorKind::Function(message).into();
        match called {
            Ok(Ok(batches)) => Ok(batches),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Err(panic) => Err(failed(format!("panicked: {}", panic_message(&*panic)))),
        }
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".to_owned())
}

/// The functions of a session.
#[derive(Default)]
pub(crate) struct Functions(Mutex<HashMap<FunctionId, Arc<Registered>>>);

impl Functions {
    fn lock(&self) -> MutexGuard<'_, HashMap<FunctionId, Arc<Registered>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn put(&self, id: FunctionId, function: Box<BatchesFunction>) {
        self.lock().insert(id, Arc::new(Registered(function)));
    }

    pub(crate) fn get(&self, id: FunctionId) -> Option<Arc<dyn MapFunction>> {
        self.lock().get(&id).map(|found| Arc::clone(found) as Arc<dyn MapFunction>)
    }

    pub(crate) fn remove(&self, id: FunctionId) {
        self.lock().remove(&id);
    }
}
