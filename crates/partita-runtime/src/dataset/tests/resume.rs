//! Jobs that go on: what is kept, what is not, and what is said.

use super::jobs::{Mode, PARTITIONS, Snapshot, begin, in_mode, job, local, run, snapshot, write_partition};
use super::*;

fn resuming() -> DatasetOptions {
    // Without syncing, a part is recorded before the next begins.
    DatasetOptions { resume: true, ..job("new") }
}

/// What an undisturbed run leaves.
fn undisturbed(home: &Path, options: DatasetOptions) -> Snapshot {
    let target = home.join("other");
    run(&target, DatasetOptions { resume: false, ..options }).unwrap();
    let files = snapshot(&target);
    fs::remove_dir_all(&target).unwrap();
    let renamed = |path: &Path| home.join("out").join(path.strip_prefix(&target).unwrap());
    files.into_iter().map(|(path, bytes)| (renamed(&path), bytes)).collect()
}

fn hidden(home: &Path) -> PathBuf {
    let name = listing(home).into_iter().find(|name| name.starts_with(".out.partita-"));
    home.join(name.expect("a hidden folder"))
}

#[test]
fn a_job_goes_on_after_the_last_finished_part() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let expected = undisturbed(home.path(), resuming());
    for done in 1..=PARTITIONS {
        begin(&target, resuming(), done);
        assert!(!target.exists());
        assert_eq!(listing(home.path()).len(), 1);
        let dataset = create(&target, resuming()).unwrap();
        assert_eq!(dataset.first_partition(), done);
        assert_eq!(listing(home.path()).len(), 1, "it goes on in the same hidden folder");
        let error = refusal(&target, resuming());
        let me = format!("process {}", std::process::id());
        assert!(matches!(error.kind(), ErrorKind::Locked { by, .. } if by.starts_with(&me)), "{error}");
        for partition in done..PARTITIONS {
            write_partition(&dataset, partition).unwrap();
        }
        let written = dataset.commit(Some(40)).unwrap();
        assert_eq!((written.rows, written.parts_reused, written.set_aside), (40, done, 2));
        assert!(written.notes.is_empty(), "{:?}", written.notes);
        assert!(snapshot(&target) == expected, "after {done}");
        assert_eq!(listing(home.path()), ["out"]);
        fs::remove_dir_all(&target).unwrap();
    }
}

#[test]
fn it_may_be_interrupted_again_and_again() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let expected = undisturbed(home.path(), resuming());
    for done in 1..PARTITIONS {
        begin(&target, resuming(), done);
    }
    let written = run(&target, resuming()).unwrap();
    assert_eq!(written.parts_reused, PARTITIONS - 1);
    assert!(snapshot(&target) == expected);
}

#[test]
fn without_resume_nothing_is_left_and_nothing_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    begin(&target, job("new"), 2);
    assert!(listing(home.path()).is_empty());
    begin(&target, resuming(), 2);
    let written = run(&target, job("new")).unwrap();
    assert_eq!(written.parts_reused, 0);
    assert_eq!(listing(home.path()), ["out"]);

    // Before the first part is finished there is nothing to leave.
    begin(&home.path().join("next"), resuming(), 0);
    assert_eq!(listing(home.path()), ["out"]);
}

