//! Arrow batches, scalars and kernels of Partita: no files, no threads, no clock.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`scalar`] | one value of any supported type, serializable |
//! | [`dtype`] | names of types, as users write them |
//! | [`partition`] | a list of batches with its row and byte counts |
//! | [`cpu`] | which instruction sets kernels may use here |
//! | [`compute`] | kernels over whole columns: arithmetic, comparison, logic, membership, casts, selection |
//! | [`reduce`] | reductions: states that take rows, merge and finish |
//! | [`group`] | groupby: keys of rows to groups, and the states of all groups |
//! | [`sort`] | keys that compare as rows do, their order, merges and cuts, and gathers of rows |
//! | [`calendar`] | dates and days |
//! | [`pattern`] | dates and times in formats that are given |
//! | [`polars`] | hand-over to and from `polars_core` frames without copying where both have the type |

pub mod calendar;
pub mod compute;
pub mod cpu;
pub mod dtype;
pub mod error;
pub mod group;
pub mod partition;
pub mod pattern;
#[allow(unsafe_code, reason = "columns pass through the C data interface, which is a struct of raw pointers")]
pub mod polars;
pub mod reduce;
pub mod scalar;
pub mod sort;
#[allow(
    unsafe_code,
    reason = "one loop is compiled for several instruction sets, and the processor is asked before"
)]
mod wide;

pub use error::{Error, ErrorKind, Result};
pub use partition::Partition;
pub use scalar::{Scalar, Value};
