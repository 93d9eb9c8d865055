//! Functions and words that choose among values.

use crate::case::Case;
use crate::cells::{Cell, KINDS, Row, data_type};
use crate::operators::order;
use crate::random::Random;

fn type_name(kind: &str) -> String {
    // A dictionary gives its values.
    if kind == "code" { "Utf8".to_owned() } else { partita_columns::dtype::name(&data_type(kind)) }
}

/// The best of what is there; NaN only where there is nothing else.
fn best(cells: &[&Cell], wanted: std::cmp::Ordering) -> Cell {
    let there: Vec<&Cell> = cells.iter().copied().filter(|cell| !cell.is_null()).collect();
    let numbers = there.iter().copied().filter(|cell| !cell.is_nan());
    let found = numbers.reduce(|a, b| if order(b, a) == wanted { b } else { a });
    found.or(there.first().copied()).cloned().unwrap_or(Cell::Null)
}

fn is_true(row: &Row<'_>, column: &str) -> bool {
    matches!(row.get(column), Cell::Bool(true))
}

/// What is chosen of three values of a row.
type Choice = Box<dyn Fn([&Cell; 3], Row<'_>) -> Cell>;

pub(crate) fn cases(_: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        let columns = ["a", "b", "c"].map(|copy| format!("{kind}_{copy}"));
        let [a, b, c] = columns.clone();
        let of = type_name(kind);
        let mut case = |text: String, twin: Choice| {
            let columns = columns.clone();
            cases.push(
                Case::new(text, &of, move |row| {
                    Some(twin(columns.each_ref().map(|column| row.get(column)), row))
                })
                .zeros(),
            );
        };
        case(format!("least({a}, {b}, {c})"), Box::new(|all, _| best(&all, std::cmp::Ordering::Less)));
        case(format!("greatest({a}, {b}, {c})"), Box::new(|all, _| best(&all, std::cmp::Ordering::Greater)));
        case(
            format!("coalesce({a}, {b}, {c})"),
            Box::new(|all, _| all.into_iter().find(|cell| !cell.is_null()).cloned().unwrap_or(Cell::Null)),
        );
        case(format!("clip({a}, {b}, {c})"), Box::new(|[x, least, most], _| clipped(x, least, most)));
        case(
            format!("case when b_a then {a} when b_b then {b} else {c} end"),
            Box::new(|[a, b, c], row| match () {
                () if is_true(&row, "b_a") => a.clone(),
                () if is_true(&row, "b_b") => b.clone(),
                () => c.clone(),
            }),
        );
        case(
            format!("case when {a} is null then {b} end"),
            Box::new(|[a, b, _], _| if a.is_null() { b.clone() } else { Cell::Null }),
        );
        let equal = |a: &Cell, b: &Cell| match (a.is_null(), b.is_null()) {
            (false, false) => order(a, b).is_eq(),
            (a, b) => a && b,
        };
        case(
            format!("replace_values({a}, {b}, {c}, {c}, {b})"),
            Box::new(move |[x, old, new], _| match () {
                () if equal(x, old) => new.clone(),
                () if equal(x, new) => old.clone(),
                () => x.clone(),
            }),
        );
    }
    for kind in ["f32", "f64"] {
        let (a, b) = (format!("{kind}_a"), format!("{kind}_b"));
        let text = format!("fill_nan({a}, {b})");
        cases.push(Case::new(text, type_name(kind), move |row| {
            Some(if row.get(&a).is_nan() { row.get(&b).clone() } else { row.get(&a).clone() })
        }));
    }
    // What fails where it is not asked for is no error.
    cases.push(Case::new(
        "case when num_a in ('7', '8') then cast(num_a as Int64) else -1 end",
        "Int64",
        |row| {
            Some(match row.get("num_a") {
                Cell::Text(text) if text == "7" || text == "8" => Cell::Int(text.parse().expect("digits")),
                _ => Cell::Int(-1),
            })
        },
    ));
    cases.push(Case::new("coalesce(n_a, i64_a * 9223372036854775807)", "Int64", |row| {
        match row.get("n_a") {
            Cell::Null => match row.get("i64_a") {
                Cell::Int(value) => crate::numbers::fit(value.checked_mul(i64::MAX.into())?, "Int64"),
                other => Some(other.clone()),
            },
            value => Some(value.clone()),
        }
    }));
    cases
}

fn clipped(x: &Cell, least: &Cell, most: &Cell) -> Cell {
    let bound = |cell: &Cell| !cell.is_null() && !cell.is_nan();
    if x.is_null() || x.is_nan() {
        return x.clone();
    }
    let raised = if bound(least) && order(x, least).is_lt() { least } else { x };
    // Where bounds cross, the greatest one holds.
    if bound(most) && order(raised, most).is_gt() { most.clone() } else { raised.clone() }
}
