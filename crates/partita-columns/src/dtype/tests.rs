use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};

use super::{name, parse};

#[test]
fn names_read_back() {
    let types = [
        DataType::Boolean,
        DataType::Int8,
        DataType::Int16,
        DataType::Int32,
        DataType::Int64,
        DataType::UInt8,
        DataType::UInt16,
        DataType::UInt32,
        DataType::UInt64,
        DataType::Float32,
        DataType::Float64,
        DataType::Utf8View,
        DataType::Binary,
        DataType::Date32,
        DataType::Decimal128(10, 2),
        DataType::Timestamp(TimeUnit::Second, None),
        DataType::Timestamp(TimeUnit::Nanosecond, Some(Arc::from("America/New_York"))),
        DataType::Timestamp(TimeUnit::Millisecond, Some(Arc::from("+05:30"))),
        DataType::Duration(TimeUnit::Microsecond),
        DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8View)),
    ];
    for data_type in types {
        assert_eq!(parse(&name(&data_type)).unwrap(), data_type);
        assert_eq!(parse(&name(&data_type).replace('(', " ( ")).unwrap(), data_type);
    }
}

#[test]
fn sql_names_are_known() {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")));
    for (text, data_type) in [
        ("bigint", DataType::Int64),
        ("INTEGER", DataType::Int64),
        ("double  precision", DataType::Float64),
        ("VarChar", DataType::Utf8View),
        ("numeric(5)", DataType::Decimal128(5, 0)),
        ("date", DataType::Date32),
        (" timestamp ", DataType::Timestamp(TimeUnit::Microsecond, None)),
        ("timestamp with time zone", utc),
    ] {
        assert_eq!(parse(text).unwrap(), data_type, "{text}");
    }
}

#[test]
fn others_are_refused_with_the_list() {
    for text in [
        "",
        "int65",
        "decimal(39, 0)",
        "decimal(5, 6)",
        "decimal(0, 0)",
        "timestamp(us, Nowhere)",
        "timestamp(h)",
        "int64(",
        "int64(3)",
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.starts_with("unknown type") && error.contains("Decimal(precision, scale)"), "{error}");
    }
}
