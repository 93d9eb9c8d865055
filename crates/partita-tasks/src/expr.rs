//! Bound expressions: columns by position, types known, nothing left to look up.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use arrow::datatypes::{DataType, Schema};
use partita_columns::compute::function::{Function, Signature};
use partita_columns::compute::{self, ArithmeticOp, CastMode, CompareOp};
use partita_columns::{ErrorKind, Scalar, Value};
use serde::{Deserialize, Serialize};

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
}

impl BoundExpr {
    /// The value of the expression in every row of `batch`. Literals stay scalars, in the wide type that scalars have;
    /// columns of a schema come from [`BoundExpr::evaluate_as`].
    ///
    /// # Errors
    /// Those of the kernels in [`partita_columns::compute`], and [`ErrorKind::Shape`] where the batch has no such
    /// column.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Value> {
        Ok(match self {
            BoundExpr::Column(position) => Value::Array(Arc::clone(column(batch, *position)?)),
            BoundExpr::Literal(scalar) => Value::Scalar(scalar.clone()),
            BoundExpr::Arithmetic(op, left, right) => {
                compute::arithmetic(*op, &left.evaluate(batch)?, &right.evaluate(batch)?)?
            }
            BoundExpr::Compare(op, left, right) => {
                compute::compare(*op, &left.evaluate(batch)?, &right.evaluate(batch)?)?
            }
            BoundExpr::And(left, right) => compute::and(&left.evaluate(batch)?, &right.evaluate(batch)?)?,
            BoundExpr::Or(left, right) => compute::or(&left.evaluate(batch)?, &right.evaluate(batch)?)?,
            BoundExpr::Not(of) => compute::not(&of.evaluate(batch)?)?,
            BoundExpr::Negate(of) => compute::negate(&of.evaluate(batch)?)?,
            BoundExpr::IsNull(of) => compute::is_null(&of.evaluate(batch)?),
            BoundExpr::FillNull(of, fill) => {
                compute::fill_null(&of.evaluate(batch)?, &fill.evaluate(batch)?)?
            }
            BoundExpr::IsIn(of, list) => compute::is_in(&of.evaluate(batch)?, list)?,
            BoundExpr::Cast(of, to, mode) => compute::cast(&of.evaluate(batch)?, to, *mode)?,
            BoundExpr::Call(function, signature, arguments) => {
                let values = arguments.iter().map(|of| of.evaluate(batch)).collect::<Result<Vec<_>>>()?;
                function.evaluate(&values, signature, batch.num_rows())?
            }
        })
    }

    /// The expression as a column of `data_type`, the type that the plan gave it: literals are repeated and narrowed.
    ///
    /// # Errors
    /// As [`BoundExpr::evaluate`], and where a literal does not fit the type.
    pub fn evaluate_as(&self, batch: &RecordBatch, data_type: &DataType) -> Result<ArrayRef> {
        Ok(self.evaluate(batch)?.into_array_of(data_type, batch.num_rows())?)
    }

    /// Where the expression is true; null counts as false. The mask has no nulls.
    ///
    /// # Errors
    /// As [`BoundExpr::evaluate`], and where the expression is not Boolean.
    pub fn evaluate_mask(&self, batch: &RecordBatch) -> Result<BooleanArray> {
        Ok(compute::to_mask(&self.evaluate(batch)?, batch.num_rows())?)
    }

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
        let moved = |of: &BoundExpr| Box::new(of.remap(position));
        match self {
            BoundExpr::Column(at) => BoundExpr::Column(position(*at)),
            BoundExpr::Literal(scalar) => BoundExpr::Literal(scalar.clone()),
            BoundExpr::Arithmetic(op, left, right) => BoundExpr::Arithmetic(*op, moved(left), moved(right)),
            BoundExpr::Compare(op, left, right) => BoundExpr::Compare(*op, moved(left), moved(right)),
            BoundExpr::And(left, right) => BoundExpr::And(moved(left), moved(right)),
            BoundExpr::Or(left, right) => BoundExpr::Or(moved(left), moved(right)),
            BoundExpr::Not(of) => BoundExpr::Not(moved(of)),
            BoundExpr::Negate(of) => BoundExpr::Negate(moved(of)),
            BoundExpr::IsNull(of) => BoundExpr::IsNull(moved(of)),
            BoundExpr::FillNull(of, fill) => BoundExpr::FillNull(moved(of), moved(fill)),
            BoundExpr::IsIn(of, list) => BoundExpr::IsIn(moved(of), list.clone()),
            BoundExpr::Cast(of, to, mode) => BoundExpr::Cast(moved(of), to.clone(), *mode),
            BoundExpr::Call(function, signature, arguments) => {
                let arguments = arguments.iter().map(|of| of.remap(position)).collect();
                BoundExpr::Call(*function, signature.clone(), arguments)
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
        })
    }

    /// Calls `see` on this expression and all below it, from the outside in.
    pub fn visit(&self, see: &mut impl FnMut(&BoundExpr)) {
        see(self);
        match self {
            BoundExpr::Column(_) | BoundExpr::Literal(_) => {}
            BoundExpr::Arithmetic(_, left, right)
            | BoundExpr::Compare(_, left, right)
            | BoundExpr::And(left, right)
            | BoundExpr::Or(left, right)
            | BoundExpr::FillNull(left, right) => {
                left.visit(see);
                right.visit(see);
            }
            BoundExpr::Not(of)
            | BoundExpr::Negate(of)
            | BoundExpr::IsNull(of)
            | BoundExpr::IsIn(of, _)
            | BoundExpr::Cast(of, _, _) => of.visit(see),
            BoundExpr::Call(_, _, arguments) => arguments.iter().for_each(|of| of.visit(see)),
        }
    }
}

fn column(batch: &RecordBatch, position: usize) -> Result<&ArrayRef> {
    batch.columns().get(position).ok_or_else(|| no_column(position, batch.num_columns()))
}

fn no_column(position: usize, columns: usize) -> crate::Error {
    let message = format!("expression uses column {position} of a batch of {columns} columns");
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
