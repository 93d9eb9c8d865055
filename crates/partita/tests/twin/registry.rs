//! Everything there is in the registries, from Rust to text and back, and refused with its name.

use std::sync::Arc;

use partita::arrow::datatypes::{DataType, Field, Schema};
use partita::{Expr, Reduction, Scalar, col, expr, lit};
use partita_columns::compute::function::Function;
use partita_plan::bind::bind;

/// Names and literals that a text form may get wrong.
fn arguments() -> Vec<Expr> {
    vec![
        col("plain"),
        col("with \"quotes\" and blanks"),
        lit("it's"),
        lit(-1),
        lit(f64::MIN_POSITIVE),
        lit(f64::NEG_INFINITY),
        lit(u64::MAX),
        Expr::Literal(Scalar::Null(DataType::Null)),
        Expr::Literal(Scalar::Null(DataType::Date32)),
        Expr::Literal(Scalar::Date32(-719_162)),
        Expr::Literal(Scalar::Decimal128(-5, 20, 3)),
        -col("select"),
        !col("and").is_null(),
        col("a") - (col("b") - col("c")),
    ]
}

#[test]
fn every_function_reads_back() {
    let values = arguments();
    for function in Function::all() {
        let (least, most) = function.arguments();
        for count in least..=most.min(least + 2) {
            for start in 0..values.len() {
                let all = (0..count).map(|at| values[(start + at * 3) % values.len()].clone()).collect();
                let call = Expr::Call(function, all);
                assert_eq!(expr(&call.to_string()).unwrap_or_else(|error| panic!("{call}: {error}")), call);
            }
        }
    }
}

#[test]
fn every_reduction_reads_back() {
    for reduction in Reduction::ALL {
        let parameters = [Scalar::Int64(0), Scalar::Int64(3), Scalar::Float64(0.125), Scalar::Boolean(true)];
        let others = parameters.iter().filter_map(|parameter| reduction.with_parameter(parameter));
        for reduction in [reduction].into_iter().chain(others) {
            for value in arguments() {
                let call = Expr::Aggregate(reduction.into(), vec![value; reduction.columns()]);
                assert_eq!(expr(&call.to_string()).unwrap_or_else(|error| panic!("{call}: {error}")), call);
            }
        }
    }
}

/// A list has no place in any of them, and the refusal names the call.
#[test]
fn wrong_types_are_refused_by_name() {
    let list = DataType::List(Arc::new(Field::new_list_field(DataType::Int64, true)));
    let schema = Schema::new(vec![Field::new("items", list, true)]);
    for function in Function::all() {
        let call = Expr::Call(function, vec![col("items"); function.arguments().0]);
        let error = bind(&call, &schema).expect_err(function.name()).to_string();
        assert!(error.starts_with(&call.to_string()), "{error}");
    }
    let wrong = [
        col("items") + lit(1),
        -col("items"),
        !col("items"),
        col("items").and(lit(true)),
        col("items").is_in([1]),
        col("items").cast(DataType::Int64),
        col("items").gt(col("items")),
    ];
    for call in wrong {
        let error = bind(&call, &schema).expect_err("a list").to_string();
        assert!(error.contains("items"), "{error}");
    }
}

/// Literals that cannot be what the function wants are known of before anything runs.
#[test]
fn wrong_literals_are_refused_by_name() {
    let schema = Schema::new(vec![
        Field::new("t", DataType::Utf8View, true),
        Field::new("at", DataType::Date32, true),
        Field::new("x", DataType::Float64, true),
    ]);
    for (text, words) in [
        ("regex_contains(t, '(')", "unclosed group"),
        ("regex_extract(t, 'a', 3)", "no group 3"),
        (r"(t like 'a\')", "ends with"),
        ("split(t, '')", "expected a separator"),
        ("ljust(t, 5, 'ab')", "one character"),
        ("to_date(t, '%Q')", "%Q"),
        ("to_numeric(t, 'Date32')", "type of numbers"),
        ("to_datetime(t, null, 'Mars')", "no time zone"),
        ("time_floor(at, '5 parsecs')", "no frequency"),
        ("strftime(at, '%Q')", "not a date format"),
        ("strftime(at, '%z')", "letters for a zone"),
        ("localize(at, 'Mars')", "no time zone"),
        ("localize(at, 'UTC', 'maybe')", "expected one of"),
        ("round(x, t)", "literal"),
        ("sqrt('four')", "expected a number"),
        ("(at + 1)", "cannot add"),
        ("(t > 5)", "cannot compare"),
    ] {
        let error = bind(&expr(text).unwrap(), &schema).expect_err(text).to_string();
        assert!(error.starts_with(text) && error.contains(words), "{error}");
    }
}
