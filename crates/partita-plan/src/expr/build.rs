//! How users write expressions.

use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Rem, Sub};

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::{ArithmeticOp, CastMode, CompareOp};

use super::Expr;

/// A column by name. Names keep their letter case.
pub fn col(name: impl Into<String>) -> Expr {
    Expr::Column(name.into())
}

/// A value: a number, text, a truth value, an `Option` of one, or any [`Scalar`].
pub fn lit(value: impl Into<Scalar>) -> Expr {
    Expr::Literal(value.into())
}

/// Values stand for themselves wherever an expression is expected; text is a literal, never a column name.
impl<T: Into<Scalar>> From<T> for Expr {
    fn from(value: T) -> Self {
        lit(value)
    }
}

/// Arguments are expressions or plain values: `col("a").gt(0)` is `col("a").gt(lit(0))`. Text is a value:
/// `col("a").eq("Y")` compares with the text `Y`; write `col("Y")` for a column.
#[allow(
    clippy::should_implement_trait,
    reason = "the traits are implemented too; the methods take plain values"
)]
impl Expr {
    /// `self = other`.
    #[must_use]
    pub fn eq(self, other: impl Into<Expr>) -> Expr {
        self.compare(CompareOp::Eq, other)
    }

    /// `self != other`.
    #[must_use]
    pub fn neq(self, other: impl Into<Expr>) -> Expr {
        self.compare(CompareOp::NotEq, other)
    }

    /// `self < other`.
    #[must_use]
    pub fn lt(self, other: impl Into<Expr>) -> Expr {
        self.compare(CompareOp::Lt, other)
    }

    /// `self <= other`.
    #[must_use]
    pub fn lt_eq(self, other: impl Into<Expr>) -> Expr {
        self.compare(CompareOp::LtEq, other)
    }

    /// `self <= other`.
    #[must_use]
    pub fn le(self, other: impl Into<Expr>) -> Expr {
        self.lt_eq(other)
    }

    /// `self > other`.
    #[must_use]
    pub fn gt(self, other: impl Into<Expr>) -> Expr {
        self.compare(CompareOp::Gt, other)
    }

    /// `self >= other`.
    #[must_use]
    pub fn gt_eq(self, other: impl Into<Expr>) -> Expr {
        self.compare(CompareOp::GtEq, other)
    }

    /// `self >= other`.
    #[must_use]
    pub fn ge(self, other: impl Into<Expr>) -> Expr {
        self.gt_eq(other)
    }

    /// Both bounds included.
    #[must_use]
    pub fn between(self, least: impl Into<Expr>, greatest: impl Into<Expr>) -> Expr {
        self.clone().gt_eq(least).and(self.lt_eq(greatest))
    }

    /// Kleene and: false where either is false, else null where either is null.
    #[must_use]
    pub fn and(self, other: impl Into<Expr>) -> Expr {
        let parts = [self, other.into()].into_iter().flat_map(|part| match part {
            Expr::And(all) => all,
            other => vec![other],
        });
        Expr::And(parts.collect())
    }

    /// Kleene or: true where either is true, else null where either is null.
    #[must_use]
    pub fn or(self, other: impl Into<Expr>) -> Expr {
        let parts = [self, other.into()].into_iter().flat_map(|part| match part {
            Expr::Or(all) => all,
            other => vec![other],
        });
        Expr::Or(parts.collect())
    }

    /// Kleene not: null stays null.
    #[must_use]
    pub fn not(self) -> Expr {
        Expr::Not(Box::new(self))
    }

    /// `self + other`.
    #[must_use]
    pub fn add(self, other: impl Into<Expr>) -> Expr {
        self.arithmetic(ArithmeticOp::Add, other)
    }

    /// `self - other`.
    #[must_use]
    pub fn sub(self, other: impl Into<Expr>) -> Expr {
        self.arithmetic(ArithmeticOp::Subtract, other)
    }

    /// `self * other`.
    #[must_use]
    pub fn mul(self, other: impl Into<Expr>) -> Expr {
        self.arithmetic(ArithmeticOp::Multiply, other)
    }

    /// `self / other`: true division, a float.
    #[must_use]
    pub fn div(self, other: impl Into<Expr>) -> Expr {
        self.arithmetic(ArithmeticOp::Divide, other)
    }

