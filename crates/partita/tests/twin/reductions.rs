//! Every reduction of every type that it is defined for, over partitions and batches cut anywhere, and running totals.

use std::collections::BTreeSet;

use partita::arrow::datatypes::i256;
use partita::prelude::*;
use partita::{Cumulative, Reduction, Scalar};

use crate::cells::{Cell, FURTHER, KINDS, Table, at, data_type};
use crate::frames::cut;
use crate::numbers::to_float;
use crate::operators::order;
use crate::random::Random;

/// What is expected: a value, a float that is nearly so, a range, or an error.
#[derive(Debug)]
enum Expected {
    Exactly(Cell),
    /// A value, and how far from it is near enough.
    Near(f64, f64),
    Between(f64, f64),
    Error,
}

/// A column, the rows of its values, and those of a second one.
struct Input<'a> {
    kind: &'a str,
    cells: &'a [Cell],
    other: &'a [Cell],
}

fn null_or(cell: Option<Cell>) -> Option<Expected> {
    Some(Expected::Exactly(cell.unwrap_or(Cell::Null)))
}

fn uint(value: usize) -> Option<Expected> {
    Some(Expected::Exactly(Cell::Int(value as i128)))
}

impl Input<'_> {
    fn there(&self) -> Vec<&Cell> {
        self.cells.iter().filter(|cell| !cell.is_null()).collect()
    }

    fn is_number(&self) -> bool {
        crate::numbers::all().any(|kind| kind == self.kind) || matches!(self.kind, "b" | "n")
    }

    fn is_float(&self) -> bool {
        self.kind.starts_with('f') && self.kind != "fixed"
    }

    fn is_time(&self) -> bool {
        matches!(data_type(self.kind), DataType::Timestamp(..))
    }

    fn is_span(&self) -> bool {
        matches!(data_type(self.kind), DataType::Duration(_))
    }

    fn floats(&self) -> Vec<f64> {
        self.there().into_iter().map(float).collect()
    }

    /// The first of the best, NaN only where there is nothing else, and its row.
    fn extreme(&self, wanted: std::cmp::Ordering) -> Option<(usize, Cell)> {
        let there = || self.cells.iter().enumerate().filter(|(_, cell)| !cell.is_null());
        let better = |a: (usize, &Cell), b: (usize, &Cell)| order(b.1, a.1) == wanted;
        let numbers = there().filter(|(_, cell)| !cell.is_nan());
        let best = numbers.reduce(|a, b| if better((a.0, a.1), (b.0, b.1)) { b } else { a });
        best.or_else(|| there().next()).map(|(row, cell)| (row, cell.clone()))
    }

    /// All values in order, NaN last, and zeros as one.
    fn sorted(&self) -> Vec<Cell> {
        let plain = |cell: &Cell| match cell {
            Cell::Float(value) if *value == 0.0 => Cell::Float(0.0),
            other => other.clone(),
        };
        let mut all: Vec<Cell> = self.there().into_iter().map(plain).collect();
        all.sort_by(order);
        all
    }

    /// Different values and how often they are there.
    fn counted(&self) -> Vec<(Cell, usize)> {
        let mut counted: Vec<(Cell, usize)> = Vec::new();
        for cell in self.sorted() {
            match counted.last_mut() {
                Some((last, count)) if order(last, &cell).is_eq() => *count += 1,
                _ => counted.push((cell, 1)),
            }
        }
        counted
    }
}

fn float(cell: &Cell) -> f64 {
    match cell {
        Cell::Bool(value) => f64::from(u8::from(*value)),
        Cell::Time(ns) | Cell::Span(ns) => *ns as f64,
        other => to_float(other),
    }
}

fn whole(cell: &Cell) -> i128 {
    match cell {
        Cell::Bool(value) => i128::from(*value),
        Cell::Int(value) | Cell::Decimal(value, _) | Cell::Time(value) | Cell::Span(value) => *value,
        Cell::Day(day) => i128::from(*day) * 86_400_000_000_000,
        other => panic!("not whole: {other:?}"),
    }
}

