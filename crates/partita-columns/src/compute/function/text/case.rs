//! Capitals and small letters.

use super::{Spec, text_to_text, write_each};

/// `upper(text)`: in capitals, by the rules of Unicode.
pub static UPPER: Spec = Spec {
    name: "upper",
    arguments: (1, 1),
    common: false,
    signature: text_to_text,
    kernel: |input| write_each(input, upper),
};

/// `lower(text)`: in small letters, by the rules of Unicode.
pub static LOWER: Spec = Spec {
    name: "lower",
    arguments: (1, 1),
    common: false,
    signature: text_to_text,
    kernel: |input| write_each(input, lower),
};

/// `title(text)`: a capital at the beginning of every run of letters, small letters behind it.
pub static TITLE: Spec = Spec {
    name: "title",
    arguments: (1, 1),
    common: false,
    signature: text_to_text,
    kernel: |input| write_each(input, title),
};

/// `capitalize(text)`: a capital as the first character, small letters behind it.
pub static CAPITALIZE: Spec = Spec {
    name: "capitalize",
    arguments: (1, 1),
    common: false,
    signature: text_to_text,
    kernel: |input| write_each(input, capitalize),
};

fn upper(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_uppercase();
    } else {
        out.push_str(&text.to_uppercase());
    }
}

fn lower(text: &str, out: &mut String) {
    if text.is_ascii() {
        out.push_str(text);
        out.make_ascii_lowercase();
    } else {
        out.push_str(&text.to_lowercase());
    }
}

fn capitalize(text: &str, out: &mut String) {
    let mut rest = text.chars();
    let Some(first) = rest.next() else { return };
    push_capital(first, out);
    if rest.as_str().is_ascii() {
        out.extend(rest.as_str().bytes().map(|byte| char::from(byte.to_ascii_lowercase())));
    } else {
        // As one text with the first letter: a sigma behind a letter at the end of a word has a form of its own.
        out.extend(text.to_lowercase().chars().skip(first.to_lowercase().count()));
    }
}

/// Of letters that become several capitals (`ß`) the first alone is one.
fn push_capital(letter: char, out: &mut String) {
    let mut capitals = letter.to_uppercase();
    out.extend(capitals.next());
    out.extend(capitals.flat_map(char::to_lowercase));
}

fn title(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some(start) = rest.find(char::is_alphabetic) {
        let (before, word) = rest.split_at(start);
        out.push_str(before);
        let end = word.find(|letter: char| !letter.is_alphabetic()).unwrap_or(word.len());
        let (word, behind) = word.split_at(end);
        capitalize(word, out);
        rest = behind;
    }
    out.push_str(rest);
}
