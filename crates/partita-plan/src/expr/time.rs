//! Functions of dates, times and spans of time, as methods behind [`Expr::dt`].

use partita_columns::compute::function::time;

use super::{Expr, lit};

/// The functions of dates, times and spans of time. Parts of an instant are what clocks of its zone show. The difference
/// of two times is their subtraction, a span of time.
///
/// ```
/// use partita_plan::col;
/// let minutes = (col("dropoff") - col("pickup")).dt().total_minutes();
/// assert_eq!(minutes.to_string(), "total_minutes((dropoff - pickup))");
/// ```
#[derive(Debug, Clone)]
pub struct TimeExpr(Expr);

impl TimeExpr {
    pub(super) fn new(of: Expr) -> Self {
        Self(of)
    }

    /// The year.
    #[must_use]
    pub fn year(self) -> Expr {
        self.0.call(&time::YEAR, [])
    }

    /// The quarter, 1 to 4.
    #[must_use]
    pub fn quarter(self) -> Expr {
        self.0.call(&time::QUARTER, [])
    }

    /// The month, 1 to 12.
    #[must_use]
    pub fn month(self) -> Expr {
        self.0.call(&time::MONTH, [])
    }

    /// The day of the month, 1 to 31.
    #[must_use]
    pub fn day(self) -> Expr {
        self.0.call(&time::DAY, [])
    }

    /// The hour, 0 to 23.
    #[must_use]
    pub fn hour(self) -> Expr {
        self.0.call(&time::HOUR, [])
    }

    /// The minute of the hour.
    #[must_use]
    pub fn minute(self) -> Expr {
        self.0.call(&time::MINUTE, [])
    }

    /// The second of the minute.
    #[must_use]
    pub fn second(self) -> Expr {
        self.0.call(&time::SECOND, [])
    }

    /// Milliseconds of the second, rounded down, 0 to 999.
    #[must_use]
    pub fn millisecond(self) -> Expr {
        self.0.call(&time::MILLISECOND, [])
    }

    /// Microseconds of the second, rounded down, 0 to 999,999.
    #[must_use]
    pub fn microsecond(self) -> Expr {
        self.0.call(&time::MICROSECOND, [])
    }

    /// Nanoseconds of the second, 0 to 999,999,999.
    #[must_use]
    pub fn nanosecond(self) -> Expr {
        self.0.call(&time::NANOSECOND, [])
    }

    /// The day of the week: Monday is 0 and Sunday is 6.
    #[must_use]
    pub fn weekday(self) -> Expr {
        self.0.call(&time::WEEKDAY, [])
    }

    /// The day of the year, 1 to 366.
    #[must_use]
    pub fn day_of_year(self) -> Expr {
        self.0.call(&time::DAY_OF_YEAR, [])
    }

    /// The week of ISO 8601, 1 to 53.
    #[must_use]
    pub fn iso_week(self) -> Expr {
        self.0.call(&time::ISO_WEEK, [])
    }

    /// The year that the ISO week belongs to.
    #[must_use]
    pub fn iso_year(self) -> Expr {
        self.0.call(&time::ISO_YEAR, [])
    }

    /// Whether the year has 366 days.
    #[must_use]
    pub fn is_leap_year(self) -> Expr {
        self.0.call(&time::IS_LEAP_YEAR, [])
    }

    /// How many days the month has.
    #[must_use]
    pub fn days_in_month(self) -> Expr {
        self.0.call(&time::DAYS_IN_MONTH, [])
    }

    /// The day, as a date.
    #[must_use]
    pub fn date(self) -> Expr {
        self.0.call(&time::DATE, [])
    }

    /// When the day began, as the type of the time.
    #[must_use]
    pub fn normalize(self) -> Expr {
        self.0.call(&time::NORMALIZE, [])
    }

