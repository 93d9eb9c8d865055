#![allow(clippy::needless_pass_by_value, reason = "snapshots are written in place")]

use expect_test::{Expect, expect};
use proptest::prelude::*;

use super::{TEXT_BYTES_MAX, expr};
use crate::expr::{DEPTH_MAX, Expr, col, lit};

fn reads(text: &str, expected: Expect) {
    expected.assert_eq(&expr(text).unwrap_or_else(|error| panic!("{text}: {error}")).to_string());
}

fn refuses(text: &str, expected: Expect) {
    match expr(text) {
        Ok(read) => panic!("{text} reads as {read}"),
        Err(error) => expected.assert_eq(&error.to_string()),
    }
}

#[test]
fn the_text_of_the_guide() {
    let read = expr("fare_amount > 0 and PULocationID in (1, 2)").unwrap();
    assert_eq!(read, col("fare_amount").gt(0).and(col("PULocationID").is_in([1, 2])));
}

#[test]
fn precedences_are_those_of_sql() {
    reads("a or b and not c = d + e * -f", expect!["(a or (b and (not (c = (d + (e * (-f)))))))"]);
    reads("a - b - c", expect!["((a - b) - c)"]);
    reads("a * (b + c) // 2 % 3 / 4", expect!["((((a * (b + c)) // 2) % 3) / 4)"]);
    reads("not a is null", expect!["(a is not null)"]);
    reads("NOT a IS NOT NULL AND b", expect!["((not (a is not null)) and b)"]);
    reads("a between 1 and 2 + 3 and b", expect!["(((a >= 1) and (a <= (2 + 3))) and b)"]);
    reads("a not between 1 and 2", expect!["(not ((a >= 1) and (a <= 2)))"]);
    reads("-a::int + 1", expect!["((-cast(a as Int64)) + 1)"]);
    reads("- 5 - -5", expect!["(-5 - -5)"]);
    reads("a = b -- and so on", expect!["(a = b)"]);
}

#[test]
fn literals() {
    reads("1", expect!["1"]);
    reads("-9223372036854775808", expect!["-9223372036854775808"]);
    reads("18446744073709551615", expect!["18446744073709551615"]);
    reads("1.50", expect!["1.5"]);
    reads("1e3", expect!["1000.0"]);
    reads(".5", expect!["0.5"]);
    reads("'it''s'", expect!["'it''s'"]);
    reads("TRUE", expect!["true"]);
    reads("a in (NULL, 'x', -1, x'00fF')", expect!["(a in (null, 'x', -1, x'00ff'))"]);
    reads("DATE '2020-02-29'", expect!["date '2020-02-29'"]);
    reads("timestamp '2020-02-29 12:00'", expect!["timestamp '2020-02-29 12:00:00.000000'"]);
    reads("timestamp '2020-02-29T12:00:00.123456789'", expect!["timestamp '2020-02-29 12:00:00.123456789'"]);
    reads("timestamp '2020-02-29 12:00+01:00'", expect!["timestamp '2020-02-29 11:00:00.000000Z'"]);
    reads(
        "timestamp '2020-07-01 12:00[Europe/Berlin]'",
        expect!["timestamp '2020-07-01 10:00:00.000000Z[Europe/Berlin]'"],
    );
}

