//! Pages that wait in files, and pages of wide tables.

use super::*;

/// A file in memory.
#[derive(Default)]
struct Mem(Mutex<Vec<u8>>);

impl PageFile for Mem {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        let (start, end) = (offset as usize, offset as usize + bytes.len());
        if file.len() < end {
            file.resize(end, 0);
        }
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        let file = self.0.lock().unwrap();
        let bytes = file.get(offset as usize..offset as usize + buffer.len());
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

#[test]
fn pages_that_waited_in_a_file_make_the_same_part() {
    let rows = every_type();
    let options = WriteOptions { row_group_rows_max: 2, ..WriteOptions::default() };
    let (expected, _) = write(std::slice::from_ref(&rows), &options).unwrap();
    let mut groups = encode(std::slice::from_ref(&rows), &options).unwrap();
    let mem = Arc::new(Mem::default());
    let file: Arc<dyn PageFile> = Arc::clone(&mem) as Arc<dyn PageFile>;
    let mut offset = 10;
    for group in &mut groups {
        let written = group.spill(&file, offset).unwrap();
        assert_eq!((written, group.memory_bytes()), (group.bytes(), 0));
        offset += written;
    }
    assert_eq!(mem.0.lock().unwrap().len() as u64, offset);
    let (got, _) = write_groups(groups, rows.schema(), &options).unwrap();
    assert_eq!(got, expected);

    let mut groups = encode(std::slice::from_ref(&rows), &options).unwrap();
    groups[0].spill(&file, 0).unwrap();
    mem.0.lock().unwrap().truncate(3);
    assert!(write_groups(groups, rows.schema(), &options).is_err());
}

/// An encoder that moves its pages into a file every few batches.
fn encode_spilling(
    rows: &RecordBatch,
    batches: usize,
    file: &Arc<dyn PageFile>,
    end: &mut u64,
) -> EncodedRowGroup {
    let mut encoder = RowGroupEncoder::new(rows.schema(), &WriteOptions::default()).unwrap();
    for batch in 0..batches {
        encoder.write(rows).unwrap();
        if batch % 7 == 6 {
            let before = encoder.memory_bytes();
            let written = encoder.spill(file, *end).unwrap();
            *end += written;
            assert_eq!(encoder.memory_bytes() + written as usize, before);
            assert_eq!(encoder.spill(file, *end).unwrap(), 0);
        }
    }
    encoder.finish().unwrap()
}

#[test]
fn encoders_may_spill_as_they_go() {
    let numbers = column(Int64Array::from_iter_values((0..8192).map(scattered)));
    let texts = column(StringViewArray::from_iter_values((0..8192).map(|n| format!("text {}", n % 1000))));
    let rows = batch(vec![("n", numbers), ("t", texts)]);
    let mem = Arc::new(Mem::default());
    let file = Arc::clone(&mem) as Arc<dyn PageFile>;
    let mut end = 0;
    let spilled = encode_spilling(&rows, 60, &file, &mut end);
    assert!(end > 100_000, "{end}");
    assert_eq!(mem.0.lock().unwrap().len() as u64, end);
    let mut encoder = RowGroupEncoder::new(rows.schema(), &WriteOptions::default()).unwrap();
    (0..60).for_each(|_| encoder.write(&rows).unwrap());
    let whole = encoder.finish().unwrap();
    assert_eq!(spilled.bytes(), whole.bytes());
    assert!(spilled.memory_bytes() < whole.memory_bytes());
    let (expected, _) = write_groups(vec![whole], rows.schema(), &WriteOptions::default()).unwrap();
    let (got, _) = write_groups(vec![spilled], rows.schema(), &WriteOptions::default()).unwrap();
    assert_eq!(got, expected);
}

/// A file on a full disk.
struct Full;

impl PageFile for Full {
    fn write_at(&self, _: u64, _: &[u8]) -> io::Result<()> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn read_at(&self, _: u64, _: &mut [u8]) -> io::Result<()> {
        Err(io::ErrorKind::UnexpectedEof.into())
    }
}

#[test]
fn pages_that_could_not_be_written_stay_in_memory() {
    let rows = every_type();
    let (expected, _) = write(std::slice::from_ref(&rows), &WriteOptions::default()).unwrap();
    let mut groups = encode(std::slice::from_ref(&rows), &WriteOptions::default()).unwrap();
    let before = groups[0].memory_bytes();
    let full: Arc<dyn PageFile> = Arc::new(Full);
    assert_eq!(groups[0].spill(&full, 0).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(groups[0].memory_bytes(), before);
    assert_eq!(write_groups(groups, rows.schema(), &WriteOptions::default()).unwrap().0, expected);
}

#[test]
fn pages_are_smaller_where_columns_are_many() {
    let limits = |leaves| {
        let limits = WriteOptions::default().page_limits(leaves);
        (limits.page_rows, limits.page_bytes, limits.dictionary_bytes)
    };
    assert_eq!(limits(1), (64 << 10, 1 << 20, 1 << 20));
    assert_eq!(limits(14), (64 << 10, 1 << 20, 1 << 20));
    assert_eq!(limits(128), (32 << 10, 112 << 10, 112 << 10));
    assert_eq!(limits(1_000_000), (8 << 10, 14 << 10, 14 << 10));
    // What was asked for is never passed.
    let asked = WriteOptions { page_rows_max: 100, page_bytes_max: 2048, ..WriteOptions::default() };
    let asked = asked.page_limits(500);
    assert_eq!((asked.page_rows, asked.page_bytes, asked.dictionary_bytes), (100, 2048, (14 << 20) / 500));

    let values = column(Int64Array::from_iter_values((0..40_000).map(|n| n * 7919)));
    let names: Vec<_> = (0..128).map(|n| format!("c{n}")).collect();
    let wide = batch(names.iter().map(|name| (name.as_str(), Arc::clone(&values))).collect());
    let plain = WriteOptions { dictionary: false, ..WriteOptions::default() };
    let (bytes, _) = write(&[wide], &plain).unwrap();
    let file = metadata(&bytes);
    let pages = file.offset_index().unwrap()[0][0].page_locations().len();
    // 112 KiB hold 14 Ki values; it is looked at after every 8 Ki.
    assert_eq!(pages, 3);
}
