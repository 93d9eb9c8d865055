//! Lines of JSON and Arrow IPC in: what was written is read back, by whichever threads, in whichever blocks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use partita::arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, ListArray, RecordBatch, StringViewArray, StructArray,
    TimestampMicrosecondArray,
};
use partita::arrow::buffer::NullBuffer;
use partita::arrow::compute::concat_batches;
use partita::arrow::datatypes::{Field, Int64Type, Schema};
use partita::prelude::*;
use partita::{InputFormat, IpcCompression};

fn session() -> Session {
    session_of("256MiB", Scheduler::Threaded, 2)
}

fn session_of(limit: &str, scheduler: Scheduler, threads: usize) -> Session {
    Session::builder().memory_limit(limit).scheduler(scheduler).threads(threads).build().unwrap()
}

fn joined(frame: &DataFrame) -> RecordBatch {
    concat_batches(&frame.schema().unwrap(), &frame.compute_batches().unwrap()).unwrap()
}

/// Rows of many kinds of columns, with nulls.
fn rows(count: i64) -> RecordBatch {
    let some = |row: i64| row % 7 > 0;
    let ints: ArrayRef =
        Arc::new((0..count).map(|row| some(row).then_some(row * 31)).collect::<Int64Array>());
    let floats: Float64Array = (0..count).map(|row| some(row + 1).then_some(row as f64 / 8.0)).collect();
    let truths: BooleanArray = (0..count).map(|row| some(row + 2).then_some(row % 2 == 0)).collect();
    let text = |row: i64| format!("text {row} \"of\" its\\own\n\u{1}é{}", "x".repeat(row as usize % 30));
    let texts: ArrayRef =
        Arc::new((0..count).map(|row| some(row + 3).then(|| text(row))).collect::<StringViewArray>());
    let stamps: TimestampMicrosecondArray =
        (0..count).map(|row| some(row + 4).then_some(row * 1_234_567)).collect();
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(
        (0..count).map(|row| some(row + 5).then(|| (0..row % 4).map(Some).collect::<Vec<_>>())),
    );
    let fields = vec![Field::new("n", DataType::Int64, true), Field::new("t", DataType::Utf8View, true)];
    let nulls: NullBuffer = (0..count).map(|row| some(row + 6)).collect::<Vec<_>>().into();
    let structs = StructArray::new(fields.into(), vec![Arc::clone(&ints), Arc::clone(&texts)], Some(nulls));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new((0..count).collect::<Int64Array>())),
        ("int", ints),
        ("float", Arc::new(floats)),
        ("truth", Arc::new(truths)),
        ("text", texts),
        ("stamp", Arc::new(stamps)),
        ("list", Arc::new(lists)),
        ("struct", Arc::new(structs)),
    ];
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    RecordBatch::try_from_iter_with_nullable(columns).unwrap()
}

fn frame(session: &Session, rows: &RecordBatch, cut: usize) -> DataFrame {
    let partitions = (0..rows.num_rows()).step_by(cut);
    let partitions = partitions.map(|at| vec![rows.slice(at, cut.min(rows.num_rows() - at))]).collect();
    session.from_batches(rows.schema(), partitions).unwrap()
}

#[test]
fn lines_of_json_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let (one, many) = (folder.path().join("one.ndjson"), folder.path().join("many"));
    let expected = rows(3000);
    let written = frame(&session(), &expected, 700);
    written.to_ndjson(&one).write().unwrap();
    written.to_ndjson(&many).file_per_partition(true).write().unwrap();
    assert!(many.join("part-00004.ndjson").is_file());
    // Columns that are given are in their order, whatever is left out.
    let short = folder.path().join("short.jsonl");
    written.to_ndjson(&short).skip_nulls(true).write().unwrap();
    assert!(fs::metadata(&short).unwrap().len() < fs::metadata(&one).unwrap().len());
    let given = session().read_ndjson(&short).schema(expected.schema()).load().unwrap();
    assert_eq!(joined(&given), expected);
    // Times are text unless a type is given.
    let plain = session().read_ndjson(&one).load().unwrap().schema().unwrap();
    assert_eq!(plain.field_with_name("stamp").unwrap().data_type(), &DataType::Utf8View);
    let stamp = expected.schema().field_with_name("stamp").unwrap().data_type().clone();
    for (scheduler, threads) in [(Scheduler::SingleThreaded, 1), (Scheduler::Threaded, 8)] {
        let session = session_of("128MiB", scheduler, threads);
        for bytes in [1_u64 << 30, 50_000, 777] {
            for path in [&one, &many] {
                let reader = session.read_ndjson(path).partition_size(bytes).dtype("stamp", stamp.clone());
                let read = reader.load().unwrap();
                assert_eq!(read.schema().unwrap(), expected.schema());
                assert_eq!(joined(&read), expected, "{scheduler}, {threads}, {bytes}");
                assert_eq!(read.len().unwrap(), 3000);
            }
        }
    }
}

