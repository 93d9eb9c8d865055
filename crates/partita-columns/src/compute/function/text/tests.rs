//! Every function against a slow one, character by character, over texts of all kinds.

mod properties;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, StringViewArray};
use arrow::datatypes::{DataType, Int64Type};

use super::*;
use crate::compute::function::Function;
use crate::compute::function::tests::{array, call, column};

fn texts(values: &[Option<&str>]) -> Value {
    array(StringViewArray::from(values.to_vec()))
}

fn some(values: &[&str]) -> Value {
    array(StringViewArray::from_iter_values(values))
}

fn lit(value: impl Into<Scalar>) -> Value {
    Value::Scalar(value.into())
}

/// The texts that a call gives.
fn shown(spec: &'static Spec, values: &[Value]) -> Vec<Option<String>> {
    strings(&column(spec, values))
}

fn strings(array: &ArrayRef) -> Vec<Option<String>> {
    array.as_string_view().iter().map(|text| text.map(str::to_owned)).collect()
}

fn truths(spec: &'static Spec, values: &[Value]) -> Vec<Option<bool>> {
    column(spec, values).as_boolean().iter().collect()
}

fn numbers(spec: &'static Spec, values: &[Value]) -> Vec<Option<i64>> {
    column(spec, values).as_primitive::<Int64Type>().iter().collect()
}

fn owned(values: &[Option<&str>]) -> Vec<Option<String>> {
    values.iter().map(|text| text.map(str::to_owned)).collect()
}

fn refusal(spec: &'static Spec, values: &[Value]) -> String {
    call(spec, values).unwrap_err().to_string()
}

#[test]
fn cases() {
    let input =
        texts(&[Some("Apple"), None, Some("ÀÉ"), Some(""), Some("straße 3RD o'neil"), Some("ΟΔΟΣ ß")]);
    let input = std::slice::from_ref(&input);
    let expected = [Some("APPLE"), None, Some("ÀÉ"), Some(""), Some("STRASSE 3RD O'NEIL"), Some("ΟΔΟΣ SS")];
    assert_eq!(shown(&UPPER, input), owned(&expected));
    let expected = [Some("apple"), None, Some("àé"), Some(""), Some("straße 3rd o'neil"), Some("οδος ß")];
    assert_eq!(shown(&LOWER, input), owned(&expected));
    let expected = [Some("Apple"), None, Some("Àé"), Some(""), Some("Straße 3Rd O'Neil"), Some("Οδος Ss")];
    assert_eq!(shown(&TITLE, input), owned(&expected));
    let expected = [Some("Apple"), None, Some("Àé"), Some(""), Some("Straße 3rd o'neil"), Some("Οδος ß")];
    assert_eq!(shown(&CAPITALIZE, input), owned(&expected));
}

#[test]
fn ends_are_taken_off() {
    let input = texts(&[Some(" x "), None, Some("\t\u{2003}a b\u{a0}\n"), Some("   ")]);
    assert_eq!(shown(&STRIP, std::slice::from_ref(&input)), owned(&[Some("x"), None, Some("a b"), Some("")]));
    assert_eq!(
        shown(&LSTRIP, std::slice::from_ref(&input)),
        owned(&[Some("x "), None, Some("a b\u{a0}\n"), Some("")])
    );
    assert_eq!(shown(&RSTRIP, &[input]), owned(&[Some(" x"), None, Some("\t\u{2003}a b"), Some("")]));
    let input = some(&["xxéaxé", "ab"]);
    assert_eq!(shown(&STRIP, &[input.clone(), lit("éx")]), owned(&[Some("a"), Some("ab")]));
    let sets = texts(&[Some("x"), None]);
    assert_eq!(shown(&STRIP, &[input.clone(), sets]), owned(&[Some("éaxé"), None]));
    assert_eq!(shown(&STRIP_PREFIX, &[input.clone(), lit("xx")]), owned(&[Some("éaxé"), Some("ab")]));
    assert_eq!(shown(&STRIP_SUFFIX, &[input, lit("b")]), owned(&[Some("xxéaxé"), Some("a")]));
}

