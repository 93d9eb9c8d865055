//! Functions of text, character by character.

use crate::calendar::{DAY_NS, HOUR_NS, days, month_days};
use crate::case::{Case, Out, int_of, text_of};
use crate::cells::{Cell, Row};
use crate::numbers::{fit, name};
use crate::random::Random;

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn string(letters: &[char]) -> String {
    letters.iter().collect()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn pick<'a>(random: &mut Random, from: &[&'a str]) -> &'a str {
    from[random.below(from.len())]
}

fn text(value: impl Into<String>) -> Out {
    Some(Cell::Text(value.into()))
}

fn count(value: usize) -> Out {
    Some(Cell::Int(value as i128))
}

/// Where a part begins, one occurrence behind the other.
fn places(text: &[char], part: &[char]) -> Vec<usize> {
    let (mut at, mut found) = (0, Vec::new());
    while at + part.len() <= text.len() {
        if text[at..at + part.len()] == *part {
            found.push(at);
            at += part.len().max(1);
        } else {
            at += 1;
        }
    }
    found
}

pub(crate) fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    letters(&mut cases);
    ends(&mut cases, random);
    searches(&mut cases, random);
    patterns(&mut cases, random);
    pieces(&mut cases, random);
    widths(&mut cases, random);
    joined(&mut cases, random);
    values(&mut cases);
    cases
}

fn of_text(cases: &mut Vec<Case>, call: &str, to: &str, twin: impl Fn(&str) -> Out + Clone + 'static) {
    for column in ["t_a", "p_b", "code_c"] {
        let twin = twin.clone();
        let call = call.replace('$', column);
        cases.push(Case::of(call, to, [column], move |[x]| twin(&text_of(x))));
    }
}

fn letters(cases: &mut Vec<Case>) {
    of_text(cases, "upper($)", "Utf8", |t| text(t.chars().flat_map(char::to_uppercase).collect::<String>()));
    of_text(cases, "lower($)", "Utf8", |t| text(t.to_lowercase()));
    of_text(cases, "capitalize($)", "Utf8", |t| text(capitalized(&chars(t))));
    of_text(cases, "title($)", "Utf8", |t| {
        let letters = chars(t);
        let (mut out, mut at) = (String::new(), 0);
        while at < letters.len() {
            let is_letter = letters[at].is_alphabetic();
            let run = letters[at..].iter().take_while(|letter| letter.is_alphabetic() == is_letter).count();
            let run = &letters[at..at + run];
            out.push_str(&if is_letter { capitalized(run) } else { string(run) });
            at += run.len();
        }
        text(out)
    });
    of_text(cases, "reverse($)", "Utf8", |t| text(t.chars().rev().collect::<String>()));
    of_text(cases, "len_chars($)", "Int64", |t| count(chars(t).len()));
    of_text(cases, "len_bytes($)", "Int64", |t| count(t.chars().map(char::len_utf8).sum()));
}

/// The first letter as its first capital, and the rest small as it is in the whole: sigma has a form for the end.
fn capitalized(letters: &[char]) -> String {
    let Some(first) = letters.first() else { return String::new() };
    let small: Vec<char> = chars(&string(letters).to_lowercase());
    let capitals: Vec<char> = first.to_uppercase().collect();
    let mut out = vec![capitals[0]];
    out.extend(capitals[1..].iter().flat_map(|letter| letter.to_lowercase()));
    out.extend(&small[first.to_lowercase().count()..]);
    string(&out)
}

