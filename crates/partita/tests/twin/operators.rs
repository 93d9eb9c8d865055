//! Arithmetic, comparison, logic, casts and membership.

use std::cmp::Ordering;

use partita::arrow::datatypes::{DataType, TimeUnit, i256};

use crate::case::{Case, Out, int_of, text_of};
use crate::cells::{Cell, FURTHER, KINDS, data_type, tick_ns};
use crate::numbers::{DECIMALS, INTEGERS, all, bounds, decimal_text, fit, name, nearest, to_float};
use crate::random::Random;

pub(crate) fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for left in all() {
        for right in all() {
            for op in ["+", "-", "*", "/", "//", "%"] {
                cases.extend(arithmetic(op, left, right));
            }
            // Unsigned numbers of 64 bits are compared with signed ones by value.
            comparisons(&mut cases, left, right);
        }
        negated(&mut cases, left);
    }
    for kind in KINDS.iter().chain(&FURTHER).filter(|kind| !all().any(|number| number == **kind)) {
        comparisons(&mut cases, kind, kind);
    }
    times(&mut cases);
    logic(&mut cases);
    lists(&mut cases, random);
    casts(&mut cases);
    cases
}

fn is_float(kind: &str) -> bool {
    kind == "f32" || kind == "f64"
}

fn is_narrow(kind: &str) -> bool {
    matches!(kind, "i8" | "i16" | "u8" | "u16" | "f32")
}

fn digits_and_scale(kind: &str) -> (i32, i32) {
    match data_type(kind) {
        DataType::Decimal128(precision, scale) => (precision.into(), scale.into()),
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 => (19, 0),
        _ => (20, 0),
    }
}

/// The digits of an exact number, and their scale.
fn exact(cell: &Cell) -> (i256, i32) {
    match cell {
        Cell::Int(value) => (i256::from_i128(*value), 0),
        Cell::Decimal(value, scale) => (i256::from_i128(*value), (*scale).into()),
        other => panic!("not exact: {other:?}"),
    }
}

fn tens(power: i32) -> i256 {
    (0..power).fold(i256::ONE, |tens, _| tens * i256::from_i128(10))
}

fn floor_div(a: i256, b: i256) -> i256 {
    let quotient = a / b;
    if quotient * b != a && (a.is_negative() != b.is_negative()) { quotient - i256::ONE } else { quotient }
}

/// The type of integers beside each other: the wider, and a signed one that holds both where there is one.
fn integer_type(left: &str, right: &str) -> String {
    let bits = |kind: &str| kind[1..].parse::<u32>().expect("bits");
    let signed = left.starts_with('i') || right.starts_with('i');
    let wide = |kind: &str| if signed && kind.starts_with('u') { bits(kind) * 2 } else { bits(kind) };
    let bits = wide(left).max(wide(right)).min(64);
    if signed { format!("Int{bits}") } else { format!("UInt{bits}") }
}

fn arithmetic(op: &'static str, left: &'static str, right: &'static str) -> Option<Case> {
    let (a, b) = (format!("{left}_a"), format!("{right}_b"));
    let text = format!("{a} {op} {b}");
    let decimal = |kind| DECIMALS.contains(&kind);
    if is_float(left) || is_float(right) || op == "/" {
        // 16 bits are exact in 32, and a decimal is none of these.
        let narrow = is_narrow(left) && is_narrow(right) && (is_float(left) || is_float(right));
        let to = if narrow { "Float32" } else { "Float64" };
        return Some(Case::of(text, to, [&a, &b], move |[x, y]| {
            let (x, y) = (to_float(x), to_float(y));
            Some(Cell::Float(if narrow {
                narrow_floats(op, x as f32, y as f32).into()
            } else {
                floats(op, x, y)
            }))
        }));
    }
    if decimal(left) || decimal(right) {
        return decimals(op, left, right, text);
    }
    let to = integer_type(left, right);
    let of = to.clone();
    Some(Case::new(text, to, move |row| {
        // Both are first of the common type.
        let (x, y) = (row.get(&a), row.get(&b));
        let (least, most) = bounds(&of);
        let beyond = |cell: &Cell| !cell.is_null() && !(least..=most).contains(&int_of(cell));
        if beyond(x) || beyond(y) {
            return None;
        }
        if x.is_null() || y.is_null() {
            return Some(Cell::Null);
        }
        let (x, y) = (int_of(x), int_of(y));
        match op {
            "+" => fit(x + y, &of),
            "-" => fit(x - y, &of),
            "*" => fit(x.checked_mul(y)?, &of),
            _ if y == 0 => Some(Cell::Null),
            "//" => fit(x.div_euclid(y) - i128::from(y < 0 && x.rem_euclid(y) != 0), &of),
            _ => {
                let rest = x.rem_euclid(y);
                fit(if y < 0 && rest != 0 { rest + y } else { rest }, &of)
            }
        }
    }))
}

