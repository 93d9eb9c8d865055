//! What the values of a column look like, as a set that only grows.

use arrow::datatypes::{DataType, TimeUnit};

use super::super::value::{
    Manner, Numbers, PatternKind, Stamp, Unit, int, parse_date, parse_f64, parse_i64, parse_stamp, parse_u64,
};

/// The kinds of text seen in a column. Joining two sets is their union, so files and places may be looked at in
/// any order; the type is a function of the set alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    /// No value but nulls.
    pub const NONE: Kinds = Kinds(0);
    /// A word for true or false.
    pub const BOOLEAN: Kinds = Kinds(1);
    /// An integer of `i64` that is not negative.
    pub const INTEGER: Kinds = Kinds(1 << 1);
    /// A negative integer of `i64`.
    pub const NEGATIVE: Kinds = Kinds(1 << 2);
    /// An integer above `i64::MAX` that `f64` holds exactly.
    pub const UNSIGNED: Kinds = Kinds(1 << 3);
    /// An integer of 64 bits that `f64` does not hold exactly.
    pub const INEXACT: Kinds = Kinds(1 << 4);
    /// A number with a point or an exponent, NaN, infinity.
    pub const FLOAT: Kinds = Kinds(1 << 5);
    /// An ISO date.
    pub const DATE: Kinds = Kinds(1 << 6);
    /// A timestamp without a zone.
    pub const NAIVE: Kinds = Kinds(1 << 7);
    /// A timestamp with an offset.
    pub const ZONED: Kinds = Kinds(1 << 8);
    /// A timestamp or date with more than six digits of fraction.
    pub const FINE: Kinds = Kinds(1 << 9);
    /// A timestamp or date that nanoseconds since 1970 do not reach.
    pub const FAR: Kinds = Kinds(1 << 10);
    /// Anything else, an integer of more than 64 bits among it.
    pub const TEXT: Kinds = Kinds(1 << 11);
    /// Bytes that are not text in the file's encoding.
    pub const NOT_TEXT: Kinds = Kinds(1 << 12);

    const NUMBERS: Kinds =
        Kinds(Self::INTEGER.0 | Self::NEGATIVE.0 | Self::UNSIGNED.0 | Self::INEXACT.0 | Self::FLOAT.0);
    const TIMES: Kinds = Kinds(Self::DATE.0 | Self::NAIVE.0 | Self::ZONED.0 | Self::FINE.0 | Self::FAR.0);

    /// Both sets.
    #[must_use]
    pub fn union(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether the sets share a kind.
    pub fn intersects(self, other: Kinds) -> bool {
        self.0 & other.0 != 0
    }

    fn within(self, other: Kinds) -> bool {
        self.0 & !other.0 == 0
    }

    /// The kinds that a value of a type would look like.
    pub(crate) fn of_type(data_type: &DataType) -> Kinds {
        match data_type {
            DataType::Boolean => Self::BOOLEAN,
            DataType::Float32 | DataType::Float64 => Self::FLOAT,
            DataType::Date32 => Self::DATE,
            DataType::Timestamp(_, None) => Self::NAIVE,
            DataType::Timestamp(_, Some(_)) => Self::ZONED,
            other if other.is_integer() => Self::INTEGER,
            _ => Self::TEXT,
        }
    }

    /// Whether a column of these kinds is one of dates or timestamps.
    pub fn is_temporal(self) -> bool {
        self != Self::NONE && self.within(Self::TIMES) && self.data_type() != DataType::Utf8View
    }

    /// The narrowest type that holds every value seen, as it was written. Null only: text.
    ///
    /// A column with fractions is Float64, whatever its integers. Integers alone are never rounded: beyond 64 bits
    /// they are text, and negative ones beside ones above `i64::MAX` are Float64 only where every one of them is
    /// exact.
    pub fn data_type(self) -> DataType {
        if self == Self::BOOLEAN {
            DataType::Boolean
        } else if self == Self::NONE || self.intersects(Self::TEXT.union(Self::NOT_TEXT).union(Self::BOOLEAN))
        {
            DataType::Utf8View
        } else if self.within(Self::NUMBERS) {
            self.number()
        } else if self.within(Self::TIMES) {
            self.time()
        } else {
            DataType::Utf8View
        }
    }

    fn number(self) -> DataType {
        if self.intersects(Self::FLOAT) {
            return DataType::Float64;
        }
        match (
            self.intersects(Self::NEGATIVE),
            self.intersects(Self::UNSIGNED),
            self.intersects(Self::INEXACT),
        ) {
            (_, false, _) => DataType::Int64,
            (false, true, _) => DataType::UInt64,
            (true, true, false) => DataType::Float64,
            (true, true, true) => DataType::Utf8View,
        }
    }

    fn time(self) -> DataType {
        let zone =
            match (self.intersects(Self::DATE), self.intersects(Self::NAIVE), self.intersects(Self::ZONED)) {
                (_, true, true) | (true, _, true) => return DataType::Utf8View,
                (true, false, false) => return DataType::Date32,
                (false, false, true) => Some("UTC".into()),
                _ => None,
            };
        self.unit().map_or(DataType::Utf8View, |unit| DataType::Timestamp(unit, zone))
    }

    /// The unit that holds every time as written; none does where one is fine and one is far.
    fn unit(self) -> Option<TimeUnit> {
        match (self.intersects(Self::FINE), self.intersects(Self::FAR)) {
            (true, true) => None,
            (true, false) => Some(TimeUnit::Nanosecond),
            (false, _) => Some(TimeUnit::Microsecond),
        }
    }

    /// The type for dates and times of which some have an offset and some are meant in UTC.
    pub(crate) fn in_utc(self) -> Option<DataType> {
        let unit = self.unit().filter(|_| self.within(Self::TIMES))?;
        Some(DataType::Timestamp(unit, Some("UTC".into())))
    }

    /// What the values look like, in a word for an error message.
    pub(crate) fn found(self) -> String {
        if self.intersects(Self::NOT_TEXT) {
            return "not UTF-8".into();
        }
        super::super::schema_file::type_name(&self.data_type())
    }
}