/// `None`: the reduction is not defined for the type.
fn expected(reduction: Reduction, input: &Input<'_>) -> Option<Expected> {
    use Reduction as R;
    let there = input.there();
    match reduction {
        R::Len => uint(input.cells.len()),
        R::Count => uint(there.len()),
        R::NullCount => uint(input.cells.len() - there.len()),
        R::Min | R::Max | R::IdxMin | R::IdxMax => {
            let wanted = if matches!(reduction, R::Min | R::IdxMin) {
                std::cmp::Ordering::Less
            } else {
                std::cmp::Ordering::Greater
            };
            let found = input.extreme(wanted);
            match reduction {
                R::Min | R::Max => null_or(found.map(|(_, cell)| cell)),
                _ => null_or(found.map(|(row, _)| Cell::Int(row as i128))),
            }
        }
        R::First => null_or(there.first().map(|cell| (*cell).clone())),
        R::Last => null_or(there.last().map(|cell| (*cell).clone())),
        R::Any if input.kind == "b" => {
            Some(Expected::Exactly(Cell::Bool(there.contains(&&Cell::Bool(true)))))
        }
        R::All if input.kind == "b" => {
            Some(Expected::Exactly(Cell::Bool(!there.contains(&&Cell::Bool(false)))))
        }
        R::NUnique { nulls } => {
            uint(input.counted().len() + usize::from(nulls && there.len() < input.cells.len()))
        }
        R::Mode | R::ModeCount => {
            let counted = input.counted();
            let most = counted.iter().map(|(_, count)| *count).max().unwrap_or(0);
            let first = counted.into_iter().find(|(_, count)| *count == most).map(|(cell, _)| cell);
            if reduction == R::Mode { null_or(first) } else { uint(most) }
        }
        // So few collide in few registers.
        R::ApproxNUnique => {
            let distinct = input.counted().len() as f64;
            Some(Expected::Between(distinct * 0.96 - 2.0, distinct * 1.04 + 2.0))
        }
        R::MemoryUsage => {
            let width = data_type(input.kind).primitive_width().unwrap_or(0);
            let texts = there.iter().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 });
            let least = width * input.cells.len() + if input.kind == "code" { 0 } else { texts.sum() };
            Some(Expected::Between(least as f64, 64.0 * (input.cells.len() as f64 + 8.0) + 200_000.0))
        }
        R::Sum | R::Mean | R::Prod => totals(reduction, input),
        R::Quantile(share) if input.is_number() => quantile(input, share, &|cell| float(cell)),
        R::Quantile(share) if input.is_time() || input.is_span() => spans_between(input, share),
        R::ApproxQuantile(share) if input.is_number() => Some(match there.is_empty() {
            true => Expected::Exactly(Cell::Null),
            false => {
                // A rank that is off by a hundredth of so few is the rank itself, or one of its neighbours.
                let sorted: Vec<f64> = input.sorted().iter().map(float).collect();
                let rank = share * (sorted.len() - 1) as f64;
                let (low, high) = (rank.floor() as usize, rank.ceil() as usize);
                let around = |at: usize| sorted[at.min(sorted.len() - 1)];
                let slack = sorted.len().div_ceil(100);
                if around(high + slack).is_nan() {
                    return Some(Expected::Between(around(low.saturating_sub(slack)), f64::NAN));
                }
                Expected::Between(around(low.saturating_sub(slack)), around(high + slack))
            }
        }),
        _ if input.is_number() => moments(reduction, input),
        _ => None,
    }
}

/// The type of a sum: 64 bits, or the decimal of 38 digits.
fn sum_fits(kind: &str, value: i128) -> bool {
    match data_type(kind) {
        DataType::Decimal128(..) => value.abs() < 10_i128.pow(38),
        other if other.is_unsigned_integer() => u64::try_from(value).is_ok(),
        _ => i64::try_from(value).is_ok(),
    }
}

fn as_sum(input: &Input<'_>, value: i128) -> Cell {
    match data_type(input.kind) {
        DataType::Decimal128(_, scale) => Cell::Decimal(value, scale),
        DataType::Duration(_) => Cell::Span(value),
        _ => Cell::Int(value),
    }
}

