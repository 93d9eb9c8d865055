//! Conversions that set records aside: rows and lines together are the input, however it is cut.

use std::path::Path;

use partita::{CsvReader, DataFrame, OnMismatch, Ragged, Written, col, lit};
use proptest::prelude::*;
use serde_json::Value;

use crate::cells::{Cell, rows};
use crate::generate::{mark_bytes, pack};
use crate::{Way, config, way};

/// What is taken of the columns `a`, `b` and `c`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Pick {
    All,
    First,
    /// The last, where the second is above zero.
    Filtered,
}

impl Pick {
    fn of(self, frame: &DataFrame) -> DataFrame {
        match self {
            Pick::All => frame.clone(),
            Pick::First => frame.select(["a"]),
            Pick::Filtered => frame.filter(col("b").gt(lit(0.0))).select(["c"]),
        }
    }

    /// The columns that are decoded, in the order of the file.
    fn needed(self) -> &'static [usize] {
        match self {
            Pick::All => &[0, 1, 2],
            Pick::First => &[0],
            Pick::Filtered => &[1, 2],
        }
    }
}

const NAMES: [&str; 3] = ["a", "b", "c"];

/// The value of a text in a column; `None` where it does not fit.
fn value(column: usize, text: &str) -> Option<Cell> {
    match (column, text) {
        (_, "") => Some(Cell::Null),
        (0, text) => text.parse::<i64>().ok().map(|value| Cell::Int(value.into())),
        (1, text) => text.parse::<f64>().ok().map(Cell::Float),
        (_, text) => Some(Cell::Text(text.to_owned())),
    }
}

/// What must become of the records: rows, and for each line its line number, byte, column and text.
#[derive(Debug, Default, PartialEq)]
struct Expected {
    rows: Vec<Vec<Cell>>,
    lines: Vec<(u64, u64, Option<String>, String)>,
}

fn expected(records: &[Vec<String>], ragged: Ragged, pick: Pick) -> Expected {
    let mut expected = Expected::default();
    let mut byte = "a,b,c\n".len() as u64;
    for (number, fields) in records.iter().enumerate() {
        let text = fields.join(",");
        let wrong = fields.len() > 3 || fields.len() < 3 && ragged == Ragged::Error;
        let field = |column: usize| fields.get(column).map_or("", String::as_str);
        let misfit = pick.needed().iter().find(|column| value(**column, field(**column)).is_none());
        if wrong || misfit.is_some() {
            let column = if wrong { None } else { misfit.map(|column| NAMES[*column].to_owned()) };
            expected.lines.push((number as u64 + 2, byte, column, text.clone()));
        } else {
            let cell = |column| value(column, field(column)).expect("a value that fits");
            match pick {
                Pick::All => expected.rows.push((0..3).map(cell).collect()),
                Pick::First => expected.rows.push(vec![cell(0)]),
                Pick::Filtered if matches!(cell(1), Cell::Float(value) if value > 0.0) => {
                    expected.rows.push(vec![cell(2)]);
                }
                Pick::Filtered => {}
            }
        }
        byte += text.len() as u64 + 1;
    }
    expected
}

fn records() -> impl Strategy<Value = Vec<Vec<String>>> {
    let field = prop::sample::select(vec!["1", "-20", "2.5", "x", "n/a", "1234567890123456789", "7"]);
    let fields = prop_oneof![
        6 => prop::collection::vec(field.clone(), 3),
        6 => Just(vec!["1", "0.5", "fine"]),
        2 => Just(vec!["3", "", "é"]),
        1 => prop::collection::vec(field, 1..6),
    ];
    let owned = |fields: Vec<&str>| fields.into_iter().map(str::to_owned).collect();
    prop::collection::vec(fields.prop_map(owned), 0..40)
}

fn read_back(written: &Written) -> Vec<Vec<Cell>> {
    let mut found = Vec::new();
    for path in &written.files {
        let input = std::fs::File::open(path).expect("a part");
        let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(input);
        for batch in reader.expect("Parquet").build().expect("Parquet") {
            found.extend(rows(&[batch.expect("a batch")]));
        }
    }
    found
}

fn lines(written: &Written, file: &Path) -> Vec<(u64, u64, Option<String>, String)> {
    let Some(path) = &written.quarantine else { return Vec::new() };
    let text = std::fs::read_to_string(path).expect("lines");
    let line = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["file"].as_str(), file.to_str());
        assert_eq!(line["record_cut"], false);
        let number = |name: &str| line[name].as_u64().expect("a number");
        let record = line["record"].as_str().expect("a text").to_owned();
        (number("line"), number("byte"), line["column"].as_str().map(str::to_owned), record)
    };
    text.lines().map(line).collect()
}

fn reader(path: &Path, way: Way, ragged: Ragged) -> CsvReader {
    let reader = way.session().read_csv(path).block_size(way.block_bytes).ragged(ragged);
    let reader = reader.dtypes([("a", "Int64"), ("b", "Float64"), ("c", "Utf8")]);
    reader.on_mismatch(OnMismatch::Quarantine)
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn rows_and_lines_are_the_input(
        records in records(),
        way in way(),
        pick in prop::sample::select(vec![Pick::All, Pick::First, Pick::Filtered]),
        (padded, single) in any::<(bool, bool)>(),
        limit in prop_oneof![3 => Just(None), 1 => (0..40_usize).prop_map(Some)],
    ) {
        let text: String = records.iter().map(|fields| fields.join(",") + "\n").collect();
        let ragged = if padded { Ragged::Pad } else { Ragged::Error };
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("in.csv");
        std::fs::write(&path, pack(format!("a,b,c\n{text}").as_bytes(), way.packing)).expect("a file");
        let target = folder.path().join(if single { "out.parquet" } else { "out" });
        let mut reader = reader(&path, way, ragged);
        if let Some(limit) = limit {
            reader = reader.n_rows(limit as u64);
        }
        let records = &records[..limit.unwrap_or(usize::MAX).min(records.len())];
        let frame = reader.load().expect("a frame").with_scheduler(way.scheduler);
        let written = pick.of(&frame).to_parquet(&target).sync(false).write().expect("a data set");
        let mut expected = expected(records, ragged, pick);
        expected.lines.iter_mut().for_each(|line| line.1 += mark_bytes(way.packing));
        prop_assert_eq!(written.rows, expected.rows.len() as u64);
        prop_assert_eq!(written.rows_quarantined, expected.lines.len() as u64);
        prop_assert_eq!(written.quarantine.is_some(), written.rows_quarantined > 0);
        prop_assert_eq!(read_back(&written), expected.rows);
        prop_assert_eq!(lines(&written, &path), expected.lines);
        if pick != Pick::Filtered {
            prop_assert_eq!(written.rows + written.rows_quarantined, records.len() as u64);
        }
        // What cannot be set aside is not read at all.
        prop_assert!(frame.len().expect_err("no data set").to_string().contains("only to_parquet() can"));
        prop_assert!(frame.head(1).is_err() && frame.persist().is_err() && frame.batches().is_err());
        let numbered = frame.with_row_index("n").to_parquet(folder.path().join("numbered")).write();
        prop_assert!(numbered.expect_err("no numbers").to_string().contains("with_row_index: rows are numbered before"));
    }
}
