use std::sync::Arc;

use arrow::datatypes::DataType;

use super::*;

fn input(text: &[u8]) -> Arc<dyn ReadAt> {
    Arc::new(text.to_vec())
}

fn header(text: &str, options: &ReadOptions) -> Header {
    read("a.csv", &input(text.as_bytes()), options).expect("a header")
}

fn names(text: &str) -> Vec<String> {
    header(text, &ReadOptions::default()).names
}

fn refusal(text: &[u8], options: &ReadOptions) -> String {
    read("a.csv", &input(text), options).expect_err("no header").to_string()
}

#[test]
fn names_are_those_of_the_first_record() {
    assert_eq!(names("a,b\n1,2\n"), ["a", "b"]);
    assert_eq!(names("\u{feff}a,b\n1,2\n"), ["a", "b"]);
    assert_eq!(names("\n\na,b\r\n1,2\r\n"), ["a", "b"]);
    assert_eq!(names("\"a\nx\",\"b \"\"c\"\"\"\n"), ["a\nx", "b \"c\""]);
    assert_eq!(names("a,b"), ["a", "b"]);
    assert_eq!(names(" a, b\n"), [" a", " b"], "kept as they are");
}

#[test]
fn blank_and_repeated_names_are_made_distinct() {
    assert_eq!(names("a,,a, ,a_1\n"), ["a", "column_2", "a_2", "column_4", "a_1"]);
    assert_eq!(names(",column_1\n"), ["column_1", "column_1_1"]);
}

#[test]
fn data_begin_behind_the_header() {
    let options = ReadOptions::default();
    assert_eq!(header("a,b\n1,2\n", &options).data_start, 4);
    assert_eq!(header("\u{feff}a,b\r\n1,2\n", &options).data_start, 8);
    assert_eq!(header("a,b", &options).data_start, 3);
    let skip = ReadOptions { skip_rows: 2, ..ReadOptions::default() };
    let skipped = header("# made by \"x\nrun 5\na,b\n1,2\n", &skip);
    assert_eq!(
        (skipped.names.as_slice(), skipped.data_start),
        (["a".to_owned(), "b".to_owned()].as_slice(), 23)
    );
    let bare = ReadOptions { has_header: false, skip_rows: 1, ..ReadOptions::default() };
    let bare = header("x\n1,2,3\n", &bare);
    assert_eq!(
        (bare.names.as_slice(), bare.data_start),
        (["column_1", "column_2", "column_3"].map(str::to_owned).as_slice(), 2)
    );
    let comments = ReadOptions { comment: Some(b'#'), ..ReadOptions::default() };
    assert_eq!(header("# head\na,b\n1,2\n", &comments).data_start, 11);
}

#[test]
fn lines_may_end_with_a_lone_return() {
    let old = header("a,b\r1,2\r", &ReadOptions::default());
    assert_eq!((old.dialect.line_end, old.width(), old.data_start), (LineEnd::Any, 2, 4));
    assert_eq!(header("a,b\r\n1,2\r\n", &ReadOptions::default()).dialect.line_end, LineEnd::Lf);
    assert_eq!(header("\"a\rx\",b\n1,2\n", &ReadOptions::default()).dialect.line_end, LineEnd::Lf);
    assert_eq!(header("a,b\r", &ReadOptions::default()).dialect.line_end, LineEnd::Lf);
    // A `\r` that is the last byte of what was read first.
    let wide = format!("{},b\r\n1,2\r\n", "a".repeat(HEAD_BYTES - 3));
    assert_eq!(header(&wide, &ReadOptions::default()).dialect.line_end, LineEnd::Lf);
}

#[test]
fn a_lone_return_up_to_the_header_makes_every_line_end_count() {
    let ends = |text: &str, options: &ReadOptions| {
        let found = header(text, options);
        (found.dialect.line_end, found.names.join("|"), found.data_start)
    };
    let plain = ReadOptions::default();
    let skip = ReadOptions { skip_rows: 2, ..ReadOptions::default() };
    let comments = ReadOptions { comment: Some(b'#'), ..ReadOptions::default() };
    let any = |names: &str, start| (LineEnd::Any, names.to_owned(), start);
    let lf = |names: &str, start| (LineEnd::Lf, names.to_owned(), start);
    assert_eq!(ends("a,b\r1,2\n3,4\n", &plain), any("a|b", 4));
    assert_eq!(ends("\n\ra,b\n1,2\n", &plain), any("a|b", 6));
    assert_eq!(ends("\r\n\na,b\n1,2\r3,4", &plain), lf("a|b", 7));
    assert_eq!(ends("5\" \"x\n\"y\na,b\n1,2\n", &skip), lf("a|b", 13));
    assert_eq!(ends("one\r\ntwo\ra,b\n1,2\n", &skip), any("a|b", 13));
    assert_eq!(ends("one\rtwo\r\na,b\n1,2\n", &skip), any("a|b", 13));
    assert_eq!(ends("#x\ra,b\n1,2\n", &comments), any("a|b", 7));
    assert_eq!(ends("#x\na,b\r1,2\n", &comments), any("a|b", 7));
    assert_eq!(ends("a,\"b\r\"\n1,2\n", &plain), lf("a|b\r", 7));
    assert_eq!(ends("5\" x,b\r1,2\n", &plain), any("5\" x|b", 7));
}

