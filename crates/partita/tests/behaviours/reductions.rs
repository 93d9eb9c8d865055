//! The cases about reductions.

use partita::arrow::datatypes::DataType;
use partita::{DataFrame, Expr, Scalar, col};

use crate::json::Json;
use crate::{Outcome, id};

pub(crate) fn check(record: &Json, frame: &DataFrame) -> partita::Result<Outcome> {
    let v = || col("v");
    let value = match id(record) {
        "overflow-01" => return Ok(refused(frame, v().sum(), "integer overflow in sum")),
        "overflow-05" => one(frame, v().mean())?,
        "overflow-07" => {
            let sum = one(frame, v().sum())?;
            return Ok(holds(sum == Scalar::Decimal128(60, 38, 2), &sum));
        }
        "nan-null-04" => one(frame, v().max())?,
        "var-std-01" | "var-std-05" => one(frame, v().var(1))?,
        "var-std-07" => one(frame, v().sem(1))?,
        "var-std-09" => one(frame, col("a").corr(col("b")))?,
        "var-std-11" | "groupby-null-12" => one(frame, v().mean())?,
        "head-tail-06" => {
            let none = frame.filter(v().gt(100));
            let row = [one(&none, v().count())?, one(&none, v().sum())?, one(&none, v().min())?];
            let wanted = [Scalar::UInt64(0), Scalar::Int64(0), Scalar::Null(DataType::Int64)];
            return Ok(if row == wanted { Outcome::Holds } else { Outcome::Wrong(format!("{row:?}")) });
        }
        "nunique-02" => one(frame, v().aggregate(partita::Reduction::NUnique { nulls: true }))?,
        "quantile-01" => return several(record, frame, &[0.25, 0.5, 0.9]),
        "quantile-03" => return several(record, frame, &[0.0, 1.0]),
        "quantile-05" => {
            let exact = one(frame, v().median())?;
            let about = one(frame, v().approx_quantile(0.5))?;
            let near = matches!(about, Scalar::Float64(about) if (494.0..=514.0).contains(&about));
            return Ok(holds(near && is(&exact, 504.0), &exact));
        }
        "quantile-07" => one(frame, v().median())?,
        "describe-02" => return described(frame, "v", &["5", "3", "a", "2"]),
        "describe-04" => {
            let summary = frame.describe()?;
            let column = summary.column("a").and_then(|column| column.f64()).expect("floats").clone();
            let rows: Vec<Option<f64>> = column.iter().collect();
            let right = rows[0] == Some(0.0) && rows[1..].iter().all(Option::is_none) && rows.len() == 8;
            return Ok(if right { Outcome::Holds } else { Outcome::Wrong(format!("{rows:?}")) });
        }
        _ => return Ok(Outcome::NotBuilt),
    };
    let expected = record.get("expected").get("value");
    Ok(match expected {
        Json::Number(text) => {
            let expected: f64 = text.parse().expect("a number");
            holds(is(&value, expected), &value)
        }
        _ => holds(value.is_null(), &value),
    })
}

fn one(frame: &DataFrame, question: Expr) -> partita::Result<Scalar> {
    let batches = frame.reduce([question.alias("answer")]).compute_batches()?;
    Ok(Scalar::try_from_array(batches[0].column(0), 0)?)
}

fn is(value: &Scalar, expected: f64) -> bool {
    let value = match value {
        Scalar::Float64(value) => *value,
        Scalar::UInt64(value) => *value as f64,
        Scalar::Int64(value) => *value as f64,
        _ => return false,
    };
    (value - expected).abs() <= expected.abs() * 1e-12
}

fn holds(right: bool, got: &Scalar) -> Outcome {
    if right { Outcome::Holds } else { Outcome::Wrong(format!("got {got}")) }
}

fn refused(frame: &DataFrame, question: Expr, words: &str) -> Outcome {
    match one(frame, question) {
        Err(error) if error.to_string().contains(words) => Outcome::Holds,
        other => Outcome::Wrong(format!("{other:?}")),
    }
}

fn several(record: &Json, frame: &DataFrame, shares: &[f64]) -> partita::Result<Outcome> {
    for (share, row) in shares.iter().zip(record.get("expected").get("rows").items()) {
        let got = one(frame, col("v").quantile(*share))?;
        let Some(Json::Number(expected)) = row.items().first() else {
            return Ok(Outcome::Wrong("no expected number".to_owned()));
        };
        if !is(&got, expected.parse().expect("a number")) {
            return Ok(Outcome::Wrong(format!("{share}: {got}, expected {expected}")));
        }
    }
    Ok(Outcome::Holds)
}

/// The rows of a summary of text; the value on top is of our choice where there are several.
fn described(frame: &DataFrame, name: &str, expected: &[&str]) -> partita::Result<Outcome> {
    let summary = frame.describe()?;
    let column = summary.column(name).and_then(|column| column.str()).expect("text").clone();
    let rows: Vec<Option<&str>> = column.iter().collect();
    let right = rows.iter().copied().eq(expected.iter().copied().map(Some));
    Ok(if right { Outcome::Holds } else { Outcome::Wrong(format!("{rows:?}")) })
}
