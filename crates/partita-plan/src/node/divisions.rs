//! How a frame is cut by its index.

use std::cmp::Ordering;
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::Arc;

use partita_columns::Scalar;
use partita_tasks::interpret::Fence;

use crate::error::{ErrorKind, Result};

/// Pairs of partitions that an error names at most.
const PAIRS_MAX: usize = 5;

/// The bounds of a frame's partitions by its index. Sources of CSV know none, those of Parquet find them in statistics;
/// operators keep or drop them by an explicit rule.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Divisions {
    /// No index, or bounds that nobody has established.
    Unknown,
    /// The rows of each partition lie between two of these values of a column.
    Known {
        /// The index.
        column: String,
        /// Where each partition begins, ascending, and where the last one ends: one more than there are partitions. A
        /// partition has the values from its own bound to below the next, the last one those up to its end, which is in
        /// it. No value is in two partitions, and null and NaN are in none; a partition whose bounds are equal is empty.
        values: Arc<[Scalar]>,
    },
    /// The rows are in order of a column, and no value of it is in two partitions; where partitions begin is found out when they are
    /// computed: `persist()` knows it.
    Pending {
        /// The index.
        column: String,
    },
}

/// A part of the values of an index, in their order.
pub type Span = (Bound<Scalar>, Bound<Scalar>);

impl Divisions {
    /// Bounds that somebody gives: one more than there are partitions.
    ///
    /// # Errors
    /// Where they are fewer than two, not ascending, or null or NaN.
    pub fn known(column: &str, values: Vec<Scalar>) -> Result<Self> {
        let wrong = |message: String| Err(ErrorKind::Option(format!("divisions: {message}")).into());
        if values.len() < 2 {
            return wrong(format!("expected at least two values, got {}", values.len()));
        }
        if let Some(value) = values.iter().find(|value| has_no_place(value)) {
            return wrong(format!("{value} has no place in an order"));
        }
        for pair in values.windows(2) {
            match pair[0].compare(&pair[1]) {
                Some(Ordering::Less | Ordering::Equal) => {}
                Some(Ordering::Greater) => {
                    return wrong(format!("expected ascending values, got {} before {}", pair[0], pair[1]));
                }
                None => return wrong(format!("{} and {} have no common order", pair[0], pair[1])),
            }
        }
        Ok(Divisions::Known { column: column.to_owned(), values: values.into() })
    }

    /// Those of partitions with these least and greatest values of `column`; `None`: a partition without rows.
    ///
    /// # Errors
    /// Where a partition does not begin above the end of the one before, which are named, and where no partition has a
    /// row.
    pub fn of_bounds(column: &str, bounds: &[Option<(Scalar, Scalar)>]) -> Result<Self> {
        let filled =
            bounds.iter().enumerate().filter_map(|(number, bounds)| Some((number, bounds.as_ref()?)));
        let filled: Vec<(usize, &(Scalar, Scalar))> = filled.collect();
        let Some((last_filled, last)) = filled.last() else {
            let message = format!("the frame has no row, so {column:?} has no value that could be a bound");
            return Err(ErrorKind::Option(message).into());
        };
        let is_apart = |pair: &[(usize, &(Scalar, Scalar))]| {
            pair[0].1.1.compare(&pair[1].1.0).is_some_and(Ordering::is_lt)
        };
        let together: Vec<String> =
            filled.windows(2).filter(|pair| !is_apart(pair)).map(shown_pair).collect();
        if !together.is_empty() {
            return Err(overlap(column, &together));
        }
        // Empty partitions begin where the next one with rows does, or beyond all.
        let empty_behind = last_filled + 1 < bounds.len();
        let end = if empty_behind { successor(&last.1) } else { Some(last.1.clone()) };
        let Some(end) = end else {
            let message = format!(
                "no value of {column:?} is greater than {}, and empty partitions are behind it",
                last.1
            );
            return Err(ErrorKind::Option(message).into());
        };
        let mut values = vec![end.clone()];
        for bounds in bounds.iter().rev() {
            let next = values.last().unwrap_or(&end).clone();
            values.push(bounds.as_ref().map_or(next, |(least, _)| least.clone()));
        }
        values.reverse();
        Ok(Divisions::Known { column: column.to_owned(), values: values.into() })
    }

    /// The same, where they were pending and the index is known now, frame by frame of each partition. Unknown where rows are among them
    /// that have no place. They stay pending where there is no row, and where empty partitions are behind the greatest value that
    /// there is.
    #[must_use]
    pub fn found(self, fences: &[Arc<[Fence]>]) -> Self {
        let Divisions::Pending { column } = &self else { return self };
        let ends = |fences: &Arc<[Fence]>| match (fences.first(), fences.last()) {
            (Some(first), Some(last)) => Some(Some((first.as_ref()?.0.clone(), last.as_ref()?.1.clone()))),
            _ => Some(None),
        };
        let Some(ends) = fences.iter().map(ends).collect::<Option<Vec<_>>>() else {
            return Divisions::Unknown;
        };
        let mut filled = ends.iter().flatten().peekable();
        if filled.peek().is_none() {
            return self;
        }
        if filled.any(|(first, last)| has_no_place(first) || has_no_place(last)) {
            return Divisions::Unknown;
        }
        match Divisions::of_bounds(column, &ends) {
            Ok(known) => known,
            Err(_) => self,
        }
    }

    /// The index, where there is one.
    pub fn column(&self) -> Option<&str> {
        match self {
            Divisions::Known { column, .. } | Divisions::Pending { column } => Some(column),
            Divisions::Unknown => None,
        }
    }

    /// The bounds, where they are known: one more than there are partitions.
    pub fn values(&self) -> Option<&[Scalar]> {
        match self {
            Divisions::Known { values, .. } => Some(values),
            Divisions::Unknown | Divisions::Pending { .. } => None,
        }
    }

