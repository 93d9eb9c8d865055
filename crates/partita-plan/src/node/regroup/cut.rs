//! New partitions by values of the index.

use std::cmp::Ordering;
use std::ops::Bound;

use arrow::datatypes::DataType;
use partita_columns::Scalar;
use partita_columns::compute::function::{Argument, Function};
use partita_columns::compute::{CastMode, Unlimited, cast};
use partita_columns::scalar::Value;

use super::{Group, Regroup};
use crate::error::{ErrorKind, Result};
use crate::locate;
use crate::node::{Divisions, PlanRef, Span, position, successor};

/// Partitions that a frequency may make.
const PARTITIONS_MAX: usize = 1 << 20;

/// `input` with these divisions: a partition begins at each value but the last, where the last one ends.
///
/// # Errors
/// Where divisions are not known, and where values do not ascend, or leave rows out.
pub fn by_values(input: PlanRef, values: &[Scalar]) -> Result<PlanRef> {
    let (column, before, data_type) = known(&input, "repartition_by")?;
    let typed = values.iter().map(|value| locate::start_of(value, &data_type));
    let divisions = Divisions::known(&column, typed.collect::<Result<_>>()?)?;
    let values = divisions.values().unwrap_or_default();
    let (Some((first, last)), Some((from, until))) =
        (values.first().zip(values.last()), before.first().zip(before.last()))
    else {
        return Err(ErrorKind::Option("repartition_by: expected at least two values".into()).into());
    };
    let is_covered =
        first.compare(from).is_some_and(Ordering::is_le) && until.compare(last).is_some_and(Ordering::is_le);
    if !is_covered {
        let message = format!(
            "repartition_by: {first} to {last} leave rows out, {column:?} has values from {from} to {until}; widen the ends, or leave \
             rows out with loc(..)"
        );
        return Err(ErrorKind::Option(message).into());
    }
    let old = input.divisions();
    let mut groups = Vec::with_capacity(values.len());
    for (number, pair) in values.windows(2).enumerate() {
        let is_last = number + 2 == values.len();
        let until = if is_last { Bound::Included(pair[1].clone()) } else { Bound::Excluded(pair[1].clone()) };
        let span: Span = (Bound::Included(pair[0].clone()), until);
        let partitions = old.matching(&span).unwrap_or(0..input.partitions());
        let is_whole = partitions.clone().all(|partition| is_within(&before, partition, &span));
        groups.push(Group { partitions, span: (!is_whole).then_some(span) });
    }
    Regroup::plan(input, groups, divisions.clone())
}

/// `input` with a partition for each step of time, such as `1d` or `1mo`.
///
/// # Errors
/// Where divisions are not known, the index is no time, or the text no frequency.
pub fn every(input: PlanRef, frequency: &str) -> Result<PlanRef> {
    let (_, before, data_type) = known(&input, "repartition_every")?;
    let (Some(first), Some(last)) = (before.first(), before.last()) else { return Ok(input) };
    let mut values = vec![first.clone()];
    let mut at = first.clone();
    while let Some(next) = successor(&at) {
        let next = boundary(&next, frequency, &data_type)?;
        if !next.compare(last).is_some_and(Ordering::is_le) {
            break;
        }
        if values.len() == PARTITIONS_MAX {
            let message = format!(
                "repartition_every: {frequency:?} makes more than {PARTITIONS_MAX} partitions; take a longer one"
            );
            return Err(ErrorKind::Option(message).into());
        }
        values.push(next.clone());
        at = next;
    }
    values.push(last.clone());
    by_values(input, &values)
}

/// The index, its bounds and its type.
fn known(input: &PlanRef, call: &str) -> Result<(String, Vec<Scalar>, DataType)> {
    let Divisions::Known { column, values } = input.divisions() else {
        let message = match input.divisions() {
            Divisions::Pending { column } => format!(
                "{call}: the divisions by {column:?} are known once the frame is computed; persist() it first, or give set_index the \
                 divisions"
            ),
            _ => format!(
                "{call}: the divisions of the frame are not known; compute_divisions(..) makes them so, or set_index(..) and persist()"
            ),
        };
        return Err(ErrorKind::Option(message).into());
    };
    let data_type = input.schema().field(position(input.schema(), &column)?).data_type().clone();
    Ok((column, values.to_vec(), data_type))
}

/// Whether all values that a partition may have are in a span.
fn is_within(bounds: &[Scalar], partition: usize, span: &Span) -> bool {
    let (Some(start), Some(end)) = (bounds.get(partition), bounds.get(partition + 1)) else { return false };
    let begins = match &span.0 {
        Bound::Included(from) => from.compare(start).is_some_and(Ordering::is_le),
        _ => false,
    };
    let has_end = partition + 2 == bounds.len();
    begins
        && match &span.1 {
            Bound::Excluded(until) if has_end => end.compare(until).is_some_and(Ordering::is_lt),
            Bound::Included(until) | Bound::Excluded(until) => {
                end.compare(until).is_some_and(Ordering::is_le)
            }
            Bound::Unbounded => true,
        }
}

/// The first boundary of a frequency at a time or after it.
fn boundary(at: &Scalar, frequency: &str, data_type: &DataType) -> Result<Scalar> {
    let wrong = |message: String| ErrorKind::Option(format!("repartition_every: {message}"));
    let ceil = Function::by_name("time_ceil").ok_or_else(|| wrong("there is no time_ceil".into()))?;
    let every = Scalar::Utf8(frequency.to_owned());
    let arguments = [
        Argument { data_type: data_type.clone(), literal: None },
        Argument { data_type: every.data_type(), literal: Some(&every) },
    ];
    let signature = ceil.signature(&arguments).map_err(wrong)?;
    let values = [Value::Scalar(at.clone()), Value::Scalar(every.clone())];
    let values = values.iter().zip(&signature.arguments).map(|(value, to)| cast(value, to, CastMode::Strict));
    let values = values.collect::<partita_columns::Result<Vec<_>>>()?;
    match ceil.evaluate(&values, &signature, 1, &Unlimited)? {
        Value::Scalar(scalar) => Ok(scalar),
        Value::Array(array) => Ok(Scalar::try_from_array(&array, 0)?),
    }
}
