//! Parquet: row groups encoded apart, and parts assembled from them; footers and row groups read ([`read`]).
//!
//! A task owns one [`RowGroupEncoder`]; what it finishes is an [`EncodedRowGroup`], which waits in memory or in a
//! [`PageFile`] until a [`PartWriter`] appends it to a file. Schema and options together make a [`Layout`],
//! which all tasks and parts of a data set share.

mod bounds;
mod codec;
mod column;
pub mod encoder;
mod header;
pub mod hive;
pub mod layout;
mod memory;
pub mod options;
pub mod part;
pub mod read;
pub mod row_group;
#[cfg(test)]
mod tests;

pub use encoder::RowGroupEncoder;
pub use hive::{PartitionKey, PartitionKeys};
pub use layout::Layout;
pub use options::{ColumnOptions, Compression, Encoding, Statistics, WriteOptions};
pub use part::{PartSummary, PartWriter};
pub use row_group::{EncodedRowGroup, MessageSize, PageFile};
