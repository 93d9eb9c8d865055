//! Closures with dependencies: the scheduler as users meet it first.
//!
//! ```
//! use partita_runtime::executor::RunOptions;
//! use partita_runtime::executor::graph::{Graph, run};
//!
//! let mut graph = Graph::new();
//! let words = graph.task("words", &[], |_| Ok("so it goes".split(' ').collect::<Vec<_>>()))?;
//! let count = graph.task("count", &[words], |inputs| Ok(inputs.get::<Vec<&str>>(0)?.len()))?;
//! let results = run(&graph, &[count], &RunOptions::default())?;
//! assert_eq!(*results.get::<usize>(0)?, 3);
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```

use std::any::{Any, type_name};
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use partita_schedule::{GraphError, Hope, Kind};

use super::{Admission, Delivery, Failure, RunError, RunOptions, Runner, TaskContext};

#[cfg(test)]
mod tests;

pub use partita_schedule::TaskId;

/// Any error that can cross threads: what a closure fails with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What building and running a graph of closures can refuse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A task or target that is not in the graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// A closure failed.
    #[error("{name} (task {task}, attempt {attempts}): {source}")]
    Task {
        /// The task.
        task: TaskId,
        /// Its name.
        name: String,
        /// How many times it was called.
        attempts: u8,
        /// What it said.
        source: BoxError,
    },
    /// A closure panicked.
    #[error("{place} panicked: {message}")]
    Panicked {
        /// Name and number of the task.
        place: String,
        /// What the panic said.
        message: String,
    },
    /// The run was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// There are not so many inputs or targets.
    #[error("{what} {index}: there are {count}")]
    NoValue {
        /// "input" or "target".
        what: &'static str,
        /// Which was asked for.
        index: usize,
        /// How many there are.
        count: usize,
    },
    /// An input or target has another type.
    #[error("{what} {index}: expected {expected}, got another type")]
    Type {
        /// "input" or "target".
        what: &'static str,
        /// Which was asked for.
        index: usize,
        /// The type that was asked for.
        expected: &'static str,
    },
}

impl From<RunError<BoxError>> for Error {
    fn from(error: RunError<BoxError>) -> Self {
        match error {
            RunError::Graph(error) => Error::Graph(error),
            RunError::Task { task, operator, attempts, error } => {
                Error::Task { task, name: operator, attempts, source: error }
            }
            RunError::Panicked { place, message } => Error::Panicked { place, message },
            RunError::Cancelled => Error::Cancelled,
        }
    }
}

/// A result whose type only its task and its readers know.
type Value = Arc<dyn Any + Send + Sync>;

/// A task: reads its inputs, makes its result.
type Function = Box<dyn Fn(&Inputs<'_>) -> Result<Value, BoxError> + Send + Sync>;

/// Tasks that are closures, and what they depend on. It can be run many times; nothing runs until then.
#[derive(Default)]
pub struct Graph(partita_schedule::Graph<Function>);

impl Graph {
    /// No tasks.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Adds a task that runs once all of `dependencies` have, with their results as inputs, in that order.
    ///
    /// Tasks with one `name` are one operator in progress, journal and errors. The closure is called again where it fails
    /// with a transient [`io::Error`] (interrupted, timed out, would block, a connection that broke).
    ///
    /// # Errors
    /// [`GraphError`] where a dependency is not in this graph.
    pub fn task<T, F>(&mut self, name: &str, dependencies: &[TaskId], function: F) -> Result<TaskId, Error>
    where
        T: Any + Send + Sync,
        F: Fn(&Inputs<'_>) -> Result<T, BoxError> + Send + Sync + 'static,
    {
        let function: Function = Box::new(move |inputs| Ok(Arc::new(function(inputs)?)));
        Ok(self.0.add(name, Kind::Compute, dependencies, function)?)
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Graph").field("tasks", &self.len()).finish_non_exhaustive()
    }
}

/// The results that a task depends on.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a>(&'a [Value]);

impl<'a> Inputs<'a> {
    /// The result of dependency number `index`, which its task made as a `T`.
    ///
    /// # Errors
    /// [`Error::NoValue`] where there is no such input, [`Error::Type`] where it is no `T`.
    pub fn get<T: Any>(&self, index: usize) -> Result<&'a T, Error> {
        value_as(self.0, "input", index)
    }

    /// All of them, where all are of one type.
    pub fn iter<T: Any>(&self) -> impl ExactSizeIterator<Item = Result<&'a T, Error>> + use<'a, T> {
        let values = self.0;
        (0..values.len()).map(move |index| value_as(values, "input", index))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the task depends on nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The results of a run, by place in the list of its targets.
#[derive(Debug, Clone)]
pub struct Results(Vec<Value>);

impl Results {
    /// The result of target number `index`, which its task made as a `T`.
    ///
    /// # Errors
    /// [`Error::NoValue`] where there is no such target, [`Error::Type`] where it is no `T`.
    pub fn get<T: Any>(&self, index: usize) -> Result<&T, Error> {
        value_as(&self.0, "target", index)
    }

    /// The same to keep, shared.
    ///
    /// # Errors
    /// As [`Results::get`].
    pub fn share<T: Any + Send + Sync>(&self, index: usize) -> Result<Arc<T>, Error> {
        let value = self.0.get(index).map(Arc::clone);
        let count = self.0.len();
        let value = value.ok_or(Error::NoValue { what: "target", index, count })?;
        value.downcast().map_err(|_| Error::Type { what: "target", index, expected: type_name::<T>() })
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there were no targets.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn value_as<'a, T: Any>(values: &'a [Value], what: &'static str, index: usize) -> Result<&'a T, Error> {
    let value = values.get(index).ok_or(Error::NoValue { what, index, count: values.len() })?;
    value.downcast_ref().ok_or(Error::Type { what, index, expected: type_name::<T>() })
}

/// Runs what `targets` need, and returns their results in the order of `targets`.
///
/// # Errors
/// A target that is not in the graph, the first task that failed or panicked, or the cancellation. The delivery of
/// `options` is of no importance here.
pub fn run(graph: &Graph, targets: &[TaskId], options: &RunOptions<'_>) -> Result<Results, Error> {
    let values = Mutex::new(Vec::with_capacity(targets.len()));
    let options = RunOptions { delivery: Delivery::Ordered, ..options.clone() };
    super::run(&graph.0, targets, &Closures, &options, &|_, value| {
        values.lock().unwrap_or_else(PoisonError::into_inner).push(value);
    })?;
    Ok(Results(values.into_inner().unwrap_or_else(PoisonError::into_inner)))
}

/// Calls closures.
struct Closures;

impl Runner for Closures {
    type Payload = Function;
    type Output = Value;
    type Permit = ();
    type Error = BoxError;

    fn admit(&self, _: TaskContext, _: &Function) -> Admission<()> {
        Admission::Granted(())
    }

    fn wait_for_memory(&self, _: TaskId, _: &Function) -> Result<(), BoxError> {
        Ok(())
    }

    fn run(
        &self,
        _: TaskContext,
        function: &Function,
        inputs: &[Value],
        _: Option<()>,
    ) -> Result<Value, Failure<BoxError>> {
        function(&Inputs(inputs)).map_err(|error| {
            let is_transient = error.downcast_ref::<io::Error>().is_some_and(is_transient);
            Failure { error, hope: if is_transient { Hope::Later } else { Hope::None } }
        })
    }

    fn output_bytes(&self, value: &Value) -> u64 {
        size_of_val(&**value) as u64
    }
}

fn is_transient(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock | ConnectionAborted | ConnectionReset)
}
