//! Every function, every operator and every reduction against a slow one, which loops over single values and is written from
//! what `docs/semantics.md` says. Functions and reductions are taken from their registries: one without a case fails here.
//!
//! A case is written as text. It is read, bound and evaluated over generated columns with nulls, NaN, infinities, extremes,
//! empty and long texts and all years of the calendar; over the rows alone that must fail; over literals in the place
//! of the columns, folded and not; and as part of a plan over several partitions.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a helper of a test cannot do fails the test"
)]

#[path = "../support/random.rs"]
mod random;

mod calendar;
mod case;
mod cells;
mod choices;
mod frames;
mod numbers;
mod operators;
mod reductions;
mod registry;
mod texts;
mod times;

use std::collections::BTreeSet;

use partita::{Expr, expr};
use partita_columns::compute::function::Function;

use crate::case::Case;
use crate::random::Random;

type Kind = fn(&mut Random) -> Vec<Case>;

/// The cases of each kind; patterns, widths and the like are drawn anew each time.
const KINDS: [Kind; 5] = [numbers::cases, operators::cases, choices::cases, texts::cases, times::cases];

fn all(random: &mut Random) -> Vec<Case> {
    KINDS.iter().flat_map(|kind| kind(random)).collect()
}

#[test]
fn every_function_has_a_case() {
    let cases = all(&mut Random(1));
    let mut functions = BTreeSet::new();
    for case in &cases {
        expr(&case.text).unwrap_or_else(|error| panic!("{}: {error}", case.text)).visit(&mut |part| {
            if let Expr::Call(function, _) = part {
                functions.insert(function.name());
            }
        });
    }
    let missing: Vec<&str> =
        Function::all().map(Function::name).filter(|name| !functions.contains(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn every_operator_has_a_case() {
    let cases = all(&mut Random(1));
    let mut kinds = BTreeSet::new();
    for case in &cases {
        expr(&case.text).unwrap().visit(&mut |part| {
            kinds.insert(match part {
                Expr::Arithmetic(op, ..) => op.symbol(),
                Expr::Compare(op, ..) => op.symbol(),
                Expr::And(_) => "and",
                Expr::Or(_) => "or",
                Expr::Not(_) => "not",
                Expr::Negate(_) => "negate",
                Expr::IsNull(_) => "is null",
                Expr::FillNull(..) => "coalesce",
                Expr::IsIn(..) => "in",
                Expr::Cast(_, _, partita::CastMode::Strict) => "cast",
                Expr::Cast(..) => "try_cast",
                Expr::Case(..) => "case",
                _ => "",
            });
        });
    }
    let wanted = [
        "+", "-", "*", "/", "//", "%", "=", "!=", "<", "<=", ">", ">=", "and", "or", "not", "negate",
        "is null", "coalesce", "in", "cast", "try_cast", "case",
    ];
    let missing: Vec<&str> = wanted.into_iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn numbers_are_as_in_loops() {
    case::run(numbers::cases, 40);
}

#[test]
fn operators_are_as_in_loops() {
    case::run(operators::cases, 12);
}

#[test]
fn choices_are_as_in_loops() {
    case::run(choices::cases, 20);
}

#[test]
fn texts_are_as_in_loops() {
    case::run(texts::cases, 40);
}

#[test]
fn times_are_as_in_loops() {
    case::run(times::cases, 25);
}
