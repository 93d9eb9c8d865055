use super::*;

fn schema(columns: &[(&str, DataType, bool)]) -> SchemaRef {
    let fields =
        columns.iter().map(|(name, data_type, nullable)| Field::new(*name, data_type.clone(), *nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[test]
fn columns_go_by_name_and_missing_ones_may_be_null() {
    let a = schema(&[("id", DataType::Int32, false), ("name", DataType::Utf8View, true)]);
    let b = schema(&[("fare", DataType::Float64, false), ("id", DataType::Int64, false)]);
    let both = merged([("a", &a), ("b", &b)]).unwrap();
    let expected = schema(&[
        ("id", DataType::Int64, false),
        ("name", DataType::Utf8View, true),
        ("fare", DataType::Float64, true),
    ]);
    assert_eq!(both, expected);
    // A column that a later file lacks may be null although no file says so.
    let c = schema(&[("id", DataType::Int64, false)]);
    let d = schema(&[("other", DataType::Int64, false)]);
    let all = merged([("c", &c), ("d", &d)]).unwrap();
    assert!(all.fields().iter().all(|field| field.is_nullable()));
    assert_eq!(merged([]).unwrap().fields().len(), 0);
}

#[test]
fn types_widen_to_one_that_holds_both() {
    use DataType as T;
    let us = T::Timestamp(TimeUnit::Microsecond, None);
    for (one, other, expected) in [
        (T::Int8, T::Int64, Some(T::Int64)),
        (T::UInt8, T::UInt32, Some(T::UInt32)),
        (T::Int8, T::UInt8, Some(T::Int16)),
        (T::Int64, T::UInt32, Some(T::Int64)),
        (T::Int32, T::UInt32, Some(T::Int64)),
        (T::Int64, T::UInt64, None),
        (T::Float32, T::Float64, Some(T::Float64)),
        (T::Int16, T::Float32, Some(T::Float32)),
        (T::Int32, T::Float32, Some(T::Float64)),
        (T::Int64, T::Float64, None),
        (T::Date32, us.clone(), Some(us.clone())),
        (
            us.clone(),
            T::Timestamp(TimeUnit::Nanosecond, None),
            Some(T::Timestamp(TimeUnit::Nanosecond, None)),
        ),
        (us, T::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), None),
        (T::Decimal128(5, 2), T::Decimal128(6, 4), Some(T::Decimal128(7, 4))),
        (T::Decimal128(38, 0), T::Decimal128(5, 4), None),
        (T::Utf8, T::Utf8View, Some(T::Utf8View)),
        (T::Dictionary(Box::new(T::Int32), Box::new(T::Utf8)), T::Utf8View, Some(T::Utf8View)),
        (T::Null, T::Boolean, Some(T::Boolean)),
        (T::Boolean, T::Int64, None),
        (T::Utf8View, T::Int64, None),
    ] {
        assert_eq!(together(&one, &other), expected, "{one} with {other}");
        assert_eq!(together(&other, &one), expected, "{other} with {one}");
    }
}

#[test]
fn types_that_do_not_go_together_are_told_with_their_files() {
    let a = schema(&[("id", DataType::Utf8View, true)]);
    let b = schema(&[("id", DataType::Int64, true)]);
    let message = merged([("a.parquet", &a), ("b.parquet", &b)]).unwrap_err().to_string();
    assert!(message.contains("\"id\" is Utf8View in a.parquet and Int64 in b.parquet"), "{message}");
}
