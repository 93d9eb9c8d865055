//! Tasks and what they depend on.
//!
//! A task may depend only on tasks that are there already, so a cycle cannot be written down. Dependencies of all tasks lie
//! in one vector, and each task knows where its own end (compressed sparse rows): adding a task allocates nothing but what
//! its payload does.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

#[cfg(test)]
mod tests;

/// A task of one graph: the number of tasks that were added before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TaskId(pub u32);

impl TaskId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// An operator name of one graph, interned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperatorId(pub u32);

impl OperatorId {
    /// The number as an index.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the scheduler needs to know about a task beyond its dependencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// Works on results of other tasks.
    Compute,
    /// Brings data in: started only where the executor finds memory for it.
    Source {
        /// Bytes of input that it is expected to read.
        input_bytes: u64,
    },
    /// Waits for many and says that they are done: its dependants are not followed when ordering.
    Barrier,
}

/// Why a graph cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GraphError {
    /// A dependency that is not in the graph yet, or is of another graph.
    #[error(
        "{operator}: depends on task {dependency}, but the graph has {tasks} tasks; add dependencies first"
    )]
    UnknownDependency {
        /// Operator of the task that was to be added.
        operator: String,
        /// What it named.
        dependency: TaskId,
        /// How many tasks there are.
        tasks: usize,
    },
    /// A target that is not in the graph.
    #[error("target {target} is not in the graph, which has {tasks} tasks; is it of another graph?")]
    UnknownTarget {
        /// What was asked for.
        target: TaskId,
        /// How many tasks there are.
        tasks: usize,
    },
    /// More than fits the numbers in use.
    #[error("a graph holds at most {limit} {what}; make the partitions larger")]
    TooLarge {
        /// Tasks, dependencies, operators or targets.
        what: &'static str,
        /// How many fit.
        limit: u32,
    },
}

/// More tasks, dependencies or targets than this are refused; the numbers above it mark what is not one.
pub(crate) const COUNT_MAX: u32 = u32::MAX - 2;

/// How many of `what` there would be with `more` of them.
pub(crate) fn counted(what: &'static str, now: usize, more: usize) -> Result<u32, GraphError> {
    let total = now.checked_add(more).and_then(|total| u32::try_from(total).ok());
    total.filter(|total| *total <= COUNT_MAX).ok_or(GraphError::TooLarge { what, limit: COUNT_MAX })
}

/// The graph without its payloads: what order and machine work on.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// Dependencies of task 0, then of task 1, ..
    dependencies: Vec<TaskId>,
    /// One per task: where its dependencies end.
    ends: Vec<u32>,
    kinds: Vec<Kind>,
    operators: Vec<OperatorId>,
    names: Vec<Arc<str>>,
}

impl Shape {
    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Number of dependencies, all tasks together.
    pub fn edges(&self) -> usize {
        self.dependencies.len()
    }

    /// All tasks, in the order in which they were added.
    pub fn tasks(&self) -> impl DoubleEndedIterator<Item = TaskId> + ExactSizeIterator + use<> {
        // `counted` keeps the number of tasks below `u32::MAX`.
        (0..self.ends.len() as u32).map(TaskId)
    }

    /// What a task depends on, as it was given; nothing for a task that is not in the graph.
    #[inline]
    pub fn dependencies(&self, task: TaskId) -> &[TaskId] {
        let index = task.index();
        let Some(&end) = self.ends.get(index) else { return &[] };
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.dependencies[start as usize..end as usize]
    }

    /// The kind of a task; `Compute` for one that is not in the graph.
    #[inline]
    pub fn kind(&self, task: TaskId) -> Kind {
        self.kinds.get(task.index()).copied().unwrap_or(Kind::Compute)
    }

    /// Whether a task is a [`Kind::Source`].
    #[inline]
    pub fn is_source(&self, task: TaskId) -> bool {
        matches!(self.kind(task), Kind::Source { .. })
    }

