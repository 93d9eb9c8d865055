//! Columns that turn out otherwise than their samples.

use std::fmt::Write as _;
use std::path::Path;

use partita::arrow::datatypes::DataType;
use partita::{OnMismatch, Session, col};

/// Of the text that is no number.
const ROW: usize = 2_000_000;

fn session() -> Session {
    Session::builder().memory_limit("512MiB").threads(2).build().expect("a session")
}

/// Integers, and blanks in the last rows: an integer column with missing values.
#[test]
fn integers_may_end_in_blanks() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("trips.csv");
    let mut text = String::from("id,code,flag\n");
    for id in 0..200_000 {
        writeln!(text, "{id},{},N", id % 6 + 1).expect("memory");
    }
    for id in 200_000..200_500 {
        writeln!(text, "{id},,").expect("memory");
    }
    std::fs::write(&path, text).expect("a file");
    let frame = session().read_csv(&path).block_size("256KiB").load().expect("a frame");
    assert_eq!(frame.schema().expect("a schema").field(1).data_type(), &DataType::Int64);
    let counts: Vec<u64> = frame.count().expect("counts").into_iter().map(|(_, count)| count).collect();
    assert_eq!(counts, [200_500, 200_000, 200_000]);
    assert_eq!(frame.filter(col("code").is_null()).len().ok(), Some(500));
}

/// Two columns of numbers, with a text in one of them; returns where the text's record begins.
fn write_with_text(path: &Path) -> usize {
    let mut text = String::with_capacity(32 << 20);
    text.push_str("fare,tip\n");
    let mut place = 0;
    for row in 1..=ROW + 50_000 {
        if row == ROW {
            place = text.len();
            text.push_str("12.5,none\n");
        } else {
            writeln!(text, "{}.{},{}.25", row % 97, row % 9, row % 13).expect("memory");
        }
    }
    std::fs::write(path, text).expect("a file");
    place
}

/// A text far from all samples: the table of mismatches has file, line, byte, and what to write.
#[test]
fn a_late_text_is_named_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fares.csv");
    let record = write_with_text(&path);
    let frame = session().read_csv(&path).block_size("4MiB").load().expect("a frame");
    let schema = frame.schema().expect("a schema");
    assert!(schema.fields().iter().all(|field| field.data_type() == &DataType::Float64), "{schema:?}");
    let error = frame.select(["tip"]).compute_batches().expect_err("a text among numbers").to_string();
    // One line of header; the text stands behind `12.5,`.
    let place = format!("{}: line {}, byte {}", path.display(), ROW + 1, record + 5);
    let parts = [
        place.as_str(),
        "tip",
        "Utf8",
        "Float64",
        "\"none\"",
        ".null_values([\"none\"])",
        "--null-values none",
    ];
    for part in parts {
        assert!(error.contains(part), "{part:?} is not in\n{error}");
    }
    assert_eq!(frame.select(["fare"]).len().ok(), Some((ROW + 50_000) as u64));
    let fares = frame.select(["fare"]).compute_batches().expect("a column without the text");
    assert_eq!(fares.iter().map(|batch| batch.num_rows()).sum::<usize>(), ROW + 50_000);
    // A conversion may give the column another type, or leave the record out.
    let convert = |way: OnMismatch| {
        let frame = session().read_csv(&path).block_size("4MiB").on_mismatch(way).load().expect("a frame");
        let target = folder.path().join(format!("{way:?}"));
        frame.to_parquet(target).sync(false).write().expect("a data set")
    };
    let widened = convert(OnMismatch::Widen);
    assert_eq!((widened.rows, widened.rows_quarantined), ((ROW + 50_000) as u64, 0));
    let [column] = widened.widened.as_slice() else { panic!("{:?}", widened.widened) };
    assert_eq!(column.to_string(), format!("\"tip\" from Float64 to Utf8, for \"none\" ({place})"));
    let aside = convert(OnMismatch::Quarantine);
    assert_eq!((aside.rows, aside.rows_quarantined), ((ROW + 50_000) as u64 - 1, 1));
    let line = std::fs::read_to_string(aside.quarantine.expect("a file")).expect("a line");
    assert!(line.contains(&format!("\"line\":{},\"byte\":{record},", ROW + 1)), "{line}");
    assert!(line.contains("\"record\":\"12.5,none\""), "{line}");
}
