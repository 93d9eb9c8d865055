//! Bound expressions: columns by position, types known, nothing left to look up.

mod evaluate;
mod function;
mod meter;
mod share;
#[cfg(test)]
mod tests;

use arrow::datatypes::{DataType, Schema};
use partita_columns::compute::function::{Function, Signature};
use partita_columns::compute::{self, ArithmeticOp, CastMode, CompareOp};
use partita_columns::{ErrorKind, Scalar};
use serde::{Deserialize, Serialize};

pub use self::function::{ColumnFunction, UserFunction};
pub use self::meter::Meter;
pub use self::share::Prepared;

pub(crate) use self::meter::{Flow, fixed_bytes};

use crate::error::Result;

/// An expression bound to a schema. Operands of arithmetic and comparison have equal types, except that `Int64` and
/// `UInt64` compare, times and durations add, and a literal has the wide type of scalars: the plan has put the casts in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum BoundExpr {
    /// The column at a position of the batch.
    Column(usize),
    /// One value for every row.
    Literal(Scalar),
    /// `left op right` on numbers.
    Arithmetic(ArithmeticOp, Box<BoundExpr>, Box<BoundExpr>),
    /// `left op right` to Boolean.
    Compare(CompareOp, Box<BoundExpr>, Box<BoundExpr>),
    /// Kleene and.
    And(Box<BoundExpr>, Box<BoundExpr>),
    /// Kleene or.
    Or(Box<BoundExpr>, Box<BoundExpr>),
    /// Kleene not.
    Not(Box<BoundExpr>),
    /// Arithmetic negation.
    Negate(Box<BoundExpr>),
    /// Whether the value is missing.
    IsNull(Box<BoundExpr>),
    /// The first, or the second where the first is missing.
    FillNull(Box<BoundExpr>, Box<BoundExpr>),
    /// Whether the value is one of a list; null matches null in the list.
    IsIn(Box<BoundExpr>, Vec<Scalar>),
    /// Another type.
    Cast(Box<BoundExpr>, DataType, CastMode),
    /// A function of arguments that have the types of its signature.
    Call(Function, Box<Signature>, Vec<BoundExpr>),
    /// The value behind the first condition that is true, or the last value; all values have the type.
    Case(Vec<(BoundExpr, BoundExpr)>, Box<BoundExpr>, DataType),
    /// A user's function of columns, and the type that it declares.
    Map(UserFunction, Vec<BoundExpr>, DataType),
    /// What [`Prepared`] computes once a batch.
    Shared(usize),
}

