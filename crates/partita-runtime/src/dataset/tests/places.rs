//! Targets: what is refused, what is swept, and what is left.

use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::storage::LocalDisk;
use crate::storage::fault::{CallKind, Fault, FaultyDisk, Plan};

fn input(path: &Path) -> InputFingerprint {
    InputFingerprint { path: path.to_str().unwrap().to_owned(), bytes: 0, modified_ns: 0 }
}

fn overwrite() -> DatasetOptions {
    DatasetOptions { overwrite: true, ..options() }
}

fn folder(path: PathBuf, files: &[&str]) -> PathBuf {
    fs::create_dir_all(&path).unwrap();
    for file in files {
        fs::write(path.join(file), file).unwrap();
    }
    path
}

#[test]
fn a_target_that_is_not_empty_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let target = folder(home.path().join("out"), &["old"]);
    let error = refusal(&target, options());
    assert!(matches!(error.kind(), ErrorKind::NotEmpty { .. }));
    assert!(error.to_string().contains("--overwrite"), "{error}");

    let file = home.path().join("x.parquet");
    fs::write(&file, "old").unwrap();
    assert!(matches!(refusal(&file, options()).kind(), ErrorKind::NotEmpty { .. }));
    assert_eq!(listing(home.path()), ["out", "x.parquet"]);
}

#[test]
fn empty_targets_are_filled() {
    let home = tempfile::tempdir().unwrap();
    let target = folder(home.path().join("out"), &[]);
    write_all(&create(&target, options()).unwrap(), 3).unwrap();
    let file = home.path().join("x.parquet");
    fs::write(&file, "").unwrap();
    let written = write_all(&create(&file, options()).unwrap(), 3).unwrap();
    assert_eq!(numbers(&written.files), [0, 1, 2]);
    assert_eq!(listing(home.path()), ["out", "x.parquet"]);
}

#[test]
fn a_target_filled_meanwhile_is_refused_at_the_end() {
    let home = tempfile::tempdir().unwrap();
    for name in ["out", "x.parquet"] {
        let target = home.path().join(name);
        let dataset = create(&target, options()).unwrap();
        if name == "out" {
            folder(target.clone(), &["other"]);
        } else {
            fs::write(&target, "other").unwrap();
        }
        let error = write_all(&dataset, 3).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::NotEmpty { .. }), "{error}");
    }
    assert_eq!(listing(home.path()), ["out", "x.parquet"]);
    assert_eq!(listing(&home.path().join("out")), ["other"]);
    assert_eq!(fs::read_to_string(home.path().join("x.parquet")).unwrap(), "other");
}

#[test]
fn overwrite_exchanges() {
    let home = tempfile::tempdir().unwrap();
    let target = folder(home.path().join("out"), &["old"]);
    fs::set_permissions(&target, fs::Permissions::from_mode(0o750)).unwrap();
    let dataset = create(&target, DatasetOptions { sync: true, ..overwrite() }).unwrap();
    assert_eq!(listing(&target), ["old"]);
    let written = write_all(&dataset, 3).unwrap();
    assert_eq!(written.replaced, Replaced::AtOnce);
    assert_eq!(listing(&target), [MANIFEST_NAME, "part-00000.parquet"]);
    assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o777, 0o750);

    let file = home.path().join("x.parquet");
    fs::write(&file, "old").unwrap();
    let written = write_all(&create(&file, overwrite()).unwrap(), 3).unwrap();
    assert_eq!((written.replaced, numbers(&written.files)), (Replaced::AtOnce, vec![0, 1, 2]));
    assert_eq!(listing(home.path()), ["out", "x.parquet"]);
}

#[test]
fn two_steps_where_folders_cannot_be_exchanged() {
    let home = tempfile::tempdir().unwrap();
    let target = folder(home.path().join("out"), &["old"]);
    let without_exchange = || {
        let fault = Fault::forever(&[CallKind::Exchange], 1, 22);
        FaultyDisk::new(Arc::new(LocalDisk), Plan::fault(fault))
    };
    let write = |disk: Arc<FaultyDisk>, count| {
        let dataset = create(&target, DatasetOptions { sync: true, disk, ..overwrite() }).unwrap();
        write_all(&dataset, count)
    };
    let written = write(without_exchange(), 3).unwrap();
    assert_eq!((written.replaced, numbers(&written.files)), (Replaced::InTwoSteps, vec![0, 1, 2]));
    assert_eq!(listing(&target), [MANIFEST_NAME, "part-00000.parquet"]);
    let before = fs::read(&written.files[0]).unwrap();

    // The second step fails, and the old one is put back.
    let mut plan = Plan::fault(Fault::forever(&[CallKind::Exchange], 1, 22));
    plan.faults.push(Fault::once(&[CallKind::Rename], 3, 5));
    let error = write(FaultyDisk::new(Arc::new(LocalDisk), plan), 4).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert_eq!(fs::read(target.join("part-00000.parquet")).unwrap(), before);
    assert_eq!(listing(home.path()), ["out"]);
}

