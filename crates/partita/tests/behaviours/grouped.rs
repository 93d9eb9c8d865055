//! The cases about groups.

use std::sync::Arc;

use partita::arrow::array::{
    ArrayRef, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringViewArray,
};
use partita::{DataFrame, Expr, GroupBy, Session, col, lit};

use crate::cells::Cell;
use crate::json::Json;
use crate::table::Table;
use crate::{Outcome, compared, id};

/// `None` where the case is about something else.
pub(crate) fn check(record: &Json, frame: &DataFrame) -> partita::Result<Option<Outcome>> {
    let by = |keys: &[&str]| frame.groupby(keys.iter().copied()).sort(true);
    let v = || col("v");
    let asked = |by: GroupBy, question: Expr| by.agg([question.alias("v")]);
    let grouped = match id(record) {
        "groupby-null-02" => asked(by(&["k"]).dropna(false), v().sum()),
        "groupby-null-04" | "groupby-null-10" | "overflow-03" => asked(by(&["k"]), v().sum()),
        "groupby-null-06" => asked(by(&["k"]), v().mean()),
        "groupby-null-08" => asked(by(&["k"]), v().prod()),
        "nan-null-10" => asked(by(&["k"]), v().sum()),
        "var-std-03" => asked(by(&["k"]), v().std(1)),
        "nunique-04" => asked(by(&["k"]), v().nunique()),
        "order-01" => asked(by(&["k"]), v().first()),
        "order-03" => frame.groupby(["k"]).nth(0),
        "order-11" => asked(frame.groupby(["k"]).maintain_order(true), v().sum()),
        "groupby-multi-02" => asked(by(&["a", "b"]).dropna(false), v().sum()),
        "groupby-multi-08" => asked(by(&["b"]), v().collect_list()),
        "categorical-02" => {
            let batch = |k: &[&str], v: &[i64]| {
                let codes =
                    k.iter().map(|k| ["a", "b", "c"].iter().position(|name| name == k).map(|at| at as i32));
                let names: ArrayRef = Arc::new(StringViewArray::from(vec!["a", "b", "c"]));
                let keys = DictionaryArray::new(codes.collect::<Int32Array>(), names);
                let columns =
                    [("k", Arc::new(keys) as ArrayRef), ("v", Arc::new(Int64Array::from(v.to_vec())))];
                RecordBatch::try_from_iter(columns).expect("a batch")
            };
            let session = Session::builder().memory_limit("256MiB").threads(2).build()?;
            let parts = vec![vec![batch(&["a", "c"], &[1, 2])], vec![batch(&["a"], &[3])]];
            let frame = session.from_batches(parts[0][0].schema(), parts)?;
            asked(frame.groupby(["k"]).sort(true).observed(false), v().sum())
        }
        "groupby-multi-04" => by(&["a"]).agg([v().sum(), col("b").max()]),
        "groupby-multi-06" => {
            let parity = (v() % lit(2)).alias("k");
            frame.groupby([parity]).sort(true).agg([v().sum()])
        }
        _ => return Ok(None),
    };
    let mut table = Table::of(&grouped)?;
    if let Json::Number(tolerance) = record.get("tolerance") {
        rounded(record, &mut table, tolerance.parse().expect("a number"));
    }
    Ok(Some(compared(record, &table)))
}

/// Puts the recorded floats in the place of those that are as near to them as the record allows.
fn rounded(record: &Json, table: &mut Table, tolerance: f64) {
    for (row, recorded) in table.rows.iter_mut().zip(record.get("expected").get("rows").items()) {
        for (cell, recorded) in row.iter_mut().zip(recorded.items()) {
            let (Cell::Float(value), Json::Number(recorded)) = (&*cell, recorded) else { continue };
            let recorded: f64 = recorded.parse().expect("a number");
            if (value - recorded).abs() <= tolerance * recorded.abs() {
                *cell = Cell::Float(recorded);
            }
        }
    }
}
