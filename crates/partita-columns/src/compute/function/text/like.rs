//! The patterns of SQL.

use arrow::datatypes::DataType;
use memchr::memmem::Finder;
use regex::{Regex, RegexBuilder};

use super::search::test;
use super::{Argument, Input, Signature, Spec, all_null, given_text, literal_text, text_to};
use crate::error::{ErrorKind, Result};
use crate::scalar::Value;

/// `text like pattern`: whether the whole text fits the literal pattern, in which `%` stands
/// for any characters, `_` for one, and `\` takes its meaning from the one behind it.
pub static LIKE: Spec = Spec {
    name: "like",
    arguments: (2, 2),
    common: false,
    signature: |arguments| patterned(arguments, true),
    kernel: |input| like(input, true),
};

/// `text ilike pattern`: as `like`, whatever the letter case.
pub static ILIKE: Spec = Spec {
    name: "ilike",
    arguments: (2, 2),
    common: false,
    signature: |arguments| patterned(arguments, false),
    kernel: |input| like(input, false),
};

/// What texts are compared with; the simple forms need no machine.
enum Matcher {
    Equal(String),
    Prefix(String),
    Suffix(String),
    Within(Box<Finder<'static>>),
    Machine(Regex),
}

fn patterned(arguments: &[Argument<'_>], cased: bool) -> Result<Signature, String> {
    let signature = text_to(arguments, DataType::Boolean)?;
    if let Some(pattern) = literal_text(arguments, 1, "the pattern")? {
        let compile = || matcher(pattern, cased).map_err(|message| ErrorKind::Shape(message).into());
        signature.prepared.get(compile).map_err(|error| error.to_string())?;
    }
    Ok(signature)
}

fn like(input: &Input<'_>, cased: bool) -> Result<Value> {
    let Some(pattern) = given_text(input, 1) else { return Ok(all_null(&DataType::Boolean, input.rows)) };
    let compile = || matcher(pattern, cased).map_err(|message| ErrorKind::Shape(message).into());
    match &*input.signature.prepared.get(compile)? {
        Matcher::Equal(all) => test(input, |text| text == all),
        Matcher::Prefix(prefix) => test(input, |text| text.starts_with(prefix.as_str())),
        Matcher::Suffix(suffix) => test(input, |text| text.ends_with(suffix.as_str())),
        Matcher::Within(finder) => test(input, |text| finder.find(text.as_bytes()).is_some()),
        Matcher::Machine(regex) => test(input, |text| regex.is_match(text)),
    }
}

/// A part of a pattern.
#[derive(Debug, PartialEq)]
enum Part {
    Any,
    One,
    Literal(String),
}

fn matcher(pattern: &str, cased: bool) -> Result<Matcher, String> {
    let parts = parts(pattern)?;
    if cased {
        match parts.as_slice() {
            [] => return Ok(Matcher::Equal(String::new())),
            [Part::Literal(all)] => return Ok(Matcher::Equal(all.clone())),
            [Part::Any] => return Ok(Matcher::Prefix(String::new())),
            [Part::Literal(prefix), Part::Any] => return Ok(Matcher::Prefix(prefix.clone())),
            [Part::Any, Part::Literal(suffix)] => return Ok(Matcher::Suffix(suffix.clone())),
            [Part::Any, Part::Literal(part), Part::Any] => {
                return Ok(Matcher::Within(Box::new(Finder::new(part).into_owned())));
            }
            _ => {}
        }
    }
    let body: String = parts
        .iter()
        .map(|part| match part {
            Part::Any => ".*".to_owned(),
            Part::One => ".".to_owned(),
            Part::Literal(text) => regex::escape(text),
        })
        .collect();
    let built = RegexBuilder::new(&format!(r"\A{body}\z"))
        .dot_matches_new_line(true)
        .case_insensitive(!cased)
        .build();
    built.map(Matcher::Machine).map_err(|_| format!("the pattern {pattern:?} is too large"))
}

fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts: Vec<Part> = Vec::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        let letter = match letter {
            '%' if parts.last() == Some(&Part::Any) => continue,
            '%' => {
                parts.push(Part::Any);
                continue;
            }
            '_' => {
                parts.push(Part::One);
                continue;
            }
            '\\' => match letters.next() {
                Some(letter) => letter,
                None => {
                    return Err(format!(
                        r"the pattern {pattern:?} ends with \; write \\ for the sign itself"
                    ));
                }
            },
            letter => letter,
        };
        match parts.last_mut() {
            Some(Part::Literal(text)) => text.push(letter),
            _ => parts.push(Part::Literal(letter.to_string())),
        }
    }
    Ok(parts)
}
