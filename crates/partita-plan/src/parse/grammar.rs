//! Operators, from the loosest to the tightest.

use partita_columns::Scalar;
use partita_columns::compute::function::text::{ILIKE, LIKE};
use partita_columns::compute::function::{Function, Spec};
use partita_columns::compute::{ArithmeticOp, CompareOp};
use sqlparser::tokenizer::{Location, Token};

use super::cursor::{Cursor, Deep, is_word};
use super::primary::{literal, name, primary, type_behind_colons};
use crate::error::Result;
use crate::expr::Expr;

pub(super) fn whole(cursor: &mut Cursor<'_>) -> Result<Expr> {
    let read = named(cursor)?;
    match cursor.peek() {
        Token::EOF => Ok(read),
        Token::SemiColon => {
            Err(cursor.error("expected one expression, got a `;`: statements are not read here"))
        }
        Token::Comma => Err(cursor.error("expected one expression, got a list")),
        other => Err(cursor.error(trailing(other, &cursor.found()))),
    }
}

/// Expressions between commas.
pub(super) fn several(cursor: &mut Cursor<'_>) -> Result<Vec<Expr>> {
    let mut all = vec![named(cursor)?];
    while cursor.take(&Token::Comma) {
        all.push(named(cursor)?);
    }
    match cursor.peek() {
        Token::EOF => Ok(all),
        other => Err(cursor.error(trailing(other, &cursor.found()))),
    }
}

/// An expression, with or without a name.
fn named(cursor: &mut Cursor<'_>) -> Result<Expr> {
    if cursor.peek() == &Token::EOF {
        return Err(cursor.error("expected an expression, got nothing"));
    }
    let read = or(cursor)?.expr;
    Ok(if cursor.take_word("as") { read.alias(name(cursor, "as")?) } else { read })
}

/// What stands where an operator or the end should be.
pub(super) fn trailing(token: &Token, found: &str) -> String {
    let instead = match token {
        Token::Ampersand | Token::Overlap => "; write `and`",
        Token::Pipe => "; write `or`",
        Token::ExclamationMark => "; write `not`",
        Token::StringConcat => "; write concat(a, b)",
        Token::Caret => "; powers are not supported",
        Token::LBracket => "; elements of lists are not supported",
        Token::Spaceship => "; write `(a = b or (a is null and b is null))`",
        token if ["rlike", "regexp", "similar", "glob"].iter().any(|word| is_word(token, word)) => {
            "; write `like`, or regex_contains(text, pattern)"
        }
        _ => "",
    };
    format!("expected an operator or the end, got {found}{instead}")
}

pub(super) fn or(cursor: &mut Cursor<'_>) -> Result<Deep> {
    cursor.deeper(|cursor| {
        let mut parts = vec![and(cursor)?];
        while cursor.take_word("or") {
            parts.push(and(cursor)?);
        }
        Deep::joined(cursor, parts, Expr::Or)
    })
}

fn and(cursor: &mut Cursor<'_>) -> Result<Deep> {
    let mut parts = vec![not(cursor)?];
    while cursor.take_word("and") {
        parts.push(not(cursor)?);
    }
    Deep::joined(cursor, parts, Expr::And)
}

