//! Names and types resolved against a schema.
//!
//! | operands | what happens |
//! | --- | --- |
//! | integers of different widths | the narrower becomes the wider; signed with unsigned the signed type that holds both |
//! | `Int64` with `UInt64` | comparison is by value; arithmetic is in `Int64`, and a value beyond it is an error |
//! | integer with float | `Float64` (`Float32` for up to 16 bits with `Float32`) |
//! | decimal with integer, decimal | comparison is by value; else decimals of a common scale; with float: `Float64` |
//! | date with timestamp | midnight of the day; units: the finer one; an instant with a wall-clock time: an error |
//! | a number literal | takes the type of the column beside it where it fits exactly (beside `Float32`: rounded); a float literal in arithmetic with integers is a float |
//! | a text literal | beside a date or timestamp it must be an ISO date or time, wall-clock time of the column's zone where it has no offset |
//! | text with a number | an error: cast one of them |
//! | `and`, `or`, `not` | Boolean only |

mod call;
mod literal;
mod operands;
pub(crate) mod suggest;
#[cfg(test)]
mod tests;

use arrow::array::new_empty_array;
use arrow::datatypes::{DataType, Field, Schema};
use partita_columns::compute::{self, ArithmeticOp, CastMode, CompareOp};
use partita_columns::{Scalar, Value, dtype};
use partita_tasks::BoundExpr;

use self::operands::decoded;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{DEPTH_MAX, Expr};

/// Binds an expression to the columns of `schema`: what tasks run, and the field of the result.
///
/// # Errors
/// [`ErrorKind::UnknownColumn`], with the nearest name there is; [`ErrorKind::Type`], with the part of the expression
/// whose types do not go together and the way out.
pub fn bind(expression: &Expr, schema: &Schema) -> Result<(BoundExpr, Field)> {
    let typed = at(expression, schema, 0)?;
    let name = expression.output_name();
    let field = match (&typed.expr, expression.clone().unalias()) {
        (BoundExpr::Column(position), Expr::Column(_)) => schema.field(*position).clone().with_name(name),
        _ => Field::new(name, typed.data_type, typed.nullable),
    };
    Ok((typed.expr, field))
}

/// A bound part and what is known of its values.
#[derive(Debug, Clone)]
struct Typed {
    expr: BoundExpr,
    data_type: DataType,
    nullable: bool,
}

impl Typed {
    fn literal(scalar: Scalar) -> Self {
        Self { data_type: scalar.data_type(), nullable: scalar.is_null(), expr: BoundExpr::Literal(scalar) }
    }

    /// A literal that has taken the type beside it.
    fn fitted(scalar: Scalar, data_type: &DataType) -> Self {
        Self { data_type: data_type.clone(), nullable: scalar.is_null(), expr: BoundExpr::Literal(scalar) }
    }

