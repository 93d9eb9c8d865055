//! Rows by formula, and the answers to all questions, computed from the formula alone.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;

/// Rows of the file.
pub(crate) const ROWS: u64 = 1_500_000;
/// Columns of numbers; one of text and one of floats come after them.
pub(crate) const NUMBERS: u64 = 16;

/// The number in a cell; `None` is a missing one.
pub(crate) fn number(row: u64, column: u64) -> Option<i64> {
    let mixed = (row * 31 + column * 17).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    if mixed.is_multiple_of(23) { None } else { Some((mixed % 200) as i64 - 100) }
}

/// The text of a row.
pub(crate) fn text(row: u64) -> String {
    format!("t{}", row % 1000)
}

/// The float of a row.
pub(crate) fn float(row: u64) -> f64 {
    (row % 4096) as f64 / 8.0
}

/// Writes a file of so many rows: 55 bytes a row, three times as much in memory.
pub(crate) fn write(path: &Path, rows: u64) {
    let mut out = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let names: Vec<String> = (0..NUMBERS).map(|column| format!("n{column}")).collect();
    writeln!(out, "{},text,float", names.join(",")).unwrap();
    let mut line = String::new();
    for row in 0..rows {
        line.clear();
        for column in 0..NUMBERS {
            if let Some(number) = number(row, column) {
                write!(line, "{number}").unwrap();
            }
            line.push(',');
        }
        writeln!(out, "{line}{},{}", text(row), float(row)).unwrap();
    }
    out.flush().unwrap();
}

/// A sum over rows that does not depend on their order, but on every value and on which values share a row.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest {
    rows: u64,
    sum: u64,
}

impl Digest {
    /// Adds a row.
    pub(crate) fn add(&mut self, numbers: impl Iterator<Item = Option<i64>>, text: &str, float: f64) {
        let mut hash = float.to_bits() ^ 0x1234_5678;
        for number in numbers {
            let value = number.map_or(u64::MAX / 3, |number| number.cast_unsigned());
            hash = (hash.rotate_left(7) ^ value).wrapping_mul(0x0100_0000_01B3);
        }
        for byte in text.bytes() {
            hash = (hash.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.rows += 1;
        self.sum = self.sum.wrapping_add(hash ^ (hash >> 29));
    }

    /// As a case prints it.
    pub(crate) fn show(self) -> String {
        format!("{} rows {:016x}", self.rows, self.sum)
    }
}

/// The digest of some rows.
pub(crate) fn digest(rows: impl Iterator<Item = u64>) -> Digest {
    let mut digest = Digest::default();
    for row in rows {
        digest.add((0..NUMBERS).map(|column| number(row, column)), &text(row), float(row));
    }
    digest
}

/// Whether a row passes the filter of the cases: `n3 > 50`.
pub(crate) fn is_kept(row: u64) -> bool {
    number(row, 3).is_some_and(|number| number > 50)
}

/// Distinct rows, their middle, distinct names, the first quartile of `n0`, the most frequent text and the sum of the floats, which is exact.
fn reduced() -> String {
    let mut numbers: Vec<i64> = (0..ROWS).filter_map(|row| number(row, 0)).collect();
    numbers.sort_unstable();
    let at = 0.25 * (numbers.len() - 1) as f64;
    let (low, high) = (numbers[at as usize] as f64, numbers[at as usize + 1] as f64);
    let quartile = low + (high - low) * at.fract();
    let sum: f64 = (0..ROWS).map(float).sum();
    let middle = (ROWS - 1) as f64 / 2.0;
    format!("{ROWS} {middle:?} {ROWS} {quartile:?} 't0' {sum:?}")
}

/// The answers in the order in which a case gives them.
pub(crate) fn answers() -> Vec<String> {
    let kept = (0..ROWS).filter(|row| is_kept(*row)).count();
    let values: u64 = (0..ROWS).filter(|row| number(*row, 5).is_some()).count() as u64;
    let whole = digest(0..ROWS).show();
    let filtered = digest((0..ROWS).filter(|row| is_kept(*row))).show();
    let indexed: u64 = (0..ROWS).filter(|row| is_kept(*row)).sum();
    vec![
        format!("{ROWS} rows"),
        format!("{kept} kept"),
        format!("{values} values"),
        whole.clone(),
        filtered.clone(),
        format!("{indexed} sum of row numbers"),
        whole.clone(),
        filtered.clone(),
        format!("{} last", text(ROWS - 1)),
        reduced(),
        whole,
        filtered.clone(),
        filtered,
    ]
}