#[test]
fn what_does_not_fit_is_said_and_done_again() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let changed = |change: &dyn Fn(&mut DatasetOptions)| {
        begin(&target, resuming(), 2);
        let mut options = resuming();
        change(&mut options);
        let expected = undisturbed(home.path(), options.clone());
        let written = run(&target, options).unwrap();
        assert_eq!(written.parts_reused, 0);
        assert!(snapshot(&target) == expected);
        assert_eq!(listing(home.path()), ["out"]);
        fs::remove_dir_all(&target).unwrap();
        written.notes.join("\n")
    };
    for (change, words) in [
        (
            &(|options: &mut DatasetOptions| options.inputs[0].bytes = 8) as &dyn Fn(&mut DatasetOptions),
            "new.csv had 7 bytes, and has 8",
        ),
        (&|options| options.inputs[0].modified_ns = 2, "new.csv was written to"),
        (&|options| options.inputs[0].path = "b.csv".into(), "new.csv is now b.csv"),
        (&|options| options.inputs.clear(), "there were 1 inputs, and are 0"),
        (&|options| write_of(options).compression = Compression::Snappy, "option write compression was"),
        (&|options| options.options_json = serde_json::json!({"a": 1}), "option was null, and is {\"a\":1}"),
        (&|options| options.plan = Some(PlanFingerprint::of(["else"])), "the plan is another"),
        (&|options| options.plan = None, "cannot be compared"),
        (&|options| write_of(options).created_by = "other".into(), "this is other"),
    ] {
        let notes = changed(change);
        assert!(notes.contains(words) && notes.contains("done again"), "{notes}");
    }
}

#[test]
fn damaged_parts_and_torn_records_are_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let expected = undisturbed(home.path(), resuming());
    let damaged = |damage: &dyn Fn(&Path)| {
        begin(&target, resuming(), 3);
        damage(&hidden(home.path()));
        let written = run(&target, resuming()).unwrap();
        assert!(snapshot(&target) == expected);
        assert_eq!(listing(home.path()), ["out"]);
        fs::remove_dir_all(&target).unwrap();
        written.parts_reused
    };
    let cut = |path: PathBuf, bytes: u64| {
        File::options().write(true).open(path).unwrap().set_len(bytes).unwrap();
    };
    let record_bytes = |hidden: &Path| fs::metadata(hidden.join("parts.jsonl")).unwrap().len();
    assert_eq!(damaged(&|_| {}), 3);
    assert_eq!(damaged(&|hidden| cut(hidden.join("data/part-00001.parquet"), 100)), 1);
    assert_eq!(damaged(&|hidden| fs::remove_file(hidden.join("data/part-00002.parquet")).unwrap()), 2);
    assert_eq!(damaged(&|hidden| fs::write(hidden.join("data/part-00003.parquet"), "half").unwrap()), 3);
    assert_eq!(damaged(&|hidden| cut(hidden.join("parts.jsonl"), record_bytes(hidden) - 1)), 2);
    assert_eq!(damaged(&|hidden| cut(hidden.join("parts.jsonl"), 10)), 0);
    assert_eq!(damaged(&|hidden| fs::write(hidden.join("parts.jsonl"), [0; 50]).unwrap()), 0);
    let zeros = |hidden: &Path| {
        let bytes = record_bytes(hidden);
        cut(hidden.join("parts.jsonl"), bytes - 30);
        cut(hidden.join("parts.jsonl"), bytes);
    };
    assert_eq!(damaged(&zeros), 2);
}

#[test]
fn of_several_earlier_runs_the_one_with_most_parts_is_kept() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    begin(&target, resuming(), 3);
    fs::rename(hidden(home.path()), home.path().join("kept")).unwrap();
    begin(&target, resuming(), 1);
    fs::rename(home.path().join("kept"), home.path().join(".out.partita-1-a")).unwrap();
    let written = run(&target, resuming()).unwrap();
    assert_eq!(written.parts_reused, 3);
    assert_eq!(listing(home.path()), ["out"]);
}

