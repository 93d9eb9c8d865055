//! Bloom filters and Brotli, as the `parquet` crate's own reader finds them.

use bytes::Bytes;
use parquet::bloom_filter::Sbbf;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::FileReader;
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};

use super::*;

/// The filters of the first row group.
fn filters(bytes: &[u8]) -> Vec<Option<Sbbf>> {
    let properties = ReaderProperties::builder().set_read_bloom_filter(true).build();
    let options = ReadOptionsBuilder::new().with_reader_properties(properties).build();
    let reader = SerializedFileReader::new_with_options(Bytes::copy_from_slice(bytes), options).unwrap();
    let group = reader.get_row_group(0).unwrap();
    (0..group.num_columns()).map(|column| group.get_column_bloom_filter(column).cloned()).collect()
}

#[test]
fn a_filter_has_every_value_and_few_others() {
    let texts: Vec<Option<String>> =
        (0..20_000).map(|n| (n % 5 != 0).then(|| format!("{}{n}", "long ".repeat(n % 4)))).collect();
    let rows = batch(vec![
        ("long", column(Int64Array::from_iter_values((0..20_000).map(|n| n * 3)))),
        ("short", column(UInt8Array::from_iter_values((0..20_000).map(|n| (n % 200) as u8)))),
        ("float", column(Float64Array::from_iter((0..20_000).map(|n| Some(f64::from(n) - 7.0))))),
        ("text", column(StringViewArray::from_iter(texts.iter().map(Option::as_deref)))),
        (
            "fixed",
            column(FixedSizeBinaryArray::try_from_iter((0..20_000_u32).map(u32::to_be_bytes)).unwrap()),
        ),
        ("none", column(Int64Array::from_iter_values(0..20_000))),
    ]);
    let bloom = || ColumnOptions { bloom_filter: true, ..ColumnOptions::default() };
    let columns = ["long", "short", "float", "text", "fixed"].map(|name| (name.to_owned(), bloom()));
    let options = WriteOptions { columns: columns.into(), ..WriteOptions::default() };
    let (bytes, _) = write(&[rows], &options).unwrap();
    let filters = filters(&bytes);
    let filter = |number: usize| filters[number].as_ref().unwrap();
    assert!((0..20_000_i64).all(|n| filter(0).check(&(n * 3))));
    assert!((0..200_i32).all(|n| filter(1).check(&n)));
    assert!(filter(2).check(&0.0_f64) && filter(2).check(&-0.0_f64) && filter(2).check(&19_992.0_f64));
    assert!(texts.iter().flatten().all(|text| filter(3).check(text.as_str())));
    assert!((0..20_000_u32).all(|n| filter(4).check(&n.to_be_bytes()[..])));
    assert!(filters[5].is_none());
    let wrong = (0..20_000_i64).filter(|n| filter(0).check(&(n * 3 + 1))).count();
    assert!(wrong < 600, "{wrong} of 20000 are not there");
    // A column of few values has a small one.
    assert!(filter(1).num_blocks() * 32 <= 1024, "{}", filter(1).num_blocks());
    assert!(filter(0).num_blocks() * 32 <= 64 << 10, "{}", filter(0).num_blocks());
}

#[test]
fn truth_values_have_none() {
    let rows = batch(vec![("b", column(BooleanArray::from(vec![true])))]);
    let bloom = ColumnOptions { bloom_filter: true, ..ColumnOptions::default() };
    let options = WriteOptions { columns: [("b".to_owned(), bloom)].into(), ..WriteOptions::default() };
    let error = write(&[rows], &options).unwrap_err().to_string();
    assert!(error.contains("\"b\"") && error.contains("bloom filter"), "{error}");
}

#[test]
fn brotli_reads_back_at_every_level() {
    let rows = batch(vec![
        ("n", column(Int64Array::from_iter_values((0..5_000).map(|n| n % 77)))),
        ("f", column(FixedSizeBinaryArray::try_from_iter((0..5_000_u32).map(u32::to_be_bytes)).unwrap())),
        ("t", column(StringViewArray::from_iter_values((0..5_000).map(|n| format!("text {}", n * n))))),
    ]);
    for level in 0..=11 {
        let options = WriteOptions { compression: Compression::Brotli(level), ..WriteOptions::default() };
        let (bytes, _) = write(std::slice::from_ref(&rows), &options).unwrap();
        let got = read(&bytes);
        assert_eq!(got.column(0).as_primitive::<Int64Type>(), rows.column(0).as_primitive::<Int64Type>());
        let texts = got.column(2).as_string::<i32>().iter();
        assert!(texts.eq(rows.column(2).as_string_view().iter()));
    }
    assert_eq!("brotli".parse::<Compression>().unwrap(), Compression::Brotli(4));
    assert!("brotli:12".parse::<Compression>().is_err());
}
