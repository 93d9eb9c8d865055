//! CSV: bytes to typed columns.
//!
//! The way of a byte range: [`stream`] delivers decoded (decompressed) bytes, [`blocks`] says where its records
//! begin, [`split`] marks separators and record ends in counts, [`decode`] turns marked fields into Arrow
//! columns. [`twin`] is the slow, obvious reader that everything is tested against.

pub mod blocks;
pub mod decode;
pub mod dialect;
pub mod header;
pub mod infer;
pub mod limit;
pub mod mismatch;
pub mod options;
pub mod quarantine;
pub mod reader;
pub mod records;
pub mod schema_file;
pub mod split;
pub mod stream;
pub mod text;
pub mod twin;
pub mod value;
pub mod widen;
