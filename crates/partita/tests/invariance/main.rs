//! Rows do not depend on how a file is cut, on how many threads read it, on the scheduler, on the compression, or on whether a filter
//! reaches the reader; and they are those of a plain reader.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "what a helper of a test cannot do fails the test"
)]

#[path = "../support/cells.rs"]
mod cells;
#[path = "../support/random.rs"]
mod random;

mod generate;
mod large;
mod mismatch;
mod plain;
mod quarantine;
mod widen;

use std::path::PathBuf;
use std::sync::OnceLock;

use partita::arrow::array::RecordBatch;
use partita::arrow::compute::concat_batches;
use partita::{CsvReader, DataFrame, Infer, Scheduler, Session, col, lit};
use proptest::prelude::*;
use proptest::test_runner::Config;
use tempfile::TempDir;

use crate::cells::{Cell, rows};
use crate::generate::{File, Packing, WIDTH, file, pack, simple_file};

/// How a file is read.
#[derive(Debug, Clone, Copy)]
struct Way {
    block_bytes: usize,
    threads: usize,
    scheduler: Scheduler,
    packing: Packing,
    limit: &'static str,
}

/// Memory limits; 0 is that of the machine.
const LIMITS: [&str; 3] = ["128MiB", "256MiB", "0"];

impl Way {
    fn session(self) -> &'static Session {
        session_of(self.limit, self.threads)
    }
}

fn way() -> impl Strategy<Value = Way> {
    let block_bytes = prop_oneof![2 => 1..4_usize, 3 => 4..64_usize, 2 => 64..1024_usize];
    let scheduler = prop::sample::select(&[Scheduler::SingleThreaded, Scheduler::Threaded][..]);
    let streams =
        vec![Packing::Gzip, Packing::Zstd, Packing::Bz2, Packing::Xz, Packing::Utf16, Packing::GzipOfUtf16];
    let packing = prop_oneof![2 => Just(Packing::Plain), 1 => prop::sample::select(streams)];
    let limit = prop::sample::select(&LIMITS[..]);
    (block_bytes, 1..=4_usize, scheduler, packing, limit).prop_map(
        |(block_bytes, threads, scheduler, packing, limit)| Way {
            block_bytes,
            threads,
            scheduler,
            packing,
            limit,
        },
    )
}

fn session(threads: usize) -> &'static Session {
    session_of("0", threads)
}

fn session_of(limit: &str, threads: usize) -> &'static Session {
    static SESSIONS: OnceLock<Vec<Session>> = OnceLock::new();
    let start =
        |limit, threads| Session::builder().memory_limit(limit).threads(threads).build().expect("a session");
    let start_all =
        || LIMITS.iter().flat_map(|limit| (1..=4).map(move |threads| start(*limit, threads))).collect();
    let row = LIMITS.iter().position(|known| *known == limit).expect("a limit");
    &SESSIONS.get_or_init(start_all)[row * 4 + threads - 1]
}

/// A file on disk, with its options set.
struct Stored {
    _folder: TempDir,
    path: PathBuf,
    file: File,
}

impl Stored {
    fn new(file: &File, packing: Packing) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("input.csv");
        std::fs::write(&path, pack(&file.bytes, packing)).expect("a file");
        Self { _folder: folder, path, file: file.clone() }
    }

    fn reader(&self, session: &Session) -> CsvReader {
        let shape = self.file.shape;
        let reader = session.read_csv(&self.path).has_header(self.file.has_header);
        let reader = reader.separator(shape.separator).quote(shape.quote).escape(shape.escape);
        reader.comment(shape.comment).trim(shape.trim)
    }

    fn frame(&self, way: Way, infer: Infer) -> partita::Result<DataFrame> {
        let reader = self.reader(way.session()).infer(infer);
        Ok(reader.block_size(way.block_bytes).load()?.with_scheduler(way.scheduler))
    }

    /// What the plain reader sees, as a table of text; `None` where a record is too wide.
    fn expected(&self) -> Option<Vec<Vec<Cell>>> {
        let bytes = self.file.bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&self.file.bytes);
        let mut records = plain::read(self.file.shape, bytes);
        if self.file.has_header {
            records.remove(0);
        }
        let cell = |(bytes, was_quoted): plain::Field| match bytes.is_empty() && !was_quoted {
            true => Cell::Null,
            false => Cell::Text(String::from_utf8(bytes).expect("UTF-8")),
        };
        let row = |record: Vec<plain::Field>| {
            let mut row: Vec<Cell> = record.into_iter().map(cell).collect();
            (row.len() <= WIDTH).then(|| {
                row.resize(WIDTH, Cell::Null);
                row
            })
        };
        records.into_iter().map(row).collect()
    }
}

