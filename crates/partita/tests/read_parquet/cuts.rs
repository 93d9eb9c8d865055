//! Row groups that are larger than a partition.

use std::sync::Arc;

use parquet::arrow::ArrowWriter;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use partita::arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, StringArray};
use partita::arrow::datatypes::Int64Type;

use super::*;
use crate::disk::CountingDisk;

const ROWS: usize = 20_000;

/// Rows in the order of `id`, of flat columns, and a nested one where that is wanted.
fn table(with_list: bool) -> RecordBatch {
    let rows = 0..ROWS as i64;
    let id: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.clone()));
    let fare: ArrayRef =
        Arc::new(Float64Array::from_iter(rows.clone().map(|row| (row % 7 > 0).then_some(row as f64 * 1.01))));
    let note = rows.clone().map(|row| (row % 5 > 0).then(|| format!("note {} of {row}", row * 7919 % 1000)));
    let note: ArrayRef = Arc::new(StringArray::from_iter(note));
    let mut columns = vec![("id", id), ("fare", fare), ("note", note)];
    if with_list {
        let items = rows.map(|row| (row % 3 > 0).then(|| (0..row % 40).map(Some)));
        columns.push(("items", Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(items))));
    }
    RecordBatch::try_from_iter(columns).unwrap()
}

/// The table in one row group, by the `parquet` crate.
fn written_by_crate(path: &Path, with_list: bool, with_index: bool, version: WriterVersion) {
    let statistics = if with_index { EnabledStatistics::Page } else { EnabledStatistics::Chunk };
    let properties = WriterProperties::builder()
        .set_writer_version(version)
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(!with_index)
        .set_data_page_row_count_limit(500)
        .set_write_batch_size(100)
        .build();
    let table = table(with_list);
    let file = std::fs::File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, table.schema(), Some(properties)).unwrap();
    writer.write(&table).unwrap();
    let metadata = writer.close().unwrap();
    assert_eq!(metadata.num_row_groups(), 1);
    assert_eq!(metadata.row_group(0).column(0).offset_index_offset().is_some(), with_index);
}

/// The same by the engine's own writer, with a page index.
fn written_by_us(path: &Path) {
    let (session, table) = (session(), table(true));
    let frame = session.from_batches(table.schema(), vec![vec![table]]).unwrap();
    frame.to_parquet(path).page_rows(500).write().unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let path = |name: &str| folder.join(name);
    written_by_us(&path("ours.parquet"));
    written_by_crate(&path("index.parquet"), true, true, WriterVersion::PARQUET_1_0);
    written_by_crate(&path("walk.parquet"), false, false, WriterVersion::PARQUET_1_0);
    written_by_crate(&path("walk2.parquet"), false, false, WriterVersion::PARQUET_2_0);
    ["ours", "index", "walk", "walk2"].map(|name| path(&format!("{name}.parquet"))).to_vec()
}

#[test]
fn a_large_row_group_is_read_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    for path in files(folder.path()) {
        let said = path.display();
        let whole = session.read_parquet(&path).load().unwrap();
        assert_eq!(whole.npartitions().unwrap(), 1, "{said}");
        let frame = session.read_parquet(&path).partition_size(64 << 10).load().unwrap();
        let count = frame.npartitions().unwrap();
        assert!((4..40).contains(&count), "{said}: {count} partitions");
        let expected = joined(&whole);
        assert_eq!(joined(&frame), expected, "{said}");
        let parts: Vec<usize> =
            (0..count).map(|part| frame.partitions(part..part + 1).compute().unwrap().height()).collect();
        assert_eq!(parts.iter().sum::<usize>(), ROWS, "{said}");
        assert!(parts.iter().all(|rows| *rows > 0 && *rows < ROWS / 3), "{said}: {parts:?}");
        assert_eq!(frame.partitions(1..3).len().unwrap() as usize, parts[1] + parts[2], "{said}");
        for filter in ["id >= 7000 and id < 7100", "fare is null", "note = 'note 838 of 2'", "id < 0"] {
            let filter = expr(filter).unwrap();
            let (got, expected) = (frame.filter(filter.clone()), whole.filter(filter.clone()));
            assert_eq!(joined(&got), joined(&expected), "{said}: {filter}");
            assert_eq!(got.len().unwrap(), expected.len().unwrap(), "{said}: {filter}");
        }
        assert_eq!(frame.tail(3).unwrap(), whole.tail(3).unwrap(), "{said}");
        for partitions in [0..count, 2..count] {
            let ends =
                |frame: &DataFrame| frame.reduce([col("id").max(), col("fare").min(), len().alias("rows")]);
            let part = frame.partitions(partitions.clone());
            let given = session.from_batches(part.schema().unwrap(), vec![part.compute_batches().unwrap()]);
            assert_eq!(ends(&part).compute().unwrap(), ends(&given.unwrap()).compute().unwrap(), "{said}");
        }
        let text = frame.explain(Stage::Fused).unwrap();
        assert!(text.contains(&format!("1 of 1 row groups in {count} partitions")), "{text}");
    }
}

#[test]
fn parts_have_divisions_where_the_page_index_proves_them() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    for path in files(folder.path()) {
        let frame = session.read_parquet(&path).partition_size(64 << 10).index("id").load().unwrap();
        let count = frame.npartitions().unwrap();
        assert!(count > 3, "{}", path.display());
        match frame.divisions().unwrap() {
            partita::Divisions::Unknown => {
                assert!(path.to_str().unwrap().contains("walk"), "{}", path.display());
            }
            partita::Divisions::Known { column, values } => {
                assert!(!path.to_str().unwrap().contains("walk"), "{}", path.display());
                let mut first = 0;
                let starts = (0..count).map(|part| {
                    let start = first;
                    first += frame.partitions(part..part + 1).compute().unwrap().height();
                    start
                });
                let expected: Vec<String> = starts.chain([ROWS - 1]).map(|id| id.to_string()).collect();
                let values: Vec<String> = values.iter().map(ToString::to_string).collect();
                assert_eq!((column.as_str(), values), ("id", expected));
            }
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_part_reads_its_share_of_the_bytes() {
    let folder = tempfile::tempdir().unwrap();
    for path in files(folder.path()) {
        let (disk, counts) = CountingDisk::new();
        let session = Session::builder().memory_limit("256MiB").threads(2).disk(disk).build().unwrap();
        let frame = session.read_parquet(&path).partition_size(64 << 10).load().unwrap();
        let frame = frame.select(["id", "fare", "note"]);
        let read = |frame: &DataFrame| {
            counts.lock().unwrap().clear();
            frame.compute().unwrap();
            counts.lock().unwrap().values().sum::<u64>()
        };
        let count = frame.npartitions().unwrap();
        let (all, last) = (read(&frame), read(&frame.partitions(count - 1..count)));
        assert!(last * 2 < all, "{}: {last} of {all} bytes", path.display());
    }
}

#[test]
fn what_cannot_be_cut_is_one_partition() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nested.parquet");
    // Where the pages of a list begin only an index could tell.
    let properties = WriterProperties::builder().set_offset_index_disabled(true);
    let properties = properties.set_statistics_enabled(EnabledStatistics::Chunk).build();
    let list = table(true).project(&[3]).unwrap();
    let file = std::fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(file, list.schema(), Some(properties)).unwrap();
    writer.write(&list).unwrap();
    writer.close().unwrap();
    let frame = session().read_parquet(&path).partition_size(16 << 10).load().unwrap();
    assert_eq!((frame.npartitions().unwrap(), frame.compute().unwrap().height()), (1, ROWS));
}
