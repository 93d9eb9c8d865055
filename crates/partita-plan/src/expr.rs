//! Expressions as users write them: names not looked up, types not known.
//!
//! ```
//! use partita_plan::{col, lit};
//! let paid = col("fare_amount").gt(lit(0.0)).and(col("payment_type").is_in([1, 2]));
//! assert_eq!(paid.to_string(), "((fare_amount > 0.0) and (payment_type in (1, 2)))");
//! assert_eq!((col("tip") / col("fare")).alias("share").to_string(), "(tip / fare) as share");
//! ```
//!
//! The rules of values are those of [`partita_columns::compute`], those of types are in [`crate::bind`]. The text
//! form reads back through [`crate::parse::expr`].

mod aggregate;
mod build;
mod case;
mod display;
mod fold;
mod functions;
#[cfg(test)]
mod tests;
mod text;
mod time;
mod window;

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::function::Function;
use partita_columns::compute::{ArithmeticOp, CastMode, CompareOp};
use partita_columns::group::{self, Window};
use partita_tasks::expr::UserFunction;

pub use self::aggregate::{aggregation, len};
pub use self::build::{col, lit};
pub use self::case::{Then, When, when};
pub(crate) use self::display::is_plain_name;
pub use self::functions::{coalesce, greatest, hash, least, map_batches};
pub use self::text::TextExpr;
pub use self::time::TimeExpr;
pub use self::window::cumcount;

/// How deep an expression may be nested, `and` and `or` of any number of parts counting once: deeper ones are refused
/// when they are bound or parsed, so that no walk over an expression can exhaust the stack.
pub const DEPTH_MAX: usize = 256;

/// A written expression.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Expr {
    /// A column by name.
    Column(String),
    /// One value for every row.
    Literal(Scalar),
    /// `left op right` on numbers and times.
    Arithmetic(ArithmeticOp, Box<Expr>, Box<Expr>),
    /// `left op right` to Boolean.
    Compare(CompareOp, Box<Expr>, Box<Expr>),
    /// Kleene and of two or more.
    And(Vec<Expr>),
    /// Kleene or of two or more.
    Or(Vec<Expr>),
    /// Kleene not.
    Not(Box<Expr>),
    /// Arithmetic negation.
    Negate(Box<Expr>),
    /// Whether the value is missing.
    IsNull(Box<Expr>),
    /// The first, or the second where the first is missing.
    FillNull(Box<Expr>, Box<Expr>),
    /// Whether the value is one of a list; null matches null in the list.
    IsIn(Box<Expr>, Vec<Scalar>),
    /// Another type.
    Cast(Box<Expr>, DataType, CastMode),
    /// One value of all rows, or of those of a group: a part of what [`crate::node::Reduce`] and [`crate::node::GroupBy`] take.
    Aggregate(group::Aggregate, Vec<Expr>),
    /// A value of the rows of its group around each row: a part of what [`crate::node::Within`] takes.
    Window(Window, Vec<Expr>),
    /// The same under another name.
    Alias(Box<Expr>, String),
    /// A function of arguments.
    Call(Function, Vec<Expr>),
    /// The value behind the first condition that is true, else the last value.
    Case(Vec<(Expr, Expr)>, Box<Expr>),
    /// A user's function of columns, and the type that it declares.
    Map(UserFunction, Vec<Expr>, DataType),
}

impl Expr {
    /// The names of the columns used, in order of first sight, each once.
    pub fn columns(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        self.visit(&mut |part| {
            if let Expr::Column(name) = part
                && !names.contains(name)
            {
                names.push(name.clone());
            }
        });
        names
    }

    /// The names of the columns used, once for each use.
    pub fn column_uses(&self) -> Vec<String> {
        let mut names = Vec::new();
        self.visit(&mut |part| {
            if let Expr::Column(name) = part {
                names.push(name.clone());
            }
        });
        names
    }

    /// The name of the result: that given by [`Expr::alias`], else that of the first column used, else `literal`.
    pub fn output_name(&self) -> String {
        fn first(of: &Expr) -> Option<&str> {
            match of {
                Expr::Alias(_, name) | Expr::Column(name) => Some(name),
                of => of.parts().into_iter().find_map(first),
            }
        }
        let of_none = match self {
            Expr::Aggregate(asked, _) => asked.name(),
            Expr::Window(window, _) => window.name(),
            _ => "literal",
        };
        first(self).unwrap_or(of_none).to_owned()
    }

    /// The expression without the name that [`Expr::alias`] gave it.
    #[must_use]
    pub fn unalias(self) -> Expr {
        match self {
            Expr::Alias(of, _) => of.unalias(),
            other => other,
        }
    }