#[test]
fn arrow_files_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let expected = rows(3000);
    let written = frame(&session(), &expected, 700);
    for compression in [IpcCompression::None, IpcCompression::Lz4, IpcCompression::Zstd] {
        let (one, many) = (folder.path().join("one.arrow"), folder.path().join("many"));
        written.to_ipc(&one).ipc_compression(compression).overwrite(true).write().unwrap();
        let parts = written.to_ipc(&many).ipc_compression(compression).file_per_partition(true);
        assert_eq!(parts.overwrite(true).write().unwrap().files.len(), 5);
        for (scheduler, threads) in [(Scheduler::SingleThreaded, 1), (Scheduler::Threaded, 8)] {
            let session = session_of("128MiB", scheduler, threads);
            for (bytes, partitions) in [(1_u64 << 30, 1), (1, 5)] {
                for path in [&one, &many] {
                    let read = session.read_ipc(path).partition_size(bytes).load().unwrap();
                    assert_eq!(read.npartitions().unwrap(), partitions);
                    assert_eq!(read.schema().unwrap(), expected.schema());
                    assert_eq!(joined(&read), expected, "{scheduler}, {threads}, {bytes}");
                    assert_eq!(read.len().unwrap(), 3000);
                }
            }
        }
    }
}

/// What asks for a part of the rows gets it, and the filter is with the reader.
#[test]
fn filters_and_columns_go_down_to_the_reader() {
    let folder = tempfile::tempdir().unwrap();
    let (lines, arrow) = (folder.path().join("a.jsonl"), folder.path().join("a.feather"));
    let expected = rows(500);
    let written = frame(&session(), &expected, 100);
    written.to_ndjson(&lines).write().unwrap();
    written.to_ipc(&arrow).write().unwrap();
    let session = session();
    let predicate = || col("float").gt(lit(20.0)).and(col("truth"));
    let wanted = joined(&written.filter(predicate()).select(["text", "id"]));
    assert!((50..300).contains(&wanted.num_rows()), "{}", wanted.num_rows());
    for read in [
        session
            .read_ndjson(&lines)
            .partition_size(3000_u64)
            .columns(["text", "id"])
            .filters(predicate())
            .load()
            .unwrap(),
        session
            .read_ipc(&arrow)
            .partition_size(1_u64)
            .load()
            .unwrap()
            .filter(predicate())
            .select(["text", "id"]),
    ] {
        assert_eq!(joined(&read), wanted);
        let plan = read.explain(Stage::Fused).unwrap();
        assert!(plan.contains("columns: text, id; filter: ") && !plan.contains("Filter"), "{plan}");
        assert_eq!(read.len().unwrap(), wanted.num_rows() as u64);
        let (first, last) = (read.head(3).unwrap(), read.tail(3).unwrap());
        assert_eq!((first.height(), last.height()), (3, 3));
    }
    let sums = session.read_ndjson(&lines).load().unwrap().reduce([col("id").sum()]);
    assert_eq!(joined(&sums).column(0).as_ref(), &Int64Array::from(vec![499 * 250]));
}