impl BoundExpr {
    /// The positions of the columns used, ascending, each once.
    pub fn columns(&self) -> Vec<usize> {
        let mut found = Vec::new();
        self.visit(&mut |expression| {
            if let BoundExpr::Column(position) = expression {
                found.push(*position);
            }
        });
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The same expression over a batch whose columns lie elsewhere: `position` says where each has gone.
    #[must_use]
    pub fn remap(&self, position: &impl Fn(usize) -> usize) -> BoundExpr {
        match self {
            BoundExpr::Column(at) => BoundExpr::Column(position(*at)),
            other => other.map_parts(&mut |part| part.remap(position)),
        }
    }

    /// The same expression over other parts: what `f` makes of each.
    #[must_use]
    pub fn map_parts(&self, f: &mut impl FnMut(&BoundExpr) -> BoundExpr) -> BoundExpr {
        let mut one = |of: &BoundExpr| Box::new(f(of));
        match self {
            BoundExpr::Column(_) | BoundExpr::Literal(_) | BoundExpr::Shared(_) => self.clone(),
            BoundExpr::Arithmetic(op, left, right) => BoundExpr::Arithmetic(*op, one(left), one(right)),
            BoundExpr::Compare(op, left, right) => BoundExpr::Compare(*op, one(left), one(right)),
            BoundExpr::And(left, right) => BoundExpr::And(one(left), one(right)),
            BoundExpr::Or(left, right) => BoundExpr::Or(one(left), one(right)),
            BoundExpr::Not(of) => BoundExpr::Not(one(of)),
            BoundExpr::Negate(of) => BoundExpr::Negate(one(of)),
            BoundExpr::IsNull(of) => BoundExpr::IsNull(one(of)),
            BoundExpr::FillNull(of, fill) => BoundExpr::FillNull(one(of), one(fill)),
            BoundExpr::IsIn(of, list) => BoundExpr::IsIn(one(of), list.clone()),
            BoundExpr::Cast(of, to, mode) => BoundExpr::Cast(one(of), to.clone(), *mode),
            BoundExpr::Call(function, signature, arguments) => {
                BoundExpr::Call(*function, signature.clone(), arguments.iter().map(f).collect())
            }
            BoundExpr::Case(branches, otherwise, data_type) => {
                let branches = branches.iter().map(|(condition, value)| (f(condition), f(value))).collect();
                BoundExpr::Case(branches, Box::new(f(otherwise)), data_type.clone())
            }
            BoundExpr::Map(function, arguments, data_type) => {
                BoundExpr::Map(function.clone(), arguments.iter().map(f).collect(), data_type.clone())
            }
        }
    }

    /// The expressions directly below this one, in the order of [`BoundExpr::map_parts`].
    pub fn parts(&self) -> Vec<&BoundExpr> {
        match self {
            BoundExpr::Column(_) | BoundExpr::Literal(_) | BoundExpr::Shared(_) => Vec::new(),
            BoundExpr::Arithmetic(_, left, right)
            | BoundExpr::Compare(_, left, right)
            | BoundExpr::And(left, right)
            | BoundExpr::Or(left, right)
            | BoundExpr::FillNull(left, right) => vec![left, right],
            BoundExpr::Not(of)
            | BoundExpr::Negate(of)
            | BoundExpr::IsNull(of)
            | BoundExpr::IsIn(of, _)
            | BoundExpr::Cast(of, _, _) => vec![of],
            BoundExpr::Call(_, _, arguments) | BoundExpr::Map(_, arguments, _) => arguments.iter().collect(),
            BoundExpr::Case(branches, otherwise, _) => {
                let branches = branches.iter().flat_map(|(condition, value)| [condition, value]);
                branches.chain([&**otherwise]).collect()
            }
        }
    }

    /// The type of the result over a batch of `schema`, as the kernels give it.
    ///
    /// # Errors
    /// [`ErrorKind::Shape`] where the schema has no such column, [`ErrorKind::Undefined`] for arithmetic that is not
    /// defined.
    pub fn data_type(&self, schema: &Schema) -> Result<DataType> {
        Ok(match self {
            BoundExpr::Column(position) => match schema.fields().get(*position) {
                Some(field) => field.data_type().clone(),
                None => return Err(no_column(*position, schema.fields().len())),
            },
            BoundExpr::Literal(scalar) => scalar.data_type(),
            BoundExpr::Arithmetic(op, left, right) => {
                let types = (left.data_type(schema)?, right.data_type(schema)?);
                let (l, r) = literal_types((left, types.0), (right, types.1));
                compute::arithmetic_type(*op, &l, &r)?
            }
            BoundExpr::Compare(..)
            | BoundExpr::And(..)
            | BoundExpr::Or(..)
            | BoundExpr::Not(_)
            | BoundExpr::IsNull(_)
            | BoundExpr::IsIn(..) => DataType::Boolean,
            BoundExpr::Negate(of) => of.data_type(schema)?,
            BoundExpr::FillNull(of, fill) => match of.data_type(schema)? {
                DataType::Null => fill.data_type(schema)?,
                data_type => data_type,
            },
            BoundExpr::Cast(_, to, _) => to.clone(),
            BoundExpr::Call(_, signature, _) => signature.result.clone(),
            BoundExpr::Case(_, _, data_type) | BoundExpr::Map(_, _, data_type) => data_type.clone(),
            BoundExpr::Shared(slot) => return Err(no_slot(*slot)),
        })
    }

    /// Calls `see` on this expression and all below it, from the outside in.
    pub fn visit(&self, see: &mut impl FnMut(&BoundExpr)) {
        see(self);
        for part in self.parts() {
            part.visit(see);
        }
    }
}

fn no_column(position: usize, columns: usize) -> crate::Error {
    let message = format!("expression uses column {position} of a batch of {columns} columns");
    partita_columns::Error::from(ErrorKind::Shape(message)).into()
}

fn no_slot(slot: usize) -> crate::Error {
    let message = format!("expression uses the shared part {slot} outside of what it was prepared for");
    partita_columns::Error::from(ErrorKind::Shape(message)).into()
}

/// A number beside a column takes the type of the column, whichever side it is on.
fn literal_types(left: (&BoundExpr, DataType), right: (&BoundExpr, DataType)) -> (DataType, DataType) {
    let is_number = |of: &BoundExpr, data_type: &DataType| {
        matches!(of, BoundExpr::Literal(_))
            && (data_type.is_integer() || data_type.is_floating() || data_type.is_null())
    };
    match (is_number(left.0, &left.1), is_number(right.0, &right.1)) {
        (true, false) => (right.1.clone(), right.1),
        (false, true) => (left.1.clone(), left.1),
        _ => (left.1, right.1),
    }
}
