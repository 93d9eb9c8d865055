use arrow::datatypes::TimeUnit;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use proptest::prelude::*;

use super::float::{parse_f32, parse_f64};
use super::int::digits8;
use super::*;

/// What the grammar of integers says, over 128 bits.
fn slow_integer(text: &str) -> Option<i128> {
    let text = text.trim_matches([' ', '\t']);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn number_like() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        any::<i16>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| value.to_string()),
        any::<f64>().prop_map(|value| format!("{value:e}")),
        any::<f32>().prop_map(|value| value.to_string()),
        (any::<i32>(), 0_u32..6).prop_map(|(value, places)| format!(
            "{:.*}",
            places as usize,
            f64::from(value) / 1e3
        )),
        "[ \t]{0,2}[+-]?[0-9]{1,24}[ ]{0,1}",
        "[+-]?[0-9]{0,22}\\.?[0-9]{0,22}",
        "[+-]?[0-9]{0,6}\\.?[0-9]{0,6}[eE][+-]?[0-9]{0,4}",
        "[0-9.,eE+ x-]{0,10}",
    ]
}

const MARKS: [(u8, Option<u8>); 8] = [
    (b'.', None),
    (b',', None),
    (b',', Some(b'.')),
    (b'.', Some(b',')),
    (b',', Some(b' ')),
    (b'.', Some(b'\'')),
    (b',', Some(b'_')),
    (b'.', Some(b' ')),
];

fn spelled(text: &str, (decimal, thousands): (u8, Option<u8>)) -> Option<String> {
    let mut scratch = Vec::new();
    let plain = Numbers { decimal, thousands }.plain(text.as_bytes(), &mut scratch)?;
    Some(String::from_utf8(plain.to_vec()).expect("what went in"))
}

/// What the rule says, in another way: cut at the mark before the fraction, and at those of thousands.
fn slow_number(text: &str, (decimal, thousands): (u8, Option<u8>)) -> Option<f64> {
    let text = text.trim_matches([' ', '\t']);
    let (whole, fraction) = match text.split_once(char::from(decimal)) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let (sign, whole) = whole.split_at(usize::from(whole.starts_with(['+', '-'])));
    let mut joined = whole.to_owned();
    if let Some(mark) = thousands.map(char::from)
        && whole.contains(mark)
    {
        // An exponent may stand behind the last group, where there is no fraction.
        let digits = whole.find(|c: char| !c.is_ascii_digit() && c != mark).unwrap_or(whole.len());
        let (whole, behind) = whole.split_at(digits);
        let groups: Vec<&str> = whole.split(mark).collect();
        let (first, others) = groups.split_first()?;
        if behind.contains(mark)
            || !(1..=3).contains(&first.len())
            || first.starts_with('0')
            || others.iter().any(|group| group.len() != 3)
        {
            return None;
        }
        joined = groups.concat() + behind;
    }
    if joined.contains('.') || fraction.is_some_and(|fraction| fraction.contains(['.', ',', ' ', '\'', '_']))
    {
        return None;
    }
    let text = fraction.map_or(format!("{sign}{joined}"), |fraction| format!("{sign}{joined}.{fraction}"));
    text.parse().ok()
}

#[test]
fn marks_stand_where_they_may() {
    let german = (b',', Some(b'.'));
    for (text, plain) in [
        ("1,5", "1.5"),
        ("-1.234,5e3", "-1234.5e3"),
        ("12.345.678", "12345678"),
        ("1234,5", "1234.5"),
        (" +999.000 ", "+999000"),
        (",5", ".5"),
        ("5,", "5."),
        ("1.000e3", "1000e3"),
        ("nan", "nan"),
    ] {
        assert_eq!(spelled(text, german).as_deref(), Some(plain), "{text}");
    }
    for text in [
        "1.5",
        "1.2345",
        "1234.567",
        "0.001",
        "1.234.5",
        ".123",
        "1..234",
        "1,5,5",
        "1,234.567",
        "1,5e1.0",
        "1.23a",
    ] {
        assert_eq!(spelled(text, german), None, "{text}");
    }
    assert_eq!(spelled("1 234 567,25", (b',', Some(b' '))).as_deref(), Some("1234567.25"));
    assert_eq!(spelled("1'234.5", (b'.', Some(b'\''))).as_deref(), Some("1234.5"));
    assert_eq!(spelled("1.5", (b',', None)), None);
    assert_eq!(spelled("1.5", (b'.', Some(b','))).as_deref(), Some("1.5"));
}

