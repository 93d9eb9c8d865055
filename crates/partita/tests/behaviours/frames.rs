//! The cases about frames in memory, as far as their operations are there.

use std::sync::Arc;

use partita::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int8Array, Int64Array, RecordBatch, StringViewArray,
    TimestampNanosecondArray,
};
use partita::arrow::datatypes::{Field, Schema};
use partita::{DataFrame, Expr, Session, col, lit};

use crate::cells;
use crate::json::Json;
use crate::recorded::instant;
use crate::table::Table;
use crate::{Outcome, compared, grouped, id, ordered, placed, reductions};

/// Every case is run with so many partitions.
const PARTITIONS: [usize; 3] = [1, 2, 3];

pub(crate) fn check(record: &Json) -> Outcome {
    if let Some(outcome) = placed::stacked(record) {
        return outcome;
    }
    let session = Session::builder().memory_limit("256MiB").threads(2).build().expect("a session");
    for partitions in PARTITIONS {
        let Some(frame) = frame(&session, record.get("input").get("t"), partitions) else {
            return Outcome::NotBuilt;
        };
        match run(record, &frame) {
            Ok(Outcome::Holds) => {}
            Ok(Outcome::NotBuilt) => return Outcome::NotBuilt,
            Ok(Outcome::Wrong(problem)) => {
                return Outcome::Wrong(format!("{partitions} partitions: {problem}"));
            }
            Err(error) => return Outcome::Wrong(format!("{partitions} partitions: an error: {error}")),
        }
    }
    Outcome::Holds
}

fn run(record: &Json, frame: &DataFrame) -> partita::Result<Outcome> {
    if let Some(outcome) = placed::check(record, frame)? {
        return Ok(outcome);
    }
    if let Some(outcome) = grouped::check(record, frame)? {
        return Ok(outcome);
    }
    if let Some(outcome) = ordered::check(record, frame)? {
        return Ok(outcome);
    }
    let table = match id(record) {
        "nan-null-02" => Table::of(&frame.select([col("v").is_null().alias("v")]))?,
        "nan-null-06" => Table::of(&frame.select([col("v").fill_null(0.0).alias("v")]))?,
        "reshape-04" => Table::of(&frame.select([col("v").is_in([Some("a"), None])]))?,
        "reshape-06" => Table::of(&frame.select([col("v").clip(0, 1)]))?,
        "reshape-08" => Table::of(
            &frame.select([col("a").floor_div(col("b")).alias("q"), col("a").rem(col("b")).alias("m")]),
        )?,
        "strings-02" => Table::of(&frame.select([col("s").str().upper()]))?,
        "strings-04" => Table::of(&frame.select([col("s").str().strip()]))?,
        "strings-06" => Table::of(&frame.select([col("s").str().starts_with("A")]))?,
        "strings-10" => Table::of(&frame.select([col("a").str().cat([col("b")]).alias("c")]))?,
        "time-11" => Table::of(&frame.select([col("d").dt().ceil("1h")]))?,
        "time-13" => Table::of(&frame.select([
            col("d").dt().year().alias("year"),
            col("d").dt().month().alias("month"),
            col("d").dt().day().alias("day"),
            col("d").dt().hour().alias("hour"),
            col("d").dt().weekday().alias("weekday"),
            col("d").dt().day_of_year().alias("yday"),
            col("d").dt().iso_week().alias("isoweek"),
        ]))?,
        // Each day has one row, so that the sum of a day is its value.
        "time-15" => Table::of(&frame.select([local_day(col("d")).alias("day"), col("v")]))?,
        "head-tail-02" => head(&frame.filter(col("v").ge(lit(4))), 3)?,
        "head-tail-04" => {
            let rows = head(frame, 100)?.rows.len() as i128;
            let expected = record.get("expected").get("value").whole();
            return Ok(if expected == Some(rows) {
                Outcome::Holds
            } else {
                Outcome::Wrong(format!("{rows} rows"))
            });
        }
        _ => return reductions::check(record, frame),
    };
    Ok(compared(record, &table))
}

fn local_day(utc: Expr) -> Expr {
    utc.dt().localize("UTC").dt().convert_zone("Europe/Berlin").dt().date().dt().strftime("%Y-%m-%d")
}

fn head(frame: &DataFrame, rows: usize) -> partita::Result<Table> {
    let session = Session::builder().memory_limit("256MiB").threads(1).build()?;
    Table::of(&session.from_polars(&frame.head(rows)?)?)
}

/// A frame of recorded columns, cut into `partitions`; `None` where a type has no place in this test.
pub(crate) fn frame(session: &Session, input: &Json, partitions: usize) -> Option<DataFrame> {
    let columns: Vec<(String, ArrayRef)> = input
        .get("columns")
        .items()
        .iter()
        .map(|column| {
            let data_type = column.get("type").text().expect("a type");
            let array = array(data_type, column.get("values").items())?;
            Some((column.get("name").text().expect("a name").to_owned(), array))
        })
        .collect::<Option<_>>()?;
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
    let schema = Arc::new(Schema::new(fields));
    let arrays: Vec<ArrayRef> = columns.into_iter().map(|(_, array)| array).collect();
    if arrays.is_empty() {
        return None;
    }
    let batch = RecordBatch::try_new(Arc::clone(&schema), arrays).expect("a batch");
    let height = batch.num_rows().div_ceil(partitions).max(1);
    let parts = (0..partitions).map(|part| {
        let start = (part * height).min(batch.num_rows());
        vec![batch.slice(start, height.min(batch.num_rows() - start))]
    });
    Some(session.from_batches(schema, parts.collect()).expect("a frame"))
}

fn array(data_type: &str, values: &[Json]) -> Option<ArrayRef> {
    let float = |value: &Json| match (value, value.get("float").text()) {
        (Json::Number(text), _) => text.parse().ok(),
        (_, Some(text)) => text.parse().ok(),
        _ => None,
    };
    Some(match data_type {
        "int8" => Arc::new(values.iter().map(|value| value.whole().map(|v| v as i8)).collect::<Int8Array>()),
        "int64" => {
            Arc::new(values.iter().map(|value| value.whole().map(|v| v as i64)).collect::<Int64Array>())
        }
        "float64" => Arc::new(values.iter().map(float).collect::<Float64Array>()),
        "bool" => Arc::new(values.iter().map(Json::bool).collect::<BooleanArray>()),
        "decimal(10,2)" => {
            let texts: StringViewArray = values.iter().map(Json::text).collect();
            let decimal = partita::arrow::datatypes::DataType::Decimal128(10, 2);
            partita::arrow::compute::cast(&texts, &decimal).expect("decimals")
        }
        "timestamp" => {
            let ticks = |value: &Json| instant(value.text()?).and_then(|at| i64::try_from(at).ok());
            Arc::new(values.iter().map(ticks).collect::<TimestampNanosecondArray>())
        }
        "string" => Arc::new(values.iter().map(Json::text).collect::<StringViewArray>()),
        _ => return None,
    })
}

#[test]
fn frames_are_cut_where_asked() {
    let session = Session::builder().memory_limit("256MiB").threads(1).build().expect("a session");
    let input = Json::parse(r#"{"columns": [{"name": "v", "type": "int64", "values": [1, null, 3]}]}"#);
    let frame = frame(&session, &input, 2).expect("a frame");
    assert_eq!(frame.npartitions().ok(), Some(2));
    let rows = cells::rows(&frame.compute_batches().expect("batches"));
    assert_eq!(rows.len(), 3);
}
