//! The only room with threads, temporary files and clocks: sessions, executors, the memory ledger, storage and
//! the commit of data sets. It runs Programs and knows no plan.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`engine`] | everything a session owns, and the running of graphs of Programs |
//! | [`executor`] | one thread or many, driving the same scheduler machine |
//! | [`ledger`] | who holds how much memory, and the ceiling |
//! | [`storage`] | where all bytes come from |
//! | [`store`] | partitions that outlive their task, in memory or on disk |
//! | [`dataset`] | Parquet parts, committed all or nothing |
//! | [`journal`] | what happened, as a list of events |
//! | [`cancel`] | one token a run |
//! | [`widening`] | what the columns of a run turn out to hold |

pub mod cancel;
pub mod dataset;
pub mod engine;
pub mod error;
pub mod executor;
mod host;
pub mod journal;
pub mod ledger;
#[allow(unsafe_code, reason = "calls that no safe library has")]
mod os;
pub mod progress;
pub mod storage;
pub mod store;
pub mod widening;

pub use engine::{Engine, EngineOptions};
pub use error::{Error, ErrorKind, Result};