#[test]
fn searches() {
    let input = texts(&[Some("Größe größer"), None, Some(""), Some("ab")]);
    assert_eq!(numbers(&LEN_CHARS, std::slice::from_ref(&input)), [Some(12), None, Some(0), Some(2)]);
    assert_eq!(numbers(&LEN_BYTES, std::slice::from_ref(&input)), [Some(16), None, Some(0), Some(2)]);
    let part = |text: &'static str| [input.clone(), lit(text)];
    assert_eq!(truths(&CONTAINS, &part("öß")), [Some(true), None, Some(false), Some(false)]);
    assert_eq!(truths(&CONTAINS, &part("")), [Some(true), None, Some(true), Some(true)]);
    assert_eq!(truths(&STARTS_WITH, &part("Größe ")), [Some(true), None, Some(false), Some(false)]);
    assert_eq!(truths(&STARTS_WITH, &part("ab")), [Some(false), None, Some(false), Some(true)]);
    assert_eq!(truths(&STARTS_WITH, &part("")), [Some(true), None, Some(true), Some(true)]);
    assert_eq!(truths(&ENDS_WITH, &part("r")), [Some(true), None, Some(false), Some(false)]);
    assert_eq!(numbers(&FIND, &part("ß")), [Some(3), None, None, None]);
    assert_eq!(numbers(&FIND, &part("")), [Some(0), None, Some(0), Some(0)]);
    assert_eq!(numbers(&COUNT_MATCHES, &part("ö")), [Some(2), None, Some(0), Some(0)]);
    assert_eq!(numbers(&COUNT_MATCHES, &part("")), [Some(13), None, Some(1), Some(3)]);
    let parts = texts(&[Some("ß"), Some("x"), None, Some("b")]);
    assert_eq!(truths(&CONTAINS, &[input.clone(), parts.clone()]), [Some(true), None, None, Some(true)]);
    assert_eq!(numbers(&FIND, &[input.clone(), parts]), [Some(3), None, None, Some(1)]);
    let missing = Value::Scalar(Scalar::Null(DataType::Utf8View));
    for spec in
        [&CONTAINS, &STARTS_WITH, &ENDS_WITH, &FIND, &COUNT_MATCHES, &LIKE, &REGEX_CONTAINS, &REGEX_FIND]
    {
        assert_eq!(column(spec, &[input.clone(), missing.clone()]).logical_null_count(), 4, "{}", spec.name);
    }
}

