//! Functions of dates and times, as methods behind [`Expr::dt`].

use partita_columns::compute::function;

use super::Expr;

/// The functions of dates and times.
#[derive(Debug, Clone)]
pub struct TimeExpr(Expr);

impl TimeExpr {
    pub(super) fn new(of: Expr) -> Self {
        Self(of)
    }

    /// The year, as clocks of the zone show it.
    #[must_use]
    pub fn year(self) -> Expr {
        self.0.call(&function::YEAR, [])
    }
}