#[test]
fn folders_are_columns_and_files_go_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("year=2023/a.ndjson", "{\"n\": 1}\n{\"n\": 2, \"s\": \"x\"}\n");
    write("year=2024/b.jsonl", "{\"n\": 0.5, \"year\": \"not this\"}\n");
    write("year=2024/notes.txt", "no JSON");
    let session = session();
    let read = session.read_ndjson(folder.path()).include_path("file").load().unwrap();
    assert_eq!(read.columns().unwrap(), ["n", "s", "year", "file"]);
    let all = joined(&read.select(["n", "year"]));
    assert_eq!(all.column(0).as_ref(), &Float64Array::from(vec![1.0, 2.0, 0.5]));
    assert_eq!(all.column(1).as_ref(), &Int64Array::from(vec![2023, 2023, 2024]));
    assert_eq!(read.filter(col("year").eq(lit(2024))).len().unwrap(), 1);
    assert_eq!(read.filter(col("file").str().ends_with("a.ndjson")).len().unwrap(), 2);
    // The same, in Arrow IPC of different columns.
    let parts = folder.path().join("parts");
    for (name, year) in [("year=2023/a.arrow", 2023), ("year=2024/b.arrow", 2024)] {
        let rows = read.filter(col("year").eq(lit(year)));
        let rows = if year == 2023 { rows.select(["n", "s"]) } else { rows.select(["n"]) };
        fs::create_dir_all(parts.join(name).parent().unwrap()).unwrap();
        rows.to_ipc(parts.join(name)).write().unwrap();
    }
    let again = session.read_ipc(&parts).load().unwrap();
    assert_eq!(again.columns().unwrap(), ["n", "s", "year"]);
    assert_eq!(joined(&again), joined(&read.select(["n", "s", "year"])));
    let late = session.read_ipc(&parts).filters(col("year").gt(lit(2023))).load().unwrap();
    assert_eq!(late.len().unwrap(), 1);
}

#[test]
fn compressed_lines_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let text: String = (0..9000).map(|n| format!("{{\"n\": {n}, \"t\": \"{}\"}}\n", n % 7)).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    fs::write(folder.path().join("a.ndjson.gz"), gzip.finish().unwrap()).unwrap();
    fs::write(folder.path().join("b.jsonl.zst"), zstd::encode_all(text.as_bytes(), 3).unwrap()).unwrap();
    fs::write(folder.path().join("c.ndjson"), &text).unwrap();
    let read = session().read_ndjson(folder.path()).load().unwrap();
    assert_eq!((read.npartitions().unwrap(), read.len().unwrap()), (3, 27_000));
    let sum = joined(&read.filter(col("t").eq(lit("3"))).reduce([col("n").sum()]));
    let expected: i64 = (0..9000).filter(|n| n % 7 == 3).sum();
    assert_eq!(sum.column(0).as_ref(), &Int64Array::from(vec![3 * expected]));
}

#[test]
fn errors_say_where_they_are_and_what_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ndjson");
    let mut text: String = (0..200_000).map(|n| format!("{{\"n\": {n}}}\n")).collect();
    let half = text[text.len() / 2..].find('{').unwrap() + text.len() / 2;
    text.insert_str(half, "\n{\"n\": \"half\"}\n");
    fs::write(&path, &text).unwrap();
    let session = session();
    let infer = || Infer::Sample { head_bytes: 1000, places: 2, place_bytes: 1000 };
    let read = session.read_ndjson(&path).infer(infer()).partition_size(100_000_u64).load().unwrap();
    let line = text[..text.find("half").unwrap()].matches('\n').count() + 1;
    let error = read.compute_batches().unwrap_err().to_string();
    let expected = format!("a.ndjson: line {line} (byte ");
    assert!(
        error.contains(&expected) && error.contains("column \"n\": expected Int64, found the text \"half\""),
        "{error}"
    );
    assert!(error.contains("dtype(\"n\", \"Utf8\")") && error.contains("infer(Infer::Full)"), "{error}");
    let whole = session.read_ndjson(&path).infer(Infer::Full).load().unwrap();
    assert_eq!(whole.schema().unwrap().field(0).data_type(), &DataType::Utf8View);
    assert_eq!(whole.len().unwrap(), 200_001);
    // A key that was in none of the samples.
    fs::write(&path, text.replace("\"n\": \"half\"", "\"new\": 1")).unwrap();
    let read = |ignore| {
        let reader = session.read_ndjson(&path).infer(infer()).ignore_unknown(ignore);
        reader.load().unwrap().compute_batches().map(|batches| batches.len())
    };
    let error = read(false).unwrap_err().to_string();
    assert!(
        error.contains("no column for the key \"new\"") && error.contains("ignore_unknown(true)"),
        "{error}"
    );
    assert!(read(true).is_ok());
    let schema = Arc::new(Schema::new(vec![Field::new("new", DataType::Utf8, true)]));
    let given = session.read_ndjson(&path).schema(schema).load().unwrap();
    assert_eq!(given.count().unwrap(), [("new".to_owned(), 1)]);
    // What changed after it was planned.
    let planned = session.read_ndjson(&path).load().unwrap();
    fs::write(&path, "{\"n\": 1}\n").unwrap();
    assert!(planned.len().unwrap_err().to_string().contains("a.ndjson"));
    for wrong in ["", "a,b\n1,2\n", "[{\"a\": 1}]\n"] {
        fs::write(&path, wrong).unwrap();
        let read = session.read_ndjson(&path).load().and_then(|frame| frame.len());
        assert!(read.is_err() || wrong.is_empty(), "{wrong}");
        assert!(session.read_ipc(&path).load().is_err());
    }
}

