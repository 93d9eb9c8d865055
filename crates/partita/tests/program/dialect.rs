//! Options of reading, each seen to arrive.

use std::fs;
use std::path::Path;

use crate::support::{Ran, command, finish, folder_with, lines, rows, run, types};

/// Converts `bytes` with `flags`, which may hold spaces.
fn converted(bytes: &[u8], flags: &[&str]) -> (Ran, Option<Vec<String>>, Vec<String>) {
    let (folder, input) = folder_with("in.csv", "");
    fs::write(&input, bytes).unwrap();
    let target = folder.path().join("out.parquet");
    let mut args: Vec<&str> = vec!["convert", input.to_str().unwrap(), "--to", target.to_str().unwrap()];
    args.extend(["--progress", "none"]);
    args.extend(flags);
    let ran = finish(command(args).spawn().unwrap());
    let found = Path::new(&target).is_file().then(|| rows(&target));
    let types = found
        .as_ref()
        .map_or_else(Vec::new, |batch| types(batch).into_iter().map(|(_, name)| name).collect());
    (ran, found.as_ref().map(lines), types)
}

#[track_caller]
fn check(text: &str, flags: &[&str], expected: &[&str]) {
    let (ran, found, _) = converted(text.as_bytes(), flags);
    ran.quiet();
    assert_eq!(found.unwrap(), expected, "{flags:?}");
}

#[test]
fn separators_quotes_escapes_and_comments() {
    check("a\tb\n1\tx,y\n", &["--separator", "tab"], &["1,x,y"]);
    check("a\tb\n1\tx\n", &["-s", r"\t"], &["1,x"]);
    check("a;b\n'1;2';3\n", &["--separator", ";", "--quote", "'"], &["1;2,3"]);
    check("a,b\n\"x,1\n", &["--quote", "none"], &["\"x,1"]);
    check("a,b\n\"x\\\"y\",1\n", &["--escape", "\\"], &["x\"y,1"]);
    check("# said\na,b\n1,2\n# more\n3,4\n", &["--comment", "#"], &["1,2", "3,4"]);
    check("a,b\n  x  ,1\n", &["--trim"], &["x,1"]);
}

#[test]
fn headers_names_and_lines_to_skip() {
    check("1,2\n3,4\n", &["--no-header"], &["1,2", "3,4"]);
    check("junk\nmore junk\na,b\n1,2\n", &["--skip-rows", "2"], &["1,2"]);
    check("a,b,c\n1,2,3\n", &["--usecols", "c,a"], &["1,3"]);
    check("a,b,c\n1,2,3\n", &["--usecols", "c", "--usecols", "a", "--select", "c,a"], &["3,1"]);
    let (ran, found, _) = converted(b"1,2\n", &["--no-header", "--names", "x,y", "--select", "y"]);
    ran.quiet();
    assert_eq!(found.unwrap(), ["2"]);
}

#[test]
fn missing_values_and_words() {
    check("a,b\n-,NA\n1,2\n", &["--null-values", "-,NA"], &["null,null", "1,2"]);
    check("a,b\nNA,NA\n1,x\n", &["--column-null-values", "a=NA"], &["null,NA", "1,x"]);
    check("a,b\nx,\ny,z\n", &["--keep-empty-strings"], &["x,", "y,z"]);
    check("a\nja\nnein\n", &["--true-values", "ja", "--false-values", "nein"], &["true", "false"]);
    check("a\n1\n2\n", &["--assume-missing"], &["1.0", "2.0"]);
}

#[test]
fn marks_in_numbers() {
    let text = "a;b\n1.234,5;-1.000\n,25;7\n";
    check(text, &["--separator", ";", "--decimal", ",", "--thousands", "."], &["1234.5,-1000", "0.25,7"]);
    check("a,b\n\"1,5\",x\n2,y\n", &["--decimal", ","], &["1.5,x", "2.0,y"]);
    check("a,b\n1 234,x\n", &["--thousands", "space"], &["1234,x"]);
    let (ran, found, _) = converted(b"a\n1\n", &["--decimal", ",", "--thousands", ","]);
    ran.refused(2, &["decimal and thousands are both ','"]);
    assert!(found.is_none());
}

