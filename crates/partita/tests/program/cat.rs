//! `cat`: rows on standard output and in files of other formats; `agg`; `describe`.

use std::fs;
use std::io::Read;

use crate::support::{command, finish, folder_with, rows, run, run_piped, words};

const ROWS: &str = "day,zone,fare\n2024-02-29,\"a, b\",12.50\n2024-03-01,,0\n2024-03-02,\"\",1e-9\n";

#[test]
fn rows_go_to_standard_output() {
    let (_folder, path) = folder_with("trips.csv", ROWS);
    let out = run("cat {}", &[&path]).printed();
    assert_eq!(out, "day,zone,fare\n2024-02-29,\"a, b\",12.5\n2024-03-01,,0.0\n2024-03-02,\"\",1e-9\n");
    let out =
        run("cat {} --where fare>0 --select fare,zone --format tsv --to-null - --to-no-header", &[&path]);
    assert_eq!(out.printed(), "12.5\ta, b\n1e-9\t\"\"\n");
    let out = run("cat {} --select zone --to-separator ;", &[&path]).printed();
    assert_eq!(out, "zone\na, b\n\"\"\n\"\"\n");
}

#[test]
fn files_have_the_format_of_their_names() {
    let (folder, path) = folder_with("trips.csv", ROWS);
    let target = |name: &str| folder.path().join(name);
    let text = |name: &str| fs::read_to_string(target(name)).unwrap();
    run("cat {} --to {}", &[&path, &target("a.csv")]).quiet();
    assert_eq!(text("a.csv"), run("cat {}", &[&path]).printed());
    run("cat {} --to {}", &[&path, &target("a.TSV")]).quiet();
    assert!(text("a.TSV").starts_with("day\tzone\tfare\n2024-02-29\ta, b\t12.5\n"));
    run("cat {} --to {}", &[&path, &target("a.parquet")]).quiet();
    assert_eq!(rows(&target("a.parquet")).num_rows(), 3);
    run("cat {} --to {} --format csv", &[&path, &target("parts")]).quiet();
    assert_eq!(text("parts/part-00000.csv"), text("a.csv"));
    assert!(text("parts/_partita.json").contains("\"separator\": 44"));
    // What is there stays, unless it is to be replaced.
    run("cat {} --to {}", &[&path, &target("a.csv")]).refused(1, &["a.csv", "overwrite"]);
    run("cat {} --to {} --overwrite --where fare>1", &[&path, &target("a.csv")]).quiet();
    assert_eq!(text("a.csv").lines().count(), 2);
}

#[test]
fn lists_of_groups_go_to_formats_that_have_lists() {
    let (_folder, path) = folder_with("trips.csv", "zone,fare\nA,1\nB,2\nA,3\nA,\n");
    let line = "agg {} --by zone --agg collect_list(fare) --sort --format";
    let out = run(&format!("{line} ndjson"), &[&path]).printed();
    assert_eq!(out, "{\"zone\":\"A\",\"fare\":[1,3,null]}\n{\"zone\":\"B\",\"fare\":[2]}\n");
    run(&format!("{line} csv"), &[&path]).refused(1, &["List(Int64)", "no form in CSV"]);
}

#[test]
fn json_and_arrow_have_names_of_their_own() {
    let (folder, path) = folder_with("trips.csv", ROWS);
    let target = |name: &str| folder.path().join(name);
    let lines =
        "{\"zone\":\"a, b\",\"fare\":12.5}\n{\"zone\":null,\"fare\":0.0}\n{\"zone\":\"\",\"fare\":1.0e-9}\n";
    let out = run("cat {} --select zone,fare --format ndjson", &[&path]).printed();
    assert_eq!(out, lines);
    for name in ["a.ndjson", "a.jsonl"] {
        run("cat {} --select zone,fare --to {}", &[&path, &target(name)]).quiet();
        assert_eq!(fs::read_to_string(target(name)).unwrap(), lines);
    }
    let out = run("cat {} --select zone,fare --format ndjson --to-skip-nulls", &[&path]).printed();
    assert!(out.contains("\n{\"fare\":0.0}\n"), "{out}");
    for (name, compression) in [("a.arrow", "none"), ("a.feather", "lz4"), ("a.ipc", "zstd")] {
        run(&format!("cat {{}} --to {{}} --to-compression {compression}"), &[&path, &target(name)]).quiet();
        let file = fs::File::open(target(name)).unwrap();
        let read = arrow_ipc::reader::FileReader::try_new(file, None).unwrap();
        let read: Vec<_> = read.map(|batch| batch.unwrap()).collect();
        assert_eq!((read.len(), read[0].num_rows(), read[0].num_columns()), (1, 3, 3));
    }
    // A stream is the same file.
    run("cat {} --to {} --format arrow", &[&path, &target("b")]).quiet();
    assert!(target("b/part-00000.arrow").is_file() && target("b/_partita.json").is_file());
    run("cat {} --to-compression lz4", &[&path]).refused(2, &["Arrow IPC alone"]);
    run("cat {} --to-skip-nulls", &[&path]).refused(2, &["JSON alone"]);
}

