//! `loc`: rows by the value of the index. It is a filter, and the choice of the partitions that may have such rows.

mod period;

use std::ops::{Bound, Range, RangeFrom, RangeInclusive, RangeTo, RangeToInclusive};
use std::sync::Arc;

use arrow::datatypes::DataType;
use partita_columns::Scalar;

use self::period::Period;
use crate::error::{ErrorKind, Result};
use crate::expr::{Expr, col};
use crate::node::{Filter, Partitions, PlanRef, Span};

/// Which values of the index: one, those of a range, or any of a list. Text stands for a time where the index is one; of a
/// year, a month, a day, an hour, a minute or a second it stands for the whole of it.
#[derive(Debug, Clone, PartialEq)]
pub enum Loc {
    /// Any of these.
    Any(Vec<Scalar>),
    /// Those between two ends.
    Within(Bound<Scalar>, Bound<Scalar>),
}

macro_rules! one_value {
    ($($of:ty),+) => {
        $(impl From<$of> for Loc {
            fn from(value: $of) -> Self {
                Loc::Any(vec![value.into()])
            }
        })+
    };
}

one_value!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64, bool, &str, String, Scalar);

impl<T: Into<Scalar>> From<Vec<T>> for Loc {
    fn from(values: Vec<T>) -> Self {
        Loc::Any(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Scalar>, const N: usize> From<[T; N]> for Loc {
    fn from(values: [T; N]) -> Self {
        Loc::Any(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Scalar>> From<Range<T>> for Loc {
    fn from(range: Range<T>) -> Self {
        Loc::Within(Bound::Included(range.start.into()), Bound::Excluded(range.end.into()))
    }
}

impl<T: Into<Scalar>> From<RangeInclusive<T>> for Loc {
    fn from(range: RangeInclusive<T>) -> Self {
        let (from, until) = range.into_inner();
        Loc::Within(Bound::Included(from.into()), Bound::Included(until.into()))
    }
}

impl<T: Into<Scalar>> From<RangeFrom<T>> for Loc {
    fn from(range: RangeFrom<T>) -> Self {
        Loc::Within(Bound::Included(range.start.into()), Bound::Unbounded)
    }
}

impl<T: Into<Scalar>> From<RangeTo<T>> for Loc {
    fn from(range: RangeTo<T>) -> Self {
        Loc::Within(Bound::Unbounded, Bound::Excluded(range.end.into()))
    }
}

impl<T: Into<Scalar>> From<RangeToInclusive<T>> for Loc {
    fn from(range: RangeToInclusive<T>) -> Self {
        Loc::Within(Bound::Unbounded, Bound::Included(range.end.into()))
    }
}

/// The rows of `input` at some values of its index, of the partitions that may have them.
///
/// # Errors
/// Where the frame has no index, and where a value is none of its type.
pub fn locate(input: PlanRef, loc: &Loc) -> Result<PlanRef> {
    let divisions = input.divisions();
    let Some(index) = divisions.column() else {
        let message = "loc: the frame has no index; give it one with set_index(..), compute_divisions(..) or \
                       read_parquet(..).index(..), or ask any column with filter(..)";
        return Err(ErrorKind::Option(message.into()).into());
    };
    let data_type = input.schema().field(super::node::position(input.schema(), index)?).data_type().clone();
    let spans = spans(loc, &data_type)?;
    let predicate = predicate(index, &spans);
    let matching = spans.iter().map(|span| divisions.matching(span)).collect::<Option<Vec<_>>>();
    let all = 0..input.partitions();
    let wanted = matching.map_or_else(|| all.clone(), |ranges| hull(&ranges));
    // One partition at least: a frame has one.
    let wanted = if wanted.is_empty() { 0..1.min(all.end) } else { wanted };
    let picked = if wanted == all { input } else { Partitions::plan(Arc::clone(&input), wanted)? };
    Filter::plan(picked, predicate)
}

/// Where `value` begins beside a column of `data_type`: text of a part of a date is its first moment.
pub(crate) fn start_of(value: &Scalar, data_type: &DataType) -> Result<Scalar> {
    Ok(Period::of(value, data_type)?.start)
}

/// The partitions from the first to the last of some ranges.
fn hull(ranges: &[Range<usize>]) -> Range<usize> {
    let filled = || ranges.iter().filter(|range| !range.is_empty());
    let start = filled().map(|range| range.start).min().unwrap_or(0);
    start..filled().map(|range| range.end).max().unwrap_or(0)
}

/// The spans of values that are meant of an index of `data_type`.
fn spans(loc: &Loc, data_type: &DataType) -> Result<Vec<Span>> {
    match loc {
        Loc::Any(values) => values.iter().map(|value| Ok(Period::of(value, data_type)?.span())).collect(),
        Loc::Within(from, until) => {
            let from = match from {
                Bound::Included(from) => Bound::Included(Period::of(from, data_type)?.start),
                Bound::Excluded(from) => Period::of(from, data_type)?.beyond(),
                Bound::Unbounded => Bound::Unbounded,
            };
            let until = match until {
                Bound::Included(until) => Period::of(until, data_type)?.span().1,
                Bound::Excluded(until) => Bound::Excluded(Period::of(until, data_type)?.start),
                Bound::Unbounded => Bound::Unbounded,
            };
            Ok(vec![(from, until)])
        }
    }
}

/// What is true of rows whose index is in one of the spans.
pub(crate) fn predicate(index: &str, spans: &[Span]) -> Expr {
    let one = |span: &Span| match span {
        (Bound::Included(from), Bound::Included(until)) if from == until => Some(from.clone()),
        _ => None,
    };
    if let Some(values) = spans.iter().map(one).collect::<Option<Vec<Scalar>>>() {
        return match values.as_slice() {
            [value] => col(index).eq(Expr::Literal(value.clone())),
            _ => col(index).is_in(values),
        };
    }
    let within = |(from, until): &Span| {
        let from = match from {
            Bound::Included(from) => Some(col(index).gt_eq(Expr::Literal(from.clone()))),
            Bound::Excluded(from) => Some(col(index).gt(Expr::Literal(from.clone()))),
            Bound::Unbounded => None,
        };
        let until = match until {
            Bound::Included(until) => Some(col(index).lt_eq(Expr::Literal(until.clone()))),
            Bound::Excluded(until) => Some(col(index).lt(Expr::Literal(until.clone()))),
            Bound::Unbounded => None,
        };
        match (from, until) {
            (Some(from), Some(until)) => from.and(until),
            (from, until) => from.or(until).unwrap_or_else(|| col(index).is_not_null()),
        }
    };
    let mut spans = spans.iter().map(within).collect::<Vec<_>>();
    if spans.len() == 1 { spans.remove(0) } else { Expr::Or(spans) }
}
