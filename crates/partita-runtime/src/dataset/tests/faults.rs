//! Every call of the disk fails once, and once and for all; the process dies, and the power goes, at every step.

use std::time::Duration;

use super::jobs::{MODES, Mode, Scene, data_files, in_mode, local, run, snapshot, write_partition};
use super::*;
use crate::storage::fault::{CallKind, Fault, FaultyDisk, Plan};

const EIO: i32 = 5;
const EACCES: i32 = 13;
const EINTR: i32 = 4;
const EPERM: i32 = 1;
const EINVAL: i32 = 22;
const ENOSPC: i32 = 28;
const EROFS: i32 = 30;

/// Runs with one fault after the other until none fires, and checks what each of them leaves.
fn fail_each(mode: Mode, resume: bool, kinds: &[CallKind], errno: i32, forever: bool) -> u64 {
    let mut scene = Scene::new(mode);
    for nth in 1.. {
        let what =
            format!("{mode:?}, resume {resume}, {kinds:?} {nth} fails with {errno}, forever {forever}");
        let fault = Fault { forever, ..Fault::once(kinds, nth, errno) };
        let disk = FaultyDisk::new(local(), Plan::fault(fault));
        let result = run(&scene.target, in_mode(mode, resume, Arc::clone(&disk) as _));
        let is_new = scene.check_one_of_two(&what);
        let unconfirmed = |error: &Error| matches!(error.kind(), ErrorKind::Unconfirmed { .. });
        let is_unconfirmed = forever && result.as_ref().is_err_and(unconfirmed);
        assert_eq!(is_new, result.is_ok() || is_unconfirmed, "{what}: {result:?}");
        if let Err(error) = &result
            && errno == ENOSPC
        {
            assert!(matches!(error.kind(), ErrorKind::DiskFull { .. }), "{what}: {error}");
        }
        if !resume && (!forever || !kinds.contains(&CallKind::Remove) && !kinds.is_empty()) {
            scene.check_clean(&what);
        }
        scene.check_next_run(resume, &what);
        if disk.fired() == 0 {
            return nth - 1;
        }
        scene.set();
    }
    0
}

#[test]
fn the_nth_call_of_a_kind_fails_once() {
    for mode in MODES {
        for kind in CallKind::ALL {
            for resume in [false, true] {
                if matches!(mode, Mode::AppendFolders | Mode::AppendRows) && !resume {
                    continue;
                }
                fail_each(mode, resume, &[kind], EIO, false);
            }
        }
    }
}

#[test]
fn calls_fail_from_the_nth_on() {
    for mode in MODES {
        fail_each(mode, false, &[CallKind::Write], ENOSPC, true);
        fail_each(mode, false, &[CallKind::Create], EACCES, true);
        assert!(fail_each(mode, true, &[], EIO, true) > 30, "many calls can fail");
    }
}

#[test]
fn interruptions_and_short_calls_change_nothing() {
    for mode in MODES {
        let mut scene = Scene::new(mode);
        for nth in [1, 5, 20] {
            let mut plan = Plan::fault(Fault::once(&[CallKind::Write, CallKind::Read], nth, EINTR));
            plan.short = true;
            let disk = FaultyDisk::new(local(), plan);
            run(&scene.target, in_mode(mode, true, Arc::clone(&disk) as _)).unwrap();
            assert_eq!(disk.fired(), 1);
            assert!(scene.check_one_of_two("short calls"));
            scene.check_clean("short calls");
            scene.set();
        }
    }
}

#[test]
fn errors_of_the_disk_are_typed() {
    let home = tempfile::tempdir().unwrap();
    let error = |kind, errno| {
        let disk = FaultyDisk::new(local(), Plan::fault(Fault::forever(&[kind], 1, errno)));
        let error = run(&home.path().join("out"), in_mode(Mode::Plain, false, disk)).unwrap_err();
        assert!(listing(home.path()).is_empty());
        error
    };
    assert!(matches!(error(CallKind::Write, ENOSPC).kind(), ErrorKind::DiskFull { .. }));
    assert!(matches!(error(CallKind::Create, EACCES).kind(), ErrorKind::Denied { .. }));
    assert!(matches!(error(CallKind::Create, EROFS).kind(), ErrorKind::ReadOnly { .. }));
    assert!(matches!(error(CallKind::Sync, EIO).kind(), ErrorKind::Io { .. }));
    for (errno, words) in [(EROFS, "another place"), (ENOSPC, "make room"), (EACCES, "the right to write")] {
        let message = error(CallKind::Create, errno).to_string();
        assert!(message.contains(words) && message.contains(".out.partita-"), "{message}");
    }
}

