//! Data several times as large as the memory limit: the same rows come out whatever the limit, the threads and the
//! scheduler, nothing is left, and the process stays below its limit at every instant that was looked at.
//!
//! Each case is a process of its own: this program again, with the case in its environment.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::print_stdout, reason = "how a case tells its answers, and the test what it saw")]

mod case;
mod data;
mod operators;
mod rows;
mod watch;

use std::path::Path;

use case::{Case, VARIABLES};
use watch::Watched;

/// Every limit with every number of threads and both schedulers.
fn all_cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for limit in ["128MiB", "256MiB", "0"] {
        for threads in [1, 2, 8] {
            cases.push(Case { limit: limit.to_owned(), threads, scheduler: "threaded".to_owned() });
        }
        cases.push(Case { limit: limit.to_owned(), threads: 2, scheduler: "single-threaded".to_owned() });
    }
    cases
}

#[test]
fn every_limit_gives_the_same_rows_and_is_kept() {
    if let Some(case) = Case::of_this_process() {
        case.run();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("numbers.csv");
    data::write(&input, data::ROWS);
    let expected = data::answers();
    let (mut spilled, mut parts) = (0, None);
    for case in all_cases() {
        let name = format!("{case:?}");
        let Watched { output, peak_bytes, .. } = watched(&case, &input, folder.path());
        let answers: Vec<&str> = output.lines().filter_map(|line| line.strip_prefix("answer: ")).collect();
        assert_eq!(answers, expected, "{name}\n{output}");
        let limit = case.limit_bytes();
        assert!(limit == 0 || peak_bytes <= limit, "{name}: {peak_bytes} bytes at a time, limit {limit}");
        let after = |what: &str| output.lines().find_map(|line| line.strip_prefix(what)).map(str::to_owned);
        // Bytes, order and cuts of the files are those of the first case.
        let these = after("parts: ").unwrap();
        assert!(these.split(' ').count() > 3, "{name}: {these}");
        assert_eq!(parts.get_or_insert_with(|| these.clone()), &these, "{name}");
        let on_disk = after("spilled: ").unwrap().parse::<u64>().unwrap();
        println!("{name}: at most {} MiB, {} MiB on disk", peak_bytes >> 20, on_disk >> 20);
        spilled += on_disk;
        assert_eq!(after("left: ").as_deref(), Some("0 bytes, 0 pins, 0 spilled"), "{name}");
        assert_eq!(litter(folder.path()), Vec::<String>::new(), "{name}");
    }
    assert!(spilled > 0, "no case went to disk");
}

fn watched(case: &Case, input: &Path, folder: &Path) -> Watched {
    let threads = case.threads.to_string();
    let values = [case.limit.as_str(), &threads, &case.scheduler];
    let paths = [input.to_str().unwrap(), folder.to_str().unwrap()];
    let values = values.into_iter().chain(paths);
    let variables: Vec<(&str, &str)> = VARIABLES.into_iter().zip(values).collect();
    watch::run("every_limit_gives_the_same_rows_and_is_kept", &variables, Path::new(""))
}

#[test]
fn every_operator_keeps_the_limit() {
    if operators::run_case() {
        return;
    }
    let (input, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    rows::write(input.path());
    let paths = [input.path().to_str().unwrap(), folder.path().to_str().unwrap()];
    let mut expected: Option<Vec<String>> = None;
    for limit in ["0", "128MiB", "256MiB"] {
        for threads in ["1", "2", "8"] {
            let values = [limit, threads, paths[0], paths[1]];
            let variables: Vec<(&str, &str)> = operators::VARIABLES.into_iter().zip(values).collect();
            let at = folder.path().join(operators::AT);
            let Watched { output, peak_bytes, at } =
                watch::run("every_operator_keeps_the_limit", &variables, &at);
            let answers = output.lines().filter_map(|line| line.strip_prefix("answer: "));
            let answers: Vec<String> = answers.map(str::to_owned).collect();
            println!("{limit}, {threads} threads: at most {} MiB, at {at}", peak_bytes >> 20);
            // Without a limit, on one thread, is what the others are compared with.
            let expected = expected.get_or_insert_with(|| answers.clone());
            for (answer, expected) in answers.iter().zip(expected.iter()) {
                assert_eq!(answer, expected, "{limit}, {threads} threads");
            }
            assert_eq!(answers.len(), expected.len(), "{output}");
            let limit_bytes = limit.strip_suffix("MiB").map_or(u64::MAX, |n| n.parse::<u64>().unwrap() << 20);
            assert!(peak_bytes <= limit_bytes, "{limit}, {threads} threads: {peak_bytes} bytes at {at}");
        }
    }
}

/// What is in the folder beside the input.
fn litter(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.to_string_lossy().into_owned()).filter(|name| name != "numbers.csv").collect()
}