    /// The last boundary of a frequency that is not behind the time: a whole number and one of `ns`, `us`, `ms`, `s`,
    /// `min`, `h`, `d`, `w` (from Monday), `mo`, `q` and `y`. Boundaries are counted on local clocks, from
    /// 1970-01-01T00:00, and months from January of the year 0.
    ///
    /// ```
    /// use partita_plan::col;
    /// assert_eq!(col("at").dt().floor("15min").to_string(), "time_floor(at, '15min')");
    /// ```
    #[must_use]
    pub fn floor(self, every: &str) -> Expr {
        self.0.call(&time::TIME_FLOOR, [lit(every)])
    }

    /// The first boundary of a frequency that is not before the time; see [`TimeExpr::floor`].
    #[must_use]
    pub fn ceil(self, every: &str) -> Expr {
        self.0.call(&time::TIME_CEIL, [lit(every)])
    }

    /// The nearest boundary of a frequency, and between two the one with an even number; see [`TimeExpr::floor`].
    #[must_use]
    pub fn round(self, every: &str) -> Expr {
        self.0.call(&time::TIME_ROUND, [lit(every)])
    }

    /// As text, by strftime's letters, in English.
    ///
    /// ```
    /// use partita_plan::col;
    /// assert_eq!(col("at").dt().strftime("%d.%m.%Y").to_string(), "strftime(at, '%d.%m.%Y')");
    /// ```
    #[must_use]
    pub fn strftime(self, format: &str) -> Expr {
        self.0.call(&time::STRFTIME, [lit(format)])
    }

    /// The same instant on clocks of another zone.
    #[must_use]
    pub fn convert_zone(self, zone: &str) -> Expr {
        self.0.call(&time::CONVERT_ZONE, [lit(zone)])
    }

    /// The instant when clocks of a zone show a wall-clock time. One that they show twice or never is an error.
    #[must_use]
    pub fn localize(self, zone: &str) -> Expr {
        self.0.call(&time::LOCALIZE, [lit(zone)])
    }

    /// As [`TimeExpr::localize`]. `twice` says what a time is that clocks show twice: `error`, `earliest`, `latest` or
    /// `null`; `never` what one is that they are set forward over: `error`, `forward`, `backward` or `null`.
    #[must_use]
    pub fn localize_as(self, zone: &str, twice: &str, never: &str) -> Expr {
        self.0.call(&time::LOCALIZE, [lit(zone), lit(twice), lit(never)])
    }

    /// What clocks of its zone show, as a time without a zone.
    #[must_use]
    pub fn wall_time(self) -> Expr {
        self.0.call(&time::WALL_TIME, [])
    }

    /// How far clocks of its zone are before UTC, as a span of time.
    #[must_use]
    pub fn utc_offset(self) -> Expr {
        self.0.call(&time::UTC_OFFSET, [])
    }

    /// Days of 24 hours of a span of time, with their fraction.
    #[must_use]
    pub fn total_days(self) -> Expr {
        self.0.call(&time::TOTAL_DAYS, [])
    }

    /// Hours of a span of time, with their fraction.
    #[must_use]
    pub fn total_hours(self) -> Expr {
        self.0.call(&time::TOTAL_HOURS, [])
    }

    /// Minutes of a span of time, with their fraction.
    #[must_use]
    pub fn total_minutes(self) -> Expr {
        self.0.call(&time::TOTAL_MINUTES, [])
    }

    /// Seconds of a span of time, with their fraction.
    #[must_use]
    pub fn total_seconds(self) -> Expr {
        self.0.call(&time::TOTAL_SECONDS, [])
    }

    /// Whole milliseconds of a span of time, rounded down.
    #[must_use]
    pub fn total_milliseconds(self) -> Expr {
        self.0.call(&time::TOTAL_MILLISECONDS, [])
    }

    /// Whole microseconds of a span of time, rounded down.
    #[must_use]
    pub fn total_microseconds(self) -> Expr {
        self.0.call(&time::TOTAL_MICROSECONDS, [])
    }

    /// Whole nanoseconds of a span of time.
    #[must_use]
    pub fn total_nanoseconds(self) -> Expr {
        self.0.call(&time::TOTAL_NANOSECONDS, [])
    }
}
