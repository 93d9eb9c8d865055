//! Graphs of plain closures: the scheduler layer as users meet it first. Frames run on the same one.
//!
//! ```
//! use partita::Session;
//! use partita::graph::Graph;
//!
//! # fn main() -> partita::Result<()> {
//! let mut graph = Graph::new();
//! let one = graph.task("one", &[], |_| Ok(1_i64))?;
//! let two = graph.task("two", &[], |_| Ok(2_i64))?;
//! let sum = graph.task("sum", &[one, two], |inputs| Ok(inputs.get::<i64>(0)? + inputs.get::<i64>(1)?))?;
//! let results = Session::builder().build()?.run(&graph, &[sum])?;
//! assert_eq!(results.get::<i64>(0)?, &3);
//! # Ok(())
//! # }
//! ```

pub use partita_runtime::executor::graph::{BoxError, Error, Graph, Inputs, Results, TaskId};
