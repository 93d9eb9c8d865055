//! Files of rows one after the other: CSV, newline-delimited JSON.
//!
//! A task owns one [`RowsEncoder`] and hands over what it has encoded in pieces, as [`EncodedRowGroup`]s, which wait
//! in memory or in a file as those of Parquet do; a [`RowsPart`] puts them into a file. Where pieces end leaves no
//! trace in the file. Schema and options together make a [`RowsLayout`].

pub mod csv;
mod encoder;
mod options;
mod part;
#[cfg(test)]
mod tests;

pub use csv::CsvOptions;
pub use encoder::RowsEncoder;
pub use options::{RowsFormat, RowsLayout, RowsOptions};
pub use part::RowsPart;

#[cfg(doc)]
use crate::parquet::EncodedRowGroup;
