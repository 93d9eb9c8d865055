//! An expression and its slow twin, and how the two are compared.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use partita::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use partita::arrow::datatypes::{DataType, Schema};
use partita::{Expr, Scalar, expr};
use partita_columns::dtype;
use partita_plan::bind::bind;

use crate::cells::{Cell, Row, Table, at, cells, data_type, kind};
use crate::random::Random;

/// `None`: the row is an error.
pub(crate) type Out = Option<Cell>;

/// An expression, the type of its result, and its value in a row.
pub(crate) struct Case {
    pub(crate) text: String,
    /// Empty where it has no name.
    pub(crate) data_type: String,
    twin: Box<dyn Fn(Row<'_>) -> Out>,
    /// Whether a zero may have either sign.
    zeros: bool,
}

impl Case {
    pub(crate) fn new(
        text: impl Into<String>,
        data_type: impl Into<String>,
        twin: impl Fn(Row<'_>) -> Out + 'static,
    ) -> Self {
        Self { text: text.into(), data_type: data_type.into(), twin: Box::new(twin), zeros: false }
    }

    /// Null where one of the columns is; else `twin` of their values.
    pub(crate) fn of<const N: usize>(
        text: impl Into<String>,
        data_type: impl Into<String>,
        columns: [&str; N],
        twin: impl Fn([&Cell; N]) -> Out + 'static,
    ) -> Self {
        let columns = columns.map(str::to_owned);
        Self::new(text, data_type, move |row| {
            let values = columns.each_ref().map(|column| row.get(column));
            if values.iter().any(|value| value.is_null()) { Some(Cell::Null) } else { twin(values) }
        })
    }

    /// The same, where zeros of either sign are the same.
    pub(crate) fn zeros(self) -> Self {
        Self { zeros: true, ..self }
    }

    /// What the slow one says.
    pub(crate) fn expected(&self, row: Row<'_>) -> Out {
        (self.twin)(row)
    }

    pub(crate) fn same(&self, got: &Cell, expected: &Cell) -> bool {
        let zero = |cell: &Cell| matches!(cell, Cell::Float(v) if *v == 0.0);
        got == expected || (self.zeros && zero(got) && zero(expected))
    }
}

pub(crate) fn text_of(cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}

pub(crate) fn int_of(cell: &Cell) -> i128 {
    match cell {
        Cell::Int(value) => *value,
        other => panic!("no integer: {other:?}"),
    }
}

/// Cases over tables of different seeds, drawn anew for each.
pub(crate) fn run(cases: fn(&mut Random) -> Vec<Case>, rounds: u64) {
    let mut failed = Vec::new();
    for round in 0..rounds {
        let mut random = Random(round);
        let rows = 1 + random.below(70);
        let table = Table::new(&mut random, rows);
        for case in cases(&mut random) {
            if catch_unwind(AssertUnwindSafe(|| check(&case, &table, &mut random))).is_err() {
                failed.push(format!("round {round}: {}", case.text));
            }
        }
        assert!(
            failed.is_empty(),
            "{} cases failed, the first are\n{}",
            failed.len(),
            failed[..failed.len().min(40)].join("\n")
        );
    }
}

fn check(case: &Case, table: &Table, random: &mut Random) {
    let written = expr(&case.text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(expr(&written.to_string()).expect("its own text reads back"), written);
    let names = written.columns();
    let schema = Table::schema(&names);
    let (bound, field) = bind(&written, &schema).unwrap_or_else(|error| panic!("{error}"));
    if !case.data_type.is_empty() {
        assert_eq!(dtype::name(field.data_type()), case.data_type);
    }
    let rows: Vec<usize> = (0..table.rows()).collect();
    let expected: Vec<Out> = rows.iter().map(|row| case.expected(Row { table, row: *row })).collect();
    let run = |rows: &[usize]| bound.evaluate_as(&table.batch(&names, rows), field.data_type());
    let (fine, failing): (Vec<usize>, Vec<usize>) = rows.iter().partition(|row| expected[**row].is_some());
    if !failing.is_empty() {
        let got = run(&rows);
        assert!(
            got.is_err(),
            "no error, though rows {failing:?} should fail: {}",
            shown(table, case, failing[0])
        );
        for row in failing.iter().take(3) {
            let got = run(&[*row]).map(|array| cells(&array));
            assert!(got.is_err(), "got {got:?}, expected an error of {}", shown(table, case, *row));
        }
    }
    match run(&fine) {
        Ok(array) => same_rows(case, table, &fine, &array, &expected),
        Err(error) => {
            let alone = fine.iter().find(|row| run(&[**row]).is_err()).copied().unwrap_or(0);
            panic!("{error}: of {}, expected {:?}", shown(table, case, alone), expected.get(alone));
        }
    }
    if !field.is_nullable() {
        assert!(!expected.contains(&Some(Cell::Null)), "a null in a column that has none");
    }
    for _ in 0..2 {
        let row = random.below(table.rows());
        literals(case, &written, Row { table, row }, field.data_type());
    }
}

fn same_rows(case: &Case, table: &Table, rows: &[usize], array: &ArrayRef, expected: &[Out]) {
    for (place, row) in rows.iter().enumerate() {
        let (got, expected) = (at(array, place), expected[*row].as_ref().expect("a value"));
        assert!(
            case.same(&got, expected),
            "got {got:?}, expected {expected:?} of {}",
            shown(table, case, *row)
        );
    }
}

/// The values that the case uses.
fn shown(table: &Table, case: &Case, row: usize) -> String {
    let columns = expr(&case.text).expect("it was read").columns();
    let row = Row { table, row };
    columns.iter().map(|name| format!("{name} = {:?}", row.get(name))).collect::<Vec<_>>().join(", ")
}

/// A literal of a column's own type, where there is one.
fn literal(cell: &Cell, data_type: &DataType) -> Option<Scalar> {
    let wide = matches!(
        data_type,
        DataType::Int64
            | DataType::UInt64
            | DataType::Float64
            | DataType::Decimal128(..)
            | DataType::Boolean
            | DataType::Utf8View
            | DataType::Date32
            | DataType::Timestamp(..)
            | DataType::Duration(_)
    );
    if !wide {
        return None;
    }
    let array = crate::cells::array(data_type, std::slice::from_ref(cell));
    Scalar::try_from_array(&array, 0).ok()
}

/// The same expression over literals, evaluated as it stands and folded.
fn literals(case: &Case, written: &Expr, row: Row<'_>, result: &DataType) {
    let mut whole = true;
    let of_literals = written.clone().transform(&mut |part| match part {
        Expr::Column(name) => match literal(row.get(&name), &data_type(kind(&name))) {
            Some(scalar) => Expr::Literal(scalar),
            None => {
                whole = false;
                Expr::Column(name)
            }
        },
        other => other,
    });
    let empty = Arc::new(Schema::empty());
    if !whole {
        return;
    }
    // A literal may take another type beside others than a column has.
    let bound = match bind(&of_literals, &empty) {
        Ok((bound, field)) if field.data_type() == result => bound,
        Ok(_) => return,
        Err(error) => {
            // What cannot be is known before anything runs, and the error names the expression.
            assert!(case.expected(row).is_none(), "{error}");
            return;
        }
    };
    let options = RecordBatchOptions::new().with_row_count(Some(3));
    let batch = RecordBatch::try_new_with_options(Arc::clone(&empty), Vec::new(), &options).expect("a batch");
    let got = bound.evaluate_as(&batch, result).map(|array| at(&array, 2));
    let expected = case.expected(row);
    match (&got, &expected) {
        (Ok(got), Some(expected)) if case.same(got, expected) => {}
        (Err(_), None) => {}
        (got, expected) => panic!("{of_literals} gave {got:?}, expected {expected:?}"),
    }
    let folded = of_literals.clone().fold().unalias();
    match (&folded, expected) {
        (Expr::Literal(scalar), Some(expected)) => {
            let array = scalar.to_array(1).expect("an array");
            let got = at(&array, 0);
            assert!(case.same(&got, &expected), "{of_literals} was folded to {got:?}, expected {expected:?}");
        }
        (Expr::Literal(scalar), None) => panic!("{of_literals} was folded to {scalar}, expected an error"),
        (_, None) => {}
        // No literal has these types, or says of a missing number which it is.
        (_, Some(expected)) => {
            let narrow = !matches!(
                result,
                DataType::Int64
                    | DataType::UInt64
                    | DataType::Float64
                    | DataType::Boolean
                    | DataType::Utf8View
                    | DataType::Date32
                    | DataType::Timestamp(..)
            );
            let through_narrow = of_literals.to_string().contains("cast(");
            // A part that is not asked for, and would fail, stays.
            let lazy = matches!(folded, Expr::FillNull(..) | Expr::Case(..));
            assert!(
                narrow || lazy || expected.is_null() || through_narrow,
                "{of_literals} is not folded: {folded}"
            );
        }
    }
}
