//! Parquet as input of every command.

use std::path::Path;
use std::sync::Arc;

use expect_test::expect;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use partita::arrow::array::{
    ArrayRef, Float16Array, Int32Array, Int32Builder, ListArray, MapBuilder, RecordBatch, StringArray,
    StringBuilder, StructArray,
};
use partita::arrow::compute::{cast, concat_batches};
use partita::arrow::datatypes::{ArrowPrimitiveType, DataType, Field, Float16Type, Int32Type};

use crate::support::{folder_with, run, run_piped};

const TRIPS: &str = "day,zone,fare\n2020-01-01,A,2.5\n2020-01-02,B,\n2020-01-03,A,10\n";

/// A folder with the rows of [`TRIPS`] in `trips.parquet`, and in folders by zone.
fn folder() -> tempfile::TempDir {
    let (folder, input) = folder_with("trips.csv", TRIPS);
    let (file, by) = (folder.path().join("trips.parquet"), folder.path().join("by"));
    run("convert {} --to {} --progress none", &[&input, &file]).quiet();
    run("convert {} --to {} --partition-on zone --progress none", &[&input, &by]).quiet();
    folder
}

#[test]
fn commands_take_files_and_folders() {
    let folder = folder();
    let (file, by) = (folder.path().join("trips.parquet"), folder.path().join("by"));
    let expected = expect![[r#"
        ┌────────────┬──────┬─────────┐
        │ day        ┆ zone ┆    fare │
        │ Date32     ┆ Utf8 ┆ Float64 │
        ╞════════════╪══════╪═════════╡
        │ 2020-01-01 ┆ A    ┆     2.5 │
        │ 2020-01-02 ┆ B    ┆    null │
        └────────────┴──────┴─────────┘
    "#]];
    expected.assert_eq(&run("head {} -n 2", &[&file]).printed());
    let bytes = std::fs::read(&file).unwrap();
    expected.assert_eq(&run_piped("head - -n 2", &[], &bytes).printed());
    // Without the ending it is known by its first bytes.
    let plain = folder.path().join("trips");
    std::fs::copy(&file, &plain).unwrap();
    expected.assert_eq(&run("head {} -n 2", &[&plain]).printed());
    assert_eq!(run("count {}", &[&by]).printed(), "3\n");
    assert_eq!(run("count {} --where zone='A'", &[&by]).printed(), "2\n");
    let schema = run("schema {}", &[&by]).printed();
    assert!(schema.contains("zone") && schema.contains("Date32"), "{schema}");
    assert!(run("schema {} --json", &[&file]).printed().contains("\"fare\""));
    let plan = run("explain {} --where zone='A' --select fare", &[&by]).printed();
    assert!(plan.contains("ReadParquet") && plan.contains("1 of 2 row groups"), "{plan}");
    let tail = run("tail {} -n 1 --select fare", &[&file]).printed();
    assert!(tail.contains("10.0"), "{tail}");
}

#[test]
fn parquet_is_converted_again() {
    let folder = folder();
    let (by, out) = (folder.path().join("by"), folder.path().join("out.parquet"));
    run("convert {} --to {} --where fare>1 --progress none", &[&by, &out]).quiet();
    assert_eq!(run("count {}", &[&out]).printed(), "2\n");
    run("convert {} --to {} --overwrite --progress none", &[&by, &by]).refused(1, &["by"]);
    assert_eq!(run("count {}", &[&by]).printed(), "3\n");
}

#[test]
fn flags_of_csv_are_refused() {
    let folder = folder();
    let file = folder.path().join("trips.parquet");
    run("head {} --separator ;", &[&file]).refused(2, &["the input is Parquet", "--usecols"]);
    assert!(!run("head {} --usecols day", &[&file]).printed().contains("fare"));
    assert!(run("head {} --include-path file", &[&file]).printed().contains("trips.parquet"));
}

/// Columns in columns, and floats of 16 bits.
fn nested() -> RecordBatch {
    type Half = <Float16Type as ArrowPrimitiveType>::Native;
    let halves: ArrayRef =
        Arc::new(Float16Array::from(vec![Some(Half::from_f32(1.5)), None, Some(Half::NEG_INFINITY)]));
    let lists = [Some(vec![Some(1), None]), None, Some(vec![])];
    let lists: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>(lists));
    let inner: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None, Some("z, \"quoted\"")]));
    let numbers: ArrayRef = Arc::new(Int32Array::from(vec![7, 8, 9]));
    let fields = [("text", DataType::Utf8, inner, true), ("n", DataType::Int32, numbers, false)];
    let fields = fields.map(|(name, of, array, nullable)| (Arc::new(Field::new(name, of, nullable)), array));
    let structs: ArrayRef = Arc::new(StructArray::from(fields.to_vec()));
    let mut maps = MapBuilder::new(None, StringBuilder::new(), Int32Builder::new());
    maps.keys().append_value("a");
    maps.values().append_value(1);
    maps.append(true).unwrap();
    maps.append(false).unwrap();
    maps.append(true).unwrap();
    let maps: ArrayRef = Arc::new(maps.finish());
    let columns = [("half", halves), ("list", lists), ("pair", structs), ("map", maps)];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

