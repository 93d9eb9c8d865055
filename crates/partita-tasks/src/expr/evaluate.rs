//! Expressions over a batch.

use std::cell::RefCell;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch};
use arrow::buffer::BooleanBuffer;
use arrow::datatypes::DataType;
use partita_columns::compute::{Memory, Unlimited};
use partita_columns::{Scalar, Value, compute};

use super::meter::{ACCOUNT, Mark, Meter, cast_bytes, fixed_bytes, told};
use super::{BoundExpr, no_column, no_slot};
use crate::error::Result;

/// A batch, and what has been computed over it that is wanted again.
pub(super) struct Scope<'a> {
    batch: &'a RecordBatch,
    shared: &'a [BoundExpr],
    done: RefCell<Vec<Option<Value>>>,
    /// Who pays; constants are not paid for.
    meter: Option<&'a Meter>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(batch: &'a RecordBatch, shared: &'a [BoundExpr], meter: Option<&'a Meter>) -> Self {
        Self { batch, shared, done: RefCell::new(vec![None; shared.len()]), meter }
    }

    fn memory(&self) -> &dyn Memory {
        match self.meter {
            Some(meter) => meter,
            None => &Unlimited,
        }
    }

    /// Asks for what is about to be made.
    fn take(&self, bytes: usize) -> Result<()> {
        self.meter.map_or(Ok(()), |meter| meter.try_take(bytes))
    }

    fn mark(&self) -> Option<(&'a Meter, Mark)> {
        self.meter.map(|meter| (meter, meter.mark()))
    }

    fn rows(&self) -> usize {
        self.batch.num_rows()
    }

    /// A shared part, computed when it is first asked for.
    fn shared(&self, slot: usize) -> Result<Value> {
        if let Some(Some(value)) = self.done.borrow().get(slot) {
            return Ok(value.clone());
        }
        let mark = self.mark();
        let value = self.shared.get(slot).ok_or_else(|| no_slot(slot))?.within(self)?;
        if let Some((meter, mark)) = mark {
            meter.share(mark);
        }
        if let Some(done) = self.done.borrow_mut().get_mut(slot) {
            *done = Some(value.clone());
        }
        Ok(value)
    }
}