fn read(frame: partita::Result<DataFrame>) -> partita::Result<Vec<Vec<Cell>>> {
    Ok(rows(&frame?.compute_batches()?))
}

fn whole(frame: &DataFrame) -> partita::Result<RecordBatch> {
    Ok(concat_batches(&frame.schema()?, &frame.compute_batches()?)?)
}

/// Cases are kept small rather than many; nothing is written beside the sources.
fn config(cases: u32) -> Config {
    Config { cases, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() }
}

proptest! {
    #![proptest_config(config(600))]

    /// Text by text, what the plain reader sees; an error where a record is too wide.
    #[test]
    fn rows_are_those_of_the_plain_reader(file in file(24), way in way()) {
        let stored = Stored::new(&file, way.packing);
        let got = read(stored.frame(way, Infer::None));
        match (stored.expected(), got) {
            (Some(expected), Ok(got)) => prop_assert_eq!(got, expected),
            (None, Err(error)) => prop_assert!(error.to_string().contains("fields"), "{}", error),
            (None, Ok(got)) => prop_assert!(false, "a record is too wide, got {:?}", got),
            (Some(_), Err(error)) => prop_assert!(false, "an error: {}", error),
        }
    }

    /// With inferred types: the same columns and rows as in one block on one thread.
    #[test]
    fn types_and_rows_do_not_depend_on_the_cut(file in file(24), way in way()) {
        let stored = Stored::new(&file, way.packing);
        let one = Way { block_bytes: 1 << 20, threads: 1, scheduler: Scheduler::SingleThreaded, ..way };
        let expected = stored.frame(one, Infer::default()).and_then(|frame| whole(&frame));
        let got = stored.frame(way, Infer::default()).and_then(|frame| whole(&frame));
        match (expected, got) {
            (Ok(expected), Ok(got)) => prop_assert_eq!(got, expected),
            (Err(_), Err(_)) => {}
            (expected, got) => prop_assert!(false, "{:?} is not {:?}", got, expected),
        }
    }

    /// Rows that are counted off are the same rows, wherever the blocks end.
    #[test]
    fn what_is_counted_off_does_not_depend_on_the_cut(file in file(24), way in way(), count in 0..30_usize) {
        let stored = Stored::new(&file, way.packing);
        let Ok(frame) = stored.frame(way, Infer::None) else { return Ok(()) };
        let Ok(batches) = frame.compute_batches() else { return Ok(()) };
        let all = rows(&batches);
        let first = &all[..count.min(all.len())];
        let last = &all[all.len() - count.min(all.len())..];
        let reader = stored.reader(way.session()).infer(Infer::None).n_rows(count as u64);
        let limited = reader.block_size(way.block_bytes).load().expect("a frame").with_scheduler(way.scheduler);
        prop_assert_eq!(rows(&limited.compute_batches().expect("rows")), first);
        prop_assert_eq!(limited.len().expect("a length"), first.len() as u64);
        let in_memory = |frame: partita::polars_core::frame::DataFrame| {
            rows(&session(1).from_polars(&frame).expect("a frame").compute_batches().expect("rows"))
        };
        prop_assert_eq!(in_memory(frame.head(count).expect("a head")), first);
        prop_assert_eq!(in_memory(frame.tail(count).expect("a tail")), last);
        prop_assert_eq!(frame.len().expect("a length"), all.len() as u64);
        let numbered = rows(&frame.with_row_index("n").select(["n"]).compute_batches().expect("rows"));
        let numbers: Vec<Vec<Cell>> = (0..all.len()).map(|row| vec![Cell::Int(row as i128)]).collect();
        prop_assert_eq!(numbered, numbers);
        let counts: Vec<u64> = frame.count().expect("counts").into_iter().map(|(_, count)| count).collect();
        let by_hand: Vec<u64> =
            (0..WIDTH).map(|column| all.iter().filter(|row| row[column] != Cell::Null).count() as u64).collect();
        prop_assert_eq!(counts, by_hand);
    }

    /// A filter and a selection that reach the reader keep what they keep in memory.
    #[test]
    fn what_is_pushed_down_is_what_is_kept(file in file(24), way in way(), wanted in 0..6_usize) {
        let stored = Stored::new(&file, way.packing);
        let Ok(frame) = stored.frame(way, Infer::None) else { return Ok(()) };
        let Ok(held) = frame.persist() else { return Ok(()) };
        let names = frame.columns().expect("names");
        let word = ["a", "42", " ", "x y", "é", ""][wanted];
        let predicate = || col(names[0].as_str()).eq(lit(word)).or(col(names[2].as_str()).is_null());
        let kept = |frame: &DataFrame| {
            let kept = frame.filter(predicate()).select([names[2].as_str(), names[1].as_str()]);
            Ok::<_, partita::Error>((rows(&kept.compute_batches()?), kept.len()?))
        };
        let by_hand: Vec<Vec<Cell>> = rows(&held.compute_batches().expect("rows"))
            .into_iter()
            .filter(|row| row[0] == Cell::Text(word.to_owned()) || row[2] == Cell::Null)
            .map(|row| vec![row[2].clone(), row[1].clone()])
            .collect();
        let (pushed, length) = kept(&frame).expect("pushed down");
        prop_assert_eq!(&pushed, &by_hand);
        prop_assert_eq!(length, by_hand.len() as u64);
        let (in_memory, length) = kept(&held).expect("in memory");
        prop_assert_eq!(&in_memory, &by_hand);
        prop_assert_eq!(length, by_hand.len() as u64);
    }
}