fn read_by_crate(path: &Path) -> RecordBatch {
    let builder = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(path).unwrap()).unwrap();
    let schema = Arc::clone(builder.schema());
    let batches: Vec<_> = builder.build().unwrap().map(Result::unwrap).collect();
    concat_batches(&schema, &batches).unwrap()
}

#[test]
fn columns_in_columns_and_halves_are_written_back() {
    let (folder, file) = folder_with("nested.parquet", "");
    let table = nested();
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(&file).unwrap(), table.schema(), None).unwrap();
    writer.write(&table).unwrap();
    writer.close().unwrap();
    let path = |name: &str| folder.path().join(name);
    let back = path("back.parquet");
    run("cat {} --to {}", &[&file, &back]).quiet();
    let got = read_by_crate(&back);
    assert_eq!(got.num_rows(), 3);
    for (expected, got) in table.columns().iter().zip(got.columns()) {
        assert_eq!(&cast(expected, got.data_type()).unwrap(), got);
    }
    let lines = "{\"half\":1.5,\"list\":[1,null],\"pair\":{\"text\":\"x\",\"n\":7},\"map\":{\"a\":1}}";
    run("cat {} --to {}", &[&file, &path("rows.ndjson")]).quiet();
    let text = std::fs::read_to_string(path("rows.ndjson")).unwrap();
    assert_eq!(text.lines().next().unwrap(), lines);
    assert_eq!(text.lines().count(), 3);
    run("cat {} --to {}", &[&file, &path("rows.csv")]).refused(1, &["list", "Parquet"]);
    run("cat {} --to {} --select half", &[&file, &path("half.csv")]).quiet();
    assert_eq!(std::fs::read_to_string(path("half.csv")).unwrap(), "half\n1.5\n\"\"\n-inf\n");
    assert_eq!(run("count {}", &[&file]).printed(), "3\n");
    assert_eq!(run("count {} --where half=1.5", &[&file]).printed(), "1\n");
    expect![[r#"
        ┌─────────┬─────────────┬───────────────────────────────────────────────┬───────────────────────────────────────────────────────────────────────────────────────┐
        │    half ┆ list        ┆ pair                                          ┆ map                                                                                   │
        │ Float16 ┆ List(Int32) ┆ Struct("text": Utf8View, "n": non-null Int32) ┆ Map("entries": non-null Struct("keys": non-null Utf8View, "values": Int32), unsorted) │
        ╞═════════╪═════════════╪═══════════════════════════════════════════════╪═══════════════════════════════════════════════════════════════════════════════════════╡
        │     1.5 ┆ [1, null]   ┆ {text: x, n: 7}                               ┆ {a: 1}                                                                                │
        │    null ┆ null        ┆ {text: null, n: 8}                            ┆ null                                                                                  │
        └─────────┴─────────────┴───────────────────────────────────────────────┴───────────────────────────────────────────────────────────────────────────────────────┘
    "#]]
    .assert_eq(&run("head {} -n 2", &[&file]).printed());
    assert!(run("tail {} -n 1", &[&file]).printed().contains("-inf"));
    let told = run("describe {} --select half", &[&file]).printed();
    assert!(told.contains("count") && told.contains("-inf") && told.contains("1.5"), "{told}");
    assert!(run("schema {}", &[&file]).printed().contains("Float16"));
}

#[test]
fn times_of_96_bits_are_written_back() {
    let (folder, file) = folder_with("int96.parquet", "");
    let schema = Arc::new(parse_message_type("message spark { optional int96 at; }").unwrap());
    let properties = Arc::new(WriterProperties::default());
    let out = std::fs::File::create(&file).unwrap();
    let mut writer = SerializedFileWriter::new(out, schema, properties).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    // Noon of the first day of 2000, and a microsecond after the midnight before 1970: day 2,440,588 is that of 1970.
    let mut times = [Int96::new(), Int96::new()];
    let noon = 43_200_000_000_000_u64;
    times[0].set_data((noon & u64::from(u32::MAX)) as u32, (noon >> 32) as u32, 2_440_588 + 10_957);
    times[1].set_data(1000, 0, 2_440_587);
    column.typed::<Int96Type>().write_batch(&times, Some(&[1, 0, 1]), None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
    let back = folder.path().join("back.parquet");
    run("cat {} --to {}", &[&file, &back]).quiet();
    let expected = "at\n2000-01-01 12:00:00\n\"\"\n1969-12-31 00:00:00.000001\n";
    for file in [&file, &back] {
        assert_eq!(run("cat {} --to -", &[file]).printed(), expected);
    }
    let got = read_by_crate(&back);
    assert_eq!(
        got.schema().field(0).data_type(),
        &DataType::Timestamp(partita::arrow::datatypes::TimeUnit::Microsecond, None)
    );
    let plain = run("count {} --where {}", &[&back, Path::new("at < '1970-01-01'")]);
    assert_eq!(plain.printed(), "1\n");
}

#[test]
fn what_is_encrypted_is_told() {
    let (_folder, file) = folder_with("secret", "PARE.. footer ..\x10\x00\x00\x00PARE");
    run("count {}", &[&file]).refused(1, &["encrypted", "no key"]);
}
