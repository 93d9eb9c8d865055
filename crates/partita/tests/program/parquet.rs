//! Parquet as input of every command.

use expect_test::expect;

use crate::support::{folder_with, run, run_piped};

const TRIPS: &str = "day,zone,fare\n2020-01-01,A,2.5\n2020-01-02,B,\n2020-01-03,A,10\n";

/// A folder with the rows of [`TRIPS`] in `trips.parquet`, and in folders by zone.
fn folder() -> tempfile::TempDir {
    let (folder, input) = folder_with("trips.csv", TRIPS);
    let (file, by) = (folder.path().join("trips.parquet"), folder.path().join("by"));
    run("convert {} --to {} --progress none", &[&input, &file]).quiet();
    run("convert {} --to {} --partition-on zone --progress none", &[&input, &by]).quiet();
    folder
}

#[test]
fn commands_take_files_and_folders() {
    let folder = folder();
    let (file, by) = (folder.path().join("trips.parquet"), folder.path().join("by"));
    let expected = expect![[r#"
        ┌────────────┬──────┬─────────┐
        │ day        ┆ zone ┆    fare │
        │ Date32     ┆ Utf8 ┆ Float64 │
        ╞════════════╪══════╪═════════╡
        │ 2020-01-01 ┆ A    ┆     2.5 │
        │ 2020-01-02 ┆ B    ┆    null │
        └────────────┴──────┴─────────┘
    "#]];
    expected.assert_eq(&run("head {} -n 2", &[&file]).printed());
    let bytes = std::fs::read(&file).unwrap();
    expected.assert_eq(&run_piped("head - -n 2", &[], &bytes).printed());
    // Without the ending it is known by its first bytes.
    let plain = folder.path().join("trips");
    std::fs::copy(&file, &plain).unwrap();
    expected.assert_eq(&run("head {} -n 2", &[&plain]).printed());
    assert_eq!(run("count {}", &[&by]).printed(), "3\n");
    assert_eq!(run("count {} --where zone='A'", &[&by]).printed(), "2\n");
    let schema = run("schema {}", &[&by]).printed();
    assert!(schema.contains("zone") && schema.contains("Date32"), "{schema}");
    assert!(run("schema {} --json", &[&file]).printed().contains("\"fare\""));
    let plan = run("explain {} --where zone='A' --select fare", &[&by]).printed();
    assert!(plan.contains("ReadParquet") && plan.contains("1 of 2 row groups"), "{plan}");
    let tail = run("tail {} -n 1 --select fare", &[&file]).printed();
    assert!(tail.contains("10.0"), "{tail}");
}

#[test]
fn parquet_is_converted_again() {
    let folder = folder();
    let (by, out) = (folder.path().join("by"), folder.path().join("out.parquet"));
    run("convert {} --to {} --where fare>1 --progress none", &[&by, &out]).quiet();
    assert_eq!(run("count {}", &[&out]).printed(), "2\n");
    run("convert {} --to {} --overwrite --progress none", &[&by, &by]).refused(1, &["by"]);
    assert_eq!(run("count {}", &[&by]).printed(), "3\n");
}

#[test]
fn flags_of_csv_are_refused() {
    let folder = folder();
    let file = folder.path().join("trips.parquet");
    run("head {} --separator ;", &[&file]).refused(2, &["the input is Parquet", "--usecols"]);
    assert!(!run("head {} --usecols day", &[&file]).printed().contains("fare"));
    assert!(run("head {} --include-path file", &[&file]).printed().contains("trips.parquet"));
}