    /// `self // other`: division rounded down.
    #[must_use]
    pub fn floor_div(self, other: impl Into<Expr>) -> Expr {
        self.arithmetic(ArithmeticOp::FloorDivide, other)
    }

    /// `self % other`: what [`Expr::floor_div`] leaves, with the sign of `other`.
    #[must_use]
    pub fn rem(self, other: impl Into<Expr>) -> Expr {
        self.arithmetic(ArithmeticOp::Remainder, other)
    }

    /// `-self`.
    #[must_use]
    pub fn neg(self) -> Expr {
        Expr::Negate(Box::new(self))
    }

    /// Whether the value is missing. NaN is not.
    #[must_use]
    pub fn is_null(self) -> Expr {
        Expr::IsNull(Box::new(self))
    }

    /// Whether the value is there.
    #[must_use]
    pub fn is_not_null(self) -> Expr {
        self.is_null().not()
    }

    /// `fill` where the value is missing.
    #[must_use]
    pub fn fill_null(self, fill: impl Into<Expr>) -> Expr {
        Expr::FillNull(Box::new(self), Box::new(fill.into()))
    }

    /// Whether the value is one of a list; never null. A missing value is in the list if the list has a null.
    #[must_use]
    pub fn is_in<T: Into<Scalar>>(self, list: impl IntoIterator<Item = T>) -> Expr {
        Expr::IsIn(Box::new(self), list.into_iter().map(Into::into).collect())
    }

    /// Another type; a value that does not fit is an error.
    #[must_use]
    pub fn cast(self, to: DataType) -> Expr {
        Expr::Cast(Box::new(self), to, CastMode::Strict)
    }

    /// Another type; a value that does not fit is null.
    #[must_use]
    pub fn try_cast(self, to: DataType) -> Expr {
        Expr::Cast(Box::new(self), to, CastMode::Lenient)
    }

    /// The same under another name.
    #[must_use]
    pub fn alias(self, name: impl Into<String>) -> Expr {
        Expr::Alias(Box::new(self.unalias()), name.into())
    }

    fn arithmetic(self, op: ArithmeticOp, other: impl Into<Expr>) -> Expr {
        Expr::Arithmetic(op, Box::new(self), Box::new(other.into()))
    }

    fn compare(self, op: CompareOp, other: impl Into<Expr>) -> Expr {
        Expr::Compare(op, Box::new(self), Box::new(other.into()))
    }
}

impl<T: Into<Expr>> Add<T> for Expr {
    type Output = Expr;

    fn add(self, other: T) -> Expr {
        self.arithmetic(ArithmeticOp::Add, other)
    }
}

impl<T: Into<Expr>> Sub<T> for Expr {
    type Output = Expr;

    fn sub(self, other: T) -> Expr {
        self.arithmetic(ArithmeticOp::Subtract, other)
    }
}

impl<T: Into<Expr>> Mul<T> for Expr {
    type Output = Expr;

    fn mul(self, other: T) -> Expr {
        self.arithmetic(ArithmeticOp::Multiply, other)
    }
}

impl<T: Into<Expr>> Div<T> for Expr {
    type Output = Expr;

    fn div(self, other: T) -> Expr {
        self.arithmetic(ArithmeticOp::Divide, other)
    }
}

impl<T: Into<Expr>> Rem<T> for Expr {
    type Output = Expr;

    fn rem(self, other: T) -> Expr {
        self.arithmetic(ArithmeticOp::Remainder, other)
    }
}

impl<T: Into<Expr>> BitAnd<T> for Expr {
    type Output = Expr;

    fn bitand(self, other: T) -> Expr {
        self.and(other)
    }
}

impl<T: Into<Expr>> BitOr<T> for Expr {
    type Output = Expr;

    fn bitor(self, other: T) -> Expr {
        self.or(other)
    }
}

impl Neg for Expr {
    type Output = Expr;

    fn neg(self) -> Expr {
        Expr::Negate(Box::new(self))
    }
}

impl Not for Expr {
    type Output = Expr;

    fn not(self) -> Expr {
        Expr::Not(Box::new(self))
    }
}
