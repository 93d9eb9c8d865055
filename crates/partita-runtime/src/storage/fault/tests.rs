//! The layer itself: it fails what it was told to, and nothing else; and a loss of power takes what was not synced.

use std::fs;
use std::io::Write;

use super::variable::plan;
use super::*;
use crate::storage::{DiskWriter, LocalDisk};

const EIO: i32 = 5;
const EINTR: i32 = 4;
const ENOSPC: i32 = 28;

fn disk(plan: Plan) -> Arc<FaultyDisk> {
    FaultyDisk::new(Arc::new(LocalDisk), plan)
}

fn write(disk: &FaultyDisk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    disk.create_new(path)?.write_all_at(0, bytes)
}

#[test]
fn the_nth_call_fails_once_or_from_then_on() {
    let home = tempfile::tempdir().unwrap();
    let path = |name: &str| home.path().join(name);
    let once = disk(Plan::fault(Fault::once(&[CallKind::Create], 2, ENOSPC)));
    assert!(write(&once, &path("a"), b"1").is_ok());
    let error = write(&once, &path("b"), b"2").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(!path("b").exists());
    assert!(write(&once, &path("b"), b"2").is_ok());
    assert_eq!((once.seen(CallKind::Create), once.seen(CallKind::Write), once.fired()), (3, 2, 1));
    assert_eq!(once.steps(), 5);

    let forever = disk(Plan::fault(Fault::forever(&[], 2, EIO)));
    assert!(forever.open(&path("a")).is_ok());
    assert!(forever.open(&path("a")).is_err() && forever.remove_file(&path("a")).is_err());
    let mut elsewhere = Fault::once(&[CallKind::Open], 1, EIO);
    elsewhere.under = Some(path("c"));
    assert!(disk(Plan::fault(elsewhere)).open(&path("a")).is_ok());
}

#[test]
fn short_and_interrupted_calls_are_finished() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    let bytes: Vec<u8> = (0..1000_u32).flat_map(u32::to_le_bytes).collect();
    let mut faults = Plan::fault(Fault::once(&[CallKind::Write], 3, EINTR));
    faults.faults.push(Fault::once(&[CallKind::Read], 2, EINTR));
    faults.short = true;
    let disk = disk(faults);
    let mut writer = DiskWriter::new(disk.create_new(&path).unwrap());
    writer.write_all(&bytes).unwrap();
    assert_eq!(fs::read(&path).unwrap(), bytes);
    let mut got = vec![0; bytes.len()];
    disk.open(&path).unwrap().read_exact_at(0, &mut got).unwrap();
    assert_eq!(got, bytes);
    assert_eq!(disk.fired(), 2);
    let end = disk.open(&path).unwrap().read_exact_at(1, &mut got).unwrap_err();
    assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
}

#[test]
fn endless_interruptions_end() {
    let home = tempfile::tempdir().unwrap();
    let disk = disk(Plan::fault(Fault::forever(&[CallKind::Write], 1, EINTR)));
    let error = write(&disk, &home.path().join("file"), b"1").unwrap_err();
    assert!(error.to_string().contains("interrupted 1000 times"), "{error}");
}

#[test]
fn nothing_happens_after_a_crash_and_a_write_is_torn_by_it() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("file");
    let disk = disk(Plan::crash_at(3));
    let file = disk.create_new(&path).unwrap();
    file.write_all_at(0, b"12").unwrap();
    assert!(!disk.has_crashed());
    assert!(file.write_all_at(2, b"3456").is_err());
    assert!(disk.has_crashed());
    assert!(disk.remove_file(&path).is_err() && disk.open(&path).is_err() && file.sync_data().is_err());
    assert_eq!(fs::read(&path).unwrap(), b"1234");
}

