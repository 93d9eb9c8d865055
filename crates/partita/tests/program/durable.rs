//! Conversions that are killed, stopped, or run out of disk: the target is the old or the new, and the next run finishes.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;

use crate::random::Random;
use crate::support::{command, finish, names, run, words};

/// Rows of the generated file: about 2 MB.
const ROWS: usize = 60_000;
/// Kills in all, over the three ways to write.
const KILLS: usize = 100;

/// Rows that do not shrink to nothing.
fn generate(path: &Path, seed: u64) {
    let mut random = Random(seed);
    let mut text = String::from("id,fare,day,name\n");
    for row in 0..ROWS {
        let (fare, day, name) = (random.below(100_000), random.below(28) + 1, random.next());
        text.push_str(&format!("{row},{}.{:02},2020-01-{day:02},{name:x}\n", fare / 100, fare % 100));
    }
    fs::write(path, text).unwrap();
}

/// A folder for the target, two inputs, and what a run makes of them.
struct Scene {
    folder: TempDir,
    target: PathBuf,
    mode: &'static str,
    before: Files,
    after: Files,
}

/// Names and bytes.
type Files = BTreeMap<String, Vec<u8>>;

const LINE: &str = "convert {} --to {} --progress none --block-size 64KiB --file-per-partition --threads 2";

fn files(target: &Path) -> Option<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(target).ok()? {
        let entry = entry.ok()?;
        files.insert(entry.file_name().into_string().unwrap(), fs::read(entry.path()).ok()?);
    }
    Some(files)
}

impl Scene {
    fn new(mode: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (seed, name) in ["old.csv", "new.csv"].into_iter().enumerate() {
            generate(&folder.path().join(name), seed as u64);
        }
        fs::create_dir(folder.path().join("at")).unwrap();
        let target = folder.path().join("at/out");
        let mut scene = Self { folder, target, mode, before: Files::new(), after: Files::new() };
        scene.set();
        run(&scene.line(""), &[&scene.input("new.csv"), &scene.target]).quiet();
        scene.after = files(&scene.target).unwrap();
        scene.set();
        scene
    }

    fn input(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn line(&self, more: &str) -> String {
        let line = if self.mode.contains("--by") { LINE.replace("convert", "sort") } else { LINE.to_owned() };
        format!("{line} {} {more}", self.mode)
    }

    /// Puts everything back to the beginning.
    fn set(&mut self) {
        let at = self.target.parent().unwrap();
        fs::remove_dir_all(at).unwrap();
        fs::create_dir(at).unwrap();
        if !self.mode.is_empty() {
            run(LINE, &[&self.input("old.csv"), &self.target]).quiet();
        }
        self.before = files(&self.target).unwrap_or_default();
    }

    #[track_caller]
    fn check_one_of_two(&self, what: &str) {
        let now = files(&self.target).unwrap_or_default();
        assert!(now == self.before || now == self.after, "{what}: {:?}", now.keys().collect::<Vec<_>>());
    }

    /// Runs to the end, and returns the report.
    #[track_caller]
    fn finish(&self, more: &str, what: &str) -> Value {
        let report = self.input("report.json");
        let ran = run(
            &self.line(&format!("--report {{}} {more}")),
            &[&self.input("new.csv"), &self.target, &report],
        );
        assert_eq!(ran.code, 0, "{what}: {ran:?}");
        assert!(files(&self.target).unwrap() == self.after, "{what}: another result");
        assert_eq!(names(self.target.parent().unwrap()), ["out"], "{what}");
        serde_json::from_slice(&fs::read(report).unwrap()).unwrap()
    }

    /// Looks at the target over and over until `done`; a look during which the manifest changed is no look.
    fn read_on(&self, done: &AtomicBool, looks: &AtomicUsize) {
        let manifest = || fs::read(self.target.join("_partita.json")).ok();
        let is_parquet = |files: &Files| -> Files {
            let parts = files.iter().filter(|(name, _)| name.ends_with(".parquet"));
            parts.map(|(name, bytes)| (name.clone(), bytes.clone())).collect()
        };
        let (old, new) = (is_parquet(&self.before), is_parquet(&self.after));
        while !done.load(Ordering::Acquire) {
            let before = manifest();
            let seen = files(&self.target);
            if before != manifest() {
                continue;
            }
            match seen {
                Some(seen) => {
                    let seen = is_parquet(&seen);
                    assert!(seen == old || seen == new, "{:?}", seen.keys().collect::<Vec<_>>());
                    looks.fetch_add(1, Ordering::Relaxed);
                }
                None => assert!(self.before.is_empty() || before.is_none(), "nothing is there"),
            }
        }
    }
}

/// Kills a run after `wait`; whether it was still at work.
fn kill_after(scene: &Scene, more: &str, wait: Duration) -> bool {
    let line = scene.line(more);
    let mut child = command(words(&line, &[&scene.input("new.csv"), &scene.target])).spawn().unwrap();
    std::thread::sleep(wait);
    child.kill().unwrap();
    !child.wait().unwrap().success()
}

fn kill_often(mode: &'static str, seed: u64) {
    let mut scene = Scene::new(mode);
    let mut random = Random(seed);
    let started = Instant::now();
    scene.finish("", "undisturbed");
    let whole = usize::try_from(started.elapsed().as_micros()).unwrap();
    let (mut killed, mut reused) = (0, 0);
    for round in 0..KILLS.div_ceil(3) {
        scene.set();
        let wait = Duration::from_micros(random.below(whole) as u64);
        let what = format!("{mode:?}, seed {seed}, round {round}, killed after {wait:?}");
        let more = if random.once_in(2) { "--resume" } else { "" };
        let (done, looks) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| scene.read_on(&done, &looks));
            killed += usize::from(kill_after(&scene, more, wait));
            scene.check_one_of_two(&what);
            let report = scene.finish("--resume", &what);
            reused += report["parts_reused"].as_u64().unwrap();
            assert_eq!(report["rows"].as_u64().unwrap() as usize % ROWS, 0, "{what}");
            done.store(true, Ordering::Release);
            reader.join().unwrap();
        });
        assert!(looks.load(Ordering::Relaxed) > 0 || mode.is_empty(), "{what}: no look at the target");
    }
    assert!(killed > 3 && reused > 10, "{mode:?}, seed {seed}: {killed} killed, {reused} parts kept");
}

