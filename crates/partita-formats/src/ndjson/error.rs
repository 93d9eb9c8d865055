//! What is wrong with a line.

use crate::error::{Error, ErrorKind};

/// Something wrong in a line: where in it, and in which column.
#[derive(Debug)]
pub(super) struct Fault {
    /// The keys that lead to the value, innermost first; items of arrays are `[]`.
    pub(super) path: Vec<String>,
    /// Its first byte in the line.
    pub(super) at: usize,
    pub(super) what: What,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum What {
    /// It is no JSON: what was expected.
    Syntax(&'static str),
    /// A value is not of the type of its column.
    Value { expected: String, found: String },
    /// A key that no column has.
    Unknown,
    /// A key that was there before.
    Twice,
}

impl Fault {
    pub(super) fn syntax(at: usize, expected: &'static str) -> Self {
        Self { path: Vec::new(), at, what: What::Syntax(expected) }
    }

    /// The same, inside the value of a key.
    #[must_use]
    pub(super) fn under(mut self, key: &str) -> Self {
        if !matches!(self.what, What::Syntax(_)) {
            self.path.push(key.to_owned());
        }
        self
    }

    /// The column, as `a.b[].c`, and its outermost key.
    fn column(&self) -> (String, &str) {
        let mut shown = String::new();
        for key in self.path.iter().rev() {
            if !shown.is_empty() && key != "[]" {
                shown.push('.');
            }
            shown.push_str(key);
        }
        (shown, self.path.last().map_or("", String::as_str))
    }

    /// The error. The line begins at `byte` of the decoded file, from 0.
    pub(super) fn told(&self, file: &str, line: Option<u64>, byte: u64, text: &[u8]) -> Error {
        let byte = byte + self.at as u64;
        let place = match line {
            Some(line) => format!("line {line} (byte {byte})"),
            None => format!("byte {byte}"),
        };
        let (column, top) = self.column();
        let message = match &self.what {
            What::Syntax(expected) => {
                let found = text.get(self.at..).unwrap_or_default();
                let found = if found.is_empty() {
                    "the end of the line".to_owned()
                } else {
                    crate::csv::mismatch::shown(found)
                };
                let way_out = if text.trim_ascii_start().starts_with(b"[") {
                    "the file must have an object a line: make the items of the array lines, as `jq -c '.[]'` does"
                } else {
                    "correct the line or leave it out"
                };
                format!("{place}: expected {expected}, found {found}; {way_out}")
            }
            What::Value { expected, found } => format!(
                "{place}: column {column:?}: expected {expected}, found {found}; read the column as text with \
                 dtype({top:?}, \"Utf8\") (--dtype {top}=Utf8), or have types found in all lines with \
                 infer(Infer::Full) (--infer full)"
            ),
            What::Unknown => format!(
                "{place}: no column for the key {column:?}: types were found in other lines; have them found in all lines \
                 with infer(Infer::Full) (--infer full), give the type of {top:?} with dtype (--dtype), or leave such keys \
                 out with ignore_unknown(true) (--ignore-unknown)"
            ),
            What::Twice => {
                format!(
                    "{place}: the key {column:?} occurs twice in an object; correct the line or leave it out"
                )
            }
        };
        ErrorKind::Malformed { file: file.to_owned(), message }.into()
    }
}