fn totals(reduction: Reduction, input: &Input<'_>) -> Option<Expected> {
    let there = input.there();
    if input.is_float() {
        let values = input.floats();
        let sum: f64 = values.iter().sum();
        let size: f64 = values.iter().map(|value| value.abs()).sum();
        return Some(match reduction {
            Reduction::Sum => Expected::Near(sum, size * 1e-13),
            Reduction::Mean if there.is_empty() => Expected::Exactly(Cell::Null),
            Reduction::Mean => Expected::Near(sum / there.len() as f64, size * 1e-13),
            _ => {
                let product: f64 = values.iter().product();
                Expected::Near(product, product.abs() * 1e-11 + 1e-300)
            }
        });
    }
    let is_decimal = matches!(data_type(input.kind), DataType::Decimal128(..));
    let tick = match data_type(input.kind) {
        DataType::Timestamp(unit, _) | DataType::Duration(unit) => crate::cells::tick_ns(unit),
        // The mean of days is a time of microseconds.
        _ => 1_000,
    };
    if !(input.is_number() || input.is_span() || input.is_time() || input.kind == "d") {
        return None;
    }
    // A hundred times 38 digits are more than 128 bits on the way.
    let sum = there.iter().fold(i256::ZERO, |sum, cell| sum + i256::from_i128(whole(cell))).to_i128();
    match reduction {
        Reduction::Prod if input.is_number() && !is_decimal => {
            let fits = |value: &i128| sum_fits(input.kind, *value);
            // Nothing wraps on the way to zero.
            let product = match there.iter().any(|cell| whole(cell) == 0) {
                true => Some(0),
                false => there.iter().try_fold(1_i128, |product, cell| product.checked_mul(whole(cell))),
            };
            Some(product.filter(fits).map_or(Expected::Error, |value| Expected::Exactly(Cell::Int(value))))
        }
        Reduction::Sum if input.is_number() || input.is_span() => {
            let ticks = if input.is_span() { tick } else { 1 };
            let sum = sum.filter(|sum| sum_fits(input.kind, sum / ticks));
            Some(sum.map_or(Expected::Error, |sum| Expected::Exactly(as_sum(input, sum))))
        }
        Reduction::Mean if input.is_number() => {
            if there.is_empty() {
                return null_or(None);
            }
            let values = input.floats();
            let (sum, size): (f64, f64) = (values.iter().sum(), values.iter().map(|v| v.abs()).sum());
            Some(Expected::Near(sum / there.len() as f64, size * 1e-13))
        }
        Reduction::Mean if input.is_span() || input.is_time() || input.kind == "d" => {
            let mean = (!there.is_empty()).then(|| {
                let ticks = there.iter().map(|cell| whole(cell) / tick).sum::<i128>();
                ticks.div_euclid(there.len() as i128) * tick
            });
            null_or(mean.map(|mean| if input.is_span() { Cell::Span(mean) } else { Cell::Time(mean) }))
        }
        _ => None,
    }
}

fn quantile(input: &Input<'_>, share: f64, float: &dyn Fn(&Cell) -> f64) -> Option<Expected> {
    let sorted: Vec<f64> = input.sorted().iter().map(float).collect();
    if sorted.is_empty() {
        return null_or(None);
    }
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    let value = if low == high || at.fract() == 0.0 { low } else { low + (high - low) * at.fract() };
    Some(Expected::Near(value, value.abs() * 1e-12 + (high - low).abs() * 1e-12))
}

/// Times between two ranks are ticks of the type, rounded down.
fn spans_between(input: &Input<'_>, share: f64) -> Option<Expected> {
    let sorted = input.sorted();
    if sorted.is_empty() {
        return null_or(None);
    }
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (whole(&sorted[at.floor() as usize]), whole(&sorted[at.ceil() as usize]));
    if low == high || at.fract() == 0.0 {
        return Some(Expected::Exactly(sorted[at.floor() as usize].clone()));
    }
    let value = low as f64 + (high - low) as f64 * at.fract();
    Some(Expected::Near(value, (high - low) as f64 * 1e-9 + low.abs() as f64 * 1e-15 + 1e9))
}

