//! Standard input: through a pipe, from a file, compressed, and only as much of it as is needed.

use std::fs::{self, File};
use std::io::Write;
use std::process::Stdio;

use crate::support::{
    command, finish, folder_with, interrupt, lines, names, rows, run, run_piped, testdata, words,
};

#[test]
fn a_pipe_and_a_file_give_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let input = testdata("planes.csv");
    let [named, piped, redirected] = ["named", "piped", "redirected"].map(|name| folder.path().join(name));
    run("convert {} --null-values NA --to {} --progress none", &[&input, &named]).quiet();
    let line = "convert - --null-values NA --to {} --progress none --block-size 10kB";
    run_piped(line, &[&piped], &fs::read(&input).unwrap()).quiet();
    let mut command = command(words(line, &[&redirected]));
    finish(command.stdin(File::open(&input).unwrap()).spawn().unwrap()).quiet();
    assert_eq!(rows(&piped), rows(&named));
    assert_eq!(rows(&redirected), rows(&named));
}

#[test]
fn other_inputs_may_stand_beside_it() {
    let (folder, input) = folder_with("a.csv", "id\n1\n");
    let target = folder.path().join("out");
    run_piped("convert - {} --to {} --progress none", &[&input, &target], b"id\n2\n").quiet();
    assert_eq!(lines(&rows(&target)), ["2", "1"]);
}

#[test]
fn errors_call_it_by_its_name() {
    let ran = run_piped("head - --dtype id=Int64", &[], b"id\n1\nx\n");
    ran.refused(1, &["<stdin>: line 3", "--dtype id=Utf8"]);
    run_piped("head -", &[], b"").refused(1, &["<stdin>"]);
}

#[test]
fn nothing_is_left_in_the_temporary_folder() {
    let temporary = tempfile::tempdir().unwrap();
    let bytes = fs::read(testdata("airports.csv")).unwrap();
    let mut child =
        command(["count", "-"]).env("TMPDIR", temporary.path()).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert_eq!(finish(child).printed(), "1458\n");
    assert_eq!(names(temporary.path()), [""; 0]);

    // Interrupted while it waits for more: the pipe stays open.
    let target = temporary.path().join("out");
    let args = words("convert - --to {}", &[&target]);
    let mut child = command(args).env("TMPDIR", temporary.path()).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    // Twice what a pipe holds: once it is written, the program has begun to read.
    pipe.write_all(&vec![b'x'; 2 << 20]).unwrap();
    interrupt(&child);
    assert_eq!(finish(child).code, 130);
    assert_eq!(names(temporary.path()), [""; 0]);
    drop(pipe);
}

#[test]
fn head_reads_only_what_it_needs() {
    let mut child = command(["head", "-", "-n", "2"]).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"id,text\n").unwrap();
    for number in 0..40_000 {
        // The program may have seen enough by now.
        if writeln!(pipe, "{number},\"a\nb\"").is_err() {
            break;
        }
    }
    // The pipe is still open: a program that reads to its end would wait for ever.
    let shown = finish(child).printed();
    assert!(shown.contains('0') && shown.contains('1') && !shown.contains("39999"), "{shown}");
    drop(pipe);
}

#[test]
fn head_of_a_short_pipe_shows_all_of_it() {
    let shown = run_piped("head - -n 5", &[], b"id,name\n1,x\n2,y").printed();
    assert!(shown.contains('x') && shown.contains('y'), "{shown}");
    let filtered = run_piped("head - -n 5 --where id=2", &[], b"id,name\n1,x\n2,y").printed();
    assert!(!filtered.contains('x') && filtered.contains('y'), "{filtered}");
}

#[test]
fn progress_says_how_much_of_a_pipe_has_been_read() {
    let target = tempfile::tempdir().unwrap();
    let args = words("convert - --to {}/out --progress json", &[target.path()]);
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(b"id\n1\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(1500));
    drop(pipe);
    let ran = finish(child);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert_eq!(ran.err.lines().next().unwrap(), r#"{"bytes":5,"event":"reading"}"#);
    assert!(ran.err.lines().last().unwrap().contains("\"rows\":1"), "{}", ran.err);
}
