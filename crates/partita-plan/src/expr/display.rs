//! The text form, which [`crate::parse::expr`] reads back: every operation in parentheses, so that no one need know
//! precedences.

use std::fmt::{self, Display, Formatter};

use partita_columns::compute::CastMode;
use partita_columns::{Scalar, dtype};

use super::Expr;

/// Words that the text form gives a meaning of its own: as names they are quoted.
pub(crate) const RESERVED: [&str; 15] = [
    "and", "as", "between", "case", "exists", "false", "ilike", "in", "is", "like", "not", "null", "or",
    "select", "true",
];

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Column(name) => write_name(f, name),
            Expr::Literal(scalar) => write!(f, "{scalar}"),
            Expr::Arithmetic(op, left, right) => write!(f, "({left} {} {right})", op.symbol()),
            Expr::Compare(op, left, right) => write!(f, "({left} {} {right})", op.symbol()),
            Expr::And(all) => write_joined(f, all, " and "),
            Expr::Or(all) => write_joined(f, all, " or "),
            Expr::Not(of) => match &**of {
                Expr::IsNull(of) => write!(f, "({of} is not null)"),
                Expr::IsIn(of, list) => write_list(f, of, "not in", list),
                of => write!(f, "(not {of})"),
            },
            // A minus before a number would read as part of it.
            Expr::Negate(of) => match &**of {
                Expr::Literal(scalar) => write!(f, "(-({scalar}))"),
                of => write!(f, "(-{of})"),
            },
            Expr::IsNull(of) => write!(f, "({of} is null)"),
            Expr::FillNull(of, fill) => write!(f, "coalesce({of}, {fill})"),
            Expr::IsIn(of, list) => write_list(f, of, "in", list),
            Expr::Cast(of, to, CastMode::Strict) => write!(f, "cast({of} as {})", dtype::name(to)),
            Expr::Cast(of, to, CastMode::Lenient) => write!(f, "try_cast({of} as {})", dtype::name(to)),
            Expr::Aggregate(asked, of) => write_with(f, asked.name(), of, asked.parameter()),
            Expr::Window(window, of) => write_with(f, window.name(), of, window.parameter()),
            Expr::Alias(of, name) => {
                write!(f, "{of} as ")?;
                write_name(f, name)
            }
            Expr::Call(function, all) => match (function.name(), all.as_slice()) {
                // Words of the grammar, which stand between their operands.
                (word @ ("like" | "ilike"), [of, pattern]) => write!(f, "({of} {word} {pattern})"),
                (name, all) => write_call(f, name, all),
            },
            Expr::Case(branches, otherwise) => {
                f.write_str("case")?;
                for (condition, value) in branches {
                    write!(f, " when {condition} then {value}")?;
                }
                write!(f, " else {otherwise} end")
            }
            // Closures have no text: this one does not read back.
            Expr::Map(function, all, to) => {
                write_call(f, &format!("map_batches[{function:?}, {}]", dtype::name(to)), all)
            }
        }
    }
}

/// Whether a name needs no quotes.
pub(crate) fn is_plain_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !RESERVED.iter().any(|word| name.eq_ignore_ascii_case(word))
}

fn write_name(f: &mut Formatter<'_>, name: &str) -> fmt::Result {
    match is_plain_name(name) {
        true => f.write_str(name),
        false => write!(f, "\"{}\"", name.replace('"', "\"\"")),
    }
}

fn write_joined(f: &mut Formatter<'_>, all: &[Expr], between: &str) -> fmt::Result {
    f.write_str("(")?;
    for (index, part) in all.iter().enumerate() {
        write!(f, "{}{part}", if index == 0 { "" } else { between })?;
    }
    f.write_str(")")
}

fn write_call(f: &mut Formatter<'_>, name: &str, all: &[Expr]) -> fmt::Result {
    write!(f, "{name}(")?;
    for (index, part) in all.iter().enumerate() {
        write!(f, "{}{part}", if index == 0 { "" } else { ", " })?;
    }
    f.write_str(")")
}

/// A call with a parameter behind its arguments.
fn write_with(f: &mut Formatter<'_>, name: &str, all: &[Expr], parameter: Option<String>) -> fmt::Result {
    let Some(parameter) = parameter else { return write_call(f, name, all) };
    write!(f, "{name}(")?;
    all.iter().try_for_each(|part| write!(f, "{part}, "))?;
    write!(f, "{parameter})")
}

fn write_list(f: &mut Formatter<'_>, of: &Expr, word: &str, list: &[Scalar]) -> fmt::Result {
    write!(f, "({of} {word} (")?;
    for (index, scalar) in list.iter().enumerate() {
        f.write_str(if index == 0 { "" } else { ", " })?;
        // A null matches whatever its type.
        if scalar.is_null() { f.write_str("null")? } else { write!(f, "{scalar}")? }
    }
    f.write_str("))")
}
