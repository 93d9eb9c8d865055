use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use proptest::prelude::*;

use super::super::PartitionKeys;
use super::*;

fn named(name: &str, value: Option<&str>) -> Named {
    (name.to_owned(), value.map(str::to_owned))
}

#[test]
fn folders_name_keys_from_the_outside_in() {
    let two = [named("year", Some("2024")), named("city", Some("Köln"))];
    assert_eq!(keys("year=2024/city=K%C3%B6ln/a=b.parquet"), two);
    assert_eq!(keys("x=/part.parquet"), [named("x", Some(""))]);
    assert_eq!(keys("plain/y=a=b/part.parquet"), [named("y", Some("a=b"))]);
    assert_eq!(keys("z=__HIVE_DEFAULT_PARTITION__/p"), [named("z", None)]);
    assert_eq!(keys("z=%5F_HIVE_DEFAULT_PARTITION__/p"), [named("z", Some("__HIVE_DEFAULT_PARTITION__"))]);
    let odd = [named("a", Some("50%")), named("b", Some("%zz")), named("c", Some("%ff"))];
    assert_eq!(keys("a=50%/b=%zz/c=%ff/p"), odd);
    assert!(keys("part.parquet").is_empty());
    assert!(keys("=x/part.parquet").is_empty());
}

#[test]
fn types_are_those_that_all_values_have() {
    let of = |values: &[Option<&'static str>]| data_type(values.iter().copied());
    assert_eq!(of(&[Some("1"), None, Some("-20")]), DataType::Int64);
    assert_eq!(of(&[Some("01"), Some("12")]), DataType::Int64);
    assert_eq!(of(&[Some("1"), Some("x")]), DataType::Utf8View);
    assert_eq!(of(&[Some("1"), Some("")]), DataType::Utf8View);
    assert_eq!(of(&[Some("2024-02-29"), None]), DataType::Date32);
    assert_eq!(of(&[Some("2023-02-29")]), DataType::Utf8View);
    assert_eq!(of(&[Some("2024-02-29"), Some("7")]), DataType::Utf8View);
    assert_eq!(of(&[Some("9223372036854775808")]), DataType::Utf8View);
    assert_eq!(of(&[Some("+1")]), DataType::Utf8View);
    assert_eq!(of(&[None]), DataType::Utf8View);
    assert_eq!(of(&[]), DataType::Utf8View);
}

#[test]
fn values_have_the_type_that_is_asked_for() {
    assert_eq!(scalar("k", Some("7"), &DataType::Int64).unwrap(), Scalar::Int64(7));
    assert_eq!(scalar("k", Some("1970-01-03"), &DataType::Date32).unwrap(), Scalar::Date32(2));
    assert_eq!(scalar("k", Some("007"), &DataType::Utf8View).unwrap(), Scalar::Utf8("007".to_owned()));
    assert_eq!(scalar("k", Some("true"), &DataType::Boolean).unwrap(), Scalar::Boolean(true));
    assert_eq!(scalar("k", None, &DataType::Int64).unwrap(), Scalar::Null(DataType::Int64));
    let message = scalar("k", Some("x"), &DataType::Int16).unwrap_err().to_string();
    assert!(message.contains("\"k\" is Int16") && message.contains("\"x\""), "{message}");
}

proptest! {
    #[test]
    fn what_the_writer_names_is_read_back(name in "\\PC{1,10}", value in proptest::option::of("\\PC{0,10}")) {
        prop_assume!(name != "rest");
        let columns: [(&str, ArrayRef); 2] = [
            (&name, Arc::new(StringArray::from(vec![value.as_deref()]))),
            ("rest", Arc::new(StringArray::from(vec!["x"]))),
        ];
        let columns = columns.map(|(name, array)| (name, array, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let mut written = PartitionKeys::new(&batch.schema(), std::slice::from_ref(&name)).unwrap();
        let number = written.numbers(&batch).unwrap()[0];
        let folder = written.key(number).unwrap().folder();
        prop_assert_eq!(keys(&format!("{folder}/part-0.parquet")), vec![(name, value)]);
    }
}