/// Runs until the crash point is not reached any more; the process dies, and the power goes where `seeds` are given.
fn crash_at_each(mode: Mode, seeds: &[u64]) {
    let mut scene = Scene::new(mode);
    let mut crashed = true;
    let mut step = 0;
    while crashed {
        step += 1;
        crashed = false;
        for seed in seeds {
            let what = format!("{mode:?} crashed at step {step}, seed {seed}");
            let plan = Plan::crash_at(step);
            let disk = FaultyDisk::with_losses(local(), plan, &scene.root(), &scene.attic()).unwrap();
            let resume = (step + seed) % 3 == 0;
            let result = run(&scene.target, in_mode(mode, resume, Arc::clone(&disk) as _));
            assert!(disk.has_crashed() || result.is_ok(), "{what}: {result:?}");
            crashed |= disk.has_crashed();
            if *seed > 0 {
                disk.lose_power(step * 1000 + seed).unwrap();
            }
            let is_new = scene.check_one_of_two(&what);
            assert!(is_new || result.is_err(), "{what}: reported as done, and not there");
            scene.check_next_run((step + seed) % 2 == 0, &what);
            scene.set();
        }
    }
    assert!(step > 30, "many steps");
}

#[test]
fn the_process_dies_at_every_step() {
    for mode in MODES {
        crash_at_each(mode, &[0]);
    }
}

#[test]
fn the_power_goes_at_every_step_of_a_first_run() {
    crash_at_each(Mode::Plain, &[1, 2, 3]);
}

#[test]
fn the_power_goes_at_every_step_of_a_replacement() {
    crash_at_each(Mode::Overwrite, &[1, 2, 3]);
}

#[test]
fn the_power_goes_at_every_step_of_an_addition() {
    crash_at_each(Mode::Append, &[1, 2, 3]);
}

#[test]
fn the_power_goes_at_every_step_of_folders() {
    crash_at_each(Mode::Folders, &[1]);
    crash_at_each(Mode::AppendFolders, &[2]);
}

/// The first part is recorded long before the first line is set aside.
#[test]
fn lines_of_a_recorded_part_are_there_when_the_power_goes() {
    let mut scene = Scene::new(Mode::Overwrite);
    let disk = FaultyDisk::with_losses(local(), Plan::default(), &scene.root(), &scene.attic()).unwrap();
    let dataset = create(&scene.target, in_mode(Mode::Overwrite, false, Arc::clone(&disk) as _)).unwrap();
    let before = disk.seen(CallKind::Sync);
    // The part, its folder, the record, the folder around it, and the one around that; and then, without the last two, the
    // part, the lines, their folder, the folder around it, the parts' folder and the record.
    for (partition, syncs) in [(0, 5), (1, 11)] {
        write_partition(&dataset, partition).unwrap();
        let waits = (0..10_000).take_while(|_| disk.seen(CallKind::Sync) < before + syncs);
        waits.for_each(|_| std::thread::sleep(Duration::from_millis(1)));
    }
    drop(dataset);
    disk.lose_power(4).unwrap();
    let resumed = create(&scene.target, in_mode(Mode::Overwrite, true, local())).unwrap();
    assert_eq!(resumed.first_partition(), 2);
    drop(resumed);
    scene.check_next_run(true, "the power went");
    scene.set();
}

/// The manifest is the old or the new one, and every part that it names is there as it was written.
#[track_caller]
fn check_by_manifest(scene: &Scene, what: &str) -> bool {
    let now = snapshot(&scene.target);
    let path = scene.target.join(MANIFEST_NAME);
    let is_new = now[&path] == scene.after[&path];
    assert!(is_new || now[&path] == scene.before[&path], "{what}");
    let expected = if is_new { &scene.after } else { &scene.before };
    assert!(data_files(expected).iter().all(|(path, bytes)| now.get(path) == Some(bytes)), "{what}");
    is_new
}

/// A disk that cannot exchange, or cannot link, and dies at a step.
fn poor_disk(missing: CallKind, plan: Plan) -> Arc<FaultyDisk> {
    let errno = if missing == CallKind::Link { EPERM } else { EINVAL };
    let mut plan = plan;
    plan.faults.push(Fault::forever(&[missing], 1, errno));
    FaultyDisk::new(local(), plan)
}

