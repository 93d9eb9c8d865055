//! The cases as plans over several partitions and batches, at the first and at the last stage of planning.

use partita::prelude::*;

use crate::case::Case;
use crate::cells::{Cell, Row, Table, at};
use crate::random::Random;

/// Columns at a time.
const COLUMNS: usize = 150;

#[test]
fn plans_give_what_loops_give() {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    for seed in [100, 101] {
        let mut random = Random(seed);
        let table = Table::new(&mut random, 61);
        let fine: Vec<(Case, Vec<Cell>)> = crate::all(&mut random)
            .into_iter()
            .filter(|_| random.once_in(4))
            .filter_map(|case| {
                let rows = 0..table.rows();
                let expected =
                    rows.map(|row| case.expected(Row { table: &table, row })).collect::<Option<Vec<_>>>()?;
                Some((case, expected))
            })
            .collect();
        for (number, cases) in fine.chunks(COLUMNS).enumerate() {
            let frame = cut(&session, &table, &mut random);
            let named = |(place, (case, _)): (usize, &(Case, Vec<Cell>))| {
                expr(&case.text).unwrap().alias(format!("c{place}"))
            };
            let columns: Vec<Expr> = cases.iter().enumerate().map(named).collect();
            // A filter that keeps all rows stands between, and one that keeps most of them behind.
            let some =
                frame.filter(lit(1).le(lit(2))).select(columns).filter(col("c0").is_null().or(lit(true)));
            let stage = if number % 2 == 0 { Stage::Written } else { Stage::Fused };
            let batches = some.compute_batches_at(stage).unwrap();
            for (place, (case, expected)) in cases.iter().enumerate() {
                let got = batches.iter().flat_map(|batch| {
                    let column = batch.column(place);
                    (0..batch.num_rows()).map(|row| at(column, row)).collect::<Vec<_>>()
                });
                for (got, expected) in got.zip(expected) {
                    assert!(case.same(&got, expected), "{}: got {got:?}, expected {expected:?}", case.text);
                }
            }
        }
    }
}

/// The table in partitions of some batches each.
pub(crate) fn cut(session: &Session, table: &Table, random: &mut Random) -> DataFrame {
    let names: Vec<String> = table.columns.iter().map(|(name, _)| name.clone()).collect();
    let (mut partitions, mut row) = (vec![Vec::new()], 0);
    while row < table.rows() {
        let end = (row + 1 + random.below(table.rows() / 2 + 1)).min(table.rows());
        partitions.last_mut().unwrap().push(table.batch(&names, &(row..end).collect::<Vec<_>>()));
        if random.once_in(2) {
            partitions.push(Vec::new());
        }
        row = end;
    }
    session.from_batches(Table::schema(&names), partitions).unwrap()
}

/// A literal takes the type beside it, a column that holds one has its own.
#[test]
fn columns_of_one_value_keep_their_type() {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    let mut random = Random(7);
    let mut table = Table::new(&mut random, 20);
    table
        .columns
        .iter_mut()
        .filter(|(name, _)| name == "u8_a")
        .for_each(|(_, cells)| cells.fill(Cell::Int(255)));
    let frame = cut(&session, &table, &mut random).with_column("one", lit(1));
    let sums = frame.with_column("sum", col("u8_a") + col("one")).select(["sum"]);
    let kept = frame.filter((col("u8_a") + col("one")).gt(lit(255))).select(["u8_a"]);
    for stage in Stage::ALL {
        let batches = sums.compute_batches_at(stage).unwrap();
        assert!(batches.iter().all(|batch| batch.schema().field(0).data_type() == &DataType::Int64));
        let all = batches.iter().flat_map(|batch| crate::cells::cells(batch.column(0)));
        assert_eq!(all.collect::<Vec<_>>(), vec![Cell::Int(256); 20], "{stage}");
        let batches = kept.compute_batches_at(stage).unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 20, "{stage}");
    }
}
