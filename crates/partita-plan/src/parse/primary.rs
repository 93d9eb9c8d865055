//! Names, literals, casts and functions.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use partita_columns::compute::CastMode;
use partita_columns::compute::function::Function;
use partita_columns::group::Window;
use partita_columns::reduce::Reduction;
use partita_columns::{Scalar, dtype};
use sqlparser::tokenizer::{Token, Word};

use super::cursor::{Cursor, Deep, is_word};
use super::grammar::or;
use super::reduction::{COLLECT_LIST, NLARGEST, NSMALLEST, collect_list, reduction, top, window};
use crate::bind::suggest::nearest;
use crate::error::{Error, Result};
use crate::expr::{Expr, is_plain_name};

pub(super) fn primary(cursor: &mut Cursor<'_>) -> Result<Deep> {
    if let Some(scalar) = literal(cursor)? {
        return Ok(Deep::leaf(Expr::Literal(scalar)));
    }
    match cursor.peek().clone() {
        Token::LParen => parenthesized(cursor),
        Token::Word(word) => named(cursor, &word),
        Token::EOF => Err(cursor.error("expected a column, a literal or `(`, got the end")),
        _ => {
            let message =
                format!("expected a column, a literal or `(`, got {}{}", cursor.found(), hint(cursor.peek()));
            Err(cursor.error(message))
        }
    }
}

fn hint(token: &Token) -> &'static str {
    match token {
        Token::ExclamationMark => "; write `not`",
        Token::Placeholder(_) | Token::Question => "; parameters are not supported",
        Token::LBracket | Token::LBrace => "; lists and structs are not supported",
        Token::Mul => "; `*` stands for no column here",
        _ => "",
    }
}

fn parenthesized(cursor: &mut Cursor<'_>) -> Result<Deep> {
    cursor.advance();
    if cursor.is_word("select") || cursor.is_word("with") {
        return Err(cursor.error("subqueries are not supported"));
    }
    let inner = or(cursor)?;
    if cursor.peek() == &Token::Comma {
        return Err(cursor.error("a list in parentheses is supported behind `in` only"));
    }
    cursor.expect(&Token::RParen, "to close the parenthesis")?;
    Ok(inner)
}

/// A literal, where one begins here; those that are written as casts are read as such.
pub(super) fn literal(cursor: &mut Cursor<'_>) -> Result<Option<Scalar>> {
    let scalar = match cursor.peek() {
        Token::Number(..) => return number(cursor, "").map(Some),
        Token::Minus if matches!(cursor.peek_behind(1), Token::Number(..)) => {
            cursor.advance();
            return number(cursor, "-").map(Some);
        }
        Token::SingleQuotedString(text) => Scalar::Utf8(text.clone()),
        Token::HexStringLiteral(digits) => match hex(digits) {
            Some(bytes) => Scalar::Binary(bytes),
            None => return Err(cursor.error("expected an even number of hexadecimal digits in x'..'")),
        },
        token if is_word(token, "true") => Scalar::Boolean(true),
        token if is_word(token, "false") => Scalar::Boolean(false),
        token if is_word(token, "null") => Scalar::Null(DataType::Null),
        token if is_word(token, "date") || is_word(token, "timestamp") => {
            let Token::SingleQuotedString(text) = cursor.peek_behind(1).clone() else { return Ok(None) };
            return time(cursor, &text).map(Some);
        }
        _ => return Ok(None),
    };
    cursor.advance();
    Ok(Some(scalar))
}

fn number(cursor: &mut Cursor<'_>, sign: &str) -> Result<Scalar> {
    let Token::Number(digits, long) = cursor.peek() else {
        return Err(cursor.error("expected a number"));
    };
    let text = format!("{sign}{digits}");
    let scalar = if *long {
        None
    } else if let Ok(value) = text.parse::<i64>() {
        Some(Scalar::Int64(value))
    } else if let Ok(value) = text.parse::<u64>() {
        Some(Scalar::UInt64(value))
    } else if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let message = format!(
            "{text} does not fit 64 bits; write {text}.0 for a float, or cast('{text}' as Decimal(38, 0))"
        );
        return Err(cursor.error(message));
    } else {
        text.parse::<f64>().ok().filter(|value| value.is_finite()).map(Scalar::Float64)
    };
    match scalar {
        Some(scalar) => {
            cursor.advance();
            Ok(scalar)
        }
        None => Err(cursor.error(format!("{text} is no number that a column can hold"))),
    }
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let nibbles: Vec<u8> = digits
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    nibbles
        .len()
        .is_multiple_of(2)
        .then(|| nibbles.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect())
}