#[test]
fn types_and_dates() {
    let flags = [
        "--dtype",
        "a=Int16",
        "--dtype",
        "t=Timestamp(ms, \"Europe/Berlin\")",
        "--date-format",
        "d=%d.%m.%Y",
    ];
    let (ran, found, types) = converted(b"a,d,t,e\n1,24.12.2020,2020-06-01T12:00:00,2020-01-02\n", &flags);
    ran.quiet();
    assert_eq!(types, ["Int16", "Date32", "Timestamp(ms, \"Europe/Berlin\")", "Date32"]);
    assert_eq!(found.unwrap(), ["1,2020-12-24,2020-06-01T12:00:00+02:00,2020-01-02"]);
    let (ran, found, _) = converted(b"a,d\n1,soon\n", &["--parse-dates", "d"]);
    ran.refused(1, &["\"d\"", "soon"]);
    assert!(found.is_none());
    let (_, _, types) = converted(b"a,b\n1,true\n", &["--infer", "none"]);
    assert_eq!(types, ["Utf8", "Utf8"]);
    let (_, _, types) = converted(b"a,b\n1,true\n", &["--infer", "full"]);
    assert_eq!(types, ["Int64", "Boolean"]);
}

#[test]
fn encodings() {
    let (ran, found, _) = converted(b"a\ncaf\xE9 \x80\n", &["--encoding", "windows-1252"]);
    ran.quiet();
    assert_eq!(found.unwrap(), ["café €"]);
    let (ran, found, _) = converted(b"a\ncaf\xE9\n", &["--encoding", "utf8-lossy"]);
    ran.quiet();
    assert_eq!(found.unwrap(), ["caf\u{FFFD}"]);
    let (ran, _, _) = converted(b"a\ncaf\xE9\n", &[]);
    ran.refused(1, &["in.csv", "UTF-8", "--encoding"]);
    let text = "name;n\n\"caf\u{e9}\n\u{1F600}\";1\nx;2\n";
    let marked: Vec<u8> =
        [0xFEFF].into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
    let (ran, found, types) = converted(&marked, &["--separator", ";", "--block-size", "9"]);
    ran.quiet();
    assert_eq!(types, ["Utf8", "Int64"]);
    assert_eq!(found.unwrap(), ["caf\u{e9}\n\u{1F600},1", "x,2"]);
    let bare: Vec<u8> = "a,b\n1,x\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for encoding in ["utf-16", "utf-16le"] {
        let (ran, found, _) = converted(&bare, &["--encoding", encoding]);
        ran.quiet();
        assert_eq!(found.unwrap(), ["1,x"]);
    }
    let (ran, found, _) = converted(&bare[..bare.len() - 1], &["--encoding", "utf-16"]);
    ran.refused(1, &["in.csv: byte 14 of UTF-16: the file ends in the middle of a character"]);
    assert!(found.is_none());
    let lone = [&marked[..], &[0xD8, 0x3D], b"\0\n"].concat();
    let (ran, _, _) = converted(&lone, &["--separator", ";"]);
    ran.refused(1, &["the surrogate 0xd83d stands alone", "--encoding utf8-lossy"]);
    let (ran, found, _) = converted(&lone, &["--separator", ";", "--encoding", "utf8-lossy"]);
    ran.quiet();
    assert_eq!(found.unwrap()[2], "\u{FFFD},null");
}

#[test]
fn ragged_records() {
    let text = "a,b\n1\n2,3\n";
    check(text, &[], &["1,null", "2,3"]);
    check(text, &["--ragged", "skip"], &["2,3"]);
    let (ran, _, _) = converted(text.as_bytes(), &["--ragged", "error"]);
    ran.refused(1, &["line 2", "--ragged pad"]);
    let (ran, _, _) = converted(b"a,b\n1,2,3\n", &[]);
    ran.refused(1, &["line 2", "expected 2 fields", "found 3"]);
}

/// Line ends of several systems, empty files, and folders below folders.
#[test]
fn files_that_were_gathered_from_several_places_are_one_table() {
    let folder = tempfile::tempdir().unwrap();
    let (input, target) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir_all(input.join("deep/er")).unwrap();
    fs::write(input.join("a.csv"), "day,n\r2020-01-01,1\n2020-01-02,2\r\n2020-01-03,3\r").unwrap();
    fs::write(input.join("b.csv"), "").unwrap();
    fs::write(input.join("deep/c.csv"), "n,day\n4,2020-01-04").unwrap();
    fs::write(input.join("deep/er/d.csv"), "\u{feff}\r\n").unwrap();
    let line = "convert {}/** --to {} --progress none --block-size 7";
    run(line, &[&input, &target]).quiet();
    let found = rows(&target);
    assert_eq!(types(&found), [("day".into(), "Date32".into()), ("n".into(), "Int64".into())]);
    assert_eq!(lines(&found), ["2020-01-01,1", "2020-01-02,2", "2020-01-03,3", "2020-01-04,4"]);
    run("count {}", &[&input.join("b.csv")]).refused(1, &["b.csv: the file has no columns: it is empty"]);
    run("head {} --usecols n --parse-dates day", &[&input.join("a.csv")])
        .refused(1, &["column \"day\" is not read; add it to usecols"]);
}