    /// The operator of a task; the first one for a task that is not in the graph.
    #[inline]
    pub fn operator(&self, task: TaskId) -> OperatorId {
        self.operators.get(task.index()).copied().unwrap_or(OperatorId(0))
    }

    /// The name of a task's operator; empty for a task that is not in the graph.
    pub fn name(&self, task: TaskId) -> &str {
        self.operators.get(task.index()).map_or("", |operator| &self.names[operator.index()])
    }

    /// The operator names, by [`OperatorId`].
    pub fn operator_names(&self) -> &[Arc<str>] {
        &self.names
    }

    /// How many tasks each operator has, by [`OperatorId`].
    pub fn operator_counts(&self) -> Vec<u32> {
        let mut counts = vec![0; self.names.len()];
        for operator in &self.operators {
            counts[operator.index()] += 1;
        }
        counts
    }
}

/// A graph of tasks with payloads.
#[derive(Debug, Clone)]
pub struct Graph<P> {
    payloads: Vec<P>,
    shape: Shape,
    interned: HashMap<Arc<str>, OperatorId>,
}

impl<P> Default for Graph<P> {
    fn default() -> Self {
        Graph::new()
    }
}

impl<P> Graph<P> {
    /// No tasks.
    pub fn new() -> Self {
        Graph { payloads: Vec::new(), shape: Shape::default(), interned: HashMap::new() }
    }

    /// No tasks, with room for `tasks` of them and `edges` dependencies.
    pub fn with_capacity(tasks: usize, edges: usize) -> Self {
        let mut graph = Graph::new();
        graph.payloads.reserve(tasks);
        graph.shape.dependencies.reserve(edges);
        graph.shape.ends.reserve(tasks);
        graph.shape.kinds.reserve(tasks);
        graph.shape.operators.reserve(tasks);
        graph
    }

    /// Adds a task of the operator named `operator` (a few names per graph are expected, many are possible).
    ///
    /// The results of `dependencies` are its inputs, in that order; one named twice comes twice.
    ///
    /// # Errors
    /// [`GraphError::UnknownDependency`] where a dependency is not there yet, [`GraphError::TooLarge`] past four billion.
    pub fn add(
        &mut self,
        operator: &str,
        kind: Kind,
        dependencies: &[TaskId],
        payload: P,
    ) -> Result<TaskId, GraphError> {
        let tasks = self.shape.len();
        if let Some(&dependency) = dependencies.iter().find(|dependency| dependency.index() >= tasks) {
            return Err(GraphError::UnknownDependency { operator: operator.to_owned(), dependency, tasks });
        }
        let id = counted("tasks", tasks, 1)? - 1;
        let end = counted("dependencies", self.shape.dependencies.len(), dependencies.len())?;
        let operator = self.intern(operator)?;
        self.shape.dependencies.extend_from_slice(dependencies);
        self.shape.ends.push(end);
        self.shape.kinds.push(kind);
        self.shape.operators.push(operator);
        self.payloads.push(payload);
        Ok(TaskId(id))
    }

    /// Tasks of one operator mostly come in a row: the last one is looked at before the table.
    fn intern(&mut self, name: &str) -> Result<OperatorId, GraphError> {
        if let Some(&last) = self.shape.operators.last()
            && &*self.shape.names[last.index()] == name
        {
            return Ok(last);
        }
        if let Some(&known) = self.interned.get(name) {
            return Ok(known);
        }
        let id = OperatorId(counted("operators", self.shape.names.len(), 1)? - 1);
        let name: Arc<str> = Arc::from(name);
        self.shape.names.push(Arc::clone(&name));
        self.interned.insert(name, id);
        Ok(id)
    }

    /// The graph without its payloads.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// What a task carries; `None` for one that is not in the graph.
    #[inline]
    pub fn payload(&self, task: TaskId) -> Option<&P> {
        self.payloads.get(task.index())
    }

    /// Number of tasks.
    pub fn len(&self) -> usize {
        self.payloads.len()
    }

    /// Whether there are no tasks.
    pub fn is_empty(&self) -> bool {
        self.payloads.is_empty()
    }
}