/// `date '..'` or `timestamp '..'`; a time with an offset is an instant, `[zone]` behind it names its zone.
fn time(cursor: &mut Cursor<'_>, text: &str) -> Result<Scalar> {
    let is_date = cursor.is_word("date");
    cursor.advance();
    let read = if is_date {
        as_type(text, &DataType::Date32)
    } else {
        let (time, zone) = match text.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
            Some((time, zone)) => (time, Some(zone)),
            None => (text, None),
        };
        // Counted in microseconds, or in nanoseconds where the text is finer.
        let units = [TimeUnit::Microsecond, TimeUnit::Nanosecond];
        let zoned = |unit| as_type(time, &DataType::Timestamp(unit, Some(Arc::from(zone.unwrap_or("UTC")))));
        let plain = |unit| as_type(time, &DataType::Timestamp(unit, None));
        let naive = if zone.is_none() { units.into_iter().find_map(plain) } else { None };
        naive.or_else(|| units.into_iter().find_map(zoned))
    };
    match read {
        Some(scalar) => {
            cursor.advance();
            Ok(scalar)
        }
        None if is_date => Err(cursor.error(format!("expected a date as YYYY-MM-DD, got '{text}'"))),
        None => Err(cursor.error(format!("expected a time as YYYY-MM-DD HH:MM:SS, got '{text}'"))),
    }
}

fn as_type(text: &str, data_type: &DataType) -> Option<Scalar> {
    let scalar = Scalar::Utf8(text.to_owned()).cast(data_type, CastMode::Lenient).ok()?;
    (!scalar.is_null()).then_some(scalar)
}

/// A name: of a function before `(`, else of a column.
fn named(cursor: &mut Cursor<'_>, word: &Word) -> Result<Deep> {
    let quoted = word.quote_style.is_some();
    let lower = word.value.to_ascii_lowercase();
    if !quoted && cursor.peek_behind(1) == &Token::LParen && is_plain_name(&lower) {
        return call(cursor, &lower);
    }
    if !quoted && lower == "case" {
        return cursor.deeper(case);
    }
    if !quoted && matches!(cursor.peek_behind(1), Token::SingleQuotedString(_)) {
        return Err(cursor.error(format!("literals of the kind {lower} '..' are not supported")));
    }
    Ok(Deep::leaf(Expr::Column(name(cursor, "as a column")?)))
}

/// The name of a column, there or to be.
pub(super) fn name(cursor: &mut Cursor<'_>, role: &str) -> Result<String> {
    let word = match cursor.peek() {
        Token::Word(word) => word.clone(),
        _ => return Err(cursor.error(format!("expected a name {role}, got {}", cursor.found()))),
    };
    let quoted = word.quote_style.is_some();
    if !quoted {
        let lower = word.value.to_ascii_lowercase();
        match lower.as_str() {
            "exists" | "select" => {
                return Err(cursor.error(format!("`{lower}` is not supported in expressions")));
            }
            _ if word.value.is_ascii() && !is_plain_name(&word.value) => {
                let message = format!(
                    "expected a name {role}, got `{0}`; a column of this name is written \"{0}\"",
                    word.value
                );
                return Err(cursor.error(message));
            }
            _ => {}
        }
    }
    if cursor.peek_behind(1) == &Token::Period {
        cursor.advance();
        return Err(cursor
            .error("names with a dot are written in quotes, as \"a.b\"; there are no tables and no fields"));
    }
    cursor.advance();
    Ok(word.value)
}

fn call(cursor: &mut Cursor<'_>, function: &str) -> Result<Deep> {
    let mode = match function {
        "cast" => CastMode::Strict,
        "try_cast" => CastMode::Lenient,
        "coalesce" | "fill_null" | "ifnull" => return coalesce(cursor),
        COLLECT_LIST => return collect_list(cursor),
        NLARGEST | NSMALLEST => return top(cursor, function == NLARGEST),
        other => match Function::by_name(other) {
            Some(function) => return arguments(cursor, function),
            None => match Reduction::from_name(other) {
                Some(found) => return reduction(cursor, found),
                None => match Window::from_name(other) {
                    Some(found) => return window(cursor, found),
                    None => return Err(unknown_function(cursor, other)),
                },
            },
        },
    };
    cursor.advance();
    cursor.advance();
    let of = or(cursor)?;
    cursor.expect_word("as", "before the type of a cast")?;
    let to = type_in_parentheses(cursor)?;
    cursor.expect(&Token::RParen, "to close the cast")?;
    if let Expr::Literal(Scalar::Null(_)) = of.expr {
        return Ok(Deep::leaf(Expr::Literal(Scalar::Null(to))));
    }
    let read = Deep::over(cursor, [of], |[of]| Expr::Cast(Box::new(of), to, mode))?;
    match as_literal(&read.expr) {
        Some(scalar) => Ok(Deep::leaf(Expr::Literal(scalar))),
        None => Ok(read),
    }
}

/// The literal that is written as a cast: `cast('-inf' as Float64)`, `cast('1.50' as Decimal(10, 2))`.
fn as_literal(cast: &Expr) -> Option<Scalar> {
    let Expr::Cast(of, to, CastMode::Strict) = cast else { return None };
    let Expr::Literal(of @ (Scalar::Utf8(_) | Scalar::Int64(_))) = &**of else { return None };
    let scalar = of.cast(to, CastMode::Lenient).ok().filter(|scalar| !scalar.is_null())?;
    (scalar.to_string() == cast.to_string()).then_some(scalar)
}

