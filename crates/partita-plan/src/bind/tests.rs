use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use expect_test::{Expect, expect};
use partita_columns::dtype;

use super::bind;
use crate::expr::{DEPTH_MAX, Expr, col, lit};
use crate::parse::expr;

fn schema() -> Schema {
    let berlin = Some(Arc::from("Europe/Berlin"));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View));
    let required = Field::new("required", DataType::Int64, false);
    let nullable = [
        ("flag", DataType::Boolean),
        ("i8", DataType::Int8),
        ("i32", DataType::Int32),
        ("i64", DataType::Int64),
        ("u8", DataType::UInt8),
        ("u64", DataType::UInt64),
        ("f32", DataType::Float32),
        ("f64", DataType::Float64),
        ("dec", DataType::Decimal128(10, 2)),
        ("text", DataType::Utf8View),
        ("bytes", DataType::Binary),
        ("day", DataType::Date32),
        ("at", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("at_s", DataType::Timestamp(TimeUnit::Second, None)),
        ("zoned", DataType::Timestamp(TimeUnit::Millisecond, berlin)),
        ("span", DataType::Duration(TimeUnit::Millisecond)),
        ("kind", dictionary),
        ("PULocationID", DataType::Int64),
    ];
    let nullable = nullable.into_iter().map(|(name, data_type)| Field::new(name, data_type, true));
    Schema::new(std::iter::once(required).chain(nullable).collect::<Vec<_>>())
}

/// Columns by name instead of position, for reading.
fn check(text: &str, expected: Expect) {
    let read = expr(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    check_expr(&read, expected);
}

fn check_expr(read: &Expr, expected: Expect) {
    let schema = schema();
    let shown = match bind(read, &schema) {
        Ok((bound, field)) => {
            let null = if field.is_nullable() { "" } else { ", not null" };
            format!("{}: {}{null}\n{bound:?}", field.name(), dtype::name(field.data_type()))
        }
        Err(error) => error.to_string(),
    };
    expected.assert_eq(&shown);
}

#[test]
fn columns_keep_their_field() {
    check("required", expect![""]);
    check("i64 as other", expect![""]);
    check("kind", expect![""]);
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    check("PUlocationID > 1", expect![""]);
    check("f46 > 1", expect![""]);
    check("nothing_like_it > 1", expect![""]);
}

#[test]
fn literals_take_the_type_beside_them() {
    check("i64 > 0.0", expect![""]);
    check("i8 > 300", expect![""]);
    check("i64 > 0.5", expect![""]);
    check("u64 > -1", expect![""]);
    check("f32 = 0.1", expect![""]);
    check("0 < f64", expect![""]);
    check("dec >= 0.1", expect![""]);
    check("dec = 0.125", expect![""]);
    check("i32 = null::int", expect![""]);
    check("i8 in (1, 300, 1.0, 0.5, null)", expect![""]);
    check("f32 in (0.1)", expect![""]);
    check("coalesce(i32, 0)", expect![""]);
    check("kind = 'x'", expect![""]);
}

#[test]
fn text_beside_times_is_read() {
    check("day > '2020-01-01'", expect![""]);
    check("at between '2020-01-01' and '2020-01-31T23:59:59.5'", expect![""]);
    check("zoned < '2020-07-01 12:00'", expect![""]);
    check("zoned < '2020-07-01T12:00Z'", expect![""]);
    check("day in ('2020-01-01', null)", expect![""]);
    check("day > '2020-13-01'", expect![""]);
    check("at > '2020-01-01T00:00Z'", expect![""]);
    check("zoned > 'yesterday'", expect![""]);
}

#[test]
fn numbers_meet_in_a_type_that_holds_both() {
    check("i8 = i32", expect![""]);
    check("i8 + u8", expect![""]);
    check("i64 < u64", expect![""]);
    check("i64 + u64", expect![""]);
    check("i8 > u64", expect![""]);
    check("i64 > f64", expect![""]);
    check("i8 * f32", expect![""]);
    check("i32 * f32", expect![""]);
    check("dec > i64", expect![""]);
    check("dec + i8", expect![""]);
    check("dec * 2", expect![""]);
    check("dec * 1.5", expect![""]);
    check("coalesce(u64, i64)", expect![""]);
}

#[test]
fn arithmetic_has_its_types() {
    check("i8 + 1", expect![""]);
    check("i8 + 300", expect![""]);
    check("i64 * 2.0", expect![""]);
    check("f32 * 0.1", expect![""]);
    check("required / 2", expect![""]);
    check("required % 2", expect![""]);
    check("i64 + null", expect![""]);
    check("-i64", expect![""]);
    check("-u8", expect![""]);
    check("flag + 1", expect![""]);
    check("text + 1", expect![""]);
}

#[test]
fn times_have_theirs() {
    check("at - at_s", expect![""]);
    check("at - '2020-01-01'", expect![""]);
    check("at_s + span", expect![""]);
    check("day - day", expect![""]);
    check("day + span", expect![""]);
    check("day = at", expect![""]);
    check("at = zoned", expect![""]);
    check("at + 1", expect![""]);
    check("at + at", expect![""]);
}

#[test]
fn logic_is_of_booleans() {
    check("flag and i64 > 0 or not flag", expect![""]);
    check("flag and null", expect![""]);
    check("i64 and flag", expect![""]);
    check("not text", expect![""]);
    check("required is null", expect![""]);
    check("flag is true", expect![""]);
}

#[test]
fn kinds_do_not_mix() {
    check("i64 > 'x'", expect![""]);
    check("text > 1", expect![""]);
    check("text in (1)", expect![""]);
    check("text = day", expect![""]);
    check("flag = 1", expect![""]);
    check("coalesce(i64, 'x')", expect![""]);
    check("day in ('x')", expect![""]);
}

#[test]
fn casts() {
    check("text::int", expect![""]);
    check("try_cast(required as int8)", expect![""]);
    check("required::int64", expect![""]);
    check("f64::date", expect![""]);
    check_expr(&col("i64").cast(DataType::Utf8), expect![""]);
    check("1::int8 + i8", expect![""]);
}

#[test]
fn long_conditions_bind_to_shallow_trees() {
    let many = (0..10_000).map(|value| col("i64").eq(lit(value))).reduce(Expr::or).unwrap();
    let (bound, _) = bind(&many, &schema()).unwrap();
    let depth =
        format!("{bound:?}").chars().fold((0_usize, 0), |(open, deepest), character| match character {
            '(' => (open + 1, deepest.max(open + 1)),
            ')' => (open - 1, deepest),
            _ => (open, deepest),
        });
    assert!(depth.1 < 25, "{depth:?}");
}

#[test]
fn deep_expressions_are_refused() {
    let deep = (0..DEPTH_MAX + 10).fold(col("i64"), |sum, _| sum + 1);
    let error = bind(&deep, &schema()).unwrap_err();
    assert!(error.to_string().contains("nested over 256 deep"), "{error}");
    let allowed = (0..DEPTH_MAX - 1).fold(col("i64"), |sum, _| sum + 1);
    assert!(bind(&allowed, &schema()).is_ok());
}