    fn as_literal(&self) -> Option<&Scalar> {
        match &self.expr {
            BoundExpr::Literal(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// As another type; literals at once, columns when they run.
    fn cast(self, to: &DataType) -> Result<Typed> {
        if self.data_type == *to {
            return Ok(self);
        }
        let expr = match self.expr {
            BoundExpr::Literal(scalar) => BoundExpr::Literal(scalar.cast(to, CastMode::Strict)?),
            expr => BoundExpr::Cast(Box::new(expr), to.clone(), CastMode::Strict),
        };
        Ok(Typed { expr, data_type: to.clone(), nullable: self.nullable })
    }

    fn boolean(expr: BoundExpr, nullable: bool) -> Typed {
        Typed { expr, data_type: DataType::Boolean, nullable }
    }
}

fn at(expression: &Expr, schema: &Schema, depth: usize) -> Result<Typed> {
    if depth > DEPTH_MAX {
        let message =
            format!("nested over {DEPTH_MAX} deep; compute parts of it as columns of their own first");
        return Err(ErrorKind::Type { expression: "expression".to_owned(), message }.into());
    }
    let below = |of: &Expr| at(of, schema, depth + 1);
    match expression {
        Expr::Column(name) => column(name, schema),
        Expr::Literal(scalar) => Ok(Typed::literal(scalar.clone())),
        Expr::Alias(of, _) => below(of),
        Expr::Arithmetic(op, left, right) => arithmetic(expression, *op, below(left)?, below(right)?),
        Expr::Compare(op, left, right) => compare(expression, *op, below(left)?, below(right)?),
        Expr::And(all) => {
            let parts = all.iter().map(|part| truth(part, below(part)?)).collect::<Result<Vec<_>>>()?;
            Ok(balanced(parts, true, &|l, r| BoundExpr::And(l, r)))
        }
        Expr::Or(all) => {
            let parts = all.iter().map(|part| truth(part, below(part)?)).collect::<Result<Vec<_>>>()?;
            Ok(balanced(parts, false, &|l, r| BoundExpr::Or(l, r)))
        }
        Expr::Not(of) => {
            let of = truth(of, below(of)?)?;
            Ok(Typed::boolean(BoundExpr::Not(Box::new(of.expr)), of.nullable))
        }
        Expr::Negate(of) => negate(expression, below(of)?),
        Expr::IsNull(of) => Ok(Typed::boolean(BoundExpr::IsNull(Box::new(below(of)?.expr)), false)),
        Expr::FillNull(of, fill) => fill_null(expression, below(of)?, below(fill)?),
        Expr::IsIn(of, list) => is_in(expression, below(of)?, list),
        Expr::Cast(of, to, mode) => cast(expression, below(of)?, to, *mode),
        Expr::Call(function, all) => {
            let arguments = all.iter().map(below).collect::<Result<Vec<_>>>()?;
            call::call(expression, *function, arguments)
        }
        Expr::Case(branches, otherwise) => {
            let branches = branches
                .iter()
                .map(|(condition, value)| Ok((truth(condition, below(condition)?)?, below(value)?)));
            let branches = branches.collect::<Result<Vec<_>>>()?;
            call::case(expression, branches, below(otherwise)?)
        }
        Expr::Map(function, all, to) => {
            let arguments = all.iter().map(|of| Ok(below(of)?.expr)).collect::<Result<Vec<_>>>()?;
            let expr = BoundExpr::Map(function.clone(), arguments, to.clone());
            Ok(Typed { expr, data_type: to.clone(), nullable: true })
        }
        Expr::Aggregate(..) => {
            let message = "one value of all rows stands in reduce(..) only";
            Err(mismatch(expression, message))
        }
        Expr::Window(..) => {
            let message = "a value of the rows around it stands in groupby(..).transform(..) only";
            Err(mismatch(expression, message))
        }
    }
}

fn column(name: &str, schema: &Schema) -> Result<Typed> {
    match schema.fields().iter().position(|field| field.name() == name) {
        Some(position) => {
            let field = schema.field(position);
            Ok(Typed {
                expr: BoundExpr::Column(position),
                data_type: field.data_type().clone(),
                nullable: field.is_nullable(),
            })
        }
        None => Err(unknown_column(name, schema).into()),
    }
}

/// The refusal of a name, with the nearest one there is.
pub(crate) fn unknown_column(name: &str, schema: &Schema) -> ErrorKind {
    let known: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let suggestion = suggest::nearest(name, &known);
    ErrorKind::UnknownColumn { name: name.to_owned(), known, suggestion }
}

fn mismatch(expression: &Expr, message: impl Into<String>) -> Error {
    ErrorKind::Type { expression: expression.to_string(), message: message.into() }.into()
}

fn truth(written: &Expr, typed: Typed) -> Result<Typed> {
    let typed = decoded(typed)?;
    match typed.data_type {
        DataType::Boolean => Ok(typed),
        DataType::Null => typed.cast(&DataType::Boolean),
        other => {
            let name = dtype::name(&other);
            let message =
                format!("expected Boolean, got {name}; compare it with something, or cast it to Boolean");
            Err(mismatch(written, message))
        }
    }
}

/// A tree of logarithmic depth: `and` and `or` may have thousands of parts.
fn balanced(
    mut parts: Vec<Typed>,
    empty: bool,
    join: &impl Fn(Box<BoundExpr>, Box<BoundExpr>) -> BoundExpr,
) -> Typed {
    match parts.len() {
        0 => Typed::literal(Scalar::Boolean(empty)),
        1 => parts.remove(0),
        rows => {
            let right = balanced(parts.split_off(rows / 2), empty, join);
            let left = balanced(parts, empty, join);
            Typed::boolean(join(Box::new(left.expr), Box::new(right.expr)), left.nullable || right.nullable)
        }
    }
}

fn arithmetic(written: &Expr, op: ArithmeticOp, left: Typed, right: Typed) -> Result<Typed> {
    let (left, right) = operands::arithmetic(written, op, decoded(left)?, decoded(right)?)?;
    let Ok(data_type) = compute::arithmetic_type(op, &left.data_type, &right.data_type) else {
        let (l, r) = (dtype::name(&left.data_type), dtype::name(&right.data_type));
        return Err(mismatch(
            written,
            format!("{} is not defined for {l} and {r}; cast them first", op.symbol()),
        ));
    };
    // By zero these are null.
    let makes_nulls =
        matches!(op, ArithmeticOp::FloorDivide | ArithmeticOp::Remainder) && !left.data_type.is_floating();
    let nullable = left.nullable || right.nullable || makes_nulls;
    Ok(Typed {
        expr: BoundExpr::Arithmetic(op, Box::new(left.expr), Box::new(right.expr)),
        data_type,
        nullable,
    })
}

fn compare(written: &Expr, op: CompareOp, left: Typed, right: Typed) -> Result<Typed> {
    let (left, right) = operands::compared(written, decoded(left)?, decoded(right)?)?;
    let empty = |of: &Typed| Value::Array(new_empty_array(&of.data_type));
    if compute::compare(op, &empty(&left), &empty(&right)).is_err() {
        let (l, r) = (dtype::name(&left.data_type), dtype::name(&right.data_type));
        return Err(mismatch(written, format!("{} is not defined for {l} and {r}", op.symbol())));
    }
    let nullable = left.nullable || right.nullable;
    Ok(Typed::boolean(BoundExpr::Compare(op, Box::new(left.expr), Box::new(right.expr)), nullable))
}

fn negate(written: &Expr, of: Typed) -> Result<Typed> {
    let of = decoded(of)?;
    if compute::negate(&Value::Array(new_empty_array(&of.data_type))).is_err() {
        let name = dtype::name(&of.data_type);
        return Err(mismatch(
            written,
            format!("- is not defined for {name}; cast it to a signed type first"),
        ));
    }
    Ok(Typed { expr: BoundExpr::Negate(Box::new(of.expr)), ..of })
}

fn fill_null(written: &Expr, of: Typed, fill: Typed) -> Result<Typed> {
    let (of, fill) = call::both(written, "fill", decoded(of)?, decoded(fill)?)?;
    let nullable = of.nullable && fill.nullable;
    let expr = BoundExpr::FillNull(Box::new(of.expr), Box::new(fill.expr));
    Ok(Typed { expr, data_type: of.data_type, nullable })
}

fn is_in(written: &Expr, of: Typed, list: &[Scalar]) -> Result<Typed> {
    let of = decoded(of)?;
    let mut fitted = Vec::with_capacity(list.len());
    for scalar in list {
        match literal::fit(written, scalar, &of.data_type)? {
            Some(scalar) => fitted.push(scalar),
            // A number that the type cannot hold is none of its values; other kinds are a mistake.
            None if scalar.data_type().is_numeric() && of.data_type.is_numeric() => {}
            None => {
                let column = dtype::name(&of.data_type);
                return Err(mismatch(
                    written,
                    format!("{column} is never {scalar}; write the list in {column}"),
                ));
            }
        }
    }
    Ok(Typed::boolean(BoundExpr::IsIn(Box::new(of.expr), fitted), false))
}

fn cast(written: &Expr, of: Typed, to: &DataType, mode: CastMode) -> Result<Typed> {
    // Text is held as views.
    let to = match to {
        DataType::Utf8 | DataType::LargeUtf8 => &DataType::Utf8View,
        to => to,
    };
    if compute::cast_array(&new_empty_array(&of.data_type), to, mode).is_err() {
        let (from, to) = (dtype::name(&of.data_type), dtype::name(to));
        return Err(mismatch(written, format!("there is no cast from {from} to {to}")));
    }
    if of.data_type == *to {
        return Ok(of);
    }
    let nullable = of.nullable || mode == CastMode::Lenient;
    Ok(Typed { expr: BoundExpr::Cast(Box::new(of.expr), to.clone(), mode), data_type: to.clone(), nullable })
}
