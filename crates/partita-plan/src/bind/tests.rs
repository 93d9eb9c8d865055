#![allow(clippy::needless_pass_by_value, reason = "snapshots are written in place")]

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use expect_test::{Expect, expect};
use partita_columns::compute::function::{Function, SQRT};
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
    check(
        "required",
        expect![[r#"
        required: Int64, not null
        Column(0)"#]],
    );
    check(
        "i64 as other",
        expect![[r#"
        other: Int64
        Column(4)"#]],
    );
    check(
        "kind",
        expect![[r#"
        kind: Dictionary(Utf8)
        Column(17)"#]],
    );
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    check(
        "PUlocationID > 1",
        expect![[
            r#"no column "PUlocationID" (did you mean "PULocationID"?); the columns are required, flag, i8, i32, i64, u8, u64, f32, f64, dec, text, bytes, day, at, at_s, zoned, span, kind, PULocationID"#
        ]],
    );
    check(
        "f46 > 1",
        expect![[
            r#"no column "f46" (did you mean "f64"?); the columns are required, flag, i8, i32, i64, u8, u64, f32, f64, dec, text, bytes, day, at, at_s, zoned, span, kind, PULocationID"#
        ]],
    );
    check(
        "nothing_like_it > 1",
        expect![[
            r#"no column "nothing_like_it"; the columns are required, flag, i8, i32, i64, u8, u64, f32, f64, dec, text, bytes, day, at, at_s, zoned, span, kind, PULocationID"#
        ]],
    );
}

#[test]
fn literals_take_the_type_beside_them() {
    check(
        "i64 > 0.0",
        expect![[r#"
        i64: Boolean
        Compare(Gt, Column(4), Literal(Int64(0)))"#]],
    );
    check(
        "i8 > 300",
        expect![[r#"
        i8: Boolean
        Compare(Gt, Cast(Column(2), Int64, Strict), Literal(Int64(300)))"#]],
    );
    check(
        "i64 > 0.5",
        expect![[r#"
        i64: Boolean
        Compare(Gt, Cast(Column(4), Float64, Strict), Literal(Float64(0.5)))"#]],
    );
    check(
        "u64 > -1",
        expect![[r#"
        u64: Boolean
        Compare(Gt, Column(6), Literal(Int64(-1)))"#]],
    );
    check(
        "f32 = 0.1",
        expect![[r#"
        f32: Boolean
        Compare(Eq, Column(7), Literal(Float64(0.10000000149011612)))"#]],
    );
    check(
        "0 < f64",
        expect![[r#"
        f64: Boolean
        Compare(Lt, Literal(Float64(0.0)), Column(8))"#]],
    );
    check(
        "dec >= 0.1",
        expect![[r#"
        dec: Boolean
        Compare(GtEq, Column(9), Literal(Decimal128(10, 10, 2)))"#]],
    );
    check(
        "dec = 0.125",
        expect![[r#"
        dec: Boolean
        Compare(Eq, Cast(Column(9), Float64, Strict), Literal(Float64(0.125)))"#]],
    );
    check(
        "i32 = null::int",
        expect![[r#"
        i32: Boolean
        Compare(Eq, Cast(Column(3), Int64, Strict), Cast(Literal(Null(Null)), Int64, Strict))"#]],
    );
    check(
        "i8 in (1, 300, 1.0, 0.5, null)",
        expect![[r#"
        i8: Boolean, not null
        IsIn(Column(2), [Int64(1), Int64(1), Null(Int8)])"#]],
    );
    check(
        "f32 in (0.1)",
        expect![[r#"
        f32: Boolean, not null
        IsIn(Column(7), [Float64(0.10000000149011612)])"#]],
    );
    check(
        "coalesce(i32, 0)",
        expect![[r#"
        i32: Int32, not null
        FillNull(Column(3), Literal(Int64(0)))"#]],
    );
    check(
        "kind = 'x'",
        expect![[r#"
        kind: Boolean
        Compare(Eq, Cast(Column(17), Utf8View, Strict), Literal(Utf8("x")))"#]],
    );
}

#[test]
fn text_beside_times_is_read() {
    check(
        "day > '2020-01-01'",
        expect![[r#"
        day: Boolean
        Compare(Gt, Column(12), Literal(Date32(18262)))"#]],
    );
    check(
        "at between '2020-01-01' and '2020-01-31T23:59:59.5'",
        expect![[r#"
        at: Boolean
        And(Compare(GtEq, Column(13), Literal(Timestamp(1577836800000000, Microsecond, None))), Compare(LtEq, Column(13), Literal(Timestamp(1580515199500000, Microsecond, None))))"#]],
    );
    check(
        "zoned < '2020-07-01 12:00'",
        expect![[r#"
        zoned: Boolean
        Compare(Lt, Column(15), Literal(Timestamp(1593597600000, Millisecond, Some("Europe/Berlin"))))"#]],
    );
    check(
        "zoned < '2020-07-01T12:00Z'",
        expect![[r#"
        zoned: Boolean
        Compare(Lt, Column(15), Literal(Timestamp(1593604800000, Millisecond, Some("Europe/Berlin"))))"#]],
    );
    check(
        "day in ('2020-01-01', null)",
        expect![[r#"
        day: Boolean, not null
        IsIn(Column(12), [Date32(18262), Null(Date32)])"#]],
    );
    check(
        "day > '2020-13-01'",
        expect![[r#"(day > '2020-13-01'): "2020-13-01" is no Date32; write it as YYYY-MM-DD"#]],
    );
    check(
        "at > '2020-01-01T00:00Z'",
        expect![[
            r#"(at > '2020-01-01T00:00Z'): "2020-01-01T00:00Z" is no Timestamp(us); write it as YYYY-MM-DD HH:MM:SS without an offset"#
        ]],
    );
    check(
        "zoned > 'yesterday'",
        expect![[
            r#"(zoned > 'yesterday'): "yesterday" is no Timestamp(ms, Europe/Berlin); write it as YYYY-MM-DD HH:MM:SS, with an offset or a time that its zone has once"#
        ]],
    );
}

#[test]
fn numbers_meet_in_a_type_that_holds_both() {
    check(
        "i8 = i32",
        expect![[r#"
        i8: Boolean
        Compare(Eq, Cast(Column(2), Int32, Strict), Column(3))"#]],
    );
    check(
        "i8 + u8",
        expect![[r#"
        i8: Int16
        Arithmetic(Add, Cast(Column(2), Int16, Strict), Cast(Column(5), Int16, Strict))"#]],
    );
    check(
        "i64 < u64",
        expect![[r#"
        i64: Boolean
        Compare(Lt, Column(4), Column(6))"#]],
    );
    check(
        "i64 + u64",
        expect![[r#"
        i64: Int64
        Arithmetic(Add, Column(4), Cast(Column(6), Int64, Strict))"#]],
    );
    check(
        "i8 > u64",
        expect![[r#"
        i8: Boolean
        Compare(Gt, Cast(Column(2), Int64, Strict), Column(6))"#]],
    );
    check(
        "i64 > f64",
        expect![[r#"
        i64: Boolean
        Compare(Gt, Cast(Column(4), Float64, Strict), Column(8))"#]],
    );
    check(
        "i8 * f32",
        expect![[r#"
        i8: Float32
        Arithmetic(Multiply, Cast(Column(2), Float32, Strict), Column(7))"#]],
    );
    check(
        "i32 * f32",
        expect![[r#"
        i32: Float64
        Arithmetic(Multiply, Cast(Column(3), Float64, Strict), Cast(Column(7), Float64, Strict))"#]],
    );
    check(
        "dec > i64",
        expect![[r#"
        dec: Boolean
        Compare(Gt, Column(9), Cast(Column(4), Decimal128(19, 0), Strict))"#]],
    );
    check(
        "dec + i8",
        expect![[r#"
        dec: Decimal(11, 2)
        Arithmetic(Add, Column(9), Cast(Column(2), Decimal128(3, 0), Strict))"#]],
    );
    check(
        "dec * 2",
        expect![[r#"
        dec: Decimal(12, 2)
        Arithmetic(Multiply, Column(9), Literal(Decimal128(2, 1, 0)))"#]],
    );
    check(
        "dec * 1.5",
        expect![[r#"
        dec: Float64
        Arithmetic(Multiply, Cast(Column(9), Float64, Strict), Literal(Float64(1.5)))"#]],
    );
    check(
        "coalesce(u64, i64)",
        expect![[r#"
        u64: Int64
        FillNull(Cast(Column(6), Int64, Strict), Column(4))"#]],
    );
}

#[test]
fn arithmetic_has_its_types() {
    check(
        "i8 + 1",
        expect![[r#"
        i8: Int8
        Arithmetic(Add, Column(2), Literal(Int64(1)))"#]],
    );
    check(
        "i8 + 300",
        expect![[r#"
        i8: Int64
        Arithmetic(Add, Cast(Column(2), Int64, Strict), Literal(Int64(300)))"#]],
    );
    check(
        "i64 * 2.0",
        expect![[r#"
        i64: Float64
        Arithmetic(Multiply, Cast(Column(4), Float64, Strict), Literal(Float64(2.0)))"#]],
    );
    check(
        "f32 * 0.1",
        expect![[r#"
        f32: Float32
        Arithmetic(Multiply, Column(7), Literal(Float64(0.10000000149011612)))"#]],
    );
    check(
        "required / 2",
        expect![[r#"
        required: Float64, not null
        Arithmetic(Divide, Column(0), Literal(Int64(2)))"#]],
    );
    check(
        "required % 2",
        expect![[r#"
        required: Int64
        Arithmetic(Remainder, Column(0), Literal(Int64(2)))"#]],
    );
    check(
        "i64 + null",
        expect![[r#"
        i64: Int64
        Arithmetic(Add, Column(4), Literal(Null(Int64)))"#]],
    );
    check(
        "-i64",
        expect![[r#"
        i64: Int64
        Negate(Column(4))"#]],
    );
    check("-u8", expect!["(-u8): - is not defined for UInt8; cast it to a signed type first"]);
    check("flag + 1", expect!["(flag + 1): cannot add Boolean with Int64; cast one of them"]);
    check(
        "text + 1",
        expect!["(text + 1): cannot add Utf8 with Int64; cast the text to Int64, or the other side to Utf8"],
    );
}

#[test]
fn times_have_theirs() {
    check(
        "at - at_s",
        expect![[r#"
        at: Duration(us)
        Arithmetic(Subtract, Column(13), Cast(Column(14), Timestamp(Microsecond, None), Strict))"#]],
    );
    check(
        "at - '2020-01-01'",
        expect![[r#"
        at: Duration(us)
        Arithmetic(Subtract, Column(13), Literal(Timestamp(1577836800000000, Microsecond, None)))"#]],
    );
    check(
        "at_s + span",
        expect![[r#"
        at_s: Timestamp(ms)
        Arithmetic(Add, Cast(Column(14), Timestamp(Millisecond, None), Strict), Column(16))"#]],
    );
    check(
        "day - day",
        expect![[r#"
        day: Duration(s)
        Arithmetic(Subtract, Column(12), Column(12))"#]],
    );
    check(
        "day + span",
        expect![[r#"
        day: Timestamp(ms)
        Arithmetic(Add, Cast(Column(12), Timestamp(Millisecond, None), Strict), Column(16))"#]],
    );
    check(
        "day = at",
        expect![[r#"
        day: Boolean
        Compare(Eq, Cast(Column(12), Timestamp(Microsecond, None), Strict), Column(13))"#]],
    );
    check(
        "at = zoned",
        expect![
            "(at = zoned): cannot compare Timestamp(us) with Timestamp(ms, Europe/Berlin); one is an instant and one a wall-clock time: cast one to Timestamp(us) or Timestamp(ms, Europe/Berlin)"
        ],
    );
    check("at + 1", expect!["(at + 1): cannot add Timestamp(us) with Int64; cast one of them"]);
    check(
        "at + at",
        expect!["(at + at): + is not defined for Timestamp(us) and Timestamp(us); cast them first"],
    );
}

#[test]
fn logic_is_of_booleans() {
    check(
        "flag and i64 > 0 or not flag",
        expect![[r#"
        flag: Boolean
        Or(And(Column(1), Compare(Gt, Column(4), Literal(Int64(0)))), Not(Column(1)))"#]],
    );
    check(
        "flag and null",
        expect![[r#"
        flag: Boolean
        And(Column(1), Literal(Null(Boolean)))"#]],
    );
    check(
        "i64 and flag",
        expect!["i64: expected Boolean, got Int64; compare it with something, or cast it to Boolean"],
    );
    check(
        "not text",
        expect!["text: expected Boolean, got Utf8; compare it with something, or cast it to Boolean"],
    );
    check(
        "required is null",
        expect![[r#"
        required: Boolean, not null
        IsNull(Column(0))"#]],
    );
    check(
        "flag is true",
        expect![[r#"
        flag: Boolean, not null
        FillNull(Column(1), Literal(Boolean(false)))"#]],
    );
}

#[test]
fn kinds_do_not_mix() {
    check(
        "i64 > 'x'",
        expect![
            "(i64 > 'x'): cannot compare Int64 with Utf8; cast the text to Int64, or the other side to Utf8"
        ],
    );
    check(
        "text > 1",
        expect![
            "(text > 1): cannot compare Utf8 with Int64; cast the text to Int64, or the other side to Utf8"
        ],
    );
    check("text in (1)", expect!["(text in (1)): Utf8 is never 1; write the list in Utf8"]);
    check(
        "text = day",
        expect![
            "(text = day): cannot compare Utf8 with Date32; cast the text to Date32, or the other side to Utf8"
        ],
    );
    check("flag = 1", expect!["(flag = 1): cannot compare Boolean with Int64; cast one of them"]);
    check(
        "coalesce(i64, 'x')",
        expect![
            "coalesce(i64, 'x'): cannot fill Int64 with Utf8; cast the text to Int64, or the other side to Utf8"
        ],
    );
    check("day in ('x')", expect![[r#"(day in ('x')): "x" is no Date32; write it as YYYY-MM-DD"#]]);
}

#[test]
fn casts() {
    check(
        "text::int",
        expect![[r#"
        text: Int64
        Cast(Column(10), Int64, Strict)"#]],
    );
    check(
        "try_cast(required as int8)",
        expect![[r#"
        required: Int8
        Cast(Column(0), Int8, Lenient)"#]],
    );
    check(
        "required::int64",
        expect![[r#"
        required: Int64, not null
        Column(0)"#]],
    );
    check("f64::date", expect!["cast(f64 as Date32): there is no cast from Float64 to Date32"]);
    check_expr(
        &col("i64").cast(DataType::Utf8),
        expect![[r#"
        i64: Utf8
        Cast(Column(4), Utf8View, Strict)"#]],
    );
    check(
        "1::int8 + i8",
        expect![[r#"
        i8: Int8
        Arithmetic(Add, Cast(Literal(Int64(1)), Int8, Strict), Column(2))"#]],
    );
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

#[test]
fn functions_take_what_their_type_rule_says() {
    check(
        "sqrt(i64)",
        expect![[r#"
        i64: Float64
        Call(sqrt, Signature { arguments: [Float64], result: Float64, nulls: Propagate }, [Cast(Column(4), Float64, Strict)])"#]],
    );
    check(
        "abs(required)",
        expect![[r#"
        required: Int64, not null
        Call(abs, Signature { arguments: [Int64], result: Int64, nulls: Propagate }, [Column(0)])"#]],
    );
    check(
        "is_nan(dec)",
        expect![[r#"
        dec: Boolean
        Call(is_nan, Signature { arguments: [Decimal128(10, 2)], result: Boolean, nulls: Propagate }, [Column(9)])"#]],
    );
    check(
        "upper(kind)",
        expect![[r#"
        kind: Utf8
        Call(upper, Signature { arguments: [Utf8View], result: Utf8View, nulls: Propagate }, [Cast(Column(17), Utf8View, Strict)])"#]],
    );
    check(
        "year(text)",
        expect!["year(text): expected a date or a time, got Utf8; cast it to Date32 or Timestamp(us)"],
    );
    check(
        "sqrt(f32 + 1) > 2",
        expect![[r#"
        f32: Boolean
        Compare(Gt, Call(sqrt, Signature { arguments: [Float32], result: Float32, nulls: Propagate }, [Arithmetic(Add, Column(7), Literal(Float64(1.0)))]), Literal(Float64(2.0)))"#]],
    );
    check_expr(&Expr::Call(Function::from(&SQRT), vec![]), expect!["sqrt(): sqrt takes 1 argument, got 0"]);
}

#[test]
fn choices_have_one_type() {
    check(
        "case when flag then i8 else 300 end",
        expect![[r#"
        flag: Int64
        Case([(Column(1), Cast(Column(2), Int64, Strict))], Literal(Int64(300)), Int64)"#]],
    );
    check(
        "case when flag then i8 when i64 > 1 then f32 end",
        expect![[r#"
        flag: Float32
        Case([(Column(1), Cast(Column(2), Float32, Strict)), (Compare(Gt, Column(4), Literal(Int64(1))), Column(7))], Literal(Null(Float32)), Float32)"#]],
    );
    check(
        "case when flag then 1 else 'x' end",
        expect![
            "case when flag then 1 else 'x' end: cannot choose between Int64 with Utf8; cast the text to Int64, or the other side to Utf8"
        ],
    );
    check(
        "case when i64 then 1 end",
        expect!["i64: expected Boolean, got Int64; compare it with something, or cast it to Boolean"],
    );
    check(
        "case when true then required else 0 end",
        expect![[r#"
        required: Int64, not null
        Case([(Literal(Boolean(true)), Column(0))], Literal(Int64(0)), Int64)"#]],
    );
}

#[test]
fn functions_of_many_have_one_type() {
    check(
        "least(i8, 3, i32)",
        expect![[r#"
        i8: Int32
        Call(least, Signature { arguments: [Int32, Int32, Int32], result: Int32, nulls: Propagate }, [Cast(Column(2), Int32, Strict), Literal(Int64(3)), Column(3)])"#]],
    );
    check(
        "greatest(u64, i64)",
        expect![[r#"
        u64: Int64
        Call(greatest, Signature { arguments: [Int64, Int64], result: Int64, nulls: Propagate }, [Cast(Column(6), Int64, Strict), Column(4)])"#]],
    );
    check(
        "clip(f64, 0, 1)",
        expect![[r#"
        f64: Float64
        Call(clip, Signature { arguments: [Float64, Float64, Float64], result: Float64, nulls: Propagate }, [Column(8), Literal(Float64(0.0)), Literal(Float64(1.0))])"#]],
    );
    check(
        "clip(i64, 0, 1.5)",
        expect![[r#"
        i64: Float64
        Call(clip, Signature { arguments: [Float64, Float64, Float64], result: Float64, nulls: Propagate }, [Cast(Column(4), Float64, Strict), Literal(Float64(0.0)), Literal(Float64(1.5))])"#]],
    );
    check(
        "least(text, i64)",
        expect![
            "least(text, i64): cannot compare Utf8 with Int64; cast the text to Int64, or the other side to Utf8"
        ],
    );
    check(
        "replace_values(text, 'a', 'b')",
        expect![[r#"
        text: Utf8
        Call(replace_values, Signature { arguments: [Utf8View, Utf8View, Utf8View], result: Utf8View, nulls: Possible }, [Column(10), Literal(Utf8("a")), Literal(Utf8("b"))])"#]],
    );
    check(
        "replace_values(text, 'a', 'b', 'c')",
        expect!["replace_values(text, 'a', 'b', 'c'): expected a column and pairs of an old and a new value"],
    );
    check(
        "fill_nan(text, 'b')",
        expect!["fill_nan(text, 'b'): expected a number, got Utf8; cast it to Float64"],
    );
    check(
        "round(dec, 1)",
        expect![[r#"
        dec: Decimal(10, 1)
        Call(round, Signature { arguments: [Decimal128(10, 2), Int64], result: Decimal128(10, 1), nulls: Propagate }, [Column(9), Literal(Int64(1))])"#]],
    );
    check("round(f64, i64)", expect!["round(f64, i64): expected a whole number of digits, as a literal"]);
    check(
        "hash(text, i8, kind)",
        expect![[r#"
        text: UInt64, not null
        Call(hash, Signature { arguments: [Utf8View, Int8, Utf8View], result: UInt64, nulls: Never }, [Column(10), Column(2), Cast(Column(17), Utf8View, Strict)])"#]],
    );
    check(
        "pow(f32, 2)",
        expect![[r#"
        f32: Float32
        Call(pow, Signature { arguments: [Float32, Float32], result: Float32, nulls: Propagate }, [Column(7), Literal(Float64(2.0))])"#]],
    );
}
