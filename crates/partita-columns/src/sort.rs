//! Order of rows: keys, their order, merges of sorted keys, cuts into parts, and rows gathered from many batches.
//!
//! A [`KeyLayout`] makes of the key columns of a row one entry of [`Keys`] that compares as the row does. Keys of all
//! batches of a layout compare with each other. The order of values:
//!
//! * null before or after all values, as [`Direction::nulls_first`] says, whatever the direction;
//! * NaN is one value above every number (descending: the first of the numbers), -0.0 equals 0.0;
//! * false before true, text and bytes by bytes, decimals by value, dates, times, timestamps and durations by their
//!   counts, dictionaries by their values.

mod bounds;
#[allow(
    unsafe_code,
    reason = "views of text that is known to be valid are moved without checking the text again"
)]
mod gather;
mod keys;
mod layout;
mod merge;
mod order;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use self::bounds::bounds;
pub use self::gather::{Sources, gather};
pub use self::keys::Keys;
pub use self::layout::KeyLayout;
pub use self::merge::{Front, Merger, Wants};

/// How one key column is ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Direction {
    /// Greatest value first.
    pub descending: bool,
    /// Nulls before all values, whatever the direction; otherwise after all.
    pub nulls_first: bool,
}