    /// Whether the bounds are known.
    pub fn is_known(&self) -> bool {
        self.values().is_some()
    }

    /// The partitions that may have values of a span: consecutive ones; `None` where that is not known.
    pub fn matching(&self, span: &Span) -> Option<Range<usize>> {
        let values = self.values()?;
        let partitions = values.len().checked_sub(1)?;
        let (from, until) = span;
        let is_alien = |end: &Bound<Scalar>| match end {
            Bound::Included(end) | Bound::Excluded(end) => end.compare(&values[0]).is_none(),
            Bound::Unbounded => false,
        };
        if is_alien(from) || is_alien(until) {
            return None;
        }
        // Partitions that end before the span, and those that begin before its end.
        let ended = |from: &Scalar| {
            let ends = values.get(1..partitions).unwrap_or_default();
            ends.iter().take_while(|end| is_at_most(end, from)).count()
        };
        let begin = match from {
            Bound::Unbounded => 0,
            Bound::Included(from) if !is_at_most(from, &values[partitions]) => partitions,
            Bound::Excluded(from) if !is_below(from, &values[partitions]) => partitions,
            Bound::Included(from) | Bound::Excluded(from) => ended(from),
        };
        let begins = values.get(..partitions)?;
        let end = match until {
            Bound::Unbounded => partitions,
            Bound::Included(until) => begins.iter().take_while(|begin| is_at_most(begin, until)).count(),
            Bound::Excluded(until) => begins.iter().take_while(|begin| is_below(begin, until)).count(),
        };
        Some(begin.min(end)..end)
    }

    /// The same under another name of the index.
    #[must_use]
    pub fn renamed(self, name: String) -> Self {
        match self {
            Divisions::Known { values, .. } => Divisions::Known { column: name, values },
            Divisions::Pending { .. } => Divisions::Pending { column: name },
            Divisions::Unknown => Divisions::Unknown,
        }
    }

    /// The same, where the index is still a column.
    #[must_use]
    pub fn among(self, is_column: impl FnOnce(&str) -> bool) -> Self {
        match self.column() {
            Some(column) if !is_column(column) => Divisions::Unknown,
            _ => self,
        }
    }

    /// Those of some consecutive partitions. The last of them ends where the next would begin.
    #[must_use]
    pub fn of(self, wanted: &Range<usize>) -> Self {
        match self {
            Divisions::Known { column, values } if !wanted.is_empty() => {
                match values.get(wanted.start..wanted.end.saturating_add(1)) {
                    Some(some) => Divisions::Known { column, values: some.into() },
                    None => Divisions::Unknown,
                }
            }
            Divisions::Pending { column } if !wanted.is_empty() => Divisions::Pending { column },
            _ => Divisions::Unknown,
        }
    }
}

impl fmt::Display for Divisions {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Divisions::Unknown => out.write_str("unknown"),
            Divisions::Pending { column } => write!(out, "pending on {column}"),
            Divisions::Known { column, values } => {
                write!(out, "by {column}")?;
                match (values.first(), values.last()) {
                    (Some(first), Some(last)) => write!(out, ", from {first} to {last}"),
                    _ => Ok(()),
                }
            }
        }
    }
}

/// Null and NaN are no bounds.
fn has_no_place(value: &Scalar) -> bool {
    value.is_null() || matches!(value, Scalar::Float64(value) if value.is_nan())
}

fn is_at_most(one: &Scalar, other: &Scalar) -> bool {
    one.compare(other).is_some_and(Ordering::is_le)
}

fn is_below(one: &Scalar, other: &Scalar) -> bool {
    one.compare(other).is_some_and(Ordering::is_lt)
}

fn shown_pair(pair: &[(usize, &(Scalar, Scalar))]) -> String {
    let ((one, (_, end)), (other, (begin, _))) = (pair[0], pair[1]);
    format!("{one} ends at {end} and {other} begins at {begin}")
}

fn overlap(column: &str, pairs: &[String]) -> crate::Error {
    let more = match pairs.len().saturating_sub(PAIRS_MAX) {
        0 => String::new(),
        more => format!("; {more} more pairs"),
    };
    let shown = pairs.get(..PAIRS_MAX.min(pairs.len())).unwrap_or_default().join("; ");
    let message = format!(
        "the partitions overlap by {column:?}: {shown}{more}; a value may be in one partition only: sort the rows by it, as set_index({column:?}) does"
    );
    ErrorKind::Option(message).into()
}

/// The least value of the same kind above one, where there is one.
pub fn successor(value: &Scalar) -> Option<Scalar> {
    Some(match value {
        Scalar::Boolean(false) => Scalar::Boolean(true),
        Scalar::Int64(value) => Scalar::Int64(value.checked_add(1)?),
        Scalar::UInt64(value) => Scalar::UInt64(value.checked_add(1)?),
        Scalar::Float64(value) if *value < f64::INFINITY => Scalar::Float64(value.next_up()),
        Scalar::Utf8(text) => Scalar::Utf8(format!("{text}\0")),
        Scalar::Binary(bytes) => Scalar::Binary(bytes.iter().copied().chain([0]).collect()),
        Scalar::Date32(days) => Scalar::Date32(days.checked_add(1)?),
        Scalar::Timestamp(value, unit, zone) => {
            Scalar::Timestamp(value.checked_add(1)?, *unit, zone.as_ref().map(Arc::clone))
        }
        Scalar::Duration(value, unit) => Scalar::Duration(value.checked_add(1)?, *unit),
        Scalar::Decimal128(value, precision, scale) => {
            Scalar::Decimal128(value.checked_add(1)?, *precision, *scale)
        }
        _ => return None,
    })
}
