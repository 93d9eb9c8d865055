//! A small job in all its ways, for the tests that disturb it.

use std::collections::BTreeMap;

use super::*;
use crate::storage::{Disk, LocalDisk};

pub(super) const PARTITIONS: usize = 4;
const PARTITION_ROWS: u64 = 10;

/// What is at the target before, and what the job does about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Plain,
    Overwrite,
    Append,
    /// Rows go to folders by their keys, and nothing was there.
    Folders,
    /// The same, and are added to others.
    AppendFolders,
    /// CSV is added to CSV.
    AppendRows,
}

pub(super) const MODES: [Mode; 5] =
    [Mode::Plain, Mode::Overwrite, Mode::Append, Mode::AppendFolders, Mode::AppendRows];

impl Mode {
    fn is_first(self) -> bool {
        matches!(self, Mode::Plain | Mode::Folders)
    }

    fn appends(self) -> bool {
        matches!(self, Mode::Append | Mode::AppendFolders | Mode::AppendRows)
    }

    fn keys(self) -> Vec<String> {
        let has = matches!(self, Mode::Folders | Mode::AppendFolders);
        if has { vec!["text".to_owned()] } else { Vec::new() }
    }

    fn job(self, name: &str) -> DatasetOptions {
        let mut options = job(name);
        if self == Mode::AppendRows {
            let csv = RowsFormat::Csv(CsvOptions::default());
            options.write = RowsOptions { file_per_partition: true, ..RowsOptions::new(csv) }.into();
            return options;
        }
        write_of(&mut options).partition_on = self.keys();
        options
    }
}

pub(super) fn local() -> Arc<dyn Disk> {
    Arc::new(LocalDisk)
}

/// One part a partition; the inputs and the plan are `name`.
pub(super) fn job(name: &str) -> DatasetOptions {
    let mut options = options();
    write_of(&mut options).file_per_partition = true;
    options.partitions = Some(PARTITIONS);
    options.inputs = vec![InputFingerprint { path: format!("{name}.csv"), bytes: 7, modified_ns: 1 }];
    options.plan = Some(PlanFingerprint::of([name]));
    options
}

pub(super) fn in_mode(mode: Mode, resume: bool, disk: Arc<dyn Disk>) -> DatasetOptions {
    let (overwrite, append) = (mode == Mode::Overwrite, mode.appends());
    DatasetOptions { overwrite, append, resume, sync: true, disk, ..mode.job("new") }
}

/// Writes one partition; the second has lines that are set aside.
pub(super) fn write_partition(dataset: &Dataset, partition: usize) -> Result<()> {
    if partition == 1 {
        dataset.set_aside(1, 0, b"{\"line\": 1}\n")?;
        dataset.set_aside(1, 1, b"{\"line\": 2}\n")?;
    }
    if !dataset.layout().key_columns().is_empty() {
        return write_by_key(dataset, partition);
    }
    let batch = rows(partition as u64 * PARTITION_ROWS, PARTITION_ROWS);
    dataset.write_row_group(partition, 0, encode(dataset, &batch))?;
    dataset.close_partition(partition, 1, PARTITION_ROWS)
}

/// Even numbers have no key, odd ones the key `a/b`.
fn write_by_key(dataset: &Dataset, partition: usize) -> Result<()> {
    let first = (partition as u64 * PARTITION_ROWS) as i64;
    let on = &parquet_layout(dataset).options().partition_on.clone();
    let mut keys = PartitionKeys::new(&schema(), on).unwrap();
    for odd in [0, 1] {
        let numbers = Int64Array::from_iter_values((first..first + 10).filter(|n| n % 2 == odd as i64));
        let texts = StringViewArray::from_iter(numbers.iter().map(|_| (odd == 1).then_some("a/b")));
        let batch = RecordBatch::try_new(schema(), vec![Arc::new(numbers), Arc::new(texts)]).unwrap();
        let number = keys.numbers(&batch).unwrap()[0];
        let row_group = encode(dataset, &batch.project(&[0]).unwrap());
        let row_group = row_group.with_key(Arc::clone(keys.key(number).unwrap()));
        dataset.write_row_group(partition, odd, row_group)?;
    }
    dataset.close_partition(partition, 2, PARTITION_ROWS)
}

