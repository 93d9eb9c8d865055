//! What one task does, as plain data, and the interpreter that does it.
//!
//! A [`Program`] is a source, a chain of operators and a sink. It knows no plan; it is serializable and versioned, because
//! it crosses process boundaries. [`run`] carries it out against a [`Host`], which stands for the machine:
//! files, memory, slots, stores.

pub mod distinct;
pub mod error;
pub mod exchange;
pub mod expr;
pub mod group;
pub mod host;
pub mod interpret;
pub mod program;
pub mod prune;
pub mod reduce;
pub mod within;

pub use error::{Error, ErrorKind, Result};
pub use expr::BoundExpr;
pub use host::Host;
pub use interpret::run;
pub use program::Program;