const FLOAT_EXACT_MAX: u64 = 1 << 53;

/// Whether `f64` holds the integer: no more than 53 bits from its first to its last one.
pub(crate) fn is_exact(magnitude: u64) -> bool {
    magnitude <= FLOAT_EXACT_MAX || 64 - magnitude.leading_zeros() - magnitude.trailing_zeros() <= 53
}

/// What one value looks like. `text` is unescaped and not null; numbers come before truth values.
pub fn classify(text: &[u8], manner: &Manner) -> Kinds {
    if let Some(pattern) = &manner.pattern {
        return pattern.parse(text).map_or(Kinds::TEXT, |stamp| {
            let kind = match pattern.kind() {
                PatternKind::Date => Kinds::DATE,
                PatternKind::Naive => Kinds::NAIVE,
                PatternKind::Zoned => Kinds::ZONED,
            };
            time_kinds(&stamp, kind)
        });
    }
    // Numbers and times begin with one of these; all other text is a truth value or nothing.
    let first = text.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    if first.is_some_and(|byte| {
        matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b'n' | b'N' | b'i' | b'I')
    }) && let Some(kinds) = number_or_time(text, manner.numbers)
    {
        return kinds;
    }
    if manner.words.parse(text).is_some() { Kinds::BOOLEAN } else { Kinds::TEXT }
}

fn number_or_time(text: &[u8], numbers: Numbers) -> Option<Kinds> {
    let mut scratch = Vec::new();
    let number = numbers.plain(text, &mut scratch);
    if let Some(kinds) = number.and_then(whole_number) {
        return Some(kinds);
    }
    if let Some(days) = parse_date(text) {
        return Some(time_kinds(&Stamp::midnight(days), Kinds::DATE));
    }
    if let Some(stamp) = parse_stamp(text) {
        return Some(time_kinds(&stamp, if stamp.offset.is_some() { Kinds::ZONED } else { Kinds::NAIVE }));
    }
    number.and_then(parse_f64).map(|_| Kinds::FLOAT)
}

/// What an integer looks like, of any size.
pub(crate) fn whole_number(text: &[u8]) -> Option<Kinds> {
    if let Some(value) = parse_i64(text) {
        let sign = if value < 0 { Kinds::NEGATIVE } else { Kinds::INTEGER };
        return Some(if is_exact(value.unsigned_abs()) { sign } else { sign.union(Kinds::INEXACT) });
    }
    if let Some(value) = parse_u64(text) {
        return Some(if is_exact(value) { Kinds::UNSIGNED } else { Kinds::UNSIGNED.union(Kinds::INEXACT) });
    }
    int::integer_shape(text).map(|_| Kinds::TEXT)
}

fn time_kinds(stamp: &Stamp, kind: Kinds) -> Kinds {
    let fine = if stamp.fraction_digits > 6 { Kinds::FINE } else { Kinds::NONE };
    let nanoseconds = Unit::new(TimeUnit::Nanosecond).ticks(stamp.utc_seconds(), stamp.nanoseconds);
    let far = if nanoseconds.is_none() { Kinds::FAR } else { Kinds::NONE };
    kind.union(fine).union(far)
}
