//! Values as a slow reader sees them, and tables of generated ones.

use std::sync::Arc;

use partita::arrow::array::{
    Array, ArrayRef, AsArray, BinaryViewArray, BooleanArray, Date32Array, Decimal128Array, DictionaryArray,
    DurationMicrosecondArray, DurationNanosecondArray, DurationSecondArray, Float32Array, Float64Array,
    Int8Array, Int16Array, Int32Array, Int64Array, RecordBatch, RecordBatchOptions, StringViewArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
    UInt8Array, UInt16Array, UInt32Array, UInt64Array,
};
use partita::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, DurationMicrosecondType, DurationMillisecondType,
    DurationNanosecondType, DurationSecondType, Field, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::random::Random;

/// One value. Times and spans are in nanoseconds whatever the unit of their column; instants are in UTC.
#[derive(Debug, Clone)]
pub(crate) enum Cell {
    Null,
    Bool(bool),
    Int(i128),
    Float(f64),
    /// Digits and scale.
    Decimal(i128, i8),
    Text(String),
    Bytes(Vec<u8>),
    Day(i64),
    Time(i128),
    Span(i128),
    List(Vec<Cell>),
}

impl Cell {
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Cell::Null)
    }

    pub(crate) fn is_nan(&self) -> bool {
        matches!(self, Cell::Float(v) if v.is_nan())
    }
}

/// To the bit, but all NaN alike.
impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        use Cell as C;
        match (self, other) {
            (C::Null, C::Null) => true,
            (C::Bool(a), C::Bool(b)) => a == b,
            (C::Int(a), C::Int(b)) | (C::Time(a), C::Time(b)) | (C::Span(a), C::Span(b)) => a == b,
            (C::Float(a), C::Float(b)) => a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()),
            (C::Decimal(a, s), C::Decimal(b, t)) => (a, s) == (b, t),
            (C::Text(a), C::Text(b)) => a == b,
            (C::Bytes(a), C::Bytes(b)) => a == b,
            (C::Day(a), C::Day(b)) => a == b,
            (C::List(a), C::List(b)) => a == b,
            _ => false,
        }
    }
}

/// The columns of a table: each kind three times, as `i64_a`, `i64_b` and `i64_c`.
pub(crate) const KINDS: [&str; 32] = [
    "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "dec", "cents", "wide", "huge", "b",
    "t", "p", "n", "num", "dt", "tm", "bytes", "code", "d", "ts_s", "ts_ms", "ts_us", "ts_ns", "berlin",
    "york", "dur", "wall",
];

/// More kinds of spans and instants.
pub(crate) const FURTHER: [&str; 3] = ["dur_s", "dur_ns", "fixed"];

pub(crate) fn data_type(kind: &str) -> DataType {
    let time = |unit, zone: Option<&str>| DataType::Timestamp(unit, zone.map(Arc::from));
    match kind {
        "i8" => DataType::Int8,
        "i16" => DataType::Int16,
        "i32" => DataType::Int32,
        "i64" | "n" => DataType::Int64,
        "u8" => DataType::UInt8,
        "u16" => DataType::UInt16,
        "u32" => DataType::UInt32,
        "u64" => DataType::UInt64,
        "f32" => DataType::Float32,
        "f64" => DataType::Float64,
        "dec" => DataType::Decimal128(20, 3),
        "cents" => DataType::Decimal128(9, 2),
        "wide" => DataType::Decimal128(38, 10),
        "huge" => DataType::Decimal128(38, 0),
        "b" => DataType::Boolean,
        "t" | "p" | "num" | "dt" | "tm" => DataType::Utf8View,
        "bytes" => DataType::BinaryView,
        "code" => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View)),
        "d" => DataType::Date32,
        "ts_s" => time(TimeUnit::Second, None),
        "ts_ms" => time(TimeUnit::Millisecond, None),
        "ts_us" | "wall" => time(TimeUnit::Microsecond, None),
        "ts_ns" => time(TimeUnit::Nanosecond, None),
        "berlin" => time(TimeUnit::Microsecond, Some("Europe/Berlin")),
        "york" => time(TimeUnit::Second, Some("America/New_York")),
        "fixed" => time(TimeUnit::Millisecond, Some("+05:30")),
        "dur" => DataType::Duration(TimeUnit::Microsecond),
        "dur_s" => DataType::Duration(TimeUnit::Second),
        "dur_ns" => DataType::Duration(TimeUnit::Nanosecond),
        other => panic!("no kind {other}"),
    }
}

pub(crate) fn kind(column: &str) -> &str {
    column.rsplit_once('_').expect("a column of a kind").0
}

