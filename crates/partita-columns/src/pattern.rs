//! Dates and timestamps in a given format, and what text says of a time.

use chrono::format::{Fixed, Item, Numeric, Parsed, StrftimeItems, parse};
use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};

const SECONDS_A_DAY: i64 = 86_400;

/// A point in time as written: a local time, and the offset where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Seconds since 1970 of the written clock time, as if it were UTC.
    pub seconds: i64,
    /// Nanoseconds in the second.
    pub nanoseconds: u32,
    /// Digits of the fraction that were written.
    pub fraction_digits: u8,
    /// Seconds east of UTC, where an offset or `Z` was written.
    pub offset: Option<i32>,
    /// Only a date was written.
    pub date_only: bool,
}

impl Stamp {
    /// Midnight at the start of a day.
    pub fn midnight(days: i32) -> Self {
        Self {
            seconds: i64::from(days) * SECONDS_A_DAY,
            nanoseconds: 0,
            fraction_digits: 0,
            offset: None,
            date_only: true,
        }
    }

    /// Seconds since 1970 UTC; of a stamp without an offset, the clock time itself.
    pub fn utc_seconds(&self) -> i64 {
        self.seconds - i64::from(self.offset.unwrap_or(0))
    }
}

/// What a format's text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatternKind {
    /// A date.
    Date,
    /// A date and a time.
    Naive,
    /// A date and a time with an offset from UTC, or seconds since 1970.
    Zoned,
}

/// A compiled date format: `strftime` letters, as `chrono` has them (`%d/%m/%Y %H:%M`).
#[derive(Debug, Clone)]
pub struct Pattern {
    items: Vec<Item<'static>>,
    kind: PatternKind,
}

impl Pattern {
    /// Compiles a format.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn new(format: &str) -> Result<Self, String> {
        let items = StrftimeItems::new(format).parse_to_owned().map_err(|_| {
            format!("{format:?} is not a date format: expected strftime letters such as %Y-%m-%d %H:%M:%S")
        })?;
        let kind = kind(&items).ok_or_else(|| {
            format!("date format {format:?} has no date: expected letters such as %Y, %m and %d")
        })?;
        Ok(Self { items, kind })
    }

    /// What the format's text holds.
    pub fn kind(&self) -> PatternKind {
        self.kind
    }

    /// The date or time that `text` spells; `None` where it does not follow the format, or is not a date.
    pub fn parse(&self, text: &[u8]) -> Option<Stamp> {
        let text = std::str::from_utf8(text).ok()?.trim_matches([' ', '\t']);
        let mut parsed = Parsed::new();
        parse(&mut parsed, text, self.items.iter()).ok()?;
        match self.kind {
            PatternKind::Date => Some(Stamp::midnight(days(parsed.to_naive_date().ok()?)?)),
            PatternKind::Naive => stamp(parsed.to_naive_date().ok()?, parsed.to_naive_time().ok()?, None),
            PatternKind::Zoned if parsed.timestamp().is_some() => {
                let time = parsed.to_naive_datetime_with_offset(0).ok()?;
                stamp(time.date(), time.time(), Some(0))
            }
            PatternKind::Zoned => {
                let time = parsed.to_datetime().ok()?;
                let local = time.naive_local();
                stamp(local.date(), local.time(), Some(time.offset().local_minus_utc()))
            }
        }
    }
}

fn days(date: NaiveDate) -> Option<i32> {
    // Years of more than four digits are beyond what dates and timestamps promise.
    (1..=9999).contains(&date.year()).then(|| date.num_days_from_ce() - 719_163)
}

fn stamp(date: NaiveDate, time: NaiveTime, offset: Option<i32>) -> Option<Stamp> {
    let mut stamp = Stamp::midnight(days(date)?);
    stamp.date_only = false;
    stamp.seconds += i64::from(time.num_seconds_from_midnight());
    // A leap second is written as nanoseconds of 1e9 and more: no other clock can hold it.
    stamp.nanoseconds = (time.nanosecond() < 1_000_000_000).then(|| time.nanosecond())?;
    stamp.fraction_digits = if stamp.nanoseconds.is_multiple_of(1_000) { 6 } else { 9 };
    stamp.offset = offset;
    Some(stamp)
}

fn kind(items: &[Item<'static>]) -> Option<PatternKind> {
    let (mut date, mut time, mut zone) = (false, false, false);
    for item in items {
        match item {
            Item::Numeric(Numeric::Timestamp, _) => (date, time, zone) = (true, true, true),
            Item::Numeric(
                Numeric::Year
                | Numeric::YearMod100
                | Numeric::IsoYear
                | Numeric::IsoYearMod100
                | Numeric::YearDiv100,
                _,
            ) => date = true,
            Item::Numeric(Numeric::Hour | Numeric::Hour12, _) => time = true,
            Item::Fixed(Fixed::RFC2822 | Fixed::RFC3339) => (date, time, zone) = (true, true, true),
            Item::Fixed(
                Fixed::TimezoneOffset
                | Fixed::TimezoneOffsetColon
                | Fixed::TimezoneOffsetDoubleColon
                | Fixed::TimezoneOffsetTripleColon
                | Fixed::TimezoneOffsetColonZ
                | Fixed::TimezoneOffsetZ,
            ) => zone = true,
            Item::Fixed(Fixed::Internal(_)) => {
                zone |= StrftimeItems::new("%#z").next().as_ref() == Some(item);
            }
            _ => {}
        }
    }
    match (date, time, zone) {
        (false, ..) => None,
        (true, true, true) => Some(PatternKind::Zoned),
        (true, true, false) => Some(PatternKind::Naive),
        (true, false, _) => Some(PatternKind::Date),
    }
}
