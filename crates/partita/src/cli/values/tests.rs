use partita::Compression;
use partita::arrow::datatypes::{DataType, TimeUnit};

use super::*;

#[test]
fn a_separator_is_one_character_or_a_word() {
    for (text, expected) in
        [(";", b';'), ("tab", b'\t'), (r"\t", b'\t'), ("\t", b'\t'), ("|", b'|'), ("space", b' ')]
    {
        assert_eq!(byte(text), Ok(expected), "{text:?}");
    }
    for wrong in ["", ";;", "ä", "none"] {
        assert!(byte(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(byte_or_none("none"), Ok(Byte(None)));
    assert_eq!(byte_or_none("'"), Ok(Byte(Some(b'\''))));
}

#[test]
fn lists_are_cut_at_commas_outside_quotes() {
    let words = |text: &str| list(text).map(|list| list.0);
    assert_eq!(words("a,b c").unwrap(), ["a", "b c"]);
    assert_eq!(words("NA").unwrap(), ["NA"]);
    assert_eq!(words("").unwrap(), [""]);
    assert_eq!(words("a,").unwrap(), ["a", ""]);
    assert_eq!(words(r#""a,b",c,"say ""x""","#).unwrap(), ["a,b", "c", r#"say "x""#, ""]);
    assert!(words(r#""a"#).is_err());
    assert!(words(r#""a"b"#).is_err());
}

#[test]
fn pairs_name_a_column() {
    assert_eq!(column_type("fare=Float64"), Ok(("fare".into(), DataType::Float64)));
    assert_eq!(column_type("a=b=int"), Ok(("a=b".into(), DataType::Int64)));
    let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    assert_eq!(column_type(r#"t=Timestamp(us, "UTC")"#), Ok(("t".into(), zoned)));
    assert!(column_type("fare").unwrap_err().contains("fare=Float64"));
    assert!(column_type("fare=money").unwrap_err().contains("money"));
    assert_eq!(key_value("day=%d=%m"), Ok(("day".into(), "%d=%m".into())));
    assert_eq!(column_words("wind=NA,-"), Ok(("wind".into(), vec!["NA".into(), "-".into()])));
    assert_eq!(column_value("fare=zstd:9"), Ok(("fare".into(), Compression::Zstd(9))));
}

#[test]
fn sizes_have_units() {
    assert_eq!(size("256MiB"), Ok(256 << 20));
    assert_eq!(size("256MB"), Ok(256_000_000));
    assert_eq!(size("4096"), Ok(4096));
    assert!(size("many").is_err());
}

#[test]
fn keys_to_sort_by_have_directions() {
    let shown =
        |text: &str| sort_keys(text).map(|keys| keys.0.iter().map(ToString::to_string).collect::<Vec<_>>());
    let known = [
        ("zone", vec!["zone"]),
        ("zone,fare desc nulls first", vec!["zone", "fare descending, nulls first"]),
        ("zone ASC NULLS LAST, fare", vec!["zone", "fare"]),
        ("\"fare, total\" desc,\"a \"\" b\"", vec!["fare, total descending", "a \" b"]),
        ("\"zone desc\"", vec!["zone desc"]),
        ("trip id desc", vec!["trip id descending"]),
        ("desc", vec!["desc"]),
        ("nulls first", vec!["nulls first"]),
    ];
    for (text, expected) in known {
        assert_eq!(shown(text).unwrap(), expected, "{text}");
    }
    for wrong in ["", "zone,", "zone nulls fist", "\"zone", "\"zone\" down"] {
        assert!(sort_keys(wrong).is_err(), "{wrong}");
    }
}
