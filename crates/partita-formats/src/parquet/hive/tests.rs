use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int8Array, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMicrosecondArray, TimestampSecondArray, UInt64Array,
};
use proptest::prelude::*;

use super::*;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
        .unwrap()
}

/// The folders of each row, by the column `k`.
fn folders(column: ArrayRef) -> Vec<String> {
    let rows = column.len();
    let batch = batch(vec![("k", column), ("x", Arc::new(Int64Array::from(vec![0; rows])))]);
    let mut keys = PartitionKeys::new(&batch.schema(), &["k".to_owned()]).unwrap();
    let numbers = keys.numbers(&batch).unwrap();
    numbers.iter().map(|&number| keys.key(number).unwrap().folder().to_owned()).collect()
}

#[test]
fn values_of_every_type_have_a_folder() {
    let cases: Vec<(ArrayRef, &[&str])> = vec![
        (Arc::new(BooleanArray::from(vec![true, false])), &["k=true", "k=false"]),
        (Arc::new(Int8Array::from(vec![-128, 7])), &["k=-128", "k=7"]),
        (Arc::new(UInt64Array::from(vec![u64::MAX])), &["k=18446744073709551615"]),
        (Arc::new(Date32Array::from(vec![0, -1, 19_753])), &["k=1970-01-01", "k=1969-12-31", "k=2024-01-31"]),
        (
            Arc::new(TimestampMicrosecondArray::from(vec![0, 1_706_702_400_250_000])),
            &["k=1970-01-01%2000%3A00%3A00", "k=2024-01-31%2012%3A00%3A00.250"],
        ),
        (
            Arc::new(TimestampSecondArray::from(vec![1_706_702_400]).with_timezone("Europe/Berlin")),
            &["k=2024-01-31%2013%3A00%3A00%2B01%3A00"],
        ),
        (
            Arc::new(StringArray::from(vec![Some("a"), None, Some(""), Some("A b")])),
            &["k=a", "k=__HIVE_DEFAULT_PARTITION__", "k=", "k=A%20b"],
        ),
        (
            Arc::new(StringViewArray::from(vec![
                "../x",
                "..",
                ".",
                "a=b%",
                "\u{0}\n",
                "__HIVE_DEFAULT_PARTITION__",
            ])),
            &["k=..%2Fx", "k=%2E%2E", "k=%2E", "k=a%3Db%25", "k=%00%0A", "k=%5F_HIVE_DEFAULT_PARTITION__"],
        ),
        // One letter, and a letter with a mark behind it.
        (Arc::new(StringViewArray::from(vec!["\u{e9}", "e\u{301}"])), &["k=%C3%A9", "k=e%CC%81"]),
    ];
    for (column, expected) in cases {
        assert_eq!(folders(column), expected);
    }
}

#[test]
fn several_columns_make_folders_in_folders() {
    let batch = batch(vec![
        ("_hidden", Arc::new(Int64Array::from(vec![Some(1), None, Some(1)]))),
        ("x", Arc::new(Float64Array::from(vec![0.0; 3]))),
        ("a/b", Arc::new(StringViewArray::from(vec!["u", "u", "u"]))),
    ]);
    let on = ["a/b".to_owned(), "_hidden".to_owned()];
    let mut keys = PartitionKeys::new(&batch.schema(), &on).unwrap();
    assert_eq!(keys.numbers(&batch).unwrap(), [0, 1, 0]);
    let first = keys.key(0).unwrap();
    assert_eq!(first.folder(), "a%2Fb=u/%5Fhidden=1");
    let one = Some("1".to_owned());
    assert_eq!(first.values(), [("a/b".to_owned(), Some("u".to_owned())), ("_hidden".to_owned(), one)]);
    assert_eq!(keys.key(1).unwrap().folder(), "a%2Fb=u/%5Fhidden=__HIVE_DEFAULT_PARTITION__");
    assert_eq!(keys.key(2), None);
    let (files, named) = split_schema(&batch.schema(), &on).unwrap();
    assert_eq!(files.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["x"]);
    assert_eq!(named.iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["a/b", "_hidden"]);
}

#[test]
fn wrong_columns_are_refused() {
    let batch = batch(vec![
        ("a", Arc::new(Int64Array::from(vec![1]))),
        ("f", Arc::new(Float64Array::from(vec![1.0]))),
    ]);
    let refused = |on: &[&str]| {
        let on: Vec<_> = on.iter().map(|name| (*name).to_owned()).collect();
        split_schema(&batch.schema(), &on).unwrap_err().to_string()
    };
    assert_eq!(refused(&["b"]), "partition_on: no column \"b\"; there are a, f");
    assert_eq!(refused(&["a", "a"]), "partition_on: column \"a\" is named twice");
    assert_eq!(
        refused(&["f"]),
        "partition_on: column \"f\" is Float64; expected Boolean, integers, Utf8, Date32 or Timestamp"
    );
    let only = batch.project(&[0]).unwrap();
    let error = split_schema(&only.schema(), &["a".to_owned()]).unwrap_err();
    assert_eq!(error.to_string(), "partition_on: expected a column that is no key, got keys alone");
}

#[test]
fn too_long_and_too_many_are_refused() {
    let long = batch(vec![
        ("k", Arc::new(StringViewArray::from(vec!["é".repeat(43)]))),
        ("x", Arc::new(Int64Array::from(vec![0]))),
    ]);
    let mut keys = PartitionKeys::new(&long.schema(), &["k".to_owned()]).unwrap();
    let error = keys.numbers(&long).unwrap_err().to_string();
    assert_eq!(
        error,
        "partition_on: a value of column \"k\" makes a folder name of 260 bytes, and 255 is the limit"
    );
    let rows = KEYS_MAX as i64 + 1;
    let many = batch(vec![
        ("k", Arc::new(Int64Array::from_iter_values(0..rows))),
        ("x", Arc::new(Int64Array::from_iter_values(0..rows))),
    ]);
    let mut keys = PartitionKeys::new(&many.schema(), &["k".to_owned()]).unwrap();
    assert_eq!(keys.numbers(&many.slice(1, KEYS_MAX)).unwrap().len(), KEYS_MAX);
    let error = keys.numbers(&many).unwrap_err().to_string();
    assert_eq!(error, "partition_on: k have more than 65536 different values; name columns with fewer");
}

/// What a reader makes of a folder's name.
fn decode(folder: &str) -> Option<String> {
    let value = folder.split_once('=').unwrap().1;
    if value == NULL_FOLDER {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = value.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            byte => byte,
        });
    }
    Some(String::from_utf8(bytes).unwrap())
}

proptest! {
    #[test]
    fn any_text_is_a_plain_folder_and_comes_back(texts in prop::collection::vec(prop::option::of(".{0,20}"), 1..20)) {
        let names = folders(Arc::new(StringViewArray::from_iter(texts.iter().map(|text| text.as_deref()))));
        let back: Vec<_> = names.iter().map(|name| decode(name)).collect();
        prop_assert_eq!(&back, &texts);
        for name in &names {
            prop_assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%=".contains(&byte)));
        }
        let different: BTreeSet<_> = texts.iter().collect();
        prop_assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), different.len());
    }
}
