//! The slow, obvious reader that everything is tested against.
//!
//! One byte at a time over the whole input, one owned vector a field, no tables, no masks, nothing shared with the
//! splitter: the grammar of [`Dialect`] written down as directly as possible.

use super::dialect::{Dialect, LineEnd, is_blank};

#[cfg(test)]
pub(crate) mod generate;
#[cfg(test)]
mod tests;

/// One record, with its values as they are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinRecord {
    /// First byte of the record in the input.
    pub start: usize,
    /// Its fields, at least one.
    pub fields: Vec<TwinField>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TwinField {
    /// The value: unquoted, unescaped, trimmed.
    pub value: Vec<u8>,
    /// Whether quotes stood around it: `""` is not the same as nothing.
    pub quoted: bool,
}

/// Where the reader stands in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing of the field but blanks that are to be trimmed.
    Start,
    /// In the field, outside quotes.
    Bare,
    /// Inside its quotes.
    Quoted,
    /// Behind a quote inside quotes, which closes them or is the first of two.
    Closing,
}

/// The record under construction.
struct Reader<'a> {
    dialect: &'a Dialect,
    records: Vec<TwinRecord>,
    record: TwinRecord,
    value: Vec<u8>,
    quoted: bool,
    place: Place,
    /// Bytes at the head of `value` that no trimming and no dropped `\r` may touch: they were quoted or escaped.
    fixed: usize,
}

/// Reads all records of `input`, which begins at a record.
pub fn read(dialect: &Dialect, input: &[u8]) -> Vec<TwinRecord> {
    let mut reader = Reader {
        dialect,
        records: Vec::new(),
        record: TwinRecord { start: 0, fields: Vec::new() },
        value: Vec::new(),
        quoted: false,
        place: Place::Start,
        fixed: 0,
    };
    let mut at = 0;
    while at < input.len() {
        at = reader.byte(input, at);
    }
    reader.end_line(input.len(), input.len());
    reader.records
}

impl Reader<'_> {
    /// Takes the byte at `at`, and the ones that go with it; returns where to go on.
    fn byte(&mut self, input: &[u8], at: usize) -> usize {
        let byte = input[at];
        let outside = self.place != Place::Quoted;
        if self.dialect.escape == Some(byte) {
            if outside {
                self.place = Place::Bare;
            }
            // An escape that ends the input stands for itself.
            self.fixed_byte(*input.get(at + 1).unwrap_or(&byte));
            return (at + 2).min(input.len());
        }
        if !outside {
            if self.dialect.quote == Some(byte) {
                self.place = Place::Closing;
            } else {
                self.fixed_byte(byte);
            }
            return at + 1;
        }
        let line_end = self.dialect.line_end;
        let ends_line = |byte: u8| byte == b'\n' || line_end == LineEnd::Any && byte == b'\r';
        if ends_line(byte) {
            self.end_line(at, at + 1);
            return at + 1;
        }
        if self.dialect.comment == Some(byte) {
            let next = input[at..].iter().position(|&b| ends_line(b)).map_or(input.len(), |n| at + n + 1);
            self.end_record(at > self.record.start, next);
            return next;
        }
        if byte == self.dialect.separator {
            self.end_field();
        } else if self.dialect.quote == Some(byte) && self.place == Place::Start {
            self.place = Place::Quoted;
            self.quoted = true;
        } else if self.dialect.quote == Some(byte) && self.place == Place::Closing {
            self.place = Place::Quoted;
            self.fixed_byte(byte);
        } else if !(self.place == Place::Start && self.dialect.trim && is_blank(byte)) {
            self.place = Place::Bare;
            self.value.push(byte);
        }
        at + 1
    }

    /// A byte that is data whatever it is.
    fn fixed_byte(&mut self, byte: u8) {
        self.value.push(byte);
        self.fixed = self.value.len();
    }

    fn end_field(&mut self) {
        let mut value = std::mem::take(&mut self.value);
        while self.dialect.trim && value.len() > self.fixed && value.last().is_some_and(|&b| is_blank(b)) {
            value.pop();
        }
        self.record.fields.push(TwinField { value, quoted: self.quoted });
        self.quoted = false;
        self.place = Place::Start;
        self.fixed = 0;
    }

    /// The line ends at `at`, by a line end or with the input.
    fn end_line(&mut self, at: usize, next: usize) {
        let mut length = at - self.record.start;
        let strips = self.dialect.line_end == LineEnd::Lf && self.place != Place::Quoted;
        if strips && self.value.len() > self.fixed && self.value.last() == Some(&b'\r') {
            self.value.pop();
            length -= 1;
        }
        self.end_record(length > 0, next);
    }

    /// Keeps the record if it has any byte, and begins another at `next`.
    fn end_record(&mut self, any: bool, next: usize) {
        if any {
            self.end_field();
            self.records.push(TwinRecord {
                start: self.record.start,
                fields: std::mem::take(&mut self.record.fields),
            });
        }
        self.record.start = next;
        self.place = Place::Start;
    }
}
