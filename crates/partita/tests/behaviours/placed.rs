//! The cases about partitions, stacked frames, and values that are there once or counted.

use partita::{ConcatColumns, DataFrame, Scalar, Session};

use crate::cells::Cell;
use crate::frames::frame;
use crate::json::Json;
use crate::recorded::instant;
use crate::table::Table;
use crate::{Outcome, compared, id};

/// Cases with one input; `None` where the case is about something else.
pub(crate) fn check(record: &Json, frame: &DataFrame) -> partita::Result<Option<Outcome>> {
    let placed = match id(record) {
        "repartition-02" => filled(frame)?.compute_divisions("k")?.repartition_by([0, 3, 9]),
        "repartition-04" => filled(frame)?.compute_divisions("k")?.repartition_by([-5, 5, 20]),
        "repartition-06" => filled(frame)?.compute_divisions("d")?.repartition_every("1d"),
        // Values come in the order of their hashes: here they are compared in theirs.
        "nan-null-08" => {
            let once = Table::of(&frame.unique("v").sort_values(["v"]))?;
            return Ok(Some(compared(record, &once)));
        }
        "value-counts-01" => return Ok(Some(compared(record, &Table::of(&frame.value_counts("v"))?))),
        "value-counts-03" => return Ok(Some(compared(record, &Table::of(&frame.value_shares("v"))?))),
        "order-05" => return Ok(Some(compared(record, &Table::of(&frame.cumsum())?))),
        _ => return Ok(None),
    };
    cut_as_recorded(record, &placed).map(Some)
}

/// Without empty partitions at the end, which begin above the last value.
fn filled(frame: &DataFrame) -> partita::Result<DataFrame> {
    let mut end = frame.npartitions()?;
    while end > 1 && frame.get_partition(end - 1).is_empty()? {
        end -= 1;
    }
    Ok(frame.partitions(0..end))
}

/// Divisions and the rows of each partition.
fn cut_as_recorded(record: &Json, frame: &DataFrame) -> partita::Result<Outcome> {
    let expected = record.get("expected").get("value");
    let mut rows = Vec::new();
    for number in 0..frame.npartitions()? {
        rows.push(i128::from(frame.get_partition(number).len()?));
    }
    let counts: Vec<i128> = expected.get("partition_rows").items().iter().filter_map(Json::whole).collect();
    let divisions = frame.divisions()?;
    let bounds: Vec<Option<i128>> = divisions.values().unwrap_or_default().iter().map(number).collect();
    let recorded = expected.get("divisions").items().iter();
    let recorded: Vec<Option<i128>> =
        recorded.map(|value| value.whole().or_else(|| instant(value.text()?))).collect();
    if rows == counts && bounds == recorded {
        return Ok(Outcome::Holds);
    }
    Ok(Outcome::Wrong(format!("{rows:?} by {divisions:?}")))
}

fn number(value: &Scalar) -> Option<i128> {
    match value {
        Scalar::Int64(value) | Scalar::Timestamp(value, ..) => Some((*value).into()),
        _ => None,
    }
}

/// Cases that put one frame on the other; `None` where the case is about something else.
pub(crate) fn stacked(record: &Json) -> Option<Outcome> {
    if !id(record).starts_with("concat-") {
        return None;
    }
    let session = Session::builder().memory_limit("256MiB").threads(2).build().expect("a session");
    let input = |name: &str, partitions: usize| frame(&session, record.get("input").get(name), partitions);
    for partitions in [1, 2] {
        let frames = [input("a", partitions)?, input("b", 1)?];
        match stack(record, &frames) {
            Ok(Outcome::Holds) => {}
            Ok(other) => return Some(other),
            Err(error) => return Some(Outcome::Wrong(format!("{partitions} partitions: {error}"))),
        }
    }
    Some(Outcome::Holds)
}

fn stack(record: &Json, frames: &[DataFrame; 2]) -> partita::Result<Outcome> {
    match id(record) {
        "concat-02" => {
            let both = DataFrame::concat_with(frames, ConcatColumns::Outer);
            Ok(compared(record, &Table::of(&both)?))
        }
        "concat-04" => Ok(compared(record, &Table::of(&DataFrame::concat(frames))?)),
        // Our choice: no type holds both.
        "concat-06" => Ok(match DataFrame::concat(frames).compute_batches() {
            Err(error) if error.to_string().contains("no type holds both") => Outcome::Holds,
            other => Outcome::Wrong(format!("{other:?}")),
        }),
        "concat-08" => {
            let [a, b] = frames;
            let both = DataFrame::concat(&[a.compute_divisions("k")?, b.compute_divisions("k")?]);
            let got = [Cell::Int(i128::from(both.len()?)), Cell::Bool(both.known_divisions()?)];
            let value = record.get("expected").get("value");
            let expected = [
                Cell::Int(value.get("rows").whole().unwrap_or(0)),
                Cell::Bool(value.get("divisions_known").bool().unwrap_or(true)),
            ];
            Ok(if got == expected { Outcome::Holds } else { Outcome::Wrong(format!("{got:?}")) })
        }
        _ => Ok(Outcome::NotBuilt),
    }
}
