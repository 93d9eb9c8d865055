//! Parquet in: footers that are checked before they are believed, statistics that prune, row groups as batches.
//!
//! A [`ParquetFile`] is the footer of a file: schema, row groups, [`Bounds`]. A [`RowGroupReader`] gives the rows of one row
//! group, or of ranges of it, as batches of chosen columns; a [`RowFilter`] has the others read only where rows stay.
//! [`ParquetFile::prune`] says which row groups, and which ranges of them, may have rows that match a [`Predicate`].

mod bloom;
mod bounds;
mod checksum;
pub mod column;
mod file;
mod footer;
mod leaf;
mod pages;
mod predicate;
mod prune;
mod row_group;
mod schema;
mod source;
#[cfg(test)]
mod tests;
mod thrift;
mod whole;
mod xxh64;

pub(crate) use footer::{guarded, malformed, read_exact};
pub(crate) use schema::target as engine_type;

pub use bounds::Bounds;
pub use column::{ChunkSpec, ColumnReader, PagePlace, Scratch};
pub use file::{FooterLimits, ParquetFile, RowGroup};
pub use pages::PageIndex;
pub use predicate::Predicate;
pub use prune::Selected;
pub use row_group::{RowFilter, RowGroupReader, RowGroupSpec};