#[test]
fn wrong_usage_is_said_before_anything_is_read() {
    let (folder, path) = folder_with("trips.csv", ROWS);
    let target = |name: &str| folder.path().join(name);
    run("cat {} --to {}", &[&path, &target("a.xyz")]).refused(2, &["a.xyz", ".parquet", "--format"]);
    run("cat {} --format parquet", &[&path]).refused(2, &["name a file"]);
    run("cat {} --to {} --to-null x", &[&path, &target("a.parquet")]).refused(2, &["CSV alone"]);
    run("cat {} --to-separator 1", &[&path]).refused(2, &["separator: expected"]);
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let many = "n,m\n".to_owned() + &(0..400_000).map(|n| format!("{n},{n}\n")).collect::<String>();
    let (_folder, path) = folder_with("many.csv", &many);
    let mut child = command(words("cat {}", &[&path])).spawn().unwrap();
    let mut head = [0; 8];
    child.stdout.take().unwrap().read_exact(&mut head).unwrap();
    assert_eq!(&head, b"n,m\n0,0\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn describe_says_what_the_values_are_like() {
    let (_folder, path) = folder_with("trips.csv", ROWS);
    let out = run("describe {} --where fare>=0", &[&path]).printed();
    let row = |name: &str| out.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{out}"));
    assert!(row("count").contains('3'), "{out}");
    assert!(row("max").contains("12.5") && row("mean").contains("4.16666"), "{out}");
}

#[test]
fn json_and_arrow_are_read_wherever_csv_is() {
    let (folder, path) = folder_with("trips.csv", ROWS);
    let target = |name: &str| folder.path().join(name);
    for name in ["a.ndjson", "a.jsonl", "a.arrow", "a.feather", "a.ipc", "a.parquet"] {
        let file = target(name);
        run("cat {} --to {}", &[&path, &file]).quiet();
        let out = run("cat {} --select zone,fare --where fare>0", &[&file]).printed();
        assert_eq!(out, "zone,fare\n\"a, b\",12.5\n\"\",1e-9\n", "{name}");
        assert_eq!(run("count {}", &[&file]).printed(), "3\n");
        assert!(run("schema {}", &[&file]).printed().contains("fare"), "{name}");
        assert!(run("head {} -n 1", &[&file]).printed().contains("12.5"), "{name}");
        assert!(run("describe {}", &[&file]).printed().contains("12.5"), "{name}");
        let out = target("out.parquet");
        run("convert {} --to {} --overwrite --progress none", &[&file, &out]).quiet();
        assert_eq!(rows(&out).num_rows(), 3, "{name}");
        // Through a pipe the first bytes say what it is.
        let piped = run_piped("cat - --select fare", &[], &fs::read(&file).unwrap()).printed();
        assert_eq!(piped, "fare\n12.5\n0.0\n1e-9\n", "{name}");
        let text = run("head {} --separator ;", &[&file]);
        text.refused(2, &["of the flags for reading CSV only"]);
    }
    let lines = target("a.ndjson");
    let day = run("schema {} --dtype day=Date32", &[&lines]).printed();
    assert!(day.contains("Date32"), "{day}");
    fs::write(&lines, "{\"a\": 1}\n{\"a\": 1, \"a\": 2}\n").unwrap();
    run("cat {}", &[&lines]).refused(1, &["a.ndjson: line 2", "occurs twice"]);
    run_piped("cat -", &[], b"{\"a\": 1}\n{\"a\": }\n").refused(1, &["<stdin>: byte 15", "expected a value"]);
    run("cat {} --ignore-unknown", &[&path]).refused(2, &["lines of JSON alone"]);
}

#[test]
fn groups_go_where_rows_go() {
    let text = "zone,fare,tip\nB,10.0,1.0\nA,20.0,\n,5.0,5.0\nB,30.0,3.0\n\"a, b\",1.0,0.5\n";
    let (folder, path) = folder_with("trips.csv", text);
    let target = folder.path().join("zones.parquet");
    let agg = |by: &str, agg: &str, more: &[&str]| {
        let mut args = vec!["agg", path.to_str().unwrap(), "--by", by, "--agg", agg];
        args.extend(more);
        finish(command(args).spawn().unwrap())
    };
    let sums = agg("zone", "sum(fare) as fare, len()", &["--sort"]).printed();
    assert_eq!(sums, "zone,fare,len\nA,20.0,1\nB,40.0,2\n\"a, b\",1.0,1\n");
    let share = "sum(tip) / sum(fare) as share";
    let shares = agg("zone", share, &["--sort", "--null-keys", "--where", "fare > 1"]).printed();
    assert_eq!(shares, "zone,share\nA,0.0\nB,0.1\n,1.0\n");
    let sizes = agg("fare >= 10 as large", "mean(fare) as fare", &["--sort"]).printed();
    assert_eq!(sizes, "large,fare\nfalse,3.0\ntrue,20.0\n");
    agg("zone", "max(tip)", &["--to", target.to_str().unwrap()]).quiet();
    assert_eq!(rows(&target).num_rows(), 3);
    agg("zone", "max(tip)", &["--to", target.to_str().unwrap()]).refused(1, &["zones.parquet", "overwrite"]);
    agg("zon", "max(tip)", &[]).refused(1, &["zone"]);
    agg("zone", "tip", &[]).refused(1, &["tip", "sum()"]);
    agg("zone", "max(tip),", &[]).refused(2, &["expected an expression"]);
    agg("list", "sum(max(tip))", &[]).refused(1, &["list"]);
}