/// `case when a then x when b then y else z end`, and `case a when x then ..` for `case when a = x then ..`.
fn case(cursor: &mut Cursor<'_>) -> Result<Deep> {
    cursor.advance();
    let compared = if cursor.is_word("when") { None } else { Some(or(cursor)?) };
    let mut parts: Vec<Deep> = compared.into_iter().collect();
    let simple = !parts.is_empty();
    let mut branches = 0;
    while cursor.take_word("when") {
        parts.push(or(cursor)?);
        cursor.expect_word("then", "behind the condition of a case")?;
        parts.push(or(cursor)?);
        branches += 1;
    }
    if branches == 0 {
        return Err(cursor.error(format!("expected `when` in a case, got {}", cursor.found())));
    }
    parts.push(match cursor.take_word("else") {
        true => or(cursor)?,
        false => Deep::leaf(Expr::Literal(Scalar::Null(DataType::Null))),
    });
    cursor.expect_word("end", "to close the case")?;
    Deep::many(cursor, parts, |parts| chosen(parts, simple))
}

fn chosen(parts: Vec<Expr>, simple: bool) -> Expr {
    let mut parts = parts.into_iter();
    let compared = if simple { parts.next() } else { None };
    let mut branches = Vec::new();
    while let Some(first) = parts.next() {
        match parts.next() {
            Some(value) => {
                let condition = match &compared {
                    Some(of) => of.clone().eq(first),
                    None => first,
                };
                branches.push((condition, value));
            }
            None => return Expr::Case(branches, Box::new(first)),
        }
    }
    Expr::Case(branches, Box::new(Expr::Literal(Scalar::Null(DataType::Null))))
}

fn unknown_function(cursor: &Cursor<'_>, name: &str) -> Error {
    let mut known: Vec<String> =
        ["cast", "try_cast", "coalesce", COLLECT_LIST, NLARGEST, NSMALLEST].map(str::to_owned).to_vec();
    known.extend(Function::all().map(|function| function.name().to_owned()));
    let way_out = match nearest(name, &known) {
        Some(near) => format!(" (did you mean `{near}`?)"),
        None => "; docs/semantics.md lists those there are".to_owned(),
    };
    cursor.error(format!("there is no function `{name}`{way_out}"))
}

fn arguments(cursor: &mut Cursor<'_>, function: Function) -> Result<Deep> {
    cursor.advance();
    cursor.advance();
    let mut parts = Vec::new();
    if !cursor.take(&Token::RParen) {
        loop {
            parts.push(or(cursor)?);
            if !cursor.take(&Token::Comma) {
                break;
            }
        }
        cursor.expect(&Token::RParen, &format!("to close {}", function.name()))?;
    }
    let (least, most) = function.arguments();
    if !(least..=most).contains(&parts.len()) {
        let message = format!("{} does not take {} arguments", function.name(), parts.len());
        return Err(cursor.error(message));
    }
    Deep::many(cursor, parts, |parts| Expr::Call(function, parts))
}

fn coalesce(cursor: &mut Cursor<'_>) -> Result<Deep> {
    cursor.advance();
    cursor.advance();
    let mut first = or(cursor)?;
    while cursor.take(&Token::Comma) {
        let next = or(cursor)?;
        first = Deep::over(cursor, [first, next], |[first, next]| first.fill_null(next))?;
    }
    cursor.expect(&Token::RParen, "to close coalesce")?;
    Ok(first)
}

/// A type up to the parenthesis that closes the cast.
fn type_in_parentheses(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let start = cursor.place();
    let mut open = 0_usize;
    loop {
        match cursor.peek() {
            Token::EOF => return Err(cursor.error("expected `)` to close the cast, got the end")),
            Token::RParen if open == 0 => break,
            Token::LParen => open += 1,
            Token::RParen => open -= 1,
            _ => {}
        }
        cursor.advance();
    }
    if cursor.place() == start {
        return Err(cursor.error("expected a type"));
    }
    read_type(cursor, start)
}

/// A type behind `::`: words, and arguments in parentheses.
pub(super) fn type_behind_colons(cursor: &mut Cursor<'_>) -> Result<DataType> {
    let start = cursor.place();
    let Token::Word(word) = cursor.peek() else {
        return Err(cursor.error(format!("expected a type, got {}", cursor.found())));
    };
    let first = word.value.to_ascii_lowercase();
    cursor.advance();
    if first == "double" {
        cursor.take_word("precision");
    }
    if cursor.take(&Token::LParen) {
        while !cursor.take(&Token::RParen) {
            match cursor.peek() {
                Token::EOF | Token::LParen => return Err(cursor.error("expected `)` behind the type")),
                _ => cursor.advance(),
            }
        }
    }
    read_type(cursor, start)
}

fn read_type(cursor: &Cursor<'_>, start: sqlparser::tokenizer::Location) -> Result<DataType> {
    let text = cursor.text_since(start);
    dtype::parse(text)
        .map_err(|_| cursor.error_at(start, format!("unknown type `{text}`; known are {}", dtype::KNOWN)))
}