fn ends(cases: &mut Vec<Case>, random: &mut Random) {
    let set = pick(random, &["", " ", "ab", "aé ", ",b漢", "Σ"]);
    for (function, left, right) in [("strip", true, true), ("lstrip", true, false), ("rstrip", false, true)] {
        let without = move |t: &str, drop: &dyn Fn(char) -> bool| {
            let letters = chars(t);
            let from = if left { letters.iter().take_while(|l| drop(**l)).count() } else { 0 };
            let rest = &letters[from..];
            let kept = if right {
                rest.len() - rest.iter().rev().take_while(|l| drop(**l)).count()
            } else {
                rest.len()
            };
            text(string(&rest[..kept]))
        };
        of_text(cases, &format!("{function}($)"), "Utf8", move |t| without(t, &char::is_whitespace));
        of_text(cases, &format!("{function}($, {})", quoted(set)), "Utf8", move |t| {
            without(t, &|l| set.contains(l))
        });
        cases.push(Case::of(format!("{function}(t_a, t_b)"), "Utf8", ["t_a", "t_b"], move |[t, set]| {
            let set = text_of(set);
            without(&text_of(t), &|letter| set.contains(letter))
        }));
    }
    for (function, front) in [("strip_prefix", true), ("strip_suffix", false)] {
        cases.push(Case::of(format!("{function}(t_a, p_b)"), "Utf8", ["t_a", "p_b"], move |[t, part]| {
            let (t, part) = (chars(&text_of(t)), chars(&text_of(part)));
            let rest = t.len().saturating_sub(part.len());
            text(string(match front {
                true if t.len() >= part.len() && t[..part.len()] == part[..] => &t[part.len()..],
                false if t.len() >= part.len() && t[rest..] == part[..] => &t[..rest],
                _ => &t,
            }))
        }));
    }
}

fn searches(cases: &mut Vec<Case>, random: &mut Random) {
    let part = pick(random, &["", "a", "ab", " ", "é", "漢", "Σ", "aa", ", "]).to_owned();
    let new = pick(random, &["", "x", "漢漢", "aa"]).to_owned();
    let times = random.below(5) as i64 - 1;
    type Test = fn(&[char], &[char]) -> Out;
    let tests: [(&str, &str, Test); 5] = [
        ("contains", "Boolean", |t, p| Some(Cell::Bool(!places(t, p).is_empty()))),
        ("starts_with", "Boolean", |t, p| Some(Cell::Bool(t.len() >= p.len() && t[..p.len()] == *p))),
        ("ends_with", "Boolean", |t, p| Some(Cell::Bool(t.len() >= p.len() && t[t.len() - p.len()..] == *p))),
        ("find", "Int64", |t, p| Some(places(t, p).first().map_or(Cell::Null, |at| Cell::Int(*at as i128)))),
        ("count_matches", "Int64", |t, p| count(places(t, p).len())),
    ];
    for (function, to, test) in tests {
        let fixed = chars(&part);
        of_text(cases, &format!("{function}($, {})", quoted(&part)), to, move |t| test(&chars(t), &fixed));
        cases.push(Case::of(format!("{function}(t_a, p_b)"), to, ["t_a", "p_b"], move |[t, part]| {
            test(&chars(&text_of(t)), &chars(&text_of(part)))
        }));
    }
    let replaced = |t: &str, old: &str, new: &str, most: usize| {
        let letters = chars(t);
        let (mut out, mut behind) = (String::new(), 0);
        for at in places(&letters, &chars(old)).into_iter().take(most) {
            out.push_str(&string(&letters[behind..at]));
            out.push_str(new);
            behind = at + chars(old).len();
        }
        text(out + &string(&letters[behind..]))
    };
    let (old, by) = (part, new);
    let call = format!("replace($, {}, {}, {times})", quoted(&old), quoted(&by));
    of_text(cases, &call, "Utf8", move |t| {
        replaced(t, &old, &by, usize::try_from(times).unwrap_or(usize::MAX))
    });
    cases.push(Case::of("replace(t_a, p_b, p_c)", "Utf8", ["t_a", "p_b", "p_c"], move |[t, old, new]| {
        replaced(&text_of(t), &text_of(old), &text_of(new), usize::MAX)
    }));
}

/// Whether a pattern of SQL fits, by trying everything.
fn fits(text: &[char], pattern: &[char], same: fn(char, char) -> bool) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|at| fits(&text[at..], rest, same)),
        ['_', rest @ ..] => !text.is_empty() && fits(&text[1..], rest, same),
        ['\\', letter, rest @ ..] | [letter, rest @ ..] => {
            text.first().is_some_and(|first| same(*first, *letter)) && fits(&text[1..], rest, same)
        }
    }
}