#[test]
fn own_inputs_are_never_replaced() {
    let home = tempfile::tempdir().unwrap();
    let data = folder(home.path().join("data"), &["a.csv"]);
    let elsewhere = folder(home.path().join("elsewhere"), &["b.csv"]);
    symlink(elsewhere.join("b.csv"), data.join("link.csv")).unwrap();
    symlink(&data, home.path().join("alias")).unwrap();
    symlink(data.join("a.csv"), home.path().join("a-link.csv")).unwrap();
    let refused = |target: PathBuf, path: PathBuf, single_file| {
        let options = DatasetOptions { inputs: vec![input(&path)], single_file, ..overwrite() };
        let error = refusal(&target, options);
        assert!(matches!(error.kind(), ErrorKind::OwnInput { .. }), "{error}");
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    };
    refused(data.clone(), data.join("a.csv"), false);
    refused(home.path().join("alias"), data.join("a.csv"), false);
    refused(data.clone(), home.path().join("alias/a.csv"), false);
    refused(data.clone(), home.path().join("a-link.csv"), false);
    refused(data.clone(), data.join("link.csv"), false);
    refused(data.clone(), data.join("../data/a.csv"), false);
    refused(data.join("a.csv"), data.join("a.csv"), true);
    refused(home.path().join("a-link.csv"), data.join("a.csv"), true);

    // Beside the input, or named like it, is no harm; nor is an input that is no file.
    let inputs = vec![input(&data.join("a.csv")), input(Path::new("-")), input(Path::new("s3://b/x.csv"))];
    let options = DatasetOptions { inputs, ..overwrite() };
    write_all(&create(&data.join("a.csv.out"), options.clone()).unwrap(), 1).unwrap();
    write_all(&create(&elsewhere, options).unwrap(), 1).unwrap();
}

#[test]
fn a_file_for_a_folder_and_a_folder_for_a_file() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "x").unwrap();
    let error = refusal(&file, overwrite());
    assert!(
        matches!(error.kind(), ErrorKind::WrongKind { expected: "a folder", found: "a file", .. }),
        "{error}"
    );
    let error = refusal(home.path(), DatasetOptions { single_file: true, ..overwrite() });
    assert!(
        matches!(error.kind(), ErrorKind::WrongKind { expected: "a file", found: "a folder", .. }),
        "{error}"
    );
    // A folder may be called x.parquet, as Spark's are.
    let target = home.path().join("x.parquet/");
    let written = write_all(&create(&target, options()).unwrap(), 1).unwrap();
    assert_eq!(written.files, [target.join("part-00000.parquet")]);
    let again = write_all(&create(&home.path().join("x.parquet"), overwrite()).unwrap(), 1).unwrap();
    assert_eq!(again.replaced, Replaced::AtOnce);
}

#[test]
fn the_working_folder_and_all_above_it_are_protected() {
    let here = std::env::current_dir().unwrap();
    for target in [here.as_path(), here.parent().unwrap(), Path::new("/")] {
        let error = refusal(target, overwrite());
        assert!(matches!(error.kind(), ErrorKind::Protected { .. }), "{error}");
    }
}

#[test]
fn links_are_followed_to_the_target() {
    let home = tempfile::tempdir().unwrap();
    let real = folder(home.path().join("deep/real"), &["old"]);
    let link = home.path().join("link");
    symlink(&real, &link).unwrap();
    let written = write_all(&create(&link, overwrite()).unwrap(), 2).unwrap();
    assert_eq!(numbers(&written.files), [0, 1]);
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(listing(&home.path().join("deep")), ["real"]);
    assert_eq!(listing(&real), [MANIFEST_NAME, "part-00000.parquet"]);
}

#[test]
fn a_second_writer_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let first = create(&target, options()).unwrap();
    for options in [options(), overwrite()] {
        let error = refusal(&target, options);
        assert!(matches!(error.kind(), ErrorKind::Locked { .. }), "{error}");
        assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    }
    // Names that begin alike are others.
    create(&home.path().join("out.2"), options()).unwrap();
    create(&home.path().join("ou"), options()).unwrap();
    write_all(&first, 4).unwrap();
    drop(first);
    assert_eq!(listing(home.path()), ["out"]);
    assert!(write_all(&create(&target, overwrite()).unwrap(), 4).is_ok());
}

#[test]
fn of_many_writers_at_once_one_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let barrier = std::sync::Barrier::new(4);
    let datasets: Vec<_> = std::thread::scope(|scope| {
        let start = || {
            barrier.wait();
            create(&target, options()).ok()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(start)).collect();
        threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(datasets.len(), 1);
}

#[test]
fn what_a_crash_left_is_swept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    for (name, lock) in [(".out.partita-1-a", true), (".out.partita-1-b", false)] {
        let hidden = folder(home.path().join(name), &["part"]);
        if lock {
            fs::write(hidden.join("lock"), "process 1\n").unwrap();
        }
    }
    folder(home.path().join(".outer.partita-1-a"), &["part"]);
    write_all(&create(&target, options()).unwrap(), 4).unwrap();
    assert_eq!(listing(home.path()), [".outer.partita-1-a", "out"]);

    // A crash between the two steps of a replacement: the old set comes back first.
    let hidden = folder(home.path().join(".out.partita-2-a"), &["lock"]);
    fs::rename(&target, hidden.join("old")).unwrap();
    drop(create(&target, overwrite()).unwrap());
    assert_eq!(listing(home.path()), [".outer.partita-1-a", "out"]);
    assert_eq!(listing(&target), [MANIFEST_NAME, "part-00000.parquet"]);
}

