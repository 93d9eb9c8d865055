//! Statistics of chunks and pages against the values.

use arrow::datatypes::Float64Type;
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::statistics::Statistics as Chunk;
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Statistics of chunks and pages bound the values, and count the nulls.
    #[test]
    fn statistics_bound_the_values(
        ints in proptest::collection::vec(proptest::option::of(any::<i64>()), 1..400),
        seed in any::<u64>(),
        rows_max in 50..500_usize,
    ) {
        let floats: Float64Array = ints.iter().enumerate().map(|(row, value)| {
            value.map(|value| match value.wrapping_mul(seed as i64).wrapping_add(row as i64) % 7 {
                0 => f64::NAN,
                1 => -0.0,
                2 => 0.0,
                other => other as f64 * 0.1,
            })
        }).collect();
        let texts: StringViewArray = ints.iter().map(|value| value.map(|value| "é".repeat((value % 90).unsigned_abs() as usize))).collect();
        let ints = Int64Array::from(ints);
        let rows = batch(vec![("n", column(ints)), ("f", column(floats)), ("t", column(texts))]);
        let options = WriteOptions { row_group_rows_max: rows_max, page_rows_max: 20, ..WriteOptions::default() };
        let (bytes, _) = write(std::slice::from_ref(&rows), &options).unwrap();
        let meta = metadata(&bytes);
        let mut first = 0;
        for (number, group) in meta.row_groups().iter().enumerate() {
            let there = rows.slice(first, group.num_rows() as usize);
            check_chunk(group.column(0).statistics().unwrap(), &there);
            check_pages(&meta, number, &there);
            first += there.num_rows();
        }
        prop_assert_eq!(first, rows.num_rows());
        // NaN is equal to itself as bits only.
        let got = read(&bytes);
        prop_assert_eq!(format!("{:?}", got.column(1)), format!("{:?}", rows.column(1)));
    }
}

fn check_chunk(statistics: &Chunk, rows: &RecordBatch) {
    let values = rows.column(0).as_primitive::<Int64Type>();
    let Chunk::Int64(statistics) = statistics else { panic!("{statistics:?}") };
    assert_eq!(statistics.min_opt().copied(), values.iter().flatten().min());
    assert_eq!(statistics.max_opt().copied(), values.iter().flatten().max());
    assert_eq!(statistics.null_count_opt(), Some(values.null_count() as u64));
}

fn check_pages(meta: &ParquetMetaData, group: usize, rows: &RecordBatch) {
    let index = &meta.column_index().unwrap()[group];
    let offsets = &meta.offset_index().unwrap()[group];
    for leaf in 0..3 {
        let starts: Vec<usize> =
            offsets[leaf].page_locations().iter().map(|page| page.first_row_index as usize).collect();
        for (page, &start) in starts.iter().enumerate() {
            let end = starts.get(page + 1).copied().unwrap_or(rows.num_rows());
            let values = rows.column(leaf).slice(start, end - start);
            match &index[leaf] {
                ColumnIndexMetaData::INT64(index) => {
                    let values = values.as_primitive::<Int64Type>();
                    assert_eq!(index.min_value(page).copied(), values.iter().flatten().min());
                    assert_eq!(index.max_value(page).copied(), values.iter().flatten().max());
                }
                ColumnIndexMetaData::DOUBLE(index) => {
                    let (low, high) = (index.min_value(page).copied(), index.max_value(page).copied());
                    for value in values.as_primitive::<Float64Type>().iter().flatten() {
                        assert!(value.is_nan() || (low.unwrap() <= value && value <= high.unwrap()));
                    }
                }
                ColumnIndexMetaData::BYTE_ARRAY(index) => {
                    let (low, high) = (index.min_value(page), index.max_value(page));
                    for value in values.as_string_view().iter().flatten() {
                        assert!(low.unwrap() <= value.as_bytes() && value.as_bytes() <= high.unwrap());
                    }
                }
                // No page index where a page has nothing but NaN.
                ColumnIndexMetaData::NONE => assert_eq!(leaf, 1),
                other => panic!("{other:?}"),
            }
        }
    }
}
