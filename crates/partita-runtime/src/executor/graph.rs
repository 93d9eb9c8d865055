//! Closures with dependencies: the scheduler as users meet it first.
//!
//! ```
//! use partita_runtime::executor::RunOptions;
//! use partita_runtime::executor::graph::{Graph, run};
//!
//! let mut graph = Graph::new();
//! let words = graph.task("words", &[], |_| Ok("so it goes".split(' ').map(String::from).collect::<Vec<_>>()));
//! let count = graph.task("count", &[words], |inputs| Ok(inputs.get::<Vec<String>>(0)?.len()));
//! let results = run(&graph, &[count], &RunOptions::default())?;
//! assert_eq!(*results.get::<usize>(count)?, 3);
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```

use std::any::{Any, type_name};
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use partita_schedule::{GraphError, Kind};

use super::{Admission, Failure, RunError, RunOptions, Runner, TaskContext};

#[cfg(test)]
mod tests;

pub use partita_schedule::TaskId;

/// Any error that can cross threads: what a task may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A result whose type only its task and its readers know.
type Value = Arc<dyn Any + Send + Sync>;

/// A task: reads its inputs, makes its result.
type Function = Box<dyn Fn(&Inputs<'_>) -> Result<Value, BoxError> + Send + Sync>;

/// Tasks that are closures, and what they depend on. It can be run many times; nothing runs until then.
#[derive(Default)]
pub struct Graph {
    tasks: partita_schedule::Graph<Function>,
    /// The first task that could not be added.
    refused: Option<GraphError>,
}

impl Graph {
    /// No tasks.
    pub fn new() -> Self {
        Graph::default()
    }

    /// Adds a task that runs once all of `dependencies` have, with their results as inputs, in that order.
    ///
    /// Tasks with one `name` are one operator in progress, journal and errors. The closure may be called again where it
    /// fails with a transient [`io::Error`] (interrupted, timed out, would block, a connection that broke). A task that
    /// depends on one that is not in this graph is refused when the graph is run.
    pub fn task<T, F>(&mut self, name: &str, dependencies: &[TaskId], function: F) -> TaskId
    where
        T: Any + Send + Sync,
        F: Fn(&Inputs<'_>) -> Result<T, BoxError> + Send + Sync + 'static,
    {
        let function: Function = Box::new(move |inputs| Ok(Arc::new(function(inputs)?)));
        match self.tasks.add(name, Kind::Compute, dependencies, function) {
            Ok(task) => task,
            Err(error) => {
                self.refused.get_or_insert(error);
                // In no graph: what depends on it is refused as well.
                TaskId(u32::MAX)
            }
        }
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Graph").field("tasks", &self.len()).finish_non_exhaustive()
    }
}

/// A result of another type, or none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// There are not so many inputs.
    #[error("input {index}: the task has {inputs} inputs")]
    NoInput {
        /// Which was asked for.
        index: usize,
        /// How many there are.
        inputs: usize,
    },
    /// The task was not among the targets.
    #[error("task {task}: not a target of the run")]
    NoTarget {
        /// Which was asked for.
        task: TaskId,
    },
    /// The value has another type.
    #[error("{place}: expected {expected}, got another type")]
    Type {
        /// Which input or target.
        place: String,
        /// The type that was asked for.
        expected: &'static str,
    },
}

/// The results that a task depends on.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    values: &'a [Value],
}

impl<'a> Inputs<'a> {
    /// The result of dependency number `index`, which its task made as a `T`.
    ///
    /// # Errors
    /// [`ValueError`] where there is no such input, or it is no `T`.
    pub fn get<T: Any>(&self, index: usize) -> Result<&'a T, ValueError> {
        let inputs = self.values.len();
        let value = self.values.get(index).ok_or(ValueError::NoInput { index, inputs })?;
        value.downcast_ref().ok_or_else(|| wrong_type::<T>(format!("input {index}")))
    }

    /// All of them, where all are of one type.
    pub fn iter<T: Any>(&self) -> impl ExactSizeIterator<Item = Result<&'a T, ValueError>> + use<'a, T> {
        let inputs = *self;
        (0..inputs.len()).map(move |index| inputs.get(index))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether the task depends on nothing.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

fn wrong_type<T>(place: String) -> ValueError {
    ValueError::Type { place, expected: type_name::<T>() }
}

/// The results of the targets of a run.
#[derive(Debug, Clone, Default)]
pub struct Results {
    values: HashMap<TaskId, Value>,
}

impl Results {
    /// The result of a target, which its task made as a `T`.
    ///
    /// # Errors
    /// [`ValueError`] where the task was not a target, or its result is no `T`.
    pub fn get<T: Any>(&self, task: TaskId) -> Result<&T, ValueError> {
        let value = self.values.get(&task).ok_or(ValueError::NoTarget { task })?;
        value.downcast_ref().ok_or_else(|| wrong_type::<T>(format!("task {task}")))
    }

    /// Takes the result of a target out, shared: after a run nobody else holds it.
    ///
    /// # Errors
    /// [`ValueError`] where the task was not a target or was taken before, or its result is no `T`.
    pub fn take<T: Any + Send + Sync>(&mut self, task: TaskId) -> Result<Arc<T>, ValueError> {
        let value = self.values.remove(&task).ok_or(ValueError::NoTarget { task })?;
        value.downcast().map_err(|value| {
            self.values.insert(task, value);
            wrong_type::<T>(format!("task {task}"))
        })
    }
}

/// Runs what `targets` need.
///
/// # Errors
/// [`RunError`]: a task or target that is not in the graph, the first task that failed or panicked, or the cancellation.
pub fn run(
    graph: &Graph,
    targets: &[TaskId],
    options: &RunOptions<'_>,
) -> Result<Results, RunError<BoxError>> {
    if let Some(error) = &graph.refused {
        return Err(error.clone().into());
    }
    let values = Mutex::new(HashMap::with_capacity(targets.len()));
    super::run(&graph.tasks, targets, &Closures, options, &|target, value| {
        values.lock().unwrap_or_else(PoisonError::into_inner).insert(targets[target], value);
    })?;
    Ok(Results { values: values.into_inner().unwrap_or_else(PoisonError::into_inner) })
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
        function(&Inputs { values: inputs }).map_err(|error| {
            let is_transient = error.downcast_ref::<io::Error>().is_some_and(is_transient);
            Failure { error, is_transient }
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
