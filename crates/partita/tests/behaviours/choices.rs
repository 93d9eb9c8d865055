//! What we chose where the cases leave it open, and what they are silent about; `docs/semantics.md` has the sentences.

use partita::arrow::datatypes::DataType;
use partita::{Expr, Session, col, lit};

use crate::cells::Cell;
use crate::frames::frame;
use crate::json::Json;
use crate::table::Table;

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

fn counted(values: [(&str, Cell); 3]) -> Vec<Vec<Cell>> {
    values.into_iter().map(|(value, count)| vec![text(value), count]).collect()
}

/// The rows of a case that leaves a choice; `None` where the recorded ones are our choice too.
pub(crate) fn chosen(id: &str) -> Option<Vec<Vec<Cell>>> {
    Some(match id {
        // More than 64 bits: the digits, as text.
        "csv-11" => vec![vec![text("18446744073709551616")], vec![text("1")]],
        // The quoted one is the empty string, the other is missing.
        "csv-15" => vec![vec![text(""), text("x")], vec![Cell::Null, text("y")]],
        // Further partitions are looked at until there are enough rows.
        "head-tail-02" => vec![vec![Cell::Int(4)], vec![Cell::Int(5)], vec![Cell::Int(6)]],
        // By value here; frames have them by hash.
        "nan-null-08" => {
            let values = [Cell::Float(1.0), Cell::Float(2.0), Cell::Float(f64::NAN), Cell::Null];
            values.map(|value| vec![value]).to_vec()
        }
        // Zeros are one key, whatever their sign.
        "nan-null-10" => {
            let row = |key, sum| vec![Cell::Float(key), Cell::Int(sum)];
            vec![row(0.0, 3), row(1.0, 3)]
        }
        // Of equally frequent values the least comes first.
        "value-counts-01" => counted([("a", Cell::Int(2)), ("b", Cell::Int(2)), ("c", Cell::Int(1))]),
        "value-counts-03" => {
            counted([("a", Cell::Float(0.4)), ("b", Cell::Float(0.4)), ("c", Cell::Float(0.2))])
        }
        _ => return None,
    })
}

/// The values that an expression over `v` gives.
fn values(data_type: &str, values: &str, expression: Expr) -> Result<Vec<Cell>, String> {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().expect("a session");
    let column = format!(r#"{{"columns": [{{"name": "v", "type": "{data_type}", "values": {values}}}]}}"#);
    let frame = frame(&session, &Json::parse(&column), 2).expect("a frame");
    let table = Table::of(&frame.select([expression.alias("r")])).map_err(|error| error.to_string())?;
    Ok(table.rows.into_iter().map(|mut row| row.remove(0)).collect())
}

const TRUE: Cell = Cell::Bool(true);
const FALSE: Cell = Cell::Bool(false);

#[test]
fn integers_overflow_with_an_error() {
    let error = values("int64", "[1, 9223372036854775807]", col("v").add(1)).expect_err("an overflow");
    assert!(error.contains("overflow"), "{error}");
    assert_eq!(values("int64", "[1, 2]", col("v").add(1)), Ok(vec![Cell::Int(2), Cell::Int(3)]));
    let error = values("float64", "[1e30]", col("v").cast(DataType::Int64)).expect_err("no integer");
    assert!(!error.contains("panicked"), "{error}");
    assert_eq!(values("float64", "[1e30]", col("v").try_cast(DataType::Int64)), Ok(vec![Cell::Null]));
}

#[test]
fn division_is_of_floats() {
    let halves = values("int64", "[1, -1, 0]", col("v").div(0)).expect("values");
    assert_eq!(halves[..2], [Cell::Float(f64::INFINITY), Cell::Float(f64::NEG_INFINITY)]);
    assert_eq!(halves[2], Cell::Float(f64::NAN));
    assert_eq!(values("int64", "[7, -7]", col("v").floor_div(2)), Ok(vec![Cell::Int(3), Cell::Int(-4)]));
    assert_eq!(values("int64", "[7, -7]", col("v").rem(2)), Ok(vec![Cell::Int(1), Cell::Int(1)]));
    assert_eq!(values("int64", "[7]", col("v").floor_div(0)), Ok(vec![Cell::Null]));
}

#[test]
fn nan_equals_nan_and_is_the_greatest() {
    let floats = r#"[1.0, {"float": "nan"}, null, {"float": "inf"}]"#;
    let nan = lit(f64::NAN);
    assert_eq!(values("float64", floats, col("v").eq(nan.clone())), Ok(vec![FALSE, TRUE, Cell::Null, FALSE]));
    assert_eq!(values("float64", floats, col("v").lt(nan)), Ok(vec![TRUE, FALSE, Cell::Null, TRUE]));
    assert_eq!(values("float64", floats, col("v").gt(0.0)), Ok(vec![TRUE, TRUE, Cell::Null, TRUE]));
    assert_eq!(values("float64", floats, col("v").is_null()), Ok(vec![FALSE, FALSE, TRUE, FALSE]));
}

#[test]
fn is_in_is_never_missing() {
    let integers = "[1, 2, null]";
    assert_eq!(values("int64", integers, col("v").is_in([1, 3])), Ok(vec![TRUE, FALSE, FALSE]));
    assert_eq!(values("int64", integers, col("v").is_in([Some(1), None])), Ok(vec![TRUE, FALSE, TRUE]));
}

#[test]
fn logic_is_kleenes() {
    let words = "[true, false, null]";
    assert_eq!(values("bool", words, col("v").and(false)), Ok(vec![FALSE, FALSE, FALSE]));
    assert_eq!(values("bool", words, col("v").or(true)), Ok(vec![TRUE, TRUE, TRUE]));
    assert_eq!(values("bool", words, col("v").and(true)), Ok(vec![TRUE, FALSE, Cell::Null]));
    assert_eq!(values("bool", words, col("v").not()), Ok(vec![FALSE, TRUE, Cell::Null]));
}
