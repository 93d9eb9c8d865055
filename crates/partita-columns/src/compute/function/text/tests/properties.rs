//! Random texts, of one byte a character and of more, empty and long ones, nulls among them.

use proptest::prelude::*;

use super::*;

type Rows = Vec<Option<String>>;

fn rows() -> impl Strategy<Value = Rows> {
    let text = prop_oneof![
        3 => "[ab ,]{0,6}",
        3 => "[aéß漢😀 ,]{0,6}",
        2 => "[ab,]{10,40}",
        2 => "[aéß漢😀,]{10,30}",
        1 => any::<String>(),
        1 => "[a-c]{300,600}",
    ];
    prop::collection::vec(proptest::option::weighted(0.9, text), 1..40)
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof!["[aéb漢,]{0,2}", "[ab]{1,3}", "[ab,é]{12,14}"]
}

fn input(rows: &Rows) -> Value {
    array(rows.iter().map(Option::as_deref).collect::<StringViewArray>())
}

fn chars(text: &str) -> Vec<char> {
    text.chars().collect()
}

/// Where `part` begins in `text`, one occurrence behind the other, character by character.
fn places(text: &str, part: &str) -> Vec<usize> {
    let (text, part) = (chars(text), chars(part));
    let (mut at, mut found) = (0, Vec::new());
    while at + part.len() <= text.len() {
        if text[at..at + part.len()] == part[..] {
            found.push(at);
            at += part.len().max(1);
        } else {
            at += 1;
        }
    }
    found
}

fn replaced(text: &str, part: &str, new: &str, count: i64) -> String {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let letters = chars(text);
    let (mut out, mut behind) = (String::new(), 0);
    for at in places(text, part).into_iter().take(count) {
        out.extend(&letters[behind..at]);
        out.push_str(new);
        behind = at + part.chars().count();
    }
    out.extend(&letters[behind..]);
    out
}

/// Whether a pattern of SQL fits, by trying everything.
fn fits(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|at| fits(&text[at..], rest)),
        ['_', rest @ ..] => !text.is_empty() && fits(&text[1..], rest),
        ['\\', letter, rest @ ..] | [letter, rest @ ..] => {
            text.first() == Some(letter) && fits(&text[1..], rest)
        }
    }
}