/// Does the job, or what is left of it.
pub(super) fn run(target: &Path, options: DatasetOptions) -> Result<Written> {
    if let Some(written) = Dataset::complete(target, schema(), &options)? {
        return Ok(written);
    }
    let dataset = create(target, options)?;
    for partition in dataset.first_partition()..PARTITIONS {
        write_partition(&dataset, partition)?;
    }
    dataset.commit(Some(PARTITIONS as u64 * PARTITION_ROWS))
}

/// Does the first `partitions` partitions and ends with an error.
pub(super) fn begin(target: &Path, options: DatasetOptions, partitions: usize) {
    let dataset = create(target, options).unwrap();
    for partition in dataset.first_partition()..partitions {
        write_partition(&dataset, partition).unwrap();
    }
}

pub(super) type Snapshot = BTreeMap<PathBuf, Vec<u8>>;

/// All files below a folder, with their bytes; none where it is not there.
pub(super) fn snapshot(folder: &Path) -> Snapshot {
    let mut files = BTreeMap::new();
    let Ok(entries) = fs::read_dir(folder) else { return files };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(snapshot(&path));
        } else {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// What a reader sees that lists `*.parquet`, or `*.csv`.
pub(super) fn data_files(files: &Snapshot) -> Snapshot {
    let is_data =
        |path: &Path| path.extension().is_some_and(|extension| extension == "parquet" || extension == "csv");
    files
        .iter()
        .filter(|(path, _)| is_data(path))
        .map(|(path, bytes)| (path.clone(), bytes.clone()))
        .collect()
}

/// A folder with a target, and what was and what will be in it.
pub(super) struct Scene {
    home: tempfile::TempDir,
    pub(super) target: PathBuf,
    pub(super) mode: Mode,
    pub(super) before: Snapshot,
    pub(super) after: Snapshot,
}

impl Scene {
    pub(super) fn new(mode: Mode) -> Self {
        // In memory where that is to be had: everything is synced, over and over.
        let memory = Path::new("/dev/shm");
        let in_memory = tempfile::tempdir_in(memory).ok();
        let home = in_memory.unwrap_or_else(|| tempfile::tempdir().unwrap());
        fs::create_dir(home.path().join("root")).unwrap();
        let target = home.path().join("root/out");
        let mut scene = Self { home, target, mode, before: Snapshot::new(), after: Snapshot::new() };
        scene.set();
        run(&scene.target, in_mode(mode, false, local())).unwrap();
        scene.after = snapshot(&scene.target);
        assert!(scene.before != scene.after);
        scene.set();
        scene
    }

    /// The folder of the target.
    pub(super) fn root(&self) -> PathBuf {
        self.home.path().join("root")
    }

    /// A folder for removed files.
    pub(super) fn attic(&self) -> PathBuf {
        let attic = self.home.path().join("attic");
        let _ = fs::remove_dir_all(&attic);
        fs::create_dir(&attic).unwrap();
        attic
    }

    /// Puts everything back to the beginning.
    pub(super) fn set(&mut self) {
        fs::remove_dir_all(self.root()).unwrap();
        fs::create_dir(self.root()).unwrap();
        if !self.mode.is_first() {
            run(&self.target, self.mode.job("old")).unwrap();
        }
        self.before = snapshot(&self.target);
    }

    /// The target is the old or the new; whether it is the new.
    #[track_caller]
    pub(super) fn check_one_of_two(&self, what: &str) -> bool {
        let now = snapshot(&self.target);
        assert!(now == self.before || now == self.after, "{what}: {:?}", now.keys().collect::<Vec<_>>());
        let seen = data_files(&now);
        assert!(seen == data_files(&self.before) || seen == data_files(&self.after), "{what}");
        now == self.after
    }

    /// Nothing is beside the target.
    #[track_caller]
    pub(super) fn check_clean(&self, what: &str) {
        let left = listing(&self.root());
        let expected: &[&str] = if self.target.exists() { &["out"] } else { &[] };
        assert_eq!(left, expected, "{what}");
    }

    /// The next run does what is to be done, and leaves nothing beside.
    #[track_caller]
    pub(super) fn check_next_run(&self, resume: bool, what: &str) {
        // What was added once must not be added again.
        let resume = resume || snapshot(&self.target) == self.after;
        let overwrite = self.mode == Mode::Overwrite || (self.mode.is_first() && self.target.exists());
        let options = DatasetOptions { overwrite, ..in_mode(self.mode, resume, local()) };
        let written = run(&self.target, options);
        assert!(written.is_ok(), "{what}, then {}", written.unwrap_err());
        assert!(snapshot(&self.target) == self.after, "{what}, then another result");
        self.check_clean(what);
    }
}
