//! Written expressions, plan nodes, named optimizer stages and lowering to a graph of Programs. No input or
//! output happens here, and no threads: a plan is data, and every stage of it can be printed and compared.
//!
//! | module | what it holds |
//! | --- | --- |
//! | [`expr`] | expressions as users write them |
//! | [`parse`] | the same from text |
//! | [`bind`] | names and types resolved against a schema |
//! | [`node`] | one file an operator: schema, divisions, rewrites, tasks |
//! | [`stage`] | `Written, Simplified, Tuned, Physical, Fused` |
//! | [`locate`] | rows by the value of the index |
//! | [`lower`] | plans to `Graph<Program>` |

pub mod bind;
pub mod error;
pub mod expr;
pub mod locate;
pub mod lower;
pub mod memory;
pub mod node;
pub mod parse;
pub mod stage;

pub use error::{Error, ErrorKind, Result};
pub use expr::{
    Expr, TextExpr, TimeExpr, aggregation, coalesce, col, cumcount, greatest, hash, least, len, lit,
    map_batches, when,
};
pub use node::{Plan, PlanRef, SortBy};
pub use stage::Stage;
