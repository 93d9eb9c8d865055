//! Each parser at each level of instructions, against its own full meaning and the standard library.

use std::fmt::Debug;

use arrow::datatypes::*;
use partita_columns::cpu;
use proptest::prelude::*;

use super::super::fields::{Block, Fields, Source};
use super::super::layout::Span;
use super::super::parsers::{DateParser, FloatParser, IntParser, Parser, StampParser};
use crate::csv::records::ESCAPED;
use crate::csv::value::{Pattern, Unit, Zone};
use crate::simd::decode::{Kernels, ROWS};

/// Texts side by side in a chunk, as a splitter marks them.
struct Chunk {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Chunk {
    /// The texts behind some bytes; those that `quoted` says are quoted.
    fn new(before: &str, texts: &[String], quoted: impl Fn(usize) -> bool, after: &str) -> Self {
        let mut bytes = before.as_bytes().to_vec();
        let mut spans = Vec::new();
        for (row, text) in texts.iter().enumerate() {
            let start = bytes.len() as u32;
            let mark = if quoted(row) {
                bytes.extend_from_slice(format!("\"{text}\"").as_bytes());
                ESCAPED
            } else {
                bytes.extend_from_slice(text.as_bytes());
                0
            };
            spans.push(Span { start, end: bytes.len() as u32 | mark });
            bytes.push(b',');
        }
        bytes.pop();
        bytes.extend_from_slice(after.as_bytes());
        Self { bytes, spans }
    }
}

/// What a parser makes of the fields: `None` where it leaves one to the slow way.
fn run<P: Parser>(parser: &mut P, kernels: Kernels, chunk: &Chunk) -> Vec<Option<P::Native>> {
    let fields = Fields { rows: chunk.spans.len(), source: Source::Listed(&chunk.spans), picked: None };
    let mut block = Block::new(kernels);
    let mut values = [P::Native::default(); ROWS];
    let mut all = Vec::new();
    for first in (0..chunk.spans.len()).step_by(ROWS) {
        block.take(&chunk.bytes, &fields, first, Some(b'"'));
        let odd = parser.run(&chunk.bytes, &mut block, &mut values);
        assert_eq!(block.empty() & !odd, 0, "an empty field is no value");
        all.extend((0..block.rows()).map(|row| (odd >> row & 1 == 0).then_some(values[row])));
    }
    all
}

/// Checks a parser at each level: what it makes of a text is what the text means, and all levels leave the same rows to
/// the slow way; those that are `common` are not among them, but for the first ones of a chunk.
fn check<P: Parser>(
    make: impl Fn(Kernels) -> P,
    texts: &[String],
    chunk: &Chunk,
    common: impl Fn(&str) -> bool,
) -> Result<(), TestCaseError>
where
    P::Native: Debug,
{
    let mut first: Option<Vec<bool>> = None;
    for level in cpu::levels() {
        let mut parser = make(Kernels::at(level));
        let found = run(&mut parser, Kernels::at(level), chunk);
        for ((value, text), span) in found.iter().zip(texts).zip(&chunk.spans) {
            match value {
                // Unlike numbers, their texts tell -0.0 from 0.0.
                Some(value) => prop_assert_eq!(
                    format!("{:?}", Some(value)),
                    format!("{:?}", parser.full(text.as_bytes()).as_ref()),
                    "{:?} at {}",
                    text,
                    level.name()
                ),
                None => {
                    let room = span.start >= 24 && span.start as usize + 32 <= chunk.bytes.len();
                    prop_assert!(!room || !common(text), "{text:?} is slow at {}", level.name());
                }
            }
        }
        let slow: Vec<bool> = found.iter().map(Option::is_none).collect();
        match &first {
            None => first = Some(slow),
            Some(first) => prop_assert_eq!(first, &slow, "{}", level.name()),
        }
    }
    Ok(())
}

fn digits(text: &str) -> &str {
    text.strip_prefix('-').unwrap_or(text)
}

fn is_plain_integer(text: &str) -> bool {
    let digits = digits(text);
    let zero = digits.bytes().all(|byte| byte == b'0');
    (1..=18).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !(zero && text.starts_with('-'))
}

fn is_plain_decimal(text: &str) -> bool {
    let digits = digits(text);
    let bare: String = digits.replacen('.', "", 1);
    text.len() <= 24
        && !bare.is_empty()
        && bare.bytes().all(|byte| byte.is_ascii_digit())
        && bare.trim_start_matches('0').len() <= 18
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?[0-9]{1,3}(\\.[0-9]{1,2})?",
        2 => "-?[0-9]{1,20}",
        2 => "-?[0-9]{0,12}\\.?[0-9]{0,12}",
        2 => any::<f64>().prop_map(|value| value.to_string()),
        2 => (0.0_f64..1.0).prop_map(|value| value.to_string()),
        1 => any::<f32>().prop_map(|value| value.to_string()),
        1 => any::<i64>().prop_map(|value| value.to_string()),
        1 => (0_u64..1 << 20, 0_u32..40).prop_map(|(odd, shift)| {
            // Half way between two floats of either format, or next to it.
            format!("{}", (u128::from(odd) * 2 + 1) << shift)
        }),
        1 => "[+-]?[0-9]{0,6}\\.?[0-9]{0,6}([eE][+-]?[0-9]{1,3})?",
        1 => "[0-9.,eE+ x:/-]{0,10}",
        1 => "-?0{0,9}[0-9]{0,9}|-|\\.|-\\.|",
        1 => "[ -~]{0,26}",
    ]
}