/// As NumPy divides and takes remainders; a quotient of 2^51 and more is told to a half only.
fn floats(op: &str, x: f64, y: f64) -> f64 {
    let rest = x % y;
    let away = rest != 0.0 && (y < 0.0) != (rest < 0.0);
    match op {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" => x / y,
        "//" if y == 0.0 => x / y,
        "//" => {
            let quotient = (x - rest) / y - if away { 1.0 } else { 0.0 };
            if quotient == 0.0 { 0.0_f64.copysign(x / y) } else { quotient.round() }
        }
        _ if rest == 0.0 => 0.0_f64.copysign(y),
        _ => {
            if away {
                rest + y
            } else {
                rest
            }
        }
    }
}

fn narrow_floats(op: &str, x: f32, y: f32) -> f32 {
    let rest = x % y;
    let away = rest != 0.0 && (y < 0.0) != (rest < 0.0);
    match op {
        "+" => x + y,
        "-" => x - y,
        "*" => x * y,
        "/" => x / y,
        "//" if y == 0.0 => x / y,
        "//" => {
            let quotient = (x - rest) / y - if away { 1.0 } else { 0.0 };
            if quotient == 0.0 { 0.0_f32.copysign(x / y) } else { quotient.round() }
        }
        _ if rest == 0.0 => 0.0_f32.copysign(y),
        _ => {
            if away {
                rest + y
            } else {
                rest
            }
        }
    }
}

fn decimals(op: &'static str, left: &str, right: &str, text: String) -> Option<Case> {
    let ((p, s), (q, t)) = (digits_and_scale(left), digits_and_scale(right));
    let common = s.max(t);
    let (digits, scale) = match op {
        "+" | "-" => ((p - s).max(q - t) + 1 + common, common),
        "*" => (p + q + 1, s + t),
        "//" => (p - s + t + 1, 0),
        _ => (q - t + common, common),
    };
    let digits = digits.clamp(1, 38).max(scale);
    let (a, b) = (format!("{left}_a"), format!("{right}_b"));
    Some(Case::of(text, format!("Decimal({digits}, {scale})"), [&a, &b], move |[x, y]| {
        let ((x, s), (y, t)) = (exact(x), exact(y));
        let (wide_x, wide_y) = (x * tens(common - s), y * tens(common - t));
        let value = match op {
            "+" => wide_x + wide_y,
            "-" => wide_x - wide_y,
            "*" => x * y,
            _ if y == i256::ZERO => return Some(Cell::Null),
            "//" => floor_div(wide_x, wide_y),
            _ => wide_x - wide_y * floor_div(wide_x, wide_y),
        };
        let limit = tens(digits);
        (-limit < value && value < limit)
            .then(|| Cell::Decimal(value.to_i128().expect("38 digits"), scale as i8))
    }))
}

fn negated(cases: &mut Vec<Case>, kind: &str) {
    let (column, to) = (format!("{kind}_a"), name(kind));
    if kind.starts_with('u') {
        return;
    }
    let of = to.clone();
    cases.push(Case::of(format!("-{column}"), to, [&column], move |[x]| match x {
        Cell::Int(value) => fit(-value, &of),
        Cell::Float(value) => Some(Cell::Float(-value)),
        Cell::Decimal(value, scale) => Some(Cell::Decimal(-value, *scale)),
        other => panic!("{other:?}"),
    }));
}

/// The order of two values: NaN equals NaN and is above every number, zeros are equal.
pub(crate) fn order(a: &Cell, b: &Cell) -> Ordering {
    let floats = |a: f64, b: f64| match a.partial_cmp(&b) {
        Some(order) => order,
        None => a.is_nan().cmp(&b.is_nan()),
    };
    match (a, b) {
        (Cell::Int(a), Cell::Int(b)) => a.cmp(b),
        (Cell::Float(_), _) | (_, Cell::Float(_)) => floats(to_float(a), to_float(b)),
        (Cell::Int(_) | Cell::Decimal(..), _) => {
            let ((a, s), (b, t)) = (exact(a), exact(b));
            (a * tens(t.max(s) - s)).cmp(&(b * tens(t.max(s) - t)))
        }
        (Cell::Bool(a), Cell::Bool(b)) => a.cmp(b),
        (Cell::Text(a), Cell::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Cell::Bytes(a), Cell::Bytes(b)) => a.cmp(b),
        (Cell::Day(a), Cell::Day(b)) => a.cmp(b),
        (Cell::Time(a), Cell::Time(b)) | (Cell::Span(a), Cell::Span(b)) => a.cmp(b),
        (a, b) => panic!("{a:?} beside {b:?}"),
    }
}

