//! `when(..).then(..).otherwise(..)`.

use partita_columns::Scalar;

use super::Expr;

/// Begins a choice: `when(col("fare").gt(0)).then("paid").otherwise("free")`. The first condition that is true counts; null
/// is not true. A value is asked for only in the rows that it is for: what it cannot be computed for elsewhere is no error.
pub fn when(condition: impl Into<Expr>) -> When {
    When { branches: Vec::new(), condition: condition.into() }
}

/// A choice that waits for the value of its last condition.
#[derive(Debug, Clone)]
#[must_use]
pub struct When {
    branches: Vec<(Expr, Expr)>,
    condition: Expr,
}

/// A choice that waits for another condition, or for the value of all other rows.
#[derive(Debug, Clone)]
#[must_use]
pub struct Then {
    branches: Vec<(Expr, Expr)>,
}

impl When {
    /// The value where the condition is true.
    pub fn then(mut self, value: impl Into<Expr>) -> Then {
        self.branches.push((self.condition, value.into()));
        Then { branches: self.branches }
    }
}

impl Then {
    /// Another condition, for the rows where none before was true.
    pub fn when(self, condition: impl Into<Expr>) -> When {
        When { branches: self.branches, condition: condition.into() }
    }

    /// The value of all other rows.
    #[must_use]
    pub fn otherwise(self, value: impl Into<Expr>) -> Expr {
        Expr::Case(self.branches, Box::new(value.into()))
    }

    /// Null in all other rows.
    #[must_use]
    pub fn otherwise_null(self) -> Expr {
        self.otherwise(Scalar::Null(arrow::datatypes::DataType::Null))
    }
}
