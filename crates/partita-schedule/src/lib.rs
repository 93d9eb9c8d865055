//! Task graph, static order and scheduler state machine of Partita.
//!
//! What is absent: Arrow, files, threads, sockets and the clock. Time is an argument, a task is a number, and what a task
//! does is a payload that this crate never looks at. That is why it can be tested exhaustively, and why one machine
//! serves every executor.
//!
//! - [`graph`]: tasks and what they depend on, in a few flat vectors.
//! - [`order`]: the order of an ideal run of one worker that frees memory early.
//! - [`machine`]: reports go in, commands come out.
//! - [`event`]: everything that happens in the engine, as one enum for journal, progress and dashboard.
//!
//! ```
//! use std::time::Duration;
//! use partita_schedule::{Command, Graph, Kind, Machine, MachineOptions, Outcome, Report, WorkerId};
//!
//! let mut graph = Graph::new();
//! let load = graph.add("load", Kind::Compute, &[], "payload")?;
//! let sum = graph.add("sum", Kind::Compute, &[load], "payload")?;
//!
//! let mut machine = Machine::new(graph.shape(), &[sum], MachineOptions::default())?;
//! let (worker, now, mut commands) = (WorkerId(0), Duration::ZERO, Vec::new());
//! machine.handle(Report::WorkerJoined { worker }, now, &mut commands);
//! for task in [load, sum] {
//!     machine.handle(Report::WorkerFree { worker, slots: 1 }, now, &mut commands);
//!     assert_eq!(commands.remove(0), Command::Run { task, worker, attempt: 1 });
//!     machine.handle(Report::Finished { task, worker, bytes: 8 }, now, &mut commands);
//! }
//! assert_eq!(commands, [Command::Release { task: load }, Command::TargetReady { target: 0 }]);
//! commands.clear();
//! machine.handle(Report::TargetTaken { target: 0 }, now, &mut commands);
//! assert_eq!(commands, [Command::Release { task: sum }, Command::End { outcome: Outcome::Finished }]);
//! # Ok::<(), partita_schedule::GraphError>(())
//! ```

pub mod event;
pub mod graph;
pub mod machine;
pub mod order;
mod rank_set;

pub use event::{Event, EventRecord, RunId};
pub use graph::{Graph, GraphError, Kind, OperatorId, Shape, TaskId};
pub use machine::{Cause, Command, Hope, Machine, MachineOptions, Outcome, Reception, Report, WorkerId};
pub use order::Order;
