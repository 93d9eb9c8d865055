//! The cases about sorted frames, and frames with an index.

use partita::{DataFrame, Outside, SetIndex, SortBy};

use crate::json::Json;
use crate::table::Table;
use crate::{Outcome, compared, id};

/// `None` where the case is about something else.
pub(crate) fn check(record: &Json, frame: &DataFrame) -> partita::Result<Option<Outcome>> {
    let ordered = match id(record) {
        "index-01" => frame.set_index("k"),
        "index-03" => return outside(record, frame).map(Some),
        "index-05" => frame.set_index("k").loc(1),
        "index-07" => frame.set_index("k").persist()?.loc(6..=8),
        "index-09" => frame.set_index("d").persist()?.loc("2020-02"),
        "index-13" => return Ok(Some(claimed(frame))),
        "sort-02" => frame.sort_values([SortBy::new("k").nulls_first()]),
        "sort-04" => frame.sort_values([SortBy::new("a"), SortBy::new("b").descending()]),
        "sort-06" => frame.nlargest(2, ["v"]),
        "strings-08" => frame.sort_values(["s"]),
        _ => return Ok(None),
    };
    Ok(Some(compared(record, &Table::of(&ordered)?)))
}

/// Our choice: rows outside are an error, unless they are asked to go to the ends.
fn outside(record: &Json, frame: &DataFrame) -> partita::Result<Outcome> {
    let index = SetIndex::new("k").divisions([2, 5, 8]);
    if frame.set_index(index.clone()).compute_batches().is_ok() {
        return Ok(Outcome::Wrong("rows outside of the divisions were taken".to_owned()));
    }
    let open = frame.set_index(index.outside(Outside::Ends)).select(["k"]);
    let got: Vec<String> = Table::of(&open)?.rows.iter().map(|row| format!("{:?}", row[0])).collect();
    let expected = record.get("expected").get("value").get("rows");
    let expected: Vec<String> =
        expected.items().iter().map(|key| format!("Int({})", key.whole().unwrap_or(0))).collect();
    Ok(if got == expected { Outcome::Holds } else { Outcome::Wrong(format!("{got:?}")) })
}

/// Our choice: rows that are said to be in order and are not are an error.
fn claimed(frame: &DataFrame) -> Outcome {
    match frame.set_index(SetIndex::new("k").sorted(true).npartitions(2)).compute_batches() {
        Err(error) if error.to_string().contains("not in order of \"k\"") => Outcome::Holds,
        Err(error) => Outcome::Wrong(error.to_string()),
        Ok(_) => Outcome::Wrong("rows out of order were taken".to_owned()),
    }
}
