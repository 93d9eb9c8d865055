//! Functions of text, as methods behind [`Expr::str`].

use partita_columns::compute::function;

use super::Expr;

/// The functions of text.
#[derive(Debug, Clone)]
pub struct TextExpr(Expr);

impl TextExpr {
    pub(super) fn new(of: Expr) -> Self {
        Self(of)
    }

    /// In capitals.
    #[must_use]
    pub fn upper(self) -> Expr {
        self.0.call(&function::UPPER, [])
    }
}
