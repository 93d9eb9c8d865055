use arrow::array::{Array, AsArray};
use partita_columns::cpu;
use proptest::prelude::*;

use super::*;
use crate::csv::dialect::Dialect;
use crate::csv::split::unescape;
use crate::simd::split::{Job, run};

/// What stands between two quotes: short and long, with few or many quotes, not all of them in pairs, and with escapes.
fn field() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        6 => "[a-zé☃\\n,]{0,30}",
        3 => Just("\"\"".to_owned()),
        1 => Just("\"\"\"\"".to_owned()),
    ];
    let pairs = prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat());
    prop_oneof![
        8 => pairs,
        1 => "[a☃\"]{0,140}",
        1 => "[a\\\\\"]{0,8}",
        1 => (0_usize..70).prop_map(|pairs| "\"\"".repeat(pairs)),
        1 => (50_usize..70, 50_usize..70).prop_map(|(one, two)| "a".repeat(one) + "\"\"" + &"b".repeat(two)),
    ]
}

/// The text of what stands between quotes, by the slow way; `None` where it is not quotes in pairs and other bytes.
fn slowly(dialect: &Dialect, chunk: &str, (start, len): (usize, usize)) -> Option<String> {
    let quote = char::from(dialect.quote?);
    let inside = &chunk[start..start + len];
    let pair = String::from_iter([quote, quote]);
    let has_escape = dialect.escape.is_some_and(|escape| inside.contains(char::from(escape)));
    if inside.replace(&pair, "").contains(quote) || has_escape {
        return None;
    }
    let mut out = Vec::new();
    assert!(unescape(dialect, format!("{quote}{inside}{quote}").as_bytes(), &mut out));
    Some(String::from_utf8(out).expect("quotes are characters"))
}

/// What is pushed, and the column of all that is.
struct Push<'a> {
    chunk: &'a str,
    places: &'a [(usize, usize)],
    quoting: Quoting,
}

impl Job for Push<'_> {
    type Output = (Vec<Option<usize>>, ArrayRef);

    fn run<L: Lanes>(self, lanes: L) -> Self::Output {
        let mut views = Views::with_capacity(0);
        let push = |&place| views.push_quoted(lanes, self.chunk, place, self.quoting);
        let lens = self.places.iter().map(push).collect();
        (lens, views.take(None, 0).expect("a column"))
    }
}

proptest! {
    #[test]
    fn views_are_those_of_arrow(texts in prop::collection::vec("[a-zé☃]{0,40}", 0..60), after in "[a-z]{0,40}") {
        let chunk = format!("{}{after}", texts.concat());
        let mut views = Views::with_capacity(0);
        let mut start = 0;
        for text in &texts {
            prop_assert!(views.push_part(&chunk, start, text.len()));
            start += text.len();
        }
        let column = views.take(None, 0).expect("a column");
        let expected = StringViewArray::from_iter_values(&texts);
        prop_assert_eq!(column.as_string_view(), &expected);
        // Arrow checks each view again.
        prop_assert!(column.to_data().validate_full().is_ok());
    }

    #[test]
    fn no_part_is_let_in_that_is_no_text(text in "[aé☃]{0,20}", start in 0_usize..70, len in 0_usize..70) {
        let mut views = Views::with_capacity(0);
        let expected = text.get(start..start + len);
        prop_assert_eq!(views.push_part(&text, start, len), expected.is_some());
        prop_assert_eq!(views.take(None, 0).expect("a column").len(), usize::from(expected.is_some()));
    }

    #[test]
    fn quoted_texts_are_those_of_the_plain_reader(
        parts in prop::collection::vec(field(), 1..12),
        before in 0_usize..70,
        after in 0_usize..150,
        quote in prop_oneof![9 => Just(b'"'), 1 => Just(b'x')],
        escape in prop_oneof![3 => Just(None), 1 => Just(Some(b'\\'))],
    ) {
        let dialect = Dialect { quote: Some(quote), escape, ..Dialect::default() };
        let mut chunk = "é".repeat(before);
        let mut places = Vec::new();
        for part in &parts {
            let part = part.replace('"', std::str::from_utf8(&[quote]).expect("ASCII"));
            places.push((chunk.len(), part.len()));
            chunk.push_str(&part);
        }
        chunk.push_str(&"☃".repeat(after));
        let expected: Vec<Option<String>> = places.iter().map(|&at| slowly(&dialect, &chunk, at)).collect();
        for level in cpu::levels() {
            let quoting = Quoting::new(quote, escape).expect("ASCII");
            let (lens, column) = run(level, Push { chunk: &chunk, places: &places, quoting });
            let texts: Vec<&String> = expected.iter().flatten().collect();
            let expected_lens: Vec<Option<usize>> = expected.iter().map(|text| text.as_ref().map(String::len)).collect();
            prop_assert_eq!(&lens, &expected_lens, "{:?}", level);
            prop_assert_eq!(column.as_string_view(), &StringViewArray::from_iter_values(texts), "{:?}", level);
            prop_assert!(column.to_data().validate_full().is_ok());
        }
    }
}
