//! Ends of texts taken off.

use super::pieces::parts;
use super::{Input, Spec, Texts, subject, text_to_text};
use crate::error::Result;
use crate::scalar::Value;

/// `strip(text)`, `strip(text, characters)`: without the blanks (those of Unicode), or any of the characters, at both
/// ends.
pub static STRIP: Spec = Spec {
    name: "strip",
    arguments: (1, 2),
    common: false,
    signature: text_to_text,
    kernel: |input| strip(input, true, true),
};

/// `lstrip(text)`, `lstrip(text, characters)`: as `strip`, at the beginning.
pub static LSTRIP: Spec = Spec {
    name: "lstrip",
    arguments: (1, 2),
    common: false,
    signature: text_to_text,
    kernel: |input| strip(input, true, false),
};

/// `rstrip(text)`, `rstrip(text, characters)`: as `strip`, at the end.
pub static RSTRIP: Spec = Spec {
    name: "rstrip",
    arguments: (1, 2),
    common: false,
    signature: text_to_text,
    kernel: |input| strip(input, false, true),
};

/// `strip_prefix(text, prefix)`: without the prefix, where the text begins with it.
pub static STRIP_PREFIX: Spec = Spec {
    name: "strip_prefix",
    arguments: (2, 2),
    common: false,
    signature: text_to_text,
    kernel: |input| affix(input, |text, prefix| text.strip_prefix(prefix).unwrap_or(text)),
};

/// `strip_suffix(text, suffix)`: without the suffix, where the text ends with it.
pub static STRIP_SUFFIX: Spec = Spec {
    name: "strip_suffix",
    arguments: (2, 2),
    common: false,
    signature: text_to_text,
    kernel: |input| affix(input, |text, suffix| text.strip_suffix(suffix).unwrap_or(text)),
};

fn strip(input: &Input<'_>, left: bool, right: bool) -> Result<Value> {
    let column = subject(input)?;
    if input.len() == 1 {
        return parts(&column, |_, text| Some(trimmed(text, left, right, char::is_whitespace)));
    }
    let characters = Texts::of(input, 1)?;
    if let Texts::One(Some(one)) = &characters {
        let set = Set::new(one);
        return parts(&column, |_, text| Some(trimmed(text, left, right, |letter| set.has(letter))));
    }
    parts(&column, |row, text| {
        let set = characters.get(row)?;
        Some(trimmed(text, left, right, |letter| set.contains(letter)))
    })
}

fn trimmed(text: &str, left: bool, right: bool, drop: impl Fn(char) -> bool) -> &str {
    let text = if left { text.trim_start_matches(&drop) } else { text };
    if right { text.trim_end_matches(&drop) } else { text }
}

/// Characters to look for: a table of the first 128, and the others one by one.
struct Set {
    ascii: u128,
    others: Vec<char>,
}

impl Set {
    fn new(characters: &str) -> Self {
        let ascii = characters.bytes().filter(u8::is_ascii).fold(0, |set, byte| set | 1 << byte);
        Self { ascii, others: characters.chars().filter(|letter| !letter.is_ascii()).collect() }
    }

    fn has(&self, letter: char) -> bool {
        match u32::from(letter) {
            code @ 0..128 => self.ascii >> code & 1 == 1,
            _ => self.others.contains(&letter),
        }
    }
}

fn affix(input: &Input<'_>, without: impl for<'a> Fn(&'a str, &str) -> &'a str) -> Result<Value> {
    let (column, affixes) = (subject(input)?, Texts::of(input, 1)?);
    parts(&column, |row, text| Some(without(text, affixes.get(row)?)))
}