#[test]
fn the_head_grows_until_its_first_line_has_ended() {
    for (end, expected) in [("\r", LineEnd::Any), ("\r\n", LineEnd::Lf), ("\n", LineEnd::Lf)] {
        for length in [HEAD_BYTES - 4, HEAD_BYTES - 3, HEAD_BYTES - 2, HEAD_BYTES, 3 * HEAD_BYTES] {
            let text = format!("{},b{end}1,2\n3,4\n", "a".repeat(length));
            let found = header(&text, &ReadOptions::default());
            let start = (length + 2 + end.len()) as u64;
            assert_eq!(
                (found.dialect.line_end, found.width(), found.data_start),
                (expected, 2, start),
                "{end:?}"
            );
            let skip = ReadOptions { skip_rows: 1, ..ReadOptions::default() };
            let found = header(&text, &skip);
            assert_eq!((found.dialect.line_end, found.data_start), (expected, start + 4), "{end:?}");
        }
    }
}

#[test]
fn given_names_count_more() {
    let named = |has_header, names: &[&str]| ReadOptions {
        has_header,
        names: Some(names.iter().map(|&name| name.into()).collect()),
        ..ReadOptions::default()
    };
    assert_eq!(header("a,b\n1,2\n", &named(true, &["x", "y"])).names, ["x", "y"]);
    assert_eq!(header("1,2\n", &named(false, &["x", "y"])).data_start, 0);
    assert_eq!(header("1,2\n", &named(false, &["x", "y", "z"])).width(), 3);
    assert_eq!(header("", &named(false, &["x"])).names, ["x"]);
    assert_eq!(refusal(b"a,b\n", &named(true, &["x"])), "a.csv: names has 1 columns and the header has 2");
}

#[test]
fn long_headers_are_read_and_too_long_ones_refused() {
    let wide: Vec<String> = (0..30_000).map(|column| format!("column number {column}")).collect();
    assert_eq!(names(&(wide.join(",") + "\n1\n")), wide);
    let options = ReadOptions { record_bytes_max: 100_000, ..ReadOptions::default() };
    let open = format!("\"{}", "a,b\n".repeat(100_000));
    assert!(
        refusal(open.as_bytes(), &options).starts_with("a.csv: byte 0: a record of more than 100000 bytes")
    );
}

#[test]
fn what_is_no_header_says_so() {
    let options = ReadOptions::default();
    assert!(refusal(b"\xFF\xFE\0\0a\0\0\0", &options).contains("UTF-32"));
    let half = refusal(b"\xFF\xFEa\0,\0b", &options);
    assert!(half.contains("byte 6 of UTF-16: the file ends in the middle of a character"), "{half}");
    assert!(refusal(b"a,b\xE9\n", &options).starts_with("a.csv: header, column 2: invalid UTF-8"));
    let latin = ReadOptions { encoding: super::super::text::Encoding::Latin1, ..ReadOptions::default() };
    assert_eq!(read("a.csv", &input(b"a,b\xE9\n"), &latin).expect("latin").names, ["a", "bé"]);
}

#[test]
fn headers_of_several_files_are_joined() {
    let options = ReadOptions::default();
    let union = ReadOptions { headers: Headers::Union, ..ReadOptions::default() };
    let files = |texts: &[&str]| -> Vec<Header> {
        let one = |(index, text): (usize, &&str)| {
            read(&format!("{index}.csv"), &input(text.as_bytes()), &options).expect("a header")
        };
        texts.iter().enumerate().map(one).collect()
    };
    assert_eq!(combine(&files(&["a,b\n", "b,a\n"]), &options).expect("the same"), ["a", "b"]);
    let different = files(&["a,b\n", "b,c\n"]);
    assert_eq!(combine(&different, &union).expect("a union"), ["a", "b", "c"]);
    assert_eq!(
        combine(&different, &options).expect_err("different").to_string(),
        "1.csv: its columns are not those of 0.csv: it lacks \"a\", it has \"c\" besides; to read all columns of all files, \
         with nulls where a file has none: .headers(Headers::Union) (--headers union)"
    );
}

#[test]
fn files_without_records_have_no_say() {
    let options = ReadOptions::default();
    let files = |texts: &[&str]| -> Vec<Header> { texts.iter().map(|text| header(text, &options)).collect() };
    for set in [&["", "a,b\n1,2\n", ""][..], &["\u{feff}\n\n", "a,b\n"], &["a,b\n", "\r\n"]] {
        assert_eq!(combine(&files(set), &options).expect("one has a header"), ["a", "b"]);
    }
    let types = [("a".to_owned(), DataType::Int64)];
    let block = CsvBlock::new(&header("", &options), &options, &types).expect("a block");
    assert_eq!(block.columns[0].source, super::super::reader::ColumnSource::Missing);
    assert_eq!(
        combine(&files(&["", "\n"]), &options).expect_err("no header").to_string(),
        "a.csv: the file has no columns: it is empty; give their names to read it as a table without rows"
    );
}

#[test]
fn a_changed_head_is_noticed() {
    let options = ReadOptions::default();
    let types = [("a".to_owned(), DataType::Int64), ("b".to_owned(), DataType::Int64)];
    let block = CsvBlock::new(&header("a,b\n1,2\n", &options), &options, &types).expect("a block");
    assert!(is_unchanged(&block, &input(b"a,b\n7,8\n9,0\n")).expect("read"));
    assert!(!is_unchanged(&block, &input(b"b,a\n1,2\n")).expect("read"));
    assert!(!is_unchanged(&block, &input(b"a")).expect("read"));
}