proptest! {
    #[test]
    fn numbers_with_marks_are_those_without(value: i64, fraction in "[0-9]{0,9}", marks in prop::sample::select(&MARKS[..])) {
        let digits = value.unsigned_abs().to_string();
        let mut text = if value < 0 { "-".to_owned() } else { String::new() };
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at) % 3 == 0 {
                text.extend(marks.1.map(char::from));
            }
            text.push(digit);
        }
        let mut scratch = Vec::new();
        let numbers = Numbers { decimal: marks.0, thousands: marks.1 };
        prop_assert_eq!(parse_i64(numbers.plain(text.as_bytes(), &mut scratch).expect("groups")), Some(value));
        text.push(char::from(marks.0));
        text.push_str(&fraction);
        let plain = numbers.plain(text.as_bytes(), &mut scratch).expect("groups");
        let expected: f64 = format!("{value}.{fraction}").parse().expect("a number");
        let expected = if value == 0 && text.starts_with('-') { -expected } else { expected };
        prop_assert_eq!(parse_f64(plain).map(f64::to_bits), Some(expected.to_bits()));
    }

    #[test]
    fn marks_mean_what_the_rule_says(
        text in "[+-]?[0-9]{0,3}[.,' _]?([0-9]{1,3}[.,' _]?){0,4}(e[0-9.,]{0,3})?",
        marks in prop::sample::select(&MARKS[..]),
    ) {
        let mut scratch = Vec::new();
        let plain = Numbers { decimal: marks.0, thousands: marks.1 }.plain(text.as_bytes(), &mut scratch);
        prop_assert_eq!(plain.and_then(parse_f64).map(f64::to_bits), slow_number(&text, marks).map(f64::to_bits));
    }

    #[test]
    fn integers_are_those_of_128_bits(text in number_like()) {
        let slow = slow_integer(&text);
        prop_assert_eq!(parse_i64(text.as_bytes()), slow.and_then(|value| i64::try_from(value).ok()));
        prop_assert_eq!(parse_u64(text.as_bytes()), slow.and_then(|value| u64::try_from(value).ok()));
    }

    #[test]
    fn floats_are_bit_equal_to_the_standard_ones(text in number_like()) {
        let trimmed = text.trim_matches([' ', '\t']);
        let bits = parse_f64(text.as_bytes()).map(f64::to_bits);
        prop_assert_eq!(bits, trimmed.parse::<f64>().ok().map(f64::to_bits));
        let bits = parse_f32(text.as_bytes()).map(f32::to_bits);
        prop_assert_eq!(bits, trimmed.parse::<f32>().ok().map(f32::to_bits));
    }

    #[test]
    fn eight_digits_are_a_number(value in 0_u32..100_000_000, garbage: [u8; 8]) {
        let text = value.to_string();
        let mut bytes = garbage;
        bytes[8 - text.len()..].copy_from_slice(text.as_bytes());
        prop_assert_eq!(digits8(u64::from_le_bytes(bytes), text.len() as u32), Some(u64::from(value)));
        let at = 8 - text.len() + value as usize % text.len();
        bytes[at] = garbage[0];
        let still = garbage[0].is_ascii_digit();
        prop_assert_eq!(digits8(u64::from_le_bytes(bytes), text.len() as u32).is_some(), still);
    }

    #[test]
    fn dates_are_those_of_chrono(year in 0_i32..10_000, month in 0_u32..14, day in 0_u32..33) {
        let text = format!("{year:04}-{month:02}-{day:02}");
        let slow = NaiveDate::from_ymd_opt(year, month, day).filter(|_| year > 0);
        prop_assert_eq!(parse_date(text.as_bytes()), slow.map(|date| date.num_days_from_ce() - 719_163));
    }

    #[test]
    fn stamps_are_those_of_chrono(
        seconds in -62_135_596_800_i64..253_402_300_800,
        nanoseconds in 0_u32..1_000_000_000,
        digits in 0_usize..10,
        offset_minutes in -1439_i32..1440,
        shape in 0..5,
    ) {
        let local = DateTime::from_timestamp(seconds, 0).expect("in range").naive_utc();
        let mut text = local.format(if shape % 2 == 0 { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%dT%H:%M:%S" }).to_string();
        // chrono writes a plus before years beyond four digits, which are not in the range.
        let fraction = format!("{nanoseconds:09}");
        let written: u32 = if digits == 0 { 0 } else {
            text.push('.');
            text.push_str(&fraction[..digits]);
            fraction[..digits].parse::<u32>().expect("digits") * 10_u32.pow(9 - digits as u32)
        };
        let (sign, minutes) = (if offset_minutes < 0 { '-' } else { '+' }, offset_minutes.abs());
        let offset = match shape {
            0 => None,
            1 => { text.push('Z'); Some(0) }
            2 => { text.push_str(&format!("{sign}{:02}", minutes / 60)); Some(offset_minutes / 60 * 3600) }
            3 => { text.push_str(&format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)); Some(offset_minutes * 60) }
            _ => { text.push_str(&format!(" {sign}{:02}:{:02}", minutes / 60, minutes % 60)); Some(offset_minutes * 60) }
        };
        let stamp = parse_stamp(text.as_bytes());
        let expected = Stamp { seconds, nanoseconds: written, fraction_digits: digits as u8, offset, date_only: false };
        prop_assert_eq!(stamp, Some(expected), "{}", text);
    }

    #[test]
    fn ticks_never_wrap(seconds: i64, nanoseconds in 0_u32..1_000_000_000) {
        for (unit, per_second) in [
            (TimeUnit::Second, 1_i128), (TimeUnit::Millisecond, 1_000), (TimeUnit::Microsecond, 1_000_000),
            (TimeUnit::Nanosecond, 1_000_000_000),
        ] {
            let wide = i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds);
            let tick = 1_000_000_000 / per_second;
            let expected = (wide % tick == 0).then(|| i64::try_from(wide / tick).ok()).flatten();
            prop_assert_eq!(Unit::new(unit).ticks(seconds, nanoseconds), expected);
        }
    }

    #[test]
    fn no_bytes_make_a_parser_panic(text in prop::collection::vec(any::<u8>(), 0..40)) {
        let _ = (parse_i64(&text), parse_u64(&text), parse_f64(&text), parse_f32(&text));
        for (decimal, thousands) in MARKS {
            let _ = Numbers { decimal, thousands }.plain(&text, &mut Vec::new());
        }
        let _ = (parse_date(&text), parse_stamp(&text));
        for format in ["%d/%m/%Y", "%s", "%Y-%m-%dT%H:%M:%S%.f%:z", "%+", "%Y%j"] {
            let _ = Pattern::new(format).expect("a format").parse(&text);
        }
    }
}

