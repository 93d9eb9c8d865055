//! Kernels of groupby: keys to groups, and what is asked of groups.

mod aggregation;
mod codec;
#[allow(unsafe_code, reason = "texts that are known to be valid are handed out without checking them again")]
mod decode;
mod grouper;
mod input;
mod intern;
mod question;
mod relay;
mod slices;
mod slots;
mod stage;
mod states;
mod table;
#[cfg(test)]
mod tests;
mod values;
mod within;

pub use self::aggregation::{Aggregation, BoxError, GroupedRows, UserAggregation};
pub use self::grouper::Grouper;
pub use self::question::{Aggregate, Question, RowNumbers};
pub use self::slices::Slices;
pub use self::states::{Gathered, States};
pub use self::within::{Carried, GroupRows, RankMethod, Window};

/// Number of a row that has no group: it has a null key, and these are dropped.
pub const NO_GROUP: u32 = u32::MAX;
