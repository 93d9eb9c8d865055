//! Functions of numbers and of any values, as methods.

use partita_columns::compute::function::{self, Function, Spec};

use super::{Expr, TextExpr, TimeExpr};

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
