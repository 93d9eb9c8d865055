//! A reader of CSV that is only there to be right: one field after the other, one byte at a time.

/// What separates, quotes and comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) separator: u8,
    pub(crate) quote: Option<u8>,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    pub(crate) trim: bool,
    /// `\n`, or `\r` for files in which both end lines.
    pub(crate) line_end: u8,
}

/// A field: its bytes, and whether it was quoted.
pub(crate) type Field = (Vec<u8>, bool);

/// All records.
pub(crate) fn read(shape: Shape, bytes: &[u8]) -> Vec<Vec<Field>> {
    let mut reader = Plain { shape, bytes, at: 0 };
    let mut records = Vec::new();
    while reader.at < bytes.len() {
        records.extend(reader.record());
    }
    records
}

struct Plain<'a> {
    shape: Shape,
    bytes: &'a [u8],
    at: usize,
}

impl Plain<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn eat(&mut self, byte: Option<u8>) -> bool {
        let found = byte.is_some() && self.peek() == byte;
        self.at += usize::from(found);
        found
    }

    fn ends_line(&self, byte: u8) -> bool {
        byte == b'\n' || byte == self.shape.line_end
    }

    /// The record that begins here; `None` for a line of nothing, or of nothing but a comment.
    fn record(&mut self) -> Option<Vec<Field>> {
        let start = self.at;
        let mut fields = vec![self.field()];
        while self.eat(Some(self.shape.separator)) {
            fields.push(self.field());
        }
        let mut length = self.at - start;
        let ends_line = self.shape.comment.is_none() || self.peek() != self.shape.comment;
        if ends_line && self.shape.line_end == b'\n' {
            length -= usize::from(fields.last_mut().is_some_and(Raw::drop_return));
        }
        while self.peek().is_some_and(|byte| !self.ends_line(byte)) {
            self.at += 1;
        }
        self.at += 1;
        let fields = fields.into_iter().map(|field| field.finish(self.shape.trim)).collect();
        (length > 0).then_some(fields)
    }

    /// Up to a separator, a comment, a line end or the end of the input.
    fn field(&mut self) -> Raw {
        let mut field = Raw { bytes: Vec::new(), was_quoted: false, is_open: false };
        let start = self.at;
        while self.shape.trim && matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        if self.eat(self.shape.quote) {
            field.was_quoted = true;
            self.quoted(&mut field);
        } else {
            self.at = start;
        }
        while let Some(byte) = self.peek() {
            let ends = byte == self.shape.separator || self.ends_line(byte);
            if ends || self.shape.comment == Some(byte) {
                break;
            }
            self.at += 1;
            if self.shape.escape == Some(byte) {
                let next = self.peek().unwrap_or(byte);
                self.at = (self.at + 1).min(self.bytes.len());
                field.bytes.push((next, true));
            } else {
                field.bytes.push((byte, false));
            }
        }
        field
    }

    /// From behind the opening quote to behind the closing one.
    fn quoted(&mut self, field: &mut Raw) {
        while let Some(byte) = self.peek() {
            self.at += 1;
            if self.shape.escape == Some(byte) {
                let next = self.peek().unwrap_or(byte);
                self.at = (self.at + 1).min(self.bytes.len());
                field.bytes.push((next, true));
            } else if self.shape.quote != Some(byte) || self.eat(self.shape.quote) {
                field.bytes.push((byte, true));
            } else {
                return;
            }
        }
        field.is_open = true;
    }
}

/// A field whose bytes still know whether they were quoted or escaped.
struct Raw {
    bytes: Vec<(u8, bool)>,
    was_quoted: bool,
    /// Its quote was never closed.
    is_open: bool,
}

impl Raw {
    /// Drops the `\r` of `\r\n`; whether there was one.
    fn drop_return(&mut self) -> bool {
        let found = !self.is_open && self.bytes.last() == Some(&(b'\r', false));
        if found {
            self.bytes.pop();
        }
        found
    }

    fn finish(self, trim: bool) -> Field {
        let blank = |byte: &(u8, bool)| matches!(byte, (b' ' | b'\t', false));
        let mut bytes = self.bytes.as_slice();
        while trim && bytes.last().is_some_and(blank) {
            bytes = &bytes[..bytes.len() - 1];
        }
        // Blanks before a quote are no bytes of the field already.
        while trim && !self.was_quoted && bytes.first().is_some_and(blank) {
            bytes = &bytes[1..];
        }
        (bytes.iter().map(|(byte, _)| *byte).collect(), self.was_quoted)
    }
}

#[test]
fn the_corners_are_as_written_down() {
    let shape = Shape {
        separator: b',',
        quote: Some(b'"'),
        escape: Some(b'\\'),
        comment: Some(b'#'),
        trim: false,
        line_end: b'\n',
    };
    let texts = |shape, input: &str| -> Vec<Vec<String>> {
        let text = |(bytes, _): Field| String::from_utf8(bytes).unwrap();
        read(shape, input.as_bytes())
            .into_iter()
            .map(|record| record.into_iter().map(text).collect())
            .collect()
    };
    assert_eq!(texts(shape, "a,b\r\n\r\n\nc"), [vec!["a", "b"], vec!["c"]]);
    assert_eq!(texts(shape, "\"a\"b\"c\",d\"e\n"), [vec!["ab\"c\"", "d\"e"]]);
    assert_eq!(texts(shape, "\"a\"\"\n,#\",b # c\n# d\n"), [vec!["a\"\n,#", "b "]]);
    assert_eq!(texts(shape, "a\\,b\\\nc,\\\"d\"\n"), [vec!["a,b\nc", "\"d\""]]);
    assert_eq!(texts(shape, "1,2 # tail\r\n\"open"), [vec!["1", "2 "], vec!["open"]]);
    let trims = Shape { trim: true, ..shape };
    assert_eq!(texts(trims, " a b ,\t\" c \" ,\\ d\n  \n"), [vec!["a b", " c ", " d"], vec![""]]);
    let both = Shape { line_end: b'\r', ..shape };
    assert_eq!(texts(both, "a,b\r\rc\nd\r\n\"e\r\""), [vec!["a", "b"], vec!["c"], vec!["d"], vec!["e\r"]]);
}
