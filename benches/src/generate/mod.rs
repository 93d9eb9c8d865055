//! CSV tables with fixed seeds, one row at a time.

mod columns;
mod floats;
mod quoted;
mod taxi;

use std::io::{self, Write};

pub use columns::Columns;
pub use floats::Floats;
pub use quoted::Quoted;
pub use taxi::Taxi;

/// A table that writes itself as CSV.
pub trait Table {
    /// Appends the header line.
    fn header(&self, out: &mut Vec<u8>);

    /// Appends the next record with its line break.
    fn record(&mut self, out: &mut Vec<u8>);
}

/// Writes a header and `rows` records.
///
/// # Errors
/// Those of `out`.
pub fn write(table: &mut dyn Table, rows: u64, out: &mut dyn Write) -> io::Result<()> {
    const FLUSH_BYTES: usize = 1 << 20;
    let mut buffer = Vec::with_capacity(2 * FLUSH_BYTES);
    table.header(&mut buffer);
    for _ in 0..rows {
        table.record(&mut buffer);
        if buffer.len() >= FLUSH_BYTES {
            out.write_all(&buffer)?;
            buffer.clear();
        }
    }
    out.write_all(&buffer)?;
    out.flush()
}

/// The same into memory.
#[must_use]
pub fn to_vec(table: &mut dyn Table, rows: u64) -> Vec<u8> {
    let mut out = Vec::new();
    table.header(&mut out);
    (0..rows).for_each(|_| table.record(&mut out));
    out
}

/// Appends formatted text.
fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // A vector takes every write.
    let _ = out.write_fmt(text);
}

/// Ends a record: the last comma becomes a line break.
fn end_record(out: &mut [u8]) {
    if let Some(last) = out.last_mut() {
        *last = b'\n';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Make = fn() -> Box<dyn Table>;

    const TABLES: [(&str, usize, Make); 5] = [
        ("taxi", 18, || Box::new(Taxi::month(1, 500))),
        ("wide", 100, || Box::new(Columns::numbers(100, 1))),
        ("columns", 500, || Box::new(Columns::mixed(500, 1))),
        ("floats", 10, || Box::new(Floats::new(10, 1))),
        ("quoted", 5, || Box::new(Quoted::new(1))),
    ];

    /// The number of fields of each record, by the plain rules of RFC 4180.
    fn widths(csv: &[u8]) -> Vec<usize> {
        let (mut widths, mut fields, mut quoted) = (Vec::new(), 1, false);
        for byte in csv {
            match byte {
                b'"' => quoted = !quoted,
                b',' if !quoted => fields += 1,
                b'\n' if !quoted => widths.push(std::mem::replace(&mut fields, 1)),
                _ => {}
            }
        }
        widths
    }

    #[test]
    fn tables_have_their_shape() {
        for (name, width, make) in TABLES {
            let csv = to_vec(make().as_mut(), 500);
            assert_eq!(widths(&csv), vec![width; 501], "{name}");
            assert_eq!(csv.last(), Some(&b'\n'), "{name}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes() {
        for (name, _, make) in TABLES {
            let once = to_vec(make().as_mut(), 200);
            let mut streamed = Vec::new();
            write(make().as_mut(), 200, &mut streamed).unwrap();
            assert_eq!(once, streamed, "{name}");
        }
    }
}