fn pick<T: Clone>(random: &mut Random, from: &[T]) -> T {
    from[random.below(from.len())].clone()
}

fn between(random: &mut Random, least: i128, most: i128) -> i128 {
    let wide = most.wrapping_sub(least).cast_unsigned() + 1;
    let drawn = (u128::from(random.next()) << 64 | u128::from(random.next())) % wide;
    least.wrapping_add(drawn.cast_signed())
}

fn integer(random: &mut Random, least: i128, most: i128) -> i128 {
    match random.below(8) {
        0 => pick(random, &[least, most, least + 1, most - 1]),
        1..=4 => between(random, (-9).max(least), 9.min(most)),
        5 => between(random, (-1000).max(least), 1000.min(most)),
        _ => between(random, least, most),
    }
}

fn float(random: &mut Random) -> f64 {
    let special =
        [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 5e-324, f64::MAX, f64::MIN, 0.5, -2.5];
    match random.below(6) {
        0 => pick(random, &special),
        1 => f64::from_bits(random.next()),
        2 | 3 => between(random, -64, 64) as f64 / 8.0,
        _ => (between(random, -1 << 60, 1 << 60) as f64) / (1_u64 << 40) as f64,
    }
}

fn text(random: &mut Random) -> String {
    let letters: Vec<char> = match random.below(4) {
        0 => "ab ,".chars().collect(),
        1 => "aéß漢😀 ,\u{301}Σς".chars().collect(),
        2 => "aA-.0'\tÉ%_\\n".chars().collect(),
        _ => "aAbBΣΣΟΔ iİß\u{2003}".chars().collect(),
    };
    let most = pick(random, &[0, 2, 5, 12, 13, 40]);
    let mut text: String = (0..random.below(most + 1)).map(|_| pick(random, &letters)).collect();
    if random.once_in(40) {
        text = text.repeat(60);
    }
    text
}

/// Digits, words and rubbish, with blanks around.
fn number_text(random: &mut Random) -> String {
    let body = match random.below(8) {
        0 => pick(random, &["", "x", "1x", "--1", "1,5", "0x10", "1e", ".", "nan", "inf", "-inf", "1 2"])
            .to_owned(),
        1 => format!("{:?}", float(random)),
        2 => format!("{}.{:02}", integer(random, -999, 999), random.below(100)),
        3 => format!("+{:03}", random.below(999)),
        _ => integer(random, i64::MIN.into(), u64::MAX.into()).to_string(),
    };
    blanks(random, body)
}

fn blanks(random: &mut Random, body: String) -> String {
    match random.below(3) {
        0 => format!(" {body}\t"),
        _ => body,
    }
}

/// The year 1 to the end of 9999.
pub(crate) const DAYS: (i128, i128) = (-719_162, 2_932_896);

fn day(random: &mut Random) -> i128 {
    match random.below(4) {
        0 => pick(random, &[DAYS.0, DAYS.1, 0, -1, 59, 60, 11_016, 11_017, -25_508]),
        1 => between(random, 0, 22_000),
        _ => between(random, DAYS.0, DAYS.1),
    }
}

const DAY_NS: i128 = 86_400_000_000_000;

/// A time whose nanoseconds are whole ticks.
fn time(random: &mut Random, days: (i128, i128), tick: i128) -> i128 {
    let within = |days: (i128, i128), random: &mut Random| between(random, days.0, days.1) * DAY_NS;
    let at = match random.below(4) {
        0 => within(days, random),
        1 => within(days, random) + DAY_NS - tick,
        2 => within(days, random) + between(random, 0, 47) * DAY_NS / 48,
        _ => within(days, random) + between(random, 0, DAY_NS - 1),
    };
    at.div_euclid(tick) * tick
}

/// Around the days on which clocks of the north are set, in the years whose rules are the same.
fn near_setting(random: &mut Random, tick: i128) -> i128 {
    let year = between(random, 2010, 2036);
    let month = pick(random, &[3, 10, 11]);
    let day = crate::calendar::days(year, month, 1) + between(random, 0, 30);
    let at = day * DAY_NS + between(random, 0, 300) * 60_000_000_000 + between(random, 0, 59_999) * 1_000_000;
    at.div_euclid(tick) * tick
}

/// Years for which [`crate::calendar`] knows when clocks are set.
const KNOWN_DAYS: (i128, i128) = (14_610, 24_470);