/// A data set knows what it was made of, and a job that is done again does nothing.
#[test]
fn jobs_know_their_inputs() {
    let folder = tempfile::tempdir().unwrap();
    let (lines, arrow) = (folder.path().join("a.ndjson"), folder.path().join("a.arrow"));
    let written = frame(&session(), &rows(100), 30);
    written.to_ndjson(&lines).write().unwrap();
    written.to_ipc(&arrow).write().unwrap();
    let session = session();
    type Load<'a> = Box<dyn Fn() -> DataFrame + 'a>;
    let loads: [(&Path, Load<'_>); 2] = [
        (&lines, Box::new(|| session.read_ndjson(&lines).load().unwrap())),
        (&arrow, Box::new(|| session.read_ipc(&arrow).load().unwrap())),
    ];
    for (number, (input, load)) in loads.iter().enumerate() {
        let out = folder.path().join(format!("out{number}"));
        let written = load().to_parquet(&out).resume(true).write().unwrap();
        // All of the lines; of Arrow IPC the record batches, and neither schema nor footer.
        let (bytes, least) = (fs::metadata(input).unwrap().len(), if number == 0 { 1.0 } else { 0.5 });
        assert!(written.bytes_in <= bytes && written.bytes_in as f64 >= least * bytes as f64, "{written:?}");
        assert_eq!(written.rows, 100);
        let manifest = fs::read_to_string(out.join("_partita.json")).unwrap();
        assert!(manifest.contains(input.file_name().unwrap().to_str().unwrap()), "{manifest}");
        let again = load().to_parquet(&out).resume(true).write().unwrap();
        assert!(again.notes.iter().any(|note| note.contains("nothing was written")), "{:?}", again.notes);
        let other = load().filter(col("id").gt(lit(5))).to_parquet(&out).resume(true).write();
        assert!(other.is_err());
        assert_eq!(session.new_inputs(input.to_str().unwrap(), &out).unwrap().known.len(), 1);
    }
}

#[test]
fn formats_are_told_by_name_and_by_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let of = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        session.input_format(&path)
    };
    assert_eq!(of("a.csv", b"{\"a\"}\n"), InputFormat::Csv);
    assert_eq!(of("a", b"a,b\n"), InputFormat::Csv);
    assert_eq!(of("b", b"\n {\"a\": 1}\n"), InputFormat::Ndjson);
    assert_eq!(of("c.JSONL", b"x"), InputFormat::Ndjson);
    assert_eq!(of("d", b"ARROW1\0\0"), InputFormat::Ipc);
    assert_eq!(of("e", b"\xFF\xFF\xFF\xFF\x10\0\0\0"), InputFormat::Ipc);
    assert_eq!(of("f.feather", b""), InputFormat::Ipc);
    assert_eq!(of("g", b"PAR1"), InputFormat::Parquet);
    assert_eq!(session.input_format(folder.path().join("none")), InputFormat::Csv);
}
