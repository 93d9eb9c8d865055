//! Time zones: what clocks show at an instant, and when clocks show a time.

use arrow::array::timezone::Tz;
use chrono::{DateTime, MappedLocalTime, NaiveDateTime, Offset, TimeZone};

use crate::error::{ErrorKind, Result};

/// Instants are looked up together with those of the same 2^14 seconds, about 4.6 hours.
const SPAN_BITS: u32 = 14;

/// Spans that are remembered.
const SPANS: usize = 64;

/// Clocks are set at most once in so many seconds around a time, and by less.
const APART_SECONDS: i64 = 2 * 86_400;

/// A time zone, with what was looked up lately.
pub(super) struct Zone {
    tz: Tz,
    /// Seconds east of UTC, where that never changes.
    fixed: Option<i64>,
    /// Offsets that hold for whole spans: the number of the span, and the seconds.
    recent: [(i64, i64); SPANS],
}

/// When clocks show a local time, in seconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Once(i64),
    /// Set back: the earlier and the later time.
    Twice(i64, i64),
    /// Set forward over it: when they were.
    Never(i64),
}

impl Zone {
    pub(super) fn new(name: &str) -> Result<Self> {
        let tz: Tz = name.parse().map_err(|_| ErrorKind::Shape(format!("there is no time zone {name:?}")))?;
        let mut zone = Self { tz, fixed: None, recent: [(i64::MIN, 0); SPANS] };
        if name == "UTC" || name.starts_with(['+', '-']) {
            zone.fixed = zone.look_up(0);
        }
        Ok(zone)
    }

    /// The zone itself, for what is written.
    pub(super) fn tz(&self) -> Tz {
        self.tz
    }

    /// Seconds east of UTC at an instant in seconds since 1970; `None` beyond the calendar, some 262,000 years away.
    #[inline]
    pub(super) fn offset(&mut self, seconds: i64) -> Option<i64> {
        if self.fixed.is_some() {
            return self.fixed;
        }
        let span = seconds >> SPAN_BITS;
        let slot = (span & (SPANS as i64 - 1)) as usize;
        match self.recent[slot] {
            (found, offset) if found == span => Some(offset),
            _ => self.learn(span, slot, seconds),
        }
    }

    #[cold]
    fn learn(&mut self, span: i64, slot: usize, seconds: i64) -> Option<i64> {
        let first = span << SPAN_BITS;
        let (begin, end) = (self.look_up(first), self.look_up(first + (1 << SPAN_BITS) - 1));
        match (begin, end) {
            (Some(begin), Some(end)) if begin == end => {
                self.recent[slot] = (span, begin);
                Some(begin)
            }
            _ => self.look_up(seconds),
        }
    }

    fn look_up(&self, seconds: i64) -> Option<i64> {
        Some(self.tz.offset_from_utc_datetime(&naive(seconds)?).fix().local_minus_utc().into())
    }

    /// When clocks show a local time, given in seconds as if it were UTC; `None` beyond the calendar.
    pub(super) fn shown(&self, local: i64) -> Option<Shown> {
        if let Some(fixed) = self.fixed {
            return Some(Shown::Once(local.checked_sub(fixed)?));
        }
        let at = |offset: i64| local - offset;
        let seconds = |offset: &<Tz as TimeZone>::Offset| i64::from(offset.fix().local_minus_utc());
        Some(match self.tz.offset_from_local_datetime(&naive(local)?) {
            MappedLocalTime::Single(offset) => Shown::Once(at(seconds(&offset))),
            MappedLocalTime::Ambiguous(a, b) => {
                let (a, b) = (at(seconds(&a)), at(seconds(&b)));
                Shown::Twice(a.min(b), a.max(b))
            }
            MappedLocalTime::None => Shown::Never(self.set_forward(local)?),
        })
    }

    /// When clocks were set forward over a local time: the first second of the later offset.
    fn set_forward(&self, local: i64) -> Option<i64> {
        let (mut before, mut behind) = (local - APART_SECONDS, local + APART_SECONDS);
        let offset = self.look_up(before)?;
        while behind - before > 1 {
            let middle = before + (behind - before) / 2;
            if self.look_up(middle)? == offset {
                before = middle;
            } else {
                behind = middle;
            }
        }
        Some(behind)
    }
}

fn naive(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc())
}