#[test]
fn parts_are_moved_in_where_there_are_no_links_or_no_exchange() {
    let cases = [
        (CallKind::Link, Mode::Append),
        (CallKind::Exchange, Mode::Append),
        (CallKind::Link, Mode::AppendFolders),
    ];
    for (missing, mode) in cases {
        let mut scene = Scene::new(mode);
        let disk = poor_disk(missing, Plan::default());
        let written = run(&scene.target, in_mode(mode, false, disk)).unwrap();
        assert_eq!(written.replaced, Replaced::ExtendedInSteps);
        assert!(scene.check_one_of_two("moved in"));
        scene.check_clean("moved in");
        for step in 1.. {
            scene.set();
            let what = format!("without {missing:?}, crashed at step {step}");
            let disk = poor_disk(missing, Plan::crash_at(step));
            let result = run(&scene.target, in_mode(mode, step % 3 == 0, Arc::clone(&disk) as _));
            let is_new = check_by_manifest(&scene, &what);
            assert!(is_new || result.is_err(), "{what}");
            scene.check_next_run(step % 2 == 0, &what);
            if !disk.has_crashed() {
                break;
            }
        }
    }
}

#[test]
fn parts_that_were_moved_in_are_moved_back_after_an_error() {
    for missing in [CallKind::Link, CallKind::Exchange] {
        for kind in [CallKind::Rename, CallKind::Sync, CallKind::Write, CallKind::Create] {
            let mut scene = Scene::new(Mode::Append);
            for nth in 1.. {
                let what = format!("without {missing:?}, {kind:?} {nth} fails");
                let disk = poor_disk(missing, Plan::fault(Fault::once(&[kind], nth, EIO)));
                let before = disk.fired();
                let result = run(&scene.target, in_mode(Mode::Append, false, Arc::clone(&disk) as _));
                let is_new = scene.check_one_of_two(&what);
                assert_eq!(is_new, result.is_ok(), "{what}: {result:?}");
                scene.check_clean(&what);
                scene.check_next_run(false, &what);
                scene.set();
                if result.is_ok() && before == 0 && disk.seen(kind) < nth {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_old_data_set_is_never_taken_for_finished_parts() {
    let mut scene = Scene::new(Mode::Overwrite);
    for step in 1.. {
        scene.set();
        // The old parts have the names and sizes of the new ones and other bytes, and there is no manifest.
        for (path, bytes) in &scene.after {
            let mut bytes = bytes.clone();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(path, bytes).unwrap();
        }
        fs::remove_file(scene.target.join(MANIFEST_NAME)).unwrap();
        let disk = FaultyDisk::new(local(), Plan::crash_at(step));
        let _ = run(&scene.target, in_mode(Mode::Overwrite, true, Arc::clone(&disk) as _));
        fs::remove_dir_all(&scene.target).unwrap();
        run(&scene.target, in_mode(Mode::Overwrite, true, local())).unwrap();
        assert!(snapshot(&scene.target) == scene.after, "crashed at step {step}");
        if !disk.has_crashed() {
            break;
        }
    }
}

#[test]
fn the_power_goes_while_parts_are_moved_in() {
    for missing in [CallKind::Link, CallKind::Exchange] {
        let mut scene = Scene::new(Mode::Append);
        for step in 1.. {
            let mut crashed = false;
            for seed in [1, 2, 3] {
                scene.set();
                let what = format!("without {missing:?}, the power goes at step {step}, seed {seed}");
                let disk = poor_disk_with_losses(&scene, missing, step);
                let result = run(&scene.target, in_mode(Mode::Append, step % 3 == 0, Arc::clone(&disk) as _));
                crashed |= disk.has_crashed();
                disk.lose_power(step * 1000 + seed).unwrap();
                let is_new = check_by_manifest(&scene, &what);
                assert!(is_new || result.is_err(), "{what}: reported as done, and not there");
                scene.check_next_run(step % 2 == 0, &what);
            }
            if !crashed {
                break;
            }
        }
    }
}

fn poor_disk_with_losses(scene: &Scene, missing: CallKind, step: u64) -> Arc<FaultyDisk> {
    let errno = if missing == CallKind::Link { EPERM } else { EINVAL };
    let plan = Plan { crash_at: Some(step), ..Plan::fault(Fault::forever(&[missing], 1, errno)) };
    FaultyDisk::with_losses(local(), plan, &scene.root(), &scene.attic()).unwrap()
}