fn patterns(cases: &mut Vec<Case>, random: &mut Random) {
    let pattern =
        pick(random, &["", "%", "a%", "%a", "%a%", "_b%", "%é_", r"\%%", "a_ %", "%Σ%", "%漢"]).to_owned();
    let letters = chars(&pattern);
    let exactly = |a: char, b: char| a == b;
    let small =
        |a: char, b: char| a.to_lowercase().eq(b.to_lowercase()) || a.to_uppercase().eq(b.to_uppercase());
    let of = letters.clone();
    of_text(cases, &format!("$ like {}", quoted(&pattern)), "Boolean", move |t| {
        Some(Cell::Bool(fits(&chars(t), &of, exactly)))
    });
    // Letters whose capitals and small letters are several are the business of the tables of Unicode.
    let of = letters;
    cases.push(Case::of(format!("p_a ilike {}", quoted(&pattern)), "Boolean", ["p_a"], move |[t]| {
        Some(Cell::Bool(fits(&chars(&text_of(t)), &of, small)))
    }));
    expressions(cases, random);
}

/// A run of letters of a kind: the pattern, and which letters are meant.
type Class = (&'static str, fn(char) -> bool);

fn expressions(cases: &mut Vec<Case>, random: &mut Random) {
    let classes: [Class; 4] = [
        ("[ab]+", |l| l == 'a' || l == 'b'),
        (r"\s+", char::is_whitespace),
        ("[é漢😀]+", |l| "é漢😀".contains(l)),
        (r"[^\p{L}]+", |l| !l.is_alphabetic()),
    ];
    let (pattern, of) = classes[random.below(classes.len())];
    // Runs as pairs of where they begin and end.
    let runs = move |t: &str| {
        let letters = chars(t);
        let (mut at, mut found) = (0, Vec::new());
        while at < letters.len() {
            let run = letters[at..].iter().take_while(|letter| of(**letter)).count();
            if run > 0 {
                found.push((at, at + run));
            }
            at += run.max(1);
        }
        (letters, found)
    };
    of_text(cases, &format!("regex_contains($, {})", quoted(pattern)), "Boolean", move |t| {
        Some(Cell::Bool(!runs(t).1.is_empty()))
    });
    of_text(cases, &format!("regex_find($, {})", quoted(pattern)), "Int64", move |t| {
        Some(runs(t).1.first().map_or(Cell::Null, |(begin, _)| Cell::Int(*begin as i128)))
    });
    of_text(cases, &format!("regex_count($, {})", quoted(pattern)), "Int64", move |t| count(runs(t).1.len()));
    of_text(cases, &format!("regex_extract($, {})", quoted(pattern)), "Utf8", move |t| {
        let (letters, found) = runs(t);
        Some(found.first().map_or(Cell::Null, |(begin, end)| Cell::Text(string(&letters[*begin..*end]))))
    });
    // The letter behind the run, and null where the run ends the text.
    let grouped = format!("(?<run>{pattern})(?s:(.))?");
    of_text(cases, &format!("regex_extract($, {}, 2)", quoted(&grouped)), "Utf8", move |t| {
        let (letters, found) = runs(t);
        let behind = found.first().and_then(|(_, end)| letters.get(*end));
        Some(behind.map_or(Cell::Null, |letter| Cell::Text(letter.to_string())))
    });
    of_text(cases, &format!("regex_extract($, {}, 'run')", quoted(&grouped)), "Utf8", move |t| {
        let (letters, found) = runs(t);
        Some(found.first().map_or(Cell::Null, |(begin, end)| Cell::Text(string(&letters[*begin..*end]))))
    });
    let times = random.below(4) as i64 - 1;
    let call = format!("regex_replace($, {}, '<$0>$$', {times})", quoted(&format!("({pattern})")));
    // The name of the column stands for the dollar of the call alone.
    for column in ["t_a", "code_c"] {
        let call = call.replacen('$', column, 1);
        cases.push(Case::of(call, "Utf8", [column], move |[t]| {
            let (letters, found) = runs(&text_of(t));
            let (mut out, mut behind) = (String::new(), 0);
            for (begin, end) in found.into_iter().take(usize::try_from(times).unwrap_or(usize::MAX)) {
                out.push_str(&string(&letters[behind..begin]));
                out.push_str(&format!("<{}>$", string(&letters[begin..end])));
                behind = end;
            }
            text(out + &string(&letters[behind..]))
        }));
    }
}

fn pieces(cases: &mut Vec<Case>, random: &mut Random) {
    let sliced = |t: &str, start: i128, length: i128| {
        let letters = chars(t);
        let start = if start < 0 { start + letters.len() as i128 } else { start };
        let within = |at: usize| (start..start + length).contains(&(at as i128));
        text(
            letters
                .iter()
                .enumerate()
                .filter(|(at, _)| within(*at))
                .map(|(_, letter)| letter)
                .collect::<String>(),
        )
    };
    let (start, length) = (random.below(20) as i128 - 10, random.below(14) as i128 - 1);
    of_text(cases, &format!("slice($, {start}, {length})"), "Utf8", move |t| sliced(t, start, length));
    of_text(cases, &format!("slice($, {start})"), "Utf8", move |t| sliced(t, start, 1 << 40));
    cases.push(Case::of("slice(t_a, n_b, n_c)", "Utf8", ["t_a", "n_b", "n_c"], move |[t, start, length]| {
        sliced(&text_of(t), int_of(start), int_of(length))
    }));
    let separator = pick(random, &[" ", ",", "a", "é", ", ", "Σ", "aa"]).to_owned();
    let cut = |t: &str, separator: &str, most: usize| {
        let (letters, wide) = (chars(t), chars(separator).len());
        let (mut parts, mut behind) = (Vec::new(), 0);
        for at in places(&letters, &chars(separator)).into_iter().take(most) {
            parts.push(string(&letters[behind..at]));
            behind = at + wide;
        }
        parts.push(string(&letters[behind..]));
        parts
    };
    let list = |parts: Vec<String>| Some(Cell::List(parts.into_iter().map(Cell::Text).collect()));
    let by = separator.clone();
    of_text(cases, &format!("split($, {})", quoted(&separator)), "", move |t| list(cut(t, &by, usize::MAX)));
    let (by, times) = (separator.clone(), random.below(4) as i64 - 1);
    of_text(cases, &format!("split($, {}, {times})", quoted(&separator)), "", move |t| {
        list(cut(t, &by, usize::try_from(times).unwrap_or(usize::MAX)))
    });
    of_text(cases, "split($)", "", move |t| {
        let words = chars(t)
            .split(|letter| letter.is_whitespace())
            .map(string)
            .filter(|word| !word.is_empty())
            .collect();
        list(words)
    });
    if chars(&separator).len() == 1 {
        let (call, by) = (format!("split_nth(t_a, {}, n_b)", quoted(&separator)), separator);
        cases.push(Case::of(call, "Utf8", ["t_a", "n_b"], move |[t, nth]| {
            let parts = cut(&text_of(t), &by, usize::MAX);
            let nth = if int_of(nth) < 0 { int_of(nth) + parts.len() as i128 } else { int_of(nth) };
            Some(
                usize::try_from(nth)
                    .ok()
                    .and_then(|nth| parts.get(nth))
                    .map_or(Cell::Null, |p| Cell::Text(p.clone())),
            )
        }));
    }
}

fn widths(cases: &mut Vec<Case>, random: &mut Random) {
    let fill = pick(random, &[" ", "x", "漢", "😀"]);
    let width = random.below(30) as i128 - 2;
    type Sides = fn(usize, usize) -> usize;
    // How many of the missing go to the left, of the missing ones and the width.
    let functions: [(&str, Sides); 3] = [
        ("ljust", |_, _| 0),
        ("rjust", |missing, _| missing),
        // As `str.center` of CPython.
        ("center", |missing, width| missing / 2 + (missing & width & 1)),
    ];
    let padded = |t: &str, width: i128, fill: &str, sides: Sides| {
        let missing = usize::try_from(width - chars(t).len() as i128).unwrap_or(0);
        let left = sides(missing, usize::try_from(width).unwrap_or(0));
        text(format!("{}{t}{}", fill.repeat(left), fill.repeat(missing - left)))
    };
    for (function, sides) in functions {
        let call = format!("{function}($, {width}, {})", quoted(fill));
        of_text(cases, &call, "Utf8", move |t| padded(t, width, fill, sides));
        cases.push(Case::of(format!("{function}(t_a, n_b)"), "Utf8", ["t_a", "n_b"], move |[t, width]| {
            padded(&text_of(t), int_of(width), " ", sides)
        }));
    }
    let zeros = |t: &str, width: i128| {
        let letters = chars(t);
        let missing = usize::try_from(width - letters.len() as i128).unwrap_or(0);
        let sign = letters.first().is_some_and(|first| *first == '-' || *first == '+');
        let (sign, rest) = letters.split_at(usize::from(sign));
        text(format!("{}{}{}", string(sign), "0".repeat(missing), string(rest)))
    };
    of_text(cases, &format!("zfill($, {width})"), "Utf8", move |t| zeros(t, width));
    cases.push(Case::of("zfill(num_a, n_b)", "Utf8", ["num_a", "n_b"], move |[t, width]| {
        zeros(&text_of(t), int_of(width))
    }));
}

fn joined(cases: &mut Vec<Case>, random: &mut Random) {
    let between = pick(random, &["", "-", "漢 "]);
    let all = |row: Row<'_>| ["t_a", "p_b", "code_c"].map(|column| row.get(column).clone());
    cases.push(Case::of(
        format!("concat(t_a, {}, p_b)", quoted(between)),
        "Utf8",
        ["t_a", "p_b"],
        move |[a, b]| text(format!("{}{between}{}", text_of(a), text_of(b))),
    ));
    cases.push(Case::new(format!("concat_ws({}, t_a, p_b, code_c)", quoted(between)), "Utf8", move |row| {
        let there: Vec<String> = all(row).iter().filter(|cell| !cell.is_null()).map(text_of).collect();
        text(there.join(between))
    }));
    cases.push(Case::new("concat_ws(p_a, t_a, p_b, code_c)", "Utf8", move |row| match row.get("p_a") {
        Cell::Null => Some(Cell::Null),
        between => {
            let there: Vec<String> = all(row).iter().filter(|cell| !cell.is_null()).map(text_of).collect();
            text(there.join(&text_of(between)))
        }
    }));
    cases.push(Case::of("repeat(t_a, n_b)", "Utf8", ["t_a", "n_b"], |[t, times]| {
        text(text_of(t).repeat(usize::try_from(int_of(times)).unwrap_or(0)))
    }));
}

fn trimmed(text: &str) -> String {
    let letters = chars(text);
    let blank = |letter: &&char| **letter == ' ' || **letter == '\t';
    let rest = &letters[letters.iter().take_while(blank).count()..];
    string(&rest[..rest.len() - rest.iter().rev().take_while(blank).count()])
}

/// Digits with a sign, as a whole number.
fn whole(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let fine = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_digit());
    let size =
        digits.chars().fold(0, |value: i128, digit| value * 10 + i128::from(digit.to_digit(10).unwrap_or(0)));
    fine.then_some(if text.starts_with('-') { -size } else { size })
}