fn cell(kind: &str, random: &mut Random) -> Cell {
    if random.once_in(7) {
        return Cell::Null;
    }
    let int = |least: i128, most: i128, random: &mut Random| Cell::Int(integer(random, least, most));
    let decimal = |precision: u32, scale: i8, random: &mut Random| {
        let most = 10_i128.pow(precision) - 1;
        Cell::Decimal(integer(random, -most, most), scale)
    };
    match kind {
        "i8" => int(i8::MIN.into(), i8::MAX.into(), random),
        "i16" => int(i16::MIN.into(), i16::MAX.into(), random),
        "i32" => int(i32::MIN.into(), i32::MAX.into(), random),
        "i64" => int(i64::MIN.into(), i64::MAX.into(), random),
        "u8" => int(0, u8::MAX.into(), random),
        "u16" => int(0, u16::MAX.into(), random),
        "u32" => int(0, u32::MAX.into(), random),
        "u64" => int(0, u64::MAX.into(), random),
        "n" => Cell::Int(between(random, -4, 12)),
        "f32" => Cell::Float(f64::from(float(random) as f32)),
        "f64" => Cell::Float(float(random)),
        "dec" => decimal(20, 3, random),
        "cents" => decimal(9, 2, random),
        "wide" => decimal(if random.once_in(3) { 38 } else { 15 }, 10, random),
        "huge" => decimal(if random.once_in(2) { 38 } else { 28 }, 0, random),
        "b" => Cell::Bool(random.once_in(2)),
        "t" => Cell::Text(text(random)),
        "p" => {
            Cell::Text(pick(random, &["", "a", "b", "ab", " ", ",", "é", "漢", "Σ", "😀", "aa"]).to_owned())
        }
        "num" => Cell::Text(number_text(random)),
        "dt" => Cell::Text(crate::calendar::date_text(day(random), random)),
        "tm" => Cell::Text(crate::calendar::time_text(day(random), random)),
        "bytes" => Cell::Bytes(text(random).into_bytes()),
        "code" => Cell::Text(pick(random, &["", "red", "a code of more than twelve bytes", "é"]).to_owned()),
        "d" => Cell::Day(day(random) as i64),
        "ts_s" => Cell::Time(time(random, DAYS, 1_000_000_000)),
        "ts_ms" | "fixed" => Cell::Time(time(random, (DAYS.0 + 1, DAYS.1 - 1), 1_000_000)),
        "ts_us" => Cell::Time(time(random, DAYS, 1_000)),
        "ts_ns" => Cell::Time(time(random, (-106_000, 106_000), 1)),
        "berlin" if random.once_in(2) => Cell::Time(near_setting(random, 1_000)),
        "york" if random.once_in(2) => Cell::Time(near_setting(random, 1_000_000_000)),
        "wall" if random.once_in(2) => Cell::Time(near_setting(random, 1_000)),
        "berlin" | "wall" => Cell::Time(time(random, KNOWN_DAYS, 1_000)),
        "york" => Cell::Time(time(random, KNOWN_DAYS, 1_000_000_000)),
        "dur" => Cell::Span(integer(random, i64::MIN.into(), i64::MAX.into()) * 1_000),
        "dur_s" => Cell::Span(integer(random, -1 << 40, 1 << 40) * 1_000_000_000),
        "dur_ns" => Cell::Span(integer(random, i64::MIN.into(), i64::MAX.into())),
        other => panic!("no kind {other}"),
    }
}

/// Rows of generated values.
pub(crate) struct Table {
    pub(crate) columns: Vec<(String, Vec<Cell>)>,
}

/// One row of a table.
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    pub(crate) table: &'a Table,
    pub(crate) row: usize,
}

impl<'a> Row<'a> {
    pub(crate) fn get(&self, column: &str) -> &'a Cell {
        &self.table.column(column)[self.row]
    }
}