/// A root with one file, and the disk that keeps account of it.
fn accounted(plan: Plan) -> (tempfile::TempDir, PathBuf, Arc<FaultyDisk>) {
    let home = tempfile::tempdir().unwrap();
    let (root, attic) = (home.path().join("root"), home.path().join("attic"));
    fs::create_dir(&root).unwrap();
    fs::create_dir(&attic).unwrap();
    fs::write(root.join("old"), "old").unwrap();
    let disk = FaultyDisk::with_losses(Arc::new(LocalDisk), plan, &root, &attic).unwrap();
    (home, root, disk)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_was_not_synced_is_lost_and_what_was_is_not() {
    for seed in 0..40 {
        let (_home, root, disk) = accounted(Plan::default());
        disk.create_dir(&root.join("kept")).unwrap();
        let file = disk.create_new(&root.join("kept/file")).unwrap();
        file.write_all_at(0, b"synced").unwrap();
        file.sync_data().unwrap();
        file.write_all_at(6, b" and loose").unwrap();
        disk.sync_dir(&root.join("kept")).unwrap();
        disk.sync_dir(&root).unwrap();
        write(&disk, &root.join("kept/loose"), b"x").unwrap();
        disk.remove_file(&root.join("old")).unwrap();
        drop(file);
        disk.lose_power(seed).unwrap();

        let text = fs::read(root.join("kept/file")).unwrap();
        assert!(text.starts_with(b"synced"), "{text:?}");
        let all = seed % 4 == 1;
        match seed % 4 {
            0 | 1 => {
                assert_eq!(names(&root.join("kept")).len(), if all { 2 } else { 1 });
                assert_eq!(root.join("old").exists(), !all);
            }
            _ => assert!(names(&root).contains(&"kept".to_owned())),
        }
        if !all && root.join("old").exists() {
            assert_eq!(fs::read(root.join("old")).unwrap(), b"old", "a removal that is undone");
        }
    }
}

#[test]
fn a_rename_is_there_or_not() {
    let mut seen = std::collections::BTreeSet::new();
    for seed in 0..40 {
        let (_home, root, disk) = accounted(Plan::default());
        disk.create_dir(&root.join("a")).unwrap();
        let file = disk.create_new(&root.join("a/new")).unwrap();
        file.write_all_at(0, b"new").unwrap();
        file.sync_data().unwrap();
        drop(file);
        disk.sync_dir(&root.join("a")).unwrap();
        disk.sync_dir(&root).unwrap();
        disk.exchange(&root.join("a/new"), &root.join("old")).unwrap();
        disk.lose_power(seed).unwrap();
        let found = (fs::read(root.join("old")).unwrap(), fs::read(root.join("a/new")).unwrap());
        assert!([(b"old".to_vec(), b"new".to_vec()), (b"new".to_vec(), b"old".to_vec())].contains(&found));
        seen.insert(found);
    }
    assert_eq!(seen.len(), 2, "both happen");
}

#[test]
fn a_synced_folder_keeps_a_rename_into_it() {
    for seed in 0..20 {
        let (_home, root, disk) = accounted(Plan::default());
        disk.create_dir(&root.join("a")).unwrap();
        disk.rename(&root.join("old"), &root.join("a/moved")).unwrap();
        disk.sync_dir(&root.join("a")).unwrap();
        disk.lose_power(seed).unwrap();
        assert_eq!((names(&root), names(&root.join("a"))), (vec!["a".to_owned()], vec!["moved".to_owned()]));
    }
}

#[test]
fn rules_are_read() {
    let read = plan("write+sync:3:ENOSPC; any:20+:EIO;short;abort:7").unwrap();
    assert_eq!(read.faults[0].kinds, [CallKind::Write, CallKind::Sync]);
    assert_eq!((read.faults[0].nth, read.faults[0].forever, read.faults[0].errno), (3, false, ENOSPC));
    assert_eq!((read.faults[1].nth, read.faults[1].forever, read.faults[1].errno), (20, true, EIO));
    assert!(read.short && read.crash == Crash::Abort);
    assert_eq!(read.crash_at, Some(7));
    for wrong in ["write:x:EIO", "write:1:EWHAT", "writes:1:EIO", "abort", "short:1"] {
        assert!(plan(wrong).is_none(), "{wrong}");
    }
}
