//! `schema`, `head`, `tail`, `count`, `explain`, `versions`.

use std::fs;
use std::process::Stdio;

use expect_test::expect;

use crate::support::{command, finish, folder_with, names, rows, run, testdata, types, words};

const TRIPS: &str = "day,zone,fare\n2020-01-01,A,2.5\n2020-01-02,\"B\nC\",\n2020-01-03,D,10\n";

#[test]
fn head_shows_the_first_rows_and_their_types() {
    let (_folder, input) = folder_with("trips.csv", TRIPS);
    expect![[r#"
        ┌────────────┬──────┬─────────┐
        │ day        ┆ zone ┆    fare │
        │ Date32     ┆ Utf8 ┆ Float64 │
        ╞════════════╪══════╪═════════╡
        │ 2020-01-01 ┆ A    ┆     2.5 │
        │ 2020-01-02 ┆ B\nC ┆    null │
        └────────────┴──────┴─────────┘
    "#]]
    .assert_eq(&run("head {} -n 2", &[&input]).printed());
    let nothing = run("head {} -n 0", &[&input]).printed();
    assert!(nothing.contains("fare") && !nothing.contains("2020"), "{nothing}");
}

#[test]
fn tail_shows_the_last_rows_in_their_order() {
    let (_folder, input) = folder_with("trips.csv", TRIPS);
    expect![[r#"
        ┌─────────┬────────────┐
        │    fare ┆ day        │
        │ Float64 ┆ Date32     │
        ╞═════════╪════════════╡
        │    null ┆ 2020-01-02 │
        │    10.0 ┆ 2020-01-03 │
        └─────────┴────────────┘
    "#]]
    .assert_eq(&run("tail {} -n 2 --select fare,day --block-size 1", &[&input]).printed());
}

#[test]
fn as_many_rows_are_shown_as_were_asked_for() {
    let shown = |line: &str| run(line, &[&testdata("weather.csv")]).printed().matches("2013-").count();
    assert_eq!(shown("head {}"), 10);
    assert_eq!(shown("head {} -n 123"), 123);
    assert_eq!(shown("tail {} -n 7 --block-size 100"), 7);
}

#[test]
fn count_counts_rows_or_values() {
    let (_folder, input) = folder_with("trips.csv", TRIPS);
    assert_eq!(run("count {}", &[&input]).printed(), "3\n");
    assert_eq!(run("count {} --where fare>5", &[&input]).printed(), "1\n");
    expect![[r#"
        ┌────────┬────────┐
        │ column ┆ values │
        ╞════════╪════════╡
        │ day    ┆      3 │
        │ zone   ┆      3 │
        │ fare   ┆      2 │
        └────────┴────────┘
    "#]]
    .assert_eq(&run("count {} --columns", &[&input]).printed());
    assert_eq!(run("count {} --block-size 10000", &[&testdata("weather.csv")]).printed(), "26115\n");
}

#[test]
fn explain_shows_what_reached_the_reader() {
    let (_folder, input) = folder_with("trips.csv", TRIPS);
    let line = "explain {} --select day --where fare>5";
    expect![[r#"
        fused plan: 1 partitions, divisions unknown, 1 tasks
          Fused [bounded]: one task a partition
            ReadCsv [bounded]: 1 files, 1 blocks of 67108864 bytes, 51 bytes in all, 1 read whole; columns: day; filter: (fare > 5)
    "#]]
    .assert_eq(&run(line, &[&input]).printed());
    expect![[r#"
        written plan: 1 partitions, divisions unknown, 3 tasks
          Project [bounded]: day
            Filter [bounded]: (fare > 5)
              ReadCsv [bounded]: 1 files, 1 blocks of 67108864 bytes, 51 bytes in all; columns: day, zone, fare
    "#]]
    .assert_eq(&run(&format!("{line} --stage written"), &[&input]).printed());
}

#[test]
fn a_schema_file_says_what_inference_found() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weather.schema.json");
    let input = testdata("weather.csv");
    let shown = run("schema {} --null-values NA", &[&input]).printed();
    assert!(shown.contains("time_hour") && shown.contains("Timestamp(us, \"UTC\")"), "{shown}");
    run("schema {} --null-values NA --write {}", &[&input, &file]).quiet();
    let text = fs::read_to_string(&file).unwrap();
    assert_eq!(run("schema {} --null-values NA --json", &[&input]).printed(), text);
    run("schema {} --write {}", &[&input, &file]).refused(1, &["weather.schema.json", "--overwrite"]);

    // The null value is in the file: nothing else has to be said.
    let (with, without) = (folder.path().join("with"), folder.path().join("without"));
    run("convert {} --schema {} --to {} --progress none", &[&input, &file, &with]).quiet();
    run("convert {} --null-values NA --to {} --progress none", &[&input, &without]).quiet();
    assert_eq!(rows(&with), rows(&without));

    fs::write(&file, text.replace("\"Int64\"", "\"Int32\"")).unwrap();
    let edited = folder.path().join("edited");
    let line = "convert {} --schema {} --dtype hour=UInt8 --to {} --progress none";
    run(line, &[&input, &file, &edited]).quiet();
    let types = types(&rows(&edited));
    assert_eq!((types[1].1.as_str(), types[4].1.as_str()), ("Int32", "UInt8"));

    run("schema {} --overwrite --write {}", &[&testdata("airlines.csv"), &file]).quiet();
    run("convert {} --schema {} --to {}/x", &[&input, &file, folder.path()]).refused(1, &["carrier"]);
    fs::write(&file, "{\"columns\": 1}").unwrap();
    run("head {} --schema {}", &[&input, &file]).refused(1, &["weather.schema.json", "line 1"]);
    assert_eq!(names(folder.path()), ["edited", "weather.schema.json", "with", "without"]);
}

#[test]
fn versions_are_printed_as_text_or_json() {
    let text = run("versions", &[]).printed();
    assert!(text.starts_with(&format!("partita {}\n", env!("CARGO_PKG_VERSION"))), "{text}");
    let json: serde_json::Value = serde_json::from_str(&run("versions --json", &[]).printed()).unwrap();
    assert_eq!(json["partita"], env!("CARGO_PKG_VERSION"));
    assert!(run("--version", &[]).printed().contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let mut command = command(words("head {} -n 20000", &[&testdata("weather.csv")]));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let ran = finish(child);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
}

#[test]
fn clean_removes_what_dead_runs_have_left() {
    let folder = tempfile::tempdir().unwrap();
    let dead = folder.path().join("partita-spill-1-2");
    std::fs::create_dir(&dead).unwrap();
    std::fs::write(dead.join("lock"), "").unwrap();
    std::fs::write(dead.join("0.frames"), "rows of nobody").unwrap();
    let dir = folder.path();
    assert_eq!(run("clean {}", &[dir]).printed(), format!("removed {}\n", dead.display()));
    assert_eq!(run("clean {}", &[dir]).printed(), "nothing to remove\n");
    assert!(!dead.exists());
}