#[test]
fn a_complete_target_is_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let first = run(&target, resuming()).unwrap();
    let before = snapshot(&target);
    let modified = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    let times: Vec<_> = first.files.iter().map(modified).collect();
    for overwrite in [false, true] {
        let again = run(&target, DatasetOptions { overwrite, ..resuming() }).unwrap();
        assert_eq!(again.replaced, Replaced::Unchanged);
        assert_eq!((again.rows, &again.files, again.bytes), (40, &first.files, first.bytes));
        assert_eq!((again.parts_reused, again.set_aside), (PARTITIONS, 2));
    }
    assert!(snapshot(&target) == before);
    assert_eq!(first.files.iter().map(modified).collect::<Vec<_>>(), times);

    // What a killed run has left goes, and another job is another job.
    fs::create_dir(home.path().join(".out.partita-1-a")).unwrap();
    run(&target, resuming()).unwrap();
    assert_eq!(listing(home.path()), ["out"]);
    let mut changed = resuming();
    changed.inputs[0].bytes = 8;
    let error = refusal(&target, changed.clone());
    assert!(matches!(error.kind(), ErrorKind::NotEmpty { .. }), "{error}");
    let written = run(&target, DatasetOptions { overwrite: true, ..changed }).unwrap();
    assert_eq!(written.replaced, Replaced::AtOnce);

    // A part that is missing is missed.
    fs::remove_file(&first.files[1]).unwrap();
    assert_eq!(
        run(&target, DatasetOptions { overwrite: true, ..resuming() }).unwrap().replaced,
        Replaced::AtOnce
    );
}

#[test]
fn a_single_file_is_complete_or_written_as_a_whole() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("x.parquet");
    let options = || {
        let mut options = resuming();
        write_of(&mut options).file_per_partition = false;
        options
    };
    begin(&target, options(), 3);
    assert!(listing(home.path()).is_empty(), "a part of a file is of no use");
    let written = run(&target, options()).unwrap();
    assert_eq!((written.replaced, written.set_aside), (Replaced::Nothing, 2));
    assert_eq!(listing(home.path()), ["x.parquet", "x.parquet.quarantine.ndjson"]);
    let again = run(&target, options()).unwrap();
    assert_eq!((again.replaced, again.rows, again.set_aside), (Replaced::Unchanged, 40, 2));
}

#[test]
fn a_draft_is_never_gone_on_with() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    let dataset = create(&target, resuming()).unwrap();
    write_partition(&dataset, 0).unwrap();
    dataset.draft();
    write_partition(&dataset, 1).unwrap();
    let record = fs::read_to_string(hidden(home.path()).join("parts.jsonl")).unwrap();
    assert_eq!(record.lines().count(), 2, "the header and one part");
    drop(dataset);
    assert!(listing(home.path()).is_empty());
}

#[test]
fn a_replacement_and_an_addition_go_on_too() {
    for mode in [Mode::Overwrite, Mode::Append] {
        let home = tempfile::tempdir().unwrap();
        let target = home.path().join("out");
        run(&target, job("old")).unwrap();
        let before = snapshot(&target);
        let options = || DatasetOptions { sync: false, ..in_mode(mode, true, local()) };
        begin(&target, options(), 3);
        assert!(snapshot(&target) == before);
        let written = run(&target, options()).unwrap();
        assert_eq!((written.parts_reused, written.rows, written.files.len()), (3, 40, 4));
        let again = run(&target, options()).unwrap();
        assert_eq!(again.replaced, Replaced::Unchanged, "{mode:?}");
        assert_eq!(listing(home.path()), ["out"]);
    }
}

#[test]
fn an_addition_to_what_has_changed_begins_again() {
    let home = tempfile::tempdir().unwrap();
    let target = home.path().join("out");
    run(&target, job("old")).unwrap();
    let options = || DatasetOptions { append: true, ..resuming() };
    begin(&target, options(), 3);
    let hidden = hidden(home.path());
    fs::rename(&hidden, home.path().join("kept")).unwrap();
    run(&target, DatasetOptions { append: true, ..job("between") }).unwrap();
    fs::rename(home.path().join("kept"), &hidden).unwrap();
    let written = run(&target, options()).unwrap();
    assert_eq!(written.parts_reused, 0);
    assert!(written.notes[0].contains("added to has changed"), "{:?}", written.notes);
    assert_eq!(read_manifest(&target).parts.len(), 12);
}
