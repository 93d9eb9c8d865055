//! Conversions whose types turn out too narrow on the way.

use std::path::{Path, PathBuf};

use partita::arrow::datatypes::DataType;
use partita::{Compression, CsvReader, DataFrame, Infer, OnMismatch, col, lit};
use proptest::prelude::*;

use crate::generate::pack;
use crate::{Way, config, way};

/// Values of a column, those of its first rows narrower than the others.
fn column(rows: usize) -> impl Strategy<Value = Vec<String>> {
    let narrow = prop::sample::select(vec!["1", "2", "-7", "true", "2020-01-01", "2.5", ""]);
    let wide = prop::sample::select(vec![
        "1",
        "12",
        "-3",
        "2.5",
        "9007199254740993",
        "18446744073709551615",
        "x",
        "true",
        "2020-01-01",
        "1066-10-14",
        "2020-01-01 10:00",
        "2020-01-01T10:00:00.123456789",
        "",
    ]);
    (narrow, prop::collection::vec(wide, 0..3), prop::collection::vec(any::<prop::sample::Index>(), rows))
        .prop_map(|(narrow, wide, picks)| {
            let all: Vec<&str> = [narrow, narrow, narrow].into_iter().chain(wide).collect();
            let value = |(row, pick): (usize, prop::sample::Index)| {
                let value = if row < 2 { narrow } else { all[pick.index(all.len())] };
                value.to_owned()
            };
            picks.into_iter().enumerate().map(value).collect()
        })
}

/// A file of three columns, and the bytes of its first rows, which the types are inferred from.
fn narrow_file() -> impl Strategy<Value = (String, usize)> {
    (2..40_usize).prop_flat_map(|rows| [column(rows), column(rows), column(rows)]).prop_map(|columns| {
        let mut text = String::from("a,b,c\n");
        let head = text.len();
        let mut sampled = 0;
        for row in 0..columns[0].len() {
            let fields: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
            text.push_str(&fields.join(","));
            text.push('\n');
            if row == 1 {
                sampled = text.len() - head;
            }
        }
        (text, sampled)
    })
}

fn reader(path: &Path, way: Way, sampled: usize) -> CsvReader {
    let infer = Infer::Sample { head_bytes: sampled, places: 0, place_bytes: 0 };
    let options = partita::ReadOptions { chunk_bytes: 16, ..partita::ReadOptions::default() };
    way.session().read_csv(path).options(options).infer(infer).block_size(way.block_bytes)
}

/// The parts of a data set, byte by byte.
fn written(frame: &DataFrame, target: PathBuf) -> partita::Result<(partita::Written, Vec<Vec<u8>>)> {
    let written = frame.to_parquet(target).compression(Compression::Snappy).sync(false).write()?;
    let bytes = written.files.iter().map(|path| std::fs::read(path).expect("a part")).collect();
    Ok((written, bytes))
}

proptest! {
    #![proptest_config(config(100))]

    /// The same bytes as where the final types were said from the start, and the same as where all was looked at first but
    /// for whole numbers that no float holds.
    #[test]
    fn widened_is_as_if_told(
        (text, sampled) in narrow_file(),
        way in way(),
        (picks, numbers) in (any::<bool>(), prop::bool::weighted(0.3)),
    ) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("in.csv");
        std::fs::write(&path, pack(text.as_bytes(), way.packing)).expect("a file");
        let picked = |reader: CsvReader| {
            let frame = reader.load().expect("a frame").with_scheduler(way.scheduler);
            // Rows are counted before, by a filter that needs a column.
            let frame =
                if numbers { frame.filter(col("a").is_null().or(lit(true))).with_row_index("n") } else { frame };
            if picks { frame.filter(col("b").is_null().or(lit(true))).select(["c", "a"]) } else { frame }
        };
        let widens = reader(&path, way, sampled).on_mismatch(OnMismatch::Widen);
        let (first, bytes) = written(&picked(widens), folder.path().join("out")).expect("a data set");
        prop_assert_eq!(first.rows, text.lines().count() as u64 - 1);
        let narrow = reader(&path, way, sampled).load().expect("a frame").schema().expect("a schema");
        let mut types: Vec<_> =
            narrow.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect();
        for column in &first.widened {
            let known = types.iter_mut().find(|(name, _)| *name == column.column).expect("a column");
            prop_assert_eq!(&known.1, &column.from);
            known.1 = column.to.clone();
        }
        let told = reader(&path, way, sampled).dtypes(types.clone());
        let (second, expected) = written(&picked(told), folder.path().join("told")).expect("a data set");
        prop_assert_eq!(second.rows, first.rows);
        prop_assert!(second.widened.is_empty());
        prop_assert!(bytes == expected, "other bytes with {:?}", types);
        // No column is wider than it has to be.
        let seen = reader(&path, way, sampled).infer(Infer::Full).load().expect("a frame");
        for (field, (name, to)) in seen.schema().expect("a schema").fields().iter().zip(&types) {
            // Where the sample saw nothing, text was said.
            let blank = narrow.field_with_name(name).expect("a column").data_type() == &DataType::Utf8View;
            let same = field.data_type() == to || blank || picks && *name == "b";
            let inexact = text.contains("9007199254740993") || text.contains("18446744073709551615");
            prop_assert!(same || inexact, "{} is {} and {} would do", name, to, field.data_type());
        }
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("a folder").collect();
        prop_assert_eq!(left.len(), 3, "something is left: {:?}", left);
    }
}
