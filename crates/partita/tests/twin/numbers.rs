//! Functions of numbers.

use partita_columns::dtype;

use crate::case::{Case, int_of};
use crate::cells::{Cell, data_type};
use crate::random::Random;

pub(crate) const INTEGERS: [&str; 8] = ["i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"];
pub(crate) const DECIMALS: [&str; 4] = ["dec", "cents", "wide", "huge"];

pub(crate) fn all() -> impl Iterator<Item = &'static str> {
    INTEGERS.into_iter().chain(["f32", "f64"]).chain(DECIMALS)
}

pub(crate) fn name(kind: &str) -> String {
    dtype::name(&data_type(kind))
}

/// The least and the greatest value of an integer type.
pub(crate) fn bounds(data_type: &str) -> (i128, i128) {
    let bits: u32 =
        data_type.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().expect("bits");
    match data_type.starts_with('I') {
        true => (-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
        false => (0, (1 << bits) - 1),
    }
}

/// The value where the type holds it.
pub(crate) fn fit(value: i128, data_type: &str) -> Option<Cell> {
    let (least, most) = bounds(data_type);
    (least..=most).contains(&value).then_some(Cell::Int(value))
}

/// As text, without an exponent.
pub(crate) fn decimal_text(value: i128, scale: i8) -> String {
    let digits = format!("{:0>1$}", value.unsigned_abs(), scale as usize + 1);
    let (whole, part) = digits.split_at(digits.len() - scale as usize);
    let sign = if value < 0 { "-" } else { "" };
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
}

/// The nearest float, by the digits.
pub(crate) fn to_float(cell: &Cell) -> f64 {
    match cell {
        Cell::Int(value) => value.to_string().parse().expect("a float"),
        Cell::Float(value) => *value,
        Cell::Decimal(value, scale) => decimal_text(*value, *scale).parse().expect("a float"),
        other => panic!("no number: {other:?}"),
    }
}

fn precision_and_scale(kind: &str) -> (i128, i128) {
    match kind {
        "dec" => (20, 3),
        "cents" => (9, 2),
        "huge" => (38, 0),
        _ => (38, 10),
    }
}

/// `value` over `unit`, to the nearest, ties away from zero.
pub(crate) fn nearest(value: i128, unit: i128) -> i128 {
    let (whole, rest) = (value / unit, (value % unit).abs());
    if rest >= unit - rest { whole + value.signum() } else { whole }
}

pub(crate) fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in all() {
        let column = format!("{kind}_a");
        of_float(&mut cases, kind, &column);
        cases.push(Case::of(format!("is_nan({column})"), "Boolean", [&column], |[x]| {
            Some(Cell::Bool(x.is_nan()))
        }));
        match kind {
            "f32" | "f64" => floats(&mut cases, kind, &column, random),
            "dec" | "cents" | "wide" | "huge" => decimals(&mut cases, kind, &column, random),
            _ => integers(&mut cases, kind, &column, random),
        }
    }
    powers(&mut cases, random);
    cases.push(hash());
    cases
}