fn values(cases: &mut Vec<Case>) {
    let mut both =
        |function: &str, arguments: &str, to: &str, column: &'static str, read: fn(&str) -> Option<Cell>| {
            cases.push(Case::of(format!("{function}({column}{arguments})"), to, [column], move |[t]| {
                read(&text_of(t))
            }));
            cases.push(Case::of(format!("try_{function}({column}{arguments})"), to, [column], move |[t]| {
                Some(read(&text_of(t)).unwrap_or(Cell::Null))
            }));
        };
    let float = |t: &str| trimmed(t).parse::<f64>().ok().map(Cell::Float);
    both("to_numeric", "", "Float64", "num_a", float);
    both("to_numeric", ", 'Int64'", "Int64", "num_a", |t| fit(whole(&trimmed(t))?, "Int64"));
    both("to_numeric", ", 'UInt8'", "UInt8", "num_b", |t| {
        // A sign is none of an unsigned number, but for a plus.
        if trimmed(t).starts_with('-') { None } else { fit(whole(&trimmed(t))?, "UInt8") }
    });
    both("to_date", "", "Date32", "dt_a", |t| date(&trimmed(t), ['-', '-'], false).map(Cell::Day));
    both("to_date", ", '%d.%m.%Y'", "Date32", "dt_a", |t| date(&trimmed(t), ['.', '.'], true).map(Cell::Day));
    both("to_datetime", "", "Timestamp(us)", "tm_a", |t| time(&trimmed(t), 1_000).map(Cell::Time));
    let formatted = |t: &str| {
        let t = trimmed(t);
        // Exactly this form: no fraction and no T.
        let plain = t.len() == 19 && t.as_bytes()[10] == b' ';
        if plain { time(&t, 1_000).map(Cell::Time) } else { None }
    };
    both("to_datetime", ", '%Y-%m-%d %H:%M:%S'", "Timestamp(us)", "tm_a", formatted);
    both("to_datetime", ", null, '+05:30'", "Timestamp(us, +05:30)", "tm_a", |t| {
        time(&trimmed(t), 1_000).map(|local| Cell::Time(local - 5 * HOUR_NS - HOUR_NS / 2))
    });
    for kind in ["i16", "u32", "f32"] {
        let to = name(kind);
        cases.push(Case::of(format!("try_cast(num_a as {to})"), to.clone(), ["num_a"], move |[t]| {
            let t = text_of(t);
            Some(match to.as_str() {
                "Float32" => t.parse::<f32>().map_or(Cell::Null, |value| Cell::Float(value.into())),
                to if to.starts_with('U') && t.starts_with('-') => Cell::Null,
                to => whole(&t).and_then(|value| fit(value, to)).unwrap_or(Cell::Null),
            })
        }));
    }
}

