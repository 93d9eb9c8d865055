//! Damaged files: read in one block by one thread, and again in small blocks; both say the same.

use std::path::Path;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use partita::{CsvReader, Encoding, Ragged, Scheduler, Session, arrow};

use crate::folder::{Corpora, Entry};
use crate::guard;
use crate::random::Random;

/// Larger files are left to the other tests: here many are read.
const BYTES_MAX: u64 = 6000;
/// What is inserted.
const INSERTED: [&[u8]; 15] = [
    b"\"",
    b"\"\"",
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b",",
    b"\"\n",
    b"\n\"",
    b"\\",
    b"#",
    b"\xEF\xBB\xBF",
    b"\xFF",
    b"'",
    b"9999999999999999999999",
];

pub(crate) fn check(corpora: &Corpora, count: usize) {
    let entries: Vec<Entry> = corpora
        .csv_files()
        .into_iter()
        .filter(|entry| std::fs::metadata(&entry.path).is_ok_and(|file| file.len() <= BYTES_MAX))
        .collect();
    guard::watched(Duration::from_secs(30), move || {
        let started = Instant::now();
        let bench = Bench::new();
        let originals: Vec<Vec<u8>> =
            entries.iter().map(|entry| std::fs::read(&entry.path).expect("a file")).collect();
        let (mut tables, mut wrong) = (0, Vec::new());
        for seed in 0..count {
            let mut random = Random(seed as u64);
            let number = random.below(originals.len());
            let other = &originals[random.below(originals.len())];
            let bytes = mutated(&originals[number], other, &mut random);
            let name = format!("mutation {seed} of {}", entries[number].file);
            guard::doing(&name);
            match bench.compare(&bytes, &mut random) {
                Ok(is_table) => tables += usize::from(is_table),
                Err(problem) => {
                    wrong.push(format!("{name}: {problem}\n  {:?}", bytes.escape_ascii().to_string()));
                }
            }
            assert!(wrong.len() < 20, "{}", wrong.join("\n"));
        }
        let seconds = started.elapsed().as_secs_f64();
        eprintln!("{count} mutations of {} files: {tables} tables, {seconds:.1} s", entries.len());
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let peak = guard::peak_memory_bytes().unwrap_or(0);
        assert!(peak < 1 << 30, "peak memory of {} MiB", peak >> 20);
    });
}

/// One to four wounds.
fn mutated(original: &[u8], other: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(bytes.len() + 1);
        let to = (at + random.below(64)).min(bytes.len());
        match random.below(8) {
            0 => bytes.truncate(at),
            1 if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            2 | 3 => drop(bytes.splice(at..at, INSERTED[random.below(INSERTED.len())].iter().copied())),
            4 => {
                let copy = bytes[at..to].to_vec();
                bytes.splice(to..to, copy);
            }
            5 => drop(bytes.drain(at..to)),
            6 => {
                let from = random.below(other.len() + 1);
                bytes.splice(at.., other[from..].iter().copied());
            }
            _ => {
                let end = if random.once_in(2) { "\r\n" } else { "\n" };
                let line = format!("{end}{},\"{}\"{end}", random.below(1000), random.below(1000));
                bytes.splice(at..at, line.bytes());
            }
        }
    }
    bytes
}

/// Two sessions, and a file that is written over and over.
struct Bench {
    single: Session,
    threaded: Session,
    folder: tempfile::TempDir,
}

type Batches = partita::Result<Option<RecordBatch>>;

impl Bench {
    fn new() -> Self {
        let session = |scheduler| {
            let builder = Session::builder().memory_limit("512MiB").threads(2).scheduler(scheduler);
            builder.build().expect("a session")
        };
        Self {
            single: session(Scheduler::SingleThreaded),
            threaded: session(Scheduler::Threaded),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    /// Whether it is a table; an error where the readings differ, or one panics.
    fn compare(&self, bytes: &[u8], random: &mut Random) -> Result<bool, String> {
        let path = self.folder.path().join("mutation.csv");
        std::fs::write(&path, bytes).expect("a file");
        let options = Options::random(random);
        let whole = all(&self.single, &path, options, 1 << 20)?;
        let session = if random.once_in(2) { &self.single } else { &self.threaded };
        // Mostly a few blocks: a task for each byte is slow, and the decoder's own tests have it.
        let size =
            if random.once_in(8) { 1 + random.below(16) } else { 1 + random.below(bytes.len().max(16)) };
        let size = size.max(bytes.len() / 256);
        let parts = all(session, &path, options, size)?;
        let what = format!("{options:?}, blocks of {size}, {:?}", session.scheduler());
        match (whole, parts) {
            (Ok(whole), Ok(parts)) if whole == parts => Ok(true),
            (Err(one), Err(many)) => {
                let unclean = [one, many].into_iter().map(|error| error.to_string());
                match unclean.into_iter().find(|text| text.is_empty() || text.contains("panicked")) {
                    Some(text) => Err(format!("{what}: an unclean error: {text}")),
                    None => Ok(false),
                }
            }
            (whole, parts) => Err(format!("{what}: {}\n  is not\n  {}", shown(&whole), shown(&parts))),
        }
    }
}

fn shown(outcome: &Batches) -> String {
    match outcome {
        Ok(None) => "no rows".to_owned(),
        Ok(Some(batch)) => format!("{} rows: {:?}", batch.num_rows(), batch.columns()),
        Err(error) => format!("an error: {error}"),
    }
}

#[derive(Debug, Clone, Copy)]
struct Options {
    quote: Option<u8>,
    escape: Option<u8>,
    comment: Option<u8>,
    trim: bool,
    has_header: bool,
    ragged: Ragged,
    encoding: Encoding,
}

impl Options {
    /// The defaults in half of all cases.
    fn random(random: &mut Random) -> Self {
        let plain = random.once_in(2);
        let mut sometimes = |times| !plain && random.once_in(times);
        Self {
            quote: (!sometimes(6)).then_some(b'"'),
            escape: sometimes(4).then_some(b'\\'),
            comment: sometimes(3).then_some(b'#'),
            trim: sometimes(3),
            has_header: !sometimes(3),
            ragged: if sometimes(3) { Ragged::Skip } else { Ragged::Pad },
            encoding: match (sometimes(4), sometimes(4)) {
                (true, _) => Encoding::Utf8Lossy,
                (false, true) => Encoding::Windows1252,
                (false, false) => Encoding::Utf8,
            },
        }
    }

    fn apply(self, reader: CsvReader) -> CsvReader {
        reader
            .quote(self.quote)
            .escape(self.escape)
            .comment(self.comment)
            .trim(self.trim)
            .has_header(self.has_header)
            .ragged(self.ragged)
            .encoding(self.encoding)
    }
}

fn all(session: &Session, path: &Path, options: Options, block: usize) -> Result<Batches, String> {
    let read = || -> Batches {
        let frame = options.apply(session.read_csv(path)).block_size(block).load()?;
        let batches = frame.compute_batches()?;
        let Some(first) = batches.first() else { return Ok(None) };
        let all = concat_batches(&first.schema(), &batches)?;
        Ok((all.num_rows() > 0).then_some(all))
    };
    guard::caught(read).map_err(|place| format!("panicked: {place}"))
}