proptest! {
    #![proptest_config(config(400))]

    /// The `csv` crate agrees, in the dialects that it has.
    #[test]
    fn rows_are_those_of_the_csv_crate(file in simple_file(24), way in way()) {
        let shape = file.shape;
        let stored = Stored::new(&file, way.packing);
        let mut builder = csv::ReaderBuilder::new();
        builder.delimiter(shape.separator).has_headers(file.has_header).flexible(true);
        match shape.quote {
            Some(quote) => builder.quote(quote),
            None => builder.quoting(false),
        };
        let records: Vec<csv::ByteRecord> =
            builder.from_reader(file.bytes.as_slice()).byte_records().map(|record| record.expect("memory")).collect();
        let got = read(stored.frame(way, Infer::None));
        if records.iter().any(|record| record.len() > WIDTH) {
            prop_assert!(got.is_err(), "a record is too wide, got {:?}", got);
            return Ok(());
        }
        // It does not say what was quoted: both kinds of empty are one here.
        let text = |record: &csv::ByteRecord, column| {
            String::from_utf8(record.get(column).unwrap_or_default().to_vec()).expect("UTF-8")
        };
        let expected: Vec<Vec<String>> =
            records.iter().map(|record| (0..WIDTH).map(|column| text(record, column)).collect()).collect();
        let shown = |cell: Cell| match cell {
            Cell::Text(text) => text,
            _ => String::new(),
        };
        let got: Vec<Vec<String>> =
            got.expect("a table").into_iter().map(|row| row.into_iter().map(shown).collect()).collect();
        prop_assert_eq!(got, expected);
    }
}

proptest! {
    #![proptest_config(config(80))]

    /// Parquet holds what was computed, in its order.
    #[test]
    fn parquet_holds_what_was_computed(file in file(24), way in way(), single in any::<bool>()) {
        let stored = Stored::new(&file, way.packing);
        let Ok(frame) = stored.frame(way, Infer::default()) else { return Ok(()) };
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join(if single { "out.parquet" } else { "out" });
        let written = match (frame.compute_batches(), frame.to_parquet(&target).sync(false).write()) {
            (Ok(batches), Ok(written)) => (rows(&batches), written),
            (Err(_), Err(_)) => {
                prop_assert!(!target.exists(), "a failed job left something");
                return Ok(());
            }
            (computed, written) => {
                prop_assert!(false, "computed {:?}, written {:?}", computed.map(|b| b.len()), written.map(|w| w.rows));
                return Ok(());
            }
        };
        let (expected, written) = written;
        prop_assert_eq!(written.rows, expected.len() as u64);
        let mut got = Vec::new();
        for path in &written.files {
            let path = if path.is_absolute() { path.clone() } else { target.join(path) };
            let input = std::fs::File::open(&path).expect("a part");
            let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(input);
            for batch in reader.expect("Parquet").build().expect("Parquet") {
                got.extend(rows(&[batch.expect("a batch")]));
            }
        }
        prop_assert_eq!(got, expected);
    }
}
