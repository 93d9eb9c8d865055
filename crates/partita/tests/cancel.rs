//! Calls that are cancelled at any time: memory and files are free soon after. Alone in its process, whose memory it measures.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[allow(dead_code, reason = "shared with the out-of-core cases")]
#[path = "out_of_core/data.rs"]
mod data;

use std::path::Path;
use std::time::{Duration, Instant};

use partita::CancelToken;
use partita::prelude::*;

/// More than a ledger of 80 MiB holds.
const ROWS: u64 = 700_000;

fn run_whole(frame: &DataFrame) -> Duration {
    let began = Instant::now();
    assert_eq!(frame.persist().unwrap().len().unwrap(), ROWS);
    began.elapsed()
}

/// Nothing but `held_bytes` in memory or on disk, and nothing pinned, at the latest after two seconds.
fn check_empty(session: &Session, spill: &Path, held_bytes: u64) {
    let deadline = Instant::now() + Duration::from_secs(2);
    loop {
        let memory = session.memory();
        // A part of what is held may have been sent to disk, and lie there beside what came back.
        let is_held = match held_bytes {
            0 => memory.managed_bytes + memory.spilled_bytes == 0,
            _ => memory.managed_bytes <= held_bytes && memory.partitions > 0,
        };
        let folders = std::fs::read_dir(spill).unwrap().map(|entry| entry.unwrap().path());
        let files = folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).count();
        // The lock of the session's folder stays, and a file for each partition that is held.
        let files_max = 1 + memory.partitions;
        if is_held && memory.pins == 0 && files <= files_max {
            return;
        }
        assert!(Instant::now() < deadline, "{memory:?}, {files} files");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_call_that_is_cancelled_at_any_time_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("numbers.csv");
    data::write(&input, ROWS);
    let spill = folder.path().join("spill");
    std::fs::create_dir(&spill).unwrap();
    let session = Session::builder().memory_limit("128MiB").threads(2).spill_dirs([&spill]);
    let session = session.spill_to_memory(true).build().unwrap();
    let frame = || session.read_csv(&input).block_size("4MiB").load().unwrap();
    // The first run also makes what lasts as long as the process.
    let takes = (0..3).map(|_| run_whole(&frame())).min().unwrap();
    check_empty(&session, &spill, 0);
    // Beside a frame that stays, as in a session that is used.
    let held = frame().select(["n0", "n1", "n2", "n3", "n4"]).persist().unwrap();
    let held_bytes = session.memory().managed_bytes;
    let base = session.memory().process_bytes;
    let mut cancelled = 0;
    for number in 0..200_u32 {
        let token = CancelToken::new();
        let frame = frame().with_cancel(&token);
        let wait = takes * (number * 37 % 200) / 200;
        let ended = std::thread::scope(|scope| {
            let asked = scope.spawn(|| frame.persist().map(drop));
            std::thread::sleep(wait);
            let at = Instant::now();
            token.cancel();
            (asked.join().unwrap(), at.elapsed())
        });
        cancelled += u32::from(ended.0.is_err());
        assert!(ended.1 < Duration::from_secs(2), "{:?} after the cancellation", ended.1);
        check_empty(&session, &spill, held_bytes);
    }
    assert!(cancelled > 50, "{cancelled} of 200 were in time");
    assert_eq!(held.len().unwrap(), ROWS);
    let after = session.memory().process_bytes;
    assert!(after <= base + base / 10, "{base} bytes before, {after} after");
}