#[test]
fn abort_and_drop_leave_nothing() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("made/too/out");
    for abort in [true, false] {
        let ledger = Ledger::new(i64::MAX / 2);
        let dataset = Dataset::create(&target, schema(), options(), Arc::clone(&ledger) as _).unwrap();
        dataset.write_row_group(0, 0, encode(&dataset, &rows(0, 100))).unwrap();
        dataset.write_row_group(2, 0, encode(&dataset, &rows(0, 100))).unwrap();
        assert!(!ledger.is_whole());
        if abort {
            dataset.abort();
            assert!(listing(home.path()).is_empty());
            let error = dataset.write_row_group(0, 1, encode(&dataset, &rows(0, 1))).unwrap_err();
            assert!(matches!(error.kind(), ErrorKind::GivenUp(_)), "{error}");
            assert!(dataset.commit(None).is_err());
        }
        drop(dataset);
        assert!(listing(home.path()).is_empty());
        assert!(ledger.is_whole());
    }
    // Folders above the target stay with it, and where others use them.
    let dataset = create(&target, options()).unwrap();
    fs::write(home.path().join("made/note"), "").unwrap();
    drop(dataset);
    assert_eq!(listing(&home.path().join("made")), ["note"]);
    let dataset = create(&target, DatasetOptions { sync: true, ..options() }).unwrap();
    write_all(&dataset, 1).unwrap();
    dataset.abort();
    assert_eq!(listing(&home.path().join("made/too")), ["out"]);
    let error = dataset.close_partition(1, 0, 0).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Misuse(_)), "{error}");
}

#[test]
fn abort_while_others_write() {
    let home = tempfile::tempdir().unwrap();
    let ledger = Ledger::new(100_000);
    let dataset =
        Dataset::create(&home.path().join("out"), schema(), options(), Arc::clone(&ledger) as _).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..3_usize {
            let dataset = &dataset;
            scope.spawn(move || {
                for partition in (thread..).step_by(3) {
                    let group = encode(dataset, &rows(0, 2000));
                    let sent = dataset.write_row_group(partition, 0, group);
                    if sent.and_then(|()| dataset.close_partition(partition, 1, 2000)).is_err() {
                        break;
                    }
                }
            });
        }
        std::thread::sleep(std::time::Duration::from_millis(30));
        dataset.abort();
        assert!(listing(home.path()).is_empty());
    });
    assert!(ledger.is_whole());
    assert!(listing(home.path()).is_empty());
}

#[test]
fn options_are_checked_before_anything_is_made() {
    let home = tempfile::tempdir().unwrap();
    let mut wrong = options();
    write_of(&mut wrong).part_bytes = 1;
    let error = refusal(&home.path().join("a/b"), wrong);
    assert!(matches!(error.kind(), ErrorKind::Formats(_)), "{error}");
    assert!(listing(home.path()).is_empty());
}

#[test]
fn long_names_and_the_working_folder_as_parent() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("n".repeat(250));
    let dataset = create(&target, options()).unwrap();
    assert!(matches!(refusal(&target, options()).kind(), ErrorKind::Locked { .. }));
    write_all(&dataset, 2).unwrap();
    drop(dataset);
    assert_eq!(listing(home.path()), ["n".repeat(250)]);

    let name = format!("partita-test-{}", std::process::id());
    let written = write_all(&create(Path::new(&name), options()).unwrap(), 2).unwrap();
    assert_eq!(numbers(&written.files), [0, 1]);
    fs::remove_dir_all(name).unwrap();
}

#[test]
fn errors_of_the_system_name_the_path() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refusal(&file.join("out"), options());
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains(file.to_str().unwrap()), "{error}");
    let full = Error::io("write", &file, std::io::Error::from_raw_os_error(28));
    assert!(matches!(full.kind(), ErrorKind::DiskFull { .. }));
}

/// A fragment's name is taken, so that it cannot be made.
#[test]
fn a_write_that_fails_gives_the_data_set_up() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = Dataset::create(&target, schema(), options(), Ledger::new(0) as _).unwrap();
    let hidden = home.path().join(&listing(home.path())[0]);
    fs::write(hidden.join("fragments/0"), "").unwrap();
    let error = dataset.write_row_group(1, 0, encode(&dataset, &rows(0, 10))).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::Io { .. }), "{error}");
    assert!(error.to_string().contains("fragments/0"), "{error}");
    assert!(matches!(dataset.close_partition(0, 0, 0).unwrap_err().kind(), ErrorKind::GivenUp(_)));
    assert!(dataset.commit(None).is_err());
    drop(dataset);
    assert!(listing(home.path()).is_empty());
}