impl Table {
    pub(crate) fn new(random: &mut Random, rows: usize) -> Self {
        let names = KINDS
            .iter()
            .chain(&FURTHER)
            .flat_map(|kind| ["a", "b", "c"].map(|copy| format!("{kind}_{copy}")));
        let columns = names.map(|name| {
            let cells = (0..rows).map(|_| cell(kind(&name), random)).collect();
            (name, cells)
        });
        Self { columns: columns.collect() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.columns[0].1.len()
    }

    pub(crate) fn column(&self, name: &str) -> &[Cell] {
        let found = self.columns.iter().find(|(column, _)| column == name);
        &found.unwrap_or_else(|| panic!("no column {name}")).1
    }

    pub(crate) fn schema(names: &[String]) -> Arc<Schema> {
        let field = |name: &String| Field::new(name, data_type(kind(name)), true);
        Arc::new(Schema::new(names.iter().map(field).collect::<Vec<_>>()))
    }

    /// The rows that are wanted, of these columns, behind others, so that offsets matter.
    pub(crate) fn batch(&self, names: &[String], wanted: &[usize]) -> RecordBatch {
        let arrays = names.iter().map(|name| {
            let cells = self.column(name);
            let before = cells.iter().take(3).cloned();
            let cells: Vec<Cell> = before.chain(wanted.iter().map(|row| cells[*row].clone())).collect();
            let whole = array(&data_type(kind(name)), &cells);
            whole.slice(whole.len() - wanted.len(), wanted.len())
        });
        let options = RecordBatchOptions::new().with_row_count(Some(wanted.len()));
        RecordBatch::try_new_with_options(Self::schema(names), arrays.collect(), &options).expect("a batch")
    }
}

/// Ticks of a unit, of nanoseconds that are whole ticks.
pub(crate) fn tick_ns(unit: TimeUnit) -> i128 {
    match unit {
        TimeUnit::Second => 1_000_000_000,
        TimeUnit::Millisecond => 1_000_000,
        TimeUnit::Microsecond => 1_000,
        TimeUnit::Nanosecond => 1,
    }
}

macro_rules! integers {
    ($array:ty, $cells:expr) => {{
        let value = |cell: &Cell| match cell {
            Cell::Int(value) => Some((*value).try_into().expect("a value of the type")),
            _ => None,
        };
        Arc::new($cells.iter().map(value).collect::<$array>())
    }};
}

pub(crate) fn array(data_type: &DataType, cells: &[Cell]) -> ArrayRef {
    let ticks = |unit: TimeUnit| -> Vec<Option<i64>> {
        let tick = |cell: &Cell| match cell {
            Cell::Time(ns) | Cell::Span(ns) => Some(i64::try_from(ns / tick_ns(unit)).expect("ticks")),
            _ => None,
        };
        cells.iter().map(tick).collect()
    };
    let float = |cell: &Cell| if let Cell::Float(value) = cell { Some(*value) } else { None };
    let text = |cell: &Cell| if let Cell::Text(value) = cell { Some(value.clone()) } else { None };
    match data_type {
        DataType::Int8 => integers!(Int8Array, cells),
        DataType::Int16 => integers!(Int16Array, cells),
        DataType::Int32 => integers!(Int32Array, cells),
        DataType::Int64 => integers!(Int64Array, cells),
        DataType::UInt8 => integers!(UInt8Array, cells),
        DataType::UInt16 => integers!(UInt16Array, cells),
        DataType::UInt32 => integers!(UInt32Array, cells),
        DataType::UInt64 => integers!(UInt64Array, cells),
        DataType::Float32 => {
            Arc::new(cells.iter().map(|c| float(c).map(|v| v as f32)).collect::<Float32Array>())
        }
        DataType::Float64 => Arc::new(cells.iter().map(float).collect::<Float64Array>()),
        DataType::Decimal128(precision, scale) => {
            let digits = |cell: &Cell| if let Cell::Decimal(value, _) = cell { Some(*value) } else { None };
            let all: Decimal128Array = cells.iter().map(digits).collect();
            Arc::new(all.with_precision_and_scale(*precision, *scale).expect("decimals"))
        }
        DataType::Boolean => {
            let truth = |cell: &Cell| if let Cell::Bool(value) = cell { Some(*value) } else { None };
            Arc::new(cells.iter().map(truth).collect::<BooleanArray>())
        }
        DataType::Utf8View => Arc::new(cells.iter().map(text).collect::<StringViewArray>()),
        DataType::BinaryView => {
            let bytes = |cell: &Cell| if let Cell::Bytes(value) = cell { Some(value.clone()) } else { None };
            Arc::new(cells.iter().map(bytes).collect::<BinaryViewArray>())
        }
        DataType::Dictionary(..) => dictionary(&cells.iter().map(text).collect::<Vec<_>>()),
        DataType::Date32 => {
            let day =
                |cell: &Cell| if let Cell::Day(value) = cell { i32::try_from(*value).ok() } else { None };
            Arc::new(cells.iter().map(day).collect::<Date32Array>())
        }
        DataType::Timestamp(unit, zone) => {
            let (ticks, zone) = (ticks(*unit), zone.clone());
            match unit {
                TimeUnit::Second => Arc::new(TimestampSecondArray::from(ticks).with_timezone_opt(zone)),
                TimeUnit::Millisecond => {
                    Arc::new(TimestampMillisecondArray::from(ticks).with_timezone_opt(zone))
                }
                TimeUnit::Microsecond => {
                    Arc::new(TimestampMicrosecondArray::from(ticks).with_timezone_opt(zone))
                }
                TimeUnit::Nanosecond => {
                    Arc::new(TimestampNanosecondArray::from(ticks).with_timezone_opt(zone))
                }
            }
        }
        DataType::Duration(unit) => match unit {
            TimeUnit::Second => Arc::new(DurationSecondArray::from(ticks(*unit))),
            TimeUnit::Nanosecond => Arc::new(DurationNanosecondArray::from(ticks(*unit))),
            _ => Arc::new(DurationMicrosecondArray::from(ticks(*unit))),
        },
        other => panic!("no array of {other}"),
    }
}

/// Keys that are not in order, and a value that no key names.
fn dictionary(texts: &[Option<String>]) -> ArrayRef {
    let mut values: Vec<String> = texts.iter().flatten().cloned().collect();
    values.push("unused".to_owned());
    values.sort();
    values.dedup();
    values.reverse();
    let key = |text: &Option<String>| {
        let text = text.as_ref()?;
        values.iter().position(|value| value == text).map(|key| key as i32)
    };
    let keys: Int32Array = texts.iter().map(key).collect();
    let values: StringViewArray = values.iter().map(Some).collect();
    Arc::new(DictionaryArray::try_new(keys, Arc::new(values)).expect("a dictionary"))
}

macro_rules! read {
    ($array:expr, $type:ty, $row:expr) => {
        $array.as_primitive::<$type>().value($row)
    };
}

/// What stands in a row of an array.
pub(crate) fn at(array: &ArrayRef, row: usize) -> Cell {
    if array.is_null(row) {
        return Cell::Null;
    }
    match array.data_type() {
        DataType::Int8 => Cell::Int(read!(array, Int8Type, row).into()),
        DataType::Int16 => Cell::Int(read!(array, Int16Type, row).into()),
        DataType::Int32 => Cell::Int(read!(array, Int32Type, row).into()),
        DataType::Int64 => Cell::Int(read!(array, Int64Type, row).into()),
        DataType::UInt8 => Cell::Int(read!(array, UInt8Type, row).into()),
        DataType::UInt16 => Cell::Int(read!(array, UInt16Type, row).into()),
        DataType::UInt32 => Cell::Int(read!(array, UInt32Type, row).into()),
        DataType::UInt64 => Cell::Int(read!(array, UInt64Type, row).into()),
        DataType::Float32 => Cell::Float(read!(array, Float32Type, row).into()),
        DataType::Float64 => Cell::Float(read!(array, Float64Type, row)),
        DataType::Decimal128(_, scale) => Cell::Decimal(read!(array, Decimal128Type, row), *scale),
        DataType::Boolean => Cell::Bool(array.as_boolean().value(row)),
        DataType::Utf8View => Cell::Text(array.as_string_view().value(row).to_owned()),
        DataType::BinaryView => Cell::Bytes(array.as_binary_view().value(row).to_vec()),
        DataType::Dictionary(..) => {
            let keys = array.as_dictionary::<Int32Type>();
            at(keys.values(), keys.keys().value(row) as usize)
        }
        DataType::Date32 => Cell::Day(read!(array, Date32Type, row).into()),
        DataType::Timestamp(unit, _) => {
            let ticks = match unit {
                TimeUnit::Second => read!(array, TimestampSecondType, row),
                TimeUnit::Millisecond => read!(array, TimestampMillisecondType, row),
                TimeUnit::Microsecond => read!(array, TimestampMicrosecondType, row),
                TimeUnit::Nanosecond => read!(array, TimestampNanosecondType, row),
            };
            Cell::Time(i128::from(ticks) * tick_ns(*unit))
        }
        DataType::Duration(unit) => {
            let ticks = match unit {
                TimeUnit::Second => read!(array, DurationSecondType, row),
                TimeUnit::Millisecond => read!(array, DurationMillisecondType, row),
                TimeUnit::Microsecond => read!(array, DurationMicrosecondType, row),
                TimeUnit::Nanosecond => read!(array, DurationNanosecondType, row),
            };
            Cell::Span(i128::from(ticks) * tick_ns(*unit))
        }
        DataType::List(_) => {
            let items = array.as_list::<i32>().value(row);
            Cell::List((0..items.len()).map(|item| at(&items, item)).collect())
        }
        other => panic!("no cell of {other}"),
    }
}

pub(crate) fn cells(array: &ArrayRef) -> Vec<Cell> {
    (0..array.len()).map(|row| at(array, row)).collect()
}