fn seed() -> u64 {
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap();
    let seed = now.as_nanos() as u64;
    let _ = writeln!(std::io::stderr(), "seed {seed}");
    seed
}

#[test]
fn a_conversion_killed_at_any_instant_goes_on() {
    kill_often("", seed());
}

#[test]
fn a_replacement_killed_at_any_instant_leaves_the_old_or_the_new() {
    kill_often("--overwrite", seed());
}

#[test]
fn an_addition_killed_at_any_instant_leaves_the_old_or_the_new() {
    kill_often("--append", seed());
}

#[test]
fn a_sort_killed_at_any_instant_goes_on() {
    kill_often("--overwrite --by day,fare", seed());
}

#[test]
fn an_indexed_conversion_killed_at_any_instant_goes_on() {
    kill_often("--overwrite --set-index name", seed());
}

#[test]
fn a_grouping_killed_at_any_instant_leaves_the_old_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let input = |seed: u64| folder.path().join(format!("{seed}.csv"));
    (0..2).for_each(|seed| generate(&input(seed), seed));
    let at = folder.path().join("at");
    let (target, spill) = (at.join("out"), folder.path().join("spill"));
    fs::create_dir(&spill).unwrap();
    let line = "agg {} --to {} --spill-dir {} --by name,day --agg sum(fare),len() --format parquet --overwrite \
                --block-size 64KiB --threads 2";
    let group = |seed: u64| {
        run(line, &[&input(seed), &target, &spill]).quiet();
        files(&target).unwrap()
    };
    let set = || {
        let _ = fs::remove_dir_all(&at);
        fs::create_dir(&at).unwrap();
        group(0)
    };
    let before = set();
    let started = Instant::now();
    let after = group(1);
    let whole = usize::try_from(started.elapsed().as_micros()).unwrap();
    assert!(before != after && before.len() > 1, "{:?}", before.keys().collect::<Vec<_>>());
    let seed = seed();
    let (mut random, mut killed) = (Random(seed), 0);
    for round in 0..KILLS.div_ceil(3) {
        assert!(set() == before);
        let wait = Duration::from_micros(random.below(whole) as u64);
        let mut child = command(words(line, &[&input(1), &target, &spill])).spawn().unwrap();
        std::thread::sleep(wait);
        child.kill().unwrap();
        killed += usize::from(!child.wait().unwrap().success());
        let what = format!("seed {seed}, round {round}, killed after {wait:?}");
        let now = files(&target).unwrap();
        assert!(now == before || now == after, "{what}: {:?}", now.keys().collect::<Vec<_>>());
        assert!(group(1) == after, "{what}: another result");
        assert_eq!((names(&at), names(&spill)), (vec!["out".to_owned()], Vec::new()), "{what}");
    }
    assert!(killed > 3, "seed {seed}: {killed} killed");
}