#[test]
fn names() {
    reads("date", expect!["date"]);
    reads(
        "date > '2020-01-01' and timestamp = cast",
        expect!["((date > '2020-01-01') and (timestamp = cast))"],
    );
    reads(r#""Trip ""Distance""" > 0"#, expect![[r#"("Trip ""Distance""" > 0)"#]]);
    reads("`order by` is true", expect![[r#"coalesce("order by", false)"#]]);
    reads("PULocationID", expect!["PULocationID"]);
    reads("größe = 1", expect![[r#"("größe" = 1)"#]]);
    reads("a + b as total", expect!["(a + b) as total"]);
}

#[test]
fn casts_and_functions() {
    reads("cast(a as bigint)", expect!["cast(a as Int64)"]);
    reads("try_cast(a as decimal(10, 2))", expect!["try_cast(a as Decimal(10, 2))"]);
    reads("a::double precision", expect!["cast(a as Float64)"]);
    reads(
        "a::timestamp(us, Europe/Berlin)::date",
        expect!["cast(cast(a as Timestamp(us, Europe/Berlin)) as Date32)"],
    );
    reads("cast(a as timestamp with time zone)", expect!["cast(a as Timestamp(us, UTC))"]);
    reads("coalesce(a, b, 0)", expect!["coalesce(coalesce(a, b), 0)"]);
    reads("a is not false", expect!["(not coalesce((not a), false))"]);
}

#[test]
fn choices() {
    reads("case when a > 1 then b else 0 end", expect!["case when (a > 1) then b else 0 end"]);
    reads(
        "CASE WHEN a THEN 1 WHEN b THEN 2 END + 1 as c",
        expect!["(case when a then 1 when b then 2 else null end + 1) as c"],
    );
    reads(
        "case a when 1 then 'x' when 2 then 'y' end",
        expect!["case when (a = 1) then 'x' when (a = 2) then 'y' else null end"],
    );
    reads("case when then then else else end end", expect!["case when then then else else end end"]);
}

#[test]
fn functions_of_text_and_time() {
    reads("name LIKE 'A%' and b", expect!["((name like 'A%') and b)"]);
    reads("name not ilike '%x_' or b", expect!["((not (name ilike '%x_')) or b)"]);
    reads(r"regex_extract(id, '^\w+-(\d+)$', 1)", expect![[r"regex_extract(id, '^\w+-(\d+)$', 1)"]]);
    reads("upper(strip(name)) = 'X'", expect!["(upper(strip(name)) = 'X')"]);
    reads("concat(a, ' ', b)", expect!["concat(a, ' ', b)"]);
    reads("date(at) = date '2020-02-29'", expect!["(date(at) = date '2020-02-29')"]);
    reads(
        "year(at) = 2020 and month(at) in (1, 2)",
        expect!["((year(at) = 2020) and (month(at) in (1, 2)))"],
    );
    reads("to_datetime(t, null, 'Europe/Berlin')", expect!["to_datetime(t, null, 'Europe/Berlin')"]);
    reads("repeat(a, 2) = reverse(a)", expect!["(repeat(a, 2) = reverse(a))"]);
}

#[test]
fn errors_point_at_the_place() {
    refuses(
        "fare_amount > ",
        expect![[r#"
        expected a column, a literal or `(`, got the end at line 1, column 14
          fare_amount > 
                       ^"#]],
    );
    refuses(
        "a = 1 b",
        expect![[r#"
        expected an operator or the end, got `b` at line 1, column 7
          a = 1 b
                ^"#]],
    );
    refuses(
        "a =\n  = 1",
        expect![[r#"
        expected a column, a literal or `(`, got `=` at line 2, column 3
            = 1
            ^"#]],
    );
    refuses(
        "(a > 1",
        expect![[r#"
        expected `)` to close the parenthesis, got the end at line 1, column 7
          (a > 1
                ^"#]],
    );
    refuses(
        "a > 1)",
        expect![[r#"
        expected an operator or the end, got `)` at line 1, column 6
          a > 1)
               ^"#]],
    );
    refuses(
        "'abc",
        expect![[r#"
        cannot read this: unterminated string literal at line 1, column 1
          'abc
          ^"#]],
    );
    assert!(refusal("").starts_with("expected an expression, got nothing at line 1, column 1"));
    refuses(
        "größe > 'x' größe",
        expect![[r#"
        expected an operator or the end, got `größe` at line 1, column 13
          größe > 'x' größe
                      ^"#]],
    );
}

#[test]
fn errors_name_what_is_not_supported() {
    refuses(
        "a = null",
        expect![[r#"
        a comparison with null is never true; write `is null` at line 1, column 5
          a = null
              ^"#]],
    );
    refuses(
        "null != a",
        expect![[r#"
            a comparison with null is never true; write `is not null` at line 1, column 1
              null != a
              ^"#]],
    );
    refuses(
        "a < b < c",
        expect![[r#"
        a comparison of a comparison; write `a < b and b < c`, or parentheses at line 1, column 7
          a < b < c
                ^"#]],
    );
    refuses(
        "a similar to 'x%'",
        expect![[r#"
        expected an operator or the end, got `similar`; write `like`, or regex_contains(text, pattern) at line 1, column 3
          a similar to 'x%'
            ^"#]],
    );
    refuses(
        "case a then b end",
        expect![[r#"
        expected `when` in a case, got `then` at line 1, column 8
          case a then b end
                 ^"#]],
    );
    refuses(
        "case when a then b",
        expect![[r#"
        expected `end` to close the case, got the end at line 1, column 19
          case when a then b
                            ^"#]],
    );
    refuses(
        "case when a b end",
        expect![[r#"
        expected `then` behind the condition of a case, got `b` at line 1, column 13
          case when a b end
                      ^"#]],
    );
}

#[test]
fn errors_name_what_operands_are_not() {
    refuses(
        "a in (select 1)",
        expect![[r#"
        subqueries are not supported; write the values at line 1, column 7
          a in (select 1)
                ^"#]],
    );
    refuses(
        "a in (b)",
        expect![[r#"
        expected a literal in the list of `in`, got `b` at line 1, column 7
          a in (b)
                ^"#]],
    );
    refuses(
        "frobnicate(a)",
        expect![[r#"
        there is no function `frobnicate`; docs/semantics.md lists those there are at line 1, column 1
          frobnicate(a)
          ^"#]],
    );
    refuses(
        "squrt(a)",
        expect![[r#"
        there is no function `squrt` (did you mean `sqrt`?) at line 1, column 1
          squrt(a)
          ^"#]],
    );
    refuses(
        "sqrt(a, b)",
        expect![[r#"
        sqrt does not take 2 arguments at line 1, column 11
          sqrt(a, b)
                    ^"#]],
    );
    refuses(
        "a & b",
        expect![[r#"
        expected an operator or the end, got `&`; write `and` at line 1, column 3
          a & b
            ^"#]],
    );
    refuses(
        "a || b",
        expect![[r#"
        expected an operator or the end, got `||`; write concat(a, b) at line 1, column 3
          a || b
            ^"#]],
    );
    refuses(
        "trips.fare",
        expect![[r#"
        names with a dot are written in quotes, as "a.b"; there are no tables and no fields at line 1, column 6
          trips.fare
               ^"#]],
    );
    refuses(
        "interval '1 day'",
        expect![[r#"
        literals of the kind interval '..' are not supported at line 1, column 1
          interval '1 day'
          ^"#]],
    );
}

#[test]
fn errors_name_literals_and_lists_that_are_none() {
    refuses(
        "date '2020-13-01'",
        expect![[r#"
        expected a date as YYYY-MM-DD, got '2020-13-01' at line 1, column 6
          date '2020-13-01'
               ^"#]],
    );
    refuses(
        "timestamp '2020-01-01 25:00'",
        expect![[r#"
        expected a time as YYYY-MM-DD HH:MM:SS, got '2020-01-01 25:00' at line 1, column 11
          timestamp '2020-01-01 25:00'
                    ^"#]],
    );
    refuses(
        "cast(a as varchar(10))",
        expect![[r#"
        unknown type `varchar(10)`; known are Boolean, Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64, Float32, Float64, Decimal(precision, scale), Utf8, Binary, Date32, Timestamp(unit), Timestamp(unit, zone), Duration(unit) at line 1, column 11
          cast(a as varchar(10))
                    ^"#]],
    );
    refuses(
        "a; b",
        expect![[r#"
        expected one expression, got a `;`: statements are not read here at line 1, column 2
          a; b
           ^"#]],
    );
    refuses(
        "a, b",
        expect![[r#"
        expected one expression, got a list at line 1, column 2
          a, b
           ^"#]],
    );
    refuses(
        "99999999999999999999",
        expect![[r#"
        99999999999999999999 does not fit 64 bits; write 99999999999999999999.0 for a float, or cast('99999999999999999999' as Decimal(38, 0)) at line 1, column 1
          99999999999999999999
          ^"#]],
    );
    refuses(
        "in > 1",
        expect![[r#"
        expected a name as a column, got `in`; a column of this name is written "in" at line 1, column 1
          in > 1
          ^"#]],
    );
    refuses(
        "a is 5",
        expect![[r#"
        expected `null`, `not null`, `true` or `false` after `is`, got `5` at line 1, column 6
          a is 5
               ^"#]],
    );
    refuses(
        "(a, b)",
        expect![[r#"
        a list in parentheses is supported behind `in` only at line 1, column 3
          (a, b)
            ^"#]],
    );
    refuses(
        "x'0'",
        expect![[r#"
        expected an even number of hexadecimal digits in x'..' at line 1, column 1
          x'0'
          ^"#]],
    );
    refuses(
        "!a",
        expect![[r#"
        expected a column, a literal or `(`, got `!`; write `not` at line 1, column 1
          !a
          ^"#]],
    );
}

fn refusal(text: &str) -> String {
    let error = expr(text).map(|_| "read").unwrap_err().to_string();
    error.lines().next().unwrap_or("").to_owned()
}

/// Any nesting and any chain end in an error or an expression, on the 2 MiB stack of a test thread.
#[test]
fn hostile_nesting_is_refused() {
    let many = TEXT_BYTES_MAX / 8;
    for text in [
        "(".repeat(many),
        "-".repeat(many).replace('-', "- "),
        "not ".repeat(many),
        format!("{}a{}", "(".repeat(many), ")".repeat(many)),
        format!("a{}", "+a".repeat(many)),
        format!("a{}", "::int".repeat(many)),
        format!("{}a{}", "coalesce(".repeat(many / 2), ",1)".repeat(many / 2)),
        format!("{}a{}", "cast(".repeat(many / 4), " as int)".repeat(many / 4)),
        "a in (".repeat(many),
        "+ ".repeat(many),
        format!("{}{}", "((((a+a+a)+a)".repeat(many / 16), "*a"),
    ] {
        let shown: String = text.chars().take(20).collect();
        let refusal = refusal(&text);
        assert!(!refusal.is_empty(), "{shown}");
    }
    // Chains in parentheses nest as parentheses do.
    let chain = "(a+a".to_owned() + &"+a".repeat(DEPTH_MAX / 2 - 2) + ")";
    let chains = (0..3).fold("a".to_owned(), |inner, _| chain.replacen('a', &inner, 1));
    assert!(refusal(&chains).starts_with("nested over"), "{}", refusal(&chains));
    assert!(refusal(&"a ".repeat(TEXT_BYTES_MAX)).contains("at most 65536"));
}

#[test]
fn long_lists_and_conditions_are_read() {
    let values: Vec<String> = (0..8_000).map(|value| value.to_string()).collect();
    let text = format!("a in ({})", values.join(", "));
    assert_eq!(expr(&text).unwrap(), col("a").is_in(0..8_000_i64));
    let text = vec!["a = 1"; 5_000].join(" or ");
    assert_eq!(expr(&text).unwrap(), Expr::Or(vec![col("a").eq(lit(1)); 5_000]));
    let nested = format!("{}a{}", "(".repeat(DEPTH_MAX - 1), ")".repeat(DEPTH_MAX - 1));
    assert_eq!(expr(&nested).unwrap(), col("a"));
}

const PIECES: [&str; 60] = [
    "a",
    "\"b c\"",
    "`d`",
    "1",
    "-",
    "+",
    "*",
    "/",
    "//",
    "%",
    "(",
    ")",
    ",",
    "=",
    "==",
    "<",
    "<=",
    "<>",
    "!=",
    ">",
    "and",
    "or",
    "not",
    "in",
    "is",
    "null",
    "true",
    "between",
    "as",
    "case",
    "cast",
    "try_cast",
    "coalesce",
    "::",
    "int64",
    "decimal(5,2)",
    "date",
    "timestamp",
    "'2020-01-01'",
    "''",
    "'",
    "\"",
    "1e5",
    "1e999",
    ".5",
    "0x1F",
    "x'00'",
    "$1",
    "?",
    "[",
    "]",
    "{",
    "}",
    "--",
    "/*",
    "*/",
    "\n",
    "ü",
    "\u{0}",
    ";",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn nothing_panics(pieces in prop::collection::vec(proptest::sample::select(PIECES.to_vec()), 0..40)) {
        if let Ok(read) = expr(&pieces.join(" ")) {
            prop_assert_eq!(expr(&read.to_string()).unwrap(), read);
        }
        let _ = expr(&pieces.concat());
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}") {
        let _ = expr(&text);
    }
}

#[test]
fn lists_have_commas_between_them() {
    let shown =
        |text: &str| super::exprs(text).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
    let two = shown("sum(a + b) as \"a, b\", len()").unwrap();
    assert_eq!(two, ["sum((a + b)) as \"a, b\"", "len()"]);
    assert_eq!(shown("coalesce(a, b)").unwrap(), ["coalesce(a, b)"]);
    for wrong in ["", "a,", ",a", "a b", "a;b", "a,,b"] {
        let message = shown(wrong).unwrap_err().to_string();
        assert!(message.contains("expected"), "{wrong}: {message}");
    }
}
