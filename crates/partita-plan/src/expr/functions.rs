//! Functions of numbers and of any values, as methods.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::function::{self, Function, Spec};
use partita_tasks::expr::UserFunction;

use super::{Expr, TextExpr, TimeExpr, lit};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The first of the values of a row that is not null.
pub fn coalesce<E: Into<Expr>>(values: impl IntoIterator<Item = E>) -> Expr {
    let mut values = values.into_iter().map(Into::into);
    let first = values.next().unwrap_or_else(|| lit(Scalar::Null(DataType::Null)));
    values.fold(first, |first, next| first.fill_null(next))
}

/// The least of the values of a row; null and NaN count only where there is nothing else.
pub fn least<E: Into<Expr>>(values: impl IntoIterator<Item = E>) -> Expr {
    over(&function::LEAST, values)
}

/// The greatest of the values of a row; null and NaN count only where there is nothing else.
pub fn greatest<E: Into<Expr>>(values: impl IntoIterator<Item = E>) -> Expr {
    over(&function::GREATEST, values)
}

/// A `UInt64` from the values of a row, the same on every machine; never null.
pub fn hash<E: Into<Expr>>(values: impl IntoIterator<Item = E>) -> Expr {
    over(&function::HASH, values)
}

/// Calls `function` on columns, batch by batch: it gets one array for each of `inputs` and returns a column of `declared`
/// with as many rows. How rows are cut into batches is not said, and several threads call it at once.
pub fn map_batches<E: Into<Expr>>(
    inputs: impl IntoIterator<Item = E>,
    declared: DataType,
    function: impl Fn(&[ArrayRef]) -> Result<ArrayRef, BoxError> + Send + Sync + 'static,
) -> Expr {
    Expr::Map(UserFunction::new(Arc::new(function)), inputs.into_iter().map(Into::into).collect(), declared)
}

fn over<E: Into<Expr>>(spec: &'static Spec, values: impl IntoIterator<Item = E>) -> Expr {
    Expr::Call(Function::from(spec), values.into_iter().map(Into::into).collect())
}

impl Expr {
    /// Without the sign. The least integer of a type has no such value: an error.
    #[must_use]
    pub fn abs(self) -> Expr {
        self.call(&function::ABS, [])
    }

    /// The square root, a float; NaN of negative numbers.
    #[must_use]
    pub fn sqrt(self) -> Expr {
        self.call(&function::SQRT, [])
    }

    /// e to the power of this, a float.
    #[must_use]
    pub fn exp(self) -> Expr {
        self.call(&function::EXP, [])
    }

    /// The natural logarithm, a float; NaN of negative numbers.
    #[must_use]
    pub fn ln(self) -> Expr {
        self.call(&function::LN, [])
    }

    /// This to the power of `exponent`, a float.
    #[must_use]
    pub fn pow(self, exponent: impl Into<Expr>) -> Expr {
        self.call(&function::POW, [exponent.into()])
    }

    /// The greatest whole number that is not above.
    #[must_use]
    pub fn floor(self) -> Expr {
        self.call(&function::FLOOR, [])
    }

    /// The least whole number that is not below.
    #[must_use]
    pub fn ceil(self) -> Expr {
        self.call(&function::CEIL, [])
    }

    /// The nearest number with `digits` digits behind the point, ties away from zero; negative digits count before it.
    #[must_use]
    pub fn round(self, digits: i32) -> Expr {
        self.call(&function::ROUND, [lit(digits)])
    }

    /// This within bounds; a bound that is null or NaN is none.
    #[must_use]
    pub fn clip(self, least: impl Into<Expr>, greatest: impl Into<Expr>) -> Expr {
        self.call(&function::CLIP, [least.into(), greatest.into()])
    }

    /// `fill` where a number is NaN. Null stays null.
    #[must_use]
    pub fn fill_nan(self, fill: impl Into<Expr>) -> Expr {
        self.call(&function::FILL_NAN, [fill.into()])
    }

    /// Other values in the place of some: pairs of old and new. The first that matches counts; null is found by null, NaN
    /// by NaN.
    #[must_use]
    pub fn replace<A: Into<Expr>, B: Into<Expr>>(self, pairs: impl IntoIterator<Item = (A, B)>) -> Expr {
        let pairs = pairs.into_iter().flat_map(|(old, new)| [old.into(), new.into()]);
        over(&function::REPLACE_VALUES, std::iter::once(self).chain(pairs))
    }

    /// A `UInt64` from the value, the same on every machine; never null.
    #[must_use]
    pub fn hash(self) -> Expr {
        self.call(&function::HASH, [])
    }

    /// [`map_batches`] of this column alone.
    #[must_use]
    pub fn map_batches(
        self,
        declared: DataType,
        function: impl Fn(&ArrayRef) -> Result<ArrayRef, BoxError> + Send + Sync + 'static,
    ) -> Expr {
        map_batches([self], declared, move |columns| match columns {
            [column] => function(column),
            _ => Err("expected one column".into()),
        })
    }

    /// Whether a number is NaN; null of null.
    #[must_use]
    pub fn is_nan(self) -> Expr {
        self.call(&function::IS_NAN, [])
    }

    /// Functions of text.
    #[must_use]
    pub fn str(self) -> TextExpr {
        TextExpr::new(self)
    }

    /// Functions of dates and times.
    #[must_use]
    pub fn dt(self) -> TimeExpr {
        TimeExpr::new(self)
    }

    /// A function of this and of further arguments.
    pub(super) fn call<const N: usize>(self, spec: &'static Spec, further: [Expr; N]) -> Expr {
        let arguments = std::iter::once(self).chain(further).collect();
        Expr::Call(Function::from(spec), arguments)
    }
}