fn time() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => "[0-9]{4}-(0[0-9]|1[0-3])-[0-3][0-9]",
        4 => "[0-9]{4}-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])[ T]([01][0-9]|2[0-4]):[0-6][0-9]:[0-6][0-9]",
        2 => "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-([0-2][0-9]|3[01])[ Tt][012][0-9]:[0-5][0-9](:[0-5][0-9])?([.,][0-9]{0,10})?(Z|z| ?[+-][0-9]{2}:?([0-5][0-9])?)?",
        1 => "[0-9]{4}[-/:][0-9]{2}[-/.][0-9]{2}[ -~][0-9]{2}[ -~][0-9]{2}[ -~][0-9]{2}",
        1 => "[0-9 :T-]{0,30}",
        1 => Just(String::new()),
    ]
}

fn texts(of: impl Strategy<Value = String>) -> impl Strategy<Value = (Vec<String>, String, u64, String)> {
    let before = prop_oneof!["[0-9.,-]{0,40}", Just("0123456789,012345678901234567890".to_owned())];
    let quoted = prop_oneof![2 => Just(0), 1 => any::<u64>()];
    (prop::collection::vec(of, 1..150), before, quoted, "[0-9,]{0,30}")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn integers_of_each_level_are_what_they_mean((texts, before, quoted, after) in texts(number())) {
        let chunk = Chunk::new(&before, &texts, |row| quoted >> (row % 64) & 1 != 0, &after);
        macro_rules! each {
            ($($arrow:ty),*) => {$(
                let fits = |text: &str| {
                    is_plain_integer(text) && text.parse::<<$arrow as ArrowPrimitiveType>::Native>().is_ok()
                };
                check(IntParser::<$arrow>::new, &texts, &chunk, fits)?;
            )*};
        }
        each!(Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type);
    }

    #[test]
    fn floats_of_each_level_are_what_they_mean((texts, before, quoted, after) in texts(number())) {
        let chunk = Chunk::new(&before, &texts, |row| quoted >> (row % 64) & 1 != 0, &after);
        check(|kernels| FloatParser::<Float64Type>::new(kernels, b'.'), &texts, &chunk, is_plain_decimal)?;
        check(|kernels| FloatParser::<Float32Type>::new(kernels, b'.'), &texts, &chunk, is_plain_decimal)?;
        // The full meaning is that of the standard library, bit for bit.
        for value in run(&mut FloatParser::<Float64Type>::new(Kernels::new(), b'.'), Kernels::new(), &chunk).iter().zip(&texts) {
            if let (Some(value), text) = value {
                prop_assert_eq!(Ok(value.to_bits()), text.parse::<f64>().map(f64::to_bits), "{}", text);
            }
        }
        for value in run(&mut FloatParser::<Float32Type>::new(Kernels::new(), b'.'), Kernels::new(), &chunk).iter().zip(&texts) {
            if let (Some(value), text) = value {
                prop_assert_eq!(Ok(value.to_bits()), text.parse::<f32>().map(f32::to_bits), "{}", text);
            }
        }
    }

    /// Blocks of numbers that nearly all have exponents, which are then looked for first.
    #[test]
    fn exponents_of_each_level_are_what_they_mean(
        texts in prop::collection::vec(prop_oneof![
            12 => any::<f64>().prop_filter("finite", |value| value.is_normal()).prop_map(|value| format!("{value:e}")),
            1 => number(),
        ], 1..260),
    ) {
        let chunk = Chunk::new("0123456789,012345678901234567890", &texts, |_| false, "0123456789,0123456789,0123456789");
        let is_common = |text: &str| {
            let (digits, exponent) = text.split_once('e').unwrap_or((text, "0"));
            let near = exponent.parse::<i32>().is_ok_and(|exponent| exponent.abs() < 20);
            is_plain_decimal(digits) && text.len() <= 24 && near
        };
        check(|kernels| FloatParser::<Float64Type>::new(kernels, b'.'), &texts, &chunk, is_common)?;
        check(|kernels| FloatParser::<Float32Type>::new(kernels, b'.'), &texts, &chunk, is_common)?;
    }

    /// Mantissas that are exact as floats, and powers of ten that are: what is divided, or multiplied instead.
    #[test]
    fn quotients_of_each_level_are_rounded_once(
        numbers in prop::collection::vec((0_u32..54, any::<u64>(), 0_usize..16), 64..65)
    ) {
        let text = |&(bits, number, places): &(u32, u64, usize)| {
            let digits = format!("{:017}", number & ((1 << bits) - 1));
            let (whole, fraction) = digits.split_at(17 - places);
            format!("{}.{fraction}", whole.trim_start_matches('0'))
        };
        let texts: Vec<String> = numbers.iter().map(text).filter(|text| text.len() > 1).collect();
        let chunk = Chunk::new("0123456789,012345678901234567890", &texts, |_| false, ",,,,");
        for level in cpu::levels() {
            let kernels = Kernels::at(level);
            let values = run(&mut FloatParser::<Float64Type>::new(kernels, b'.'), kernels, &chunk);
            for (value, text) in values.iter().zip(&texts) {
                prop_assert_eq!(value.map(f64::to_bits), text.parse::<f64>().ok().map(f64::to_bits), "{}", text);
            }
        }
    }

    #[test]
    fn times_of_each_level_are_what_they_mean(
        (texts, before, quoted, after) in texts(time()),
        unit in prop::sample::select(vec![
            TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond,
        ]),
        zone in prop::sample::select(vec![None, Some("UTC"), Some("+02:00")]),
        local_times: bool,
        pattern in prop::sample::select(vec![None, None, None, Some("%Y-%m-%d")]),
    ) {
        let chunk = Chunk::new(&before, &texts, |row| quoted >> (row % 64) & 1 != 0, &after);
        let pattern = || pattern.map(|format| Pattern::new(format).expect("a format"));
        let bare = pattern().is_none();
        let plain = |text: &str| {
            bare && !text.contains("02-29") && text.len() == 10 && crate::csv::value::parse_date(text.as_bytes()).is_some()
        };
        check(|kernels| DateParser { kernels, pattern: pattern() }, &texts, &chunk, plain)?;
        let make = |kernels| StampParser {
            kernels,
            unit: Unit::new(unit),
            zone: zone.map(|zone| Zone::parse(zone).expect("a zone")),
            local_times,
            pattern: pattern(),
        };
        let mut slow = make(Kernels::new());
        let mut value = |text: &str| slow.full(text.as_bytes()).is_some();
        let known: Vec<String> = texts.iter().filter(|text| value(text)).cloned().collect();
        let plain = |text: &str| {
            let capital = text.as_bytes().get(10).is_some_and(|between| matches!(between, b' ' | b'T'));
            let named = zone.is_none() || text[19.min(text.len())..].contains(['Z', 'z', '+', '-']);
            bare && capital && named && text.len() >= 19 && text.as_bytes()[16] == b':'
                && !text.contains("02-29") && known.iter().any(|known| known == text)
        };
        check(make, &texts, &chunk, plain)?;
    }
}

/// All days of the years 1 to 9999 but the 29ths of February, and what lies around them.
#[test]
fn every_date_has_its_day() {
    let mut texts = Vec::new();
    for year in (0..=9999_u32).filter(|year| year % 97 < 9 || year % 100 < 2) {
        for month in 0..14 {
            texts.extend([0, 1, 27, 28, 29, 30, 31, 32].map(|day| format!("{year:04}-{month:02}-{day:02}")));
        }
    }
    let chunk = Chunk::new("", &texts, |_| false, ", and more behind them");
    for level in cpu::levels() {
        let mut parser = DateParser { kernels: Kernels::at(level), pattern: None };
        for (value, text) in run(&mut parser, Kernels::at(level), &chunk).into_iter().zip(&texts) {
            let expected = crate::csv::value::parse_date(text.as_bytes());
            if !text.ends_with("02-29") {
                assert_eq!(value, expected, "{text} at {}", level.name());
            }
        }
    }
}
