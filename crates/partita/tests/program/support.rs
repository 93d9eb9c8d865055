//! Running the program, and reading what it wrote.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use partita::arrow::array::RecordBatch;
use partita::arrow::compute::concat_batches;
use partita::arrow::datatypes::SchemaRef;
use tempfile::TempDir;

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The run went well and said nothing.
    #[track_caller]
    pub(crate) fn quiet(self) {
        assert_eq!((self.code, self.out.as_str(), self.err.as_str()), (0, "", ""), "{self:?}");
    }

    /// The run went well; what it printed.
    #[track_caller]
    pub(crate) fn printed(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    /// The run ended with `code`, printed nothing and said all of `words` on standard error.
    #[track_caller]
    pub(crate) fn refused(self, code: i32, words: &[&str]) {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        assert!(self.err.starts_with("error: "), "{}", self.err);
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in:\n{}", self.err);
        }
    }
}

/// The program, about to run. Standard input is empty.
pub(crate) fn command<A: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = A>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_partita"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the program with the words of `line`; `{}` in it stands for the next of `paths`.
pub(crate) fn run(line: &str, paths: &[&Path]) -> Ran {
    finish(command(words(line, paths)).spawn().unwrap())
}

/// The words of a command line.
pub(crate) fn words(line: &str, paths: &[&Path]) -> Vec<String> {
    let mut paths = paths.iter();
    let word = |word: &str| match word.find("{}") {
        Some(_) => word.replace("{}", paths.next().unwrap().to_str().unwrap()),
        None => word.to_owned(),
    };
    line.split_whitespace().map(word).collect()
}

pub(crate) fn finish(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

/// Runs the program with `input` on its standard input, through a pipe.
pub(crate) fn run_piped(line: &str, paths: &[&Path], input: &[u8]) -> Ran {
    let mut child = command(words(line, paths)).stdin(Stdio::piped()).spawn().unwrap();
    // A program that has what it wants reads no more.
    let _ = child.stdin.take().unwrap().write_all(input);
    finish(child)
}

/// A file of the repository's test data.
pub(crate) fn testdata(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata").join(name)
}

/// A temporary folder with one file in it.
pub(crate) fn folder_with(name: &str, text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    (folder, path)
}

/// Names in a folder, hidden ones too, in order.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = entries.collect();
    names.sort();
    names
}

/// All files of a folder with their bytes.
pub(crate) fn contents(folder: &Path) -> Vec<(String, Vec<u8>)> {
    names(folder).into_iter().map(|name| (name.clone(), fs::read(folder.join(name)).unwrap())).collect()
}

/// The Parquet files of a target, in order.
pub(crate) fn parts(target: &Path) -> Vec<PathBuf> {
    if target.is_file() {
        return vec![target.to_owned()];
    }
    let parts = names(target).into_iter().filter(|name| name.ends_with(".parquet"));
    parts.map(|name| target.join(name)).collect()
}

/// What the `parquet` crate says about one file before it reads it.
pub(crate) fn opened(part: &Path) -> ParquetRecordBatchReaderBuilder<File> {
    ParquetRecordBatchReaderBuilder::try_new(File::open(part).unwrap()).unwrap()
}

/// All rows of a target, read through the `parquet` crate.
pub(crate) fn rows(target: &Path) -> RecordBatch {
    let mut schema: Option<SchemaRef> = None;
    let mut batches = Vec::new();
    for part in parts(target) {
        let builder = opened(&part);
        schema.get_or_insert_with(|| Arc::clone(builder.schema()));
        batches.extend(builder.build().unwrap().map(Result::unwrap));
    }
    concat_batches(&schema.unwrap(), &batches).unwrap()
}

/// Names and types of a batch's columns.
pub(crate) fn types(batch: &RecordBatch) -> Vec<(String, String)> {
    let fields = batch.schema();
    fields
        .fields()
        .iter()
        .map(|field| (field.name().clone(), partita::type_name(field.data_type())))
        .collect()
}

/// The rows as text, one line a row, values between commas, `null` where there is none.
pub(crate) fn lines(batch: &RecordBatch) -> Vec<String> {
    use partita::arrow::util::display::{ArrayFormatter, FormatOptions};
    let options = FormatOptions::default().with_null("null");
    let columns: Vec<_> =
        batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
    let line = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join(",");
    (0..batch.num_rows()).map(line).collect()
}

/// Waits until `there` finds something, for at most a minute.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(found) = there() {
            return found;
        }
        assert!(Instant::now() < deadline, "no {what} within a minute");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a signal as a terminal does.
pub(crate) fn interrupt(child: &Child) {
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}