/// By two passes over the values less the first of them.
fn moments(reduction: Reduction, input: &Input<'_>) -> Option<Expected> {
    use Reduction as R;
    let pairs: Vec<(f64, f64)> = match reduction.columns() {
        2 => {
            let both = input.cells.iter().zip(input.other).filter(|(a, b)| !a.is_null() && !b.is_null());
            both.map(|(a, b)| (float(a), float(b))).collect()
        }
        _ => input.floats().into_iter().map(|value| (value, value)).collect(),
    };
    let n = pairs.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / n;
    let (m, o) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let power = |k: i32| pairs.iter().map(|(a, _)| (a - m).powi(k)).sum::<f64>();
    let product: f64 = pairs.iter().map(|(a, b)| (a - m) * (b - o)).sum();
    let squares: f64 = pairs.iter().map(|(_, b)| (b - o) * (b - o)).sum();
    let size = pairs.iter().map(|(a, b)| a.abs().max(b.abs())).fold(0.0, f64::max);
    let near = |value: f64, slack: f64| Some(Expected::Near(value, value.abs() * 1e-8 + slack));
    let slack = size * size * 1e-13;
    let spread = |ddof: u8| (n > f64::from(ddof)).then(|| power(2) / (n - f64::from(ddof)));
    // Of values that are equal but for their rounding the ratios are noise.
    let is_noise = power(2) <= n * size * size * 1e-20 && power(2) > 0.0;
    let ratio = |value: f64| match is_noise {
        true => Some(Expected::Between(f64::NEG_INFINITY, f64::NAN)),
        false => Some(Expected::Near(value, value.abs() * 1e-6 + 1e-6)),
    };
    match reduction {
        R::Var { ddof } => spread(ddof).map_or_else(|| null_or(None), |value| near(value, slack)),
        R::Std { ddof } => {
            spread(ddof).map_or_else(|| null_or(None), |value| near(value.sqrt(), size * 1e-7))
        }
        R::Sem { ddof } => {
            spread(ddof).map_or_else(|| null_or(None), |value| near((value / n).sqrt(), size * 1e-7))
        }
        R::Cov { ddof } if n <= f64::from(ddof) => null_or(None),
        R::Cov { ddof } => near(product / (n - f64::from(ddof)), slack),
        R::Corr if n < 2.0 => null_or(None),
        R::Corr if power(2) == 0.0 || squares == 0.0 => Some(Expected::Between(f64::NEG_INFINITY, f64::NAN)),
        R::Corr => ratio(product / (power(2).sqrt() * squares.sqrt())),
        R::Skew if n < 3.0 => null_or(None),
        R::Kurtosis if n < 4.0 => null_or(None),
        R::Skew | R::Kurtosis if power(2) == 0.0 => near(0.0, 0.0),
        R::Skew => {
            let deviation = (power(2) / n).sqrt();
            ratio(power(3) / n / deviation.powi(3) * (n * (n - 1.0)).sqrt() / (n - 2.0))
        }
        R::Kurtosis => {
            let excess = power(4) / n / (power(2) / n).powi(2) - 3.0;
            ratio((n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * excess + 6.0))
        }
        _ => None,
    }
}

fn agrees(got: &Cell, expected: &Expected) -> bool {
    let number = match got {
        Cell::Float(value) => Some(*value),
        Cell::Int(value) | Cell::Time(value) | Cell::Span(value) => Some(*value as f64),
        _ => None,
    };
    match (expected, number) {
        // Nothing in particular.
        (Expected::Between(least, most), _) if least.is_infinite() && most.is_nan() => true,
        (Expected::Exactly(Cell::Float(a)), Some(b)) if *a == 0.0 && b == 0.0 => true,
        (Expected::Exactly(expected), _) => got == expected,
        (Expected::Near(value, _), Some(number)) if value.is_nan() => number.is_nan(),
        (Expected::Near(value, _), Some(number)) if value.is_infinite() => number == *value,
        (Expected::Near(value, slack), Some(number)) => (number - value).abs() <= *slack,
        (Expected::Between(least, most), Some(number)) => {
            (number >= *least || least.is_nan()) && (number <= *most || most.is_nan())
        }
        _ => false,
    }
}

/// Values whose fourth powers are floats.
fn tamed(mut table: Table, random: &mut Random, finite: bool) -> Table {
    for (name, cells) in &mut table.columns {
        let is_float = name.starts_with("f32") || name.starts_with("f64");
        for cell in cells.iter_mut().filter(|_| is_float) {
            if let Cell::Float(value) = cell {
                let special = value.is_nan() || value.is_infinite();
                if (special && finite) || (!special && !(1e-9..1e9).contains(&value.abs())) {
                    *value = (random.below(2001) as f64 - 1000.0) / 8.0;
                }
            }
        }
    }
    table
}