#[test]
fn integer_corners() {
    for (text, expected) in [
        ("9223372036854775807", Some(i64::MAX)),
        ("-9223372036854775808", Some(i64::MIN)),
        ("9223372036854775808", None),
        ("-9223372036854775809", None),
        ("00000000000000000000000000000501", Some(501)),
        ("+5", Some(5)),
        (" -5\t", Some(-5)),
        ("-", None),
        ("", None),
        ("- 5", None),
        ("1_000", None),
        ("1.0", None),
        ("٣", None),
    ] {
        assert_eq!(parse_i64(text.as_bytes()), expected, "{text:?}");
    }
    assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
    assert_eq!(parse_u64(b"18446744073709551616"), None);
    assert_eq!(parse_u64(b"-0"), Some(0));
    assert_eq!(parse_u64(b"-1"), None);
}

#[test]
fn float_corners() {
    for text in [
        "1.",
        ".5",
        "-.5",
        "+1e3",
        "1e400",
        "-1e400",
        "1e-400",
        "4.9e-324",
        "2.4703282292062327e-324",
        "1e22",
        "1e23",
        "9007199254740993",
        "123456789012345678901234567890",
        "0.1",
        "-0",
        "0e999999999999",
        "1e-99999999999",
        "179769313486231580793728971405303415079934132710037826936173778980444968292764750946649017977587207096330286416692887910946555547851940402630657488671505820681908902000708383676273854845817711531764475730270069855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
        "Infinity",
        "-inf",
        "INF",
        "+infinity",
    ] {
        let expected = text.parse::<f64>().expect("a float of the standard library");
        assert_eq!(parse_f64(text.as_bytes()).map(f64::to_bits), Some(expected.to_bits()), "{text}");
    }
    for text in ["nan", "NaN", "NAN", "-nan"] {
        assert!(parse_f64(text.as_bytes()).is_some_and(f64::is_nan), "{text}");
    }
    for text in ["", ".", "-", "e5", "1e", "1e+", "1.2.3", "0x10", "1 2", "1,5", "infinit", "nanx", "--1"] {
        assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
    }
    // By way of a double this would be rounded twice, to 1.
    assert_eq!(parse_f32(b"1.00000005960464477540"), Some(1.000_000_1));
}