#[test]
fn patterns_of_sql() {
    let input = texts(&[Some("100%"), None, Some("a\nbc"), Some("Äb"), Some("")]);
    let like = |pattern: &'static str| truths(&LIKE, &[input.clone(), lit(pattern)]);
    let yes = |rows: [bool; 4]| vec![Some(rows[0]), None, Some(rows[1]), Some(rows[2]), Some(rows[3])];
    assert_eq!(like("%"), yes([true, true, true, true]));
    assert_eq!(like(""), yes([false, false, false, true]));
    assert_eq!(like(r"100\%"), yes([true, false, false, false]));
    assert_eq!(like(r"%\%"), yes([true, false, false, false]));
    assert_eq!(like("a%"), yes([false, true, false, false]));
    assert_eq!(like("%\n%"), yes([false, true, false, false]));
    assert_eq!(like("__"), yes([false, false, true, false]));
    assert_eq!(like("a_%c"), yes([false, true, false, false]));
    assert_eq!(like("1.0%"), yes([false, false, false, false]));
    assert_eq!(truths(&ILIKE, &[input.clone(), lit("äB")]), yes([false, false, true, false]));
    assert_eq!(truths(&ILIKE, &[input.clone(), lit("A%C")]), yes([false, true, false, false]));
    assert!(refusal(&LIKE, &[input.clone(), lit(r"a\")]).contains(r"ends with \"));
    assert!(refusal(&LIKE, &[input.clone(), input]).contains("literal"));
}

#[test]
fn regular_expressions() {
    let input = texts(&[Some("id-42, id-7"), None, Some("größe-x"), Some("")]);
    let with = |pattern: &'static str| [input.clone(), lit(pattern)];
    assert_eq!(truths(&REGEX_CONTAINS, &with(r"^\w+-\d")), [Some(true), None, Some(false), Some(false)]);
    assert_eq!(numbers(&REGEX_FIND, &with("-[a-z]")), [None, None, Some(5), None]);
    assert_eq!(numbers(&REGEX_COUNT, &with(r"\d+")), [Some(2), None, Some(0), Some(0)]);
    let extract = |group: Option<Value>| {
        let mut values = with(r"(?<word>\p{L}+)-(\d+)?").to_vec();
        values.extend(group);
        shown(&REGEX_EXTRACT, &values)
    };
    assert_eq!(extract(None), owned(&[Some("id"), None, Some("größe"), None]));
    assert_eq!(extract(Some(lit(0))), owned(&[Some("id-42"), None, Some("größe-"), None]));
    assert_eq!(extract(Some(lit(2))), owned(&[Some("42"), None, None, None]));
    assert_eq!(extract(Some(lit("word"))), owned(&[Some("id"), None, Some("größe"), None]));
    let replaced = shown(&REGEX_REPLACE, &[input.clone(), lit(r"(\w)-(\w)"), lit("$2+${1}$$")]);
    assert_eq!(replaced, owned(&[Some("i4+d$2, i7+d$"), None, Some("größx+e$"), Some("")]));
    let replaced = shown(&REGEX_REPLACE, &[input.clone(), lit(r"\d"), lit("#"), lit(2)]);
    assert_eq!(replaced, owned(&[Some("id-##, id-7"), None, Some("größe-x"), Some("")]));
    let refused = refusal(&REGEX_CONTAINS, &with("(a"));
    assert!(
        refused.contains("is not a regular expression") && refused.contains("unclosed group"),
        "{refused}"
    );
    let refused = refusal(&REGEX_EXTRACT, &[input.clone(), lit("a(b)"), lit(2)]);
    assert!(refused.contains("has no group 2"), "{refused}");
}

#[test]
fn replacements() {
    let input = texts(&[Some("aaa"), None, Some("ba"), Some("")]);
    let with = |old: &'static str, new: &'static str| [input.clone(), lit(old), lit(new)];
    assert_eq!(shown(&REPLACE, &with("aa", "é")), owned(&[Some("éa"), None, Some("ba"), Some("")]));
    assert_eq!(shown(&REPLACE, &with("", "-")), owned(&[Some("-a-a-a-"), None, Some("-b-a-"), Some("-")]));
    let mut values = with("a", "").to_vec();
    values.push(array(arrow::array::Int64Array::from(vec![Some(2), Some(1), None, Some(-1)])));
    assert_eq!(shown(&REPLACE, &values), owned(&[Some("a"), None, None, Some("")]));
}

#[test]
fn slices() {
    let input = texts(&[Some("größe"), None, Some("ab"), Some("a text longer than a view")]);
    let slice = |start: i64, length: i64| shown(&SLICE, &[input.clone(), lit(start), lit(length)]);
    assert_eq!(slice(1, 2), owned(&[Some("rö"), None, Some("b"), Some(" t")]));
    assert_eq!(slice(-2, 9), owned(&[Some("ße"), None, Some("ab"), Some("ew")]));
    assert_eq!(slice(-3, 2), owned(&[Some("öß"), None, Some("a"), Some("ie")]));
    assert_eq!(slice(5, i64::MAX), owned(&[Some(""), None, Some(""), Some("t longer than a view")]));
    assert_eq!(slice(i64::MIN, 100), owned(&[Some(""), None, Some(""), Some("")]));
    assert_eq!(slice(0, -1), owned(&[Some(""), None, Some(""), Some("")]));
    let from = shown(&SLICE, &[input.clone(), lit(2)]);
    assert_eq!(from, owned(&[Some("öße"), None, Some(""), Some("text longer than a view")]));
}

#[test]
fn slices_share_long_texts_only() {
    let long = "x".repeat(1000);
    let input = StringViewArray::from_iter_values((0..100).map(|row| format!("{row}{long}")));
    let most = column(&SLICE, &[array(input.clone()), lit(1)]);
    assert_eq!(most.as_string_view().data_buffers()[0].as_ptr(), input.data_buffers()[0].as_ptr());
    let few = column(&SLICE, &[array(input), lit(0), lit(20)]);
    assert!(few.get_buffer_memory_size() < 20_000, "{}", few.get_buffer_memory_size());
}

fn lists(array: &ArrayRef) -> Vec<Option<Vec<Option<String>>>> {
    let lists: &ListArray = array.as_list();
    lists.iter().map(|list| list.map(|list| strings(&list))).collect()
}

#[test]
fn splits() {
    let input = texts(&[Some("a,bé,"), None, Some(""), Some("a much longer text, and its end")]);
    let parts = lists(&column(&SPLIT, &[input.clone(), lit(",")]));
    let list = |parts: &[&str]| Some(parts.iter().map(|part| Some((*part).to_owned())).collect::<Vec<_>>());
    let long = list(&["a much longer text", " and its end"]);
    assert_eq!(parts, [list(&["a", "bé", ""]), None, list(&[""]), long]);
    let parts = lists(&column(&SPLIT, &[input.clone(), lit(","), lit(1)]));
    assert_eq!(parts[0], list(&["a", "bé,"]));
    let words = lists(&column(&SPLIT, &[texts(&[Some(" a  bé\tc "), None, Some(" ")])]));
    assert_eq!(words, [list(&["a", "bé", "c"]), None, list(&[])]);
    let missing = Value::Scalar(Scalar::Null(DataType::Null));
    let words = lists(&column(&SPLIT, &[some(&[" a  bé\tc "]), missing, lit(1)]));
    assert_eq!(words, [list(&["a", "bé\tc"])]);
    let nth = |n: i64| shown(&SPLIT_NTH, &[input.clone(), lit(","), lit(n)]);
    assert_eq!(nth(1), owned(&[Some("bé"), None, None, Some(" and its end")]));
    assert_eq!(nth(-1), owned(&[Some(""), None, Some(""), Some(" and its end")]));
    assert_eq!(nth(-4), owned(&[None, None, None, None]));
    assert!(refusal(&SPLIT, &[input, lit("")]).contains("expected a separator"));
}

#[test]
fn padding() {
    let input = texts(&[Some("é"), None, Some("-5"), Some("long")]);
    let wide = |spec: &'static Spec, width: i64| shown(spec, &[input.clone(), lit(width), lit("·")]);
    assert_eq!(wide(&LJUST, 3), owned(&[Some("é··"), None, Some("-5·"), Some("long")]));
    assert_eq!(wide(&RJUST, 3), owned(&[Some("··é"), None, Some("·-5"), Some("long")]));
    // As Python has it: 'é'.center(4, '·'), '-5'.center(5, '·').
    assert_eq!(wide(&CENTER, 4)[0].as_deref(), Some("·é··"));
    assert_eq!(wide(&CENTER, 5)[2].as_deref(), Some("··-5·"));
    assert_eq!(wide(&LJUST, -1), owned(&[Some("é"), None, Some("-5"), Some("long")]));
    let zeros = shown(&ZFILL, &[input.clone(), lit(4)]);
    assert_eq!(zeros, owned(&[Some("000é"), None, Some("-005"), Some("long")]));
    assert!(refusal(&LJUST, &[input.clone(), lit(3), lit("ab")]).contains("one character"));
    assert!(refusal(&LJUST, &[input.clone(), lit(i64::MAX)]).contains("64 MiB"));
    assert!(refusal(&REPEAT, &[input.clone(), lit(1_i64 << 40)]).contains("64 MiB"));
    assert_eq!(shown(&REPEAT, &[input.clone(), lit(2)])[2].as_deref(), Some("-5-5"));
    assert_eq!(shown(&REPEAT, &[input.clone(), lit(-2)])[2].as_deref(), Some(""));
    assert_eq!(shown(&REPEAT, &[some(&[""]), lit(i64::MAX)])[0].as_deref(), Some(""));
    assert_eq!(shown(&REVERSE, &[some(&["aéb"])])[0].as_deref(), Some("béa"));
}

#[test]
fn texts_are_joined() {
    let (a, b) = (texts(&[Some("x"), None, None]), texts(&[Some("y"), Some("z"), None]));
    assert_eq!(shown(&CONCAT, &[a.clone(), lit("-"), b.clone()]), owned(&[Some("x-y"), None, None]));
    assert_eq!(shown(&CONCAT_WS, &[lit("-"), a, b]), owned(&[Some("x-y"), Some("z"), Some("")]));
    let both = call(&CONCAT, &[lit("a"), lit("b")]).unwrap();
    assert!(matches!(both, Value::Scalar(Scalar::Utf8(text)) if text == "ab"));
}

#[test]
fn texts_become_values() {
    let dates = [texts(&[Some(" 0001-01-01"), None, Some("9999-12-31\t")])];
    assert_eq!(
        column(&TO_DATE, &dates).as_primitive::<arrow::datatypes::Date32Type>().values()[..],
        [-719_162, 0, 2_932_896]
    );
    let input = some(&["31/01/2020", "nothing"]);
    assert!(refusal(&TO_DATE, &[input.clone(), lit("%d/%m/%Y")]).contains("nothing"));
    let tried = column(&TRY_TO_DATE, &[input, lit("%d/%m/%Y")]);
    assert_eq!((tried.is_valid(0), tried.is_valid(1)), (true, false));
    assert!(refusal(&TO_DATE, &[some(&["x"]), lit("%H")]).contains("has no date"));
    let numbers = [texts(&[Some(" 1.5 "), None, Some("-2e3")])];
    let floats = column(&TO_NUMERIC, &numbers);
    assert_eq!(
        floats.as_primitive::<arrow::datatypes::Float64Type>().iter().collect::<Vec<_>>(),
        [Some(1.5), None, Some(-2000.0)]
    );
    assert!(refusal(&TO_NUMERIC, &[some(&["12", "1x"]), lit("Int16")]).contains("1x"));
    let tried = column(&TRY_TO_NUMERIC, &[some(&["12", "1x", "70000"]), lit("Int16")]);
    assert_eq!(tried.data_type(), &DataType::Int16);
    assert_eq!(tried.null_count(), 2);
    assert!(refusal(&TO_NUMERIC, &[some(&["1"]), lit("Date32")]).contains("type of numbers"));
}

#[test]
fn texts_become_times() {
    let micros = |spec: &'static Spec, values: &[Value]| {
        let times = column(spec, values);
        let counts: Vec<Option<i64>> =
            times.as_primitive::<arrow::datatypes::TimestampMicrosecondType>().iter().collect();
        (times.data_type().clone(), counts)
    };
    let unit = arrow::datatypes::TimeUnit::Microsecond;
    let iso = texts(&[Some("2020-03-29 01:30"), None, Some("2020-03-29T02:30:00.5")]);
    let (data_type, counts) = micros(&TO_DATETIME, std::slice::from_ref(&iso));
    assert_eq!(data_type, DataType::Timestamp(unit, None));
    assert_eq!(counts, [Some(1_585_445_400_000_000), None, Some(1_585_449_000_500_000)]);
    let null = Value::Scalar(Scalar::Null(DataType::Null));
    let berlin = [iso.clone(), null, lit("Europe/Berlin")];
    // The clock of Berlin was set from 2:00 to 3:00.
    assert!(refusal(&TO_DATETIME, &berlin).contains("2020-03-29T02:30:00.5"));
    let (data_type, counts) = micros(&TRY_TO_DATETIME, &berlin);
    assert_eq!(data_type, DataType::Timestamp(unit, Some("Europe/Berlin".into())));
    assert_eq!(counts, [Some(1_585_441_800_000_000), None, None]);
    let offsets = some(&["29.3.2020 3:30 +0200"]);
    let (data_type, counts) = micros(&TO_DATETIME, &[offsets, lit("%d.%m.%Y %H:%M %z")]);
    assert_eq!(data_type, DataType::Timestamp(unit, Some("UTC".into())));
    assert_eq!(counts, [Some(1_585_445_400_000_000)]);
    let local = some(&["29.3.2020 2:30"]);
    let in_berlin = [local, lit("%d.%m.%Y %H:%M"), lit("Europe/Berlin")];
    assert!(refusal(&TO_DATETIME, &in_berlin).contains("29.3.2020 2:30"));
    assert!(refusal(&TO_DATETIME, &[iso, lit("%Y"), lit("Mars/Base")]).contains("no time zone"));
}

#[test]
fn other_types_are_refused_and_patterns_are_kept() {
    assert!(refusal(&UPPER, &[lit(3)]).contains("expected text, got Int64; cast it to Utf8"));
    assert!(refusal(&SLICE, &[some(&["x"]), lit("1")]).contains("expected a whole number"));
    let pattern = Scalar::from("a+");
    let arguments = [
        Argument { data_type: DataType::Utf8View, literal: None },
        Argument { data_type: DataType::Utf8View, literal: Some(&pattern) },
    ];
    let signature = Function::from(&REGEX_CONTAINS).signature(&arguments).unwrap();
    let kept: Arc<::regex::Regex> = signature.prepared.get(|| panic!("it is compiled already")).unwrap();
    assert!(kept.is_match("caat"));
    assert_eq!(signature.clone(), signature);
}