fn each<T>(rows: &Rows, f: impl Fn(&str) -> T) -> Vec<Option<T>> {
    rows.iter().map(|text| text.as_deref().map(&f)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn lengths_and_cases(rows in rows()) {
        let of = [input(&rows)];
        prop_assert_eq!(numbers(&LEN_CHARS, &of), each(&rows, |text| text.chars().count() as i64));
        prop_assert_eq!(numbers(&LEN_BYTES, &of), each(&rows, |text| text.len() as i64));
        prop_assert_eq!(shown(&REVERSE, &of), each(&rows, |text| text.chars().rev().collect::<String>()));
        prop_assert_eq!(shown(&UPPER, &of), each(&rows, str::to_uppercase));
        prop_assert_eq!(shown(&LOWER, &of), each(&rows, str::to_lowercase));
    }

    #[test]
    fn parts_are_found(rows in rows(), part in part()) {
        let of = [input(&rows), lit(part.as_str())];
        prop_assert_eq!(truths(&CONTAINS, &of), each(&rows, |text| !places(text, &part).is_empty()));
        let counts = each(&rows, |text| places(text, &part).len() as i64);
        prop_assert_eq!(numbers(&COUNT_MATCHES, &of), counts);
        let firsts: Vec<Option<i64>> = rows
            .iter()
            .map(|text| Some(*places(text.as_deref()?, &part).first()? as i64))
            .collect();
        prop_assert_eq!(&numbers(&FIND, &of), &firsts);
        let begins = each(&rows, |text| places(text, &part).first() == Some(&0));
        prop_assert_eq!(truths(&STARTS_WITH, &of), begins);
        let turned = |text: &str| text.chars().rev().collect::<String>();
        let ends = each(&rows, |text| places(&turned(text), &turned(&part)).first() == Some(&0));
        prop_assert_eq!(truths(&ENDS_WITH, &of), ends);
        // The same from a column of parts, and as a regular expression.
        let column_of = [input(&rows), array(StringViewArray::from_iter_values(vec![&part; rows.len()]))];
        for spec in [&CONTAINS, &STARTS_WITH, &ENDS_WITH] {
            prop_assert_eq!(truths(spec, &of), truths(spec, &column_of));
        }
        prop_assert_eq!(&numbers(&FIND, &column_of), &firsts);
        prop_assert_eq!(numbers(&COUNT_MATCHES, &of), numbers(&COUNT_MATCHES, &column_of));
        let escaped = [input(&rows), lit(::regex::escape(&part))];
        prop_assert_eq!(numbers(&REGEX_FIND, &escaped), firsts);
        prop_assert_eq!(numbers(&REGEX_COUNT, &escaped), numbers(&COUNT_MATCHES, &of));
    }

    #[test]
    fn parts_are_replaced(rows in rows(), part in part(), new in "[x漢]{0,3}", count in -1_i64..4) {
        let of = [input(&rows), lit(part.as_str()), lit(new.as_str()), lit(count)];
        let expected = each(&rows, |text| replaced(text, &part, &new, count));
        prop_assert_eq!(&shown(&REPLACE, &of), &expected);
        let of = [input(&rows), lit(::regex::escape(&part)), lit(new.as_str()), lit(count)];
        prop_assert_eq!(shown(&REGEX_REPLACE, &of), expected);
    }

    #[test]
    fn patterns_fit(rows in rows(), pattern in r"([abé漢%_]|\\[a%_]){0,5}") {
        let letters = chars(&pattern);
        let short: Rows = rows.into_iter().map(|text| text.filter(|text| text.len() < 100)).collect();
        let expected = each(&short, |text| fits(&chars(text), &letters));
        prop_assert_eq!(truths(&LIKE, &[input(&short), lit(pattern.as_str())]), expected);
        let lower = |text: &str| text.to_lowercase();
        let ascii: Rows = short.into_iter().map(|text| text.filter(|text| text.is_ascii())).collect();
        let expected = each(&ascii, |text| fits(&chars(&lower(text)), &chars(&lower(&pattern))));
        prop_assert_eq!(truths(&ILIKE, &[input(&ascii), lit(pattern.as_str())]), expected);
    }

    #[test]
    fn slices_are_of_characters(rows in rows(), start in -50_i64..50, length in -1_i64..50) {
        let sliced = |text: &str| {
            let letters = chars(text);
            let begin = if start < 0 { start + letters.len() as i64 } else { start };
            let wanted = |at: &(usize, &char)| (begin..begin + length).contains(&(at.0 as i64));
            letters.iter().enumerate().filter(wanted).map(|(_, letter)| letter).collect::<String>()
        };
        let of = [input(&rows), lit(start), lit(length)];
        prop_assert_eq!(shown(&SLICE, &of), each(&rows, sliced));
        let starts = array(Int64Array::from(vec![start; rows.len()]));
        prop_assert_eq!(shown(&SLICE, &[input(&rows), starts, lit(length)]), each(&rows, sliced));
    }

    #[test]
    fn ends_are_stripped(rows in rows(), set in "[a bé漢]{0,3}") {
        let stripped = |text: &str, left: bool, right: bool| {
            let mut letters = chars(text);
            while right && letters.last().is_some_and(|last| set.contains(*last)) {
                letters.pop();
            }
            while left && letters.first().is_some_and(|first| set.contains(*first)) {
                letters.remove(0);
            }
            letters.into_iter().collect::<String>()
        };
        let of = [input(&rows), lit(set.as_str())];
        prop_assert_eq!(shown(&STRIP, &of), each(&rows, |text| stripped(text, true, true)));
        prop_assert_eq!(shown(&LSTRIP, &of), each(&rows, |text| stripped(text, true, false)));
        prop_assert_eq!(shown(&RSTRIP, &of), each(&rows, |text| stripped(text, false, true)));
        let sets = array(StringViewArray::from_iter_values(vec![&set; rows.len()]));
        prop_assert_eq!(shown(&STRIP, &[input(&rows), sets]), shown(&STRIP, &of));
    }

    #[test]
    fn splits_join_again(rows in rows(), separator in "[,aé]{1,2}", count in -1_i64..3, nth in -4_i64..4) {
        let parts = lists(&column(&SPLIT, &[input(&rows), lit(separator.as_str()), lit(count)]));
        let all = lists(&column(&SPLIT, &[input(&rows), lit(separator.as_str())]));
        let one = shown(&SPLIT_NTH, &[input(&rows), lit(separator.as_str()), lit(nth)]);
        for (row, text) in rows.iter().enumerate() {
            let Some(text) = text else {
                prop_assert!(parts[row].is_none() && one[row].is_none());
                continue;
            };
            let found: Vec<String> = parts[row].clone().unwrap().into_iter().flatten().collect();
            prop_assert_eq!(&found.join(&separator), text);
            let cuts = places(text, &separator).len();
            prop_assert_eq!(found.len(), usize::try_from(count).unwrap_or(usize::MAX).min(cuts) + 1);
            let found: Vec<String> = all[row].clone().unwrap().into_iter().flatten().collect();
            let at = if nth < 0 { nth + found.len() as i64 } else { nth };
            let wanted = usize::try_from(at).ok().and_then(|at| found.get(at).cloned());
            // Overlapping separators may be cut elsewhere from the right.
            if nth >= 0 || separator.chars().count() == 1 {
                prop_assert_eq!(&one[row], &wanted);
            }
        }
        let words = lists(&column(&SPLIT, &[input(&rows)]));
        let expected = each(&rows, |text| text.split_whitespace().map(|word| Some(word.to_owned())).collect());
        prop_assert_eq!(words, expected);
    }

    #[test]
    fn padded_texts_are_as_wide_as_asked(rows in rows(), width in -1_i64..50, fill in "[x漢]") {
        let wide = |text: &str| (width - text.chars().count() as i64).max(0) as usize;
        let of = [input(&rows), lit(width), lit(fill.as_str())];
        prop_assert_eq!(shown(&LJUST, &of), each(&rows, |text| format!("{text}{}", fill.repeat(wide(text)))));
        prop_assert_eq!(shown(&RJUST, &of), each(&rows, |text| format!("{}{text}", fill.repeat(wide(text)))));
        for (centered, text) in shown(&CENTER, &of).into_iter().zip(&rows) {
            let (Some(centered), Some(text)) = (centered, text) else { continue };
            let missing = wide(text);
            let sides = [missing / 2, missing.div_ceil(2)];
            let fits = |&left: &usize| {
                centered == [fill.repeat(left), text.clone(), fill.repeat(missing - left)].concat()
            };
            prop_assert!(sides.iter().any(fits), "{} of {}", centered, text);
        }
    }
}