#[test]
fn stamp_corners() {
    let stamp = |text: &str| parse_stamp(text.as_bytes());
    assert_eq!(stamp("2020-02-29"), Some(Stamp::midnight(18_321)));
    assert_eq!(stamp("2020-01-01 10:20").map(|stamp| stamp.seconds), Some(1_577_874_000));
    assert_eq!(stamp(" 2020-01-01T10:20Z ").and_then(|stamp| stamp.offset), Some(0));
    assert_eq!(stamp("0001-01-01").map(|stamp| stamp.seconds), Some(-62_135_596_800));
    assert_eq!(stamp("9999-12-31 23:59:59").map(|stamp| stamp.seconds), Some(253_402_300_799));
    for text in [
        "2019-02-29",
        "1900-02-29",
        "2020-13-01",
        "2020-00-10",
        "2020-01-00",
        "0000-01-01",
        "2020-1-1",
        "20200101",
        "2020-01-01 24:00:00",
        "2020-01-01 10:60",
        "2020-01-01 10:00:60",
        "2020-01-01 10:00:00.",
        "2020-01-01 10:00:00.1234567890",
        "2020-01-01 10",
        "2020-01-01 10:20:",
        "2020-01-01 10:20.5",
        "2020-01-01  10:20",
        "2020-01-01 10:20:30+",
        "2020-01-01 10:20:30+1",
        "2020-01-01 10:20:30 UTC",
        "2020-01-01Z",
        "2020-01-01x10:20:30",
        "2020-01-01 10:20:30+25:00",
        "2020-01-01 1a:20:30",
        "2020-01-01 10:2::30",
        "",
    ] {
        assert_eq!(stamp(text), None, "{text}");
    }
}

#[test]
fn formats_follow_chrono() {
    let pattern = |format: &str| Pattern::new(format).expect("a format");
    let day = pattern("%d/%m/%Y");
    assert_eq!(day.kind(), PatternKind::Date);
    assert_eq!(day.parse(b" 31/12/2019 "), Some(Stamp::midnight(18_261)));
    assert_eq!(day.parse(b"12/31/2019"), None);
    assert_eq!(day.parse(b"31/12/2019 10:00"), None);

    let naive = pattern("%m/%d/%Y %I:%M:%S %p");
    assert_eq!(naive.kind(), PatternKind::Naive);
    let expected =
        NaiveDateTime::parse_from_str("01/02/2020 03:04:05 PM", "%m/%d/%Y %I:%M:%S %p").expect("chrono");
    assert_eq!(
        naive.parse(b"01/02/2020 03:04:05 PM").map(|stamp| (stamp.seconds, stamp.offset)),
        Some((expected.and_utc().timestamp(), None))
    );

    let zoned = pattern("%Y-%m-%d %H:%M:%S%.f %z");
    assert_eq!(zoned.kind(), PatternKind::Zoned);
    let stamp = zoned.parse(b"2020-01-01 12:00:00.25 +0200").expect("zoned");
    assert_eq!(
        (stamp.utc_seconds(), stamp.nanoseconds, stamp.offset),
        (1_577_872_800, 250_000_000, Some(7200))
    );

    let seconds = pattern("%s");
    assert_eq!(seconds.kind(), PatternKind::Zoned);
    assert_eq!(seconds.parse(b"1577872800").map(|stamp| stamp.utc_seconds()), Some(1_577_872_800));
    assert_eq!(seconds.parse(b"1577872800.5"), None);

    assert!(Pattern::new("%Q").is_err());
    assert!(Pattern::new("%H:%M").is_err());
}

#[test]
fn clock_times_in_a_zone_are_sure_or_nothing() {
    let zone = Zone::parse("Europe/Amsterdam").expect("a zone");
    let utc = |text: &str| zone.to_utc(parse_stamp(text.as_bytes()).expect("a stamp").seconds);
    assert_eq!(utc("2020-01-01 12:00:00"), Some(1_577_876_400));
    assert_eq!(utc("2020-07-01 12:00:00"), Some(1_593_597_600));
    assert_eq!(utc("2020-03-29 02:30:00"), None, "skipped by the clock");
    assert_eq!(utc("2020-10-25 02:30:00"), None, "shown twice");
    assert_eq!(Zone::parse("+02:00").and_then(|zone| zone.to_utc(7200)), Some(0));
    assert!(Zone::parse("Europe/Atlantis").is_none());
}

#[test]
fn words_for_truth() {
    let words = BoolWords::new(&["true".into(), "Y".into()], &["false".into(), "N".into()]);
    assert_eq!(words.parse(b"Y"), Some(true));
    assert_eq!(words.parse(b" false "), Some(false));
    assert_eq!(words.parse(b"True"), None);
    assert_eq!(words.parse(b""), None);
}
