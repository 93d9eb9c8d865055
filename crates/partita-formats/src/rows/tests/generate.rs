//! Batches of every kind of column, from a number.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int64Array, ListArray, RecordBatch, StringArray, StringViewArray, StructArray, TimestampMicrosecondArray,
    TimestampNanosecondArray, UInt64Array,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{Field, Schema};

/// A sequence of numbers (SplitMix64).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize].clone()
    }

    /// A column of so many values, a fifth of them null.
    fn column<T>(&mut self, rows: usize, mut value: impl FnMut(&mut Self) -> T) -> Vec<Option<T>> {
        (0..rows).map(|_| if self.below(5) == 0 { None } else { Some(value(self)) }).collect()
    }

    fn nulls(&mut self, rows: usize) -> NullBuffer {
        (0..rows).map(|_| self.below(5) > 0).collect::<Vec<_>>().into()
    }

    fn text(&mut self) -> String {
        let pieces = [
            "",
            "a",
            "text that is longer than a view",
            "\"",
            "\\",
            "\n",
            "\r",
            "\t",
            "\u{0}",
            "\u{1f}",
            "ä",
            "日本",
            "😀",
            "\u{2028}",
            "/",
            "{",
            "null",
            "12",
        ];
        (0..self.below(4)).map(|_| self.pick(&pieces)).collect()
    }

    fn int(&mut self) -> i64 {
        let random = self.next().cast_signed();
        self.pick(&[0, 1, -1, i64::MIN, i64::MAX, 1 << 53, (1 << 53) + 1, random, random >> 40])
    }

    fn float(&mut self) -> f64 {
        let random = f64::from_bits(self.next());
        let random = if random.is_finite() { random } else { 0.1 };
        self.pick(&[0.0, -0.0, 1.0, 0.1, f64::MAX, f64::MIN_POSITIVE, 5e-324, -1e-7, 1e23, random])
    }

    /// Ticks of a timestamp of the years 1 to 9999 where `scale` of them are a second.
    fn ticks(&mut self, scale: i64) -> i64 {
        let (first, last) = (-62_135_596_800_i64, 253_402_300_799_i64);
        let span = (last - first).min(i64::MAX / scale / 2);
        let start = if span == last - first { first } else { -span / 2 };
        let second = start + (self.below(span as u64)) as i64;
        let fraction = self.below(scale as u64) as i64;
        second * scale + self.pick(&[0, fraction, fraction / 1000 * 1000])
    }
}

fn list(
    numbers: &mut Numbers,
    rows: usize,
    values: impl FnOnce(&mut Numbers, usize) -> ArrayRef,
) -> ArrayRef {
    let lengths: Vec<usize> = (0..rows).map(|_| numbers.below(4) as usize).collect();
    let values = values(numbers, lengths.iter().sum());
    let field = Arc::new(Field::new("item", values.data_type().clone(), true));
    let nulls = numbers.nulls(rows);
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths), values, Some(nulls)))
}

fn nested(numbers: &mut Numbers, rows: usize) -> ArrayRef {
    let ints: ArrayRef = Arc::new(Int64Array::from(numbers.column(rows, Numbers::int)));
    let texts: ArrayRef = Arc::new(StringViewArray::from(numbers.column(rows, Numbers::text)));
    let inner = list(numbers, rows, |numbers, rows| {
        Arc::new(Float64Array::from(numbers.column(rows, Numbers::float)))
    });
    let fields = [("n", &ints), ("t \"x\"", &texts), ("l", &inner)]
        .map(|(name, column)| Field::new(name, column.data_type().clone(), true));
    let nulls = numbers.nulls(rows);
    Arc::new(StructArray::new(fields.to_vec().into(), vec![ints, texts, inner], Some(nulls)))
}

/// So many rows.
pub(crate) fn batch(seed: u64, rows: usize) -> RecordBatch {
    let mut numbers = Numbers(seed);
    let n = &mut numbers;
    let small = n.column(rows, |n| n.int() as i8);
    let unsigned = n.column(rows, Numbers::next);
    let singles = n.column(rows, |n| n.float() as f32).into_iter();
    let singles: Vec<_> = singles.map(|value| value.filter(|value| value.is_finite())).collect();
    let days = n.column(rows, |n| n.below(3_652_059) as i32 - 719_162);
    let decimals = n.column(rows, |n| i128::from(n.int()) * 1_000);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("int", Arc::new(Int64Array::from(n.column(rows, Numbers::int)))),
        ("small", Arc::new(Int8Array::from(small))),
        ("unsigned", Arc::new(UInt64Array::from(unsigned))),
        ("float", Arc::new(Float64Array::from(n.column(rows, Numbers::float)))),
        ("single", Arc::new(Float32Array::from(singles))),
        ("bool", Arc::new(BooleanArray::from(n.column(rows, |n| n.below(2) == 1)))),
        ("text", Arc::new(StringViewArray::from(n.column(rows, Numbers::text)))),
        ("plain", Arc::new(StringArray::from(n.column(rows, Numbers::text)))),
        ("bytes", Arc::new(BinaryArray::from_iter(n.column(rows, Numbers::text)))),
        ("day", Arc::new(Date32Array::from(days))),
        ("stamp", Arc::new(TimestampMicrosecondArray::from(n.column(rows, |n| n.ticks(1_000_000))))),
        (
            "zoned",
            Arc::new(
                TimestampNanosecondArray::from(n.column(rows, |n| n.ticks(1_000_000_000)))
                    .with_timezone("UTC"),
            ),
        ),
        ("decimal", Arc::new(Decimal128Array::from(decimals).with_precision_and_scale(25, 3).unwrap())),
        ("list", list(n, rows, nested)),
        ("struct", nested(n, rows)),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, column)| Field::new(*name, column.data_type().clone(), true)).collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}