/// A day of three numbers with these marks between them; the year is last, or first.
fn date(text: &str, marks: [char; 2], turned: bool) -> Option<i64> {
    let parts: Vec<&str> = text.split(marks[0]).collect();
    let [first, month, last] = parts[..] else { return None };
    let (year, day) = if turned { (last, first) } else { (first, last) };
    if (year.len(), month.len(), day.len()) != (4, 2, 2) {
        return None;
    }
    let number = |text: &str| text.chars().all(|d| d.is_ascii_digit()).then(|| whole(text)).flatten();
    let (year, month, day) = (number(year)?, number(month)?, number(day)?);
    let there = (1..=12).contains(&month) && (1..=month_days(year, month)).contains(&day);
    there.then(|| days(year, month, day) as i64)
}

/// A day, then `T` or a blank and hours, minutes, and seconds with a fraction, of which no digit may be below the tick.
fn time(text: &str, tick: i128) -> Option<i128> {
    let letters = chars(text);
    let day = i128::from(date(&string(letters.get(..10)?), ['-', '-'], false)?) * DAY_NS;
    let Some(rest) = letters.get(11..) else { return (letters.len() == 10).then_some(day) };
    (letters[10] == 'T' || letters[10] == ' ').then_some(())?;
    let rest = string(rest);
    let (clock, fraction) = rest.split_once('.').unwrap_or((&rest, "0"));
    let parts: Vec<&str> = clock.split(':').collect();
    let number = |at: usize, most: i128| match parts.get(at) {
        Some(text) if text.len() == 2 => whole(text).filter(|value| (0..=most).contains(value)),
        Some(_) => None,
        None => Some(0),
    };
    let (hour, minute, second) = (number(0, 23)?, number(1, 59)?, number(2, 59)?);
    (parts.len() >= 2 && parts.len() <= 3).then_some(())?;
    let fraction = whole(&format!("{fraction:0<9}"))?;
    (fraction % tick == 0).then_some(day + (hour * 3_600 + minute * 60 + second) * 1_000_000_000 + fraction)
}
