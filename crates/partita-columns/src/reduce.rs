//! Reductions: many rows to one value.
//!
//! A [`Reduction`] is what is asked. Its [`Accumulator`] says what is kept while rows go by, and several reductions may share
//! one: `sum` and `mean` of a column do. A [`State`] takes the rows of one partition in order
//! ([`State::update`]), states of later partitions are merged into those of earlier ones ([`State::merge`]), and a reduction
//! makes its value of the state ([`Reduction::finish`]).
//!
//! * **Nulls** do not count, unless the reduction is about them (`len`, `null_count`, `first`, `last`).
//! * **NaN** is a value of sums and means, which are NaN then; `min`, `max`, `idxmin` and `idxmax` look past it, unless
//!   there is nothing else.
//! * **Of no values** a sum is 0, a product 1, a count 0, `any` is false, `all` is true, and everything else is null.
//! * **Sums of integers** are exact inside and an error where they do not fit their type. Those of floats have a fixed number
//!   of lanes, by the number of the row in its partition, and are added up in one order: however the rows of a partition
//!   are cut into batches, and whatever processor they run on, the bits are the same.

pub(crate) mod distinct;
mod extreme;
mod few;
mod float;
mod keys;
pub(crate) mod kind;
mod memory;
mod moments;
mod pairs;
mod product;
mod running;
mod sketch;
pub(crate) mod sorted;
mod state;
#[cfg(test)]
mod tests;
mod whole;

pub use self::distinct::HyperLogLog;
pub use self::extreme::{End, Extreme};
pub use self::few::Few;
pub use self::float::FloatSum;
pub use self::kind::{Accumulator, Reduction};
pub use self::moments::Moments;
pub use self::pairs::Pairs;
pub use self::product::Product;
pub use self::running::{Cumulative, Running, draw};
pub(crate) use self::running::{Order, overflow, whole_array};
pub use self::sketch::QuantileSketch;
pub use self::sorted::{Gather, Walk, merge_step};
pub use self::state::State;
pub(crate) use self::state::{floats, wholes};
pub use self::whole::WholeSum;