    /// Whether a user's function is part of it.
    pub fn has_functions(&self) -> bool {
        matches!(self, Expr::Map(..) | Expr::Aggregate(group::Aggregate::User(_), _))
            || self.parts().into_iter().any(Expr::has_functions)
    }

    /// The expressions directly below this one.
    pub fn parts(&self) -> Vec<&Expr> {
        match self {
            Expr::Column(_) | Expr::Literal(_) => Vec::new(),
            Expr::Arithmetic(_, left, right)
            | Expr::Compare(_, left, right)
            | Expr::FillNull(left, right) => {
                vec![left, right]
            }
            Expr::And(all)
            | Expr::Or(all)
            | Expr::Call(_, all)
            | Expr::Map(_, all, _)
            | Expr::Aggregate(_, all)
            | Expr::Window(_, all) => all.iter().collect(),
            Expr::Case(branches, otherwise) => {
                let branches = branches.iter().flat_map(|(condition, value)| [condition, value]);
                branches.chain([&**otherwise]).collect()
            }
            Expr::Not(of)
            | Expr::Negate(of)
            | Expr::IsNull(of)
            | Expr::IsIn(of, _)
            | Expr::Cast(of, _, _)
            | Expr::Alias(of, _) => vec![of],
        }
    }

    /// Calls `see` on this expression and all below it, from the outside in and from left to right.
    pub fn visit<'a>(&'a self, see: &mut impl FnMut(&'a Expr)) {
        see(self);
        for part in self.parts() {
            part.visit(see);
        }
    }

    /// The expression with every part replaced by what `rewrite` makes of it, from the inside out: `rewrite` sees a
    /// part whose own parts have been rewritten.
    #[must_use]
    pub fn transform(self, rewrite: &mut impl FnMut(Expr) -> Expr) -> Expr {
        let mut inner = |of: Box<Expr>| Box::new(of.transform(rewrite));
        let rebuilt = match self {
            leaf @ (Expr::Column(_) | Expr::Literal(_)) => leaf,
            Expr::Arithmetic(op, left, right) => Expr::Arithmetic(op, inner(left), inner(right)),
            Expr::Compare(op, left, right) => Expr::Compare(op, inner(left), inner(right)),
            Expr::FillNull(of, fill) => Expr::FillNull(inner(of), inner(fill)),
            Expr::And(all) => Expr::And(all.into_iter().map(|part| part.transform(rewrite)).collect()),
            Expr::Or(all) => Expr::Or(all.into_iter().map(|part| part.transform(rewrite)).collect()),
            Expr::Aggregate(asked, of) => {
                Expr::Aggregate(asked, of.into_iter().map(|part| part.transform(rewrite)).collect())
            }
            Expr::Window(window, of) => {
                Expr::Window(window, of.into_iter().map(|part| part.transform(rewrite)).collect())
            }
            Expr::Not(of) => Expr::Not(inner(of)),
            Expr::Negate(of) => Expr::Negate(inner(of)),
            Expr::IsNull(of) => Expr::IsNull(inner(of)),
            Expr::IsIn(of, list) => Expr::IsIn(inner(of), list),
            Expr::Cast(of, to, mode) => Expr::Cast(inner(of), to, mode),
            Expr::Alias(of, name) => Expr::Alias(inner(of), name),
            Expr::Call(function, all) => {
                Expr::Call(function, all.into_iter().map(|part| part.transform(rewrite)).collect())
            }
            Expr::Case(branches, otherwise) => {
                let branches = branches.into_iter().map(|(condition, value)| {
                    let condition = condition.transform(rewrite);
                    (condition, value.transform(rewrite))
                });
                let branches = branches.collect();
                Expr::Case(branches, Box::new(otherwise.transform(rewrite)))
            }
            Expr::Map(function, all, to) => {
                Expr::Map(function, all.into_iter().map(|part| part.transform(rewrite)).collect(), to)
            }
        };
        rewrite(rebuilt)
    }

    /// The parts that must all be true for the expression to be true: those of an `and`, else the expression itself.
    pub fn split_conjunction(self) -> Vec<Expr> {
        match self {
            Expr::And(all) => all.into_iter().flat_map(Expr::split_conjunction).collect(),
            other => vec![other],
        }
    }

    /// The expression with what does not depend on columns computed, and what cannot change an `and` or `or` left
    /// out. Name, type and values stay; a part that would fail stays too, and fails when it runs. Meant for
    /// expressions that bind.
    #[must_use]
    pub fn fold(self) -> Expr {
        let name = self.output_name();
        let folded = self.transform(&mut fold::one);
        if folded.output_name() == name { folded } else { folded.alias(name) }
    }
}
