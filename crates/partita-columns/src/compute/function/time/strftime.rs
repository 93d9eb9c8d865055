//! Times written in a format.

use std::fmt::Write;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use chrono::format::{Item, Numeric, Pad, StrftimeItems};
use chrono::{DateTime, TimeZone};

use super::moments::{SECONDS_A_DAY, beyond, stored, to_local};
use super::zone::Zone;
use super::{Argument, Input, Signature, Spec, time};
use crate::calendar::civil_from_days;
use crate::compute::function::text::{Written, given_text, literal_text};
use crate::error::{ErrorKind, Result};
use crate::scalar::Value;

/// `strftime(time, format)`: as text, by strftime's letters as `chrono` has them, in English: `%Y-%m-%d %H:%M:%S`. The
/// format is a literal. Letters for the zone need a time that has one.
pub static STRFTIME: Spec = Spec {
    name: "strftime",
    arguments: (2, 2),
    common: false,
    signature: |arguments| {
        let of = time(&arguments[0])?;
        if let Some(format) = literal_text(arguments, 1, "the format")? {
            check(arguments, format)?;
        }
        Ok(Signature::new([of, DataType::Utf8View], DataType::Utf8View))
    },
    kernel: strftime,
};

/// A format, taken apart.
struct Format {
    items: Vec<Item<'static>>,
    /// The same, where it has only what is written here.
    plain: Option<Vec<Plain>>,
    /// Bytes that come out, at most.
    bytes_max: usize,
}

/// The longest thing that a letter stands for, in bytes: a whole date and time with its zone has fewer.
const LETTER_BYTES_MAX: usize = 64;

/// What is written without `chrono`, which takes several times as long.
enum Plain {
    Text(String),
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

impl Format {
    fn new(format: &str) -> Result<Self, String> {
        let items = StrftimeItems::new(format).parse_to_owned().map_err(|_| {
            format!("{format:?} is not a date format: expected strftime letters such as %Y-%m-%d %H:%M:%S")
        })?;
        let plain = items.iter().map(plain).collect();
        let bytes_max = format.len().saturating_mul(LETTER_BYTES_MAX);
        Ok(Self { items, plain, bytes_max })
    }
}

fn plain(item: &Item<'static>) -> Option<Plain> {
    Some(match item {
        Item::Literal(text) | Item::Space(text) => Plain::Text((*text).to_owned()),
        Item::OwnedLiteral(text) | Item::OwnedSpace(text) => Plain::Text(text.to_string()),
        Item::Numeric(Numeric::Year, Pad::Zero) => Plain::Year,
        Item::Numeric(Numeric::Month, Pad::Zero) => Plain::Month,
        Item::Numeric(Numeric::Day, Pad::Zero) => Plain::Day,
        Item::Numeric(Numeric::Hour, Pad::Zero) => Plain::Hour,
        Item::Numeric(Numeric::Minute, Pad::Zero) => Plain::Minute,
        Item::Numeric(Numeric::Second, Pad::Zero) => Plain::Second,
        _ => return None,
    })
}

fn check(arguments: &[Argument<'_>], format: &str) -> Result<(), String> {
    let items = Format::new(format)?.items;
    let zoned = matches!(arguments[0].data_type, DataType::Timestamp(_, Some(_)));
    let epoch = DateTime::UNIX_EPOCH;
    let mut out = String::new();
    let written = match zoned {
        true => write!(out, "{}", epoch.format_with_items(items.iter())),
        false => write!(out, "{}", epoch.naive_utc().format_with_items(items.iter())),
    };
    written.map_err(|_| format!("the format {format:?} has letters for a zone, which the time has not"))
}

fn strftime(input: &Input<'_>) -> Result<Value> {
    let column = input.column(0)?;
    let Some(format) = given_text(input, 1) else {
        return Ok(Value::Array(arrow::array::new_null_array(&DataType::Utf8View, column.len())));
    };
    let format = Format::new(format).map_err(ErrorKind::Shape)?;
    let (counts, per_second) = stored(&column)?;
    let mut zone = match column.data_type() {
        DataType::Timestamp(_, Some(zone)) => Some(Zone::new(zone)?),
        _ => None,
    };
    let mut written = Written::new(input.memory, column.len());
    for (row, &count) in counts.iter().enumerate() {
        if column.is_null(row) {
            written.null();
            continue;
        }
        written.expect(format.bytes_max)?;
        written.try_row(|out| {
            let out = out.text();
            let quick = match &format.plain {
                Some(parts) => quickly(parts, local(zone.as_mut(), count, per_second, &column, row)?, out),
                None => false,
            };
            if quick {
                return Ok(());
            }
            out.clear();
            slowly(&format.items, count, per_second, zone.as_ref(), out)
                .ok_or_else(|| beyond("strftime", &column, row))
        })?;
    }
    written.finish()
}

/// Seconds on local clocks.
fn local(zone: Option<&mut Zone>, count: i64, per_second: i64, column: &ArrayRef, row: usize) -> Result<i64> {
    let local = match zone {
        Some(zone) => to_local(zone, count, per_second).ok_or_else(|| beyond("strftime", column, row))?,
        None => count,
    };
    Ok(local.div_euclid(per_second))
}

/// Whether it was written: years of four digits are.
fn quickly(parts: &[Plain], seconds: i64, out: &mut String) -> bool {
    let Ok(day) = i32::try_from(seconds.div_euclid(SECONDS_A_DAY)) else { return false };
    let (year, month, of_month) = civil_from_days(day);
    let of_day = seconds.rem_euclid(SECONDS_A_DAY) as u32;
    let Some(year) = u32::try_from(year).ok().filter(|&year| year <= 9999) else { return false };
    for part in parts {
        match part {
            Plain::Text(text) => out.push_str(text),
            Plain::Year => {
                two(year / 100, out);
                two(year % 100, out);
            }
            Plain::Month => two(month, out),
            Plain::Day => two(of_month, out),
            Plain::Hour => two(of_day / 3_600, out),
            Plain::Minute => two(of_day / 60 % 60, out),
            Plain::Second => two(of_day % 60, out),
        }
    }
    true
}

/// Two digits.
fn two(number: u32, out: &mut String) {
    out.extend([number / 10 % 10, number % 10].map(|digit| char::from(b'0' + digit as u8)));
}

/// `None` beyond the calendar.
fn slowly(
    items: &[Item<'static>],
    count: i64,
    per_second: i64,
    zone: Option<&Zone>,
    out: &mut String,
) -> Option<()> {
    let nanoseconds = u32::try_from(count.rem_euclid(per_second) * (1_000_000_000 / per_second)).ok()?;
    let at = DateTime::from_timestamp(count.div_euclid(per_second), nanoseconds)?.naive_utc();
    match zone {
        Some(zone) => write!(out, "{}", zone.tz().from_utc_datetime(&at).format_with_items(items.iter())),
        None => write!(out, "{}", at.format_with_items(items.iter())),
    }
    .ok()
}
