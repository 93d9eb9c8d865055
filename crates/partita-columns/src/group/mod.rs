//! Kernels of groupby: keys to groups, and what is asked of groups.

mod codec;
mod decode;
mod grouper;
mod input;
mod intern;
mod stage;
mod table;

pub use self::grouper::Grouper;

/// Number of a row that has no group: it has a null key, and these are dropped.
pub const NO_GROUP: u32 = u32::MAX;