fn comparisons(cases: &mut Vec<Case>, left: &str, right: &str) {
    type Test = (&'static str, fn(Ordering) -> bool);
    let tests: [Test; 6] = [
        ("=", Ordering::is_eq),
        ("!=", Ordering::is_ne),
        ("<", Ordering::is_lt),
        ("<=", Ordering::is_le),
        (">", Ordering::is_gt),
        (">=", Ordering::is_ge),
    ];
    for (symbol, test) in tests {
        let (a, b) = (format!("{left}_a"), format!("{right}_b"));
        cases.push(Case::of(format!("{a} {symbol} {b}"), "Boolean", [&a, &b], move |[x, y]| {
            Some(Cell::Bool(test(order(x, y))))
        }));
    }
}

fn times(cases: &mut Vec<Case>) {
    let ns = |cell: &Cell| match cell {
        Cell::Day(day) => i128::from(*day) * 86_400_000_000_000,
        Cell::Time(ns) | Cell::Span(ns) => *ns,
        other => panic!("no time: {other:?}"),
    };
    // A value is one of its type where its ticks have 64 bits.
    let within = |ns: i128, unit: TimeUnit| i64::try_from(ns / tick_ns(unit)).is_ok().then_some(ns);
    type Pair = (&'static str, &'static str, &'static str, TimeUnit);
    let differences: [Pair; 6] = [
        ("ts_us", "ts_us", "us", TimeUnit::Microsecond),
        ("ts_s", "ts_ms", "ms", TimeUnit::Millisecond),
        ("ts_ns", "ts_us", "ns", TimeUnit::Nanosecond),
        ("d", "d", "s", TimeUnit::Second),
        ("d", "ts_us", "us", TimeUnit::Microsecond),
        ("berlin", "york", "us", TimeUnit::Microsecond),
    ];
    for (left, right, unit_name, unit) in differences {
        let (a, b) = (format!("{left}_a"), format!("{right}_b"));
        cases.push(Case::new(format!("{a} - {b}"), format!("Duration({unit_name})"), move |row| {
            let (x, y) = (row.get(&a), row.get(&b));
            // Both are first of the common unit.
            if [x, y].iter().any(|cell| !cell.is_null() && within(ns(cell), unit).is_none()) {
                return None;
            }
            if x.is_null() || y.is_null() {
                return Some(Cell::Null);
            }
            within(ns(x) - ns(y), unit).map(Cell::Span)
        }));
    }
    let sums: [(&str, &str, &str, TimeUnit); 5] = [
        ("ts_us", "dur", "Timestamp(us)", TimeUnit::Microsecond),
        ("ts_s", "dur", "Timestamp(us)", TimeUnit::Microsecond),
        ("berlin", "dur_s", "Timestamp(us, Europe/Berlin)", TimeUnit::Microsecond),
        ("d", "dur_s", "Timestamp(s)", TimeUnit::Second),
        ("ts_ns", "dur_ns", "Timestamp(ns)", TimeUnit::Nanosecond),
    ];
    for (left, right, to, unit) in sums {
        for (op, sign) in [("+", 1), ("-", -1)] {
            let (a, b) = (format!("{left}_a"), format!("{right}_b"));
            let sum = move |x: &Cell, y: &Cell| -> Out {
                within(ns(x), unit)?;
                within(ns(y), unit)?;
                within(ns(x) + sign * ns(y), unit).map(Cell::Time)
            };
            cases.push(Case::of(format!("{a} {op} {b}"), to, [&a, &b], move |[x, y]| sum(x, y)));
            if sign == 1 {
                cases.push(Case::of(format!("{b} + {a}"), to, [&a, &b], move |[x, y]| sum(x, y)));
            }
        }
    }
    for (op, sign) in [("+", 1), ("-", -1)] {
        cases.push(Case::of(
            format!("dur_a {op} dur_s_b"),
            "Duration(us)",
            ["dur_a", "dur_s_b"],
            move |[x, y]| {
                within(ns(y), TimeUnit::Microsecond)?;
                within(ns(x) + sign * ns(y), TimeUnit::Microsecond).map(Cell::Span)
            },
        ));
    }
    cases.push(Case::of("-dur_a", "Duration(us)", ["dur_a"], move |[x]| {
        within(-ns(x), TimeUnit::Microsecond).map(Cell::Span)
    }));
}

fn truth(cell: &Cell) -> Option<bool> {
    match cell {
        Cell::Bool(value) => Some(*value),
        _ => None,
    }
}

fn maybe(value: Option<bool>) -> Out {
    Some(value.map_or(Cell::Null, Cell::Bool))
}

fn logic(cases: &mut Vec<Case>) {
    let and = |all: &[Option<bool>]| match all {
        _ if all.contains(&Some(false)) => Some(false),
        _ if all.contains(&None) => None,
        _ => Some(true),
    };
    let or =
        move |all: &[Option<bool>]| and(&all.iter().map(|v| v.map(|v| !v)).collect::<Vec<_>>()).map(|v| !v);
    let both = |name: &str| [format!("{name}_a"), format!("{name}_b"), format!("{name}_c")];
    let [a, b, c] = both("b");
    let mut case = |text: &str, twin: Box<dyn Fn([Option<bool>; 3]) -> Option<bool>>| {
        let columns = [a.clone(), b.clone(), c.clone()];
        cases.push(Case::new(text, "Boolean", move |row| {
            maybe(twin(columns.each_ref().map(|column| truth(row.get(column)))))
        }));
    };
    case("b_a and b_b", Box::new(move |[a, b, _]| and(&[a, b])));
    case("b_a or b_b", Box::new(move |[a, b, _]| or(&[a, b])));
    case("b_a and b_b and b_c", Box::new(move |all| and(&all)));
    case("b_a or b_b and not b_c", Box::new(move |[a, b, c]| or(&[a, and(&[b, c.map(|v| !v)])])));
    case("(b_a or true) and b_b", Box::new(|[_, b, _]| b));
    case("b_a and false or b_c", Box::new(|[_, _, c]| c));
    case("not b_a", Box::new(|[a, ..]| a.map(|v| !v)));
    case("b_a is true", Box::new(|[a, ..]| Some(a == Some(true))));
    case("b_a is not false", Box::new(|[a, ..]| Some(a != Some(false))));
    for kind in KINDS {
        let column = format!("{kind}_a");
        let of = column.clone();
        cases.push(Case::new(format!("{column} is null"), "Boolean", move |row| {
            Some(Cell::Bool(row.get(&of).is_null()))
        }));
        cases.push(Case::new(format!("{column} is not null"), "Boolean", move |row| {
            Some(Cell::Bool(!row.get(&column).is_null()))
        }));
    }
}

fn lists(cases: &mut Vec<Case>, random: &mut Random) {
    let numbers: Vec<i128> = (0..random.below(5)).map(|_| random.below(12) as i128 - 5).collect();
    let nulls = random.once_in(3);
    let mut list: Vec<String> = numbers.iter().map(i128::to_string).collect();
    list.extend(nulls.then(|| "null".to_owned()));
    let list = list.join(", ");
    for kind in INTEGERS {
        let (column, numbers) = (format!("{kind}_a"), numbers.clone());
        cases.push(Case::new(format!("{column} in ({list})"), "Boolean", move |row| {
            Some(Cell::Bool(match row.get(&column) {
                Cell::Int(value) => numbers.contains(value),
                _ => nulls,
            }))
        }));
    }
    let texts = ["", "a", "漢", "twelve letters and more"];
    let taken: Vec<&str> = texts.into_iter().filter(|_| random.once_in(2)).collect();
    let list = taken.iter().map(|text| format!("'{text}'")).collect::<Vec<_>>().join(", ");
    for column in ["p_a", "t_a", "code_a"] {
        let taken = taken.clone();
        cases.push(Case::new(format!("{column} not in ({list})"), "Boolean", move |row| {
            Some(Cell::Bool(match row.get(column) {
                Cell::Null => true,
                text => !taken.contains(&text_of(text).as_str()),
            }))
        }));
    }
    let within = |x: &Cell, least: &Cell, most: &Cell| {
        Some(Cell::Bool(order(x, least).is_ge() && order(x, most).is_le()))
    };
    let bounds = [Cell::Float(-1.5), Cell::Float(3.0)];
    cases.push(Case::of("f64_a between -1.5 and 3.0", "Boolean", ["f64_a"], move |[x]| {
        within(x, &bounds[0], &bounds[1])
    }));
    cases.push(Case::new("d_a not between d_b and d_c", "Boolean", |row| {
        let test = |bound: &Cell, test: fn(Ordering) -> bool| match (row.get("d_a"), bound) {
            (Cell::Null, _) | (_, Cell::Null) => None,
            (x, bound) => Some(test(order(x, bound))),
        };
        let all = [test(row.get("d_b"), Ordering::is_ge), test(row.get("d_c"), Ordering::is_le)];
        maybe(match all {
            [Some(false), _] | [_, Some(false)] => Some(true),
            [Some(_), Some(_)] => Some(false),
            _ => None,
        })
    }));
}

/// What a number is as another type; `None` where it does not fit.
fn as_number(cell: &Cell, to: &str) -> Option<Cell> {
    match data_type(to) {
        DataType::Float64 => Some(Cell::Float(to_float(cell))),
        DataType::Float32 => {
            let narrow: f32 = match cell {
                Cell::Float(value) => *value as f32,
                Cell::Int(value) => value.to_string().parse().expect("a float"),
                Cell::Decimal(value, scale) => decimal_text(*value, *scale).parse().expect("a float"),
                other => panic!("no number: {other:?}"),
            };
            // Too large is no number of the type, but infinity is.
            let fits = narrow.is_finite() || !to_float(cell).is_finite();
            fits.then_some(Cell::Float(narrow.into()))
        }
        DataType::Decimal128(precision, scale) => {
            let value = match cell {
                Cell::Int(value) => value.checked_mul(10_i128.pow(scale as u32))?,
                Cell::Decimal(value, from) if *from > scale => {
                    nearest(*value, 10_i128.pow((from - scale) as u32))
                }
                Cell::Decimal(value, from) => value.checked_mul(10_i128.pow((scale - from) as u32))?,
                other => panic!("no exact number: {other:?}"),
            };
            (value.abs() < 10_i128.pow(precision.into())).then_some(Cell::Decimal(value, scale))
        }
        _ => {
            let whole = match cell {
                Cell::Int(value) => *value,
                Cell::Float(value) if value.fract() == 0.0 && value.abs() < 1e30 => *value as i128,
                Cell::Decimal(value, scale) if value % 10_i128.pow(*scale as u32) == 0 => {
                    value / 10_i128.pow(*scale as u32)
                }
                _ => return None,
            };
            fit(whole, &name(to))
        }
    }
}

fn casts(cases: &mut Vec<Case>) {
    for from in all() {
        for to in all().filter(|to| *to != from && !(is_float(from) && DECIMALS.contains(to))) {
            let column = format!("{from}_a");
            cases.push(Case::of(
                format!("cast({column} as {})", name(to)),
                name(to),
                [&column],
                move |[x]| as_number(x, to),
            ));
            cases.push(Case::of(
                format!("try_cast({column} as {})", name(to)),
                name(to),
                [&column],
                move |[x]| Some(as_number(x, to).unwrap_or(Cell::Null)),
            ));
        }
    }
    for kind in INTEGERS {
        let column = format!("{kind}_a");
        cases.push(Case::of(format!("cast({column} as Utf8)"), "Utf8", [&column], |[x]| {
            Some(Cell::Text(int_of(x).to_string()))
        }));
        cases.push(Case::of(format!("cast(b_a as {})", name(kind)), name(kind), ["b_a"], |[x]| {
            Some(Cell::Int(i128::from(truth(x) == Some(true))))
        }));
    }
    for kind in DECIMALS {
        let column = format!("{kind}_a");
        cases.push(Case::of(format!("cast({column} as Utf8)"), "Utf8", [&column], |[x]| match x {
            Cell::Decimal(value, scale) => Some(Cell::Text(decimal_text(*value, *scale))),
            other => panic!("{other:?}"),
        }));
    }
    // There and back again.
    for (kind, via) in [
        ("f64", "Utf8"),
        ("f32", "Utf8"),
        ("dec", "Utf8"),
        ("b", "Utf8"),
        ("d", "Utf8"),
        ("ts_us", "Utf8"),
        ("ts_ns", "Utf8"),
        ("berlin", "Utf8"),
        ("d", "Int32"),
        ("ts_s", "Int64"),
        ("dur", "Int64"),
    ] {
        let column = format!("{kind}_a");
        let text = format!("cast(cast({column} as {via}) as {})", name(kind));
        cases.push(Case::of(text, name(kind), [&column], |[x]| Some(x.clone())));
    }
    cases.push(Case::of("cast(d_a as Timestamp(us))", "Timestamp(us)", ["d_a"], |[x]| match x {
        Cell::Day(day) => Some(Cell::Time(i128::from(*day) * 86_400_000_000_000)),
        other => panic!("{other:?}"),
    }));
    cases.push(Case::of("cast(ts_us_a as Date32)", "Date32", ["ts_us_a"], |[x]| match x {
        Cell::Time(ns) => Some(Cell::Day(ns.div_euclid(86_400_000_000_000) as i64)),
        other => panic!("{other:?}"),
    }));
}
