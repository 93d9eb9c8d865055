#![allow(clippy::needless_pass_by_value, reason = "snapshots are written in place")]

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use expect_test::{Expect, expect};
use partita_columns::Scalar;
use proptest::prelude::*;

use super::{Expr, col, least, lit, when};
use crate::bind::bind;
use crate::parse::expr;

fn shown(of: Expr, expected: Expect) {
    expected.assert_eq(&of.to_string());
}

#[test]
fn expressions_show_as_their_text_form() {
    shown(col("fare_amount").gt(lit(0.0)), expect!["(fare_amount > 0.0)"]);
    shown(col("flag").eq(lit("Y")), expect!["(flag = 'Y')"]);
    shown(
        col("a").gt(0).and(col("b").neq("it's")).and(!col("c")),
        expect!["((a > 0) and (b != 'it''s') and (not c))"],
    );
    shown(col("a").lt(1).or(col("a").ge(2).and(col("b"))), expect!["((a < 1) or ((a >= 2) and b))"]);
    shown((col("a") + 1) * -col("b") / lit(2.5) % 3, expect!["((((a + 1) * (-b)) / 2.5) % 3)"]);
    shown(col("a").sub(lit(-1)).floor_div(2), expect!["((a - -1) // 2)"]);
    shown(-lit(5), expect!["(-(5))"]);
    shown(col("a").is_in([1, 2]).not(), expect!["(a not in (1, 2))"]);
    shown(col("a").is_in(["x"]), expect!["(a in ('x'))"]);
    shown(col("a").is_not_null() & col("b").is_null(), expect!["((a is not null) and (b is null))"]);
    shown(col("a").between(1, 2), expect!["((a >= 1) and (a <= 2))"]);
    shown(col("a").fill_null(0.0), expect!["coalesce(a, 0.0)"]);
    shown(col("a").cast(DataType::Int64).alias("b"), expect!["cast(a as Int64) as b"]);
    shown(
        col("a").try_cast(DataType::Timestamp(TimeUnit::Microsecond, None)),
        expect!["try_cast(a as Timestamp(us))"],
    );
    shown(
        col("Trip Distance").eq(col("and")).alias("say \"hi\""),
        expect![[r#"("Trip Distance" = "and") as "say ""hi""""#]],
    );
}

#[test]
fn names_and_columns() {
    let sum = col("b") + col("a") * col("b");
    assert_eq!(sum.columns(), ["b", "a"]);
    assert_eq!(sum.column_uses(), ["b", "a", "b"]);
    assert_eq!(sum.output_name(), "b");
    assert_eq!((lit(1) + col("x")).output_name(), "x");
    assert_eq!(lit(1).output_name(), "literal");
    assert_eq!(sum.clone().alias("c").output_name(), "c");
    assert_eq!(sum.clone().alias("c").alias("d").unalias(), sum);
}

#[test]
fn plain_values_are_literals() {
    assert_eq!(col("a").eq("b"), col("a").eq(lit("b")));
    assert_eq!(col("a") + 1_u8, col("a").add(lit(1_u64)));
    assert_eq!(col("a").fill_null(None::<i64>), col("a").fill_null(lit(Scalar::Null(DataType::Null))));
}

#[test]
fn conjunctions_come_apart() {
    let all = col("a").and(col("b").or(col("c"))).and(col("d").and(col("e")));
    assert_eq!(all.split_conjunction(), [col("a"), col("b").or(col("c")), col("d"), col("e")]);
    assert_eq!(col("a").split_conjunction(), [col("a")]);
}

#[test]
fn transform_rewrites_from_the_inside_out() {
    let renamed = (col("a") + col("b")).alias("a").transform(&mut |part| match part {
        Expr::Column(name) => col(format!("{name}{name}")),
        part => part,
    });
    assert_eq!(renamed, (col("aa") + col("bb")).alias("a"));
}

fn folded(text: &str, expected: Expect) {
    expected.assert_eq(&expr(text).unwrap().fold().to_string());
}

#[test]
fn folding_computes_what_has_no_columns() {
    folded("1 + 2 * 3", expect!["7"]);
    folded("a > 1 + 1", expect!["(a > 2)"]);
    folded("7 / 2", expect!["3.5"]);
    folded("-(5)", expect!["-5"]);
    folded("1 in (1, null)", expect!["true"]);
    folded("coalesce(null, 3) = 3", expect!["true"]);
    folded("cast('2020-01-31' as date)", expect!["date '2020-01-31'"]);
    folded("date '2020-01-31' < '2020-02-01'", expect!["true"]);
    folded("cast('5' as bigint) + a", expect!["(5 + a)"]);
    folded("(1 = 1) and a > 0", expect!["(a > 0)"]);
    folded("not (not a)", expect!["a"]);
    folded("a or true", expect!["true as a"]);
    folded("a and (b and (1 = 1))", expect!["(a and b)"]);
    folded("(1 = 1) or false", expect!["true"]);
}

#[test]
fn folding_keeps_types_names_and_failures() {
    folded("cast(1 as Int8)", expect!["cast(1 as Int8)"]);
    folded("9223372036854775807 + 1", expect!["(9223372036854775807 + 1)"]);
    folded("cast('x' as Int64)", expect!["cast('x' as Int64)"]);
    folded("a and false", expect!["false as a"]);
    folded("(a and false) as b", expect!["false as b"]);
    folded("1 + 'x'", expect!["(1 + 'x')"]);
}

/// Expressions over Boolean, integer, float and text columns; the text form reads back what it shows.
pub(crate) fn expressions() -> impl Strategy<Value = Expr> {
    let scalar = prop_oneof![
        any::<i64>().prop_map(Scalar::from),
        (i64::MAX as u64 + 1..).prop_map(Scalar::from),
        any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Scalar::from),
        ".{0,8}".prop_map(Scalar::from),
        any::<bool>().prop_map(Scalar::from),
        Just(Scalar::Null(DataType::Null)),
        Just(Scalar::Null(DataType::Int64)),
        (-719_528..2_932_896).prop_map(Scalar::Date32),
        prop::collection::vec(any::<u8>(), 0..5).prop_map(Scalar::Binary),
        (-62_167_219_200_000_000_i64..253_402_300_799_999_999).prop_map(|v| Scalar::Timestamp(
            v,
            TimeUnit::Microsecond,
            None
        )),
        (1_i64..1_000_000).prop_map(|v| Scalar::Timestamp(
            v * 1000 + 1,
            TimeUnit::Nanosecond,
            Some("UTC".into())
        )),
        any::<i32>().prop_map(|v| Scalar::Timestamp(
            v.into(),
            TimeUnit::Microsecond,
            Some("Asia/Tokyo".into())
        )),
    ];
    let name =
        prop_oneof!["[a-zA-Z_][a-zA-Z0-9_]{0,6}", ".{1,6}", Just("null".to_owned()), Just("Date".to_owned())];
    let leaf = prop_oneof![name.clone().prop_map(col), scalar.clone().prop_map(Expr::Literal)];
    leaf.prop_recursive(5, 40, 4, move |inner| {
        let untyped = |of: Scalar| if of.is_null() { Scalar::Null(DataType::Null) } else { of };
        let list = prop::collection::vec(scalar.clone().prop_map(untyped), 0..4);
        let types = proptest::sample::select(vec![
            DataType::Int64,
            DataType::Utf8View,
            DataType::Decimal128(10, 2),
            DataType::Timestamp(TimeUnit::Second, Some("Europe/Berlin".into())),
        ]);
        let not_null = |of: &Expr| !matches!(of, Expr::Literal(Scalar::Null(_)));
        // Times beyond the calendar are written as numbers that are cast.
        let not_a_time = |of: &Expr| !matches!(of, Expr::Literal(Scalar::Null(_) | Scalar::Int64(_)));
        let compared = inner.clone().prop_filter("a comparison with null is refused", not_null);
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a + b),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a - b),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.floor_div(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a % b),
            (compared.clone(), compared.clone()).prop_map(|(a, b)| a.lt_eq(b)),
            (compared.clone(), compared).prop_map(|(a, b)| a.neq(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.and(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.or(b)),
            inner.clone().prop_map(Expr::not),
            inner.clone().prop_map(Expr::neg),
            inner.clone().prop_map(Expr::is_null),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.fill_null(b)),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| a.pow(b)),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| least([a, b, c])),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| when(a).then(b).otherwise(c)),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| when(a.clone())
                .then(b)
                .when(c)
                .then(a)
                .otherwise_null()),
            (inner.clone(), list).prop_map(|(a, list)| a.is_in(list)),
            (
                inner.clone().prop_filter("a cast null is a null, a cast number may be a time", not_a_time),
                types.clone()
            )
                .prop_map(|(a, to)| a.cast(to)),
            (inner.prop_filter("a cast null is a null", not_null), types).prop_map(|(a, to)| a.try_cast(to)),
        ]
    })
}

proptest! {
    #[test]
    fn the_text_form_reads_back(written in expressions(), name in proptest::option::of(".{1,6}")) {
        let written = match name {
            Some(name) => written.alias(name),
            None => written,
        };
        let text = written.to_string();
        prop_assert_eq!(expr(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?, written);
    }

    #[test]
    fn folding_keeps_the_field(written in expressions()) {
        let columns = written.columns();
        let fields = columns.iter().enumerate().map(|(index, name)| {
            let types = [DataType::Boolean, DataType::Int64, DataType::Float64, DataType::Utf8View];
            Field::new(name, types[index % types.len()].clone(), true)
        });
        let schema = Schema::new(fields.collect::<Vec<_>>());
        if let Ok((_, field)) = bind(&written, &schema) {
            let (_, folded) = bind(&written.fold(), &schema).unwrap();
            prop_assert_eq!(folded.name(), field.name());
            prop_assert_eq!(folded.data_type(), field.data_type());
        }
    }
}
