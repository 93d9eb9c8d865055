//! Time zones of timestamp columns.

use arrow::array::timezone::Tz;
use chrono::{DateTime, MappedLocalTime, TimeZone};

/// A time zone: `UTC`, a name of the IANA database, or a fixed offset such as `+02:00`.
#[derive(Debug, Clone, Copy)]
pub struct Zone(Tz);

impl Zone {
    /// The zone of a name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse::<Tz>().ok().map(Self)
    }

    /// Seconds since 1970 UTC of a local time, given as if it were UTC. `None` where the clock skipped it or
    /// showed it twice.
    pub fn to_utc(self, local_seconds: i64) -> Option<i64> {
        let local = DateTime::from_timestamp(local_seconds, 0)?.naive_utc();
        match self.0.from_local_datetime(&local) {
            MappedLocalTime::Single(time) => Some(time.timestamp()),
            MappedLocalTime::Ambiguous(..) | MappedLocalTime::None => None,
        }
    }
}
