//! Parquet files by formula for the operators, and sums over whatever columns come out.

use std::path::Path;
use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use partita::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, Int64Builder, ListBuilder, RecordBatch, StringArray,
    StructArray, TimestampMicrosecondArray,
};
use partita::arrow::compute::cast;
use partita::arrow::datatypes::{DataType, Decimal128Type, Field, Float64Type, Int64Type, UInt64Type};

/// Rows of the file that is one row group: about 140 bytes each in memory.
pub(crate) const LARGE_ROWS: i64 = 2_000_000;
/// Files of the folder, and rows of each.
pub(crate) const FILES: i64 = 8;
pub(crate) const FILE_ROWS: i64 = 30_000;

/// A number that looks like chance.
fn mixed(row: i64) -> u64 {
    let mixed = row.cast_unsigned().wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed ^ mixed >> 29).wrapping_mul(0xBF58_476D_1CE4_E5B9) >> 8
}

/// The number of a row; `None` is a missing one.
pub(crate) fn number(row: i64) -> Option<i64> {
    let mixed = mixed(row);
    (!mixed.is_multiple_of(23)).then_some((mixed % 2_000_003) as i64 - 1_000_000)
}

fn batch(rows: std::ops::Range<i64>, nested: bool) -> RecordBatch {
    let each = || rows.clone();
    let word = |row: i64| format!("word {:04} {}", mixed(row) % 1000, "and more ".repeat(12));
    let inner: ArrayRef = Arc::new(each().map(number).collect::<Int64Array>());
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from_iter_values(each()))),
        ("n", Arc::clone(&inner)),
        ("x", Arc::new(Float64Array::from_iter_values(each().map(|row| mixed(row) as f64 / 4096.0)))),
        (
            "text",
            Arc::new(StringArray::from_iter_values(
                each().map(|row| format!("t {:08}", mixed(row) % 100_000_000)),
            )),
        ),
        ("word", Arc::new(StringArray::from_iter_values(each().map(word)))),
        ("at", Arc::new(TimestampMicrosecondArray::from_iter_values(each().map(|row| row * 61_000_000)))),
    ];
    if nested {
        let mut lists = ListBuilder::new(Int64Builder::new());
        for row in each() {
            lists.append_value((0..mixed(row) % 5).map(|at| Some(row + at as i64)));
        }
        columns.push(("list", Arc::new(lists.finish())));
        let fields = [("a", DataType::Int64), ("b", DataType::Utf8)];
        let fields = fields.map(|(name, data_type)| Field::new(name, data_type, true));
        let parts = StructArray::new(fields.to_vec().into(), vec![inner, Arc::clone(&columns[3].1)], None);
        columns.push(("pair", Arc::new(parts)));
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)))
        .unwrap()
}

/// One file with one row group, and a folder of others.
pub(crate) fn write(folder: &Path) {
    write_file(&folder.join("large.parquet"), 0..LARGE_ROWS, true);
    let parts = folder.join("parts");
    std::fs::create_dir(&parts).unwrap();
    for file in 0..FILES {
        let path = parts.join(format!("{file}.parquet"));
        write_file(&path, file * FILE_ROWS..(file + 1) * FILE_ROWS, false);
    }
}

fn write_file(path: &Path, rows: std::ops::Range<i64>, nested: bool) {
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(usize::MAX)).build();
    let file = std::fs::File::create(path).unwrap();
    let schema = batch(0..0, nested).schema();
    let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).unwrap();
    let step = 50_000;
    for start in rows.clone().step_by(usize::try_from(step).unwrap()) {
        writer.write(&batch(start..(start + step).min(rows.end), nested)).unwrap();
    }
    writer.close().unwrap();
}

/// A sum a column over its values in order, wherever batches end.
#[derive(Default, Clone)]
pub(crate) struct Sums {
    rows: usize,
    of: Vec<u64>,
}

impl Sums {
    pub(crate) fn add(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows();
        let mut at = 0;
        batch.columns().iter().for_each(|column| self.column(column, &mut at));
    }

    pub(crate) fn show(&self) -> String {
        let all = self.of.iter().fold(7, |all: u64, sum| step(all, *sum));
        format!("{} rows {all:016x}", self.rows)
    }

    fn column(&mut self, column: &ArrayRef, at: &mut usize) {
        let place = *at;
        *at += 1;
        self.of.resize(self.of.len().max(*at), 0);
        let mut sum = self.of[place];
        let value = |row: usize, value: u64| if column.is_valid(row) { value } else { u64::MAX / 3 };
        let rows = 0..column.len();
        match column.data_type() {
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                rows.for_each(|row| sum = step(sum, value(row, list.value_length(row) as u64)));
                let ends = list.value_offsets();
                let (first, last) = (ends[0] as usize, ends[ends.len() - 1] as usize);
                self.column(&list.values().slice(first, last - first), at);
            }
            DataType::Struct(_) => {
                rows.for_each(|row| sum = step(sum, value(row, 1)));
                column.as_struct().columns().iter().for_each(|part| self.column(part, at));
            }
            DataType::Utf8View => {
                let texts = column.as_string_view();
                for row in rows {
                    sum = if texts.is_valid(row) {
                        bytes(sum, texts.value(row).as_bytes())
                    } else {
                        step(sum, 3)
                    };
                }
            }
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>();
                rows.for_each(|row| sum = step(sum, value(row, values.value(row).to_bits())));
            }
            DataType::UInt64 => {
                let values = column.as_primitive::<UInt64Type>();
                rows.for_each(|row| sum = step(sum, value(row, values.value(row))));
            }
            DataType::Decimal128(_, _) => {
                let values = column.as_primitive::<Decimal128Type>();
                rows.for_each(|row| sum = step(sum, value(row, values.value(row) as u64)));
            }
            _ => {
                let wide = cast(column, &DataType::Int64).unwrap();
                let values = wide.as_primitive::<Int64Type>();
                rows.for_each(|row| sum = step(sum, value(row, values.value(row).cast_unsigned())));
            }
        }
        self.of[place] = sum;
    }
}

fn step(sum: u64, value: u64) -> u64 {
    let mixed = (sum.rotate_left(7) ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed ^ mixed >> 32
}

/// Every byte counts, and how many there are.
pub(crate) fn bytes(sum: u64, bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let sum =
        words.iter().fold(step(sum, bytes.len() as u64), |sum, word| step(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)))
}