fn not(cursor: &mut Cursor<'_>) -> Result<Deep> {
    if cursor.take_word("not") {
        let of = cursor.deeper(not)?;
        return Deep::over(cursor, [of], |[of]| of.not());
    }
    comparison(cursor)
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<Deep> {
    let start = cursor.place();
    let left = sum(cursor)?;
    let compared = if let Some(op) = compare_op(cursor.peek()) {
        compare(cursor, op, (start, left))?
    } else if cursor.take_word("is") {
        is(cursor, left)?
    } else {
        match tested(cursor, left)? {
            Tested::Not(left) => return Ok(left),
            Tested::Yes(tested) => tested,
        }
    };
    if compare_op(cursor.peek()).is_some() {
        return Err(cursor.error("a comparison of a comparison; write `a < b and b < c`, or parentheses"));
    }
    Ok(compared)
}

/// Whether `in`, `between`, `like` or `ilike` follows.
enum Tested {
    Yes(Deep),
    Not(Deep),
}

fn tested(cursor: &mut Cursor<'_>, left: Deep) -> Result<Tested> {
    let tests = ["in", "between", "like", "ilike"];
    let negated = cursor.is_word("not") && tests.iter().any(|word| is_word(cursor.peek_behind(1), word));
    if negated {
        cursor.advance();
    }
    let tested = if cursor.take_word("in") {
        let list = list(cursor)?;
        Deep::over(cursor, [left], |[left]| left.is_in(list))?
    } else if cursor.take_word("between") {
        between(cursor, left)?
    } else if cursor.take_word("like") {
        like(cursor, left, &LIKE)?
    } else if cursor.take_word("ilike") {
        like(cursor, left, &ILIKE)?
    } else {
        return Ok(Tested::Not(left));
    };
    Ok(Tested::Yes(if negated { Deep::over(cursor, [tested], |[tested]| tested.not())? } else { tested }))
}

fn compare_op(token: &Token) -> Option<CompareOp> {
    Some(match token {
        Token::Eq | Token::DoubleEq => CompareOp::Eq,
        Token::Neq => CompareOp::NotEq,
        Token::Lt => CompareOp::Lt,
        Token::LtEq => CompareOp::LtEq,
        Token::Gt => CompareOp::Gt,
        Token::GtEq => CompareOp::GtEq,
        _ => return None,
    })
}

fn compare(cursor: &mut Cursor<'_>, op: CompareOp, (start, left): (Location, Deep)) -> Result<Deep> {
    cursor.advance();
    let place = cursor.place();
    let right = sum(cursor)?;
    for (place, side) in [(start, &left), (place, &right)] {
        if matches!(side.expr, Expr::Literal(Scalar::Null(_))) {
            let test = if op == CompareOp::NotEq { "is not null" } else { "is null" };
            let message = format!("a comparison with null is never true; write `{test}`");
            return Err(cursor.error_at(place, message));
        }
    }
    Deep::over(cursor, [left, right], |[left, right]| Expr::Compare(op, Box::new(left), Box::new(right)))
}

/// `is true` is false for null, as SQL has it.
fn is(cursor: &mut Cursor<'_>, of: Deep) -> Result<Deep> {
    let negated = cursor.take_word("not");
    let tested = if cursor.take_word("null") {
        Deep::over(cursor, [of], |[of]| of.is_null())?
    } else if cursor.take_word("true") {
        Deep::over(cursor, [of], |[of]| of.fill_null(false))?
    } else if cursor.take_word("false") {
        Deep::over(cursor, [of], |[of]| of.not().fill_null(false))?
    } else {
        let message =
            format!("expected `null`, `not null`, `true` or `false` after `is`, got {}", cursor.found());
        return Err(cursor.error(message));
    };
    if negated { Deep::over(cursor, [tested], |[tested]| tested.not()) } else { Ok(tested) }
}

fn list(cursor: &mut Cursor<'_>) -> Result<Vec<Scalar>> {
    cursor.expect(&Token::LParen, "after `in`")?;
    if cursor.is_word("select") || cursor.is_word("with") {
        return Err(cursor.error("subqueries are not supported; write the values"));
    }
    let mut values = Vec::new();
    if cursor.take(&Token::RParen) {
        return Ok(values);
    }
    loop {
        match literal(cursor)? {
            Some(scalar) => values.push(scalar),
            None => {
                let message = format!("expected a literal in the list of `in`, got {}", cursor.found());
                return Err(cursor.error(message));
            }
        }
        if !cursor.take(&Token::Comma) {
            break;
        }
    }
    cursor.expect(&Token::RParen, "at the end of the list of `in`")?;
    Ok(values)
}

fn between(cursor: &mut Cursor<'_>, of: Deep) -> Result<Deep> {
    let least = sum(cursor)?;
    cursor.expect_word("and", "between the bounds of `between`")?;
    let greatest = sum(cursor)?;
    Deep::over(cursor, [of, least, greatest], |[of, least, greatest]| of.between(least, greatest))
}

fn like(cursor: &mut Cursor<'_>, of: Deep, spec: &'static Spec) -> Result<Deep> {
    let pattern = sum(cursor)?;
    Deep::over(cursor, [of, pattern], |parts| Expr::Call(Function::from(spec), parts.into()))
}

fn sum(cursor: &mut Cursor<'_>) -> Result<Deep> {
    let op = |token: &Token| match token {
        Token::Plus => Some(ArithmeticOp::Add),
        Token::Minus => Some(ArithmeticOp::Subtract),
        _ => None,
    };
    chain(cursor, op, product)
}

fn product(cursor: &mut Cursor<'_>) -> Result<Deep> {
    let op = |token: &Token| match token {
        Token::Mul => Some(ArithmeticOp::Multiply),
        Token::Div => Some(ArithmeticOp::Divide),
        Token::DuckIntDiv => Some(ArithmeticOp::FloorDivide),
        Token::Mod => Some(ArithmeticOp::Remainder),
        _ => None,
    };
    chain(cursor, op, unary)
}

/// Operators of one precedence, from left to right.
fn chain(
    cursor: &mut Cursor<'_>,
    op: impl Fn(&Token) -> Option<ArithmeticOp>,
    operand: impl Fn(&mut Cursor<'_>) -> Result<Deep>,
) -> Result<Deep> {
    let mut left = operand(cursor)?;
    while let Some(op) = op(cursor.peek()) {
        cursor.advance();
        let right = operand(cursor)?;
        let make = |[left, right]: [Expr; 2]| Expr::Arithmetic(op, Box::new(left), Box::new(right));
        left = Deep::over(cursor, [left, right], make)?;
    }
    Ok(left)
}

fn unary(cursor: &mut Cursor<'_>) -> Result<Deep> {
    let is_number = matches!(cursor.peek_behind(1), Token::Number(..));
    match cursor.peek() {
        Token::Minus if !is_number => {
            cursor.advance();
            let of = cursor.deeper(unary)?;
            Deep::over(cursor, [of], |[of]| of.neg())
        }
        Token::Plus => {
            cursor.advance();
            cursor.deeper(unary)
        }
        _ => {
            let mut of = primary(cursor)?;
            while cursor.take(&Token::DoubleColon) {
                let to = type_behind_colons(cursor)?;
                of = Deep::over(cursor, [of], |[of]| of.cast(to))?;
            }
            Ok(of)
        }
    }
}