#[test]
fn a_killed_run_is_swept_by_a_run_that_does_not_resume() {
    let scene = Scene::new("--overwrite");
    let line = scene.line("");
    let mut aborted = command(words(&line, &[&scene.input("new.csv"), &scene.target]));
    let ran = aborted.env("PARTITA_FAULTS", "abort:60").output().unwrap();
    assert_eq!(ran.status.code(), None, "{ran:?}");
    assert_eq!(names(scene.target.parent().unwrap()).len(), 2);
    scene.check_one_of_two("aborted");
    let report = scene.finish("", "after the abort");
    assert_eq!(report["parts_reused"], 0);
}

#[test]
fn a_stopped_run_goes_on() {
    let scene = Scene::new("");
    let child = command(words(&scene.line(""), &[&scene.input("new.csv"), &scene.target])).spawn().unwrap();
    let signal = |name: &str| {
        assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
    };
    std::thread::sleep(Duration::from_millis(60));
    signal("-STOP");
    std::thread::sleep(Duration::from_secs(3));
    scene.check_one_of_two("stopped");
    signal("-CONT");
    finish(child).quiet();
    assert!(files(&scene.target).unwrap() == scene.after);
    assert_eq!(names(scene.target.parent().unwrap()), ["out"]);
}

/// A file system of its own, of some MiB.
struct Tmpfs(PathBuf);

impl Tmpfs {
    /// `None` where this user may not mount.
    fn mount(folder: &Path, mebibytes: usize) -> Option<Self> {
        fs::create_dir_all(folder).unwrap();
        let size = format!("size={mebibytes}M");
        let args = ["-t", "tmpfs", "-o", &size, "tmpfs", folder.to_str().unwrap()];
        let mounted = Command::new("mount").args(args).output().is_ok_and(|ran| ran.status.success());
        mounted.then(|| Self(folder.to_owned()))
    }

    fn grow(&self, mebibytes: usize) {
        let options = format!("remount,size={mebibytes}M");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg(&self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[test]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.csv");
    generate(&input, 1);
    for mebibytes in 1.. {
        let Some(disk) = Tmpfs::mount(&folder.path().join("disk"), mebibytes) else {
            let _ = writeln!(std::io::stderr(), "skipped: a disk of its own cannot be mounted here");
            return;
        };
        let target = disk.0.join("out");
        let line = format!("{LINE} --compression none");
        let ran = run(&line, &[&input, &target]);
        if ran.code == 0 {
            assert!(mebibytes > 1, "one MiB was enough");
            return;
        }
        ran.refused(1, &["no space left", "make room"]);
        assert_eq!(names(&disk.0), [""; 0]);

        // What was finished before the disk was full is kept where that is asked for.
        let report = folder.path().join("report.json");
        let line = format!("{line} --resume --report {{}}");
        run(&line, &[&input, &target, &report]).refused(1, &["no space left"]);
        disk.grow(64);
        run(&line, &[&input, &target, &report]).quiet();
        let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
        assert!(report["parts_reused"].as_u64().unwrap() > 0, "{report}");
        assert_eq!(report["rows"], ROWS);
        assert_eq!(names(&disk.0), ["out"]);
    }
}

/// Every call of the disk fails once: an error or the right answer, and nothing is left.
#[test]
fn every_call_may_fail_once() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.csv");
    let rows: String = (0..400).map(|row| format!("{row},name {row}\n")).collect();
    fs::write(&input, format!("id,name\n{rows}")).unwrap();
    let at = folder.path().join("at");
    fs::create_dir(&at).unwrap();
    let target = at.join("out");
    let line =
        "convert {} --to {} --progress none --block-size 1KiB --part-size 1MiB --overwrite --threads 2";
    run(line, &[&input, &target]).quiet();
    let expected = files(&target).unwrap();
    for kind in ["open", "read", "write", "create", "rename", "exchange", "sync", "remove"] {
        let mut failed = 0;
        for nth in 1..200 {
            let what = format!("{kind} {nth}");
            let mut child = command(words(line, &[&input, &target]));
            let ran = finish(child.env("PARTITA_FAULTS", format!("{kind}:{nth}:EIO")).spawn().unwrap());
            assert!(files(&target).unwrap() == expected, "{what}");
            assert_eq!(names(&at), ["out"], "{what}");
            if ran.code == 0 && (nth > failed + 3 || kind == "remove") {
                break;
            }
            if ran.code != 0 {
                failed = nth;
                ran.refused(1, &["Input/output error"]);
            }
        }
        assert!(failed > 0 || kind == "remove", "{kind} never failed");
    }
}