fn of_float(cases: &mut Vec<Case>, kind: &str, column: &str) {
    type Of = (&'static str, fn(f64) -> f64, fn(f32) -> f32);
    let functions: [Of; 3] =
        [("sqrt", f64::sqrt, f32::sqrt), ("exp", f64::exp, f32::exp), ("ln", f64::ln, f32::ln)];
    for (name, wide, narrow) in functions {
        let text = format!("{name}({column})");
        cases.push(match kind {
            "f32" => Case::of(text, "Float32", [column], move |[x]| {
                Some(Cell::Float(narrow(to_float(x) as f32).into()))
            }),
            _ => Case::of(text, "Float64", [column], move |[x]| Some(Cell::Float(wide(to_float(x))))),
        });
    }
}

fn powers(cases: &mut Vec<Case>, random: &mut Random) {
    let pow = |x: &Cell, y: &Cell| Some(Cell::Float(to_float(x).powf(to_float(y))));
    for (x, y) in [("f64", "f64"), ("i64", "n"), ("f32", "f64"), ("dec", "f64"), ("u8", "i8")] {
        let (x, y) = (format!("{x}_a"), format!("{y}_b"));
        cases.push(Case::of(format!("pow({x}, {y})"), "Float64", [&x, &y], move |[x, y]| pow(x, y)));
    }
    let narrow = |x: &Cell, y: f32| Some(Cell::Float((to_float(x) as f32).powf(y).into()));
    cases.push(Case::of("pow(f32_a, f32_b)", "Float32", ["f32_a", "f32_b"], move |[x, y]| {
        narrow(x, to_float(y) as f32)
    }));
    let power = random.below(9) as f64 / 2.0 - 2.0;
    cases.push(Case::of(format!("pow(f32_a, {power:?})"), "Float32", ["f32_a"], move |[x]| {
        narrow(x, power as f32)
    }));
}

fn floats(cases: &mut Vec<Case>, kind: &str, column: &str, random: &mut Random) {
    let float = |f: fn(f64) -> f64| move |[x]: [&Cell; 1]| Some(Cell::Float(f(to_float(x))));
    cases.push(Case::of(format!("abs({column})"), name(kind), [column], float(f64::abs)));
    cases.push(Case::of(format!("floor({column})"), name(kind), [column], float(f64::floor)));
    cases.push(Case::of(format!("ceil({column})"), name(kind), [column], float(f64::ceil)));
    cases.push(Case::of(format!("round({column})"), name(kind), [column], float(f64::round)));
    let digits = random.below(9) as i32 - 3;
    let narrow = kind == "f32";
    cases.push(Case::of(format!("round({column}, {digits})"), name(kind), [column], move |[x]| {
        let x = to_float(x);
        let power: f64 = format!("1e{}", digits.abs()).parse().expect("a power");
        let rounded = if digits < 0 { (x / power).round() * power } else { (x * power).round() / power };
        // What is whole stays as it is.
        let rounded =
            if !rounded.is_finite() || (digits >= 0 && x.abs() >= 2_f64.powi(52)) { x } else { rounded };
        Some(Cell::Float(if narrow { f64::from(rounded as f32) } else { rounded }))
    }));
}

fn integers(cases: &mut Vec<Case>, kind: &str, column: &str, random: &mut Random) {
    let of = name(kind);
    let to = of.clone();
    cases.push(Case::of(format!("abs({column})"), &of, [column], move |[x]| fit(int_of(x).abs(), &to)));
    for function in ["floor", "ceil", "round"] {
        cases.push(Case::of(format!("{function}({column})"), &of, [column], |[x]| Some(x.clone())));
    }
    let digits = random.below(25) as i32 - 22;
    let to = of.clone();
    cases.push(Case::of(format!("round({column}, {digits})"), &of, [column], move |[x]| match digits {
        0.. => Some(x.clone()),
        _ => {
            let unit = 10_i128.pow(digits.unsigned_abs());
            fit(nearest(int_of(x), unit) * unit, &to)
        }
    }));
}

fn decimals(cases: &mut Vec<Case>, kind: &str, column: &str, random: &mut Random) {
    let of = name(kind);
    let (precision, scale) = precision_and_scale(kind);
    let digits_of = |cell: &Cell| match cell {
        Cell::Decimal(value, _) => *value,
        other => panic!("no decimal: {other:?}"),
    };
    cases.push(Case::of(format!("abs({column})"), of, [column], move |[x]| {
        Some(Cell::Decimal(digits_of(x).abs(), scale as i8))
    }));
    let unit = 10_i128.pow(scale as u32);
    let digits = if scale > 0 { precision - scale + 1 } else { precision };
    let whole = format!("Decimal({digits}, 0)");
    cases.push(Case::of(format!("floor({column})"), &whole, [column], move |[x]| {
        Some(Cell::Decimal(digits_of(x).div_euclid(unit), 0))
    }));
    cases.push(Case::of(format!("ceil({column})"), whole, [column], move |[x]| {
        Some(Cell::Decimal(-(-digits_of(x)).div_euclid(unit), 0))
    }));
    let digits = random.below(9) as i128 - 3;
    let kept = digits.clamp(0, scale);
    // Rounding may carry into one digit more before the point.
    let wide = if kept < scale { precision - scale + 1 + kept } else { precision };
    let dropped = 10_i128.pow((scale - digits).max(0) as u32);
    let again = 10_i128.pow((-digits).max(0) as u32);
    let of = format!("Decimal({wide}, {kept})");
    cases.push(Case::of(format!("round({column}, {digits})"), of, [column], move |[x]| {
        let value = nearest(digits_of(x), dropped) * again;
        (value.abs() < 10_i128.pow(38)).then_some(Cell::Decimal(value, kept as i8))
    }));
}

/// XXH3 of 8 bytes with a seed, by its specification.
fn xxh3(value: u64, seed: u64) -> u64 {
    const SECRET: [u8; 16] =
        [0x7c, 0x01, 0x81, 0x2c, 0xf7, 0x21, 0xad, 0x1c, 0xde, 0xd4, 0x6d, 0xe9, 0x83, 0x90, 0x97, 0xdb];
    const PRIME: u64 = 0x9fb2_1c65_1e98_df25;
    let secret = |at: usize| u64::from_le_bytes(SECRET[at..at + 8].try_into().expect("8 bytes"));
    let seed = seed ^ u64::from((seed as u32).swap_bytes()) << 32;
    let flip = (secret(0) ^ secret(8)).wrapping_sub(seed);
    let mut hash = value.rotate_left(32) ^ flip;
    hash ^= hash.rotate_left(49) ^ hash.rotate_left(24);
    hash = hash.wrapping_mul(PRIME);
    hash ^= (hash >> 35).wrapping_add(8);
    hash = hash.wrapping_mul(PRIME);
    hash ^ hash >> 28
}

/// Of what is not missing: numbers by their 8 bytes, each with the hash before it as its seed.
fn hash() -> Case {
    let text = "hash(coalesce(i64_a, 7), coalesce(u8_a, 7), coalesce(f64_a, 0.5), coalesce(f32_a, 0.5), coalesce(ts_us_a, timestamp '1970-01-01'))";
    Case::new(text, "UInt64", |row| {
        let int = |column: &str| match row.get(column) {
            Cell::Int(value) => *value as u64,
            _ => 7,
        };
        let float = |column: &str| match row.get(column) {
            Cell::Float(value) if value.is_nan() => f64::NAN.to_bits(),
            Cell::Float(value) => (value + 0.0).to_bits(),
            _ => 0.5_f64.to_bits(),
        };
        let time = match row.get("ts_us_a") {
            Cell::Time(ns) => (ns / 1_000) as u64,
            _ => 0,
        };
        let words = [int("i64_a"), int("u8_a"), float("f64_a"), float("f32_a"), time];
        Some(Cell::Int(words.into_iter().fold(0, |seed, word| xxh3(word, seed)).into()))
    })
}
