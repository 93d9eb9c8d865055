use arrow::datatypes::{DataType, TimeUnit};

use super::*;

fn stamp(unit: TimeUnit, zone: Option<&str>) -> DataType {
    DataType::Timestamp(unit, zone.map(Into::into))
}

#[test]
fn type_names_are_read_back() {
    let types = [
        DataType::Boolean,
        DataType::Int8,
        DataType::Int64,
        DataType::UInt16,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Date32,
        DataType::Utf8View,
        stamp(TimeUnit::Second, None),
        stamp(TimeUnit::Nanosecond, Some("UTC")),
        stamp(TimeUnit::Microsecond, Some("America/New_York")),
        stamp(TimeUnit::Millisecond, Some("+02:00")),
    ];
    for data_type in types {
        assert_eq!(parse_type(&type_name(&data_type)).expect("its own name"), data_type);
    }
}

#[test]
fn types_have_other_names() {
    for (text, expected) in [
        ("int", DataType::Int64),
        ("BIGINT", DataType::Int64),
        ("i32", DataType::Int32),
        ("double", DataType::Float64),
        ("real", DataType::Float32),
        ("BOOL", DataType::Boolean),
        ("string", DataType::Utf8View),
        ("VARCHAR(20)", DataType::Utf8View),
        ("date", DataType::Date32),
        ("datetime", stamp(TimeUnit::Microsecond, None)),
        (" Timestamp ", stamp(TimeUnit::Microsecond, None)),
        ("timestamp[ns]", stamp(TimeUnit::Nanosecond, None)),
        ("datetime64[ns, UTC]", stamp(TimeUnit::Nanosecond, Some("UTC"))),
        ("timestamptz", stamp(TimeUnit::Microsecond, Some("UTC"))),
        ("Timestamp(ms, \"Europe/Amsterdam\")", stamp(TimeUnit::Millisecond, Some("Europe/Amsterdam"))),
        ("Timestamp(Microsecond, None)", stamp(TimeUnit::Microsecond, None)),
    ] {
        assert_eq!(parse_type(text).expect(text), expected, "{text}");
    }
    for text in [
        "",
        "number",
        "Int65",
        "Timestamp(days)",
        "Timestamp(us, \"Mars\")",
        "int(",
        "Utf8(",
        "decimal(10, 2)",
    ] {
        let error = parse_type(text).expect_err(text).to_string();
        assert!(error.starts_with(&format!("unknown type {text:?}; expected Boolean, Int8")), "{error}");
    }
}

#[test]
fn a_schema_comes_back_from_its_file() {
    let options = ReadOptions {
        separator: b';',
        quote: None,
        null_values: vec!["NA".into()],
        column_null_values: vec![("n".into(), vec!["-1".into()])],
        date_formats: vec![("when".into(), "%d.%m.%Y".into())],
        encoding: Encoding::Latin1,
        ragged: Ragged::Error,
        decimal: b',',
        thousands: Some(b'.'),
        include_path: Some("path".into()),
        ..ReadOptions::default()
    };
    let types = vec![
        ("when".to_owned(), DataType::Date32),
        ("n".to_owned(), DataType::Int64),
        ("path".to_owned(), DataType::Utf8View),
    ];
    let text = SchemaFile::new(&types, &options).to_json().expect("json");
    expect_test::expect![[r#"
        {
          "columns": [
            {
              "name": "when",
              "type": "Date32",
              "format": "%d.%m.%Y"
            },
            {
              "name": "n",
              "type": "Int64",
              "null_values": [
                "-1"
              ]
            }
          ],
          "options": {
            "separator": ";",
            "quote": "",
            "null_values": [
              "NA"
            ],
            "decimal": ",",
            "thousands": ".",
            "ragged": "error",
            "encoding": "Latin1"
          }
        }
    "#]]
    .assert_eq(&text);

    let mut applied = ReadOptions::default();
    SchemaFile::from_json("s.json", &text).expect("a schema").apply(&mut applied).expect("options");
    let expected =
        ReadOptions { include_path: None, infer: Infer::None, dtypes: types[..2].to_vec(), ..options };
    assert_eq!(applied, expected);
    applied.validate().expect("possible");
}

#[test]
fn a_wrong_schema_file_says_where() {
    let error = |text: &str| SchemaFile::from_json("s.json", text).expect_err(text).to_string();
    assert!(error("{}").starts_with("s.json: not a schema file: missing field `columns` at line 1"));
    assert!(
        error(r#"{"columns": [{"name": "a", "type": "Int65"}]}"#)
            .starts_with("s.json: column \"a\": unknown type \"Int65\"")
    );
    assert!(error(r#"{"columns": [], "option": {}}"#).contains("unknown field `option`"));
    let wide =
        SchemaFile::from_json("s.json", r#"{"columns": [], "options": {"separator": "→"}}"#).expect("json");
    let error = wide.apply(&mut ReadOptions::default()).expect_err("no byte").to_string();
    assert_eq!(error, "separator: expected an ASCII character, got '→'");
}
