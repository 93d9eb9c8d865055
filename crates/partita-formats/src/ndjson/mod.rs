//! Newline-delimited JSON in: an object a line, a row an object.
//!
//! A line end cannot stand inside a string of JSON but escaped, so the lines of a block are exact and cheap to find: those whose
//! first byte lies in its bytes. [`NdjsonBlock`] says how a file's bytes become columns, [`NdjsonReader`] reads a range of a file, or
//! a compressed file from its beginning; [`infer`] finds types.
//!
//! | in the file | column |
//! | --- | --- |
//! | `true`, `false` | `Boolean` |
//! | numbers without point and exponent | `Int64`, `UInt64`, or where neither holds them and `Float64` would round them, text |
//! | other numbers | `Float64`, correctly rounded; one that is too large for it is an error |
//! | strings | `Utf8View`; where a type is given, dates, timestamps, decimals and whatever else text can be cast to |
//! | arrays, objects | `List`, `Struct` |
//! | values of several of these kinds, objects without keys | `Utf8View`: strings as they are, other values as they are written |
//! | `null`, a key that is missing | null |
//!
//! Lines of blanks are no rows. A key that occurs twice in an object, a value that does not fit its column, and a key that no column
//! has are errors that name the file, the line, the column and the way out; keys may be ignored ([`NdjsonBlock::ignore_unknown`]).

mod block;
mod column;
mod error;
pub mod infer;
mod json;
mod object;
mod reader;
#[cfg(test)]
mod tests;

pub use block::{NdjsonBlock, NdjsonLimits, engine_schema};
pub use infer::Shapes;
pub use reader::NdjsonReader;