impl BoundExpr {
    /// The value of the expression in every row of `batch`. Literals stay scalars, in the wide type that scalars have;
    /// columns of a schema come from [`BoundExpr::evaluate_as`].
    ///
    /// # Errors
    /// Those of the kernels in [`partita_columns::compute`], and [`partita_columns::ErrorKind::Shape`] where the batch
    /// has no such column.
    pub fn evaluate(&self, batch: &RecordBatch) -> Result<Value> {
        self.within(&Scope::new(batch, &[], None))
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

    pub(super) fn within(&self, scope: &Scope<'_>) -> Result<Value> {
        match self {
            BoundExpr::Column(position) => match scope.batch.columns().get(*position) {
                Some(column) => Ok(Value::Array(Arc::clone(column))),
                None => Err(no_column(*position, scope.batch.num_columns())),
            },
            BoundExpr::Literal(scalar) => Ok(Value::Scalar(scalar.clone())),
            BoundExpr::Shared(slot) => scope.shared(*slot),
            made => {
                let value = made.made(scope)?;
                if let Value::Array(column) = &value
                    && !matches!(made, BoundExpr::Map(..))
                {
                    scope.take(fixed_bytes(column.data_type(), column.len()))?;
                }
                Ok(value)
            }
        }
    }

    fn made(&self, scope: &Scope<'_>) -> Result<Value> {
        let value = |of: &BoundExpr| of.within(scope);
        Ok(match self {
            BoundExpr::Arithmetic(op, left, right) => {
                compute::arithmetic(*op, &value(left)?, &value(right)?)?
            }
            BoundExpr::Compare(op, left, right) => compute::compare(*op, &value(left)?, &value(right)?)?,
            BoundExpr::And(left, right) => compute::and(&value(left)?, &value(right)?)?,
            BoundExpr::Or(left, right) => compute::or(&value(left)?, &value(right)?)?,
            BoundExpr::Not(of) => compute::not(&value(of)?)?,
            BoundExpr::Negate(of) => compute::negate(&value(of)?)?,
            BoundExpr::IsNull(of) => compute::is_null(&value(of)?),
            BoundExpr::FillNull(of, fill) => fill_null(of, fill, scope)?,
            BoundExpr::IsIn(of, list) => compute::is_in(&value(of)?, list)?,
            BoundExpr::Cast(of, to, mode) => {
                let of = value(of)?;
                scope.take(cast_bytes(&of, to)).map_err(|error| error.needed_by(ACCOUNT, "cast"))?;
                compute::cast(&of, to, *mode)?
            }
            BoundExpr::Call(function, signature, arguments) => {
                let values = arguments.iter().map(value).collect::<Result<Vec<_>>>()?;
                let called = function.evaluate(&values, signature, scope.rows(), scope.memory());
                called.map_err(|error| told(error).needed_by(ACCOUNT, function.name()))?
            }
            BoundExpr::Case(branches, otherwise, to) => case(branches, otherwise, to, scope)?,
            BoundExpr::Map(function, arguments, to) => {
                let columns =
                    arguments.iter().map(|of| value(of)?.into_array(scope.rows()).map_err(Into::into));
                let columns = columns.collect::<Result<Vec<_>>>()?;
                let made = function.call(&columns, to, scope.rows())?;
                if let Some(meter) = scope.meter {
                    let noted = meter.note(made.get_buffer_memory_size());
                    noted.map_err(|error| error.needed_by(ACCOUNT, "map_batches"))?;
                }
                Value::Array(made)
            }
            BoundExpr::Column(_) | BoundExpr::Literal(_) | BoundExpr::Shared(_) => self.within(scope)?,
        })
    }
}

/// The fill counts only where a value is missing: so do its errors.
fn fill_null(of: &BoundExpr, fill: &BoundExpr, scope: &Scope<'_>) -> Result<Value> {
    let value = of.within(scope)?;
    let missing = compute::to_mask(&compute::is_null(&value), scope.rows())?;
    if missing.true_count() == 0 && scope.rows() > 0 {
        return Ok(value);
    }
    let fill = where_true(fill, missing.values(), scope, &value.data_type())?;
    Ok(compute::fill_null(&value, &fill)?)
}

fn case(
    branches: &[(BoundExpr, BoundExpr)],
    otherwise: &BoundExpr,
    to: &DataType,
    scope: &Scope<'_>,
) -> Result<Value> {
    let mut open = BooleanBuffer::new_set(scope.rows());
    let mut chosen = Vec::with_capacity(branches.len());
    for (condition, value) in branches {
        let condition = where_true(condition, &open, scope, &DataType::Boolean)?;
        if let Value::Scalar(condition) = &condition {
            match condition {
                Scalar::Boolean(true) => {
                    let rest = where_true(value, &open, scope, to)?;
                    return Ok(compute::case(chosen, &rest, to, scope.rows())?);
                }
                _ => continue,
            }
        }
        let mask = compute::to_mask(&condition, scope.rows())?;
        let mask = mask.values() & &open;
        if mask.count_set_bits() > 0 {
            let value = where_true(value, &mask, scope, to)?;
            open = &open & &!&mask;
            chosen.push((mask, value));
        }
    }
    let rest = match open.count_set_bits() {
        0 if scope.rows() > 0 => Value::Scalar(Scalar::Null(to.clone())),
        _ => where_true(otherwise, &open, scope, to)?,
    };
    Ok(compute::case(chosen, &rest, to, scope.rows())?)
}

/// The value of an expression in the rows where `mask` is true; elsewhere it is arbitrary, and no reason to fail. It is
/// computed in all rows where that succeeds, which is cheaper.
fn where_true(of: &BoundExpr, mask: &BooleanBuffer, scope: &Scope<'_>, to: &DataType) -> Result<Value> {
    let mark = scope.mark();
    let error = match of.within(scope) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some((meter, mark)) = mark {
        meter.back_to(mark);
    }
    let wanted = mask.count_set_bits();
    if wanted == 0 {
        return Ok(Value::Scalar(Scalar::Null(to.clone())));
    }
    if wanted == scope.rows() {
        return Err(error);
    }
    let mask = BooleanArray::new(mask.clone(), None);
    let some = compute::filter(scope.batch, &mask)?;
    let values = match of.within(&Scope::new(&some, scope.shared, scope.meter))? {
        Value::Array(array) => array,
        scalar => return Ok(scalar),
    };
    Ok(Value::Array(compute::spread(&values, &mask)?))
}
