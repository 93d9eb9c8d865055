use proptest::prelude::*;

use super::generate::{files, lines};
use super::*;

/// Records as text: fields between `|`, quoted ones in `<>`.
fn shown(dialect: &Dialect, input: &str) -> Vec<String> {
    let field = |field: &TwinField| {
        let text = String::from_utf8_lossy(&field.value).into_owned();
        if field.quoted { format!("<{text}>") } else { text }
    };
    let record = |record: &TwinRecord| record.fields.iter().map(field).collect::<Vec<_>>().join("|");
    read(dialect, input.as_bytes()).iter().map(record).collect()
}

#[track_caller]
fn check(dialect: &Dialect, input: &str, expected: &[&str]) {
    assert_eq!(shown(dialect, input), expected, "{input:?}");
}

#[test]
fn lines_and_fields() {
    let plain = Dialect::default();
    check(&plain, "", &[]);
    check(&plain, "a,b\n1,2\n", &["a|b", "1|2"]);
    check(&plain, "a,b\r\n1,\r\n,2", &["a|b", "1|", "|2"]);
    check(&plain, "\n\r\n\na\n\n\r", &["a"]);
    check(&plain, "a\r", &["a"]);
    check(&plain, "a\rb\n\r\r\n", &["a\rb", "\r"]);
    check(&plain, " a , b \n \n", &[" a | b ", " "]);
    let any = Dialect { line_end: LineEnd::Any, ..Dialect::default() };
    check(&any, "a,b\r\r1\n,2", &["a|b", "1", "|2"]);
    check(&any, "a\r\nb\n\r\"c\r\n\"\rd\r", &["a", "b", "<c\r\n>", "d"]);
}

#[test]
fn quotes() {
    let plain = Dialect::default();
    check(&plain, "\"a,\n\"\"b\"\"\",c\n", &["<a,\n\"b\">|c"]);
    check(&plain, "\"abc\"def,\"a\"b\"c\"\n", &["<abcdef>|<ab\"c\">"]);
    check(&plain, "a\"b,5\" x\n", &["a\"b|5\" x"]);
    check(&plain, "\"\"\n\n", &["<>"]);
    check(&plain, "1,\"open,\nto the end\r", &["1|<open,\nto the end\r>"]);
    check(&plain, "\"a\"\r\n\"b\r\"\r", &["<a>", "<b\r>"]);
    check(&plain, "\"", &["<>"]);
    check(&Dialect { quote: None, ..Dialect::default() }, "\"a,b\"\n", &["\"a|b\""]);
}

#[test]
fn comments() {
    let comments = Dialect { comment: Some(b'#'), ..Dialect::default() };
    check(&comments, "# \"head\na,b\n1,2 # tail, \"open\n3,#4\n#", &["a|b", "1|2 ", "3|"]);
    check(&comments, "\"#\"#\r\n\r#\n #\n", &["<#>", "\r", " "]);
    let trims = Dialect { trim: true, ..comments };
    check(&trims, "1, 2 # tail\n # not a comment line\n", &["1|2", ""]);
}

#[test]
fn escapes() {
    let escapes = Dialect { escape: Some(b'\\'), comment: Some(b'#'), ..Dialect::default() };
    check(&escapes, "a\\,b,\\\"c\",\"d\\\"e\\\n\"\n", &["a,b|\"c\"|<d\"e\n>"]);
    check(&escapes, "a\\\nb\\\r\n\\#,\\", &["a\nb\r", "#|\\"]);
    check(&escapes, "\"a\\", &["<a\\>"]);
    check(&escapes, "#\\\na", &["a"]);
    let trims = Dialect { trim: true, ..escapes };
    check(&trims, " \\ a\\  , \\ \"b\" \n", &[" a | \"b\""]);
}

#[test]
fn trimming() {
    let trims = Dialect { trim: true, ..Dialect::default() };
    check(&trims, " a b\t, \" c \" ,\"d\" e \r\n", &["a b|< c >|<d e>"]);
    check(&trims, "  \n, \n", &["", "|"]);
    let tabs = Dialect { separator: b'\t', ..trims };
    check(&tabs, " a \t\t b", &["a||b"]);
}

#[test]
fn records_begin_behind_skipped_lines() {
    let comments = Dialect { comment: Some(b'#'), ..Dialect::default() };
    let starts = |input: &[u8]| read(&comments, input).iter().map(|r| r.start).collect::<Vec<_>>();
    assert_eq!(starts(b"\n#x\r\na,b\n\r\n\"\n\"\nc"), [5, 11, 15]);
}

/// What the `csv` crate makes of `input`.
fn by_csv_crate(input: &[u8], terminator: csv::Terminator, quoting: bool) -> Vec<Vec<Vec<u8>>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .quoting(quoting)
        .terminator(terminator)
        .from_reader(input);
    let owned = |record: csv::ByteRecord| record.iter().map(<[u8]>::to_vec).collect();
    reader.byte_records().map(|record| owned(record.unwrap())).collect()
}

fn values(dialect: &Dialect, input: &[u8]) -> Vec<Vec<Vec<u8>>> {
    let values = |record: TwinRecord| record.fields.into_iter().map(|field| field.value).collect();
    read(dialect, input).into_iter().map(values).collect()
}

proptest! {
    /// Both know quotes alike. With `CRLF` the other takes every `\r` and `\n` for a line end.
    #[test]
    fn agrees_with_the_csv_crate(input in files(), quoting in any::<bool>()) {
        let quote = quoting.then_some(b'"');
        let lf = Dialect { quote, ..Dialect::default() };
        let bare = input.iter().copied().filter(|&byte| byte != b'\r').collect::<Vec<_>>();
        prop_assert_eq!(values(&lf, &bare), by_csv_crate(&bare, csv::Terminator::Any(b'\n'), quoting));
        let any = Dialect { line_end: LineEnd::Any, ..lf };
        prop_assert_eq!(values(&any, &input), by_csv_crate(&input, csv::Terminator::CRLF, quoting));
    }

    #[test]
    fn agrees_with_the_csv_crate_on_crlf(input in lines(40)) {
        let text = String::from_utf8(input).unwrap().replace('\r', "").replace('\n', "\r\n");
        let expected = by_csv_crate(text.as_bytes(), csv::Terminator::CRLF, true);
        prop_assert_eq!(values(&Dialect::default(), text.as_bytes()), expected);
    }
}
