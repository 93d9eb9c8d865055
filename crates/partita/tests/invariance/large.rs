//! Larger files than a property test has time for: a field of many blocks, and many rows through many blocks.

use std::path::Path;

use partita::{DataFrame, Infer, Scheduler, Session};

use crate::cells::{Cell, rows};
use crate::generate::{Packing, pack};
use crate::random::Random;
use crate::{LIMITS, session, session_of};

const PACKINGS: [Packing; 5] = [Packing::Plain, Packing::Gzip, Packing::Zstd, Packing::Bz2, Packing::Xz];

fn all(frame: &DataFrame) -> Vec<Vec<Cell>> {
    rows(&frame.compute_batches().expect("rows"))
}

/// One field of several hundred blocks, with everything in it that could end it.
#[test]
fn one_huge_field_is_one_field() {
    let inside = "line, of \"\"text\"\"\r\n# no comment, 1,2\n".repeat(20_000);
    let text = format!("a,b,c\n1,\"{inside}\",x\n2,,y\n");
    let value = inside.replace("\"\"", "\"");
    let expected = vec![
        vec![Cell::Int(1), Cell::Text(value), Cell::Text("x".into())],
        vec![Cell::Int(2), Cell::Null, Cell::Text("y".into())],
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for packing in PACKINGS {
        let path = folder.path().join(format!("{packing:?}.csv"));
        std::fs::write(&path, pack(text.as_bytes(), packing)).expect("a file");
        for block_bytes in [4096, 100_003, 1 << 20] {
            for scheduler in [Scheduler::SingleThreaded, Scheduler::Threaded] {
                let frame = session(3).read_csv(&path).block_size(block_bytes).load().expect("a frame");
                let got = all(&frame.with_scheduler(scheduler));
                assert!(got == expected, "{packing:?}, blocks of {block_bytes}, {scheduler:?}");
            }
        }
    }
}

/// Rows inside of a field, where blocks begin: whoever asks gets the rows that are there, and errors that are there.
#[test]
fn rows_in_a_field_are_no_rows_to_anyone() {
    let inside = "7,8\n".repeat(50_000);
    let text = format!("a,b\n1,\"{inside}\"\n2,x\n3,y\n");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.csv");
    std::fs::write(&path, &text).expect("a file");
    let load = || session(2).read_csv(&path).block_size(40_000).load().expect("a frame");
    assert_eq!(load().len().expect("a count"), 3);
    assert_eq!(load().count().expect("counts"), [("a".to_owned(), 3), ("b".to_owned(), 3)]);
    let expected = [1, 2, 3].map(|a| vec![Cell::Int(a)]);
    let persisted = load().select(["a"]).persist().expect("a frame");
    assert_eq!(all(&persisted), expected);
    let mut batches = Vec::new();
    for batch in load().select(["a"]).batches().expect("batches") {
        batches.push(batch.expect("a batch"));
    }
    assert_eq!(rows(&batches), expected);
    let target = folder.path().join("set");
    assert_eq!(load().to_parquet(target.to_string_lossy().as_ref()).write().expect("written").rows, 3);

    // With the wrong starts `x` would not be the first value that does not fit, and 7 and 8 would.
    let reader = session(2).read_csv(&path).block_size(40_000).dtype("b", "i64");
    let error = reader.load().expect("a frame").len().map(|_| ());
    assert!(error.is_ok(), "no column is read to count: {error:?}");
    let reader = session(2).read_csv(&path).block_size(40_000).dtype("a", "bool");
    let error =
        reader.load().expect("a frame").compute_batches().expect_err("1, 2 and 3 are no truth values");
    let message = error.to_string();
    assert!(message.contains("line 2,") || message.contains("line 50003,"), "{message}");
    assert!(message.contains("\"1\"") || message.contains("\"2\""), "{message}");
}

/// A text as a CSV writer of the simplest kind would put it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

/// Twenty thousand rows whose quoted texts look like rows.
#[test]
fn rows_that_hold_rows_stay_whole() {
    let mut random = Random(1);
    let (mut text, mut expected) = (String::from("\u{feff}id,what,much\n"), Vec::new());
    for id in 0..20_000 {
        let what = match random.below(5) {
            0 => format!("{id},\"\"x\"\",{id}\n").repeat(1 + random.below(3)),
            1 => "\"\n\"".repeat(random.below(4)),
            2 => "\r\n\n".to_owned(),
            _ => format!("plain {}", random.below(100)),
        };
        let much = random.below(1_000_000) as f64 / 64.0;
        let end = if random.once_in(3) { "\r\n" } else { "\n" };
        text.push_str(&format!("{id},{},{much}{end}", quoted(&what)));
        if random.once_in(10) {
            text.push_str(end);
        }
        expected.push(vec![Cell::Int(id), Cell::Text(what), Cell::Float(much)]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    for packing in PACKINGS {
        let path = folder.path().join(format!("{packing:?}.csv"));
        std::fs::write(&path, pack(text.as_bytes(), packing)).expect("a file");
        for block_bytes in [997, 16 << 10, 333_333] {
            let threads = 1 + random.below(4);
            let reader = session(threads).read_csv(&path).infer(Infer::Full).block_size(block_bytes);
            let got = all(&reader.load().expect("a frame"));
            assert!(got == expected, "{packing:?}, blocks of {block_bytes}, {threads} threads");
        }
    }
}

/// The parts of a data set, by name.
fn parts(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut parts: Vec<_> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .filter(|(name, _)| name.ends_with(".parquet"))
        .map(|(name, path)| (name, std::fs::read(path).expect("a part")))
        .collect();
    parts.sort();
    parts
}

/// Blocks of a compressed file are read behind the decompressor, by as many threads as there are, as far as memory reaches.
#[test]
fn compressed_files_give_the_same_parts_to_everyone() {
    let mut random = Random(7);
    let (mut text, mut expected) = (String::from("id,what\n"), Vec::new());
    for id in 0..40_000 {
        let what = format!("{}\n{}, \"{}\"", random.next(), random.next(), id % 7);
        text.push_str(&format!("{id},{}\n", quoted(&what)));
        expected.push(vec![Cell::Int(id), Cell::Text(what)]);
    }
    let folder = tempfile::tempdir().expect("a folder");
    let start = |limit: &str, threads| {
        Session::builder().memory_limit(limit).threads(threads).build().expect("a session")
    };
    let sessions = [start("1GiB", 1), start("1GiB", 2), start("1GiB", 8), start("128MiB", 4)];
    for packing in [Packing::Gzip, Packing::Zstd, Packing::Bz2, Packing::Xz] {
        let path = folder.path().join(format!("{packing:?}.csv"));
        std::fs::write(&path, pack(text.as_bytes(), packing)).expect("a file");
        let mut first = Vec::new();
        for (number, session) in sessions.iter().enumerate() {
            for scheduler in [Scheduler::Threaded, Scheduler::SingleThreaded] {
                let frame = session.read_csv(&path).block_size(800_000).load().expect("a frame");
                assert!(frame.npartitions().expect("a number") > 5);
                let frame = frame.with_scheduler(scheduler);
                let target = folder.path().join(format!("{packing:?}-{number}-{scheduler:?}"));
                frame.to_parquet(target.to_string_lossy().as_ref()).write().expect("written");
                let parts = parts(&target);
                if first.is_empty() {
                    assert!(all(&frame) == expected, "{packing:?}");
                    first = parts;
                } else {
                    assert!(first == parts, "{packing:?}, session {number}, {scheduler:?}");
                }
            }
        }
    }
}

/// Whatever the limit and the blocks, rows are the same; whatever the limit, so are the parts of blocks of one size.
#[test]
fn limits_and_blocks_change_no_row() {
    let mut random = Random(3);
    let mut text = String::from("id,what,much\n");
    for id in 0..150_000 {
        let what = match random.below(4) {
            0 => format!("{id},\"x\",{id}\n").repeat(1 + random.below(8)),
            1 => "a, \"b\"\r\n".repeat(random.below(30)),
            _ => format!("plain {}", "words ".repeat(random.below(20))),
        };
        text.push_str(&format!("{id},{},{}\n", quoted(&what), random.below(1_000_000) as f64 / 64.0));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.csv");
    std::fs::write(&path, &text).expect("a file");
    let mut expected = None;
    for (number, block_bytes) in [150_001, 3 << 20, 64 << 20].into_iter().enumerate() {
        let mut first = Vec::new();
        for limit in LIMITS {
            for threads in [1, 2, 4] {
                let name = format!("{limit}, {threads} threads, blocks of {block_bytes}");
                let session = session_of(limit, threads);
                let frame = session.read_csv(&path).block_size(block_bytes).load().expect("a frame");
                let got = all(&frame);
                assert!(expected.get_or_insert_with(|| got.clone()) == &got, "{name}");
                let target = folder.path().join(format!("{number}-{limit}-{threads}"));
                frame.to_parquet(target.to_string_lossy().as_ref()).sync(false).write().expect("written");
                let parts = parts(&target);
                std::fs::remove_dir_all(&target).expect("a folder");
                if first.is_empty() {
                    first = parts;
                } else {
                    assert!(first == parts, "{name}");
                }
            }
        }
    }
    let rows = expected.expect("rows");
    assert_eq!(rows.len(), 150_000);
    assert_eq!(rows[77_777][0], Cell::Int(77_777));
}
