//! What calls take: inputs by name, columns by name or as expressions.

use std::path::{Path, PathBuf};

use partita_plan::{Expr, col};

/// One or more inputs: paths, globs, folders, `file://` URLs, or `-` for standard input.
#[derive(Debug, Clone, Default)]
pub struct Inputs(pub(crate) Vec<String>);

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

impl From<&str> for Inputs {
    fn from(input: &str) -> Self {
        Inputs(vec![input.to_owned()])
    }
}

impl From<String> for Inputs {
    fn from(input: String) -> Self {
        Inputs(vec![input])
    }
}

impl From<&String> for Inputs {
    fn from(input: &String) -> Self {
        Inputs(vec![input.clone()])
    }
}

impl From<&Path> for Inputs {
    fn from(input: &Path) -> Self {
        Inputs(vec![text(input)])
    }
}

impl From<PathBuf> for Inputs {
    fn from(input: PathBuf) -> Self {
        Inputs(vec![text(&input)])
    }
}

impl From<&PathBuf> for Inputs {
    fn from(input: &PathBuf) -> Self {
        Inputs(vec![text(input)])
    }
}

impl<I: Into<Inputs>> From<Vec<I>> for Inputs {
    fn from(inputs: Vec<I>) -> Self {
        Inputs(inputs.into_iter().flat_map(|input| input.into().0).collect())
    }
}

impl<I: Into<Inputs> + Clone> From<&[I]> for Inputs {
    fn from(inputs: &[I]) -> Self {
        Inputs::from(inputs.to_vec())
    }
}

impl<I: Into<Inputs>, const N: usize> From<[I; N]> for Inputs {
    fn from(inputs: [I; N]) -> Self {
        Inputs(inputs.into_iter().flat_map(|input| input.into().0).collect())
    }
}

/// Columns, by name or as expressions: what [`crate::DataFrame::select`] takes.
pub trait IntoColumns {
    /// One expression a column.
    fn into_columns(self) -> Vec<Expr>;
}

/// One column, by name or as an expression.
pub trait IntoColumn {
    /// The expression.
    fn into_column(self) -> Expr;
}

impl IntoColumn for &str {
    fn into_column(self) -> Expr {
        col(self)
    }
}

impl IntoColumn for &&str {
    fn into_column(self) -> Expr {
        col(*self)
    }
}

impl IntoColumn for String {
    fn into_column(self) -> Expr {
        col(&self)
    }
}

impl IntoColumn for &String {
    fn into_column(self) -> Expr {
        col(self)
    }
}

impl IntoColumn for Expr {
    fn into_column(self) -> Expr {
        self
    }
}

impl<C: IntoColumn, I: IntoIterator<Item = C>> IntoColumns for I {
    fn into_columns(self) -> Vec<Expr> {
        self.into_iter().map(IntoColumn::into_column).collect()
    }
}
