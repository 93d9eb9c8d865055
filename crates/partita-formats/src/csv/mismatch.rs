//! Values that do not fit their column, as a table with the way out.

/// The mismatches of one block, one row a column.
#[derive(Debug, Clone, Default, thiserror::Error)]
#[error("values do not fit their columns")]
pub struct MismatchTable {}
