//! One field's bytes to one value, exactly: no allocation, no rounding that the text did not ask for, no wrap.
//!
//! Every parser takes the unescaped bytes of one field and answers `None` where they are not a value of the type.
//! Spaces and tabs around numbers, truth values, dates and timestamps are ignored, whatever the dialect.

pub mod float;
pub mod int;
pub(crate) mod nearest;
pub mod number;
pub mod time;
pub mod zone;

pub use float::{parse_f32, parse_f64};
pub use int::{parse_i64, parse_u64};
pub use number::Numbers;
pub use partita_columns::pattern::{Pattern, PatternKind};
pub use time::{Stamp, Unit, days_from_civil, parse_date, parse_stamp};
pub use zone::Zone;

#[cfg(test)]
mod tests;

/// `text` without the spaces and tabs around it.
#[inline]
pub fn trim_blanks(text: &[u8]) -> &[u8] {
    let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
    match text {
        [first, .., last] if !blank(first) && !blank(last) => text,
        _ => {
            let start = text.iter().position(|byte| !blank(byte)).unwrap_or(text.len());
            let end = text.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last + 1);
            &text[start..end]
        }
    }
}

/// How the values of a column are written, whatever their type.
#[derive(Debug, Clone)]
pub struct Manner {
    /// Truth values.
    pub words: BoolWords,
    /// Numbers.
    pub numbers: Numbers,
    /// Dates; `None`: ISO.
    pub pattern: Option<Pattern>,
}

/// The words for true and for false.
#[derive(Debug, Clone)]
pub struct BoolWords {
    yes: Vec<Box<[u8]>>,
    no: Vec<Box<[u8]>>,
}

impl BoolWords {
    /// From the words of the options.
    pub fn new(yes: &[String], no: &[String]) -> Self {
        let bytes = |words: &[String]| words.iter().map(|word| word.as_bytes().into()).collect();
        Self { yes: bytes(yes), no: bytes(no) }
    }

    /// All words, each with what it means.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], bool)> {
        self.yes.iter().map(|word| (&**word, true)).chain(self.no.iter().map(|word| (&**word, false)))
    }

    /// The truth value that `text` spells.
    #[inline]
    pub fn parse(&self, text: &[u8]) -> Option<bool> {
        let is_in = |words: &[Box<[u8]>], text: &[u8]| words.iter().any(|word| **word == *text);
        if is_in(&self.yes, text) {
            return Some(true);
        }
        if is_in(&self.no, text) {
            return Some(false);
        }
        let trimmed = trim_blanks(text);
        (trimmed.len() < text.len()).then(|| self.parse(trimmed)).flatten()
    }
}