fn questions(random: &mut Random) -> Vec<Reduction> {
    let mut all = Reduction::ALL.to_vec();
    let share = random.below(11) as f64 / 10.0;
    all.extend([
        Reduction::Quantile(share),
        Reduction::ApproxQuantile(share),
        Reduction::NUnique { nulls: true },
        Reduction::Var { ddof: 0 },
        Reduction::Std { ddof: 2 },
        Reduction::Sem { ddof: 0 },
        Reduction::Cov { ddof: 0 },
    ]);
    all
}

#[test]
fn every_reduction_is_as_in_loops() {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    let mut seen = BTreeSet::new();
    for seed in 0..8 {
        let mut random = Random(seed);
        let rows = [0, 1, 3, 17, 60, 200][random.below(6)];
        let table = Table::new(&mut random, rows);
        let table = tamed(table, &mut random, seed % 2 == 0);
        let frame = cut(&session, &table, &mut random);
        let mut asked: Vec<(String, Expr, Expected)> = Vec::new();
        for reduction in questions(&mut random) {
            for kind in KINDS.iter().chain(&FURTHER) {
                let (a, b) = (format!("{kind}_a"), format!("{kind}_b"));
                let input = Input { kind, cells: table.column(&a), other: table.column(&b) };
                let of = [col(&a), col(&b)][..reduction.columns()].to_vec();
                let question = Expr::Aggregate(reduction.into(), of);
                match expected(reduction, &input) {
                    Some(expected) => {
                        seen.insert(reduction.name());
                        asked.push((question.to_string(), question, expected));
                    }
                    None => {
                        let refused = frame.reduce([question.clone()]).schema();
                        assert!(refused.is_err(), "{question} is defined, and the slow one does not know it");
                    }
                }
            }
        }
        let (failing, fine): (Vec<_>, Vec<_>) =
            asked.into_iter().partition(|(_, _, expected)| matches!(expected, Expected::Error));
        for (text, question, _) in failing.into_iter().take(6) {
            assert!(frame.reduce([question]).compute_batches().is_err(), "{text} should overflow");
        }
        let named = |(place, (_, question, _)): (usize, &(String, Expr, Expected))| {
            question.clone().alias(format!("r{place}"))
        };
        let row =
            frame.reduce(fine.iter().enumerate().map(named).collect::<Vec<_>>()).compute_batches().unwrap();
        for (place, (text, _, expected)) in fine.iter().enumerate() {
            let got = at(row[0].column(place), 0);
            assert!(
                agrees(&got, expected),
                "round {seed}, {rows} rows, {text}: got {got:?}, expected {expected:?}"
            );
        }
    }
    let missing: Vec<&str> =
        Reduction::ALL.iter().map(Reduction::name).filter(|name| !seen.contains(name)).collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

/// What each running total is of the values so far.
fn running(total: Cumulative, cells: &[Cell]) -> Option<Vec<Cell>> {
    let mut so_far: Option<Cell> = None;
    let next = |so_far: Option<&Cell>, cell: &Cell| -> Option<Cell> {
        let Some(before) = so_far else { return Some(cell.clone()) };
        Some(match (total, before, cell) {
            (Cumulative::Sum, Cell::Int(a), Cell::Int(b)) => Cell::Int(a + b),
            (Cumulative::Sum, Cell::Float(a), Cell::Float(b)) => Cell::Float(a + b),
            (Cumulative::Prod, Cell::Int(a), Cell::Int(b)) => Cell::Int(a.checked_mul(*b)?),
            (Cumulative::Prod, Cell::Float(a), Cell::Float(b)) => Cell::Float(a * b),
            (Cumulative::Min | Cumulative::Max, before, cell) if cell.is_nan() => before.clone(),
            (Cumulative::Min | Cumulative::Max, before, cell) if before.is_nan() => cell.clone(),
            (Cumulative::Min, before, cell) => {
                if order(cell, before).is_lt() { cell } else { before }.clone()
            }
            (Cumulative::Max, before, cell) => {
                if order(cell, before).is_gt() { cell } else { before }.clone()
            }
            other => panic!("{other:?}"),
        })
    };
    let step = |cell: &Cell| {
        if cell.is_null() {
            return Some(Cell::Null);
        }
        so_far = Some(next(so_far.as_ref(), cell)?);
        // A total on the way that has no place in 64 bits.
        match &so_far {
            Some(Cell::Int(value)) if i64::try_from(*value).is_err() => None,
            other => other.clone(),
        }
    };
    cells.iter().map(step).collect()
}

#[test]
fn running_totals_are_as_in_loops() {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    for seed in 0..8 {
        let mut random = Random(seed);
        let table = Table::new(&mut random, 40);
        let table = tamed(table, &mut random, true);
        let frame = cut(&session, &table, &mut random);
        for total in [Cumulative::Sum, Cumulative::Prod, Cumulative::Min, Cumulative::Max] {
            let moving = [Cumulative::Min, Cumulative::Max].contains(&total);
            for kind in ["i8", "i32", "n", "f64", "f32", "d", "ts_us"] {
                if !moving && matches!(kind, "d" | "ts_us") {
                    continue;
                }
                let column = format!("{kind}_a");
                let got =
                    frame.with_running("total", total, col(&column)).select(["total"]).compute_batches();
                let Some(expected) = running(total, table.column(&column)) else {
                    assert!(got.is_err(), "{total:?} of {column} should overflow");
                    continue;
                };
                let got: Vec<Cell> =
                    got.unwrap().iter().flat_map(|batch| crate::cells::cells(batch.column(0))).collect();
                let near = |(got, expected): (&Cell, &Cell)| match (got, expected) {
                    (Cell::Float(a), Cell::Float(b)) => {
                        (a - b).abs() <= b.abs() * 1e-9 + 1e-6 || a == b || (a.is_nan() && b.is_nan())
                    }
                    (a, b) => a == b,
                };
                assert_eq!(got.len(), expected.len());
                let fine = got.iter().zip(&expected).all(near);
                assert!(fine, "{total:?} of {column}: got {got:?}, expected {expected:?}");
            }
        }
    }
}

#[test]
fn top_rows_are_those_of_a_sort() {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    for seed in 0..6 {
        let mut random = Random(seed);
        let table = Table::new(&mut random, 70);
        let frame = cut(&session, &table, &mut random).with_row_index("row");
        for kind in ["i8", "u64", "f64", "t", "d", "ts_ns", "b", "wide"] {
            let (column, rows) = (format!("{kind}_a"), random.below(40));
            let cells = table.column(&column);
            let counts = |row: &usize| !cells[*row].is_null() && !cells[*row].is_nan();
            let mut sorted: Vec<usize> = (0..cells.len()).filter(counts).collect();
            for largest in [true, false] {
                // Equal values stay in the order of the rows.
                sorted.sort_by(|a, b| match largest {
                    true => order(&cells[*b], &cells[*a]).then(a.cmp(b)),
                    false => order(&cells[*a], &cells[*b]).then(a.cmp(b)),
                });
                let top = if largest {
                    frame.nlargest(rows, [&*column])
                } else {
                    frame.nsmallest(rows, [&*column])
                };
                let batches = top.select(["row"]).compute_batches().unwrap();
                let got: Vec<Cell> =
                    batches.iter().flat_map(|batch| crate::cells::cells(batch.column(0))).collect();
                let expected: Vec<Cell> =
                    sorted.iter().take(rows).map(|row| Cell::Int(*row as i128)).collect();
                assert_eq!(got, expected, "{rows} of {column}, largest: {largest}");
            }
        }
    }
}

#[test]
fn a_reduction_of_a_literal_is_refused_or_right() {
    let session = Session::builder().memory_limit("256MiB").threads(2).build().unwrap();
    let mut random = Random(5);
    let table = Table::new(&mut random, 9);
    let row = cut(&session, &table, &mut random)
        .reduce([lit(2).sum().alias("sum"), len()])
        .compute_batches()
        .unwrap();
    assert_eq!(Scalar::try_from_array(row[0].column(0), 0).unwrap(), Scalar::Int64(18));
}
